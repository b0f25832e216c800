package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

// planFormat is in which form a plan is printed.
type planFormat struct {
	name  *string
	limit int
	link  string
}

// add adds --format and what goes with single formats.
func (f *planFormat) add(c *cobra.Command) {
	f.name = addFormat(c, "markdown", "sarif", "junit")
	c.Flags().IntVar(&f.limit, "limit", 0, "with markdown: at most so many bytes, as forges want it (65536 for GitHub and Gitea, 1000000 for GitLab)")
	c.Flags().StringVar(&f.link, "link", "", "with markdown: the address of the whole plan, for what has no room")
}

// check refuses flags that the format doesn't know.
func (f *planFormat) check() error {
	switch {
	case *f.name != "markdown" && (f.limit != 0 || f.link != ""):
		return usageError{errors.New("--limit and --link go with --format markdown")}
	case f.limit < 0 || f.limit > 0 && f.limit < report.LeastLimit:
		return usageError{fmt.Errorf("--limit is at least %d bytes, or 0 for none", report.LeastLimit)}
	}
	return nil
}

// write prints the plan.
func (f *planFormat) write(a *app, p *plan.Plan, o report.Options, next string) error {
	switch *f.name {
	case "json":
		return report.PlanJSON(a.out, p)
	case "markdown":
		return report.PlanMarkdown(a.out, p, report.MarkdownOptions{Limit: f.limit, Link: f.link})
	case "sarif":
		return report.PlanSARIF(a.out, p)
	case "junit":
		return report.PlanJUnit(a.out, p)
	}
	return report.Plan(a.out, p, o, next)
}

// fail prints, in the formats that are read by a machine or put before people who didn't run
// it, that there is no plan: an empty page would look as if nothing changed. The error goes on
// to stderr and the exit code as ever.
func (f *planFormat) fail(a *app, err error) error {
	switch *f.name {
	case "markdown":
		return errors.Join(err, report.FailedMarkdown(a.out, problemsOf(err), report.MarkdownOptions{Limit: f.limit, Link: f.link}))
	case "sarif":
		return errors.Join(err, report.FailedSARIF(a.out, problemsOf(err)))
	case "junit":
		return errors.Join(err, report.FailedJUnit(a.out, problemsOf(err)))
	}
	return err
}

// problemsOf takes an error apart: what is wrong with which line of the declaration, or one
// problem without a place.
func problemsOf(err error) []report.Problem {
	var ps declare.Problems
	if !errors.As(err, &ps) {
		return []report.Problem{{Text: err.Error()}}
	}
	var out []report.Problem
	for _, p := range ps {
		out = append(out, report.Problem{File: p.Pos.File, Line: int(p.Pos.Line), Column: int(p.Pos.Col), Text: p.Message, Hint: p.Hint})
	}
	return out
}
