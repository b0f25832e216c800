package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/report"
	"github.com/accordhq/accord/engine/resolve"
)

// TestRandomAnswers: in random worlds `who` and `why` say what resolve says of the declaration and
// what the system itself says of what is live: nobody is missing, nobody is added.
func TestRandomAnswers(t *testing.T) {
	count := max(1, *worldCount/15) // each is asked some fifty questions
	for seed := *worldFirst; seed < *worldFirst+count; seed++ {
		w := newRandomWorld(t, seed)
		w.seed(t)
		w.declare(t)
		if w.plan(t) == nil {
			continue
		}
		calls := len(w.far.Applied())
		w.turns(t, seed)
		w.answers(t, seed)
		if len(w.far.Applied()) != calls {
			t.Fatalf("world %d: a question wrote to the system", seed)
		}
		if t.Failed() {
			t.Fatalf("world %d", seed)
		}
	}
}

// resolved is the declaration by resolve alone.
func (w *randomWorld) resolved(t *testing.T) *resolve.World {
	t.Helper()
	d, err := w.engine().Load(t.Context(), engine.Source{Dir: w.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	canonical := func(o access.Object) (access.Object, error) { return o, nil } // the names of these worlds have one spelling
	world, ps := resolve.Resolve(resolve.Input{Repo: d.Repo, At: w.now, Connectors: map[string]resolve.Connector{"sys": {Describe: w.far.Describe(), Normalize: canonical}}})
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	return world
}

func (w *randomWorld) answers(t *testing.T, seed uint64) {
	t.Helper()
	want := w.resolved(t).System("sys")
	live := w.far.Dump()
	all, err := w.engine().Who(t.Context(), engine.WhoOptions{PlanOptions: engine.PlanOptions{Source: engine.Source{Dir: w.dir}}, What: "sys"})
	if err != nil {
		t.Fatal(err)
	}
	w.everyone(t, seed, all, want.State(), live)
	for _, target := range append(slices.Clone(targets), "group/g3") {
		who, err := w.engine().Who(t.Context(), engine.WhoOptions{PlanOptions: engine.PlanOptions{Source: engine.Source{Dir: w.dir}}, What: "sys/" + target})
		if err != nil {
			t.Fatal(err)
		}
		id, _ := access.ParseID(target)
		w.reach(t, seed, who, id, want.State(), live)
	}
	given := givers(t, w)
	for _, p := range w.people {
		w.explains(t, seed, p.id, want, all, given)
	}
}

// grantName is a grant as the answers name it; of levels one counts.
func (w *randomWorld) grantName(g access.Grant) string {
	if kind, _ := w.far.Describe().Kind(g.Target.Kind); kind.Ordered {
		return fmt.Sprintf("%s on %s", g.Subject, g.Target)
	}
	return fmt.Sprintf("%s %s on %s", g.Subject, g.Permission, g.Target)
}

// everyone compares the answer about the whole system with both states, grant by grant.
func (w *randomWorld) everyone(t *testing.T, seed uint64, all *report.Who, want, live *access.State) {
	t.Helper()
	declared, real := map[string]string{}, map[string]string{}
	for _, g := range want.Grants() {
		declared[w.grantName(g)] = g.Permission
	}
	for _, g := range live.Grants() {
		if !w.hides(g.Subject) && !w.hides(g.Target) {
			real[w.grantName(g)] = g.Permission
		}
	}
	for _, h := range all.Holders {
		if h.Target.IsZero() {
			continue
		}
		g := access.Grant{Subject: h.Subject, Target: h.Target, Permission: h.Permission}
		if !h.Declared {
			g.Permission = h.Live
		}
		name := w.grantName(g)
		if h.Permission != declared[name] || h.Live != real[name] {
			t.Errorf("world %d: %s is declared %q and live %q; who says %q and %q", seed, name, declared[name], real[name], h.Permission, h.Live)
		}
		state := report.WhoState("")
		switch {
		case declared[name] == "":
			state = report.WhoUndeclared
		case w.hides(h.Subject) || w.hides(h.Target):
			state = report.WhoUnknown
		case real[name] == "":
			state = report.WhoMissing
		case real[name] != declared[name]:
			state = report.WhoDiffers
		default:
			state = report.WhoHeld
		}
		if h.State != state && h.State != report.WhoImplied && h.State != report.WhoPending {
			t.Errorf("world %d: %s is %s; who says %s", seed, name, state, h.State)
		}
		if h.Declared && len(h.Reasons) == 0 {
			t.Errorf("world %d: %s is declared for no reason", seed, name)
		}
		delete(declared, name)
		delete(real, name)
	}
	for name := range declared {
		t.Errorf("world %d: who leaves out %s, which is declared", seed, name)
	}
	for name := range real {
		t.Errorf("world %d: who leaves out %s, which is live", seed, name)
	}
}

// reach compares who holds a target, through others too, with a closure made by other means.
func (w *randomWorld) reach(t *testing.T, seed uint64, who *report.Who, target access.ID, want, live *access.State) {
	t.Helper()
	closure := func(st *access.State, seen func(access.Grant) bool) map[access.ID]bool {
		out := map[access.ID]bool{target: true}
		for more := true; more; {
			more = false
			for _, g := range st.Grants() {
				if out[g.Target] && !out[g.Subject] && seen(g) {
					out[g.Subject], more = true, true
				}
			}
		}
		delete(out, target)
		return out
	}
	declared := closure(want, func(access.Grant) bool { return true })
	real := closure(live, func(g access.Grant) bool { return !w.hides(g.Subject) && !w.hides(g.Target) })
	for _, h := range who.Holders {
		if h.Declared && !declared[h.Subject] || h.Live != "" && !real[h.Subject] {
			t.Errorf("world %d: who says that %s holds %s (%s)", seed, h.Subject, target, h.State)
		}
	}
	for _, side := range []struct {
		name string
		all  map[access.ID]bool
		is   func(report.WhoHolder) bool
	}{{"declared", declared, func(h report.WhoHolder) bool { return h.Declared }}, {"live", real, func(h report.WhoHolder) bool { return h.Live != "" }}} {
		for id := range side.all {
			if !slices.ContainsFunc(who.Holders, func(h report.WhoHolder) bool { return h.Subject == id && side.is(h) }) {
				t.Errorf("world %d: %s holds %s (%s), and who leaves it out", seed, id, target, side.name)
			}
		}
	}
}

// explains compares what why says of one person with the desired state and with who.
func (w *randomWorld) explains(t *testing.T, seed uint64, person string, want *resolve.Desired, all *report.Who, given []string) {
	t.Helper()
	why, err := w.engine().Why(t.Context(), engine.WhyOptions{PlanOptions: engine.PlanOptions{Source: engine.Source{Dir: w.dir}}, Person: person})
	if err != nil {
		t.Fatal(err)
	}
	var says, is, lists []string
	for _, it := range why.Items {
		says = append(says, it.Target.String()+" "+it.Permission)
		if !it.Declared || len(it.Reasons) == 0 || len(it.Denials) > 0 {
			t.Errorf("world %d: why says of %s: declared %v, %d reasons, %d denials", seed, says[len(says)-1], it.Declared, len(it.Reasons), len(it.Denials))
		}
	}
	if account, ok := want.AccountOf(person); ok {
		for _, g := range want.State().GrantsOf(account) {
			is = append(is, g.Target.String()+" "+g.Permission)
		}
	}
	for _, h := range all.Holders {
		if h.Person == person && h.Declared && !h.Target.IsZero() {
			lists = append(lists, h.Target.String()+" "+h.Permission)
		}
	}
	slices.Sort(lists)
	slices.Sort(is)
	slices.Sort(says)
	if !slices.Equal(says, is) || !slices.Equal(lists, is) {
		t.Errorf("world %d: %s is to hold %v; why says %v, who says %v", seed, person, strings.Join(is, ", "), says, lists)
	}
	for _, target := range targets { // and the other way round: what isn't declared is denied
		one, err := w.engine().Why(t.Context(), engine.WhyOptions{PlanOptions: engine.PlanOptions{Source: engine.Source{Dir: w.dir}, NoLive: true}, Person: person, Entitlement: "sys/" + target})
		if err != nil {
			t.Fatal(err)
		}
		held := slices.ContainsFunc(is, func(s string) bool { return strings.HasPrefix(s, target+" ") })
		if one.Items[0].Declared != held {
			t.Errorf("world %d: %s, %s: why says declared %v", seed, person, target, one.Items[0].Declared)
		}
		if somebody := slices.Contains(given, target); !held && somebody != (len(one.Items[0].Denials) > 0) {
			t.Errorf("world %d: %s doesn't get %s, which somebody is given: %v, and %d lines say why", seed, person, target, somebody, len(one.Items[0].Denials))
		}
	}
}

// givers are the targets that some grant gives.
func givers(t *testing.T, w *randomWorld) []string {
	t.Helper()
	d, err := w.engine().Load(t.Context(), engine.Source{Dir: w.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var out []string
	for _, g := range d.Repo.Grants() {
		for _, e := range g.Access {
			out = append(out, e.Target.String())
		}
	}
	return out
}

// turns follows what time alone is said to bring from one instant to another: each turn begins
// with what is held then, and all of them together lead to what resolve says of the later instant.
func (w *randomWorld) turns(t *testing.T, seed uint64) {
	t.Helper()
	state := func(now time.Time) map[string]string {
		was := w.now
		defer func() { w.now = was }()
		w.now = now
		d := w.resolved(t).System("sys")
		out := map[string]string{}
		for _, g := range d.State().Grants() {
			if g.Subject.IsAccount() {
				out[w.grantName(g)] = g.Permission
			}
		}
		return out
	}
	var spans [][2]time.Time
	for _, days := range []int{1, 8, 40, 120, 400} {
		from := w.now.AddDate(0, 0, -days/3)
		spans = append(spans, [2]time.Time{from, from.AddDate(0, 0, days)})
	}
	for _, days := range [][2]string{{"2026-11-15", "2026-11-21"}, {"2026-11-21", "2026-12-01"}, {"2026-12-01", "2027-02-01"}, {"2027-02-01", "2027-04-01"}} {
		from, _ := time.Parse(time.DateOnly, days[0]) // on these days windows begin and end, to the second
		until, _ := time.Parse(time.DateOnly, days[1])
		spans = append(spans, [2]time.Time{from, until})
	}
	for _, span := range spans {
		from, until := span[0], span[1]
		was := w.now
		w.now = from
		world := w.resolved(t)
		w.now = was
		is, want := state(from), state(until)
		at := from
		for _, turn := range world.Turns(until) {
			name := w.grantName(access.Grant{Subject: turn.Account, Target: turn.Target, Permission: turn.Before + turn.After})
			if kind, _ := w.far.Describe().Kind(turn.Target.Kind); kind.Ordered {
				name = w.grantName(access.Grant{Subject: turn.Account, Target: turn.Target})
			}
			if is[name] != turn.Before || turn.Before == turn.After || turn.At.Before(at) || !turn.At.After(from) || turn.At.After(until) {
				t.Errorf("world %d: at %s %s turns from %q to %q, and is %q", seed, turn.At, name, turn.Before, turn.After, is[name])
			}
			if len(turn.Reasons) == 0 || len(turn.Because) == 0 || turn.Because[0].Line == 0 {
				t.Errorf("world %d: nothing explains why %s turns from %q to %q", seed, name, turn.Before, turn.After)
			}
			if at = turn.At; turn.After == "" {
				delete(is, name)
			} else {
				is[name] = turn.After
			}
		}
		if !maps.Equal(is, want) {
			t.Errorf("world %d: from %s to %s it becomes %v; the turns lead to %v", seed, from, until, want, is)
		}
	}
}
