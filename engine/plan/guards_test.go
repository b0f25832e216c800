package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/diff"
	"github.com/accordhq/accord/engine/plan"
)

// many makes so many lines, each with its number for "#".
func many(n int, line string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(line, "#", fmt.Sprint(i)) + "\n")
	}
	return b.String()
}

func percent(p float64) func(*plan.SystemInput) {
	return guards(func(g *plan.Guards) {
		g.MaxRemovals, g.MaxLeavers = plan.Limit{Percent: p, IsPercent: true}, plan.Limit{Percent: p, IsPercent: true}
	})
}

func past(n int, leaver bool, target string) func(*plan.SystemInput) {
	return func(s *plan.SystemInput) {
		for i := range n {
			s.Memory.Removals = append(s.Memory.Removals, plan.Removal{Action: access.Revoke, Subject: id(fmt.Sprint("x", i)), Target: id(target), Person: fmt.Sprint("x", i), Leaver: leaver})
		}
	}
}

// TestMassRevoke: how much may be taken away, for the system and for each target.
func TestMassRevoke(t *testing.T) {
	// On folder/f there are twenty holders, on each of eight others ten: 100 grants.
	live := many(20, "a# read folder/f") + strings.Join([]string{many(10, "a# read folder/0"), many(10, "a# read folder/1"), many(10, "a# read folder/2"),
		many(10, "a# read folder/3"), many(10, "a# read folder/4"), many(10, "a# read folder/5"), many(10, "a# read folder/6"), many(10, "a# read folder/7")}, "")
	without := func(n int, line string) string { // live less the first n
		out := live
		for i := range n {
			out = strings.Replace(out, strings.ReplaceAll(line, "#", fmt.Sprint(i))+"\n", "", 1)
		}
		return out + many(20, "object a#")
	}
	tests := []struct {
		name  string
		want  string
		live  string
		more  []func(*plan.SystemInput)
		out   []string
		steps int // that run
	}{
		{"five, always", without(5, "a# read folder/f"), live, []func(*plan.SystemInput){percent(1)}, nil, 5},
		{"six of a hundred are above one percent, and above one of twenty", without(6, "a# read folder/f"), live, []func(*plan.SystemInput){percent(1)}, []string{"mass-revoke:s 6", "mass-revoke:s/folder/f 6"}, 0},
		{"ten of a hundred, ten percent, but half of a folder", without(10, "a# read folder/f"), live, []func(*plan.SystemInput){percent(10)}, []string{"mass-revoke:s/folder/f 10"}, 0},
		{"ten of twenty, half", without(10, "a# read folder/f"), live, []func(*plan.SystemInput){percent(50)}, nil, 10},
		{"eleven of twenty, half", without(11, "a# read folder/f"), live, []func(*plan.SystemInput){percent(50)}, []string{"mass-revoke:s/folder/f 11"}, 0},
		{"here and there", without(5, "a# read folder/f") + "\n", strings.ReplaceAll(live, "folder/7", "folder/8"), []func(*plan.SystemInput){percent(10)}, []string{"mass-revoke:s 15", "mass-revoke:s/folder/8 10"}, 11},
		{"a count counts the system", without(4, "a# read folder/f"), live, []func(*plan.SystemInput){guards(func(g *plan.Guards) { g.MaxRemovals = plan.Limit{Count: 3} })}, []string{"mass-revoke:s 4"}, 0},
		{"none", without(1, "a# read folder/f"), live, []func(*plan.SystemInput){guards(func(g *plan.Guards) { g.MaxRemovals = plan.Limit{} })}, []string{"mass-revoke:s 1"}, 0},
		{"with the past day", without(5, "a# read folder/f"), live, []func(*plan.SystemInput){percent(10), past(6, false, "folder/9")}, []string{"mass-revoke:s 5"}, 0},
		{"the past day counts as seen", without(5, "a# read folder/f"), live, []func(*plan.SystemInput){percent(10), past(5, false, "folder/9")}, nil, 5},
		{"the past day of the folder", without(3, "a# read folder/f"), live, []func(*plan.SystemInput){percent(10), past(3, false, "folder/f")}, []string{"mass-revoke:s/folder/f 3"}, 0},
		{"leavers of the past day don't count", without(5, "a# read folder/f"), live, []func(*plan.SystemInput){percent(10), past(50, true, "folder/f")}, nil, 5},
		{"lowering counts", strings.Replace(live, "folder/f\n", "folder/f\n", -1), strings.Replace(live, "read folder/f", "write folder/f", 11), []func(*plan.SystemInput){percent(10)}, []string{"mass-revoke:s 11", "mass-revoke:s/folder/f 11"}, 0},
		{"raising doesn't", strings.Replace(live, "read folder/f", "write folder/f", 11), live, []func(*plan.SystemInput){percent(10)}, nil, 11},
		{"a deletion counts what goes with it", strings.ReplaceAll(live, "folder/f", "folder/g") + "absent folder/f", live, []func(*plan.SystemInput){percent(10)}, []string{"mass-revoke:s 21", "mass-revoke:s/folder/f 21"}, 21},
		{"also where nothing is claimed", "absent folder/f\n" + many(20, "object a#"), live, []func(*plan.SystemInput){percent(10), func(s *plan.SystemInput) { s.Scope.Claims = func(access.ID) bool { return false } }},
			[]string{"mass-revoke:s 1", "mass-revoke:s/folder/f 1"}, 0},
		{"a deletion waits while the grants are refused", strings.ReplaceAll(live, "folder/f", "folder/g") + "absent folder/f", live,
			[]func(*plan.SystemInput){guards(func(g *plan.Guards) {
				g.MaxRemovals = plan.Limit{Count: 1000}
				g.Protect = []string{"a7"}
			})}, []string{"protected:s/a7 1"}, 39},
		{"disabling counts what the account holds", many(20, "holder a# p# leave") + strings.ReplaceAll(live, "a0 ", "a0 ") + many(2, "object a# disabled") + many(18, "object b#"), live + many(18, "object b#"),
			[]func(*plan.SystemInput){percent(10)}, []string{"mass-revoke:s 2"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := build(system("s", tt.want, tt.live, tt.more...))
			same(t, "refusals", refusals(p), tt.out...)
			if n := len(p.Run()); n != tt.steps {
				t.Errorf("%d steps run, want %d: %v", n, tt.steps, keys(p))
			}
		})
	}
}

