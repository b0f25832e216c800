package main

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/apply"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

func (a *app) applyCommand() *cobra.Command {
	var f planFlags
	var yes bool
	var metrics string
	c := &cobra.Command{
		Use:   "apply [PLAN]",
		Short: "Carry out a plan",
		Long: `Apply plans against a fresh read and carries that out: without PLAN what is planned now,
after a question (or with --yes); with PLAN what of the reviewed plan still holds. Where a
system is no longer as it was reviewed it is left alone and the difference is shown;
leavers proceed. Everything is in the journal before it is done, and read back after.

Exit codes: 0 done, 1 failed with nothing changed, 5 applied in part, 4 the plan is stale,
3 a guard or a policy refuses something, 6 some system couldn't be read completely, 64 wrong usage.`,
		Args: exactArgs(0, 1, "at most one plan file"),
	}
	f.register(c)
	format := addFormat(c)
	addMetrics(c, &metrics)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	f.live = true
	c.RunE = func(c *cobra.Command, args []string) error {
		a.pacer.set(pacePlanning)
		o, err := a.planOptions(f)
		if err != nil {
			return err
		}
		ao := engine.ApplyOptions{PlanOptions: o, Loaded: a.sayDiffers}
		if len(args) == 1 {
			if ao.Reviewed, err = readPlan(args[0]); err != nil {
				return err
			}
		}
		if err := a.confirming(&ao, yes, f, *format); err != nil {
			return err
		}
		return a.apply(c, ao, f, *format, metrics)
	}
	return c
}

// confirming decides who says yes: --yes, the reviewed plan, or a person at a terminal.
func (a *app) confirming(o *engine.ApplyOptions, yes bool, f planFlags, format string) error {
	if o.Reviewed != nil {
		o.Confirm = func(p *plan.Plan, _ []plan.Delta) (bool, error) {
			if p.PlanDigest == o.Reviewed.PlanDigest {
				fmt.Fprintf(a.err, "Plan %.8s still holds: the same steps by the same rules.\n", p.PlanDigest)
			}
			return true, nil
		}
		return nil
	}
	if yes {
		return nil
	}
	in, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return usageError{errors.New("apply needs a plan file, or --yes where nobody can be asked")}
	}
	if format == "json" {
		return usageError{errors.New("--format json needs a plan file or --yes")}
	}
	o.Confirm = func(p *plan.Plan, _ []plan.Delta) (bool, error) {
		if err := report.Plan(a.out, p, a.reportOptions(f), ""); err != nil {
			return false, err
		}
		if p.Running() == 0 {
			return true, nil
		}
		fmt.Fprintf(a.err, "\nApply these %d steps? Only \"yes\" is a yes: ", p.Running())
		line, err := bufio.NewReader(a.in).ReadString('\n')
		return err == nil && strings.TrimSpace(line) == "yes", nil
	}
	return nil
}

func (a *app) apply(c *cobra.Command, o engine.ApplyOptions, f planFlags, format, metrics string) error {
	line := a.readProgress()
	state := map[string]apply.Progress{}
	var begun sync.Once
	o.Progress = func(p apply.Progress) {
		begun.Do(func() { a.pacer.set(paceApplying) })
		state[p.System] = p
		line.draw(bar(state))
	}
	res, err := a.engine().Apply(c.Context(), o)
	line.clear()
	if res == nil || res.Run == "" && err != nil {
		return err
	}
	a.exit = res.Exit
	if err != nil && a.exit == engine.ExitOK {
		a.exit = engine.ExitPartly
	}
	a.sayUndelivered(res.Told)
	a.sayUnrecorded(res.Unrecorded)
	err = errors.Join(err, a.writeMetrics(metrics, report.Run{Command: "apply", Plan: res.Plan, Differences: res.Open(), Read: res.Read,
		Pending: report.PendingRemovals(res.Left(), res.Differences, res.Plan.At), At: a.now(), Took: res.Took, Exit: a.exit, Undelivered: undelivered(res.Told)}))
	out := applied(res)
	if format == "json" {
		err = errors.Join(err, report.ApplyJSON(a.out, out))
	} else {
		err = errors.Join(err, report.Apply(a.out, out, a.reportOptions(f)))
	}
	if err != nil {
		a.printError(err)
		if res.Result != nil && !(errors.Is(err, engine.ErrUnpublished) && res.Exit == engine.ExitFailed) {
			return exitError(engine.ExitPartly)
		}
		return exitError(engine.ExitFailed)
	}
	return nil
}

// bar is one line about all systems at work.
func bar(state map[string]apply.Progress) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(state)) {
		p := state[name]
		text := fmt.Sprintf("%s %d/%d", name, p.Done, p.Total)
		if p.Failed > 0 {
			text += fmt.Sprintf(" (%d failed)", p.Failed)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " · ")
}

func applied(r *engine.Applied) report.Applied {
	out := report.Applied{Run: r.Run, Plan: r.Plan, Deltas: r.Deltas, Duration: r.Took, Stopped: r.Stopped, Settings: r.Settings, Exit: r.Exit, ReadBack: map[string]string{}}
	if r.Result == nil {
		return out
	}
	for _, s := range r.Result.Steps {
		step := report.AppliedStep{Step: s.Step, Outcome: string(s.Outcome), Seen: string(s.Seen), Note: s.Note}
		if s.Err != nil {
			step.Error = s.Err.Error()
		}
		out.Steps = append(out.Steps, step)
	}
	for name, s := range r.Result.Systems {
		if s.ReadBack != nil {
			out.ReadBack[name] = s.ReadBack.Error()
		}
	}
	return out
}
