package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
)

// TestOneSystemUnderTwoNames: systems that turn out to be one must keep to things of their own.
func TestOneSystemUnderTwoNames(t *testing.T) {
	system := func(name, manage, more string) string {
		return "\n---\nsystem: " + name + "\nconnector: " + name + "\nmode: authoritative\nmanage: ['" + manage + "']\n" + more
	}
	tests := []struct {
		name, a, b, c string
		unread        string
	}{
		{"apart", system("a", "folder/*", ""), system("b", "app/*", ""), system("c", "role/*", ""), ""},
		{"the same", system("a", "folder/*", ""), system("b", "role/*", ""), system("c", "folder/f", ""), "a c"},
		{"the last two", system("a", "role/*", ""), system("b", "folder/*", ""), system("c", "folder/f", ""), "b c"},
		{"all", system("a", "*/*", ""), system("b", "folder/*", ""), system("c", "folder/f", ""), "a b c"},
		{"one disables who is idle", system("a", "folder/*", "accounts: {idle: disable}"), system("b", "app/*", ""), system("c", "role/*", ""), "a b c"},
		{"the same, of nothing that is there", system("a", "folder/x*", ""), system("b", "folder/x*", ""), system("c", "role/*", ""), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			one := []memory.Option{memory.Identity("the very same")}
			s := newSite(t, map[string][]memory.Option{"a": one, "b": one, "c": one})
			for name := range s.far {
				s.seed(name, "zed read folder/f", "zed use app/a", "zed member role/r")
			}
			s.commit("person: al\n" + tt.a + tt.b + tt.c)
			var unread []string
			for _, sys := range s.plan().Systems {
				if strings.Contains(sys.Error, "are the same system") {
					unread = append(unread, sys.Name)
				}
			}
			if got := strings.Join(unread, " "); got != tt.unread {
				t.Errorf("held back: %q, want %q", got, tt.unread)
			}
		})
	}
}

// TestExclusiveElsewhere: a run for one system gives nothing through a role as long as an
// excluding one is held on another.
func TestExclusiveElsewhere(t *testing.T) {
	s := newSite(t, map[string][]memory.Option{"a": nil, "b": nil})
	s.seed("a", "folder/f")
	s.seed("b", "folder/f")
	const roles = "person: al\n---\nrole: pays\naccess: {a: [folder/f]}\nexclusive: [approves]\n---\nrole: approves\naccess: {b: [folder/f]}\n"
	s.commit(roles + "---\ngrant: g\nto: [al]\nroles: [approves]\n")
	s.apply(engine.ExitOK)
	s.commit(roles + "---\ngrant: g\nto: [al]\nroles: [pays]\n")
	s.want("a alone", keys(s.plan(only("a"))), "create a/al", "grant a/al folder/f read (depends)")
	s.apply(engine.ExitOK, only("a"))
	s.want("a", s.live("a"), "al")
	s.want("both", keys(s.plan()), "revoke b/al folder/f read", "grant a/al folder/f read")
	s.apply(engine.ExitOK, only("b"))
	s.apply(engine.ExitOK, only("a"))
	s.want("a", s.live("a"), "al", "al read folder/f")
}

// TestJudgedByTheBase: a change can't loosen the guards that judge it.
func TestJudgedByTheBase(t *testing.T) {
	system := func(guards string) string {
		return "\n---\nsystem: sys\nconnector: sys\nmode: authoritative\nmanage: ['*/*']\nguards: " + guards + "\n"
	}
	const people = "people: [{person: al}, {person: bo}, {person: root}]"
	tests := []struct {
		name, before, after string
		want                plan.Guards
	}{
		{"looser", "{max_removals: 5%, max_leavers: 3, keep_admins: 2, protect: [root]}", "{max_removals: 50%, max_leavers: 30, keep_admins: 0}",
			plan.Guards{MaxRemovals: plan.Limit{Percent: 5, IsPercent: true}, MaxLeavers: plan.Limit{Count: 3}, KeepAdmins: 2, Protect: []string{"root"}}},
		{"stricter", "{max_removals: 50%, max_leavers: 30, keep_admins: 0}", "{max_removals: 5%, max_leavers: 3, keep_admins: 2, protect: [root]}",
			plan.Guards{MaxRemovals: plan.Limit{Percent: 5, IsPercent: true}, MaxLeavers: plan.Limit{Count: 3}, KeepAdmins: 2, Protect: []string{"root"}}},
		{"a share and a count", "{max_removals: 5%, max_leavers: 3}", "{max_removals: 3, max_leavers: 50%}",
			plan.Guards{MaxRemovals: plan.Limit{Percent: 5, IsPercent: true}, MaxLeavers: plan.Limit{Count: 3}, KeepAdmins: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := oneSystem(t)
			s.seed("sys", "folder/f")
			s.commit(people + to("al, bo") + system(tt.before))
			s.apply(engine.ExitOK)
			s.commit(people + to("al") + system(tt.after))
			for _, o := range []func(*engine.PlanOptions){base(""), base("HEAD~1")} {
				got := s.plan(o).Systems[0].Guards
				if got.MaxRemovals != tt.want.MaxRemovals || got.MaxLeavers != tt.want.MaxLeavers || got.KeepAdmins != tt.want.KeepAdmins || !slices.Equal(got.Protect, tt.want.Protect) {
					t.Errorf("guards %+v, want %+v", got, tt.want)
				}
			}
		})
	}
}

