package engine_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

// TestOffboardRandomWorlds offboards somebody from random systems, applied before or not, and looks
// by other means than diff and plan:
//
//   - the person holds nothing and can't use the account, unless that is said: a guard refused it,
//     the system is only observed, it couldn't be seen;
//   - nobody else and nothing else is any different;
//   - what is still declared, applied, gives the person nothing back;
//   - neither does it once the branch is merged, and nothing is held back any more then.
func TestOffboardRandomWorlds(t *testing.T) {
	count := *worldCount
	if testing.Short() {
		count = min(count, 30)
	}
	for seed := *worldFirst; seed < *worldFirst+count; seed++ {
		w := newRandomWorld(t, seed)
		w.seed(t)
		w.declare(t)
		if w.plan(t) == nil {
			continue // such a world can't be declared
		}
		r := rand.New(rand.NewPCG(seed, 11))
		if r.IntN(2) == 0 {
			w.apply(t, seed)
		}
		w.offboard(t, seed, pick(r, w.people...).id)
		if t.Failed() {
			t.Fatalf("world %d", seed)
		}
	}
}

func (w *randomWorld) apply(t *testing.T, seed uint64) {
	t.Helper()
	if _, err := w.engine().Apply(t.Context(), engine.ApplyOptions{PlanOptions: engine.PlanOptions{Source: engine.Source{Dir: w.dir}}}); err != nil {
		t.Fatalf("world %d: %v", seed, err)
	}
}

func (w *randomWorld) offboard(t *testing.T, seed uint64, person string) {
	t.Helper()
	before := w.far.Dump()
	res, err := w.engine().Offboard(t.Context(), engine.OffboardOptions{Dir: w.dir, Leave: engine.Leave{Person: person, Reason: "test"}})
	if err != nil {
		t.Fatalf("world %d: %v", seed, err)
	}
	after := w.far.Dump()
	w.othersAsBefore(t, seed, person, before, after)
	excused := w.mode == "observe" || slices.ContainsFunc(res.Plan.Steps, func(s plan.Step) bool { return s.Held != nil })
	w.hasNothing(t, seed, person, excused, res, after)
	if excused && res.Exit == engine.ExitOK && slices.ContainsFunc(res.Plan.Steps, func(s plan.Step) bool { return s.Held != nil }) {
		t.Errorf("world %d: something is left, and the exit code says nothing", seed)
	}

	w.apply(t, seed)
	w.hasNothing(t, seed, person, excused, res, w.far.Dump())
	for _, s := range w.plan(t).Steps {
		if s.Person == person && !s.Takes(w.far.Describe()) {
			t.Errorf("world %d: %s is to be given something: %s", seed, person, s.Change)
		}
	}
	if res.Edit.Branch == "" {
		return // it was declared already
	}
	if res.Edit.Error != "" {
		t.Fatalf("world %d: %s", seed, res.Edit.Error)
	}
	gitIn(t, w.dir, "merge", "-q", res.Edit.Branch)
	w.apply(t, seed)
	w.hasNothing(t, seed, person, excused, res, w.far.Dump())
	p := w.plan(t)
	if len(p.Withheld) > 0 {
		t.Errorf("world %d: merged and applied, and still %v", seed, p.Withheld)
	}
}

// othersAsBefore looks for anything that changed and isn't the person's.
func (w *randomWorld) othersAsBefore(t *testing.T, seed uint64, person string, before, after *access.State) {
	t.Helper()
	own := access.Account(person)
	facts := func(st *access.State) []string {
		var out []string
		for o := range st.Objects() {
			if o.ID != own {
				out = append(out, o.ID.String()+map[bool]string{true: " disabled"}[o.Disabled])
			}
		}
		for _, g := range st.Grants() {
			if g.Subject != own {
				out = append(out, g.String())
			}
		}
		return out
	}
	if a, b := facts(before), facts(after); !slices.Equal(a, b) {
		t.Errorf("world %d: offboarding %s changed something else: %v became %v", seed, person, a, b)
	}
}

func (w *randomWorld) hasNothing(t *testing.T, seed uint64, person string, excused bool, res *report.Offboarded, now *access.State) {
	t.Helper()
	id := access.Account(person)
	o, there := now.Object(id)
	if !there || excused || w.hides(id) {
		return
	}
	if w.leaver == "disable" && !o.Disabled {
		t.Errorf("world %d: %s was offboarded, and the account is enabled", seed, person)
	}
	for g := range held(now, id) {
		if !w.hides(g.Target) {
			t.Errorf("world %d: %s was offboarded, and has %s (exit %d)", seed, person, g, res.Exit)
		}
	}
}

