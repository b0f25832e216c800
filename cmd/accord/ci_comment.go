package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/forge"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

// ciPlan is a plan, or the lack of one, on its way to a merge request.
type ciPlan struct {
	ciFlags
	root, link, context string
	failed              string
	pending, noStatus   bool
}

func (f *ciPlan) register(c *cobra.Command) {
	f.ciFlags.register(c)
	c.Flags().StringVar(&f.root, "root", "", "the access repository's folder in its git repository (that of --dir, if left out)")
	c.Flags().StringVar(&f.link, "link", "", "a URL that leads to the whole plan (the CI job's, if left out)")
	c.Flags().StringVar(&f.context, "context", "", "the name of the status (accord/plan, with the root if there is one)")
	c.Flags().StringVar(&f.failed, "failed", "", "there is no plan, and this is why")
}

func (a *app) ciCommentCommand() *cobra.Command {
	var f ciPlan
	c := &cobra.Command{
		Use:   "comment [PLAN]",
		Short: "Put a plan on its merge request, as one comment, and set the status",
		Long: `Comment puts a plan (written by accord plan --out or --format json; - reads it from
standard input) on the merge request, and sets the status of its commit: failure if something
is refused or couldn't be read, else success. A later run updates the same comment. Several
access repositories in one git repository have a comment each.

Where there is no plan, since planning failed, the comment and the status say so and the
command fails: with --failed TEXT, and whenever PLAN can't be read or is of another commit.

Exit codes: 0 the plan is there, 1 there is no plan or it failed, 64 wrong usage.`,
		Args: exactArgs(0, 1, "a plan, or --failed TEXT"),
	}
	f.register(c)
	c.Flags().BoolVar(&f.noStatus, "no-status", false, "leave the status of the commit alone")
	c.RunE = func(c *cobra.Command, args []string) error {
		return a.ci(c, &f, args, func(x *ciRun) error {
			err := x.comment(c.Context())
			if f.noStatus {
				return err
			}
			return errors.Join(err, x.status(c.Context()))
		})
	}
	return c
}

func (a *app) ciStatusCommand() *cobra.Command {
	var f ciPlan
	c := &cobra.Command{
		Use:   "status [PLAN]",
		Short: "Set the status of a commit as a plan has it, without a comment",
		Long: `Status sets the status of the commit: --pending before the plan is made, then as the plan
says: failure if something is refused or couldn't be read, else success. A plan that can't be
read, or is of another commit, is an error, as is --failed TEXT.

Exit codes: 0 the status is set, 1 there is no plan or it failed, 64 wrong usage.`,
		Args: exactArgs(0, 1, "a plan, --pending, or --failed TEXT"),
	}
	f.register(c)
	c.Flags().BoolVar(&f.pending, "pending", false, "a plan is being made")
	c.RunE = func(c *cobra.Command, args []string) error {
		return a.ci(c, &f, args, func(x *ciRun) error { return x.status(c.Context()) })
	}
	return c
}

// ciRun is one run of comment or status.
type ciRun struct {
	*app
	f      *ciPlan
	forge  forge.Forge
	hide   func(string) string
	plan   *plan.Plan // nil: there is none
	why    string     // there is none
	page   forge.Page
	stands forge.Status // what the plan stands for
}

// ci reads the plan, opens the forge and lets do speak to it. It fails where there is no plan.
func (a *app) ci(c *cobra.Command, f *ciPlan, args []string, do func(*ciRun) error) error {
	given := len(args)
	for _, is := range []bool{c.Flags().Changed("failed"), f.pending} {
		if is {
			given++
		}
	}
	if given != 1 {
		return usageError{fmt.Errorf("%s takes a plan or one of its flags that stand for one; %s --help tells more", c.CommandPath(), c.CommandPath())}
	}
	if err := webLink(f.link); err != nil {
		return usageError{fmt.Errorf("--link: %w", err)}
	}
	t, opened, hide, err := a.openForge(c.Context(), &f.ciFlags)
	if err != nil {
		return err
	}
	defer opened.Close()
	x := &ciRun{app: a, f: f, forge: opened, hide: hide}
	if err := x.about(c.Context(), t); err != nil {
		return err
	}
	x.read(args, t)
	if err := do(x); err != nil {
		return err
	}
	if x.plan == nil && !f.pending {
		return fmt.Errorf("there is no plan: %s", hide(x.why))
	}
	return nil
}

