# METADATA
# title: No wildcard administrator
# description: Name the resources that are to be administered.
# custom:
#   severity: high
package accord.builtin.no_wildcard_admin

params := data.params.no_wildcard_admin

deny contains msg if {
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	some why in wide
	not input.change.principal in params.except
	msg := sprintf("%s on %s/%s for %s %s", [input.change.permission, input.change.system, input.change.resource, who, why])
}

wide contains "administers everything of its kind" if {
	contains(input.change.resource_name, "*")
	powerful
}

wide contains "is a permission for everything" if contains(input.change.permission, "*")

wide contains "administers a whole system" if {
	some r in params.resources
	glob.match(r, ["/"], sprintf("%s/%s", [input.change.system, input.change.resource]))
}

powerful if input.change.admin

powerful if input.change.privileged

who := input.change.principal if input.change.principal != ""

who := input.change.account if input.change.principal == ""
