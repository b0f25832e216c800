package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/plan"
)

// Applied is what became of an apply.
type Applied struct {
	// Run is the run's id in the journal.
	Run string
	// Plan is the plan that was carried out: the fresh one, held where it is stale.
	Plan *plan.Plan
	// Deltas are how it differs from the plan that was reviewed.
	Deltas []plan.Delta
	// Steps are those that were to run.
	Steps []AppliedStep
	// ReadBack holds, by system, why reading back failed.
	ReadBack map[string]string
	Duration time.Duration
	// Stopped says that the run was told to stop before its end.
	Stopped bool
	// Settings says that the judging settings of the declaration hold from now on.
	Settings bool
	Exit     int
}

// AppliedStep is what became of one step.
type AppliedStep struct {
	Step *plan.Step
	// Outcome is done, already, failed, unknown or skipped.
	Outcome string
	// Seen is what reading back showed: held, not-held, unconfirmed, or nothing.
	Seen        string
	Error, Note string
}

// fared is how a step ended, worst first.
type fared int

const (
	faredFailed fared = iota
	faredNotHeld
	faredUnknown
	faredUnconfirmed
	faredSkipped
	faredHeld
)

// end judges a step by its outcome and by what reading back showed. What was done counts as
// done only where it was seen.
func (s AppliedStep) end() fared {
	switch s.Outcome {
	case "already": // the connector looked
		return faredHeld
	case "done":
		switch s.Seen {
		case "held":
			return faredHeld
		case "not-held":
			return faredNotHeld
		}
		return faredUnconfirmed
	case "unknown":
		switch s.Seen {
		case "held":
			return faredHeld
		case "not-held":
			return faredNotHeld
		}
		return faredUnknown
	case "skipped":
		return faredSkipped
	}
	return faredFailed
}

// String is how the end of some steps is counted.
func (f fared) String() string {
	return [...]string{"failed", "done but not there", "of unknown outcome", "not confirmed yet", "not begun", "done and read back"}[f]
}

// Apply writes what became of an apply as text: what wasn't carried out since it is no longer
// as it was reviewed, then by system what didn't end well, refusals, counts, and what to do
// next. With Verbose what ended well is listed too.
func Apply(w io.Writer, a Applied, o Options) error {
	v := &applyView{view: newView(w, a.Plan, o), a: a}
	v.text(0, 2, fmt.Sprintf("%s · plan %s%s", place(a.Plan.Revision), short(a.Plan.PlanDigest, 8), lead(" · ", took(a.Duration))))
	for _, n := range a.Plan.Notes {
		v.text(0, 2, "Note: "+n)
	}
	for _, d := range a.Deltas {
		v.delta(d)
	}
	v.otherwiseStale()
	v.systems()
	v.withheld()
	v.findings()
	v.questions()
	v.allowed()
	v.refused()
	v.settle()
	v.end()
	return v.flush()
}

// settle says which judging settings didn't hold yet and do from now on.
func (v *applyView) settle() {
	var names []string
	for _, s := range v.plan.Settings {
		names = append(names, s.Setting)
	}
	switch {
	case len(names) == 0:
	case v.a.Settings:
		v.heading("These judging settings hold from now on; accord plan shows what follows from them")
		v.text(2, 4, strings.Join(names, ", "))
	default:
		v.heading("These judging settings don't hold before nothing is refused any more")
		v.text(2, 4, strings.Join(names, ", "))
	}
}

type applyView struct {
	*view
	a Applied
}

