package journal

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/google/go-cmp/cmp"
)

func object(system string, a access.Action, name string) Change {
	return Change{Change: access.Change{System: system, Action: a, Subject: access.Account(name)}, Person: name, Class: ClassChange}
}

func rename(system, from, to string) Change {
	c := object(system, access.Rename, from)
	c.After = &access.Value{Name: to}
	return c
}

func revoke(system, name string) Change {
	c := object(system, access.Revoke, name)
	c.Target = access.ID{Kind: "team", Name: "payments"}
	c.Before = &access.Value{Permission: "member"}
	return c
}

func ref(system, name string) access.Ref {
	return access.Ref{System: system, ID: access.Account(name)}
}

// script replays a history told in short: each step is one unit of one change, "outcome" or
// "outcome/held".
type step struct {
	change Change
	how    string
}

func play(t *testing.T, steps ...step) Memory {
	t.Helper()
	s := &memStore{}
	j := mustOpen(t, s)
	mustAppend(t, j, "r", Opened{})
	for i, st := range steps {
		outcome, held, _ := strings.Cut(st.how, "/")
		unit := i + 1
		mustAppend(t, j, "r", Begun{System: st.change.System, Unit: unit, Changes: []Change{st.change}})
		if outcome == "killed" {
			continue
		}
		mustAppend(t, j, "r", Ended{System: st.change.System, Unit: unit, All: Outcome(outcome)})
		if held != "" {
			mustAppend(t, j, "r", ReadBack{System: st.change.System, Unit: unit, All: Held(held)})
		}
	}
	// What the live journal knows and what replaying it from disk gives must be the same.
	live, replayed := j.Memory(), mustOpen(t, s).Memory()
	for _, m := range []Memory{live, replayed} {
		for _, system := range []string{"a", "b"} {
			if a, b := told(live, system), told(m, system); a != b {
				t.Errorf("live %s\nreplayed %s", a, b)
			}
		}
	}
	return replayed
}

// told is what a memory claims and counts on a system.
func told(m Memory, system string) string {
	created := slices.SortedFunc(maps.Keys(m.m.created(system)), access.ID.Compare)
	return fmt.Sprint(m.Disabled(system), created, m.Removals(system, time.Time{}), m.Given(system, time.Time{}))
}

func TestDisabledSince(t *testing.T) {
	disable := func(how string) step { return step{object("a", access.Disable, "x"), how} }
	enable := func(how string) step { return step{object("a", access.Enable, "x"), how} }
	remove := func(how string) step { return step{object("a", access.Delete, "x"), how} }
	move := func(how string) step { return step{rename("a", "x", "y"), how} }
	createDisabled := object("a", access.Create, "x")
	createDisabled.After = &access.Value{Disabled: true}
	for _, c := range []struct {
		name  string
		steps []step
		x, y  bool
	}{
		{"nothing", nil, false, false},
		{"disabled", []step{disable("done")}, true, false},
		{"disabled and held", []step{disable("done/held")}, true, false},
		{"disabled, not confirmed yet", []step{disable("done/unconfirmed")}, true, false},
		{"disabled, but it didn't hold", []step{disable("done/not-held")}, false, false},
		{"it was disabled already: not our doing", []step{disable("already")}, false, false},
		{"already, after we did it", []step{disable("done"), disable("already/held")}, true, false},
		{"failed", []step{disable("failed")}, false, false},
		{"refused", []step{disable("refused")}, false, false},
		{"unknown", []step{disable("unknown")}, false, false},
		{"unknown, then seen", []step{disable("unknown/held")}, true, false},
		{"unknown, then seen not to be", []step{disable("unknown/not-held")}, false, false},
		{"killed", []step{disable("killed")}, false, false},
		{"enabled", []step{disable("done"), enable("done")}, false, false},
		{"enabling failed", []step{disable("done"), enable("failed")}, true, false},
		{"enabled, perhaps", []step{disable("done"), enable("unknown")}, false, false},
		{"disabled again", []step{disable("done"), enable("done"), disable("done")}, true, false},
		{"deleted", []step{disable("done"), remove("done")}, false, false},
		{"deleted already", []step{disable("done"), remove("already")}, false, false},
		{"deletion failed", []step{disable("done"), remove("failed")}, true, false},
		{"renamed", []step{disable("done"), move("done")}, false, true},
		{"renamed already", []step{disable("done"), move("already")}, false, true},
		{"renaming failed", []step{disable("done"), move("failed")}, true, false},
		{"renamed, perhaps", []step{disable("done"), move("unknown")}, true, false},
		{"renamed, perhaps, then seen", []step{disable("done"), move("unknown/held")}, false, true},
		{"renamed, but it didn't hold", []step{disable("done"), move("done/not-held")}, true, false},
		{"created disabled", []step{{createDisabled, "done"}}, true, false},
		{"created disabled, but it didn't hold", []step{{createDisabled, "done/not-held"}}, false, false},
		{"disabled, and made anew, which didn't hold", []step{disable("done"), {object("a", access.Create, "x"), "done/not-held"}}, false, false},
		{"disabled, and made anew, perhaps", []step{disable("done"), {object("a", access.Create, "x"), "unknown/held"}}, true, false},
		{"on another system", []step{{object("b", access.Disable, "x"), "done"}}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := play(t, c.steps...)
			if _, ok := m.DisabledSince(ref("a", "x")); ok != c.x {
				t.Errorf("x: %v, want %v", ok, c.x)
			}
			if _, ok := m.DisabledSince(ref("a", "y")); ok != c.y {
				t.Errorf("y: %v, want %v", ok, c.y)
			}
		})
	}
}

