package report

import (
	"io"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// whoDoc is the JSON of an answer to who. Lists are never null.
type whoDoc struct {
	FormatVersion int           `json:"formatVersion"`
	System        string        `json:"system"`
	Target        access.ID     `json:"target,omitzero"`
	Permission    string        `json:"permission,omitempty"`
	At            time.Time     `json:"at"`
	Revision      plan.Revision `json:"revision"`
	// Read says that the system was read, Error why it couldn't be, NotRead why it wasn't asked.
	Read    bool             `json:"read"`
	Error   string           `json:"error,omitempty"`
	NotRead string           `json:"notRead,omitempty"`
	Unknown []access.Unknown `json:"unknown"`
	// Named says that the declaration or the system knows the target at all.
	Named   bool        `json:"named"`
	Nearest string      `json:"nearest,omitempty"`
	Owners  []string    `json:"owners"`
	Holders []whoHolder `json:"holders"`
}

// whoHolder is one way in which somebody holds it.
type whoHolder struct {
	Person     string              `json:"person,omitempty"`
	Name       string              `json:"name,omitempty"`
	Service    bool                `json:"service,omitempty"`
	Status     access.HolderStatus `json:"status,omitempty"`
	Subject    access.ID           `json:"subject"`
	Target     access.ID           `json:"target,omitzero"`
	Permission string              `json:"permission,omitempty"`
	Live       string              `json:"livePermission,omitempty"`
	// State is declared-and-live, declared-not-live, live-not-declared, other-level, pending,
	// implied, unknown or not-read.
	State    WhoState    `json:"state"`
	Declared bool        `json:"declared"`
	Via      []access.ID `json:"via"`
	Disabled bool        `json:"disabled,omitempty"`
	Own      bool        `json:"own,omitempty"`
	Reserved bool        `json:"reserved,omitempty"`
	From     time.Time   `json:"from,omitzero"`
	Until    time.Time   `json:"until,omitzero"`
	// Reasons are why it is declared now, each from the grant to the person and on to the target.
	Reasons []access.Reason `json:"reasons"`
}

// reasonList are reasons of which no list is null.
func reasonList(in []access.Reason) []access.Reason {
	out := []access.Reason{}
	for _, r := range in {
		r.Chain = list(r.Chain)
		out = append(out, r)
	}
	return out
}

// WhoJSON writes the answer as JSON.
func WhoJSON(w io.Writer, y Who) error {
	doc := whoDoc{FormatVersion: FormatVersion, System: y.System, Target: y.Target, Permission: y.Permission, At: y.At, Revision: y.Revision, Read: y.Read,
		Error: y.Error, NotRead: y.NotRead, Unknown: list(y.Unknown), Named: y.Named, Nearest: y.Nearest, Owners: list(y.Owners), Holders: []whoHolder{}}
	for _, h := range y.Holders {
		doc.Holders = append(doc.Holders, whoHolder{h.Person, h.Name, h.Service, h.Status, h.Subject, h.Target, h.Permission, h.Live, h.State, h.Declared,
			list(h.Via), h.Disabled, h.Own, h.Reserved, h.From, h.Until, reasonList(h.Reasons)})
	}
	return writeJSON(w, doc)
}

// whoColumns are the columns of the CSV, a line for each holder and reason.
var whoColumns = []string{"system", "target", "permission", "state", "live_permission", "person", "name", "kind", "status", "subject", "disabled", "via",
	"from", "until", "grant", "roles", "ticket", "reason", "lines", "as_of", "revision"}

// WhoCSV writes the answer for auditors: a line for each holder and each reason; a holder
// without a reason has one line.
func WhoCSV(w io.Writer, y Who) error {
	t := newTable(w, whoColumns...)
	for _, h := range y.Holders {
		kind := "person"
		switch {
		case h.Service:
			kind = "service"
		case h.Person == "" && h.Subject.IsAccount():
			kind = "nobody"
		case h.Person == "":
			kind = "resource"
		}
		reasons := h.Reasons
		if len(reasons) == 0 {
			reasons = []access.Reason{{}}
		}
		for _, r := range reasons {
			t.row(y.System, h.Target.String(), h.Permission, string(h.State), h.Live, h.Person, h.Name, kind, string(h.Status), h.Subject.String(), yesNo(h.Disabled), ids(h.Via),
				instant(r.From), instant(r.Until), r.Grant, several(r.Roles), r.Ticket, r.Note, lines(r.Chain), instant(y.At), revision(y.Revision))
		}
	}
	return t.flush()
}

func ids(in []access.ID) string {
	var out []string
	for _, id := range in {
		out = append(out, id.String())
	}
	return several(out)
}

// lines are the places of a chain.
func lines(chain []access.Link) string {
	var out []string
	for _, l := range chain {
		out = append(out, at(l.File, l.Line))
	}
	return several(out)
}

// revision names what was asked: a commit, or the folder.
func revision(r plan.Revision) string {
	if r.Worktree {
		return "worktree"
	}
	return r.Hash
}
