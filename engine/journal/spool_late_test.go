package journal

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// TestSpoolLate: a run that couldn't publish comes late. Nothing of it is lost or changed but its
// place; what is known since isn't put back by it.
func TestSpoolLate(t *testing.T) {
	r, clock := &memRecord{}, day0
	one, two := newPlace(t, r, &clock), newPlace(t, r, &clock)

	// One is cut off from the record: leavers go all the same.
	one.client.refuse = errNetwork
	j := one.open()
	one.add(j, "late", Opened{Actor: "robin", Revision: "r1", Settings: "r1"})
	one.publish(j, Opening, errNetwork)
	begun, ended := unit(1, change1(access.Disable, "dora", ClassLeaver), change1(access.Disable, "emil", ClassLeaver), change1(access.Revoke, "finn", ClassDrift))
	one.add(j, "late", begun, ended, ClosedSystem{System: "office", Revision: "r1", Converged: true, Leavers: true}, Closed{})
	before := j.Memory()

	// Meanwhile another run applies what is newer, and enables emil.
	clock = day0.Add(24 * time.Hour)
	k := two.open()
	two.add(k, "other", Opened{Actor: "alice", Revision: "r2", Settings: "r2"})
	two.publish(k, Opening, nil)
	begun, ended = unit(1, change1(access.Enable, "emil", ClassChange))
	two.add(k, "other", begun, ended, ClosedSystem{System: "office", Revision: "r2", Converged: true, Leavers: true}, Closed{})
	two.publish(k, Closing, nil)

	// A plan in the first place sees both, and writes nothing.
	spool, err := one.store.spool.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	view, err := OpenReadOnly(t.Context(), one.store)
	if err != nil {
		t.Fatal(err)
	}
	check := func(m Memory) {
		t.Helper()
		if rev, _, _ := m.LastApplied("office"); rev != "r2" {
			t.Errorf("applied: %s", rev)
		}
		if rev, _, _ := m.LeaversUpTo("office"); rev != "r2" {
			t.Errorf("leavers: %s", rev)
		}
		if rev, _, _ := m.LastRevision(); rev != "r2" {
			t.Errorf("last: %s", rev)
		}
		if rev, _, _ := m.Settings(); rev != "r2" {
			t.Errorf("settings: %s", rev)
		}
		dora := access.Ref{System: "office", ID: access.Account("dora")}
		was, _ := before.DisabledSince(dora)
		if at, ok := m.DisabledSince(dora); !ok || !at.Equal(was) {
			t.Errorf("dora disabled since %v, want %v", at, was)
		}
		if _, ok := m.DisabledSince(access.Ref{System: "office", ID: access.Account("emil")}); ok {
			t.Error("emil was enabled since")
		}
		if n := len(m.Removals("office", day0)); n != 3 {
			t.Errorf("%d removals, want 3", n)
		}
		if n := len(m.Open()); n != 0 {
			t.Errorf("%d runs are open", n)
		}
		c := change1(access.Revoke, "finn", ClassDrift)
		if n := m.Corrected(c.Key(), day0); n != 1 {
			t.Errorf("corrected %d times", n)
		}
	}
	check(view.Memory())
	if again, _ := one.store.spool.Load(t.Context()); !bytes.Equal(spool, again) {
		t.Error("planning has changed the spool")
	}

	one.client.refuse = nil
	if sent := one.settle(nil); !sent.Late || sent.Entries != 6 {
		t.Errorf("%+v", sent)
	}
	if got := one.kinds(); got != "other opened, other begun, other ended, other closed-system, other closed, late, late opened, late begun, late ended, late closed-system, late closed" {
		t.Error(got)
	}
	check(two.open().Memory())
	if one.open().Head() != view.Head() {
		t.Error("what was shown and what was sent differ")
	}
	sameBut(t, spool, r.data)
}

// sameBut checks that every spooled line is on the record, but for its number and hashes.
func sameBut(t *testing.T, spool, record []byte) {
	t.Helper()
	strip := func(lines []byte) map[string]bool {
		out := map[string]bool{}
		for line := range bytes.Lines(lines) {
			e, err := decode(line[:len(line)-1])
			if err != nil {
				t.Fatal(err)
			}
			_, data, _ := strings.Cut(string(line), lineData)
			data, _, _ = strings.Cut(data, lineHash)
			out[fmt.Sprint(e.Time, e.Run, e.Kind(), data)] = true
		}
		return out
	}
	there := strip(record)
	for text := range strip(spool) {
		if !there[text] {
			t.Errorf("lost: %s", text)
		}
	}
}

