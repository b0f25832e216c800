package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/plan"
)

// judging writes which judging settings change, and what would be judged otherwise under the new
// ones. Until they are agreed to those before hold.
func (v *view) judging() {
	if len(v.plan.Settings) == 0 {
		return
	}
	by := ""
	if j := v.plan.Judged; j != nil && j.By != "" {
		by = "; those of " + j.By + " hold in this plan"
	}
	v.heading("Judging settings" + by)
	var places []string
	for _, s := range v.plan.Settings {
		places = append(places, at(s.File, s.Line))
	}
	right := widest(places)
	for _, s := range v.plan.Settings {
		kind, text := settingChange(s)
		line := v.line(2, 6)
		line.ends(at(s.File, s.Line), v.width-right)
		line.put(symbols[kind], kind).space(1).prose(s.Setting+text, plain).end()
	}
	v.flips()
}

// widest is the room that places at the end of lines take.
func widest(places []string) int {
	out := 0
	for _, p := range places {
		if n := columns(p); n <= widestRight {
			out = max(out, n)
		}
	}
	return out
}

// settingChange says how a setting changes, with its values where they can be read.
func settingChange(s plan.Setting) (style, string) {
	digest := s.Kind == "policy" || s.Kind == "connection" || strings.Contains(s.Setting, " rules.") || strings.HasPrefix(s.Setting, "members of ")
	switch {
	case s.Before == "" && (digest || s.After == ""):
		return given, " is new"
	case s.Before == "":
		return given, ": " + s.After
	case s.After == "" && digest:
		return taken, " is gone"
	case s.After == "":
		return taken, " is gone; it was " + s.Before
	case digest:
		return changed, " changes"
	}
	return changed, ": " + s.Before + " → " + s.After
}

// toldAsJudging reports whether a document's change is told among the judging settings.
func (v *view) toldAsJudging(name string) bool {
	return slices.ContainsFunc(v.plan.Settings, func(s plan.Setting) bool {
		switch {
		case name == "the policies":
			return s.Kind == "policy" || strings.HasPrefix(s.Setting, "accord.yaml ")
		case name == "accord.yaml":
			return strings.HasPrefix(s.Setting, "accord.yaml ")
		case strings.HasPrefix(name, "exempt "):
			return s.Setting == name
		case strings.HasPrefix(name, "group ") || strings.HasPrefix(name, "role "):
			return strings.HasSuffix(s.Setting, " of "+name)
		}
		return s.Setting == "systems/"+name || strings.HasPrefix(s.Setting, "systems/"+name+".")
	})
}

func (v *view) flips() {
	if len(v.plan.Flips) == 0 {
		return
	}
	for _, on := range []struct{ name, title string }{{"plan", "Under the rules of this change the same plan is judged otherwise"}, {"existing", "Under the rules of this change existing access is judged otherwise"}} {
		begun, told, more := false, 0, 0
		var places []string
		for _, f := range v.plan.Flips {
			places = append(places, at(f.File, f.Line))
		}
		for _, f := range v.plan.Flips {
			if f.On != on.name {
				continue
			}
			if told++; told > mostFlips && !v.o.Verbose {
				more++
				continue
			}
			if !begun {
				v.heading(on.title)
				begun = true
			}
			kind := changed
			if f.To == "" || f.To == plan.FindingException {
				kind = taken // a refusal is taken away: what was refused would pass
			}
			line := v.line(2, 6)
			line.ends(at(f.File, f.Line), v.width-widest(places))
			line.put(symbols[kind], kind).space(1).prose(fmt.Sprintf("%s → %s  %s: %s", verdictWord(f.From), verdictWord(f.To), f.Rule, f.Text), plain).end()
		}
		if more > 0 {
			v.text(4, 4, fmt.Sprintf("and %d more; --verbose shows them all", more))
		}
	}
}

// mostFlips is how many verdicts that become others are shown in full.
const mostFlips = 25

