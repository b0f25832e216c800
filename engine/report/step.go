package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// row is one change as a line shows it, without whom it is about. Rows that are equal read
// equal, and fold.
type row struct {
	kind   style // which symbol
	risky  bool
	system string
	what   string
	notes  string
}

// compare puts what takes away before what gives, and the risky before the harmless.
func (r row) compare(o row) int {
	return cmp.Or(order(r.kind)-order(o.kind), first(o.risky)-first(r.risky),
		strings.Compare(r.system, o.system), strings.Compare(r.what, o.what), strings.Compare(r.notes, o.notes))
}

// ranks are the places of the styles in that order; what is none of a change comes first.
var ranks = [...]int{plain: -1, strong: -1, faint: -1, drastic: 0, taken: 1, changed: 2, given: 3, unknown: 4}

func order(s style) int { return ranks[s] }

func first(b bool) int {
	if b {
		return 1
	}
	return 0
}

// who is whom a step is about: a person, or the account or resource itself where nobody is
// linked to it.
type who struct {
	person  string
	system  string    // set where there is no person
	subject access.ID // set where there is no person
	account string    // the account's name where that isn't the person's id
}

func whoOf(s *plan.Step) who {
	if s.Person == "" {
		return who{system: s.System, subject: s.Subject}
	}
	w := who{person: s.Person}
	if s.Subject.IsAccount() && s.Subject.Name != s.Person {
		w.account = s.Subject.Name
	}
	return w
}

// label is how a block about them is headed. "account/mallory" and "role/writer" are as they
// are written in the declaration.
func (w who) label() string {
	if w.person != "" {
		return w.person
	}
	return w.subject.String()
}

// listed is the label in a list of names.
func (w who) listed() string {
	if w.account != "" {
		return w.person + " (" + w.account + ")"
	}
	return quoteName(w.label())
}

// holding is a person on a system.
type holding struct{ system, person string }

// twoAccounts finds who has more than one account on a system.
func twoAccounts(p *plan.Plan) map[holding]bool {
	one, out := map[holding]access.ID{}, map[holding]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Person == "" || s.Action == access.Rename {
			continue
		}
		h := holding{s.System, s.Person}
		if other, ok := one[h]; ok && other != s.Subject {
			out[h] = true
		}
		one[h] = s.Subject
	}
	return out
}

// bare is who without the account.
func (w who) bare() who { return who{person: w.person, system: w.system, subject: w.subject} }

// compareWho orders by label and then so that different ones differ, the account last.
func compareWho(a, b *who) int {
	if a.person != "" && b.person != "" {
		return cmp.Or(strings.Compare(a.person, b.person), strings.Compare(a.system, b.system), a.subject.Compare(b.subject), strings.Compare(a.account, b.account))
	}
	return cmp.Or(strings.Compare(a.label(), b.label()), strings.Compare(a.system, b.system), strings.Compare(a.person, b.person), a.subject.Compare(b.subject),
		strings.Compare(a.account, b.account))
}

// entry is one step on its way into a report.
type entry struct {
	step  *plan.Step
	who   who
	row   row
	cause access.Cause
	// notes and marks are what the row's notes are made of: what there is to know, and the risks.
	notes, marks []string
}

// entry says a step in words. The name of the account is told only where it matters: where
// one is taken over, or where somebody has two.
func (v *view) entry(s *plan.Step) entry {
	e := entry{step: s, who: whoOf(s), cause: s.Cause}
	adopts := slices.ContainsFunc(s.Risks, func(r access.Risk) bool { return r.Name == access.RiskAdopts })
	if !adopts && !v.o.Verbose && !v.twice[holding{s.System, s.Person}] {
		e.who.account = ""
	}
	e.row.system = s.System
	e.row.kind, e.row.what, e.notes = say(s)
	for _, r := range s.Risks {
		if m := mark(s, r.Name); m != "" && !slices.Contains(e.notes, m) && !slices.Contains(e.marks, m) {
			e.marks = append(e.marks, m)
			e.row.risky = true
		}
	}
	if s.Held != nil && s.Held.Why == plan.HeldDepends {
		e.marks = append(e.marks, waitsFor(s, v.step))
	}
	e.row.notes = join(strings.Join(e.notes, ", "), strings.Join(e.marks, ", "))
	return e
}

