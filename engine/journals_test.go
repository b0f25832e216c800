package engine_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
)

// origin is a bare repository that keeps the journal, with clones of it whose systems are the
// same.
type origin struct {
	dir      string
	one, two *site
}

const inGit = "journal: {git: refs/accord/journal}\n"

func newOrigin(t *testing.T, docs string, systems ...string) *origin {
	t.Helper()
	all := map[string][]memory.Option{}
	for _, name := range systems {
		all[name] = nil
	}
	o := &origin{dir: filepath.Join(t.TempDir(), "origin.git"), one: newSite(t, all)}
	o.one.config = inGit
	gitIn(t, o.one.dir, "init", "-q", "--bare", "-b", "main", o.dir)
	gitIn(t, o.one.dir, "remote", "add", "origin", o.dir)
	o.commit(docs)
	o.two = o.clone()
	return o
}

// clone is another workspace, as empty as that of a new runner.
func (o *origin) clone() *site {
	s := *o.one
	s.dir = filepath.Join(s.TempDir(), "clone")
	gitIn(s.T, o.dir, "clone", "-q", o.dir, s.dir)
	return &s
}

func (o *origin) commit(docs string) {
	o.one.Helper()
	o.one.commit(docs)
	gitIn(o.one.T, o.one.dir, "push", "-q", "origin", "main")
	if o.two != nil {
		gitIn(o.one.T, o.two.dir, "pull", "-q", "--ff-only")
	}
}

// hook makes the remote run a script before it takes a push, or after.
func (o *origin) hook(name, script string) {
	o.one.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, "hooks", name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		o.one.Fatal(err)
	}
}

func (o *origin) unhook(name string) {
	o.one.Helper()
	if err := os.Remove(filepath.Join(o.dir, "hooks", name)); err != nil {
		o.one.Fatal(err)
	}
}

// try applies and gives what came of it.
func (s *site) try(o engine.ApplyOptions) (*engine.Applied, error) {
	s.now = s.now.Add(time.Minute)
	o.PlanOptions = s.options()
	return s.engine().Apply(s.Context(), o)
}

func (s *site) memory() journal.Memory {
	s.Helper()
	return s.journal().Memory()
}

func (s *site) journal() *journal.Journal {
	s.Helper()
	store, err := s.engine().JournalStore(s.Context(), engine.Source{Dir: s.dir, Worktree: true})
	if err != nil {
		s.Fatal(err)
	}
	if _, err := journal.Verify(s.Context(), store, ""); err != nil {
		s.Fatal(err)
	}
	j, err := journal.OpenReadOnly(s.Context(), store)
	if err != nil {
		s.Fatal(err)
	}
	return j
}

func people(n int) string {
	var b strings.Builder
	b.WriteString("people:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {person: p%d}\n", i)
	}
	b.WriteString("---\ngrant: g\nto: [")
	for i := range n {
		fmt.Fprintf(&b, "p%d, ", i)
	}
	return b.String() + "]\naccess: {a: [folder/f]}\n"
}

// TestGitJournalRace: of two runners that apply at the same moment exactly one does, and the other
// one changes nothing.
func TestGitJournalRace(t *testing.T) {
	o := newOrigin(t, people(1), "a")
	o.one.seed("a", "folder/f")
	for round := range 8 {
		o.commit(people(round + 1))
		type result struct {
			res *engine.Applied
			err error
		}
		var results [2]result
		var wg, ready sync.WaitGroup
		ready.Add(2)
		for i, s := range []*site{o.one, o.two} {
			wg.Go(func() {
				res, err := s.try(engine.ApplyOptions{Confirm: func(*plan.Plan, []plan.Delta) (bool, error) {
					ready.Done()
					ready.Wait() // both have read the journal and the systems
					return true, nil
				}})
				results[i] = result{res, err}
			})
		}
		wg.Wait()
		won := 0
		for i, r := range results {
			switch {
			case r.err == nil && r.res.Exit == engine.ExitOK:
				won++
			case !errors.Is(r.err, journal.ErrHeld) && !errors.Is(r.err, journal.ErrMoved):
				t.Errorf("round %d, runner %d: %v", round, i, r.err)
			case r.res != nil && r.res.Run != "":
				t.Errorf("the loser has a run: %s", r.res.Run)
			case !strings.Contains(r.err.Error(), "by test, since 2026-11-23") && !strings.Contains(r.err.Error(), "what was planned is out of date"):
				t.Errorf("the loser isn't told who was first: %v", r.err)
			}
		}
		if won != 1 {
			t.Fatalf("round %d: %d have applied: %+v", round, won, results)
		}
		for _, s := range []*site{o.one, o.two} {
			if rev, _, _ := s.memory().LastApplied("a"); rev == "" || len(s.memory().Open()) > 0 {
				t.Errorf("round %d: %s is applied, open %v", round, rev, s.memory().Open())
			}
		}
	}
}

