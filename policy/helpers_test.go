package policy

import (
	"fmt"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// file makes a source of a policy folder.
func file(path, text string) Source { return Source{Path: path, Data: []byte(text)} }

// judge compiles or fails the test.
func judge(t testing.TB, o Options, sources ...Source) *Judge {
	t.Helper()
	j, err := Compile(t.Context(), sources, o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// company are n changes of people on ten systems, with what belongs to them.
func company(n int) Input {
	plan := NewContext(now, time.UTC)
	plan.Changes = n
	systems, roles := make([]*System, 10), make([]*Role, 10)
	for i := range systems {
		systems[i] = &System{ID: fmt.Sprintf("system%d", i), Connector: "memory", Mode: "authoritative", Owners: []string{"bob"}}
		roles[i] = &Role{ID: fmt.Sprintf("role%d", i), Privileged: i == 0, Owners: []string{"bob"}}
	}
	in := Input{Now: now}
	people := make([]*Subject, max(1, n/5))
	for i := range people {
		people[i] = &Subject{ID: fmt.Sprintf("person%05d", i), Type: "person", Status: "active", Manager: "bob", ManagerStatus: "active",
			Attributes: map[string][]string{"department": {"engineering"}, "employment": {[]string{"employee", "contractor"}[i%10/9]}},
			Groups:     []string{"everybody", "sre"}, Source: Place{fmt.Sprintf("people/person%05d.yaml", i), 1}}
		in.Principals = append(in.Principals, PrincipalInput{Principal: people[i], Plan: &plan})
	}
	for i := range n {
		k := i % 10
		p := people[i%len(people)]
		until, has, days := Ends(now.AddDate(0, 0, i%400), now)
		c := ChangeInput{Subject: p, System: systems[k], Role: roles[k], Plan: &plan, Change: Change{
			ID: fmt.Sprintf("grant %d", i), Class: "change", Origin: "step", Op: []string{"add", "add", "remove"}[i%3], Action: "grant", Kind: "grant",
			System: systems[k].ID, Principal: p.ID, Account: "account/" + p.ID, Role: roles[k].ID, Roles: []string{roles[k].ID},
			Resource: fmt.Sprintf("team/t%d", i%97), ResourceKind: "team", ResourceName: fmt.Sprintf("t%d", i%97), Permission: "member", Privileged: k == 0,
			Reasons: []Reason{{Grant: "g", Roles: []string{roles[k].ID}, Until: until, HasEnd: has, DaysLeft: days, Ticket: "T-1", Note: "n", File: "grants/g.yaml", Line: 3}},
			Ends:    until, HasEnd: has, DaysLeft: days, After: Side{Present: true, Permission: "member"}, Cause: Cause{Kind: "declared", Text: "grant g"},
			Owners: []string{"bob"}, Source: Place{"grants/g.yaml", 3}}}
		in.Changes = append(in.Changes, c)
		pi := &in.Principals[i%len(people)]
		pi.Holdings = append(pi.Holdings, Holding{Key: c.Change.System + "/" + c.Change.Resource, System: c.Change.System, Resource: c.Change.Resource,
			Permission: "member", Added: c.Change.Op == "add", Change: c.Change.ID})
	}
	in.Plan = PlanInput{Plan: &plan, Counts: Counts{Adds: n}, BySystem: []SystemCounts{{System: "system0", Removes: n, Grants: 2 * n, RemovesPercent: 50, Complete: true}}}
	return in
}

// house is a policy folder with rules of every kind and package.
var house = []Source{
	file("policy/change.rego", `# METADATA
# title: House rules
# custom:
#   severity: low
package accord

import data.lib.dates

# METADATA
# title: Nothing on system3
# description: Ask the owners of system3.
# custom:
#   severity: high
deny contains msg if {
	input.change.system == "system3"
	input.change.op == "add"
	msg := sprintf("%s on system3", [input.change.principal])
}

deny contains {"msg": "too long", "limit": data.limits.days} if {
	input.change.op == "add"
	dates.far(input.change.days_left)
}

violation_contractor contains "contractors get no role0" if {
	"contractor" in input.subject.attributes.employment
	input.role.id == "role0"
}

exception contains ["contractor"] if input.change.resource == "team/t0"

warn_removed contains "goes" if input.change.op == "remove"

require_approval_privileged contains {"msg": "an owner must agree", "approvers": input.change.owners} if {
	input.role.privileged == true
	input.change.op in {"add", "lengthen"}
}
`),
	file("policy/lib.rego", "package lib.dates\n\nfar(days) if days > data.limits.days\n"),
	file("policy/principal.rego", `package accord.principal

deny contains {"msg": "too much", "change": change} if {
	count(input.holdings) > 4
	change := sort([h.change | some h in input.holdings; h.added])[0]
}

warn contains "old hand" if endswith(input.principal.id, "0001")
`),
	file("policy/plan.rego", `package accord.plan

warn_big contains sprintf("%d%% of %s", [s.removes_percent, s.system]) if {
	some s in input.by_system
	s.removes_percent > 30
}
`),
	file("policy/limits.yaml", "limits: {days: 390}\n"),
}
