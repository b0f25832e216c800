package plan_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/diff"
	"github.com/accordhq/accord/engine/plan"
)

var (
	planFirst = flag.Uint64("plan", 1, "the first random plan to look at")
	planCount = flag.Uint64("plans", 1500, "how many random plans to look at")
)

// TestRandomPlans makes plans between random states, carries them out with access.Edit, and
// looks at every moment of it:
//
//   - each step finds the world as it expects, so that the order can be gone;
//   - a target that has usable administrators never has fewer than it must keep;
//   - nothing is taken that isn't claimed, isn't known, is protected or is Accord's own;
//   - no more is taken than the limit allows;
//   - afterwards there is nothing to do but what is held.
//
// A failure names its plan: go test ./engine/plan -run RandomPlans -plan N -plans 1
func TestRandomPlans(t *testing.T) {
	count := *planCount
	if testing.Short() {
		count = min(count, 500)
	}
	for seed := *planFirst; seed < *planFirst+count && !t.Failed(); seed++ {
		w := &randomPlan{T: t, seed: seed, r: rand.New(rand.NewPCG(seed, 11))}
		w.look()
	}
}

type randomPlan struct {
	*testing.T
	seed uint64
	r    *rand.Rand
	in   plan.SystemInput
}

func (w *randomPlan) fail(format string, a ...any) {
	w.Helper()
	w.Errorf("plan %d: %s", w.seed, fmt.Sprintf(format, a...))
}

func (w *randomPlan) one(of ...string) string { return of[w.r.IntN(len(of))] }

// grants makes up so many grants, of levels one for each subject and target.
func (w *randomPlan) grants(n int) string {
	var b strings.Builder
	seen := map[string]bool{}
	for range n {
		target := w.one("folder/f", "folder/g", "group/m", "group/n", "app/p")
		level := map[byte][]string{'f': {"read", "write", "admin"}, 'g': {"member", "owner"}, 'a': {"use", "audit", "admin"}}[target[0]]
		subject := w.one("a", "b", "c", "d", "e", "group/m", "group/n")
		key := subject + target
		permission := w.one(level...)
		if target[0] == 'a' {
			key += permission
		}
		if subject != target && !seen[key] {
			seen[key] = true
			fmt.Fprintln(&b, subject, permission, target)
		}
	}
	return b.String()
}

const objects = "object folder/f\nobject folder/g\nobject group/m\nobject group/n\nobject app/p\n"

func (w *randomPlan) look() {
	live := objects + w.grants(4+w.r.IntN(14))
	for _, a := range []string{"a", "b", "c", "d", "e"} {
		if strings.Contains(live, a+" ") && w.r.IntN(4) == 0 {
			live += "object " + a + " disabled\n"
		}
	}
	for range w.r.IntN(3) / 2 {
		live += "? " + w.one("a", "b", "folder/f", "group/m", "app/") + "\n"
	}
	live += w.one("", "", "self a\n")
	want := w.declaration()
	before := w.declaration()
	w.in = system("s", want, live, base(before, applied), func(s *plan.SystemInput) {
		s.Mode = plan.Mode(w.one("authoritative", "authoritative", "additive"))
		s.Guards = plan.Guards{KeepAdmins: w.r.IntN(3), MaxRemovals: plan.Limit{Count: 2 + w.r.IntN(12)}, MaxLeavers: plan.Limit{Count: 1 + w.r.IntN(6)}}
		if w.r.IntN(3) == 0 {
			s.Guards.Protect = []string{w.one("b", "folder/g")}
		}
		claims := w.one("folder/ group/ app/ role/", "folder/", "group/ app/")
		s.Scope.Claims = func(id access.ID) bool { return strings.Contains(claims, id.Kind+"/") }
		s.Scope.Leaver = diff.LeaverRule(w.one("disable", "keep", "delete"))
		s.Scope.Create, s.Scope.IdleDisable = w.r.IntN(3) > 0, w.r.IntN(3) == 0
		if w.r.IntN(2) == 0 {
			s.Memory.DisabledSince = always
		}
		if corrected := w.one("", "", "b", "folder/f"); corrected != "" {
			s.Memory.Corrected = func(c access.Change) int { return 3 * strings.Count(c.Key()+" ", corrected+" ") }
		}
	})
	p := build(w.in)
	var first, again bytes.Buffer
	if plan.Write(&first, p) != nil || plan.Write(&again, build(w.in)) != nil || first.String() != again.String() {
		w.fail("the same input gives another plan")
	}
	w.classified(p)
	w.carryOut(p)
}

// classified looks at the differences: every step of drift is one, each has one kind and a name
// of its own, and nobody who left keeps anything because it flaps.
func (w *randomPlan) classified(p *plan.Plan) {
	known, steps := map[string]bool{}, map[string]bool{}
	for _, d := range p.Differences() {
		if !slices.Contains(plan.DriftKinds(), d.Kind) {
			w.fail("%s is of the kind %q", d.Key(), d.Kind)
		}
		if known[d.Key()] {
			w.fail("%s is there twice", d.Key())
		}
		known[d.Key()] = true
		if d.Step != nil {
			steps[d.Step.Key()] = true
		}
	}
	for _, s := range p.Steps {
		if s.Class == plan.ClassDrift && !steps[s.Key()] {
			w.fail("%s is drift, and no difference", s)
		}
		if s.Held != nil && s.Held.Why == plan.HeldFlapping && (s.Leaver || s.Class != plan.ClassDrift) {
			w.fail("%s is held as flapping", s)
		}
	}
}

