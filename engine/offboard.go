package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/apply"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/repo"
	"github.com/accordhq/accord/engine/report"
)

// OffboardOptions say whose access is taken away at once.
type OffboardOptions struct {
	// Dir is the access repository or a folder inside it.
	Dir string
	Leave
	Systems []string
	Allow   []plan.Allow
	// Timeout is how long a system may take to answer; zero: half a minute.
	Timeout time.Duration
	// Confirm is asked before anything is written; nil means yes.
	Confirm func(*plan.Plan) (bool, error)
	// Progress is told of steps that ended; it may be nil.
	Progress func(apply.Progress)
}

func (o OffboardOptions) plan(src Source) PlanOptions {
	return PlanOptions{Source: src, Systems: o.Systems, Allow: o.Allow, Timeout: o.Timeout, Leave: &o.Leave}
}

// Offboard takes everything away from one person, on every system, without reading any of them
// as a whole where that isn't needed; then it makes the commit by which the declaration says so.
// It is a run like any other, with the leavers' guards, locks and journal; from its first entry on
// no run gives the person anything until the declaration says that they left (see withheld.go).
//
// It must work when nothing else does: where HEAD can't be used it goes by what was last
// applied. Calling it again goes on with what is missing.
func (e *Engine) Offboard(ctx context.Context, o OffboardOptions) (*report.Offboarded, error) {
	e = e.uncached()
	var kept *declare.Repository
	ao := ApplyOptions{Progress: o.Progress, Loaded: func(d *Declaration) { kept = d.Repo }}
	if o.Confirm != nil {
		ao.Confirm = func(p *plan.Plan, _ []plan.Delta) (bool, error) { return o.Confirm(p) }
	}
	var res *Applied
	instead, err := e.emergency(ctx, o, func(src Source) (err error) {
		ao.PlanOptions = o.plan(src)
		res, err = e.Apply(ctx, ao)
		return err
	})
	if res == nil {
		return nil, err
	}
	out := &report.Offboarded{Person: res.Plan.Leave, Actor: e.Actor, Reason: o.Reason, Plan: res.Plan, Instead: instead, Run: res.Run, Exit: res.Exit, Took: res.Took, Unsent: res.Unsent}
	e.tellSystems(out, res, kept)
	tellSecrets(out, kept)
	if !o.Uncommitted && res.Run != "" {
		out.Edit = e.declareLeft(ctx, o, out)
		if out.Edit.Error != "" && (out.Exit == ExitOK || out.Exit == ExitIncomplete) {
			out.Exit = ExitPartly
		}
	}
	if err != nil && out.Exit == ExitOK {
		out.Exit = ExitPartly
	}
	return out, err
}

// OffboardPlan is what Offboard would do. It writes nothing.
func (e *Engine) OffboardPlan(ctx context.Context, o OffboardOptions) (p *plan.Plan, instead string, err error) {
	instead, err = e.emergency(ctx, o, func(src Source) error {
		var d *Declaration
		if p, d, err = e.Plan(ctx, o.plan(src)); err != nil {
			return err
		}
		return d.Close()
	})
	return p, instead, err
}

// emergency does something by HEAD, or, if that can't be used, by what was last applied: instead
// tells which, and why. What HEAD can be used for isn't tried again by another one.
func (e *Engine) emergency(ctx context.Context, o OffboardOptions, do func(Source) error) (instead string, err error) {
	src := Source{Dir: o.Dir}
	err = do(src)
	if !unusable(err) || ctx.Err() != nil {
		return "", err
	}
	rev, wrong := e.lastRevision(ctx, src)
	if wrong != nil || rev == "" {
		return "", errors.Join(err, wrong)
	}
	src.Rev = rev
	if again := do(src); again != nil {
		return "", errors.Join(err, fmt.Errorf("by what was last applied, %.7s: %w", rev, again))
	}
	return fmt.Sprintf("HEAD can't be used (%s); this goes by what was last applied, %.7s", firstLine(err), rev), nil
}

// unusable reports whether an error is about what the files of a revision say.
func unusable(err error) bool {
	var ps declare.Problems
	return errors.As(err, &ps) || errors.Is(err, repo.ErrNotThere)
}

// lastRevision asks the journal for the commit that was last applied, by what can be understood of
// a declaration.
func (e *Engine) lastRevision(ctx context.Context, src Source) (string, error) {
	d, err := e.load(ctx, src)
	if d == nil {
		return "", err
	}
	defer d.Close()
	if d.Repo == nil || d.Repo.Config == nil {
		d.Repo = &declare.Repository{Config: &declare.Config{}}
	}
	kept, err := e.keeping(d, d.Repo.Config)
	if err != nil {
		return "", err
	}
	j, err := journal.OpenReadOnly(ctx, kept.store)
	if mayGoOn(ctx, kept, err) {
		j, err = kept.lastSeen(ctx, err)
	}
	if err != nil {
		return "", err
	}
	rev, _, _ := j.Memory().LastRevision()
	return rev, nil
}

