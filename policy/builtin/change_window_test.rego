package accord.builtin.change_window_test

import data.accord.builtin.change_window as rule
import data.accord.fixture

windows := [
	{"systems": ["erp", "pay-*"], "days": ["monday", "tuesday"], "from": "08:30", "to": "17:00"},
	{"systems": ["erp"], "days": ["saturday"], "from": "22:00", "to": "04:00"},
]

step(system, weekday, minute) := object.union(fixture.change, {
	"change": {"origin": "step", "system": system},
	"plan": {"weekday": weekday, "minute": minute, "timezone": "Europe/Berlin"},
})

denied(given) := found if {
	found := rule.deny with input as given with data.params.change_window as windows
}

test_inside if count(denied(step("erp", "monday", 8 * 60 + 30))) == 0

test_the_end_is_outside if denied(step("pay-roll", "monday", 17 * 60)) == {"pay-roll changes only monday, tuesday 08:30 to 17:00; it is monday 17:00 (Europe/Berlin)"}

test_other_day if count(denied(step("erp", "wednesday", 600))) == 1

test_night if {
	count(denied(step("erp", "saturday", 22 * 60))) == 0
	count(denied(step("erp", "sunday", 239))) == 0
	count(denied(step("erp", "sunday", 240))) == 1
	count(denied(step("erp", "saturday", 239))) == 1
}

test_unprotected if count(denied(step("github", "sunday", 0))) == 0

test_leavers_are_not_held if count(denied(object.union(step("erp", "sunday", 600), {"change": {"leaver": true}}))) == 0

test_what_is_only_declared_waits_for_the_apply if count(denied(object.union(step("erp", "sunday", 600), {"change": {"origin": "shift"}}))) == 0
