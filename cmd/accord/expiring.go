package main

import (
	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/report"
)

func (a *app) expiringCommand() *cobra.Command {
	var f planFlags
	var within string
	c := &cobra.Command{
		Use:   "expiring",
		Short: "List the access that ends by itself soon",
		Long: `Expiring lists what the passing of time alone will do: access that ends because a grant,
somebody's place in a group, or their own time here ends, and that no other reason carries
on; what falls to a lower level; and what begins. It asks the declaration alone, and names
the line with the date and whom to ask. accord plan --at shows the same as steps.

Exit codes: 0 answered, 1 it failed, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	f.source(c)
	c.Flags().StringVar(&within, "within", "30d", "how far to look ahead, as in 30d or 12h")
	c.Flags().StringVar(&f.at, "at", "", "look from this instant instead of now")
	format := addFormat(c, "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := engine.CheckWithin(within); err != nil {
			return usageError{err}
		}
		o, err := a.planOptions(f)
		if err != nil {
			return err
		}
		y, err := a.engine().Expiring(c.Context(), engine.ExpiringOptions{PlanOptions: o, Within: within})
		if err != nil {
			return err
		}
		switch *format {
		case "json":
			return report.ExpiringJSON(a.out, *y)
		case "csv":
			return report.ExpiringCSV(a.out, *y)
		}
		return report.ExpiringText(a.out, *y, a.reportOptions(f))
	}
	return c
}
