package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/diff"
	"github.com/accordhq/accord/engine/plan"
)

var applied = at("2026-06-01")

// TestClasses: where each kind of difference comes from, with a base of the first of June and
// a plan of the fifteenth.
func TestClasses(t *testing.T) {
	idle := func(s *plan.SystemInput) { s.Scope.IdleDisable = true }
	later := func(s *plan.SystemInput) {
		s.Scope.DeleteAfter = 24 * time.Hour
		s.Memory.DisabledSince = func(access.ID) (time.Time, bool) { return applied, true }
	}
	const f = "object al\nobject folder/f\n"
	tests := []struct {
		name, base, want, live string
		more                   func(*plan.SystemInput)
		out                    []string
	}{
		{"given by the change", f, "al read folder/f", f, nil, []string{"change declared: grant s/al folder/f read"}},
		{"taken by the change", "al read folder/f", f, "al read folder/f", nil, []string{"change removed: revoke s/al folder/f read"}},
		{"raised by the change", "al read folder/f", "al write folder/f", "al read folder/f", nil, []string{"change declared: change-level s/al folder/f"}},
		{"lowered by the change", "al write folder/f", "al read folder/f", "al write folder/f", nil, []string{"change declared: change-level s/al folder/f"}},
		{"given by hand", f, f, "al read folder/f", nil, []string{"drift drift: revoke s/al folder/f read"}},
		{"taken by hand", "al read folder/f", "al read folder/f", f, nil, []string{"drift drift: grant s/al folder/f read"}},
		{"raised by hand", "al read folder/f", "al read folder/f", "al admin folder/f", nil, []string{"drift drift: change-level s/al folder/f"}},
		{"a window opened", "al read folder/f | from 2026-06-10", "al read folder/f | from 2026-06-10", f, nil, []string{"time window: grant s/al folder/f read"}},
		{"a window opened before", "al read folder/f | from 2026-05-10", "al read folder/f | from 2026-05-10", f, nil, []string{"drift drift: grant s/al folder/f read"}},
		{"a window closed", f + "reason al read folder/f | until 2026-06-10", f + "reason al read folder/f | until 2026-06-10", "al read folder/f", nil, []string{"time window: revoke s/al folder/f read"}},
		{"a window closed, then the line went", f + "reason al read folder/f | until 2026-06-10", f, "al read folder/f", nil, []string{"time window: revoke s/al folder/f read"}},
		{"a higher level ended", "al read folder/f\nreason al admin folder/f | until 2026-06-10", "al read folder/f\nreason al admin folder/f | until 2026-06-10", "al admin folder/f", nil, []string{"time window: change-level s/al folder/f"}},
		{"a joiner", "object folder/f", "al read folder/f", "object folder/f", nil, []string{"change declared: create s/al", "change declared: grant s/al folder/f read"}},
		{"a joiner whose day came", "al read folder/f | from 2026-06-10", "al read folder/f | from 2026-06-10", "object folder/f", nil, []string{"time window: create s/al", "time window: grant s/al folder/f read"}},
		{"an account deleted by hand", "al read folder/f", "al read folder/f", "object folder/f", nil, []string{"drift drift: create s/al", "drift drift: grant s/al folder/f read"}},
		{"an attribute by the change", "object al a=1", "object al a=2", "object al a=1", nil, []string{"change declared: update s/al"}},
		{"an attribute by hand", "object al a=1", "object al a=1", "object al a=3", nil, []string{"drift drift: update s/al"}},
		{"on leave", "object al", "object al disabled\nholder al a leave", "object al", nil, []string{"change leave: disable s/al"}},
		{"enabled by hand while on leave", "object al disabled\nholder al a leave", "object al disabled\nholder al a leave", "object al", nil, []string{"drift leave: disable s/al"}},
		{"disabled by hand", "object al", "object al", "object al disabled", nil, []string{"drift drift: enable s/al"}},
		{"the last grant went", "al read folder/f", "object folder/f\nholder al a active", "al read folder/f", idle, []string{"change removed: revoke s/al folder/f read", "change idle: disable s/al"}},
		{"the last window closed", "object folder/f\nholder al a active\nreason al read folder/f | until 2026-06-10", "object folder/f\nholder al a active\nreason al read folder/f | until 2026-06-10", "al read folder/f", idle,
			[]string{"time window: revoke s/al folder/f read", "time window: disable s/al"}},
		{"an account that never had a grant", "holder al a active", "holder al a active", "object al", idle, []string{"drift drift: disable s/al"}},
		{"absent by the change", f, "object al\nabsent folder/f", f, nil, []string{"change declared: delete s/folder/f"}},
		{"absent and came back", "object al\nabsent folder/f", "object al\nabsent folder/f", f, nil, []string{"drift drift: delete s/folder/f"}},
		{"renamed", f + "al read folder/f", "holder bo al active al\nbo read folder/f", "al read folder/f", nil, []string{"change renamed: rename s/al"}},
		{"renamed long ago: drift stays drift", "holder bo al active al\nbo read folder/f", "holder bo al active al\nbo read folder/f", "bo admin folder/f", nil, []string{"drift drift: change-level s/bo folder/f"}},
		{"renamed, and something taken by the change", "al read folder/f\nal read folder/g", "holder bo al active al\nbo read folder/f", "al read folder/f\nal read folder/g", nil,
			[]string{"change renamed: rename s/al", "change removed: revoke s/bo folder/g read"}},
		{"left by the change", "object al", "holder al a left", "object al", nil, []string{"change leaver: disable s/al"}},
		{"gone for long, and enabled by hand", "holder al a left", "holder al a left", "object al", nil, []string{"drift leaver: disable s/al"}},
		{"to be deleted by now", "holder al a left", "holder al a left", "object al disabled", later, []string{"time leaver: delete s/al"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			more := []func(*plan.SystemInput){base(tt.base, applied)}
			if tt.more != nil {
				more = append(more, tt.more)
			}
			same(t, "steps", classes(build(system("s", tt.want, tt.live, more...))), tt.out...)
		})
	}
}

