package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// Who answers who holds something on a system.
type Who struct {
	System string
	// Target is what was asked about; zero: the whole system. Permission is the least that was
	// asked for; empty: any.
	Target     access.ID
	Permission string
	// At is the instant that the declaration was asked about; what is live is so now.
	At       time.Time
	Revision plan.Revision
	// Read says that the system was read, Error why it couldn't be, NotRead why it wasn't asked
	// although it should have been. Unknown is what couldn't be seen of it.
	Read    bool
	Error   string
	NotRead string
	Unknown []access.Unknown
	// Named says that the declaration or the system knows the target at all; Nearest is the name
	// that was probably meant where not.
	Named   bool
	Nearest string
	// Owners are who answers for it: ids of people and groups.
	Owners []string
	// Holders are sorted (see WhoHolder.Compare).
	Holders []WhoHolder
}

// whoFull is up to how many holders the lines of their reasons are written without being asked.
const whoFull = 10

// WhoText writes the answer as text: state by state who holds it, and by which lines of the
// declaration. Of many holders each takes one line; Options.Verbose gives the rest.
func WhoText(w io.Writer, y Who, o Options) error {
	v := &whoView{page: newPage(w, o), y: y, full: o.Verbose || len(y.Holders) <= whoFull && !y.Target.IsZero()}
	v.headline()
	v.measure()
	for i := 0; i < len(y.Holders); {
		n := i
		for n < len(y.Holders) && y.Holders[n].Target == y.Holders[i].Target && y.Holders[n].State == y.Holders[i].State {
			n++
		}
		v.section(y.Holders[i:n])
		i = n
	}
	v.foot()
	return v.flush()
}

// widestHolder bounds the columns of holders and of what they hold.
const widestHolder = 32

type whoView struct {
	*page
	y           Who
	full        bool
	name, level int // columns
	place       int
}

func (v *whoView) what() string {
	if v.y.Target.IsZero() {
		return v.y.System
	}
	return entitlement(v.y.Target, v.y.Permission) + " on " + v.y.System
}

// headline says how many there are, and what that was asked of.
func (v *whoView) headline() {
	people, other := map[string]bool{}, map[access.ID]bool{}
	through := map[string]bool{}
	for _, h := range v.y.Holders {
		switch {
		case h.Person != "":
			people[h.Person] = true
			if len(h.Via) > 0 {
				through[h.Person] = true
			}
		default:
			other[h.Subject] = true
		}
	}
	least := ""
	if v.y.Permission != "" {
		least = ", or more"
	}
	text := v.what() + least + ": "
	switch {
	case len(v.y.Holders) == 0 && !v.y.Named:
		text += "nothing declares it, and nobody holds it"
		if !v.y.Read {
			text = v.what() + least + ": nothing declares it"
		}
		if v.y.Nearest != "" {
			text += fmt.Sprintf("; did you mean %q?", v.y.Nearest)
		}
	case len(v.y.Holders) == 0:
		text += "nobody"
	default:
		var parts []string
		if len(people) > 0 {
			parts = append(parts, Count(len(people), "person", "people"))
		}
		if len(through) > 0 {
			parts[0] += fmt.Sprintf(" (%d through something that they hold there)", len(through))
		}
		accounts := 0
		for id := range other {
			if id.IsAccount() {
				accounts++
			}
		}
		if accounts > 0 {
			parts = append(parts, Count(accounts, "account that is nobody's", "accounts that are nobody's"))
		}
		if n := len(other) - accounts; n > 0 {
			parts = append(parts, Count(n, "resource", "resources"))
		}
		text += strings.Join(parts, ", ")
	}
	v.text(0, 2, text)
	v.line(0, 2).prose(v.asked(), faint).end()
}

func (v *whoView) asked() string {
	text := "declared " + atPlace(v.y.Revision) + " for " + beginText(v.y.At)
	switch {
	case v.y.Read:
		return text + ", and read"
	case v.y.Error != "", v.y.NotRead != "":
		return text
	}
	return text + "; --live reads the system too"
}

func (v *whoView) measure() {
	for _, h := range v.y.Holders {
		v.name = max(v.name, min(columns(h.label()), widestHolder))
		v.level = max(v.level, min(columns(v.said(h)), widestHolder))
		for _, r := range h.Reasons {
			for _, l := range r.Chain {
				if n := columns(at(l.File, l.Line)); n <= widestRight {
					v.place = max(v.place, n)
				}
			}
		}
	}
}

// label is the holder, with the account where that is called otherwise.
func (h WhoHolder) label() string {
	label := h.who()
	if h.Name != "" && h.Name != h.Person {
		label += " (" + h.Name + ")"
	}
	return label
}

// said is what the holder has: the level on the target that the heading names.
func (v *whoView) said(h WhoHolder) string {
	if h.Target.IsZero() {
		return "the account"
	}
	return h.level()
}

