package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/report"
)

func (a *app) whoCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "who SYSTEM[/KIND/NAME[: PERMISSION]]",
		Short: "Tell who holds something, and how",
		Long: `Who lists everyone who is to hold something by the declaration, with the lines that make it
so; also those who hold it through a group or another resource that holds it. With a
permission it lists who holds at least that, as in 'github/repo/api: push'. With --live the
system is read, and each line says whether it is declared, live, or both. A system alone lists
everyone there, and what they hold themselves.

CSV has a line for each holder and each reason; its columns are stable.

Exit codes: 0 answered, 1 it failed, 6 the system couldn't be read completely, 64 wrong usage.`,
		Args: exactArgs(1, 1, "a system, or what is held there as SYSTEM/KIND/NAME"),
	}
	c.Flags().StringVar(&f.rev, "rev", "", "the git revision to read (HEAD if left out)")
	c.Flags().BoolVar(&f.worktree, "worktree", false, "read the folder as it is instead of a commit")
	c.Flags().StringVar(&f.at, "at", "", "ask about this instant instead of now")
	c.Flags().BoolVar(&f.live, "live", false, "read the system too, and compare")
	format := addFormat(c, "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		o, err := a.planOptions(f)
		if err != nil {
			return err
		}
		if n := strings.Count(entitlementName(args[0]), "/"); n == 1 || args[0] == "" {
			return usageError{fmt.Errorf("%q isn't written as SYSTEM or SYSTEM/KIND/NAME", args[0])}
		}
		w, err := a.engine().Who(c.Context(), engine.WhoOptions{PlanOptions: o, What: args[0]})
		if err != nil {
			return err
		}
		if f.live && (w.Error != "" || w.NotRead != "" || len(w.Unknown) > 0) {
			a.exit = engine.ExitIncomplete
		}
		switch *format {
		case "json":
			return report.WhoJSON(a.out, *w)
		case "csv":
			return report.WhoCSV(a.out, *w)
		}
		return report.WhoText(a.out, *w, a.reportOptions(f))
	}
	return c
}

// entitlementName is an entitlement without its permission.
func entitlementName(s string) string {
	name, _, _ := strings.Cut(s, ": ")
	return name
}
