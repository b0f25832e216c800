package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// Event is one change that Accord made, or tried to make, by its journal.
type Event struct {
	Time time.Time
	access.Change
	// Person is whom it concerned, Class the part of the plan that it belonged to: change, time,
	// drift or leaver.
	Person, Class string
	// Outcome is done, already, failed, unknown, refused or skipped; Seen what reading back
	// showed: held, not-held, unconfirmed, or nothing; Error why it failed.
	Outcome, Seen, Error string
	// Holds says that it took place, as far as the record tells.
	Holds bool
	// Run is the run that did it, Actor who started that.
	Run, Actor string
	// Revision is the commit that was applied; Commit what git says of it, without File and Line.
	// Worktree says that a folder was applied instead.
	Revision string
	Commit   Commit
	Worktree bool
	// PlanDigest and ChangeDigest name the plan and the change.
	PlanDigest, ChangeDigest string
	// Approvals are those on which the run was carried out.
	Approvals []Approval
}

// Approval is one on which a run was carried out.
type Approval struct {
	By string
	At time.Time
	// Change and Commit are what the evidence named.
	Change, Commit string
	// Rules are those whose demand it met for the change at hand.
	Rules []string
}

// eventStyle is what the change does, as everywhere.
func eventStyle(c access.Change) style {
	switch c.Action {
	case access.Give, access.Enable, access.Create:
		return given
	case access.Revoke:
		return taken
	case access.Disable, access.Delete:
		return drastic
	}
	return changed
}

// eventText is what was changed.
func eventText(c access.Change) string {
	permission := func(v *access.Value) string {
		if v == nil {
			return ""
		}
		return v.Permission
	}
	switch c.Action {
	case access.Give:
		return entitlement(c.Target, permission(c.After))
	case access.Revoke:
		return entitlement(c.Target, permission(c.Before))
	case access.ChangeLevel:
		return entitlement(c.Target, permission(c.Before)+" → "+permission(c.After))
	case access.Rename:
		return object(c.Subject) + " → " + quoteName(c.After.Name)
	}
	return object(c.Subject) + " " + actionText(c.Action)
}

func actionText(a access.Action) string {
	switch a {
	case access.Create:
		return "created"
	case access.Update:
		return "updated"
	case access.Disable:
		return "disabled"
	case access.Enable:
		return "enabled"
	case access.Delete:
		return "deleted"
	}
	return string(a)
}

// doneText says what became of it where that doesn't go without saying.
func (e *Event) doneText() string {
	var out []string
	switch e.Outcome {
	case "done":
	case "already":
		out = append(out, "it was so already")
	case "unknown":
		out = append(out, "it isn't known whether it took place")
	default:
		out = append(out, e.Outcome+lead(": ", e.Error))
	}
	switch e.Seen {
	case "not-held":
		out = append(out, "it didn't hold")
	case "unconfirmed":
		out = append(out, "not seen to hold yet")
	}
	switch e.Class {
	case "time":
		out = append(out, "its time had come")
	case "drift":
		out = append(out, "it had drifted")
	case "leaver":
		out = append(out, "its person had left")
	}
	return strings.Join(out, ", ")
}

// byText says who applied it, from which commit.
func (e *Event) byText() string {
	text := "by " + e.Actor
	switch {
	case e.Worktree:
		text += " from a folder"
	case e.Revision != "":
		text += " at " + short(e.Revision, 7)
	}
	if e.Commit.Subject != "" {
		text += fmt.Sprintf(" %q", e.Commit.Subject)
	}
	if e.Commit.Note != "" && !strings.Contains(e.Commit.Subject, strings.TrimPrefix(e.Commit.Note, "merged as ")) {
		text += ", " + e.Commit.Note
	}
	return text
}

// approvalText says who approved: first those who met a demand, with the rule.
func approvalText(all []Approval) string {
	var out []string
	for _, met := range []bool{true, false} {
		for _, a := range all {
			if len(a.Rules) > 0 != met {
				continue
			}
			text := a.By + " " + beginText(a.At.UTC())
			if met {
				text += " (" + strings.Join(a.Rules, ", ") + ")"
			}
			out = append(out, text)
		}
	}
	return lead("approved by ", strings.Join(out, "; "))
}

// givenText is how an event is told that gave what is there.
func givenText(e *Event) string {
	if e.Outcome == "already" {
		return "seen there"
	}
	return "given"
}

// event writes when, by whom, from what and on whose approval something was done.
func (p *page) event(e *Event, what string) {
	line := p.line(2, 2+18)
	line.put(e.Time.UTC().Format("2006-01-02 15:04"), plain).column(2 + 18)
	line.prose(what+" "+e.byText(), plain)
	line.end()
	for _, s := range []string{e.doneText(), approvalText(e.Approvals)} {
		if s != "" {
			p.line(2+18, 2+18).prose(s, faint).end()
		}
	}
}

// history writes what was done, oldest first.
func (p *page) history(all []Event) {
	p.heading("History, by the journal")
	if len(all) == 0 {
		p.text(2, 4, "Accord did nothing about it.")
	}
	for i := range all {
		e := &all[i]
		line := p.line(2, 2+18)
		st := eventStyle(e.Change)
		if !e.Holds {
			st = unknown
		}
		line.put(e.Time.UTC().Format("2006-01-02 15:04"), plain).column(2+18).put(symbols[st], st).space(1)
		line.put(e.System, plain).space(1).prose(eventText(e.Change), plain).end()
		for _, s := range []string{e.doneText(), e.byText(), approvalText(e.Approvals), e.digests()} {
			if s != "" {
				p.line(2+18+2, 2+18+2).prose(s, faint).end()
			}
		}
	}
}

// digests names the run, the plan and the change.
func (e *Event) digests() string {
	return "run " + e.Run + lead(", plan ", short(e.PlanDigest, 8)) + lead(", change ", short(e.ChangeDigest, 8))
}
