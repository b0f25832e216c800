package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/report"
)

// AuditOptions ask for evidence of a time.
type AuditOptions struct {
	Source
	// From and To bound it, half-open; a zero To is now, a zero From 30 days before To. With
	// FromDay and ToDay they are days of the repository's calendar, both included.
	From, To       time.Time
	FromDay, ToDay bool
	// Systems limits it to these; empty means all.
	Systems []string
}

// auditDays is how far back an audit looks unless it is told.
const auditDays = 30

// Audit tells by the journal and git what was done in a time: how fast what was declared was
// applied and leavers' access was gone, what was done by hand and put back, what flaps, which
// exceptions were in force, and who approved what. Nothing is read from any system.
func (e *Engine) Audit(ctx context.Context, o AuditOptions) (*report.Audit, error) {
	s, err := e.prepare(ctx, PlanOptions{Source: o.Source, NoLive: true, Systems: o.Systems}, false)
	if err != nil {
		return nil, err
	}
	defer s.close()
	loc := s.head.Repo.Config.Location()
	from, to := bounds(o, s.at, loc)
	if !from.Before(to) {
		return nil, errors.New("the time to look at is empty: --from has to lie before --to")
	}
	var names []string
	for _, sys := range s.systems {
		if len(o.Systems) > 0 {
			names = append(names, namesOf(sys.decl)...)
		}
	}
	p, err := s.past(ctx, func(c journal.Change) bool { return len(names) == 0 || slices.Contains(names, c.System) })
	if err != nil {
		return nil, err
	}
	a := &auditor{past: p, ctx: ctx, from: from, to: to, out: &report.Audit{From: from.In(loc), To: to.In(loc), Revision: s.head.Revision, Head: s.journal.Head()}}
	a.runs(names)
	a.events()
	a.exceptions()
	return a.out, nil
}

func bounds(o AuditOptions, now time.Time, loc *time.Location) (from, to time.Time) {
	if from, to = o.From, o.To; to.IsZero() {
		to = now
	} else if o.ToDay {
		to = declare.Date{Day: to}.End(loc)
	}
	switch {
	case from.IsZero():
		from = to.In(loc).AddDate(0, 0, -auditDays)
	case o.FromDay:
		from = declare.Date{Day: from}.Start(loc)
	}
	return from, to
}

type auditor struct {
	*past
	ctx      context.Context
	from, to time.Time
	out      *report.Audit
}

func (a *auditor) in(t time.Time) bool { return !t.Before(a.from) && t.Before(a.to) }

// runs counts what became of runs, and lists whom approvals and lifted refusals stand with.
func (a *auditor) runs(systems []string) {
	for _, r := range a.Runs {
		concerns := len(systems) == 0 || slices.ContainsFunc(r.Opened.Systems, func(s string) bool { return slices.Contains(systems, s) })
		if !a.in(r.Since) || !concerns {
			continue
		}
		a.out.Runs.All++
		switch {
		case r.End == nil:
			a.out.Runs.Open++
		case r.End.Exit == ExitOK:
			a.out.Runs.Done++
		default:
			a.out.Runs.Partly++
		}
		if r.Worktree {
			a.out.Runs.Worktree++
		}
		if len(r.Allow) > 0 {
			a.out.Lifted = append(a.out.Lifted, report.AuditLifted{Time: r.Since, Run: r.ID, Actor: r.Actor, Names: r.Allow})
		}
		if r.Approved == nil {
			continue
		}
		a.out.Runs.Approved++
		for _, one := range approvalsOf(r.Approved, r.Approved.Demands) {
			a.out.Approvals = append(a.out.Approvals, report.AuditApproval{Approval: one, Run: r.ID, Applied: r.Since, Revision: r.Revision})
		}
	}
}

