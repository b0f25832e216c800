package accord.builtin.privileged_access_test

import data.accord.builtin.privileged_access
import data.accord.fixture

params := {"ticket": true, "reason": true, "approval": true, "admin": true}

reason := {"grant": "oncall", "ticket": "OPS-1", "note": "on call", "file": "grants/oncall.yaml", "line": 3}

grant(change) := object.union(fixture.change, {"change": object.union(
	{
		"op": "add", "class": "change", "kind": "grant", "principal": "alice", "privileged": true,
		"system": "warehouse", "resource": "role/writer", "reasons": [reason], "owners": ["alice", "bob"],
	},
	change,
)})

denied(change) := found if {
	found := privileged_access.deny with input as grant(change)
		with data.params.privileged_access as params
}

demanded(change) := found if {
	found := privileged_access.require_approval with input as grant(change)
		with data.params.privileged_access as params
}

test_in_order if count(denied({})) == 0

test_owners_approve_but_not_for_themselves if {
	demanded({}) == {{"msg": "privileged warehouse/role/writer for alice needs the approval of an owner", "approvers": ["bob"]}}
}

test_drift_was_approved_before if count(demanded({"class": "drift"})) == 0

test_ticket if {
	some r in denied({"reasons": [reason, object.union(reason, {"ticket": ""})]})
	r.msg == "privileged warehouse/role/writer for alice needs a ticket in grant oncall"
	r.line == 3
}

test_reason if {
	some r in denied({"reasons": [object.union(reason, {"note": ""})]})
	contains(r.msg, "needs a reason")
}

test_nothing_declares_it if denied({"reasons": []}) == {{"msg": "nothing declares why alice gets privileged warehouse/role/writer"}}

test_admin_counts if {
	count(denied({"privileged": false, "admin": true, "reasons": []})) == 1
	count(denied({"privileged": false, "admin": false, "reasons": []})) == 0
}

test_administrators_are_approved if {
	admin := {"privileged": false, "admin": true}
	{r.approvers | some r in demanded(admin)} == {["bob"]}
	count(demanded(object.union(admin, {"class": "drift"}))) == 0
	count(demanded(object.union(admin, {"admin": false}))) == 0
}

test_administrators_need_not_count if {
	off := object.union(params, {"admin": false})
	admin := grant({"privileged": false, "admin": true, "reasons": []})
	count(privileged_access.deny) == 0 with input as admin with data.params.privileged_access as off
	count(privileged_access.require_approval) == 0 with input as admin with data.params.privileged_access as off
}

# What is given for longer, or for a further reason, is judged like what is given.
test_windows if {
	every op in {"lengthen", "reason", "update"} {
		count(denied({"op": op, "reasons": [object.union(reason, {"ticket": " "})]})) == 1
		count(demanded({"op": op})) == 1
	}
	count(denied({"op": "shorten", "reasons": []})) == 0
	count(demanded({"op": "shorten"})) == 0
}

test_taking_away_needs_nothing if {
	count(denied({"op": "remove", "reasons": []})) == 0
	count(demanded({"op": "remove"})) == 0
}

test_accounts_of_nobody if denied({"principal": "", "account": "account/ci", "reasons": []}) == {{"msg": "nothing declares why account/ci gets privileged warehouse/role/writer"}}
