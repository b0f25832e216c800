package resolve_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/resolve"
)

const toEverybody = "---\ngrant: g\nto: [{match: {department: '*'}}]\naccess: {sys: [role/x], old: [team/t]}\n"

// TestStatus: what a person's status, dates and document make of the account.
func TestStatus(t *testing.T) {
	const d = ", attributes: {department: x}}"
	tests := []struct {
		name, person string
		holder, why  string // of the system that can disable
		state, plain string
	}{
		{"active", "{person: al" + d, "al: al active wanted", "", "account/al; account/al member role/x", "account/al; account/al member team/t"},
		{"starts today", "{person: al, starts: 2026-06-15" + d, "al: al active wanted", "", "account/al; account/al member role/x", "account/al; account/al member team/t"},
		{"starts tomorrow", "{person: al, starts: 2026-06-16" + d, "al: al upcoming", "starts 2026-06-16", "", ""},
		{"ends today", "{person: al, ends: 2026-06-15" + d, "al: al active wanted", "", "account/al; account/al member role/x", "account/al; account/al member team/t"},
		{"ended yesterday", "{person: al, ends: 2026-06-14" + d, "al: al left", "left 2026-06-14", "", ""},
		{"left", "{person: al, status: left" + d, "al: al left", "left", "", ""},
		{"left, with a last day to come", "{person: al, status: left, ends: 2026-12-31" + d, "al: al left", "left", "", ""},
		{"on leave", "{person: al, status: leave" + d, "al: al leave wanted", "on leave", "account/al disabled; account/al member role/x", ""},
		{"on leave, before the first day", "{person: al, status: leave, starts: 2026-06-16" + d, "al: al upcoming", "starts 2026-06-16", "", ""},
		{"on leave, after the last day", "{person: al, status: leave, ends: 2026-06-14" + d, "al: al left", "left 2026-06-14", "", ""},
		{"left without anything declared", "{person: al, status: left}", "al: al left", "left", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := sound(t, input(t, "people: ["+tt.person+"]\n"+toEverybody))
			sys := w.System("sys")
			same(t, "holders", holders(sys), tt.holder)
			same(t, "state", []string{strings.Join(state(sys), "; "), strings.Join(state(w.System("old")), "; ")}, tt.state, tt.plain)
			if h, ok := sys.Holder(account("al")); !ok || h.Why.Text != tt.why || h.Why.Line == 0 {
				t.Errorf("why: %+v, want %q", h.Why, tt.why)
			}
			if h := slices.Collect(sys.Holders())[0]; h.Since.IsZero() == strings.Contains(tt.why, "left 2026") {
				t.Errorf("since %s", h.Since)
			}
		})
	}
}

// TestHoldersOnLeave: where accounts can't be disabled, somebody on leave is a holder even if
// nothing is declared there, since what is live has to be taken away.
func TestHoldersOnLeave(t *testing.T) {
	w := sound(t, input(t, "people: [{person: al, status: leave}, {person: bo, status: leave, accounts: {old: bad}}]\n"))
	same(t, "sys", holders(w.System("sys")))
	same(t, "old", holders(w.System("old")), "al: al leave")
}

// TestLeaverAccounts: which accounts are a leaver's. None may be left behind, and none that is
// somebody else's may be taken for it.
func TestLeaverAccounts(t *testing.T) {
	const before = "person: al\naccounts: {sys: al-l}\nemail: al@acme.example\n"
	rule := func(body string) string {
		return "---\nsystem: sys\nconnector: full\n" + body + "\n---\nsystem: old\nconnector: plain\n"
	}
	tests := []struct {
		name     string
		previous []string
		head     string
		want     []string
	}{
		{"gone", []string{before}, "person: bo\n", []string{"al-l: al left"}},
		{"gone, and never applied", nil, "person: bo\n", nil},
		{"gone for longer than one revision", []string{"person: bo\n", before}, "person: bo\n", []string{"al-l: al left"}},
		{"left, and the account's line went too", []string{before}, "person: al\nstatus: left\n", []string{"al: al left, was al-l"}},
		{"left, and nothing else changed", []string{before}, before + "status: left\n", []string{"al-l: al left"}},
		{"left, under a new rule", []string{"person: al\nemail: a.l@acme.example\n" + rule("accounts: {name: '{email.local}'}")},
			"person: al\nstatus: left\n" + rule(""), []string{"al: al left, was a.l"}},
		{"gone, under a new rule", []string{"person: al\nemail: a.l@acme.example\n" + rule("accounts: {name: '{email.local}'}")},
			"person: bo\n" + rule(""), []string{"a.l: al left"}},
		{"left, and the rule needs what isn't there any more", []string{"person: al\nemail: a.l@acme.example\n" + rule("accounts: {name: '{email.local}'}")},
			"person: al\nstatus: left\n" + rule("accounts: {name: '{email.local}'}"), []string{"a.l: al left"}},
		{"left, under another system's name", []string{"person: al\naccounts: {db: al-l}\n---\nsystem: db\nconnector: full\n"},
			"person: al\nstatus: left\n" + rule("previously: [db]"), []string{"al: al left, was al-l"}},
		{"gone, and somebody has the account now", []string{before}, "person: bo\naccounts: {sys: AL-L}\n", nil},
		{"gone, but renamed", []string{before}, "person: ally\npreviously: [al]\n", nil},
		{"renamed, and left", []string{before}, "person: ally\npreviously: [al]\nstatus: left\n", []string{"ally: ally left, was al-l"}},
		{"two names before, and left", []string{before}, "person: ally\npreviously: [a, al]\nstatus: left\n", []string{"ally: ally left, was a al-l"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := input(t, tt.head)
			for _, p := range tt.previous {
				in.Previous = append(in.Previous, parse(t, p))
			}
			same(t, "holders", holders(sound(t, in).System("sys")), tt.want...)
		})
	}
	in := input(t, "people: [{person: al, status: left}, {person: bo, accounts: {sys: al}}]\n")
	same(t, "problems", problems(in), "al and bo (accord.yaml:5) both have the account al on sys")
}

