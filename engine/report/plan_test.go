package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

const written = "written to plan.json. Next: accord apply plan.json"

func TestPlan(t *testing.T) {
	for _, test := range []struct {
		name string
		plan func() *plan.Plan
		o    Options
	}{
		{"believable", believable, Options{}},
		{"believable-by-system", believable, Options{GroupBy: "system"}},
		{"believable-colour", believable, Options{Color: true}},
		{"believable-verbose", believable, Options{Verbose: true}},
		{"believable-narrow", believable, Options{Width: 60}},
		{"nothing", func() *plan.Plan { return newPlan("github", "warehouse", "wiki").Plan }, Options{}},
		{"nothing-but-orphans", nothingButOrphans, Options{}},
		{"no-systems", func() *plan.Plan { return newPlan().Plan }, Options{}},
		{"incomplete", incomplete, Options{}},
		{"incomplete-with-steps", incompleteWithSteps, Options{}},
		{"worktree", worktree, Options{}},
		{"refused", refused, Options{}},
		{"depends", depends, Options{}},
		{"not-touched", notTouched, Options{}},
		{"not-touched-verbose", notTouched, Options{Verbose: true}},
		{"not-read", notRead, Options{}},
		{"partly-not-read", partlyNotRead, Options{}},
		{"hostile", hostile, Options{Color: true}},
		{"objects", objects, Options{}},
		{"joiners", joiners, Options{}},
		{"rule-200", rule200, Options{}},
		{"rule-200-by-system", rule200, Options{GroupBy: "system"}},
		{"rehearsal", rehearsal, Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := golden(t, "plan-"+test.name+".txt", func(b *bytes.Buffer) error { return Plan(b, test.plan(), test.o, written) })
			width := test.o.Width
			if width == 0 {
				width = 100
			}
			checkWidth(t, text, width)
			checkClean(t, colours.ReplaceAllString(text, ""))
			if test.o.Color {
				var b bytes.Buffer
				if err := Plan(&b, test.plan(), Options{}, written); err != nil {
					t.Fatal(err)
				}
				if got := colours.ReplaceAllString(text, ""); got != b.String() {
					t.Error("without its colours the text isn't the one without colour")
				}
			}
		})
	}
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// checkWidth wants no line longer than the width, unless it holds nothing but one name.
func checkWidth(t *testing.T, text string, width int) {
	t.Helper()
	for line := range strings.Lines(colours.ReplaceAllString(text, "")) {
		line = strings.TrimSuffix(line, "\n")
		if strings.TrimRight(line, " ") != line {
			t.Errorf("spaces at the end of %q", line)
		}
		alone := strings.TrimPrefix(strings.TrimSpace(line), "--allow ")
		if columns(line) > width && strings.Contains(alone, " ") {
			t.Errorf("%d columns: %s", columns(line), line)
		}
	}
}

func nothingButOrphans() *plan.Plan {
	m := newPlan("github")
	m.system("github").Orphans = []access.ID{access.Account("old")}
	return m.Plan
}

func incomplete() *plan.Plan {
	m := newPlan("github", "wiki")
	m.Complete = false
	m.system("wiki").Error = "reading wiki: the server answered 502 three times"
	m.system("github").Unknown = []access.Unknown{{ID: access.ID{Kind: "team", Name: "secret"}, Why: "403: the token may not see it"}}
	m.system("github").Waiting = []plan.Waiting{
		{Action: access.Give, Subject: access.Account("alice"), Target: access.ID{Kind: "team", Name: "secret"}, Why: "403: the token may not see it"},
		{Action: access.Disable, Subject: access.Account("carol"), Why: "members page 2 is missing"},
		{Action: access.Disable, Subject: access.Account("dan"), Why: "members page 2 is missing"},
	}
	return m.Plan
}

func incompleteWithSteps() *plan.Plan {
	m := newPlan("github", "wiki")
	m.Complete = false
	m.system("wiki").Error = "reading wiki: the server answered 502 three times"
	m.give("github", "alice", "team/sre", "member", by(access.CauseDeclared, "groups/sre.yaml", 7, "sre names alice"))
	return m.Plan
}

