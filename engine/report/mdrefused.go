package report

import (
	"fmt"
	"maps"
	"slices"

	"github.com/accordhq/accord/engine/plan"
)

// mostRefusals is how many refusals are told one by one where room is short.
const mostRefusals = 20

// refused writes the refusals, each with how to get on and what it holds.
func (m *markdown) refused() {
	if len(m.refusals) == 0 {
		return
	}
	m.para("#### Refused")
	m.para("What stands here is not carried out as it is.")
	most := len(m.refusals)
	if m.detail >= detailTargets {
		most = min(most, mostRefusals)
	}
	for _, r := range m.refusals[:most] {
		for i, text := range m.refusalText(r.Refusal) {
			m.item(first(i > 0), text)
		}
		m.held(r)
	}
	if n := len(m.refusals) - most; n > 0 {
		by := map[string]int{}
		var rest []story
		for _, r := range m.refusals[most:] {
			by[refusalName(r.Refusal)]++
			rest = append(rest, r.stories...)
		}
		m.item(0, fmt.Sprintf("and **%d more refusals**%s:", n, m.whole()))
		for _, name := range slices.Sorted(maps.Keys(by)) {
			m.item(1, fmt.Sprintf("%d × %s", by[name], mdCode(name)))
		}
		for _, l := range byTarget(rest) {
			m.item(1, "held: "+m.line(l, "")+m.list(l))
		}
	}
	m.gap()
}

// held writes what a refusal holds.
func (m *markdown) held(r mdRefusal) {
	if len(r.stories) == 0 {
		return
	}
	given := 0
	for _, l := range byTarget(r.stories) {
		m.item(1, "held: "+m.line(l, "")+m.list(l))
	}
	for _, s := range r.stories {
		for _, l := range s.lines {
			switch {
			case l.pressing():
			case m.detail < detailCounts:
				m.item(1, "held: "+m.line(l, "")+m.list(l))
			default:
				given += len(l.entries)
			}
		}
	}
	if given > 0 {
		m.item(1, "held: "+Count(given, "addition", "additions"))
	}
}

// refusalName is what refuses: a guard, or a rule.
func refusalName(r plan.Refusal) string {
	if r.Finding != nil {
		return "rule " + r.Finding.Rule
	}
	return string(r.Name)
}

// refusalText says what refuses and why, and how to get on.
func (m *markdown) refusalText(r plan.Refusal) []string {
	out := []string{mdStrong(m.clip(r.Text))}
	f := r.Finding
	if f == nil {
		switch {
		case r.Name == "":
		case r.Final:
			out = append(out, "it can't be allowed ("+mdText(string(r.Name))+"): change the files")
		default:
			out = append(out, "if it is meant, allow it for this plan alone with "+mdCode("--allow "+shellWord(string(r.Name)+":"+r.Ref)))
		}
		return out
	}
	out[0] = mdStrong(m.clip(f.Text))
	if f.File != "" {
		out[0] += " (" + mdCode(at(f.File, f.Line)) + ")"
	}
	out = append(out, mdText(ruleText(*f)))
	if f.Kind == plan.FindingApproval {
		out = append(out, m.text(approversText(*f)))
		for _, why := range f.Unfit {
			out = append(out, "an approval doesn't count: "+m.text(why))
		}
	}
	if f.Remediation != "" {
		out = append(out, "what to do: "+m.text(f.Remediation))
	}
	return out
}
