// Package apply carries out a plan and nothing but the plan. It is the only place that writes
// to systems.
//
// Work is done in units: one change, or the changes that a connector takes together. Each unit
// is in the journal, on disk, before it starts, and its outcome before the next one starts, so
// that a run that is killed at any moment can be explained. Leavers come first, each account
// by itself and apart from every other error; then the rest in the order of the plan. A step
// that fails holds back only the steps that need it. In the end everything that was touched is
// read back: it holds, doesn't hold, or can't be confirmed yet.
package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
)

// Options are what a run needs.
type Options struct {
	Plan *plan.Plan
	// Systems are the opened connectors of every system that could be read.
	Systems map[string]connectors.Connector
	Journal *journal.Journal
	// Run is the id of the run, Opened its first entry, Approved its second; nil: there is none.
	Run    string
	Opened journal.Opened
	// Urgent says that the run is about nothing but somebody's leaving: it doesn't wait for
	// another run's end to be made known.
	Urgent   bool
	Approved *journal.Approved
	// Progress is told of every step that ended; it may be nil. Calls don't overlap.
	Progress func(Progress)
	// Seen is told what reading back showed of a system, before the run is closed; it may be nil.
	// Calls may overlap.
	Seen func(system string, state *access.State)
	Now  func() time.Time
	// Patience is how long a unit, and reading back, may take; zero: minutes, as for a whole
	// organisation's changes.
	Patience time.Duration
}

// Progress tells how far a system is.
type Progress struct {
	System      string
	Done, Total int
	Failed      int
}

// Result is what became of a run.
type Result struct {
	Run   string
	Steps []StepResult // in the order of the plan; only those that were to run
	// Systems are by name.
	Systems map[string]SystemResult
	// Unpublished is why the journal couldn't be published; nil: it was. From then on nothing was
	// done but what takes access away, and Unopened says that it was so from the beginning.
	Unpublished error
	Unopened    bool
}

// StepResult is what became of a step.
type StepResult struct {
	*plan.Step
	Outcome journal.Outcome
	// Seen is what reading back showed; empty for what wasn't done.
	Seen journal.Held
	Err  error
	// Note says more about Seen.
	Note string

	needs []*StepResult // those of Step.Needs that were to run as well
}

// SystemResult is what became of a system.
type SystemResult struct {
	Converged bool
	Took      time.Duration
	// Busy is how long its own leavers and reading it back took, without waiting for other systems.
	Busy time.Duration
	// ReadBack is the error of reading back, if that failed.
	ReadBack error
}

// Holds reports whether the step is done and was seen to hold.
func (s StepResult) Holds() bool {
	return (s.Outcome == journal.Done || s.Outcome == journal.Already || s.Outcome == journal.Unknown) && s.Seen == journal.Holds
}

// Count counts the steps by a property.
func (r *Result) Count(f func(StepResult) bool) int {
	n := 0
	for _, s := range r.Steps {
		if f(s) {
			n++
		}
	}
	return n
}

// Run carries out the plan. Its error is about the run as a whole (the journal can't be
// written or is held by another run, a connector is missing); what failed on a system stands in
// the result. When the context is done no new unit starts; what was begun is ended, read back
// and recorded.
//
// Where the journal is published, it is so once the run is opened, and before anything is done;
// and again whenever a system is at its end. If it can't be, the run goes on with what must not
// wait: see Result.Unpublished.
func Run(ctx context.Context, o Options) (*Result, error) {
	r := &runner{Options: o, units: map[string]int{}, systems: map[string]SystemResult{}}
	r.results = make([]StepResult, 0, len(o.Plan.Steps)) // never grows: needs points into it
	byKey := make(map[string]*StepResult, len(o.Plan.Steps))
	for i := range o.Plan.Steps {
		s := &o.Plan.Steps[i]
		if s.Held != nil {
			continue
		}
		if o.Systems[s.System] == nil {
			return nil, fmt.Errorf("applying to %s: no connector is open for it", s.System)
		}
		r.results = append(r.results, StepResult{Step: s})
		byKey[s.Key()] = &r.results[len(r.results)-1]
	}
	var needs []*StepResult // of all, one after another
	for i := range r.results {
		s, from := &r.results[i], len(needs)
		for _, k := range s.Needs {
			if n := byKey[k]; n != nil {
				needs = append(needs, n)
			}
		}
		s.needs = needs[from:len(needs):len(needs)]
	}
	if err := r.record(ctx, o.Opened); err != nil {
		return nil, err
	}
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	if o.Approved != nil {
		if err := r.record(ctx, *o.Approved); err != nil {
			return nil, err
		}
	}
	parts := r.split()
	r.leavers(ctx, parts)
	r.rest(ctx, parts)
	for _, p := range parts {
		r.end(ctx, p)
	}
	r.ending.Wait()
	out := &Result{Run: o.Run, Systems: r.systems, Steps: r.results, Unpublished: r.unpublished, Unopened: r.unopened}
	return out, r.broken()
}

type runner struct {
	Options
	results []StepResult

	ending sync.WaitGroup // systems that are being read back and closed

	mu      sync.Mutex
	units   map[string]int
	systems map[string]SystemResult
	err     error // the first error of the journal; after it nothing is written to any system
	// unpublished is why the journal couldn't be published first; after it nothing is done but
	// what takes access away. unopened says that the run isn't known to anybody.
	unpublished error
	unopened    bool
}

// part is the work on one system.
type part struct {
	name    string
	conn    connectors.Connector
	desc    access.Description
	steps   []*StepResult
	series  connectors.Batcher // takes the units of the layer at work; nil: the connector itself
	started time.Time
	touched time.Time     // when the last unit ended
	leaving time.Duration // what its leavers took
	// unanswered counts units in a row that took too long.
	unanswered int
	done       int
	failed     int
	ended      bool // it is being read back and closed, or was
}

// split sorts the steps by system. Systems without a step have a part as well, so that the
// journal can say that they are as declared.
func (r *runner) split() []*part {
	var parts []*part
	byName := map[string]*part{}
	for _, name := range slices.Sorted(maps.Keys(r.Systems)) {
		conn := r.Systems[name]
		byName[name] = &part{name: name, conn: conn, desc: conn.Describe(), started: r.Now()}
		parts = append(parts, byName[name])
	}
	for i := range r.results {
		p := byName[r.results[i].System]
		p.steps = append(p.steps, &r.results[i])
	}
	return parts
}

// record appends an entry to the journal. What is known must be written down even while the
// run is being stopped, so the context's end doesn't stop it.
func (r *runner) record(ctx context.Context, d journal.Data) error {
	err := r.Journal.Append(context.WithoutCancel(ctx), journal.Entry{Run: r.Run, Data: d})
	if err != nil {
		err = fmt.Errorf("writing the journal: %w", err)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.err == nil {
			r.err = err
		}
	}
	return err
}

func (r *runner) broken() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *runner) progress(p *part, ended []*StepResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.done += len(ended)
	for _, s := range ended {
		if s.Outcome != journal.Done {
			p.failed++
		}
	}
	p.touched = r.Now()
	if r.Progress != nil {
		r.Progress(Progress{System: p.name, Done: p.done, Total: len(p.steps), Failed: p.failed})
	}
}
