package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// drifted has drift with every fate.
func drifted() *plan.Plan {
	p := notTouched()
	m := maker{p}
	given := by(access.CauseDrift, "", 0, "given on github, declared nowhere")
	m.revoke("github", "eve", "team/payments", "member", class(plan.ClassDrift), given)
	m.give("github", "alice", "team/sre", "member", class(plan.ClassDrift), by(access.CauseDrift, "grants/sre.yaml", 3, "taken away on github, though declared"))
	lost := m.revoke("github", "frank", "org/acme", "owner", class(plan.ClassDrift), given)
	m.refuse(access.RiskLastAdmin, "github/org/acme", "would leave nobody", lost)
	m.give("github", "grace", "team/x", "member", class(plan.ClassDrift), needs(lost), held(plan.HeldDepends, ""))
	m.give("github", "heidi", "team/x", "member", by(access.CauseDeclared, "grants/x.yaml", 3, "not drift"))
	m.system("wiki").Error = "reading wiki: 502"
	m.Complete = false
	return p
}

func TestDrift(t *testing.T) {
	for _, test := range []struct {
		name string
		plan func() *plan.Plan
	}{
		{"drifted", drifted},
		{"nothing", func() *plan.Plan { return newPlan("github", "warehouse").Plan }},
		{"no-systems", func() *plan.Plan { return newPlan().Plan }},
		{"orphans", nothingButOrphans},
		{"incomplete", incomplete},
		{"observed", observed},
		{"hostile", hostile},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := golden(t, "drift-"+test.name+".txt", func(b *bytes.Buffer) error { return Drift(b, test.plan(), Options{}) })
			checkWidth(t, text, usualWidth)
			checkClean(t, text)
			doc := golden(t, "drift-"+test.name+".json", func(b *bytes.Buffer) error { return DriftJSON(b, test.plan()) })
			checkClean(t, doc)
			checkJSON(t, doc, &driftDoc{})
		})
	}
}

// observed is a first look at a system.
func observed() *plan.Plan {
	m := newPlan("directory")
	m.system("directory").Mode = plan.Observe
	m.give("directory", "alice", "group/sre", "member", held(plan.HeldObserve, ""), by(access.CauseDeclared, "groups/sre.yaml", 7, "sre names alice"))
	return m.Plan
}

// A system that couldn't be read never counts as free of drift.
func TestDriftOfUnread(t *testing.T) {
	var b bytes.Buffer
	if err := Drift(&b, incomplete(), Options{}); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.Contains(text, "No drift") || !strings.Contains(text, "Incomplete: ") {
		t.Error(text)
	}
}
