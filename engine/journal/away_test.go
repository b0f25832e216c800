package journal

import (
	"errors"
	"testing"
)

// TestSpoolGoesOn: while the record is away a run goes on by what was seen of it last, with what
// is spooled behind it; later all of it is sent, behind what others wrote meanwhile.
func TestSpoolGoesOn(t *testing.T) {
	r, clock := &memRecord{}, day0
	one, two := newPlace(t, r, &clock), newPlace(t, r, &clock)
	j := one.open()
	one.add(j, "a", Opened{Revision: "4f2a91c"}, ClosedSystem{System: "office", Revision: "4f2a91c", Converged: true}, Closed{})
	one.publish(j, Closing, nil)

	one.client.away = true
	if _, err := Open(t.Context(), one.store, nil); !errors.Is(err, ErrUnreachable) {
		t.Fatal(err)
	}
	for _, run := range []string{"b", "c"} { // the second goes on from what the first has spooled
		if _, err := one.store.Settle(t.Context()); run == "c" && !errors.Is(err, ErrUnreachable) {
			t.Fatal(err)
		}
		if err := one.store.GoOn(t.Context(), errNetwork); err != nil {
			t.Fatal(err)
		}
		j = one.open()
		if rev, _, ok := j.Memory().LastRevision(); !ok || rev != "4f2a91c" {
			t.Fatal("it doesn't know what was seen")
		}
		one.add(j, run, Opened{})
		one.publish(j, Urgent, errNetwork)
		one.add(j, run, Closed{})
		one.publish(j, Closing, ErrUnreachable)
		one.store.AsSeen(nil)
	}
	j2 := two.open()
	two.add(j2, "d", Opened{}, Closed{})
	two.publish(j2, Closing, nil)

	one.client.away = false
	if sent := one.settle(nil); !sent.Late || sent.Entries != 5 {
		t.Errorf("%+v", sent)
	}
	if got := one.kinds(); got != "a opened, a closed-system, a closed, d opened, d closed, late, b opened, b closed, c opened, c closed" {
		t.Error(got)
	}
}

// TestSpoolGoesOnBehindNewer: what is spooled may follow less than was seen here since.
func TestSpoolGoesOnBehindNewer(t *testing.T) {
	r, clock := &memRecord{}, day0
	one, two := newPlace(t, r, &clock), newPlace(t, r, &clock)
	one.client.away = true
	if err := one.store.GoOn(t.Context(), errNetwork); err != nil {
		t.Fatal(err)
	}
	j := one.open()
	one.add(j, "a", Opened{}, Closed{})
	j2 := two.open()
	two.add(j2, "b", Opened{}) // and it is still at work
	two.publish(j2, Opening, nil)
	one.client.away = false
	one.store.AsSeen(nil)
	one.open() // a look
	one.client.away = true
	if err := one.store.GoOn(t.Context(), errNetwork); err != nil {
		t.Fatal(err)
	}
	j = one.open()
	one.add(j, "c", Opened{}, Closed{})
	one.client.away = false
	one.settle(ErrHeld)
	two.add(j2, "b", Closed{})
	two.publish(j2, Closing, nil)
	one.store.AsSeen(nil)
	one.settle(nil)
	if got := one.kinds(); got != "b opened, b closed, late, a opened, a closed, c opened, c closed" {
		t.Error(got)
	}
}

// TestSettleWaits: what was spooled isn't sent past a run that is open, which it would cut off.
func TestSettleWaits(t *testing.T) {
	r, clock := &memRecord{}, day0
	one, two := newPlace(t, r, &clock), newPlace(t, r, &clock)
	j := one.open()
	one.add(j, "a", Opened{}, Closed{})
	j2 := two.open()
	two.add(j2, "b", Opened{})
	two.publish(j2, Opening, nil)
	one.settle(ErrHeld)
	two.add(j2, "b", Closed{})
	two.publish(j2, Closing, nil)
	if sent := one.settle(nil); !sent.Late {
		t.Error(sent)
	}
	if got := one.kinds(); got != "b opened, b closed, late, a opened, a closed" {
		t.Error(got)
	}
}
