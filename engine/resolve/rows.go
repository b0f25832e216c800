package resolve

import (
	"cmp"
	"slices"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// bundle is one entitlement and the way to it through the roles, outermost first; no roles
// where a grant names the entitlement itself.
type bundle struct {
	ent   *declare.Entitlement
	roles []hop
}

// hop is one role on the way, and the place that names it.
type hop struct {
	role *declare.Role
	file string
	at   declare.At
}

// row is one way in which one person gets one entitlement on one system. There are as many as
// there are grants in all, so it holds numbers alone: 32 bytes.
type row struct {
	person int32
	ent    int32 // index into Desired.ents
	span   span
	by     int32 // index into Desired.ways
}

// way is why: what all rows share that come of the same entries of the same documents.
type way struct {
	who   *path
	what  *bundle
	grant *declare.Grant
}

// way gives the reason of a row.
func (d *Desired) way(r row) *way { return &d.ways[r.by] }

// compare orders rows by person and entitlement.
func (r row) compare(person, ent int32) int {
	return cmp.Or(cmp.Compare(r.person, person), cmp.Compare(r.ent, ent))
}

// rowMaker is what rows are made with, system by system.
type rowMaker struct {
	rows   []row
	places []rowPlace
	ents   []int32
}

// rowPlace is where a row stands, and what it is sorted by.
type rowPlace struct {
	key uint64
	at  int32
}

// sorted gives the rows sorted by person and entitlement, in a list of their own; what is equal in both
// stays in order.
func (m *rowMaker) sorted() []row {
	m.places = m.places[:0]
	for i, r := range m.rows {
		m.places = append(m.places, rowPlace{uint64(r.person)<<32 | uint64(r.ent), int32(i)})
	}
	compare := func(a, b rowPlace) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.at, b.at)) }
	if !slices.IsSortedFunc(m.places, compare) {
		slices.SortFunc(m.places, compare)
	}
	out := make([]row, len(m.rows))
	for i, p := range m.places {
		out[i] = m.rows[p.at]
	}
	return out
}

// entitlement is a target with a permission, in the connector's own spelling.
type entitlement struct {
	target     access.ID
	permission string
}

// grants are those that can be about anybody whom the world is about.
func (r *resolver) grants() []*declare.Grant {
	if r.about == nil {
		return r.in.Repo.Grants()
	}
	people := make([]*declare.Person, len(r.about))
	for i, at := range r.about {
		people[i] = r.people.person(at)
	}
	_, grants := r.in.Repo.About(people)
	return grants
}

// gifts finds what every grant document gives to whom.
func (r *resolver) gifts() {
	for _, g := range r.grants() {
		var what []*bundle
		for i := range g.Access {
			what = append(what, &bundle{ent: &g.Access[i]})
		}
		for _, name := range g.Roles {
			if role := r.in.Repo.Role(name.Value); role != nil {
				what = append(what, expand(r.in.Repo, role, g.File, name.At)...)
			}
		}
		r.give(g, what)
	}
}

// gift is what one grant gives on one system to everybody who gets it. Most grants give to the same
// people on several systems, each of which makes its own rows of it.
type gift struct {
	grant *declare.Grant
	what  []*bundle
	to    []member // with when they get it; shared
}

func (r *resolver) give(g *declare.Grant, what []*bundle) {
	what = slices.DeleteFunc(what, func(b *bundle) bool { return r.systems[b.ent.System.Value] == nil })
	if len(what) == 0 {
		return
	}
	w := window(g.From, g.Until, r.loc)
	to := r.sets.union(g.To)
	for i := range to {
		to[i].span = to[i].span.and(w).and(r.people.span(to[i].person))
	}
	if to = slices.DeleteFunc(to, func(m member) bool { return m.span.empty() }); len(to) == 0 {
		return
	}
	for _, b := range what {
		d := r.systems[b.ent.System.Value]
		if n := len(d.gifts); n == 0 || d.gifts[n-1].grant != g {
			d.gifts = append(d.gifts, gift{grant: g, to: to})
		}
		last := &d.gifts[len(d.gifts)-1]
		last.what = append(last.what, b)
	}
}

// given is how many rows there will be.
func (d *Desired) given() (n int) {
	for i := range d.gifts {
		n += len(d.gifts[i].to) * len(d.gifts[i].what)
	}
	return n
}

// makeRows makes the rows of everything that is given here.
func (d *Desired) makeRows(m *rowMaker) {
	m.rows = slices.Grow(m.rows[:0], d.given())
	for i := range d.gifts {
		g := &d.gifts[i]
		m.ents = m.ents[:0]
		for _, b := range g.what {
			m.ents = append(m.ents, d.entitlement(b.ent))
		}
		var last *path // by which the one before got it
		by := 0
		for _, to := range g.to {
			if to.path != last {
				last, by = to.path, len(d.ways)
				for _, b := range g.what {
					d.ways = append(d.ways, way{to.path, b, g.grant})
				}
			}
			for k, ent := range m.ents {
				m.rows = append(m.rows, row{to.person, ent, to.span, int32(by + k)})
			}
		}
	}
	d.rows, d.gifts = m.sorted(), nil
}

// maxWays is how many ways to the same thing are kept: more explain nothing, and groups and
// roles that contain each other crosswise would double them at every level.
const maxWays = 64

// expand gives the entitlements of a role and of all that it includes.
func expand(repo *declare.Repository, role *declare.Role, file string, at declare.At) []*bundle {
	var out []*bundle
	visits := map[*declare.Role]int{}
	var walk func(role *declare.Role, way []hop, file string, at declare.At)
	walk = func(role *declare.Role, way []hop, file string, at declare.At) {
		if visits[role]++; visits[role] > maxWays {
			return
		}
		way = append(way[:len(way):len(way)], hop{role, file, at})
		for i := range role.Access {
			out = append(out, &bundle{&role.Access[i], way})
		}
		for _, name := range role.Includes {
			if inner := repo.Role(name.Value); inner != nil {
				walk(inner, way, role.File, name.At)
			}
		}
	}
	walk(role, nil, file, at)
	return out
}
