package connectortest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
)

// changed is a copy of a state with some things left out or altered.
func changed(s *access.State, object func(*access.Object) bool, grant func(*access.Grant) bool) (*access.State, error) {
	b := access.NewBuilder(s.System()).Identity(s.Identity()).Self(s.Self())
	for o := range s.Objects() {
		if object == nil || object(&o) {
			b.Object(o)
		}
	}
	for _, g := range s.Grants() {
		if grant == nil || grant(&g) {
			b.Grant(g)
		}
	}
	return b.Build()
}

// reads breaks whole reads.
func reads(object func(*access.Object) bool, grant func(*access.Grant) bool) func(*broken) {
	return func(b *broken) {
		b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
			s, err := b.Connector.Read(ctx, scope)
			if err != nil || !scope.Whole() {
				return s, err
			}
			return changed(s, object, grant)
		}
	}
}

// ignores makes an action do nothing and say that it did.
func ignores(a access.Action) func(*broken) {
	return func(b *broken) {
		b.apply = func(ctx context.Context, c access.Change) error {
			if c.Action == a {
				return ctx.Err()
			}
			return b.Connector.Apply(ctx, c)
		}
	}
}

// hides turns errors of one kind into something else.
func hides(kind error, into func(access.Change, error) error) func(*broken) {
	return func(b *broken) {
		b.apply = func(ctx context.Context, c access.Change) error {
			err := b.Connector.Apply(ctx, c)
			if errors.Is(err, kind) {
				return into(c, err)
			}
			return err
		}
	}
}

func mistakes() []mistake {
	return slices.Concat(descriptionMistakes(), readMistakes(), normalizeMistakes(), applyMistakes(), pathMistakes(), errorMistakes(), importMistakes())
}

func descriptionMistakes() []mistake {
	return []mistake{
		{"describes itself anew each time", []string{"describe/static"}, "differ", nil, func(b *broken) {
			n := 0
			b.describe = func(d access.Description) access.Description {
				n++
				d.Summary += fmt.Sprint(n)
				return d
			}
		}},
		{"says it takes no call at a time", []string{"describe/complete"}, "Parallel is 0", nil, func(b *broken) {
			b.describe = func(d access.Description) access.Description { d.Parallel = 0; return d }
		}},
		{"promises batches it can't take", []string{"describe/complete"}, "ApplyBatch", nil, func(b *broken) {
			b.describe = func(d access.Description) access.Description { d.Batch = access.BatchAll; return d }
		}},
		{"has a usual permission that nobody can hold", []string{"describe/complete"}, "usual permission", memory.Description(func(d *access.Description) {
			d.Kinds[1].Usual = "guest"
		}), nil},
		{"writes when it reads", []string{"plan/cannot-write"}, "reading changed", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				for o := range b.far.Dump().Objects() {
					c := update(o.ID, "comment", o.Attributes["comment"], fmt.Sprint("seen ", time.Now().UnixNano()))
					if o.ID.IsAccount() {
						if err := b.far.Do(c); err != nil {
							return nil, err
						}
					}
				}
				return b.Connector.Read(ctx, scope)
			}
		}},
		{"can be closed once", []string{"close/harmless"}, "already closed", nil, func(b *broken) {
			closed := false
			b.close = func() error {
				if closed {
					return errors.New("already closed")
				}
				closed = true
				return nil
			}
		}},
	}
}

