package report

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// whyDoc is the JSON of an answer to why. Lists are never null, and stand in the order of the
// answer: chains from the grant down to the person.
type whyDoc struct {
	FormatVersion int                 `json:"formatVersion"`
	Person        string              `json:"person"`
	Name          string              `json:"name,omitempty"`
	Status        access.HolderStatus `json:"status"`
	// StatusLink is the line that the status comes from.
	StatusLink access.Link `json:"statusLink"`
	Items      []whyItem   `json:"items"`
	// History is there if it was asked for: what Accord did, oldest first.
	History *[]eventDoc `json:"history,omitempty"`
}

// whyItem is the answer about one access.
type whyItem struct {
	System     string    `json:"system"`
	Account    string    `json:"account,omitempty"`
	Target     access.ID `json:"target"`
	Permission string    `json:"permission,omitempty"`
	Declared   bool      `json:"declared"`
	// Live is held, pending, implied, no, unknown, or not-read.
	Live  string    `json:"live"`
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Reasons are why it is declared, or why it had been; Denials why not.
	Reasons  []whyReason `json:"reasons"`
	Denials  []whyDenial `json:"denials"`
	Smallest string      `json:"smallestChange,omitempty"`
	Owners   []string    `json:"owners"`
	// Given is the change by which Accord gave it, by the journal.
	Given *eventDoc `json:"given,omitempty"`
	// NoGrant says that no grant gives it to anybody; Offers are the roles that have it all the
	// same, Others the permissions with which the target is given, Nearest what was probably meant.
	NoGrant bool          `json:"noGrant,omitempty"`
	Offers  []access.Link `json:"offers,omitempty"`
	Others  []string      `json:"others,omitempty"`
	Nearest string        `json:"nearest,omitempty"`
}

// whyReason is a reason and the commits that brought its lines about.
type whyReason struct {
	access.Reason
	Commits []whyCommit `json:"commits"`
}

// whyCommit is the commit that a line comes from.
type whyCommit struct {
	File    string    `json:"file"`
	Line    int       `json:"line"`
	Short   string    `json:"short"`
	Time    time.Time `json:"time"`
	Author  string    `json:"author"`
	Subject string    `json:"subject"`
	Note    string    `json:"note,omitempty"`
}

// whyDenial is one chain up to where it breaks.
type whyDenial struct {
	Links []access.Link `json:"links"`
}

// WhyJSON writes the answer as JSON.
func WhyJSON(w io.Writer, y Why) error {
	doc := whyDoc{FormatVersion: FormatVersion, Person: y.Person, Name: y.Name, Status: y.Status, StatusLink: y.StatusLink, Items: []whyItem{}}
	for _, it := range y.Items {
		item := whyItem{
			System: it.System, Account: it.Account, Target: it.Target, Permission: it.Permission, Declared: it.Declared, Live: it.Live,
			Since: it.Since, Until: it.Until, Reasons: []whyReason{}, Denials: []whyDenial{}, Smallest: it.Smallest, Owners: list(it.Owners),
			Given: newEventDoc(it.Given), NoGrant: it.Nobody, Offers: it.Offers, Others: it.Others, Nearest: it.Nearest,
		}
		if item.Live == "" {
			item.Live = "not-read"
		}
		for _, r := range it.Reasons {
			reason := whyReason{Reason: r.Reason, Commits: []whyCommit{}}
			reason.Chain = list(r.Chain)
			for _, c := range r.Commits {
				reason.Commits = append(reason.Commits, whyCommit(c))
			}
			item.Reasons = append(item.Reasons, reason)
		}
		for _, d := range it.Denials {
			item.Denials = append(item.Denials, whyDenial{list(d.Links)})
		}
		doc.Items = append(doc.Items, item)
	}
	if y.History != nil {
		history := []eventDoc{}
		for i := range y.History {
			history = append(history, *newEventDoc(&y.History[i]))
		}
		doc.History = &history
	}
	return writeJSON(w, doc)
}

// whyColumns are the columns of the CSV, a line for each access and reason.
var whyColumns = []string{"person", "name", "status", "system", "target", "permission", "account", "declared", "live", "since", "until", "from", "reason_until",
	"grant", "roles", "ticket", "reason", "lines", "commits", "authors", "notes", "given_run", "given_by", "given_commit", "approved_by", "denied"}

// WhyCSV writes the answer for auditors: a line for each access and each reason; an access that
// isn't declared has a line that says what stands in the way. With a history it is the history
// that is written, a line for each change (see EventsCSV).
func WhyCSV(w io.Writer, y Why) error {
	if y.History != nil {
		return EventsCSV(w, y.History)
	}
	t := newTable(w, whyColumns...)
	for i := range y.Items {
		it := &y.Items[i]
		reasons := it.Reasons
		if len(reasons) == 0 {
			reasons = []WhyReason{{}}
		}
		for _, r := range reasons {
			t.row(y.whyRow(it, r)...)
		}
	}
	return t.flush()
}

func (y *Why) whyRow(it *WhyItem, r WhyReason) []string {
	live := it.Live
	if live == "" {
		live = "not-read"
	}
	var commits, authors, notes, denied []string
	add := func(to *[]string, s string) {
		if s != "" && !slices.Contains(*to, s) {
			*to = append(*to, s)
		}
	}
	for _, c := range r.Commits {
		add(&commits, c.Short)
		add(&authors, c.Author)
		add(&notes, c.Note)
	}
	for _, d := range it.Denials {
		var says []string
		for _, l := range d.Links {
			says = append(says, at(l.File, l.Line)+" "+l.Text)
		}
		denied = append(denied, strings.Join(says, ", "))
	}
	var run, actor, commit string
	var by []string
	if g := it.Given; g != nil {
		run, actor, commit = g.Run, g.Actor, g.Revision
		for _, a := range g.Approvals {
			add(&by, a.By)
		}
	}
	return []string{y.Person, y.Name, string(y.Status), it.System, it.Target.String(), it.Permission, it.Account, yesNo(it.Declared), live, instant(it.Since), instant(it.Until),
		instant(r.From), instant(r.Until), r.Grant, several(r.Roles), r.Ticket, r.Note, lines(r.Chain), several(commits), several(authors), several(notes),
		run, actor, commit, several(by), several(denied)}
}
