package report

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

var (
	books = access.ID{Kind: "folder", Name: "books"}
	desk  = access.ID{Kind: "group", Name: "desk"}
	head  = plan.Revision{Hash: "4f2a91c0000000000000000000000000000000aa", Branch: "main"}
)

func reasonOf(person string) access.Reason {
	return access.Reason{From: day(11, 3), Until: day(12, 2), Permission: "write", Grant: "oncall", Roles: []string{"lead", "writer"}, Ticket: "OPS-4411", Note: "Quarter-end close", Chain: []access.Link{
		{File: "grants/oncall.yaml", Line: 3, Text: "grant oncall gives role lead to group sre until 2026-12-01"},
		{File: "roles/lead.yaml", Line: 2, Text: "role lead includes writer"},
		{File: "groups/sre.yaml", Line: 7, Text: "sre names " + person},
	}}
}

// whoLive has a holder in every state.
func whoLive() Who {
	h := func(person string, state WhoState, declared, live string) WhoHolder {
		out := WhoHolder{Person: person, Name: "Name of " + person, Status: access.HolderActive, Subject: access.Account(person), Target: books, State: state, Permission: declared, Live: live, Declared: declared != ""}
		if declared != "" {
			out.Reasons, out.Until, out.From = []access.Reason{reasonOf(person)}, day(12, 2), day(11, 3)
		}
		return out
	}
	stranger := h("", WhoUndeclared, "", "admin")
	stranger.Name, stranger.Status, stranger.Subject = "", "", access.Account("old robot")
	through := h("gus", WhoHeld, "read", "read")
	through.Via, through.Disabled, through.Status = []access.ID{{Kind: "group", Name: "inner"}, desk}, true, access.HolderLeave
	resource := WhoHolder{Subject: desk, Target: books, State: WhoMissing, Permission: "read", Declared: true, Reasons: []access.Reason{{Chain: []access.Link{{File: "office.yaml", Line: 8, Text: "group/desk is declared to hold folder/books: read"}}}}}
	own := h("bot", WhoImplied, "", "admin")
	own.Service, own.Own = true, true
	left := h("carol", WhoUndeclared, "", "write")
	left.Status = access.HolderLeft
	return Who{System: "office", Target: books, At: day(11, 23), Revision: head, Read: true, Named: true, Owners: []string{"bob", "keepers"},
		Unknown: []access.Unknown{{ID: access.ID{Kind: "group"}, Why: "page 3 answered 502"}},
		Holders: []WhoHolder{left, stranger, h("bob", WhoDiffers, "write", "read"), h("dave", WhoUnknown, "write", ""), h("erin", WhoPending, "write", "write"), h("fay", WhoPending, "", "write"),
			resource, through, own}}
}

func whoMany() Who {
	y := Who{System: "office", Target: books, Permission: "write", At: day(11, 23), Revision: head, Named: true, Owners: []string{"bob"}}
	for i := range 30 {
		name := fmt.Sprintf("p%02d", i)
		h := WhoHolder{Person: name, Status: access.HolderActive, Subject: access.Account(name), Target: books, State: WhoNotRead, Permission: "write", Declared: true, Reasons: []access.Reason{reasonOf(name)}, Until: day(12, 2)}
		if i%10 == 3 {
			h.Reasons, h.Until = append(h.Reasons, reasonOf(name)), time.Time{}
		}
		y.Holders = append(y.Holders, h)
	}
	return y
}

func whoSystem() Who {
	y := whoLive()
	y.Target = access.ID{}
	y.Holders = append([]WhoHolder{{Person: "bob", Subject: access.Account("bob"), State: WhoHeld, Declared: true}}, y.Holders...)
	return y
}

