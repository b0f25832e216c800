package resolve_test

import (
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// TestWindows: a day is the whole day in the repository's zone, an instant is exact, ends are
// not part of the window, and what holds is where all windows on the way overlap.
func TestWindows(t *testing.T) {
	const group = "group: g\nmembers: [{person: alice, from: 2026-03-28, until: 2026-03-29}]\n---\n"
	tests := []struct {
		name, docs string
		on, off    []string
	}{
		{
			"a day ends at local midnight, summer", "grant: g\nto: [alice]\naccess: {sys: [role/x]}\nuntil: 2026-07-31\n",
			[]string{"2026-07-31T21:59:59Z", "1970-01-01T00:00:00Z"}, []string{"2026-07-31T22:00:00Z"},
		},
		{
			"a day ends at local midnight, winter", "grant: g\nto: [alice]\naccess: {sys: [role/x]}\nfrom: 2026-12-01\nuntil: 2026-12-31\n",
			[]string{"2026-11-30T23:00:00Z", "2026-12-31T22:59:59Z"}, []string{"2026-11-30T22:59:59Z", "2026-12-31T23:00:00Z"},
		},
		{
			"the day on which the clock goes forward", group + "grant: g\nto: [{group: g}]\naccess: {sys: [role/x]}\n",
			[]string{"2026-03-27T23:00:00Z", "2026-03-29T00:59:59Z", "2026-03-29T21:59:59Z"}, []string{"2026-03-27T22:59:59Z", "2026-03-29T22:00:00Z"},
		},
		{
			"an instant", "grant: g\nto: [alice]\naccess: {sys: [role/x]}\nfrom: 2026-10-25T02:30:00+02:00\nuntil: 2026-10-25T02:30:00+01:00\n",
			[]string{"2026-10-25T00:30:00Z", "2026-10-25T01:29:59.999Z"}, []string{"2026-10-25T00:29:59.999Z", "2026-10-25T01:30:00Z"},
		},
		{
			"member and grant", group + "grant: g\nto: [{group: g}]\naccess: {sys: [role/x]}\nfrom: 2026-03-29\n",
			[]string{"2026-03-28T23:00:00Z"}, []string{"2026-03-28T22:59:59Z", "2026-03-29T22:00:00Z"},
		},
		{
			"nested groups", group + "group: h\nmembers: [{group: g, until: 2026-03-28}]\n---\ngrant: g\nto: [{group: h}]\naccess: {sys: [role/x]}\n",
			[]string{"2026-03-28T22:59:59Z"}, []string{"2026-03-28T23:00:00Z"},
		},
		{
			"all, at the same time", "grant: g\nto: [{all: [{person: alice, until: 2026-03-01}, {person: alice, from: 2026-03-01}]}]\naccess: {sys: [role/x]}\n",
			[]string{"2026-03-01T12:00:00Z"}, []string{"2026-02-28T12:00:00Z", "2026-03-02T12:00:00Z"},
		},
		{
			"all, never at the same time", "grant: g\nto: [{all: [{person: alice, until: 2026-03-01}, {person: alice, from: 2026-03-03}]}]\naccess: {sys: [role/x]}\n",
			nil, []string{"2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z", "2026-03-03T12:00:00Z"},
		},
		{
			"any, one after the other", "grant: g\nto: [{any: [{person: alice, until: 2026-03-01}, {person: alice, from: 2026-03-03}], until: 2026-03-03}]\naccess: {sys: [role/x]}\n",
			[]string{"2026-03-01T12:00:00Z", "2026-03-03T12:00:00Z"}, []string{"2026-03-02T12:00:00Z", "2026-03-04T12:00:00Z"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := input(t, "person: alice\n---\n"+tt.docs)
			for want, instants := range map[bool][]string{true: tt.on, false: tt.off} {
				for _, s := range instants {
					in.At = at(s)
					if got := len(holds(sound(t, in).System("sys"))) > 0; got != want {
						t.Errorf("at %s it holds: %v", s, got)
					}
				}
			}
		})
	}
}

// TestTimeOnlyTakes: apart from starts, the passing of time gives nobody anything, whatever
// windows there are. Each day is compared with the day before.
func TestTimeOnlyTakes(t *testing.T) {
	in := input(t, `
people:
- {person: alice, ends: 2026-06-20}
- {person: bob, manager: alice}
- {person: carol, status: leave, manager: bob}
---
group: g
members: [alice, {person: bob, until: 2026-06-18}, {any: [carol, {group: h, until: 2026-06-25}]}]
except: [{all: [carol, {not: bob}]}]
---
group: h
members: [{reports: alice}, {person: alice, until: 2026-06-16}]
---
grant: a
to: [{group: g}, {not: {person: bob}}]
access: {sys: [{folder/x: write}, role/r]}
until: 2026-06-28
---
grant: b
to: [{group: h}]
access: {sys: [{folder/x: read}]}
`)
	before := map[string]bool{}
	for day := range 40 {
		in.At = noon.AddDate(0, 0, day-5)
		now := map[string]bool{}
		for _, g := range sound(t, in).System("sys").State().Grants() {
			// A lower level follows from a higher one.
			now[g.String()] = true
			if g.Permission == "write" {
				now[strings.Replace(g.String(), " write ", " read ", 1)] = true
			}
		}
		for g := range now {
			if day > 0 && !before[g] {
				t.Errorf("on %s time gave %s", in.At.Format(time.DateOnly), g)
			}
		}
		before = now
	}
	if len(before) != 2 { // bob and carol, below alice
		t.Errorf("in the end there is %v", before)
	}
}

// TestReasonsEnd: a reason ends with the first end on its way, and those that ended come last.
func TestReasonsEnd(t *testing.T) {
	in := input(t, `
person: alice
ends: 2026-12-31
---
group: g
members: [{person: alice, until: 2026-08-31}]
---
grant: gone
to: [alice]
access: {sys: [role/x]}
until: 2026-01-31
---
grant: short
to: [{group: g}]
access: {sys: [role/x]}
until: 2026-10-31
---
grant: to-come
to: [alice]
access: {sys: [role/x]}
from: 2026-11-01
`)
	d := sound(t, in).System("sys")
	var got []string
	for _, r := range d.Reasons(access.Account("alice"), access.ID{Kind: "role", Name: "x"}, "member") {
		text := r.Grant
		if !r.Until.IsZero() {
			text += " until " + r.Until.Format(time.RFC3339)
		}
		if r.Active(in.At) {
			text += " now"
		}
		got = append(got, text)
	}
	same(t, "reasons", got, "short until 2026-09-01T00:00:00+02:00 now", "gone until 2026-02-01T00:00:00+01:00", "to-come until 2027-01-01T00:00:00+01:00")
}
