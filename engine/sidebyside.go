package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// perTurn is how many questions are put together before the next worker takes some.
const perTurn = 64

// sideBySide puts n answers together on all processors. Each of these has facts of its own to ask,
// so that what is prepared once needs no locks; the outcome is the same, and in the same order,
// however many there are.
func sideBySide[T any](f *facts, n int, one func(f *facts, i int) T) []T {
	if n == 0 {
		return nil
	}
	out := make([]T, n)
	workers := min(runtime.GOMAXPROCS(0), (n+perTurn-1)/perTurn)
	var next atomic.Int64
	var wg sync.WaitGroup
	for _, twin := range f.twins(workers) {
		wg.Go(func() {
			for {
				begin := int(next.Add(perTurn)) - perTurn
				if begin >= n {
					return
				}
				for i := begin; i < min(begin+perTurn, n); i++ {
					out[i] = one(twin, i)
				}
			}
		})
	}
	wg.Wait()
	return out
}

// twins are these facts, for so many goroutines to ask.
func (f *facts) twins(n int) []*facts {
	f.groupsOf("") // and whatever else is made when it is asked for
	for _, sys := range f.systems {
		sys.description(f.session)
	}
	out := []*facts{f}
	for len(f.others) < n-1 {
		t := *f
		t.prepare()
		f.others = append(f.others, &t)
	}
	return append(out, f.others[:n-1]...)
}
