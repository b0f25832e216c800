package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// TestRun: leavers first, each account by itself, then the rest; the journal has every unit
// before it begins and as soon as it has ended, what was seen, and what became of the systems.
func TestRun(t *testing.T) {
	tests := []struct {
		unit    access.BatchUnit
		entries []string
	}{
		{access.BatchNone, []string{
			"opened", "begun s 1: disable s/l", "ended s 1 done", "begun s 2: revoke s/l folder/1 read", "ended s 2 done",
			"begun s 3: create s/n", "ended s 3 done", "begun s 4: grant s/n folder/1 read", "ended s 4 done",
			"begun s 5: revoke s/a folder/1 read", "ended s 5 done", "begun s 6: revoke s/b folder/1 read", "ended s 6 done",
			"readback s held", "closed s converged=true leavers=true"}},
		{access.BatchTarget, []string{
			"opened", "begun s 1: disable s/l", "ended s 1 done", "begun s 2: revoke s/l folder/1 read", "ended s 2 done",
			"begun s 3: create s/n", "ended s 3 done", "begun s 4: grant s/n folder/1 read", "ended s 4 done",
			"begun s 5: revoke s/a folder/1 read, revoke s/b folder/1 read", "ended s 5 done",
			"readback s held", "closed s converged=true leavers=true"}},
		{access.BatchAll, []string{
			"opened", "begun s 1: disable s/l, revoke s/l folder/1 read", "ended s 1 done",
			"begun s 2: create s/n, grant s/n folder/1 read, revoke s/a folder/1 read, revoke s/b folder/1 read", "ended s 2 done",
			"readback s held", "closed s converged=true leavers=true"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.unit), func(t *testing.T) {
			w := newWorld(t)
			far := w.system("s", "a1 b1 l1", memory.Batch(tt.unit), memory.Parallel(1))
			w.steps("s", "L!l", "L-l1", "*n", "+n1<2", "-a1", "-b1")
			var bad []string
			far.Intercept(func(_ context.Context, c access.Change) error {
				entries := w.disk.entries(t)
				if last := entries[len(entries)-1]; !strings.HasPrefix(last, "begun") || !strings.Contains(last, name(c.Key())) {
					bad = append(bad, c.Key()+" after "+last)
				}
				return nil
			})
			w.want("outcomes", w.outcomes(), slices.Repeat([]string{"done held"}, 6)...)
			w.want("written before it was in the journal", bad)
			w.want("journal", w.disk.entries(t), tt.entries...)
			if got := live(far); got != "l! n1" {
				t.Errorf("live: %s", got)
			}
		})
	}
}

// blame makes a batch tell which changes failed it: those of the subjects, all of them or the
// first alone.
func blame(c connectors.Connector, first bool, subjects string) func(context.Context, []access.Change) error {
	return func(ctx context.Context, changes []access.Change) error {
		err := &connectors.BatchError{Failed: map[int]error{}}
		for i, ch := range changes {
			if strings.Contains(subjects, ch.Subject.Name) && !(first && len(err.Failed) > 0) {
				err.Failed[i] = uncomparable{ch.Subject.Name, nil}
			}
		}
		if len(err.Failed) > 0 {
			return fmt.Errorf("committing: %w", err)
		}
		return c.(connectors.Batcher).ApplyBatch(ctx, changes)
	}
}

// uncomparable is an error that == can't compare.
type uncomparable struct {
	name string
	list []string
}

func (u uncomparable) Error() string { return u.name + " can't be done" }

