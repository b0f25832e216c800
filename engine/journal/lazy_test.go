package journal

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// oracle is what both can be asked.
type oracle interface {
	DisabledSince(access.Ref) (time.Time, bool)
	Disabled(string) []DisabledAccount
	CreatedByAccord(access.Ref) bool
	Removals(string, time.Time) []Removal
	Given(string, time.Time) []Given
	Corrected(string, time.Time) int
	Offboarded() []Offboarding
}

// chance makes random entries out of few names, so that they meet.
type chance struct{ *rand.Rand }

func pick1[T any](r chance, of ...T) T { return of[r.IntN(len(of))] }

var (
	chanceSystems = []string{"a", "a", "b", "c/d"}
	chanceNames   = []string{"x", "x", "x", "y", "y", "z", "x@acme.example", `q"u\o`, "ü\tb", ""}
	chanceKinds   = []string{"account", "account", "account", "team"}
	chanceActions = []access.Action{access.Create, access.Create, access.Update, access.Rename, access.Rename, access.Disable, access.Disable,
		access.Enable, access.Delete, access.Give, access.Revoke, access.ChangeLevel, "frobnicate"}
	chanceOutcomes = []Outcome{Done, Done, Done, Already, Failed, Unknown, Unknown, Refused, Skipped}
	chanceHeld     = []Held{Holds, NotHeld, Unconfirmed}
)

func (r chance) id() access.ID {
	return access.ID{Kind: pick1(r, chanceKinds...), Name: pick1(r, chanceNames...)}
}

func (r chance) value() *access.Value {
	if r.IntN(4) == 0 {
		return nil
	}
	v := &access.Value{Permission: pick1(r, "", "member", "admin"), Name: pick1(r, chanceNames...), Disabled: r.IntN(3) == 0}
	if r.IntN(3) == 0 {
		v.Attributes = map[string]string{"title": pick1(r, chanceNames...), "x": "y"}
		v.Standing = pick1(r, access.Held, access.Pending, access.Implied)
	}
	return v
}

func (r chance) change(system string) Change {
	c := Change{Person: pick1(r, "x", "xavier", "y", "", "zoë"), Class: pick1(r, ClassChange, ClassDrift, ClassLeaver, ClassTime, "odd"), Raises: r.IntN(3) == 0}
	c.Change = access.Change{System: system, Action: pick1(r, chanceActions...), Subject: r.id(), Before: r.value(), After: r.value()}
	if c.Action.OnGrant() {
		c.Target = access.ID{Kind: "team", Name: pick1(r, "payments", "admins", `"`)}
	}
	return c
}

// data is anything that may happen. What makes no sense at that place is among it.
func (r chance) data() Data {
	system, unit := pick1(r, chanceSystems...), 1+r.IntN(4)
	var changes []Change
	for range r.IntN(6) {
		changes = append(changes, r.change(system))
	}
	switch r.IntN(26) {
	case 0, 1:
		return Opened{Revision: "r", Actor: "robin", Offboard: pick1(r, "", "", "x", "y")}
	case 2, 3, 4, 5, 6, 7, 8, 9:
		return Begun{System: system, Unit: unit, Changes: changes}
	case 10, 11, 12, 13, 14, 15, 16, 17, 18:
		d := Ended{System: system, Unit: unit, All: pick1(r, chanceOutcomes...)}
		for _, c := range changes[:len(changes)/2] {
			d.Except = append(d.Except, Result{Key: c.Key(), Outcome: pick1(r, chanceOutcomes...)})
		}
		return d
	case 19, 20, 21, 22:
		d := ReadBack{System: system, Unit: pick1(r, 0, unit), All: pick1(r, chanceHeld...)}
		for _, c := range changes[:len(changes)/2] {
			d.Except = append(d.Except, Seen{Key: c.Key(), Held: pick1(r, chanceHeld...)})
		}
		return d
	case 23:
		return ClosedSystem{System: system, Revision: "r", Converged: true}
	case 24:
		return Settled{Person: pick1(r, "x", "y")}
	}
	return Closed{By: pick1(r, "", "alice")}
}

