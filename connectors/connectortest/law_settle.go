package connectortest

import (
	"context"
	"sync"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/apply"
	"github.com/accordhq/accord/engine/journal"
)

// counted counts how often each change was asked for.
type counted struct {
	connectors.Connector
	first func() // called before the first change
	once  sync.Once
	mu    sync.Mutex
	times map[string]int
}

// countedBatcher is a counted connector that takes batches.
type countedBatcher struct{ *counted }

func counting(c connectors.Connector, first func()) (connectors.Connector, *counted) {
	n := &counted{Connector: c, first: first, times: map[string]int{}}
	if _, ok := c.(connectors.Batcher); ok {
		return countedBatcher{n}, n
	}
	return n, n
}

func (n *counted) add(changes ...access.Change) {
	n.once.Do(n.first)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range changes {
		n.times[c.String()]++
	}
}

func (n *counted) Apply(ctx context.Context, c access.Change) error {
	n.add(c)
	return n.Connector.Apply(ctx, c)
}

func (b countedBatcher) ApplyBatch(ctx context.Context, changes []access.Change) error {
	b.add(changes...)
	return b.Connector.(connectors.Batcher).ApplyBatch(ctx, changes)
}

func applySettles(t *trial) {
	for _, f := range []Fault{"", FaultLostReply} {
		b := t.open()
		want := merged(t, b.fresh, enabledOnly(t, b.maker.everything()))
		c, count := counting(b.Connector, func() {
			if f != "" && !b.arm(f) {
				t.partly("no reply of a write can be lost here")
			}
		})
		res, err := carryOut(t.Context(), c, want)
		if err != nil {
			t.Fatalf("with the fault %q: %v", f, err)
		}
		skipped := false
		for _, s := range res.Steps {
			skipped = skipped || s.Outcome == journal.Skipped
			b.readBack(f, s, count.times[s.Change.String()])
		}
		if t.Failed() {
			return
		}
		b.settled()
		if skipped { // what waited for the outcome that wasn't known
			if res, err = carryOut(t.Context(), c, want); err != nil {
				t.Fatalf("with the fault %q, the second run: %v", f, err)
			}
			for _, s := range res.Steps {
				b.readBack(f, s, count.times[s.Change.String()])
			}
			b.settled()
		}
		t.same("once it is settled", b.converged(want))
		again, err := carryOut(t.Context(), c, want)
		if err != nil {
			t.Fatalf("with the fault %q, again: %v", f, err)
		}
		if len(again.Steps) > 0 {
			t.Errorf("with the fault %q: all is done and settled, and planning again finds %d changes, the first %s", f, len(again.Steps), again.Steps[0].Change)
		}
	}
}

// readBack checks what a run says of a step that it was asked to make.
func (b *bed) readBack(f Fault, s apply.StepResult, times int) {
	b.Helper()
	switch s.Outcome {
	case journal.Skipped:
		return
	case journal.Done, journal.Unknown:
	default:
		b.Errorf("with the fault %q: %s: %v", f, s.Change, s.Err)
		return
	}
	if times != 1 {
		b.Errorf("with the fault %q: %s was asked for %d times", f, s.Change, times)
	}
	if s.Seen == journal.Holds || s.Seen == journal.Unconfirmed && b.desc.Settle > 0 {
		return
	}
	b.Errorf("with the fault %q: %s: read back within the settle time of %v it is %s: %s", f, s.Change, b.desc.Settle, s.Seen, s.Note)
}
