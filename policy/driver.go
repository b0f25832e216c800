package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// The driver is a module of our own that evaluates a batch of inputs of one package:
//
//	package accord_driver
//
//	change contains [id, result] if { … }    # a copy of each rule that judges a change
//	change_batch := [r | some x in input.batch; r := data.accord_driver.change with input as x]
//
// A batch pays once for what an evaluation costs before it begins, and because each input is
// passed by `with`, rules are written for one change and keep OPA's rule index. All rules of all
// packages that judge one input are in one set: one look-up in one index finds those that can
// hold, and every result knows the definition that it comes from.

const (
	driverPackage = "accord_driver"
	driverFile    = driverPackage + ".rego"
)

// query is what evaluates the rules on one sort of input.
type query struct {
	rego.PreparedEvalQuery
	// shape is that of the input without what no rule refers to.
	shape *shape
	// screen tells about which inputs to ask.
	screen *screen
}

// prepare compiles once more, for judging: every module that can judge, and the driver.
func (c *compilation) prepare(ctx context.Context) (*Judge, error) {
	modules := map[string]*ast.Module{}
	for path, m := range c.modules {
		modules[path] = m
	}
	for _, b := range c.on {
		modules[b.path()] = c.builtins[b.path()]
	}
	text, used := c.driver()
	driver, errs := parseRego(Source{driverFile, []byte(text)})
	if len(errs) > 0 {
		return nil, errs.or()
	}
	modules[driverFile] = driver
	params, err := ast.InterfaceToValue(c.data["params"])
	if err != nil {
		return nil, fmt.Errorf("reading the parameters of the built-in rules: %w", err)
	}
	seen, screens := map[*entry]*shape{}, map[*entry]*screen{}
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithDefaultRegoVersion(ast.RegoV1).
		WithStageAfterID(ast.StageRewriteRegoMetadataCalls, ast.CompilerStageDefinition{Name: "Gather", MetricName: "gather",
			Stage: func(compiler *ast.Compiler) *ast.Error {
				for _, e := range used {
					seen[e] = e.shape.prune(usageOf(e.shape, compiler.Modules))
					set := c.gather(e, params, compiler)
					screens[e] = c.screenOf(e, params, set, seen[e], compiler)
				}
				return nil
			}})
	if compiler.Compile(modules); compiler.Failed() {
		return nil, regoErrors(compiler.Errors, "").or()
	}
	store, err := c.store()
	if err != nil {
		return nil, err
	}
	j := &Judge{opts: c.opts, entries: c.entries, rules: c.rules, queries: map[*entry]query{}}
	for _, e := range used {
		q, err := rego.New(rego.Query("data."+driverPackage+"."+e.name+"_batch"), rego.Compiler(compiler), rego.Store(store),
			rego.Capabilities(capabilities()), rego.StrictBuiltinErrors(true), rego.SetRegoVersion(ast.RegoV1),
			rego.GenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) { return t, nil })).PrepareForEval(ctx)
		if err != nil {
			return nil, fmt.Errorf("preparing the policies: %w", err)
		}
		j.queries[e] = query{q, seen[e], screens[e]}
	}
	return j, nil
}

// driver writes the driver, with an empty set in place of the rules, and says for which inputs
// there are rules.
func (c *compilation) driver() (text string, used []*entry) {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n", driverPackage)
	for _, e := range c.entries {
		if !slices.ContainsFunc(c.rules, func(r *rule) bool { return r.entry == e }) {
			continue
		}
		used = append(used, e)
		fmt.Fprintf(&b, "%s contains \"\" if false\n", e.name)
		fmt.Fprintf(&b, "%[1]s_batch := [r | some x in input.batch; r := data.%[2]s.%[1]s with input as x]\n", e.name, driverPackage)
	}
	return b.String(), used
}

// gather puts a copy of each rule that judges one input into the driver's set. It runs in the
// midst of the compilation: names are resolved by then, so that a body means the same in
// another package, and neither the graph nor the index of the rules is built yet. It gives the
// copies.
func (c *compilation) gather(e *entry, params ast.Value, compiler *ast.Compiler) []*ast.Rule {
	driver := compiler.Modules[driverFile]
	i := slices.IndexFunc(driver.Rules, func(r *ast.Rule) bool { return string(r.Head.Name) == e.name })
	empty := driver.Rules[i]
	var set []*ast.Rule
	for _, path := range sortedKeys(compiler.Modules) {
		for _, r := range compiler.Modules[path].Rules {
			k := slices.IndexFunc(c.rules, func(f *rule) bool { return f.entry == e && f.defines(r) })
			if k < 0 {
				continue
			}
			cp := r.Copy()
			cp.Head.Name, cp.Head.Reference = empty.Head.Name, empty.Head.Reference
			cp.Head.Key = ast.ArrayTerm(ast.InternedTerm(c.rules[k].id), cp.Head.Key).SetLocation(cp.Head.Location)
			cp.Module, cp.Annotations = driver, nil
			var never bool
			if cp.Body, never = fold(params, cp.Body); never {
				continue
			}
			set = append(set, cp)
		}
	}
	if len(set) == 0 {
		return nil // nothing can hold
	}
	driver.Rules = slices.Insert(slices.Delete(driver.Rules, i, i+1), i, set...)
	compiler.RuleTree.Find(driver.Package.Path.Append(ast.StringTerm(e.name))).Values = set
	return set
}

// defines reports whether a rule of a module is this definition.
func (r *rule) defines(m *ast.Rule) bool {
	loc := m.Loc()
	return loc != nil && r.file == loc.File && r.line == loc.Row && r.col == loc.Col
}
