package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/forge"
	"github.com/accordhq/accord/engine/report"
)

func (a *app) ciApprovalsCommand() *cobra.Command {
	var f ciFlags
	var base, system, out string
	c := &cobra.Command{
		Use:   "approvals",
		Short: "Write down who approved a merge request, as evidence for plan and apply",
		Long: `Approvals asks the forge who approves the merge request, when they did and for which
commit, and who wrote it, and writes the evidence that --approvals of plan and apply reads. The
last review of each person counts; one that was dismissed doesn't. Without a request (after the
merge) it is that of the commit that the job runs for.

Accounts become people by the declaration at --base: by the account that a document names for
the system of the forge (accounts: {github: alice-l}), by that system's rule, else by the
address that the forge shows. It must be a revision before the change.

Run it where the change can't alter the job, and keep the file from the change.

Exit codes: 0 written, 1 it failed, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	f.register(c)
	c.Flags().StringVar(&base, "base", "", "the revision that tells who is who: the target's, never the change's (required)")
	c.Flags().StringVar(&system, "system", "", "the declared system whose accounts are the forge's (named as the forge, if left out)")
	c.Flags().StringVarP(&out, "out", "o", "", "write the evidence to this file (standard output if left out)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if base == "" {
			return usageError{errors.New("--base REV says which revision tells who is who: the tip of the target, as origin/main")}
		}
		t, opened, _, err := a.openForge(c.Context(), &f)
		if err != nil {
			return err
		}
		defer opened.Close()
		found, err := opened.Evidence(c.Context())
		if err != nil {
			return err
		}
		o := engine.EvidenceOptions{Source: engine.Source{Dir: a.flags.dir, Rev: base}, System: system, Host: opened.Host()}
		if o.System == "" {
			o.System = string(t.Kind)
		}
		evidence, people, err := a.engine().Evidence(c.Context(), o, found)
		if err != nil {
			return err
		}
		err = a.writeTo(out, func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			return enc.Encode(evidence)
		})
		if err != nil {
			return fmt.Errorf("writing the evidence: %w", err)
		}
		return a.sayReviewers(found, people)
	}
	return c
}

// writeTo writes a file whole or not at all; without a name it is standard output.
func (a *app) writeTo(name string, write func(io.Writer) error) error {
	if name == "" || name == "-" {
		return write(a.out)
	}
	f, err := newWhole(name)
	if err != nil {
		return err
	}
	err = write(f)
	return errors.Join(err, f.end(err == nil))
}

// sayReviewers tells on stderr what was found, and what of it can't count.
func (a *app) sayReviewers(e forge.Evidence, people []engine.Reviewer) error {
	fmt.Fprintf(a.err, "%s of request %d\n", report.Count(len(people), "approval", "approvals"), e.Request.Number)
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, r := range people {
		name, note := r.Person, ""
		if name == "" {
			name, note = "nobody", r.Why
		}
		if !r.Here {
			note = join(note, fmt.Sprintf("this clone lacks the commit; git fetch origin %s", r.Commit))
		}
		fmt.Fprintf(w, "  %s\t%s\t%.8s\t%s\t%s\n", report.Clean(name), report.Clean(r.Login), r.Commit, r.At.UTC().Format("2006-01-02 15:04"), report.Clean(note))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(a.err, strings.TrimRight(line, " \n"))
	}
	for _, p := range e.Passed {
		fmt.Fprintf(a.err, "  not counted: %s\n", report.Clean(p))
	}
	return nil
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
