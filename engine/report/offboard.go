package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// Offboarded is what became of taking everything away from one person at once.
type Offboarded struct {
	Person, Actor, Reason string
	Plan                  *plan.Plan
	// Instead says by which declaration it went, and why, where that isn't HEAD's.
	Instead string
	Run     string
	Exit    int
	Took    time.Duration
	// Systems are in the order of their priority.
	Systems []OffboardedSystem
	// Secrets are credentials that the person answered for, and may know.
	Secrets []Shared
	// Edit is the commit by which the declaration says that the person left.
	Edit LeftEdit
	// Unsent says that the journal is only spooled here, so that nobody else knows of it.
	Unsent bool
}

// OffboardedSystem is what became of one system.
type OffboardedSystem struct {
	Name string
	// Accounts are the person's that were there.
	Accounts []string
	// Removed, Failed, Unconfirmed and Held count what was taken away and seen to be gone, what
	// was not, of what it can't be seen (yet), and what a guard or the system's mode kept.
	Removed, Failed, Unconfirmed, Held int
	// Unread tells why it couldn't be read; Unknown what couldn't be seen of it.
	Unread  string
	Unknown []access.Unknown
	// Undecided counts what can't be told: whose an account is, whether something is there.
	Undecided int
	// Problems are what went wrong, step by step.
	Problems []string
	// Whole says that all of the system had to be read. Took is how long reading, taking away and
	// reading back took.
	Whole   bool
	Took    time.Duration
	Remains []access.Remnant
}

// Shared is a credential that more people than one may know.
type Shared struct {
	What string `json:"what"`
	File string `json:"file"`
	Line int    `json:"line"`
}

// LeftEdit is what became of the commit.
type LeftEdit struct {
	Branch string `json:"branch,omitempty"`
	Commit string `json:"commit,omitempty"`
	File   string `json:"file,omitempty"`
	// Needless says why there is none: nothing has to be declared.
	Needless string `json:"needless,omitempty"`
	Error    string `json:"error,omitempty"`
	// Push is the command that publishes it, where there is a place for it.
	Push string `json:"push,omitempty"`
}

// Fate is one word for what became of the person's access on a system.
func (s OffboardedSystem) Fate() string {
	switch {
	case s.Failed > 0:
		return "failed"
	case s.Unread != "":
		return "not read"
	case s.Held > 0:
		return "kept"
	case s.Unconfirmed > 0:
		return "unconfirmed"
	case len(s.Unknown)+s.Undecided > 0:
		return "unknown"
	case s.Removed > 0:
		return "removed"
	case len(s.Accounts) == 0:
		return "nothing"
	}
	return "nothing left"
}

// OffboardText writes the table, what can't be taken back from here, and what to do next.
func OffboardText(w io.Writer, b Offboarded, o Options) error {
	v := &offboardView{page: newPage(w, o), b: b}
	title := b.Person + " is offboarded by " + b.Actor
	if b.Reason != "" {
		title += " (" + b.Reason + ")"
	}
	v.text(0, 2, title+" · "+place(b.Plan.Revision)+lead(" · ", took(b.Took)))
	if b.Instead != "" {
		v.text(0, 2, "Note: "+b.Instead)
	}
	for _, n := range b.Plan.Notes {
		v.text(0, 2, "Note: "+n)
	}
	v.gap()
	v.table()
	v.refusals()
	v.remains()
	v.edit()
	v.end()
	return v.flush()
}

type offboardView struct {
	*page
	b Offboarded
}

func (v *offboardView) table() {
	name, fate := leastTitle, 0
	for _, s := range v.b.Systems {
		name, fate = max(name, min(columns(s.Name), widestName)), max(fate, len(s.Fate()))
	}
	at := 2 + name + 2
	for _, s := range v.b.Systems {
		st := plain
		sign := ""
		if f := s.Fate(); f == "failed" || f == "not read" || f == "unknown" {
			sign, st = symbols[unknown], unknown
		}
		line := v.line(2, at+2+fate+2)
		line.ends(took(s.Took), v.width-8)
		line.put(s.Name, plain).column(at)
		if sign != "" {
			line.put(sign, st).space(1)
		} else {
			line.skip += 2
		}
		line.put(s.Fate(), plain).column(at + 2 + fate + 2)
		line.prose(s.says(), plain).end()
		for _, p := range s.Problems {
			v.text(at+2, at+4, p)
		}
	}
}

