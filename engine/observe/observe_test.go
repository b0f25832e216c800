package observe_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/observe"
)

// reader answers by a function.
type reader struct {
	connectors.Reader
	read func(context.Context) (*access.State, error)
}

func (r reader) Read(ctx context.Context, _ connectors.Scope) (*access.State, error) {
	return r.read(ctx)
}

func target(system string, read func(context.Context) (*access.State, error)) observe.Target {
	return observe.Target{System: system, Reader: reader{read: read}}
}

func state(t *testing.T, system string) *access.State {
	t.Helper()
	s, err := access.NewBuilder(system).Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestBrokenSystems: whatever one system does, the others answer, in the order asked.
func TestBrokenSystems(t *testing.T) {
	good := memory.New().Connector("good")
	denied := errors.New("permission denied")
	tests := []struct {
		name string
		read func(context.Context) (*access.State, error)
		want string
	}{
		{"fails", func(context.Context) (*access.State, error) { return nil, denied }, "reading fails: permission denied"},
		{"panics", func(context.Context) (*access.State, error) { panic("a bug") }, "reading panics: the connector failed: a bug"},
		{"nothing", func(context.Context) (*access.State, error) { return nil, nil }, "no state and no error"},
		{"other", func(context.Context) (*access.State, error) { return state(t, "elsewhere"), nil }, "the answer is about elsewhere"},
		{"both", func(context.Context) (*access.State, error) { return state(t, "both"), denied }, "permission denied"},
		{"hangs", func(ctx context.Context) (*access.State, error) { <-ctx.Done(); return nil, ctx.Err() }, "no answer within"},
	}
	var targets []observe.Target
	for _, tt := range tests {
		targets = append(targets, target(tt.name, tt.read), observe.Target{System: "good", Reader: good})
	}
	results := observe.Read(t.Context(), targets, observe.Options{Parallel: 3, Timeout: 200 * time.Millisecond})
	for i, tt := range tests {
		bad, fine := results[2*i], results[2*i+1]
		if bad.System != tt.name || bad.State != nil || bad.Err == nil || !strings.Contains(bad.Err.Error(), tt.want) {
			t.Errorf("%s: state %v, error %v, want %q and no state", tt.name, bad.State, bad.Err, tt.want)
		}
		if fine.State == nil || fine.Err != nil {
			t.Errorf("beside %s the good system doesn't answer: %v", tt.name, fine.Err)
		}
	}
	if !errors.Is(results[0].Err, denied) {
		t.Error("the connector's error is lost")
	}
	for _, i := range []int{4, 6} {
		if !errors.Is(results[i].Err, connectors.ErrIncomplete) {
			t.Errorf("%s isn't ErrIncomplete: %v", results[i].System, results[i].Err)
		}
	}
}

// TestParallel: no more systems are read at a time than were asked for, and progress is told
// about each, one at a time.
func TestParallel(t *testing.T) {
	var now, most, told, telling atomic.Int32
	var targets []observe.Target
	for range 12 {
		targets = append(targets, target("s", func(context.Context) (*access.State, error) {
			n := now.Add(1)
			for {
				m := most.Load()
				if n <= m || most.CompareAndSwap(m, n) {
					break
				}
			}
			time.Sleep(5 * time.Millisecond)
			now.Add(-1)
			return state(t, "s"), nil
		}))
	}
	observe.Read(t.Context(), targets, observe.Options{Parallel: 4, Progress: func(observe.Result) {
		if telling.Add(1) != 1 {
			t.Error("two calls of progress overlap")
		}
		told.Add(1)
		telling.Add(-1)
	}})
	if most.Load() > 4 || told.Load() != 12 {
		t.Errorf("%d at a time, %d told of; want at most 4, and 12", most.Load(), told.Load())
	}
}

// TestCancelled: when the context ends so do the reads, with its error.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := observe.Read(ctx, []observe.Target{target("s", func(ctx context.Context) (*access.State, error) { return nil, ctx.Err() })}, observe.Options{})
	if !errors.Is(r[0].Err, context.Canceled) || r[0].State != nil {
		t.Errorf("state %v, error %v", r[0].State, r[0].Err)
	}
}

