package connectortest

import (
	"context"
	"fmt"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

func planUnknownWaits(t *trial) {
	b := t.open()
	b.seed(b.maker.everything())
	live := own(t, b.read())
	var hidden []access.ID
	hidden = append(hidden, access.ID{}) // everything
	for _, kind := range b.desc.Kinds {
		hidden = append(hidden, access.ID{Kind: kind.Name})
		if id, ok := b.maker.thing(kind.Name, 1); ok {
			hidden = append(hidden, id)
		}
	}
	for _, id := range hidden {
		what := "if " + id.String() + " is unknown"
		if id.IsZero() {
			what = "if all is unknown"
		}
		b.concludesNothing(what, live, without(t, live, id))
	}
	_, certain := readFaults()
	t.under(certain, func(b *bed) *access.State { return b.maker.everything() }, func(b *bed, f Fault, truth *access.State) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if got, err := b.Read(ctx, connectors.Scope{}); err == nil && got != nil {
			b.concludesNothing(fmt.Sprintf("with the fault %q", f), truth, got)
		}
	})
}

// own leaves out what only follows from something else: it can't be declared.
func own(t *trial, s *access.State) *access.State {
	t.Helper()
	b := access.NewBuilder(s.System()).Identity(s.Identity()).Self(s.Self())
	for o := range s.Objects() {
		b.Object(o)
	}
	for _, g := range s.Grants() {
		if g.Standing != access.Implied {
			b.Grant(g)
		}
	}
	return build(t, b)
}

// without is what a connector would answer that can't see a part of what is there: the zero ID
// is everything, one without a name a kind.
func without(t *trial, s *access.State, id access.ID) *access.State {
	t.Helper()
	u := access.Unknown{ID: id, Why: "hidden by the law"}
	hides := func(o access.ID) bool {
		return id.IsZero() || id == o || id.Name == "" && id.Kind == o.Kind
	}
	b := access.NewBuilder(s.System()).Identity(s.Identity()).Self(s.Self()).Unknown(u.ID, u.Why)
	for o := range s.Objects() {
		if !hides(o.ID) {
			b.Object(o)
		}
	}
	for _, g := range s.Grants() {
		if !hides(g.Subject) && !hides(g.Target) {
			b.Grant(g)
		}
	}
	return build(t, b)
}

// concludesNothing plans upon an answer that may lack a part of the truth.
func (b *bed) concludesNothing(what string, truth, got *access.State) {
	b.Helper()
	var wrong []difference
	note := func(s plan.Step, format string, args ...any) {
		wrong = append(wrong, difference{s.Subject, s.Target, fmt.Sprintf(format, args...)})
	}
	// What is there is declared: whatever is planned is concluded from what wasn't seen.
	for _, s := range planFor(b.Connector, truth, got).Steps {
		note(s, "what is there is declared, and the plan wants to %s", s.Change)
	}
	if !got.Complete() {
		// Something new is declared: it may be there already.
		for _, s := range planFor(b.Connector, merged(b, truth, b.maker.newcomers()), got).Steps {
			if s.Action == access.Create {
				note(s, "the plan wants to %s, which may be there", s.Change)
			}
		}
		// Nothing is declared: only what was seen is taken away, and nothing is deleted.
		for _, s := range planFor(b.Connector, b.fresh, got).Steps {
			known := got.Knows(s.Subject)
			if s.Action.OnGrant() {
				known = got.KnowsGrant(s.Subject, s.Target)
			}
			if !known || s.Action == access.Delete || s.Action == access.Create {
				note(s, "nothing is declared, and the plan wants to %s", s.Change)
			}
		}
	}
	b.same(what, wrong)
}

// newcomers is an object of each kind that can be made and isn't there.
func (m *maker) newcomers() *access.State {
	m.Helper()
	d := newDraft()
	for _, kind := range m.desc.Kinds {
		if id, ok := m.thing(kind.Name, made); ok && m.makes(kind.Name) {
			d.b.Object(m.object(id, 0))
		}
	}
	return build(m, d.b)
}
