package report

import (
	"fmt"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// judged has something of all that rules say.
func judged() *plan.Plan {
	m := newPlan("github", "warehouse")
	m.Base = baseHash
	m.Judged = &plan.Judgement{By: "main", Rules: []string{"a", "b", "c"}}
	give := m.give("warehouse", "alice", "role/owner", "member", by(access.CauseDeclared, "grants/owners.yaml", 3, "grant owners gives role/owner: member to alice"), risk(access.RiskGrantsAdmin))
	m.give("github", "bob", "team/sre", "member", by(access.CauseDeclared, "groups/sre.yaml", 4, "sre names bob"))
	need := m.refuse(access.RiskPolicy, "warehouse/role/owner", "needs approval", give)
	need.Final = true
	need.Finding = &plan.Finding{Kind: plan.FindingApproval, Rule: "require_approval_privileged", Text: "role/owner on warehouse is privileged: somebody who answers for it must approve", Title: "Privileged access",
		Severity: "high", Approvers: []string{"carol", "dave"}, Unfit: []string{"alice approved, who gains by it"}, File: "grants/owners.yaml", Line: 3, RuleFile: "policy/privileged.rego", RuleLine: 7}
	no := m.refuse(access.RiskPolicy, "accord.plan", "too many")
	no.Final = true
	no.Finding = &plan.Finding{Kind: plan.FindingDeny, Rule: "deny_friday", Text: "nothing is changed on a Friday", Remediation: "wait for Monday", RuleFile: "policy/week.rego", RuleLine: 3}
	m.Findings = []plan.Finding{
		{Kind: plan.FindingWarn, Rule: "warn_no_ticket", Text: "grant owners names no ticket", File: "grants/owners.yaml", Line: 1, RuleFile: "policy/ticket.rego", RuleLine: 9, Severity: "low"},
		{Kind: plan.FindingApproved, Rule: "require_approval_team", Text: "team/sre was approved", ApprovedBy: []string{"erin"}, File: "groups/sre.yaml", Line: 4},
		{Kind: plan.FindingException, Rule: "deny_sod", Text: "bob holds both sides", Exempt: "oncall-sod"},
	}
	m.Settings = []plan.Setting{
		{Change: "settings systems/warehouse.guards", Kind: "guards", Setting: "systems/warehouse.guards.max_removals", Before: "10%", After: "90%", File: "systems/warehouse.yaml", Line: 8, Pending: true},
		{Change: "settings policy", Kind: "policy", Setting: "policy/week.rego", Before: "aa", File: "policy/week.rego"},
	}
	m.Flips = []plan.Flip{
		{On: "plan", From: plan.FindingDeny, Rule: "deny_friday", Text: "nothing is changed on a Friday"},
		{On: "existing", To: plan.FindingDeny, Rule: "deny_new", Text: "carol holds too much", File: "people/carol.yaml", Line: 2},
	}
	return m.Plan
}

// leavers has leavers who are told together, and one who is told alone.
func leavers() *plan.Plan {
	m := newPlan("github", "warehouse")
	for i, p := range []string{"ann", "ben", "cleo", "dora"} {
		why := by(access.CauseLeaver, "people/people.yaml", 4+i, "left 2026-11-20")
		m.step("github", access.Disable, access.Account(p+"-gh"), p, leaver, why)
		m.revoke("github", p, "team/payments", "member", account(p+"-gh"), leaver, why)
		if p == "cleo" {
			m.step("warehouse", access.Delete, access.Account(p), p, leaver, why, risk(access.RiskDeletes), risk(access.RiskIrreversible))
		}
	}
	return m.Plan
}

// mover has one person who moves from one team to another.
func mover() *plan.Plan {
	m := newPlan("github", "warehouse")
	m.Base = baseHash
	was := by(access.CauseRemoved, "people/people.yaml", 2, `no longer: ben's title is "Clerk"`)
	is := by(access.CauseDeclared, "people/people.yaml", 2, `ben's title is "Engineer"`)
	m.revoke("github", "ben", "team/desk", "member", was)
	m.give("github", "ben", "team/tools", "member", is)
	m.give("warehouse", "ben", "role/writer", "member", is)
	return m.Plan
}

// joiners are many people who each have a line of their own, and get the same.
func joiners() *plan.Plan {
	m := newPlan("github", "warehouse")
	m.Base = baseHash
	for i, p := range people(150) {
		why := by(access.CauseDeclared, "people/people.yaml", 2+i, p+`'s department is "sales"`)
		m.step("github", access.Create, access.Account(p+"-gh"), p, why, func(s *plan.Step) { s.After.Attributes = map[string]string{"name": "Name of " + p} })
		m.give("github", p, "team/sales", "member", account(p+"-gh"), why)
	}
	return m.Plan
}

// rule200 is one changed line of a role that reaches two hundred people.
func rule200() *plan.Plan {
	m := newPlan("github", "warehouse")
	m.Base = baseHash
	way := func(line int, text string) option {
		return func(s *plan.Step) {
			s.Reasons = []access.Reason{{Grant: "engineers", Roles: []string{"backend"}, Chain: []access.Link{
				{File: "grants/engineers.yaml", Line: 3, Text: "grant engineers gives role backend to group platform"},
				{File: "roles/backend.yaml", Line: line, Text: text}}}}
		}
	}
	for i, p := range people(200) {
		m.revoke("github", p, "repo/api", "push", through, by(access.CauseRemoved, "roles/backend.yaml", 9, "no longer: role backend gives repo/api: push on github"))
		web := "role backend gives repo/web: push on github"
		m.give("github", p, "repo/web", "push", by(access.CauseDeclared, "roles/backend.yaml", 10, web), way(10, web))
		if i%20 == 0 {
			reader := "role backend gives role/reader: member on warehouse"
			m.give("warehouse", p, "role/reader", "member", by(access.CauseDeclared, "roles/backend.yaml", 12, reader), way(12, reader))
		}
	}
	return m.Plan
}

func rehearsal() *plan.Plan {
	p := worktree()
	p.Rehearsal = true
	return p
}

// huge has so many removals that nothing short of their names has room.
func huge(n int) func() *plan.Plan {
	return func() *plan.Plan {
		m := newPlan("github", "warehouse")
		for i, p := range people(n) {
			gone := by(access.CauseRemoved, fmt.Sprintf("roles/role%d.yaml", i%7), i%5+1, "no longer: a role gives it")
			m.revoke("github", p, fmt.Sprintf("team/team%d", i%9), "member", gone)
			m.give("warehouse", p, "role/reader", "member", by(access.CauseDeclared, "roles/reader.yaml", 1, "role reader gives it"))
			if i%10 == 0 {
				m.revoke("warehouse", p, "role/admin", "member", gone, class(plan.ClassDrift), risk(access.RiskGrantsAdmin))
			}
		}
		m.step("github", access.Disable, access.Account("carol"), "carol", leaver, by(access.CauseLeaver, "people/carol.yaml", 4, "left"))
		return m.Plan
	}
}