func whoHostile() Who {
	id := access.ID{Kind: evil, Name: evil}
	return Who{System: evil, Target: id, Permission: evil, At: now, Revision: plan.Revision{Worktree: true}, Error: evil, NotRead: evil, Nearest: evil, Owners: []string{evil}, Unknown: []access.Unknown{{ID: id, Why: evil}},
		Holders: []WhoHolder{{Person: evil, Name: evil, Status: evil, Subject: id, Target: id, Permission: evil, Live: evil, State: WhoDiffers, Via: []access.ID{id},
			Reasons: []access.Reason{{Grant: evil, Roles: []string{evil}, Ticket: evil, Note: evil, Chain: []access.Link{{File: evil, Line: 2, Text: evil}}}}}}}
}

func TestWho(t *testing.T) {
	for _, test := range []struct {
		name string
		who  func() Who
		o    Options
	}{
		{"live", whoLive, Options{}},
		{"live-colour", whoLive, Options{Color: true}},
		{"many", whoMany, Options{}},
		{"system", whoSystem, Options{}},
		{"nobody", func() Who {
			return Who{System: "office", Target: books, At: day(11, 23), Revision: head, Named: true, Read: true, Owners: []string{"bob"}}
		}, Options{}},
		{"unnamed", func() Who {
			return Who{System: "office", Target: books, At: day(11, 23), Revision: head, Nearest: "folder/book"}
		}, Options{}},
		{"unread", func() Who {
			return Who{System: "office", Target: books, At: day(11, 23), Revision: head, Named: true, Error: "reading office: 502"}
		}, Options{}},
		{"hostile", whoHostile, Options{Verbose: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer(t, "who-"+test.name, test.o, whoColumns, &whoDoc{},
				func(b *bytes.Buffer) error { return WhoText(b, test.who(), test.o) },
				func(b *bytes.Buffer) error { return WhoJSON(b, test.who()) },
				func(b *bytes.Buffer) error { return WhoCSV(b, test.who()) })
		})
	}
}

// answer compares the three forms of an answer with their golden files, and holds each to what
// holds of its form.
func answer(t *testing.T, name string, o Options, columns []string, doc any, text, json, csv func(*bytes.Buffer) error) {
	t.Helper()
	said := golden(t, name+".txt", text)
	checkWidth(t, said, usualWidth)
	checkClean(t, colours.ReplaceAllString(said, ""))
	if o.Color {
		return
	}
	raw := golden(t, name+".json", json)
	checkClean(t, raw)
	checkJSON(t, raw, doc)
	checkCSV(t, golden(t, name+".csv", csv), columns)
}

func expiringMonth() Expiring {
	turn := func(at time.Time, person, before, after string, gives bool) ExpiringTurn {
		return ExpiringTurn{At: at, Person: person, Name: "Name of " + person, Manager: "bob", System: "office", Account: person, Target: books, Before: before, After: after, Gives: gives,
			Reasons: []access.Reason{reasonOf(person)}, Because: []access.Link{{File: "grants/oncall.yaml", Line: 5, Text: "grant oncall ends 2026-12-01"}}, Owners: []string{"bob", "keepers"}}
	}
	own := turn(time.Date(2026, 12, 3, 18, 30, 0, 0, time.UTC), "carol", "write", "", false)
	own.Because, own.Owners = []access.Link{{File: "people/carol.yaml", Line: 3, Text: "carol's last day is 2026-12-03T18:30:00Z"}, {File: "grants/c.yaml", Line: 9, Text: "grant c ends 2026-12-03T18:30:00Z"}}, nil
	begins := turn(day(12, 2), "gus", "", "read", true)
	begins.Because = []access.Link{{File: "grants/new.yaml", Line: 4, Text: "grant new begins 2026-12-02"}}
	rises := turn(day(12, 2), "hal", "read", "admin", true)
	rises.Because, rises.System = begins.Because, "warehouse"
	return Expiring{At: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), Until: time.Date(2026, 12, 23, 10, 0, 0, 0, time.UTC), Revision: head, Turns: []ExpiringTurn{
		turn(day(12, 2), "alice", "write", "", false), turn(day(12, 2), "dave", "write", "", false), turn(day(12, 2), "bob", "write", "read", false), begins, rises, own}}
}

