package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

const runID = "20261123T100211Z-9c1f07aa-0a1b2c"

// applied is an apply of the plan in which every step was done and seen.
func applied(p *plan.Plan) Applied {
	a := Applied{Run: runID, Plan: p, Duration: 1340 * time.Millisecond}
	for _, s := range p.Run() {
		a.Steps = append(a.Steps, AppliedStep{Step: &s, Outcome: "done", Seen: "held"})
	}
	return a
}

func allDone() Applied {
	m := newPlan("github", "warehouse")
	m.give("github", "alice", "team/sre", "member")
	m.revoke("warehouse", "bob", "role/writer", "member")
	a := applied(m.Plan)
	a.Steps[1].Outcome, a.Steps[1].Seen = "already", ""
	return a
}

// mixed ends in every way.
func mixed() Applied {
	a := applied(believable())
	a.Exit = 5
	set := func(i int, outcome, seen, err, note string) {
		a.Steps[i].Outcome, a.Steps[i].Seen, a.Steps[i].Error, a.Steps[i].Note = outcome, seen, err, note
	}
	set(0, "failed", "", `suspending carol-d on github: 403: the token lacks "admin:org"`, "")
	set(2, "failed", "", `removing carol-d from team/payments on github: 403: the token lacks "admin:org"`, "")
	set(4, "done", "unconfirmed", "", "it isn't held; writes may take 1m0s to be seen")
	set(5, "skipped", "", "it needs what failed: disable github/account/carol-d", "")
	set(6, "done", "not-held", "", "it is still held")
	set(7, "unknown", "", "the connection was cut", "")
	set(8, "unknown", "held", "the connection was cut", "")
	set(9, "done", "", "", "")
	a.ReadBack = map[string]string{"warehouse": "reading back warehouse: the server is restarting"}
	return a
}

func stale() Applied {
	m := newPlan("github", "warehouse", "wiki")
	held := held(plan.HeldStale, "github is no longer as it was reviewed")
	cause := by(access.CauseDeclared, "groups/sre.yaml", 7, "sre names everybody")
	m.step("github", access.Disable, access.Account("carol"), "carol", leaver, by(access.CauseLeaver, "people/carol.yaml", 4, "left"))
	fresh := *m.give("github", "mallory", "org/acme", "owner", held, cause, risk(access.RiskGrantsAdmin))
	other := *m.give("github", "alice", "team/sre", "maintainer", held, cause)
	m.give("github", "bob", "team/sre", "member", held, cause)
	m.give("warehouse", "bob", "role/writer", "member", cause)
	m.give("warehouse", "dave", "role/writer", "member", needs(&other), cause, func(s *plan.Step) { s.Held = &plan.Hold{Why: plan.HeldDepends, Text: "needs a step that is held"} })
	a := applied(m.Plan)
	a.Exit = 5
	done := plan.Step{Change: access.Change{System: "github", Action: access.Revoke, Subject: access.Account("erin"), Target: access.ID{Kind: "team", Name: "sre"}, Before: &access.Value{Permission: "member"}}}
	a.Deltas = []plan.Delta{
		{System: "github", New: []plan.Step{fresh}, Different: []plan.Step{other}, Already: []plan.Step{done}},
		{System: "warehouse", Already: []plan.Step{done}},
		{System: "wiki", Unread: "reading wiki: 502"},
	}
	return a
}

func stopped() Applied {
	a := mixed()
	a.Steps = a.Steps[:6]
	a.Stopped = true
	return a
}

func nothingDone() Applied { return Applied{Plan: newPlan("github").Plan} }

func onlyRefused() Applied { return Applied{Plan: refused(), Exit: 3} }

func hostileApply() Applied {
	a := applied(hostile())
	a.Run = evil
	a.ReadBack = map[string]string{evil: evil}
	for i := range a.Steps {
		a.Steps[i].Outcome, a.Steps[i].Error, a.Steps[i].Note = "failed", evil, evil
	}
	a.Deltas = []plan.Delta{{System: evil, Unread: evil}}
	return a
}

func TestApply(t *testing.T) {
	for _, test := range []struct {
		name string
		a    func() Applied
		o    Options
	}{
		{"done", allDone, Options{}},
		{"done-verbose", allDone, Options{Verbose: true}},
		{"mixed", mixed, Options{}},
		{"mixed-colour", mixed, Options{Color: true}},
		{"stale", stale, Options{}},
		{"stopped", stopped, Options{}},
		{"nothing", nothingDone, Options{}},
		{"refused", onlyRefused, Options{}},
		{"hostile", hostileApply, Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := golden(t, "apply-"+test.name+".txt", func(b *bytes.Buffer) error { return Apply(b, test.a(), test.o) })
			checkWidth(t, text, usualWidth)
			checkClean(t, colours.ReplaceAllString(text, ""))
			doc := golden(t, "apply-"+test.name+".json", func(b *bytes.Buffer) error { return ApplyJSON(b, test.a()) })
			checkClean(t, doc)
			checkJSON(t, doc, &applyDoc{})
		})
	}
}

// What didn't end well is told, each step of it, and never counted as done.
func TestApplyTellsEveryFailure(t *testing.T) {
	for _, outcome := range []string{"done", "already", "failed", "unknown", "skipped", "refused"} {
		for _, seen := range []string{"held", "not-held", "unconfirmed", ""} {
			m := newPlan("github")
			m.give("github", "alice", "team/sre", "member")
			a := Applied{Plan: m.Plan, Steps: []AppliedStep{{Step: &m.Steps[0], Outcome: outcome, Seen: seen}}}
			var b bytes.Buffer
			if err := Apply(&b, a, Options{}); err != nil {
				t.Fatal(err)
			}
			good := outcome == "already" || (outcome == "done" || outcome == "unknown") && seen == "held"
			if told := strings.Contains(b.String(), "alice"); told == good {
				t.Errorf("%s, %s: told %t:\n%s", outcome, seen, told, b.String())
			}
			if done := strings.Contains(b.String(), "1 of 1 done and read back"); done != good {
				t.Errorf("%s, %s: done %t:\n%s", outcome, seen, done, b.String())
			}
		}
	}
}

// checkClean wants nothing in a text that acts on a terminal.
func checkClean(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); Clean(line) != line {
			t.Errorf("not safe to print: %q", line)
		}
	}
}

// checkJSON wants a document that its own struct describes, of this format version, without a
// null.
func checkJSON(t *testing.T, doc string, into any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(doc))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		t.Errorf("the document isn't as described: %v", err)
	}
	if !strings.HasPrefix(doc, "{\n \"formatVersion\": 1,\n") {
		t.Errorf("no format version in %.40s", doc)
	}
	if strings.Contains(doc, ": null") {
		t.Error("there is a null in it")
	}
}
