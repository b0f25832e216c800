package connectortest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
)

// pathMistakes are those that show on the production path: when a run is cancelled, levels
// move, writes show late, or a part is unknown.
func pathMistakes() []mistake {
	return []mistake{
		{"goes on writing when it was cancelled", []string{"apply/cancelled"}, "more reached the system", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				err := b.Connector.Apply(ctx, c)
				if errors.Is(err, context.Canceled) && ctx.Err() != nil {
					return b.Connector.Apply(context.WithoutCancel(ctx), c) // "one more try"
				}
				return err
			}
		}},
		{"leaves a goroutine that writes", []string{"apply/cancelled"}, "more reached the system", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				err := b.Connector.Apply(ctx, c)
				if errors.Is(err, context.Canceled) {
					go func() { _ = b.Connector.Apply(context.WithoutCancel(ctx), c) }()
				}
				return err
			}
		}},
		{"keeps the level that was left", []string{"apply/levels"}, "is still held", nil, func(b *broken) {
			b.apply = func(ctx context.Context, c access.Change) error {
				err := b.Connector.Apply(ctx, c)
				if err == nil && c.Action == access.ChangeLevel {
					b.far.Mark(access.Grant{Subject: c.Subject, Target: c.Target, Permission: c.Before.Permission})
				}
				return err
			}
		}},
		{"shows the levels below as if they were others", []string{"apply/levels"}, "is still held", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				s, err := b.Connector.Read(ctx, scope)
				if err != nil {
					return s, err
				}
				n := access.NewBuilder(s.System()).Identity(s.Identity())
				if !scope.Whole() {
					n.Only(scope.IDs...)
				}
				for o := range s.Objects() {
					n.Object(o)
				}
				for _, g := range s.Grants() {
					n.Grant(g)
					if kind, _ := b.Describe().Kind(g.Target.Kind); kind.Ordered && g.Permission != kind.Permissions[0].Name {
						n.Grant(access.Grant{Subject: g.Subject, Target: g.Target, Permission: kind.Permissions[0].Name})
					}
				}
				return n.Build()
			}
		}},
		{"shows its writes late and doesn't say so", []string{"apply/settles"}, "within the settle time of 0s", memory.Delay(200 * time.Millisecond), func(b *broken) {
			b.describe = func(d access.Description) access.Description { d.Settle = 0; return d }
		}},
		{"shows its writes later than it says", []string{"apply/settles"}, "planning again finds", memory.Delay(time.Minute), func(b *broken) {
			b.describe = func(d access.Description) access.Description { d.Settle = 10 * time.Millisecond; return d }
		}},
		{"says of a lost reply that nothing happened", []string{"apply/settles"}, "with the fault \"lost-reply\"", memory.Batch(access.BatchAll), func(b *broken) {
			b.batch = func(ctx context.Context, all []access.Change) error {
				if err := b.Connector.(connectors.Batcher).ApplyBatch(ctx, all); err != nil {
					return errors.New("connection reset") // and the engine splits the batch and repeats it
				}
				return nil
			}
		}},
		{"shows groups without members and doubts another part", []string{"plan/unknown-waits"}, "the plan wants to grant", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				s, err := b.Connector.Read(ctx, scope)
				if !errors.Is(err, connectors.ErrIncomplete) {
					return s, err
				}
				n := access.NewBuilder(SystemName).Identity("half").Unknown(access.Account("somebody"), "page 2")
				for o := range b.far.Dump().Objects() {
					n.Object(o)
				}
				return n.Build()
			}
		}},
		{"answers for the first hundred of those named", []string{"read/scoped-agrees"}, "is missing", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				if len(scope.IDs) <= 100 {
					return b.Connector.Read(ctx, scope)
				}
				s, err := b.Connector.Read(ctx, connectors.Scope{IDs: scope.IDs[:100]})
				if err != nil {
					return nil, err
				}
				n := access.NewBuilder(s.System()).Identity(s.Identity()).Only(scope.IDs...)
				for o := range s.Objects() {
					n.Object(o)
				}
				for _, g := range s.Grants() {
					n.Grant(g)
				}
				return n.Build()
			}
		}},
		{"takes an invitation for a member where it reads back", []string{"read/standing"}, "standings of named objects", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				s, err := b.Connector.Read(ctx, scope)
				if err != nil || scope.Whole() {
					return s, err
				}
				n := access.NewBuilder(s.System()).Identity(s.Identity()).Only(scope.IDs...)
				for o := range s.Objects() {
					n.Object(o)
				}
				for _, g := range s.Grants() {
					g.Standing = access.Held
					n.Grant(g)
				}
				return n.Build()
			}
		}},
		{"asks somebody what it is", []string{"describe/static"}, "waits for the system", nil, func(b *broken) {
			b.normalize = func(o access.Object) (access.Object, error) {
				if _, err := b.Connector.Read(context.Background(), connectors.Scope{IDs: []access.ID{o.ID}}); err != nil {
					return o, err
				}
				return b.Connector.Normalize(o)
			}
		}},
	}
}

func errorMistakes() []mistake {
	return []mistake{
		{"says yes to what it can't do", []string{"apply/declared", "errors/kinds"}, "was taken", nil,
			hides(connectors.ErrUnsupported, func(access.Change, error) error { return nil })},
		{"hides the kind of a conflict", []string{"errors/kinds", "apply/refuses-stale"}, "409", nil,
			hides(connectors.ErrConflict, func(c access.Change, _ error) error { return fmt.Errorf("%s: 409", c) })},
		{"doesn't name what it is about", []string{"errors/kinds"}, "doesn't name", nil,
			hides(connectors.ErrConflict, func(access.Change, error) error { return connectors.ErrConflict })},
		{"hides that a right is missing", []string{"errors/denied"}, "403", nil,
			hides(connectors.ErrDenied, func(c access.Change, _ error) error { return fmt.Errorf("%s: 403", c) })},
		{"puts the credential into an error", []string{"errors/no-secrets"}, "the credential stands in", nil,
			hides(connectors.ErrDenied, func(c access.Change, err error) error {
				return fmt.Errorf("%w: GET https://acme.example/?token=%s", err, Canary)
			})},
		{"puts the credential into the identity", []string{"errors/no-secrets"}, "the credential stands in", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				if _, err := b.Connector.Read(ctx, scope); err != nil {
					return nil, err
				}
				return access.NewBuilder(SystemName).Identity("memory as " + Canary).Build()
			}
		}},
	}
}