// tellSystems says what became of each system.
func (e *Engine) tellSystems(out *report.Offboarded, res *Applied, decl *declare.Repository) {
	failed := map[string]apply.StepResult{}
	if res.Result != nil {
		for _, s := range res.Result.Steps {
			failed[s.Key()] = s
		}
	}
	byPriority := slices.Clone(res.Plan.Systems)
	rank := func(name string) int {
		if d := decl.System(name); d != nil {
			return priority(d)
		}
		return defaultPriority
	}
	slices.SortStableFunc(byPriority, func(a, b plan.System) int { return rank(a.Name) - rank(b.Name) })
	for _, p := range byPriority {
		looked := res.Looked[p.Name]
		row := report.OffboardedSystem{Name: p.Name, Accounts: looked.Accounts, Whole: looked.Whole, Took: looked.Took, Unread: p.Error, Unknown: p.Unknown}
		if row.Unread == "" {
			row.Unread = p.NotRead
		}
		for _, d := range p.Disputes {
			row.Problems = append(row.Problems, d.Account.Name+": "+d.Why)
			row.Undecided++
		}
		for _, w := range p.Waiting {
			row.Problems = append(row.Problems, fmt.Sprintf("%s %s waits: %s", w.Action, w.Subject, w.Why))
			if w.Action != access.Delete { // which comes after everything else is gone
				row.Undecided++
			}
		}
		for i := range res.Plan.Steps {
			if s := &res.Plan.Steps[i]; s.System == p.Name {
				count, observed := e.tellStep(&row, s, failed)
				*count++
				if observed && out.Exit == ExitOK {
					out.Exit = ExitPartly // what is left there is for somebody else to take away
				}
			}
		}
		if res.Result != nil {
			sys := res.Result.Systems[p.Name]
			row.Took += sys.Busy
			if sys.ReadBack != nil {
				row.Problems = append(row.Problems, sys.ReadBack.Error())
			}
		}
		if len(row.Accounts) > 0 || row.Unread != "" {
			if t, ok := e.connector(p.Connector); ok {
				row.Remains = t.Describe().Remains
			}
		}
		if row.Undecided > 0 && out.Exit == ExitOK {
			out.Exit = ExitIncomplete
		}
		out.Systems = append(out.Systems, row)
	}
}

// tellStep says what became of one step, and among which it counts.
func (e *Engine) tellStep(row *report.OffboardedSystem, s *plan.Step, ended map[string]apply.StepResult) (count *int, observed bool) {
	if s.Held != nil {
		row.Problems = append(row.Problems, s.Change.String()+": "+s.Held.Text)
		return &row.Held, s.Held.Why == plan.HeldObserve
	}
	r := ended[s.Key()]
	switch {
	case r.Holds():
		return &row.Removed, false
	case r.Outcome == journal.Done || r.Outcome == journal.Unknown:
		if r.Seen == journal.NotHeld {
			row.Problems = append(row.Problems, s.Change.String()+": "+r.Note)
			return &row.Failed, false
		}
		if r.Note != "" {
			row.Problems = append(row.Problems, s.Change.String()+": "+r.Note)
		}
		return &row.Unconfirmed, false
	}
	if r.Err != nil {
		row.Problems = append(row.Problems, s.Change.String()+": "+r.Err.Error())
	}
	return &row.Failed, false
}

// tellSecrets lists what the person may know by heart: the credentials of services and of systems
// that they answer for, alone or in a group.
func tellSecrets(out *report.Offboarded, decl *declare.Repository) {
	answers := func(owners []declare.Text) bool {
		return slices.ContainsFunc(owners, func(o declare.Text) bool {
			return o.Value == out.Person || decl.Group(o.Value) != nil && slices.ContainsFunc(decl.Group(o.Value).Members, func(t declare.Term) bool { return t.Kind == declare.TermPerson && t.Name.Value == out.Person })
		})
	}
	for _, p := range decl.People() {
		if p.Service && answers(p.Owners) {
			out.Secrets = append(out.Secrets, report.Shared{What: "service " + p.ID.Value, File: p.File, Line: int(p.At.Line)})
		}
	}
	for _, d := range decl.Systems {
		if !answers(d.Owners) {
			continue
		}
		for _, set := range d.Config {
			if ref := set.Env.Value + set.File.Value; ref != "" {
				out.Secrets = append(out.Secrets, report.Shared{What: "system " + d.ID.Value + ", " + set.Key.Value + " (" + ref + ")", File: d.File, Line: int(d.At.Line)})
			}
		}
	}
}
