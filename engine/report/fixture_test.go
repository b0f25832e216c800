package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

const (
	hash         = "4f2a91c0ffee00112233445566778899aabbccdd"
	planDigest   = "9c1f07aa00112233445566778899aabbccddeeff00112233445566778899aabb"
	changeDigest = "51d0be2c00112233445566778899aabbccddeeff00112233445566778899aabb"
)

var now = time.Date(2026, 11, 23, 10, 2, 11, 0, time.UTC)

// maker makes plans for tests.
type maker struct{ *plan.Plan }

func newPlan(systems ...string) maker {
	m := maker{&plan.Plan{
		FormatVersion: plan.FormatVersion, Engine: plan.EngineVersion, Revision: plan.Revision{Hash: hash, Branch: "main", Subject: "Alice moves to SRE"},
		At: now, Complete: true, ChangeDigest: changeDigest, PlanDigest: planDigest,
	}}
	for _, s := range systems {
		m.Systems = append(m.Systems, plan.System{Name: s, Connector: s, Mode: plan.Authoritative, Guards: plan.DefaultGuards()})
	}
	return m
}

func (m maker) system(name string) *plan.System {
	for i := range m.Systems {
		if m.Systems[i].Name == name {
			return &m.Systems[i]
		}
	}
	panic("no system " + name)
}

// option changes a step.
type option func(*plan.Step)

func (m maker) step(system string, a access.Action, subject access.ID, person string, options ...option) *plan.Step {
	s := plan.Step{Change: access.Change{System: system, Action: a, Subject: subject}, Class: plan.ClassChange, Person: person}
	switch a {
	case access.Disable:
		s.Before, s.After = &access.Value{}, &access.Value{Disabled: true}
	case access.Enable:
		s.Before, s.After = &access.Value{Disabled: true}, &access.Value{}
	case access.Delete:
		s.Before = &access.Value{Disabled: true}
	case access.Create:
		s.After = &access.Value{}
	}
	for _, o := range options {
		o(&s)
	}
	m.Steps = append(m.Steps, s)
	return &m.Steps[len(m.Steps)-1]
}

func (m maker) give(system, person, target, permission string, options ...option) *plan.Step {
	return m.step(system, access.Give, access.Account(person), person, append([]option{on(target), func(s *plan.Step) { s.After = &access.Value{Permission: permission} }}, options...)...)
}

func (m maker) revoke(system, person, target, permission string, options ...option) *plan.Step {
	return m.step(system, access.Revoke, access.Account(person), person, append([]option{on(target), func(s *plan.Step) { s.Before = &access.Value{Permission: permission} }}, options...)...)
}

func on(target string) option {
	return func(s *plan.Step) {
		kind, name, _ := strings.Cut(target, "/")
		s.Target = access.ID{Kind: kind, Name: name}
	}
}

func by(kind access.CauseKind, file string, line int, text string) option {
	return func(s *plan.Step) { s.Cause = access.Cause{Kind: kind, File: file, Line: line, Text: text} }
}

func endsAt(t time.Time) option {
	return func(s *plan.Step) {
		s.Reasons = []access.Reason{{Until: t, Grant: "prod-db-oncall", Chain: []access.Link{{File: "grants/oncall.yaml", Line: 3, Text: "grant prod-db-oncall gives it"}}}}
	}
}

func class(c plan.Class) option { return func(s *plan.Step) { s.Class = c } }

func leaver(s *plan.Step) { s.Leaver = true }

func account(name string) option { return func(s *plan.Step) { s.Subject = access.Account(name) } }

func nobody(s *plan.Step) { s.Person = "" }

func risk(name access.RiskName) option {
	return func(s *plan.Step) { s.Risks = append(s.Risks, access.Risk{Name: name, Text: string(name)}) }
}

func held(why plan.HoldReason, text string) option {
	return func(s *plan.Step) { s.Held = &plan.Hold{Why: why, Text: text} }
}

func needs(o *plan.Step) option {
	key := o.Key()
	return func(s *plan.Step) { s.Needs = append(s.Needs, key) }
}

// through makes the step's reasons name a role whose line 9 gives the access.
func through(s *plan.Step) {
	r := access.Reason{Grant: "engineers", Roles: []string{"backend"}, Chain: []access.Link{
		{File: "grants/engineers.yaml", Line: 3, Text: "grant engineers gives role backend to group platform"},
		{File: "roles/backend.yaml", Line: 9, Text: "role backend gives repo/api: push on github"},
		{File: "groups/platform.yaml", Line: 4, Text: "platform names " + s.Person},
	}}
	if s.Action == access.Revoke {
		s.Was = []access.Reason{r}
	} else {
		s.Reasons = []access.Reason{r}
	}
}

