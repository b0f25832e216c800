package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// differences are those of a plan, as "FATE KEY".
func differences(p *plan.Plan) []string {
	var out []string
	for _, d := range p.Differences() {
		out = append(out, string(d.Fate)+" "+strings.ReplaceAll(d.Key(), "account/", ""))
	}
	return out
}

// TestDifferences: each way in which a system isn't as declared has one kind, whatever becomes
// of it.
func TestDifferences(t *testing.T) {
	const f = "object al\nobject folder/f\n"
	observe := func(s *plan.SystemInput) { s.Mode = plan.Observe }
	idle := func(s *plan.SystemInput) { s.Scope.IdleDisable = true }
	none := func(s *plan.SystemInput) { s.Scope.Create = false }
	unclaimed := func(s *plan.SystemInput) { s.Scope.Claims = func(access.ID) bool { return false } }
	for _, test := range []struct {
		name, base, want, live string
		more                   func(*plan.SystemInput)
		out                    []string
	}{
		{"nothing", "al read folder/f", "al read folder/f", "al read folder/f", nil, nil},
		{"a change is no drift", f, "al read folder/f", f, nil, nil},
		{"unless nothing is ever done", f, "al read folder/f", f, observe, []string{"observed missing-grant s/al folder/f read"}},
		{"given by hand", f, f, "al read folder/f", nil, []string{"reverted undeclared-grant s/al folder/f read"}},
		{"given by hand, to a stranger", f, f, f + "mal read folder/f", nil, []string{"left undeclared-account s/mal", "reverted undeclared-grant s/mal folder/f read"}},
		{"given by hand, and not claimed", f, f, "al read folder/f", unclaimed, []string{"left undeclared-grant s/al folder/f read"}},
		{"taken by hand", "al read folder/f", "al read folder/f", f, nil, []string{"reverted missing-grant s/al folder/f read"}},
		{"raised by hand", "al read folder/f", "al read folder/f", "al admin folder/f", nil, []string{"reverted undeclared-grant s/al folder/f admin"}},
		{"lowered by hand", "al write folder/f", "al write folder/f", "al read folder/f", nil, []string{"reverted missing-grant s/al folder/f write"}},
		{"deleted by hand", "al read folder/f", "al read folder/f", "object folder/f", nil, []string{"reverted missing-account s/al", "reverted missing-grant s/al folder/f read"}},
		{"not made here", "al read folder/f", "al read folder/f", "object folder/f", none, []string{"left missing-account s/al"}},
		{"a resource deleted by hand", f, f, "object al", nil, []string{"reverted missing-resource s/folder/f"}},
		{"a resource that came back", "object al\nabsent folder/f", "object al\nabsent folder/f", f, nil, []string{"reverted undeclared-resource s/folder/f"}},
		{"a window that closed", f + "reason al read folder/f | until 2026-06-10", f + "reason al read folder/f | until 2026-06-10", "al read folder/f", nil, []string{"reverted expired s/al folder/f read"}},
		{"a window that opened is none", "al read folder/f | from 2026-06-10", "al read folder/f | from 2026-06-10", f, nil, nil},
		{"somebody who left came back", "holder al a left", "holder al a left", "al read folder/f", nil, []string{"reverted expired s/al disable", "reverted expired s/al folder/f read"}},
		{"an attribute", "object al a=1 b=1", "object al a=1 b=1", "object al a=3 b=2", nil, []string{"reverted changed-attribute s/al a,b"}},
		{"disabled by hand", "object al", "object al", "object al disabled", nil, []string{"refused changed-attribute s/al enable"}},
		{"enabled by hand while on leave", "object al disabled\nholder al a leave", "object al disabled\nholder al a leave", "object al", nil, []string{"reverted changed-attribute s/al disable"}},
		{"idle", "holder al a active", "holder al a active", "object al", nil, []string{"left idle-account s/al"}},
		{"idle, and disabled", "holder al a active", "holder al a active", "object al", idle, []string{"reverted idle-account s/al"}},
		{"invited", "al read folder/f", "al read folder/f", "al read folder/f pending", nil, []string{"left pending-acceptance s/al folder/f read"}},
		{"invited to one of several", "al use app/p\nal audit app/p", "al use app/p\nal audit app/p", "al use app/p pending\nal audit app/p", nil, []string{"left pending-acceptance s/al app/p use"}},
		{"invited by hand", f, f, "al read folder/f pending", nil, []string{"reverted undeclared-grant s/al folder/f read"}},
		{"hidden", "al read folder/f", "al read folder/f", f + "? folder/", nil, []string{"left unknown s/folder/"}},
		{"all hidden", "al read folder/f", "al read folder/f", f + "?", nil, []string{"left unknown s"}},
		{"on something that is nowhere", "bare al read folder/f", "bare al read folder/f", "object al", nil, []string{"left missing-grant s/al folder/f read"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			more := []func(*plan.SystemInput){base(test.base, applied)}
			if test.more != nil {
				more = append(more, test.more)
			}
			if got := differences(build(system("s", test.want, test.live, more...))); !slices.Equal(got, test.out) {
				t.Errorf("got  %q\nwant %q", got, test.out)
			}
		})
	}
}

// A system that can't be read at all is one difference, and whatever was known of it stays open.
func TestUnreadDifference(t *testing.T) {
	p := build(system("s", "al read folder/f", "", func(s *plan.SystemInput) { s.Live, s.Error = nil, "502" }))
	if got := differences(p); !slices.Equal(got, []string{"left unknown s"}) {
		t.Errorf("got %q", got)
	}
	if p.Systems[0].Readable() {
		t.Error("it counts as read")
	}
}

