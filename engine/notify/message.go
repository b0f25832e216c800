package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

// FormatVersion is the version of the JSON of a message. It changes when a reader of the old form
// would misread the new one.
const FormatVersion = 1

// Event says what is new.
type Event string

// The events, in the order in which they are told.
const (
	Partly     Event = "partly"     // an apply ended in part
	Unreadable Event = "unreadable" // something can't be read
	Flapping   Event = "flapping"   // it isn't corrected any more
	New        Event = "new"        // a difference
	Passed     Event = "passed"     // a difference that came and went
	Gone       Event = "gone"       // a difference is no more
	Settled    Event = "settled"    // it flaps no more
	Readable   Event = "readable"   // it can be read again
)

// events are all of them, and what is written over each.
var events = []struct {
	event Event
	title string
}{
	{Partly, "Applied in part"},
	{Unreadable, "Can't be read"},
	{Flapping, "Corrected again and again, now a question: who else writes this?"},
	{New, "New drift"},
	{Passed, "Came and went"},
	{Gone, "Gone"},
	{Settled, "Flaps no more"},
	{Readable, "Can be read again"},
}

// Message is what is told at once.
type Message struct {
	FormatVersion int `json:"formatVersion"`
	// ID names the message, the same at each attempt to deliver it.
	ID string `json:"id"`
	// Repository is what the access repository is called, Revision what the systems were
	// compared with.
	Repository string    `json:"repository"`
	Revision   string    `json:"revision,omitempty"`
	At         time.Time `json:"at"`
	// First says that nobody was told anything before: everything that is open is told as new.
	First bool `json:"first,omitempty"`
	// News are sorted by event, system and what they are about.
	News []News `json:"news"`
	// Open counts everything that is open, by system and kind.
	Open []Open `json:"open"`
}

// News is one thing that is new.
type News struct {
	Event  Event          `json:"event"`
	System string         `json:"system,omitempty"`
	Kind   plan.DriftKind `json:"kind,omitempty"`
	// Subject, Target and Detail are those of the difference (see plan.Difference).
	Subject access.ID `json:"subject,omitzero"`
	Target  access.ID `json:"target,omitzero"`
	Detail  string    `json:"detail,omitempty"`
	Person  string    `json:"person,omitempty"`
	Fate    plan.Fate `json:"fate,omitempty"`
	// Why tells why something can't be read, or how a run ended.
	Why string `json:"why,omitempty"`
	// Since is when it was seen first, or when a run ended.
	Since time.Time `json:"since,omitzero"`
	// Run and Actor are of an apply.
	Run   string `json:"run,omitempty"`
	Actor string `json:"actor,omitempty"`
	// Traces are what the system itself says of who wrote there.
	Traces []access.Trace `json:"traces,omitempty"`
}

// Open is how much of a kind is open on a system, and since when the oldest of it.
type Open struct {
	System string         `json:"system"`
	Kind   plan.DriftKind `json:"kind"`
	Count  int            `json:"count"`
	Since  time.Time      `json:"since,omitzero"`
}

// Sort brings news into their order.
func (m *Message) Sort() {
	place := func(e Event) int {
		return slices.IndexFunc(events, func(o struct {
			event Event
			title string
		}) bool {
			return o.event == e
		})
	}
	slices.SortStableFunc(m.News, func(a, b News) int {
		return cmp.Or(cmp.Compare(place(a.Event), place(b.Event)), strings.Compare(a.System, b.System),
			cmp.Compare(slices.Index(plan.DriftKinds(), a.Kind), slices.Index(plan.DriftKinds(), b.Kind)),
			a.Subject.Compare(b.Subject), a.Target.Compare(b.Target), strings.Compare(a.Detail, b.Detail), strings.Compare(a.Run, b.Run))
	})
}

