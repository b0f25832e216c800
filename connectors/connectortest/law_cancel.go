package connectortest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

func applyCancelled(t *trial) {
	cancelledBefore(t)
	b := t.open()
	b.seed(b.maker.everything())
	if !b.watch(func() {}) {
		t.partly("it can't be told when a write arrives; only contexts that are done beforehand were tried")
		return
	}
	b.watch(nil)
	cancelledHalfWay(b)
	cancelledBatch(t)
	cancelledRun(t)
}

func cancelledBefore(t *trial) {
	b := t.open()
	b.seed(b.maker.everything())
	before := b.dump()
	for i, c := range b.maker.script(before) {
		if i >= 5 {
			break
		}
		if err := b.Apply(b.cancelled(), c); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v, want context.Canceled", c, err)
		}
		b.unchanged("cancelled", before)
	}
	batcher, ok := b.Connector.(connectors.Batcher)
	if !ok {
		return
	}
	for _, unit := range units(b.desc, b.maker.script(before)) {
		if len(unit) == 1 {
			continue
		}
		if err := batcher.ApplyBatch(b.cancelled(), unit); !errors.Is(err, context.Canceled) {
			t.Errorf("a batch with a cancelled context: %v, want context.Canceled", err)
		}
		b.unchanged("a cancelled batch", before)
		break
	}
}

// watch has the harness tell of each write; it reports whether it can.
func (b *bed) watch(seen func()) bool {
	b.Helper()
	return b.h.Watch != nil && b.h.Watch(b.TB, b.far, seen)
}

// straggle is for how long writes are looked out for that come after a call has returned.
const straggle = 10 * time.Millisecond

// atFirstWrite calls do with a context that is cancelled when the first write arrives, and says
// how many writes arrived in all.
func (b *bed) atFirstWrite(do func(context.Context)) int {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var writes atomic.Int32
	b.watch(func() {
		writes.Add(1)
		cancel()
	})
	do(ctx)
	time.Sleep(straggle)
	b.watch(nil)
	return int(writes.Load())
}

// cancelledHalfWay cancels one change of each sort when its first write arrives.
func cancelledHalfWay(b *bed) {
	b.Helper()
	type sort struct {
		kind   string
		action access.Action
	}
	tried := map[sort]bool{}
	now := b.dump()
	for _, c := range b.maker.script(now) {
		s := sort{c.Ref().ID.Kind, c.Action}
		want := b.after(now, c)
		var err error
		if !tried[s] {
			tried[s] = true
			if n := b.atFirstWrite(func(ctx context.Context) { err = b.Apply(ctx, c) }); n > 1 {
				b.Errorf("%s: cancelled at its first write, and %d more reached the system", c, n-1)
			}
			if err == nil {
				b.same("cancelled half-way, and no error: "+c.String(), b.lacks(want, c))
			}
		}
		switch err = b.Apply(b.Context(), c); {
		case errors.Is(err, connectors.ErrConflict):
			b.Logf("%s was left half-done and has to be planned again: %v", c, err)
			return
		case err != nil:
			b.Errorf("%s, after it was cancelled: %v", c, err)
			return
		}
		if !b.same("repeated after it was cancelled half-way: "+c.String(), b.lacks(want, c)) {
			return
		}
		now = b.dump()
	}
}

// lacks are the differences between what is there and what a change should have made of it.
func (b *bed) lacks(want *access.State, c access.Change) []difference {
	b.Helper()
	return differences(want, b.dump(), doneBy(c))
}

// cancelledBatch cancels a batch when its first write arrives: it is all done or not at all.
func cancelledBatch(t *trial) {
	b := t.open()
	batcher, ok := b.Connector.(connectors.Batcher)
	if !ok {
		return
	}
	b.seed(b.maker.everything())
	before := b.dump()
	for _, unit := range units(b.desc, b.maker.script(before)) {
		if len(unit) == 1 || !alone(before, b.desc, unit) {
			continue
		}
		var err error
		if n := b.atFirstWrite(func(ctx context.Context) { err = batcher.ApplyBatch(ctx, unit) }); n > 1 {
			t.Errorf("a batch of %d changes: cancelled at its first write, and %d more reached the system", len(unit), n-1)
		}
		now := b.dump()
		done := differences(b.after(before, unit...), now, doneBy(unit...))
		if undone := differences(before, now, leniency{}); len(undone) > 0 && (err == nil || len(done) > 0) {
			t.same("a batch that was cancelled half-way: "+errorText(err), done)
		}
		return
	}
}

func errorText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}

// cancelledRun cancels a whole run at its first write. What was already under way beside it
// may still arrive.
func cancelledRun(t *trial) {
	b := t.open()
	want := merged(t, b.fresh, enabledOnly(t, b.maker.everything()))
	var err error
	n := b.atFirstWrite(func(ctx context.Context) { _, err = carryOut(ctx, b.Connector, want) })
	if err != nil {
		t.Errorf("a run that was cancelled half-way: %v", err)
	}
	if most := max(1, b.desc.Parallel); n > most {
		t.Errorf("a run that was cancelled at its first write: %d writes reached the system, want %d at most", n, most)
	}
	b.settled()
	if _, err := reconcile(b, want); err != nil {
		t.Errorf("the run after one that was cancelled half-way: %v", err)
	}
	t.same("after a run that was cancelled half-way and another", b.converged(want))
}

// converged are the differences between what is there and what was desired.
func (b *bed) converged(want *access.State) []difference {
	b.Helper()
	l := asDeclared()
	l.extra = func(id access.ID) bool { return !b.desc.Can(id.Kind, access.Delete) }
	return differences(want, b.dump(), l)
}

// enabledOnly is a state with all its accounts enabled.
func enabledOnly(t *trial, s *access.State) *access.State {
	t.Helper()
	b := access.NewBuilder(s.System())
	for o := range s.Objects() {
		o.Disabled = false
		b.Object(o)
	}
	for _, g := range s.Grants() {
		b.Grant(g)
	}
	return build(t, b)
}
