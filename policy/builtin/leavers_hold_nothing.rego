# METADATA
# title: Leavers hold nothing
# description: Let the plan take it away, or declare the person active again.
# custom:
#   severity: high
package accord.builtin.leavers_hold_nothing

deny contains msg if {
	input.principal.status == "left"
	count(input.holdings) > 0
	held := sort({h.key | some h in input.holdings})
	msg := sprintf("%s left and would still hold %s", [input.principal.id, concat(", ", held)])
}
