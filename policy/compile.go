package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// Options say how to judge.
type Options struct {
	// Rules are the built-in rules that are on, each with its parameters, as `rules:` of
	// accord.yaml has them: a mapping or a list; nil or true for the defaults, false for off.
	Rules map[string]any
	// Attributes are the keys that accord.yaml declares. With them a misspelt attribute is an
	// error like any misspelt field; without them any key may be asked for.
	Attributes []string
	// Deadline is how long one batch may take; 5 seconds if zero.
	Deadline time.Duration
	// Batch is how many changes are evaluated at once; 200 if zero.
	Batch int
	// Workers is how many batches are evaluated at the same time; one a processor if zero.
	Workers int
	// NoIndexing evaluates without OPA's rule index: the same verdicts, slowly. For tests.
	NoIndexing bool

	builtins bool // the sources are the tests of built-in rules
	// readAll reads the beginning of all rules in Go, not of built-in ones alone. For tests, which
	// hold the reading to rules of all sorts.
	readAll bool
}

func (o Options) withDefaults() Options {
	if o.Deadline <= 0 {
		o.Deadline = 5 * time.Second
	}
	if o.Batch <= 0 {
		o.Batch = 200
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o
}

// Judge is a compiled set of policies. It is safe for concurrent use.
type Judge struct {
	opts    Options
	entries []*entry
	rules   []*rule
	queries map[*entry]query // only of packages that have rules
}

// Compile checks and compiles policies. The errors are an Errors: every problem that was found,
// with its place.
func Compile(ctx context.Context, sources []Source, o Options) (*Judge, error) {
	c, err := newCompilation(sources, o)
	if err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c.prepare(ctx)
}

// Rules are the names of the rules that judge, sorted.
func (j *Judge) Rules() []string {
	var out []string
	for _, r := range j.rules {
		if r.kind != Exception {
			out = append(out, r.name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// compilation is what becomes a Judge.
type compilation struct {
	opts     Options
	entries  []*entry
	modules  map[string]*ast.Module // by path; tests left out
	tests    map[string]*ast.Module
	builtins map[string]*ast.Module // every built-in rule, by path
	on       []*builtin             // those that judge
	data     map[string]any
	rules    []*rule
}

func newCompilation(sources []Source, o Options) (*compilation, error) {
	c := &compilation{opts: o.withDefaults(), entries: entries(), modules: map[string]*ast.Module{},
		tests: map[string]*ast.Module{}, builtins: map[string]*ast.Module{}}
	c.opts.Attributes = slices.Sorted(slices.Values(o.Attributes))
	sources = slices.SortedFunc(slices.Values(sources), func(a, b Source) int { return strings.Compare(a.Path, b.Path) })
	data, from, errs := loadData(sources)
	c.data = data
	seen := map[string]bool{}
	for _, s := range sources {
		if seen[s.Path] {
			errs = append(errs, Problem{File: s.Path, Text: "the file is there twice"})
		}
		seen[s.Path] = true
		if s.rego() {
			errs = append(errs, c.parse(s)...)
		}
	}
	errs = append(errs, c.collisions(from)...)
	on, wrong := switchOn(o.Rules)
	errs = append(errs, wrong...)
	c.on = on
	for _, s := range builtinSources() {
		if s.test() {
			continue
		}
		m, wrong := parseRego(s)
		c.builtins[s.Path] = m
		errs = append(errs, wrong...)
	}
	params := map[string]any{}
	for _, b := range on {
		params[b.name] = b.params
	}
	c.data["params"] = params
	return c, errs.or()
}

func (c *compilation) parse(s Source) Errors {
	m, errs := parseRego(s)
	if m == nil {
		return errs
	}
	pkg := packageOf(m)
	at := Problem{File: s.Path, Line: m.Package.Location.Row, Col: m.Package.Location.Col}
	if errs = c.form(m); c.opts.builtins {
		errs = nil
	}
	switch {
	case reservedPackage(pkg) && !c.opts.builtins:
		at.Text, at.Hint = fmt.Sprintf("package %s is reserved", pkg), "a built-in rule is switched on under rules: of accord.yaml"
		errs = append(errs, at)
	case s.test():
		c.tests[s.Path] = m
	default:
		c.modules[s.Path] = m
	}
	return errs
}

func packageOf(m *ast.Module) string {
	var parts []string
	for _, t := range m.Package.Path[1:] {
		parts = append(parts, strings.Trim(t.Value.String(), `"`))
	}
	return strings.Join(parts, ".")
}

func parseRego(s Source) (*ast.Module, Errors) {
	m, err := ast.ParseModuleWithOpts(s.Path, string(s.Data), ast.ParserOptions{
		ProcessAnnotation: true, RegoVersion: ast.RegoV1, Capabilities: capabilities()})
	if err != nil {
		return nil, regoErrors(err, s.Path)
	}
	if m == nil {
		return nil, Errors{{File: s.Path, Text: "the file is empty"}}
	}
	return m, nil
}

// regoErrors turns OPA's errors into problems with hints.
func regoErrors(err error, file string) Errors {
	var list ast.Errors
	if !errors.As(err, &list) {
		return Errors{{File: file, Text: err.Error()}}
	}
	var out Errors
	for _, e := range list {
		p := Problem{File: file, Text: generated.ReplaceAllString(e.Message, "_")}
		if e.Location != nil {
			p.File, p.Line, p.Col = e.Location.File, e.Location.Row, e.Location.Col
		}
		p.Hint = hint(e)
		out = append(out, p)
	}
	return out
}

// generated are names that the compiler gave to variables.
var generated = regexp.MustCompile(`__local\d+__`)

// hint helps with the errors that people make most.
func hint(e *ast.Error) string {
	if name, ok := strings.CutPrefix(e.Message, "undefined function "); ok {
		if why, ok := refusedBuiltins()[name]; ok {
			return why
		}
		return meantBuiltin(name)
	}
	switch d := e.Details.(type) {
	case *ast.RefErrInvalidDetail:
		var names []string
		for _, v := range d.OneOf {
			if s, ok := v.(ast.String); ok {
				names = append(names, string(s))
			}
		}
		if s, ok := d.Ref[d.Pos].Value.(ast.String); ok && len(names) > 0 {
			return meant(string(s), names)
		}
	case *ast.RefErrUnsupportedDetail:
		return fmt.Sprintf("%v has no fields", d.Ref[:d.Pos])
	}
	if strings.Contains(e.Message, "`if` keyword is required") || strings.Contains(e.Message, "`contains` keyword is required") {
		return "policies are written in Rego v1: deny contains msg if { … }"
	}
	return ""
}

func meantBuiltin(name string) string {
	if n := nearest(name, strings.Fields(allowList)); n != "" {
		return `did you mean "` + n + `"?`
	}
	return ""
}

// store holds the data. It is read only.
func (c *compilation) store() (storage.Store, error) {
	b, err := json.Marshal(c.data)
	if err != nil {
		return nil, fmt.Errorf("loading the data of the policies: %w", err)
	}
	var data map[string]any
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	if err := d.Decode(&data); err != nil {
		return nil, fmt.Errorf("loading the data of the policies: %w", err)
	}
	return inmem.NewFromObjectWithOpts(data, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true)), nil
}
