package access

import (
	"errors"
	"fmt"
	"maps"
)

// ErrStale says that what a change was planned upon is no longer so.
var ErrStale = errors.New("no longer as planned")

// Editor carries out changes on a state in memory. It is the meaning of each action, written
// once: connectors that keep their whole system in memory or in a file use it to apply, the
// guards use it to look at the world after a plan, and tests as the oracle. A change that is
// already true is no error; one that finds neither its before nor its after is ErrStale and
// changes nothing.
type Editor struct {
	desc    Description
	base    *State
	objects map[ID]Object
	held    map[ID]map[edgeName]Standing // by subject
	on      map[ID]map[ID]bool           // target → subjects
}

type edgeName struct {
	target     ID
	permission string
}

// Edit starts from a state, which itself stays as it is. The description tells which kinds
// have levels and which actions exist.
func Edit(s *State, d Description) *Editor {
	e := &Editor{desc: d, base: s, objects: map[ID]Object{}, held: map[ID]map[edgeName]Standing{}, on: map[ID]map[ID]bool{}}
	for o := range s.Objects() {
		e.objects[o.ID] = o
	}
	for _, g := range s.Grants() {
		e.put(g.Subject, edgeName{g.Target, g.Permission}, g.Standing)
	}
	return e
}

// State gives what the edits have led to, complete and whole, with the identity and self of
// the state that the editor began with.
func (e *Editor) State() (*State, error) { return e.build(NewBuilder(e.base.system)) }

// StateLike gives what State gives, but as unsure as the state it began with: the same scope
// and the same unknowns.
func (e *Editor) StateLike() (*State, error) {
	b := NewBuilder(e.base.system)
	if !e.base.Whole() {
		b.Only(e.base.scope...)
	}
	b.unknown = append(b.unknown, e.base.unknown...)
	return e.build(b)
}

func (e *Editor) build(b *Builder) (*State, error) {
	b.Identity(e.base.identity).Self(e.base.self)
	for _, o := range e.objects {
		b.Object(o)
	}
	for subject, held := range e.held {
		for n, standing := range held {
			b.Grant(Grant{subject, n.target, n.permission, standing})
		}
	}
	return b.Build()
}

