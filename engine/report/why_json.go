package report

import (
	"io"
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
	return writeJSON(w, doc)
}
