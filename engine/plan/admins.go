package plan

import (
	"fmt"
	"iter"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// admins is the world of a system as far as it is about administrators, with some steps done.
// What isn't changed stays in the state.
type admins struct {
	live  *access.State
	desc  access.Description
	names map[access.ID]access.ID // of renamed accounts: before → after
	off   map[access.ID]bool      // accounts that a step disables (true) or enables (false)
	gone  map[access.ID]bool
	taken map[access.Grant]bool
	given map[access.ID][]access.Grant // by target
}

func newAdmins(live *access.State, d access.Description, steps []*Step) *admins {
	a := &admins{live: live, desc: d, names: map[access.ID]access.ID{}, off: map[access.ID]bool{}, gone: map[access.ID]bool{},
		taken: map[access.Grant]bool{}, given: map[access.ID][]access.Grant{}}
	for _, s := range steps {
		switch s.Action {
		case access.Rename:
			a.names[s.Subject] = access.ID{Kind: s.Subject.Kind, Name: s.After.Name}
		case access.Delete:
			a.gone[s.Subject] = true
		case access.Disable, access.Enable:
			a.off[s.Subject] = s.Action == access.Disable
		case access.Revoke, access.ChangeLevel, access.Give:
			if s.Before != nil {
				a.taken[access.Grant{Subject: s.Subject, Target: s.Target, Permission: s.Before.Permission}] = true
			}
			if s.After != nil {
				a.given[s.Target] = append(a.given[s.Target], access.Grant{Subject: s.Subject, Target: s.Target, Permission: s.After.Permission})
			}
		}
	}
	return a
}

// undo makes a step that takes something away undone.
func (a *admins) undo(s *Step) {
	switch s.Action {
	case access.Delete:
		delete(a.gone, s.Subject)
	case access.Disable:
		delete(a.off, s.Subject)
	case access.Revoke, access.ChangeLevel:
		delete(a.taken, access.Grant{Subject: s.Subject, Target: s.Target, Permission: s.Before.Permission})
		a.given[s.Target] = slices.DeleteFunc(a.given[s.Target], func(g access.Grant) bool { return g.Subject == s.Subject && s.After != nil && g.Permission == s.After.Permission })
	}
}

// holders are those who hold something on a resource; with admin set only what administers it.
func (a *admins) holders(target access.ID, admin bool) iter.Seq[access.ID] {
	kind, _ := a.desc.Kind(target.Kind)
	counts := func(g access.Grant) bool {
		p, _ := kind.Permission(g.Permission)
		return !a.gone[g.Subject] && (p.Admin || !admin)
	}
	return func(yield func(access.ID) bool) {
		if a.gone[target] {
			return
		}
		for _, g := range a.live.GrantsOn(target) {
			if now, ok := a.names[g.Subject]; ok {
				g.Subject = now
			}
			if g.Standing == access.Held && !a.taken[g] && counts(g) && !yield(g.Subject) {
				return
			}
		}
		for _, g := range a.given[target] {
			if counts(g) && !yield(g.Subject) {
				return
			}
		}
	}
}

// usable are the accounts that administer the target and can be used: the grant is theirs, or
// that of a resource on which they hold something.
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
			if !a.disabled(subject) {
				out[subject] = true
			}
			return
		}
		for holder := range a.holders(subject, false) {
			walk(holder)
		}
	}
	for subject := range a.holders(target, true) {
		walk(subject)
	}
	return out
}

// way are the target and the resources through which somebody may administer it.
func (a *admins) way(target access.ID) map[access.ID]bool {
	seen := map[access.ID]bool{}
	var walk func(id access.ID)
	walk = func(id access.ID) {
		if seen[id] || id.IsAccount() {
			return
		}
		seen[id] = true
		for holder := range a.holders(id, false) {
			walk(holder)
		}
	}
	walk(target)
	return seen
}

func (a *admins) disabled(account access.ID) bool {
	if off, ok := a.off[account]; ok {
		return off
	}
	o, ok := a.live.Object(account)
	for before, now := range a.names {
		if !ok && now == account {
			o, _ = a.live.Object(before)
		}
	}
	return o.Disabled
}

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
	for _, target := range g.administered(suspects) {
		was, is := before.usable(target), after.usable(target)
		if after.gone[target] || g.allowed[target] {
			continue
		}
		if len(is) < len(was) && len(is) < keep {
			steps := g.costs(suspects, before.way(target), was, is)
			if len(steps) == 0 {
				continue
			}
			g.refuse(Refusal{Name: access.RiskLastAdmin, Ref: access.Ref{System: g.Name, ID: target}.String(),
				Text: fmt.Sprintf("would leave %s on %s with %d of %d usable administrators; at least %d stay", target, g.Name, len(is), len(was), keep)}, steps)
			if g.allowed[target] = steps[0].Held == nil; !g.allowed[target] {
				held = true
				for _, s := range steps {
					after.undo(s)
					bare.undo(s)
				}
			}
			continue
		}
		if left := bare.usable(target); len(left) < len(was) && len(left) < keep {
			g.replaceFirst(g.costs(suspects, before.way(target), was, left), all, after.way(target), was, is)
		}
	}
	return held
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
		if s.Action.OnGrant() {
			walk(s.Target)
			continue
		}
		id := s.Subject
		if was, ok := before[id]; ok {
			id = was
		}
		walk(id)
	}
	slices.SortFunc(out, access.ID.Compare)
	return out
}

// costs are the steps that take part in the target's loss of administrators: those about one
// that is lost, or about a resource on the way to the target.
func (g *guard) costs(suspects []*Step, way, was, is map[access.ID]bool) []*Step {
	var out []*Step
	for _, s := range suspects {
		lost := was[s.Subject] && !is[s.Subject] || !s.Subject.IsAccount()
		through := way[s.Target]
		if !s.Action.OnGrant() {
			through = s.Subject.IsAccount() || way[s.Subject]
		}
		if lost && through && s.Held == nil {
			out = append(out, s)
		}
	}
	return out
}

// replaceFirst lets steps that take administrators away wait for those that bring others:
// should these fail, somebody is still there.
func (g *guard) replaceFirst(takes, all []*Step, way, was, is map[access.ID]bool) {
	var brings []string
	for _, s := range all {
		brings = append(brings, g.brings(s, way, was, is)...)
	}
	for _, s := range takes {
		s.need(brings...)
	}
}

// brings names the step if it helps to make somebody an administrator. One that itself waits
// for something to be taken away is left out: the two could wait for each other.
func (g *guard) brings(s *Step, way, was, is map[access.ID]bool) []string {
	if s.Takes(g.Describe) || s.Action != access.Enable && (!s.Action.OnGrant() || !way[s.Target]) {
		return nil
	}
	if s.Subject.IsAccount() && (was[s.Subject] || !is[s.Subject]) {
		return nil
	}
	for _, k := range s.Needs {
		if n := g.byKey[k]; n != nil && n.Takes(g.Describe) {
			return nil
		}
	}
	return []string{s.Key()}
}
