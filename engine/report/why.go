package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// Why answers why a person has, or hasn't, one access; or why they have what they have.
type Why struct {
	// Person is the id, Name the name as declared.
	Person, Name string
	Status       access.HolderStatus
	// StatusLink is the line that the status comes from.
	StatusLink access.Link
	Items      []WhyItem
	// History is what Accord did about it, oldest first; nil: it wasn't asked for.
	History []Event
}

// WhyItem is the answer about one access.
type WhyItem struct {
	System, Account string
	Target          access.ID
	Permission      string
	// Declared says that the access is declared for now.
	Declared bool
	// Live is how it is on the system: held, pending, implied, no, unknown; "" means that the
	// system wasn't read.
	Live string
	// Since and Until are when it began and when it ends; zero where that isn't known, or
	// where there is no end.
	Since, Until time.Time
	// Reasons are why it is declared, or why it had been.
	Reasons []WhyReason
	// Denials are why not: one for each grant that would give it.
	Denials []Denial
	// Smallest is the smallest change that would turn the answer round.
	Smallest string
	// Owners are who can decide on that change.
	Owners []string
	// Given is the change by which Accord gave it, by the journal; nil: that isn't known.
	Given *Event
	// Nobody says that no grant gives it to anybody. Then Offers are the roles that have it all
	// the same, Others the permissions with which the target is given, and Nearest is the target
	// that was probably meant where nothing names this one.
	Nobody  bool
	Offers  []access.Link
	Others  []string
	Nearest string
}

// WhyReason is a reason and the commits that brought its lines about.
type WhyReason struct {
	access.Reason
	Commits []Commit
}

// Commit is where a line of a reason comes from.
type Commit struct {
	File string
	Line int
	// Short is the abbreviated hash. Without an author the line may be older than the commit.
	Short           string
	Time            time.Time
	Author, Subject string
	// Note says more, such as who approved it.
	Note string
}

// Denial is one chain that would give the access, up to where it breaks.
type Denial struct {
	Links []access.Link
}

// WhyText writes the answer as text: for each access what is so, the chains that make it so
// from the grant down to the person, and who wrote their lines; or where each chain breaks.
func WhyText(w io.Writer, y Why, o Options) error {
	v := &whyView{page: newPage(w, o), y: y}
	v.person()
	for i := range y.Items {
		v.gap()
		v.item(&y.Items[i])
	}
	if y.History != nil {
		v.history(y.History)
	}
	return v.flush()
}

type whyView struct {
	*page
	y Why
}

// person writes how the person stands, where that isn't what goes without saying.
func (v *whyView) person() {
	y := v.y
	name := y.Person
	if y.Name != "" && y.Name != y.Person {
		name += " (" + y.Name + ")"
	}
	var says string
	switch y.Status {
	case access.HolderLeft:
		says = " has left"
	case access.HolderLeave:
		says = " is on leave"
	case access.HolderUpcoming:
		says = " hasn't begun yet"
	}
	if t := y.StatusLink.Text; says != "" && t != "" {
		says += " (" + t + ")"
	}
	switch {
	case len(y.Items) == 0:
		line := v.line(0, 2)
		if says != "" {
			says += ";"
		}
		line.ends(v.where(y.StatusLink, says), v.width)
		line.prose(name+says+" holds nothing, and nothing is declared", plain).end()
	case says != "" || len(y.Items) > 1:
		line := v.line(0, 2)
		line.ends(v.where(y.StatusLink, says), v.width)
		if len(y.Items) > 1 {
			systems := map[string]bool{}
			for _, it := range y.Items {
				systems[it.System] = true
			}
			says = join(strings.TrimPrefix(says, " "), fmt.Sprintf("%s on %s", Count(len(y.Items), "entitlement", "entitlements"), Count(len(systems), "system", "systems")))
			says = ": " + says
		}
		line.prose(name+says, plain).end()
	}
}

func (v *whyView) where(l access.Link, says string) string {
	if says == "" {
		return ""
	}
	return at(l.File, l.Line)
}

// item writes one answer.
func (v *whyView) item(it *WhyItem) {
	v.line(0, 2).prose(v.headline(it), plain).end()
	column := 0
	measure := func(l access.Link) {
		if n := columns(at(l.File, l.Line)); n <= widestRight {
			column = max(column, n)
		}
	}
	for _, r := range it.Reasons {
		for _, l := range r.Chain {
			measure(l)
		}
	}
	for _, d := range it.Denials {
		for _, l := range d.Links {
			measure(l)
		}
	}
	for _, r := range it.Reasons {
		v.gap()
		v.chain(r.Chain, column)
		v.about(r.Reason, column)
		v.commits(r.Commits)
	}
	for _, d := range it.Denials {
		v.gap()
		v.chain(d.Links, column)
	}
	if it.Given != nil {
		v.gap()
		v.event(it.Given, givenText(it.Given))
	}
	v.nobody(it)
	v.smallest(it)
}

