package ldap

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// inSeries is a directory with some people and groups, and a series on a clock that stands still.
func inSeries(t *testing.T, people, groups int) (f *far, s connectors.Batcher, pass func(time.Duration)) {
	t.Helper()
	f = newFar(t)
	f.many(people)
	for i := range groups {
		f.group(fmt.Sprintf("g%d", i))
	}
	var mu sync.Mutex
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	c := f.open(func(cfg *connectors.Config) {
		cfg.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
	})
	read(t, c)
	f.proxy.counts()
	return f, c.Series(), func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
}

// everybody puts the first people into a group.
func everybody(n int, group string) []access.Change {
	var out []access.Change
	for i := range n {
		out = append(out, give(fmt.Sprintf("account/u%d", i), group))
	}
	return out
}

// An account that is put into several groups is looked up once, until that is too long ago.
func TestSeriesLooksOnce(t *testing.T) {
	f, s, pass := inSeries(t, 20, 4)
	for i, want := range []int{2, 1, 1, 2} { // the group, and the accounts
		if i == 3 {
			pass(connectors.Fresh)
		}
		if err := s.ApplyBatch(t.Context(), everybody(20, fmt.Sprintf("group/g%d", i))); err != nil {
			t.Fatal(err)
		}
		if got := f.proxy.counts(); got[opSearch] != want || got[opModify] != 1 {
			t.Errorf("batch %d took %v, want %d searches and a modify", i, got, want)
		}
		if got := f.values(fmt.Sprintf("cn=g%d,%s", i, groups), "member"); len(got) != 21 {
			t.Errorf("g%d has %d members", i, len(got))
		}
	}
}

// What a series never saw isn't taken for there, and neither is what it saw too long ago, nor
// what was gone when it looked.
func TestSeriesRefusesWhatIsGone(t *testing.T) {
	f, s, pass := inSeries(t, 3, 2)
	refused := func(what string, changes ...access.Change) {
		t.Helper()
		var be *connectors.BatchError
		err := s.ApplyBatch(t.Context(), changes)
		if !errors.As(err, &be) || !errors.Is(err, connectors.ErrConflict) || be.Failed[len(changes)-1] == nil || len(be.Failed) != 1 {
			t.Errorf("%s: %v, want a conflict of the last change", what, err)
		}
		if got := f.proxy.counts(); got[opModify] != 0 {
			t.Errorf("%s: something was written: %v", what, got)
		}
	}
	refused("never there", give("account/u0", "group/g0"), give("account/nobody", "group/g0"))
	refused("still not there", give("account/u0", "group/g0"), give("account/nobody", "group/g0"))
	f.person("nobody")
	if err := s.ApplyBatch(t.Context(), []access.Change{give("account/nobody", "group/g0")}); err != nil {
		t.Errorf("there now: %v", err)
	}
	f.proxy.counts()
	f.ldif("dn: " + f.dn("nobody") + "\nchangetype: delete\n")
	pass(connectors.Fresh)
	refused("gone for as long as may be remembered", give("account/u0", "group/g1"), give("account/nobody", "group/g1"))
	refused("and by itself", give("account/nobody", "group/g1"))
	f.ldif("dn: cn=g1," + groups + "\nchangetype: delete\n")
	refused("a group that went this moment", give("account/u0", "group/g1"))
}

// Where the server minds that a DN is gone, the series looks again.
func TestSeriesLooksAgainWhenRefused(t *testing.T) {
	f, s, _ := inSeries(t, 3, 2)
	const overlay = "dn: olcOverlay={0}memberof,olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcMemberOfDangling\nolcMemberOfDangling: "
	f.slapd.Config(t, overlay+"error\n")
	t.Cleanup(func() { f.slapd.Config(t, overlay+"ignore\n") })
	if err := s.ApplyBatch(t.Context(), everybody(3, "group/g0")); err != nil {
		t.Fatal(err)
	}
	f.ldif("dn: " + f.dn("u1") + "\nchangetype: modrdn\nnewrdn: cn=u1\ndeleteoldrdn: 0\n")
	if err := s.ApplyBatch(t.Context(), everybody(3, "group/g1")); err != nil {
		t.Fatal(err)
	}
	want := []string{"cn=nobody," + suffix, "cn=u1," + people, f.dn("u0"), f.dn("u2")}
	if got := f.values("cn=g1,"+groups, "member"); !slices.Equal(got, want) {
		t.Errorf("g1 has %v, want %v", got, want)
	}
}

// Within that time the account may be gone all the same. Then reading back doesn't find what was
// given to it, and shows what stands in the group instead.
func TestSeriesIsToldByReadingBack(t *testing.T) {
	f, s, _ := inSeries(t, 3, 2)
	if err := s.ApplyBatch(t.Context(), everybody(3, "group/g0")); err != nil {
		t.Fatal(err)
	}
	f.ldif("dn: " + f.dn("u1") + "\nchangetype: delete\n")
	if err := s.ApplyBatch(t.Context(), everybody(3, "group/g1")); err != nil {
		t.Fatal(err)
	}
	st := read(t, f.open())
	wantGrants(t, st, "account/u0", "member group/g0", "member group/g1")
	wantGrants(t, st, "account/u1")
	wantGrants(t, st, "entry/"+f.dn("u1"), "member group/g1")
}
