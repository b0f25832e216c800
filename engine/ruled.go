package engine

import (
	"slices"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/diff"
	"github.com/accordhq/accord/engine/plan"
)

// Judging settings are what a declaration could use to judge itself mildly. Each is listed when
// head changes it, and until the change is agreed to the one before holds: for policies, owners
// and exemptions as it is; for mode and manage whatever does less of the two.

// ruled are the settings of a system that hold in this run.
type ruled struct {
	mode     plan.Mode
	claims   func(access.ID) bool
	accounts declare.AccountRules
}

// rule decides by which settings a system is planned.
func (s *session) rule(sys *system) {
	now := sys.decl
	sys.conf = now
	sys.ruled = ruled{mode: mode(now), claims: claims(now), accounts: now.Accounts}
	if s.book.decl == s.head.Repo {
		return
	}
	was := managed(s.book.decl, now)
	if was == nil {
		return // it is new, and its connection isn't trusted before somebody agrees
	}
	if fork := s.fork(); fork != nil && connection(was) != connection(now) {
		if then := fork.System(previousName(fork, now)); then != nil && connection(then) == connection(now) {
			sys.conf = was // it was changed on the other side
		}
	}
	r := &sys.ruled
	r.mode = lesser(mode(was), r.mode)
	before, after := claims(was), r.claims
	r.claims = func(id access.ID) bool { return before(id) && after(id) }
	if leaver(was) != leaver(now) && leaver(now) != diff.LeaverDisable {
		r.accounts.Leaver = was.Accounts.Leaver
	}
	r.accounts.DeleteAfter = was.Accounts.DeleteAfter
	if now.Accounts.Idle.Value == "disable" {
		r.accounts.Idle = was.Accounts.Idle
	}
}

// managed is the document by which a declaration looks after a system; nil if it doesn't.
func managed(r *declare.Repository, d *declare.System) *declare.System {
	if was := r.System(previousName(r, d)); was != nil && was.State.Value != "released" {
		return was
	}
	return nil
}

// lesser is the mode that writes less.
func lesser(a, b plan.Mode) plan.Mode {
	order := []plan.Mode{plan.Observe, plan.Additive, plan.Authoritative}
	return order[min(slices.Index(order, a), slices.Index(order, b))]
}

func leaver(d *declare.System) diff.LeaverRule {
	if d.Accounts.Leaver.Value == "" {
		return diff.LeaverDisable
	}
	return diff.LeaverRule(d.Accounts.Leaver.Value)
}
