package resolve_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/resolve"
)

const staff = `
people:
- {person: alice, attributes: {department: engineering, title: [SRE, Lead]}}
- {person: bob, manager: alice, attributes: {department: engineering, title: Staff SRE}}
- {person: carol, manager: bob, attributes: {department: finance, title: Controller}}
- {person: dave, manager: carol, status: left, attributes: {department: finance, title: SRE}}
- {person: erin, manager: erik, attributes: {department: people, title: SRE}}
- {person: erik, attributes: {department: people, title: "100%"}}
---
service: bot
owners: [alice]
attributes: {department: engineering, title: none}
---
`

// TestSets: who belongs to a set expression.
func TestSets(t *testing.T) {
	tests := []struct{ name, docs, want string }{
		{"names", "to: [carol, alice]", "alice carol"},
		{"nobody", "to: [{group: empty}]", ""},
		{"an attribute", "to: [{match: {department: engineering}}]", "alice bob bot"},
		{"any of the values", "to: [{match: {department: [finance, people]}}]", "carol erik erin"},
		{"all of the keys", "to: [{match: {department: engineering, title: SRE}}]", "alice"},
		{"one element of a list", "to: [{match: {title: Lead}}]", "alice"},
		{"globs", `to: [{match: {title: ["*SRE", "C*"]}}]`, "alice bob carol erin"},
		{"a percent sign is itself", `to: [{match: {title: "100%"}}]`, "erik"},
		{"below somebody", "to: [{reports: alice}]", "bob carol"},
		{"below somebody who left", "to: [{reports: carol}]", ""},
		{"all", "to: [{all: [{match: {department: engineering}}, {reports: alice}]}]", "bob"},
		{"all of nothing", "to: [{all: [{group: empty}, alice]}]", ""},
		{"any", "to: [{any: [alice, {match: {department: finance}}]}]", "alice carol"},
		{"not", "to: [{not: {match: {department: engineering}}}]", "carol erik erin"},
		{"not not", "to: [{not: {not: alice}}]", "alice"},
		{"all and not", "to: [{all: [{match: {title: '*'}}, {not: {reports: alice}}]}]", "alice bot erik erin"},
		{"a group: members, only, except", "to: [{group: g}]", "alice"},
		{"except of a nested group stays with it", "to: [{group: h}]", "alice bob bot"},
		{"except counts more than members", "to: [{group: i}]", ""},
	}
	const groups = `
group: empty
---
group: g
members: [{match: {department: '*'}}]
only: [{match: {department: engineering}}]
except: [{reports: alice}, bot]
---
group: h
members: [{group: g}, bob, bot]
---
group: i
members: [alice, {group: g}]
except: [{group: h}]
---
`
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := sound(t, input(t, staff+groups+"grant: g\naccess: {sys: [role/x]}\n"+tt.docs+"\n"))
			var got []string
			for _, h := range holds(w.System("sys")) {
				name, _, _ := strings.Cut(h, " ")
				got = append(got, name)
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("%s\n got  %s\n want %s", tt.docs, s, tt.want)
			}
		})
	}
}

// TestManyWays: each way to an access is a reason, and the access is there once.
func TestManyWays(t *testing.T) {
	d := sound(t, input(t, staff+`
role: inner
access: {sys: [role/x, {folder/f: read}]}
---
role: outer
includes: [inner]
access: {sys: [{folder/f: admin}]}
---
group: g
members: [alice, {match: {title: Lead}}, {match: {title: SRE}}]
---
grant: one
to: [{group: g}]
roles: [outer]
---
grant: two
to: [alice]
access: {sys: [role/x, {folder/f: write}]}
`)).System("sys")
	same(t, "alice holds", slices.DeleteFunc(holds(d), func(s string) bool { return !strings.HasPrefix(s, "alice ") }),
		"alice admin folder/f", "alice member role/x")
	alice := account("alice")
	for _, tt := range []struct {
		target, permission string
		want               int
	}{{"role/x", "member", 4}, {"role/x", "", 4}, {"folder/f", "", 7}, {"folder/f", "write", 1}, {"folder/f", "read", 3}, {"folder/g", "", 0}, {"role/x", "admin", 0}} {
		if got := d.Reasons(alice, id(tt.target), tt.permission); len(got) != tt.want {
			t.Errorf("%s %s has %d reasons, want %d: %v", tt.target, tt.permission, len(got), tt.want, got)
		}
	}
	r := d.Reasons(alice, id("role/x"), "member")[0]
	var texts []string
	for _, l := range r.Chain {
		if l.File != "accord.yaml" || l.Line == 0 {
			t.Errorf("the link %q has no line", l.Text)
		}
		texts = append(texts, l.Text)
	}
	same(t, "chain", texts, "grant one gives role outer to group g", "role outer includes inner",
		"role inner gives role/x: member on sys", "g names alice")
	same(t, "roles", r.Roles, "outer", "inner")
}