// TestOffboardHanging: a system that doesn't answer, be it to a question or to a change, holds back
// no other, and is told.
func TestOffboardHanging(t *testing.T) {
	for _, how := range []string{"read", "write"} {
		t.Run(how, func(t *testing.T) {
			s := newSite(t, map[string][]memory.Option{"stuck": nil, "fine": nil})
			s.commit("person: al\n---\nperson: bo\n")
			for _, name := range []string{"stuck", "fine"} {
				s.seed(name, "al", "bo", "folder/f", "al read folder/f", "bo read folder/f")
			}
			if how == "read" {
				s.far["stuck"].Hang()
				defer s.far["stuck"].Heal()
			} else {
				s.far["stuck"].Intercept(func(ctx context.Context, _ access.Change) error { <-ctx.Done(); return ctx.Err() })
			}
			res, err := s.engine().Offboard(t.Context(), engine.OffboardOptions{Dir: s.dir, Leave: engine.Leave{Person: "al"}, Timeout: 100 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			fates := map[string]string{}
			for _, row := range res.Systems {
				fates[row.Name] = row.Fate()
			}
			want, exit := "not read", engine.ExitIncomplete
			if how == "write" {
				want, exit = "failed", engine.ExitPartly
			}
			if fates["fine"] != "removed" || fates["stuck"] != want || res.Exit != exit {
				t.Errorf("got %v, exit %d", fates, res.Exit)
			}
			if o, _ := s.far["fine"].Dump().Object(access.Account("al")); !o.Disabled {
				t.Error("al can still use the account where everything was fine")
			}
		})
	}
}

// TestOffboardReadsLittle: of a system where nothing asks for more only the person is read.
func TestOffboardReadsLittle(t *testing.T) {
	s := newSite(t, map[string][]memory.Option{"sys": nil})
	s.commit("person: al\n---\nperson: bo\n---\ngrant: g\nto: [al, bo]\naccess: {sys: [folder/f]}\n")
	s.seed("sys", "folder/f")
	if _, err := s.engine().Apply(t.Context(), engine.ApplyOptions{PlanOptions: s.options()}); err != nil {
		t.Fatal(err)
	}
	s.far["sys"].Hide(access.Account("bo"), "a whole read would show it as unknown")
	res, err := s.engine().Offboard(t.Context(), engine.OffboardOptions{Dir: s.dir, Leave: engine.Leave{Person: "al"}})
	if err != nil {
		t.Fatal(err)
	}
	if row := res.Systems[0]; row.Whole || row.Fate() != "removed" || res.Exit != engine.ExitOK {
		t.Errorf("got %+v, exit %d", row, res.Exit)
	}
}

// TestOffboardLeavesDigests: what a change is doesn't hang on what a journal knows of people who
// were offboarded, or approvals of it would be lost.
func TestOffboardLeavesDigests(t *testing.T) {
	s := newSite(t, map[string][]memory.Option{"sys": nil})
	docs := "person: al\n---\nperson: bo\n---\ngrant: g\nto: [al]\naccess: {sys: [folder/f]}\n"
	s.commit(docs)
	s.seed("sys", "folder/f")
	if _, err := s.engine().Apply(t.Context(), engine.ApplyOptions{PlanOptions: s.options()}); err != nil {
		t.Fatal(err)
	}
	base := func(o *engine.PlanOptions) { o.Base = "main~1" }
	s.commit(strings.Replace(docs, "[al]", "[al, bo]", 1))
	before := s.plan(base)
	if _, err := s.engine().Offboard(t.Context(), engine.OffboardOptions{Dir: s.dir, Leave: engine.Leave{Person: "al"}}); err != nil {
		t.Fatal(err)
	}
	after := s.plan(base)
	if before.ChangeDigest != after.ChangeDigest || len(before.Shifts) != len(after.Shifts) {
		t.Errorf("the change was %.8s and is %.8s: %v", before.ChangeDigest, after.ChangeDigest, after.Shifts)
	}
	if len(after.Withheld) != 1 || after.Withheld[0].Why != plan.HeldOffboarded {
		t.Errorf("held back: %v", after.Withheld)
	}
}

// TestOffboardOldRevision: a commit from before somebody was declared settles nothing, or the next
// apply of main would give everything back.
func TestOffboardOldRevision(t *testing.T) {
	s := newSite(t, map[string][]memory.Option{"sys": nil})
	s.commit("person: bo\n")
	s.commit("person: al\n---\nperson: bo\n---\ngrant: g\nto: [al]\naccess: {sys: [folder/f]}\n")
	s.seed("sys", "folder/f")
	run := func(rev string) {
		t.Helper()
		if _, err := s.engine().Apply(t.Context(), engine.ApplyOptions{PlanOptions: s.options(func(o *engine.PlanOptions) { o.Rev = rev })}); err != nil {
			t.Fatal(err)
		}
	}
	run("")
	if _, err := s.engine().Offboard(t.Context(), engine.OffboardOptions{Dir: s.dir, Leave: engine.Leave{Person: "al"}}); err != nil {
		t.Fatal(err)
	}
	run("main~1")
	run("main")
	st := s.far["sys"].Dump()
	if o, _ := st.Object(access.Account("al")); !o.Disabled || len(slices.Collect(held(st, access.Account("al")))) > 0 {
		t.Error("al got it all back")
	}
}
