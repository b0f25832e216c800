package connectortest

import (
	"errors"
	"sync"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

func raceParallel(t *trial) {
	b := t.open()
	b.seed(b.maker.everything())
	b.race(b.maker.lanes(b.desc.Parallel))
	if t.Failed() || b.desc.Parallel == 1 {
		return
	}
	b = t.open()
	b.seed(b.maker.everything())
	b.race(b.maker.crossing())
	if b.desc.Batch == access.BatchTarget {
		b = t.open()
		b.raceUnits(b.maker.sideBySide(), b.Connector.(connectors.Batcher))
	}
	if _, ok := b.Connector.(connectors.SeriesBatcher); ok && !t.Failed() {
		b = t.open()
		b.raceUnits(b.maker.sideBySide(), b.Connector.(connectors.SeriesBatcher).Series())
	}
}

// raceUnits makes the units of each lane one after another, and all lanes at the same time.
func (b *bed) raceUnits(lanes [][][]access.Change, batcher connectors.Batcher) {
	b.Helper()
	e := access.Edit(b.dump(), b.desc)
	for _, lane := range lanes {
		for _, unit := range lane {
			for _, c := range unit {
				if err := e.Do(c); err != nil {
					b.Fatalf("the suite made up an impossible change: %v", err)
				}
			}
		}
	}
	want, err := e.State()
	if err != nil {
		b.Fatalf("the suite made up an impossible change: %v", err)
	}
	errs := make([]error, len(lanes))
	slots := make(chan struct{}, b.desc.Parallel)
	var wg sync.WaitGroup
	for i, lane := range lanes {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for _, unit := range lane {
				errs[i] = errors.Join(errs[i], applyUnit(b.Context(), batcher, b.Connector, unit))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		b.Fatalf("units at the same time: %v", err)
	}
	b.same("after all units", differences(want, b.dump(), asDeclared()))
}

// sideBySide makes up series of units, each about a target of its own and all about the same
// accounts. What they are about is put there, with nothing held.
func (m *maker) sideBySide() [][][]access.Change {
	m.Helper()
	if !m.makes(access.KindAccount) {
		return nil
	}
	accounts := m.things(access.KindAccount, 4)
	d := newDraft()
	for _, id := range accounts {
		d.b.Object(m.object(id, 0))
	}
	var targets []access.ID
	for _, kind := range m.desc.Kinds {
		if kind.Name == access.KindAccount || !m.makes(kind.Name) || !kind.Holds(access.KindAccount) || len(wishes(kind)) == 0 {
			continue
		}
		for _, id := range m.things(kind.Name, 4) {
			d.b.Object(m.object(id, 0))
			targets = append(targets, id)
		}
	}
	m.seed(build(m, d.b))
	var out [][][]access.Change
	for _, target := range targets {
		kind, _ := m.desc.Kind(target.Kind)
		var gives, revokes []access.Change
		for _, id := range accounts {
			gives, revokes = append(gives, give(id, target, kind.Usual)), append(revokes, revoke(id, target, kind.Usual))
		}
		out = append(out, [][]access.Change{gives, revokes, gives[:2], gives[2:]})
	}
	return out
}

// race makes each lane's changes one after another, and all lanes at the same time.
func (b *bed) race(lanes [][]access.Change) {
	b.Helper()
	e := access.Edit(b.dump(), b.desc)
	for _, lane := range lanes {
		for _, c := range lane {
			if err := e.Do(c); err != nil {
				b.Fatalf("the suite made up an impossible change: %v", err)
			}
		}
	}
	want, err := e.State()
	if err != nil {
		b.Fatalf("the suite made up an impossible change: %v", err)
	}
	b.Logf("%d at a time", len(lanes))
	errs := make([]error, len(lanes))
	var wg sync.WaitGroup
	for i, lane := range lanes {
		wg.Go(func() {
			for _, c := range lane {
				_, readErr := b.Read(b.Context(), connectors.Scope{IDs: []access.ID{c.Subject}})
				errs[i] = errors.Join(errs[i], b.Apply(b.Context(), c), readErr)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		b.Fatalf("at the same time: %v", err)
	}
	b.same("after all", differences(want, b.dump(), asDeclared()))
	b.same("read after all", differences(want, b.settled(), asDeclared()))
}

// lanes makes up as many series of changes, each about an account of its own, all on the same
// targets.
func (m *maker) lanes(n int) [][]access.Change {
	m.Helper()
	var out [][]access.Change
	for i := range n {
		var lane []access.Change
		id, ok := m.thing(access.KindAccount, i)
		if m.makes(access.KindAccount) {
			id, ok = m.thing(access.KindAccount, 20+i)
			lane = append(lane, access.Change{System: SystemName, Action: access.Create, Subject: id,
				After: &access.Value{Attributes: m.object(id, i).Attributes}})
		}
		if !ok {
			break
		}
		for _, kind := range m.desc.Kinds {
			target, ok := m.thing(kind.Name, 0)
			if _, held := firstOn(m.fresh, id, target); !ok || held || !kind.Holds(access.KindAccount) || len(wishes(kind)) == 0 || !m.makes(access.KindAccount) {
				continue
			}
			lane = append(lane, give(id, target, kind.Usual), revoke(id, target, kind.Usual), give(id, target, kind.Usual))
		}
		out = append(out, lane)
	}
	return out
}

// crossing makes up series of changes that are all about one and the same account, each on
// targets of its own. The account is put there, with nothing.
func (m *maker) crossing() [][]access.Change {
	m.Helper()
	id, ok := m.thing(access.KindAccount, made)
	if !ok || !m.makes(access.KindAccount) {
		return nil
	}
	d := newDraft()
	d.b.Object(m.object(id, 0))
	m.seed(build(m, d.b))
	there := m.dump()
	out := make([][]access.Change, m.desc.Parallel)
	n := 0
	for _, kind := range m.desc.Kinds {
		for _, target := range m.things(kind.Name, 4) {
			if _, is := there.Object(target); !is || target == id || !kind.Holds(access.KindAccount) || len(wishes(kind)) == 0 {
				continue
			}
			lane := n % len(out)
			out[lane] = append(out[lane], give(id, target, kind.Usual), revoke(id, target, kind.Usual), give(id, target, kind.Usual))
			n++
		}
	}
	return out
}
