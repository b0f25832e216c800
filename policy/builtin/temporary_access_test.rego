package accord.builtin.temporary_access_test

import data.accord.builtin.temporary_access
import data.accord.fixture

params := {
	"contractor_days": 90, "max_days": 365, "privileged_days": 0, "limits": [],
	"contractors": {"attribute": "employment", "values": ["contractor"]},
}

grant(employment, change) := object.union(fixture.change, {
	"change": object.union(
		{
			"op": "add", "kind": "grant", "principal": "carol",
			"system": "warehouse", "resource": "role/writer", "has_end": true, "days_left": 30, "ends": "2026-12-23T00:00:00Z",
		},
		change,
	),
	"subject": {"id": "carol", "type": "person", "attributes": {"employment": [employment]}},
})

endless := {"has_end": false, "days_left": 36500, "ends": ""}

judged(given, extra) := found if {
	found := temporary_access.deny with input as given
		with data.params.temporary_access as object.union(params, extra)
}

test_contractors_need_an_end if {
	judged(grant("contractor", endless), {}) == {"carol is employment contractor: access to warehouse/role/writer has no end; at most 90 days are allowed"}
}

test_contractors_at_most_ninety_days if {
	count(judged(grant("contractor", {"days_left": 90}), {})) == 0
	count(judged(grant("contractor", {"days_left": 91}), {})) == 1
}

test_lengthening_counts if {
	count(judged(grant("contractor", {"op": "lengthen", "days_left": 91}), {})) == 1
	count(judged(grant("contractor", {"op": "shorten", "days_left": 91}), {})) == 0
}

# A further reason, or another permission, can keep access for longer as well.
test_reasons_and_updates_count if {
	count(judged(grant("contractor", {"op": "reason", "days_left": 91}), {})) == 1
	count(judged(grant("contractor", {"op": "update", "days_left": 91}), {})) == 1
	count(judged(grant("contractor", object.union(endless, {"op": "reason"})), {})) == 1
	count(judged(grant("contractor", {"op": "reason", "days_left": 90}), {})) == 0
}

test_privileged_windows if {
	long := {"op": "lengthen", "privileged": true, "days_left": 31}
	count(judged(grant("employee", long), {"privileged_days": 30})) == 1
	count(judged(grant("employee", object.union(long, {"op": "shorten"})), {"privileged_days": 30})) == 0
}

test_what_loses_its_end_is_said if {
	lost := object.union(endless, {"op": "lengthen", "before": {"has_end": true, "until": "2026-12-01T00:00:00Z"}})
	temporary_access.warn == {"temporary access of carol to warehouse/role/writer loses its end (2026-12-01T00:00:00Z)"} with input as grant("employee", lost)
		with data.params.temporary_access as params
	count(temporary_access.warn) == 0 with input as grant("employee", object.union(lost, {"before": {"has_end": false}}))
		with data.params.temporary_access as params
}

test_employees_may_have_no_end if count(judged(grant("employee", endless), {})) == 0

test_what_is_temporary_is_short if {
	count(judged(grant("employee", {"days_left": 366}), {})) == 1
	count(judged(grant("employee", {"days_left": 366}), {"max_days": 0})) == 0
}

test_privileged if {
	count(judged(grant("employee", object.union(endless, {"privileged": true})), {"privileged_days": 30})) == 1
	count(judged(grant("employee", endless), {"privileged_days": 30})) == 0
}

test_limits if {
	count(judged(grant("employee", endless), {"limits": [{"access": "warehouse/role/*", "days": 30}]})) == 1
	count(judged(grant("employee", endless), {"limits": [{"access": "github/**", "days": 30}]})) == 0
	count(judged(grant("employee", object.union(endless, {"role": "writer"})), {"limits": [{"access": "writer", "days": 30}]})) == 1
	count(judged(grant("employee", object.union(endless, {"roles": ["base", "writer"]})), {"limits": [{"access": "writer", "days": 30}]})) == 1
}

test_an_unknown_attribute_is_said if {
	some msg in judged(grant("employee", {"days_left": 91}), {"contractors": {"attribute": "contract", "values": ["x"]}})
	contains(msg, "the attribute contract of carol isn't known")
}

test_accounts_of_nobody if {
	some msg in judged(grant("employee", {"principal": "", "account": "account/ci", "days_left": 400}), {})
	contains(msg, "account/ci")
}
