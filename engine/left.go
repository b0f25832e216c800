package engine

import (
	"github.com/accordhq/accord/engine/plan"
)

// Left are the steps that weren't carried out: a look carries out none.
func (d *Drifted) Left() []*plan.Step {
	out := make([]*plan.Step, len(d.Plan.Steps))
	for i := range d.Plan.Steps {
		out[i] = &d.Plan.Steps[i]
	}
	return out
}

// Left are the steps that weren't carried out, or weren't seen to hold.
func (a *Applied) Left() []*plan.Step {
	done := a.done()
	var out []*plan.Step
	for i := range a.Plan.Steps {
		if s := &a.Plan.Steps[i]; !done[s.Key()] {
			out = append(out, s)
		}
	}
	return out
}

// Open are the differences that are left.
func (a *Applied) Open() []plan.Difference {
	done := a.done()
	var out []plan.Difference
	for _, d := range a.Differences {
		if d.Step == nil || !done[d.Step.Key()] {
			out = append(out, d)
		}
	}
	return out
}

func (a *Applied) done() map[string]bool {
	if a.Result == nil {
		return nil
	}
	out := make(map[string]bool, len(a.Result.Steps))
	for i := range a.Result.Steps {
		if s := &a.Result.Steps[i]; s.Holds() {
			out[s.Key()] = true
		}
	}
	return out
}
