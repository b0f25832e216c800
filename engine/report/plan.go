package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// Plan writes a plan as text. Next ends the last line: what was done with the plan, and what
// to do now ("written to plan.json. Next: accord apply plan.json"). It is left out where
// nothing would be carried out.
func Plan(w io.Writer, p *plan.Plan, o Options, next string) error {
	v := newView(w, p, o)
	v.header()
	v.judging()
	v.settings()
	v.classes()
	v.declared()
	v.withheld()
	v.aside()
	v.findings()
	v.questions()
	v.allowed()
	v.refused()
	v.summary(next)
	return v.flush()
}

// PlanJSON writes the plan as plan.Write does, and safe to print: characters that would act on
// a terminal are escaped.
func PlanJSON(w io.Writer, p *plan.Plan) error {
	return plan.Write(&jsonGuard{w: w}, p)
}

// view is a plan on its way to a page.
type view struct {
	*page
	o        Options
	plan     *plan.Plan
	keyed    sync.Once
	byKey    map[string]*plan.Step // once it is asked for
	bySystem map[string][]*plan.Step
	twice    map[holding]bool // who has more than one account on a system
}

func newView(w io.Writer, p *plan.Plan, o Options) *view {
	v := &view{page: newPage(w, o), o: o, plan: p, bySystem: map[string][]*plan.Step{}, twice: twoAccounts(p)}
	for i := range p.Steps {
		s := &p.Steps[i]
		v.bySystem[s.System] = append(v.bySystem[s.System], s)
	}
	for _, s := range p.Systems {
		if n := columns(s.Name); n <= widestName {
			v.name = max(v.name, n)
		}
	}
	return v
}

// step gives the step of that key; nil where the plan has none. Few plans name steps by their keys.
func (v *view) step(key string) *plan.Step {
	v.keyed.Do(func() {
		v.byKey = make(map[string]*plan.Step, len(v.plan.Steps))
		for i := range v.plan.Steps {
			v.byKey[v.plan.Steps[i].Key()] = &v.plan.Steps[i]
		}
	})
	return v.byKey[key]
}

// PartOf says which part of what there is to do a plan is about, as "only depot, only time"; empty:
// about everything.
func PartOf(p *plan.Plan) string {
	var out []string
	if len(p.Selected) > 0 {
		out = append(out, onlySystems(p))
	}
	if len(p.Only) > 0 {
		out = append(out, onlyClasses(p))
	}
	return strings.Join(out, ", ")
}

func onlySystems(p *plan.Plan) string { return "only " + strings.Join(p.Selected, " ") }

func onlyClasses(p *plan.Plan) string {
	var classes []string
	for _, c := range p.Only {
		classes = append(classes, string(c))
	}
	return "only " + strings.Join(classes, " and ")
}

// header says what was planned from, for what, and by whose rules.
func (v *view) header() {
	p := v.plan
	parts := []string{place(p.Revision)}
	if p.Base != "" {
		parts[0] += " against " + short(p.Base, 7)
	}
	systems := Count(len(p.Systems), "system", "systems")
	if len(p.Selected) > 0 {
		systems = onlySystems(p)
	}
	if len(p.Systems) > 0 && v.noneRead() {
		systems += ", none read"
	}
	parts = append(parts, systems)
	if len(p.Only) > 0 {
		parts = append(parts, onlyClasses(p))
	}
	switch j := p.Judged; {
	case j == nil:
		parts = append(parts, "no policy")
	case j.By != "":
		parts = append(parts, "judged by "+Count(len(j.Rules), "rule", "rules")+" of "+j.By)
	default:
		parts = append(parts, "judged by "+Count(len(j.Rules), "rule", "rules"))
	}
	v.text(0, 2, strings.Join(parts, " · "))
	if p.Rehearsal {
		v.text(0, 2, "As of "+instantText(p.At)+", not now: what would be done then if nothing else changed. It can't be applied.")
	}
	for _, n := range p.Notes {
		v.text(0, 2, "Note: "+n)
	}
}

// noneRead reports whether no system was asked.
func (v *view) noneRead() bool {
	for _, s := range v.plan.Systems {
		if s.NotRead == "" {
			return false
		}
	}
	return true
}

// pick gives the entries of the steps that the filter picks.
func (v *view) pick(filter func(*plan.Step) bool) []entry {
	var steps []*plan.Step
	for i := range v.plan.Steps {
		if s := &v.plan.Steps[i]; filter(s) {
			steps = append(steps, s)
		}
	}
	return v.entries(steps)
}

// section writes entries as blocks under a heading; nothing if there are none.
func (v *view) section(title string, entries []entry, fold bool) {
	if len(entries) == 0 {
		return
	}
	v.heading(title)
	v.told(entries, v.o.grouper(fold), 2)
}

// told writes entries as blocks.
func (v *view) told(entries []entry, g grouper, indent int) {
	v.blocks(g.blocks(ledgerOf(entries)), indent)
}

// classes writes what is carried out, and what only waits for something that is held.
func (v *view) classes() {
	shown := func(s *plan.Step) bool { return s.Held == nil || s.Held.Why == plan.HeldDepends }
	v.section("Leavers", v.pick(func(s *plan.Step) bool { return s.Leaver && shown(s) }), false)
	for _, c := range []struct {
		class plan.Class
		title string
	}{{plan.ClassChange, "Changes"}, {plan.ClassTime, "Time"}, {plan.ClassDrift, "Drift (not from this commit)"}} {
		v.section(c.title, v.pick(func(s *plan.Step) bool { return !s.Leaver && s.Class == c.class && shown(s) }), true)
	}
	v.section("Other", v.pick(func(s *plan.Step) bool {
		return !s.Leaver && shown(s) && s.Class != plan.ClassChange && s.Class != plan.ClassTime && s.Class != plan.ClassDrift
	}), true)
}

