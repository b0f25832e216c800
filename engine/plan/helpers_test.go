package plan_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/diff"
	"github.com/accordhq/accord/engine/plan"
)

// describe is a connector that can do everything to every kind.
func describe() access.Description {
	all := []access.Action{access.Create, access.Update, access.Rename, access.Delete}
	perms := func(names ...string) (out []access.Permission) {
		for _, n := range names {
			out = append(out, access.Permission{Name: n, Admin: n == "admin" || n == "owner"})
		}
		return out
	}
	both := []string{access.KindAccount, "group"}
	return access.Description{Connector: "fake", Parallel: 1, Kinds: []access.Kind{
		{Name: access.KindAccount, Actions: append([]access.Action{access.Disable, access.Enable}, all...)},
		{Name: "group", Actions: all, Permissions: perms("member", "owner"), Ordered: true, Usual: "member", Subjects: both},
		{Name: "folder", Actions: all, Permissions: perms("read", "write", "admin"), Ordered: true, Usual: "read", Subjects: both},
		{Name: "app", Actions: all, Permissions: perms("use", "audit", "admin"), Usual: "use", Subjects: both},
	}}
}

func id(s string) access.ID {
	if kind, ok := strings.CutSuffix(s, "/"); ok {
		return access.ID{Kind: kind}
	}
	if !strings.Contains(s, "/") {
		return access.Account(s)
	}
	v, err := access.ParseID(s)
	if err != nil {
		panic(err)
	}
	return v
}

// state reads a state, one thing a line; accounts are written without their kind, and objects
// that grants name are there by themselves:
//
//	object al [disabled] [reserved] [KEY=VALUE …]
//	al read folder/x [pending|implied]
//	bare al read folder/x: the target isn't there
//	? folder/x        unknown; "? folder/" is a kind, "?" everything
//	self al
func state(system, text string) *access.State {
	b := access.NewBuilder(system).Identity("fake " + system)
	there := map[access.ID]bool{}
	grant := func(f []string) {
		bare := f[0] == "bare"
		if bare {
			f = f[1:]
		}
		g := access.Grant{Subject: id(f[0]), Permission: f[1], Target: id(f[2])}
		if len(f) > 3 {
			if err := g.Standing.UnmarshalText([]byte(f[3])); err != nil {
				panic(err)
			}
		}
		b.Grant(g)
		for _, end := range []access.ID{g.Subject, g.Target} {
			if !there[end] && !(bare && end == g.Target) {
				there[end] = true
				b.Object(access.Object{ID: end})
			}
		}
	}
	for pass := range 2 { // objects first: they say more
		for line := range strings.Lines(text) {
			f := strings.Fields(line)
			switch {
			case len(f) == 0:
			case f[0] == "object":
				if pass == 0 {
					o := object(f[1:])
					there[o.ID] = true
					b.Object(o)
				}
			case pass == 0:
			case f[0] == "?" && len(f) == 1:
				b.Unknown(access.ID{}, "hidden")
			case f[0] == "?":
				b.Unknown(id(f[1]), "hidden")
			case f[0] == "self":
				b.Self(id(f[1]))
			default:
				grant(f)
			}
		}
	}
	s, err := b.Build()
	if err != nil {
		panic(err)
	}
	return s
}

func object(f []string) access.Object {
	o := access.Object{ID: id(f[0])}
	for _, word := range f[1:] {
		switch key, value, ok := strings.Cut(word, "="); {
		case ok:
			if o.Attributes == nil {
				o.Attributes = map[string]string{}
			}
			o.Attributes[key] = value
		case word == "disabled":
			o.Disabled = true
		case word == "reserved":
			o.Reserved = true
		default:
			panic(word)
		}
	}
	return o
}

// declared is a declaration made for a test.
type declared struct {
	state   *access.State
	holders map[access.ID]access.Holder
	absent  map[access.ID]access.Link
	reasons map[string][]access.Reason // by "SUBJECT TARGET PERMISSION"
}

// declare reads a state whose grants may say why, behind a "|", each reason as
// "[until TIME|from TIME] [role NAME …] [line N]", and holders as "holder ACCOUNT PERSON STATUS [WAS …]".
// "absent KIND/NAME" declares a resource absent.
func declare(system, text string) *declared {
	d := &declared{holders: map[access.ID]access.Holder{}, absent: map[access.ID]access.Link{}, reasons: map[string][]access.Reason{}}
	var plain strings.Builder
	for line := range strings.Lines(text) {
		what, why, _ := strings.Cut(strings.TrimSpace(line), "|")
		f := strings.Fields(what)
		switch {
		case len(f) == 0:
		case f[0] == "holder":
			h := access.Holder{Account: id(f[1]), Person: f[2], Status: access.HolderStatus(f[3]), Why: access.Link{File: "people.yaml", Line: 1, Text: f[3]}}
			for _, was := range f[4:] {
				h.Was = append(h.Was, id(was))
			}
			d.holders[h.Account] = h
		case f[0] == "absent":
			d.absent[id(f[1])] = access.Link{File: "systems.yaml", Line: 3, Text: f[1] + " is declared absent"}
		case f[0] == "reason": // one of an access that isn't declared now
			d.addReason(f[1:], why)
		default:
			plain.WriteString(what + "\n")
			if f[0] == "bare" {
				f = f[1:]
			}
			if f[0] != "object" {
				d.addReason(f, why)
			}
		}
	}
	d.state = state(system, plain.String())
	for o := range d.state.Objects() {
		if _, ok := d.holders[o.ID]; !ok && o.ID.IsAccount() {
			d.holders[o.ID] = access.Holder{Account: o.ID, Person: "p-" + o.ID.Name, Status: access.HolderActive, Wanted: true}
		}
	}
	return d
}

