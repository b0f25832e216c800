package plan

import (
	"fmt"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// lastAdmin looks at the world after the plan: a target that has usable administrators now
// must keep as many as the guard asks for (or as many as it has, if these are fewer). It
// reports whether it held something that wasn't held before.
func (g *guard) lastAdmin() (held bool) {
	keep := g.Guards.KeepAdmins
	suspects := g.free(func(s *Step) bool { return s.Takes(g.Describe) })
	if keep == 0 || len(suspects) == 0 {
		return false
	}
	all := g.free(func(*Step) bool { return true })
	before := newAdmins(g.counted(), g.Describe, slices.DeleteFunc(slices.Clone(all), func(s *Step) bool { return s.Action != access.Rename }))
	after := newAdmins(g.counted(), g.Describe, all)
	bare := newAdmins(g.counted(), g.Describe, slices.DeleteFunc(slices.Clone(all), func(s *Step) bool {
		return !s.Takes(g.Describe) && s.Action != access.Rename
	}))
	index := g.index(all)
	for _, target := range g.administered(suspects) {
		was := before.usable(target)
		if len(was) == 0 || after.gone[target] || g.allowed[target] {
			continue
		}
		enough := min(keep, len(was))
		if is := after.usable(target); len(is) < enough {
			steps := index.costs(before.way(target), was, is)
			text := fmt.Sprintf("would leave %s on %s with %d of %d usable administrators; at least %d stay", target, g.Name, len(is), len(was), keep)
			held = g.keepAdmins(target, enough, text, steps, after, bare) || held
		} else if left := bare.usable(target); len(left) < enough {
			// Should those who come instead fail to come, somebody is still there.
			brings := index.brings(after.way(target), was, is)
			for _, s := range index.costs(before.way(target), was, left) {
				s.need(brings...)
			}
		}
	}
	return held
}

// keepAdmins refuses what costs a target its last administrators, and undoes that in the worlds
// after the plan. Leavers stay out of it if enough remain without them: that somebody else keeps
// what they have is a smaller evil than a leaver who stays.
func (g *guard) keepAdmins(target access.ID, enough int, text string, steps []*Step, after, bare *admins) (held bool) {
	if len(steps) == 0 {
		return false
	}
	r := Refusal{Name: access.RiskLastAdmin, Ref: access.Ref{System: g.Name, ID: target}.String(), Text: text}
	if slices.Contains(g.in.Allow, Allow{r.Name, r.Ref}) {
		g.refuse(r, steps)
		g.allowed[target] = true
		return false
	}
	leavers, others := split(steps)
	undo(others, after, bare)
	if len(others) == 0 || len(after.usable(target)) < enough {
		undo(leavers, after, bare)
		others = append(others, leavers...)
	}
	g.refuse(r, others)
	return true
}

func split(steps []*Step) (leavers, others []*Step) {
	for _, s := range steps {
		if s.Leaver {
			leavers = append(leavers, s)
		} else {
			others = append(others, s)
		}
	}
	return leavers, others
}

func undo(steps []*Step, worlds ...*admins) {
	for _, w := range worlds {
		for _, s := range steps {
			w.undo(s)
		}
	}
}

// administered are the targets whose administrators the steps may concern, sorted.
func (g *guard) administered(suspects []*Step) []access.ID {
	before := map[access.ID]access.ID{}
	for _, s := range g.free(func(s *Step) bool { return s.Action == access.Rename }) {
		before[access.ID{Kind: s.Subject.Kind, Name: s.After.Name}] = s.Subject
	}
	seen := map[access.ID]bool{}
	var out []access.ID
	var walk func(id access.ID)
	walk = func(id access.ID) {
		if seen[id] {
			return
		}
		seen[id] = true
		if !id.IsAccount() {
			out = append(out, id)
		}
		for _, e := range g.counted().GrantsOf(id) {
			walk(e.Target)
		}
	}
	for _, s := range suspects {
		id := s.Subject
		if s.Action.OnGrant() {
			id = s.Target
		} else if was, ok := before[id]; ok {
			id = was
		}
		walk(id)
	}
	slices.SortFunc(out, access.ID.Compare)
	return out
}

// stepIndex finds steps by what they are about: there may be as many targets as steps.
type stepIndex struct {
	ends    map[access.ID][]*Step    // disabled or deleted objects
	takes   map[[2]access.ID][]*Step // grants that accounts lose, by subject and target
	takesOn map[access.ID][]*Step    // grants that resources lose, by target
	gives   map[access.ID][]*Step    // grants that are given, by target
	enables map[access.ID][]*Step
}

func (g *guard) index(all []*Step) *stepIndex {
	x := &stepIndex{map[access.ID][]*Step{}, map[[2]access.ID][]*Step{}, map[access.ID][]*Step{}, map[access.ID][]*Step{}, map[access.ID][]*Step{}}
	for _, s := range all {
		switch takes := s.Takes(g.Describe); {
		case takes && !s.Action.OnGrant():
			x.ends[s.Subject] = append(x.ends[s.Subject], s)
		case takes && s.Subject.IsAccount():
			key := [2]access.ID{s.Subject, s.Target}
			x.takes[key] = append(x.takes[key], s)
		case takes:
			x.takesOn[s.Target] = append(x.takesOn[s.Target], s)
		case g.waitsForLoss(s): // the two could wait for each other
		case s.Action.OnGrant():
			x.gives[s.Target] = append(x.gives[s.Target], s)
		case s.Action == access.Enable:
			x.enables[s.Subject] = append(x.enables[s.Subject], s)
		}
	}
	return x
}

// waitsForLoss reports whether a step waits for something to be taken away.
func (g *guard) waitsForLoss(s *Step) bool {
	return slices.ContainsFunc(s.Needs, func(k string) bool {
		n := g.byKey[k]
		return n != nil && n.Takes(g.Describe)
	})
}

// costs are the steps that take part in the loss of administrators: those about one that is
// lost, or about a resource on the way to the target.
func (x *stepIndex) costs(way, was, is map[access.ID]bool) []*Step {
	var out []*Step
	for account := range was {
		if is[account] {
			continue
		}
		out = append(out, x.ends[account]...)
		for id := range way {
			out = append(out, x.takes[[2]access.ID{account, id}]...)
		}
	}
	for id := range way {
		out = append(out, x.takesOn[id]...)
		out = append(out, x.ends[id]...)
	}
	out = slices.DeleteFunc(out, func(s *Step) bool { return s.Held != nil })
	slices.SortFunc(out, func(a, b *Step) int { return a.Compare(b.Change) })
	return out
}

// brings names the steps that help to make somebody an administrator who isn't one.
func (x *stepIndex) brings(way, was, is map[access.ID]bool) []string {
	var out []string
	for id := range way {
		for _, s := range x.gives[id] {
			if !s.Subject.IsAccount() || is[s.Subject] && !was[s.Subject] {
				out = append(out, s.Key())
			}
		}
	}
	for account := range is {
		if !was[account] {
			for _, s := range x.enables[account] {
				out = append(out, s.Key())
			}
		}
	}
	return out
}
