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
	before := newAdmins(g.Live, g.Describe, slices.DeleteFunc(slices.Clone(all), func(s *Step) bool { return s.Action != access.Rename }))
	after := newAdmins(g.Live, g.Describe, all)
	bare := newAdmins(g.Live, g.Describe, slices.DeleteFunc(slices.Clone(all), func(s *Step) bool {
		return !s.Takes(g.Describe) && s.Action != access.Rename
	}))
	index := g.index(all)
	for _, target := range g.administered(suspects) {
		was := before.usable(target)
		if len(was) == 0 || after.gone[target] || g.allowed[target] {
			continue
		}
		if is := after.usable(target); len(is) < len(was) && len(is) < keep {
			steps := g.sparing(all, target, min(keep, len(was)), index.costs(before.way(target), was, is))
			if len(steps) == 0 {
				continue
			}
			g.refuse(Refusal{Name: access.RiskLastAdmin, Ref: access.Ref{System: g.Name, ID: target}.String(),
				Text: fmt.Sprintf("would leave %s on %s with %d of %d usable administrators; at least %d stay", target, g.Name, len(is), len(was), keep)}, steps)
			if g.allowed[target] = steps[0].Held == nil; g.allowed[target] {
				continue
			}
			held = true
			for _, s := range steps {
				after.undo(s)
				bare.undo(s)
			}
		} else if left := bare.usable(target); len(left) < len(was) && len(left) < keep {
			// Should those who come instead fail to come, somebody is still there.
			brings := index.brings(after.way(target), was, is)
			for _, s := range index.costs(before.way(target), was, left) {
				s.need(brings...)
			}
		}
	}
	return held
}

// sparing leaves leavers out of what is refused where the target keeps enough administrators
// without them: that somebody else keeps what they have is the smaller evil.
func (g *guard) sparing(all []*Step, target access.ID, enough int, steps []*Step) []*Step {
	others := slices.DeleteFunc(slices.Clone(steps), func(s *Step) bool { return s.Leaver })
	if len(others) == 0 || len(others) == len(steps) {
		return steps
	}
	without := slices.DeleteFunc(slices.Clone(all), func(s *Step) bool { return slices.Contains(others, s) })
	if len(newAdmins(g.Live, g.Describe, without).usable(target)) < enough {
		return steps
	}
	return others
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
		for _, e := range g.Live.GrantsOf(id) {
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
