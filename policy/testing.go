package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
)

// fixturePackage has, for tests, a complete input of each kind, so that a test says only what
// matters to it: object.union(fixture.change, {"change": {"op": "add"}}).
const fixturePackage = "accord.fixture"

// TestReport is the outcome of the tests of a policy folder.
type TestReport struct {
	Tests []TestResult
	// Coverage is the share of the rules' lines that the tests reached, in percent.
	Coverage float64
	// NotCovered are the lines, by file, that no test reached.
	NotCovered map[string][]int
	results    []*tester.Result
}

// TestResult is one test.
type TestResult struct {
	Package, Name string
	File          string
	Line          int
	// Outcome is pass, fail, skip or error.
	Outcome string
	// Error tells why it couldn't run.
	Error    string
	Output   string
	Duration time.Duration
}

// OK reports whether there are tests and all that weren't skipped passed.
func (r TestReport) OK() bool {
	return len(r.Tests) > 0 && !slices.ContainsFunc(r.Tests, func(t TestResult) bool { return t.Outcome == "fail" || t.Outcome == "error" })
}

// Write prints the report as `opa test` does; verbose names the tests that passed, too.
func (r TestReport) Write(w io.Writer, verbose bool) error {
	ch := make(chan *tester.Result, len(r.results))
	for _, t := range r.results {
		ch <- t
	}
	close(ch)
	if err := (tester.PrettyReporter{Output: w, Verbose: verbose, FailureLine: true, LocalVars: true}).Report(ch); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	var b bytes.Buffer
	for _, file := range sortedKeys(r.NotCovered) {
		fmt.Fprintf(&b, "not covered: %s:%s\n", file, lineList(r.NotCovered[file]))
	}
	fmt.Fprintf(&b, "COVERAGE: %.1f%%\n", r.Coverage)
	_, err := w.Write(b.Bytes())
	return err
}

