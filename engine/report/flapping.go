package report

import (
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// questions writes what is flapping: corrected again and again, and there again. Somebody has to
// say who is right.
func (v *view) questions() {
	type question struct {
		ref   access.Ref
		steps []*plan.Step
	}
	var all []question
	for i := range v.plan.Steps {
		s := &v.plan.Steps[i]
		if s.Held == nil || s.Held.Why != plan.HeldFlapping {
			continue
		}
		at := slices.IndexFunc(all, func(q question) bool { return q.ref == s.Ref() })
		if at < 0 {
			at, all = len(all), append(all, question{ref: s.Ref()})
		}
		all[at].steps = append(all[at].steps, s)
	}
	if len(all) == 0 {
		return
	}
	v.heading("Who else writes this? (flapping)")
	slices.SortFunc(all, func(a, b question) int { return strings.Compare(a.ref.String(), b.ref.String()) })
	at := 2 + max(leastTitle, v.name) + 2
	for _, q := range all {
		v.line(2, at).put(q.ref.System, plain).column(at).prose(q.ref.ID.String()+": "+q.steps[0].Held.Text, plain).end()
		v.line(at, at).prose("declare what the other one does, take it out of manage:, or correct it once more with", plain).
			space(1).whole("--allow "+shellWord(string(access.RiskFlapping)+":"+q.ref.String()), plain).end()
		v.blocks(v.o.grouper(true).blocks(v.entries(q.steps)), 4)
	}
}