func verdictWord(k plan.FindingKind) string {
	switch k {
	case plan.FindingDeny:
		return "refused"
	case plan.FindingApproval:
		return "needs approval"
	case plan.FindingException:
		return "excepted"
	}
	return "passes"
}

// findings writes what rules say without refusing anything.
func (v *view) findings() {
	for _, s := range []struct {
		kind  plan.FindingKind
		title string
	}{{plan.FindingApproved, "Approved"}, {plan.FindingWarn, "Warnings"}, {plan.FindingException, "Excepted from rules"}} {
		begun := false
		right := 0
		for _, f := range v.plan.Findings {
			right = max(right, widest([]string{at(f.File, f.Line)}))
		}
		for _, f := range v.plan.Findings {
			if f.Kind != s.kind {
				continue
			}
			if !begun {
				v.heading(s.title)
				begun = true
			}
			v.finding(f, right)
			switch {
			case f.Kind == plan.FindingApproved:
				v.text(4, 4, "approved by "+strings.Join(f.ApprovedBy, ", "))
			case f.Exempt == "exception":
				v.text(4, 4, "excepted by a rule of the policies")
			case f.Exempt != "":
				v.text(4, 4, "excepted by the exemption "+f.Exempt)
			}
		}
	}
}

// finding writes one thing that a rule says, with the line that it is about.
func (v *view) finding(f plan.Finding, right int) {
	line := v.line(2, 4)
	line.ends(at(f.File, f.Line), v.width-right)
	line.prose(f.Text, plain)
	line.end()
}

// refusedByRules writes what rules refuse: what they say, what to do, who could approve, and the
// steps that it holds.
func (v *view) refusedByRules() {
	var all []plan.Refusal
	for _, r := range v.plan.Refusals {
		if r.Finding != nil && !r.Allowed {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b plan.Refusal) int {
		return cmp.Or(strings.Compare(string(a.Finding.Kind), string(b.Finding.Kind)), strings.Compare(a.Ref, b.Ref), strings.Compare(a.Text, b.Text))
	})
	v.heading("Refused by policy")
	right := 0
	for _, r := range all {
		right = max(right, widest([]string{at(r.Finding.File, r.Finding.Line)}))
	}
	for _, r := range all {
		f := r.Finding
		v.finding(*f, right)
		v.text(4, 6, ruleText(*f))
		if f.Kind == plan.FindingApproval {
			v.text(4, 6, approversText(*f))
			for _, why := range f.Unfit {
				v.text(4, 6, "doesn't count: "+why)
			}
		}
		if f.Remediation != "" {
			v.text(4, 6, f.Remediation)
		}
		v.told(v.entries(v.named(r)), v.o.grouper(true), 4)
	}
}

// ruleText names a rule, how grave it is and where it stands.
func ruleText(f plan.Finding) string {
	out := "rule " + f.Rule
	if f.Severity != "" {
		out += " (" + f.Severity + ")"
	}
	if f.RuleFile != "" {
		out += " at " + at(f.RuleFile, f.RuleLine)
	}
	return out
}

// approversText says who could approve.
func approversText(f plan.Finding) string {
	if len(f.Approvers) == 0 {
		return "nobody could approve it as it is: no active owner who neither wrote it nor gains by it"
	}
	return "could be approved by " + strings.Join(f.Approvers, ", ") + ", with evidence under --approvals"
}

// wayOut says what to do about refusals.
func (v *view) wayOut() string {
	demands, rules, guards := false, false, false
	for _, r := range v.plan.Refusals {
		switch {
		case r.Allowed:
		case r.Finding == nil:
			guards = guards || !r.Final
		case r.Finding.Kind == plan.FindingApproval:
			demands = true
		default:
			rules = true
		}
	}
	switch {
	case demands && !rules && !guards:
		return "let somebody approve it who may, and name the evidence with --approvals."
	case rules && !guards:
		return "change the declaration, or record an exemption."
	}
	return "change the declaration, or allow by name what is meant."
}
