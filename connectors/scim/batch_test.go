package scim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// Where entity tags are enforced, a change behind Accord's back is a conflict and isn't
// overwritten.
func TestEntityTags(t *testing.T) {
	for _, noPatch := range []bool{false, true} {
		f := newFake(&fake{etag: true, noPatch: noPatch})
		people(t, f)
		c := f.open(t, "")
		once := true
		f.answer = writeOf(func() { // the group is changed right before the write arrives
			if once {
				once = false
				g := f.rows["Groups"]["g-sre"]
				g["members"] = append(g["members"].([]any), map[string]any{"value": "id-carol"})
				f.save("Groups", g)
			}
		})
		err := c.Apply(t.Context(), revoke("account/bob", "group/sre"))
		if !errors.Is(err, connectors.ErrConflict) {
			t.Errorf("no PATCH %v: %v", noPatch, err)
		}
		if got := holders(read(t, c), "group/sre"); len(got) != 3 {
			t.Errorf("no PATCH %v: members %v", noPatch, got)
		}
		must(t, c.Apply(t.Context(), revoke("account/bob", "group/sre")))
	}
}

// A batch is blamed precisely, nets out what cancels, and costs two calls.
func TestBatches(t *testing.T) {
	f := newFake(&fake{})
	people(t, f)
	c := f.open(t, "")
	b := c.(connectors.Batcher)
	read(t, c)
	f.asked, f.sent = nil, nil
	err := b.ApplyBatch(t.Context(), []access.Change{
		give("account/carol", "group/sre"), give("account/nobody", "group/sre"), revoke("account/noone", "group/sre"), give("account/no", "group/sre"),
	})
	var blamed *connectors.BatchError
	if !errors.As(err, &blamed) || !slices.Equal(slices.Sorted(maps.Keys(blamed.Failed)), []int{1, 3}) || !errors.Is(err, connectors.ErrConflict) || len(f.sent) > 0 {
		t.Errorf("error %v, sent %v", err, f.sent)
	}
	f.asked = nil
	must(t, b.ApplyBatch(t.Context(), []access.Change{
		give("account/carol", "group/sre"), revoke("account/alice", "group/sre"), revoke("account/bob", "group/sre"), give("account/bob", "group/sre"),
	}))
	if want := []string{"GET /Groups", "PATCH /Groups"}; !slices.Equal(f.asked, want) {
		t.Errorf("asked %v, want %v", f.asked, want)
	}
	if got := holders(read(t, c), "group/sre"); !slices.Equal(got, []string{"account/bob", "account/carol"}) {
		t.Errorf("members %v", got)
	}
	err = b.ApplyBatch(t.Context(), []access.Change{give("account/alice", "group/gone"), give("account/bob", "group/gone")})
	if !errors.As(err, &blamed) || len(blamed.Failed) != 2 {
		t.Errorf("a group that is gone: %v", err)
	}
	must(t, b.ApplyBatch(t.Context(), []access.Change{revoke("account/alice", "group/gone"), revoke("account/bob", "group/gone")}))
	for _, batch := range [][]access.Change{
		{give("account/alice", "group/sre"), give("account/alice", "group/dev")},
		{give("account/alice", "group/sre"), disable("account/alice", true)},
	} {
		if err := b.ApplyBatch(t.Context(), batch); !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("a batch of two targets: %v", err)
		}
	}
}

// A batch over several users that fails half-way is undone.
func TestBatchOfUsersIsUndone(t *testing.T) {
	tests := []struct {
		name        string
		first, last int // the writes that the service refuses
		kind        error
		want        []string // who is a developer afterwards
	}{
		{"works", 0, 0, nil, []string{"account/alice", "account/bob"}},
		{"the third is refused", 3, 3, connectors.ErrDenied, []string{"account/carol"}},
		{"all from the third on are refused", 3, 9, connectors.ErrOutcomeUnknown, []string{"account/alice", "account/bob", "account/carol"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(&fake{})
			people(t, f)
			f.rows["Users"]["id-carol"]["roles"] = []any{map[string]any{"value": "developer"}}
			n := 0
			f.answer = refuseWrites(func() bool { n++; return n >= tt.first && n <= tt.last })
			c := f.open(t, "")
			err := c.(connectors.Batcher).ApplyBatch(t.Context(), []access.Change{
				give("account/alice", "role/developer"), give("account/bob", "role/developer"), revoke("account/carol", "role/developer"),
			})
			if !errors.Is(err, tt.kind) {
				t.Errorf("error %v, want %v", err, tt.kind)
			}
			if got := holders(read(t, c), "role/developer"); !slices.Equal(got, tt.want) {
				t.Errorf("developers %v, want %v", got, tt.want)
			}
		})
	}
	f := newFake(&fake{})
	people(t, f)
	err := f.open(t, "").(connectors.Batcher).ApplyBatch(t.Context(), []access.Change{give("account/alice", "role/developer"), give("account/nobody", "role/developer")})
	var blamed *connectors.BatchError
	if !errors.As(err, &blamed) || len(blamed.Failed) != 1 || blamed.Failed[1] == nil || len(f.sent) > 0 {
		t.Errorf("with somebody who isn't there: %v, sent %v", err, f.sent)
	}
}

// More members than fit into one request are refused whole, so that the engine splits them.
func TestTooManyMembers(t *testing.T) {
	f := newFake(&fake{page: 1000})
	fill(t, f, mostMembers+1)
	f.Put(t, servertest.ScimRows{Groups: []map[string]any{{"id": "g-2", "schemas": []any{schemaGroup}, "displayName": "some"}}})
	c := f.open(t, "")
	var all []access.Change
	for i := range mostMembers + 1 {
		all = append(all, give(fmt.Sprintf("account/user-%04d", i), "group/some"))
	}
	b := c.(connectors.Batcher)
	var blamed *connectors.BatchError
	if err := b.ApplyBatch(t.Context(), all); !errors.Is(err, errTooMany) || errors.As(err, &blamed) || len(f.sent) > 0 {
		t.Errorf("error %v, %d writes", err, len(f.sent))
	}
	must(t, b.ApplyBatch(t.Context(), all[:mostMembers]))
	must(t, b.ApplyBatch(t.Context(), all[mostMembers:]))
	if got := len(holders(read(t, c), "group/some")); got != len(all) || len(f.sent) != 2 {
		t.Errorf("%d members by %d writes", got, len(f.sent))
	}
}