// TestGitJournalOrders: whoever is first, and however far it is when the other one comes.
func TestGitJournalOrders(t *testing.T) {
	for _, swapped := range []bool{false, true} {
		o := newOrigin(t, people(2), "a")
		first, second := o.one, o.two
		if swapped {
			first, second = second, first
		}
		o.one.seed("a", "folder/f")
		var tried atomic.Bool // writes come side by side
		o.one.far["a"].Watch(func() {
			if tried.Swap(true) {
				return
			}
			// The first one is at work.
			res, err := second.try(engine.ApplyOptions{})
			var held *journal.HeldError
			if res != nil || !errors.As(err, &held) || held.Actor != "test" || len(held.Systems) != 1 {
				t.Errorf("%v %v", res, err)
			}
			if p := second.plan(); !strings.Contains(strings.Join(p.Notes, "\n"), "is at work or was cut off") {
				t.Errorf("notes: %q", p.Notes)
			}
		})
		if res, err := first.try(engine.ApplyOptions{}); err != nil || res.Exit != engine.ExitOK {
			t.Fatalf("%v %v", res, err)
		}
		if !tried.Load() {
			t.Fatal("the second one never came")
		}
		o.commit(people(3))
		// Now the second one has planned when the first one applies.
		res, err := second.try(engine.ApplyOptions{Confirm: func(*plan.Plan, []plan.Delta) (bool, error) {
			res, err := first.try(engine.ApplyOptions{})
			if err != nil || res.Exit != engine.ExitOK {
				t.Errorf("%v %v", res, err)
			}
			return true, nil
		}})
		if !errors.Is(err, journal.ErrMoved) || res != nil && res.Run != "" {
			t.Errorf("%v %v", res, err)
		}
		second.apply(engine.ExitOK)
	}
}

const leaverDocs = `
people:
  - {person: dora, status: left}
  - {person: emil}
  - {person: finn}
---
grant: g
to: [finn]
access: {a: [folder/f], b: [folder/f]}
`

func seedLeaver(o *origin) {
	for _, name := range []string{"a", "b"} {
		o.one.seed(name, "dora read folder/f", "emil read folder/f", "finn")
	}
}

