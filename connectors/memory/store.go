package memory

import (
	"fmt"
	"maps"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// store is what the system holds: objects, and edges that can be found from either end, so
// that one change costs what it touches and not what the system holds.
type store struct {
	objects map[access.ID]access.Object
	held    map[access.ID]map[edge]access.Standing // by subject
	on      map[access.ID]map[access.ID]bool       // target → subjects, perhaps some too many
	last    int                                    // counts the accounts that there ever were
}

// add puts an object there. The system gives each account an id of its own, which outlives renames.
func (s *store) add(o access.Object) {
	if o.ID.IsAccount() && o.Native == "" {
		s.last++
		o.Native = fmt.Sprintf("#%d", s.last)
	}
	s.objects[o.ID] = o
}

// edge is what a subject holds. What is held and what is implied stand side by side: taking
// away the one leaves the other.
type edge struct {
	target     access.ID
	permission string
	implied    bool
}

func newStore() *store {
	return &store{
		objects: map[access.ID]access.Object{},
		held:    map[access.ID]map[edge]access.Standing{},
		on:      map[access.ID]map[access.ID]bool{},
	}
}

func (s *store) put(g access.Grant) {
	if s.held[g.Subject] == nil {
		s.held[g.Subject] = map[edge]access.Standing{}
	}
	s.held[g.Subject][edge{g.Target, g.Permission, g.Standing == access.Implied}] = g.Standing
	if s.on[g.Target] == nil {
		s.on[g.Target] = map[access.ID]bool{}
	}
	s.on[g.Target][g.Subject] = true
}

func (s *store) take(g access.Grant) {
	delete(s.held[g.Subject], edge{g.Target, g.Permission, g.Standing == access.Implied})
	if len(s.held[g.Subject]) == 0 {
		delete(s.held, g.Subject)
	}
}

// of gives what the subject holds, in no order.
func (s *store) of(subject access.ID) []access.Grant {
	var out []access.Grant
	for e, standing := range s.held[subject] {
		out = append(out, access.Grant{Subject: subject, Target: e.target, Permission: e.permission, Standing: standing})
	}
	return out
}

// part is a piece of a store: some objects, and edges that touch them.
type part struct {
	objects []access.Object
	grants  []access.Grant
}

// around gives the part that a change can touch.
func (s *store) around(c access.Change) part {
	var p part
	ids := []access.ID{c.Subject, c.Target}
	if c.Action == access.Rename {
		ids[1] = access.ID{Kind: c.Subject.Kind, Name: c.After.Name}
	}
	if ids[0] == ids[1] {
		ids = ids[:1]
	}
	for _, id := range ids {
		if o, ok := s.objects[id]; ok {
			p.objects = append(p.objects, o)
		}
	}
	p.grants = s.of(c.Subject)
	if c.Action == access.Rename || c.Action == access.Delete {
		for subject := range s.on[c.Subject] {
			for _, g := range s.of(subject) {
				if g.Target == c.Subject && g.Subject != c.Subject {
					p.grants = append(p.grants, g)
				}
			}
		}
	}
	return p
}

// swap puts one part in the place of another.
func (s *store) swap(old, now part) {
	for _, o := range old.objects {
		delete(s.objects, o.ID)
	}
	for _, g := range old.grants {
		s.take(g)
	}
	for _, o := range now.objects {
		s.add(o)
	}
	for _, g := range now.grants {
		s.put(g)
	}
}

// do works out what a change makes of the part around it. The store stays as it is. What is
// implied doesn't take part: it comes and goes with its two ends alone.
func (s *store) do(d access.Description, c access.Change) (old, now part, err error) {
	old = s.around(c)
	b := access.NewBuilder(c.System)
	for _, o := range old.objects {
		b.Object(o)
	}
	for _, g := range old.grants {
		if g.Standing != access.Implied {
			b.Grant(g)
		}
	}
	state, err := b.Build()
	if err != nil {
		return old, now, err
	}
	e := access.Edit(state, d)
	if err := e.Do(c); err != nil {
		return old, now, err
	}
	if state, err = e.State(); err != nil {
		return old, now, err
	}
	now.objects = slices.Collect(state.Objects())
	for _, g := range state.Grants() {
		now.grants = append(now.grants, g)
	}
	for _, g := range old.grants {
		if g.Standing == access.Implied {
			if g, ok := follow(g, c); ok {
				now.grants = append(now.grants, g)
			}
		}
	}
	return old, now, nil
}

// follow says what becomes of an implied grant when an object at its end is renamed or goes.
func follow(g access.Grant, c access.Change) (access.Grant, bool) {
	switch c.Action {
	case access.Delete:
		return g, g.Subject != c.Subject && g.Target != c.Subject
	case access.Rename:
		to := access.ID{Kind: c.Subject.Kind, Name: c.After.Name}
		if g.Subject == c.Subject {
			g.Subject = to
		}
		if g.Target == c.Subject {
			g.Target = to
		}
	}
	return g, true
}

func (s *store) clone() *store {
	out := newStore()
	out.objects, out.last = maps.Clone(s.objects), s.last
	for subject := range s.held {
		for _, g := range s.of(subject) {
			out.put(g)
		}
	}
	return out
}
