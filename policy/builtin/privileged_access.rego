# METADATA
# title: Privileged access is asked for, reasoned and approved
# description: Give it by a grant that has a ticket and a reason, and let an owner approve the change.
# custom:
#   severity: high
package accord.builtin.privileged_access

params := data.params.privileged_access

# Only what is given is looked at, and only if it is privileged.
gives if {
	input.change.privileged == true
	giving
}

gives if {
	input.change.admin == true
	params.admin
	giving
}

giving if {
	input.change.kind == "grant"
	input.change.op in {"add", "update", "lengthen", "reason"}
}

deny contains result if {
	gives
	some result in missing
}

missing contains {"msg": msg} if {
	count(input.change.reasons) == 0
	msg := sprintf("nothing declares why %s gets privileged %s", [who, what])
}

missing contains result if {
	params.ticket
	some reason in input.change.reasons
	reason.ticket == ""
	result := {"msg": sprintf("privileged %s for %s needs a ticket in grant %s", [what, who, reason.grant]), "file": reason.file, "line": reason.line}
}

missing contains result if {
	params.reason
	some reason in input.change.reasons
	reason.note == ""
	result := {"msg": sprintf("privileged %s for %s needs a reason in grant %s", [what, who, reason.grant]), "file": reason.file, "line": reason.line}
}

# What only comes back (drift) or begins (time) was approved with the change that declared it.
require_approval contains result if {
	gives
	params.approval
	input.change.class == "change"
	result := {
		"msg": sprintf("privileged %s for %s needs the approval of an owner", [what, who]),
		"approvers": [o | some o in input.change.owners; o != input.change.principal],
	}
}

who := input.change.principal if input.change.principal != ""

who := input.change.account if input.change.principal == ""

what := sprintf("%s/%s", [input.change.system, input.change.resource])