// What --only leaves out is still a difference: a run that looks at a part doesn't make the rest
// good.
func TestUnselectedDifference(t *testing.T) {
	const window = "object al\nobject folder/f\nreason al read folder/f | until 2026-06-10"
	input := in(system("s", window, "al read folder/f\nmal read folder/f", base(window, applied)))
	input.Only = []plan.Class{plan.ClassDrift}
	want := []string{"left undeclared-account s/mal", "reverted undeclared-grant s/mal folder/f read", "unselected expired s/al folder/f read"}
	if got := differences(plan.Build(input)); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Whoever is invited is never invited again, on kinds with levels and without, whatever was
// declared or applied before.
func TestPendingIsThere(t *testing.T) {
	for _, want := range []string{"al read folder/f", "al use app/p"} {
		for _, before := range []string{want, "object al\nobject folder/f\nobject app/p"} {
			p := build(system("s", want, want+" pending", base(before, applied)))
			if len(p.Steps) > 0 {
				t.Errorf("%q, invited: %q", want, keys(p))
			}
		}
	}
}

// correctedOften says that everything was corrected n times.
func correctedOften(n int) func(*plan.SystemInput) {
	return func(s *plan.SystemInput) { s.Memory.Corrected = func(access.Change) int { return n } }
}

func TestFlapping(t *testing.T) {
	const f = "object al\nobject folder/f\n"
	flap := func(times int, within time.Duration) func(*plan.SystemInput) {
		return func(s *plan.SystemInput) { s.Guards.Flapping = &plan.Flapping{Times: times, Within: within} }
	}
	allow := plan.Allow{Name: access.RiskFlapping, Ref: "s/folder/f"}
	for _, test := range []struct {
		name, base, want, live string
		more                   []func(*plan.SystemInput)
		allow                  []plan.Allow
		keys                   string
	}{
		{"twice is not yet flapping", f, f, "al read folder/f", []func(*plan.SystemInput){correctedOften(2)}, nil, "revoke s/al folder/f read"},
		{"three times is", f, f, "al read folder/f", []func(*plan.SystemInput){correctedOften(3)}, nil, "revoke s/al folder/f read (flapping)"},
		{"so is what is taken away", "al read folder/f", "al read folder/f", f, []func(*plan.SystemInput){correctedOften(3)}, nil, "grant s/al folder/f read (flapping)"},
		{"as declared", f, f, "al read folder/f", []func(*plan.SystemInput){correctedOften(3), flap(4, 24*time.Hour)}, nil, "revoke s/al folder/f read"},
		{"never", f, f, "al read folder/f", []func(*plan.SystemInput){correctedOften(99), flap(0, 24*time.Hour)}, nil, "revoke s/al folder/f read"},
		{"once more", f, f, "al read folder/f", []func(*plan.SystemInput){correctedOften(3)}, []plan.Allow{allow}, "revoke s/al folder/f read"},
		{"not a change", "al read folder/f", f, "al read folder/f", []func(*plan.SystemInput){correctedOften(9)}, nil, "revoke s/al folder/f read"},
		{"not a window", f + "reason al read folder/f | until 2026-06-10", f + "reason al read folder/f | until 2026-06-10", "al read folder/f", []func(*plan.SystemInput){correctedOften(9)}, nil, "revoke s/al folder/f read"},
		{"not a leaver", "holder al a left", "holder al a left", "al read folder/f", []func(*plan.SystemInput){correctedOften(9)}, nil, "!disable s/al; !revoke s/al folder/f read"},
		{"what needs it waits", "al read folder/f", "al read folder/f\nal read folder/g", "object folder/f\nobject folder/g",
			[]func(*plan.SystemInput){func(s *plan.SystemInput) {
				s.Memory.Corrected = func(c access.Change) int { return map[access.Action]int{access.Create: 3}[c.Action] }
			}}, nil, "create s/al (flapping); grant s/al folder/f read (depends); grant s/al folder/g read (depends)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			input := in(system("s", test.want, test.live, append(test.more, base(test.base, applied))...))
			input.Allow = test.allow
			p := plan.Build(input)
			if got := strings.Join(keys(p), "; "); got != test.keys {
				t.Errorf("got  %s\nwant %s", got, test.keys)
			}
			if p.Refused() {
				t.Error("a question is no refusal")
			}
		})
	}
}

// The digest tells a plan that asks from one without drift and from one that corrects it; and
// what was reviewed as a question and has been allowed since runs.
func TestFlappingReviewed(t *testing.T) {
	const f = "object al\nobject folder/f\n"
	plain := build(system("s", f, f, base(f, applied)))
	asks := build(system("s", f, "al read folder/f", base(f, applied), correctedOften(3)))
	input := in(system("s", f, "al read folder/f", base(f, applied), correctedOften(3)))
	input.Allow = []plan.Allow{{Name: access.RiskFlapping, Ref: "s/folder/f"}}
	allowed := plan.Build(input)
	if plain.PlanDigest == asks.PlanDigest || asks.PlanDigest == allowed.PlanDigest {
		t.Error("different plans have one digest")
	}
	if d := allowed.Against(reread(t, asks)); len(d) > 0 || allowed.Running() != 1 {
		t.Errorf("differs %q, %d to run", deltas(d), allowed.Running())
	}
}
