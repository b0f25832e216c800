package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

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

// looked classifies what a plan made by hand holds of drift, as plan.Build would.
func looked(p *plan.Plan) Drifted {
	kinds := map[access.Action]plan.DriftKind{access.Revoke: plan.DriftUndeclaredGrant, access.Give: plan.DriftMissingGrant, access.Create: plan.DriftMissingAccount,
		access.Delete: plan.DriftUndeclaredResource, access.Disable: plan.DriftExpired, access.ChangeLevel: plan.DriftUndeclaredGrant}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Class != plan.ClassDrift && (s.Held == nil || s.Held.Why == plan.HeldRefused || s.Held.Why == plan.HeldDepends) {
			continue
		}
		if s.Drift = kinds[s.Action]; s.Drift == "" {
			s.Drift = plan.DriftChangedAttribute
		}
	}
	d := Drifted{p, p.Differences()}
	for i := range d.Differences { // what a system tells of itself, and the journal
		switch o := &d.Differences[i]; {
		case o.Subject == access.Account("zed"):
			o.Traces = []access.Trace{{Object: o.Subject, By: "cn=bob", At: now.Add(-time.Hour), Created: true}}
		case o.Kind == plan.DriftUndeclaredGrant && o.Step != nil && o.System == "github":
			o.Since = now.Add(-48 * time.Hour)
			o.Traces = []access.Trace{{Object: o.Target, By: "cn=bob", At: now.Add(-time.Hour)}}
		}
	}
	return d
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
		{"flapping", flapping},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := golden(t, "drift-"+test.name+".txt", func(b *bytes.Buffer) error { return Drift(b, looked(test.plan()), Options{}) })
			checkWidth(t, text, usualWidth)
			checkClean(t, text)
			doc := golden(t, "drift-"+test.name+".json", func(b *bytes.Buffer) error { return DriftJSON(b, looked(test.plan())) })
			checkClean(t, doc)
			checkJSON(t, doc, &driftDoc{})
			page := golden(t, "drift-"+test.name+".md", func(b *bytes.Buffer) error { return DriftMarkdown(b, looked(test.plan()), MarkdownOptions{}) })
			checkClean(t, page)
		})
	}
}

// flapping is what somebody else writes, too, beside what nobody has accepted yet.
func flapping() *plan.Plan {
	m := newPlan("github", "warehouse")
	why := held(plan.HeldFlapping, "corrected 3 times within 7 days, and there again")
	m.revoke("github", "mallory", "team/payments", "member", nobody, class(plan.ClassDrift), why, risk(access.RiskFlapping), by(access.CauseDrift, "", 0, "given on github, declared nowhere"))
	m.give("warehouse", "alice", "role/sre", "member", class(plan.ClassDrift), why, risk(access.RiskFlapping), by(access.CauseDrift, "grants/sre.yaml", 3, "taken away on warehouse, though declared"))
	m.system("github").Pending = []plan.Edge{{Subject: access.Account("ivan"), Target: access.ID{Kind: "team", Name: "sre"}, Permission: "member"}}
	return m.Plan
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
	if err := Drift(&b, looked(incomplete()), Options{}); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.Contains(text, "No drift") || !strings.Contains(text, "Incomplete: ") {
		t.Error(text)
	}
}
