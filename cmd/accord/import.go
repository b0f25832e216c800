package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/adopt"
	"github.com/accordhq/accord/engine/report"
)

func (a *app) importCommand() *cobra.Command {
	var o engine.ImportOptions
	var allow []string
	c := &cobra.Command{
		Use:   "import SYSTEM",
		Short: "Write what is live on a system, and isn't declared yet, into a file",
		Long: `Import reads a system and writes people for the accounts that nobody has, and groups and
grants for what is held there, into imported/SYSTEM.yaml (or --out), so that the next plan has
nothing to do. It reads the folder as it is, and touches no document that is there: a file is
only added to if an import wrote it and nobody has edited it since. What can't be expressed is
listed with its reason, and so are lines that only the system's own document can hold.

Exit codes: 0 done, or nothing to write, 6 the system couldn't be read completely, 1 it failed,
64 wrong usage. Unless it is 0 nothing was written.`,
		Args: exactArgs(1, 1, "a system"),
	}
	c.Flags().StringVar(&o.Out, "out", "", "the file to write, relative to accord.yaml (imported/SYSTEM.yaml if left out)")
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "print the file instead of writing it")
	c.Flags().StringArrayVar(&o.Services, "services", nil, "accounts with such names (globs) become services")
	c.Flags().StringSliceVar(&o.Owners, "owner", nil, "who answers for these services: people or groups (the system's owners if left out)")
	c.Flags().StringArrayVar(&allow, "allow", nil, "lift one refusal to read, as NAME:REF")
	c.Flags().DurationVar(&o.Timeout, "timeout", 2*time.Minute, "how long the system may take to be read")
	format := addFormat(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		o.Dir, o.System = a.flags.dir, args[0]
		for _, s := range allow {
			one, ok := engine.ParseAllow(s)
			if !ok {
				return usageError{fmt.Errorf("--allow takes NAME:REF, as in reads-empty:github, not %q", s)}
			}
			o.Allow = append(o.Allow, one)
		}
		progress := a.readProgress()
		o.Progress = progress.read
		i, err := a.engine().Import(c.Context(), o)
		progress.clear()
		if errors.Is(err, engine.ErrUnread) {
			a.printError(err)
			return exitError(engine.ExitIncomplete)
		}
		if err != nil {
			return err
		}
		if *format == "json" {
			return importJSON(a.out, i)
		}
		return importText(a.out, a.err, i)
	}
	return c
}

// importText says what became of an import. In a dry run stdout has the files alone, so that
// they can be sent somewhere, and the rest goes to stderr.
func importText(out, hints io.Writer, i *engine.Imported) error {
	var b strings.Builder
	d := i.Documents
	fmt.Fprintf(&b, "%s  %s and %s read; %s\n", i.System, report.Count(i.Accounts, "account", "accounts"), report.Count(i.Grants, "grant", "grants"), importCounts(d))
	for _, f := range i.Files {
		fmt.Fprintf(&b, "  %s\n", report.Clean(f.Path))
	}
	if text := d.Fragment(); text != "" {
		fmt.Fprintf(&b, "\nAdd to the system's document (%s:%d), which import doesn't touch\n%s", report.Clean(i.File), i.Line, indented(text))
	}
	if len(d.Manage) > 0 {
		fmt.Fprintf(&b, "\nThe system's document (%s:%d) doesn't manage all of this; until it does, the rest is only reported\n  add to manage: %s\n",
			report.Clean(i.File), i.Line, strings.Join(d.Manage, ", "))
	}
	importGaps(&b, d.Gaps)
	if len(d.Notes) > 0 {
		b.WriteString("\nNotes\n")
		for _, n := range d.Notes {
			fmt.Fprintf(&b, "  %s\n", report.Clean(n))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", importNext(i))
	if !i.Written && len(i.Files) > 0 {
		for _, f := range i.Files {
			if _, err := out.Write(f.Data); err != nil {
				return err
			}
		}
		out = hints
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// importNext is the last line: what to do now.
func importNext(i *engine.Imported) string {
	switch {
	case len(i.Files) == 0 && len(i.Documents.Resources) == 0:
		return "There is nothing to write. Next: accord plan"
	case len(i.Files) == 0:
		return "There is nothing else to write. Next: add these lines, commit, and accord plan"
	case i.Written:
		return fmt.Sprintf("Read through %s, commit, and then: accord plan", report.Clean(i.Files[0].Path))
	}
	return "Nothing was written."
}

func importCounts(d *adopt.Result) string {
	services := 0
	for _, p := range d.People {
		if p.Service {
			services++
		}
	}
	var out []string
	for _, c := range []struct {
		n         int
		one, many string
	}{
		{len(d.People) - services, "person", "people"}, {services, "service", "services"},
		{len(d.Groups), "group", "groups"}, {len(d.Grants), "grant", "grants"},
	} {
		if c.n > 0 {
			out = append(out, report.Count(c.n, c.one, c.many))
		}
	}
	if len(out) == 0 {
		return "nothing new"
	}
	return "new: " + strings.Join(out, ", ")
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// importGaps lists what couldn't be expressed: all that is so for one reason together, so that
// nothing is hidden and a hundred of one kind stay readable.
func importGaps(b *strings.Builder, gaps []adopt.Gap) {
	if len(gaps) == 0 {
		return
	}
	b.WriteString("\nCould not be expressed\n")
	var reasons []string
	by := map[string][]string{}
	for _, g := range gaps {
		name := g.Subject.String()
		if g.Subject.IsAccount() {
			name = g.Subject.Name
		}
		if !g.Target.IsZero() {
			name += " on " + g.Target.String() + ": " + g.Permission
		}
		if by[g.Why] == nil {
			reasons = append(reasons, g.Why)
		}
		by[g.Why] = append(by[g.Why], report.Clean(name))
	}
	slices.Sort(reasons)
	for _, why := range reasons {
		fmt.Fprintf(b, "  %s\n", report.Clean(why))
		for _, name := range by[why] {
			fmt.Fprintf(b, "    %s\n", name)
		}
	}
}

// importJSON is `import --format json`.
func importJSON(w io.Writer, i *engine.Imported) error {
	type file struct {
		Path string `json:"path"`
		Text string `json:"text"`
	}
	out := struct {
		FormatVersion int         `json:"formatVersion"`
		System        string      `json:"system"`
		Document      string      `json:"document"`
		Line          int         `json:"line"`
		Accounts      int         `json:"accounts"`
		Grants        int         `json:"grants"`
		Written       bool        `json:"written"`
		Files         []file      `json:"files"`
		Resources     string      `json:"resources,omitempty"`
		Manage        []string    `json:"manage,omitempty"`
		Gaps          []adopt.Gap `json:"gaps,omitempty"`
		Notes         []string    `json:"notes,omitempty"`
	}{FormatVersion: 1, System: i.System, Document: i.File, Line: i.Line, Accounts: i.Accounts, Grants: i.Grants, Written: i.Written, Files: []file{},
		Resources: i.Documents.Fragment(), Manage: i.Documents.Manage, Gaps: i.Documents.Gaps, Notes: i.Documents.Notes}
	for _, f := range i.Files {
		out.Files = append(out.Files, file{f.Path, string(f.Data)})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
