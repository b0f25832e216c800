# METADATA
# title: A privilege is given only so often a day
# description: Wait until tomorrow, or give it for longer at once.
# custom:
#   severity: medium
package accord.builtin.daily_limits

deny contains result if {
	some d in input.daily
	total := d.today + d.planned
	d.planned > 0
	some limit in data.params.daily_limits
	total > limit.per_day
	covers(limit.privilege, d.privilege)
	result := {
		"msg": sprintf("%s would get %s for the %d. time on %s; %d a day are allowed", [d.principal, d.privilege, total, input.plan.date, limit.per_day]),
		"person": d.principal,
		"change": d.change,
		"file": d.source.file,
		"line": d.source.line,
	}
}

# A privilege is written system/kind/name with an optional :permission.
covers(pattern, privilege) if glob.match(pattern, ["/"], privilege)

covers(pattern, privilege) if glob.match(sprintf("%s:*", [pattern]), ["/"], privilege)
