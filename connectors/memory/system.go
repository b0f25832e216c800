package memory

import (
	"context"
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
	applied []access.Change
}

// swap is a write that Read doesn't show before its time.
type swap struct {
	at       time.Time
	old, now part
}

// Option changes what kind of system it is.
type Option func(*System)

// Named gives the connector another name than "memory", so that one registry can hold several.
func Named(name string) Option { return func(s *System) { s.desc.Connector = name } }

// Description changes what the connector says of itself, and with it what the system takes.
func Description(change func(*access.Description)) Option { return func(s *System) { change(&s.desc) } }

// Without takes actions away from a kind: Without("account", access.Disable, access.Enable).
func Without(kind string, actions ...access.Action) Option {
	return Description(func(d *access.Description) {
		d.Kinds = slices.Clone(d.Kinds)
		for i, k := range d.Kinds {
			if k.Name == kind {
				d.Kinds[i].Actions = slices.DeleteFunc(slices.Clone(k.Actions), func(a access.Action) bool {
					return slices.Contains(actions, a)
				})
			}
		}
	})
}

// Parallel says how many writes the system takes at a time.
func Parallel(n int) Option { return Description(func(d *access.Description) { d.Parallel = n }) }

// Batch makes the connector a connectors.Batcher that takes such units.
func Batch(u access.BatchUnit) Option {
	return Description(func(d *access.Description) { d.Batch = u })
}

// Settle announces a settle time without any delay: see Delay.
func Settle(d time.Duration) Option {
	return Description(func(desc *access.Description) { desc.Settle = d })
}

// Delay shows each write only so long after it was made, by the clock of Clock, and announces
// it as the settle time. Dump shows the truth at once.
func Delay(d time.Duration) Option {
	return func(s *System) {
		s.delay = d
		s.desc.Settle = d
	}
}

// Clock sets the clock that Delay goes by; time.Now if left out.
func Clock(now func() time.Time) Option { return func(s *System) { s.now = now } }

// CaseBlind makes names that differ in case alone the same name. The system keeps and returns
// them in lower case.
func CaseBlind() Option { return func(s *System) { s.caseBlind = true } }

// Invites makes grants on these kinds invitations: they are pending until Mark says otherwise.
func Invites(kinds ...string) Option { return func(s *System) { s.invites = kinds } }

// Identity sets the identity that Read reports; "memory SYSTEM" if left out.
func Identity(identity string) Option { return func(s *System) { s.identity = identity } }

// Self sets Accord's own account, as Read reports it.
func Self(id access.ID) Option { return func(s *System) { s.self = id } }

// Token makes the system ask for a credential, in the setting "token"; without it every call
// is denied.
func Token(token string) Option { return func(s *System) { s.token = token } }

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
		fresh.objects[o.ID] = o
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

// Do changes the system as somebody else than Accord would. Faults don't concern it.
func (s *System) Do(changes ...access.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		if err := shape(c); err != nil {
			return err
		}
		old, now, err := s.live.do(s.desc, s.foldChange(c))
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

// write carries out changes as one unit: all or none.
func (s *System) write(ctx context.Context, changes []access.Change) error {
	s.mu.Lock()
	intercept := s.faults.intercept
	s.mu.Unlock()
	for _, c := range changes {
		if intercept == nil {
			break
		}
		if err := intercept(ctx, c); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.calls.Writes++
	lost, err := s.faults.write(changes)
	if err != nil && !lost {
		return err
	}
	if err := s.unit(changes); err != nil {
		return err
	}
	return err
}

// unit carries out changes one by one and takes them back when one of them can't be.
func (s *System) unit(changes []access.Change) error {
	var done []swap
	for _, c := range changes {
		w, err := s.one(s.foldChange(c))
		if err != nil {
			for _, w := range slices.Backward(done) {
				s.live.swap(w.now, w.old)
			}
			return err
		}
		s.live.swap(w.old, w.now)
		done = append(done, w)
	}
	if s.delay > 0 {
		s.late = append(s.late, done...)
	}
	s.applied = append(s.applied, changes...)
	return nil
}

func (s *System) one(c access.Change) (swap, error) {
	if err := s.reserved(c); err != nil {
		return swap{}, err
	}
	old, now, err := s.live.do(s.desc, c)
	if err != nil {
		return swap{}, fmt.Errorf("%w: %w", connectors.ErrConflict, err)
	}
	if c.Action == access.Give && slices.Contains(s.invites, c.Target.Kind) {
		invite(old, now, c)
	}
	return swap{s.now(), old, now}, nil
}

// reserved refuses what would change an object that belongs to the system itself. It may be
// the target of a grant.
func (s *System) reserved(c access.Change) error {
	if s.live.objects[c.Subject].Reserved {
		return fmt.Errorf("%s: %s belongs to the system itself: %w", c, c.Subject, connectors.ErrUnsupported)
	}
	return nil
}

// invite makes a grant that wasn't held before a pending one.
func invite(old, now part, c access.Change) {
	same := func(g access.Grant) bool {
		return g.Subject == c.Subject && g.Target == c.Target && g.Permission == c.After.Permission
	}
	if slices.ContainsFunc(old.grants, func(g access.Grant) bool { return same(g) && g.Standing == access.Held }) {
		return
	}
	if i := slices.IndexFunc(now.grants, func(g access.Grant) bool { return same(g) && g.Standing == access.Held }); i >= 0 {
		now.grants[i].Standing = access.Pending
	}
}
