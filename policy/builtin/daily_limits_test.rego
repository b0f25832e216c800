package accord.builtin.daily_limits_test

import data.accord.builtin.daily_limits as rule
import data.accord.fixture

limits := [{"privilege": "warehouse/role/*", "per_day": 2}]

plan(privilege, today, planned) := object.union(fixture.plan, {
	"plan": {"date": "2026-11-23"},
	"daily": [{
		"principal": "alice", "system": "warehouse", "privilege": privilege, "today": today, "planned": planned, "change": "grant x",
		"source": {"file": "grants/x.yaml", "line": 2},
	}],
})

denied(given) := found if {
	found := rule.deny with input as given with data.params.daily_limits as limits
}

test_within if count(denied(plan("warehouse/role/writer:member", 1, 1))) == 0

test_above if {
	denied(plan("warehouse/role/writer:member", 2, 1)) == {{
		"msg": "alice would get warehouse/role/writer:member for the 3. time on 2026-11-23; 2 a day are allowed",
		"person": "alice", "change": "grant x", "file": "grants/x.yaml", "line": 2,
	}}
}

test_other_privileges if count(denied(plan("github/team/x:member", 9, 1))) == 0

test_nothing_planned if count(denied(plan("warehouse/role/writer:member", 9, 0))) == 0

test_permission if {
	exact := [{"privilege": "warehouse/role/writer:admin", "per_day": 0}]
	count(rule.deny) == 1 with input as plan("warehouse/role/writer:admin", 0, 1) with data.params.daily_limits as exact
	count(rule.deny) == 0 with input as plan("warehouse/role/writer:member", 0, 1) with data.params.daily_limits as exact
}