// say gives a step's symbol, what it is about, and what is done where that doesn't go without
// saying.
func say(s *plan.Step) (kind style, what string, notes []string) {
	before, after := access.Value{}, access.Value{}
	if s.Before != nil {
		before = *s.Before
	}
	if s.After != nil {
		after = *s.After
	}
	switch s.Action {
	case access.Revoke:
		if before.Standing == access.Pending {
			notes = append(notes, "only invited")
		}
		return taken, entitlement(s.Target, before.Permission), notes
	case access.Give:
		if t := access.LastEnd(s.Reasons); !t.IsZero() {
			notes = append(notes, "until "+endText(t))
		}
		return given, entitlement(s.Target, after.Permission), notes
	case access.ChangeLevel:
		if t := access.LastEnd(s.Reasons); !t.IsZero() {
			notes = append(notes, "until "+endText(t))
		}
		return changed, entitlement(s.Target, before.Permission+" → "+after.Permission), notes
	case access.Rename:
		old, now := access.ID{Kind: s.Subject.Kind, Name: before.Name}, quoteName(after.Name)
		return changed, object(old) + " → " + now, []string{"rename"}
	case access.Update:
		return changed, object(s.Subject), attributes(before.Attributes, after.Attributes)
	case access.Create:
		return given, object(s.Subject), append([]string{"create"}, attributes(nil, after.Attributes)...)
	case access.Enable:
		return given, object(s.Subject), []string{"enable"}
	case access.Disable:
		return drastic, object(s.Subject), []string{"disable"}
	case access.Delete:
		return drastic, object(s.Subject), []string{"delete"}
	}
	return unknown, object(s.Subject), []string{string(s.Action)}
}

// entitlement is written as in the declaration: "role/writer: member".
func entitlement(target access.ID, permission string) string {
	if permission == "" {
		return target.String()
	}
	return target.String() + ": " + permission
}

func object(id access.ID) string {
	if id.IsAccount() {
		return "account " + quoteName(id.Name)
	}
	return id.String()
}

func attributes(before, after map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(after)) {
		text := k + " "
		if was, ok := before[k]; ok && was != "" {
			text += quoted(was) + " → "
		}
		out = append(out, text+quoted(after[k]))
	}
	return out
}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

// mark is the short word for a risk at the end of a line; what the line says anyway isn't
// repeated.
func mark(s *plan.Step, r access.RiskName) string {
	switch r {
	case access.RiskGrantsAdmin:
		return "admin"
	case access.RiskAdopts:
		return "adopts"
	case access.RiskDeletes:
		if s.Action == access.Delete {
			return ""
		}
		return "deletes"
	case access.RiskIrreversible:
		return "irreversible"
	}
	return string(r) // a guard's; it stands in the way, or was allowed
}

// waitsFor says what must happen before a step that is held because of it.
func waitsFor(s *plan.Step, step func(key string) *plan.Step) string {
	for _, k := range s.Needs {
		n := step(k)
		if n == nil || n.Held == nil {
			continue
		}
		_, what, notes := say(n)
		other := n.Person
		if other == s.Person {
			other = ""
		}
		text := "waits for " + n.System + " " + what
		switch n.Action {
		case access.Revoke:
			return text + " to be taken" + cmp.Or(lead(" from ", other), " away")
		case access.Give:
			return text + " to be given" + lead(" to ", other)
		case access.Create, access.Enable, access.Disable, access.Delete, access.Rename:
			text += " (" + notes[0] + ")"
		}
		return text + lead(" of ", other)
	}
	if s.Held.Text != "" {
		return "waits: " + s.Held.Text
	}
	return "waits"
}