// lineList writes 3,4,5,9 as 3-5,9.
func lineList(lines []int) string {
	var parts []string
	for i := 0; i < len(lines); {
		j := i
		for j+1 < len(lines) && lines[j+1] == lines[j]+1 {
			j++
		}
		if parts = append(parts, fmt.Sprint(lines[i])); j > i {
			parts[len(parts)-1] = fmt.Sprintf("%d-%d", lines[i], lines[j])
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// Test compiles the policies as Compile does and runs their tests (test_ rules in _test.rego)
// with coverage. Failures stand in the report; an error means that the tests couldn't be run.
func Test(ctx context.Context, sources []Source, o Options) (TestReport, error) {
	c, err := newCompilation(sources, o)
	if err != nil {
		return TestReport{}, err
	}
	if err := c.check(); err != nil {
		return TestReport{}, err
	}
	if len(c.tests) == 0 {
		return TestReport{}, Errors{{Text: "there are no tests", Hint: "write test_ rules in a file whose name ends in _test.rego"}}
	}
	covered := cover.New()
	ran, err := c.run(ctx, func(r *tester.Runner) { r.SetCoverageQueryTracer(covered) })
	if err != nil {
		return TestReport{}, err
	}
	var out TestReport
	out.results = ran.results
	for _, r := range ran.results {
		out.Tests = append(out.Tests, testResult(r))
	}
	if len(out.Tests) == 0 {
		return TestReport{}, Errors{{File: sortedKeys(c.tests)[0], Text: "there are no tests", Hint: "the name of a test begins with test_"}}
	}
	if !out.OK() { // once more, for the traces that coverage can't be had with
		traced, err := c.run(ctx, func(r *tester.Runner) { r.EnableTracing(true) })
		if err != nil {
			return TestReport{}, err
		}
		out.results = traced.results
	}
	rules := c.modules
	if c.opts.builtins {
		rules = c.builtins
	}
	out.cover(covered.Report(ran.modules), rules)
	return out, c.unindexed(ctx, ran.compiler, &out)
}

// testRun is one run of all tests.
type testRun struct {
	results  []*tester.Result
	modules  map[string]*ast.Module
	compiler *ast.Compiler
}

// run runs all tests.
func (c *compilation) run(ctx context.Context, configure func(*tester.Runner)) (testRun, error) {
	modules := map[string]*ast.Module{}
	for _, set := range []map[string]*ast.Module{c.modules, c.tests} {
		for path, m := range set {
			modules[path] = m.Copy()
		}
	}
	for _, b := range c.on {
		modules[b.path()] = c.builtins[b.path()].Copy()
	}
	fixture, err := c.fixture()
	if err != nil {
		return testRun{}, err
	}
	modules[fixturePackage+".rego"] = fixture
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithDefaultRegoVersion(ast.RegoV1).
		WithStrict(true).WithEnablePrintStatements(true)
	store, err := c.store()
	if err != nil {
		return testRun{}, err
	}
	txn, err := store.NewTransaction(ctx, storage.TransactionParams{})
	if err != nil {
		return testRun{}, fmt.Errorf("running the tests: %w", err)
	}
	defer store.Abort(ctx, txn)
	runner := tester.NewRunner().SetCompiler(compiler).SetDefaultRegoVersion(ast.RegoV1).SetStore(store).SetModules(modules).
		SetTimeout(c.opts.Deadline).CapturePrintOutput(true).RaiseBuiltinErrors(true)
	configure(runner)
	var lost Errors
	compiler.WithStageAfterID(ast.StageRewriteRegoMetadataCalls, ast.CompilerStageDefinition{Name: "Undefined", MetricName: "undefined",
		Stage: func(compiler *ast.Compiler) *ast.Error {
			lost = c.undefined(compiler, c.tests, true)
			return nil
		}})
	ch, err := runner.RunTests(ctx, txn)
	if err != nil {
		var list ast.Errors
		if errors.As(err, &list) {
			return testRun{}, regoErrors(list, "").or()
		}
		return testRun{}, fmt.Errorf("running the tests: %w", err)
	}
	var results []*tester.Result
	for r := range ch {
		results = append(results, r)
	}
	if len(lost) > 0 {
		return testRun{}, lost.or()
	}
	slices.SortFunc(results, func(a, b *tester.Result) int {
		return Place{a.Location.File, a.Location.Row}.compare(Place{b.Location.File, b.Location.Row})
	})
	return testRun{results, modules, compiler}, ctx.Err()
}

// unindexed evaluates the tests that passed once more, without OPA's rule index: a test that
// holds only with it would show a verdict that depends on it.
func (c *compilation) unindexed(ctx context.Context, compiler *ast.Compiler, report *TestReport) error {
	store, err := c.store()
	if err != nil {
		return err
	}
	for i := range report.Tests {
		t := &report.Tests[i]
		if t.Outcome != "pass" {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, c.opts.Deadline)
		var rs rego.ResultSet
		q, err := rego.New(rego.Query("data."+t.Package+"."+t.Name), rego.Compiler(compiler), rego.Store(store), rego.Capabilities(capabilities()),
			rego.StrictBuiltinErrors(true), rego.SetRegoVersion(ast.RegoV1)).PrepareForEval(limited)
		if err == nil {
			rs, err = q.Eval(limited, rego.EvalRuleIndexing(false))
		}
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			t.Outcome, t.Error = "error", "without the rule index: "+err.Error()
		case len(rs) == 0 || rs[0].Expressions[0].Value == false:
			t.Outcome, t.Error = "fail", "it holds only with the rule index of OPA"
		}
	}
	return nil
}

func testResult(r *tester.Result) TestResult {
	t := TestResult{Package: strings.TrimPrefix(r.Package, "data."), Name: r.Name, File: r.Location.File, Line: r.Location.Row,
		Outcome: "pass", Output: string(r.Output), Duration: r.Duration}
	switch {
	case r.Skip:
		t.Outcome = "skip"
	case r.Error != nil:
		t.Outcome, t.Error = "error", r.Error.Error()
	case r.Fail:
		t.Outcome = "fail"
	}
	return t
}

// cover takes from the report what is about the rules, not the tests.
func (r *TestReport) cover(report cover.Report, rules map[string]*ast.Module) {
	r.NotCovered = map[string][]int{}
	yes, no := 0, 0
	for _, path := range sortedKeys(rules) {
		f := report.Files[path]
		if f == nil {
			continue
		}
		missed, reached := map[int]bool{}, map[int]bool{}
		for _, lines := range f.NotCovered {
			if !slices.Contains(lines.Kinds, cover.KindEarlyExit) { // the answer was there already
				addLines(missed, lines)
			}
		}
		for _, lines := range f.Covered {
			addLines(reached, lines)
		}
		maps.DeleteFunc(reached, func(l int, _ bool) bool { return missed[l] })
		yes, no = yes+len(reached), no+len(missed)
		if len(missed) > 0 {
			r.NotCovered[path] = sortedKeys(missed)
		}
	}
	if yes+no > 0 {
		r.Coverage = 100 * float64(yes) / float64(yes+no)
	}
}

func addLines(to map[int]bool, r cover.Range) {
	for l := r.Start.Row; l <= r.End.Row; l++ {
		to[l] = true
	}
}

// fixture writes the module with a complete input of each kind.
func (c *compilation) fixture() (*ast.Module, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n", fixturePackage)
	for _, e := range c.entries {
		enc := &encoder{attributes: c.opts.Attributes}
		in := reflect.New(e.shape.typ)
		e.shape.example(in.Elem())
		t := enc.input(e.shape, in.Interface())
		if enc.err != nil {
			return nil, fmt.Errorf("writing the fixtures: %w", enc.err)
		}
		fmt.Fprintf(&b, "%s := %v\n", e.name, t)
	}
	m, errs := parseRego(Source{fixturePackage + ".rego", []byte(b.String())})
	return m, errs.or()
}

// example gives enumerated texts the first value that they may have.
func (s *shape) example(v reflect.Value) {
	for _, f := range s.fields {
		fv := v.Field(f.index)
		switch {
		case f.shape.bare != nil:
		case f.shape.kind == reflect.Struct:
			f.shape.example(fv)
		case f.shape.enum != nil:
			fv.SetString(f.shape.enum[0])
		}
	}
}
