package policy

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// usage says what of an input the rules can see, so that the rest needn't be made. Whatever
// isn't understood counts as a look at everything: an input with too much in it is only slow.
type usage struct {
	whole bool
	parts map[string]*usage // of structures by field, of lists the one part ""
}

func (u *usage) part(name string) *usage {
	p := u.parts[name]
	if p == nil {
		p = &usage{}
		if u.parts == nil {
			u.parts = map[string]*usage{}
		}
		u.parts[name] = p
	}
	return p
}

// spot is a place in the input.
type spot struct {
	use   *usage
	shape *shape
	// lost is called for a name that isn't there; nil: it is passed over.
	lost func(t *ast.Term, names []string)
}

// follow goes along a reference. It gives nil where nothing is left to see: at a value without
// parts, where all parts may be meant (they are marked), or where there is nothing.
func (s spot) follow(r []*ast.Term) *spot {
	for _, t := range r {
		name, ground := t.Value.(ast.String)
		switch {
		case s.shape.kind == reflect.Slice:
			s = spot{s.use.part(""), s.shape.elem, s.lost}
		case s.shape.kind == reflect.Struct && ground:
			f, ok := s.shape.field(string(name))
			if !ok {
				if s.lost != nil {
					s.lost(t, s.shape.names())
				}
				return nil
			}
			s = spot{s.use.part(f.name), f.shape, s.lost}
		default:
			s.use.whole = true
			return nil
		}
	}
	if s.shape.kind != reflect.Struct && s.shape.kind != reflect.Slice {
		s.use.whole = true
		return nil
	}
	return &s
}

// usageOf finds what compiled modules can see of an input of this shape. Its names are resolved
// already: the input is only ever called input.
func usageOf(s *shape, modules map[string]*ast.Module) *usage {
	root := spot{use: &usage{}, shape: s}
	for _, path := range sortedKeys(modules) {
		if path == driverFile {
			continue // it hands inputs on and looks at none
		}
		for _, r := range modules[path].Rules {
			reader{root: root}.rule(r)
		}
	}
	return root.use
}

// unknown finds fields that aren't there where OPA's type checker doesn't look: in every.
func (e *entry) unknown(own map[string]*ast.Module, compiler *ast.Compiler) Errors {
	var out Errors
	root := spot{&usage{}, e.shape, func(t *ast.Term, names []string) {
		name := string(t.Value.(ast.String))
		out = append(out, at(t.Loc(), fmt.Sprintf("undefined ref: %s: package %s judges %s", name, e.pkg, e.about), meant(name, names)))
	}}
	for _, path := range sortedKeys(own) {
		for _, r := range compiler.Modules[path].Rules {
			reader{root: root}.rule(r)
		}
	}
	return out.distinct()
}

func (s *shape) names() []string {
	var out []string
	for _, f := range s.fields {
		out = append(out, f.name)
	}
	return out
}

// reader reads one rule. Variables that stand for a part of the input (some h in
// input.holdings) are followed, if they get their value once and are only asked for their own
// parts; used in any other way they stand for the whole part.
type reader struct {
	root   spot
	stands map[ast.Var]*spot
	defs   map[*ast.Expr]ast.Var
}

func (rd reader) rule(r *ast.Rule) {
	rd.stands, rd.defs = map[ast.Var]*spot{}, map[*ast.Expr]ast.Var{}
	times := map[ast.Var]int{}
	ast.WalkExprs(r, func(x *ast.Expr) bool {
		if v, _, ok := definition(x); ok {
			times[v]++
		}
		return false
	})
	every := map[*ast.Every]bool{}
	for more := true; more; { // a variable may stand for a part of what another stands for
		more = false
		ast.WalkExprs(r, func(x *ast.Expr) bool {
			if loop, ok := x.Terms.(*ast.Every); ok && !every[loop] {
				every[loop] = rd.loop(loop)
				more = more || every[loop]
			}
			v, ref, ok := definition(x)
			if !ok || times[v] > 1 || rd.defs[x] != "" {
				return false
			}
			if from := rd.start(ref); from != nil {
				rd.defs[x], rd.stands[v], more = v, from.follow(ref[1:]), true
			}
			return false
		})
	}
	rd.walk(r)
}

// loop lets the value of an every stand for the elements of the list, if it goes over one.
func (rd reader) loop(x *ast.Every) bool {
	v, isVar := x.Value.Value.(ast.Var)
	domain, ok := x.Domain.Value.(ast.Var)
	from := rd.stands[domain]
	if !isVar || !ok || from == nil || from.shape.kind != reflect.Slice {
		return false
	}
	rd.stands[v] = from.follow([]*ast.Term{ast.IntNumberTerm(0)})
	return true
}

