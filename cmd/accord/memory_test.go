package main

import "testing"

// TestGCPercent: a small heap may grow fourfold, a large one doubles, as usual; between them it
// stays within the room that there is.
func TestGCPercent(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		live uint64
		want int
	}{{0, 400}, {10 * mib, 400}, {204 * mib, 400}, {256 * mib, 400}, {400 * mib, 284}, {512 * mib, 200}, {900 * mib, 100}, {4096 * mib, 100}} {
		if got := gcPercent(c.live); got != c.want {
			t.Errorf("%d MiB: %d %%, not %d %%", c.live/mib, got, c.want)
		}
	}
}
