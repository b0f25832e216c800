package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/report"
)

func (a *app) auditCommand() *cobra.Command {
	var from, to, rev string
	var systems []string
	c := &cobra.Command{
		Use:   "audit",
		Short: "Give evidence of what was done in a time",
		Long: `Audit tells from the journal, whose chain it checks, and from git: how long it took from a
commit to what it declares being applied, and from somebody's leaving to the last thing that
they lost; how much was done by hand and put back, and what flaps; which exceptions were in
force, which refusals were lifted by whom, and who approved what. It reads no system.

Days are those of the repository's calendar, both included.

Exit codes: 0 answered, 1 it failed or the journal isn't sound, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	c.Flags().StringVar(&from, "from", "", "the first day, or an instant (30 days before the end if left out)")
	c.Flags().StringVar(&to, "to", "", "the last day, or an instant (now if left out)")
	c.Flags().StringVar(&rev, "rev", "", "the git revision to read (HEAD if left out)")
	c.Flags().StringSliceVar(&systems, "system", nil, "only these systems")
	format := addFormat(c, "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		o := engine.AuditOptions{Source: engine.Source{Dir: a.flags.dir, Rev: rev}, Systems: systems}
		var errs []error
		if from != "" {
			var err error
			if o.From, o.FromDay, err = parseInstant(from); err != nil {
				errs = append(errs, flagOf("--from", err))
			}
		}
		if to != "" {
			var err error
			if o.To, o.ToDay, err = parseInstant(to); err != nil {
				errs = append(errs, flagOf("--to", err))
			}
		}
		if err := errors.Join(errs...); err != nil {
			return usageError{err}
		}
		y, err := a.engine().Audit(c.Context(), o)
		if err != nil {
			return err
		}
		switch *format {
		case "json":
			return report.AuditJSON(a.out, *y)
		case "csv":
			return report.AuditCSV(a.out, *y)
		}
		return report.AuditText(a.out, *y, a.reportOptions(planFlags{}))
	}
	return c
}

// flagOf names the flag that an instant was given with.
func flagOf(flag string, err error) error {
	return fmt.Errorf("%s%s", flag, strings.TrimPrefix(err.Error(), "--at"))
}