func TestDisabledSinceWhen(t *testing.T) {
	// The clock of the tests: the run is opened at second 1, then each entry takes one.
	m := play(t, step{object("a", access.Disable, "x"), "done/held"}, step{object("a", access.Disable, "x"), "already/held"}, step{rename("a", "x", "y"), "done"})
	at, _ := m.DisabledSince(ref("a", "y"))
	if want := time.Date(2026, 11, 23, 10, 0, 3, 0, time.UTC); !at.Equal(want) {
		t.Errorf("got %s, want %s", at, want)
	}
}

func TestCreatedByAccord(t *testing.T) {
	create := func(how string) step { return step{object("a", access.Create, "x"), how} }
	for _, c := range []struct {
		name  string
		steps []step
		x, y  bool
	}{
		{"created", []step{create("done/held")}, true, false},
		{"was there already", []step{create("already")}, false, false},
		{"unknown", []step{create("unknown")}, false, false},
		{"unknown, then seen", []step{create("unknown/held")}, true, false},
		{"didn't hold", []step{create("done/not-held")}, false, false},
		{"deleted", []step{create("done"), {object("a", access.Delete, "x"), "done"}}, false, false},
		{"renamed", []step{create("done"), {rename("a", "x", "y"), "done"}}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := play(t, c.steps...)
			if x, y := m.CreatedByAccord(ref("a", "x")), m.CreatedByAccord(ref("a", "y")); x != c.x || y != c.y {
				t.Errorf("got %v %v, want %v %v", x, y, c.x, c.y)
			}
		})
	}
}