func classes(p *plan.Plan) []string {
	var out []string
	for _, s := range p.Steps {
		text := string(s.Class) + " " + string(s.Cause.Kind) + ": " + strings.ReplaceAll(s.Key(), "account/", "")
		if s.Cause.Text == "" {
			text += " without a cause"
		}
		out = append(out, text)
	}
	return out
}

// TestClassesWithoutBase: without an earlier declaration what is given is a change, and what is
// taken away without a reason that ended is drift, so that additive systems keep it.
func TestClassesWithoutBase(t *testing.T) {
	p := build(system("s", "al read folder/f\nal read folder/g\nreason bo read folder/f | until 2026-06-10\nobject bo\nobject cy",
		"object al\nbo read folder/f\ncy read folder/f\nal admin folder/g", func(s *plan.SystemInput) { s.Mode = plan.Additive }))
	idle := func(s *plan.SystemInput) { s.Scope.IdleDisable = true }
	same(t, "idle", classes(build(system("s", "holder al a active\nholder bo b active\nobject folder/f\nreason al read folder/f | until 2026-06-10", "al read folder/f\nobject bo", idle))),
		"time window: revoke s/al folder/f read", "time window: disable s/al", "drift drift: disable s/bo")
	same(t, "classes", classes(p), "change declared: grant s/al folder/f read", "change declared: change-level s/al folder/g",
		"time window: revoke s/bo folder/f read", "drift drift: revoke s/cy folder/f read")
	same(t, "steps", keys(p), "grant s/al folder/f read", "change-level s/al folder/g", "revoke s/bo folder/f read", "revoke s/cy folder/f read (additive)")
}

