package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/journal"
)

// leavers is the first lane. Systems work side by side; within one each account is a unit of
// its own. Where a connector can't take it as one, or that fails, each step is tried by
// itself: a grant that can't be revoked never keeps an account from being disabled.
func (r *runner) leavers(ctx context.Context, parts []*part) {
	var wg sync.WaitGroup
	for _, p := range parts {
		wg.Go(func() {
			begun := r.Now()
			for _, unit := range byAccount(p.steps) {
				if p.desc.Batch != access.BatchAll || len(unit) == 1 || !r.unit(ctx, p, unit, true) {
					for _, s := range unit {
						if s.Outcome == "" {
							r.unit(ctx, p, []*StepResult{s}, false)
						}
					}
				}
			}
			p.leaving = r.Now().Sub(begun)
			r.endWorked(ctx, []*part{p})
		})
	}
	wg.Wait()
}

// byAccount groups the leavers' steps by account, in the order of the plan. Deletions are
// apart, and so is what must wait: until the last administrator's successor is there.
func byAccount(steps []*StepResult) [][]*StepResult {
	var order []access.ID
	units := map[access.ID][]*StepResult{}
	for _, s := range steps {
		if !s.Leaver || s.Action == access.Delete || len(s.Needs) > 0 {
			continue
		}
		if units[s.Subject] == nil {
			order = append(order, s.Subject)
		}
		units[s.Subject] = append(units[s.Subject], s)
	}
	var out [][]*StepResult
	for _, id := range order {
		out = append(out, units[id])
	}
	return out
}

// rest is the second lane: rounds, in each of which every system does what doesn't wait for
// another system, until nothing more can be done. What is left then is skipped.
func (r *runner) rest(ctx context.Context, parts []*part) {
	for {
		var wg sync.WaitGroup
		round := map[*part][]*StepResult{}
		for _, p := range parts {
			if ready := r.ready(p); len(ready) > 0 {
				round[p] = ready
			}
		}
		r.endWorked(ctx, parts)
		if len(round) == 0 {
			return
		}
		for p, ready := range round {
			wg.Go(func() {
				r.work(ctx, p, ready)
				r.endWorked(ctx, []*part{p})
			})
		}
		wg.Wait()
	}
}

// ready are the steps of a system whose needs are done, or come before them here. Steps whose
// needs failed are skipped on the way.
func (r *runner) ready(p *part) []*StepResult {
	var out []*StepResult
	in := map[*StepResult]bool{}
	for _, s := range p.steps {
		if s.Outcome != "" {
			continue
		}
		wait := false
		var lost *StepResult
		for _, n := range s.needs {
			switch {
			case n.Outcome == journal.Done || n.Outcome == journal.Already || in[n]:
			case n.Outcome == "":
				wait = true
			default:
				lost = n
			}
		}
		switch {
		case lost != nil:
			r.skip(p, s, lost)
		case !wait:
			in[s] = true
			out = append(out, s)
		}
	}
	return out
}

// work carries out steps of one system in their order.
func (r *runner) work(ctx context.Context, p *part, steps []*StepResult) {
	switch p.desc.Batch {
	case access.BatchAll:
		r.batch(ctx, p, steps, 0)
	case access.BatchTarget:
		for _, layer := range layers(steps) {
			if !layer[0].Action.OnGrant() {
				r.objects(ctx, p, layer)
				continue
			}
			p.series = seriesOf(p.conn)
			sideBySide(p, byTarget(layer), func(unit []*StepResult) { r.batch(ctx, p, unit, 0) })
			p.series = nil
		}
	default:
		for _, layer := range layers(steps) {
			r.objects(ctx, p, layer)
		}
	}
}

// seriesOf gives the Batcher for the units of one layer; nil where the connector has none for that.
func seriesOf(c connectors.Connector) connectors.Batcher {
	if s, ok := c.(connectors.SeriesBatcher); ok {
		return s.Series()
	}
	return nil
}

