# METADATA
# title: Everybody's manager exists and is active
# description: Name an active manager in the person's document.
# custom:
#   severity: medium
package accord.builtin.manager_active

deny contains {"msg": msg, "change": added[0]} if {
	msg := wrong
	count(added) > 0
}

# What this plan doesn't give must not hold it back: it may even take something away.
warn contains wrong if count(added) == 0

added := sort({h.change | some h in input.holdings; h.added})

wrong := msg if {
	input.principal.type == "person"
	input.principal.status in {"active", "upcoming", "leave"}
	not input.principal.id in data.params.manager_active.except
	input.principal.manager_status != "active"
	msg := sprintf("%s %s", [input.principal.id, why])
}

why := "has no manager" if input.principal.manager == ""

why := sprintf("has a manager who doesn't exist, %s", [input.principal.manager]) if {
	input.principal.manager != ""
	input.principal.manager_status == ""
}

why := sprintf("has a manager who isn't active: %s (%s)", [input.principal.manager, input.principal.manager_status]) if {
	input.principal.manager != ""
	input.principal.manager_status != ""
}