// TestMassLeave: how many people may leave, on one system.
func TestMassLeave(t *testing.T) {
	live := many(100, "a# read folder/f")
	leavers := func(n int) string { return live + many(n, "holder a# p# left") }
	want := func(n int) string {
		return strings.Replace(leavers(n), many(n, "a# read folder/f"), "", 1)
	}
	older := many(100, "object z# disabled")
	tests := []struct {
		name, want, live string
		more             []func(*plan.SystemInput)
		out              []string
		steps            int
	}{
		{"ten percent", want(10), live, []func(*plan.SystemInput){percent(10)}, nil, 20},
		{"more", want(11), live, []func(*plan.SystemInput){percent(10)}, []string{"mass-leave:s 22"}, 0},
		{"old leavers' accounts aren't counted as seen", want(11), live + older, []func(*plan.SystemInput){percent(10)}, []string{"mass-leave:s 22"}, 0},
		{"a count", want(3), live, []func(*plan.SystemInput){guards(func(g *plan.Guards) { g.MaxLeavers = plan.Limit{Count: 2} })}, []string{"mass-leave:s 6"}, 0},
		{"with the past day", want(5), live, []func(*plan.SystemInput){percent(10), past(7, true, "x")}, []string{"mass-leave:s 10"}, 0},
		{"the same people again", strings.ReplaceAll(want(10), " p", " x"), live, []func(*plan.SystemInput){percent(10), past(10, true, "x")}, nil, 20},
		{"leavers aren't held by limits on removals", want(10), live, []func(*plan.SystemInput){percent(10), guards(func(g *plan.Guards) { g.MaxRemovals = plan.Limit{} })}, nil, 20},
		{"deletions are held with them", many(80, "holder a# p# left") + "object b", many(60, "object a# disabled") + many(10, "a6# read folder/f") + many(10, "object a7#") + "object b",
			[]func(*plan.SystemInput){percent(10), func(s *plan.SystemInput) { s.Scope.Leaver = diff.LeaverDelete }}, []string{"mass-leave:s 110"}, 0},
		{"too many deletions hold nobody who leaves today", many(24, "holder a# p# left") + "object b", many(20, "object a# disabled") + many(4, "object a2#") + "object b",
			[]func(*plan.SystemInput){percent(10), func(s *plan.SystemInput) { s.Scope.Leaver = diff.LeaverDelete }}, []string{"mass-leave:s 24"}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := build(system("s", tt.want, tt.live, tt.more...))
			same(t, "refusals", refusals(p), tt.out...)
			if n := len(p.Run()); n != tt.steps {
				t.Errorf("%d steps run, want %d: %v", n, tt.steps, keys(p))
			}
		})
	}
}