// declaration makes up who is declared, who left, and what they hold.
func (w *randomPlan) declaration() string {
	text := w.one("", objects, "object folder/f\n", "absent group/n\n") + w.grants(3+w.r.IntN(10))
	var out strings.Builder
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if f[0] == "object" || f[0] == "absent" || !strings.Contains(f[0], "/") {
			if len(f) == 3 {
				line = "bare " + line // most targets aren't declared
			}
			if !strings.Contains(text, "absent group/n") || !strings.Contains(line, "group/n") || f[0] == "absent" {
				out.WriteString(line)
			}
		}
	}
	for _, a := range []string{"a", "b", "c", "d", "e"} {
		if strings.Contains(out.String(), "bare "+a+" ") {
			continue
		}
		switch w.r.IntN(5) {
		case 0:
			fmt.Fprintf(&out, "holder %s %s left\n", a, a)
		case 1:
			fmt.Fprintf(&out, "holder %s %s active\n", a, a)
		case 2:
			fmt.Fprintf(&out, "holder %s2 %s active %s\nbare %s2 read folder/g\n", a, a, a, a)
		}
	}
	return out.String()
}

func (w *randomPlan) carryOut(p *plan.Plan) {
	live, keep := w.in.Live, w.in.Guards.KeepAdmins
	had := usable(live)
	e := access.Edit(live, describe())
	place := map[string]int{}
	for i, s := range p.Steps {
		place[s.Key()] = i
	}
	deleted := map[access.ID]bool{}
	for _, s := range p.Run() {
		deleted[s.Subject] = deleted[s.Subject] || s.Action == access.Delete
	}
	taken := 0
	for i, s := range p.Steps {
		for _, n := range s.Needs {
			if at, ok := place[n]; ok && at >= i {
				w.fail("%s comes before what it needs", s)
			}
		}
		if s.Held != nil {
			continue
		}
		w.allowed(s)
		if !s.Leaver && s.Takes(describe()) {
			taken++
		}
		if err := e.Do(s.Change); err != nil {
			w.fail("%v", err)
			return
		}
		now, err := e.StateLike()
		if err != nil {
			w.fail("%v", err)
			return
		}
		left := usable(now)
		for target, n := range had {
			if !deleted[target] && left[target] < min(n, keep) && left[target] < n {
				w.fail("after %s %s has %d of %d administrators, and %d must stay\n%s", s, target, left[target], n, keep, strings.Join(keys(p), "\n"))
			}
		}
	}
	if limit := w.in.Guards.MaxRemovals.Count; taken > limit {
		w.fail("%d things are taken, and the limit is %d", taken, limit)
	}
	after, err := e.StateLike()
	if err != nil {
		w.fail("%v", err)
		return
	}
	w.in.Live = after
	w.in.Memory.DisabledSince = func(id access.ID) (time.Time, bool) { return now, true }
	w.in.Guards.MaxRemovals.Count += 100 // what is left may be allowed now
	if next := build(w.in); slices.ContainsFunc(next.Run(), func(s plan.Step) bool { i, ok := place[s.Key()]; return !ok || p.Steps[i].Held == nil }) {
		w.fail("carried out, and still there is\n%s\nafter\n%s", strings.Join(keys(next), "\n"), strings.Join(keys(p), "\n"))
	}
}

// allowed looks at one step that is carried out.
func (w *randomPlan) allowed(s plan.Step) {
	live := w.in.Live
	names := []access.ID{s.Subject}
	if s.Action.OnGrant() {
		names = append(names, s.Target)
	}
	for _, id := range names {
		if w.in.Protected(id) {
			w.fail("%s touches what is protected", s)
		}
		if _, there := live.Object(id); there && !live.Knows(id) {
			w.fail("%s is about what isn't known", s)
		}
	}
	_, declared := w.in.Want.State().Object(s.Subject)
	switch {
	case s.Takes(describe()) && s.Subject == live.Self():
		w.fail("%s takes from Accord itself", s)
	case s.Action == access.Revoke && !s.Leaver && !w.in.Scope.Claims(s.Target) && !(declared && !s.Subject.IsAccount()):
		w.fail("%s takes what nobody claims", s)
	case s.Action == access.Delete && (!live.Complete() || s.Subject.IsAccount() != s.Leaver):
		w.fail("%s deletes what mustn't be", s)
	case s.Action == access.Create && !live.Complete():
		w.fail("%s creates although not everything is known", s)
	}
}

// usable counts the enabled accounts that administer each target, by following what each
// account holds: another way than the guard's.
func usable(s *access.State) map[access.ID]int {
	out := map[access.ID]int{}
	for o := range s.Objects() {
		if !o.ID.IsAccount() || o.Disabled {
			continue
		}
		reach, administers := map[access.ID]bool{o.ID: true}, map[access.ID]bool{}
		for queue := []access.ID{o.ID}; len(queue) > 0; queue = queue[1:] {
			for _, g := range s.GrantsOf(queue[0]) {
				if kind, _ := connector.Kind(g.Target.Kind); g.Standing == access.Held {
					p, _ := kind.Permission(g.Permission)
					administers[g.Target] = administers[g.Target] || p.Admin
					if !reach[g.Target] {
						reach[g.Target] = true
						queue = append(queue, g.Target)
					}
				}
			}
		}
		for target, ok := range administers {
			if ok {
				out[target]++
			}
		}
	}
	return out
}