func worktree() *plan.Plan {
	m := newPlan("github")
	m.Revision.Worktree = true
	m.Only = []plan.Class{plan.ClassTime, plan.ClassDrift}
	m.Selected = []string{"github"}
	m.Notes = []string{"the run 20261122T100000Z-aabbccdd by bob, begun 2026-11-22 10:00:00, never came to its end: 3 done; what is missing is in this plan"}
	m.system("github").Unselected = 4
	m.revoke("github", "alice", "team/sre", "member", class(plan.ClassTime), by(access.CauseWindow, "grants/oncall.yaml", 3, "grant oncall ended 2026-11-23 00:00"))
	return m.Plan
}

// refused has refusals of every sort and nothing that is carried out.
func refused() *plan.Plan {
	m := newPlan("github", "warehouse")
	gone := by(access.CauseRemoved, "grants/admins.yaml", 4, "no longer: grant admins gives org/acme: owner to bob")
	m.refuse(access.RiskLastAdmin, "github/org/acme", "would leave org/acme on github with 0 of 1 usable administrators; at least 1 stay",
		m.revoke("github", "bob", "org/acme", "owner", gone))
	m.refuse(access.RiskMassLeave, "warehouse", "would take 2 people for leavers on warehouse, the limit is 1",
		m.step("warehouse", access.Disable, access.Account("carol"), "carol", leaver, by(access.CauseLeaver, "people/carol.yaml", 4, "left")),
		m.step("warehouse", access.Disable, access.Account("dan"), "dan", leaver, by(access.CauseLeaver, "people/dan.yaml", 4, "left")))
	m.refuse(access.RiskDangling, "warehouse/role/wirter", "role/wirter is neither on warehouse nor declared among its resources (grants/oncall.yaml:5)").Final = true
	m.refuse(access.RiskProtected, "warehouse/account/Domain Admin's", "account/Domain Admin's on warehouse is protected and is never touched",
		m.step("warehouse", access.Disable, access.Account("Domain Admin's"), "", nobody, by(access.CauseDeclared, "systems/warehouse.yaml", 9, "")))
	r := m.refuse(access.RiskReEnables, "github/account/erin", "erin on github was disabled by somebody else")
	r.Allowed = true
	m.revoke("github", "frank", "team/a", "member", held(plan.HeldRefused, "refused by something that left no name"))
	return m.Plan
}

// depends has a gain that waits for a loss elsewhere.
func depends() *plan.Plan {
	m := newPlan("github", "warehouse")
	lost := m.revoke("warehouse", "alice", "role/approver", "member", by(access.CauseRemoved, "roles/approver.yaml", 3, "no longer: role approver gives role/approver: member on warehouse"))
	m.refuse(access.RiskProtected, "warehouse/role/approver", "role/approver on warehouse is protected and is never touched", lost)
	m.give("github", "alice", "team/payers", "member", needs(lost), held(plan.HeldDepends, "needs: x"), by(access.CauseDeclared, "roles/payer.yaml", 3, "role payer gives team/payers: member on github"))
	m.give("github", "bob", "team/payers", "member", held(plan.HeldDepends, "role approver goes first, but warehouse can't be read"), by(access.CauseDeclared, "roles/payer.yaml", 3, "role payer gives team/payers: member on github"))
	m.give("github", "bob", "team/eaters", "member", by(access.CauseDeclared, "roles/eater.yaml", 3, "role eater gives team/eaters: member on github"))
	return m.Plan
}