// compare asks a memory some questions, in any order, or all of them.
func compare(t *testing.T, r chance, m Memory, p *eager, all bool) {
	t.Helper()
	begin := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	var questions []func()
	ask := func(what string, of func(oracle) any) {
		questions = append(questions, func() {
			if got, want := of(m), of(p); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s", what, cmp.Diff(want, got))
			}
		})
	}
	since := pick1(r, time.Time{}, begin.Add(time.Duration(r.IntN(60))*time.Second))
	for _, system := range chanceSystems {
		ask("disabled "+system, func(o oracle) any { return o.Disabled(system) })
		ask("removals "+system, func(o oracle) any { return o.Removals(system, since) })
		ask("given "+system, func(o oracle) any { return o.Given(system, since) })
		for range 4 {
			ref := access.Ref{System: system, ID: r.id()}
			ask(fmt.Sprint("disabled ", ref), func(o oracle) any { at, ok := o.DisabledSince(ref); return fmt.Sprint(at, ok) })
			ask(fmt.Sprint("created ", ref), func(o oracle) any { return o.CreatedByAccord(ref) })
		}
	}
	ask("offboarded", func(o oracle) any { return o.Offboarded() })
	for i := range p.corrected {
		if i%3 == 0 {
			ask("corrected "+p.corrected[i].key, func(o oracle) any { return o.Corrected(p.corrected[i].key, since) })
		}
	}
	questions = append(questions, func() {
		got, want := openUnits(m), p.open()
		if reflect.DeepEqual(got, want) { // which is much faster, and knows no empty lists
			return
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(openUnit{}), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("open: %s", d)
		}
	})
	r.Shuffle(len(questions), func(i, k int) { questions[i], questions[k] = questions[k], questions[i] })
	if !all {
		questions = questions[:r.IntN(len(questions))]
	}
	for _, q := range questions {
		q()
	}
}

// eagerOf replays all that a store holds.
func eagerOf(t *testing.T, s Store) *eager {
	t.Helper()
	p := newEager()
	for _, e := range entries(t, s) {
		p.replay(e)
	}
	return p
}

// TestMemoryIsThatOfAnEagerReplay: whatever is appended, and whenever memory is asked, it answers
// as if each change had been taken in at once, and a memory that was handed out stays as it was.
func TestMemoryIsThatOfAnEagerReplay(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 20
	}
	appended := 0
	for seed := range seeds {
		r := chance{rand.New(rand.NewPCG(uint64(seed), 7))}
		s := &memStore{}
		j := mustOpen(t, s)
		type handed struct {
			m Memory
			p *eager
		}
		var before []handed
		for range 20 + r.IntN(100) {
			e := Entry{Run: pick1(r, "one", "two", "three", fmt.Sprint(r.IntN(20))), Data: r.data()}
			if j.Append(t.Context(), e) == nil { // what is refused is nowhere
				appended++
			}
			if r.IntN(6) > 0 {
				continue
			}
			before = append(before, handed{j.Memory(), eagerOf(t, s)})
			now := before[len(before)-1]
			compare(t, r, now.m, now.p, false)
			if r.IntN(4) == 0 { // the next run
				j = mustOpen(t, s)
			}
		}
		for _, h := range before {
			compare(t, r, h.m, h.p, true)
		}
		compare(t, r, mustOpen(t, s).Memory(), eagerOf(t, s), true)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
	if appended < seeds*10 {
		t.Errorf("only %d entries made sense", appended)
	}
}

