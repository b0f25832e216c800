package report

import (
	"io"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// offboardDoc is the JSON of an offboarding. Lists are never null; systems stand in the order of
// their priority.
type offboardDoc struct {
	FormatVersion int              `json:"formatVersion"`
	Person        string           `json:"person"`
	Actor         string           `json:"actor"`
	Reason        string           `json:"reason,omitempty"`
	Revision      plan.Revision    `json:"revision"`
	Instead       string           `json:"instead,omitempty"`
	Run           string           `json:"run,omitempty"`
	Exit          int              `json:"exit"`
	Notes         []string         `json:"notes"`
	Systems       []offboardSystem `json:"systems"`
	Refusals      []plan.Refusal   `json:"refusals"`
	Secrets       []Shared         `json:"secrets"`
	Edit          LeftEdit         `json:"edit"`
	Unsent        bool             `json:"unsent,omitempty"`
	Took          float64          `json:"seconds"`
}

type offboardSystem struct {
	Name string `json:"name"`
	// Fate is removed, nothing, nothing left, kept, unconfirmed, failed, unknown or not read.
	Fate        string           `json:"fate"`
	Accounts    []string         `json:"accounts"`
	Removed     int              `json:"removed"`
	Failed      int              `json:"failed"`
	Unconfirmed int              `json:"unconfirmed"`
	Undecided   int              `json:"undecided"`
	Kept        int              `json:"kept"`
	Unread      string           `json:"unread,omitempty"`
	Unknown     []access.Unknown `json:"unknown"`
	Problems    []string         `json:"problems"`
	Whole       bool             `json:"whole"`
	Remains     []access.Remnant `json:"remains"`
	Took        float64          `json:"seconds"`
}

// OffboardJSON writes an offboarding as JSON.
func OffboardJSON(w io.Writer, b Offboarded) error {
	seconds := func(d time.Duration) float64 { return float64(d.Round(time.Millisecond).Seconds()) }
	doc := offboardDoc{FormatVersion: FormatVersion, Person: b.Person, Actor: b.Actor, Reason: b.Reason, Revision: b.Plan.Revision, Instead: b.Instead, Run: b.Run,
		Exit: b.Exit, Notes: list(b.Plan.Notes), Systems: []offboardSystem{}, Refusals: list(b.Plan.Refusals), Secrets: list(b.Secrets), Edit: b.Edit, Unsent: b.Unsent, Took: seconds(b.Took)}
	for _, s := range b.Systems {
		doc.Systems = append(doc.Systems, offboardSystem{Name: s.Name, Fate: s.Fate(), Accounts: list(s.Accounts), Removed: s.Removed, Failed: s.Failed,
			Unconfirmed: s.Unconfirmed, Kept: s.Held, Undecided: s.Undecided, Unread: s.Unread, Unknown: list(s.Unknown), Problems: list(s.Problems), Whole: s.Whole, Remains: list(s.Remains), Took: seconds(s.Took)})
	}
	return writeJSON(w, doc)
}