// TestRollingDay: what one apply took away counts for the next, also under another name of the
// system; after a day it doesn't any more.
func TestRollingDay(t *testing.T) {
	s := oneSystem(t)
	system := func(more string) string {
		return "\n---\nsystem: sys\nconnector: sys\nmode: authoritative\nmanage: ['*/*']\nguards: {max_removals: 3}\n" + more
	}
	s.seed("sys", "a read folder/f", "b read folder/f", "c read folder/f", "d read folder/f", "e read folder/f")
	const people = "people: [{person: a}, {person: b}, {person: c}, {person: d}, {person: e}]"
	s.commit(people + to("c, d, e") + system(""))
	s.apply(engine.ExitOK)
	s.commit(people + to("e") + system(""))
	s.apply(engine.ExitRefused)
	s.commit(people + to("d, e") + system(""))
	s.apply(engine.ExitOK)
	s.commit(people + to("e") + system(""))
	s.apply(engine.ExitRefused)
	renamed := strings.NewReplacer("{sys: [", "{db: [", "system: sys\n", "system: db # system: sys\npreviously: [sys]\n")
	s.commit(renamed.Replace(people + to("e") + system("")))
	s.apply(engine.ExitRefused)
	s.now = s.now.Add(24 * time.Hour)
	s.commit(people + to("e") + system(""))
	s.apply(engine.ExitOK, allow("new-connection:sys")) // it doesn't say that it was db
	s.want("live", s.live("sys"), "a", "b", "c", "d", "e", "e read folder/f")
}

// TestEmptyAnswer: an answer without any account, where there were some, is no answer.
func TestEmptyAnswer(t *testing.T) {
	s := oneSystem(t)
	s.seed("sys", "folder/f")
	s.commit("person: al\n" + to("al"))
	s.apply(engine.ExitOK)
	s.seed("sys", "folder/f")
	if p := s.plan(); engine.ExitOfPlan(p) != engine.ExitIncomplete || len(p.Steps) != 0 || !strings.Contains(p.Systems[0].Error, "no accounts at all") {
		t.Errorf("exit %d: %v, %+v", engine.ExitOfPlan(p), keys(p), p.Systems)
	}
	s.apply(engine.ExitOK, allow("reads-empty:sys"))
	s.want("live", s.live("sys"), "al", "al read folder/f")
}

// TestEmptyAnswerWithoutCreate: where accounts aren't made, an empty answer changes nothing; but
// who leaves meanwhile isn't forgotten.
func TestEmptyAnswerWithoutCreate(t *testing.T) {
	const system = "\n---\nsystem: sys\nconnector: sys\nmode: authoritative\naccounts: {create: false}\nguards: {max_leavers: 100%}\n"
	s := oneSystem(t)
	s.seed("sys", "al", "bo", "folder/f")
	s.commit("people: [{person: al}, {person: bo}]" + to("bo") + system)
	s.apply(engine.ExitOK)
	full := s.far["sys"].Dump()
	s.seed("sys", "folder/f")
	s.commit("person: al" + system)
	s.apply(engine.ExitOK)
	s.commit("people: [{person: al}, {person: cy}]" + system)
	s.apply(engine.ExitOK)
	s.far["sys"].Seed(full)
	s.apply(engine.ExitOK)
	s.want("live", s.live("sys"), "al", "bo disabled")
}