// TestBatches: one bad change holds back only itself and what needs it, whether the connector
// says which it was or not.
func TestBatches(t *testing.T) {
	denyC := func(far *memory.System) { far.Deny(access.Account("c")) }
	tests := []struct {
		name    string
		prepare func(*memory.System)
		blame   func(connectors.Connector) func(context.Context, []access.Change) error
		out     string // one letter a step: done, failed, skipped, unknown
		units   int
	}{
		{"all well", func(*memory.System) {}, nil, "d d d d d d", 1},
		{"one fails, nobody is blamed", denyC, nil, "d d f d d d", 7},
		{"one fails and is blamed", denyC, func(c connectors.Connector) func(context.Context, []access.Change) error { return blame(c, false, "c") }, "d d f d d d", 2},
		{"two fail and are blamed", denyC, func(c connectors.Connector) func(context.Context, []access.Change) error {
			return blame(c, false, "cd")
		}, "d d f f d d", 2},
		{"two fail and are blamed one by one", denyC, func(c connectors.Connector) func(context.Context, []access.Change) error { return blame(c, true, "cd") }, "d d f f d d", 3},
		{"all are blamed, one by one: the last are tried alone", func(*memory.System) {}, func(c connectors.Connector) func(context.Context, []access.Change) error {
			return blame(c, true, "abcdef")
		}, "f f f f d d", 6},
		{"the reply is lost", func(far *memory.System) { far.FailWrite(1, memory.After, nil) }, nil, "u u u u u u", 1},
		{"it isn't known what happened", func(far *memory.System) { far.FailWrite(1, memory.Before, nil) }, nil, "u u u u u u", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			far := w.system("s", "a b c d e f", memory.Batch(access.BatchAll))
			w.steps("s", "+a1", "+b1", "+c1", "+d1", "+e1", "+f1")
			tt.prepare(far)
			if tt.blame != nil {
				w.wrap("s", wrapped{batch: tt.blame(w.conns["s"])})
			}
			var got []string
			for _, o := range w.outcomes() {
				got = append(got, o[:1])
			}
			w.want("outcomes", got, strings.Fields(tt.out)...)
			units := slices.DeleteFunc(w.disk.entries(t), func(e string) bool { return !strings.HasPrefix(e, "begun") })
			if len(units) != tt.units {
				t.Errorf("%d units, want %d:\n%s", len(units), tt.units, strings.Join(units, "\n"))
			}
		})
	}
}

// TestNeeds: what needs a step that failed isn't tried, wherever it is; everything else is.
func TestNeeds(t *testing.T) {
	for _, unit := range []access.BatchUnit{access.BatchNone, access.BatchTarget, access.BatchAll} {
		t.Run(string(unit), func(t *testing.T) {
			w := newWorld(t)
			s := w.system("s", "a1 b", memory.Batch(unit))
			w.system("t", "a b", memory.Batch(unit))
			w.steps("s", "*n", "+n1<0", "-a1", "+b1")
			w.steps("t", "+a2<2", "+b2<1", "+b3")
			s.Deny(access.Account("n"))
			w.want("outcomes", w.outcomes(), "failed", "skipped", "done held", "done held", "done held", "skipped", "done held")
			for _, e := range w.disk.entries(t) {
				if strings.HasPrefix(e, "closed") && strings.Contains(e, "converged=true") {
					t.Errorf("a system with a step that wasn't done: %s", e)
				}
			}
		})
	}
}

// TestNeedsOfOneKind: steps of the same action that need each other aren't done at once.
func TestNeedsOfOneKind(t *testing.T) {
	w := newWorld(t)
	far := w.system("s", "a b1", memory.Parallel(8))
	if err := far.Do(access.Change{System: "s", Action: access.Give, Subject: access.Account("a"), Target: access.ID{Kind: "folder", Name: "2"}, After: &access.Value{Permission: "write"}}); err != nil {
		t.Fatal(err)
	}
	w.steps("s", "_a2", "~b1<0")
	lowered := make(chan struct{})
	far.Intercept(func(_ context.Context, c access.Change) error {
		if c.Subject.Name == "a" {
			close(lowered)
			return errors.New("not now")
		}
		t.Error("what needs it was tried")
		return nil
	})
	w.want("outcomes", w.outcomes(), "failed", "skipped")
	<-lowered
}

