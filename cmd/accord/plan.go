package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/observe"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

func (a *app) planCommand() *cobra.Command {
	var f planFlags
	var out, inputs, metrics string
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what would change, and why",
		Long: `Plan reads a commit (HEAD unless --rev says otherwise) and every system, and shows what
applying it would change. It can't write to any system.

Policies judge it: those of --base, else of what was applied last (see accord policy).

Exit codes: 0 nothing to do, 2 there are changes, 3 a guard or a policy refuses something,
6 some system couldn't be read completely, 1 it failed, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	f.register(c)
	var format planFormat
	format.add(c)
	c.Flags().StringVar(&f.at, "at", "", "plan for this instant instead of now; can't be applied")
	c.Flags().BoolVar(&f.live, "live", true, "read the systems; --live=false shows what the declaration alone changes")
	c.Flags().StringVarP(&out, "out", "o", "", "write the plan to this file, for accord apply")
	addMetrics(c, &metrics)
	c.Flags().StringVar(&inputs, "inputs", "", "write what the policies were asked to this file, one JSON document a line")
	c.RunE = func(c *cobra.Command, _ []string) error {
		o, err := a.planOptions(f)
		if err != nil {
			return err
		}
		if out != "" && (f.at != "" || !f.live) {
			return usageError{fmt.Errorf("--out writes a plan that can be applied; not with --at or --live=false")}
		}
		if err := format.check(); err != nil {
			return err
		}
		questions, err := recordInputs(inputs, &o)
		if err != nil {
			return format.fail(a, err)
		}
		d, decl, err := a.look(c, o)
		if err = errors.Join(err, questions(err == nil)); err != nil {
			return format.fail(a, err)
		}
		defer decl.Close()
		p := d.Plan
		next := "Next: accord apply"
		if out != "" {
			if err := writePlan(out, p); err != nil {
				return err
			}
			next = fmt.Sprintf("Written to %s. Next: accord apply %s", out, out)
		}
		a.exit = engine.ExitOfPlan(p)
		if err := a.writeMetrics(metrics, lookRun("plan", d, a.exit, a.now())); err != nil {
			return err
		}
		return format.write(a, p, a.reportOptions(f), next)
	}
	return c
}

// look plans, with progress and with a word about files that aren't committed.
func (a *app) look(c *cobra.Command, o engine.PlanOptions) (*engine.Drifted, *engine.Declaration, error) {
	progress := a.readProgress()
	o.Progress = progress.read
	d, decl, err := a.engine().Drift(c.Context(), engine.DriftOptions{PlanOptions: o})
	progress.clear()
	if err != nil {
		return nil, nil, err
	}
	a.sayDiffers(decl)
	return d, decl, nil
}

func (a *app) sayDiffers(d *engine.Declaration) {
	if n := len(d.Differs); n > 0 {
		files := strings.Join(d.Differs[:min(n, 3)], ", ")
		if n > 3 {
			files += fmt.Sprintf(" and %d more", n-3)
		}
		fmt.Fprintf(a.err, "The folder differs from the commit that was read: %s. Commit, or use --worktree.\n", report.Clean(files))
	}
}

// writePlan writes the file whole or not at all.
func writePlan(name string, p *plan.Plan) error {
	f, err := newWhole(name)
	if err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	if err := plan.Write(f, p); err != nil {
		return errors.Join(err, f.end(false))
	}
	if err := f.end(true); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return nil
}

// recordInputs writes what the policies are asked; the function that it returns ends the file,
// or does away with it.
func recordInputs(name string, o *engine.PlanOptions) (end func(ok bool) error, err error) {
	if name == "" {
		return func(bool) error { return nil }, nil
	}
	f, err := newWhole(name)
	if err != nil {
		return nil, fmt.Errorf("writing the inputs: %w", err)
	}
	w := bufio.NewWriter(f)
	o.Inputs = func(in []byte) error {
		_, err := w.Write(append(in, '\n'))
		return err
	}
	return func(ok bool) error {
		err := w.Flush()
		if err = errors.Join(err, f.end(ok && err == nil)); err != nil {
			return fmt.Errorf("writing the inputs: %w", err)
		}
		return nil
	}, nil
}

// whole is a file that is there whole or not at all.
type whole struct {
	*os.File
	name string
}

func newWhole(name string) (*whole, error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".accord-*")
	if err != nil {
		return nil, err
	}
	return &whole{File: f, name: name}, nil
}

// end puts the file in its place; without ok it is removed.
func (w *whole) end(ok bool) error {
	err := w.Close()
	if ok && err == nil {
		err = os.Rename(w.File.Name(), w.name)
	}
	if !ok || err != nil {
		err = errors.Join(err, os.Remove(w.File.Name()))
	}
	return err
}

func readPlan(name string) (*plan.Plan, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	defer f.Close()
	p, err := plan.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// progressLine is one line on a terminal that is drawn over and over. Elsewhere it is nothing.
type progressLine struct {
	w    io.Writer // nil: no terminal
	used bool
	done []string
}

func (a *app) readProgress() *progressLine {
	p := &progressLine{}
	if a.terminal() {
		p.w = a.err
	}
	return p
}

func (p *progressLine) read(r observe.Result) {
	if p.w == nil {
		return
	}
	p.done = append(p.done, r.System)
	p.draw(fmt.Sprintf("read %d: %s (%.1f s)", len(p.done), r.System, r.Took.Seconds()))
}

func (p *progressLine) draw(s string) {
	if p.w != nil {
		fmt.Fprintf(p.w, "\r\x1b[K%s", s)
		p.used = true
	}
}

func (p *progressLine) clear() {
	if p.used {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
