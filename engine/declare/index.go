package declare

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"strings"
)

// Most groups and grants can't be about somebody: neither they nor a group inside of them names the
// person, a manager, or an attribute that the person has. Which ones can is told by atoms, the parts
// of set expressions of which somebody who is in the set has to fit one at least. A set whose atoms
// nobody fits may still be looked at; what counts is that none is left out.

// atom is something that a set expression asks of people.
type atom struct {
	kind        atomKind
	name, value string
}

type atomKind int

const (
	atomPerson  atomKind = iota // to be the one with that name
	atomGroup                   // to be in the group with that name
	atomReports                 // to be below the manager with that name
	atomHas                     // to have that value of the attribute with that name
)

func (a atom) compare(b atom) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
}

// atomsOf are the atoms of a union of terms; wide says that it may be about anybody. Where each of
// several parts has to fit, the one that fewest people have is taken by counts, which may be nil.
func atomsOf(terms []Term, counts map[atom]int) (atoms []atom, wide bool) {
	for i := range terms {
		t := &terms[i]
		var of []atom
		switch t.Kind {
		case TermPerson:
			of = []atom{{kind: atomPerson, name: t.Name.Value}}
		case TermGroup:
			of = []atom{{kind: atomGroup, name: t.Name.Value}}
		case TermReports:
			of = []atom{{kind: atomReports, name: t.Name.Value}}
		case TermMatch:
			of, wide = atomsOfMatch(t.Match, counts)
		case TermAny:
			of, wide = atomsOf(t.Terms, counts)
		case TermAll:
			of, wide = atomsOfAll(t.Terms, counts)
		default:
			wide = true
		}
		if wide {
			return nil, true
		}
		atoms = append(atoms, of...)
	}
	return atoms, false
}

// atomsOfMatch are those of the key whose values fewest people have.
func atomsOfMatch(match []Attr, counts map[atom]int) (best []atom, wide bool) {
	least := -1
	for _, m := range match {
		if slices.ContainsFunc(m.Values, func(v Text) bool { return IsGlob(v.Value) }) {
			continue
		}
		atoms, n := make([]atom, 0, len(m.Values)), 0
		for _, v := range m.Values {
			a := atom{atomHas, m.Key.Value, v.Value}
			atoms, n = append(atoms, a), n+counts[a]
		}
		if least < 0 || n < least {
			best, least = atoms, n
		}
	}
	return best, least < 0 && len(match) > 0
}

// atomsOfAll are those of one term that isn't wide: who is in all of them is in that one.
func atomsOfAll(terms []Term, counts map[atom]int) (best []atom, wide bool) {
	wide = len(terms) > 0
	for i := range terms {
		atoms, far := atomsOf(terms[i:i+1], counts)
		if !far && (wide || len(atoms) < len(best)) {
			best, wide = atoms, false
		}
	}
	return best, wide
}

// countAttributes counts who has which values.
func countAttributes(people []*Person) map[atom]int {
	out := map[atom]int{}
	for _, p := range people {
		for _, a := range p.Attributes {
			for _, v := range a.Values {
				out[atom{atomHas, a.Key.Value, v.Value}]++
			}
		}
	}
	return out
}

// About are the groups and grants that can be about one of the people: whoever isn't among those
// given is in none of the others, whatever the time. Both are sorted by id. It costs what these people
// have where the repository was kept, and all of them elsewhere.
func (r *Repository) About(people []*Person) ([]*Group, []*Grant) {
	if !r.Kept() {
		return r.Groups(), r.Grants()
	}
	s := &search{r: r, c: r.record(), done: map[atom]bool{}, groups: map[int]bool{}, grants: map[int]bool{}}
	for _, p := range people {
		s.person(p)
	}
	for _, g := range r.groups.late.come {
		s.group(g)
	}
	wide := s.c.numbers(secWide)
	for i := range wide.len() {
		s.doc(wide.at(i))
	}
	for len(s.queue) > 0 {
		a := s.queue[0]
		s.queue = s.queue[1:]
		s.atom(a)
	}
	return pick(r.groups.late, s.groups), pick(r.grants.late, s.grants)
}

// pick are the documents with these numbers in the record that are still there, and all that came.
func pick[T any, D docOf[T]](l *late[T, D], numbers map[int]bool) []D {
	out := slices.Clone(l.come)
	for _, i := range slices.Sorted(maps.Keys(numbers)) {
		if i < l.from.len() && !l.isGone(i) {
			out = append(out, l.from.at(i))
		}
	}
	slices.SortFunc(out, compareDocs[D])
	return out
}

// search finds the groups and grants that can be about some people.
type search struct {
	r              *Repository
	c              *Compiled
	queue          []atom
	done           map[atom]bool
	groups, grants map[int]bool // by their numbers in the record
}

func (s *search) ask(a atom) {
	if !s.done[a] {
		s.done[a] = true
		s.queue = append(s.queue, a)
	}
}

// person asks for all that the person fits.
func (s *search) person(p *Person) {
	s.ask(atom{kind: atomPerson, name: p.ID.Value})
	for _, a := range p.Attributes {
		for _, v := range a.Values {
			s.ask(atom{atomHas, a.Key.Value, v.Value})
		}
	}
	for at := p; at != nil && at.Manager.Value != ""; {
		up := atom{kind: atomReports, name: at.Manager.Value}
		if s.done[up] {
			return // from here on it was all asked for
		}
		s.ask(up)
		at = s.r.Person(at.Manager.Value)
	}
}

