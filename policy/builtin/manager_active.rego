# METADATA
# title: Everybody's manager exists and is active
# description: Name an active manager in the person's document.
# custom:
#   severity: medium
package accord.builtin.manager_active

deny contains {"msg": wrong, "change": added[0]} if {
	input.principal.type == "person"
	input.principal.status in {"active", "upcoming", "leave"}
	input.principal.manager_status != "active"
	count(added) > 0
}

# What this plan doesn't give must not hold it back: it may even take something away.
warn contains wrong if {
	input.principal.type == "person"
	input.principal.status in {"active", "upcoming", "leave"}
	input.principal.manager_status != "active"
	count(added) == 0
}

added := sort({h.change | some h in input.holdings; h.added})

wrong := sprintf("%s %s", [input.principal.id, why]) if not input.principal.id in data.params.manager_active.except

why := "has no manager" if input.principal.manager == ""

why := sprintf("has a manager who doesn't exist, %s", [input.principal.manager]) if {
	input.principal.manager != ""
	input.principal.manager_status == ""
}

why := sprintf("has a manager who isn't active: %s (%s)", [input.principal.manager, input.principal.manager_status]) if {
	input.principal.manager != ""
	input.principal.manager_status != ""
}
