package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/apply"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

func (a *app) offboardCommand() *cobra.Command {
	var o engine.OffboardOptions
	var yes, dryRun bool
	var allow []string
	c := &cobra.Command{
		Use:   "offboard PERSON",
		Short: "Take everything away from one person, everywhere, at once",
		Long: `Offboard disables the person's accounts and revokes all that they hold, on every system by its
priority, and reads that back. It reads only what is theirs; the whole of a system only where
it can't be told otherwise whether they are the last who administers something, or which
account is theirs. Guards, locks and the journal are those of apply. Then it makes the commit
that declares it, on the branch accord/offboard-PERSON: status: left, every other byte as it was.

Until that is merged the person counts as somebody who left: no apply gives them anything,
unless it is allowed by name (--allow returns:PERSON). Run it again to go on where a system
couldn't be reached. Where HEAD can't be used, what was last applied is.

Exit codes: 0 everything is gone, 1 failed with nothing changed, 5 something is left, 3 a guard
refuses it, 6 some system couldn't be read completely, 64 wrong usage; with --dry-run 2 there
is something to take away.`,
		Args: exactArgs(1, 1, "a person"),
	}
	format := addFormat(c)
	c.Flags().StringVar(&o.Reason, "reason", "", "why, for the journal and the commit")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be taken away, and change nothing")
	c.Flags().StringSliceVar(&o.Systems, "system", nil, "only these systems")
	c.Flags().BoolVar(&o.Uncommitted, "no-commit", false, "make no commit that declares it")
	c.Flags().StringArrayVar(&allow, "allow", nil, "lift one refusal, as NAME:REF")
	c.Flags().DurationVar(&o.Timeout, "timeout", 30*time.Second, "how long a system may take to answer")
	c.RunE = func(c *cobra.Command, args []string) error {
		o.Dir, o.Person = a.flags.dir, args[0]
		for _, s := range allow {
			one, ok := engine.ParseAllow(s)
			if !ok {
				return usageError{fmt.Errorf("--allow takes NAME:REF, as in protected:office/account/dora, not %q", s)}
			}
			o.Allow = append(o.Allow, one)
		}
		if o.Timeout <= 0 {
			return usageError{errors.New("--timeout takes a time like 30s")}
		}
		if dryRun {
			return a.offboardPlan(c, o, *format)
		}
		if err := a.confirmOffboard(&o, yes, *format); err != nil {
			return err
		}
		return a.offboard(c, o, *format)
	}
	return c
}

func (a *app) offboardPlan(c *cobra.Command, o engine.OffboardOptions, format string) error {
	p, instead, err := a.engine().OffboardPlan(c.Context(), o)
	if err != nil {
		return err
	}
	if instead != "" {
		p.Notes = append(p.Notes, instead)
	}
	a.exit = engine.ExitOfPlan(p)
	if format == "json" {
		return report.PlanJSON(a.out, p)
	}
	return report.Plan(a.out, p, a.reportOptions(planFlags{}), "Next: accord offboard "+o.Person)
}

// confirmOffboard asks a person at a terminal, unless --yes has said it.
func (a *app) confirmOffboard(o *engine.OffboardOptions, yes bool, format string) error {
	if yes {
		return nil
	}
	in, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return usageError{errors.New("offboard needs --yes where nobody can be asked; --dry-run shows what it would do")}
	}
	if format == "json" {
		return usageError{errors.New("--format json needs --yes")}
	}
	o.Confirm = func(p *plan.Plan) (bool, error) {
		if err := report.Plan(a.out, p, a.reportOptions(planFlags{}), ""); err != nil {
			return false, err
		}
		fmt.Fprintf(a.err, "\nTake all of this away from %s now? Only \"yes\" is a yes: ", p.Leave)
		line, err := bufio.NewReader(a.in).ReadString('\n')
		return err == nil && strings.TrimSpace(line) == "yes", nil
	}
	return nil
}

func (a *app) offboard(c *cobra.Command, o engine.OffboardOptions, format string) error {
	line := a.readProgress()
	state := map[string]apply.Progress{}
	o.Progress = func(p apply.Progress) {
		state[p.System] = p
		line.draw(bar(state))
	}
	res, err := a.engine().Offboard(c.Context(), o)
	line.clear()
	if res == nil {
		return err
	}
	a.exit = res.Exit
	if format == "json" {
		err = errors.Join(err, report.OffboardJSON(a.out, *res))
	} else {
		err = errors.Join(err, report.OffboardText(a.out, *res, a.reportOptions(planFlags{})))
	}
	if err != nil {
		a.printError(err)
		return exitError(engine.ExitPartly)
	}
	return nil
}
