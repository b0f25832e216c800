package resolve_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/resolve"
)

// TestDenials: what stands between a person and an access, the nearest grant first.
func TestDenials(t *testing.T) {
	w := sound(t, input(t, staff+`
role: r
access: {sys: [role/x]}
owners: [erik]
---
group: g
members: [{match: {department: engineering}}, {person: carol, until: 2026-01-31}]
except: [bob]
owners: [alice]
---
grant: named
to: [erik]
access: {sys: [role/x]}
---
grant: ruled
to: [{group: g}]
roles: [r]
---
grant: over
to: [{reports: alice}]
access: {sys: [role/x]}
until: 2026-05-31
`))
	tests := []struct{ person, grant, fixes, owners string }{
		{"bob", "named", "add bob to the grant (accord.yaml)", ""},
		{"bob", "ruled", "take bob off accord.yaml:25", "alice"},
		{"bob", "over", "set a later until in accord.yaml:39", ""},
		{"carol", "ruled", "set a later until in accord.yaml:24", "alice"},
		{"erin", "ruled", "add erin to the members of g (accord.yaml)", "alice"},
		{"erin", "over", "set a later until in accord.yaml:39", ""},
		{"alice", "named", "add alice to the grant (accord.yaml)", ""},
		{"dave", "ruled", "add dave to the members of g (accord.yaml); change accord.yaml:10", "alice"},
	}
	for _, tt := range tests {
		ds := w.Denials(tt.person, "sys", id("role/x"), "member")
		i := slices.IndexFunc(ds, func(d resolve.Denial) bool { return strings.HasPrefix(d.Links[0].Text, "grant "+tt.grant+" would") })
		if i < 0 {
			t.Errorf("%s isn't told about %s: %v", tt.person, tt.grant, ds)
			continue
		}
		if got := strings.Join(ds[i].Fixes, "; "); got != tt.fixes || strings.Join(ds[i].Owners, " ") != tt.owners || len(ds[i].Links) < 2 {
			t.Errorf("%s, %s: %q by %v, links %v", tt.person, tt.grant, got, ds[i].Owners, ds[i].Links)
		}
	}
	if ds := w.Denials("alice", "sys", id("role/x"), ""); len(ds) != 2 { // by the two that don't give it
		t.Errorf("alice, who has it, is denied it %d times", len(ds))
	}
	if w.Denials("nobody", "sys", id("role/x"), "") != nil || w.Denials("bob", "none", id("role/x"), "") != nil {
		t.Error("denials of nothing")
	}
	same(t, "holdings", held(w, "alice"), "sys account/alice member role/x")
	if _, status, _, ok := w.Person("dave"); !ok || status != "left" {
		t.Errorf("dave is %q", status)
	}
}

func held(w *resolve.World, person string) []string {
	var out []string
	for _, h := range w.Holdings(person) {
		out = append(out, fmt.Sprintf("%s %s %s %s", h.System, h.Account, h.Permission, h.Target))
	}
	return out
}

// TestDeterminism: the same documents in another order give the same world.
func TestDeterminism(t *testing.T) {
	docs := strings.Split(strings.TrimSuffix(strings.TrimSpace(staff), "---")+"---\n"+`
role: r
access: {sys: [role/x, {folder/f: admin}], old: [team/t]}
---
group: g
members: [{match: {department: engineering}}, {person: carol, until: 2026-12-31}]
---
grant: one
to: [{group: g}]
roles: [r]
---
grant: two
to: [{not: {group: h}}]
access: {sys: [{folder/f: read}]}
---
group: h
members: [erin]
`, "\n---\n")
	print := func(docs []string) string {
		w := sound(t, input(t, strings.Join(docs, "\n---\n")))
		return fmt.Sprint(state(w.System("sys")), holders(w.System("sys")), state(w.System("old")), held(w, "alice"))
	}
	first := print(docs)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		r.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
		if again := print(docs); again != first {
			t.Fatalf("another order gives another world:\n%s\n%s", first, again)
		}
	}
}
