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

// sortRows sorts by person and entitlement and leaves in order what is equal in both.
func sortRows(rows []row) []row {
	type place struct {
		key uint64
		at  int32
	}
	places := make([]place, len(rows))
	for i, r := range rows {
		places[i] = place{uint64(r.person)<<32 | uint64(r.ent), int32(i)}
	}
	compare := func(a, b place) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.at, b.at)) }
	if slices.IsSortedFunc(places, compare) {
		return rows
	}
	slices.SortFunc(places, compare)
	out := make([]row, len(rows))
	for i, p := range places {
		out[i] = rows[p.at]
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

// rows makes the rows of the grant documents.
func (r *resolver) rows() {
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

// gift is one entitlement on its way to everybody who gets it by one grant.
type gift struct {
	to   *Desired
	what *bundle
	ent  int32
	path *path // by which the last one got it
	by   int32
}

func (r *resolver) give(g *declare.Grant, what []*bundle) {
	var gifts []gift
	for _, b := range what {
		if d := r.systems[b.ent.System.Value]; d != nil {
			gifts = append(gifts, gift{to: d, what: b, ent: -1})
		}
	}
	w := window(g.From, g.Until, r.loc)
	for _, m := range r.sets.union(g.To) {
		s := m.span.and(w).and(r.people.span(m.person))
		if s.empty() {
			continue
		}
		for i := range gifts {
			f := &gifts[i]
			if f.ent < 0 {
				f.ent = f.to.entitlement(f.what.ent)
			}
			if f.path != m.path {
				f.path, f.by = m.path, int32(len(f.to.ways))
				f.to.ways = append(f.to.ways, way{m.path, f.what, g})
			}
			f.to.rows = append(f.to.rows, row{m.person, f.ent, s, f.by})
		}
	}
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