func (m maker) refuse(name access.RiskName, ref, text string, steps ...*plan.Step) *plan.Refusal {
	r := plan.Refusal{Name: name, Ref: ref, Text: text}
	for _, s := range steps {
		r.Steps = append(r.Steps, s.Key())
	}
	for i := range m.Steps { // those given may be copies that appending left behind
		if slices.Contains(r.Steps, m.Steps[i].Key()) {
			m.Steps[i].Held = &plan.Hold{Why: plan.HeldRefused, Text: text}
		}
	}
	m.Refusals = append(m.Refusals, r)
	return &m.Refusals[len(m.Refusals)-1]
}

// believable is a plan with some of everything.
func believable() *plan.Plan {
	m := newPlan("github", "warehouse", "wiki")
	m.Base = "9be11d2c0ffee00112233445566778899aabbccd"
	m.Judged = &plan.Judgement{By: "9be11d2", Rules: []string{"a", "b", "c", "d", "e", "f"}}
	m.Shifts = []access.Shift{
		{Kind: access.ShiftGain, Person: "alice", System: "github", Target: access.ID{Kind: "team", Name: "sre"}, Permission: "maintainer", After: []access.Span{{}}},
		{Kind: access.ShiftSettings, System: "wiki", From: "aa", To: "bb"},
	}
	left := by(access.CauseLeaver, "people/carol.yaml", 4, "left 2026-11-20")
	m.step("github", access.Disable, access.Account("carol-d"), "carol", leaver, left)
	m.step("warehouse", access.Disable, access.Account("cdyer"), "carol", leaver, left)
	m.revoke("github", "carol", "team/payments", "member", account("carol-d"), leaver, left)
	m.revoke("warehouse", "carol", "role/readonly", "member", account("cdyer"), leaver, left)

	sre := by(access.CauseDeclared, "groups/sre.yaml", 7, `sre includes everyone whose title is "Staff SRE"`)
	m.give("github", "alice", "team/sre", "maintainer", account("alice-l"), sre, risk(access.RiskGrantsAdmin))
	m.give("warehouse", "alice", "role/writer", "member", sre, endsAt(time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)))
	role := by(access.CauseRemoved, "roles/backend.yaml", 9, "no longer: role backend gives repo/api: push on github")
	for _, p := range []string{"bob", "dave", "erin", "frank", "grace", "heidi"} {
		m.revoke("github", p, "repo/api", "push", role, through)
	}
	m.step("warehouse", access.ChangeLevel, access.Account("ivan"), "ivan", on("schema/public"), by(access.CauseDeclared, "grants/reports.yaml", 5, "grant reports gives schema/public: read to ivan"),
		func(s *plan.Step) {
			s.Before, s.After = &access.Value{Permission: "write"}, &access.Value{Permission: "read"}
		})
	m.revoke("warehouse", "judy", "role/writer", "member", class(plan.ClassTime), by(access.CauseWindow, "grants/oncall.yaml", 3, "grant prod-db-oncall ended 2026-11-23 00:00"))
	m.revoke("github", "mallory", "team/payments", "member", nobody, class(plan.ClassDrift), by(access.CauseDrift, "", 0, "given on github, declared nowhere"))

	var mass []*plan.Step
	for _, p := range []string{"kim", "liam", "mia", "noah", "olga", "pete", "quinn"} {
		mass = append(mass, m.revoke("github", p, "team/frontend", "member", by(access.CauseRemoved, "roles/frontend.yaml", 8, "no longer: role frontend gives team/frontend: member on github")))
	}
	m.refuse(access.RiskMassRevoke, "github/team/frontend", "would remove 7 of 31 holders of team/frontend on github (22 %), the limit is 10 % (5 here)", mass...)
	m.system("github").Orphans = []access.ID{access.Account("old-ci"), access.Account("intern1"), access.Account("intern2")}
	wiki := m.system("wiki")
	wiki.Unknown = []access.Unknown{{ID: access.ID{Kind: "group"}, Why: "groups page 3 answered 502"}}
	wiki.Waiting = []plan.Waiting{
		{Action: access.Create, Subject: access.ID{Kind: "group", Name: "sre"}, Why: "new objects wait until the whole system can be read"},
		{Action: access.Create, Subject: access.ID{Kind: "group", Name: "ops"}, Why: "new objects wait until the whole system can be read"},
		{Action: access.Delete, Subject: access.ID{Kind: "group", Name: "old"}, Why: "deletions wait until the whole system can be read"},
	}
	m.Complete = false
	return m.Plan
}

func people(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("person%04d", i)
	}
	return out
}
