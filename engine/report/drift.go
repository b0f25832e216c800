package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// Drifted is a look at drift: the plan and, of its differences, what is known beside it.
type Drifted struct {
	Plan        *plan.Plan
	Differences []plan.Difference
}

// Drift writes, system by system, how each differs from what is declared though the
// declaration didn't change, what becomes of that, and what is there that nobody declared.
// What a plan only counts under "Not touched" is here in full.
func Drift(w io.Writer, d Drifted, o Options) error {
	v := newDriftView(w, d, o)
	v.header()
	v.withheld()
	var t driftTotals
	for _, s := range sortedSystems(d.Plan) {
		v.driftSystem(s, &t)
	}
	v.questions()
	v.driftSummary(t)
	return v.flush()
}

// driftView is a look at drift on its way to a page.
type driftView struct {
	*view
	bySystem map[string][]plan.Difference
	known    map[string]*plan.Difference // by the key of the step
}

func newDriftView(w io.Writer, d Drifted, o Options) *driftView {
	v := &driftView{view: newView(w, d.Plan, o), bySystem: map[string][]plan.Difference{}, known: map[string]*plan.Difference{}}
	for i := range d.Differences {
		diff := &d.Differences[i]
		v.bySystem[diff.System] = append(v.bySystem[diff.System], *diff)
		if diff.Step != nil {
			v.known[diff.Step.Key()] = diff
		}
	}
	return v
}

// fates, in the order of the report, and what is written over each.
var fates = []struct {
	fate plan.Fate
	text string
}{
	{plan.FateReverted, "reverted by accord apply"},
	{plan.FateRefused, "refused; accord plan tells why"},
	{plan.FateFlapping, "not corrected any more: a question, see below"},
	{plan.FateDepends, "waits for something that is held"},
	{plan.FateReported, "not touched: drift here is only reported"},
	{plan.FateObserved, "not touched: the system is only observed"},
	{plan.FateAdditive, "not touched: an additive system loses only what was declared"},
	{plan.FateProtected, "not touched: protected"},
	{plan.FateStale, "not touched: no longer as it was reviewed"},
}

// driftTotals count differences by what becomes of them.
type driftTotals struct {
	systems, reverted, left int
	lists                   int // accounts and grants that nobody declared, and the like
}

func (v *driftView) driftSystem(s plan.System, t *driftTotals) {
	byFate := map[plan.Fate][]entry{}
	n := 0
	for _, step := range v.view.bySystem[s.Name] {
		if step.Drift == "" {
			continue
		}
		e := v.entry(step)
		e.row.system = ""
		if d := v.known[step.Key()]; d != nil {
			e.row.notes = join(e.row.notes, strings.Join(v.traced(*d), ", "))
		}
		f := plan.FateOf(step)
		byFate[f] = append(byFate[f], e)
		n++
	}
	lists := v.driftLists(s)
	open := unknowns(s)
	if n+len(lists)+len(open) == 0 {
		return
	}
	if n > 0 {
		t.systems++
	}
	t.reverted += len(byFate[plan.FateReverted])
	t.left += n - len(byFate[plan.FateReverted])
	t.lists += len(lists)
	v.heading(strings.TrimSpace(s.Name + "  " + string(s.Mode)))
	for _, f := range open {
		v.line(2, 4).put(symbols[unknown], unknown).space(1).prose(f.text, plain).names(f.names).end()
	}
	for _, f := range fates {
		if entries := byFate[f.fate]; len(entries) > 0 {
			v.text(2, 4, f.text)
			v.told(entries, grouper{fold: true}, 4)
		}
	}
	for _, f := range lists {
		v.line(2, 4).prose(f.text, plain).end()
		if len(f.names) > 0 {
			v.line(4, 4).names(f.names).end()
		}
		v.rows(f.rows, 2)
	}
}

// traced is what is known of a difference beside what the plan says: since when it is open, and
// what the system tells of who wrote there.
func (v *driftView) traced(d plan.Difference) []string {
	var out []string
	if !d.Since.IsZero() && d.Since.Before(v.plan.At) {
		out = append(out, "since "+d.Since.UTC().Format(minute))
	}
	for _, t := range d.Traces {
		out = append(out, TraceText(d.Subject, t))
	}
	return out
}

// minute is how moments are written.
const minute = "2006-01-02 15:04"

// TraceText says what a system tells of who wrote something that concerns a subject: the last
// writer of the whole thing need not be who made the difference.
func TraceText(subject access.ID, t access.Trace) string {
	text := "last written"
	if t.Created {
		text = "created"
	}
	if t.Object != subject || !t.Created {
		text = object(t.Object) + " " + text
	}
	if t.By != "" {
		text += " by " + t.By
	}
	if !t.At.IsZero() {
		text += " " + t.At.UTC().Format(minute)
	}
	return text
}

