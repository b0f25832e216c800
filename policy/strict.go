package policy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"gopkg.in/yaml.v3"
)

// What stands here is stricter than OPA: each is something that OPA accepts and that makes a
// rule silent, which for a judge is the worst that it can be.

func at(l *ast.Location, text, hint string) Problem {
	p := Problem{Text: text, Hint: hint}
	if l != nil {
		p.File, p.Line, p.Col = l.File, l.Row, l.Col
	}
	return p
}

// form finds what is wrong with a module before it is compiled.
func (c *compilation) form(m *ast.Module) Errors {
	return slices.Concat(c.heads(m), metadata(m), machine(m))
}

// heads finds rules whose name leads into another package: principal.deny in package accord
// wouldn't judge, and builtin.change_window.open would change a built-in rule.
func (c *compilation) heads(m *ast.Module) Errors {
	var out Errors
	pkg := packageOf(m)
	for _, r := range m.Rules {
		ref := r.Head.Ref()
		path := pkg
		for _, t := range ref[:len(ref)-1] {
			path += "." + strings.Trim(t.Value.String(), `"`)
		}
		if path == pkg {
			continue
		}
		for _, e := range c.entries {
			if e.pkg != pkg && (path == e.pkg || strings.HasPrefix(path, e.pkg+".")) && !strings.HasPrefix(pkg, e.pkg+".") {
				out = append(out, at(r.Loc(), fmt.Sprintf("the rule %v would be in package %s", ref, path), "write it in a file of that package"))
			}
		}
		if reservedPackage(path) {
			out = append(out, at(r.Loc(), fmt.Sprintf("the rule %v would be in package %s, which is reserved", ref, path), "a built-in rule is switched on under rules: of accord.yaml"))
		}
	}
	return out.distinct()
}

// reservedPackage reports whether a package is Accord's own.
func reservedPackage(pkg string) bool {
	for _, own := range []string{"accord.builtin", fixturePackage, driverPackage, "params"} {
		if pkg == own || strings.HasPrefix(pkg, own+".") {
			return true
		}
	}
	return false
}

// metadata checks # METADATA: OPA passes over a key that it doesn't know.
func metadata(m *ast.Module) Errors {
	var out Errors
	known := []string{"scope", "title", "description", "related_resources", "authors", "organizations", "schemas", "custom", "entrypoint", "compile"}
	for i := 0; i < len(m.Comments); i++ {
		if strings.TrimSpace(string(m.Comments[i].Text)) != "METADATA" {
			continue
		}
		start, row := i, m.Comments[i].Location.Row
		var text strings.Builder
		for i+1 < len(m.Comments) && m.Comments[i+1].Location.Row == row+1 {
			i, row = i+1, row+1
			text.Write(m.Comments[i].Text)
			text.WriteByte('\n')
		}
		var doc map[string]any
		if yaml.Unmarshal([]byte(text.String()), &doc) != nil {
			continue // OPA has said so
		}
		loc := m.Comments[start].Location
		for _, k := range sortedKeys(doc) {
			if !slices.Contains(known, k) {
				out = append(out, at(loc, fmt.Sprintf("# METADATA has no %q", k), meant(k, append(known, "custom.severity", "custom.remediation"))))
			}
		}
		custom, _ := doc["custom"].(map[string]any)
		for _, k := range sortedKeys(custom) {
			near := nearest(k, []string{"severity", "remediation"})
			_, text := custom[k].(string)
			switch {
			case near == k && !text:
				out = append(out, at(loc, fmt.Sprintf("custom.%s of # METADATA must be a text", k), `write it in quotes: "`+fmt.Sprint(custom[k])+`"`))
			case near != "" && near != k:
				out = append(out, at(loc, fmt.Sprintf("# METADATA has no custom.%s", k), fmt.Sprintf("did you mean %q?", near)))
			}
		}
	}
	for _, r := range m.Rules {
		blocks := slices.DeleteFunc(slices.Clone(r.Annotations), func(a *ast.Annotations) bool { return a.Scope != "rule" })
		if len(blocks) > 1 {
			out = append(out, at(blocks[1].Location, "the rule has two blocks of # METADATA", "write one"))
		}
	}
	return out
}

// machine finds the one way in which the machine could have a say: its time zone.
func machine(m *ast.Module) Errors {
	var out Errors
	uses := false
	ast.WalkRefs(m, func(r ast.Ref) bool {
		uses = uses || r[0].Value.Compare(ast.Var("time")) == 0
		return false
	})
	if !uses {
		return nil
	}
	ast.WalkTerms(m, func(t *ast.Term) bool {
		if t.Value.Compare(ast.String("Local")) == 0 {
			out = append(out, at(t.Location, `"Local" is the time zone of whatever machine judges`, "name one, as \"Europe/Berlin\", or take input.plan.timezone"))
		}
		return false
	})
	return out
}

// collisions finds keys of data files that are packages, too: one would hide the other.
func (c *compilation) collisions(from map[string]string) Errors {
	var out Errors
	for _, set := range []map[string]*ast.Module{c.modules, c.tests} {
		for _, path := range sortedKeys(set) {
			pkg := packageOf(set[path])
			top, _, _ := strings.Cut(pkg, ".")
			if file := from[top]; file != "" {
				out = append(out, Problem{File: file, Text: fmt.Sprintf("data.%s is package %s of %s already", top, pkg, path), Hint: "choose another key, or another package"})
			}
		}
	}
	return out.distinct()
}

