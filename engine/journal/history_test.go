package journal

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/engine/access"
)

var approvedAt = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// ran is a journal of two runs: one on ben's approval that gave three things, of which one failed
// and one wasn't held, and one that took one away again and was cut off in its second unit.
func ran(t *testing.T) *memStore {
	t.Helper()
	s := &memStore{}
	j := mustOpen(t, s)
	give := func(name string) Change {
		return Change{Change: access.Change{System: "office", Action: access.Give, Subject: access.Account(name), Target: access.ID{Kind: "group", Name: "root"}, After: &access.Value{Permission: "member"}}, Person: name, Class: ClassChange}
	}
	revoke := func(name string) Change {
		c := give(name)
		c.Action, c.Before, c.After, c.Class = access.Revoke, c.After, nil, ClassTime
		return c
	}
	mustAppend(t, j, "one",
		Opened{Revision: "c1", PlanDigest: "p1", ChangeDigest: "d1", Actor: "robin", Systems: []string{"office"}},
		Approved{ChangeDigest: "d1", Approvals: []Approval{{By: "ben", At: approvedAt, Commit: "c1"}, {By: "cleo", At: approvedAt, Change: "d1"}},
			Demands: []Demand{{Rule: "privileged_access", Text: "needs an owner", By: []string{"ben"}, Changes: []string{give("ada").Key()}}}},
		Begun{System: "office", Unit: 1, Changes: []Change{give("ada"), give("dora"), give("eve")}},
		Ended{System: "office", Unit: 1, All: Done, Except: []Result{{give("dora").Key(), Failed, "403"}}},
		ReadBack{System: "office", All: Holds, Except: []Seen{{give("eve").Key(), NotHeld, ""}}},
		ClosedSystem{System: "office", Revision: "c1"},
		Closed{Outcome: "applied in part", Exit: 5})
	mustAppend(t, j, "two",
		Opened{Revision: "c2", PlanDigest: "p2", Actor: "dora", Systems: []string{"office"}},
		Begun{System: "office", Unit: 1, Changes: []Change{revoke("ada")}},
		Ended{System: "office", Unit: 1, All: Done},
		Begun{System: "office", Unit: 2, Changes: []Change{give("ada")}},
		ReadBack{System: "office", All: Holds})
	return s
}

