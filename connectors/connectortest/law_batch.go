package connectortest

import (
	"context"
	"errors"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// batchSize is how many changes the suite puts into one batch.
const batchSize = 7

// units cuts changes into such batches as the description allows.
func units(d access.Description, changes []access.Change) [][]access.Change {
	var out [][]access.Change
	for _, c := range changes {
		if n := len(out) - 1; n >= 0 && len(out[n]) < batchSize && together(d.Batch, out[n][0], c) {
			out[n] = append(out[n], c)
			continue
		}
		out = append(out, []access.Change{c})
	}
	return out
}

// together reports whether two changes may stand in one unit.
func together(u access.BatchUnit, a, b access.Change) bool {
	switch u {
	case access.BatchAll:
		return true
	case access.BatchTarget:
		return a.Action.OnGrant() && b.Action.OnGrant() && a.Target == b.Target
	}
	return false
}

// applyUnit applies a unit as the engine does: one change by itself, several as a batch.
func applyUnit(ctx context.Context, batcher connectors.Batcher, c connectors.Connector, unit []access.Change) error {
	if len(unit) == 1 || batcher == nil {
		return c.Apply(ctx, unit[0])
	}
	return batcher.ApplyBatch(ctx, unit)
}

func applyBatchAgrees(t *trial) {
	b := t.open()
	if b.desc.Batch == access.BatchNone {
		t.Skipf("the connector takes one change at a time")
	}
	if _, ok := b.Connector.(connectors.Batcher); !ok {
		t.Fatalf("Batch is %q, but there is no ApplyBatch", b.desc.Batch)
	}
	t.batchesAgree(func(c connectors.Connector) connectors.Batcher { return c.(connectors.Batcher) })
	if _, ok := b.Connector.(connectors.SeriesBatcher); ok && !t.Failed() {
		t.batchesAgree(func(c connectors.Connector) connectors.Batcher { return c.(connectors.SeriesBatcher).Series() })
	}
}

// batchesAgree makes batches by what batcher gives for a connector.
func (t *trial) batchesAgree(of func(connectors.Connector) connectors.Batcher) {
	b := t.open()
	batcher := of(b.Connector)
	b.seed(b.maker.everything())
	before := b.dump()
	for _, unit := range units(b.desc, b.maker.script(before)) {
		want := access.Edit(b.dump(), b.desc)
		for _, c := range unit {
			if err := want.Do(c); err != nil {
				t.Fatalf("the suite made up an impossible change: %v", err)
			}
		}
		state, err := want.State()
		if err != nil {
			t.Fatalf("the suite made up an impossible change: %v", err)
		}
		times := 1
		if repeatable(unit) {
			times = 2
		}
		for range times {
			if err := applyUnit(t.Context(), batcher, b.Connector, unit); err != nil {
				t.Fatalf("a batch of %d changes from %s on: %v", len(unit), unit[0], err)
			}
			if !t.same("after a batch", differences(state, b.dump(), doneBy(unit...))) {
				return
			}
		}
	}
	t.batchesAllOrNone(of)
}

// repeatable reports whether a unit touches everything once, so that it is true already after
// it was applied.
func repeatable(unit []access.Change) bool {
	seen := map[[2]access.ID]bool{}
	for _, c := range unit {
		at := [2]access.ID{c.Subject, c.Target}
		if seen[at] || c.Action == access.Rename || c.Action == access.Delete {
			return false
		}
		seen[at] = true
	}
	return true
}

// batchesAllOrNone puts a stale change behind good ones.
func (t *trial) batchesAllOrNone(of func(connectors.Connector) connectors.Batcher) {
	b := t.open()
	batcher := of(b.Connector)
	b.seed(b.maker.everything())
	before := b.dump()
	tried := 0
	for _, s := range b.maker.stale(before) {
		var unit []access.Change
		for _, c := range b.maker.script(before) {
			if len(unit) < 3 && together(b.desc.Batch, s.change, c) && c.Subject != s.change.Subject && alone(before, b.desc, append(unit, c)) {
				unit = append(unit, c)
			}
		}
		if len(unit) == 0 || alone(before, b.desc, append(unit, s.change)) {
			continue
		}
		tried++
		err := batcher.ApplyBatch(t.Context(), append(unit, s.change))
		if !errors.Is(err, connectors.ErrConflict) {
			t.Errorf("a batch that ends with %s (%s): %v, want an error that is %q", s.change, s.name, err, connectors.ErrConflict)
		}
		if !b.unchanged("a batch that was refused", before) {
			return
		}
	}
	if tried == 0 {
		t.Logf("no batch that must be refused could be made up")
	}
}

// alone reports whether changes could be applied to a state in that order.
func alone(s *access.State, d access.Description, changes []access.Change) bool {
	e := access.Edit(s, d)
	for _, c := range changes {
		if e.Do(c) != nil {
			return false
		}
	}
	return true
}
