package connectortest

import (
	"github.com/accordhq/accord/engine/access"
)

// script is a series of changes that does everything the description names, each planned upon
// what the ones before have left.
type script struct {
	*maker
	e       *access.Editor
	changes []access.Change
}

// script makes up the changes for a system that holds what is given.
func (m *maker) script(from *access.State) []access.Change {
	m.Helper()
	s := &script{maker: m, e: access.Edit(from, m.desc)}
	for _, kind := range m.desc.Kinds {
		s.create(kind)
	}
	for _, kind := range m.desc.Kinds {
		s.grants(kind)
	}
	for _, kind := range m.desc.Kinds {
		s.alter(kind)
	}
	for i := len(m.desc.Kinds) - 1; i >= 0; i-- {
		s.remove(m.desc.Kinds[i])
	}
	return s.changes
}

// The numbers of the objects that a script makes, beyond those of everything.
const (
	made    = 5 // created first, granted upon, altered, renamed to
	renamed = 6
	born    = 7 // an account that is created disabled
)

func (s *script) do(c access.Change) {
	s.Helper()
	c.System = SystemName
	if err := s.e.Do(c); err != nil {
		s.Fatalf("the suite made up an impossible change: %v", err)
	}
	s.changes = append(s.changes, c)
}

func (s *script) state() *access.State {
	s.Helper()
	state, err := s.e.State()
	if err != nil {
		s.Fatalf("the suite made up an impossible change: %v", err)
	}
	return state
}

func (s *script) create(kind access.Kind) {
	s.Helper()
	if !s.makes(kind.Name) {
		return
	}
	id, _ := s.thing(kind.Name, made)
	s.do(access.Change{Action: access.Create, Subject: id, After: &access.Value{Attributes: s.object(id, 0).Attributes}})
	if kind.Name == access.KindAccount && s.switches() {
		id, _ := s.thing(kind.Name, born)
		s.do(access.Change{Action: access.Create, Subject: id, After: &access.Value{Attributes: s.object(id, 1).Attributes, Disabled: true}})
	}
}

// target is an object of the kind on which nobody else holds anything, if one can be made.
func (s *script) target(kind string) (access.ID, bool) {
	if s.makes(kind) {
		return s.thing(kind, made)
	}
	return s.thing(kind, 0)
}

// subject is an object that may be given something on the target.
func (s *script) subject(kind string, target access.ID) (access.ID, bool) {
	for _, i := range []int{made, 0, 1} {
		if !s.makes(kind) && i == made {
			continue
		}
		id, ok := s.thing(kind, i)
		o, _ := s.fresh.Object(id)
		if ok && id != target && !o.Reserved {
			return id, true
		}
	}
	return access.ID{}, false
}

func (s *script) grants(kind access.Kind) {
	s.Helper()
	target, ok := s.target(kind.Name)
	all := wishes(kind)
	if !ok || len(all) == 0 {
		return
	}
	s.bystander(kind, target, all)
	for _, sk := range s.subjects(kind) {
		subject, ok := s.subject(sk, target)
		if !ok {
			continue
		}
		for _, g := range s.state().Grants() { // begin with nothing
			if g.Subject == subject && g.Target == target && g.Standing != access.Implied {
				s.do(revoke(subject, target, g.Permission))
			}
		}
		if kind.Ordered {
			s.levels(subject, target, all)
			continue
		}
		for _, p := range all {
			s.do(give(subject, target, p))
		}
		for _, p := range all {
			s.do(revoke(subject, target, p))
		}
	}
	if subject, ok := s.subject(s.subjects(kind)[0], target); ok {
		s.do(give(subject, target, all[0])) // so that a rename has something to carry along
	}
}

// bystander gives somebody what others will be given and lose, to see that it stays theirs.
func (s *script) bystander(kind access.Kind, target access.ID, all []string) {
	s.Helper()
	if !s.makes(kind.Name) {
		return // on what was there before, others hold things already
	}
	for _, sk := range s.subjects(kind) {
		id, ok := s.thing(sk, 1)
		if o, _ := s.fresh.Object(id); !ok || o.Reserved {
			continue
		}
		s.do(give(id, target, all[0]))
		return
	}
}

