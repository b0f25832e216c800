package accord.builtin.owner_active_test

import data.accord.builtin.owner_active as rule
import data.accord.fixture

params := {"kinds": ["role", "group"]}

thing(kind, owners, active, changed) := object.union(fixture.plan, {"owned": [{
	"kind": kind, "id": "sre", "owners": owners, "active": active, "changed": changed, "source": {"file": "groups/sre.yaml", "line": 1},
}]})

denied(given) := found if {
	found := rule.deny with input as given with data.params.owner_active as params
}

test_owned if count(denied(thing("group", ["bob"], ["bob"], true))) == 0

test_no_owner if denied(thing("group", [], [], true)) == {{"msg": "group sre has no owner", "file": "groups/sre.yaml", "line": 1}}

test_no_active_owner if {
	some r in denied(thing("role", ["bob", "carol"], [], true))
	r.msg == "role sre has no active owner (declared: bob, carol)"
}

test_other_kinds if count(denied(thing("service", [], [], true))) == 0

test_untouched_warns if {
	given := thing("group", [], [], false)
	count(denied(given)) == 0
	count(rule.warn) == 1 with input as given with data.params.owner_active as params
}
