package resolve

import (
	"fmt"
	"maps"
	"slices"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// addResources adds the resources that the system's document declares and what they hold.
func (d *Desired) addResources(r *resolver, b *access.Builder) {
	for _, id := range slices.SortedFunc(maps.Keys(d.declared), access.ID.Compare) {
		res := d.declared[id]
		o := access.Object{ID: res.ID, Attributes: map[string]string{}}
		kind, _ := d.Connector.Describe.Kind(id.Kind)
		if res.Description.Value != "" && slices.ContainsFunc(kind.Attributes, func(a access.Attribute) bool { return a.Name == "description" }) {
			o.Attributes["description"] = res.Description.Value
		}
		for _, a := range res.Attributes {
			o.Attributes[a.Key.Value] = a.Value.Value
		}
		n, err := d.canonical(o)
		if err != nil {
			if r != nil {
				r.problem(d.Decl.Pos(res.At), fmt.Sprintf("%s: %v", res.ID, err), "")
			}
			continue
		}
		b.Object(n)
		d.addHeld(b, id, res)
	}
}

func (d *Desired) addHeld(b *access.Builder, id access.ID, res *declare.Resource) {
	best := map[access.ID]string{}
	for _, e := range slices.Concat(res.Access, res.MemberOf) {
		target := d.target(e.Target)
		kind, _ := d.Connector.Describe.Kind(target.Kind)
		if !kind.Ordered {
			b.Grant(access.Grant{Subject: id, Target: target, Permission: e.Permission})
		} else if was, ok := best[target]; !ok || kind.Lowers(e.Permission, was) {
			best[target] = e.Permission
		}
	}
	for target, permission := range best {
		b.Grant(access.Grant{Subject: id, Target: target, Permission: permission})
	}
}

// checkTargets reports entitlements that the system can't hold, and those on resources that
// are declared absent.
func (d *Desired) checkTargets(r *resolver) {
	check := func(file string, e *declare.Entitlement) {
		pos := declare.Pos{File: file, At: e.At}
		if _, err := d.canonical(access.Object{ID: e.Target}); err != nil {
			r.problem(pos, fmt.Sprintf("%s on %s: %v", e.Target, d.Decl.ID.Value, err), "")
		}
		if l, ok := d.absent[d.target(e.Target)]; ok {
			r.problem(pos, fmt.Sprintf("%s on %s is declared absent", e.Target, d.Decl.ID.Value), fmt.Sprintf("see %s:%d", l.File, l.Line))
		}
	}
	for _, m := range r.mentions[d.Decl.ID.Value] {
		check(m.file, m.ent)
	}
	if r.about != nil {
		return
	}
	for i := range d.Decl.Resources {
		res := &d.Decl.Resources[i]
		for j := range res.Access {
			check(d.Decl.File, &res.Access[j])
		}
		for j := range res.MemberOf {
			check(d.Decl.File, &res.MemberOf[j])
		}
	}
}

// mention is an entitlement that a role or a grant gives.
type mention struct {
	file string
	ent  *declare.Entitlement
}

// mentions sorts what roles and grants give by system. Where the world is about a few people, all but
// what differs is known to be sound.
func (r *resolver) mentioned() map[string][]mention {
	repo := r.in.Repo
	if r.about == nil {
		return mentionsOf(repo.Roles(), repo.Grants())
	}
	var roles []*declare.Role
	var grants []*declare.Grant
	for _, id := range slices.Sorted(maps.Keys(r.in.Differs.Roles)) {
		if role := repo.Role(id); role != nil {
			roles = append(roles, role)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.in.Differs.Grants)) {
		if g := repo.Grant(id); g != nil {
			grants = append(grants, g)
		}
	}
	return mentionsOf(roles, grants)
}

func mentionsOf(roles []*declare.Role, grants []*declare.Grant) map[string][]mention {
	out := map[string][]mention{}
	add := func(file string, list []declare.Entitlement) {
		for i := range list {
			system := list[i].System.Value
			out[system] = append(out[system], mention{file, &list[i]})
		}
	}
	for _, role := range roles {
		add(role.File, role.Access)
	}
	for _, g := range grants {
		add(g.File, g.Access)
	}
	return out
}

// exclusive reports people who would hold two roles that exclude each other, at any time that
// hasn't passed.
func (r *resolver) exclusive(w *World) {
	pairs := map[string][]string{}
	for _, role := range r.in.Repo.Exclusive() {
		for _, other := range role.Exclusive {
			pairs[role.ID.Value] = append(pairs[role.ID.Value], other.Value)
			pairs[other.Value] = append(pairs[other.Value], role.ID.Value)
		}
	}
	if len(pairs) == 0 {
		return
	}
	type held struct {
		span span
		way  *way
	}
	byPerson := map[int32]map[string][]held{}
	for _, d := range w.Systems {
		for _, row := range d.rows {
			for _, h := range d.way(row).what.roles {
				if pairs[h.role.ID.Value] == nil {
					continue
				}
				if byPerson[row.person] == nil {
					byPerson[row.person] = map[string][]held{}
				}
				name := h.role.ID.Value
				byPerson[row.person][name] = append(byPerson[row.person][name], held{row.span, d.way(row)})
			}
		}
	}
	future := span{r.at, never}
	for _, person := range slices.Sorted(maps.Keys(byPerson)) {
		roles := byPerson[person]
		for _, a := range slices.Sorted(maps.Keys(roles)) {
			for _, b := range slices.Compact(slices.Sorted(slices.Values(pairs[a]))) {
				if a > b {
					continue
				}
				if x, y, ok := clash(roles[a], roles[b], func(h held) span { return h.span.and(future) }); ok {
					r.problem(x.way.grant.Pos(x.way.who.term.At),
						fmt.Sprintf("%s would hold %s and %s at the same time", r.people.person(person).ID.Value, a, b),
						fmt.Sprintf("they exclude each other; %s comes from %s:%d", b, y.way.grant.File, y.way.who.term.At.Line))
				}
			}
		}
	}
}

// clash finds the first two whose spans overlap.
func clash[T any](as, bs []T, of func(T) span) (x, y T, ok bool) {
	for _, a := range as {
		for _, b := range bs {
			if of(a).overlaps(of(b)) {
				return a, b, true
			}
		}
	}
	return x, y, false
}
