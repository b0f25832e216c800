package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// pace is how far the heap may grow until garbage is collected. The collector's usual setting
// collects whenever the heap has doubled, which takes a fifth to a third of the time of a large
// plan. While the heap is small there is no need: it may grow up to fourfold, as long as it stays
// within the room; beyond, the usual setting of the pace holds. (A fixed memory limit would make
// the collector run all the time in a company that needs more.)
type pace struct {
	room  uint64 // bytes
	usual int    // percent of what is in use
}

// The paces. Planning alone is soon over. An apply isn't, and what it holds it holds for long: its
// heap has less room, and is kept small while the plan is made, when most memory is needed. Once
// the plan is being carried out most of that is gone, and every millisecond is the systems'.
var (
	paceUsual    = pace{room: 3 << 29, usual: 100}
	pacePlanning = pace{room: 192 << 20, usual: 35}
	paceApplying = pace{room: 192 << 20, usual: 100}
)

// mostPercent is how far the heap may grow where there is room.
const mostPercent = 400

// percent is how far the heap may grow until the next collection, in percent of what is live.
func (p pace) percent(live uint64) int {
	if live == 0 {
		return mostPercent
	}
	if live >= p.room {
		return p.usual
	}
	return int(min(mostPercent, max(uint64(p.usual), (p.room-live)*100/live)))
}

// pacer keeps the collector to a pace; nil leaves it alone.
type pacer struct{ pace atomic.Pointer[pace] }

// set changes the pace, and has it followed after each collection from now on. What GOGC or
// GOMEMLIMIT say has the last word.
func (p *pacer) set(next pace) {
	if p == nil || os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	first := p.pace.Swap(&next) == nil
	if !first && liveHeap() >= next.room {
		runtime.GC() // so that what the work before needed doesn't count as in use
	}
	debug.SetGCPercent(next.percent(liveHeap()))
	if first {
		afterCollection(p.follow)
	}
}

func (p *pacer) follow() {
	debug.SetGCPercent(p.pace.Load().percent(liveHeap()))
	afterCollection(p.follow)
}

// afterCollection calls back when the next collection is over.
func afterCollection(do func()) {
	runtime.AddCleanup(new([16]byte), func(int) { do() }, 0)
}

// liveHeap is what the last collection found in use, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