// TestExits: the first that fits of failed, partly, stale, refused, incomplete.
func TestExits(t *testing.T) {
	al, bo := access.Account("al"), access.Account("bo")
	tests := []struct {
		name  string
		live  []string
		fault func(*memory.System)
		plan  int
		apply int
	}{
		{"done", []string{"folder/f"}, func(*memory.System) {}, engine.ExitChanges, engine.ExitOK},
		{"nothing to do", []string{"al read folder/f", "bo read folder/f"}, func(*memory.System) {}, engine.ExitOK, engine.ExitOK},
		{"all failed", []string{"folder/f"}, func(m *memory.System) { m.Deny() }, engine.ExitChanges, engine.ExitFailed},
		{"one failed", []string{"folder/f"}, func(m *memory.System) { m.Deny(bo) }, engine.ExitChanges, engine.ExitPartly},
		{"refused", []string{"al disabled", "bo disabled", "folder/f"}, func(*memory.System) {}, engine.ExitRefused, engine.ExitRefused},
		{"refused in part", []string{"al disabled", "folder/f"}, func(*memory.System) {}, engine.ExitRefused, engine.ExitPartly},
		{"can't be read", []string{"folder/f"}, func(m *memory.System) { m.FailRead(1, nil); m.FailRead(2, nil) }, engine.ExitIncomplete, engine.ExitIncomplete},
		{"not known in part", []string{"al", "bo", "folder/f"}, func(m *memory.System) { m.Hide(al, "hidden") }, engine.ExitIncomplete, engine.ExitIncomplete},
		{"can't be read back", []string{"folder/f"}, func(m *memory.System) { m.FailRead(3, nil) }, engine.ExitChanges, engine.ExitIncomplete},
		{"the reply is lost", []string{"folder/f"}, func(m *memory.System) { m.FailWrite(1, memory.After, nil) }, engine.ExitChanges, engine.ExitPartly},
		{"neither done nor answered", []string{"al", "bo read folder/f"}, func(m *memory.System) { m.FailWrite(1, memory.Before, nil) }, engine.ExitChanges, engine.ExitPartly},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := oneSystem(t)
			s.seed("sys", tt.live...)
			s.commit("people: [{person: al}, {person: bo}]" + to("al, bo"))
			tt.fault(s.far["sys"])
			if got := engine.ExitOfPlan(s.plan()); got != tt.plan {
				t.Errorf("plan exits with %d, not %d", got, tt.plan)
			}
			s.apply(tt.apply)
			s.far["sys"].Heal()
			s.far["sys"].Show()
			if tt.plan != engine.ExitRefused {
				s.apply(engine.ExitOK)
				s.want("live", s.live("sys"), "al", "bo", "al read folder/f", "bo read folder/f")
			}
		})
	}
}

// TestDeclined: what isn't confirmed isn't done, and leaves the locks free.
func TestDeclined(t *testing.T) {
	s := oneSystem(t)
	s.seed("sys", "folder/f")
	s.commit("person: al\n" + to("al"))
	o := engine.ApplyOptions{PlanOptions: s.options(), Confirm: func(*plan.Plan, []plan.Delta) (bool, error) { return false, nil }}
	if _, err := s.engine().Apply(t.Context(), o); !errors.Is(err, engine.ErrDeclined) || s.far["sys"].Calls().Writes > 0 {
		t.Errorf("%v, %+v", err, s.far["sys"].Calls())
	}
	o.Confirm = func(*plan.Plan, []plan.Delta) (bool, error) {
		_, err := s.engine().Apply(t.Context(), engine.ApplyOptions{PlanOptions: s.options()})
		if !errors.Is(err, journal.ErrLocked) {
			t.Errorf("a second apply meanwhile: %v", err)
		}
		return true, nil
	}
	if res, err := s.engine().Apply(t.Context(), o); err != nil || res.Exit != engine.ExitOK {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestInterrupted: a run that is stopped ends what it began, records it, and the next one goes
// on.
func TestInterrupted(t *testing.T) {
	s := oneSystem(t, memory.Parallel(1))
	s.seed("sys", "folder/f")
	s.commit("people: [{person: al}, {person: bo}, {person: cy}]" + to("al, bo, cy"))
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	s.far["sys"].Intercept(func(context.Context, access.Change) error {
		if n++; n == 4 {
			cancel()
		}
		return nil
	})
	res, err := s.engine().Apply(ctx, engine.ApplyOptions{PlanOptions: s.options()})
	if err != nil || !res.Stopped || res.Exit != engine.ExitPartly {
		t.Fatalf("%+v, %v", res, err)
	}
	s.far["sys"].Heal()
	if p := s.plan(); len(p.Notes) != 0 || len(p.Run()) == 0 {
		t.Errorf("notes %v, steps %v", p.Notes, keys(p))
	}
	s.apply(engine.ExitOK)
	if p := s.plan(); len(p.Run()) != 0 {
		t.Errorf("left: %v", keys(p))
	}
}

// TestProblemsStopEverything: a declaration that makes no sense is applied nowhere.
func TestProblemsStopEverything(t *testing.T) {
	s := oneSystem(t)
	s.seed("sys", "folder/f")
	s.commit("people: [{person: al}, {person: bo, accounts: {sys: al}}]" + to("al, bo"))
	_, err := s.engine().Apply(t.Context(), engine.ApplyOptions{PlanOptions: s.options()})
	var ps declare.Problems
	if calls := s.far["sys"].Calls(); !errors.As(err, &ps) || calls.Apply+calls.Batch+calls.Creates+calls.Writes > 0 {
		t.Errorf("%v, %+v", err, calls)
	}
	s.commit("person: al\n" + to("al"))
	s.apply(engine.ExitOK)
	s.commit("person: al # system: sys\n")
	if _, _, err := s.engine().Plan(t.Context(), s.options()); err == nil || !strings.Contains(err.Error(), "never released") {
		t.Errorf("a system that vanished: %v", err)
	}
}
