# METADATA
# title: Segregation of duties
# description: Take one of the two away, or record an exemption with an end.
# custom:
#   severity: high
package accord.builtin.segregation_of_duties

deny contains result if {
	some c in conflicts
	count(c.added) > 0
	result := {"msg": c.msg, "change": c.added[0], "left": c.left, "right": c.right, "because": c.because}
}

# What this plan doesn't bring about must not hold it back: it may even take something else away.
warn contains result if {
	some c in conflicts
	count(c.added) == 0
	result := {"msg": sprintf("%s (this plan doesn't bring it about)", [c.msg]), "left": c.left, "right": c.right, "because": c.because}
}

conflicts contains conflict if {
	some i in left
	i in right
	pair := data.params.segregation_of_duties.pairs[i]
	together := [[x, y] |
		some x in half(pair.between[0])
		some y in half(pair.between[1])
		x.name != y.name
	]
	count(together) > 0
	one := sort({two[0].text | some two in together})
	other := sort({two[1].text | some two in together})
	conflict := {
		"msg": sprintf("%s would hold %s beside %s%s", [input.principal.id, concat(", ", one), concat(", ", other), because(pair)]),
		"left": one,
		"right": other,
		"because": pair.because,
		"added": sort({h.change | some two in together; some h in two; h.added}),
	}
}

# left and right are the pairs of which the person may hold that side. There can be thousands of
# pairs: those without a pattern are looked up by the name, and only the few that are left are
# looked at closely. Both are spelled out, so that the judge needn't evaluate anything to see that
# somebody holds neither.
left contains i if {
	some g in input.holdings
	some i in data.params.segregation_of_duties.left.named[g.key]
}

left contains i if {
	some r in input.roles
	some i in data.params.segregation_of_duties.left.named[r.id]
}

left contains i if {
	data.params.segregation_of_duties.left.full != {}
	some g in input.holdings
	some i in data.params.segregation_of_duties.left.full[concat(":", [g.key, g.permission])]
}

left contains i if {
	some pattern, pairs in data.params.segregation_of_duties.left.patterns
	some name in names
	glob.match(pattern, ["/"], name)
	some i in pairs
}

right contains i if {
	some g in input.holdings
	some i in data.params.segregation_of_duties.right.named[g.key]
}

right contains i if {
	some r in input.roles
	some i in data.params.segregation_of_duties.right.named[r.id]
}

right contains i if {
	data.params.segregation_of_duties.right.full != {}
	some g in input.holdings
	some i in data.params.segregation_of_duties.right.full[concat(":", [g.key, g.permission])]
}

right contains i if {
	some pattern, pairs in data.params.segregation_of_duties.right.patterns
	some name in names
	glob.match(pattern, ["/"], name)
	some i in pairs
}

names contains r.id if some r in input.roles

names contains g.key if some g in input.holdings

names contains concat(":", [g.key, g.permission]) if some g in input.holdings

because(pair) := "" if pair.because == ""

because(pair) := sprintf(" (%s)", [pair.because]) if pair.because != ""

# half is what the person would hold of one side: a role by its id, or system/kind/name with an
# optional :permission; * stands for any text between slashes.
half(side) := {h |
	not contains(side, "/")
	some r in input.roles
	glob.match(side, ["/"], r.id)
	h := {"name": r.id, "text": sprintf("role %s", [r.id]), "added": r.added, "change": r.change}
} | {h |
	contains(side, "/")
	some g in input.holdings
	full := sprintf("%s:%s", [g.key, g.permission])
	matches(side, g.key, full)
	h := {"name": full, "text": sprintf("%s%s", [full, through(g.via)]), "added": g.added, "change": g.change}
}

matches(side, key, _) if side == key

matches(side, _, full) if side == full

matches(side, key, _) if {
	contains(side, "*")
	glob.match(side, ["/"], key)
}

matches(side, _, full) if {
	contains(side, "*")
	glob.match(side, ["/"], full)
}

through([]) := ""

through(via) := sprintf(" through %s", [concat(", ", via)]) if count(via) > 0
