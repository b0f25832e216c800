package postgres

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// TestAgreesWithEditor carries out random changes, sensible and stale ones, one by one and in
// batches, and holds every verdict and the outcome to access.Editor, which is what the actions
// mean.
func TestAgreesWithEditor(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	f := newFar(t)
	f.sql("create schema s; create table s.t(i serial); create schema empty; create role settled login; create role old; grant old to settled")
	c := f.open()
	for range 12 {
		ed := access.Edit(read(t, c), describe())
		var done, changes []access.Change
		for range 25 {
			changes = append(changes, randomChange(r))
		}
		for _, ch := range changes {
			want := ed.Do(ch)
			if want == nil {
				done = append(done, ch)
			}
			if r.IntN(2) == 0 {
				flush(t, c, done)
				done = nil
				if want == nil {
					continue
				}
			}
			if want != nil {
				flush(t, c, done)
				done = nil
				if got := c.Apply(t.Context(), ch); !errors.Is(want, access.ErrStale) || !errors.Is(got, connectors.ErrConflict) {
					t.Errorf("%s: %v, want %v", ch, got, want)
				}
			}
		}
		flush(t, c, done)
		want, err := ed.State()
		if err != nil {
			t.Fatal(err)
		}
		if a, b := listing(want), listing(read(t, c)); !slices.Equal(a, b) {
			t.Fatalf("after %v:\ngot  %q\nwant %q", changes, b, a)
		}
	}
}

func flush(t *testing.T, c connectors.Connector, changes []access.Change) {
	t.Helper()
	if err := c.(connectors.Batcher).ApplyBatch(t.Context(), changes); err != nil {
		t.Fatalf("%v: %v", changes, err)
	}
}

// randomChange picks among few names, so that many changes meet.
func randomChange(r *rand.Rand) access.Change {
	account := "account/a" + strconv.Itoa(r.IntN(4))
	limit := func() string { return []string{"", "1", "2"}[r.IntN(3)] }
	levels := []string{"read", "write", "all"}
	switch r.IntN(12) {
	case 0, 1:
		return create(account, "connection_limit", []string{"1", "2"}[r.IntN(2)])
	case 2:
		return create("role/r" + strconv.Itoa(r.IntN(3)))
	case 3:
		return update(account, "connection_limit", limit(), limit())
	case 4:
		if r.IntN(2) == 0 {
			return disable(account)
		}
		return enable(account)
	case 5:
		return remove(account, r.IntN(2) == 0)
	case 6:
		return rename(account, "a"+strconv.Itoa(r.IntN(4)))
	}
	target := []string{"role/r0", "role/r1", "role/r2", "database/app", "schema/s", "tables/s", "tables/empty"}[r.IntN(7)]
	if target[:2] == "ro" {
		levels = []string{"member", "admin"}
	} else if target == "schema/s" {
		levels = []string{"read", "all"}
	}
	a, b := levels[r.IntN(len(levels))], levels[r.IntN(len(levels))]
	switch r.IntN(4) {
	case 0, 1:
		return give(account, target, a)
	case 2:
		return revoke(account, target, a)
	}
	return move(account, target, a, b)
}

// listing writes what matters of a state; what is implied follows from the rest.
func listing(s *access.State) []string {
	var out []string
	for o := range s.Objects() {
		out = append(out, fmt.Sprint(o.ID, o.Disabled, o.Reserved, len(o.Attributes), o.Attributes))
	}
	for _, g := range s.Grants() {
		if g.Standing != access.Implied {
			out = append(out, g.String())
		}
	}
	return out
}
