package resolve_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/resolve"
)

// turns writes what time brings: when, to whom, what, by which lines, and whom to ask.
func turns(w *resolve.World, until string) []string {
	var out []string
	for _, t := range w.Turns(at(until)) {
		var because []string
		for _, l := range t.Because {
			because = append(because, fmt.Sprintf("%d %s", l.Line, l.Text))
		}
		out = append(out, fmt.Sprintf("%s %s %s %s>%s: %s (%s)", t.At.Format("2006-01-02"), t.Person, t.Target, t.Before, t.After, strings.Join(because, "; "), strings.Join(t.Owners, " ")))
	}
	return out
}

// TestTurns: what ends, and by which line; what another reason carries on doesn't; levels fall and
// rise; what begins; what an instant excludes.
func TestTurns(t *testing.T) {
	w := sound(t, input(t, `people:
- {person: al, ends: 2026-07-31, manager: bo}
- {person: bo}
- {person: cy, status: leave}
- {person: di, starts: 2026-07-01}
---
group: g
owners: [bo]
members: [{person: al, until: 2026-06-20}, {person: bo, until: 2026-06-20}, cy, di]
---
role: r
owners: [di]
access: {sys: [role/x, {app/a: use}], old: [team/t]}
---
grant: one
to: [{group: g}]
roles: [r]
until: 2026-08-31
---
grant: two
to: [bo]
access: {sys: [role/x, {folder/f: read}]}
---
grant: three
to: [bo, al]
access: {sys: [{folder/f: admin}, {app/a: audit}]}
from: 2026-06-18
until: 2026-06-25
`))
	same(t, "for ten days", turns(w, "2026-06-26T00:00:00Z"),
		"2026-06-18 al app/a >audit: 31 grant three begins 2026-06-18 ()",
		"2026-06-18 bo app/a >audit: 31 grant three begins 2026-06-18 ()",
		"2026-06-18 al folder/f >admin: 31 grant three begins 2026-06-18 ()",
		"2026-06-18 bo folder/f read>admin: 31 grant three begins 2026-06-18 ()",
		"2026-06-21 al team/t member>: 13 al in group g ends 2026-06-20 (bo)",
		"2026-06-21 bo team/t member>: 13 bo in group g ends 2026-06-20 (bo)",
		"2026-06-21 al app/a use>: 13 al in group g ends 2026-06-20 (bo)",
		"2026-06-21 bo app/a use>: 13 bo in group g ends 2026-06-20 (bo)",
		"2026-06-21 al role/x member>: 13 al in group g ends 2026-06-20 (bo)",
		"2026-06-26 al app/a audit>: 32 grant three ends 2026-06-25 ()",
		"2026-06-26 bo app/a audit>: 32 grant three ends 2026-06-25 ()",
		"2026-06-26 al folder/f admin>: 32 grant three ends 2026-06-25 ()",
		"2026-06-26 bo folder/f admin>read: 32 grant three ends 2026-06-25 ()")
	// Dates are days in Berlin: the day before ends two hours earlier than in UTC.
	same(t, "to the second before", turns(w, "2026-06-17T21:59:59Z"))
	if got := turns(w, "2026-06-17T22:00:00Z"); len(got) != 4 {
		t.Errorf("to the second: %v", got)
	}
	// cy is on leave: where accounts can be disabled the access goes on, elsewhere there is none.
	later := input(t, `people: [{person: cy, status: leave, ends: 2026-06-30}]
---
grant: one
to: [cy]
access: {sys: [role/x], old: [team/t]}
`)
	same(t, "on leave", turns(sound(t, later), "2026-12-31T00:00:00Z"), "2026-07-01 cy role/x member>: 5 cy's last day is 2026-06-30 ()")
}

func ways(in []resolve.Membership) []string {
	var out []string
	for _, m := range in {
		text := m.Of + " " + m.Person
		if !m.Until.IsZero() {
			text += " until " + m.Until.UTC().Format("2006-01-02")
		}
		for _, l := range m.Chain {
			text += fmt.Sprintf(", %d", l.Line)
		}
		out = append(out, text)
	}
	return out
}

// TestWays: the lines that bring somebody into a group, and to a role.
func TestWays(t *testing.T) {
	w := sound(t, input(t, `people:
- {person: al, attributes: {title: boss}, ends: 2026-07-31}
- {person: bo, manager: al}
- {person: cy}
---
group: inner
members: [{match: {title: boss}}, {person: cy, until: 2026-01-31}]
---
group: outer
members: [{group: inner}, {reports: al}]
---
role: base
access: {sys: [role/x]}
---
role: top
includes: [base]
access: {sys: [{app/a: use}]}
---
grant: g
to: [{group: outer}]
roles: [top]
until: 2026-12-31
---
grant: over
to: [bo]
roles: [base]
until: 2026-01-31
`))
	same(t, "members", ways(w.Memberships("outer", "")), "outer al, 14, 11, 6", "outer bo, 14, 7")
	same(t, "groups of al", ways(w.Memberships("", "al")), "inner al, 11, 6", "outer al, 14, 11, 6")
	same(t, "base", ways(w.RoleWays("base", "")), "base al until 2026-07-31, 24, 20, 14, 11, 6", "base bo until 2026-12-31, 24, 20, 14, 7")
	same(t, "roles of bo", ways(w.RoleWays("", "bo")), "base bo until 2026-12-31, 24, 20, 14, 7", "top bo until 2026-12-31, 24, 14, 7")
	var gives []string
	for _, a := range w.RoleGives("top") {
		gives = append(gives, fmt.Sprintf("%s %s %s %v %d", a.System, a.Target, a.Permission, a.Through, a.Link.Line))
	}
	same(t, "gives", gives, "sys app/a use [] 21", "sys role/x member [base] 17")
	if w.RoleGives("none") != nil || len(w.Memberships("none", "")) > 0 || len(w.RoleWays("none", "")) > 0 {
		t.Error("nothing has members, holders or access")
	}
	var targets []string
	for _, id := range w.System("sys").Targets() {
		targets = append(targets, id.String())
	}
	same(t, "targets", targets, "app/a", "role/x")
	d := w.System("sys")
	if !d.Names(id("role/x")) || d.Names(id("role/y")) {
		t.Error("role/x is named, and role/y isn't")
	}
	same(t, "given", d.Given(id("app/a")), "use")
	var offers []string
	for _, l := range w.Offers("sys", id("role/x"), "") {
		offers = append(offers, fmt.Sprintf("%d %s", l.Line, l.Text))
	}
	same(t, "offers", offers, "17 role base gives role/x: member")
	if w.Offers("none", access.ID{}, "") != nil {
		t.Error("offers of no system")
	}
}

// BenchmarkTurns: 50,000 grants of which a fiftieth ends.
func BenchmarkTurns(b *testing.B) {
	in := company(b, 5000)
	for _, g := range in.Repo.Grants()[:1] {
		g.Until.Instant = at("2026-07-01T00:00:00Z")
	}
	w := sound(b, in)
	for b.Loop() {
		if n := len(w.Turns(at("2026-08-01T00:00:00Z"))); n == 0 {
			b.Fatal("nothing ends")
		}
	}
}
