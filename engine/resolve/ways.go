package resolve

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// Membership is one way in which somebody belongs to a group, or gets a role: now or later.
type Membership struct {
	Person string
	// Of is the group or the role, Grant the grant that gives a role.
	Of, Grant string
	// From and Until bound it; zero: open. Of a role the person's own time here counts too.
	From, Until time.Time
	Chain       []access.Link
}

// Active reports whether it holds at the instant.
func (m Membership) Active(at time.Time) bool {
	return !at.Before(m.From) && (m.Until.IsZero() || at.Before(m.Until))
}

func compareMemberships(a, b Membership) int {
	return cmp.Or(strings.Compare(a.Of, b.Of), strings.Compare(a.Person, b.Person), a.From.Compare(b.From), a.Until.Compare(b.Until), strings.Compare(a.Grant, b.Grant),
		slices.CompareFunc(a.Chain, b.Chain, func(a, b access.Link) int {
			return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Text, b.Text))
		}))
}

// Memberships are the ways into a group, or, with an empty group, those of one person into every
// group; what is over is left out. A person's status doesn't count. Sorted. Not safe for
// concurrent use.
func (w *World) Memberships(group, person string) []Membership {
	var out []Membership
	for _, g := range w.Repo.Groups() {
		if group != "" && g.ID.Value != group {
			continue
		}
		for _, m := range w.sets.group(g) {
			p := w.people.person(m.person)
			if person != "" && p.ID.Value != person || m.span.until <= w.At.UnixMilli() {
				continue
			}
			from, until := m.span.times(w.people.zone)
			out = append(out, Membership{Person: p.ID.Value, Of: g.ID.Value, From: from, Until: until, Chain: memberLinks(w.people, p, m.path, g)})
		}
	}
	slices.SortFunc(out, compareMemberships)
	return out
}

// RoleWays are the ways in which people get a role, directly or because another one includes it;
// with an empty role those of one person to every role. What is over is left out. Sorted. Not safe
// for concurrent use.
func (w *World) RoleWays(role, person string) []Membership {
	var out []Membership
	for _, g := range w.Repo.Grants() {
		var ways [][]hop
		for _, name := range g.Roles {
			if r := w.Repo.Role(name.Value); r != nil {
				ways = append(ways, reaches(w.Repo, r, role, g.File, name.At)...)
			}
		}
		if len(ways) == 0 {
			continue
		}
		grant := window(g.From, g.Until, w.people.zone)
		for _, m := range w.sets.union(g.To) {
			p := w.people.person(m.person)
			s := m.span.and(grant).and(w.people.span(m.person))
			if person != "" && p.ID.Value != person || s.empty() || s.until <= w.At.UnixMilli() {
				continue
			}
			from, until := s.times(w.people.zone)
			for _, hops := range ways {
				first := &way{grant: g, who: m.path, what: &bundle{roles: hops}}
				chain := append([]access.Link{grantLink(first)}, includeLinks(hops)...)
				out = append(out, Membership{Person: p.ID.Value, Of: hops[len(hops)-1].role.ID.Value, Grant: g.ID.Value, From: from, Until: until,
					Chain: append(chain, memberLinks(w.people, p, m.path, nil)...)})
			}
		}
	}
	slices.SortFunc(out, compareMemberships)
	return out
}

// reaches are the ways from a role to another one through what each includes; with an empty name
// those to every role, itself first.
func reaches(repo *declare.Repository, from *declare.Role, to, file string, at declare.At) [][]hop {
	var out [][]hop
	visits := map[*declare.Role]int{}
	var walk func(role *declare.Role, way []hop, file string, at declare.At)
	walk = func(role *declare.Role, way []hop, file string, at declare.At) {
		if visits[role]++; visits[role] > maxWays {
			return
		}
		way = append(way[:len(way):len(way)], hop{role, file, at})
		if to == "" || role.ID.Value == to {
			out = append(out, way)
		}
		for _, name := range role.Includes {
			if inner := repo.Role(name.Value); inner != nil {
				walk(inner, way, role.File, name.At)
			}
		}
	}
	walk(from, nil, file, at)
	return out
}

// RoleAccess is what a role gives, itself or by what it includes.
type RoleAccess struct {
	System     string
	Target     access.ID
	Permission string
	// Through are the roles between, outermost first; empty: it gives it itself.
	Through []string
	Link    access.Link
}

// RoleGives lists what a role gives, sorted.
func (w *World) RoleGives(id string) []RoleAccess {
	role := w.Repo.Role(id)
	if role == nil {
		return nil
	}
	var out []RoleAccess
	for _, b := range expand(w.Repo, role, role.File, role.At) {
		x := RoleAccess{System: b.ent.System.Value, Target: b.ent.Target, Permission: b.ent.Permission}
		for _, h := range b.roles[1:] {
			x.Through = append(x.Through, h.role.ID.Value)
		}
		x.Link = access.Link{File: b.roles[len(b.roles)-1].role.File, Line: int(b.ent.At.Line), Text: entText(b.ent)}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b RoleAccess) int {
		return cmp.Or(strings.Compare(a.System, b.System), a.Target.Compare(b.Target), strings.Compare(a.Permission, b.Permission), slices.Compare(a.Through, b.Through))
	})
	return out
}

// TermText says in words who an entry of a set expression means.
func TermText(t *declare.Term) string { return termText(t) }