func readMistakes() []mistake {
	return []mistake{
		{"drops the last page", []string{"read/sees-everything"}, "is missing", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				s, err := b.Connector.Read(ctx, scope)
				if err != nil || !scope.Whole() {
					return s, err
				}
				n := 0
				return changed(s, func(o *access.Object) bool { n++; return n <= 200 }, nil)
			}
		}},
		{"overlooks grants of groups", []string{"read/sees-everything"}, "is missing", nil,
			reads(nil, func(g *access.Grant) bool { return g.Subject.Kind != "group" })},
		{"doesn't see that an account is disabled", []string{"read/sees-everything", "apply/converges"}, "", nil,
			reads(func(o *access.Object) bool { o.Disabled = false; return true }, nil)},
		{"takes what is reserved for common", []string{"apply/spares-reserved"}, "which is reserved, was taken", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				err := b.Connector.Apply(ctx, c)
				if errors.Is(err, connectors.ErrUnsupported) && strings.Contains(err.Error(), "belongs to the system") {
					s, _ := changed(b.far.Dump(), func(o *access.Object) bool { return o.ID != c.Subject }, nil)
					b.far.Seed(s)
					return nil
				}
				return err
			}
		}},
		{"swallows a read error", []string{"read/all-or-error"}, "as if it weren't there", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				s, err := b.Connector.Read(ctx, scope)
				if errors.Is(err, connectors.ErrIncomplete) {
					n := access.NewBuilder(SystemName).Identity("half")
					if !scope.Whole() {
						n.Only(scope.IDs...)
					}
					return n.Build()
				}
				return s, err
			}
		}},
		{"returns half a state beside the error", []string{"read/all-or-error"}, "a state all the same", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				s, err := b.Connector.Read(ctx, scope)
				if errors.Is(err, connectors.ErrIncomplete) {
					s, _ = access.NewBuilder(SystemName).Build()
				}
				return s, err
			}
		}},
		{"ignores the context", []string{"read/honours-context", "apply/cancelled"}, "cancelled", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				return b.Connector.Read(context.WithoutCancel(ctx), scope)
			}
			b.apply = func(ctx context.Context, c access.Change) error {
				return b.Connector.Apply(context.WithoutCancel(ctx), c)
			}
		}},
		{"reads named accounts without their grants", []string{"read/scoped-agrees"}, "is missing", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				s, err := b.Connector.Read(ctx, scope)
				if err != nil || scope.Whole() {
					return s, err
				}
				n := access.NewBuilder(s.System()).Identity(s.Identity()).Only(scope.IDs...)
				for o := range s.Objects() {
					n.Object(o)
				}
				return n.Build()
			}
		}},
		{"answers for everything when asked for one", []string{"read/scoped-agrees"}, "claims to answer for everything", nil, func(b *broken) {
			b.read = func(ctx context.Context, _ connectors.Scope) (*access.State, error) {
				return b.Connector.Read(ctx, connectors.Scope{})
			}
		}},
		{"takes an invitation for a member", []string{"read/standing"}, "want pending", nil,
			reads(nil, func(g *access.Grant) bool { g.Standing = access.Held; return true })},
		{"has no identity", []string{"read/empty"}, "no identity", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				return access.NewBuilder(SystemName).Build()
			}
		}},
		{"shows what it saw before", []string{"apply/converges"}, "", nil, func(b *broken) {
			var last *access.State
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				now, err := b.Connector.Read(ctx, scope)
				if err != nil || !scope.Whole() {
					return now, err
				}
				if last == nil {
					last = now
				}
				return last, nil
			}
		}},
	}
}

func normalizeMistakes() []mistake {
	same := func(o access.Object) (access.Object, error) {
		o.Attributes = maps.Clone(o.Attributes)
		return o, nil
	}
	return []mistake{
		{"doesn't normalize", []string{"normalize/predicts-read", "normalize/maps-twins"}, "", memory.CaseBlind(), func(b *broken) {
			b.normalize = func(o access.Object) (access.Object, error) {
				if _, err := b.Connector.Normalize(o); err != nil {
					return o, err
				}
				return same(o)
			}
		}},
		{"takes everything", []string{"normalize/pure"}, "was taken", nil, func(b *broken) { b.normalize = same }},
		{"folds names that are said to stay", []string{"normalize/pure"}, "said to stay", nil, func(b *broken) {
			b.normalize = func(o access.Object) (access.Object, error) {
				o.ID.Name = strings.ToLower(o.ID.Name)
				return b.Connector.Normalize(o)
			}
		}},
		{"normalizes more each time", []string{"normalize/idempotent"}, "becomes", nil, func(b *broken) {
			b.normalize = func(o access.Object) (access.Object, error) {
				o, err := b.Connector.Normalize(o)
				o.ID.Name = "corp." + o.ID.Name
				return o, err
			}
		}},
		{"cuts off what was read", []string{"normalize/keeps-what-was-read"}, "name is", nil, func(b *broken) {
			b.normalize = func(o access.Object) (access.Object, error) {
				o, err := b.Connector.Normalize(o)
				delete(o.Attributes, "name")
				return o, err
			}
		}},
		{"scribbles on what it was given", []string{"normalize/pure"}, "changed the attributes", nil, func(b *broken) {
			b.normalize = func(o access.Object) (access.Object, error) {
				for k, v := range o.Attributes {
					o.Attributes[k] = strings.ToUpper(v)
				}
				return b.Connector.Normalize(o)
			}
		}},
		{"cuts long names off in silence", []string{"names/odd"}, "nnnn", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				if len(c.Subject.Name) > 63 {
					c.Subject.Name = strings.ToValidUTF8(c.Subject.Name[:63], "")
				}
				return b.Connector.Apply(ctx, c)
			}
		}},
		{"takes a name for a path", []string{"names/odd"}, "a/b", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				_, c.Subject.Name, _ = strings.Cut("/"+c.Subject.Name, "/")
				if i := strings.LastIndex(c.Subject.Name, "/"); i >= 0 {
					c.Subject.Name = c.Subject.Name[i+1:]
				}
				return b.Connector.Apply(ctx, c)
			}
		}},
	}
}

