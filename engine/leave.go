package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/observe"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/resolve"
)

// A run about one person's leaving is planned and carried out as any other, with these
// differences: the person counts as left, only what is theirs is read where that is enough,
// and only their steps are in the plan.

// Leave says who leaves, and why.
type Leave struct {
	Person string
	Reason string
	// Uncommitted says that no commit is to be made that declares it.
	Uncommitted bool
}

// branch is where the commit goes that says so in the declaration.
func (l Leave) branch() string {
	if l.Person == "" || l.Uncommitted {
		return ""
	}
	return "accord/offboard-" + l.Person
}

// lockEach takes the locks of systems one by one: those that another run holds are left out, and
// hold back no other.
func (s *session) lockEach(names []string) error {
	var held []func()
	s.busy = map[string]error{}
	s.unlock = func() {
		for _, unlock := range held {
			unlock()
		}
	}
	if s.kept.spooled != nil { // what is done is recorded there
		unlock, err := journal.LockRun(s.kept.dir, []string{spoolLock})
		if err != nil {
			return fmt.Errorf("%w; from another clone of the repository it goes at once", err)
		}
		held = append(held, unlock)
	}
	for _, name := range names {
		unlock, err := journal.LockRun(s.kept.dir, []string{name})
		switch {
		case errors.Is(err, journal.ErrLocked):
			s.busy[name] = err
		case err != nil:
			return err
		default:
			held = append(held, unlock)
		}
	}
	return nil
}

// leave decides what is read of each system for a run about one person.
func (s *session) leave() error {
	if s.opts.Leave == nil {
		return nil
	}
	id := s.opts.Leave.Person
	if p := s.personNow(id); p != nil && p.ID.Value != id { // an id that the person had before
		renamed := *s.opts.Leave
		renamed.Person, id = p.ID.Value, p.ID.Value
		s.opts.Leave = &renamed
	}
	if !s.knows(id) {
		return s.noPerson(id)
	}
	if s.away == nil && !s.memory.Applies() { // what is away may know of one
		s.notes = append(s.notes, "the journal here knows of no apply. One that runs elsewhere, with a journal of its own, knows nothing of this and gives it back: merge the branch before that")
	}
	for _, sys := range s.systems {
		if err := s.busy[sys.decl.ID.Value]; err != nil && sys.err == nil {
			sys.err, sys.notRead = err, "another run works on it"
			continue
		}
		for h := range sys.want.Holders() {
			if h.Person == id {
				sys.asked = append(sys.asked, h.Account)
				sys.asked = append(sys.asked, h.Was...)
			}
		}
		slices.SortFunc(sys.asked, access.ID.Compare)
		sys.asked = slices.Compact(sys.asked)
		if len(sys.asked) == 0 && sys.conn != nil && sys.notRead == "" { // no name can be made: nothing is asked yet
			sys.live = part(access.Nothing(sys.decl.ID.Value), nil)
		}
	}
	return nil
}

// knows reports whether anything knows of a person: the declaration, what was applied, or the
// journal.
func (s *session) knows(id string) bool {
	return s.head.Repo.Person(id) != nil || slices.ContainsFunc(s.systems, func(sys *system) bool {
		for h := range sys.want.Holders() {
			if h.Person == id {
				return true
			}
		}
		return slices.ContainsFunc(sys.want.People(), func(p *declare.Person) bool { return p.ID.Value == id })
	})
}

// widen reads a system as a whole where the part doesn't tell enough: whose account is called
// otherwise than declared, and whether the person is the last who administers something.
func (s *session) widen(ctx context.Context) {
	var whole []observe.Target
	for _, sys := range s.systems {
		if sys.live != nil && (s.elsewhereNamed(sys) || s.administers(ctx, sys)) {
			whole = append(whole, observe.Target{System: sys.decl.ID.Value, Reader: connectors.ReadOnly(sys.conn)})
		}
	}
	s.observe(ctx, whole)
	for _, t := range whole {
		if sys := s.systemOf(t.System); sys.live != nil {
			sys.whole = sys.live
		}
	}
}

// oneOnly is the one person whom the run is about; empty: it is about everybody.
func (s *session) oneOnly() string {
	if s.opts.Leave != nil {
		return s.opts.Leave.Person
	}
	return s.opts.person
}

// elsewhereNamed reports whether the person may have an account that isn't called as declared:
// the journal knows an id that the accounts seen don't have, or they are to be told by an
// attribute and none of that name is there.
func (s *session) elsewhereNamed(sys *system) bool {
	seen, found := map[string]bool{}, false
	for o := range sys.live.Objects() {
		if slices.Contains(sys.asked, o.ID) {
			seen[o.Native], found = true, true
		}
	}
	for native, person := range s.known(sys) {
		if person == s.oneOnly() && !seen[native] {
			return true
		}
	}
	return !found && slices.ContainsFunc(matchRules(sys.decl), func(r declare.MatchRule) bool { return r.By == declare.MatchAttribute })
}

// maxWays is how many resources are looked at on the way from a person to what they administer;
// behind more a system is read as a whole.
const maxWays = 200

