package resolve

import (
	"slices"

	"github.com/accordhq/accord/engine/declare"
)

// member is one way in which somebody belongs to a set.
type member struct {
	person int32
	span   span
	path   *path
}

// path is the way through the terms, outermost first: the term that matched, the document it
// stands in, and, for a nested group, the way inside that.
type path struct {
	term  *declare.Term
	inner *path
	group *declare.Group // the group that term names, if it names one
}

// sets evaluates set expressions. Groups are evaluated once, attributes are indexed once. Whether
// somebody belongs to a set depends on nobody else, so that it can be asked about a few alone.
type sets struct {
	r      *resolver
	of     []int32          // about whom it is asked, sorted; nil: everybody
	names  map[string]int32 // of these
	groups map[string][]member
	values map[string]map[string][]int32 // attribute → value → people
}

func newSets(r *resolver, of []int32) *sets {
	s := &sets{r: r, of: of, groups: map[string][]member{}}
	if of != nil {
		s.names = make(map[string]int32, len(of))
		s.each(func(i int32) { s.names[r.people.person(i).ID.Value] = i })
	}
	return s
}

// named is the person with that id, of those whom it is about.
func (s *sets) named(id string) (int32, bool) {
	if s.of != nil {
		i, ok := s.names[id]
		return i, ok
	}
	i, ok := s.r.people.find(id)
	return i, ok && int(i) < s.r.people.gone
}

// each calls with everybody whom it is about.
func (s *sets) each(f func(int32)) {
	if s.of == nil {
		s.r.people.repo.People() // read side by side, where they weren't yet
		for i := range int32(s.r.people.gone) {
			f(i)
		}
		return
	}
	for _, i := range s.of {
		if int(i) < s.r.people.gone {
			f(i)
		}
	}
}

// having are the people by their values of an attribute.
func (s *sets) having(key string) map[string][]int32 {
	if s.values == nil {
		s.values = map[string]map[string][]int32{}
		s.each(func(i int32) {
			for _, a := range s.r.people.person(i).Attributes {
				byValue := s.values[a.Key.Value]
				if byValue == nil {
					byValue = map[string][]int32{}
					s.values[a.Key.Value] = byValue
				}
				for _, v := range a.Values {
					byValue[v.Value] = append(byValue[v.Value], i)
				}
			}
		})
	}
	return s.values[key]
}

// below are those below a person, of those whom it is about.
func (s *sets) below(id string) []int32 {
	if s.of == nil {
		return s.r.people.below(id)
	}
	var out []int32
	s.each(func(i int32) {
		if s.r.people.isBelow(i, id) {
			out = append(out, i)
		}
	})
	return out
}

// group gives the members of a group: the union of its entries, kept by only, less except.
// Check has refused cycles and windows under only and except.
func (s *sets) group(g *declare.Group) []member {
	if m, ok := s.groups[g.ID.Value]; ok {
		return m
	}
	members := s.union(g.Members)
	if len(g.Only) > 0 {
		keep := s.who(g.Only)
		members = slices.DeleteFunc(members, func(m member) bool { return !keep[m.person] })
	}
	if len(g.Except) > 0 {
		drop := s.who(g.Except)
		members = slices.DeleteFunc(members, func(m member) bool { return drop[m.person] })
	}
	members = fewWays(members)
	s.groups[g.ID.Value] = members
	return members
}

// fewWays keeps no more than maxWays ways for the same person and window. Who belongs to the
// group, and when, stays the same.
func fewWays(members []member) []member {
	if len(members) <= maxWays {
		return members
	}
	type same struct {
		person int32
		span   span
	}
	ways := make(map[same]int, len(members))
	return slices.DeleteFunc(members, func(m member) bool {
		key := same{m.person, m.span}
		ways[key]++
		return ways[key] > maxWays
	})
}

// union gives every way in which somebody is in one of the terms.
func (s *sets) union(terms []declare.Term) []member {
	if len(terms) == 1 {
		return s.term(&terms[0])
	}
	var out []member
	for i := range terms {
		out = append(out, s.term(&terms[i])...)
	}
	return out
}

