package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestGCPercent: a small heap may grow fourfold, a large one as is usual; between them it stays
// within the room that there is.
func TestGCPercent(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		pace pace
		live uint64
		want int
	}{
		{paceUsual, 0, 400}, {paceUsual, 10 * mib, 400}, {paceUsual, 204 * mib, 400}, {paceUsual, 256 * mib, 400}, {paceUsual, 400 * mib, 284},
		{paceUsual, 512 * mib, 200}, {paceUsual, 900 * mib, 100}, {paceUsual, 4096 * mib, 100},
		{pacePlanning, 10 * mib, 400}, {pacePlanning, 48 * mib, 300}, {pacePlanning, 96 * mib, 100}, {pacePlanning, 180 * mib, 35}, {pacePlanning, 900 * mib, 35},
		{paceApplying, 48 * mib, 300}, {paceApplying, 180 * mib, 100}, {paceApplying, 900 * mib, 100},
	} {
		if got := c.pace.percent(c.live); got != c.want {
			t.Errorf("%d MiB of %d: %d %%, not %d %%", c.live/mib, c.pace.room/mib, got, c.want)
		}
	}
}

// TestPacerFollows: what a pace says is set anew after each collection, until another pace is.
func TestPacerFollows(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	const mark = 33
	p := new(pacer)
	t.Cleanup(func() { p.set(pace{usual: 100}) }) // as it is without a pacer
	for _, usual := range []int{77, 77, 55} {
		p.set(pace{usual: usual})
		debug.SetGCPercent(mark)
		got := mark
		for i := 0; i < 10_000 && got == mark; i++ { // what is called back runs beside
			runtime.GC()
			got = debug.SetGCPercent(mark)
		}
		if got != usual {
			t.Fatalf("%d %% after a collection, not %d %%", got, usual)
		}
	}
}

// TestPacerYields: what the environment says has the last word.
func TestPacerYields(t *testing.T) {
	t.Setenv("GOGC", "100")
	p := new(pacer)
	p.set(pace{usual: 77})
	if p.pace.Load() != nil {
		t.Error("GOGC is set, and a pace is followed all the same")
	}
}
