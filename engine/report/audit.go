package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// Audit is evidence of a time, by the journal and git.
type Audit struct {
	// From and To bound the time, half-open, in the zone of the repository.
	From, To time.Time
	Revision plan.Revision
	// Head is the hash of the journal's last entry, whose chain was checked.
	Head string
	Runs AuditRuns
	// Changes are by class, sorted.
	Changes []AuditClass
	// Applied is the time from the commit that a run applied to each change of the declaration;
	// Revoked that from somebody's leaving to the last thing that they lost.
	Applied, Revoked AuditSpread
	Leavers          []AuditLeaver
	// Flapping is what was put back more than once, the most often first.
	Flapping   []AuditFlap
	Exceptions []AuditException
	// Lifted are the refusals that were lifted by name.
	Lifted    []AuditLifted
	Approvals []AuditApproval
}

// AuditRuns counts runs: Done are those that did everything, Open those that never came to an end,
// Worktree those that applied a folder instead of a commit, Approved those with approvals.
type AuditRuns struct {
	All      int `json:"all"`
	Done     int `json:"done"`
	Partly   int `json:"notDone"`
	Open     int `json:"open"`
	Worktree int `json:"worktree"`
	Approved int `json:"approved"`
}

// AuditClass counts the changes of one class: change, time, drift or leaver. Failed counts those
// that aren't known to hold, Already those that were true before.
type AuditClass struct {
	Class   string `json:"class"`
	Given   int    `json:"given"`
	Taken   int    `json:"taken"`
	Other   int    `json:"other"`
	Already int    `json:"already"`
	Failed  int    `json:"failed"`
}

func (c AuditClass) held() int { return c.Given + c.Taken + c.Other }

// AuditSpread are figures of several durations, by nearest rank.
type AuditSpread struct {
	Count            int
	Median, P90, Max time.Duration
}

// AuditLeaver is somebody who lost what they had because they left.
type AuditLeaver struct {
	Person  string
	Systems []string
	// Left is when they left, By what says so: a date, or the commit. Done is when the last change
	// was begun that holds.
	Left time.Time
	By   string
	Done time.Time
	// Changes are what they lost, Open what didn't come to hold (Missing: the keys of that).
	Changes, Open int
	Missing       []string
	// Took is Done less Left; zero while something is open.
	Took time.Duration
}

// AuditFlap is a change that was undone by somebody and put back more than once.
type AuditFlap struct {
	access.Change
	Person string
	Times  []time.Time
}

// AuditException is a recorded exception from a rule.
type AuditException struct {
	ID, Rule string
	Who      []string
	Until    time.Time
	Reason   string
	Link     access.Link
}

// AuditLifted are refusals that somebody lifted for a run.
type AuditLifted struct {
	Time       time.Time
	Run, Actor string
	Names      []string
}

// AuditApproval is an approval on which a run was carried out.
type AuditApproval struct {
	Approval
	Run      string
	Applied  time.Time
	Revision string
}

// byHand is the share of what Accord did that put back what others had done, in percent; -1: it
// did nothing.
func (a *Audit) byHand() float64 {
	drift, all := 0, 0
	for _, c := range a.Changes {
		all += c.held()
		if c.Class == "drift" {
			drift = c.held()
		}
	}
	if all == 0 {
		return -1
	}
	return float64(drift) * 100 / float64(all)
}

