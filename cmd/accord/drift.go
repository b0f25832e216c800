package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/report"
)

func (a *app) driftCommand() *cobra.Command {
	var f planFlags
	var record, who bool
	var metrics, propose string
	c := &cobra.Command{
		Use:   "drift",
		Short: "Show where the systems differ from what was applied",
		Long: `Drift shows what the systems grant that nobody declared, what is declared and missing,
what is still held though its time is over, and what Accord leaves alone; since when, and by
whom where the system says so. It can't write to any system.

With --record it remembers in the journal what it saw, and tells the news to those whom
accord.yaml names under notify. On a schedule, correcting what each system's drift key says:
accord apply --only drift --yes.

With --propose it writes the change of the declaration that would adopt the drift of the systems
whose drift key is propose, or of those named by --system: a patch (accord drift --propose |
git apply), or, with --propose=commit, a branch accord/drift-SYSTEM for each.

Exit codes: 0 no drift, 2 drift, 6 some system couldn't be read completely, 1 it failed, or
somebody couldn't be told (the next run tells them), 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	f.source(c)
	format := addFormat(c, "markdown")
	c.Flags().BoolVar(&record, "record", false, "remember in the journal what is seen, and tell the news")
	c.Flags().BoolVar(&who, "who", true, "ask the systems who wrote what differs; --who=false doesn't")
	addMetrics(c, &metrics)
	c.Flags().StringVar(&propose, "propose", "", "write the change that adopts the drift: patch (if nothing is said) or commit")
	c.Flags().Lookup("propose").NoOptDefVal = "patch"
	f.live = true
	c.RunE = func(c *cobra.Command, _ []string) error {
		o, err := a.planOptions(f)
		if err != nil {
			return err
		}
		if record && f.worktree {
			return usageError{errors.New("--record remembers a look against a commit; not with --worktree")}
		}
		if propose != "" {
			if record || metrics != "" || *format == "markdown" {
				return usageError{errors.New("--propose goes with --format text or json, and neither with --record nor with --metrics")}
			}
			return a.propose(c, o, f, propose, *format)
		}
		progress := a.readProgress()
		o.Progress = progress.read
		d, decl, err := a.engine().Drift(c.Context(), engine.DriftOptions{PlanOptions: o, Record: record, Who: who})
		progress.clear()
		if d == nil {
			return err
		}
		defer decl.Close()
		a.sayDiffers(decl)
		a.sayUndelivered(d.Told)
		a.sayUnrecorded(d.Unrecorded)
		a.exit = d.Exit
		err = errors.Join(err, a.writeMetrics(metrics, lookRun("drift", d, d.Exit, a.now())))
		return errors.Join(err, a.writeDrift(report.Drifted{Plan: d.Plan, Differences: d.Differences}, f, *format))
	}
	return c
}

func (a *app) writeDrift(d report.Drifted, f planFlags, format string) error {
	switch format {
	case "json":
		return report.DriftJSON(a.out, d)
	case "markdown":
		return report.DriftMarkdown(a.out, d, report.MarkdownOptions{})
	}
	return report.Drift(a.out, d, a.reportOptions(f))
}

// sayUndelivered is loud about whom nobody could tell.
func (a *app) sayUndelivered(all []engine.Delivery) {
	for _, d := range all {
		if d.Err != nil {
			fmt.Fprintf(a.err, "accord: %s; the next run tells it\n", report.Clean(d.Err.Error()))
		}
	}
}

// sayUnrecorded tells that what was seen of drift isn't remembered yet.
func (a *app) sayUnrecorded(why error) {
	if why != nil {
		fmt.Fprintf(a.err, "accord: what was seen of drift isn't recorded, and nobody was told: %s. The next look makes up for it\n", report.Clean(why.Error()))
	}
}

func undelivered(all []engine.Delivery) (n int) {
	for _, d := range all {
		if d.Err != nil {
			n++
		}
	}
	return n
}

func addMetrics(c *cobra.Command, name *string) {
	c.Flags().StringVar(name, "metrics", "", "write what was found to this file, for Prometheus' textfile collector")
}

// lookRun are the metrics of a run that only looks.
func lookRun(command string, d *engine.Drifted, exit int, now time.Time) report.Run {
	return report.Run{Command: command, Plan: d.Plan, Differences: d.Differences, Pending: report.PendingRemovals(d.Left(), d.Differences, d.Plan.At),
		Read: d.Read, At: now, Took: d.Took, Exit: exit, Undelivered: undelivered(d.Told)}
}

// writeMetrics writes the file whole or not at all; whoever collects metrics may read it.
func (a *app) writeMetrics(name string, r report.Run) error {
	if name == "" {
		return nil
	}
	f, err := newWhole(name)
	if err != nil {
		return fmt.Errorf("writing the metrics: %w", err)
	}
	err = errors.Join(report.Metrics(f, r), f.Chmod(0o644))
	if err = errors.Join(err, f.end(err == nil)); err != nil {
		return fmt.Errorf("writing the metrics: %w", err)
	}
	return nil
}