// TestLadder: groups and roles that contain each other crosswise, thirty levels high, take no
// longer than others, and give what they give.
func TestLadder(t *testing.T) {
	var s strings.Builder
	s.WriteString("people: [{person: al}, {person: bo}]\n---\ngroup: g0\nmembers: [al, {person: bo, until: 2026-01-01}, {person: bo, from: 2027-01-01}]\n---\nrole: r0\naccess: {sys: [role/x]}\n")
	for i := range 30 {
		fmt.Fprintf(&s, "---\ngroup: h%d\nmembers: [{group: g%d}]\n---\ngroup: g%d\nmembers: [{group: g%d}, {group: h%d}]\n", i, i, i+1, i, i)
		fmt.Fprintf(&s, "---\nrole: s%d\nincludes: [r%d]\n---\nrole: r%d\nincludes: [r%d, s%d]\n", i, i, i+1, i, i)
	}
	s.WriteString("---\ngrant: g\nto: [{group: g30}]\nroles: [r30]\n")
	in := input(t, s.String())
	d := sound(t, in).System("sys")
	same(t, "now", holds(d), "al member role/x")
	if n := len(d.Reasons(account("al"), id("role/x"), "member")); n < 64 || n > 64*64 {
		t.Errorf("%d reasons", n)
	}
	in.At = at("2027-06-01T00:00:00Z")
	same(t, "later", holds(sound(t, in).System("sys")), "al member role/x", "bo member role/x")
}

// TestLevels: of levels the highest wish counts, also of a resource.
func TestLevels(t *testing.T) {
	d := sound(t, input(t, `
person: alice
---
grant: a
to: [alice]
access: {sys: [{folder/f: admin}, {app/a: use}]}
until: 2026-05-31
---
grant: b
to: [alice]
access: {sys: [{folder/F: read}, {app/a: audit}]}
---
grant: c
to: [alice]
access: {sys: [{folder/f: write}]}
---
system: sys
connector: full
resources:
  role/r: {access: [{folder/f: read}], member_of: [role/base]}
  role/Base: {}
  folder/f: {description: ignored where the kind has none}
  role/gone: {state: absent}
---
system: old
connector: plain
`)).System("sys")
	same(t, "state", state(d), "account/alice", "folder/f", "role/base", "role/r",
		"account/alice audit app/a", "account/alice write folder/f", "role/r read folder/f", "role/r member role/base")
	if l, ok := d.Absent()[id("role/gone")]; !ok || l.Line == 0 || len(d.Absent()) != 1 {
		t.Errorf("absent: %v", d.Absent())
	}
	if r := d.Reasons(id("role/r"), id("role/base"), "member"); len(r) != 1 || r[0].Chain[0].Line == 0 {
		t.Errorf("reasons of a resource: %v", r)
	}
}

// TestRefused: what can only be seen when everything is put together.
func TestRefused(t *testing.T) {
	system := func(body string) string {
		return "---\nsystem: sys\nconnector: full\n" + body + "\n---\nsystem: old\nconnector: plain\n"
	}
	tests := []struct{ name, docs, want string }{
		{"an account given to two", "people: [{person: al}, {person: bo, accounts: {sys: AL}}]\n---\ngrant: g\nto: [al, bo]\naccess: {sys: [role/x]}\n", "bo and al (accord.yaml:5) both have the account al on sys"},
		{"a name that can't be made", "person: al\n---\ngrant: g\nto: [al]\naccess: {sys: [role/x]}\n" + system("accounts: {name: '{email.local}'}"), "no account name for al on sys: expanding {email.local} for al: there is no email"},
		{"a name that the system can't hold", "person: bad1\n---\ngrant: g\nto: [bad1]\naccess: {sys: [role/x]}\n", `no account name for bad1 on sys: "bad1" can't be a name here`},
		{"a target that the system can't hold", "person: al\n---\nrole: r\naccess: {sys: [role/bad]}\n", `role/bad on sys: "bad" can't be a name here`},
		{"twins among resources", "person: al\n" + system("resources: {role/X: {}, role/x: {}}"), "role/x is declared twice (line 9): to sys both names are one"},
		{"a twin declared absent", "person: al\n" + system("resources: {role/X: {state: absent}, role/x: {}}"), "role/x is declared twice (line 9): to sys both names are one"},
		{"a wish on what is absent", "person: al\n---\ngrant: g\nto: [al]\naccess: {sys: [role/X]}\n" + system("resources: {role/x: {state: absent}}"), "role/X on sys is declared absent"},
		{"exclusive roles", exclusive("roles: [a]", "roles: [b]"), "al would hold a and b at the same time"},
		{"exclusive roles, included", exclusive("roles: [a]", "roles: [c]"), "al would hold a and b at the same time"},
		{"exclusive roles, later", exclusive("roles: [a]\nfrom: 2027-01-01", "roles: [b]"), "al would hold a and b at the same time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			same(t, "problems", problems(resolve.Input{Repo: parse(t, tt.docs), At: noon, Connectors: connectors()}), tt.want)
		})
	}
	for name, docs := range map[string]string{
		"one role ended":            exclusive("roles: [a]\nuntil: 2026-05-31", "roles: [b]"),
		"one after the other":       exclusive("roles: [a]\nuntil: 2026-07-31", "roles: [b]\nfrom: 2026-08-01"),
		"a leaver holds nothing":    strings.Replace(exclusive("roles: [a]", "roles: [b]"), "person: al", "person: al\nstatus: left", 1),
		"twins without any rights":  "people: [{person: al}, {person: bo, accounts: {sys: AL}}]\n",
		"a name that nobody needs":  "person: bad1\n",
		"the same resource written": "person: al\n---\ngrant: g\nto: [al]\naccess: {sys: [role/X]}\n---\ngrant: h\nto: [al]\naccess: {sys: [role/x]}\n",
	} {
		t.Run(name, func(t *testing.T) { same(t, "problems", problems(input(t, docs))) })
	}
}

func exclusive(one, other string) string {
	return "person: al\n---\nrole: a\naccess: {sys: [role/a]}\nexclusive: [b]\n---\nrole: b\naccess: {sys: [role/b]}\n---\nrole: c\nincludes: [b]\n---\n" +
		"grant: one\nto: [al]\n" + one + "\n---\ngrant: other\nto: [al]\n" + other + "\n"
}
