package plan

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// HeldStale holds the steps of a system that no longer is as it was reviewed.
const HeldStale HoldReason = "stale"

// Delta is how a fresh plan differs from the reviewed one on one system.
type Delta struct {
	System string
	// Already are reviewed steps that are true by now.
	Already []Step
	// New are steps that nobody reviewed.
	New []Step
	// Different are steps that were reviewed with other values; as they are now.
	Different []Step
	// Unread says that the system can't be read any more, or is another one by now.
	Unread string
}

// Stale reports whether the system must be left alone.
func (d Delta) Stale() bool { return len(d.New) > 0 || len(d.Different) > 0 || d.Unread != "" }

// Against compares a fresh plan with the one that was reviewed, system by system, and holds in
// the fresh one whatever may not run: all steps of a stale system but those of leavers, who
// proceed on the word of the fresh plan. Steps that are already true are noted. What was
// reviewed as refused or flapping (or as depending on that) and has been allowed since was seen by the
// reviewer, and runs. A system that is another one by now than the one that was reviewed is
// stale as a whole.
func (p *Plan) Against(reviewed *Plan) []Delta {
	old := map[string]Step{}
	for _, s := range reviewed.Steps {
		if s.Held == nil || slices.Contains(reviewedHolds, s.Held.Why) {
			old[s.Key()] = s
		}
	}
	deltas := map[string]*Delta{}
	at := func(system string) *Delta {
		if deltas[system] == nil {
			deltas[system] = &Delta{System: system}
		}
		return deltas[system]
	}
	still, about := map[string]bool{}, map[edge]Step{}
	for _, s := range p.Steps {
		still[s.Key()] = true
		about[edge{s.System, s.Subject, s.Target}] = s
		was, ok := old[s.Key()]
		switch {
		case s.Held != nil:
		case !ok:
			at(s.System).New = append(at(s.System).New, s)
		case !reflect.DeepEqual(was.Fingerprint(), s.Fingerprint()):
			at(s.System).Different = append(at(s.System).Different, s)
		}
	}
	for _, s := range reviewed.Steps {
		now, ok := p.System(s.System)
		if !ok || s.Held != nil || still[s.Key()] || !now.answers(s) {
			continue
		}
		if other, ok := about[edge{s.System, s.Subject, s.Target}]; ok && other.Held != nil { // not true, but to be done otherwise
			at(s.System).Different = append(at(s.System).Different, other)
			continue
		}
		at(s.System).Already = append(at(s.System).Already, s)
	}
	for _, s := range p.Systems {
		was, ok := reviewed.System(s.Name)
		switch {
		case s.Error != "" && (!ok || was.Error == ""):
			at(s.Name).Unread, at(s.Name).Already = s.Error, nil
		case ok && was.Identity != "" && s.Identity != "" && was.Identity != s.Identity:
			at(s.Name).Unread, at(s.Name).Already = fmt.Sprintf("it is %s now; the plan was made for %s", s.Identity, was.Identity), nil
		}
	}
	p.holdStale(deltas)
	var out []Delta
	for _, name := range slices.Sorted(maps.Keys(deltas)) {
		out = append(out, *deltas[name])
	}
	return out
}

// reviewedHolds are the holds of steps that the reviewer saw as what would be done but for an
// answer of theirs.
var reviewedHolds = []HoldReason{HeldRefused, HeldDepends, HeldFlapping}

// edge is what a step is about, whatever it does.
type edge struct {
	system          string
	subject, target access.ID
}

// answers reports whether a system was read, and nothing is waited for that concerns the step:
// if the step isn't in the plan then, it is true already.
func (s System) answers(step Step) bool {
	return s.Error == "" && s.NotRead == "" && !slices.ContainsFunc(s.Waiting, func(w Waiting) bool {
		return w.Subject == step.Subject || w.Subject == step.Target
	})
}

func (p *Plan) holdStale(deltas map[string]*Delta) {
	held := map[string]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		if d := deltas[s.System]; s.Held == nil && !s.Leaver && d != nil && d.Stale() {
			s.Held = &Hold{Why: HeldStale, Text: s.System + " is no longer as it was reviewed"}
			held[s.Key()] = true
		}
	}
	for i := range p.Steps { // needs come before what needs them
		s := &p.Steps[i]
		if s.Held == nil && slices.ContainsFunc(s.Needs, func(k string) bool { return held[k] }) {
			s.Held = &Hold{Why: HeldDepends, Text: "needs a step that is held"}
			held[s.Key()] = true
		}
	}
}
