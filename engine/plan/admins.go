package plan

import (
	"iter"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// admins is the world of a system as far as it is about administrators, with some steps done.
// What isn't changed stays in the state.
type admins struct {
	live   *access.State
	desc   access.Description
	names  map[access.ID]access.ID // of renamed accounts: before → after
	before map[access.ID]access.ID // after → before
	off    map[access.ID]bool      // accounts that a step disables (true) or enables (false)
	gone   map[access.ID]bool
	taken  map[access.Grant]bool
	given  map[access.ID][]access.Grant // by target
}

func newAdmins(live *access.State, d access.Description, steps []*Step) *admins {
	a := &admins{live: live, desc: d, names: map[access.ID]access.ID{}, before: map[access.ID]access.ID{}, off: map[access.ID]bool{}, gone: map[access.ID]bool{},
		taken: map[access.Grant]bool{}, given: map[access.ID][]access.Grant{}}
	for _, s := range steps {
		switch s.Action {
		case access.Rename:
			now := access.ID{Kind: s.Subject.Kind, Name: s.After.Name}
			a.names[s.Subject], a.before[now] = now, s.Subject
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
		a.given[s.Target] = slices.DeleteFunc(a.given[s.Target], func(g access.Grant) bool {
			return g.Subject == s.Subject && s.After != nil && g.Permission == s.After.Permission
		})
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
	if before, ok := a.before[account]; ok {
		account = before
	}
	o, _ := a.live.Object(account)
	return o.Disabled
}