// TestDeaf: a connector that doesn't hear that its time is over holds back nobody for long.
func TestDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := make(chan struct{})
		deaf := target("deaf", func(context.Context) (*access.State, error) { <-never; return nil, nil })
		fine := target("fine", func(context.Context) (*access.State, error) { return state(t, "fine"), nil })
		late := target("late", func(context.Context) (*access.State, error) {
			time.Sleep(time.Minute + time.Second)
			return state(t, "late"), nil
		})
		start := time.Now()
		r := observe.Read(t.Context(), []observe.Target{deaf, late, fine}, observe.Options{Parallel: 1, Timeout: time.Minute})
		if r[0].State != nil || !errors.Is(r[0].Err, connectors.ErrIncomplete) || !strings.Contains(r[0].Err.Error(), "no answer within 1m0s") {
			t.Errorf("deaf: %v", r[0].Err)
		}
		if r[1].State == nil || r[2].State == nil {
			t.Errorf("late: %v, fine: %v", r[1].Err, r[2].Err)
		}
		if took := time.Since(start); took > 3*time.Minute {
			t.Errorf("it took %s", took)
		}
		close(never)
	})
}

// TestReading: systems are read from the moment they are added, within the limit over all of them;
// told of is only who waits, and the results come in the order in which the systems were added.
func TestReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, begun, told atomic.Int32
		sleepy := func(name string, d time.Duration) observe.Target {
			return target(name, func(context.Context) (*access.State, error) {
				begun.Add(1)
				if now.Add(1) > 2 {
					t.Error("three are read at a time")
				}
				time.Sleep(d)
				now.Add(-1)
				return state(t, name), nil
			})
		}
		var order []string
		r := observe.Begin(t.Context(), observe.Options{Parallel: 2, Progress: func(r observe.Result) { told.Add(1); order = append(order, r.System) }})
		r.Add(sleepy("slow", 5*time.Second), sleepy("quick", time.Second))
		time.Sleep(2 * time.Second)
		r.Add(sleepy("next", time.Second), sleepy("last", 10*time.Second))
		synctest.Wait()
		if begun.Load() != 3 || told.Load() != 0 {
			t.Errorf("before anybody waits %d were begun and %d told of; want 3 and none", begun.Load(), told.Load())
		}
		var names []string
		for _, res := range r.Results() {
			names = append(names, res.System)
			if res.State == nil || res.Err != nil {
				t.Errorf("%s: %v", res.System, res.Err)
			}
		}
		if got := strings.Join(names, " "); got != "slow quick next last" {
			t.Errorf("results: %s", got)
		}
		if len(order) != 4 || order[3] != "last" {
			t.Errorf("told of: %v", order)
		}
		r.Stop()
	})
}

// TestStop: what is being read is ended and waited for, and who waits for room is never asked.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked, over atomic.Int32
		one := func(name string) observe.Target {
			return target(name, func(ctx context.Context) (*access.State, error) {
				asked.Add(1)
				<-ctx.Done()
				time.Sleep(time.Second)
				over.Add(1)
				return nil, ctx.Err()
			})
		}
		r := observe.Begin(t.Context(), observe.Options{Parallel: 2, Timeout: time.Hour, Progress: func(r observe.Result) { t.Errorf("told of %s", r.System) }})
		r.Add(one("a"), one("b"), one("c"), one("d"))
		synctest.Wait()
		r.Stop()
		r.Stop()
		if asked.Load() != 2 || over.Load() != 2 {
			t.Errorf("asked were %d, and %d are over; want 2 and 2", asked.Load(), over.Load())
		}
	})
}
