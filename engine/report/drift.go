package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/accordhq/accord/engine/plan"
)

// Drift writes, system by system, how each differs from what is declared though the
// declaration didn't change, what becomes of that, and what is there that nobody declared.
// What a plan only counts under "Not touched" is here in full.
func Drift(w io.Writer, p *plan.Plan, o Options) error {
	v := newView(w, p, o)
	v.header()
	v.withheld()
	var t driftTotals
	for _, s := range sortedSystems(p) {
		v.driftSystem(s, &t)
	}
	v.driftSummary(t)
	return v.flush()
}

// fate is what becomes of a difference.
type fate string

// The fates, as the JSON names them.
const (
	fateReverted  fate = "reverted"  // accord apply reverts it
	fateRefused   fate = "refused"   // a guard or a policy refuses that
	fateDepends   fate = "depends"   // it waits for a step that is held
	fateReported  fate = "reported"  // drift is only reported on this system
	fateObserved  fate = "observed"  // the system is only observed
	fateAdditive  fate = "additive"  // the system loses only what was declared
	fateProtected fate = "protected" // it is about something protected
	fateStale     fate = "stale"     // the system isn't as it was reviewed
)

// fates, in the order of the report, and what is written over each.
var fates = []struct {
	fate fate
	text string
}{
	{fateReverted, "reverted by accord apply"},
	{fateRefused, "refused; accord plan tells why"},
	{fateDepends, "waits for something that is held"},
	{fateReported, "not touched: drift here is only reported"},
	{fateObserved, "not touched: the system is only observed"},
	{fateAdditive, "not touched: an additive system loses only what was declared"},
	{fateProtected, "not touched: protected"},
	{fateStale, "not touched: no longer as it was reviewed"},
}

// fateOf says what becomes of a step, and whether it belongs to a report on drift: what
// drifted does, and what accord plan merely counts.
func fateOf(s *plan.Step) (fate, bool) {
	if s.Held == nil {
		return fateReverted, s.Class == plan.ClassDrift
	}
	switch s.Held.Why {
	case plan.HeldRefused:
		return fateRefused, s.Class == plan.ClassDrift
	case plan.HeldDepends:
		return fateDepends, s.Class == plan.ClassDrift
	case plan.HeldObserve:
		return fateObserved, true
	case plan.HeldAdditive:
		return fateAdditive, true
	case plan.HeldProtected:
		return fateProtected, true
	case plan.HeldStale:
		return fateStale, s.Class == plan.ClassDrift
	}
	return fateReported, true
}

// driftTotals count differences by what becomes of them.
type driftTotals struct {
	systems, reverted, left int
	lists                   int // accounts and grants that nobody declared, and the like
}

func (v *view) driftSystem(s plan.System, t *driftTotals) {
	byFate := map[fate][]entry{}
	n := 0
	for _, step := range v.bySystem[s.Name] {
		if f, ok := fateOf(step); ok {
			e := v.entry(step)
			e.row.system = ""
			byFate[f] = append(byFate[f], e)
			n++
		}
	}
	lists := driftLists(s)
	open := unknowns(s)
	if n+len(lists)+len(open) == 0 {
		return
	}
	if n > 0 {
		t.systems++
	}
	t.reverted += len(byFate[fateReverted])
	t.left += n - len(byFate[fateReverted])
	t.lists += len(lists)
	v.heading(strings.TrimSpace(s.Name + "  " + string(s.Mode)))
	for _, f := range open {
		v.line(2, 4).put(symbols[unknown], unknown).space(1).prose(f.text, plain).names(f.names).end()
	}
	for _, f := range fates {
		if entries := byFate[f.fate]; len(entries) > 0 {
			v.text(2, 4, f.text)
			v.blocks(grouper{fold: true}.blocks(entries), 4)
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

// driftLists are what is on a system, or is missing there, and isn't touched; each in full.
func driftLists(s plan.System) []fact {
	var out []fact
	add := func(n int, one, many string, f fact) {
		if n > 0 {
			f.text = Count(n, one, many)
			out = append(out, f)
		}
	}
	add(len(s.Orphans), "account that nobody declares", "accounts that nobody declares", fact{names: idNames(s.Orphans)})
	add(len(s.Unclaimed), "grant that nobody declares, outside what is managed", "grants that nobody declares, outside what is managed", fact{rows: edgeRows(s.Unclaimed)})
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

func (v *view) driftSummary(t driftTotals) {
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
