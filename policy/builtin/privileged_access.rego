# METADATA
# title: Privileged access is asked for, reasoned and approved
# description: Give it by a grant that has a ticket and a reason, and let an owner approve the change.
# custom:
#   severity: high
package accord.builtin.privileged_access

# Only what is given, for longer or for a further reason too, is looked at.
deny contains result if {
	input.change.privileged == true
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	some result in missing
}

deny contains result if {
	input.change.admin == true
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	data.params.privileged_access.admin
	some result in missing
}

missing contains {"msg": msg} if {
	count(input.change.reasons) == 0
	msg := sprintf("nothing declares why %s gets privileged %s", [who, what])
}

missing contains result if {
	data.params.privileged_access.ticket
	some reason in input.change.reasons
	trim_space(reason.ticket) == ""
	result := {"msg": sprintf("privileged %s for %s needs a ticket in grant %s", [what, who, reason.grant]), "file": reason.file, "line": reason.line}
}

missing contains result if {
	data.params.privileged_access.reason
	some reason in input.change.reasons
	trim_space(reason.note) == ""
	result := {"msg": sprintf("privileged %s for %s needs a reason in grant %s", [what, who, reason.grant]), "file": reason.file, "line": reason.line}
}

# What only comes back (drift) or begins (time) was approved with the change that declared it.
require_approval contains demand if {
	input.change.privileged == true
	input.change.class == "change"
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	data.params.privileged_access.approval
}

require_approval contains demand if {
	input.change.admin == true
	input.change.class == "change"
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
	data.params.privileged_access.admin
	data.params.privileged_access.approval
}

demand := {
	"msg": sprintf("privileged %s for %s needs the approval of an owner", [what, who]),
	"approvers": [o | some o in input.change.owners; o != input.change.principal],
}

who := input.change.principal if input.change.principal != ""

who := input.change.account if input.change.principal == ""

what := sprintf("%s/%s", [input.change.system, input.change.resource])