func (v *whoView) section(holders []WhoHolder) {
	title := whoStates[holders[0].State.rank()].title
	if v.y.Target.IsZero() {
		what := "Accounts"
		if t := holders[0].Target; !t.IsZero() {
			what = t.String()
		}
		title = what + ": " + strings.ToLower(title[:1]) + title[1:]
	}
	v.heading(title)
	for i, h := range holders {
		if i > 0 && v.full && len(holders[i-1].Reasons) > 0 {
			v.gap()
		}
		v.holder(h)
	}
}

func (v *whoView) holder(h WhoHolder) {
	line := v.line(2, min(2+v.name+2+v.level+2, v.width/2))
	if !v.full && len(h.Reasons) > 0 && len(h.Reasons[0].Chain) > 0 {
		l := h.Reasons[0].Chain[0]
		line.ends(at(l.File, l.Line), v.width-min(v.place, widestRight))
	}
	style := plain
	if h.State == WhoUnknown {
		style = unknown
	}
	line.put(h.label(), style).column(2+v.name+2).put(v.said(h), plain)
	if notes := v.notes(h); len(notes) > 0 {
		line.column(2+v.name+2+v.level+2).prose(strings.Join(notes, ", "), plain)
	}
	line.end()
	if v.full {
		v.reasons(h)
	}
}

// notes are what a line says beside name and level.
func (v *whoView) notes(h WhoHolder) []string {
	var out []string
	if h.Person != "" && h.Subject.Name != h.Person {
		out = append(out, "as "+quoteName(h.Subject.Name))
	}
	if len(h.Via) > 0 {
		var names []string
		for _, id := range h.Via {
			names = append(names, id.String())
		}
		out = append(out, "through "+strings.Join(names, ", "))
	}
	if !h.Until.IsZero() {
		out = append(out, "until "+endText(h.Until))
	}
	if h.Service {
		out = append(out, "a service")
	}
	switch h.Status {
	case access.HolderLeft:
		out = append(out, "has left")
	case access.HolderLeave:
		out = append(out, "on leave")
	case access.HolderUpcoming:
		out = append(out, "hasn't begun yet")
	}
	if h.State == WhoPending && !h.Declared {
		out = append(out, "not declared")
	}
	for _, n := range []struct {
		is   bool
		text string
	}{{h.Disabled, "disabled"}, {h.Own, "Accord's own account"}, {h.Reserved, "the system's own"}} {
		if n.is {
			out = append(out, n.text)
		}
	}
	if !v.full && len(h.Reasons) > 0 && !v.y.Target.IsZero() {
		out = append(out, routeText(h.Reasons))
	}
	return out
}

// routeText says in short how something is declared.
func routeText(reasons []access.Reason) string {
	r := reasons[0]
	var out []string
	if r.Grant != "" {
		out = append(out, "grant "+r.Grant)
	}
	for _, role := range r.Roles {
		out = append(out, "role "+role)
	}
	if r.Ticket != "" {
		out = append(out, r.Ticket)
	}
	text := strings.Join(out, ", ")
	if n := len(reasons) - 1; n > 0 {
		text += " and " + Count(n, "other way", "other ways")
	}
	return text
}

// reasons writes every line by which it is declared.
func (v *whoView) reasons(h WhoHolder) {
	for _, r := range h.Reasons {
		for _, l := range r.Chain {
			v.line(4, 4+v.place+2).put(at(l.File, l.Line), faint).column(4+v.place+2).prose(l.Text, plain).end()
		}
		if parts := aboutText(r); parts != "" {
			v.line(4+v.place+2, 4+v.place+2).prose(parts, plain).end()
		}
	}
}

func (v *whoView) foot() {
	if len(v.y.Unknown) > 0 || v.y.Error != "" || v.y.NotRead != "" {
		v.gap()
	}
	switch {
	case v.y.Error != "":
		v.line(0, 4).put("?", unknown).space(1).prose(v.y.Error, plain).end()
	case v.y.NotRead != "" && !v.y.Read:
		v.line(0, 4).put("?", unknown).space(1).prose("not read: "+v.y.NotRead, plain).end()
	}
	for _, u := range v.y.Unknown {
		what := u.ID.String()
		if u.ID.IsZero() {
			what = "everything"
		} else if u.ID.Name == "" {
			what = "every " + u.ID.Kind
		}
		v.line(0, 4).put("?", unknown).space(1).prose(what+" couldn't be seen: "+u.Why+"; there may be more", plain).end()
	}
	var parts []string
	if len(v.y.Owners) > 0 && len(v.y.Holders) > 0 {
		parts = append(parts, "Who answers for it: "+strings.Join(v.y.Owners, ", ")+".")
	}
	if !v.full && len(v.y.Holders) > 0 {
		parts = append(parts, "-v writes every line by which they hold it.")
	}
	if len(parts) > 0 {
		v.gap()
		v.text(0, 2, strings.Join(parts, " "))
	}
}