// undefined finds references into data that lead to nothing, in modules whose names are
// resolved: neither a rule nor a key of a data file. In tests, which replace data as they like,
// only packages are looked at.
func (c *compilation) undefined(compiler *ast.Compiler, modules map[string]*ast.Module, tests bool) Errors {
	var out Errors
	for _, path := range sortedKeys(modules) {
		m := compiler.Modules[path]
		if m == nil {
			continue
		}
		var replaced []ast.Ref
		ast.WalkWiths(m, func(w *ast.With) bool {
			if r, ok := w.Target.Value.(ast.Ref); ok {
				replaced = append(replaced, r)
			}
			return false
		})
		ast.WalkRefs(m, func(r ast.Ref) bool {
			if !r[0].Equal(ast.DefaultRootDocument) || slices.ContainsFunc(replaced, func(w ast.Ref) bool { return r.HasPrefix(w) }) {
				return false
			}
			if names, i := c.missing(compiler.RuleTree, r, tests); i > 0 {
				name := string(r[i].Value.(ast.String))
				out = append(out, at(r[i].Loc(), fmt.Sprintf("undefined ref: %v: there is neither a rule nor data by that name", r[:i+1]), meant(name, names)))
				if out[len(out)-1].File == "" {
					out[len(out)-1].File = path
				}
			}
			return false
		})
	}
	return out
}

// missing gives the position at which a reference leads nowhere, or 0, and what is there.
func (c *compilation) missing(tree *ast.TreeNode, r ast.Ref, packagesOnly bool) (names []string, pos int) {
	rules := tree.Child(r[0].Value)
	var base any = c.data
	for i, t := range r[1:] {
		name, ok := t.Value.(ast.String)
		if !ok {
			return nil, 0
		}
		var next *ast.TreeNode
		if rules != nil {
			next = rules.Child(name)
		}
		doc, _ := base.(map[string]any)
		value, there := doc[string(name)]
		if next == nil && !there {
			if packagesOnly && (rules == nil || i == 0) {
				return nil, 0
			}
			names = sortedKeys(doc)
			if rules != nil {
				for v := range rules.Children {
					if s, ok := v.(ast.String); ok && string(s) != driverPackage {
						names = append(names, string(s))
					}
				}
			}
			return slices.DeleteFunc(names, func(n string) bool { return i == 0 && slices.Contains(reserved[1:], n) }), i + 1
		}
		if next != nil && len(next.Values) > 0 {
			return nil, 0 // the rest is in what the rule gives
		}
		if _, list := value.([]any); list {
			return nil, 0
		}
		rules, base = next, value
	}
	return nil, 0
}

// kinds finds comparisons of values of which one is a number and the other a text: OPA orders
// them, so that the rule would hold always or never; and members of what has none.
func (e *entry) kinds(m *ast.Module) Errors {
	var out Errors
	kind := func(t *ast.Term) reflect.Kind {
		switch v := t.Value.(type) {
		case ast.String:
			return reflect.String
		case ast.Number:
			return reflect.Int
		case ast.Ref:
			if v[0].Equal(ast.InputRootDocument) {
				return e.shape.kindAt(v[1:])
			}
		}
		return reflect.Invalid
	}
	word := map[reflect.Kind]string{reflect.String: "a text", reflect.Int: "a number", reflect.Bool: "true or false"}
	ast.WalkExprs(m, func(x *ast.Expr) bool {
		if !x.IsCall() || len(x.Operands()) < 2 {
			return false
		}
		a, b := kind(x.Operand(0)), kind(x.Operand(1))
		switch x.Operator().String() {
		case "gt", "gte", "lt", "lte":
			if word[a] != "" && word[b] != "" && a != b {
				out = append(out, at(x.Location, fmt.Sprintf("%v is %s, %v is %s", x.Operand(0), word[a], x.Operand(1), word[b]), "compare like with like"))
			}
		case "internal.member_2":
			if word[b] != "" {
				out = append(out, at(x.Location, fmt.Sprintf("nothing is in %v: it is %s", x.Operand(1), word[b]), "use ==, or contains for a part of a text"))
			}
		}
		return false
	})
	return out
}

// kindAt follows a reference into the shape.
func (s *shape) kindAt(r ast.Ref) reflect.Kind {
	for _, t := range r {
		name, ground := t.Value.(ast.String)
		switch {
		case s.elem != nil:
			s = s.elem
		case ground:
			f, ok := s.field(string(name))
			if !ok {
				return reflect.Invalid
			}
			s = f.shape
		default:
			return reflect.Invalid
		}
	}
	return s.kind
}

// distinct drops what is said twice, as of the rules that several definitions make up.
func (e Errors) distinct() Errors {
	seen := map[Problem]bool{}
	return slices.DeleteFunc(e, func(p Problem) bool {
		twice := seen[p]
		seen[p] = true
		return twice
	})
}

// CheckExemptions finds exemptions that exempt from nothing: of a rule that isn't there, or of
// nobody. One that has merely expired isn't wrong.
func (j *Judge) CheckExemptions(list []Exemption) Errors {
	names := map[string]bool{}
	for _, r := range j.rules {
		if r.kind != Exception && r.kind != Warn {
			names[r.name] = true
		}
	}
	var out Errors
	for _, x := range list {
		p := Problem{File: x.File, Line: x.Line}
		if !slices.ContainsFunc(j.rules, func(r *rule) bool { return r.kind != Exception && x.names(r.name, r.suffix) }) {
			p.Text, p.Hint = fmt.Sprintf("exemption %s is from the rule %q, which isn't there", x.ID, x.Rule), meant(x.Rule, slices.Collect(maps.Keys(names)))
			out = append(out, p)
		} else if len(x.Who) == 0 {
			p.Text, p.Hint = fmt.Sprintf("exemption %s is for nobody", x.ID), "name people under who"
			out = append(out, p)
		}
	}
	return out.sorted()
}
