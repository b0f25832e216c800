package report

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// A thousand people fold into one block, and each of them is named in it.
func TestFoldNamesEverybody(t *testing.T) {
	m := newPlan("github")
	for _, p := range people(1000) {
		m.revoke("github", p, "repo/api", "push", through, by(access.CauseRemoved, "roles/backend.yaml", 9, "no longer: role backend gives repo/api: push on github"))
	}
	for _, groupBy := range []string{"person", "system"} {
		var b bytes.Buffer
		if err := Plan(&b, m.Plan, Options{GroupBy: groupBy}, written); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		checkWidth(t, text, 100)
		words := strings.Fields(text)
		for _, p := range people(1000) {
			if !slices.Contains(words, p) {
				t.Fatalf("by %s: %s is missing", groupBy, p)
			}
		}
		if n := strings.Count(text, "roles/backend.yaml:9"); n != 1 {
			t.Errorf("by %s: the cause is told %d times", groupBy, n)
		}
		if n := strings.Count(text, "\n"); n > 140 {
			t.Errorf("by %s: %d lines", groupBy, n)
		}
		if groupBy == "person" && !strings.Contains(text, "\n  1000 people lose repo/api: push through role backend ") {
			t.Errorf("no heading in:\n%s", text[:300])
		}
	}
}

// What several people lose at once is told once, with their names; what only some of them lose
// is told of those.
func TestFoldManyRows(t *testing.T) {
	m := newPlan("github", "warehouse")
	gone := by(access.CauseRemoved, "groups/platform.yaml", 4, "no longer: platform includes group sre")
	for _, p := range []string{"erin", "bob", "dave"} {
		m.revoke("github", p, "team/backend", "member", gone, account(p+"-gh"))
		m.revoke("github", p, "repo/api", "push", gone, account(p+"-gh"))
		m.revoke("warehouse", p, "role/readonly", "member", gone)
	}
	m.revoke("warehouse", "dave", "role/writer", "member", gone)
	m.revoke("warehouse", "erin", "role/writer", "member", gone)
	for _, p := range []string{"old1", "old2", "old3"} {
		m.revoke("github", p, "team/backend", "member", nobody, class(plan.ClassDrift), by(access.CauseDrift, "", 0, "given on github, declared nowhere"))
	}
	role := access.ID{Kind: "team", Name: "nested"}
	m.step("github", access.Revoke, role, "", class(plan.ClassTime), on("team/a"), func(s *plan.Step) { s.Before = &access.Value{Permission: "member"} })
	for _, p := range []string{"x", "y"} {
		m.revoke("github", p, "team/a", "member", nobody, class(plan.ClassTime))
	}
	// One line that names several people is one cause, though its text differs.
	for _, p := range []string{"ines", "jan", "kim", "lea"} {
		tender := by(access.CauseDeclared, "grants/tender.yaml", 2, "grant tender gives it to "+p)
		m.give("github", p, "team/tender", "member", tender, endsAt(now))
		if p != "lea" {
			m.give("warehouse", p, "role/tender", "member", tender, endsAt(now))
			m.give("warehouse", p, "role/bids", "member", tender, endsAt(now))
		}
	}
	// Two accounts of one person are told apart, and one that is taken over is named.
	old := by(access.CauseRemoved, "people/noah.yaml", 7, "no longer: noah")
	m.revoke("github", "noah", "team/a", "member", account("noah-old"), old)
	m.give("github", "noah", "team/a", "member", account("noah-new"), old)
	m.give("github", "olga", "team/a", "member", account("root"), old, risk(access.RiskAdopts))
	m.give("github", "pete", "team/a", "member", account("pete-gh"), old)
	text := golden(t, "plan-fold-rows.txt", func(b *bytes.Buffer) error { return Plan(b, m.Plan, Options{}, written) })
	checkWidth(t, text, 100)
}

// What one line declares for many folds as well where no system was read, so that there are no
// steps with reasons to tell the role by.
func TestFoldWhatIsDeclared(t *testing.T) {
	m := newPlan("github", "warehouse")
	m.Complete = false
	for i := range m.Systems {
		m.Systems[i].NotRead = "it wasn't asked"
	}
	shift := func(kind access.ShiftKind, person, system, target string, cause access.Cause) {
		id, err := access.ParseID(target)
		if err != nil {
			t.Fatal(err)
		}
		m.Shifts = append(m.Shifts, access.Shift{Kind: kind, Person: person, System: system, Target: id, Permission: "member", Cause: cause})
	}
	for _, p := range []string{"ines", "jan", "kim"} {
		shift(access.ShiftGain, p, "github", "team/sre", access.Cause{Kind: access.CauseDeclared, File: "groups/sre.yaml", Line: 7, Text: "sre includes group platform"})
		shift(access.ShiftGain, p, "github", "team/tender", access.Cause{Kind: access.CauseDeclared, File: "grants/tender.yaml", Line: 2, Text: "grant tender gives it to " + p})
		shift(access.ShiftLose, p, "warehouse", "role/bids", access.Cause{Kind: access.CauseRemoved, File: "roles/bids.yaml", Line: 9, Text: "no longer: role bids gives role/bids on warehouse"})
	}
	for _, o := range []Options{{}, {GroupBy: "system"}} {
		text := golden(t, "plan-fold-declared"+lead("-", o.GroupBy)+".txt", func(b *bytes.Buffer) error { return Plan(b, m.Plan, o, "") })
		checkWidth(t, text, 100)
	}
}

