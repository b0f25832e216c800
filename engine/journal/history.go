package journal

import (
	"iter"
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// Event is one change that a run began, and what became of it.
type Event struct {
	// Time is when its unit was begun.
	Time time.Time
	Change
	// Outcome is Unknown where nothing is known of the end.
	Outcome Outcome
	// Error is why it failed.
	Error string
	// Seen is what reading back showed last; empty: nothing did.
	Seen Held
	// Run is what the run as a whole was.
	Run *Run

	ended bool
}

// Holds reports whether the change took place, as far as the record tells: it was done, or was
// seen to be so, and reading back didn't deny it.
func (e Event) Holds() bool {
	switch e.Outcome {
	case Done, Already:
		return e.Seen != NotHeld
	case Unknown:
		return e.Seen == Holds
	}
	return false
}

// Demands are those of the run whose approval let this change pass.
func (e Event) Demands() []Demand {
	if e.Run == nil || e.Run.Approved == nil {
		return nil
	}
	var out []Demand
	key := e.Key()
	for _, d := range e.Run.Approved.Demands {
		if d.All && e.Class != ClassLeaver || slices.Contains(d.Changes, key) {
			out = append(out, d)
		}
	}
	return out
}

// Run is what the journal says of one run.
type Run struct {
	ID    string
	Since time.Time
	Opened
	// Approved is nil for a run without approvals.
	Approved *Approved
	// Systems are what became of each system, in the order in which they were closed.
	Systems []ClosedSystem
	// End is nil for a run that wasn't closed, Closed when it was.
	End    *Closed
	Closed time.Time
}

// History is what the journal says of some changes, and of all runs.
type History struct {
	// Events are in the order in which they were begun.
	Events []Event
	// Runs are in the order in which they were opened.
	Runs []*Run
}

// ReadHistory collects the changes that somebody asks about; keep nil means all of them. It goes
// through the entries once, and keeps in memory only what was asked for and the runs.
func ReadHistory(entries iter.Seq2[Entry, error], keep func(Change) bool) (*History, error) {
	h := &historian{keep: keep, runs: map[string]*Run{}, open: map[string]map[unitName][]int{}}
	for e, err := range entries {
		if err != nil {
			return nil, err
		}
		h.take(e)
	}
	return &h.out, nil
}

type historian struct {
	keep func(Change) bool
	out  History
	runs map[string]*Run
	open map[string]map[unitName][]int // by run and unit: indexes of events
}

func (h *historian) take(e Entry) {
	if o, ok := e.Data.(Opened); ok {
		if h.runs[e.Run] == nil {
			r := &Run{ID: e.Run, Since: e.Time, Opened: o}
			h.runs[e.Run], h.open[e.Run] = r, map[unitName][]int{}
			h.out.Runs = append(h.out.Runs, r)
		}
		return
	}
	r := h.runs[e.Run]
	if r == nil || r.End != nil {
		return // it makes no sense, and teaches nothing
	}
	switch d := e.Data.(type) {
	case Approved:
		r.Approved = &d
	case Begun:
		h.begun(e, r, d)
	case Ended:
		h.ended(e.Run, d)
	case ReadBack:
		h.readBack(e.Run, d)
	case ClosedSystem:
		r.Systems = append(r.Systems, d)
	case Closed:
		r.End, r.Closed = &d, e.Time
		delete(h.open, e.Run)
	}
}

func (h *historian) begun(e Entry, r *Run, d Begun) {
	unit := unitName{d.System, d.Unit}
	for _, c := range d.Changes {
		if h.keep == nil || h.keep(c) {
			h.open[e.Run][unit] = append(h.open[e.Run][unit], len(h.out.Events))
			h.out.Events = append(h.out.Events, Event{Time: e.Time, Change: c, Outcome: Unknown, Run: r})
		}
	}
}

func (h *historian) ended(run string, d Ended) {
	at := h.open[run][unitName{d.System, d.Unit}]
	if len(at) == 0 {
		return
	}
	except := make(map[string]Result, len(d.Except))
	for _, r := range d.Except {
		except[r.Key] = r
	}
	for _, i := range at {
		ev := &h.out.Events[i]
		r := of(ev.Change, except, Result{Outcome: d.All})
		ev.Outcome, ev.Error, ev.ended = r.Outcome, r.Error, true
	}
}

func (h *historian) readBack(run string, d ReadBack) {
	except := make(map[string]Held, len(d.Except))
	for _, s := range d.Except {
		except[s.Key] = s.Held
	}
	for unit, at := range h.open[run] {
		if unit.system != d.System || d.Unit != 0 && unit.unit != d.Unit {
			continue
		}
		for _, i := range at {
			if ev := &h.out.Events[i]; ev.ended { // of the others nobody knows what was seen
				ev.Seen = of(ev.Change, except, d.All)
			}
		}
	}
}

// About keeps the changes that concern a person: those that are recorded as theirs and those of
// the accounts named, on the systems given, or on any if none is. With a target only grants on it
// are kept, beside what became of the accounts themselves.
func About(people []string, accounts []access.Ref, systems []string, target access.ID) func(Change) bool {
	return func(c Change) bool {
		if len(systems) > 0 && !slices.Contains(systems, c.System) || !target.IsZero() && c.Action.OnGrant() && c.Target != target {
			return false
		}
		return c.Person != "" && slices.Contains(people, c.Person) ||
			c.Subject.IsAccount() && slices.Contains(accounts, access.Ref{System: c.System, ID: c.Subject})
	}
}
