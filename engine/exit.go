package engine

import (
	"github.com/accordhq/accord/engine/apply"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
)

// The exit codes. Where several fit, the first in this order counts: wrong usage, failed,
// applied in part, stale, refused, incomplete, changes, nothing to do.
const (
	ExitOK         = 0  // nothing to do, or everything done
	ExitFailed     = 1  // failed; nothing was changed
	ExitChanges    = 2  // there are changes (plan, drift)
	ExitRefused    = 3  // a guard or a policy refuses something
	ExitStale      = 4  // the plan is no longer what was reviewed; nothing was changed
	ExitPartly     = 5  // applied in part; the journal says where
	ExitIncomplete = 6  // some system couldn't be read completely
	ExitUsage      = 64 // wrong usage
)

// ExitOfPlan is the exit code that a plan stands for.
func ExitOfPlan(p *plan.Plan) int {
	switch {
	case p.Refused():
		return ExitRefused
	case unread(p):
		return ExitIncomplete
	case p.Running() > 0 || len(p.Settings) > 0 || len(p.Shifts) > 0 && notAsked(p):
		return ExitChanges
	}
	return ExitOK
}

// ExitOfDrift is the exit code of a look at drift: what the systems hold against the declaration,
// and what they still hold though its time is over. What is only listed (accounts that nobody
// declares, invitations, …) is no reason for a code.
func ExitOfDrift(p *plan.Plan) int {
	if unread(p) {
		return ExitIncomplete
	}
	for _, s := range p.Steps {
		if s.Class == plan.ClassDrift || s.Class == plan.ClassTime && s.Drift == plan.DriftExpired {
			return ExitChanges
		}
	}
	return ExitOK
}

// unread reports whether a system that was asked couldn't answer for everything, or what was
// last applied to it isn't known, and with it who has left since.
func unread(p *plan.Plan) bool {
	for _, s := range p.Systems {
		if s.Error != "" || len(s.Unknown) > 0 || s.BaseError != "" {
			return true
		}
	}
	return false
}

// notAsked reports whether systems were left unread on purpose.
func notAsked(p *plan.Plan) bool {
	for _, s := range p.Systems {
		if s.NotRead != "" {
			return true
		}
	}
	return false
}

// exitOfApply is the exit code of a run.
func exitOfApply(p *plan.Plan, deltas []plan.Delta, r *apply.Result) int {
	done, bad, unseen := 0, 0, unread(p)
	if r != nil {
		for _, s := range r.Systems {
			unseen = unseen || s.ReadBack != nil
		}
		for _, s := range r.Steps {
			switch {
			case s.Holds() || s.Outcome == journal.Done && s.Seen == journal.Unconfirmed:
				done++
			case s.Outcome == journal.Done, s.Outcome == journal.Unknown:
				done++ // it was tried, and may have left something behind
				bad++
			default:
				bad++
			}
		}
	}
	stale := false
	for _, d := range deltas {
		stale = stale || d.Stale()
	}
	switch {
	case r != nil && r.Unopened && done == 0, bad > 0 && done == 0:
		return ExitFailed
	case r != nil && r.Unpublished != nil:
		return ExitPartly
	case done > 0 && (bad > 0 || stale || p.Refused()):
		return ExitPartly
	case stale:
		return ExitStale
	case p.Refused():
		return ExitRefused
	case unseen:
		return ExitIncomplete
	}
	return ExitOK
}
