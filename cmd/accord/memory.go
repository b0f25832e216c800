package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The garbage collector's usual setting collects whenever the heap has doubled, which takes a
// fifth to a third of the time of a large plan. While the heap is small there is no need: it may
// grow up to fourfold, as long as it stays within heapRoom; beyond, the setting is the usual one.
// (A fixed memory limit would make the collector run all the time in a company that needs more.)
const (
	heapRoom     = 3 << 29
	mostPercent  = 400
	usualPercent = 100
)

// paceMemory sets the collector's pace, and sets it anew after each collection, until somebody
// else sets it. What GOGC or GOMEMLIMIT say has the last word.
func paceMemory() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	set := mostPercent
	debug.SetGCPercent(set)
	var again func(int)
	again = func(int) {
		next := gcPercent(liveHeap())
		if was := debug.SetGCPercent(next); was != set {
			debug.SetGCPercent(was)
			return
		}
		set = next
		afterCollection(again)
	}
	afterCollection(again)
}

// afterCollection calls back when the next collection is over.
func afterCollection(do func(int)) { runtime.AddCleanup(new([16]byte), do, 0) }

// liveHeap is what the last collection found in use, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// gcPercent is how far the heap may grow until the next collection, in percent of what is live.
func gcPercent(live uint64) int {
	if live == 0 {
		return mostPercent
	}
	if live >= heapRoom {
		return usualPercent
	}
	return int(min(mostPercent, max(usualPercent, (heapRoom-live)*100/live)))
}