// notTouched has every reason for leaving something alone.
func notTouched() *plan.Plan {
	m := newPlan("directory", "github", "warehouse", "wiki")
	m.system("directory").Mode, m.system("github").Mode = plan.Observe, plan.Additive
	drift := by(access.CauseDrift, "", 0, "given on the system, declared nowhere")
	observe := held(plan.HeldObserve, "directory is only observed")
	m.give("directory", "alice", "group/sre", "member", observe, by(access.CauseDeclared, "groups/sre.yaml", 7, "sre names alice"))
	for _, p := range []string{"bob", "dave", "erin", "frank"} {
		m.revoke("directory", p, "group/admins", "member", observe, class(plan.ClassDrift), drift)
	}
	m.step("directory", access.Disable, access.Account("carol"), "carol", leaver, observe, by(access.CauseLeaver, "people/carol.yaml", 4, "left"))
	m.revoke("github", "mallory", "team/payments", "member", nobody, class(plan.ClassDrift), drift, held(plan.HeldAdditive, "github is additive"))
	m.revoke("warehouse", "mallory", "role/writer", "member", nobody, class(plan.ClassDrift), drift, held(plan.HeldDrift, "drift on warehouse is only reported"))
	m.revoke("warehouse", "postgres", "role/admin", "member", nobody, class(plan.ClassDrift), drift, held(plan.HeldProtected, "account/postgres is protected"))
	w := m.system("warehouse")
	w.Orphans = []access.ID{access.Account("zed"), access.Account("old app")}
	w.Idle = []access.ID{access.Account("ivan")}
	w.Missing = []access.ID{access.Account("judy"), access.Account("kim")}
	w.Disputed = []access.ID{access.Account("liam")}
	w.Unclaimed = []plan.Edge{
		{Subject: access.Account("zed"), Target: access.ID{Kind: "role", Name: "other"}, Permission: "member"},
		{Subject: access.Account("alice"), Target: access.ID{Kind: "role", Name: "other"}, Permission: "member"},
		{Subject: access.ID{Kind: "role", Name: "base"}, Target: access.ID{Kind: "schema", Name: "public"}, Permission: "read"},
	}
	w.Dangling = []plan.Dangling{{Edge: plan.Edge{Subject: access.Account("kim"), Target: access.ID{Kind: "role", Name: "wirter"}, Permission: "member"}, Link: access.Link{File: "grants/a.yaml", Line: 3}}}
	return m.Plan
}

// notRead is a plan of the declaration alone.
func notRead() *plan.Plan {
	m := newPlan("github", "warehouse")
	m.Complete = false
	for i := range m.Systems {
		m.Systems[i].NotRead = "it wasn't asked"
	}
	day := func(d int) time.Time { return time.Date(2026, 12, d, 0, 0, 0, 0, time.UTC) }
	writer, sre := access.ID{Kind: "role", Name: "writer"}, access.ID{Kind: "team", Name: "sre"}
	m.Shifts = []access.Shift{
		{Kind: access.ShiftSettings, System: "accord.yaml", From: "a", To: "b"},
		{Kind: access.ShiftSettings, System: "exempt oncall-sod", To: "b"},
		{Kind: access.ShiftSettings, System: "old", From: "a"},
		{Kind: access.ShiftSettings, System: "warehouse", From: "a", To: "b"},
		{Kind: access.ShiftGain, System: "warehouse", Subject: access.ID{Kind: "role", Name: "writer"}, Target: access.ID{Kind: "schema", Name: "public"}, Permission: "write", After: []access.Span{{}}},
		{Kind: access.ShiftGain, Person: "alice", System: "warehouse", Target: writer, Permission: "member", After: []access.Span{{From: day(1), Until: day(8)}}},
		{Kind: access.ShiftLose, Person: "bob", System: "github", Target: sre, Permission: "member", Before: []access.Span{{}}},
		{Kind: access.ShiftStatus, Person: "bob", From: "active", To: "left"},
		{Kind: access.ShiftStatus, Person: "carol", From: "active", To: "active until 2026-12-31"},
		{Kind: access.ShiftLengthen, Person: "dave", System: "github", Target: sre, Permission: "member", Before: []access.Span{{Until: day(8)}}, After: []access.Span{{Until: day(8).Add(90 * time.Minute)}}},
		{Kind: access.ShiftShorten, Person: "dave", System: "warehouse", Target: writer, Permission: "member", Before: []access.Span{{}}, After: []access.Span{{Until: day(8)}}},
		{Kind: access.ShiftReason, Person: "erin", System: "github", Target: sre, Permission: "member", Before: []access.Span{{}}, After: []access.Span{{}}, Reasons: "aa bb"},
	}
	for _, p := range []string{"frank", "grace", "heidi"} {
		m.Shifts = append(m.Shifts, access.Shift{Kind: access.ShiftGain, Person: p, System: "github", Target: sre, Permission: "member", After: []access.Span{{}}})
	}
	return m.Plan
}

// partlyNotRead has a system whose connection changed, so that it isn't read.
func partlyNotRead() *plan.Plan {
	p := notRead()
	p.Systems[0].NotRead = ""
	p.Systems[1].NotRead = "its connection is new; it is read once that is merged"
	return p
}

