package memory

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// System is the far side. It is safe for concurrent use.
type System struct {
	desc      access.Description
	caseBlind bool
	invites   []string
	delay     time.Duration
	now       func() time.Time
	identity  string
	self      access.ID
	token     string

	mu      sync.Mutex
	live    *store // what is true
	seen    *store // what Read shows; the same as live unless writes are shown late
	late    []swap // what seen lacks, oldest first
	unknown []access.Unknown
	faults  faults
	calls   Calls
	busy    int
	applied []access.Change
	traces  []access.Trace
}

// swap is a write that Read doesn't show before its time.
type swap struct {
	at       time.Time
	old, now part
}

// New makes an empty system.
func New(options ...Option) *System {
	s := &System{desc: Describe(), now: time.Now}
	for _, o := range options {
		o(s)
	}
	s.reset(newStore())
	return s
}

// Describe is what the system's connectors say of themselves.
func (s *System) Describe() access.Description { return s.desc }

// Type is the connector type that opens this very system, whatever it is configured with.
func (s *System) Type() connectors.Type {
	return connectors.Type{
		Name:     s.desc.Connector,
		Describe: s.Describe,
		Open:     func(cfg connectors.Config) (connectors.Connector, error) { return s.open(cfg), nil },
	}
}

// Connector opens the system under a name, with nothing configured.
func (s *System) Connector(system string) connectors.Connector {
	return s.open(connectors.Config{System: system, Log: slog.New(slog.DiscardHandler), Now: s.now})
}

// Seed replaces everything on the system, at once and visibly. What the state says is unknown
// is hidden from Read.
func (s *System) Seed(state *access.State) {
	fresh := newStore()
	for o := range state.Objects() {
		o.ID = s.fold(o.ID)
		fresh.add(o)
	}
	for _, g := range state.Grants() {
		g.Subject, g.Target = s.fold(g.Subject), s.fold(g.Target)
		fresh.put(g)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reset(fresh)
	s.unknown = state.Unknowns()
}

func (s *System) reset(fresh *store) {
	s.live, s.seen, s.late = fresh, fresh, nil
	if s.delay > 0 {
		s.seen = fresh.clone()
	}
}

// Dump gives the truth: everything, whatever Read may show of it.
func (s *System) Dump() *access.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := access.NewBuilder(s.desc.Connector).Identity(s.identity).Self(s.self)
	fill(b, s.live)
	state, err := b.Build()
	if err != nil {
		panic(fmt.Sprintf("a map held a key twice: %v", err)) // can't be
	}
	return state
}

// Do changes the system as somebody else than Accord would: faults don't concern it, and it
// can do to each kind of object what Accord's account perhaps can't.
func (s *System) Do(changes ...access.Change) error {
	desc := s.desc
	desc.Kinds = slices.Clone(desc.Kinds)
	for i := range desc.Kinds {
		desc.Kinds[i].Actions = []access.Action{access.Create, access.Update, access.Rename, access.Disable, access.Enable, access.Delete}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		if err := c.Check(); err != nil {
			return err
		}
		old, now, err := s.live.do(desc, s.foldChange(c))
		if err != nil {
			return err
		}
		s.commit(swap{s.now(), old, now})
	}
	return nil
}

// Mark puts a grant there with its standing, held, pending or implied, in the place of the
// same grant with another standing.
func (s *System) Mark(g access.Grant) {
	g.Subject, g.Target = s.fold(g.Subject), s.fold(g.Target)
	s.mu.Lock()
	defer s.mu.Unlock()
	old := part{grants: slices.DeleteFunc(s.live.of(g.Subject), func(o access.Grant) bool {
		return o.Target != g.Target || o.Permission != g.Permission
	})}
	s.commit(swap{s.now(), old, part{grants: []access.Grant{g}}})
}

// Hide makes Read mark a part of the system as unknown, and show nothing of it. The zero ID is
// everything, an ID without a name all objects of its kind.
func (s *System) Hide(id access.ID, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unknown = append(s.unknown, access.Unknown{ID: s.fold(id), Why: why})
}

// Show makes everything known again.
func (s *System) Show() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unknown = nil
}

// commit carries out a swap, and shows it when its time has come. The caller holds the lock.
func (s *System) commit(w swap) {
	s.live.swap(w.old, w.now)
	if s.delay > 0 {
		s.late = append(s.late, w)
	}
}

// settle shows what is due. The caller holds the lock.
func (s *System) settle() {
	due := s.now().Add(-s.delay)
	for len(s.late) > 0 && !s.late[0].at.After(due) {
		s.seen.swap(s.late[0].old, s.late[0].now)
		s.late = s.late[1:]
	}
}

func (s *System) fold(id access.ID) access.ID {
	if s.caseBlind {
		id.Name = strings.ToLower(id.Name)
	}
	return id
}

// foldChange gives the change with the names that the system keeps.
func (s *System) foldChange(c access.Change) access.Change {
	c.Subject, c.Target = s.fold(c.Subject), s.fold(c.Target)
	if s.caseBlind && c.Action == access.Rename {
		after := *c.After
		after.Name = strings.ToLower(after.Name)
		c.After = &after
	}
	return c
}

// fill puts all of a store into a builder.
func fill(b *access.Builder, s *store) {
	for _, o := range s.objects {
		b.Object(o)
	}
	for subject := range s.held {
		for _, g := range s.of(subject) {
			b.Grant(g)
		}
	}
}
