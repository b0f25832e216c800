# METADATA
# title: Protected systems change only in a window
# description: Apply the plan again when the window is open. Leavers are never held back by it.
# custom:
#   severity: medium
package accord.builtin.change_window

deny contains outside if {
	some w in data.params.change_window
	some s in w.systems
	glob.match(s, ["/"], input.change.system)
	input.change.origin == "step"
	input.change.held == ""
	input.change.leaver == false
	not open
}

outside := sprintf("%s changes only %s; it is %s %s (%s)", [
	input.change.system,
	concat(" or ", sort({text(w) | some w in windows})),
	input.plan.weekday,
	clock(input.plan.minute),
	input.plan.timezone,
])

windows contains w if {
	some w in data.params.change_window
	some s in w.systems
	glob.match(s, ["/"], input.change.system)
}

open if {
	some w in windows
	inside(w)
}

# A window that ends before it begins ends on the next day.
inside(w) if {
	minutes(w.from) < minutes(w.to)
	input.plan.weekday in w.days
	input.plan.minute >= minutes(w.from)
	input.plan.minute < minutes(w.to)
}

inside(w) if {
	minutes(w.from) >= minutes(w.to)
	input.plan.weekday in w.days
	input.plan.minute >= minutes(w.from)
}

inside(w) if {
	minutes(w.from) >= minutes(w.to)
	yesterday[input.plan.weekday] in w.days
	input.plan.minute < minutes(w.to)
}

yesterday := {
	"monday": "sunday", "tuesday": "monday", "wednesday": "tuesday", "thursday": "wednesday",
	"friday": "thursday", "saturday": "friday", "sunday": "saturday",
}

minutes(hhmm) := (to_number(hour) * 60) + to_number(minute) if [hour, minute] := split(hhmm, ":")

clock(m) := sprintf("%02d:%02d", [floor(m / 60), m % 60])

text(w) := sprintf("%s %s to %s", [concat(", ", w.days), w.from, w.to])