// objects has every action.
func objects() *plan.Plan {
	m := newPlan("warehouse")
	role := access.ID{Kind: "role", Name: "readonly"}
	cause := by(access.CauseDeclared, "systems/warehouse.yaml", 12, "role/readonly is declared")
	m.step("warehouse", access.Create, role, "", cause, func(s *plan.Step) {
		s.After.Attributes = map[string]string{"description": `Read "everything"`, "a": "1"}
	})
	m.step("warehouse", access.Give, role, "", cause, on("schema/public"), func(s *plan.Step) { s.After = &access.Value{Permission: "read"} })
	m.step("warehouse", access.Delete, access.ID{Kind: "role", Name: "legacy"}, "", risk(access.RiskIrreversible), by(access.CauseDeclared, "systems/warehouse.yaml", 14, "role/legacy is declared absent"))
	m.step("warehouse", access.Rename, access.Account("alice.smith"), "alice", by(access.CauseRenamed, "people/alice.yaml", 1, "renamed from alice.smith"),
		func(s *plan.Step) {
			s.Before, s.After = &access.Value{Name: "alice.smith"}, &access.Value{Name: "alice"}
		})
	m.step("warehouse", access.Update, access.Account("alice"), "alice", by(access.CauseDeclared, "people/alice.yaml", 2, "alice"),
		func(s *plan.Step) {
			s.Before, s.After = &access.Value{Attributes: map[string]string{"comment": "Alice Smith", "x": ""}}, &access.Value{Attributes: map[string]string{"comment": "Alice Liddell", "x": "y"}}
		})
	m.step("warehouse", access.Enable, access.Account("bob"), "bob", by(access.CauseDeclared, "people/bob.yaml", 3, "bob"), risk(access.RiskReEnables))
	m.step("warehouse", access.Delete, access.Account("carol"), "carol", leaver, risk(access.RiskDeletes), risk(access.RiskIrreversible), by(access.CauseLeaver, "people/carol.yaml", 4, "left 2026-10-20"))
	m.give("warehouse", "dan", "role/readonly", "member", risk(access.RiskAdopts), by(access.CauseDeclared, "grants/a.yaml", 4, "grant a gives role/readonly: member to dan"))
	m.revoke("warehouse", "erin", "role/readonly", "member", func(s *plan.Step) { s.Before.Standing = access.Pending }, by(access.CauseRemoved, "", 0, "no longer declared"))
	return m.Plan
}

const evil = "\x1b[2J\x1b]0;owned\x07\nSystem\u202eevil\u200b\u2066\xff\u009b31m"

// hostile has such strings wherever something from outside can be.
func hostile() *plan.Plan {
	m := newPlan("github", "wiki")
	m.Revision.Branch = evil
	m.Notes = []string{evil}
	m.Complete = false
	for _, p := range []string{"a", "b", "c"} {
		m.revoke("github", p, "team/"+evil, evil, account(evil+p), by(access.CauseRemoved, evil, 3, evil))
	}
	m.step("github", access.Update, access.Account(evil), "", by(access.CauseDeclared, evil, 3, evil), risk(access.RiskName(evil)), func(s *plan.Step) {
		s.Before, s.After = &access.Value{}, &access.Value{Attributes: map[string]string{evil: evil}}
	})
	m.step("github", access.Rename, access.Account(evil), evil, class(plan.Class(evil)), func(s *plan.Step) {
		s.Before, s.After = &access.Value{Name: evil}, &access.Value{Name: evil}
	})
	m.refuse(access.RiskMassRevoke, "github/team/"+evil, evil, m.revoke("github", "d", "team/"+evil, "member", leaver))
	m.system("wiki").Error = evil
	m.system("github").Unknown = []access.Unknown{{ID: access.ID{Kind: evil, Name: evil}, Why: evil}}
	m.system("github").Waiting = []plan.Waiting{{Action: access.Disable, Subject: access.Account(evil), Why: evil}}
	m.system("github").Missing = []access.ID{access.Account(evil)}
	m.revoke("github", "e", "team/x", "member", held(plan.HeldProtected, evil))
	return m.Plan
}
