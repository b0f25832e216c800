package accord.builtin.leavers_hold_nothing_test

import data.accord.builtin.leavers_hold_nothing
import data.accord.fixture

person(status, holdings) := object.union(fixture.principal, {"principal": {"id": "carol", "status": status}, "holdings": holdings})

test_leaver if {
	leavers_hold_nothing.deny == {"carol left and would still hold erp/role/pay, github/team/x"} with input as person("left", [{"key": "github/team/x"}, {"key": "erp/role/pay"}])
}

test_leaver_with_nothing if count(leavers_hold_nothing.deny) == 0 with input as person("left", [])

test_others if count(leavers_hold_nothing.deny) == 0 with input as person("active", [{"key": "erp/role/pay"}])