func took(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// delta writes how a system differs from what was reviewed. A stale one was left alone but for
// leavers.
func (v *applyView) delta(d plan.Delta) {
	if !d.Stale() {
		if n := len(d.Already); n > 0 {
			v.gap()
			v.text(0, 2, fmt.Sprintf("%s: %s done already when this run began.", d.System, Count(n, "reviewed step was", "reviewed steps were")))
		}
		return
	}
	v.heading(d.System + ": no longer as it was reviewed; nothing was done there but for leavers")
	if d.Unread != "" {
		v.line(2, 4).put(symbols[unknown], unknown).space(1).prose("it can't be read any more: "+d.Unread, plain).end()
	}
	told := map[string]bool{}
	group := func(title string, steps []plan.Step) {
		if len(steps) == 0 {
			return
		}
		v.text(2, 4, title)
		picked := make([]*plan.Step, len(steps))
		for i := range steps {
			picked[i] = &steps[i]
			told[steps[i].Key()] = true
		}
		v.told(v.entries(picked), v.o.grouper(true), 4)
	}
	group("nobody reviewed", d.New)
	group("reviewed with other values; as they are now", d.Different)
	group("reviewed, and not carried out", v.stale(d.System, told))
	if n := len(d.Already); n > 0 {
		v.text(2, 4, Count(n, "reviewed step was done already", "reviewed steps were done already"))
	}
}

// stale are the steps of a system that are held since it isn't as it was reviewed.
func (v *applyView) stale(system string, told map[string]bool) []plan.Step {
	var out []plan.Step
	for _, s := range v.plan.Steps {
		if s.System == system && s.Held != nil && s.Held.Why == plan.HeldStale && !told[s.Key()] {
			out = append(out, s)
		}
	}
	return out
}

// otherwiseStale writes what is held as stale on a system of which no difference is told, and
// what waits for any of it.
func (v *applyView) otherwiseStale() {
	stale := map[string]bool{}
	for _, d := range v.a.Deltas {
		stale[d.System] = d.Stale()
	}
	v.section("Not carried out", v.pick(func(s *plan.Step) bool {
		return s.Held != nil && (s.Held.Why == plan.HeldDepends || s.Held.Why == plan.HeldStale && !stale[s.System])
	}), true)
}

// systems writes, by system, what didn't end well.
func (v *applyView) systems() {
	bySystem := map[string][]AppliedStep{}
	for name := range v.a.ReadBack {
		bySystem[name] = nil
	}
	for _, s := range v.a.Steps {
		bySystem[s.Step.System] = append(bySystem[s.Step.System], s)
	}
	for _, name := range sortedKeys(bySystem) {
		steps := slices.Clone(bySystem[name])
		told := slices.DeleteFunc(slices.Clone(steps), func(s AppliedStep) bool { return s.end() == faredHeld && !v.o.Verbose })
		if len(told) == 0 && v.a.ReadBack[name] == "" {
			continue
		}
		v.heading(name + lead(": ", ends(steps)))
		if why := v.a.ReadBack[name]; why != "" {
			v.line(2, 4).put(symbols[unknown], unknown).space(1).prose("what was done there couldn't be read back: "+why, plain).end()
		}
		slices.SortStableFunc(told, func(a, b AppliedStep) int { return cmp.Compare(a.end(), b.end()) })
		v.results(told)
	}
}

// ends counts steps by how they ended: "1 of 9 failed, 8 done and read back".
func ends(steps []AppliedStep) string {
	counts := map[fared]int{}
	for _, s := range steps {
		counts[s.end()]++
	}
	var out []string
	for f := faredFailed; f <= faredHeld; f++ {
		if n := counts[f]; n > 0 {
			if len(out) == 0 {
				out = append(out, fmt.Sprintf("%d of %d %s", n, len(steps), f))
			} else {
				out = append(out, fmt.Sprintf("%d %s", n, f))
			}
		}
	}
	return strings.Join(out, ", ")
}

// results writes steps with how each ended, a line each.
func (v *applyView) results(steps []AppliedStep) {
	var rows []blockRow
	for i := range steps {
		s := &steps[i]
		e := v.entry(s.Step)
		rows = append(rows, blockRow{row: row{kind: e.row.kind, system: whoOf(s.Step).listed(), what: e.row.what, notes: s.text(e.row.notes)}})
	}
	v.rows(rows, 0)
}

// text says how a step ended, and what it did where its symbol doesn't tell.
func (s AppliedStep) text(notes string) string {
	what := ""
	if !s.Step.Action.OnGrant() {
		what, _, _ = strings.Cut(notes, ",")
		what += ": "
	}
	end := s.end()
	if end == faredHeld {
		return what + "done"
	}
	why := join(s.Error, s.Note)
	switch {
	case why == "":
		return what + end.String()
	case end == faredFailed:
		return what + why
	}
	return what + end.String() + ": " + why
}

// end counts, names the run, and says what to do next.
func (v *applyView) end() {
	v.gap()
	t := v.totals()
	var text string
	switch {
	case len(v.a.Steps) > 0:
		text = ends(v.a.Steps)
	case t == totals{}:
		text = fmt.Sprintf("Nothing to do: %s as declared %s%s", isAre(len(v.plan.Systems)), atPlace(v.plan.Revision), v.butFor())
	default:
		text = "Nothing was carried out"
	}
	text += lead("; ", t.String()) + "."
	if v.a.Stopped {
		text += " The run was stopped before its end."
	}
	if v.a.Run != "" {
		text += " Journal " + v.a.Run + "."
	}
	v.text(0, 2, text)
	v.last(v.advice(t))
}

// advice says what to do next.
func (v *applyView) advice(t totals) string {
	counts := map[fared]int{}
	for _, s := range v.a.Steps {
		counts[s.end()]++
	}
	stale := slices.ContainsFunc(v.a.Deltas, plan.Delta.Stale)
	switch {
	case v.a.Stopped:
		return "Next: accord apply again; what is done stays done, and what is missing is planned anew."
	case counts[faredFailed]+counts[faredNotHeld]+counts[faredSkipped] > 0:
		return "Next: accord apply again, once what is told above is mended."
	case stale:
		return "Next: accord plan, and have the new plan reviewed."
	case counts[faredUnknown]+counts[faredUnconfirmed] > 0:
		return "Next: accord plan, which shows what of it didn't come about."
	case t.incomplete > 0:
		return "Next: accord plan, once everything can be read."
	case t.refused+t.refusals > 0:
		return "Next: " + v.wayOut()
	case t.asked > 0:
		return "Next: say who is right, by declaring it, or with --allow."
	case t.untouched > 0:
		return "Next: accord drift shows what isn't touched."
	}
	return ""
}
