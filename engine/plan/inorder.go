package plan

import (
	"runtime"
	"sync/atomic"
)

// inOrder calls work with 0, 1, … n-1, on as many processors as there are, and use with what came of
// each, in that order, on the caller's goroutine. What work appends to is used again later, and it
// runs only so far ahead that little is held. The first error ends it.
func inOrder(n int, work func(i int, space []byte) ([]byte, error), use func(b []byte) error) error {
	type outcome struct {
		b   []byte
		err error
	}
	workers := min(runtime.GOMAXPROCS(0), n)
	free, out := make(chan []byte, 2*workers), make([]chan outcome, n)
	for range cap(free) {
		free <- nil
	}
	defer close(free)
	for i := range out {
		out[i] = make(chan outcome, 1)
	}
	var next atomic.Int64
	for range workers {
		go func() {
			for space := range free {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				b, err := work(i, space[:0])
				out[i] <- outcome{b, err}
			}
		}()
	}
	for i := range out {
		done := <-out[i]
		if done.err == nil {
			done.err = use(done.b)
		}
		if done.err != nil {
			return done.err
		}
		free <- done.b
	}
	return nil
}