// TestNamedGuards: what is protected, reserved, Accord's own, or disabled by somebody else.
func TestNamedGuards(t *testing.T) {
	protect := guards(func(g *plan.Guards) { g.Protect = []string{"root", "folder/p"} })
	byAccord := func(s *plan.SystemInput) {
		s.Memory.DisabledSince = func(o access.ID) (time.Time, bool) { return now, o == id("al") }
	}
	tests := []struct {
		name, want, live string
		more             []func(*plan.SystemInput)
		keys, refusals   []string
	}{
		{"drift on something protected is only held", "object al\nobject root", "root read folder/f\nal read folder/p", []func(*plan.SystemInput){protect},
			[]string{"revoke s/al folder/p read (protected)", "revoke s/root folder/f read (protected)"}, nil},
		{"a change of something protected is refused", "root read folder/f\nal read folder/p", "object root\nobject al\nobject folder/f\nobject folder/p", []func(*plan.SystemInput){protect},
			[]string{"grant s/al folder/p read (refused)", "grant s/root folder/f read (refused)"}, []string{"protected:s/root 1", "protected:s/folder/p 1"}},
		{"a protected leaver", "holder root r left", "root read folder/f", []func(*plan.SystemInput){protect},
			[]string{"!disable s/root (refused)", "!revoke s/root folder/f read (refused)"}, []string{"protected:s/root 2"}},
		{"what the system reserves can't be allowed", "holder sys r left\nsys read folder/f", "object sys reserved\nobject folder/f", nil,
			[]string{"!disable s/sys (refused)", "!grant s/sys folder/f read (refused)"}, []string{"protected:s/sys 2 final"}},
		{"a reserved target may be granted", "al read folder/f", "object al\nobject folder/f reserved", nil, []string{"grant s/al folder/f read"}, nil},
		{"Accord itself", "holder me m left\nobject al", "self me\nme write folder/f\nal read folder/f", nil,
			[]string{"!disable s/me (refused)", "revoke s/al folder/f read"}, []string{"locks-out-self:s/me 1"}},
		{"what Accord has its rights from", "absent folder/f\nabsent folder/g\nobject me", "self me\nme write folder/f\nobject folder/g", nil,
			[]string{"delete s/folder/f (refused)", "delete s/folder/g"}, []string{"locks-out-self:s/me 1"}},
		{"Accord itself may be given something", "me admin folder/f", "self me\nobject me\nobject folder/f", nil, []string{"grant s/me folder/f admin"}, nil},
		{"disabled by somebody else", "al read folder/f", "object al disabled\nobject folder/f", nil,
			[]string{"enable s/al (refused)", "grant s/al folder/f read (depends)"}, []string{"re-enables:s/al 1"}},
		{"disabled by somebody else, with too much", "al read folder/f\nobject folder/g", "al admin folder/f\nal read folder/g\nobject al disabled", nil,
			[]string{"enable s/al (refused)", "change-level s/al folder/f", "revoke s/al folder/g read"}, []string{"re-enables:s/al 1"}},
		{"disabled by Accord", "al read folder/f", "object al disabled\nobject folder/f", []func(*plan.SystemInput){byAccord}, []string{"enable s/al", "grant s/al folder/f read"}, nil},
		{"disabled by Accord, under another name", "holder bo b active al\nobject bo", "object al disabled", []func(*plan.SystemInput){byAccord}, []string{"rename s/al", "enable s/bo"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := build(system("s", tt.want, tt.live, tt.more...))
			same(t, "steps", keys(p), tt.keys...)
			same(t, "refusals", refusals(p), tt.refusals...)
		})
	}
}

// TestAllow: a refusal is lifted by its exact name and nothing else.
func TestAllow(t *testing.T) {
	in := func(allow ...plan.Allow) plan.Input {
		return plan.Input{At: now, Allow: allow, Systems: []plan.SystemInput{system("s", "al read folder/f\nbo read folder/f", "object al disabled\nobject bo disabled\nobject folder/f\nobject root\nroot read folder/f",
			guards(func(g *plan.Guards) { g.MaxRemovals = plan.Limit{} }))}}
	}
	for _, tt := range []struct {
		allow plan.Allow
		run   int
	}{
		{plan.Allow{}, 0},
		{plan.Allow{Name: access.RiskReEnables, Ref: "s/account/al"}, 2},
		{plan.Allow{Name: access.RiskReEnables, Ref: "s/al"}, 0},
		{plan.Allow{Name: access.RiskReEnables, Ref: "s"}, 0},
		{plan.Allow{Name: access.RiskReEnables, Ref: "s/account/*"}, 0},
		{plan.Allow{Name: access.RiskMassRevoke, Ref: "s/account/al"}, 0},
		{plan.Allow{Name: access.RiskMassRevoke, Ref: "s"}, 1},
	} {
		p := plan.Build(in(tt.allow))
		if n := len(p.Run()); n != tt.run || len(p.Refusals) != 3 || !p.Refused() {
			t.Errorf("%v: %d steps run, want %d; refusals %v", tt.allow, n, tt.run, refusals(p))
		}
	}
	all := plan.Build(in(plan.Allow{Name: access.RiskReEnables, Ref: "s/account/al"}, plan.Allow{Name: access.RiskReEnables, Ref: "s/account/bo"}, plan.Allow{Name: access.RiskMassRevoke, Ref: "s"}))
	if all.Refused() || len(all.Run()) != 5 || len(all.Refusals) != 3 {
		t.Errorf("all allowed: %v %v", keys(all), refusals(all))
	}
	final := plan.Build(plan.Input{At: now, Allow: []plan.Allow{{Name: access.RiskProtected, Ref: "s/account/sys"}, {Name: access.RiskDangling, Ref: "s/folder/f"}},
		Systems: []plan.SystemInput{system("s", "object al\nobject sys a=1", "object al\nobject sys reserved")}})
	if len(final.Run()) != 0 || !final.Refused() {
		t.Errorf("a final refusal was lifted: %v %v", keys(final), refusals(final))
	}
}