// driftLists are what is on a system, or is missing there, and isn't touched; each in full.
func (v *driftView) driftLists(s plan.System) []fact {
	var out []fact
	add := func(n int, one, many string, f fact) {
		if n > 0 {
			f.text = Count(n, one, many)
			out = append(out, f)
		}
	}
	orphans := fact{names: idNames(s.Orphans)}
	for _, d := range v.bySystem[s.Name] {
		if notes := v.traced(d); d.Kind == plan.DriftUndeclaredAccount && d.Step == nil && len(notes) > 0 {
			orphans.names = slices.DeleteFunc(orphans.names, func(n string) bool { return n == idName(d.Subject) })
			orphans.rows = append(orphans.rows, blockRow{row: row{what: idName(d.Subject), notes: strings.Join(notes, ", ")}})
		}
	}
	add(len(s.Orphans), "account that nobody declares", "accounts that nobody declares", orphans)
	add(len(s.Unclaimed), "grant that nobody declares, outside what is managed", "grants that nobody declares, outside what is managed", fact{rows: edgeRows(s.Unclaimed)})
	add(len(s.Pending), "invitation that nobody accepted yet", "invitations that nobody accepted yet", fact{rows: edgeRows(s.Pending)})
	add(len(s.Idle), "account that is left with no grant", "accounts that are left with no grant", fact{names: idNames(s.Idle)})
	add(len(s.Missing), "account is declared, isn't there, and isn't created here", "accounts are declared, aren't there, and aren't created here", fact{names: idNames(s.Missing)})
	add(len(s.Disputed), "account is there under its old and its new name; neither is touched", "accounts are there under their old and their new names; neither is touched", fact{names: idNames(s.Disputed)})
	for _, d := range s.Disputes {
		add(1, "account that can't be told whose it is: "+quoteName(d.Account.Name)+": "+d.Why+"; nothing is done to it", "", fact{})
	}
	edges := make([]plan.Edge, len(s.Dangling))
	for i, d := range s.Dangling {
		edges[i] = d.Edge
	}
	add(len(edges), "grant is declared on something that is neither there nor declared", "grants are declared on something that is neither there nor declared", fact{rows: edgeRows(edges)})
	return out
}

func (v *driftView) driftSummary(t driftTotals) {
	v.gap()
	all := v.totals()
	n := t.reverted + t.left
	rest := ""
	if all.incomplete > 0 {
		rest = "; " + Count(all.incomplete, "system incomplete", "systems incomplete")
	}
	switch {
	case n > 0:
		v.text(0, 2, fmt.Sprintf("%s on %s: %d reverted by accord apply, %d not%s.",
			Count(n, "difference", "differences"), Count(t.systems, "system", "systems"), t.reverted, t.left, rest))
		v.text(0, 2, "Open, by kind: "+v.kinds()+".")
	case all.incomplete > 0:
		v.text(0, 2, fmt.Sprintf("Incomplete: no drift in what could be seen%s.", rest))
	case len(v.plan.Systems) == 0:
		v.text(0, 2, fmt.Sprintf("No drift: no system is declared %s.", atPlace(v.plan.Revision)))
	default:
		v.text(0, 2, fmt.Sprintf("No drift: %s as was last applied.", isAre(len(v.plan.Systems))))
	}
	switch {
	case t.reverted > 0:
		v.last("Next: accord plan shows all that accord apply would do.")
	case t.left > 0:
		v.last("Next: declare what is meant to stay; mode: and drift: of a system say what is corrected.")
	case t.lists > 0:
		v.last("Next: declare what is meant to stay, under accounts: and manage:.")
	}
}

// kindWords are how kinds are said of one and of several.
var kindWords = map[plan.DriftKind][2]string{
	plan.DriftUnknown:            {"unknown", "unknown"},
	plan.DriftUndeclaredAccount:  {"undeclared account", "undeclared accounts"},
	plan.DriftUndeclaredGrant:    {"undeclared grant", "undeclared grants"},
	plan.DriftUndeclaredResource: {"undeclared resource", "undeclared resources"},
	plan.DriftExpired:            {"expired", "expired"},
	plan.DriftMissingAccount:     {"missing account", "missing accounts"},
	plan.DriftMissingGrant:       {"missing grant", "missing grants"},
	plan.DriftMissingResource:    {"missing resource", "missing resources"},
	plan.DriftChangedAttribute:   {"changed attribute", "changed attributes"},
	plan.DriftIdleAccount:        {"idle account", "idle accounts"},
	plan.DriftPending:            {"pending acceptance", "pending acceptance"},
}

// KindText counts differences of a kind.
func KindText(n int, k plan.DriftKind) string { return Count(n, kindWords[k][0], kindWords[k][1]) }

// kinds counts all differences by kind.
func (v *driftView) kinds() string {
	n := map[plan.DriftKind]int{}
	for _, ds := range v.bySystem {
		for _, d := range ds {
			n[d.Kind]++
		}
	}
	var out []string
	for _, k := range plan.DriftKinds() {
		if n[k] > 0 {
			out = append(out, KindText(n[k], k))
		}
	}
	return strings.Join(out, ", ")
}
