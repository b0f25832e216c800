package engine

import (
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// view is a system before and after the steps.
type view struct{ before, after sight }

func (h *holder) view(sys *system) *view {
	name := sys.decl.ID.Value
	if v := h.views[name]; v != nil {
		return v
	}
	v := &view{}
	switch {
	case sys.live != nil:
		v.before = sight{state: sys.live, name: name}
		v.after = v.before.with(h.steps[name])
	default:
		v.after = sight{state: sys.want.State(), name: name}
		if sys.rev != nil && sys.base != nil {
			v.before = sight{state: sys.base.State(), name: name}
		}
	}
	h.views[name] = v
	return v
}

// sight is a state with changes laid over it.
type sight struct {
	state   *access.State // nil: nothing is there
	name    string
	given   map[access.ID][]access.Grant
	taken   map[edge]bool
	gone    map[access.ID]bool
	off, on map[access.ID]bool
	was     map[access.ID]access.ID // names before
}

func (s sight) with(steps []*plan.Step) sight {
	out := sight{state: s.state, name: s.name, given: map[access.ID][]access.Grant{}, taken: map[edge]bool{}, gone: map[access.ID]bool{},
		off: map[access.ID]bool{}, on: map[access.ID]bool{}, was: map[access.ID]access.ID{}}
	for _, st := range steps {
		if st.Before != nil && st.Action.OnGrant() && st.Action != access.Give {
			out.taken[edge{st.Subject, st.Target, st.Before.Permission}] = true
		}
		switch st.Action {
		case access.Give, access.ChangeLevel:
			out.given[st.Subject] = append(out.given[st.Subject], access.Grant{Subject: st.Subject, Target: st.Target, Permission: st.After.Permission})
		case access.Delete:
			out.gone[st.Subject] = true
		case access.Disable:
			out.off[st.Subject] = true
		case access.Enable:
			out.on[st.Subject] = true
		case access.Rename:
			to := access.ID{Kind: st.Subject.Kind, Name: st.After.Name}
			out.was[to] = st.Subject
			out.gone[st.Subject] = true
		}
	}
	return out
}

// of is what a subject holds. A disabled account holds nothing that it could use.
func (s sight) of(subject access.ID) []access.Grant {
	if s.state == nil || s.gone[subject] {
		return nil
	}
	here := subject
	if was, ok := s.was[subject]; ok {
		here = was
	}
	if o, ok := s.state.Object(here); ok && subject.IsAccount() && (o.Disabled && !s.on[subject] || s.off[subject]) {
		return nil
	}
	var out []access.Grant
	for _, g := range s.state.GrantsOf(here) {
		if !s.taken[edge{subject, g.Target, g.Permission}] && !s.gone[g.Target] {
			g.Subject = subject
			out = append(out, g)
		}
	}
	return append(out, s.given[subject]...)
}

// reach is the part of the state that an account gets to, as a state of its own.
func (s sight) reach(account access.ID) *access.State {
	b := access.NewBuilder(s.name)
	seen := map[access.ID]bool{account: true}
	known := map[edge]bool{}
	for queue := []access.ID{account}; len(queue) > 0; queue = queue[1:] {
		for _, g := range s.of(queue[0]) {
			e := edge{g.Subject, g.Target, g.Permission}
			if known[e] {
				continue
			}
			known[e] = true
			b.Grant(g)
			if !seen[g.Target] && !g.Target.IsAccount() {
				seen[g.Target] = true
				queue = append(queue, g.Target)
			}
		}
	}
	st, _ := b.Build() // it can only fail for objects, of which there are none
	return st
}
