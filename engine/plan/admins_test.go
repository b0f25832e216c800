package plan_test

import (
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// TestLastAdmin: a target that has usable administrators keeps some.
func TestLastAdmin(t *testing.T) {
	keep := func(n int) func(*plan.SystemInput) { return guards(func(g *plan.Guards) { g.KeepAdmins = n }) }
	const both = "object al\nobject bo\n"
	tests := []struct {
		name, want, live string
		keep             int
		keys, refusals   []string
	}{
		{"the last one", both + "object folder/f", "al admin folder/f\nbo write folder/f", 1,
			[]string{"revoke s/al folder/f admin (refused)", "revoke s/bo folder/f write"}, []string{"revokes-last-admin:s/folder/f 1"}},
		{"no guard", both + "object folder/f", "al admin folder/f\nobject bo", 0, []string{"revoke s/al folder/f admin"}, nil},
		{"one stays", both + "bo admin folder/f", "al admin folder/f\nbo admin folder/f", 1, []string{"revoke s/al folder/f admin"}, nil},
		{"two should stay", both + "bo admin folder/f", "al admin folder/f\nbo admin folder/f", 2, []string{"revoke s/al folder/f admin (refused)"}, []string{"revokes-last-admin:s/folder/f 1"}},
		{"there are fewer than should stay", both + "object folder/f\nbo read folder/f", "al admin folder/f\nbo read folder/f", 5, []string{"revoke s/al folder/f admin (refused)"}, []string{"revokes-last-admin:s/folder/f 1"}},
		{"nobody administers it", both + "object folder/f", "al write folder/f\nobject bo", 5, []string{"revoke s/al folder/f write"}, nil},
		{"lowered", both + "al write folder/f", "al admin folder/f\nobject bo", 1, []string{"change-level s/al folder/f (refused)"}, []string{"revokes-last-admin:s/folder/f 1"}},
		{"the other can't be used", "object al\nobject bo disabled\nholder bo b leave\nbo admin folder/f", "object bo disabled\nal admin folder/f\nbo admin folder/f", 1, []string{"revoke s/al folder/f admin (refused)"}, []string{"revokes-last-admin:s/folder/f 1"}},
		{"the last one leaves", "holder al a left\nobject bo", "al admin folder/f\nbo read folder/f\nal member group/g", 1,
			[]string{"!disable s/al (refused)", "!revoke s/al folder/f admin (refused)", "!revoke s/al group/g member", "revoke s/bo folder/f read"}, []string{"revokes-last-admin:s/folder/f 2"}},
		{"the last one leaves, but another can stay", "holder al a left\nobject bo\nobject folder/f", "al admin folder/f\nbo admin folder/f", 1,
			[]string{"!disable s/al", "!revoke s/al folder/f admin", "revoke s/bo folder/f admin (refused)"}, []string{"revokes-last-admin:s/folder/f 1"}},
		{"the last two leave, and two must stay", "holder al a left\nholder bo b left\nobject cy\nobject folder/f", "al admin folder/f\nbo admin folder/f\ncy admin folder/f", 2,
			[]string{"!disable s/al (refused)", "!disable s/bo (refused)", "!revoke s/al folder/f admin (refused)", "!revoke s/bo folder/f admin (refused)", "revoke s/cy folder/f admin (refused)"},
			[]string{"revokes-last-admin:s/folder/f 5"}},
		{"on leave", "object al disabled\nholder al a leave\nal admin folder/f\nobject bo", "al admin folder/f\nobject bo", 1, []string{"disable s/al (refused)"}, []string{"revokes-last-admin:s/folder/f 1"}},
		{"through a group", both + "group/g admin folder/f", "al member group/g\ngroup/g admin folder/f\nobject bo", 1, []string{"revoke s/al group/g member (refused)"}, []string{"revokes-last-admin:s/folder/f 1"}},
		{"a group that holds nothing", both + "object group/g", "al member group/g\nobject bo", 1, []string{"revoke s/al group/g member"}, nil},
		{"the group loses it", "al member group/g\nobject bo\nobject folder/f", "al member group/g\ngroup/g admin folder/f\nobject bo", 1, []string{"revoke s/group/g folder/f admin (refused)"}, []string{"revokes-last-admin:s/folder/f 1"}},
		{"a group within the group", "al member group/h\nobject bo\ngroup/g admin folder/f", "al member group/h\ngroup/h member group/g\ngroup/g admin folder/f\nobject bo", 1,
			[]string{"revoke s/group/h group/g member (refused)"}, []string{"revokes-last-admin:s/folder/f 1"}},
		{"the group is deleted", both + "absent group/g\nobject folder/f", "object bo\nal member group/g\ngroup/g admin folder/f", 1,
			[]string{"revoke s/al group/g member (refused)", "revoke s/group/g folder/f admin (refused)", "delete s/group/g (refused)"}, []string{"revokes-last-admin:s/folder/f 3"}},
		{"the target is deleted", both + "absent folder/f", "object bo\nal admin folder/f", 1, []string{"revoke s/al folder/f admin", "delete s/folder/f"}, nil},
		{"a circle of groups", both + "group/g member group/h\ngroup/h member group/g\ngroup/g admin folder/f", "object bo\nal member group/h\ngroup/g member group/h\ngroup/h member group/g\ngroup/g admin folder/f", 1,
			[]string{"revoke s/al group/h member (refused)"}, []string{"revokes-last-admin:s/folder/f 1"}},
		{"another permission of an administrator", "al admin app/a\nobject bo", "al admin app/a\nal use app/a\nobject bo", 1, []string{"revoke s/al app/a use"}, nil},
		{"one of two administrative permissions", "al owner group/g\nobject bo\nal admin app/a", "al owner group/g\nal admin app/a\nbo admin app/a", 1, []string{"revoke s/bo app/a admin"}, nil},
		{"renamed in the same plan", "holder bo b active al\nobject bo\nobject folder/f", "al admin folder/f", 1, []string{"rename s/al", "revoke s/bo folder/f admin (refused)"}, []string{"revokes-last-admin:s/folder/f 1"}},
		{"renamed, and that is all", "holder bo b active al\nbo admin folder/f", "al admin folder/f", 1, []string{"rename s/al"}, nil},
		{"what is only implied or offered doesn't count", both + "bo admin folder/f\nobject folder/f", "al admin folder/f\nbo admin folder/f pending", 1,
			[]string{"revoke s/al folder/f admin (refused)"}, []string{"revokes-last-admin:s/folder/f 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := build(system("s", tt.want, tt.live, keep(tt.keep)))
			same(t, "steps", keys(p), tt.keys...)
			same(t, "refusals", refusals(p), tt.refusals...)
		})
	}
}

// needs are what steps wait for.
func needs(p *plan.Plan) []string {
	var out []string
	for _, s := range p.Steps {
		for _, n := range s.Needs {
			out = append(out, s.Key()+" ← "+n)
		}
	}
	return out
}

// TestReplacedAdmin: an administrator may go if another one comes; but not before that one is
// there, and not if the other's coming is held.
func TestReplacedAdmin(t *testing.T) {
	one := guards(func(g *plan.Guards) { g.KeepAdmins = 1 })
	t.Run("replaced", func(t *testing.T) {
		p := build(system("s", "object al\nbo admin folder/f", "al admin folder/f", one))
		same(t, "steps", keys(p), "create s/bo", "grant s/bo folder/f admin", "revoke s/al folder/f admin")
		same(t, "needs", needs(p), "grant s/account/bo folder/f admin ← create s/account/bo", "revoke s/account/al folder/f admin ← grant s/account/bo folder/f admin")
	})
	t.Run("not needed", func(t *testing.T) {
		p := build(system("s", "object al\nbo admin folder/f\ncy admin folder/f", "al admin folder/f\ncy admin folder/f\nobject bo", one))
		same(t, "needs", needs(p))
	})
	t.Run("a leaver's successor comes first", func(t *testing.T) {
		p := build(system("s", "holder al a left\nbo admin folder/f", "al admin folder/f\nal read folder/g\nbo write folder/f", one))
		same(t, "steps", keys(p), "!revoke s/al folder/g read", "change-level s/bo folder/f", "!disable s/al", "!revoke s/al folder/f admin")
	})
	t.Run("through a group that is made for it", func(t *testing.T) {
		p := build(system("s", "object al\nbo member group/g\ngroup/g admin folder/f", "al admin folder/f\nobject bo", one))
		same(t, "steps", keys(p), "create s/group/g", "grant s/bo group/g member", "grant s/group/g folder/f admin", "revoke s/al folder/f admin")
		same(t, "needs of the last", p.Steps[3].Needs, "grant s/account/bo group/g member", "grant s/group/g folder/f admin")
	})
	t.Run("the successor is held", func(t *testing.T) {
		p := build(system("s", "object al\nbo admin folder/f", "object bo disabled\nal admin folder/f", one))
		same(t, "steps", keys(p), "enable s/bo (refused)", "grant s/bo folder/f admin (depends)", "revoke s/al folder/f admin (refused)")
	})
	t.Run("the successor waits for another system that can't be read", func(t *testing.T) {
		in := plan.Input{At: now, Exclusive: map[string][]string{"x": {"y"}, "y": {"x"}}, Systems: []plan.SystemInput{
			system("s", "object al\nbo admin folder/f | role x", "object bo\nal admin folder/f", one),
			system("t", "object bo", "?", base("bo read folder/t | role y", now)),
		}}
		for i := range in.Systems { // one person
			in.Systems[i].Want.(*declared).holders[id("bo")] = access.Holder{Account: id("bo"), Person: "bo", Status: access.HolderActive}
		}
		in.Systems[1].Base.(*declared).holders[id("bo")] = access.Holder{Account: id("bo"), Person: "bo", Status: access.HolderActive}
		p := plan.Build(in)
		same(t, "steps", keys(p), "grant s/bo folder/f admin (depends)", "revoke s/al folder/f admin (refused)")
	})
	t.Run("two targets swap administrators", func(t *testing.T) {
		p := build(system("s", "al admin folder/g\nbo admin folder/f", "al admin folder/f\nbo admin folder/g", one))
		if n := len(p.Run()); n != 4 || p.Refused() {
			t.Errorf("%v %v", keys(p), refusals(p))
		}
	})
	t.Run("allowed", func(t *testing.T) {
		p := plan.Build(plan.Input{At: now, Allow: []plan.Allow{{Name: access.RiskLastAdmin, Ref: "s/folder/f"}},
			Systems: []plan.SystemInput{system("s", "object al", "al admin folder/f\nal admin folder/g", one)}})
		same(t, "steps", keys(p), "revoke s/al folder/f admin", "revoke s/al folder/g admin (refused)")
		same(t, "refusals", refusals(p), "revokes-last-admin:s/folder/f 1 allowed", "revokes-last-admin:s/folder/g 1")
	})
	t.Run("what one target keeps another may have counted on", func(t *testing.T) {
		// group/g administers folder/f; bo leaves it only if al, who comes, isn't refused.
		p := build(system("s", "al member group/g\nobject bo\ngroup/g admin folder/f", "object al disabled\nbo member group/g\ngroup/g admin folder/f", one))
		same(t, "steps", keys(p), "enable s/al (refused)", "grant s/al group/g member (depends)", "revoke s/bo group/g member (refused)")
	})
}