func TestExpiring(t *testing.T) {
	hostile := func() Expiring {
		return Expiring{At: now, Until: now.AddDate(0, 0, 1), Turns: []ExpiringTurn{{At: now, Person: evil, Name: evil, Manager: evil, System: evil, Account: evil, Target: access.ID{Kind: evil, Name: evil}, Before: evil,
			Reasons: []access.Reason{{Grant: evil, Roles: []string{evil}, Ticket: evil, Note: evil}}, Because: []access.Link{{File: evil, Line: 1, Text: evil}}, Owners: []string{evil}}}}
	}
	for _, test := range []struct {
		name string
		make func() Expiring
		o    Options
	}{
		{"month", expiringMonth, Options{}}, {"month-colour", expiringMonth, Options{Color: true}}, {"hostile", hostile, Options{}},
		{"nothing", func() Expiring { return Expiring{At: day(11, 23), Until: day(11, 24), Revision: head} }, Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer(t, "expiring-"+test.name, test.o, expiringColumns, &expiringDoc{},
				func(b *bytes.Buffer) error { return ExpiringText(b, test.make(), test.o) },
				func(b *bytes.Buffer) error { return ExpiringJSON(b, test.make()) },
				func(b *bytes.Buffer) error { return ExpiringCSV(b, test.make()) })
		})
	}
}

func showPerson() Show {
	y := Show{Kind: "person", Name: "alice", Link: access.Link{File: "people.yaml", Line: 2}, At: day(11, 23), Revision: head,
		Facts: []Fact{{Key: "name", Value: "Alice Liddell"}, {Key: "status", Value: "active"}, {Key: "member of the board of very many things", Value: "a long text that says a lot about what is known of somebody, and that goes on in a second line", Link: access.Link{File: "elsewhere.yaml", Line: 7}}},
		Lists: []ShowList{
			{Key: "groups", Title: "Groups, and why", None: "None.", Items: []ShowItem{{Name: "sre", Until: day(12, 2), Chain: reasonOf("alice").Chain}, {Name: "late", From: day(12, 24), Chain: reasonOf("alice").Chain[:1]}}},
			{Key: "roles", Title: "Roles, and how", None: "None."},
			{Key: "owns", Title: "What they answer for"},
		}, Unknown: []ShowUnknown{{"wiki", "wasn't read: 502"}}}
	var access []ShowItem
	for i, s := range whoStates {
		access = append(access, ShowItem{System: []string{"office", "warehouse"}[i%2], Name: fmt.Sprintf("folder/%d: read", i), State: s.state, Chain: reasonOf("alice").Chain})
	}
	for i := range 20 {
		access = append(access, ShowItem{System: "office", Name: fmt.Sprintf("folder/more-%d: read", i), Note: "one more", Chain: reasonOf("alice").Chain})
	}
	y.Lists = append(y.Lists, ShowList{Key: "access", Title: "Access", Items: access})
	return y
}

func TestShow(t *testing.T) {
	hostile := func() Show {
		l := access.Link{File: evil, Line: 3, Text: evil}
		return Show{Kind: evil, Name: evil, Link: l, At: now, Facts: []Fact{{evil, evil, l}}, Unknown: []ShowUnknown{{evil, evil}},
			Lists: []ShowList{{Key: evil, Title: evil, None: evil, Items: []ShowItem{{System: evil, Name: evil, Note: evil, State: WhoHeld, Chain: []access.Link{l, l}}}}}}
	}
	for _, test := range []struct {
		name string
		make func() Show
		o    Options
	}{
		{"person", showPerson, Options{}}, {"person-verbose", showPerson, Options{Verbose: true, Color: true}}, {"hostile", hostile, Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer(t, "show-"+test.name, test.o, showColumns, &showDoc{},
				func(b *bytes.Buffer) error { return ShowText(b, test.make(), test.o) },
				func(b *bytes.Buffer) error { return ShowJSON(b, test.make()) },
				func(b *bytes.Buffer) error { return ShowCSV(b, test.make()) })
		})
	}
}

