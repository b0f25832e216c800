// Package observe reads the live state of many systems at once. One that can't answer holds
// back no other: its error stands in its own result.
package observe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// Target is one system to be read.
type Target struct {
	System string
	Reader connectors.Reader
	Scope  connectors.Scope
}

// Result is what one system answered: a state, or an error.
type Result struct {
	System string
	State  *access.State
	Err    error
	Took   time.Duration
}

// Options bound the work.
type Options struct {
	// Parallel is how many systems are read at the same time; at least 1.
	Parallel int
	// Timeout is how long one system may take; zero: as long as the context lasts.
	Timeout time.Duration
	// Progress is told, by whoever waits for the results, about each system as it answers; it may
	// be nil. Calls don't overlap.
	Progress func(Result)
}

// Read reads all targets and gives their results in the order of the targets. It returns when
// every system has answered or given up.
func Read(ctx context.Context, targets []Target, o Options) []Result {
	r := Begin(ctx, o)
	r.Add(targets...)
	return r.Results()
}

// Reading is systems being read while whoever began that does something else. It belongs to one
// goroutine, which ends it by Results or by Stop.
type Reading struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	o       Options
	slots   chan struct{}
	answers chan answered
	added   int // so many targets
	ended   int // so many of them, as far as anybody has waited for that
}

// answered is a result, and its target's place.
type answered struct {
	Result
	at int
}

// Begin makes a Reading, of no system yet.
func Begin(ctx context.Context, o Options) *Reading {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Reading{ctx: ctx, cancel: cancel, o: o, slots: make(chan struct{}, max(1, o.Parallel)), answers: make(chan answered)}
}

// Add begins to read more systems, each as soon as there is room for it beside the others.
func (r *Reading) Add(targets ...Target) {
	for _, t := range targets {
		at := r.added
		r.added++
		go func() { r.answers <- answered{r.read(t), at} }()
	}
}

func (r *Reading) read(t Target) Result {
	r.slots <- struct{}{}
	defer func() { <-r.slots }()
	if err := context.Cause(r.ctx); errors.Is(err, errStopped) {
		return Result{System: t.System, Err: err} // whom nobody waits for isn't asked
	}
	start := time.Now()
	state, err := one(r.ctx, t, r.o.Timeout)
	return Result{t.System, state, err, time.Since(start)}
}

// Results waits until every system has answered or given up, and gives what they said in the order
// in which they were added.
func (r *Reading) Results() []Result {
	out := make([]Result, r.added)
	r.wait(func(a answered) {
		out[a.at] = a.Result
		if r.o.Progress != nil {
			r.o.Progress(a.Result)
		}
	})
	r.cancel(nil)
	return out
}

var errStopped = errors.New("the answer isn't needed any more")

// Stop ends what is being read, tells nobody, and returns when nothing is read any more. After
// Results it does nothing.
func (r *Reading) Stop() {
	r.cancel(errStopped)
	r.wait(func(answered) {})
}

func (r *Reading) wait(take func(answered)) {
	for ; r.ended < r.added; r.ended++ {
		take(<-r.answers)
	}
}

// one reads one system. A connector that breaks the contract (panics, doesn't stop, or gives
// neither state nor error, or a state beside an error) is one that couldn't answer.
func one(ctx context.Context, t Target, timeout time.Duration) (state *access.State, err error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %s", timeout))
		defer cancel()
	}
	state, err = ask(ctx, t)
	switch {
	case err != nil && ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)):
		return nil, fmt.Errorf("reading %s: %w (%w)", t.System, err, context.Cause(ctx))
	case err != nil && strings.HasPrefix(err.Error(), "reading "+t.System+": "):
		return nil, err // the connector has said what it was doing
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", t.System, err)
	case state == nil:
		return nil, fmt.Errorf("reading %s: %w: no state and no error", t.System, connectors.ErrIncomplete)
	case state.System() != t.System:
		return nil, fmt.Errorf("reading %s: %w: the answer is about %s", t.System, connectors.ErrIncomplete, state.System())
	}
	return state, nil
}

// grace is how long a connector has, once its context is done, to return.
const grace = 5 * time.Second

// ask calls the connector. One that doesn't return when its context is done is left behind:
// reading changes nothing, and the others mustn't wait for it.
func ask(ctx context.Context, t Target) (*access.State, error) {
	type answer struct {
		state *access.State
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a = answer{nil, fmt.Errorf("the connector failed: %v", p)}
			}
			answers <- a
		}()
		a.state, a.err = t.Reader.Read(ctx, t.Scope)
	}()
	select {
	case a := <-answers:
		return a.state, a.err
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case a := <-answers:
		return a.state, a.err
	case <-late.C:
		return nil, fmt.Errorf("%w: the connector doesn't stop", connectors.ErrIncomplete)
	}
}