// nobody says of what no grant gives to anybody what there is instead.
func (v *whyView) nobody(it *WhyItem) {
	if !it.Nobody {
		return
	}
	v.gap()
	text := "No grant gives it to anybody"
	switch {
	case it.Nearest != "":
		text = fmt.Sprintf("Nothing names %s on %s; did you mean %q?", it.Target, it.System, it.Nearest)
	case len(it.Others) > 0:
		text += fmt.Sprintf("; what is given on it is %s.", strings.Join(it.Others, ", "))
	case len(it.Offers) > 0:
		text += ". It stands in a role that nobody is given:"
	default:
		text += "."
	}
	v.text(0, 2, text)
	column := 0
	for _, l := range it.Offers {
		column = max(column, min(columns(at(l.File, l.Line)), widestRight))
	}
	v.chain(it.Offers, column)
}

// headline says what is so: what is declared, what is live, and until when.
func (v *whyView) headline(it *WhyItem) string {
	what := entitlement(it.Target, it.Permission) + " on " + it.System
	who := v.y.Person
	if it.Account != "" && it.Account != who {
		who += " (" + quoteName(it.Account) + " there)"
	}
	var out string
	switch {
	case it.Declared:
		out = declaredText(who, what, it)
	case it.Live == "held" || it.Live == "pending":
		out = who + " holds " + what + ", but it isn't declared"
		if it.Live == "pending" {
			out = who + " is invited to " + what + ", but that isn't declared"
		}
	case it.Live == "implied":
		return who + " has " + what + " through something else that they hold there; it isn't declared"
	case it.Live == "unknown":
		return who + " isn't to hold " + what + "; whether they do couldn't be seen"
	case it.Live == "":
		return who + " isn't to hold " + what + " (the system wasn't read)"
	default:
		return who + " doesn't hold " + what
	}
	if !it.Until.IsZero() {
		out += "; ends " + endText(it.Until)
	}
	return out
}

func declaredText(who, what string, it *WhyItem) string {
	since := ""
	if !it.Since.IsZero() {
		since = " since " + it.Since.Format(time.DateOnly)
	}
	switch it.Live {
	case "held":
		return who + " holds " + what + ": declared, and live" + since
	case "pending":
		return who + " is invited to " + what + ": declared, and not accepted yet"
	case "implied":
		return who + " has " + what + ": declared, but live only through something else"
	case "no":
		return who + " is to hold " + what + ": declared, but not live; accord plan tells what becomes of that"
	case "unknown":
		return who + " is to hold " + what + ": declared; whether it is live couldn't be seen"
	}
	return who + " is to hold " + what + ": declared" + since + " (the system wasn't read)"
}

// chain writes links, the line of the declaration before what it says.
func (v *whyView) chain(links []access.Link, column int) {
	for _, l := range links {
		line := v.line(2, 2+column+2)
		line.put(at(l.File, l.Line), faint).column(2+column+2).prose(l.Text, plain).end()
	}
}

// about writes when a reason holds and what its grant says of itself.
func (v *whyView) about(r access.Reason, column int) {
	if text := aboutText(r); text != "" {
		v.line(2+column+2, 2+column+2).prose(text, plain).end()
	}
}

func aboutText(r access.Reason) string {
	var parts []string
	if s := spansText([]access.Span{{From: r.From, Until: r.Until}}); s != "" {
		parts = append(parts, s)
	}
	if r.Ticket != "" {
		parts = append(parts, r.Ticket)
	}
	if r.Note != "" {
		parts = append(parts, r.Note)
	}
	return strings.Join(parts, " · ")
}

// commits writes who brought the lines about, each commit once.
func (v *whyView) commits(all []Commit) {
	var once []Commit
	author := 0
	for _, c := range all {
		if !slices.ContainsFunc(once, func(o Commit) bool { return o.Short == c.Short }) {
			once = append(once, c)
			author = max(author, min(columns(c.Author), widestName))
		}
	}
	if len(once) > 0 {
		v.gap()
	}
	for _, c := range once {
		line := v.line(2, 2+9+12)
		line.put(c.Short, plain).column(2+9).put(c.Time.UTC().Format(time.DateOnly), plain).space(2)
		if c.Author+c.Subject != "" {
			line.put(c.Author, plain).column(2+9+12+author+2).prose(c.Subject, plain).space(4)
		}
		line.prose(c.Note, faint)
		line.end()
	}
}

func (v *whyView) smallest(it *WhyItem) {
	if it.Smallest == "" && len(it.Owners) == 0 {
		return
	}
	v.gap()
	var parts []string
	if it.Smallest != "" {
		parts = append(parts, "The smallest change: "+strings.TrimSuffix(it.Smallest, ".")+".")
	}
	if len(it.Owners) > 0 {
		parts = append(parts, "Who decides: "+strings.Join(it.Owners, ", ")+".")
	}
	v.text(0, 2, strings.Join(parts, " "))
}
