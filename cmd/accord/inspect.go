package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

func (a *app) validateCommand() *cobra.Command {
	var rev string
	c := &cobra.Command{
		Use:   "validate",
		Short: "Check the declaration, without any system",
		Long: `Validate reads the folder as it is (or a commit, with --rev) and reports everything that
is wrong with it, at once. It needs no credentials.

Exit codes: 0 it is sound, 1 it isn't, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	c.Flags().StringVar(&rev, "rev", "", "check this git revision instead of the folder")
	format := addFormat(c, "sarif")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, err := a.engine().Validate(c.Context(), engine.Source{Dir: a.flags.dir, Rev: rev, Worktree: rev == ""})
		switch *format {
		case "json":
			return a.validateJSON(d, err)
		case "sarif":
			return a.validateSARIF(d, err)
		}
		if err != nil {
			return err
		}
		defer d.Close()
		r := d.Repo
		services := len(r.Services())
		fmt.Fprintf(a.out, "The declaration is sound: %s, %s, %s, %s, %s, %s.\n",
			report.Count(r.NumPeople()-services, "person", "people"), report.Count(services, "service", "services"), report.Count(r.NumGroups(), "group", "groups"),
			report.Count(r.NumRoles(), "role", "roles"), report.Count(r.NumGrants(), "grant", "grants"), report.Count(len(r.Systems), "system", "systems"))
		return nil
	}
	return c
}

// problemJSON is one problem of `validate --format json`.
type problemJSON struct {
	File    string `json:"file"`
	Line    int32  `json:"line,omitempty"`
	Column  int32  `json:"column,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// validateSARIF prints what is wrong on the lines where it is. Whatever else fails is an error as
// ever.
func (a *app) validateSARIF(d *engine.Declaration, err error) error {
	if err == nil {
		return errors.Join(report.ProblemsSARIF(a.out, nil), d.Close())
	}
	if ps := (declare.Problems)(nil); !errors.As(err, &ps) {
		return err
	}
	a.exit = engine.ExitFailed
	return report.ProblemsSARIF(a.out, problemsOf(err))
}

func (a *app) validateJSON(d *engine.Declaration, err error) error {
	out := struct {
		FormatVersion int           `json:"formatVersion"`
		Problems      []problemJSON `json:"problems"`
	}{1, []problemJSON{}}
	var ps declare.Problems
	if err != nil && !errors.As(err, &ps) {
		return err
	}
	for _, p := range ps {
		out.Problems = append(out.Problems, problemJSON{p.Pos.File, p.Pos.Line, p.Pos.Col, p.Message, p.Hint})
	}
	if err != nil {
		a.exit = engine.ExitFailed
	}
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	return errors.Join(enc.Encode(out), d.Close())
}

func (a *app) whyCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "why PERSON [SYSTEM/KIND/NAME]",
		Short: "Explain why somebody has an access, or why not",
		Long: `Why prints the chain from a grant to the person, line by line, with the commits that wrote
the lines, the pull request that brought them and who approved it; since when Accord's own
journal has it; and, where somebody doesn't have an access, what stands in the way and the
smallest change that would give it. A certain permission is named behind a colon, as in
'github/repo/api: push'. With --history it tells what Accord did about it before: when, in
which run, from which commit, by whom and on whose approval.

Exit codes: 0 answered, 1 it failed, 64 wrong usage.`,
		Args: exactArgs(1, 2, "a person and perhaps an entitlement"),
	}
	f.source(c)
	format := addFormat(c, "csv")
	history := c.Flags().Bool("history", false, "tell what was given, changed and taken away before, by the journal")
	c.Flags().StringVar(&f.at, "at", "", "ask about this instant instead of now")
	c.Flags().BoolVar(&f.live, "live", true, "read the systems too; --live=false asks the declaration only")
	c.RunE = func(c *cobra.Command, args []string) error {
		o, err := a.planOptions(f)
		if err != nil {
			return err
		}
		wo := engine.WhyOptions{PlanOptions: o, Person: args[0], History: *history}
		if len(args) == 2 {
			if strings.Count(entitlementName(args[1]), "/") < 2 {
				return usageError{fmt.Errorf("%q isn't written as SYSTEM/KIND/NAME", args[1])}
			}
			wo.Entitlement = args[1]
		}
		w, err := a.engine().Why(c.Context(), wo)
		if err != nil {
			return err
		}
		switch *format {
		case "json":
			return report.WhyJSON(a.out, *w)
		case "csv":
			return report.WhyCSV(a.out, *w)
		}
		return report.WhyText(a.out, *w, a.reportOptions(f))
	}
	return c
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [plan]",
		Short: "Print the JSON Schema of the language, for editors, or of a plan",
		Long: `Schema prints the JSON Schema (draft 2020-12) of one document of the language, with the
settings of every connector. With the word plan it prints that of the plan file and of
accord plan --format json, in the version that their formatVersion names.`,
		Args:      exactArgs(0, 1, "no argument, or plan"),
		ValidArgs: []string{"plan"},
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
			case args[0] == "plan":
				_, err := a.out.Write(plan.Schema())
				return err
			default:
				return usageError{fmt.Errorf("there is no schema of %q; accord schema is that of the language, accord schema plan that of a plan", args[0])}
			}
			s, err := declare.Schema(a.engine().Descriptions())
			if err != nil {
				return err
			}
			_, err = a.out.Write(append(s, '\n'))
			return err
		},
	}
}

func (a *app) connectorsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "connectors [NAME]",
		Short: "List the connectors, or tell what one of them can do",
		Args:  exactArgs(0, 1, "at most one name"),
	}
	format := addFormat(c)
	c.RunE = func(_ *cobra.Command, args []string) error {
		var list []access.Description
		for _, t := range a.engine().Types {
			if len(args) == 0 || args[0] == t.Name {
				list = append(list, t.Describe())
			}
		}
		if len(list) == 0 {
			return a.noConnector(args[0])
		}
		if *format == "json" {
			enc := json.NewEncoder(a.out)
			enc.SetIndent("", "  ")
			return enc.Encode(struct {
				FormatVersion int                  `json:"formatVersion"`
				Connectors    []access.Description `json:"connectors"`
			}{1, list})
		}
		if len(args) == 1 {
			return report.Connector(a.out, list[0])
		}
		width := 0
		for _, d := range list {
			width = max(width, len(d.Connector))
		}
		for _, d := range list {
			fmt.Fprintf(a.out, "%-*s  %s\n", width, d.Connector, d.Summary)
		}
		return nil
	}
	return c
}

func (a *app) noConnector(name string) error {
	near := declare.Nearest(name, func(yield func(string) bool) {
		for _, t := range a.engine().Types {
			if !yield(t.Name) {
				return
			}
		}
	})
	if near != "" {
		return fmt.Errorf("no connector %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("no connector %q; accord connectors lists them", name)
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  exactArgs(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			var names []string
			for _, t := range a.engine().Types {
				names = append(names, t.Name)
			}
			_, err := fmt.Fprintf(a.out, "accord %s (%s, %s/%s)\nconnectors: %s\n", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH, strings.Join(names, " "))
			return err
		},
	}
}
