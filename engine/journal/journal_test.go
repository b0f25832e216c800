package journal

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is one entry of each kind, with everything set and odd characters everywhere.
func sample() []Entry {
	odd := "a\"b\\c\nd\te\x00f\x7fg\u0085h\u2028i\u2029jäöü☃\U0001F600</script>&"
	change := Change{
		Change: access.Change{
			System: "ware house", Action: access.Update,
			Subject: access.Account(odd), Target: access.ID{Kind: "role", Name: "x/" + odd},
			Before: &access.Value{Permission: "member", Standing: access.Pending, Name: odd, Disabled: true, Attributes: map[string]string{odd: odd, "b": "", "a": "1"}},
			After:  &access.Value{},
		},
		Person: odd, Class: ClassLeaver, Raises: true,
	}
	plain := Change{Change: access.Change{System: "ware house", Action: access.Give, Subject: access.Account("bob"),
		Target: access.ID{Kind: "role", Name: "reader"}, After: &access.Value{Permission: "member", Standing: access.Implied}}, Class: ClassDrift}
	return []Entry{
		{Run: odd, Data: Opened{Revision: "4f2a91c", PlanDigest: "9c1f", ChangeDigest: "51d0", Actor: odd, Version: "1.2.3", Systems: []string{"ware house", odd}, Allow: []string{"mass-revoke:x"}, Worktree: true}},
		{Run: odd, Data: Begun{System: "ware house", Unit: 1, Changes: []Change{change, plain}}},
		{Run: odd, Data: Ended{System: "ware house", Unit: 1, All: Done, Except: []Result{{change.Key(), Failed, "403: " + odd}}}},
		{Run: odd, Data: Begun{System: "empty", Unit: 2}},
		{Run: odd, Data: Ended{System: "empty", Unit: 2, All: Done}},
		{Run: odd, Data: ReadBack{System: "ware house", Unit: 1, All: Holds, Except: []Seen{{change.Key(), NotHeld, odd}}}},
		{Run: odd, Data: ClosedSystem{System: "ware house", Identity: odd, Revision: "4f2a91c", Converged: true, Incomplete: true, Counts: Counts{1, 2, 3, 4, 5, 6, 7, 8}, Duration: 1234567}},
		{Run: odd, Data: Closed{Outcome: odd, Exit: 5}},
		{Data: Note{Topic: "seen-disabled", System: "ware house", Ref: access.Ref{System: "ware house", ID: access.Account("bob")}, Text: odd}},
		{Data: Drift{Revision: "4f2a91c", Systems: []DriftSystem{{System: "ware house", Complete: true, Digest: "51d0", Open: map[string]int{"unknown": 1, odd: 2}, New: []string{odd}, Gone: []string{"b", "a"}}, {System: odd}}}},
		{Data: Told{To: odd, Upto: 3, Reminder: true}},
	}
}

