package accord.builtin.segregation_of_duties_test

import data.accord.builtin.segregation_of_duties as sod
import data.accord.fixture

holding(key, permission, via, added) := {
	"key": key, "permission": permission, "via": via, "added": added, "change": change(key, added),
}

change(key, true) := sprintf("grant %s", [key])

change(_, false) := ""

person(roles, holdings) := object.union(fixture.principal, {
	"principal": {"id": "alice"},
	"roles": roles,
	"holdings": holdings,
})

# shaped gives pairs the form in which the judge hands them over.
shaped(list) := {
	"pairs": [{"between": p, "because": ""} | some p in list],
	"left": side(list, 0),
	"right": side(list, 1),
}

side(list, k) := {
	"named": {list[i][k]: [i] | some i, _ in list},
	"full": {list[i][k]: [i] | some i, _ in list; contains(list[i][k], ":")},
	"patterns": {list[i][k]: [i] | some i, _ in list; contains(list[i][k], "*")},
}

pairs := shaped([["erp/role/pay", "bank/team/approve"]])

# One half by a nested group on one system, the other directly on another.
nested := person([], [
	holding("erp/role/pay", "member", ["team/finance", "team/all"], false),
	holding("bank/team/approve", "member", [], true),
])

test_nested_and_direct if {
	found := sod.deny with input as nested with data.params.segregation_of_duties as pairs
	{r.msg | some r in found} == {"alice would hold erp/role/pay:member through team/finance, team/all beside bank/team/approve:member"}
	{r.change | some r in found} == {"grant bank/team/approve"}
}

test_one_half_is_no_conflict if {
	one := person([], [holding("erp/role/pay", "member", [], true)])
	count(sod.deny) == 0 with input as one with data.params.segregation_of_duties as pairs
}

test_a_half_is_no_conflict_with_itself if {
	one := person([], [holding("erp/role/pay", "member", [], true)])
	count(sod.deny) == 0 with input as one with data.params.segregation_of_duties as shaped([["erp/role/*", "erp/**"]])
}

test_pattern_and_permission if {
	both := person([], [
		holding("erp/role/pay", "admin", [], true),
		holding("bank/team/approve", "member", [], true),
	])
	count(sod.deny) == 1 with input as both with data.params.segregation_of_duties as shaped([["erp/role/pay:admin", "bank/*/approve"]])
	count(sod.deny) == 0 with input as both with data.params.segregation_of_duties as shaped([["erp/role/pay:owner", "bank/*/approve"]])
	count(sod.deny) == 1 with input as both with data.params.segregation_of_duties as shaped([["erp/*/*:admin", "bank/team/approve"]])
	count(sod.deny) == 1 with input as both with data.params.segregation_of_duties as shaped([["erp/role/pay", "bank/team/approve:member"]])
	count(sod.deny) == 0 with input as both with data.params.segregation_of_duties as shaped([["erp/role/pay", "bank/team/approve:owner"]])
}

test_roles if {
	both := person(
		[
			{"id": "payer", "added": false, "change": ""},
			{"id": "approver", "added": true, "change": "grant erp"},
		],
		[],
	)
	found := sod.deny with input as both
		with data.params.segregation_of_duties as object.union(shaped([["payer", "approver"]]), {"pairs": [{"between": ["payer", "approver"], "because": "four eyes"}]})
	{r.msg | some r in found} == {"alice would hold role payer beside role approver (four eyes)"}
}

test_role_patterns if {
	both := person([{"id": "payer-eu", "added": true, "change": "grant a"}, {"id": "approver", "added": false, "change": ""}], [])
	count(sod.deny) == 1 with input as both with data.params.segregation_of_duties as shaped([["payer-*", "approver"]])
	count(sod.deny) == 0 with input as both with data.params.segregation_of_duties as shaped([["payer-us*", "approver"]])
}

test_what_was_there_before_warns if {
	old := person([], [
		holding("erp/role/pay", "member", [], false),
		holding("bank/team/approve", "member", [], false),
	])
	count(sod.deny) == 0 with input as old with data.params.segregation_of_duties as pairs
	count(sod.warn) == 1 with input as old with data.params.segregation_of_duties as pairs
}
