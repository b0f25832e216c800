package connectortest

import (
	"errors"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// walk applies a script change by change, and gives for each the differences between what is
// there and what should be. What is there is what the next change is held against, so that
// one mistake is reported once.
func (b *bed) walk(apply func(access.Change) bool, check func(c access.Change, diffs []difference)) {
	b.Helper()
	b.seed(b.maker.everything())
	b.walkOn(apply, check)
}

// walkOn is walk on a system that holds everything.
func (b *bed) walkOn(apply func(access.Change) bool, check func(c access.Change, diffs []difference)) {
	b.Helper()
	now := b.dump()
	for _, c := range b.maker.script(now) {
		e := access.Edit(now, b.desc)
		if err := e.Do(c); err != nil {
			// What came before went wrong, and was reported.
			b.Errorf("%s can't be tried after what happened before: %v", c, err)
			return
		}
		want, err := e.State()
		if err != nil {
			b.Fatalf("the suite made up an impossible change: %v", err)
		}
		ok := apply(c)
		got := b.dump()
		if ok {
			check(c, differences(want, got, doneBy(c)))
		}
		now = got
	}
}

func applyDeclared(t *trial) {
	b := t.open()
	b.walk(b.apply, func(c access.Change, diffs []difference) {
		t.same(c.String(), about(c, diffs, true))
	})
	b = t.open()
	b.seed(b.maker.everything())
	for _, c := range b.maker.undeclared() {
		b.refuses("it isn't declared", c, connectors.ErrUnsupported)
	}
}

// undeclared makes up changes that the description excludes.
func (m *maker) undeclared() []access.Change {
	m.Helper()
	var out []access.Change
	for _, kind := range m.desc.Kinds {
		id, ok := m.thing(kind.Name, 0)
		if !ok {
			continue
		}
		for _, a := range objectActions() {
			if !m.desc.Can(kind.Name, a) {
				c := access.Change{System: SystemName, Action: a, Subject: id, Before: &access.Value{}, After: &access.Value{}}
				switch a {
				case access.Create:
					c.Subject.Name, c.Before = id.Name+"-not", nil
				case access.Rename:
					c.After.Name = id.Name + "-not"
				case access.Delete:
					c.After = nil
				}
				out = append(out, c)
			}
		}
		account, ok := m.thing(access.KindAccount, 0)
		if !ok {
			continue
		}
		out = append(out, give(account, id, "no such permission"))
		if len(kind.Permissions) > 0 && !kind.Ordered {
			p := kind.Permissions[0].Name
			out = append(out, level(account, id, p, p))
		}
		for _, p := range kind.Permissions {
			if p.ReadOnly {
				out = append(out, give(account, id, p.Name))
			}
		}
		for _, sk := range m.desc.Kinds {
			if subject, ok := m.thing(sk.Name, 1); ok && len(kind.Permissions) > 0 && !kind.Holds(sk.Name) {
				out = append(out, give(subject, id, kind.Usual))
			}
		}
	}
	return append(out,
		access.Change{System: SystemName, Action: access.Create, Subject: access.ID{Kind: "no such kind", Name: "x"}, After: &access.Value{}})
}

func applyNothingElse(t *trial) {
	b := t.open()
	b.walk(b.apply, func(c access.Change, diffs []difference) {
		t.same("besides "+c.String(), about(c, diffs, false))
	})
}

func applyTwice(t *trial) {
	b := t.open()
	b.walk(func(c access.Change) bool {
		if !b.apply(c) {
			return false
		}
		once := b.dump()
		if err := b.Apply(t.Context(), c); err != nil {
			t.Errorf("%s, a second time: %v", c, err)
		}
		return b.unchanged("the second time "+c.String(), once)
	}, func(access.Change, []difference) {})
}

func applyLostReply(t *trial) {
	type sort struct {
		kind   string
		action access.Action
	}
	tried := map[sort]bool{}
	b := t.open()
	b.walk(func(c access.Change) bool {
		s := sort{c.Ref().ID.Kind, c.Action}
		if tried[s] {
			return b.apply(c)
		}
		tried[s] = true
		if !b.arm(FaultLostReply) {
			t.Fatalf("the harness can't lose the reply of a write (FaultLostReply)")
		}
		if err := b.Apply(t.Context(), c); err != nil && !errors.Is(err, connectors.ErrOutcomeUnknown) {
			t.Errorf("%s, its reply lost: %v; want an error that is %q, or none", c, err, connectors.ErrOutcomeUnknown)
		}
		return b.apply(c)
	}, func(c access.Change, diffs []difference) {
		t.same("repeated after its reply was lost: "+c.String(), diffs)
	})
}

func applyRefusesStale(t *trial) {
	b := t.open()
	b.seed(b.maker.everything())
	for _, s := range b.maker.stale(b.dump()) {
		b.refuses(s.name, s.change, connectors.ErrConflict)
	}
}

func applySparesReserved(t *trial) {
	b := t.open()
	d := access.NewBuilder(SystemName)
	for _, kind := range b.desc.Kinds {
		if id, ok := b.maker.thing(kind.Name, 8); ok && b.maker.makes(kind.Name) {
			o := b.maker.object(id, 0)
			o.Reserved = true
			d.Object(o)
		}
	}
	for o := range b.maker.everything().Objects() {
		d.Object(o)
	}
	b.seed(build(t, d))
	there := b.dump()
	found := false
	for o := range there.Objects() {
		if !o.Reserved || o.ID == there.Self() {
			continue
		}
		found = true
		for _, c := range b.maker.against(o) {
			if err := b.Apply(t.Context(), c); err == nil {
				t.Errorf("%s, which is reserved, was taken", c)
			}
			if !b.unchanged(c.String(), there) {
				return
			}
		}
	}
	if !found {
		t.Skipf("nothing on this system is reserved")
	}
}

// against makes up changes of an object that belongs to the system itself.
func (m *maker) against(o access.Object) []access.Change {
	m.Helper()
	var out []access.Change
	kind, _ := m.desc.Kind(o.ID.Kind)
	if m.desc.Can(kind.Name, access.Delete) {
		out = append(out, access.Change{System: SystemName, Action: access.Delete, Subject: o.ID, Before: &access.Value{Disabled: o.Disabled}})
	}
	if to, ok := m.thing(kind.Name, renamed); ok && m.desc.Can(kind.Name, access.Rename) {
		out = append(out, rename(o.ID, to.Name))
	}
	if m.desc.Can(kind.Name, access.Disable) && !o.Disabled {
		out = append(out, disable(o.ID, true))
	}
	if m.desc.Can(kind.Name, access.Update) && len(kind.Attributes) > 0 {
		a := kind.Attributes[0].Name
		for _, v := range m.values(kind.Name, a) {
			if v != o.Attributes[a] {
				out = append(out, update(o.ID, a, o.Attributes[a], v))
				break
			}
		}
	}
	for _, k := range m.desc.Kinds {
		if target, ok := m.thing(k.Name, 0); ok && k.Holds(kind.Name) && len(wishes(k)) > 0 && target != o.ID {
			out = append(out, give(o.ID, target, k.Usual))
			break
		}
	}
	return out
}
