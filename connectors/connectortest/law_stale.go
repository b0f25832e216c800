package connectortest

import (
	"github.com/accordhq/accord/engine/access"
)

// staleChange is a change that finds neither its before nor its after.
type staleChange struct {
	name   string
	change access.Change
}

// stale makes up changes that were planned upon something else than what is there.
func (m *maker) stale(there *access.State) []staleChange {
	m.Helper()
	var out []staleChange
	add := func(name string, c access.Change) { out = append(out, staleChange{name, c}) }
	for _, kind := range m.desc.Kinds {
		m.staleObjects(kind, there, add)
		m.staleGrants(kind, there, add)
	}
	return out
}

func (m *maker) staleObjects(kind access.Kind, there *access.State, add func(string, access.Change)) {
	m.Helper()
	if !m.makes(kind.Name) {
		return
	}
	id, _ := m.thing(kind.Name, 0)
	other, _ := m.thing(kind.Name, 1)
	gone, _ := m.thing(kind.Name, made)
	gone2, _ := m.thing(kind.Name, renamed)
	o, _ := there.Object(id)
	for _, a := range kind.Attributes {
		var wrong []string // values that the attribute doesn't have
		for _, v := range m.values(kind.Name, a.Name) {
			if v != o.Attributes[a.Name] {
				wrong = append(wrong, v)
			}
		}
		if m.desc.Can(kind.Name, access.Update) {
			if len(wrong) >= 2 {
				add("an attribute that was changed meanwhile", update(id, a.Name, wrong[0], wrong[1]))
			}
			if len(wrong) >= 1 {
				add("an attribute of what is gone", update(gone, a.Name, "", m.value(kind.Name, a.Name, 0)))
			}
		}
		if len(wrong) >= 1 {
			attrs := m.object(id, 0).Attributes
			attrs[a.Name] = wrong[0]
			add("creating what is there and differs", access.Change{System: SystemName, Action: access.Create, Subject: id,
				After: &access.Value{Attributes: attrs}})
		}
	}
	if m.desc.Can(kind.Name, access.Rename) {
		add("renaming to a name that is taken", rename(id, other.Name))
		add("renaming what is gone", rename(gone, gone2.Name))
	}
	if m.desc.Can(kind.Name, access.Disable) {
		add("disabling what is gone", disable(gone, true))
	}
	if m.desc.Can(kind.Name, access.Enable) {
		add("enabling what is gone", disable(gone, false))
	}
	if m.desc.Can(kind.Name, access.Delete) && kind.Name == access.KindAccount && m.switches() {
		add("deleting what was disabled when it was planned and is in use again", access.Change{System: SystemName,
			Action: access.Delete, Subject: id, Before: &access.Value{Disabled: true}})
	}
}

func (m *maker) staleGrants(kind access.Kind, there *access.State, add func(string, access.Change)) {
	m.Helper()
	all := wishes(kind)
	if len(all) == 0 {
		return
	}
	for _, sk := range m.subjects(kind) {
		target, ok := m.thing(kind.Name, 0)
		if goneSubject, _ := m.thing(sk, made); ok && m.makes(sk) {
			add("giving to what is gone", give(goneSubject, target, all[0]))
		}
		goneTarget, _ := m.thing(kind.Name, made)
		if subjects := m.seedable(sk, 1); m.makes(kind.Name) && !kind.Open && len(subjects) > 0 {
			add("giving on what is gone", give(subjects[0], goneTarget, all[0]))
		}
	}
	if kind.Ordered && len(all) > 1 {
		m.staleLevels(kind, all, there, add)
	}
}

// staleLevels looks for a subject that holds one level, and plans upon others.
func (m *maker) staleLevels(kind access.Kind, all []string, there *access.State, add func(string, access.Change)) {
	m.Helper()
	for _, g := range there.Grants() {
		o, _ := there.Object(g.Subject)
		if g.Target.Kind != kind.Name || g.Standing != access.Held || o.Reserved || kind.Level(g.Permission) < 0 {
			continue
		}
		var others []string
		for _, p := range all {
			if p != g.Permission {
				others = append(others, p)
			}
		}
		if len(others) == 0 {
			continue
		}
		add("giving where another level is held", give(g.Subject, g.Target, others[0]))
		add("revoking another level than is held", revoke(g.Subject, g.Target, others[0]))
		if len(others) > 1 {
			add("moving from another level than is held", level(g.Subject, g.Target, others[0], others[1]))
		}
		break
	}
	for o := range there.Objects() {
		target, ok := m.thing(kind.Name, 1)
		if _, held := firstOn(there, o.ID, target); ok && !held && !o.Reserved && kind.Holds(o.ID.Kind) && o.ID != target {
			add("moving a level where none is held", level(o.ID, target, all[0], all[1]))
			return
		}
	}
}
