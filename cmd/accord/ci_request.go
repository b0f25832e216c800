package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
)

func (a *app) ciRequestCommand() *cobra.Command {
	var f ciFlags
	c := &cobra.Command{
		Use:   "request",
		Short: "Say which merge request a job is for",
		Long: `Request prints one line for the shell: the number of the merge request, the full id of the
commit on top of it, and open or merged. The forge is asked, so that a job which was started
for an older commit, or by a review, or by a webhook, works on what stands there now.

Exit codes: 0 printed, 1 it failed, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	f.register(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		_, opened, _, err := a.openForge(c.Context(), &f)
		if err != nil {
			return err
		}
		defer opened.Close()
		r, err := opened.Request(c.Context())
		if err != nil {
			return err
		}
		if !fullHash.MatchString(r.Head) { // it goes into a command line
			return fmt.Errorf("the forge names no commit on top of request %d", r.Number)
		}
		state := "open"
		if r.MergedAs != "" {
			state = "merged"
		}
		_, err = fmt.Fprintln(a.out, r.Number, r.Head, state)
		return err
	}
	return c
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
