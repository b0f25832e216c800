package report

import (
	"fmt"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

func card(place string, lines ...string) htmlCard {
	c := htmlCard{Place: Clean(place)}
	for _, l := range lines {
		if l != "" {
			c.Lines = append(c.Lines, Clean(l))
		}
	}
	return c
}

// cards are what stands before the steps: what is refused, and by which rules it is judged.
func (m *markdown) cards() []htmlCards {
	refused := htmlCards{Title: "Refused", About: "What stands here is not carried out as it is."}
	for _, r := range m.refusals {
		refused.Items = append(refused.Items, refusalCard(r.Refusal))
	}
	settings := htmlCards{Title: "Judging settings", About: "The change alters how access is judged from then on; until it is agreed to, what was before holds.", Soft: true}
	for _, s := range m.v.plan.Settings {
		kind, text := settingChange(s)
		settings.Items = append(settings.Items, card(at(s.File, s.Line), symbols[kind]+" "+s.Setting+text))
	}
	flips := htmlCards{Title: "Judged otherwise under the rules of this change", Soft: true}
	for _, f := range m.v.plan.Flips {
		on := "this plan"
		if f.On == "existing" {
			on = "access that exists"
		}
		flips.Items = append(flips.Items, card(at(f.File, f.Line), fmt.Sprintf("%s: %s → %s", on, verdictWord(f.From), verdictWord(f.To)), f.Rule+": "+f.Text))
	}
	return []htmlCards{refused, m.heldCards(), m.questionCards(), settings, flips}
}

// refusalCard says what refuses and why, and how to get on.
func refusalCard(r plan.Refusal) htmlCard {
	f := r.Finding
	if f == nil {
		c := card("", r.Text)
		switch {
		case r.Name == "":
		case r.Final:
			c.Lines = append(c.Lines, "It can't be allowed ("+Clean(string(r.Name))+"): change the files.")
		default:
			c.Lines = append(c.Lines, "If it is meant, allow it for this plan alone with")
			c.Command = "--allow " + shellWord(string(r.Name)+":"+r.Ref)
		}
		return c
	}
	approvers := ""
	if f.Kind == plan.FindingApproval {
		approvers = approversText(*f)
	}
	c := card(at(f.File, f.Line), f.Text, ruleText(*f), approvers, f.Remediation)
	for _, why := range f.Unfit {
		c.Lines = append(c.Lines, "An approval doesn't count: "+Clean(why))
	}
	return c
}

// cardsAfter are what stands after the steps.
func (m *markdown) cardsAfter() []htmlCards {
	var out []htmlCards
	documents := htmlCards{Title: "Settings"}
	for i := range m.v.plan.Shifts {
		s := &m.v.plan.Shifts[i]
		if s.Kind == access.ShiftSettings && !m.v.toldAsJudging(s.System) {
			r := settingText(s)
			documents.Items = append(documents.Items, card("", symbols[r.kind]+" "+r.notes))
		}
	}
	out = append(out, documents)
	for _, k := range []struct {
		kind  plan.FindingKind
		title string
	}{{plan.FindingWarn, "Warnings"}, {plan.FindingApproved, "Approved"}, {plan.FindingException, "Excepted from rules"}} {
		c := htmlCards{Title: k.title}
		for _, f := range m.v.plan.Findings {
			if f.Kind != k.kind {
				continue
			}
			why := ""
			switch {
			case f.Kind == plan.FindingApproved:
				why = "approved by " + strings.Join(f.ApprovedBy, ", ")
			case f.Exempt == "exception":
				why = "excepted by a rule of the policies"
			case f.Exempt != "":
				why = "excepted by the exemption " + f.Exempt
			}
			c.Items = append(c.Items, card(at(f.File, f.Line), f.Text, ruleText(f), why))
		}
		out = append(out, c)
	}
	allowed := htmlCards{Title: "Allowed by name"}
	for _, r := range m.v.plan.Refusals {
		if r.Allowed {
			c := card("", r.Text)
			c.Command = "--allow " + shellWord(string(r.Name)+":"+r.Ref)
			allowed.Items = append(allowed.Items, c)
		}
	}
	open := htmlCards{Title: "Not known", About: "What couldn't be read, and what waits for it."}
	rest := htmlCards{Title: "Left alone", About: "What the systems hold beside what the files declare."}
	for _, s := range sortedSystems(m.v.plan) {
		for _, f := range m.v.facts(s) {
			c := card("", s.Name+": "+f.text, strings.Join(f.names, ", "))
			if f.kind == unknown {
				open.Items = append(open.Items, c)
			} else {
				rest.Items = append(rest.Items, c)
			}
		}
	}
	return append(out, allowed, open, rest)
}
