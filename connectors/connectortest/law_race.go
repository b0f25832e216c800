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
	lanes := b.maker.lanes(b.desc.Parallel)
	e := access.Edit(b.dump(), b.desc)
	for _, lane := range lanes {
		for _, c := range lane {
			if err := e.Do(c); err != nil {
				t.Fatalf("the suite made up an impossible change: %v", err)
			}
		}
	}
	want, err := e.State()
	if err != nil {
		t.Fatalf("the suite made up an impossible change: %v", err)
	}
	t.Logf("%d at a time", len(lanes))
	errs := make([]error, len(lanes))
	var wg sync.WaitGroup
	for i, lane := range lanes {
		wg.Go(func() {
			for _, c := range lane {
				_, readErr := b.Read(t.Context(), connectors.Scope{IDs: []access.ID{c.Subject}})
				errs[i] = errors.Join(errs[i], b.Apply(t.Context(), c), readErr)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("at the same time: %v", err)
	}
	t.same("after all", differences(want, b.dump(), leniency{implied: true, loose: func(access.ID) bool { return true }}))
	t.same("read after all", differences(want, b.settled(), leniency{implied: true, loose: func(access.ID) bool { return true }}))
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
