package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/plan"
)

// Check is what policies say of all access there is.
type Check struct {
	Revision plan.Revision
	Judged   *plan.Judgement
	Live     bool
	People   int
	Holdings int
	Findings []plan.Finding
	// Exemptions are one line each; Unread says why a system couldn't be read, by its name.
	Exemptions []CheckedExemption
	Unread     map[string]string
}

// CheckedExemption is a recorded exception, and what has become of it.
type CheckedExemption struct {
	ID      string   `json:"id"`
	Rule    string   `json:"rule"`
	Who     []string `json:"who"`
	Until   string   `json:"until"`
	Reason  string   `json:"reason"`
	File    string   `json:"file"`
	Line    int      `json:"line"`
	Expired bool     `json:"expired,omitempty"`
	Used    bool     `json:"used,omitempty"`
}

// PolicyCheck writes what policies say of all access there is, as text.
func PolicyCheck(w io.Writer, c Check, o Options) error {
	v := newView(w, &plan.Plan{}, o)
	what := "all declared access"
	if c.Live {
		what = "all live access"
	}
	rules := 0
	if c.Judged != nil {
		rules = len(c.Judged.Rules)
	}
	v.text(0, 2, fmt.Sprintf("%s · %s of %s judged by %s", place(c.Revision), what, Count(c.People, "person", "people"), Count(rules, "rule", "rules")))
	for _, name := range sortedKeys(c.Unread) {
		v.text(0, 2, fmt.Sprintf("? %s can't be judged whole: %s", name, c.Unread[name]))
	}
	counts := map[plan.FindingKind]int{}
	for _, s := range []struct {
		kind  plan.FindingKind
		title string
	}{{plan.FindingDeny, "Violations"}, {plan.FindingApproval, "Would need approval if it were given now"}, {plan.FindingWarn, "Warnings"}, {plan.FindingException, "Excepted from rules"}} {
		v.checked(c.Findings, s.kind, s.title, counts)
	}
	v.exemptions(c.Exemptions)
	v.gap()
	v.text(0, 2, fmt.Sprintf("%s, %s, %d excepted, on %s.", Count(counts[plan.FindingDeny], "violation", "violations"),
		Count(counts[plan.FindingWarn], "warning", "warnings"), counts[plan.FindingException], Count(c.Holdings, "access", "accesses")))
	return v.flush()
}

func (v *view) checked(all []plan.Finding, kind plan.FindingKind, title string, counts map[plan.FindingKind]int) {
	var places []string
	for _, f := range all {
		places = append(places, at(f.File, f.Line))
	}
	rule := ""
	for _, f := range all {
		if f.Kind != kind {
			continue
		}
		if counts[kind]++; counts[kind] == 1 {
			v.heading(title)
		}
		if name := ruleText(f); name != rule {
			rule = name
			v.text(2, 4, name+note(f.Remediation))
		}
		line := v.line(4, 6)
		line.ends(at(f.File, f.Line), v.width-widest(places))
		line.prose(f.Text, plain)
		if f.Exempt != "" {
			line.prose(" ("+f.Exempt+")", plain)
		}
		line.end()
	}
}

func note(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

func (v *view) exemptions(all []CheckedExemption) {
	if len(all) == 0 {
		return
	}
	v.heading("Exemptions")
	var places []string
	for _, x := range all {
		places = append(places, at(x.File, x.Line))
	}
	for _, x := range all {
		text := fmt.Sprintf("%s: %s for %s until %s: %s", x.ID, x.Rule, strings.Join(x.Who, ", "), x.Until, x.Reason)
		switch {
		case x.Expired:
			text += " (expired; it lifts nothing any more)"
		case !x.Used:
			text += " (lifts nothing now)"
		}
		line := v.line(2, 4)
		line.ends(at(x.File, x.Line), v.width-widest(places))
		line.prose(text, plain).end()
	}
}

// PolicyCheckJSON writes the same as JSON.
func PolicyCheckJSON(w io.Writer, c Check) error {
	type unread struct {
		System string `json:"system"`
		Why    string `json:"why"`
	}
	var missing []unread
	for _, name := range sortedKeys(c.Unread) {
		missing = append(missing, unread{name, c.Unread[name]})
	}
	findings := slices.Clone(c.Findings)
	return writeJSON(w, struct {
		FormatVersion int                `json:"formatVersion"`
		Revision      plan.Revision      `json:"revision"`
		Judged        *plan.Judgement    `json:"judged,omitempty"`
		Live          bool               `json:"live"`
		People        int                `json:"people"`
		Holdings      int                `json:"holdings"`
		Findings      []plan.Finding     `json:"findings"`
		Exemptions    []CheckedExemption `json:"exemptions"`
		Unread        []unread           `json:"unread"`
	}{FormatVersion, c.Revision, c.Judged, c.Live, c.People, c.Holdings, list(findings), list(c.Exemptions), list(missing)})
}
