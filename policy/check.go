package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// check finds the rules that judge and everything that is wrong with the policies.
func (c *compilation) check() error {
	f := &finder{entries: c.entries, used: referred(c.moduleList())}
	var errs Errors
	found := 0
	for _, path := range sortedKeys(c.modules) {
		if e := c.entryOf(c.modules[path]); e != nil {
			f.find(e, c.modules[path], "")
		}
	}
	found = len(slices.DeleteFunc(slices.Clone(f.rules), func(r *rule) bool { return r.kind == Exception }))
	for _, b := range c.on {
		f.find(c.entryNamed(b.entry), c.builtins[b.path()], b.name)
	}
	c.rules = f.rules
	errs = append(errs, f.errs...)
	reached := c.reached()
	errs = append(errs, c.strangers(reached)...)
	if found == 0 && len(c.modules) > 0 && len(errs) == 0 {
		errs = append(errs, Problem{File: sortedKeys(c.modules)[0], Text: "no rule judges: there is no deny, violation, warn or require_approval in package accord, accord.principal or accord.plan",
			Hint: "write: deny contains msg if { … }"})
	}
	if len(c.rules) == 0 && len(errs) == 0 {
		errs = append(errs, Problem{Text: "no rule judges: there is no policy, and no built-in rule is on"})
	}
	for _, e := range c.entries {
		errs = append(errs, c.types(e, reached[e])...)
	}
	return errs.or()
}

func (c *compilation) moduleList() []*ast.Module {
	var out []*ast.Module
	for _, path := range sortedKeys(c.modules) {
		out = append(out, c.modules[path])
	}
	return out
}

func (c *compilation) entryOf(m *ast.Module) *entry {
	pkg := packageOf(m)
	for _, e := range c.entries {
		if e.pkg == pkg {
			return e
		}
	}
	return nil
}

func (c *compilation) entryNamed(name string) *entry {
	i := slices.IndexFunc(c.entries, func(e *entry) bool { return e.name == name })
	return c.entries[i]
}

// reached are the modules that each package that judges refers to, itself included, by path.
// Only these are compiled with its input: a helper that two packages use must suit both.
func (c *compilation) reached() map[*entry][]string {
	out := map[*entry][]string{}
	for _, e := range c.entries {
		var queue, got []string
		for _, path := range sortedKeys(c.modules) {
			if c.entryOf(c.modules[path]) == e {
				queue = append(queue, path)
			}
		}
		for len(queue) > 0 {
			path := queue[0]
			queue = queue[1:]
			if slices.Contains(got, path) {
				continue
			}
			got = append(got, path)
			queue = append(queue, c.neighbours(c.modules[path])...)
		}
		slices.Sort(got)
		out[e] = got
	}
	return out
}

// neighbours are the modules whose packages a module refers to, and those of its own package.
func (c *compilation) neighbours(m *ast.Module) []string {
	var refs []ast.Ref
	for _, rule := range m.Rules {
		ast.WalkRefs(rule, func(r ast.Ref) bool {
			if r[0].Equal(ast.DefaultRootDocument) {
				refs = append(refs, r)
			}
			return false
		})
	}
	for _, i := range m.Imports {
		if r, ok := i.Path.Value.(ast.Ref); ok {
			refs = append(refs, r)
		}
	}
	var out []string
	for _, path := range sortedKeys(c.modules) {
		o := c.modules[path]
		if o.Package.Path.Equal(m.Package.Path) || slices.ContainsFunc(refs, func(r ast.Ref) bool { return mayReach(r, o.Package.Path) }) {
			out = append(out, path)
		}
	}
	return out
}

// mayReach reports whether a reference can lead into a package.
func mayReach(r, pkg ast.Ref) bool {
	if r[0].Value.Compare(pkg[0].Value) != 0 {
		return false
	}
	for i := 1; i < len(pkg); i++ {
		if i >= len(r) {
			return len(r) > 1 // data.lib leads to data.lib.dates; data alone is no reference to all
		}
		if _, ground := r[i].Value.(ast.String); ground && !r[i].Equal(pkg[i]) {
			return false
		}
	}
	return true
}