// events goes through what was done.
func (a *auditor) events() {
	flaps := map[string]*report.AuditFlap{}
	leavers := map[string]*report.AuditLeaver{}
	var leads []time.Duration
	for _, ev := range a.Events {
		if !a.in(ev.Time) {
			continue
		}
		a.count(ev)
		switch ev.Class {
		case journal.ClassChange:
			if c, ok := a.commit(a.ctx, ev.Run.Revision); ok && ev.Holds() && ev.Outcome == journal.Done {
				leads = append(leads, max(0, ev.Time.Sub(c.Time)))
			}
		case journal.ClassDrift:
			if !ev.Holds() {
				continue
			}
			key := ev.Key()
			if flaps[key] == nil {
				flaps[key] = &report.AuditFlap{Change: ev.Change.Change, Person: ev.Person}
			}
			flaps[key].Times = append(flaps[key].Times, ev.Time)
		case journal.ClassLeaver:
			a.leaver(leavers, ev)
		}
	}
	a.out.Applied = spread(leads)
	for _, f := range flaps {
		if len(f.Times) > 1 {
			a.out.Flapping = append(a.out.Flapping, *f)
		}
	}
	slices.SortFunc(a.out.Flapping, func(x, y report.AuditFlap) int {
		return cmp.Or(cmp.Compare(len(y.Times), len(x.Times)), x.Change.Compare(y.Change))
	})
	var gone []time.Duration
	for _, l := range leavers {
		slices.Sort(l.Systems)
		if l.Open == 0 && !l.Left.IsZero() {
			l.Took = max(0, l.Done.Sub(l.Left))
			gone = append(gone, l.Took)
		}
		a.out.Leavers = append(a.out.Leavers, *l)
	}
	slices.SortFunc(a.out.Leavers, func(x, y report.AuditLeaver) int { return strings.Compare(x.Person, y.Person) })
	a.out.Revoked = spread(gone)
}

// count adds a change to the figures of its class.
func (a *auditor) count(ev journal.Event) {
	i, known := slices.BinarySearchFunc(a.out.Changes, string(ev.Class), func(c report.AuditClass, class string) int { return strings.Compare(c.Class, class) })
	if !known {
		a.out.Changes = slices.Insert(a.out.Changes, i, report.AuditClass{Class: string(ev.Class)})
	}
	c := &a.out.Changes[i]
	switch {
	case ev.Outcome == journal.Already:
		c.Already++
	case !ev.Holds():
		c.Failed++
	case ev.Removes():
		c.Taken++
	case ev.Action == access.Give || ev.Action == access.ChangeLevel || ev.Action == access.Enable:
		c.Given++
	default:
		c.Other++
	}
}

// leaver takes in a change by which somebody who left lost something. They left when the
// declaration says so by a date, else with the commit that the run applied.
func (a *auditor) leaver(all map[string]*report.AuditLeaver, ev journal.Event) {
	id := cmp.Or(ev.Person, ev.Subject.String())
	l := all[id]
	if l == nil {
		l = &report.AuditLeaver{Person: id}
		if c, ok := a.commit(a.ctx, ev.Run.Revision); ok {
			l.Left, l.By = c.Time, "commit "+c.Short
		}
		if p := a.head.Repo.Person(ev.Person); p != nil {
			if end := p.Ends.End(a.head.Repo.Config.Location()); !end.IsZero() && !end.After(ev.Time) {
				l.Left, l.By = end, "ends "+p.Ends.Text
			}
		}
		all[id] = l
	}
	if !slices.Contains(l.Systems, ev.System) {
		l.Systems = append(l.Systems, ev.System)
	}
	key := ev.Key()
	if ev.Holds() {
		l.Changes++
		l.Done = ev.Time
		l.Missing = slices.DeleteFunc(l.Missing, func(k string) bool { return k == key })
	} else if !slices.Contains(l.Missing, key) {
		l.Missing = append(l.Missing, key)
	}
	l.Open = len(l.Missing)
}

// spread are the figures of several durations, by nearest rank.
func spread(in []time.Duration) report.AuditSpread {
	if len(in) == 0 {
		return report.AuditSpread{}
	}
	slices.Sort(in)
	rank := func(p int) time.Duration { return in[(len(in)*p+99)/100-1] }
	return report.AuditSpread{Count: len(in), Median: rank(50), P90: rank(90), Max: in[len(in)-1]}
}

// exceptions are those of the declaration that haven't ended before the time, with how long they
// go on.
func (a *auditor) exceptions() {
	for _, e := range a.head.Repo.Exempts {
		until := e.Until.End(a.head.Repo.Config.Location())
		if !until.IsZero() && !until.After(a.from) {
			continue
		}
		a.out.Exceptions = append(a.out.Exceptions, report.AuditException{ID: e.ID.Value, Rule: e.Rule.Value, Who: values(e.Who), Until: until, Reason: e.Reason.Value,
			Link: access.Link{File: e.File, Line: int(e.At.Line), Text: fmt.Sprintf("exempt %s", e.ID.Value)}})
	}
}