// TestGitJournalNotOpened: a runner that may not push deals with those who left, and with nothing
// else; what it did is sent later.
func TestGitJournalNotOpened(t *testing.T) {
	for _, why := range []string{"refused", "gone"} {
		o := newOrigin(t, leaverDocs, "a", "b")
		seedLeaver(o)
		stop := func(*plan.Plan, []plan.Delta) (bool, error) { o.hook("pre-receive", "exit 1\n"); return true, nil }
		again := func() { o.unhook("pre-receive") }
		if why == "gone" {
			stop = func(*plan.Plan, []plan.Delta) (bool, error) { return true, os.Rename(o.dir, o.dir+".away") }
			again = func() {
				if err := os.Rename(o.dir+".away", o.dir); err != nil {
					t.Fatal(err)
				}
			}
		}
		res, err := o.one.try(engine.ApplyOptions{Confirm: stop})
		if !errors.Is(err, engine.ErrUnpublished) || res.Exit != engine.ExitPartly || !strings.Contains(err.Error(), "accord journal push") {
			t.Fatalf("%s: %v %v", why, res, err)
		}
		o.one.want("live", o.one.live("a"), "dora disabled", "emil", "finn", "emil read folder/f")
		again()
		if p, err := o.one.engine().PushJournal(t.Context(), engine.Source{Dir: o.one.dir, Worktree: true}, ""); err != nil || p.Entries == 0 || p.Late {
			t.Errorf("%+v %v", p, err)
		}
		m := o.two.memory()
		if at, ok := m.DisabledSince(access.Ref{System: "a", ID: access.Account("dora")}); !ok || at.IsZero() || len(m.Open()) > 0 {
			t.Errorf("%s: the other clone doesn't know: %v %v", why, at, m.Open())
		}
		o.two.apply(engine.ExitOK)
		o.one.want("live", o.one.live("b"), "dora disabled", "emil", "finn", "finn read folder/f")

		// With nobody who left nothing is changed.
		o.commit(strings.Replace(leaverDocs, "to: [finn]", "to: [finn, emil]", 1))
		res, err = o.one.try(engine.ApplyOptions{Confirm: stop})
		if !errors.Is(err, engine.ErrUnpublished) || res.Exit != engine.ExitFailed {
			t.Errorf("%s: %v %v", why, res, err)
		}
		again()
		o.one.apply(engine.ExitOK)
		if n := len(o.two.memory().Open()); n > 0 {
			t.Errorf("%s: %d runs are open", why, n)
		}
	}
}

// TestGitJournalUnreachable: what can't be fetched is no empty journal. Nothing is planned by it, and
// nothing done but that those who left lose what they hold.
func TestGitJournalUnreachable(t *testing.T) {
	o := newOrigin(t, leaverDocs, "a", "b")
	seedLeaver(o)
	if err := os.Rename(o.dir, o.dir+".away"); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*site{o.one, o.two} {
		if p, _, err := s.engine().Plan(t.Context(), s.options()); p != nil || err == nil || !strings.Contains(err.Error(), "fetching refs/accord/journal") {
			t.Errorf("%v %v", p, err)
		}
	}
	res, err := o.one.try(engine.ApplyOptions{})
	if !errors.Is(err, engine.ErrUnpublished) || !errors.Is(err, journal.ErrUnreachable) || res.Exit != engine.ExitPartly || !res.Result.Unopened {
		t.Errorf("%v %v", res, err)
	}
	o.one.want("live", o.one.live("a"), "dora disabled", "emil", "finn", "emil read folder/f")
	if res, err := o.two.try(engine.ApplyOptions{}); res != nil || !errors.Is(err, journal.ErrUnreachable) {
		t.Errorf("nobody left now: %v %v", res, err)
	}
	if err := os.Rename(o.dir+".away", o.dir); err != nil {
		t.Fatal(err)
	}
	o.one.apply(engine.ExitOK)
	o.one.want("live", o.one.live("a"), "dora disabled", "emil", "finn", "finn read folder/f")
}