// TestSpoolCutOff: a run goes on although somebody has closed it. From then on it can't publish;
// what it did before it noticed comes late, and counts.
func TestSpoolCutOff(t *testing.T) {
	r, clock := &memRecord{}, day0
	one, two := newPlace(t, r, &clock), newPlace(t, r, &clock)
	j := one.open()
	one.add(j, "a", Opened{Actor: "robin"})
	one.publish(j, Opening, nil)
	b1, e1 := unit(1, change1(access.Disable, "dora", ClassLeaver))
	one.add(j, "a", b1)
	one.publish(j, SystemClosed, nil)

	k := two.open()
	two.add(k, "a", Closed{By: "alice", Reason: "the runner is gone"})
	two.publish(k, Closing, nil)
	m := two.open().Memory()
	if len(m.Removals("office", day0)) != 1 || len(m.Open()) != 0 {
		t.Fatalf("what was begun must count: %v", m.Removals("office", day0))
	}
	if _, ok := m.DisabledSince(access.Ref{System: "office", ID: access.Account("dora")}); ok {
		t.Error("claimed without knowing")
	}

	b2, e2 := unit(2, change1(access.Disable, "emil", ClassLeaver))
	one.add(j, "a", e1, b2, e2)
	one.publish(j, SystemClosed, ErrMoved)
	one.add(j, "a", Closed{Outcome: "applied in part", Exit: 5})
	one.publish(j, Closing, ErrMoved)

	// While yet another run is open nothing is put in front of its next entries.
	k = two.open()
	two.add(k, "b", Opened{Actor: "alice"})
	two.publish(k, Opening, nil)
	one.settle(ErrHeld)
	if err := one.open().Append(t.Context(), Entry{Data: Note{Topic: "x"}}); !errors.Is(err, ErrMoved) {
		t.Errorf("appended to a spool that doesn't follow: %v", err)
	}
	two.add(k, "b", Closed{})
	two.publish(k, Closing, nil)
	if sent := one.settle(nil); !sent.Late {
		t.Errorf("%+v", sent)
	}
	m = two.open().Memory()
	for _, who := range []string{"dora", "emil"} {
		if _, ok := m.DisabledSince(access.Ref{System: "office", ID: access.Account(who)}); !ok {
			t.Errorf("it isn't known that %s was disabled", who)
		}
	}
	if n := len(m.Removals("office", day0)); n != 2 || len(m.Open()) != 0 {
		t.Errorf("%d removals, want 2; open %v", n, m.Open())
	}
}

// TestSpoolProperty: runs of several places, whose network comes and goes and who are cut off at
// any moment. No entry that was appended is ever lost, none is there twice, and the record is
// always sound.
func TestSpoolProperty(t *testing.T) {
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		r, clock := &memRecord{}, day0
		places := []*place{newPlace(t, r, &clock), newPlace(t, r, &clock), newPlace(t, r, &clock)}
		wrote := map[string]int{} // topics of notes
		note := 0
		for step := range 60 {
			p := places[rnd.IntN(len(places))]
			p.client.refuse, p.client.lost = nil, false
			flaky := func() {
				p.client.refuse, p.client.lost = nil, false
				if rnd.IntN(3) == 0 {
					p.client.refuse, p.client.lost = errNetwork, rnd.IntN(2) == 0
				}
			}
			flaky()
			_, err := p.store.Settle(t.Context(), Closing)
			if errors.Is(err, ErrHeld) {
				continue
			}
			j := p.open()
			for _, run := range j.Memory().Open() { // somebody closes what was cut off
				if err := j.Append(t.Context(), Entry{Run: run.Run, Data: Closed{By: "x", Reason: "y"}}); err != nil {
					t.Fatal(err)
				}
			}
			flaky()
			_ = j.Publish(t.Context(), Closing)
			run := fmt.Sprint("run", step)
			p.add(j, run, Opened{})
			flaky()
			if err := j.Publish(t.Context(), Opening); errors.Is(err, ErrHeld) || errors.Is(err, ErrMoved) {
				continue
			}
			for range rnd.IntN(4) {
				note++
				topic := fmt.Sprint("n", note)
				p.add(j, run, Note{Topic: topic})
				wrote[topic]++
				flaky()
				_ = j.Publish(t.Context(), SystemClosed)
			}
			if rnd.IntN(3) == 0 {
				continue // killed
			}
			p.add(j, run, Closed{})
			flaky()
			_ = j.Publish(t.Context(), Closing)
		}
		for _, p := range places {
			p.client.refuse, p.client.lost = nil, false
			if _, err := p.store.Settle(t.Context(), Closing); errors.Is(err, ErrHeld) {
				j := newPlace(t, r, &clock).open()
				for _, run := range j.Memory().Open() {
					p.add(j, run.Run, Closed{By: "x", Reason: "y"})
				}
				if err := j.Publish(t.Context(), Closing); err != nil {
					t.Fatal(err)
				}
				p.settle(nil)
			}
		}
		got := map[string]int{}
		for e, err := range ReadAll(t.Context(), places[0].store) {
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if n, ok := e.Data.(Note); ok {
				got[n.Topic]++
			}
		}
		if !maps.Equal(got, wrote) {
			t.Fatalf("seed %d: on the record %v, written %v", seed, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(wrote)))
		}
	}
}