// administers reports whether the person administers something, by themselves or through what
// they belong to; or that it can't be told without the whole. Whether somebody else does too is
// a question to all of the system. Who allows by name that the last one goes isn't asked it.
func (s *session) administers(ctx context.Context, sys *system) bool {
	name := sys.decl.ID.Value
	if s.guards(sys).KeepAdmins == 0 || slices.ContainsFunc(s.opts.Allow, func(a plan.Allow) bool {
		ref, err := access.ParseRef(a.Ref)
		return a.Name == access.RiskLastAdmin && err == nil && ref.System == name
	}) {
		return false
	}
	desc := sys.description(s)
	state, seen := sys.live, map[access.ID]bool{}
	for {
		var next []access.ID
		for _, g := range state.Grants() {
			kind, _ := desc.Kind(g.Target.Kind)
			if p, _ := kind.Permission(g.Permission); p.Admin {
				return true
			}
			holds := slices.ContainsFunc(desc.Kinds, func(k access.Kind) bool { return k.Holds(g.Target.Kind) && len(k.Permissions) > 0 })
			if holds && !seen[g.Target] {
				seen[g.Target] = true
				next = append(next, g.Target)
			}
		}
		if len(next) == 0 {
			return false
		}
		if len(seen) > maxWays {
			return true
		}
		r := observe.Read(ctx, []observe.Target{{System: name, Reader: connectors.ReadOnly(sys.conn), Scope: connectors.Scope{IDs: next}}}, observe.Options{Timeout: s.timeout()})[0]
		sys.took += r.Took
		if r.Err != nil || len(r.State.Unknowns()) > 0 {
			return true
		}
		state = r.State
	}
}

// narrow leaves of what was read what concerns the person.
func (s *session) narrow() {
	if s.opts.Leave == nil {
		return
	}
	for _, sys := range s.systems {
		if sys.live == nil {
			continue
		}
		ids := slices.Clone(sys.asked)
		if sys.whole == nil {
			sys.live = part(sys.live, ids)
			continue
		}
		for h := range sys.want.Holders() {
			if h.Person == s.opts.Leave.Person {
				ids = append(append(ids, h.Account), h.Was...)
			}
		}
		sys.live = part(sys.whole, ids)
	}
}

// part is what a read of those objects alone would have said. That other accounts can't be seen is
// nothing to it.
func part(whole *access.State, ids []access.ID) *access.State {
	b := access.NewBuilder(whole.System()).Identity(whole.Identity()).Self(whole.Self()).Only(ids...)
	for _, id := range slices.Compact(slices.SortedFunc(slices.Values(ids), access.ID.Compare)) {
		if o, ok := whole.Object(id); ok {
			b.Object(o)
		}
		for _, g := range whole.GrantsOf(id) {
			b.Grant(g)
		}
	}
	for _, u := range whole.Unknowns() {
		if u.ID.IsAccount() && u.ID.Name != "" && !slices.Contains(ids, u.ID) {
			continue
		}
		b.Unknown(u.ID, u.Why)
	}
	st, _ := b.Build() // each object is added once
	return st
}

// accounts is how many accounts a system is known to have of which only a part was read: those
// that are wanted there. Guards that count shares need it.
func (sys *system) accounts() int {
	if sys.whole != nil || sys.live == nil || sys.live.Whole() {
		return 0
	}
	n := 0
	for o := range sys.want.State().Objects() {
		if o.ID.IsAccount() {
			n++
		}
	}
	return max(n, 1)
}

// leaving is what is declared, as far as it is about one person's leaving: nothing is wanted, and
// nobody else has anything to lose.
type leaving struct {
	*resolve.Desired
	person string
}

var _ access.Declared = leaving{}

// State wants nothing.
func (l leaving) State() *access.State { return access.Nothing(l.Decl.ID.Value) }

// Holders are the accounts of the person. Holder goes on to know everybody's: a name that the
// person had may be somebody else's by now.
func (l leaving) Holders() iter.Seq[access.Holder] {
	return func(yield func(access.Holder) bool) {
		for h := range l.Desired.Holders() {
			if h.Person == l.person && h.Status == access.HolderLeft && !yield(h) {
				return
			}
		}
	}
}

// Absent are none: nothing is deleted but what the person leaves.
func (l leaving) Absent() map[access.ID]access.Link { return nil }

// looked is what a run about one person saw before it began.
func (s *session) looked() map[string]Looked {
	out := map[string]Looked{}
	for _, sys := range s.systems {
		l := Looked{Took: sys.took, Whole: sys.whole != nil}
		if sys.live != nil {
			for o := range sys.live.Objects() {
				if o.ID.IsAccount() {
					l.Accounts = append(l.Accounts, o.ID.Name)
				}
			}
		}
		out[sys.decl.ID.Value] = l
	}
	return out
}

// Looked is how a system was read for a run about one person.
type Looked struct {
	Took time.Duration
	// Whole says that all of it had to be read.
	Whole bool
	// Accounts are the person's.
	Accounts []string
}
