package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/report"
	"github.com/accordhq/accord/policy"
)

// maxChange bounds the file that try reads: one change is some kilobytes.
const maxChange = 1 << 20

func (a *app) policyTryCommand() *cobra.Command {
	var file, rev string
	c := &cobra.Command{
		Use:   "try --change FILE",
		Short: "Judge one change and show how the decision came about",
		Long: `Try judges one change by the policies of the folder as it is (or of a commit, with --rev),
and prints what the rules evaluated on the way, and their results. FILE is JSON with what a
rule of package accord sees as input (accord policy inputs --schema change describes it);
- reads it from stdin. Fields that are left out are empty; op is then add, kind grant,
class change, origin step, and id try. Exemptions aren't considered.

Exit codes: 0 no rule refuses, 3 a rule refuses or demands an approval, 1 it failed, 64
wrong usage.`,
		Args: exactArgs(0, 0, "no arguments; the change comes with --change FILE"),
	}
	c.Flags().StringVar(&file, "change", "", "a JSON file with the change, or - for stdin")
	c.Flags().StringVar(&rev, "rev", "", "judge by the policies of this git revision instead of the folder's")
	format := addFormat(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if file == "" {
			return usageError{errors.New("accord policy try needs --change FILE; accord policy inputs --schema change describes the file")}
		}
		data, name, err := a.readChange(file)
		if err != nil {
			return err
		}
		return a.withPolicies(c.Context(), rev, func(p *engine.Policies) error {
			change, wrong := policy.DecodeChange(name, data, p.Options.Attributes)
			if len(wrong) > 0 {
				return problemsIn(wrong, data)
			}
			if change.Change.ID == "" {
				change.Change.ID = "try"
			}
			judge, err := p.Compile(c.Context())
			if err != nil {
				return err
			}
			trace, results, err := judge.Try(c.Context(), change)
			return a.showTry(tried{Trace: trace, Results: results}, err, *format == "json")
		})
	}
	return c
}

func (a *app) readChange(file string) (data []byte, name string, err error) {
	in, name := a.in, "stdin"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, "", fmt.Errorf("reading the change: %w", err)
		}
		defer f.Close()
		in, name = f, file
	}
	if data, err = io.ReadAll(io.LimitReader(in, maxChange+1)); err != nil {
		return nil, "", fmt.Errorf("reading the change: %w", err)
	}
	if len(data) > maxChange {
		return nil, "", fmt.Errorf("reading the change: %s has more than %d bytes; it holds one change", name, maxChange)
	}
	return data, name, nil
}

// tried is the outcome of try, also as its JSON.
type tried struct {
	FormatVersion int             `json:"formatVersion"`
	Refused       bool            `json:"refused"`
	Results       []policy.Result `json:"results"`
	Trace         string          `json:"trace"`
}

func (a *app) showTry(t tried, failed error, asJSON bool) error {
	counts := map[policy.Kind]int{}
	for _, r := range t.Results {
		counts[r.Kind]++
	}
	t.FormatVersion, t.Refused = 1, counts[policy.Deny]+counts[policy.RequireApproval] > 0
	if t.Refused {
		a.exit = engine.ExitRefused
	}
	if asJSON && failed == nil {
		if t.Results == nil {
			t.Results = []policy.Result{}
		}
		return a.writeJSON(t)
	}
	out := a.out
	if asJSON { // the result is no JSON: it belongs to the error
		out = a.err
	}
	var b bytes.Buffer
	if t.Trace != "" {
		b.WriteString("Trace\n" + traceText(t.Trace) + "\n")
	}
	if failed == nil {
		b.WriteString(tryText(t.Results, counts))
	}
	_, err := out.Write(b.Bytes())
	return errors.Join(failed, err)
}

// tryText tells of every result, and what they come to.
func tryText(results []policy.Result, counts map[policy.Kind]int) string {
	var b strings.Builder
	for _, r := range results {
		fmt.Fprintf(&b, "%-16s  %-28s %s:%d\n", r.Kind, r.Rule, report.Clean(r.At.File), r.At.Line)
		lines := []string{r.Msg}
		switch {
		case r.Title != "" && r.Severity != "":
			lines = append(lines, r.Title+" · severity "+r.Severity)
		case r.Severity != "":
			lines = append(lines, "severity "+r.Severity)
		case r.Title != "":
			lines = append(lines, r.Title)
		}
		if r.Remediation != "" {
			lines = append(lines, r.Remediation)
		}
		if r.Approvers != nil {
			lines = append(lines, "may be approved by: "+orNobody(r.Approvers))
		}
		if r.Exempt != "" {
			lines = append(lines, "lifted by: "+r.Exempt)
		}
		if r.File != "" {
			lines = append(lines, fmt.Sprintf("about: %s:%d", r.File, r.Line))
		}
		for _, l := range lines {
			b.WriteString("  " + report.Clean(l) + "\n")
		}
		b.WriteByte('\n')
	}
	if len(results) == 0 {
		return "No rule has anything against it.\n"
	}
	var sum []string
	for _, k := range []struct {
		kind      policy.Kind
		one, many string
	}{
		{policy.Deny, "refusal", "refusals"}, {policy.RequireApproval, "approval demanded", "approvals demanded"},
		{policy.Warn, "warning", "warnings"}, {policy.Exception, "exception", "exceptions"},
	} {
		if n := counts[k.kind]; n > 0 {
			sum = append(sum, report.Count(n, k.one, k.many))
		}
	}
	b.WriteString(strings.Join(sum, ", ") + ".\n")
	return b.String()
}

func orNobody(ids []string) string {
	if len(ids) == 0 {
		return "nobody"
	}
	return report.Clean(strings.Join(ids, ", "))
}

// traceText sets the trace apart from the results.
func traceText(trace string) string {
	var b strings.Builder
	for line := range strings.Lines(trace) {
		line = strings.ReplaceAll(strings.TrimRight(line, "\r\n "), "\t", "    ")
		if line != "" {
			b.WriteString("  " + report.Clean(line) + "\n")
		}
	}
	return b.String()
}
