package report

import (
	"io"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// eventDoc is an Event as JSON.
type eventDoc struct {
	Time time.Time `json:"time"`
	access.Change
	Person string `json:"person,omitempty"`
	Class  string `json:"class"`
	// Outcome is done, already, failed, unknown, refused or skipped; Seen held, not-held,
	// unconfirmed or nothing. Holds says that it took place, as far as the journal tells.
	Outcome string `json:"outcome"`
	Seen    string `json:"seen,omitempty"`
	Error   string `json:"error,omitempty"`
	Holds   bool   `json:"holds"`
	Run     string `json:"run"`
	Actor   string `json:"actor"`
	// Revision is the commit that was applied, Commit what git says of it.
	Revision     string        `json:"revision,omitempty"`
	Commit       *commitDoc    `json:"commit,omitempty"`
	Worktree     bool          `json:"worktree,omitempty"`
	PlanDigest   string        `json:"planDigest"`
	ChangeDigest string        `json:"changeDigest,omitempty"`
	Approvals    []approvalDoc `json:"approvals"`
}

// commitDoc is what git says of a commit.
type commitDoc struct {
	Short   string    `json:"short"`
	Time    time.Time `json:"time"`
	Author  string    `json:"author"`
	Subject string    `json:"subject"`
	Note    string    `json:"note,omitempty"`
}

// approvalDoc is an approval on which a run was carried out; Rules are those whose demand it met
// for the change.
type approvalDoc struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Change string    `json:"change,omitempty"`
	Commit string    `json:"commit,omitempty"`
	Rules  []string  `json:"rules"`
}

func newEventDoc(e *Event) *eventDoc {
	if e == nil {
		return nil
	}
	d := &eventDoc{Time: e.Time, Change: e.Change, Person: e.Person, Class: e.Class, Outcome: e.Outcome, Seen: e.Seen, Error: e.Error, Holds: e.Holds, Run: e.Run, Actor: e.Actor,
		Revision: e.Revision, Worktree: e.Worktree, PlanDigest: e.PlanDigest, ChangeDigest: e.ChangeDigest, Approvals: []approvalDoc{}}
	if c := e.Commit; c.Short != "" {
		d.Commit = &commitDoc{c.Short, c.Time, c.Author, c.Subject, c.Note}
	}
	for _, a := range e.Approvals {
		d.Approvals = append(d.Approvals, approvalDoc{a.By, a.At, a.Change, a.Commit, list(a.Rules)})
	}
	return d
}

// eventColumns are the columns of a history as CSV.
var eventColumns = []string{"time", "system", "action", "subject", "target", "before", "after", "person", "class", "outcome", "seen", "holds", "error",
	"run", "actor", "revision", "commit_time", "commit_author", "commit_subject", "plan", "change", "approved_by", "approved_at", "rules"}

// EventsCSV writes a history for auditors, a line for each change, oldest first.
func EventsCSV(w io.Writer, events []Event) error {
	t := newTable(w, eventColumns...)
	for i := range events {
		e := &events[i]
		var by, when, rules []string
		for _, a := range e.Approvals {
			by = append(by, a.By)
			when = append(when, instant(a.At))
			rules = append(rules, a.Rules...)
		}
		t.row(instant(e.Time), e.System, string(e.Action), e.Subject.String(), e.Target.String(), valueText(e.Before), valueText(e.After), e.Person, e.Class,
			e.Outcome, e.Seen, yesNo(e.Holds), e.Error, e.Run, e.Actor, e.Revision, instant(e.Commit.Time), e.Commit.Author, e.Commit.Subject,
			e.PlanDigest, e.ChangeDigest, several(by), several(when), several(rules))
	}
	return t.flush()
}

// valueText is one side of a change in a cell: a permission, or a name.
func valueText(v *access.Value) string {
	switch {
	case v == nil:
		return ""
	case v.Permission != "":
		return v.Permission
	}
	return v.Name
}
