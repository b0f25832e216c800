package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/report"
)

func (a *app) showCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "show person|group|role|system NAME",
		Short: "Tell everything about a person, a group, a role or a system",
		Long: `Show tells everything about one document. Of a person or service: groups and roles with the
lines that bring them, accounts, all access with its end and whether it is live, what they
answer for. Of a group: its members with the line that brings each, and what it gives. Of a
role: what it gives and who has it, how. Of a system: its settings without secrets, what is
declared and live, what was last applied, and open drift.

Exit codes: 0 answered, 1 it failed, 6 a system couldn't be read completely, 64 wrong usage.`,
		Args: exactArgs(2, 2, "person, group, role or system, and a name"),
	}
	f.source(c)
	c.Flags().StringVar(&f.at, "at", "", "ask about this instant instead of now")
	c.Flags().BoolVar(&f.live, "live", true, "read the systems too; --live=false asks the declaration only")
	format := addFormat(c, "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		kind := args[0]
		if kind == "service" {
			kind = "person"
		}
		if !slices.Contains(engine.ShowKinds, kind) {
			return usageError{fmt.Errorf("there is nothing to show about a %q; it is %s", kind, strings.Join(engine.ShowKinds, ", "))}
		}
		o, err := a.planOptions(f)
		if err != nil {
			return err
		}
		y, err := a.engine().Show(c.Context(), engine.ShowOptions{PlanOptions: o, Kind: kind, Name: args[1]})
		if err != nil {
			return err
		}
		if len(y.Unknown) > 0 {
			a.exit = engine.ExitIncomplete
		}
		switch *format {
		case "json":
			return report.ShowJSON(a.out, *y)
		case "csv":
			return report.ShowCSV(a.out, *y)
		}
		return report.ShowText(a.out, *y, a.reportOptions(f))
	}
	return c
}
