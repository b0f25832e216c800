package scim

import (
	"fmt"
	"slices"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// What changes cost in calls: after a read, as a plan begins with one, and without.
func TestCalls(t *testing.T) {
	var batch, roles []access.Change
	for i := range 100 {
		batch = append(batch, give(fmt.Sprintf("account/user-%04d", i), "group/some"))
	}
	for i := range 3 {
		roles = append(roles, give(fmt.Sprintf("account/user-%04d", i), "role/owner"))
	}
	tests := []struct {
		name    string
		changes []access.Change
		after   int // calls after a read
		without int // calls of a connector that has read nothing, besides discovery
	}{
		{"create a user", []access.Change{create("account/new", map[string]string{"title": "SRE"})}, 1, 2 + 3}, // and all names, in pages of 50
		{"update a user", []access.Change{update("account/user-0001", "title", "", "SRE")}, 2, 2},
		{"disable a user", []access.Change{disable("account/user-0001", true)}, 2, 2},
		{"delete a user", []access.Change{change(access.Delete, "account/user-0001", "", nil, nil)}, 2, 2},
		{"rename a user", []access.Change{change(access.Rename, "account/user-0001", "", nil, &access.Value{Name: "other"})}, 3, 3 + 3},
		{"create a group", []access.Change{create("group/new", nil)}, 2, 2 + 1},
		{"give one a group", batch[:1], 2, 3},
		{"give a hundred a group", batch, 2, 2 + 3},
		{"revoke what isn't held", []access.Change{revoke("account/user-0149", "group/some")}, 2, 2},
		{"give one a role", roles[:1], 2, 2},
		{"give three a role", roles, 3 + 6, 3 + 6},
	}
	for _, tt := range tests {
		for _, first := range []bool{true, false} {
			f := newFake(&fake{page: 50})
			fill(t, f, 150)
			f.Put(t, servertest.ScimRows{Groups: []map[string]any{{"id": "g-2", "schemas": []any{schemaGroup}, "displayName": "some"}}})
			c := f.open(t, "")
			want := tt.without
			if first {
				read(t, c)
				want = tt.after
			} else {
				_, err := c.Read(t.Context(), connectors.Scope{IDs: []access.ID{}}) // only discovers
				must(t, err)
			}
			f.asked = nil
			must(t, c.(connectors.Batcher).ApplyBatch(t.Context(), tt.changes))
			if len(f.asked) != want {
				t.Errorf("%s, after a read %v: %d calls, want %d: %v", tt.name, first, len(f.asked), want, f.asked)
			}
		}
	}
}

// A scoped read asks for the named users by a filter each, and for all groups.
func TestCallsOfReads(t *testing.T) {
	tests := []struct {
		ids  []access.ID
		want []string
	}{
		{[]access.ID{}, nil},
		{[]access.ID{{Kind: kindRole, Name: "owner"}}, nil},
		{[]access.ID{access.Account("user-0001")}, []string{"GET /Users", "GET /Groups"}},
		{[]access.ID{access.Account("user-0001"), access.Account("user-0002")}, []string{"GET /Users", "GET /Users", "GET /Groups"}},
		{[]access.ID{{Kind: kindGroup, Name: "all"}}, []string{"GET /Groups"}},
		{nil, []string{"GET /Users", "GET /Users", "GET /Users", "GET /Groups"}},
	}
	for _, tt := range tests {
		f := newFake(&fake{page: 50})
		fill(t, f, 150)
		c := f.open(t, "")
		_, err := c.Read(t.Context(), connectors.Scope{IDs: []access.ID{}})
		must(t, err)
		f.asked = nil
		_, err = c.Read(t.Context(), connectors.Scope{IDs: tt.ids})
		must(t, err)
		if !slices.Equal(f.asked, tt.want) {
			t.Errorf("%v: asked %v, want %v", tt.ids, f.asked, tt.want)
		}
	}
}

// BenchmarkMembers gives a thousand users ten groups each, a hundred groups in all, a batch a
// group, and reads it back: as few calls as there are groups and pages.
func BenchmarkMembers(b *testing.B) {
	const users, groups, each = 1000, 100, 10
	for b.Loop() {
		b.StopTimer()
		f := newFake(&fake{page: 200})
		fill(b, f, users)
		var rows servertest.ScimRows
		for i := range groups {
			rows.Groups = append(rows.Groups, map[string]any{"id": fmt.Sprintf("x-%d", i), "schemas": []any{schemaGroup}, "displayName": fmt.Sprintf("group-%d", i)})
		}
		f.Put(b, rows)
		batches := make([][]access.Change, groups)
		for i := range users * each {
			g := i % groups
			batches[g] = append(batches[g], give(fmt.Sprintf("account/user-%04d", i/each), fmt.Sprintf("group/group-%d", g)))
		}
		c := f.open(b, "")
		read(b, c)
		f.asked = nil
		b.StartTimer()
		for _, batch := range batches {
			must(b, c.(connectors.Batcher).ApplyBatch(b.Context(), batch))
		}
		writes := len(f.asked)
		_, n := read(b, c).Size()
		if n != users*each+users {
			b.Fatalf("%d grants were read back, want %d", n, users*each+users)
		}
		b.ReportMetric(float64(writes)/(users*each), "calls/change")
		b.ReportMetric(float64(len(f.asked)-writes), "calls/read")
	}
}
