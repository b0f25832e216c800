package accord

# METADATA
# title: Only finance writes the ledger
# description: Give read access instead, or let the person join finance first.
# custom:
#   severity: high
deny_ledger contains msg if {
	input.change.op in {"add", "update"}
	input.change.resource in data.ledger.resources
	input.change.permission != "read"
	not in_finance
	msg := sprintf("%s would get %s on %s and isn't in finance", [input.change.principal, input.change.permission, input.change.resource])
}

in_finance if {
	some department in input.subject.attributes.department
	department in data.ledger.departments
}
