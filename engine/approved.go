package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
)

// meet notes that approvals met what a rule demanded, for the journal.
func (j *judging) meet(v *verdict, f plan.Finding) {
	j.met = append(j.met, journal.Demand{Rule: v.Rule, Package: v.Package, Text: v.Msg, By: f.ApprovedBy, Person: v.Person, Changes: v.steps})
}

// approvedRun is what the journal is to say of the approvals that a run rests on: those that were
// for this change, by people who could give one, and what they let pass of what runs. It is nil
// without any. The evidence has been weighed by then.
func (s *session) approvedRun(p *plan.Plan) *journal.Approved {
	if s.proof == nil {
		return nil
	}
	out := &journal.Approved{ChangeDigest: p.ChangeDigest}
	for _, a := range s.proof.valid {
		if s.proof.authors[a.By] == "" && !s.proof.gains[a.By] {
			out.Approvals = append(out.Approvals, journal.Approval{By: a.By, At: a.At.UTC(), Change: a.Change, Commit: a.Commit})
		}
	}
	if len(out.Approvals) == 0 {
		return nil
	}
	slices.SortFunc(out.Approvals, func(a, b journal.Approval) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.By, b.By), strings.Compare(a.Change, b.Change), strings.Compare(a.Commit, b.Commit))
	})
	out.Approvals = slices.Compact(out.Approvals)
	out.Demands = demandsOf(append(slices.Clone(s.trusted), s.met...), p)
	return out
}

// demandsOf keeps of the demands those that are about something that runs, or about no step at
// all, as those on settings are.
func demandsOf(all []journal.Demand, p *plan.Plan) []journal.Demand {
	run := map[string]bool{}
	for _, st := range p.Run() {
		if !st.Leaver {
			run[st.Key()] = true
		}
	}
	var out []journal.Demand
	for _, d := range all {
		if len(d.Changes) > 0 {
			var changes []string
			for _, key := range d.Changes {
				if run[key] {
					changes = append(changes, key)
				}
			}
			if d.Changes = changes; len(changes) == 0 {
				continue
			}
			if len(changes) > 1 && len(changes) == len(run) {
				d.Changes, d.All = nil, true // a plan may have a million
			}
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b journal.Demand) int {
		return cmp.Or(strings.Compare(a.Rule, b.Rule), strings.Compare(a.Person, b.Person), strings.Compare(a.Text, b.Text))
	})
	return out
}
