package resolve

import "github.com/accordhq/accord/engine/access"

// giver puts what rows give into a state: of levels on one thing the highest alone. One serves all
// people of a system.
type giver struct {
	d     *Desired
	to    *access.Builder
	ents  []level // as Desired.ents
	best  []int32 // the highest so far of each target: an index into ents; -1: none
	found []int32 // the targets of which there is one
}

// level is an entitlement among the levels of its target.
type level struct {
	kind   *access.Kind // nil: it is no level
	target int32        // number of the target
}

func newGiver(d *Desired, to *access.Builder) *giver {
	g := &giver{d: d, to: to, ents: make([]level, len(d.ents))}
	numbers := map[access.ID]int32{}
	for i := range d.ents {
		id := d.ents[i].target
		kind := d.kind(id.Kind)
		if !kind.Ordered {
			continue
		}
		n, ok := numbers[id]
		if !ok {
			n = int32(len(numbers))
			numbers[id] = n
			g.best = append(g.best, -1)
		}
		g.ents[i] = level{kind, n}
	}
	return g
}

// give gives an account an entitlement, or keeps it in mind until giveBest if it is a level.
func (g *giver) give(account access.ID, ent int32) {
	l := &g.ents[ent]
	if l.kind == nil {
		g.grant(account, ent)
		return
	}
	best := &g.best[l.target]
	if *best < 0 {
		g.found = append(g.found, l.target)
		*best = ent
	} else if l.kind.Lowers(g.d.ents[ent].permission, g.d.ents[*best].permission) {
		*best = ent
	}
}

// giveBest gives the account the highest of the levels.
func (g *giver) giveBest(account access.ID) {
	for _, target := range g.found {
		g.grant(account, g.best[target])
		g.best[target] = -1
	}
	g.found = g.found[:0]
}

func (g *giver) grant(account access.ID, ent int32) {
	e := &g.d.ents[ent]
	g.to.Grant(access.Grant{Subject: account, Target: e.target, Permission: e.permission})
}