// levels goes up and down, and gives and takes each level by itself.
func (s *script) levels(subject, target access.ID, all []string) {
	s.Helper()
	for _, p := range all {
		s.do(give(subject, target, p))
		s.do(revoke(subject, target, p))
	}
	s.do(give(subject, target, all[0]))
	for i := 1; i < len(all); i++ {
		s.do(level(subject, target, all[i-1], all[i]))
	}
	for i := len(all) - 1; i > 0; i-- {
		s.do(level(subject, target, all[i], all[i-1]))
	}
	s.do(revoke(subject, target, all[0]))
}

// alter updates, disables, enables and renames.
func (s *script) alter(kind access.Kind) {
	s.Helper()
	id, ok := s.target(kind.Name)
	if !ok || !s.makes(kind.Name) {
		return
	}
	if s.desc.Can(kind.Name, access.Update) {
		for _, a := range kind.Attributes {
			for _, v := range s.values(kind.Name, a.Name) {
				o, _ := s.state().Object(id)
				if was := o.Attributes[a.Name]; was != v {
					s.do(update(id, a.Name, was, v))
				}
			}
		}
	}
	if s.desc.Can(kind.Name, access.Disable) {
		s.do(disable(id, true))
	}
	if s.desc.Can(kind.Name, access.Enable) {
		s.do(disable(id, false))
	}
	if to, _ := s.thing(kind.Name, renamed); s.desc.Can(kind.Name, access.Rename) {
		s.do(rename(id, to.Name))
		s.do(rename(to, id.Name))
	}
}

// remove revokes what is left of the objects made and deletes them.
func (s *script) remove(kind access.Kind) {
	s.Helper()
	for _, i := range []int{made, born} {
		id, ok := s.thing(kind.Name, i)
		if !ok || !s.makes(kind.Name) {
			continue
		}
		o, there := s.state().Object(id)
		if !there {
			continue
		}
		for _, g := range s.state().Grants() {
			if (g.Subject == id || g.Target == id) && g.Standing != access.Implied {
				s.do(revoke(g.Subject, g.Target, g.Permission))
			}
		}
		if s.desc.Can(kind.Name, access.Delete) {
			s.do(access.Change{Action: access.Delete, Subject: id, Before: &access.Value{Disabled: o.Disabled}})
		}
	}
}

func give(subject, target access.ID, permission string) access.Change {
	return access.Change{System: SystemName, Action: access.Give, Subject: subject, Target: target,
		After: &access.Value{Permission: permission}}
}

func revoke(subject, target access.ID, permission string) access.Change {
	return access.Change{System: SystemName, Action: access.Revoke, Subject: subject, Target: target,
		Before: &access.Value{Permission: permission}}
}

func level(subject, target access.ID, from, to string) access.Change {
	return access.Change{System: SystemName, Action: access.ChangeLevel, Subject: subject, Target: target,
		Before: &access.Value{Permission: from}, After: &access.Value{Permission: to}}
}

func update(id access.ID, attribute, from, to string) access.Change {
	return access.Change{System: SystemName, Action: access.Update, Subject: id,
		Before: &access.Value{Attributes: map[string]string{attribute: from}},
		After:  &access.Value{Attributes: map[string]string{attribute: to}}}
}

func rename(id access.ID, to string) access.Change {
	return access.Change{System: SystemName, Action: access.Rename, Subject: id,
		Before: &access.Value{Name: id.Name}, After: &access.Value{Name: to}}
}

func disable(id access.ID, yes bool) access.Change {
	a := access.Enable
	if yes {
		a = access.Disable
	}
	return access.Change{System: SystemName, Action: a, Subject: id,
		Before: &access.Value{Disabled: !yes}, After: &access.Value{Disabled: yes}}
}
