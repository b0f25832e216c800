# METADATA
# title: Temporary access ends
# description: Give the grant an earlier until; it can be lengthened later, by a change of its own.
# custom:
#   severity: medium
package accord.builtin.temporary_access

# Only changes of how long somebody has access are looked at. A message has a rule of its own,
# and what seldom holds stands first, so that a change that is short enough costs little.
deny contains contracted if {
	input.change.days_left > data.params.temporary_access.contractor_days
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	contractor
}

deny contains temporary if {
	input.change.days_left > data.params.temporary_access.max_days
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	input.change.has_end == true
	data.params.temporary_access.max_days > 0
}

deny contains privileged if {
	input.change.days_left > data.params.temporary_access.privileged_days
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	input.change.privileged == true
	data.params.temporary_access.privileged_days > 0
}

deny contains limited(limit.days) if {
	some limit in data.params.temporary_access.limits
	input.change.days_left > limit.days
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	covers(limit.access)
}

# What was temporary may become permanent, but not unnoticed.
warn contains permanent if {
	input.change.op == "lengthen"
	input.change.has_end == false
	input.change.before.has_end == true
	data.params.temporary_access.max_days > 0
}

permanent := sprintf("temporary access of %s to %s loses its end (%s)", [who, what, input.change.before.until])

# contractor holds for whom contractor_days is about, if it limits anything.
contractor if {
	data.params.temporary_access.contractor_days > 0
	some value in input.subject.attributes[data.params.temporary_access.contractors.attribute]
	value in data.params.temporary_access.contractors.values
}

contractor if {
	data.params.temporary_access.contractor_days > 0
	unknown
}

# Nobody would be a contractor if the attribute weren't there.
unknown if {
	input.subject.type == "person"
	not input.subject.attributes[data.params.temporary_access.contractors.attribute]
}

contracted := sprintf("%s is %s %s: access to %s %s", [
	input.subject.id,
	data.params.temporary_access.contractors.attribute, matching,
	what, ends(data.params.temporary_access.contractor_days),
])

contracted := sprintf("the attribute %s of %s isn't known, so that nobody can tell contractors; name another under contractors", [
	data.params.temporary_access.contractors.attribute,
	who,
]) if unknown

# matching is the value by which somebody is a contractor.
matching := sort([v |
	some v in input.subject.attributes[data.params.temporary_access.contractors.attribute]
	v in data.params.temporary_access.contractors.values
])[0]

temporary := sprintf("temporary access of %s to %s %s", [who, what, ends(data.params.temporary_access.max_days)])

privileged := sprintf("privileged access of %s to %s %s", [who, what, ends(data.params.temporary_access.privileged_days)])

limited(days) := sprintf("access of %s to %s %s", [who, what, ends(days)])

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