// Whatever a plan holds, its text names everybody that something is taken from and what that
// is, on lines that aren't too long. The plans are random; a seed that fails is printed.
func TestNothingIsHidden(t *testing.T) {
	for seed := range uint64(80) {
		p := randomPlan(seed)
		for _, o := range []Options{{}, {GroupBy: "system"}, {Width: 60}, {Verbose: true}} {
			var b bytes.Buffer
			if err := Plan(&b, p, o, written); err != nil {
				t.Fatal(err)
			}
			text := b.String()
			width := o.Width
			if width == 0 {
				width = usualWidth
			}
			checkWidth(t, text, width)
			told := words(text)
			for i := range p.Steps {
				s := &p.Steps[i]
				if aside(s) && !o.Verbose {
					continue
				}
				for _, want := range []string{whoOf(s).label(), s.Target.String()} {
					if want != "" && !told[want] {
						t.Fatalf("seed %d, %+v: %q of %s isn't told:\n%s", seed, o, want, s.Key(), text)
					}
				}
			}
			if p.Run() == nil && !p.Complete && strings.Contains(text, "Nothing to do") {
				t.Fatalf("seed %d: an incomplete plan looks like nothing to do:\n%s", seed, text)
			}
		}
		var b bytes.Buffer
		if err := Drift(&b, looked(p), Options{}); err != nil {
			t.Fatal(err)
		}
		checkWidth(t, b.String(), usualWidth)
		told := words(b.String())
		for i := range p.Steps {
			s := &p.Steps[i]
			if s.Drift != "" && !(told[whoOf(s).label()] && (s.Target.IsZero() || told[s.Target.String()])) {
				t.Fatalf("seed %d: drift doesn't tell %s:\n%s", seed, s.Key(), b.String())
			}
		}
	}
}

// words are what a text names.
func words(text string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(text) {
		out[strings.TrimRight(w, ":,;")] = true
	}
	return out
}

// Leaving one step out of a plan shows in its text, not only in the counts.
func TestEveryStepShows(t *testing.T) {
	body := func(p *plan.Plan, o Options) string {
		var b bytes.Buffer
		if err := Plan(&b, p, o, ""); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		return text[:strings.LastIndex(strings.TrimRight(text, "\n"), "\n\n")]
	}
	for seed := range uint64(15) {
		p := randomPlan(seed)
		for _, o := range []Options{{Verbose: true}, {Verbose: true, GroupBy: "system"}} {
			whole := body(p, o)
			for i := range p.Steps {
				less := *p
				less.Steps = slices.Delete(slices.Clone(p.Steps), i, i+1)
				if body(&less, o) == whole {
					t.Fatalf("seed %d, %+v: %s isn't told:\n%s", seed, o, p.Steps[i].Key(), whole)
				}
			}
		}
	}
}

func randomPlan(seed uint64) *plan.Plan {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	m := newPlan("github", "warehouse", "a-directory-with-a-rather-long-name")
	long := strings.Repeat("long-", 1+r.IntN(25))
	used := map[string]bool{}
	for _, person := range people(12)[:r.IntN(13)] { // who fare the same, and fold
		for _, target := range []string{"team/one", "team/two"}[:1+r.IntN(2)] {
			m.revoke("github", person, target, "member", account(person+pick("", "-x")), by(access.CauseRemoved, "roles/a.yaml", 1, "no longer"))
		}
	}
	for range r.IntN(60) {
		person := fmt.Sprintf("p%d", r.IntN(12))
		if r.IntN(20) == 0 {
			person = long + person
		}
		options := []option{
			class(plan.Class(pick("change", "time", "drift"))),
			by(access.CauseKind(pick("removed", "declared", "drift", "leaver")), pick("", "roles/a.yaml", "groups/"+long+".yaml"), r.IntN(3), pick("", "left", "no longer: role a gives it", long, strings.Repeat("words and ", 20))),
		}
		if r.IntN(4) == 0 {
			options = append(options, leaver)
		}
		if r.IntN(4) == 0 {
			options = append(options, nobody)
		}
		if r.IntN(4) == 0 {
			options = append(options, account(person+"-account"))
		}
		if r.IntN(3) == 0 {
			options = append(options, risk(access.RiskName(pick("grants-admin", "adopts", "irreversible"))))
		}
		if r.IntN(3) == 0 {
			options = append(options, held(plan.HoldReason(pick("observe", "additive", "drift", "protected", "refused", "depends", "stale")), pick("", "text", long)))
		}
		system, target := m.Systems[r.IntN(3)].Name, pick("team/a", "team/b", "role/"+long)
		var s *plan.Step
		switch r.IntN(4) {
		case 0:
			s = m.give(system, person, target, pick("member", "admin"), options...)
		case 1:
			s = m.step(system, access.Disable, access.Account(person), person, options...)
		default:
			s = m.revoke(system, person, target, pick("member", "admin"), options...)
		}
		key := s.Key()
		if used[key] {
			m.Steps = m.Steps[:len(m.Steps)-1]
			continue
		}
		used[key] = true
		if s.Held != nil && s.Held.Why == plan.HeldRefused && r.IntN(5) > 0 {
			m.refuse(access.RiskMassRevoke, system+"/"+target, "would remove more than the limit", s)
		}
	}
	if r.IntN(2) == 0 {
		m.Complete = false
		m.system("warehouse").Error = "it can't be reached"
	}
	return m.Plan
}