// says is the line behind the word.
func (s OffboardedSystem) says() string {
	var parts []string
	add := func(n int, text string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, text))
		}
	}
	if len(s.Accounts) > 0 {
		parts = append(parts, "account "+strings.Join(s.Accounts, " and "))
	} else if s.Unread == "" {
		parts = append(parts, "no account there")
	}
	add(s.Removed, "taken away")
	add(s.Failed, "failed")
	add(s.Unconfirmed, "not confirmed")
	add(s.Held, "kept")
	if s.Unread != "" {
		parts = append(parts, s.Unread)
	}
	for _, u := range s.Unknown {
		what := cmp.Or(u.ID.String(), "a part")
		if u.ID.IsZero() {
			what = "a part"
		}
		parts = append(parts, what+" can't be seen: "+u.Why)
	}
	return strings.Join(parts, ", ")
}

// refusals writes what guards refused, and how that is allowed.
func (v *offboardView) refusals() {
	head := false
	for _, r := range v.b.Plan.Refusals {
		if r.Allowed {
			continue
		}
		if !head {
			v.heading("Refused")
			head = true
		}
		v.text(2, 4, r.Text)
		if !r.Final {
			v.line(4, 4).prose("allow it once with", plain).space(1).whole("--allow "+shellWord(string(r.Name)+":"+r.Ref), plain).end()
		}
	}
}

// remains writes what goes on although the access is gone.
func (v *offboardView) remains() {
	name := leastTitle
	for _, s := range v.b.Systems {
		name = max(name, min(columns(s.Name), widestName))
	}
	head := false
	put := func(title, text string) {
		if !head {
			v.heading("What can't be taken back from here")
			head = true
		}
		at := 2 + name + 2
		v.line(2, at+2).put(title, plain).column(at).prose(text, plain).end()
	}
	for _, s := range v.b.Systems {
		for _, r := range s.Remains {
			put(s.Name, string(r.Kind)+": "+remnant(r))
		}
	}
	for _, s := range v.b.Secrets {
		put(s.What, "answered for by "+v.b.Person+", who may know the credential: change it ("+at(s.File, s.Line)+")")
	}
}

func remnant(r access.Remnant) string {
	if r.Ends <= 0 {
		return r.Text
	}
	return fmt.Sprintf("%s (%g hours, if nobody changed it)", r.Text, r.Ends.Hours())
}

// edit writes what became of the commit.
func (v *offboardView) edit() {
	e := v.b.Edit
	v.gap()
	switch {
	case e.Error != "":
		v.text(0, 2, "The declaration still has "+v.b.Person+", and the commit that changes that couldn't be made: "+e.Error)
	case e.Needless != "":
		v.text(0, 2, e.Needless)
	case e.Branch != "":
		v.text(0, 2, fmt.Sprintf("Branch %s (%s) declares it: %s.", e.Branch, short(e.Commit, 7), e.File))
	}
}

// end counts, and says what to do next.
func (v *offboardView) end() {
	removed, systems, bad, unread := 0, 0, 0, 0
	for _, s := range v.b.Systems {
		if s.Removed > 0 {
			systems++
		}
		removed += s.Removed
		bad += s.Failed + s.Unconfirmed + s.Held
		if s.Unread != "" || len(s.Unknown)+s.Undecided > 0 {
			unread++
		}
	}
	text := fmt.Sprintf("%d taken away on %s and seen to be gone", removed, Count(systems, "system", "systems"))
	if bad > 0 {
		text += fmt.Sprintf("; %d not", bad)
	}
	if unread > 0 {
		text += fmt.Sprintf("; %s not read", Count(unread, "system", "systems"))
	}
	text += "."
	if v.b.Run != "" {
		text += " Journal " + v.b.Run + "."
	}
	v.text(0, 2, text)
	again := "accord offboard " + shellWord(v.b.Person)
	e := v.b.Edit
	none := "No apply gives anything back"
	if v.b.Unsent {
		none = "No apply from here gives anything back"
		v.line(0, 2).prose("Nobody else knows of this yet, so that an apply elsewhere gives it back. Next:", plain).space(1).whole("accord journal push", plain).prose("as soon as the journal can be reached.", plain).end()
	}
	switch {
	case bad+unread > 0:
		v.line(0, 2).prose(none+". Next:", plain).space(1).whole(again, plain).prose("again, until nothing is left.", plain).end()
	case e.Push != "":
		v.line(0, 2).prose(none+" until that is merged. Next:", plain).space(1).whole(e.Push, plain).end()
	case e.Branch != "" && e.Error == "":
		v.line(0, 2).prose(none+" until that is merged. Next:", plain).space(1).whole("git merge "+shellWord(e.Branch), plain).end()
	case e.Error != "" || e.Needless == "":
		v.text(0, 2, none+" until it is declared. Next: declare it (status: left), and merge that.")
	}
}
