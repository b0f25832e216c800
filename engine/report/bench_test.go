package report

import (
	"fmt"
	"io"
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// BenchmarkPlanText: what a company of 5,000 people declares, with no system read; the same as
// steps; and one account with as many causes as grants.
func BenchmarkPlanText(b *testing.B) {
	declared, steps, one := newPlan("github"), newPlan("github"), newPlan("github")
	declared.Systems[0].NotRead = "it wasn't asked"
	for i := range 50_000 {
		// Of ten grants a person has six with many others and four by a line of their own.
		person, team := fmt.Sprintf("person%04d", i/10), fmt.Sprintf("team-%03d", i/10%50*6+i%10)
		cause := access.Cause{Kind: access.CauseDeclared, File: "groups/" + team + ".yaml", Line: 4, Text: team + " includes everyone of its department"}
		if i%10 >= 6 {
			cause = access.Cause{Kind: access.CauseDeclared, File: "grants/" + person + ".yaml", Line: i % 10, Text: "grant " + person + " gives it to " + person}
			team = fmt.Sprintf("own-%05d", i)
		}
		declared.Shifts = append(declared.Shifts, access.Shift{Kind: access.ShiftGain, Person: person, System: "github", Target: access.ID{Kind: "team", Name: team},
			Permission: "member", After: []access.Span{{}}, Cause: cause})
		steps.give("github", person, "team/"+team, "member", by(cause.Kind, cause.File, cause.Line, cause.Text))
		if i < 10_000 {
			one.give("github", "alice", "team/"+fmt.Sprint(i), "member", by(cause.Kind, "grants/a.yaml", i+1, cause.Text))
		}
	}
	for _, m := range []struct {
		name string
		plan *plan.Plan
		o    Options
	}{{"declared", declared.Plan, Options{}}, {"steps", steps.Plan, Options{}}, {"steps by system", steps.Plan, Options{GroupBy: "system"}}, {"one account", one.Plan, Options{}}} {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Plan(io.Discard, m.plan, m.o, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
