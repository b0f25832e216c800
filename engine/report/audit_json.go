package report

import (
	"io"
	"strconv"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// auditDoc is the JSON of an audit. Lists are never null; durations are in seconds.
type auditDoc struct {
	FormatVersion int           `json:"formatVersion"`
	From          time.Time     `json:"from"`
	To            time.Time     `json:"to"`
	Revision      plan.Revision `json:"revision"`
	JournalHead   string        `json:"journalHead"`
	Runs          AuditRuns     `json:"runs"`
	Changes       []AuditClass  `json:"changes"`
	// ByHandPercent is the share of what was done that put back what others had done; left out
	// where nothing was done.
	ByHandPercent     *float64         `json:"byHandPercent,omitempty"`
	DeclaredToApplied auditSpread      `json:"declaredToApplied"`
	LeftToRevoked     auditSpread      `json:"leftToRevoked"`
	Leavers           []auditLeaver    `json:"leavers"`
	Flapping          []auditFlap      `json:"flapping"`
	Exceptions        []auditException `json:"exceptions"`
	Lifted            []auditLifted    `json:"lifted"`
	Approvals         []auditApproval  `json:"approvals"`
}

type auditSpread struct {
	Count  int     `json:"count"`
	Median float64 `json:"medianSeconds"`
	P90    float64 `json:"p90Seconds"`
	Max    float64 `json:"maxSeconds"`
}

type auditLeaver struct {
	Person  string    `json:"person"`
	Systems []string  `json:"systems"`
	Left    time.Time `json:"left,omitzero"`
	By      string    `json:"by,omitempty"`
	Done    time.Time `json:"done,omitzero"`
	Changes int       `json:"changes"`
	Open    int       `json:"open"`
	Missing []string  `json:"missing"`
	Took    float64   `json:"tookSeconds"`
}

type auditFlap struct {
	access.Change
	Person string      `json:"person,omitempty"`
	Times  []time.Time `json:"times"`
}

type auditException struct {
	ID     string      `json:"id"`
	Rule   string      `json:"rule"`
	Who    []string    `json:"who"`
	Until  time.Time   `json:"until,omitzero"`
	Reason string      `json:"reason"`
	Link   access.Link `json:"link"`
}

type auditLifted struct {
	Time  time.Time `json:"time"`
	Run   string    `json:"run"`
	Actor string    `json:"actor"`
	Names []string  `json:"names"`
}

type auditApproval struct {
	approvalDoc
	Run      string    `json:"run"`
	Applied  time.Time `json:"applied"`
	Revision string    `json:"revision"`
}

func (s AuditSpread) doc() auditSpread {
	return auditSpread{s.Count, s.Median.Seconds(), s.P90.Seconds(), s.Max.Seconds()}
}

// AuditJSON writes the evidence as JSON.
func AuditJSON(w io.Writer, y Audit) error {
	doc := auditDoc{FormatVersion: FormatVersion, From: y.From, To: y.To, Revision: y.Revision, JournalHead: y.Head, Runs: y.Runs, Changes: list(y.Changes),
		DeclaredToApplied: y.Applied.doc(), LeftToRevoked: y.Revoked.doc(), Leavers: []auditLeaver{}, Flapping: []auditFlap{}, Exceptions: []auditException{}, Lifted: []auditLifted{}, Approvals: []auditApproval{}}
	if share := y.byHand(); share >= 0 {
		doc.ByHandPercent = &share
	}
	for _, l := range y.Leavers {
		doc.Leavers = append(doc.Leavers, auditLeaver{l.Person, list(l.Systems), l.Left, l.By, l.Done, l.Changes, l.Open, list(l.Missing), l.Took.Seconds()})
	}
	for _, f := range y.Flapping {
		doc.Flapping = append(doc.Flapping, auditFlap{f.Change, f.Person, list(f.Times)})
	}
	for _, e := range y.Exceptions {
		doc.Exceptions = append(doc.Exceptions, auditException{e.ID, e.Rule, list(e.Who), e.Until, e.Reason, e.Link})
	}
	for _, l := range y.Lifted {
		doc.Lifted = append(doc.Lifted, auditLifted{l.Time, l.Run, l.Actor, list(l.Names)})
	}
	for _, a := range y.Approvals {
		doc.Approvals = append(doc.Approvals, auditApproval{approvalDoc{a.By, a.At, a.Change, a.Commit, list(a.Rules)}, a.Run, a.Applied, a.Revision})
	}
	return writeJSON(w, doc)
}

// auditColumns are the columns of the CSV, a line for each figure and each case.
var auditColumns = []string{"about", "name", "person", "systems", "figure", "unit", "from", "until", "by", "rules", "commit", "run", "note"}

// AuditCSV writes the evidence as a table: figures first, then who left, approvals, lifted
// refusals, exceptions and what was put back more than once.
func AuditCSV(w io.Writer, y Audit) error {
	t := newTable(w, auditColumns...)
	figure := func(about, name, value, unit string) {
		t.row(about, name, "", "", value, unit, instant(y.From), instant(y.To), "", "", "", "", "")
	}
	n := func(about, name string, v int) { figure(about, name, strconv.Itoa(v), "count") }
	n("runs", "all", y.Runs.All)
	n("runs", "done", y.Runs.Done)
	n("runs", "not done", y.Runs.Partly)
	n("runs", "open", y.Runs.Open)
	n("runs", "worktree", y.Runs.Worktree)
	n("runs", "approved", y.Runs.Approved)
	for _, c := range y.Changes {
		n("changes "+c.Class, "given", c.Given)
		n("changes "+c.Class, "taken", c.Taken)
		n("changes "+c.Class, "other", c.Other)
		n("changes "+c.Class, "already", c.Already)
		n("changes "+c.Class, "failed", c.Failed)
	}
	if share := y.byHand(); share >= 0 {
		figure("by hand", "share", strconv.FormatFloat(share, 'f', 1, 64), "percent")
	}
	spread := func(about string, s AuditSpread) {
		if s.Count == 0 {
			return
		}
		n(about, "count", s.Count)
		for _, f := range []struct {
			name string
			d    time.Duration
		}{{"median", s.Median}, {"p90", s.P90}, {"max", s.Max}} {
			figure(about, f.name, strconv.FormatFloat(f.d.Seconds(), 'f', 0, 64), "seconds")
		}
	}
	spread("declared to applied", y.Applied)
	spread("left to revoked", y.Revoked)
	y.cases(t)
	return t.flush()
}

// cases writes what isn't a figure.
func (y *Audit) cases(t *table) {
	for _, l := range y.Leavers {
		t.row("leaver", "", l.Person, several(l.Systems), strconv.FormatFloat(l.Took.Seconds(), 'f', 0, 64), "seconds", instant(l.Left), instant(l.Done), l.By, "", "", "", several(l.Missing))
	}
	for _, a := range y.Approvals {
		t.row("approval", a.Change, a.By, "", "", "", instant(a.At), instant(a.Applied), a.By, several(a.Rules), a.Commit, a.Run, "")
	}
	for _, l := range y.Lifted {
		t.row("lifted", several(l.Names), "", "", "", "", instant(l.Time), "", l.Actor, "", "", l.Run, "")
	}
	for _, e := range y.Exceptions {
		t.row("exception", e.ID, several(e.Who), "", "", "", "", instant(e.Until), "", e.Rule, "", "", e.Reason)
	}
	for _, f := range y.Flapping {
		t.row("flapping", f.Change.String(), f.Person, f.System, strconv.Itoa(len(f.Times)), "count", instant(f.Times[0]), instant(f.Times[len(f.Times)-1]), "", "", "", "", "")
	}
}
