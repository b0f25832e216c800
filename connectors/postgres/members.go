package postgres

import (
	"fmt"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// databaseOwners is a role whose one member, by definition, is the owner of the database that
// one is connected to.
// https://www.postgresql.org/docs/current/predefined-roles.html
const databaseOwners = "pg_database_owner"

// memberships adds what is held directly, and what follows from nesting: whoever is a member
// of a role is by implication a member of all that the role is a member of. The closure costs
// nothing where no role is a member of another.
func (r *reading) memberships(b *access.Builder) error {
	edges := make([]edge, 0, len(r.members))
	belongs := make([]bool, len(r.roles)) // is a member of something
	for _, m := range r.members {
		from, ok1 := r.byOID[m.member]
		to, ok2 := r.byOID[m.role]
		if !ok1 || !ok2 {
			return fmt.Errorf("%w: a membership of role %d in role %d, which aren't both listed", connectors.ErrIncomplete, m.member, m.role)
		}
		edges = append(edges, edge{from, to})
		belongs[from] = true
		id := r.roles[from].id()
		if !r.covers(id) {
			continue
		}
		permission := permMember
		if m.admin {
			permission = permAdmin
		}
		r.member(b, id, to, permission, access.Held)
	}
	if owner, ok := r.byOID[r.ledger.dbOwner]; ok && r.covers(r.roles[owner].id()) {
		b.Grant(access.Grant{Subject: r.roles[owner].id(), Target: access.ID{Kind: kindRole, Name: databaseOwners}, Permission: permMember, Standing: access.Implied})
	}
	r.nested(b, edges, belongs)
	return nil
}

// edge is a direct membership, by indexes into roles.
type edge struct{ from, to int32 }

func (r *reading) member(b *access.Builder, subject access.ID, role int32, permission string, standing access.Standing) {
	b.Grant(access.Grant{Subject: subject, Target: r.roles[role].id(), Permission: permission, Standing: standing})
}

// nested adds the implied memberships. Of the direct ones it keeps only those that begin at a
// role which others are members of.
func (r *reading) nested(b *access.Builder, edges []edge, belongs []bool) {
	above := map[int32][]int32{} // the roles in the middle, and what they are members of
	for _, e := range edges {
		if belongs[e.to] {
			above[e.to] = nil
		}
	}
	if len(above) == 0 {
		return
	}
	direct := make(map[edge]bool, len(edges))
	for _, e := range edges {
		direct[e] = true
		if list, middle := above[e.from]; middle {
			above[e.from] = append(list, e.to)
		}
	}
	closure := map[int32][]int32{}
	for _, e := range edges {
		id := r.roles[e.from].id()
		if !belongs[e.to] || !r.covers(id) {
			continue
		}
		for _, top := range ancestors(e.to, above, closure) {
			if !direct[edge{e.from, top}] {
				r.member(b, id, top, permMember, access.Implied)
			}
		}
	}
}

// ancestors are all roles above one, each once. PostgreSQL refuses cycles of memberships.
func ancestors(role int32, above, known map[int32][]int32) []int32 {
	if all, ok := known[role]; ok {
		return all
	}
	known[role] = nil // ends a cycle, should there be one after all
	seen := map[int32]bool{}
	var all []int32
	add := func(r int32) {
		if !seen[r] {
			seen[r] = true
			all = append(all, r)
		}
	}
	for _, parent := range above[role] {
		add(parent)
		for _, r := range ancestors(parent, above, known) {
			add(r)
		}
	}
	known[role] = all
	return all
}