// TestLeaversLane: nothing but its own failure holds back what is taken from a leaver.
func TestLeaversLane(t *testing.T) {
	for _, unit := range []access.BatchUnit{access.BatchNone, access.BatchAll} {
		t.Run(string(unit), func(t *testing.T) {
			w := newWorld(t)
			s := w.system("s", "l1 l2 m1 m2 a", memory.Batch(unit))
			broken := w.system("t", "l1 a", memory.Batch(unit))
			w.steps("s", "L!l", "L!m", "L-l1", "L-l2", "L-m1", "L-m2", "+a1", "+a2<0")
			w.steps("t", "L!l", "L-l1", "+a1")
			s.Deny(access.Account("m"))
			s.Intercept(func(_ context.Context, c access.Change) error {
				if c.Subject.Name == "l" && c.Target.Name == "2" {
					return errors.New("not this one")
				}
				return nil
			})
			broken.Intercept(func(context.Context, access.Change) error { panic("a bug") })
			got := w.outcomes()
			w.want("outcomes", got, "done held", "failed", "done held", "failed", "failed", "failed", "done held", "done held",
				"unknown not-held", "unknown not-held", "unknown not-held")
			if got := live(s); got != "l! a1 a2 l2 m1 m2" {
				t.Errorf("live: %s", got)
			}
		})
	}
	t.Run("a successor first", func(t *testing.T) {
		w := newWorld(t)
		far := w.system("s", "l1 l2 a")
		w.steps("s", "L-l2", "+a1", "L!l<1", "L-l1<1")
		w.want("outcomes", w.outcomes(), "done held", "done held", "done held", "done held")
		var order []string
		for _, c := range far.Applied() {
			order = append(order, name(c.Key()))
		}
		w.want("order", order, "revoke s/l folder/2 read", "grant s/a folder/1 read", "disable s/l", "revoke s/l folder/1 read")
	})
}

// TestHeld: steps that are held aren't done, and keep the system from standing applied.
func TestHeld(t *testing.T) {
	for why, converged := range map[plan.HoldReason]bool{plan.HeldObserve: false, plan.HeldRefused: false, plan.HeldDepends: false, plan.HeldStale: false,
		plan.HeldAdditive: true, plan.HeldDrift: true, plan.HeldProtected: true} {
		w := newWorld(t)
		far := w.system("s", "a b")
		w.steps("s", "+a1", "+b1")
		w.plan.Steps[1].Held = &plan.Hold{Why: why}
		w.want("outcomes", w.outcomes(), "done held")
		entries := w.disk.entries(t)
		if last := entries[len(entries)-1]; last != fmt.Sprintf("closed s converged=%v leavers=true", converged) || live(far) != "a1" {
			t.Errorf("%s: %s, live %s", why, last, live(far))
		}
	}
	for name, spoil := range map[string]func(*plan.System){
		"unknown":    func(s *plan.System) { s.Unknown = []access.Unknown{{Why: "hidden"}} },
		"waiting":    func(s *plan.System) { s.Waiting = []plan.Waiting{{Action: access.Create}} },
		"dangling":   func(s *plan.System) { s.Dangling = []plan.Dangling{{}} },
		"disputed":   func(s *plan.System) { s.Disputed = []access.ID{access.Account("a")} },
		"unselected": func(s *plan.System) { s.Unselected = 1 },
		"no base":    func(s *plan.System) { s.BaseError = "lost" },
	} {
		w := newWorld(t)
		w.system("s", "a")
		w.steps("s", "+a1")
		spoil(&w.plan.Systems[0])
		w.want("outcomes", w.outcomes(), "done held")
		entries := w.disk.entries(t)
		if last := entries[len(entries)-1]; !strings.Contains(last, "converged=false") {
			t.Errorf("%s: %s", name, last)
		}
	}
}

// TestLeaversDone: whether everybody who left was dealt with.
func TestLeaversDone(t *testing.T) {
	tests := map[string]struct {
		spoil func(*world)
		want  bool
	}{
		"all done":             {func(*world) {}, true},
		"something else fails": {func(w *world) { w.far["s"].Deny(access.Account("a")) }, true},
		"it fails":             {func(w *world) { w.far["s"].Deny(access.Account("l")) }, false},
		"it is held":           {func(w *world) { w.plan.Steps[0].Held = &plan.Hold{Why: plan.HeldRefused} }, false},
		"not seen":             {func(w *world) { w.plan.Systems[0].LeaversUnseen = true }, false},
		"who left isn't known": {func(w *world) { w.plan.Systems[0].BaseError = "lost" }, false},
		"it isn't confirmed":   {func(w *world) { w.far["s"].FailRead(1, nil) }, false},
	}
	for name, tt := range tests {
		w := newWorld(t)
		w.system("s", "l1 a")
		w.steps("s", "L!l", "L-l1", "+a1")
		tt.spoil(w)
		if _, err := w.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		entries := w.disk.entries(t)
		if last := entries[len(entries)-1]; !strings.Contains(last, fmt.Sprintf("leavers=%v", tt.want)) {
			t.Errorf("%s: %s", name, last)
		}
	}
}
