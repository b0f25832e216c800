package report

import (
	"bytes"
	"testing"

	"github.com/accordhq/accord/engine/plan"
)

const baseHash = "9be11d2c0ffee00112233445566778899aabbccd"

func TestPlanMarkdown(t *testing.T) {
	link := MarkdownOptions{Link: "https://ci.example/job/7", Title: "Access after “Alice moves to SRE”"}
	for _, test := range []struct {
		name string
		plan func() *plan.Plan
		o    MarkdownOptions
	}{
		{"believable", believable, link},
		{"nothing", func() *plan.Plan { return newPlan("github", "warehouse", "wiki").Plan }, MarkdownOptions{}},
		{"no-systems", func() *plan.Plan { return newPlan().Plan }, MarkdownOptions{}},
		{"incomplete", incomplete, MarkdownOptions{}},
		{"incomplete-with-steps", incompleteWithSteps, MarkdownOptions{}},
		{"refused", refused, MarkdownOptions{}},
		{"judged", judged, link},
		{"depends", depends, MarkdownOptions{}},
		{"not-touched", notTouched, MarkdownOptions{}},
		{"not-read", notRead, MarkdownOptions{}},
		{"partly-not-read", partlyNotRead, MarkdownOptions{}},
		{"leavers", leavers, MarkdownOptions{}},
		{"mover", mover, MarkdownOptions{}},
		{"joiners", joiners, MarkdownOptions{}},
		{"rule-200", rule200, link},
		{"rehearsal", rehearsal, MarkdownOptions{}},
		{"objects", objects, MarkdownOptions{}},
		{"hostile", hostile, MarkdownOptions{}},
		{"huge-names", huge(2000), MarkdownOptions{Limit: 65536, Link: link.Link}},
		{"huge-cut", huge(400), MarkdownOptions{Limit: 4000, Link: link.Link}},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := golden(t, "plan-"+test.name+".md", func(b *bytes.Buffer) error { return PlanMarkdown(b, test.plan(), test.o) })
			checkClean(t, text)
			if test.o.Limit > 0 && len(text) > test.o.Limit {
				t.Errorf("%d bytes, the limit is %d", len(text), test.o.Limit)
			}
		})
	}
}
