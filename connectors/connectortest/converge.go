package connectortest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/apply"
	"github.com/accordhq/accord/engine/diff"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
)

func applyConverges(t *trial) {
	b := t.open()
	r := t.rand("converge")
	steps := []struct {
		name string
		want *access.State
	}{
		{"from nothing to everything", b.maker.everything()},
		{"to nothing", build(t, newDraft().b)},
		{"to many", b.maker.many(30)},
		{"from many to everything", b.maker.everything()},
	}
	for range rounds {
		steps = append(steps, struct {
			name string
			want *access.State
		}{"to a random state", b.maker.random(r)})
	}
	steps = append(steps, steps[1])
	for _, s := range steps {
		want := merged(t, b.fresh, s.want)
		done, err := reconcile(b, want)
		if err != nil {
			t.Fatalf("%s, after %d changes: %v", s.name, len(done), err)
		}
		if !t.same(s.name, b.converged(want)) {
			return
		}
		b.settled()
		again, err := reconcile(b, want)
		if err != nil {
			t.Fatalf("%s, again: %v", s.name, err)
		}
		if len(again) > 0 {
			t.Fatalf("%s: done, and planning again finds %d changes more, the first %s", s.name, len(again), again[0])
		}
	}
}

// reconcile makes the system as desired, by the engine's own diff, plan and apply, and returns
// the changes that it took. Desired is normalized and holds everything that is to stay: other
// accounts are leavers to be deleted, other resources are declared absent. What can't be
// deleted stays, without grants.
func reconcile(b *bed, desired *access.State) ([]access.Change, error) {
	first, err := enabled(b, desired)
	if err != nil {
		return nil, err
	}
	var done []access.Change
	for _, want := range []*access.State{first, desired} {
		if want == nil {
			continue
		}
		b.settled() // else the second plan wouldn't see what the first has done
		changes, err := reconcileOnce(b.trial, b.Connector, want)
		done = append(done, changes...)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// enabled is the desired state with its accounts enabled, if some of the disabled ones aren't
// there yet; else nil. The engine makes no account only to disable it: it is made for somebody
// who then goes on leave.
func enabled(on *bed, desired *access.State) (*access.State, error) {
	live, err := on.Read(on.Context(), connectors.Scope{})
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	b := access.NewBuilder(desired.System())
	found := false
	for o := range desired.Objects() {
		if _, there := live.Object(o.ID); !there && o.Disabled {
			o.Disabled, found = false, true
		}
		b.Object(o)
	}
	if !found {
		return nil, nil
	}
	for _, g := range desired.Grants() {
		b.Grant(g)
	}
	return b.Build()
}

func reconcileOnce(t *trial, c connectors.Connector, desired *access.State) ([]access.Change, error) {
	res, err := carryOut(t.Context(), c, desired)
	if err != nil {
		return nil, err
	}
	var done []access.Change
	for _, s := range res.Steps {
		if s.Err != nil {
			return done, fmt.Errorf("%s: %w", s.Change, s.Err)
		}
		if s.Seen == journal.NotHeld {
			return done, fmt.Errorf("%s: done, but read back: %s", s.Change, s.Note)
		}
		done = append(done, s.Change)
	}
	return done, nil
}

// carryOut reads, plans and applies. What became of each step stands in the result.
func carryOut(ctx context.Context, c connectors.Connector, desired *access.State) (*apply.Result, error) {
	live, err := c.Read(ctx, connectors.Scope{})
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	if !live.Complete() {
		return nil, fmt.Errorf("reading: not everything is known: %v", live.Unknowns())
	}
	p := planFor(c, desired, live)
	for _, s := range p.Steps {
		if s.Held != nil {
			return nil, fmt.Errorf("planning: %s is held: %s", s, s.Held.Text)
		}
	}
	store, err := journal.Open(ctx, &pages{}, time.Now)
	if err != nil {
		return nil, err
	}
	return apply.Run(ctx, apply.Options{
		Plan: p, Systems: map[string]connectors.Connector{live.System(): c}, Journal: store, Run: "law", Now: time.Now,
		Opened: journal.Opened{Revision: journal.Worktree, PlanDigest: p.PlanDigest, Actor: "connectortest", Version: "test", Systems: []string{live.System()}},
	})
}

// planFor plans with every guard open: the laws are about the connector.
func planFor(c connectors.Connector, desired, live *access.State) *plan.Plan {
	return plan.Build(plan.Input{At: time.Now(), Systems: []plan.SystemInput{{
		Name: live.System(), Describe: c.Describe(), Mode: plan.Authoritative,
		Guards:    plan.Guards{MaxRemovals: plan.Limit{Count: 1 << 30}, MaxLeavers: plan.Limit{Count: 1 << 30}},
		Protected: func(access.ID) bool { return false },
		Scope:     diff.Scope{Claims: func(access.ID) bool { return true }, Create: true, Leaver: diff.LeaverDelete},
		Want:      declared{desired, live, c.Describe()}, Live: live,
		Memory: plan.Memory{
			DisabledSince: func(access.ID) (time.Time, bool) { return time.Time{}, true },
			Created:       func(access.ID) bool { return true },
		},
	}}})
}

// declared makes a declaration of a desired state: who isn't in it has left.
type declared struct {
	desired, live *access.State
	desc          access.Description
}

func (d declared) State() *access.State { return d.desired }

func (d declared) Holders() iter.Seq[access.Holder] {
	var out []access.Holder
	for o := range d.desired.Objects() {
		if o.ID.IsAccount() {
			out = append(out, access.Holder{Account: o.ID, Person: o.ID.Name, Status: access.HolderActive, Wanted: true})
		}
	}
	for o := range d.live.Objects() {
		if _, ok := d.desired.Object(o.ID); !ok && o.ID.IsAccount() && !o.Reserved {
			out = append(out, access.Holder{Account: o.ID, Person: o.ID.Name, Status: access.HolderLeft})
		}
	}
	slices.SortFunc(out, func(a, b access.Holder) int { return a.Account.Compare(b.Account) })
	return slices.Values(out)
}

func (d declared) Holder(id access.ID) (access.Holder, bool) {
	for h := range d.Holders() {
		if h.Account == id {
			return h, true
		}
	}
	return access.Holder{}, false
}

func (d declared) Absent() map[access.ID]access.Link {
	out := map[access.ID]access.Link{}
	for o := range d.live.Objects() {
		if _, ok := d.desired.Object(o.ID); !ok && !o.ID.IsAccount() && !o.Reserved && d.desc.Can(o.ID.Kind, access.Delete) {
			out[o.ID] = access.Link{Text: "not desired"}
		}
	}
	return out
}

func (d declared) Reasons(access.ID, access.ID, string) []access.Reason { return nil }

func (d declared) Line(access.ID) access.Link { return access.Link{} }