// TestRenamed: an account that had other names keeps the access, and is known by each of them.
func TestRenamed(t *testing.T) {
	in := input(t, "person: ally\npreviously: [a, al]\nattributes: {department: x}\n"+toEverybody)
	same(t, "unknown before", holders(sound(t, in).System("sys")), "ally: ally active wanted, was a al")
	in.Previous = []*declare.Repository{parse(t, "person: al\naccounts: {sys: al-l, old: ally}\n")}
	w := sound(t, in)
	same(t, "known before", holders(w.System("sys")), "ally: ally active wanted, was a al-l")
	same(t, "the same account", holders(w.System("old")), "ally: ally active wanted, was a")
}

// TestFormer: what the journal remembers of accounts of leavers.
func TestFormer(t *testing.T) {
	since := noon.Add(-time.Hour)
	tests := []struct {
		name, docs string
		former     resolve.Former
		want       []string
	}{
		{"forgotten by the declaration", "person: bo\n", resolve.Former{Account: account("al"), Person: "al", Since: since}, []string{"al: al left"}},
		{"still declared as left", "person: al\nstatus: left\n", resolve.Former{Account: account("al"), Person: "al", Since: since}, []string{"al: al left"}},
		{"an earlier account of a leaver", "person: al\nstatus: left\n", resolve.Former{Account: account("al-l"), Person: "al", Since: since}, []string{"al: al left", "al-l: al left"}},
		{"came back", "person: al\n", resolve.Former{Account: account("al"), Person: "al", Since: since}, nil},
		{"came back under another name", "person: al\naccounts: {sys: al2}\n", resolve.Former{Account: account("al"), Person: "al", Since: since}, nil},
		{"the name was given to somebody else", "person: bo\naccounts: {sys: al}\n", resolve.Former{Account: account("al"), Person: "al", Since: since}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := input(t, tt.docs)
			in.Former = map[string][]resolve.Former{"sys": {tt.former}}
			d := sound(t, in).System("sys")
			same(t, "holders", holders(d), tt.want...)
			if i := slices.IndexFunc(holders(d), func(s string) bool { return strings.HasPrefix(s, tt.former.Account.Name+":") }); i >= 0 && d.Line(tt.former.Account).Text == "" {
				t.Error("the account has no line")
			}
		})
	}
}

// TestAccountRules: names and attributes of accounts, as the system's document and the person's
// say.
func TestAccountRules(t *testing.T) {
	const people = `people:
- {person: al, name: Alice L, email: a.l@acme.example, attributes: {login: AL7, title: [x, y]}}
- {person: bo, name: Bob, email: bo@acme.example, accounts: {sys: Robert, old: bob}, attributes: {login: b}}
`
	const grant = "---\ngrant: g\nto: [al, bo]\naccess: {sys: [role/x]}\n"
	rule := func(accounts string) string {
		return people + grant + "---\nsystem: sys\nconnector: full\naccounts: {" + accounts + "}\n---\nsystem: old\nconnector: plain\n"
	}
	for accounts, want := range map[string]string{
		"":                               "account/al; account/robert",
		"name: '{email}'":                "account/a.l@acme.example; account/robert",
		"name: '{email.local}'":          "account/a.l; account/robert",
		"name: 'x-{attributes.login}-1'": "account/robert; account/x-al7-1",
	} {
		got := state(sound(t, input(t, rule(accounts))).System("sys"))
		same(t, accounts, got[:2], strings.Split(want, "; ")...)
	}
	d := sound(t, input(t, rule("attributes: {comment: '{name} of {person}'}"))).System("sys")
	if o, _ := d.State().Object(account("robert")); o.Attributes["comment"] != "Bob of bo" {
		t.Errorf("attributes: %v", o.Attributes)
	}
	same(t, "an attribute that can't be made", problems(input(t, rule("attributes: {comment: '{attributes.title}'}"))),
		"comment of al's account on sys: expanding {attributes.title} for al: title has 2 values",
		"comment of bo's account on sys: expanding {attributes.title} for bo: there is no title")
	if id, ok := d.AccountOf("bo"); !ok || id != account("robert") {
		t.Errorf("bo's account is %s", id)
	}
}
