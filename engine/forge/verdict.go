package forge

import (
	"fmt"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

// Context names the status of a plan: accord/plan, and the access root where that isn't the
// repository itself.
func Context(root string) string {
	if root == "" || root == "." {
		return "accord/plan"
	}
	return "accord/plan (" + root + ")"
}

// Verdict is the status that a plan stands for: a failure where something is refused or a
// system couldn't be read, else a success that says how much there is to do. Of a plan that isn't
// about everything, or about another day, it says so first.
func Verdict(p *plan.Plan) Status {
	var said []string
	state := StateSuccess
	refused, unread, unasked := 0, []string{}, []string{}
	for _, r := range p.Refusals {
		if !r.Allowed {
			refused++
		}
	}
	for _, s := range p.Systems {
		switch {
		case s.Error != "" || len(s.Unknown) > 0 || s.BaseError != "":
			unread = append(unread, s.Name)
		case s.NotRead != "":
			unasked = append(unasked, s.Name)
		}
	}
	if p.Rehearsal {
		said = append(said, "a rehearsal for "+p.At.UTC().Format(time.DateOnly))
	}
	part := report.PartOf(p)
	if part != "" {
		said = append(said, part)
	}
	if refused > 0 {
		state, said = StateFailure, append(said, report.Count(refused, "refusal", "refusals"))
	}
	if len(unread) > 0 {
		state, said = StateFailure, append(said, "not read completely: "+strings.Join(unread, " "))
	}
	switch steps := report.Tally(p.Run()); {
	case steps != "":
		said = append(said, steps)
	case len(p.Shifts) > 0 && len(unasked) > 0:
		said = append(said, report.Count(len(p.Shifts), "declared access changes", "declared accesses change"))
	case len(p.Settings) > 0:
	case refused == 0 && len(unread) == 0 && part == "" && asked(p) == 0:
		said = append(said, "nothing to do")
	default:
		said = append(said, "nothing is to be carried out")
	}
	if n := len(p.Settings); n > 0 {
		said = append(said, report.Count(n, "judging setting changes", "judging settings change"))
	}
	if n := asked(p); n > 0 {
		said = append(said, report.Count(n, "question", "questions"))
	}
	if n := len(p.Withheld); n > 0 {
		said = append(said, report.Count(n, "person is held back", "people are held back"))
	}
	if len(unasked) > 0 {
		said = append(said, fmt.Sprintf("%s not read", report.Count(len(unasked), "system", "systems")))
	}
	return Status{State: state, Text: report.Clean(strings.Join(said, "; "))}
}

// asked counts what isn't corrected any more before somebody says who is right.
func asked(p *plan.Plan) int {
	n := 0
	for _, s := range p.Steps {
		if s.Held != nil && s.Held.Why == plan.HeldFlapping {
			n++
		}
	}
	return n
}

// NoPlan is the status where there is no plan.
func NoPlan() Status { return Status{State: StateError, Text: "there is no plan: planning failed"} }
