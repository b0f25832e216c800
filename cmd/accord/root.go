package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/accordhq/accord/connectors/all"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

// globals are the flags of every command.
type globals struct {
	dir     string
	verbose bool
}

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "accord",
		Short: "Bring access into accord with git",
		Long: `Accord brings live access into accord with git. Who may use which system is declared
as YAML in a git repository; accord compares that with what each system really grants,
shows the difference as a plan, and applies exactly that plan.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q; accord --help lists them", args[0])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().StringVarP(&a.flags.dir, "dir", "C", ".", "the access repository, or a folder inside it")
	c.PersistentFlags().BoolVarP(&a.flags.verbose, "verbose", "v", false, "say more; debug messages go to stderr")
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; %s --help lists the flags", err, c.CommandPath())}
	})
	c.AddCommand(a.initCommand(), a.importCommand(), a.validateCommand(), a.planCommand(), a.applyCommand(), a.offboardCommand(), a.driftCommand(), a.whoCommand(), a.whyCommand(),
		a.expiringCommand(), a.showCommand(), a.auditCommand(), a.ciCommand(), a.policyCommand(), a.journalCommand(), a.schemaCommand(), a.connectorsCommand(), a.versionCommand())
	c.CompletionOptions.HiddenDefaultCmd = true
	return c
}

// exactArgs is cobra's count of arguments as a usage error.
func exactArgs(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		return usageError{fmt.Errorf("%s takes %s; %s --help tells more", c.CommandPath(), what, c.CommandPath())}
	}
}

// engine makes the engine from what surrounds the program.
func (a *app) engine() *engine.Engine {
	level := slog.LevelWarn
	if a.flags.verbose {
		level = slog.LevelDebug
	}
	return &engine.Engine{
		Types:   all.Types(),
		Log:     slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level})),
		Now:     a.now,
		Version: programVersion(),
		Actor:   actor(),
		Cache:   cacheFolder(),
	}
}

// cacheFolder is where runs leave what they understood of the repository: by ACCORD_CACHE, else in
// the user's own cache. Nowhere is fine too.
func cacheFolder() string {
	switch dir := os.Getenv("ACCORD_CACHE"); dir {
	case "off":
		return ""
	case "":
	default:
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "accord")
}

// actor names who runs the program: what CI says of it, else the user of the machine.
func actor() string {
	for _, key := range []string{"ACCORD_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "CI_COMMIT_AUTHOR"} {
		if v := os.Getenv(key); v != "" {
			return v
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// formatFlag is one of the formats that a command offers.
type formatFlag struct {
	value string
	known []string
}

func (f *formatFlag) String() string { return f.value }
func (f *formatFlag) Type() string   { return "format" }

// Set accepts the known formats.
func (f *formatFlag) Set(s string) error {
	if !slices.Contains(f.known, s) {
		return fmt.Errorf("the format %q isn't known; it is %s", s, f.list())
	}
	f.value = s
	return nil
}

func (f *formatFlag) list() string {
	last := len(f.known) - 1
	return strings.Join(f.known[:last], ", ") + " or " + f.known[last]
}

// addFormat adds --format: text, which is the default, json, and what the command offers besides.
func addFormat(c *cobra.Command, more ...string) *string {
	f := &formatFlag{value: "text", known: append([]string{"text", "json"}, more...)}
	c.Flags().Var(f, "format", f.list())
	return &f.value
}

// planFlags are the flags of everything that plans.
type planFlags struct {
	rev, base string
	worktree  bool
	at        string
	live      bool
	systems   []string
	only      []string
	allow     []string
	groupBy   string
	approvals string
}

func (f *planFlags) source(c *cobra.Command) {
	c.Flags().StringVar(&f.rev, "rev", "", "the git revision to read (HEAD if left out)")
	c.Flags().BoolVar(&f.worktree, "worktree", false, "read the folder as it is instead of a commit")
	c.Flags().StringSliceVar(&f.systems, "system", nil, "only these systems")
}

func (f *planFlags) register(c *cobra.Command) {
	f.source(c)
	c.Flags().StringVar(&f.base, "base", "", "the revision that the change starts from (the last applied one if left out)")
	c.Flags().StringSliceVar(&f.only, "only", nil, "only these classes: change, time, drift; leavers are always in")
	c.Flags().StringArrayVar(&f.allow, "allow", nil, "lift one refusal for this plan, as NAME:REF")
	c.Flags().StringVar(&f.approvals, "approvals", "", "a file that tells who approved what, written by a trusted job")
	c.Flags().StringVar(&f.groupBy, "group-by", "person", "person or system")
}

func (a *app) planOptions(f planFlags) (engine.PlanOptions, error) {
	o := engine.PlanOptions{
		Source: engine.Source{Dir: a.flags.dir, Rev: f.rev, Worktree: f.worktree},
		Base:   f.base, NoLive: !f.live, Systems: f.systems,
	}
	var errs []error
	if f.rev != "" && f.worktree {
		errs = append(errs, errors.New("--rev and --worktree exclude each other"))
	}
	if f.groupBy != "" && f.groupBy != "person" && f.groupBy != "system" {
		errs = append(errs, fmt.Errorf("--group-by is person or system, not %q", f.groupBy))
	}
	for _, s := range f.only {
		switch class := plan.Class(s); class {
		case plan.ClassChange, plan.ClassTime, plan.ClassDrift:
			o.Only = append(o.Only, class)
		default:
			errs = append(errs, fmt.Errorf("--only takes change, time and drift, not %q", s))
		}
	}
	for _, s := range f.allow {
		allow, ok := engine.ParseAllow(s)
		if !ok {
			errs = append(errs, fmt.Errorf("--allow takes NAME:REF, as in mass-revoke:github, not %q", s))
		}
		o.Allow = append(o.Allow, allow)
	}
	if f.at != "" {
		var err error
		if o.At, o.Day, err = parseInstant(f.at); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return o, usageError{err}
	}
	if f.approvals != "" {
		var err error
		if o.Approvals, err = readApprovals(f.approvals); err != nil {
			return o, err
		}
	}
	return o, nil
}

func readApprovals(name string) (*engine.Approvals, error) {
	r, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the approvals: %w", err)
	}
	defer r.Close()
	a, err := engine.ReadApprovals(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}

// parseInstant reads an instant, or a plain day, which begins in the repository's time zone.
func parseInstant(s string) (at time.Time, day bool, err error) {
	if at, err = time.Parse(time.RFC3339, s); err == nil {
		return at, false, nil
	}
	if at, err = time.Parse(time.DateOnly, s); err == nil {
		return at, true, nil
	}
	return time.Time{}, false, fmt.Errorf("--at takes a date like 2027-01-01 or an instant like 2027-01-01T09:00:00Z, not %q", s)
}

func (a *app) reportOptions(f planFlags) report.Options {
	return report.Options{Color: a.color(), GroupBy: f.groupBy, Verbose: a.flags.verbose}
}

// color is used on a terminal unless NO_COLOR is set (no-color.org).
func (a *app) color() bool {
	f, ok := a.out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// terminal reports whether progress may be drawn on stderr.
func (a *app) terminal() bool {
	f, ok := a.err.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// printError shows an error: what is wrong with the declaration in full, anything else in a
// line.
func (a *app) printError(err error) {
	var ps declare.Problems
	if errors.As(err, &ps) {
		fmt.Fprintf(a.err, "%s\n\n%s. Nothing was read from any system.\n", ps, ps.Summary())
		return
	}
	for i, line := range strings.Split(strings.TrimSpace(err.Error()), "\n") {
		if i == 0 {
			line = "accord: " + line
		}
		fmt.Fprintln(a.err, report.Clean(line))
	}
}
