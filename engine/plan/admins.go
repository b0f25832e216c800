package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// lastAdmin looks at the world after the plan: a target that has usable administrators now
// must keep as many as the guard asks for (or as many as it has, if these are fewer). An
// administrator is usable if the account is enabled and holds an administrative permission on
// the target, itself or through a resource that it holds something on.
func (g *guard) lastAdmin() {
	keep := g.Guards.KeepAdmins
	if keep == 0 {
		return
	}
	suspects := g.free(func(s *Step) bool { return s.Takes(g.Describe) })
	if len(suspects) == 0 {
		return
	}
	before := newAdmins(g.Live, g.Describe, nil)
	after := newAdmins(g.Live, g.Describe, g.free(func(*Step) bool { return true }))
	for _, target := range slices.SortedFunc(maps.Keys(before.on), access.ID.Compare) {
		was, is := before.usable(target), after.usable(target)
		if len(is) >= len(was) || len(is) >= keep {
			continue
		}
		var steps []*Step
		for _, s := range suspects {
			if s.Held == nil && g.costs(s, target, was, is) {
				steps = append(steps, s)
			}
		}
		if len(steps) == 0 {
			continue
		}
		g.refuse(Refusal{Name: access.RiskLastAdmin, Ref: access.Ref{System: g.Name, ID: target}.String(),
			Text: fmt.Sprintf("would leave %s on %s with %d of %d usable administrators; at least %d stay", target, g.Name, len(is), len(was), keep)}, steps)
	}
}

// costs reports whether the step takes part in the target's loss of administrators: it is
// about one that is lost, or about a resource on the way to the target.
func (g *guard) costs(s *Step, target access.ID, was, is map[access.ID]bool) bool {
	lost := was[s.Subject] && !is[s.Subject]
	if !s.Action.OnGrant() {
		return lost || s.Subject == target
	}
	if !s.Subject.IsAccount() {
		return s.Target == target
	}
	if s.Target == target {
		return lost
	}
	return lost && !s.Target.IsAccount() && g.leads(s.Target, target)
}

// leads reports whether holding something on a resource leads to administering the target.
func (g *guard) leads(via, target access.ID) bool {
	seen := map[access.ID]bool{}
	var walk func(id access.ID) bool
	walk = func(id access.ID) bool {
		if id == target || seen[id] {
			return id == target
		}
		seen[id] = true
		for _, e := range g.Live.GrantsOf(id) {
			if walk(e.Target) {
				return true
			}
		}
		return false
	}
	return walk(via)
}

// admins are the administrative grants of a system, before or after some steps.
type admins struct {
	on      map[access.ID]map[access.ID]bool // target → subjects with an administrative permission
	holders map[access.ID]map[access.ID]bool // resource → subjects that hold anything on it
	off     map[access.ID]bool               // accounts that can't be used
}

func newAdmins(live *access.State, d access.Description, steps []*Step) *admins {
	a := &admins{on: map[access.ID]map[access.ID]bool{}, holders: map[access.ID]map[access.ID]bool{}, off: map[access.ID]bool{}}
	for o := range live.Objects() {
		if o.ID.IsAccount() && o.Disabled {
			a.off[o.ID] = true
		}
	}
	for _, e := range live.Grants() {
		if e.Standing == access.Held {
			a.put(d, e.Subject, e.Target, e.Permission)
		}
	}
	for _, s := range steps {
		switch s.Action {
		case access.Disable, access.Delete:
			a.off[s.Subject] = true
			delete(a.holders, s.Subject)
		case access.Enable:
			delete(a.off, s.Subject)
		case access.Revoke:
			a.take(s.Subject, s.Target)
		case access.ChangeLevel:
			a.take(s.Subject, s.Target)
			a.put(d, s.Subject, s.Target, s.After.Permission)
		case access.Give:
			a.put(d, s.Subject, s.Target, s.After.Permission)
		}
	}
	return a
}

func (a *admins) put(d access.Description, subject, target access.ID, permission string) {
	kind, _ := d.Kind(target.Kind)
	if p, _ := kind.Permission(permission); p.Admin {
		if a.on[target] == nil {
			a.on[target] = map[access.ID]bool{}
		}
		a.on[target][subject] = true
	}
	if a.holders[target] == nil {
		a.holders[target] = map[access.ID]bool{}
	}
	a.holders[target][subject] = true
}

func (a *admins) take(subject, target access.ID) {
	delete(a.on[target], subject)
	delete(a.holders[target], subject)
}

// usable are the enabled accounts that administer the target.
func (a *admins) usable(target access.ID) map[access.ID]bool {
	out := map[access.ID]bool{}
	seen := map[access.ID]bool{}
	var walk func(subject access.ID)
	walk = func(subject access.ID) {
		if seen[subject] {
			return
		}
		seen[subject] = true
		if subject.IsAccount() {
			if !a.off[subject] {
				out[subject] = true
			}
			return
		}
		for holder := range a.holders[subject] {
			walk(holder)
		}
	}
	for subject := range a.on[target] {
		walk(subject)
	}
	return out
}