func TestRoundTrip(t *testing.T) {
	s := &memStore{}
	j := mustOpen(t, s)
	for _, e := range sample() {
		if err := j.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for line := range bytes.Lines(s.data) {
		if bytes.ContainsFunc(bytes.TrimSuffix(line, []byte("\n")), func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' }) {
			t.Errorf("control characters in %q", line)
		}
	}
	prev := ""
	got := entries(t, s)
	if len(got) != len(sample()) {
		t.Fatalf("%d entries", len(got))
	}
	for i, want := range sample() {
		e := got[i]
		if d := cmp.Diff(want.Data, e.Data); d != "" || e.Run != want.Run || e.Kind() != want.Kind() {
			t.Errorf("%s: run %q: %s", want.Kind(), e.Run, d)
		}
		if e.Seq != uint64(i+1) || e.Prev != prev || len(e.Hash) != 64 || e.Time.IsZero() {
			t.Errorf("entry %d: %d %s %s %s", i+1, e.Seq, e.Prev, e.Hash, e.Time)
		}
		prev = e.Hash
	}
	if j.Head() != prev {
		t.Errorf("head is %s, want %s", j.Head(), prev)
	}
	again := mustOpen(t, s)
	if again.Head() != prev || again.Torn() != 0 {
		t.Errorf("after opening again: %s, %d torn", again.Head(), again.Torn())
	}
}

// TestFormat pins the bytes on disk: journals outlive versions.
func TestFormat(t *testing.T) {
	s := &memStore{}
	j := mustOpen(t, s)
	change := Change{Change: access.Change{System: "github", Action: access.Revoke, Subject: access.Account("mallory"),
		Target: access.ID{Kind: "team", Name: "payments"}, Before: &access.Value{Permission: "member"}}, Person: "mallory", Class: ClassDrift}
	mustAppend(t, j, "r1",
		Opened{Revision: "4f2a91c", PlanDigest: "9c1f07aa", Actor: "bob", Version: "1", Systems: []string{"github"}},
		Begun{System: "github", Unit: 1, Changes: []Change{change}},
		Ended{System: "github", Unit: 1, All: Done})
	golden := filepath.Join("testdata", "format.jsonl")
	if *update {
		if err := os.WriteFile(golden, s.data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(s.data)); d != "" {
		t.Error(d)
	}
}

func TestAppendRefusesNonsense(t *testing.T) {
	j := mustOpen(t, &memStore{})
	mustAppend(t, j, "r1", Opened{Actor: "bob"}, Begun{System: "a", Unit: 1}, Begun{System: "a", Unit: 2, Changes: []Change{revoke("a", "x")}}, Ended{System: "a", Unit: 1, All: Done})
	mustAppend(t, j, "r2", Opened{}, Closed{})
	head := j.Head()
	for _, c := range []struct {
		run  string
		data Data
		want string
	}{
		{"", Opened{}, "needs an id"},
		{"r1", Opened{}, "there is a run r1 already"},
		{"r2", Opened{}, "there is a run r2 already"},
		{"r2", Begun{System: "a", Unit: 1}, `run "r2" isn't open`},
		{"r3", Closed{}, `run "r3" isn't open`},
		{"", ClosedSystem{}, `run "" isn't open`},
		{"r1", Begun{System: "a", Unit: 1}, "unit 1 of a was begun already"},
		{"r1", Begun{System: "a", Unit: 0}, "numbered from 1"},
		{"r1", Begun{System: "b", Unit: 1, Changes: []Change{{Change: access.Change{System: "a", Action: access.Create, Subject: access.Account("x")}}}}, "create a/account/x isn't a change of b"},
		{"r1", Ended{System: "a", Unit: 1}, "unit 1 of a has ended already"},
		{"r1", Ended{System: "b", Unit: 1}, "unit 1 of b was never begun"},
		{"r1", ReadBack{System: "a", Unit: 3, All: Holds}, "unit 3 of a was never begun"},
		{"r1", Ended{System: "a", Unit: 2}, `"" is no outcome`},
		{"r1", Ended{System: "a", Unit: 2, All: "well"}, `"well" is no outcome`},
		{"r1", Ended{System: "a", Unit: 2, All: Done, Except: []Result{{Key: revoke("a", "x").Key(), Outcome: "odd"}}}, `"odd" is no outcome`},
		{"r1", Ended{System: "a", Unit: 2, All: Done, Except: []Result{{Key: revoke("a", "y").Key(), Outcome: Failed}}}, `unit 2 of a has no change "revoke a/account/y team/payments member"`},
		{"r1", ReadBack{System: "a", Unit: 2}, `"" can't be seen`},
		{"r1", ReadBack{System: "a", All: Holds, Except: []Seen{{"k", "maybe", ""}}}, `"maybe" can't be seen`},
		{"r3", ReadBack{System: "a", All: Holds}, `run "r3" isn't open`},
		{"", Told{To: "ops", Upto: 7}, "entry 7, up to which somebody was told, isn't there"},
		{"r1", Recovered{}, "only the journal itself"},
		{"r1", nil, "without data"},
		{"r1", &Closed{}, "*journal.Closed is no entry"},
	} {
		err := j.Append(t.Context(), Entry{Run: c.run, Data: c.data})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %T: got %v, want %q", c.run, c.data, err, c.want)
		}
	}
	if j.Head() != head {
		t.Error("a refused entry was recorded")
	}
}

func TestReadOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".accord")
	j, err := OpenReadOnly(t.Context(), Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), Entry{Data: Note{Topic: "x"}}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("got %v", err)
	}
	if _, err := Open(t.Context(), Dir(dir), clock()); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(t.Context(), Dir(dir), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading has made the folder: %v", err)
	}
}

func TestMemoryIsASnapshot(t *testing.T) {
	j := mustOpen(t, &memStore{})
	closed := func(rev string) ClosedSystem {
		return ClosedSystem{System: "a", Revision: rev, Converged: true}
	}
	mustAppend(t, j, "r", Opened{}, Begun{System: "a", Unit: 1, Changes: []Change{revoke("a", "x")}}, closed("1"))
	before := j.Memory()
	check := func() {
		t.Helper()
		if rev, _, _ := before.LastApplied("a"); rev != "1" || len(before.Open()) != 1 || len(before.Open()[0].Units) != 1 ||
			before.Open()[0].Units[0].Ended() || len(before.Removals("a", time.Time{})) != 1 {
			t.Errorf("the snapshot has changed: %s %v", rev, before.Open())
		}
	}
	check()
	mustAppend(t, j, "r", Ended{System: "a", Unit: 1, All: Done}, Begun{System: "a", Unit: 2, Changes: []Change{revoke("a", "y")}}, closed("2"))
	check()
	middle := j.Memory()
	mustAppend(t, j, "r", Ended{System: "a", Unit: 2, All: Done}, Closed{})
	check()
	if n := len(middle.Removals("a", time.Time{})); n != 2 {
		t.Errorf("%d removals in the second snapshot", n)
	}
	if rev, _, _ := j.Memory().LastApplied("a"); rev != "2" || len(j.Memory().Open()) != 0 {
		t.Errorf("the journal itself doesn't go on: %s", rev)
	}
}