// TestGitJournalRefusedHalfWay: the second push of a run is refused. From then on nothing is given;
// the run ends with 5, and the next one brings it to its end.
func TestGitJournalRefusedHalfWay(t *testing.T) {
	o := newOrigin(t, leaverDocs+"---\nsystem: b\nconnector: b\nmode: authoritative\nmanage: ['*/*']\npriority: 1\n", "a", "b", "c")
	seedLeaver(o)
	o.hook("pre-receive", "echo x >>count\ntest $(wc -l <count) -ne 2\n")
	refused := filepath.Join(o.dir, "count")
	// What b is given waits for the push after c, where nothing is to be done.
	o.one.far["b"].Watch(func() {
		for range 2000 {
			if text, err := os.ReadFile(refused); err == nil && len(text) >= 4 {
				time.Sleep(100 * time.Millisecond) // until the answer is there
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Error("there was no second push")
	})
	res, err := o.one.try(engine.ApplyOptions{})
	if !errors.Is(err, engine.ErrUnpublished) || res.Exit != engine.ExitPartly || !strings.Contains(err.Error(), "hook declined") {
		t.Fatalf("%+v %v", res, err)
	}
	o.one.want("b", o.one.live("b"), "dora disabled", "emil", "finn")
	// The pushes after it went through: everything is on the record.
	if n := len(o.two.memory().Open()); n != 0 {
		t.Errorf("%d runs are open", n)
	}
	o.one.far["b"].Watch(nil)
	o.two.apply(engine.ExitOK)
	o.one.want("b", o.one.live("b"), "dora disabled", "emil", "finn", "finn read folder/f")
}

// TestGitJournalClose: a run that was cut off blocks, whoever comes, until somebody closes it; then
// the next one does what is missing.
func TestGitJournalClose(t *testing.T) {
	o := newOrigin(t, leaverDocs, "a", "b")
	seedLeaver(o)
	src := engine.Source{Dir: o.two.dir, Worktree: true}
	// The first runner dies when it has opened its run and begun a unit.
	store, err := o.one.engine().JournalStore(t.Context(), engine.Source{Dir: o.one.dir, Worktree: true})
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), store, func() time.Time { return o.one.now })
	if err != nil {
		t.Fatal(err)
	}
	change := journal.Change{Change: access.Change{System: "a", Action: access.Disable, Subject: access.Account("dora"), After: &access.Value{Disabled: true}}, Person: "dora", Class: journal.ClassLeaver}
	for _, e := range []journal.Data{journal.Opened{Actor: "robin", Systems: []string{"a"}}, journal.Begun{System: "a", Unit: 1, Changes: []journal.Change{change}}} {
		if err := j.Append(t.Context(), journal.Entry{Run: "killed", Data: e}); err != nil {
			t.Fatal(err)
		}
		if err := j.Publish(t.Context(), journal.Opening); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*site{o.one, o.two} {
		if res, err := s.try(engine.ApplyOptions{}); res != nil || !errors.Is(err, journal.ErrHeld) || !strings.Contains(err.Error(), "accord journal close killed") {
			t.Errorf("%v %v", res, err)
		}
	}
	if _, err := o.two.engine().CloseRun(t.Context(), src, "another", "x"); !errors.Is(err, engine.ErrNoRun) {
		t.Error(err)
	}
	if _, err := o.two.engine().CloseRun(t.Context(), src, "", ""); err == nil {
		t.Error("closed without a reason")
	}
	run, err := o.two.engine().CloseRun(t.Context(), src, "", "the runner is gone")
	if err != nil || run.Run != "killed" || len(run.Units) != 1 || run.Units[0].Ended() {
		t.Fatalf("%+v %v", run, err)
	}
	o.one.apply(engine.ExitOK)
	o.one.want("live", o.one.live("a"), "dora disabled", "emil", "finn", "finn read folder/f")
}

// TestGitJournalFenced: a run that goes on although it was closed stops giving when it notices.
func TestGitJournalFenced(t *testing.T) {
	o := newOrigin(t, leaverDocs, "a", "b")
	seedLeaver(o)
	var once sync.Once // writes come side by side
	o.one.far["b"].Watch(func() {
		once.Do(func() {
			if _, err := o.two.engine().CloseRun(t.Context(), engine.Source{Dir: o.two.dir, Worktree: true}, "", "it seemed to hang"); err != nil {
				t.Error(err)
			}
		})
	})
	res, err := o.one.try(engine.ApplyOptions{})
	if !errors.Is(err, engine.ErrUnpublished) || !errors.Is(err, journal.ErrMoved) || res.Exit != engine.ExitPartly {
		t.Fatalf("%v %v", res, err)
	}
	o.two.apply(engine.ExitOK)
	// What the first one did is known nowhere else yet; it comes late.
	p, err := o.one.engine().PushJournal(t.Context(), engine.Source{Dir: o.one.dir, Worktree: true}, "")
	if err != nil || !p.Late {
		t.Fatalf("%+v %v", p, err)
	}
	m := o.two.memory()
	for _, name := range []string{"a", "b"} {
		if _, ok := m.DisabledSince(access.Ref{System: name, ID: access.Account("dora")}); !ok {
			t.Errorf("who disabled dora on %s isn't known", name)
		}
	}
	o.one.apply(engine.ExitOK)
}