func (d *declared) addReason(grant []string, text string) {
	r := access.Reason{Permission: grant[1], Grant: "g", Chain: []access.Link{{File: "grants.yaml", Line: 7, Text: "grant g gives " + grant[2]}}}
	f := strings.Fields(text)
	for i := 0; i+1 < len(f); i += 2 {
		switch f[i] {
		case "until":
			r.Until = at(f[i+1])
		case "from":
			r.From = at(f[i+1])
		case "role":
			r.Roles = append(r.Roles, f[i+1])
		case "line":
			fmt.Sscan(f[i+1], &r.Chain[0].Line)
		}
	}
	key := fmt.Sprint(id(grant[0]), id(grant[2]), grant[1])
	d.reasons[key] = append(d.reasons[key], r)
}

func (d *declared) State() *access.State              { return d.state }
func (d *declared) Absent() map[access.ID]access.Link { return d.absent }
func (d *declared) Line(id access.ID) access.Link {
	return access.Link{File: "people.yaml", Line: 2, Text: id.String()}
}

func (d *declared) Holders() iter.Seq[access.Holder] {
	var out []access.Holder
	for _, h := range d.holders {
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b access.Holder) int { return a.Account.Compare(b.Account) })
	return slices.Values(out)
}

func (d *declared) Holder(account access.ID) (access.Holder, bool) {
	h, ok := d.holders[account]
	return h, ok
}

// connector is made once: reasons are asked for often.
var connector = describe()

func (d *declared) Reasons(subject, target access.ID, permission string) []access.Reason {
	if permission != "" {
		return slices.Clone(d.reasons[fmt.Sprint(subject, target, permission)])
	}
	var out []access.Reason
	kind, _ := connector.Kind(target.Kind)
	for _, p := range kind.Permissions {
		out = append(out, d.reasons[fmt.Sprint(subject, target, p.Name)]...)
	}
	return out
}

func at(s string) time.Time {
	if !strings.Contains(s, "T") {
		s += "T00:00:00Z"
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

var now = at("2026-06-15T12:00:00Z")

// system is one on which everything is claimed and corrected, and no limit is set.
func system(name, want, live string, more ...func(*plan.SystemInput)) plan.SystemInput {
	s := plan.SystemInput{
		Name: name, Describe: describe(), Mode: plan.Authoritative,
		Guards: plan.Guards{MaxRemovals: plan.Limit{Count: 1000}, MaxLeavers: plan.Limit{Count: 1000}},
		Scope:  diff.Scope{Claims: func(access.ID) bool { return true }, Create: true, Leaver: diff.LeaverDisable},
		Want:   declare(name, want), Live: state(name, live),
		Memory: plan.Memory{
			DisabledSince: func(access.ID) (time.Time, bool) { return time.Time{}, false },
			Created:       func(access.ID) bool { return false },
		},
	}
	for _, m := range more {
		m(&s)
	}
	s.Protected = func(o access.ID) bool { return slices.Contains(s.Guards.Protect, short(o)) }
	return s
}

func base(text string, at time.Time) func(*plan.SystemInput) {
	return func(s *plan.SystemInput) { s.Base, s.BaseAt = declare(s.Name, text), at }
}

func guards(f func(*plan.Guards)) func(*plan.SystemInput) {
	return func(s *plan.SystemInput) { f(&s.Guards) }
}

func build(systems ...plan.SystemInput) *plan.Plan {
	return plan.Build(plan.Input{At: now, Systems: systems})
}

func short(id access.ID) string { return strings.TrimPrefix(id.String(), "account/") }

// keys are the steps in their order: "revoke sys/al folder/x read", with "!" before those of
// leavers and why they are held behind those that are.
func keys(p *plan.Plan) []string {
	var out []string
	for _, s := range p.Steps {
		text := strings.ReplaceAll(s.Key(), "account/", "")
		if s.Leaver {
			text = "!" + text
		}
		if s.Held != nil {
			text += " (" + string(s.Held.Why) + ")"
		}
		out = append(out, text)
	}
	return out
}

func refusals(p *plan.Plan) []string {
	var out []string
	for _, r := range p.Refusals {
		text := fmt.Sprintf("%s:%s %d", r.Name, strings.ReplaceAll(r.Ref, "account/", ""), len(r.Steps))
		if r.Final {
			text += " final"
		}
		if r.Allowed {
			text += " allowed"
		}
		out = append(out, text)
	}
	return out
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got  %s\n want %s", what, strings.Join(got, "\n      "), strings.Join(want, "\n      "))
	}
}

// always says that Accord has had everything disabled for a day.
func always(access.ID) (time.Time, bool) { return now.Add(-24 * time.Hour), true }

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// split cuts a list that is written with semicolons.
func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "; ")
}