func TestRemovals(t *testing.T) {
	level := func(raises bool) Change {
		c := revoke("a", "lev")
		c.Action, c.Raises = access.ChangeLevel, raises
		c.Before, c.After = &access.Value{Permission: "admin"}, &access.Value{Permission: "push"}
		return c
	}
	leaver := revoke("a", "carol")
	leaver.Class = ClassLeaver
	s := &memStore{}
	j := mustOpen(t, s)
	changes := []Change{revoke("a", "x"), revoke("a", "failed"), revoke("a", "unknown"), revoke("a", "already"), revoke("a", "refused"), revoke("a", "skipped"),
		object("a", access.Delete, "del"), object("a", access.Disable, "dis"), object("a", access.Create, "new"), level(false), leaver}
	raised := level(true)
	raised.Subject = access.Account("raised")
	changes = append(changes, raised)
	end := Ended{System: "a", Unit: 1, All: Done}
	for _, o := range []Outcome{Failed, Unknown, Already, Refused, Skipped} {
		end.Except = append(end.Except, Result{revoke("a", string(o)).Key(), o, ""})
	}
	mustAppend(t, j, "r", Opened{}, Begun{System: "a", Unit: 1, Changes: changes}, end)
	middle := j.now()
	mustAppend(t, j, "r", Begun{System: "a", Unit: 2, Changes: []Change{revoke("a", "killed")}},
		Begun{System: "b", Unit: 1, Changes: []Change{revoke("b", "other")}})

	names := func(m Memory, system string, since time.Time) []string {
		var out []string
		for _, r := range m.Removals(system, since) {
			text := fmt.Sprintf("%s %s %s", r.Action, r.Subject.Name, r.Person)
			if r.Leaver {
				text += " leaver"
			}
			if r.Ref.System != system || r.Action.OnGrant() && r.Ref.ID.Name != "payments" || !r.Action.OnGrant() && r.Ref.ID != r.Subject {
				t.Errorf("%s: ref %s", text, r.Ref)
			}
			out = append(out, text)
		}
		return out
	}
	all := []string{"revoke x x", "revoke unknown unknown", "delete del del", "disable dis dis", "change-level lev lev", "revoke carol carol leaver", "revoke killed killed"}
	for what, m := range map[string]Memory{"live": j.Memory(), "replayed": mustOpen(t, s).Memory()} {
		if got := names(m, "a", time.Time{}); !slices.Equal(got, all) {
			t.Errorf("%s: got %q, want %q", what, got, all)
		}
		if got := names(m, "a", middle); !slices.Equal(got, all[6:]) {
			t.Errorf("%s, since then: got %q", what, got)
		}
		if got := names(m, "b", time.Time{}); !slices.Equal(got, []string{"revoke other other"}) {
			t.Errorf("%s: got %q", what, got)
		}
		if got := names(m, "c", time.Time{}); got != nil {
			t.Errorf("%s: got %q", what, got)
		}
	}
	// Closing a run doesn't make forget what it began and never ended.
	mustAppend(t, j, "r", Closed{})
	if got := names(j.Memory(), "a", time.Time{}); !slices.Equal(got, all) {
		t.Errorf("closed: got %q", got)
	}
}

func TestCorrected(t *testing.T) {
	drift := revoke("a", "x")
	drift.Class = ClassDrift
	m := play(t, step{drift, "done"}, step{revoke("a", "x"), "done"}, step{drift, "failed"}, step{drift, "already"}, step{drift, "unknown"})
	if n := m.Corrected(drift.Key(), time.Time{}); n != 2 {
		t.Errorf("got %d", n)
	}
	if n := m.Corrected(drift.Key(), time.Date(2026, 11, 23, 10, 0, 4, 0, time.UTC)); n != 1 {
		t.Errorf("since: got %d", n)
	}
	if n := m.Corrected("other", time.Time{}); n != 0 {
		t.Errorf("other: got %d", n)
	}
}

func TestLastApplied(t *testing.T) {
	j := mustOpen(t, &memStore{})
	if _, _, ok := j.Memory().LastRevision(); ok {
		t.Error("an empty journal knows a revision")
	}
	mustAppend(t, j, "r", Opened{},
		ClosedSystem{System: "a", Revision: "1", Converged: true},  // second 2
		ClosedSystem{System: "b", Revision: "1", Converged: true},  // second 3
		ClosedSystem{System: "b", Revision: "2", Converged: false}, // not done
		ClosedSystem{System: "a", Revision: "3", Converged: true},  // second 5
		ClosedSystem{System: "b", Revision: Worktree, Converged: true},
		ClosedSystem{System: "c", Revision: "3", Converged: false})
	mustAppend(t, j, "folder", Opened{Worktree: true}, ClosedSystem{System: "a", Revision: "4", Converged: true})
	for _, c := range []struct {
		system, revision string
		second           int
	}{{"a", "3", 5}, {"b", "1", 3}, {"c", "", 0}} {
		rev, at, ok := j.Memory().LastApplied(c.system)
		if rev != c.revision || ok != (c.revision != "") || ok && at.Second() != c.second {
			t.Errorf("%s: %q at %s, %v", c.system, rev, at, ok)
		}
	}
	if rev, at, ok := j.Memory().LastRevision(); rev != "3" || at.Second() != 5 || !ok {
		t.Errorf("%q at %s", rev, at)
	}
}

