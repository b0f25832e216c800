package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// conn is one connection to a System.
type conn struct {
	sys *System
	cfg connectors.Config
}

// batcher is a conn that takes several changes as one unit. It is a type of its own because
// the ability is found by looking for the method.
type batcher struct{ *conn }

func (s *System) open(cfg connectors.Config) connectors.Connector {
	s.count(func(c *Calls) { c.Opened++ })
	c := &conn{s, cfg}
	if s.desc.Batch != access.BatchNone {
		return batcher{c}
	}
	return c
}

func (s *System) count(f func(*Calls)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.calls)
}

// Describe is static.
func (c *conn) Describe() access.Description {
	c.sys.count(func(n *Calls) { n.Describe++ })
	return c.sys.desc
}

// Normalize checks names, folds them if the system is case-blind, and drops empty attributes.
func (c *conn) Normalize(o access.Object) (access.Object, error) {
	c.sys.count(func(n *Calls) { n.Normalize++ })
	return normalize(c.sys.desc, c.sys.caseBlind, o)
}

// Close has nothing to free.
func (c *conn) Close() error {
	c.sys.count(func(n *Calls) { n.Closed++ })
	return nil
}

// Read shows what is visible of the system. Naming objects costs what these hold.
func (c *conn) Read(ctx context.Context, scope connectors.Scope) (*access.State, error) {
	s := c.sys
	s.count(func(n *Calls) { n.Read++ })
	if err := c.login(ctx); err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.cfg.System, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if hit := next(&s.faults.reads); hit != nil {
		return nil, fmt.Errorf("reading %s: %w", c.cfg.System, hit.err)
	}
	s.settle()
	identity := s.identity
	if identity == "" {
		identity = "memory " + c.cfg.System
	}
	b := access.NewBuilder(c.cfg.System).Identity(identity).Self(s.self)
	for _, u := range s.unknown {
		b.Unknown(u.ID, u.Why)
	}
	visible := s.visible()
	if scope.Whole() {
		fill(b, visible)
	} else {
		// The answer is about the names that the system keeps. Whoever asked for another
		// spelling learns nothing of it, rather than that it isn't there.
		ids := make([]access.ID, len(scope.IDs))
		for i, id := range scope.IDs {
			ids[i] = s.fold(id)
		}
		b.Only(ids...)
		visible.named(b, ids)
	}
	return b.Build()
}

// visible is what Read may show: what was seen, less what is unknown. The caller holds the lock.
func (s *System) visible() *store {
	if len(s.unknown) == 0 {
		return s.seen
	}
	hidden := func(id access.ID) bool {
		return slices.ContainsFunc(s.unknown, func(u access.Unknown) bool {
			return u.ID.IsZero() || u.ID == id || u.ID.Name == "" && u.ID.Kind == id.Kind
		})
	}
	out := newStore()
	for id, o := range s.seen.objects {
		if !hidden(id) {
			out.objects[id] = o
		}
	}
	for subject := range s.seen.held {
		for _, g := range s.seen.of(subject) {
			if !hidden(g.Subject) && !hidden(g.Target) {
				out.put(g)
			}
		}
	}
	return out
}

// named puts the named objects and what they hold into a builder.
func (s *store) named(b *access.Builder, ids []access.ID) {
	slices.SortFunc(ids, access.ID.Compare)
	for _, id := range slices.Compact(ids) {
		if o, ok := s.objects[id]; ok {
			b.Object(o)
		}
		for _, g := range s.of(id) {
			b.Grant(g)
		}
	}
}

// Apply makes one change true.
func (c *conn) Apply(ctx context.Context, change access.Change) error {
	c.sys.count(func(n *Calls) { n.Apply++ })
	return c.write(ctx, []access.Change{change})
}

// CreateEach makes each object by itself.
func (c *conn) CreateEach(ctx context.Context, changes []access.Change) []error {
	c.sys.count(func(n *Calls) { n.Creates++ })
	errs := make([]error, len(changes))
	for i, change := range changes {
		errs[i] = c.write(ctx, []access.Change{change})
	}
	return errs
}

// ApplyBatch makes all changes true, or none.
func (b batcher) ApplyBatch(ctx context.Context, changes []access.Change) error {
	b.sys.count(func(n *Calls) { n.Batch++ })
	if len(changes) == 0 {
		return ctx.Err()
	}
	if len(changes) > 1 && b.sys.desc.Batch == access.BatchTarget {
		for _, c := range changes {
			if !c.Action.OnGrant() || c.Target != changes[0].Target {
				return fmt.Errorf("%s: not a grant on %s, which the batch began with: %w", c, changes[0].Target, connectors.ErrUnsupported)
			}
		}
	}
	return b.write(ctx, changes)
}

// Series gives the batcher itself: it looks at the truth each time.
func (b batcher) Series() connectors.Batcher { return b }

func (c *conn) write(ctx context.Context, changes []access.Change) error {
	for _, change := range changes {
		if err := check(c.sys.desc, change); err != nil {
			return err
		}
		names := []access.ID{change.Subject}
		if change.Action.OnGrant() {
			names = append(names, change.Target)
		}
		if change.Action == access.Rename {
			names = append(names, access.ID{Kind: change.Subject.Kind, Name: change.After.Name})
		}
		for _, id := range names {
			if _, err := normalize(c.sys.desc, c.sys.caseBlind, access.Object{ID: id}); err != nil {
				return fmt.Errorf("%s: %w", change, err)
			}
		}
	}
	if c.cfg.ReadOnly {
		return fmt.Errorf("%s: opened for reading only: %w", changes[0], connectors.ErrDenied)
	}
	if err := c.login(ctx); err != nil {
		return fmt.Errorf("%s: %w", changes[0], err)
	}
	return c.sys.write(ctx, changes)
}

// login presents the credential that the system asks for. The credential is resolved each
// time it is needed and never kept.
func (c *conn) login(ctx context.Context) error {
	if err := c.sys.answers(ctx); err != nil {
		return err
	}
	if c.sys.token == "" {
		return nil
	}
	ref := c.cfg.Settings[SettingToken].Secret
	if c.cfg.Secret == nil || ref == (connectors.SecretRef{}) {
		return fmt.Errorf("logging in: the setting %q is missing: %w", SettingToken, connectors.ErrDenied)
	}
	secret, err := c.cfg.Secret(ctx, ref)
	if err != nil {
		return fmt.Errorf("logging in with %s: %w", ref, err)
	}
	if secret.Reveal() != c.sys.token {
		return fmt.Errorf("logging in with %s: %w", ref, connectors.ErrDenied)
	}
	return nil
}