// events are changes of every action, with every outcome.
func events() []Event {
	at := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	event := func(action access.Action, outcome, seen, class string) Event {
		c := access.Change{System: "office", Action: action, Subject: access.Account("alice")}
		if action.OnGrant() {
			c.Target, c.Before, c.After = books, &access.Value{Permission: "read"}, &access.Value{Permission: "write"}
		}
		switch action {
		case access.Give:
			c.Before = nil
		case access.Revoke:
			c.After = nil
		case access.Rename:
			c.After = &access.Value{Name: "alice-l"}
		}
		return Event{Time: at, Change: c, Person: "alice", Class: class, Outcome: outcome, Seen: seen, Holds: outcome == "done" && seen == "held", Run: "20261123T130000Z-9c1f07aa-0a0a0a", Actor: "robin",
			Revision: head.Hash, Commit: Commit{Short: "4f2a91c", Time: at, Author: "Bob", Subject: "Merge pull request #812 from acme/root", Note: "merged as #812"},
			PlanDigest: "9c1f07aa", ChangeDigest: "51d0be2c", Approvals: []Approval{{By: "eve", At: at, Change: "51d0"}, {By: "ben", At: at, Commit: head.Hash, Rules: []string{"privileged_access"}}}}
	}
	out := []Event{
		event(access.Create, "done", "held", "change"), event(access.Give, "done", "held", "change"), event(access.ChangeLevel, "done", "not-held", "drift"), event(access.Rename, "already", "held", "change"),
		event(access.Update, "unknown", "unconfirmed", "change"), event(access.Disable, "done", "held", "leaver"), event(access.Enable, "skipped", "", "change"), event(access.Revoke, "failed", "", "time"), event(access.Delete, "refused", "", "leaver"),
	}
	out[7].Error, out[7].Approvals, out[7].Commit.Subject = "403: the token lacks \"admin:org\"", nil, "Away with it"
	out[8].Worktree, out[8].Commit = true, Commit{}
	return out
}

func TestHistory(t *testing.T) {
	past := func() Why {
		y := holds()
		y.History = events()
		y.Items[0].Given = &y.History[1]
		return y
	}
	nobody := func() Why {
		y := holdsNot()
		it := y.Items[0]
		it.Denials, it.Smallest, it.Owners, it.Nobody = nil, "", nil, true
		y.Items = []WhyItem{it, it, it, it}
		y.Items[0].Nearest = "role/writers"
		y.Items[1].Others = []string{"audit", "use"}
		y.Items[2].Offers = []access.Link{{File: "roles.yaml", Line: 2, Text: "role fixer gives it"}}
		return y
	}
	hostile := func() Why {
		y := hostileWhy()
		y.Items[0].Nobody, y.Items[0].Nearest, y.Items[0].Offers, y.Items[0].Others = true, evil, []access.Link{{File: evil, Line: 1, Text: evil}}, []string{evil}
		y.History = []Event{{Time: now, Change: access.Change{System: evil, Action: access.Action(evil), Subject: access.Account(evil)}, Person: evil, Class: evil, Outcome: evil, Seen: evil, Error: evil, Run: evil, Actor: evil, Revision: evil,
			Commit: Commit{Short: evil, Author: evil, Subject: evil, Note: evil}, PlanDigest: evil, ChangeDigest: evil, Approvals: []Approval{{By: evil, Change: evil, Commit: evil, Rules: []string{evil}}}}}
		y.Items[0].Given = &y.History[0]
		return y
	}
	for name, make := range map[string]func() Why{"past": past, "no-past": func() Why { y := holdsNot(); y.History = []Event{}; return y }, "hostile-past": hostile, "nobody": nobody} {
		t.Run(name, func(t *testing.T) {
			columns := eventColumns
			if name == "nobody" {
				columns = whyColumns
			}
			answer(t, "why-"+name, Options{}, columns, &whyDoc{},
				func(b *bytes.Buffer) error { return WhyText(b, make(), Options{}) },
				func(b *bytes.Buffer) error { return WhyJSON(b, make()) },
				func(b *bytes.Buffer) error { return WhyCSV(b, make()) })
		})
	}
	checkCSV(t, golden(t, "why-everything.csv", func(b *bytes.Buffer) error { return WhyCSV(b, everything()) }), whyColumns)
}

