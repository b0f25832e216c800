# METADATA
# title: No wildcard administrator
# description: Name the resources that are to be administered.
# custom:
#   severity: high
package accord.builtin.no_wildcard_admin

# What seldom holds stands first in each; OPA finds by the kind and the op, wherever they stand,
# which of the rules to look at.
deny contains given("administers everything of its kind") if {
	contains(input.change.resource_name, "*")
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	powerful
	allowed_to_nobody
}

deny contains given("is a permission for everything") if {
	contains(input.change.permission, "*")
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	allowed_to_nobody
}

deny contains given("administers a whole system") if {
	some r in data.params.no_wildcard_admin.resources
	glob.match(r, ["/"], concat("/", [input.change.system, input.change.resource]))
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	allowed_to_nobody
}

powerful if input.change.admin

powerful if input.change.privileged

allowed_to_nobody if not input.change.principal in data.params.no_wildcard_admin.except

given(why) := sprintf("%s on %s/%s for %s %s", [input.change.permission, input.change.system, input.change.resource, who, why])

who := input.change.principal if input.change.principal != ""

who := input.change.account if input.change.principal == ""
