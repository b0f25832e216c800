# METADATA
# title: Temporary access ends
# description: Give the grant an earlier until; it can be lengthened later, by a change of its own.
# custom:
#   severity: medium
package accord.builtin.temporary_access

params := data.params.temporary_access

# Only changes of how long somebody has access are looked at, and everything else only then.
deny contains msg if {
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	some msg in late
}

late contains msg if {
	input.change.days_left > params.contractor_days
	contractor
	msg := sprintf("%s is %s %s: access to %s %s", [input.subject.id, params.contractors.attribute, matching, what, ends(params.contractor_days)])
}

late contains msg if {
	input.change.has_end == true
	params.max_days > 0
	input.change.days_left > params.max_days
	msg := sprintf("temporary access of %s to %s %s", [who, what, ends(params.max_days)])
}

late contains msg if {
	input.change.privileged == true
	params.privileged_days > 0
	input.change.days_left > params.privileged_days
	msg := sprintf("privileged access of %s to %s %s", [who, what, ends(params.privileged_days)])
}

late contains msg if {
	some limit in params.limits
	input.change.days_left > limit.days
	covers(limit.access)
	msg := sprintf("access of %s to %s %s", [who, what, ends(limit.days)])
}

# Nobody would be a contractor if the attribute weren't there.
late contains msg if {
	input.subject.type == "person"
	params.contractor_days > 0
	not input.subject.attributes[params.contractors.attribute]
	msg := sprintf("the attribute %s of %s isn't known, so that nobody can tell contractors; name another under contractors", [params.contractors.attribute, who])
}

contractor if {
	params.contractor_days > 0
	matching
}

matching := sort([v |
	some v in input.subject.attributes[params.contractors.attribute]
	v in params.contractors.values
])[0]

covers(name) if glob.match(name, ["/"], input.change.role)

covers(name) if {
	some role in input.change.roles
	glob.match(name, ["/"], role)
}

covers(name) if {
	contains(name, "/")
	glob.match(name, ["/"], what)
}

who := input.change.principal if input.change.principal != ""

who := input.change.account if input.change.principal == ""

what := sprintf("%s/%s", [input.change.system, input.change.resource])

ends(days) := sprintf("has no end; at most %d days are allowed", [days]) if not input.change.has_end

ends(days) := sprintf("ends in %d days (%s); at most %d are allowed", [input.change.days_left, input.change.ends, days]) if input.change.has_end