// TestReplayIsEager is the same for what stands on a record already: with entries that come late,
// and such as no journal would have written.
func TestReplayIsEager(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		r := chance{rand.New(rand.NewPCG(uint64(seed), 11))}
		s := &memStore{}
		j := mustOpen(t, s)
		var end chain
		for range 20 + r.IntN(100) {
			d := r.data()
			if r.IntN(15) == 0 {
				d = Late{Entries: 1 + r.IntN(12)}
			}
			at := time.Date(2026, 11, 23, 10, 0, r.IntN(60), r.IntN(1e9), time.UTC)
			line, hash, err := encode(Entry{Seq: end.seq + 1, Time: at, Run: pick1(r, "one", "two"), Prev: end.head, Data: d})
			if err != nil {
				t.Fatal(err)
			}
			end.seq, end.head = end.seq+1, hash
			s.data = append(s.data, line...)
			if r.IntN(6) > 0 {
				continue
			}
			if err := j.take(t.Context(), whole(slices.Clone(s.data[j.chain.size:]))); err != nil {
				t.Fatal(err)
			}
			compare(t, r, j.Memory(), eagerOf(t, s), r.IntN(2) == 0)
		}
		compare(t, r, mustOpen(t, s).Memory(), eagerOf(t, s), true)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

// TestMemoryIsAskedAtOnce: many may ask one memory while the journal goes on.
func TestMemoryIsAskedAtOnce(t *testing.T) {
	r := chance{rand.New(rand.NewPCG(1, 2))}
	s := &memStore{}
	j := mustOpen(t, s)
	mustAppend(t, j, "r", Opened{})
	for unit := 1; unit <= 50; unit++ {
		var changes []Change
		for range 5 {
			changes = append(changes, r.change("a"))
		}
		mustAppend(t, j, "r", Begun{System: "a", Unit: unit, Changes: changes}, Ended{System: "a", Unit: unit, All: Done})
	}
	for _, run := range []string{"live", "read"} {
		if run == "read" {
			j = mustOpen(t, s)
		}
		m, p := j.Memory(), eagerOf(t, s)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() { compare(t, chance{rand.New(rand.NewPCG(3, uint64(i)))}, m, p, true) })
		}
		wg.Go(func() {
			mustAppend(t, j, run, Opened{})
			mustAppend(t, j, run, Begun{System: "a", Unit: 1, Changes: []Change{object("a", access.Disable, "x")}}, Ended{System: "a", Unit: 1, All: Done})
		})
		wg.Wait()
		if _, ok := j.Memory().DisabledSince(ref("a", "x")); !ok {
			t.Error("what was appended while memory was asked is lost")
		}
	}
}

// TestPackedIsWhatWasBegun: units of any size are the same when they are unpacked.
func TestPackedIsWhatWasBegun(t *testing.T) {
	for seed := range 30 {
		r := chance{rand.New(rand.NewPCG(uint64(seed), 5))}
		d := Begun{System: "a", Unit: 1}
		for range r.IntN(400) {
			c := r.change("a")
			if r.IntN(2) == 0 { // more names than there are slots
				c.Target = access.ID{Kind: "team", Name: fmt.Sprint("team ", r.IntN(300))}
				c.Subject.Name = fmt.Sprint("person-", r.IntN(300), bytes.Repeat([]byte("x"), r.IntN(300)))
				c.Person = pick1(r, c.Subject.Name, c.Subject.Name[:5], "other")
			}
			d.Changes = append(d.Changes, c)
		}
		text, err := appendBegun(nil, d)
		if err != nil {
			t.Fatal(err)
		}
		want, err := decodeBegun(string(text))
		if err != nil {
			t.Fatal(err)
		}
		samePacked(t, string(text), want.(Begun))
	}
}

// samePacked packs what a Begun is written as, which must be read as that.
func samePacked(t *testing.T, text string, want Begun) {
	t.Helper()
	var e Entry
	p := packer{out: []byte("left over")}
	if !p.begun(&e, []byte(text)) {
		t.Fatalf("%q isn't packed", text)
	}
	got := e.Data.(packed)
	whole := Begun{System: got.changes.system, Unit: got.unit, Changes: got.changes.all()}
	if !reflect.DeepEqual(want, whole) {
		t.Fatalf("%q: %s", text, cmp.Diff(want, whole))
	}
	listed := listed(want.System, want.Changes)
	listed.list, listed.packed, listed.whole = nil, got.changes.packed, nil
	if d := cmp.Diff(listed, got.changes, cmp.AllowUnexported(changes{}), cmpopts.IgnoreFields(changes{}, "unpack", "whole")); d != "" {
		t.Fatalf("%q at a glance: %s", text, d)
	}
}

// TestRemovalBehindManyNames: what was taken away is told right however much was given before.
func TestRemovalBehindManyNames(t *testing.T) {
	j := mustOpen(t, &memStore{})
	begun := Begun{System: "a", Unit: 1}
	for i := range 70_000 {
		c := Change{Change: access.Change{System: "a", Action: access.Give, Subject: access.Account(fmt.Sprint("p", i)), Target: access.ID{Kind: "team", Name: "t"},
			After: &access.Value{Permission: "member"}}, Person: fmt.Sprint("p", i), Class: ClassChange}
		begun.Changes = append(begun.Changes, c)
	}
	mustAppend(t, j, "r", Opened{}, begun, Ended{System: "a", Unit: 1, All: Done},
		Begun{System: "a", Unit: 2, Changes: []Change{revoke("a", "x")}}, Ended{System: "a", Unit: 2, All: Done})
	if got := j.Memory().Removals("a", time.Time{}); len(got) != 1 || got[0].Action != access.Revoke {
		t.Errorf("got %+v", got)
	}
}
