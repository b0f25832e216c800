package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/forge"
)

func (a *app) ciRequestCommand() *cobra.Command {
	var f ciFlags
	var into string
	var all bool
	c := &cobra.Command{
		Use:   "request",
		Short: "Say which merge request a job is for",
		Long: `Request prints a line for the shell: the number of the merge request and the full id of the
commit on top of it. It prints nothing if the request isn't open any more, or is for another
branch than --into. The forge is asked, so that a job which was started for an older commit,
by a review or by a webhook, works on what stands there now.

With --all it prints such a line for every open request of the repository, the lowest number
first.

Exit codes: 0 printed, or there is nothing to print, 1 it failed, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	f.register(c)
	c.Flags().StringVar(&into, "into", "", "only requests for this branch")
	c.Flags().BoolVar(&all, "all", false, "every open request, not the job's")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if all && f.request > 0 {
			return usageError{fmt.Errorf("--all and --request exclude each other")}
		}
		_, opened, _, err := a.openForge(c.Context(), &f)
		if err != nil {
			return err
		}
		defer opened.Close()
		list, err := openRequests(c.Context(), opened, all)
		if err != nil {
			return err
		}
		for _, r := range list {
			switch {
			case !r.Open || into != "" && r.Into != into:
				continue
			case !fullHash.MatchString(r.Head): // it goes into a command line
				return fmt.Errorf("the forge names no commit on top of request %d", r.Number)
			}
			if _, err := fmt.Fprintln(a.out, r.Number, r.Head); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

// openRequests lists the job's merge request, or all that are open.
func openRequests(ctx context.Context, f forge.Forge, all bool) ([]forge.Request, error) {
	if !all {
		r, err := f.Request(ctx)
		return []forge.Request{r}, err
	}
	var out []forge.Request
	for r, err := range f.Requests(ctx) {
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b forge.Request) int { return cmp.Compare(a.Number, b.Number) })
	return out, nil
}

func (a *app) ciPendingCommand() *cobra.Command {
	var rev string
	c := &cobra.Command{
		Use:   "pending",
		Short: "List the merges that wait to be applied, the oldest first",
		Long: `Pending prints the full ids of the commits that wait to be applied, one a line, the oldest
first: what was merged since the commit that was last applied with nothing of it refused by a
policy. Each is one merge request, if the branch takes nothing else. The tip is always in, so
that what failed is tried again; it is alone where nothing was applied yet.

Apply them one by one, each with its own approvals. Applied all at once they would be one
change, which nobody approved.

Exit codes: 0 printed, 1 it failed, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	c.Flags().StringVar(&rev, "rev", "", "the tip of the branch that is applied (HEAD if left out)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		list, err := a.engine().Pending(c.Context(), engine.Source{Dir: a.flags.dir, Rev: rev})
		if err != nil {
			return fmt.Errorf("looking for what waits to be applied: %w", err)
		}
		for _, r := range list {
			if _, err := fmt.Fprintln(a.out, r.Hash); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}