// layers cuts the steps where the action changes, and where a step needs one before it: steps
// of one layer don't need each other.
func layers(steps []*StepResult) [][]*StepResult {
	var out [][]*StepResult
	in := map[*StepResult]bool{}
	for i, s := range steps {
		if i == 0 || steps[i-1].Action != s.Action || steps[i-1].Subject.IsAccount() != s.Subject.IsAccount() ||
			slices.ContainsFunc(s.needs, func(n *StepResult) bool { return in[n] }) {
			out = append(out, nil)
			clear(in)
		}
		out[len(out)-1] = append(out[len(out)-1], s)
		in[s] = true
	}
	return out
}

// byTarget puts together the grants of a layer that are on one target.
func byTarget(layer []*StepResult) [][]*StepResult {
	var order []access.ID
	units := map[access.ID][]*StepResult{}
	for _, s := range layer {
		if units[s.Target] == nil {
			order = append(order, s.Target)
		}
		units[s.Target] = append(units[s.Target], s)
	}
	var out [][]*StepResult
	for _, id := range order {
		out = append(out, units[id])
	}
	return out
}

func (r *runner) parallel(ctx context.Context, p *part, layer []*StepResult) {
	sideBySide(p, layer, func(s *StepResult) {
		if !r.skipLost(p, s) {
			r.unit(ctx, p, []*StepResult{s}, false)
		}
	})
}

// sideBySide does work that doesn't depend on each other, as much at a time as the connector
// allows.
func sideBySide[T any](p *part, all []T, do func(T)) {
	slots := make(chan struct{}, max(1, p.desc.Parallel))
	var wg sync.WaitGroup
	for _, v := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(v)
		})
	}
	wg.Wait()
}

// blames is how often what a connector blames is taken out before a batch is split all the
// same: a connector may name one change at a time.
const blames = 3

// batch carries out steps as one unit. If it fails, what the connector blames is taken out and
// the rest repeated; if it blames nothing, or again and again, the halves are tried by
// themselves.
func (r *runner) batch(ctx context.Context, p *part, steps []*StepResult, tries int) {
	steps = slices.DeleteFunc(slices.Clone(steps), func(s *StepResult) bool { return s.Outcome != "" || r.skipLost(p, s) })
	if len(steps) == 0 || r.unit(ctx, p, steps, len(steps) > 1) {
		return
	}
	left := slices.DeleteFunc(slices.Clone(steps), func(s *StepResult) bool { return s.Outcome != "" })
	if len(left) < len(steps) && (tries < blames || len(left) == 1) {
		r.batch(ctx, p, left, tries+1)
		return
	}
	r.batch(ctx, p, left[:len(left)/2], 0)
	r.batch(ctx, p, left[len(left)/2:], 0)
}

// skipLost skips a step that needs one that failed.
func (r *runner) skipLost(p *part, s *StepResult) bool {
	for _, n := range s.needs {
		if n.Outcome == "" || n.Outcome == journal.Done || n.Outcome == journal.Already {
			continue
		}
		r.skip(p, s, n)
		return true
	}
	return false
}

// skip gives up a step that needs one that failed.
func (r *runner) skip(p *part, s, lost *StepResult) {
	s.Outcome, s.Err = journal.Skipped, errors.New("it needs what failed: "+lost.Key())
	r.progress(p, []*StepResult{s})
}

// unit carries out steps together, with the journal before and after, and reports whether
// every step has an outcome now. With retry set a failure that the connector can be sure of
// leaves the steps that aren't to blame without one.
func (r *runner) unit(ctx context.Context, p *part, steps []*StepResult, retry bool) bool {
	if why := r.stopped(ctx, p); why != nil {
		for _, s := range steps {
			s.Outcome, s.Err = journal.Skipped, why
		}
		r.progress(p, steps)
		return true
	}
	if steps = r.withhold(p, steps); len(steps) == 0 {
		return true
	}
	begun := journal.Begun{System: p.name, Unit: r.number(p.name)}
	begun.Changes = make([]journal.Change, 0, len(steps))
	changes := make([]access.Change, len(steps))
	for i, s := range steps {
		changes[i] = s.Change
		begun.Changes = append(begun.Changes, recorded(p, s))
	}
	if r.record(ctx, begun) != nil {
		return r.unit(ctx, p, steps, retry) // marks them skipped
	}
	err := r.call(ctx, p, changes)
	blamed := outcomes(steps, err)
	ended := summary(begun, steps, blamed, err)
	var final []*StepResult
	for i, s := range steps {
		if retry && s.Outcome == journal.Failed && !blamed[i] {
			s.Outcome, s.Err = "", nil
			continue
		}
		final = append(final, s)
	}
	_ = r.record(ctx, ended) // kept in r.err: no further unit begins
	r.progress(p, final)
	return len(final) == len(steps)
}