// Do carries out one change.
func (e *Editor) Do(c Change) error {
	if !e.desc.Can(c.Ref().ID.Kind, c.Action) {
		return fmt.Errorf("%s: %q can't be done to %s", c, c.Action, c.Ref().ID.Kind)
	}
	if err := c.Check(); err != nil {
		return err
	}
	var err error
	if c.Action.OnGrant() {
		err = e.grant(c)
	} else {
		err = e.object(c)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	return nil
}

func (e *Editor) put(subject ID, n edgeName, s Standing) {
	if e.held[subject] == nil {
		e.held[subject] = map[edgeName]Standing{}
	}
	e.held[subject][n] = s
	if e.on[n.target] == nil {
		e.on[n.target] = map[ID]bool{}
	}
	e.on[n.target][subject] = true
}

func (e *Editor) take(subject ID, n edgeName) { delete(e.held[subject], n) }

// level is the permission that the subject itself has on the target: of an ordered kind the
// only one, else the one asked for.
func (e *Editor) level(subject, target ID, asked string) (string, bool) {
	k, _ := e.desc.Kind(target.Kind)
	for n, standing := range e.held[subject] {
		if n.target == target && standing != Implied && (k.Ordered || n.permission == asked) {
			return n.permission, true
		}
	}
	return "", false
}

func (e *Editor) grant(c Change) error {
	if _, ok := e.objects[c.Subject]; !ok {
		if c.Action == Revoke {
			return nil
		}
		return fmt.Errorf("%w: %s isn't there", ErrStale, c.Subject)
	}
	kind, _ := e.desc.Kind(c.Target.Kind)
	if _, ok := e.objects[c.Target]; !ok && c.Action != Revoke && !kind.Open {
		return fmt.Errorf("%w: %s isn't there", ErrStale, c.Target)
	}
	has, there := e.level(c.Subject, c.Target, c.permission())
	switch c.Action {
	case Give:
		if there && has != c.After.Permission {
			return fmt.Errorf("%w: %s is held already", ErrStale, has)
		}
		e.put(c.Subject, edgeName{c.Target, c.After.Permission}, Held)
	case Revoke:
		if !there {
			return nil
		}
		if has != c.Before.Permission {
			return fmt.Errorf("%w: %s is held, not %s", ErrStale, has, c.Before.Permission)
		}
		e.take(c.Subject, edgeName{c.Target, c.Before.Permission})
	case ChangeLevel:
		if !there || has != c.Before.Permission && has != c.After.Permission {
			return fmt.Errorf("%w: %q is held, not %s", ErrStale, has, c.Before.Permission)
		}
		e.take(c.Subject, edgeName{c.Target, has})
		e.put(c.Subject, edgeName{c.Target, c.After.Permission}, Held)
	}
	return nil
}

func (e *Editor) object(c Change) error {
	o, there := e.objects[c.Subject]
	switch c.Action {
	case Create:
		if there && (o.Disabled != c.After.Disabled || !maps.Equal(o.Attributes, c.After.Attributes) && len(o.Attributes)+len(c.After.Attributes) > 0) {
			return fmt.Errorf("%w: it is there already, and differs", ErrStale)
		}
		if !there {
			e.objects[c.Subject] = Object{ID: c.Subject, Attributes: maps.Clone(c.After.Attributes), Disabled: c.After.Disabled}
		}
		return nil
	case Delete:
		if there && c.Before != nil && o.Disabled != c.Before.Disabled {
			return fmt.Errorf("%w: disabled is %v", ErrStale, o.Disabled)
		}
		e.remove(c.Subject)
		return nil
	case Rename:
		return e.rename(c)
	}
	if !there {
		return fmt.Errorf("%w: it isn't there", ErrStale)
	}
	switch c.Action {
	case Disable, Enable:
		o.Disabled = c.Action == Disable
	case Update:
		attrs := maps.Clone(o.Attributes)
		if attrs == nil {
			attrs = map[string]string{}
		}
		for k, v := range c.After.Attributes {
			if attrs[k] != v && attrs[k] != c.Before.Attributes[k] {
				return fmt.Errorf("%w: %s is %q", ErrStale, k, attrs[k])
			}
			if v == "" {
				delete(attrs, k)
			} else {
				attrs[k] = v
			}
		}
		o.Attributes = attrs
	}
	e.objects[c.Subject] = o
	return nil
}

func (e *Editor) remove(id ID) {
	delete(e.objects, id)
	delete(e.held, id)
	for subject := range e.on[id] {
		for n := range e.held[subject] {
			if n.target == id {
				delete(e.held[subject], n)
			}
		}
	}
	delete(e.on, id)
}

func (e *Editor) rename(c Change) error {
	to := ID{c.Subject.Kind, c.After.Name}
	o, there := e.objects[c.Subject]
	_, taken := e.objects[to]
	switch {
	case !there && taken:
		return nil
	case !there:
		return fmt.Errorf("%w: it isn't there", ErrStale)
	case taken:
		return fmt.Errorf("%w: %s is there already", ErrStale, to)
	}
	held, on := e.held[c.Subject], e.on[c.Subject]
	for subject := range on {
		for n, standing := range e.held[subject] {
			if n.target == c.Subject {
				delete(e.held[subject], n)
				e.put(subject, edgeName{to, n.permission}, standing)
			}
		}
	}
	e.remove(c.Subject)
	o.ID = to
	e.objects[to] = o
	for n, standing := range held {
		if n.target == c.Subject {
			n.target = to
		}
		e.put(to, n, standing)
	}
	return nil
}