// definition takes apart var = reference.
func definition(x *ast.Expr) (ast.Var, ast.Ref, bool) {
	if !x.IsEquality() || x.Negated || len(x.Operands()) != 2 {
		return "", nil, false
	}
	for _, pair := range [][2]*ast.Term{{x.Operand(0), x.Operand(1)}, {x.Operand(1), x.Operand(0)}} {
		v, isVar := pair[0].Value.(ast.Var)
		ref, isRef := pair[1].Value.(ast.Ref)
		if isVar && isRef {
			return v, ref, true
		}
	}
	return "", nil, false
}

// start gives the place at which a reference begins, or nil if that isn't in the input.
func (rd reader) start(r ast.Ref) *spot {
	v, ok := r[0].Value.(ast.Var)
	switch {
	case !ok:
		return nil
	case v.Equal(ast.InputRootDocument.Value):
		return &rd.root
	}
	return rd.stands[v]
}

// walk marks everything that is used.
func (rd reader) walk(x any) {
	ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.Expr:
			if rd.counts(x) {
				return true
			}
			if _, ok := rd.defs[x]; !ok {
				return false
			}
			_, ref, _ := definition(x)
			rd.terms(ref[1:])
			for _, w := range x.With {
				rd.walk(w)
			}
			return true
		case *ast.Every:
			if domain, ok := x.Domain.Value.(ast.Var); !ok || rd.stands[domain] == nil || rd.stands[domain].shape.kind != reflect.Slice {
				return false
			}
			rd.walk(x.Body) // its key and value are variables of its own
			return true
		case ast.Ref:
			if from := rd.start(x); from != nil {
				if at := from.follow(x[1:]); at != nil {
					at.use.whole = true
				}
			} else if v, ok := x[0].Value.(ast.Var); !ok || rd.stands[v] == nil {
				rd.terms(x[:1])
			}
			rd.terms(x[1:])
			return true
		case ast.Var:
			rd.variable(x)
		}
		return false
	}).Walk(x)
}

// counts marks a list that is only counted, and reports whether the expression does that.
func (rd reader) counts(x *ast.Expr) bool {
	if !x.IsCall() || x.Operator().String() != "count" || len(x.With) > 0 {
		return false
	}
	ref, ok := x.Operand(0).Value.(ast.Ref)
	if !ok {
		return false
	}
	from := rd.start(ref)
	if from == nil {
		return false
	}
	if at := from.follow(ref[1:]); at != nil && at.shape.kind != reflect.Slice {
		at.use.whole = true
	}
	rd.terms(ref[1:])
	for _, t := range x.Operands()[1:] {
		rd.walk(t)
	}
	return true
}

func (rd reader) terms(list []*ast.Term) {
	for _, t := range list {
		if _, leaf := t.Value.(ast.String); !leaf {
			rd.walk(t)
		}
	}
}

// variable marks all of what a variable stands for.
func (rd reader) variable(v ast.Var) {
	if v.Equal(ast.InputRootDocument.Value) {
		rd.root.use.whole = true
	} else if at := rd.stands[v]; at != nil {
		at.use.whole = true
	}
}

// prune gives the shape without what isn't used.
func (s *shape) prune(u *usage) *shape {
	if u.whole || s.kind != reflect.Struct && s.kind != reflect.Slice {
		return s
	}
	out := *s
	if s.bare != nil {
		out.bare = s.bare.prune(u)
	}
	if s.kind == reflect.Slice {
		out.elem = s.elem.prune(u.part(""))
		return &out
	}
	out.fields, out.unseen = nil, nil
	for _, f := range s.fields {
		if p := u.parts[f.name]; p != nil {
			f.shape = f.shape.prune(p)
			out.fields = append(out.fields, f)
		} else {
			out.unseen = append(out.unseen, f.enums(nil)...)
		}
	}
	return &out
}

// unseen is an enumerated text that no rule looks at: it is left out of the input, but a value
// that it can't have is an error all the same.
type unseen struct {
	field
	path []int
}

// enums are the enumerated texts in a field that isn't a pointer or a list.
func (f field) enums(above []int) []unseen {
	path := append(slices.Clone(above), f.index)
	switch {
	case f.shape.enum != nil:
		return []unseen{{f, path}}
	case f.shape.kind != reflect.Struct || f.shape.bare != nil:
		return nil
	}
	var out []unseen
	for _, sub := range f.shape.fields {
		out = append(out, sub.enums(path)...)
	}
	return out
}