func (r *runner) number(system string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.units[system]++
	return r.units[system]
}

// unitTime is how long a unit may take, with changeTime more for each of its changes; after
// patience units in a row that took longer nothing more is tried on the system.
const (
	unitTime   = 5 * time.Minute
	changeTime = time.Second
	patience   = 3
)

var errNoAnswer = errors.New("no answer in time")

// within is the time that something may take.
func (r *runner) within(usual time.Duration) time.Duration {
	if r.Patience > 0 {
		return r.Patience
	}
	return usual
}

// stopped says why nothing more is begun on a system; nil: something is.
func (r *runner) stopped(ctx context.Context, p *part) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case ctx.Err() != nil || r.err != nil:
		return errors.New("the run was stopped")
	case p.unanswered >= patience:
		return fmt.Errorf("%s doesn't answer any more", p.name)
	}
	return nil
}

// call is the only call that writes. A connector that panics may have done anything.
func (r *runner) call(ctx context.Context, p *part, changes []access.Change) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.within(unitTime)+time.Duration(len(changes))*changeTime, errNoAnswer)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%s: the connector failed: %v (%w)", changes[0], v, connectors.ErrOutcomeUnknown)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if err == nil || context.Cause(ctx) != errNoAnswer {
			p.unanswered = 0
			return
		}
		p.unanswered++
		err = fmt.Errorf("%w (%w)", err, errNoAnswer)
	}()
	switch {
	case p.series != nil && changes[0].Action.OnGrant():
		return p.series.ApplyBatch(ctx, changes)
	case len(changes) == 1:
		return p.conn.Apply(ctx, changes[0])
	case p.creates(changes[0]):
		return createEach(ctx, p.conn.(connectors.Creator), changes)
	}
	return p.conn.(connectors.Batcher).ApplyBatch(ctx, changes)
}

// outcomes gives each step of a unit its outcome, and tells which are themselves the reason of
// a failure.
func outcomes(steps []*StepResult, err error) (blamed map[int]bool) {
	var batch *connectors.BatchError
	errors.As(err, &batch)
	var each eachError
	if errors.As(err, &each) {
		return each.outcomes(steps)
	}
	blamed = map[int]bool{}
	for i, s := range steps {
		switch {
		case err == nil:
			s.Outcome = journal.Done
		case errors.Is(err, connectors.ErrOutcomeUnknown):
			s.Outcome, s.Err = journal.Unknown, err
		case batch != nil && batch.Failed[i] != nil:
			s.Outcome, s.Err, blamed[i] = journal.Failed, batch.Failed[i], true
		default:
			s.Outcome, s.Err = journal.Failed, err
		}
	}
	return blamed
}

func recorded(p *part, s *StepResult) journal.Change {
	c := journal.Change{Change: s.Change, Person: s.Person, Class: journal.Class(s.Class)}
	if s.Leaver {
		c.Class = journal.ClassLeaver
	}
	c.Raises = s.Action == access.ChangeLevel && !s.Takes(p.desc)
	return c
}

// summary is what the journal gets to know of a unit's end. Of a failed batch it has what is to
// blame; where nothing is, the error stands with the first change.
func summary(b journal.Begun, steps []*StepResult, blamed map[int]bool, err error) journal.Ended {
	e := journal.Ended{System: b.System, Unit: b.Unit, All: journal.Done}
	var each eachError
	switch {
	case err == nil:
		return e
	case errors.As(err, &each): // the others were done
	case errors.Is(err, connectors.ErrOutcomeUnknown):
		e.All = journal.Unknown
	default:
		e.All = journal.Failed
	}
	if len(blamed) == 0 {
		e.Except = []journal.Result{{Key: steps[0].Key(), Outcome: e.All, Error: err.Error()}}
		return e
	}
	for i, s := range steps {
		if blamed[i] {
			e.Except = append(e.Except, journal.Result{Key: s.Key(), Outcome: s.Outcome, Error: s.Err.Error()})
		}
	}
	return e
}