// about finds out which request and commit the run is about.
func (x *ciRun) about(ctx context.Context, t forge.Target) error {
	r, err := x.forge.Request(ctx)
	if err != nil {
		return err
	}
	x.page = forge.Page{Root: x.f.root, Commit: t.Commit, Head: r.Head, Link: x.f.link, Limit: x.forge.Limit()}
	if x.page.Link == "" && webLink(t.Link) == nil {
		x.page.Link = t.Link
	}
	if x.page.Commit == "" {
		x.page.Commit = r.Head
	}
	if x.page.Root == "" {
		x.page.Root, err = engine.AccessRoot(x.flags.dir)
	}
	return err
}

// read gets the plan, and the status that it stands for. A plan of another commit is none: it was
// left over from another run.
func (x *ciRun) read(args []string, t forge.Target) {
	x.stands = forge.NoPlan()
	switch {
	case x.f.pending:
		x.stands = forge.Status{State: forge.StatePending, Text: "a plan is being made"}
		return
	case len(args) == 0:
		x.why = x.f.failed
		return
	}
	p, err := x.readPlan(args[0])
	if err != nil {
		x.why = err.Error()
		return
	}
	if p.Revision.Worktree {
		x.why = fmt.Sprintf("%s holds the plan of a folder, and this run is about the commit %.12s", args[0], x.page.Commit)
		return
	}
	if of := p.Revision.Hash; of != "" && of != x.page.Commit && of != t.Merge {
		x.why = fmt.Sprintf("%s holds the plan of the commit %.12s, and this run is about %.12s", args[0], of, x.page.Commit)
		return
	}
	x.plan, x.stands = p, forge.Verdict(p)
}

func (a *app) readPlan(name string) (*plan.Plan, error) {
	if name != "-" {
		return readPlan(name)
	}
	p, err := plan.Read(a.in)
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return p, nil
}

func (x *ciRun) comment(ctx context.Context) error {
	text := ""
	if x.plan == nil {
		text = x.page.FailedText(x.hide(x.why))
	} else {
		var err error
		if text, err = x.page.PlanText(x.plan); err != nil {
			return err
		}
	}
	posted, err := forge.Publish(ctx, x.forge, forge.Note{Root: x.page.Root, Commit: x.page.Commit, Head: x.page.Head, Text: text})
	if err != nil {
		return err
	}
	for _, who := range posted.Strange {
		fmt.Fprintf(x.err, "%s wrote a comment that looks like this one. It is left alone; remove it if that account posted the plans before.\n", report.Clean(who))
	}
	did := "updated"
	switch {
	case posted.Newer:
		did = "left alone: it is about the newer " + x.page.Head[:min(len(x.page.Head), 8)]
	case posted.Created:
		did = "written"
	}
	if posted.URL != "" {
		did += ", " + posted.URL
	}
	_, err = fmt.Fprintf(x.out, "comment  %s\n", report.Clean(did))
	return err
}

func (x *ciRun) status(ctx context.Context) error {
	s := x.stands
	s.Context, s.Link = x.f.context, x.page.Link
	if s.Context == "" {
		s.Context = forge.Context(x.page.Root)
	}
	if err := x.forge.SetStatus(ctx, x.page.Commit, s); err != nil {
		return err
	}
	_, err := fmt.Fprintf(x.out, "status   %s of %.8s: %s, %s\n", report.Clean(s.Context), x.page.Commit, s.State, report.Clean(s.Text))
	return err
}