// tookText is a duration for people.
func tookText(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.1f days", d.Hours()/24)
	case d >= time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	case d >= time.Minute:
		return fmt.Sprintf("%.1f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func (s AuditSpread) text() string {
	return fmt.Sprintf("median %s, 90 of 100 within %s, longest %s (%d)", tookText(s.Median), tookText(s.P90), tookText(s.Max), s.Count)
}

// AuditText writes the evidence as text.
func AuditText(w io.Writer, y Audit, o Options) error {
	v := &auditView{newPage(w, o), &y}
	v.text(0, 2, fmt.Sprintf("From %s to %s, by a journal that is sound", beginText(y.From), beginText(y.To)))
	if y.Head != "" {
		v.line(0, 2).prose("head", faint).put(" "+y.Head, faint).end()
	}
	v.figures()
	v.people()
	v.rest()
	return v.flush()
}

type auditView struct {
	*page
	y *Audit
}

func (v *auditView) row(cells ...string) {
	line := v.line(2, 26)
	for i, c := range cells {
		if i > 0 {
			line.column(2 + 24*i)
		}
		line.prose(c, plain)
	}
	line.end()
}

func (v *auditView) figures() {
	y := v.y
	v.heading("Figures")
	runs := fmt.Sprintf("%d: %d done, %d not or in part, %d without an end", y.Runs.All, y.Runs.Done, y.Runs.Partly, y.Runs.Open)
	if y.Runs.Worktree > 0 {
		runs += fmt.Sprintf("; %d from a folder instead of a commit", y.Runs.Worktree)
	}
	v.row("runs", runs)
	for _, c := range y.Changes {
		v.row("changes by "+classText(c.Class), fmt.Sprintf("%d given, %d taken, %d other; %d were so already, %d don't hold", c.Given, c.Taken, c.Other, c.Already, c.Failed))
	}
	if share := y.byHand(); share >= 0 {
		v.row("by hand, put back", fmt.Sprintf("%.1f %% of what was done", share))
	}
	if y.Applied.Count > 0 {
		v.row("declared to applied", y.Applied.text())
	}
	if y.Revoked.Count > 0 {
		v.row("left to revoked", y.Revoked.text())
	}
}

func classText(class string) string {
	switch class {
	case "change":
		return "commits"
	case "leaver":
		return "leaving"
	}
	return class
}

func (v *auditView) people() {
	if len(v.y.Leavers) > 0 {
		v.heading(fmt.Sprintf("Who left (%d)", len(v.y.Leavers)))
	}
	for _, l := range v.y.Leavers {
		left := l.Left.In(v.y.From.Location())
		text, st := fmt.Sprintf("left %s (%s)", beginText(left), l.By), plain
		if strings.HasPrefix(l.By, "ends ") {
			text = "left after " + endText(left)
		}
		if l.Open > 0 {
			st = unknown
			text += fmt.Sprintf("; %s not known to be gone on %s", Count(l.Open, "thing", "things"), strings.Join(l.Systems, ", "))
		} else {
			text += fmt.Sprintf("; %s gone on %s after %s", Count(l.Changes, "thing", "things"), strings.Join(l.Systems, ", "), tookText(l.Took))
		}
		v.line(2, 26).put(l.Person, plain).column(26).prose(text, st).end()
	}
	if len(v.y.Approvals) > 0 {
		v.heading(fmt.Sprintf("Approvals (%d)", len(v.y.Approvals)))
	}
	for _, a := range v.y.Approvals {
		what := "change " + short(a.Change, 8)
		if a.Commit != "" {
			what = "commit " + short(a.Commit, 7)
		}
		text := fmt.Sprintf("approved %s on %s, applied %s", what, beginText(a.At.UTC()), beginText(a.Applied.UTC()))
		if len(a.Rules) > 0 {
			text += " as " + strings.Join(a.Rules, ", ") + " demands"
		}
		v.line(2, 26).put(a.By, plain).column(26).prose(text, plain).end()
	}
}

func (v *auditView) rest() {
	y := v.y
	if len(y.Lifted) > 0 {
		v.heading(fmt.Sprintf("Refusals that were lifted (%d)", len(y.Lifted)))
	}
	for _, l := range y.Lifted {
		v.line(2, 26).put(beginText(l.Time.UTC()), plain).column(26).prose(strings.Join(l.Names, ", ")+" by "+l.Actor, plain).end()
	}
	if len(y.Exceptions) > 0 {
		v.heading(fmt.Sprintf("Exceptions in force (%d)", len(y.Exceptions)))
	}
	for _, e := range y.Exceptions {
		line := v.line(2, 26)
		line.ends(at(e.Link.File, e.Link.Line), v.width)
		line.put(e.Rule, plain).column(26).prose(fmt.Sprintf("%s until %s: %s", strings.Join(e.Who, ", "), endText(e.Until), e.Reason), plain).end()
	}
	if len(y.Flapping) > 0 {
		v.heading(fmt.Sprintf("Put back more than once (%d)", len(y.Flapping)))
	}
	for _, f := range y.Flapping {
		v.line(2, 26).put(fmt.Sprintf("%d times", len(f.Times)), plain).column(26).prose(fmt.Sprintf("%s, last %s", f.Change, beginText(f.Times[len(f.Times)-1].UTC())), plain).end()
	}
}
