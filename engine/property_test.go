package engine_test

import (
	"bytes"
	"flag"
	"log/slog"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
)

var (
	worldFirst = flag.Uint64("world", 1, "the first random world to look at")
	worldCount = flag.Uint64("worlds", 150, "how many random worlds to look at")
)

// TestRandomWorlds applies random declarations to random systems, twice each with a commit and
// some drift in between, and looks for what must never be, by other means than diff and plan:
//
//   - planning writes nothing, and the same plan comes out twice;
//   - what the repository doesn't claim is as it was;
//   - what couldn't be seen is as it was;
//   - who left can't use an account and holds nothing, unless a guard refused it by name or
//     it couldn't be seen;
//   - after an apply there is nothing to do but what is held back; where judging settings
//     change, after a second one, as those before hold for the first.
//
// A failure names its world: go test ./engine -run RandomWorlds -world N -worlds 1
func TestRandomWorlds(t *testing.T) {
	count := *worldCount
	if testing.Short() {
		count = min(count, 30)
	}
	for seed := *worldFirst; seed < *worldFirst+count; seed++ {
		w := newRandomWorld(t, seed)
		w.seed(t)
		w.declare(t)
		if !w.round(t, seed) {
			continue
		}
		w.change()
		w.declare(t)
		w.now = w.now.Add(40 * 24 * time.Hour)
		w.far.Do(access.Change{System: "sys", Action: access.Give, Subject: access.Account("stranger"),
			Target: access.ID{Kind: "app", Name: "a1"}, After: &access.Value{Permission: "audit"}}) // may be refused: then there is no drift
		w.round(t, seed)
		if t.Failed() {
			t.Fatalf("world %d", seed)
		}
	}
}

func gitIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (w *randomWorld) engine() *engine.Engine {
	return &engine.Engine{Types: []connectors.Type{w.far.Type()}, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return w.now }, Version: "test", Actor: "test"}
}

func (w *randomWorld) plan(t *testing.T) *plan.Plan {
	t.Helper()
	p, d, err := w.engine().Plan(t.Context(), engine.PlanOptions{Source: engine.Source{Dir: w.dir}})
	if err != nil {
		var ps declare.Problems
		if ok := asProblems(err, &ps); ok {
			return nil // such a world can't be declared
		}
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

func asProblems(err error, ps *declare.Problems) bool {
	if e, ok := err.(declare.Problems); ok {
		*ps = e
		return true
	}
	if u, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(u.Unwrap(), func(e error) bool { return asProblems(e, ps) })
	}
	return false
}

// round plans, applies and looks. It reports whether the world could be declared at all.
func (w *randomWorld) round(t *testing.T, seed uint64) bool {
	t.Helper()
	before, calls := w.far.Dump(), len(w.far.Applied())
	p := w.plan(t)
	if p == nil {
		return false
	}
	again := w.plan(t)
	if len(w.far.Applied()) != calls {
		t.Fatalf("world %d: planning wrote to the system", seed)
	}
	var a, b bytes.Buffer
	if err := plan.Write(&a, p); err != nil {
		t.Fatal(err)
	}
	if err := plan.Write(&b, again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Fatalf("world %d: two plans of the same differ", seed)
	}
	if _, err := plan.Read(&a); err != nil {
		t.Fatalf("world %d: the plan can't be read back: %v", seed, err)
	}
	res, err := w.engine().Apply(t.Context(), engine.ApplyOptions{PlanOptions: engine.PlanOptions{Source: engine.Source{Dir: w.dir}}})
	if err != nil {
		t.Fatalf("world %d: %v", seed, err)
	}
	if res.Result != nil {
		for _, s := range res.Result.Steps {
			if !s.Holds() {
				t.Errorf("world %d: %s: %s, seen %q: %v", seed, s.Change, s.Outcome, s.Seen, s.Err)
			}
		}
	}
	if len(p.Settings) > 0 { // they hold from here on
		if _, err := w.engine().Apply(t.Context(), engine.ApplyOptions{PlanOptions: engine.PlanOptions{Source: engine.Source{Dir: w.dir}}}); err != nil {
			t.Fatalf("world %d: %v", seed, err)
		}
	}
	after := w.far.Dump()
	w.unclaimed(t, seed, before, after)
	w.leavers(t, seed, p, before, after)
	if left := w.plan(t).Run(); len(left) > 0 {
		t.Errorf("world %d: applied, and still there is %s", seed, left[0].Change)
	}
	if w.mode == "observe" && len(w.far.Applied()) != calls {
		t.Errorf("world %d: an observed system was written to", seed)
	}
	return true
}

// unclaimed looks for live grants that are gone although nobody claims them, or although they
// couldn't be seen.
func (w *randomWorld) unclaimed(t *testing.T, seed uint64, before, after *access.State) {
	t.Helper()
	gone := map[string]bool{}
	for _, p := range w.people {
		if p.status == "left" || p.status == "ended" || p.status == "leave" {
			gone[p.id] = true
		}
	}
	known := map[string]bool{}
	for _, p := range w.people {
		known[p.id] = true
	}
	for _, g := range before.Grants() {
		if g.Standing == access.Implied || slices.ContainsFunc(slices.Collect(held(after, g.Subject)), func(o access.Grant) bool { return o.Target == g.Target }) {
			continue // still there, perhaps at another level
		}
		declared := g.Subject == (access.ID{Kind: "group", Name: "g3"}) // what a declared resource holds is claimed
		claimed := declared || slices.ContainsFunc(w.manage, func(p string) bool { return declare.GlobID(p, g.Target) })
		vanished := g.Subject.IsAccount() && strings.HasPrefix(g.Subject.Name, "p") && !known[g.Subject.Name]
		switch {
		case w.hides(g.Subject) || w.hides(g.Target):
			t.Errorf("world %d: %s was taken away although it couldn't be seen", seed, g)
		case g.Subject == access.Account("accord") && after.Self() == g.Subject:
			t.Errorf("world %d: %s was taken from Accord itself", seed, g)
		case !claimed && !gone[g.Subject.Name] && !vanished:
			t.Errorf("world %d: %s was taken away, and nobody claims it", seed, g)
		}
	}
	for o := range before.Objects() {
		if _, ok := after.Object(o.ID); !ok {
			t.Errorf("world %d: %s was deleted", seed, o.ID)
		}
	}
}

func held(s *access.State, subject access.ID) func(func(access.Grant) bool) {
	return func(yield func(access.Grant) bool) {
		for _, g := range s.GrantsOf(subject) {
			if g.Standing != access.Implied && !yield(g) {
				return
			}
		}
	}
}

// leavers looks for people who left and can still get in.
func (w *randomWorld) leavers(t *testing.T, seed uint64, p *plan.Plan, before, after *access.State) {
	t.Helper()
	if w.mode == "observe" {
		return
	}
	excused := map[string]bool{}
	for _, s := range p.Steps {
		if s.Held != nil && s.Held.Why == plan.HeldRefused {
			excused[s.Subject.Name] = true
		}
	}
	for _, person := range w.people {
		id := access.Account(person.id)
		o, there := after.Object(id)
		if person.status != "left" && person.status != "ended" || !there || excused[person.id] || w.hides(id) {
			continue
		}
		if w.leaver == "disable" && !o.Disabled {
			t.Errorf("world %d: %s left, and the account is enabled", seed, person.id)
		}
		for g := range held(after, id) {
			if !w.hides(g.Target) {
				t.Errorf("world %d: %s left, and still has %s", seed, person.id, g)
			}
		}
	}
}