func TestConcurrentAppend(t *testing.T) {
	for name, s := range map[string]Store{"memory": &memStore{}, "dir": Dir(filepath.Join(t.TempDir(), "j"))} {
		t.Run(name, func(t *testing.T) {
			j := mustOpen(t, s)
			mustAppend(t, j, "r", Opened{})
			var wg sync.WaitGroup
			for g := range 8 {
				wg.Go(func() {
					system := fmt.Sprint("s", g)
					for i := range 10 {
						mustAppend(t, j, "r", Begun{System: system, Unit: i + 1, Changes: []Change{revoke(system, fmt.Sprint(i))}})
						j.Memory().Removals(system, time.Time{})
						mustAppend(t, j, "r", Ended{System: system, Unit: i + 1, All: Done})
					}
				})
			}
			wg.Wait()
			r, err := Verify(t.Context(), s, j.Head())
			if err != nil || r.Entries != 161 || r.After != 0 {
				t.Errorf("%+v, %v", r, err)
			}
			for g := range 8 {
				if n := len(j.Memory().Removals(fmt.Sprint("s", g), time.Time{})); n != 10 {
					t.Errorf("s%d: %d removals", g, n)
				}
			}
		})
	}
}

// TestTwoProcesses: runs on different systems share one journal.
func TestTwoProcesses(t *testing.T) {
	s := Dir(filepath.Join(t.TempDir(), "j"))
	a, b := mustOpen(t, s), mustOpen(t, s)
	mustAppend(t, a, "a", Opened{})
	mustAppend(t, b, "b", Opened{})
	var wg sync.WaitGroup
	for name, j := range map[string]*Journal{"a": a, "b": b} {
		wg.Go(func() {
			for i := range 20 {
				mustAppend(t, j, name, Begun{System: name, Unit: i + 1})
			}
		})
	}
	wg.Wait()
	mustAppend(t, a, "a", Closed{})
	if err := b.Append(t.Context(), Entry{Run: "a", Data: Opened{}}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("b doesn't know the run that a recorded: %v", err)
	}
	if r, err := Verify(t.Context(), s, ""); err != nil || r.Entries != 43 {
		t.Errorf("%+v, %v", r, err)
	}
	if open := b.Memory().Open(); len(open) != 1 || open[0].Run != "b" || len(open[0].Units) != 20 {
		t.Errorf("open: %v", open)
	}
}

func TestFailingStore(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes int
		kinds []Kind // what the journal holds in the end
	}{
		{"nothing was written", 0, []Kind{KindOpened, KindNote}},
		{"half a line was written", 40, []Kind{KindOpened, KindRecovered, KindNote}},
		{"all but the newline was written", -2, []Kind{KindOpened, KindRecovered, KindNote}},
		{"all was written, and the sync failed", -1, []Kind{KindOpened, KindBegun, KindNote}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &memStore{failures: []failure{{}, {errFull, c.bytes}}}
			if c.bytes == -2 {
				s.failures[1].bytes = len(lineOf(t, 1)) - 1
			}
			j := mustOpen(t, s)
			mustAppend(t, j, "r", Opened{})
			err := j.Append(t.Context(), Entry{Run: "r", Data: Begun{System: "a", Unit: 1}})
			if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "begun") {
				t.Fatalf("got %v", err)
			}
			mustAppend(t, j, "r", Note{Topic: "later"})
			var kinds []Kind
			for _, e := range entries(t, s) {
				kinds = append(kinds, e.Kind())
			}
			if !slices.Equal(kinds, c.kinds) {
				t.Errorf("got %v, want %v", kinds, c.kinds)
			}
			if r, err := Verify(t.Context(), s, j.Head()); err != nil || r.After != 0 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// lineOf is the n-th line, from 0, of the journal that TestFailingStore writes.
func lineOf(t *testing.T, n int) []byte {
	s := &memStore{}
	j := mustOpen(t, s)
	mustAppend(t, j, "r", Opened{}, Begun{System: "a", Unit: 1})
	return bytes.SplitAfter(s.data, []byte("\n"))[n]
}

func TestCancelledAppend(t *testing.T) {
	s := &memStore{}
	j := mustOpen(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Append(ctx, Entry{Run: "r", Data: Opened{}}); !errors.Is(err, context.Canceled) || len(s.data) > 0 {
		t.Errorf("got %v and %d bytes", err, len(s.data))
	}
}