// who gives everyone who is in one of the terms at any time; used where windows can't occur.
func (s *sets) who(terms []declare.Term) map[int32]bool {
	out := map[int32]bool{}
	for _, m := range s.union(terms) {
		out[m.person] = true
	}
	return out
}

func (s *sets) term(t *declare.Term) []member {
	w := window(t.From, t.Until, s.r.loc)
	switch t.Kind {
	case declare.TermPerson:
		if i, ok := s.named(t.Name.Value); ok {
			return []member{{i, w, &path{term: t}}}
		}
		return nil
	case declare.TermGroup:
		g := s.r.in.Repo.Group(t.Name.Value)
		if g == nil {
			return nil
		}
		inner := s.group(g)
		out := make([]member, 0, len(inner))
		var way *path // members in a row often came the same way
		for _, m := range inner {
			if both := m.span.and(w); !both.empty() {
				if way == nil || way.inner != m.path {
					way = &path{term: t, inner: m.path, group: g}
				}
				out = append(out, member{m.person, both, way})
			}
		}
		return out
	case declare.TermMatch:
		return s.every(t, w, s.match(t.Match))
	case declare.TermReports:
		return s.every(t, w, s.below(t.Name.Value))
	case declare.TermAny:
		return s.wrap(t, w, s.union(t.Terms))
	case declare.TermAll:
		return s.wrap(t, w, s.intersect(t.Terms))
	case declare.TermNot:
		drop := s.who(t.Terms)
		var out []int32
		s.each(func(i int32) {
			if !drop[i] {
				out = append(out, i)
			}
		})
		return s.every(t, w, out)
	}
	return nil
}

func (s *sets) every(t *declare.Term, w span, people []int32) []member {
	p := &path{term: t}
	out := make([]member, len(people))
	for i, person := range people {
		out[i] = member{person, w, p}
	}
	return out
}

// wrap puts the members of any and all behind their own term.
func (s *sets) wrap(t *declare.Term, w span, in []member) []member {
	out := in[:0]
	var way *path
	for _, m := range in {
		if both := m.span.and(w); !both.empty() {
			if way == nil || way.inner != m.path {
				way = &path{term: t, inner: m.path}
			}
			out = append(out, member{m.person, both, way})
		}
	}
	return out
}

// match gives the people that have, for every key, one of the values.
func (s *sets) match(keys []declare.Attr) []int32 {
	var out []int32
	for k, key := range keys {
		var found []int32
		byValue := s.having(key.Key.Value)
		for _, want := range key.Values {
			found = append(found, byValue[want.Value]...)
			if !declare.IsGlob(want.Value) {
				continue
			}
			for value, people := range byValue {
				if value != want.Value && declare.Glob(want.Value, value) {
					found = append(found, people...)
				}
			}
		}
		slices.Sort(found)
		if found = slices.Compact(found); k == 0 {
			out = found
			continue
		}
		out = slices.DeleteFunc(out, func(i int32) bool {
			_, ok := slices.BinarySearch(found, i)
			return !ok
		})
	}
	return out
}

// intersect gives everyone who is in each of the terms at the same time. Of several ways
// through one term each is tried; the path is that of the first term.
func (s *sets) intersect(terms []declare.Term) []member {
	if len(terms) == 0 {
		return nil
	}
	out := s.term(&terms[0])
	for i := range terms[1:] {
		spans := map[int32][]span{}
		for _, m := range s.term(&terms[i+1]) {
			if !slices.Contains(spans[m.person], m.span) {
				spans[m.person] = append(spans[m.person], m.span)
			}
		}
		var next []member
		for _, m := range out {
			for _, o := range spans[m.person] {
				if both := m.span.and(o); !both.empty() {
					next = append(next, member{m.person, both, m.path})
				}
			}
		}
		out = next
	}
	return out
}
