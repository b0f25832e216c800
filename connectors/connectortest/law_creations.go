package connectortest

import (
	"errors"
	"maps"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

func applyCreationsAgree(t *trial) {
	b := t.open()
	if b.desc.Creates < 2 {
		t.Skipf("the connector makes one object at a time")
	}
	tried := 0
	for _, kind := range b.desc.Kinds {
		if all := b.creations(kind); len(all) > 2 {
			tried++
			t.createTogether(all)
			t.createBesideTaken(all)
			t.createWithLostReply(all)
		}
	}
	if tried == 0 {
		t.Errorf("Creates is %d, but no kind of object can be made", b.desc.Creates)
	}
}

// creations make objects of one kind, as many as go into one call.
func (b *bed) creations(kind access.Kind) []access.Change {
	var out []access.Change
	if !b.maker.makes(kind.Name) {
		return nil
	}
	for i := range min(b.desc.Creates, 3*batchSize) {
		id, ok := b.maker.thing(kind.Name, i)
		if !ok {
			break
		}
		out = append(out, access.Change{System: SystemName, Action: access.Create, Subject: id, After: &access.Value{Attributes: b.maker.object(id, i%2).Attributes}})
	}
	return out
}

// createEach makes objects in one call, and holds what is there against what was told of each.
func (b *bed) createEach(what string, changes []access.Change) []error {
	b.Helper()
	before := b.dump()
	errs := b.Connector.(connectors.Creator).CreateEach(b.Context(), changes)
	if len(errs) != len(changes) {
		b.Fatalf("%s: %d outcomes of %d creations", what, len(errs), len(changes))
	}
	after := b.dump()
	want := access.Edit(before, b.desc)
	var done []access.Change
	for i, c := range changes {
		_, there := after.Object(c.Subject)
		if _, already := before.Object(c.Subject); already || errs[i] != nil && !(errors.Is(errs[i], connectors.ErrOutcomeUnknown) && there) {
			continue
		}
		done = append(done, c)
		if err := want.Do(c); err != nil {
			b.Fatalf("the suite made up an impossible change: %v", err)
		}
	}
	state, err := want.State()
	if err != nil {
		b.Fatalf("the suite made up an impossible change: %v", err)
	}
	b.same(what, differences(state, after, doneBy(done...)))
	return errs
}

func (t *trial) createTogether(all []access.Change) {
	b := t.open()
	for _, what := range []string{"after creations in one call", "after the same again"} {
		if err := errors.Join(b.createEach(what, all)...); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// createBesideTaken makes objects of which one is there already, and is another one.
func (t *trial) createBesideTaken(all []access.Change) {
	b := t.open()
	taken := len(all) / 2
	other := b.maker.object(all[taken].Subject, 1-taken%2)
	if maps.Equal(other.Attributes, all[taken].After.Attributes) {
		return
	}
	s := access.NewBuilder(SystemName)
	s.Object(other)
	b.seed(build(b, s))
	for i, err := range b.createEach("after creations beside a taken name", all) {
		switch {
		case i == taken && !errors.Is(err, connectors.ErrConflict):
			t.Errorf("%s, which is there and another one: %v, want an error that is %q", all[i], err, connectors.ErrConflict)
		case i != taken && err != nil:
			t.Errorf("%s, beside another name that is taken: %v", all[i], err)
		}
	}
}

func (t *trial) createWithLostReply(all []access.Change) {
	b := t.open()
	if !b.arm(FaultLostReply) {
		t.partly("no reply can be lost")
		return
	}
	b.createEach("after creations of which a reply was lost", all)
	if err := errors.Join(b.createEach("after repeating them", all)...); err != nil {
		t.Errorf("repeating creations of which a reply was lost: %v", err)
	}
}