func applyMistakes() []mistake {
	return []mistake{
		{"ignores revocations", []string{"apply/declared", "apply/converges"}, "revoke lawful/", nil, ignores(access.Revoke)},
		{"ignores updates", []string{"apply/declared"}, "want", nil, ignores(access.Update)},
		{"disables nobody", []string{"apply/declared"}, "disabled is false, want true", nil, ignores(access.Disable)},
		{"deletes nothing", []string{"apply/declared"}, "shouldn't be", nil, ignores(access.Delete)},
		{"creates disabled accounts enabled", []string{"apply/declared"}, "disabled is false", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				if c.Action == access.Create {
					after := *c.After
					after.Disabled = false
					c.After = &after
				}
				return b.Connector.Apply(ctx, c)
			}
		}},
		{"grants more than was asked", []string{"apply/nothing-else"}, "shouldn't be", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				err := b.Connector.Apply(ctx, c)
				if err == nil && c.Action == access.Give && c.Target.Kind == "app" && c.After.Permission == "admin" {
					return b.far.Do(give(c.Subject, access.ID{Kind: "role", Name: "law-role-0"}, "member"))
				}
				return err
			}
		}},
		{"replaces all members where it should add one", []string{"apply/nothing-else"}, "is missing", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				err := b.Connector.Apply(ctx, c)
				if err != nil || c.Action != access.Give {
					return err
				}
				s, err := changed(b.far.Dump(), nil, func(g *access.Grant) bool {
					return g.Target != c.Target || g.Subject == c.Subject || g.Permission != c.After.Permission
				})
				b.far.Seed(s)
				return err
			}
		}},
		{"fails when it creates twice", []string{"apply/twice-is-once", "apply/lost-reply"}, "taken", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				if _, there := b.far.Dump().Object(c.Subject); there && c.Action == access.Create {
					return fmt.Errorf("%s is taken: %w", c.Subject, connectors.ErrConflict)
				}
				return b.Connector.Apply(ctx, c)
			}
		}},
		{"makes another one when it creates twice", []string{"apply/twice-is-once"}, "shouldn't be", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				if _, there := b.far.Dump().Object(c.Subject); there && c.Action == access.Create {
					c.Subject.Name += "-1"
				}
				return b.Connector.Apply(ctx, c)
			}
		}},
		{"takes a lost reply for a failure", []string{"apply/lost-reply"}, "its reply lost", nil,
			hides(connectors.ErrOutcomeUnknown, func(c access.Change, _ error) error { return fmt.Errorf("%s: connection reset", c) })},
		{"overwrites what changed meanwhile", []string{"apply/refuses-stale"}, "was taken", nil,
			func(b *broken) {
				b.apply = func(ctx context.Context, c access.Change) error {
					err := b.Connector.Apply(ctx, c)
					if errors.Is(err, connectors.ErrConflict) && c.Action == access.ChangeLevel {
						for _, g := range b.far.Dump().GrantsOf(c.Subject) {
							if g.Target == c.Target {
								_ = b.far.Do(revoke(g.Subject, g.Target, g.Permission)) // whatever it was
							}
						}
						return b.far.Do(give(c.Subject, c.Target, c.After.Permission))
					}
					return err
				}
			}},
		{"updates whatever was there before", []string{"apply/refuses-stale"}, "changed meanwhile", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				if o, ok := b.far.Dump().Object(c.Subject); ok && c.Action == access.Update {
					before := maps.Clone(c.Before.Attributes)
					for k := range before {
						before[k] = o.Attributes[k]
					}
					c.Before = &access.Value{Attributes: before}
				}
				return b.Connector.Apply(ctx, c)
			}
		}},
		{"applies half a batch", []string{"apply/batch-agrees"}, "a batch that was refused", memory.Batch(access.BatchAll), func(b *broken) {
			b.batch = func(ctx context.Context, all []access.Change) error {
				for _, c := range all {
					if err := b.Connector.Apply(ctx, c); err != nil {
						return err
					}
				}
				return nil
			}
		}},
		{"forgets the end of a batch", []string{"apply/batch-agrees"}, "after a batch", memory.Batch(access.BatchTarget), func(b *broken) {
			b.batch = func(ctx context.Context, all []access.Change) error {
				return b.Connector.(connectors.Batcher).ApplyBatch(ctx, all[:min(2, len(all))])
			}
		}},
		{"forgets the end of a batch in a series", []string{"apply/batch-agrees"}, "after a batch", memory.Batch(access.BatchTarget), func(b *broken) {
			b.series = func(ctx context.Context, all []access.Change) error {
				return b.Connector.(connectors.Batcher).ApplyBatch(ctx, all[:min(2, len(all))])
			}
		}},
		{"gives in a series to what is gone", []string{"apply/batch-agrees"}, "want an error that is", memory.Batch(access.BatchTarget), func(b *broken) {
			b.series = func(ctx context.Context, all []access.Change) error {
				err := b.Connector.(connectors.Batcher).ApplyBatch(ctx, all)
				if errors.Is(err, connectors.ErrConflict) {
					return nil
				}
				return err
			}
		}},
		{"stops creating at the first that fails", []string{"apply/creations-agree"}, "beside another name that is taken", memory.Creates(20), func(b *broken) {
			b.creates = func(ctx context.Context, all []access.Change) []error {
				errs := b.Connector.(connectors.Creator).CreateEach(ctx, all)
				if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
					for j := i + 1; j < len(errs); j++ {
						errs[j] = errs[i]
					}
				}
				return errs
			}
		}},
		{"says done of all creations", []string{"apply/creations-agree"}, "which is there and another one", memory.Creates(20), func(b *broken) {
			b.creates = func(ctx context.Context, all []access.Change) []error {
				b.Connector.(connectors.Creator).CreateEach(ctx, all)
				return make([]error, len(all))
			}
		}},
		{"makes only the first creations", []string{"apply/creations-agree"}, "after creations in one call", memory.Creates(20), func(b *broken) {
			b.creates = func(ctx context.Context, all []access.Change) []error {
				b.Connector.(connectors.Creator).CreateEach(ctx, all[:min(5, len(all))])
				return make([]error, len(all))
			}
		}},
		{"promises creations in one call that it can't do", []string{"apply/creations-agree"}, "no kind of object can be made", memory.Creates(20), func(b *broken) {
			b.describe = func(d access.Description) access.Description {
				for i := range d.Kinds {
					d.Kinds[i].Actions = slices.DeleteFunc(slices.Clone(d.Kinds[i].Actions), func(a access.Action) bool { return a == access.Create })
				}
				return d
			}
		}},
		{"takes its own writes for somebody else's", []string{"race/parallel"}, "at the same time", nil, func(b *broken) {
			var mu sync.Mutex
			busy := map[access.ID]bool{}
			b.apply = func(ctx context.Context, c access.Change) error {
				mu.Lock()
				taken := busy[c.Subject]
				busy[c.Subject] = true
				mu.Unlock()
				if taken {
					return fmt.Errorf("%s: the version moved: %w", c, connectors.ErrConflict)
				}
				time.Sleep(2 * time.Millisecond)
				err := b.Connector.Apply(ctx, c)
				mu.Lock()
				delete(busy, c.Subject)
				mu.Unlock()
				return err
			}
		}},
		{"loses what others write at the same time", []string{"race/parallel"}, "", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				e := access.Edit(b.far.Dump(), b.Connector.Describe())
				time.Sleep(2 * time.Millisecond)
				if err := e.Do(c); err != nil {
					return b.Connector.Apply(ctx, c)
				}
				s, err := e.State()
				b.far.Seed(s)
				return err
			}
		}},
	}
}
