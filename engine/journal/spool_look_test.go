package journal

import (
	"testing"
)

// TestSpoolLook: what was only seen gives way to whoever was faster, and leaves nothing behind but
// what was there before.
func TestSpoolLook(t *testing.T) {
	r, clock := &memRecord{}, day0
	one, two := newPlace(t, r, &clock), newPlace(t, r, &clock)
	j := one.open()
	one.add(j, "", Note{Topic: "x"})
	one.client.refuse = errNetwork
	one.publish(j, Closing, errNetwork)
	one.client.refuse = nil

	j2 := two.open()
	two.add(j2, "a", Opened{Actor: "alice"})
	two.publish(j2, Opening, nil)
	one.add(j, "", Drift{Revision: "4f2a91c"}, Told{To: "chat"})
	one.publish(j, Looking, ErrHeld)
	two.add(j2, "a", Closed{})
	two.publish(j2, Closing, nil)
	one.settle(nil)
	if got := one.kinds(); got != "a opened, a closed, late, note" {
		t.Error(got)
	}

	j = one.open()
	one.add(j, "", Drift{Revision: "4f2a91c"})
	one.publish(j, Looking, nil)
	if got := one.kinds(); got != "a opened, a closed, late, note, drift" {
		t.Error(got)
	}
}
