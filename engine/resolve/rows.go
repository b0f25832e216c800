package resolve

import (
	"cmp"

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

// row is one way in which one person gets one entitlement on one system.
type row struct {
	person int32
	ent    int32 // index into Desired.ents
	span   span
	who    *path
	what   *bundle
	grant  *declare.Grant
}

// compare orders rows by person and entitlement.
func (r row) compare(person, ent int32) int {
	return cmp.Or(cmp.Compare(r.person, person), cmp.Compare(r.ent, ent))
}

// entitlement is a target with a permission, in the connector's own spelling.
type entitlement struct {
	target     access.ID
	permission string
}

// rows makes the rows of every grant document.
func (r *resolver) rows() {
	for _, g := range r.in.Repo.Grants {
		var what []*bundle
		for i := range g.Access {
			what = append(what, &bundle{ent: &g.Access[i]})
		}
		for _, name := range g.Roles {
			if role := r.in.Repo.Role(name.Value); role != nil {
				what = append(what, expand(r.in.Repo, role, g.File, name.At)...)
			}
		}
		w := window(g.From, g.Until, r.loc)
		for _, m := range r.sets.union(g.To) {
			r.give(g, m, w, what)
		}
	}
}

func (r *resolver) give(g *declare.Grant, m member, w span, what []*bundle) {
	s := m.span.and(w).and(r.people.span[m.person])
	if s.empty() {
		return
	}
	for _, b := range what {
		if d := r.systems[b.ent.System.Value]; d != nil {
			d.rows = append(d.rows, row{m.person, d.entitlement(b.ent), s, m.path, b, g})
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