// strangers are the modules that no package that judges refers to: most often a package whose
// name is misspelt, which OPA would pass over in silence.
func (c *compilation) strangers(reached map[*entry][]string) Errors {
	var out Errors
	for _, path := range sortedKeys(c.modules) {
		m := c.modules[path]
		if slices.ContainsFunc(c.entries, func(e *entry) bool { return slices.Contains(reached[e], path) }) {
			continue
		}
		pkg := packageOf(m)
		out = append(out, Problem{File: path, Line: m.Package.Location.Row, Col: m.Package.Location.Col,
			Text: fmt.Sprintf("package %s judges nothing and no rule refers to it", pkg),
			Hint: fmt.Sprintf("did you mean %q? The packages that judge are accord, accord.principal and accord.plan", nearestPackage(pkg))})
	}
	return out
}

// types compiles the modules that judge one input against its schema.
func (c *compilation) types(e *entry, paths []string) Errors {
	modules := map[string]*ast.Module{}
	for _, path := range paths {
		modules[path] = c.modules[path].Copy()
	}
	for _, b := range c.on {
		if b.entry == e.name {
			modules[b.path()] = c.builtins[b.path()].Copy()
		}
	}
	if len(modules) == 0 {
		return nil
	}
	schemas := ast.NewSchemaSet()
	schemas.Put(ast.SchemaRootRef, e.shape.schema(c.opts.Attributes))
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithDefaultRegoVersion(ast.RegoV1).
		WithSchemas(schemas).WithStrict(true).SetErrorLimit(0)
	compiler.Compile(modules)
	var errs Errors
	if compiler.Failed() {
		errs = regoErrors(compiler.Errors, "")
	} else {
		own := maps.Clone(modules)
		maps.DeleteFunc(own, func(path string, _ *ast.Module) bool { return c.modules[path] == nil })
		errs = c.undefined(compiler, own, false)
		errs = append(errs, e.unknown(own, compiler)...)
	}
	for i := range errs {
		if strings.HasPrefix(errs[i].Text, "undefined ref: input") {
			errs[i].Text += fmt.Sprintf(": package %s judges %s", e.pkg, e.about)
		}
	}
	for _, path := range sortedKeys(modules) {
		if m := c.modules[path]; m != nil {
			errs = append(errs, e.values(m)...)
			errs = append(errs, e.kinds(m)...)
		}
	}
	return errs
}

// values finds comparisons of an input field with a text that it never has: the type is right,
// but the rule would never fire.
func (e *entry) values(m *ast.Module) Errors {
	var errs Errors
	compare := func(field, value *ast.Term) {
		ref, ok := field.Value.(ast.Ref)
		if !ok || !ref[0].Equal(ast.InputRootDocument) {
			return
		}
		enum := e.shape.enumAt(ref[1:])
		if enum == nil {
			return
		}
		for _, t := range texts(value) {
			if s := string(t.Value.(ast.String)); !slices.Contains(enum, s) {
				loc := t.Location
				errs = append(errs, Problem{File: loc.File, Line: loc.Row, Col: loc.Col, Text: fmt.Sprintf("%v is never %q", ref, s), Hint: meant(s, enum)})
			}
		}
	}
	ast.WalkExprs(m, func(x *ast.Expr) bool {
		if !x.IsCall() || len(x.Operands()) != 2 {
			return false
		}
		a, b := x.Operand(0), x.Operand(1)
		switch x.Operator().String() {
		case "equal", "eq", "neq", "internal.member_2":
			compare(a, b)
			compare(b, a)
		}
		return false
	})
	return errs
}

// texts are the texts that a value can be: it itself, or those in a list or set.
func texts(t *ast.Term) []*ast.Term {
	var out []*ast.Term
	add := func(t *ast.Term) {
		if _, ok := t.Value.(ast.String); ok {
			out = append(out, t)
		}
	}
	switch v := t.Value.(type) {
	case ast.String:
		add(t)
	case *ast.Array:
		v.Foreach(add)
	case ast.Set:
		v.Foreach(add)
	}
	return out
}

// enumAt follows a reference into the shape.
func (s *shape) enumAt(r ast.Ref) []string {
	for _, t := range r {
		name, isText := t.Value.(ast.String)
		switch {
		case s.elem != nil:
			s = s.elem
		case isText:
			f, ok := s.field(string(name))
			if !ok {
				return nil
			}
			s = f.shape
		default:
			return nil
		}
	}
	return s.enum
}
