package report

import (
	"io"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// expiringDoc is the JSON of what time alone brings. Lists are never null.
type expiringDoc struct {
	FormatVersion int            `json:"formatVersion"`
	At            time.Time      `json:"at"`
	Until         time.Time      `json:"until"`
	Revision      plan.Revision  `json:"revision"`
	Turns         []expiringTurn `json:"turns"`
}

// expiringTurn is what happens at one instant to one access.
type expiringTurn struct {
	At time.Time `json:"at"`
	// Kind is ends, falls (to a lower level), begins or rises.
	Kind    string    `json:"kind"`
	Person  string    `json:"person"`
	Name    string    `json:"name,omitempty"`
	Service bool      `json:"service,omitempty"`
	Manager string    `json:"manager,omitempty"`
	System  string    `json:"system"`
	Account string    `json:"account"`
	Target  access.ID `json:"target"`
	Before  string    `json:"before,omitempty"`
	After   string    `json:"after,omitempty"`
	// Reasons are those that end then, or begin; Because are the lines whose dates do it.
	Reasons []access.Reason `json:"reasons"`
	Because []access.Link   `json:"because"`
	// Owners are whom to ask: ids of people and groups.
	Owners []string `json:"owners"`
}

// ExpiringJSON writes it as JSON.
func ExpiringJSON(w io.Writer, y Expiring) error {
	doc := expiringDoc{FormatVersion: FormatVersion, At: y.At, Until: y.Until, Revision: y.Revision, Turns: []expiringTurn{}}
	for i := range y.Turns {
		t := &y.Turns[i]
		doc.Turns = append(doc.Turns, expiringTurn{t.At, t.kind(), t.Person, t.Name, t.Service, t.Manager, t.System, t.Account, t.Target, t.Before, t.After,
			reasonList(t.Reasons), list(t.Because), list(t.Owners)})
	}
	return writeJSON(w, doc)
}

// expiringColumns are the columns of the CSV, a line for each access.
var expiringColumns = []string{"time", "day", "kind", "person", "name", "service", "manager", "system", "target", "before", "after", "account",
	"grants", "roles", "tickets", "reasons", "because", "lines", "owners", "as_of", "revision"}

// ExpiringCSV writes it for auditors, a line for each access. Day is the last day of what ends,
// or the first of what begins, in the repository's zone.
func ExpiringCSV(w io.Writer, y Expiring) error {
	t := newTable(w, expiringColumns...)
	for i := range y.Turns {
		x := &y.Turns[i]
		var grants, roles, notes, because []string
		for _, r := range x.Reasons {
			grants = append(grants, r.Grant)
			roles = append(roles, strings.Join(r.Roles, " > "))
			notes = append(notes, r.Note)
		}
		for _, l := range x.Because {
			because = append(because, l.Text)
		}
		t.row(instant(x.At), x.day(), x.kind(), x.Person, x.Name, yesNo(x.Service), x.Manager, x.System, x.Target.String(), x.Before, x.After, x.Account,
			distinct(grants), distinct(roles), several(x.tickets()), distinct(notes), several(because), lines(x.Because), several(x.Owners), instant(y.At), revision(y.Revision))
	}
	return t.flush()
}

// distinct are values that share a cell, each once, without empty ones.
func distinct(in []string) string {
	var out []string
	seen := map[string]bool{"": true}
	for _, s := range in {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return several(out)
}