func auditMonth() Audit {
	at := time.Date(2026, 11, 10, 10, 0, 0, 0, time.UTC)
	return Audit{From: day(11, 1), To: day(12, 1), Revision: head, Head: "9c1f07aa00", Runs: AuditRuns{12, 9, 2, 1, 1, 3},
		Changes: []AuditClass{{"change", 20, 4, 3, 1, 0}, {"drift", 5, 1, 0, 0, 2}, {"leaver", 0, 9, 0, 0, 1}, {"time", 0, 2, 0, 0, 0}},
		Applied: AuditSpread{27, 40 * time.Minute, 26 * time.Hour, 9 * 24 * time.Hour}, Revoked: AuditSpread{2, 12 * time.Second, 3 * time.Hour, 3 * time.Hour},
		Leavers: []AuditLeaver{
			{Person: "carol", Systems: []string{"github", "warehouse"}, Left: at, By: "commit 4f2a91c", Done: at.Add(time.Hour), Changes: 4, Took: time.Hour},
			{Person: "dave", Systems: []string{"warehouse"}, Left: day(11, 21), By: "ends 2026-11-20", Done: day(11, 21), Changes: 1, Open: 2, Missing: []string{"revoke x", "=disable y"}},
		},
		Flapping:   []AuditFlap{{access.Change{System: "office", Action: access.Give, Subject: access.Account("alice"), Target: books, After: &access.Value{Permission: "write"}}, "alice", []time.Time{at, at.Add(time.Hour)}}},
		Exceptions: []AuditException{{"holidays", "segregation_of_duties", []string{"alice", "oncall"}, day(12, 2), "Only two people on call", access.Link{File: "exempt.yaml", Line: 3, Text: "exempt holidays"}}},
		Lifted:     []AuditLifted{{at, "20261110T100000Z-9c1f-0a", "robin", []string{"mass-revoke:office", "re-enables:office/account/bob"}}},
		Approvals: []AuditApproval{{Approval{By: "ben", At: at, Commit: head.Hash, Rules: []string{"privileged_access"}}, "20261110T100000Z-9c1f-0a", at.Add(time.Hour), head.Hash},
			{Approval{By: "eve", At: at, Change: "51d0be2c00000000000000000000000000000000000000000000000000000000"}, "20261110T100000Z-9c1f-0a", at.Add(time.Hour), head.Hash}},
	}
}

func TestAudit(t *testing.T) {
	hostile := func() Audit {
		l := access.Link{File: evil, Line: 3, Text: evil}
		return Audit{From: now, To: now.AddDate(0, 0, 1), Head: evil, Changes: []AuditClass{{Class: evil, Given: 1}}, Leavers: []AuditLeaver{{Person: evil, Systems: []string{evil}, Left: now, By: evil, Open: 1, Missing: []string{evil}}},
			Flapping: []AuditFlap{{access.Change{System: evil, Action: access.Action(evil), Subject: access.Account(evil)}, evil, []time.Time{now}}}, Exceptions: []AuditException{{evil, evil, []string{evil}, now, evil, l}},
			Lifted: []AuditLifted{{now, evil, evil, []string{evil}}}, Approvals: []AuditApproval{{Approval{evil, now, evil, evil, []string{evil}}, evil, now, evil}}}
	}
	for _, test := range []struct {
		name string
		make func() Audit
		o    Options
	}{
		{"month", auditMonth, Options{}}, {"month-colour", auditMonth, Options{Color: true}}, {"hostile", hostile, Options{}},
		{"nothing", func() Audit { return Audit{From: day(11, 1), To: day(12, 1), Revision: head} }, Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer(t, "audit-"+test.name, test.o, auditColumns, &auditDoc{},
				func(b *bytes.Buffer) error { return AuditText(b, test.make(), test.o) },
				func(b *bytes.Buffer) error { return AuditJSON(b, test.make()) },
				func(b *bytes.Buffer) error { return AuditCSV(b, test.make()) })
		})
	}
}
