# METADATA
# title: Somebody active answers for it
# description: Name an active person, or a group that has one, under owners.
# custom:
#   severity: medium
package accord.builtin.owner_active

deny contains result if {
	some o in input.owned
	count(o.active) == 0
	o.changed
	o.kind in data.params.owner_active.kinds
	result := finding(o)
}

# What this plan doesn't touch must not hold it back.
warn contains result if {
	some o in input.owned
	count(o.active) == 0
	not o.changed
	o.kind in data.params.owner_active.kinds
	result := finding(o)
}

finding(o) := {"msg": sprintf("%s %s %s", [o.kind, o.id, why(o)]), "file": o.source.file, "line": o.source.line}

why(o) := "has no owner" if count(o.owners) == 0

why(o) := sprintf("has no active owner (declared: %s)", [concat(", ", o.owners)]) if count(o.owners) > 0
