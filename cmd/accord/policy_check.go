package main

import (
	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/report"
)

func (a *app) policyCheckCommand() *cobra.Command {
	var f planFlags
	var live bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Judge all access that there is",
		Long: `Check judges everything that the folder (or a commit, with --rev) declares by its own
policies, and with --live everything that the systems grant: a new rule so shows whom it
concerns before it is merged. It lists the exemptions, and can't write to any system.

Exit codes: 0 nothing is refused, 3 a rule refuses something, 6 some system couldn't be read
completely, 1 it failed, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	c.Flags().StringVar(&f.rev, "rev", "", "check this git revision instead of the folder")
	c.Flags().StringSliceVar(&f.systems, "system", nil, "only these systems")
	c.Flags().BoolVar(&live, "live", false, "read the systems, and judge what they really grant")
	format := addFormat(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		f.worktree = f.rev == ""
		o, err := a.planOptions(f)
		if err != nil {
			return err
		}
		progress := a.readProgress()
		o.Progress = progress.read
		res, err := a.engine().CheckPolicies(c.Context(), o, live)
		progress.clear()
		if err != nil {
			return err
		}
		if res.Judged == nil {
			return errNoPolicies
		}
		a.exit = engine.ExitOfCheck(res)
		out := report.Check{Revision: res.Revision, Judged: res.Judged, Live: res.Live, People: res.People, Holdings: res.Holdings, Findings: res.Findings, Unread: res.Unread}
		for _, x := range res.Exemptions {
			out.Exemptions = append(out.Exemptions, report.CheckedExemption(x))
		}
		if *format == "json" {
			return report.PolicyCheckJSON(a.out, out)
		}
		return report.PolicyCheck(a.out, out, a.reportOptions(f))
	}
	return c
}
