package engine

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/match"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/resolve"
)

// correlate tells whose the live accounts are, by the rules that `match` names: somebody's who is
// called otherwise there is to be renamed, or, where a system can't do that, keeps the name. What
// is declared is resolved again then.
func (s *session) correlate() error {
	s.match()
	again := false
	for _, sys := range s.systems {
		found := map[string]resolve.Found{}
		for _, l := range sys.matched.Links {
			found[l.Person] = resolve.Found{Account: l.Account, Rename: sys.description(s).Can(access.KindAccount, access.Rename)}
		}
		if len(found) > 0 {
			again = true
			for _, name := range namesOf(sys.decl) {
				s.found[name] = found
			}
		}
	}
	if !again {
		return nil
	}
	for _, b := range s.bases {
		if b != nil {
			b.world, b.head = nil, nil // the shifts stay: they don't depend on what is live
		}
	}
	s.proof = nil
	return s.resolve()
}

// match matches the live accounts of each system, of several at a time: they don't know of each
// other.
func (s *session) match() {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, sys := range s.systems {
		if sys.live == nil {
			continue
		}
		group.Go(func() error {
			sys.matched = match.Match(s.matchInput(sys))
			sys.disputed = map[access.ID]bool{}
			for _, d := range sys.matched.Disputes {
				sys.disputed[d.Account] = true
				for _, p := range d.People {
					if id, ok := sys.want.AccountOf(p); ok {
						sys.disputed[id] = true
					}
				}
			}
			return nil
		})
	}
	_ = group.Wait() // nothing fails
}

// matchInput puts together who may have an account on a system.
func (s *session) matchInput(sys *system) match.Input {
	protect := s.guards(sys).Protect
	in := match.Input{Live: sys.live, Known: s.known(sys), Protected: func(id access.ID) bool {
		return slices.ContainsFunc(protect, func(p string) bool { return declare.GlobID(p, id) })
	}}
	var values []*declare.Template
	for _, r := range matchRules(sys.decl) {
		in.Rules = append(in.Rules, match.Rule{By: r.By, Attribute: r.Attribute.Value})
		values = append(values, nil)
		if r.By == declare.MatchAttribute {
			if t, err := declare.ParseTemplate(r.Value.Value); err == nil {
				values[len(values)-1] = &t
			}
		}
	}
	for _, p := range s.perhaps(sys, &in) {
		id, ok := sys.want.AccountOf(p.ID.Value)
		if !ok {
			continue
		}
		one := match.Person{ID: p.ID.Value, Account: id, Values: make([]string, len(values))}
		for i, t := range values {
			if t != nil {
				one.Values[i], _ = t.Expand(p) // who lacks the attribute isn't matched by it
			}
		}
		in.People = append(in.People, one)
	}
	return in
}

// perhaps are the people whom a rule can name: where none looks at attributes, those whose account
// was known by an id; whose the accounts are by their names is then asked of what is declared.
func (s *session) perhaps(sys *system, in *match.Input) []*declare.Person {
	if slices.ContainsFunc(in.Rules, func(r match.Rule) bool { return r.By == declare.MatchAttribute }) {
		return sys.want.People()
	}
	in.Named = func(account access.ID) []string {
		var out []string
		for _, p := range sys.want.Owners(account) {
			out = append(out, p.ID.Value)
		}
		slices.Sort(out)
		return out
	}
	chosen := make(map[*declare.Person]bool, len(in.Known))
	for _, id := range in.Known {
		if p, _, _, ok := s.worldOf(sys).Person(id); ok {
			chosen[p] = true
		}
	}
	return slices.SortedFunc(maps.Keys(chosen), func(a, b *declare.Person) int { return strings.Compare(a.ID.Value, b.ID.Value) })
}

// matchRules are those of a system, or the usual ones.
func matchRules(d *declare.System) []declare.MatchRule {
	if len(d.Accounts.Match) > 0 {
		return d.Accounts.Match
	}
	return []declare.MatchRule{{By: declare.MatchID}, {By: declare.MatchName}}
}

// known is whose each id was, by the names that people have now.
func (s *session) known(sys *system) map[string]string {
	out := map[string]string{}
	for _, name := range slices.Backward(namesOf(sys.decl)) { // what it is called now counts
		maps.Copy(out, s.memory.Linked(name))
	}
	if len(out) == 0 {
		return out
	}
	now := map[string]string{}
	for _, p := range s.head.Repo.RenamedPeople() {
		for _, was := range p.Previously {
			now[was.Value] = p.ID.Value
		}
	}
	for id, person := range out {
		if is, ok := now[person]; ok {
			out[id] = is
		}
	}
	return out
}

// links are what a plan says of how accounts were found.
func (sys *system) links() (linked []plan.Linked, disputes []plan.Dispute) {
	for _, l := range sys.matched.Links {
		linked = append(linked, plan.Linked{Account: l.Account, Person: l.Person, By: l.By.String()})
	}
	for _, d := range sys.matched.Disputes {
		disputes = append(disputes, plan.Dispute(d))
	}
	return linked, disputes
}

// remembering collects whose the accounts are that a run has seen, so that one that somebody
// renames is known again.
type remembering struct {
	mu     sync.Mutex
	people map[string]map[access.ID]string // by system and account
	ids    map[string]map[string]string    // by system and the system's own id
	known  map[string]map[string]string
}

// remembering begins with what was read for the plan.
func (s *session) remembering() *remembering {
	r := &remembering{people: map[string]map[access.ID]string{}, ids: map[string]map[string]string{}, known: map[string]map[string]string{}}
	for _, sys := range s.systems {
		if sys.live == nil {
			continue
		}
		name := sys.decl.ID.Value
		r.people[name], r.known[name], r.ids[name] = sys.owners(), s.memory.Linked(name), map[string]string{}
		r.see(name, sys.live)
	}
	return r
}

// owners are whose the accounts are that a run may see: those that are there and that the system
// knows by an id, and those that are wanted.
func (sys *system) owners() map[access.ID]string {
	out := map[access.ID]string{}
	add := func(id access.ID) {
		owner := sys.matched.Owner(id)
		if people := sys.want.Owners(id); len(people) > 0 && !sys.disputed[id] {
			owner = people[len(people)-1].ID.Value
		}
		if owner != "" {
			out[id] = owner
		}
	}
	for o := range sys.live.Objects() {
		if hasID(o) {
			add(o.ID)
		}
	}
	for h := range sys.want.Holders() {
		if _, there := sys.live.Object(h.Account); h.Wanted && !there {
			add(h.Account)
		}
	}
	return out
}

// hasID reports whether an object is an account that is known by the system's own id.
func hasID(o access.Object) bool { return o.ID.IsAccount() && o.Native != "" && !o.Reserved }

// see takes in a state.
func (r *remembering) see(system string, st *access.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for o := range st.Objects() {
		if !hasID(o) {
			continue
		}
		if p := r.people[system][o.ID]; p != "" && r.known[system][o.Native] != p {
			r.ids[system][strings.Clone(o.Native)] = p
		}
	}
}

// entries are what the journal doesn't know yet, by system.
func (r *remembering) entries() []journal.Linked {
	var out []journal.Linked
	for _, name := range slices.Sorted(maps.Keys(r.ids)) {
		e := journal.Linked{System: name}
		for _, id := range slices.Sorted(maps.Keys(r.ids[name])) {
			e.Accounts = append(e.Accounts, journal.LinkedAccount{ID: id, Person: r.ids[name][id]})
		}
		if len(e.Accounts) > 0 {
			out = append(out, e)
		}
	}
	return out
}
