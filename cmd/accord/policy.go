package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/policy"
)

func (a *app) policyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Test the rules that judge changes, and try them out",
		Long: `Rules judge what a plan would change: those of the folders that accord.yaml names under
policy:, written in Rego, and the built-in ones that it switches on under rules:.`,
		Args: exactArgs(0, 0, "a subcommand: check, test, try, inputs or rules"),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.policyCheckCommand(), a.policyTestCommand(), a.policyTryCommand(), a.policyInputsCommand(), a.policyRulesCommand())
	return c
}

func (a *app) policyTestCommand() *cobra.Command {
	var rev string
	c := &cobra.Command{
		Use:   "test",
		Short: "Run the tests of the policies, with coverage",
		Long: `Test reads the policies of the folder as it is (or of a commit, with --rev) and runs the
tests beside them: rules whose names begin with test_, in files whose names end in
_test.rego. Failures are printed as opa test prints them, then the lines of the rules that
no test reached. -v names the tests that passed, too. It needs no credentials.

Exit codes: 0 all pass, 1 some don't, or can't be run, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	c.Flags().StringVar(&rev, "rev", "", "test the policies of this git revision instead of the folder's")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.withPolicies(c.Context(), rev, func(p *engine.Policies) error {
			report, err := p.Test(c.Context())
			if err != nil {
				return err
			}
			if !report.OK() {
				a.exit = engine.ExitFailed
			}
			return report.Write(a.out, a.flags.verbose)
		})
	}
	return c
}

// withPolicies reads the policies of the folder, or of a revision, once the declaration that
// they belong to is known to be sound.
func (a *app) withPolicies(ctx context.Context, rev string, do func(*engine.Policies) error) (err error) {
	d, err := a.engine().Validate(ctx, engine.Source{Dir: a.flags.dir, Rev: rev, Worktree: rev == ""})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	p, err := d.Policies(ctx)
	if err != nil {
		return err
	}
	if !p.Any() {
		return errNoPolicies
	}
	return do(p)
}

var errNoPolicies = errors.New("there are no policies: name a folder of them under policy: in accord.yaml, or switch on built-in rules under rules: (accord policy rules lists them)")

// problemsIn shows what is wrong with a file as what is wrong with the declaration is shown.
func problemsIn(list []policy.Problem, data []byte) error {
	lines := strings.Split(string(data), "\n")
	var out declare.Problems
	for _, p := range list {
		one := declare.Problem{Pos: declare.Pos{File: p.File, At: declare.At{Line: int32(p.Line), Col: int32(p.Col)}}, Message: p.Text, Hint: p.Hint}
		if p.Line > 0 && p.Line <= len(lines) {
			one.Source = strings.TrimRight(lines[p.Line-1], "\r")
		}
		out = append(out, one)
	}
	return out.Err()
}