func (s *search) group(g *Group) { s.ask(atom{kind: atomGroup, name: g.ID.Value}) }

// atom takes in the documents that have the atom.
func (s *search) atom(a atom) {
	table := s.c.numbers(secAtoms)
	for _, n := range s.c.of(secAtoms, secAbout, 4, func(row int) int {
		return atom{atomKind(table.at(4 * row)), s.c.texts.at(table.at(4*row + 1)), s.c.texts.at(table.at(4*row + 2))}.compare(a)
	}) {
		s.doc(n)
	}
}

// doc takes in a group, or a grant: its number and that of all groups.
func (s *search) doc(n int) {
	groups := s.r.groups.late.from
	switch {
	case n >= groups.len():
		if n -= groups.len(); n < s.r.grants.late.from.len() {
			s.grants[n] = true
		}
	case !s.groups[n]:
		s.groups[n] = true
		s.ask(atom{kind: atomGroup, name: groups.name(n)})
	}
}

// Team are the places in People of those whose manager has that id.
func (r *Repository) Team(manager string) []int {
	if r.people.late == nil {
		r.teamsOnce.Do(func() {
			r.teams = map[string][]int{}
			for i, p := range r.people.list {
				if p.Manager.Value != "" {
					r.teams[p.Manager.Value] = append(r.teams[p.Manager.Value], i)
				}
			}
		})
		return r.teams[manager]
	}
	var out []int
	l := r.people.late
	for k, p := range l.come {
		if p.Manager.Value == manager {
			out = append(out, l.places[k])
		}
	}
	for _, i := range r.record().team(manager) {
		if at, ok := l.place(i); ok {
			out = append(out, at)
		}
	}
	slices.Sort(out)
	return out
}

// team are those of a record whose manager has that id.
func (c *Compiled) team(manager string) []int {
	table := c.numbers(secTeams)
	return c.of(secTeams, secReports, 2, func(row int) int { return strings.Compare(c.texts.at(table.at(2*row)), manager) })
}

// ReportsMatter reports whether anything is given to those below a manager.
func (r *Repository) ReportsMatter() bool {
	groups, grants := r.groups.list, r.grants.list
	if r.Kept() {
		if r.record().reportsMatter() {
			return true
		}
		groups, grants = r.groups.late.come, r.grants.late.come
	}
	return slices.ContainsFunc(groups, func(g *Group) bool {
		return hasReports(g.Members) || hasReports(g.Only) || hasReports(g.Except)
	}) || slices.ContainsFunc(grants, func(g *Grant) bool { return hasReports(g.To) })
}

func hasReports(terms []Term) bool {
	return slices.ContainsFunc(terms, func(t Term) bool { return t.Kind == TermReports || hasReports(t.Terms) })
}

// reportsMatter is what the record was told by ReportsMatter.
func (c *Compiled) reportsMatter() bool { return c.numbers(secReporting).at(0) == 1 }

// Called are the places in People of those who may have an account of that name: by a rule for names,
// as it is written, or by what documents say of the system. Whoever isn't among them has an account of
// another name, also where letters are taken for one (access.Fold). It isn't ok where that can't be
// told without asking everybody.
func (r *Repository) Called(name, rule, system string) ([]int, bool) {
	l := r.people.late
	if l == nil {
		return nil, false
	}
	c := r.record()
	if rule != usualName && !c.knowsRule(rule) {
		return nil, false
	}
	var out []int
	for _, hash := range []uint64{nameHash(byRule+rule, name), nameHash(byPerson+system, name)} {
		for _, i := range c.called(hash) {
			if at, ok := l.place(i); ok {
				out = append(out, at)
			}
		}
	}
	out = append(out, l.places...) // few
	slices.Sort(out)
	return slices.Compact(out), true
}

// ByEmail is the first person with an address, whatever the case of its letters; nil if there is none.
func (r *Repository) ByEmail(email string) *Person {
	if email == "" {
		return nil
	}
	l := r.people.late
	if l == nil {
		i := slices.IndexFunc(r.people.list, func(p *Person) bool { return strings.EqualFold(p.Email.Value, email) })
		if i < 0 {
			return nil
		}
		return r.people.list[i]
	}
	places := slices.Clone(l.places)
	for _, i := range r.record().called(emailHash(email)) {
		if at, ok := l.place(i); ok {
			places = append(places, at)
		}
	}
	slices.Sort(places)
	for _, at := range places {
		if p := l.at(at); strings.EqualFold(p.Email.Value, email) {
			return p
		}
	}
	return nil
}

func (c *Compiled) knowsRule(rule string) bool {
	list := c.numbers(secPatterns)
	for i := range list.len() {
		if c.texts.at(list.at(i)) == rule {
			return true
		}
	}
	return false
}

func (c *Compiled) called(hash uint64) (out []int) {
	list := c.numbers(secNames)
	at := func(i int) uint64 { return uint64(list.at(3*i))<<32 | uint64(list.at(3*i+1)) }
	n := list.len() / 3
	for i := sort.Search(n, func(i int) bool { return at(i) >= hash }); i < n && at(i) == hash; i++ {
		out = append(out, list.at(3*i+2))
	}
	return out
}
