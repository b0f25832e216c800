package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/plan"
)

// text is mdText of a text that may be long; where room is short it is cut.
func (m *markdown) text(s string) string { return mdText(m.clip(s)) }

func (m *markdown) clip(s string) string {
	if m.detail >= detailTargets {
		return clip(s, 300)
	}
	return s
}

// clip cuts a text to so many characters, and shows that it did.
func clip(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// some is how many items of a list that isn't about removals are told: all, or few where room
// is short.
func (m *markdown) some(n int) int {
	if m.detail >= detailTargets {
		return min(n, 20)
	}
	return n
}

func (m *markdown) andMore(n int) {
	if n > 0 {
		m.item(0, fmt.Sprintf("and %d more%s", n, m.whole()))
	}
}

// settings writes which judging settings change, what would be judged otherwise, and which
// documents change that no step shows.
func (m *markdown) settings() {
	p := m.v.plan
	if n := len(p.Settings); n > 0 {
		m.para("#### Judging settings")
		by := ""
		if j := p.Judged; j != nil && j.By != "" {
			by = " This plan is still judged by those of " + mdCode(j.By) + "."
		}
		m.para("Rules, guards, connections and who answers for what: the change alters how access is judged from then on.%s", by)
		for _, s := range p.Settings[:m.some(n)] {
			kind, text := settingChange(s)
			place := ""
			if s.File != "" {
				place = " (" + mdCode(at(s.File, s.Line)) + ")"
			}
			m.item(0, emoji(kind)+" "+mdStrong(s.Setting)+m.text(text)+place)
		}
		m.andMore(n - m.some(n))
		m.gap()
	}
	m.flips()
	begun := false
	for i := range p.Shifts {
		s := &p.Shifts[i]
		if s.Kind != "settings" || m.v.toldAsJudging(s.System) {
			continue
		}
		if !begun {
			m.para("#### Settings")
			begun = true
		}
		r := settingText(s)
		m.item(0, emoji(r.kind)+" "+m.text(r.notes))
	}
	if begun {
		m.gap()
	}
}

// flips writes what would be judged otherwise under the rules of the change.
func (m *markdown) flips() {
	if len(m.v.plan.Flips) == 0 {
		return
	}
	m.para("**Judged otherwise under the rules of this change**")
	flips := slices.Clone(m.v.plan.Flips)
	// What was refused and would pass is what a reviewer must see.
	slices.SortStableFunc(flips, func(a, b plan.Flip) int { return first(loosens(b)) - first(loosens(a)) })
	most := min(m.some(len(flips)), mostFlips)
	for _, f := range flips[:most] {
		kind, place, on := changed, "", "this plan"
		if loosens(f) {
			kind = taken
		}
		if f.On == "existing" {
			on = "access that exists"
		}
		if f.File != "" {
			place = " (" + mdCode(at(f.File, f.Line)) + ")"
		}
		m.item(0, fmt.Sprintf("%s %s, %s → %s: %s %s%s", emoji(kind), on, verdictWord(f.From), verdictWord(f.To), mdCode(f.Rule), m.text(f.Text), place))
	}
	m.andMore(len(flips) - most)
	m.gap()
}

// loosens reports whether what was refused would pass.
func loosens(f plan.Flip) bool { return f.To == "" || f.To == plan.FindingException }

// findings writes what rules say without refusing anything.
func (m *markdown) findings() {
	for _, s := range []struct {
		kind  plan.FindingKind
		title string
	}{{plan.FindingWarn, "Warnings"}, {plan.FindingApproved, "Approved"}, {plan.FindingException, "Excepted from rules"}} {
		var of []plan.Finding
		for _, f := range m.v.plan.Findings {
			if f.Kind == s.kind {
				of = append(of, f)
			}
		}
		if len(of) == 0 {
			continue
		}
		m.para("#### %s", s.title)
		for _, f := range of[:m.some(len(of))] {
			m.item(0, m.findingText(f))
		}
		m.andMore(len(of) - m.some(len(of)))
		m.gap()
	}
}

func (m *markdown) findingText(f plan.Finding) string {
	out := m.text(f.Text)
	if f.File != "" {
		out += " (" + mdCode(at(f.File, f.Line)) + ")"
	}
	out += ", " + m.text(ruleText(f))
	switch {
	case f.Kind == plan.FindingApproved:
		out += "; approved by " + m.text(strings.Join(f.ApprovedBy, ", "))
	case f.Exempt == "exception":
		out += "; excepted by a rule of the policies"
	case f.Exempt != "":
		out += "; excepted by the exemption " + mdCode(f.Exempt)
	}
	return out
}

// allowed writes what was refused and somebody allowed by name.
func (m *markdown) allowed() {
	var of []plan.Refusal
	for _, r := range m.v.plan.Refusals {
		if r.Allowed {
			of = append(of, r)
		}
	}
	if len(of) == 0 {
		return
	}
	m.para("#### Allowed by name")
	for _, r := range of[:m.some(len(of))] {
		m.item(0, m.text(r.Text)+", allowed by "+mdCode("--allow "+shellWord(string(r.Name)+":"+r.Ref)))
	}
	m.andMore(len(of) - m.some(len(of)))
	m.gap()
}

// systemFacts are the facts of all systems that the filter picks, as items.
func (m *markdown) systemFacts(pick func(fact) bool) []string {
	var out []string
	for _, s := range sortedSystems(m.v.plan) {
		for _, f := range m.v.facts(s) {
			if !pick(f) {
				continue
			}
			text := mdStrong(s.Name) + ": " + m.text(f.text)
			if n := len(f.names); n > 0 {
				text += " " + m.text(strings.Join(f.names[:m.some(n)], ", "))
				if more := n - m.some(n); more > 0 {
					text += fmt.Sprintf(" and %d more", more)
				}
			}
			out = append(out, text)
		}
	}
	return out
}

// unread writes what couldn't be seen, and what waits for it.
func (m *markdown) unread() {
	items := m.systemFacts(func(f fact) bool { return f.kind == unknown })
	if len(items) == 0 {
		return
	}
	m.para("#### Not known")
	for _, s := range items[:m.some(len(items))] {
		m.item(0, emoji(unknown)+" "+s)
	}
	m.andMore(len(items) - m.some(len(items)))
	m.gap()
}

// untouched writes what differs and is left alone.
func (m *markdown) untouched() {
	if m.detail >= detailTargets {
		return
	}
	items := m.systemFacts(func(f fact) bool { return f.kind != unknown })
	if len(items) == 0 {
		return
	}
	m.b.WriteString("<details><summary>Not touched</summary>\n\n")
	for _, s := range items {
		m.item(0, s)
	}
	m.b.WriteString("\n</details>\n\n")
}

// foot names the plan, and says what was left out.
func (m *markdown) foot() {
	switch {
	case m.detail >= detailCut:
	case m.detail >= detailTargets:
		m.para("_Shortened to fit: everything that is taken away is told with every name; causes and what is given are in the whole plan%s._", m.whole())
	case m.detail > detailFull:
		m.para("_Shortened to fit: everything that is taken away is told; the ways to it and some names of who gains are in the whole plan%s._", m.whole())
	case m.opts.Link != "":
		m.para("%s", mdLink("The whole plan", m.opts.Link))
	}
	m.b.WriteString("<sub>" + mdText(m.digests()+" · "+m.from()) + "</sub>\n")
}

// digests name the change and the plan.
func (m *markdown) digests() string {
	p := m.v.plan
	out := "plan " + short(p.PlanDigest, 8)
	if len(p.Shifts) > 0 {
		out = "change " + short(p.ChangeDigest, 8) + " · " + out
	}
	return out
}

// from says what was planned from, and by whose rules.
func (m *markdown) from() string {
	p := m.v.plan
	out := clip(place(p.Revision), 100)
	if p.Base != "" {
		out += " against " + clip(short(p.Base, 7), 100)
	}
	out += " · " + Count(len(p.Systems), "system", "systems")
	switch j := p.Judged; {
	case j == nil:
		out += " · no policy"
	case j.By != "":
		out += " · judged by " + Count(len(j.Rules), "rule", "rules") + " of " + clip(j.By, 100)
	default:
		out += " · judged by " + Count(len(j.Rules), "rule", "rules")
	}
	return out + lead(" · ", clip(PartOf(p), 300))
}