// Title says in a line what it is about: no name from outside is in it but the repository's and
// the systems'.
func (m *Message) Title() string {
	count, systems := map[Event]int{}, map[string]bool{}
	for _, n := range m.News {
		count[n.Event]++
		if n.System != "" {
			systems[n.System] = true
		}
	}
	words := map[Event]string{Partly: "applied in part", Unreadable: "unreadable", Flapping: "flapping", New: "new", Passed: "came and went", Gone: "gone", Settled: "settled", Readable: "readable again"}
	var parts []string
	for _, e := range events {
		if count[e.event] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[e.event], words[e.event]))
		}
	}
	text := strings.Join(parts, ", ")
	switch {
	case len(m.News) == 0:
		n := 0
		for _, o := range m.Open {
			n += o.Count
		}
		text = report.Count(n, "difference still open", "differences still open")
	case m.First:
		text = "first look: " + text
	}
	if len(systems) == 1 {
		for name := range systems {
			text += " on " + name
		}
	} else if len(systems) > 1 {
		text += fmt.Sprintf(" on %d systems", len(systems))
	}
	return report.Clean(fmt.Sprintf("accord %s: %s", m.Repository, text))
}

// mostNews is how many are told of one event: a message is read by people. All are counted, and
// the JSON has them all.
const mostNews = 25

// Lines are the message in words, a line each; nothing in them can act on a terminal.
func (m *Message) Lines() []string {
	var out []string
	for _, e := range events {
		list := slices.DeleteFunc(slices.Clone(m.News), func(n News) bool { return n.Event != e.event })
		if len(list) == 0 {
			continue
		}
		out = append(out, e.title)
		for _, n := range list[:min(len(list), mostNews)] {
			out = append(out, "  "+report.Clean(n.text()))
		}
		if more := len(list) - mostNews; more > 0 {
			out = append(out, fmt.Sprintf("  and %d more: accord drift shows them all", more))
		}
		out = append(out, "")
	}
	if len(m.Open) > 0 {
		out = append(out, "Open")
	}
	for _, o := range m.Open {
		line := "  " + o.System + ": " + report.KindText(o.Count, o.Kind)
		if !o.Since.IsZero() {
			line += ", the oldest since " + o.Since.UTC().Format(minute)
		}
		out = append(out, report.Clean(line))
	}
	return out
}

// minute is how moments are written.
const minute = "2006-01-02 15:04"

// text is one piece of news in a line.
func (n News) text() string {
	if n.Event == Partly {
		return fmt.Sprintf("the run %s by %s, ended %s: %s", n.Run, n.Actor, n.Since.UTC().Format(minute), n.Why)
	}
	var parts []string
	if n.Kind != plan.DriftUnknown {
		parts = append(parts, report.KindText(1, n.Kind)[len("1 "):])
	}
	parts = append(parts, n.what())
	text := n.System + "  " + strings.Join(parts, ": ")
	var notes []string
	if n.Why != "" {
		notes = append(notes, n.Why)
	}
	if n.Event == New && n.Fate != "" {
		notes = append(notes, fateText(n.Fate))
	}
	if !n.Since.IsZero() && n.Event != New {
		notes = append(notes, "since "+n.Since.UTC().Format(minute))
	}
	for _, t := range n.Traces {
		notes = append(notes, report.TraceText(n.Subject, t))
	}
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, "; ") + ")"
	}
	return text
}

// what names what it is about.
func (n News) what() string {
	who := n.Subject.Name
	switch {
	case n.Subject.IsZero() && n.Detail == ManyDetail:
		return "very many"
	case n.Subject.IsZero():
		return "the whole system"
	case n.Subject.Name == "":
		return "all of the kind " + n.Subject.Kind
	case !n.Subject.IsAccount():
		who = n.Subject.String()
	}
	if n.Person != "" && n.Person != n.Subject.Name {
		who += " (" + n.Person + ")"
	}
	switch {
	case n.Target.IsZero() && n.Detail != "":
		return who + ": " + n.Detail
	case n.Target.IsZero():
		return who
	case n.Detail == "":
		return who + ": " + n.Target.String()
	}
	return who + ": " + n.Target.String() + ": " + n.Detail
}

// ManyDetail is the detail of what stands for so many differences that they aren't told one by
// one.
const ManyDetail = "many"

func fateText(f plan.Fate) string {
	switch f {
	case plan.FateReverted:
		return "accord apply reverts it"
	case plan.FateRefused:
		return "refused by a guard or a policy"
	case plan.FateDepends:
		return "waits for something that is held"
	case plan.FateUnselected:
		return "not part of that run"
	case plan.FateFlapping:
		return "not corrected any more"
	}
	return "only reported"
}
