package accord.builtin.manager_active_test

import data.accord.builtin.manager_active as rule
import data.accord.fixture

person(manager, status, added) := object.union(fixture.principal, {
	"principal": {"id": "alice", "type": "person", "status": "active", "manager": manager, "manager_status": status},
	"holdings": [{"added": added, "change": "grant x"}],
})

params := {"except": ["boss"]}

denied(given) := {r.msg | some r in found} if {
	found := rule.deny with input as given with data.params.manager_active as params
}

test_active if count(denied(person("bob", "active", true))) == 0

test_none if denied(person("", "", true)) == {"alice has no manager"}

test_unknown if denied(person("bob", "", true)) == {"alice has a manager who doesn't exist, bob"}

test_left if denied(person("bob", "left", true)) == {"alice has a manager who isn't active: bob (left)"}

test_nothing_added_warns if {
	count(denied(person("", "", false))) == 0
	rule.warn == {"alice has no manager"} with input as person("", "", false) with data.params.manager_active as params
}

test_the_head_needs_none if count(denied(object.union(person("", "", true), {"principal": {"id": "boss"}}))) == 0

test_services_have_owners_instead if count(denied(object.union(person("", "", true), {"principal": {"type": "service"}}))) == 0
