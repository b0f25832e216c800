package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
)

// DriftOptions say how drift is looked at.
type DriftOptions struct {
	PlanOptions
	// Record remembers in the journal what is seen, and tells the news to whom accord.yaml names
	// under notify.
	Record bool
	// Who asks the systems who wrote what differs.
	Who bool
}

// Drifted is a look at drift.
type Drifted struct {
	Plan        *plan.Plan
	Differences []plan.Difference
	Exit        int
	Took        time.Duration
	// Told are the messages that were due, sent or not.
	Told []Delivery
	// Unrecorded is why what was seen isn't remembered, and nobody was told: a run is at work. The
	// next look makes up for it.
	Unrecorded error
	// Read is when each system was read whole for the last time, as far as the journal knows.
	Read map[string]time.Time
}

// Drift compares the systems with what was applied. It writes to no system, and to the journal
// only to remember what it saw. If that can't be remembered, or somebody couldn't be told, there
// is a result beside the error.
func (e *Engine) Drift(ctx context.Context, o DriftOptions) (_ *Drifted, _ *Declaration, err error) {
	start := e.Now()
	if o.Record && (o.Worktree || o.NoLive || !o.At.IsZero()) {
		return nil, nil, errors.New("only a look at the systems, against a commit, can be remembered")
	}
	o.touched = true
	s, err := e.prepare(ctx, o.PlanOptions, false)
	if err != nil {
		return nil, nil, err
	}
	p, err := s.plan(ctx, false)
	if err != nil {
		return nil, nil, errors.Join(err, s.close())
	}
	out := &Drifted{Plan: p, Differences: p.Differences(), Exit: ExitOfDrift(p)}
	var wrong error
	if o.Record {
		unlock, err := s.recordLook(ctx, p, out.Differences)
		defer unlock()
		out.Unrecorded, wrong = atWork(err), notAtWork(err)
	}
	s.since(out.Differences)
	if o.Who {
		s.trace(ctx, out.Differences)
	}
	if o.Record && wrong == nil && out.Unrecorded == nil {
		out.Told, err = s.tell(ctx, p, out.Differences)
		out.Unrecorded, wrong = atWork(err), notAtWork(err)
		if undelivered(out.Told) {
			out.Exit = ExitFailed // it is tried again by the next run, and somebody has to know
		}
	}
	out.Read = s.lastRead(p)
	out.Took = e.Now().Sub(start)
	head := s.head
	s.head = nil
	return out, head, errors.Join(wrong, s.close())
}

// lastRead is when each system was read whole for the last time.
func (s *session) lastRead(p *plan.Plan) map[string]time.Time {
	out := map[string]time.Time{}
	for _, sys := range s.systems {
		for _, name := range namesOf(sys.decl) {
			if at, ok := s.memory.LastRead(name); ok && at.After(out[sys.decl.ID.Value]) {
				out[sys.decl.ID.Value] = at
			}
		}
	}
	for i := range p.Systems {
		if sys := &p.Systems[i]; sys.Readable() {
			out[sys.Name] = p.At
		}
	}
	return out
}

// since fills in when each difference was seen first.
func (s *session) since(all []plan.Difference) {
	open := map[string]map[string]journal.Sighting{}
	for i := range all {
		d := &all[i]
		if open[d.System] == nil {
			open[d.System] = s.memory.OpenDrift(d.System)
		}
		seen, ok := open[d.System][d.Key()]
		if !ok {
			seen = open[d.System][manyKey(d.Kind, d.System)]
		}
		d.Since = seen.Since
	}
}

// A system is asked for no longer than this, and about no more objects, who wrote them.
const (
	traceTime = 30 * time.Second
	traceMost = 200
)

// trace asks the systems that can tell who wrote what differs. It only explains, so a system that
// doesn't answer is passed over.
func (s *session) trace(ctx context.Context, all []plan.Difference) {
	for _, sys := range s.systems {
		auditor, ok := connectors.ReadOnly(sys.conn).(connectors.Auditor)
		if !ok || sys.live == nil {
			continue
		}
		about := map[access.ID][]*plan.Difference{}
		for i := range all {
			if d := &all[i]; d.System == sys.decl.ID.Value && traceable(d.Kind) {
				id := cmp.Or(d.Target, d.Subject)
				if _, there := sys.live.Object(id); there {
					about[id] = append(about[id], d)
				}
			}
		}
		if len(about) == 0 {
			continue
		}
		ids := slices.SortedFunc(maps.Keys(about), access.ID.Compare)
		found, err := ask(ctx, auditor, ids[:min(len(ids), traceMost)])
		if err != nil {
			s.Log.Debug("asking who wrote what differs", "system", sys.decl.ID.Value, "error", err)
			continue
		}
		for _, t := range found {
			for _, d := range about[t.Object] {
				d.Traces = append(d.Traces, t)
			}
		}
	}
}

// traceable tells of which kinds it is somebody's doing that matters.
func traceable(k plan.DriftKind) bool {
	switch k {
	case plan.DriftUndeclaredAccount, plan.DriftUndeclaredGrant, plan.DriftMissingGrant, plan.DriftChangedAttribute:
		return true
	}
	return false
}

func ask(ctx context.Context, a connectors.Auditor, ids []access.ID) (found []access.Trace, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, traceTime, fmt.Errorf("no answer within %s", traceTime))
	defer cancel()
	return a.Traces(ctx, ids)
}
