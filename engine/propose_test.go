package engine_test

import (
	"bytes"
	"math/rand/v2"
	"os/exec"
	"testing"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// TestProposeRandomWorlds lets random worlds drift at random after they were applied, takes the
// patch that is proposed over by git, and plans again: of what was proposed nothing is left to do,
// and nothing has come that wasn't there.
func TestProposeRandomWorlds(t *testing.T) {
	count := min(*worldCount, 100) // each is planned five times
	if testing.Short() {
		count = min(count, 30)
	}
	proposed := 0
	for seed := *worldFirst; seed < *worldFirst+count; seed++ {
		w := newRandomWorld(t, seed)
		w.seed(t)
		w.declare(t)
		if w.plan(t) == nil {
			continue
		}
		w.apply(t, seed)
		w.drift(rand.New(rand.NewPCG(seed, 13)))
		if w.propose(t, seed) {
			proposed++
		}
		if t.Failed() {
			t.Fatalf("world %d", seed)
		}
	}
	if proposed < int(count)/10 {
		t.Errorf("only %d of %d worlds had anything to propose", proposed, count)
	}
}

// drift gives and takes a few things; what the system refuses isn't done.
func (w *randomWorld) drift(r *rand.Rand) {
	st := w.far.Dump()
	for _, g := range st.Grants() {
		if r.IntN(3) == 0 && g.Subject.IsAccount() {
			_ = w.far.Do(access.Change{System: "sys", Action: access.Revoke, Subject: g.Subject, Target: g.Target, Before: &access.Value{Permission: g.Permission}})
		}
	}
	for range 10 {
		target, _ := access.ParseID(pick(r, targets...))
		who := pick(r, "p0", "p1", "p2", "p3", "stranger", "robot")
		_ = w.far.Do(access.Change{System: "sys", Action: access.Give, Subject: access.Account(who), Target: target,
			After: &access.Value{Permission: pick(r, levels[target.Kind]...)}})
	}
}

func (w *randomWorld) propose(t *testing.T, seed uint64) bool {
	t.Helper()
	before := w.plan(t)
	calls := len(w.far.Applied())
	res, err := w.engine().Propose(t.Context(), engine.ProposeOptions{PlanOptions: engine.PlanOptions{Source: engine.Source{Dir: w.dir}, Systems: []string{"sys"}}})
	if err != nil {
		t.Fatalf("world %d: %v", seed, err)
	}
	if len(w.far.Applied()) != calls {
		t.Fatalf("world %d: proposing wrote to the system", seed)
	}
	sys := res.Systems[0]
	if sys.Error != "" {
		if len(w.hidden) == 0 {
			t.Errorf("world %d: %s", seed, sys.Error)
		}
		return false
	}
	if len(res.Patch) == 0 {
		return false
	}
	cmd := exec.Command("git", "apply", "--index")
	cmd.Dir, cmd.Stdin = w.dir, bytes.NewReader(res.Patch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("world %d: %v: %s\n%s", seed, err, out, res.Patch)
	}
	gitIn(t, w.dir, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-q", "-m", "adopt")
	left := map[string]bool{}
	for _, c := range sys.Cannot {
		left[c.What] = true
	}
	known := map[string]bool{}
	for _, s := range before.Steps {
		known[s.Change.String()] = s.Class != plan.ClassDrift || s.Leaver || left[s.Change.String()]
	}
	for _, s := range w.plan(t).Steps {
		if !known[s.Change.String()] {
			t.Errorf("world %d: proposed, and still there is %s (%s)\n%s", seed, s.Change, s.Class, res.Patch)
		}
	}
	return true
}