// summary counts, and says what to do next.
func (v *view) summary(next string) {
	v.gap()
	p := v.plan
	run := p.Run()
	t := v.totals()
	switch {
	case len(run) > 0:
		on := map[string]bool{}
		for _, s := range run {
			on[s.System] = true
		}
		v.text(0, 2, fmt.Sprintf("%s on %s%s.", count(run), Count(len(on), "system", "systems"), lead("; ", t.String())))
	case t == totals{}:
		if len(p.Settings) > 0 {
			v.text(0, 2, fmt.Sprintf("Nothing to do on the systems: %s hold once this is applied.", Count(len(p.Settings), "judging setting", "judging settings")))
		} else if len(p.Systems) == 0 {
			v.text(0, 2, "Nothing to do: no system is declared "+atPlace(p.Revision)+".")
		} else {
			v.text(0, 2, fmt.Sprintf("Nothing to do: %s as declared %s%s.", isAre(len(p.Systems)), atPlace(p.Revision), v.butFor()))
		}
	case len(p.Systems) > 0 && v.noneRead():
		v.text(0, 2, fmt.Sprintf("No system was read: this is what the declaration alone changes (%s).", Count(len(p.Shifts), "change", "changes")))
	case t.incomplete > 0:
		v.text(0, 2, fmt.Sprintf("Incomplete: nothing is to be carried out on what could be read; %s.", t))
	default:
		v.text(0, 2, fmt.Sprintf("Nothing is to be carried out: %s.", t))
	}
	v.last(v.next(len(run), t, next))
}

// totals are the counts beside those of what is carried out.
type totals struct {
	incomplete, waits, untouched, asked, stuck, unselected int
	// refusals are all of them, bare those that are about no step; refused are the steps.
	refusals, bare, refused int
}

// totals counts what isn't as declared and isn't carried out either.
func (v *view) totals() totals {
	var t totals
	for _, s := range v.plan.Systems {
		if !s.Readable() || len(s.Waiting) > 0 {
			t.incomplete++
		}
		t.stuck += len(s.Missing) + len(s.Disputed) + len(s.Disputes) + len(s.Dangling)
		t.unselected += s.Unselected
	}
	if t.incomplete == 0 && !v.plan.Complete && len(v.plan.Systems) > 0 {
		t.incomplete = len(v.plan.Systems) // it doesn't say which
	}
	for _, r := range v.plan.Refusals {
		if r.Allowed {
			continue
		}
		t.refusals++
		if len(r.Steps) == 0 && r.Name != access.RiskDangling { // which is among the stuck
			t.bare++
		}
	}
	for _, s := range v.plan.Steps {
		switch {
		case s.Held == nil:
		case s.Held.Why == plan.HeldRefused:
			t.refused++
		case s.Held.Why == plan.HeldDepends:
			t.waits++
		case s.Held.Why == plan.HeldFlapping:
			t.asked++
		default:
			t.untouched++
		}
	}
	return t
}

func (t totals) String() string {
	var out []string
	add := func(n int, one, many string) {
		if n > 0 {
			out = append(out, Count(n, one, many))
		}
	}
	add(t.incomplete, "system incomplete", "systems incomplete")
	add(t.refused, "step refused", "steps refused")
	add(t.bare, "refusal", "refusals")
	add(t.waits, "waiting", "waiting")
	add(t.asked, "question", "questions")
	add(t.stuck, "can't be made true", "can't be made true")
	add(t.untouched, "difference not touched", "differences not touched")
	add(t.unselected, "left out by --only", "left out by --only")
	return strings.Join(out, ", ")
}

// next says what to do: what the caller says where something is to be carried out, else what
// stands in the way.
func (v *view) next(run int, t totals, next string) string {
	digests := "Plan " + short(v.plan.PlanDigest, 8)
	if len(v.plan.Shifts) > 0 {
		digests = "Change " + short(v.plan.ChangeDigest, 8) + ", plan " + short(v.plan.PlanDigest, 8)
	}
	switch {
	case run > 0 && (next == "" || v.plan.Rehearsal):
		return digests + "."
	case run > 0:
		if r, _ := utf8.DecodeRuneInString(next); unicode.IsLower(r) {
			return digests + ", " + next
		}
		return digests + ". " + next
	case t.incomplete > 0 && len(v.plan.Systems) > 0 && v.noneRead():
		return digests + ". Next: accord plan, which compares it with the systems."
	case t.incomplete > 0 && t.refusals == 0:
		return "Next: accord plan, once everything can be read."
	case t.refused > 0 || t.refusals > 0:
		return digests + ". Next: " + v.wayOut()
	case t.asked > 0:
		return digests + ". Next: say who is right, by declaring it, or with --allow."
	case t.untouched > 0:
		return "Next: accord drift shows what isn't touched."
	case t.unselected > 0:
		return "Next: accord plan without --only."
	}
	return ""
}

// last writes the last line. What to do next stays in one piece, so that it can be copied.
func (v *view) last(s string) {
	before, next, ok := strings.Cut(s, "Next: ")
	line := v.line(0, 0).prose(before, plain)
	if ok {
		line.space(1).put("Next: "+next, plain)
	}
	if line.begun {
		line.end()
	}
}

// lead puts something before a text that isn't empty.
func lead(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}