// TestModes: what each mode carries out of a leaver, a change, a window and drift, given and
// taken.
func TestModes(t *testing.T) {
	in := func(more ...func(*plan.SystemInput)) *plan.Plan {
		more = append(more, base("le read folder/f\nal read folder/old\nal read folder/drift\nreason al read folder/time | until 2026-06-10\nobject bo\nobject folder/new\nobject folder/time", applied))
		return build(system("s", "holder le l left\nal read folder/new\nal read folder/drift\nreason al read folder/time | until 2026-06-10\nobject bo\nobject folder/old\nobject folder/time\nobject folder/f",
			"le read folder/f\nal read folder/old\nal read folder/time\nbo read folder/drift\nobject folder/new", more...))
	}
	const l1, l2 = "!disable s/le", "!revoke s/le folder/f read"
	same(t, "authoritative", keys(in()), l1, l2, "grant s/al folder/drift read", "grant s/al folder/new read", "revoke s/al folder/old read", "revoke s/al folder/time read", "revoke s/bo folder/drift read")
	same(t, "additive", keys(in(func(s *plan.SystemInput) { s.Mode = plan.Additive })), l1, l2, "grant s/al folder/drift read", "grant s/al folder/new read",
		"revoke s/al folder/old read", "revoke s/al folder/time read", "revoke s/bo folder/drift read (additive)")
	same(t, "observe", keys(in(func(s *plan.SystemInput) { s.Mode = plan.Observe })), l1+" (observe)", l2+" (observe)", "grant s/al folder/drift read (observe)", "grant s/al folder/new read (observe)",
		"revoke s/al folder/old read (observe)", "revoke s/al folder/time read (observe)", "revoke s/bo folder/drift read (observe)")
	same(t, "drift is reported", keys(in(func(s *plan.SystemInput) { s.ReportDrift = true })), l1, l2, "grant s/al folder/drift read (drift)", "grant s/al folder/new read",
		"revoke s/al folder/old read", "revoke s/al folder/time read", "revoke s/bo folder/drift read (drift)")
}

// TestOnly: leavers are always in, and what a chosen step needs.
func TestOnly(t *testing.T) {
	in := plan.Input{At: now, Systems: []plan.SystemInput{system("s", "holder le l left\nal read folder/f | from 2026-06-10\nbo read folder/f\ncy write folder/f",
		"object le\nobject folder/f\nobject cy\nzed read folder/f", base("al read folder/f | from 2026-06-10\ncy write folder/f\nobject bo", applied))}}
	for _, tt := range []struct {
		only       []plan.Class
		out        []string
		unselected int
	}{
		{[]plan.Class{plan.ClassDrift}, []string{"!disable s/le", "create s/bo", "grant s/cy folder/f write", "revoke s/zed folder/f read"}, 3},
		{[]plan.Class{plan.ClassChange}, []string{"!disable s/le", "create s/bo", "grant s/bo folder/f read"}, 2},
		{[]plan.Class{plan.ClassTime}, []string{"!disable s/le", "create s/al", "grant s/al folder/f read"}, 1},
	} {
		in.Only = tt.only
		p := plan.Build(in)
		same(t, string(tt.only[0]), keys(p), tt.out...)
		if got := p.Systems[0].Unselected; got != tt.unselected {
			t.Errorf("%s: %d left out, want %d", tt.only[0], got, tt.unselected)
		}
	}
}

// TestRisks: what makes a step dangerous in itself.
func TestRisks(t *testing.T) {
	p := build(system("s", "al admin folder/f\nholder le l left\nabsent folder/g\nbo read folder/f",
		"object al\nobject bo\nobject folder/f\nobject folder/g\nobject le",
		base("object al\nobject le\nobject folder/g", applied), func(s *plan.SystemInput) { s.Scope.Leaver = diff.LeaverDelete }))
	got := map[string]string{}
	for _, s := range p.Steps {
		for _, r := range s.Risks {
			got[s.Key()] += string(r.Name) + " "
		}
	}
	want := map[string]string{
		"grant s/account/al folder/f admin": "grants-admin ",
		"grant s/account/bo folder/f read":  "adopts ",
		"delete s/account/le":               "deletes-account irreversible ",
		"delete s/folder/g":                 "irreversible ",
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %q, want %q", k, got[k], v)
		}
		delete(got, k)
	}
	if len(got) > 0 {
		t.Errorf("other risks: %v", got)
	}
}
