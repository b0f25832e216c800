package apply_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/apply"
	"github.com/accordhq/accord/engine/journal"
)

// TestUnknownOutcome: whether a change whose reply was lost took place is read back, and the
// next run can build on it.
func TestUnknownOutcome(t *testing.T) {
	for when, want := range map[memory.When]string{memory.After: "unknown held", memory.Before: "unknown not-held"} {
		w := newWorld(t)
		far := w.system("s", "a b")
		w.steps("s", "!a")
		far.FailWrite(1, when, nil)
		w.want("outcomes", w.outcomes(), want)
		j, err := journal.Open(t.Context(), w.disk, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := j.Memory().DisabledSince(access.Ref{System: "s", ID: access.Account("a")}); ok != (when == memory.After) {
			t.Errorf("%v: the journal remembers that Accord disabled it: %v", when, ok)
		}
	}
}

// TestReadBack: everything that was touched is looked at, and what isn't seen isn't assumed.
func TestReadBack(t *testing.T) {
	ignore := func(context.Context, access.Change) error { return nil }
	all := []string{"+a1", "-b1", "!c", "*n", "~d1", "_e1"}
	seed := "a b1 c d1 e"
	tests := []struct {
		name  string
		apply func(context.Context, access.Change) error
		fault func(*memory.System)
		want  string
		err   string
	}{
		{"all there", nil, func(*memory.System) {}, "held held held held held held", ""},
		{"nothing was done", ignore, func(*memory.System) {}, "not-held not-held not-held not-held not-held not-held", ""},
		{"it can't be read", nil, func(m *memory.System) { m.FailRead(1, nil) }, "unconfirmed unconfirmed unconfirmed unconfirmed unconfirmed unconfirmed", "page 2 couldn't be read"},
		{"one isn't known", nil, func(m *memory.System) { m.Hide(access.Account("a"), "hidden") }, "unconfirmed held held held held held", ""},
		{"a target isn't known", nil, func(m *memory.System) { m.Hide(access.ID{Kind: "folder", Name: "1"}, "hidden") }, "unconfirmed unconfirmed held held unconfirmed unconfirmed", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			far := w.system("s", seed)
			if err := far.Do(access.Change{System: "s", Action: access.Give, Subject: access.Account("e"), Target: access.ID{Kind: "folder", Name: "1"}, After: &access.Value{Permission: "write"}}); err != nil {
				t.Fatal(err)
			}
			w.steps("s", all...)
			if tt.apply != nil {
				w.wrap("s", wrapped{apply: tt.apply})
			}
			tt.fault(far)
			res, err := w.run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range res.Steps {
				got = append(got, string(s.Seen))
				if (s.Seen != journal.Holds) != (s.Note != "") {
					t.Errorf("%s: seen %s, note %q", s.Change, s.Seen, s.Note)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("seen %v, want %s", got, tt.want)
			}
			if err := res.Systems["s"].ReadBack; (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error of reading back: %v", err)
			}
		})
	}
}

// TestReadBackOfLevels: a revocation holds when no level is left, a rename when the old name is
// gone.
func TestReadBackOfLevels(t *testing.T) {
	w := newWorld(t)
	far := w.system("s", "a1")
	w.steps("s", "-a1")
	w.wrap("s", wrapped{apply: func(ctx context.Context, c access.Change) error {
		return errors.Join(w.far["s"].Do(c), far.Do(access.Change{System: "s", Action: access.Give, Subject: c.Subject, Target: c.Target, After: &access.Value{Permission: "admin"}}))
	}})
	w.want("a level remains", w.outcomes(), "done not-held")

	w = newWorld(t)
	w.system("s", "a")
	w.steps("s", "*a")
	s := &w.plan.Steps[0]
	s.Action, s.Before, s.After = access.Rename, &access.Value{Name: "a"}, &access.Value{Name: "b"}
	w.wrap("s", wrapped{apply: func(context.Context, access.Change) error {
		return w.far["s"].Do(access.Change{System: "s", Action: access.Create, Subject: access.Account("b"), After: &access.Value{}})
	}})
	w.want("it is there twice", w.outcomes(), "done not-held")
}

// TestReadBackIsSound: an answer that breaks the contract confirms nothing and breaks nothing.
func TestReadBackIsSound(t *testing.T) {
	other := func(system, identity string) func(context.Context, connectors.Scope) (*access.State, error) {
		return func(context.Context, connectors.Scope) (*access.State, error) {
			return access.NewBuilder(system).Identity(identity).Build()
		}
	}
	for name, read := range map[string]func(context.Context, connectors.Scope) (*access.State, error){
		"panics":            func(context.Context, connectors.Scope) (*access.State, error) { panic("a bug") },
		"nothing":           func(context.Context, connectors.Scope) (*access.State, error) { return nil, nil },
		"about another":     other("t", "memory s"),
		"another by itself": other("s", "memory of somebody else"),
	} {
		w := newWorld(t)
		w.system("s", "a1 b")
		w.steps("s", "+b1", "-a1")
		w.wrap("s", wrapped{read: read})
		w.want(name, w.outcomes(), "done unconfirmed", "done unconfirmed")
	}
}

// TestSettle: what a system shows late is unconfirmed until it must be there.
func TestSettle(t *testing.T) {
	for wait, want := range map[time.Duration]string{0: "done unconfirmed", 2 * time.Minute: "done held"} {
		now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		w := newWorld(t)
		w.now = clock
		w.system("s", "a", memory.Delay(time.Minute), memory.Clock(clock))
		w.steps("s", "+a1")
		conn := w.conns["s"]
		w.wrap("s", wrapped{read: func(ctx context.Context, s connectors.Scope) (*access.State, error) {
			now = now.Add(wait)
			return conn.Read(ctx, s)
		}})
		w.want(fmt.Sprintf("after %s", wait), w.outcomes(), want)
	}
}

// TestJournalFails: what can't be recorded isn't begun, on no system; what was done before is
// still read back.
func TestJournalFails(t *testing.T) {
	for left := range 12 {
		w := newWorld(t)
		s, u := w.system("s", "l1 a", memory.Parallel(1)), w.system("u", "l1 a", memory.Parallel(1))
		w.steps("s", "L!l", "L-l1", "+a1")
		w.steps("u", "L!l", "L-l1", "+a1")
		w.disk.left = left
		res, err := w.run(t.Context())
		if !errors.Is(err, errDisk) || (res == nil) != (left == 0) {
			t.Fatalf("%d: %v, %v", left, res, err)
		}
		begun := 0
		for _, e := range w.disk.entries(t) {
			if strings.HasPrefix(e, "begun") {
				begun++
			}
		}
		if done := len(s.Applied()) + len(u.Applied()); done > begun {
			t.Errorf("%d entries: %d units begun, %d changes made", left, begun, done)
		}
		if res == nil {
			continue
		}
		for _, step := range res.Steps {
			if step.Outcome == "" || step.Outcome == journal.Done && step.Seen == "" {
				t.Errorf("%d entries: %s: %q, seen %q", left, step.Change, step.Outcome, step.Seen)
			}
		}
	}
}

// TestCancelled: no new unit begins, and what was begun is ended, read back and recorded.
func TestCancelled(t *testing.T) {
	w := newWorld(t)
	far := w.system("s", "l1 a b c", memory.Parallel(1))
	w.steps("s", "L!l", "L-l1", "+a1", "+b1", "+c1")
	ctx, cancel := context.WithCancel(t.Context())
	conn := w.conns["s"]
	w.wrap("s", wrapped{apply: func(c context.Context, ch access.Change) error {
		if ch.Subject.Name == "b" {
			cancel()
			return conn.Apply(context.WithoutCancel(c), ch) // it was too late to stop
		}
		return conn.Apply(c, ch)
	}})
	res, err := w.run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.want("outcomes", outcomes(res), "done held", "done held", "done held", "done held", "skipped")
	if got := live(far); got != "l! a1 b1" {
		t.Errorf("live: %s", got)
	}
	if e := w.disk.entries(t); e[len(e)-1] != "closed s converged=false leavers=true" {
		t.Errorf("journal: %v", e)
	}
}

// TestHangs: a system that doesn't answer is given up; the others aren't held back by it.
func TestHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		dead := w.system("dead", "a b c d e")
		fine := w.system("fine", "l1 a")
		w.steps("dead", "L!a", "L!b", "L!c", "L!d", "+e1")
		w.steps("fine", "L!l", "L-l1", "+a1")
		dead.Hang()
		start := time.Now()
		got := w.outcomes()
		w.want("outcomes", got, "failed", "failed", "failed", "skipped", "skipped", "done held", "done held", "done held")
		if took := time.Since(start); took > 20*time.Minute || live(fine) != "l! a1" {
			t.Errorf("it took %s; live %s", took, live(fine))
		}
		dead.Heal()
	})
}