func TestHistory(t *testing.T) {
	s := ran(t)
	h, err := ReadHistory(ReadAll(t.Context(), s), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range h.Events {
		line := fmt.Sprintf("%s %s %s %s %s %v", e.Run.ID, e.Action, e.Person, e.Outcome, e.Seen, e.Holds())
		for _, d := range e.Demands() {
			line += " " + d.Rule + " met by " + strings.Join(d.By, " ")
		}
		got = append(got, line)
	}
	want := []string{
		"one grant ada done held true privileged_access met by ben",
		"one grant dora failed held false",
		"one grant eve done not-held false",
		"two revoke ada done held true",
		"two grant ada unknown  false",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(h.Runs) != 2 || h.Runs[0].End == nil || h.Runs[0].End.Exit != 5 || h.Runs[0].Closed.IsZero() || h.Runs[1].End != nil || len(h.Runs[0].Systems) != 1 || h.Events[1].Error != "403" {
		t.Errorf("runs: %+v", h.Runs)
	}
}

func TestAbout(t *testing.T) {
	s := ran(t)
	root := access.ID{Kind: "group", Name: "root"}
	for _, tt := range []struct {
		what string
		keep func(Change) bool
		want int
	}{
		{"a person", About([]string{"ada"}, nil, nil, access.ID{}), 3},
		{"an account", About(nil, []access.Ref{{System: "office", ID: access.Account("eve")}}, nil, access.ID{}), 1},
		{"the account elsewhere", About(nil, []access.Ref{{System: "depot", ID: access.Account("eve")}}, nil, access.ID{}), 0},
		{"on the target", About([]string{"ada"}, nil, []string{"office"}, root), 3},
		{"on another target", About([]string{"ada"}, nil, []string{"office"}, access.ID{Kind: "group", Name: "tools"}), 0},
		{"on another system", About([]string{"ada"}, nil, []string{"depot"}, access.ID{}), 0},
		{"nobody", About([]string{""}, nil, nil, access.ID{}), 0},
	} {
		h, err := ReadHistory(ReadAll(t.Context(), s), tt.keep)
		if err != nil || len(h.Events) != tt.want || len(h.Runs) != 2 {
			t.Errorf("%s: %d events, %d runs, %v", tt.what, len(h.Events), len(h.Runs), err)
		}
	}
	s.data = s.data[:len(s.data)/2]
	s.data[10] ^= 1
	if _, err := ReadHistory(ReadAll(t.Context(), s), nil); err == nil {
		t.Error("a broken journal has a history")
	}
}

// TestApproved: approvals are remembered by run, also by who reads the journal anew, and can't be
// changed behind the chain's back.
func TestApproved(t *testing.T) {
	s := ran(t)
	j := mustOpen(t, s)
	m := j.Memory()
	got := m.Approved(time.Time{})
	want := []ApprovedRun{{Run: "one", Time: got[0].Time, ChangeDigest: "d1", Rules: []string{"privileged_access"},
		Approvals: []Approval{{By: "ben", At: approvedAt, Commit: "c1"}, {By: "cleo", At: approvedAt, Change: "d1"}}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if later := m.Approved(got[0].Time.Add(time.Second)); len(later) != 0 {
		t.Errorf("later there was %v", later)
	}
	mustAppend(t, j, "three", Opened{}, Approved{ChangeDigest: "d3", Approvals: []Approval{{By: "ben", At: approvedAt}}})
	if len(m.Approved(time.Time{})) != 1 || len(j.Memory().Approved(time.Time{})) != 2 {
		t.Error("a memory that was handed out has changed, or a new one hasn't")
	}
	if zero := (Memory{}).Approved(time.Time{}); zero != nil {
		t.Errorf("no journal: %v", zero)
	}
	s.data = []byte(strings.Replace(string(s.data), `"by":"ben"`, `"by":"eve"`, 1))
	if _, err := Verify(t.Context(), s, ""); err == nil {
		t.Error("an approval was put into another's mouth unseen")
	}
}

// TestApprovedMakesSense: what would prove nothing is refused.
func TestApprovedMakesSense(t *testing.T) {
	good := Approved{Approvals: []Approval{{By: "ben", At: approvedAt}}, Demands: []Demand{{Rule: "r", By: []string{"ben"}}}}
	for _, tt := range []struct {
		what string
		run  string
		edit func(*Approved)
	}{
		{"no such run", "none", func(*Approved) {}},
		{"nobody", "r", func(a *Approved) { a.Approvals = nil }},
		{"nameless", "r", func(a *Approved) { a.Approvals[0].By = "" }},
		{"timeless", "r", func(a *Approved) { a.Approvals[0].At = time.Time{} }},
		{"a demand of no rule", "r", func(a *Approved) { a.Demands[0].Rule = "" }},
		{"a demand that nobody met", "r", func(a *Approved) { a.Demands[0].By = nil }},
		{"a demand met by a stranger", "r", func(a *Approved) { a.Demands[0].By = []string{"eve"} }},
	} {
		j := mustOpen(t, &memStore{})
		mustAppend(t, j, "r", Opened{})
		a := Approved{Approvals: append([]Approval(nil), good.Approvals...), Demands: append([]Demand(nil), good.Demands...)}
		tt.edit(&a)
		if err := j.Append(t.Context(), Entry{Run: tt.run, Data: a}); err == nil {
			t.Errorf("%s: recorded", tt.what)
		}
	}
	j := mustOpen(t, &memStore{})
	mustAppend(t, j, "r", Opened{}, good)
}

// TestApprovedRoundTrip: odd characters survive, on one line and harmless in a terminal.
func TestApprovedRoundTrip(t *testing.T) {
	odd := "a\"b\\c\nd\te\x00f\x7fg\u0085h\u2028i\u2029jäöü☃</script>&"
	a := Approved{ChangeDigest: odd, Approvals: []Approval{{By: odd, At: approvedAt, Change: odd, Commit: odd}},
		Demands: []Demand{{Rule: odd, Package: odd, Text: odd, By: []string{odd}, Person: odd, Changes: []string{odd, "b"}, All: true}}}
	s := &memStore{}
	mustAppend(t, mustOpen(t, s), "r", Opened{}, a)
	got := entries(t, s)
	if len(got) != 2 || got[1].Kind() != KindApproved {
		t.Fatalf("%d entries", len(got))
	}
	if d := cmp.Diff(Data(a), got[1].Data); d != "" {
		t.Error(d)
	}
	for _, r := range string(s.data) {
		if r != '\n' && (r < 0x20 || r >= 0x7f && r < 0xa0) {
			t.Errorf("%q stands in the journal", r)
		}
	}
}