// TestOffboarded: who was offboarded stays so over runs of any kind until it is settled, and an
// offboarding says nothing about what is applied.
func TestOffboarded(t *testing.T) {
	s := &memStore{}
	j := mustOpen(t, s)
	if got := j.Memory().Offboarded(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	mustAppend(t, j, "first", Opened{Revision: "1", Offboard: "finn"}, Settled{Person: "finn"}, Closed{})
	if j.Memory().Applies() {
		t.Error("an offboarding is no apply")
	}
	mustAppend(t, j, "applied", Opened{Revision: "1"}, ClosedSystem{System: "a", Revision: "1", Converged: true, Leavers: true}, Closed{})
	before := j.Memory()
	mustAppend(t, j, "killed", Opened{Revision: "2", Actor: "ada", Offboard: "dora", Reason: "lost", Branch: "accord/offboard-dora"})
	mustAppend(t, j, "again", Opened{Revision: "3", Actor: "ben", Offboard: "dora"},
		ClosedSystem{System: "a", Revision: "3", Converged: true, Leavers: true}, Closed{})
	mustAppend(t, j, "other", Opened{Revision: "3", Actor: "ben", Offboard: "eve"}, Closed{})
	mustAppend(t, j, "next", Opened{Revision: "4"})
	begin := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	want := []Offboarding{{Person: "dora", Since: begin.Add(7 * time.Second), Run: "killed", Actor: "ada", Reason: "lost", Branch: "accord/offboard-dora", Revision: "2"},
		{Person: "eve", Since: begin.Add(11 * time.Second), Run: "other", Actor: "ben", Revision: "3"}}
	for _, m := range []Memory{j.Memory(), mustOpen(t, s).Memory()} {
		if d := cmp.Diff(want, m.Offboarded()); d != "" {
			t.Error(d)
		}
		if !m.Applies() {
			t.Error("it knows of no apply")
		}
		if rev, _, _ := m.LastApplied("a"); rev != "1" {
			t.Errorf("last applied: %s", rev)
		}
		if rev, _, _ := m.LeaversUpTo("a"); rev != "1" {
			t.Errorf("leavers up to: %s", rev)
		}
	}
	mustAppend(t, j, "next", Settled{Person: "dora", Why: "declared"}, Settled{Person: "nobody"})
	if got := j.Memory().Offboarded(); len(got) != 1 || got[0].Person != "eve" {
		t.Errorf("got %v", got)
	}
	if got := before.Offboarded(); len(got) != 0 {
		t.Errorf("a memory changed: %v", got)
	}
	if err := j.Append(t.Context(), Entry{Run: "killed", Data: Settled{Person: "eve"}}); err != nil {
		t.Error(err)
	}
	if err := j.Append(t.Context(), Entry{Run: "nobody's", Data: Settled{Person: "eve"}}); err == nil {
		t.Error("a run that isn't open settled something")
	}
}

func TestOpenRuns(t *testing.T) {
	s := &memStore{}
	j := mustOpen(t, s)
	mustAppend(t, j, "done", Opened{Actor: "alice"}, Closed{})
	x, y := revoke("a", "x"), revoke("a", "y")
	mustAppend(t, j, "killed", Opened{Actor: "bob", Systems: []string{"a", "b"}},
		ClosedSystem{System: "b"},
		Begun{System: "a", Unit: 1, Changes: []Change{x, y}},
		Ended{System: "a", Unit: 1, All: Done, Except: []Result{{y.Key(), Failed, "no"}}},
		Begun{System: "a", Unit: 2, Changes: []Change{x}})
	mustAppend(t, j, "later", Opened{Actor: "carol"})
	open := mustOpen(t, s).Memory().Open()
	if len(open) != 2 || open[0].Run != "killed" || open[1].Run != "later" || open[0].Actor != "bob" || open[0].Since.Second() != 3 || !slices.Equal(open[0].Closed, []string{"b"}) {
		t.Fatalf("got %+v", open)
	}
	units := open[0].Units
	if len(units) != 2 || !units[0].Ended() || units[1].Ended() || units[1].At.Second() != 7 {
		t.Fatalf("got %+v", units)
	}
	if got := units[0].Outcomes(); !slices.Equal(got, []Outcome{Done, Failed}) {
		t.Errorf("got %v", got)
	}
	if got := units[1].Outcomes(); !slices.Equal(got, []Outcome{Unknown}) {
		t.Errorf("got %v", got)
	}
	// A later run explains the killed one and closes it.
	j = mustOpen(t, s)
	mustAppend(t, j, "killed", Ended{System: "a", Unit: 2, All: Done}, Closed{Outcome: "resumed by later"})
	if open := j.Memory().Open(); len(open) != 1 || open[0].Run != "later" {
		t.Errorf("got %+v", open)
	}
}

// TestReadBackOfAllUnits: without a number a readback speaks of all units that have ended.
func TestReadBackOfAllUnits(t *testing.T) {
	j := mustOpen(t, &memStore{})
	x, y, z := object("a", access.Disable, "x"), object("a", access.Disable, "y"), object("a", access.Disable, "z")
	mustAppend(t, j, "r", Opened{},
		Begun{System: "a", Unit: 1, Changes: []Change{x}}, Ended{System: "a", Unit: 1, All: Done},
		Begun{System: "a", Unit: 2, Changes: []Change{y, z}}, Ended{System: "a", Unit: 2, All: Done, Except: []Result{{y.Key(), Unknown, "cut"}}},
		ReadBack{System: "a", All: Holds, Except: []Seen{{x.Key(), NotHeld, ""}}})
	for name, want := range map[string]bool{"x": false, "y": true, "z": true} {
		if _, ok := j.Memory().DisabledSince(ref("a", name)); ok != want {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

// TestOutcomeOfALaterVersion: a word that we don't know counts as unknown.
func TestOutcomeOfALaterVersion(t *testing.T) {
	m := newMemory()
	for _, e := range []Entry{
		{Run: "r", Data: Opened{}},
		{Run: "r", Data: Begun{System: "a", Unit: 1, Changes: []Change{revoke("a", "x"), object("a", access.Disable, "x")}}},
		{Run: "r", Data: Ended{System: "a", Unit: 1, All: "half-done"}},
	} {
		m.replay(e)
	}
	if _, ok := (Memory{m}).DisabledSince(ref("a", "x")); ok || len((Memory{m}).Removals("a", time.Time{})) != 2 {
		t.Error("an outcome that we don't know isn't taken for unknown")
	}
}

func TestZeroMemory(t *testing.T) {
	var m Memory
	if _, _, ok := m.LastApplied("a"); ok || m.Open() != nil || m.Removals("a", time.Time{}) != nil || m.Corrected("k", time.Time{}) != 0 || m.CreatedByAccord(ref("a", "x")) {
		t.Error("the zero memory knows something")
	}
	if n := m.News("ops"); !n.First || m.OpenDrift("a") != nil || m.Looked() != nil {
		t.Error("the zero memory knows something")
	}
	if _, ok := m.LastRead("a"); ok {
		t.Error("the zero memory knows something")
	}
	if _, ok := m.DisabledSince(ref("a", "x")); ok {
		t.Error("the zero memory knows something")
	}
	if _, _, ok := m.LastRevision(); ok {
		t.Error("the zero memory knows something")
	}
}