// TestKilled: at whatever moment a run dies, the journal knows what was begun, and a run that
// follows brings everything to its end.
func TestKilled(t *testing.T) {
	for moment := range 12 {
		w := newWorld(t)
		far := w.system("s", "a1 b l1", memory.Parallel(1))
		w.steps("s", "L!l", "L-l1", "*n", "+n1<2", "+b1", "-a1")
		var dead *disk
		var state *access.State
		n := 0
		die := func() {
			if n++; n == moment+1 {
				dead, state = &disk{data: append([]byte(nil), w.disk.data...), left: -1}, far.Dump()
			}
		}
		conn := w.conns["s"]
		w.wrap("s", wrapped{apply: func(ctx context.Context, c access.Change) error {
			die() // the change isn't made
			err := conn.Apply(ctx, c)
			die() // or it is, and nobody knows
			return err
		}})
		w.outcomes()
		if dead == nil {
			t.Fatalf("the run has no moment %d", moment)
		}
		again := newWorld(t)
		again.plan, again.disk = w.plan, dead
		again.far["s"], again.conns["s"] = memory.New(), nil
		again.far["s"].Seed(state)
		again.conns["s"] = again.far["s"].Connector("s")
		killed(t, dead, moment)
		res, err := again.resume()
		if err != nil {
			t.Fatal(err)
		}
		again.want("outcomes", outcomes(res), "done held", "done held", "done held", "done held", "done held", "done held")
		if got, want := live(again.far["s"]), live(far); got != want {
			t.Errorf("moment %d: live %s, want %s", moment, got, want)
		}
		if _, err := journal.Verify(t.Context(), dead, ""); err != nil {
			t.Errorf("moment %d: %v", moment, err)
		}
	}
}

// killed looks at what the journal knows of a run that died in its (moment/2+1)th unit.
func killed(t *testing.T, d *disk, moment int) {
	t.Helper()
	j, err := journal.Open(t.Context(), d, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	open := j.Memory().Open()
	if len(open) != 1 || len(open[0].Units) != moment/2+1 {
		t.Fatalf("moment %d: open runs %+v", moment, open)
	}
	for i, u := range open[0].Units {
		want := journal.Done
		if i == moment/2 {
			want = journal.Unknown
		}
		if got := u.Outcomes()[0]; got != want {
			t.Errorf("moment %d: unit %d is %s, want %s", moment, i+1, got, want)
		}
	}
}

// resume runs the same plan again, as after a fresh look that finds nothing done.
func (w *world) resume() (*apply.Result, error) {
	w.Helper()
	j, err := journal.Open(w.Context(), w.disk, w.now)
	if err != nil {
		w.Fatal(err)
	}
	return apply.Run(w.Context(), apply.Options{
		Plan: w.plan, Systems: w.conns, Journal: j, Run: "again", Now: w.now,
		Opened: journal.Opened{Revision: "4f2a91c", PlanDigest: "d", Actor: "test", Version: "test", Systems: []string{"s"}},
	})
}
