package policy

import (
	"cmp"
	"context"
	"math"
	"reflect"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// call reads a call of a function that is built in.
func (s *screener) call(x *ast.Expr, vars bindings, sure bool) (condition, bool) {
	name, args := x.Operator().String(), x.Operands()
	if x.IsEquality() && len(args) == 2 {
		if c, safe, ok := s.define(x, vars, sure); ok {
			return c, safe
		}
	}
	switch {
	case name == ast.Concat.Name && len(args) == 3:
		return nil, s.concat(args, vars)
	case name == ast.Plus.Name && len(args) == 3 || name == ast.Count.Name && len(args) == 2:
		return nil, s.add(args, vars)
	}
	if len(args) < 2 {
		return nil, false
	}
	if set, ok := args[1].Value.(ast.Ref); ok && sure && name == ast.Member.Name && set[0].Equal(ast.DefaultRootDocument) && !isParams(set) {
		o := s.helper(set, true)
		return o.may, o.safe
	}
	a, okA := s.resolve(args[0], vars)
	b, okB := s.resolve(args[len(args)-1], vars)
	if !okA || !okB {
		return nil, false
	}
	if name == ast.GlobMatch.Name && len(args) == 3 {
		return glob(args[1], a, b)
	}
	if len(args) != 2 {
		return nil, false
	}
	if name == ast.Member.Name {
		return member(a, b)
	}
	if test := textTest(name); test != nil {
		return a.tests(b, test)
	}
	return compare(name, a, b)
}

// define reads variable = something, which lets the variable stand for it.
func (s *screener) define(x *ast.Expr, vars bindings, sure bool) (c condition, safe, ok bool) {
	args := x.Operands()
	for k := range args {
		v, isVar := args[k].Value.(ast.Var)
		if !isVar || bound(vars, v) || v.Equal(ast.InputRootDocument.Value) {
			continue
		}
		other := args[1-k]
		if o, known := s.resolve(other, vars); known {
			vars[v] = o
			if o.place != nil { // it has to be there
				return o.place.test(func(reflect.Value) bool { return true }), true, true
			}
			return nil, true, true
		}
		ref, isRef := other.Value.(ast.Ref)
		if !isRef {
			return nil, false, true
		}
		if c, found := s.lookup(ref, vars); found {
			return c, true, true
		}
		if !sure {
			return nil, false, true
		}
		out := s.helper(ref, false)
		if out.whole {
			vars[v] = out.value
		}
		return out.may, out.safe, true
	}
	return nil, false, false
}

// lookup reads a reference that looks a part of the input up among the keys of parameters.
func (s *screener) lookup(r ast.Ref, vars bindings) (condition, bool) {
	base, rest := s.constant(r, vars)
	if base == nil || len(rest) == 0 || len(rest) > 2 {
		return nil, false
	}
	object, ok := base.(ast.Object)
	o, known := s.resolve(rest[0], vars)
	if !ok || !known || o.fixed != nil {
		return nil, false
	}
	if len(rest) == 2 {
		if v, isVar := rest[1].Value.(ast.Var); !isVar || bound(vars, v) {
			return nil, false
		}
	}
	keys := map[string]bool{}
	object.Foreach(func(k, _ *ast.Term) {
		if text, ok := k.Value.(ast.String); ok {
			keys[string(text)] = true
		}
	})
	return o.texts(func(text string, _ *memo) bool { return keys[text] })
}

// group is several parts of the input that belong together: of the input itself or of one element
// of a list.
type group struct {
	of    *place // that element; nil: the input
	parts []*place
}

// take takes a part in and gives the way to it. It isn't ok if the part isn't single, or belongs to
// something else.
func (g *group) take(p *place) (rest *place, ok bool) {
	of, rest := p.split()
	if !rest.single() || g.of != nil && !of.same(g.of) || g.of == nil && len(g.parts) > 0 && of.many() {
		return nil, false
	}
	if of.many() {
		g.of = of
	}
	g.parts = append(g.parts, rest)
	return rest, true
}

// some reports whether the test holds of the input, or of one of the elements.
func (g *group) some(in reflect.Value, test func(reflect.Value) bool) bool {
	if g.of == nil {
		return test(in)
	}
	return g.of.some(in, test)
}

// joined are texts with glue between them: constants, and parts of the same thing.
type joined struct {
	group
	glue  string
	texts []operand
}

// concat lets the last operand stand for texts that are joined.
func (s *screener) concat(args []*ast.Term, vars bindings) (safe bool) {
	out, isVar := args[2].Value.(ast.Var)
	glue, isText := args[0].Value.(ast.String)
	list, isList := args[1].Value.(*ast.Array)
	if !isVar || bound(vars, out) || !isText || !isList {
		return false
	}
	j := &joined{glue: string(glue)}
	for i := range list.Len() {
		part, ok := s.resolve(list.Elem(i), vars)
		if _, text := part.fixed.(ast.String); !text {
			if !ok || part.place == nil || part.place.shape.kind != reflect.String {
				return false
			}
			if part.place, ok = j.take(part.place); !ok {
				return false
			}
		}
		j.texts = append(j.texts, part)
	}
	vars[out] = operand{joined: j}
	return true
}

func (j *joined) some(in reflect.Value, test func(string) bool) bool {
	return j.group.some(in, func(v reflect.Value) bool {
		texts := make([]string, len(j.texts))
		for i, t := range j.texts {
			if t.place == nil {
				texts[i] = string(t.fixed.(ast.String))
			} else if part, ok := t.place.one(v); ok {
				texts[i] = part.String()
			}
		}
		return test(strings.Join(texts, j.glue))
	})
}

// added are numbers of the same thing, or how many elements its lists have, added up.
type added struct{ group }

// add lets the last operand stand for what comes of adding, or counting, the others.
func (s *screener) add(args []*ast.Term, vars bindings) (safe bool) {
	last := len(args) - 1
	out, isVar := args[last].Value.(ast.Var)
	if !isVar || bound(vars, out) {
		return false
	}
	a := &added{}
	for _, t := range args[:last] {
		o, ok := s.resolve(t, vars)
		counts := last == 1
		if !ok || o.place == nil || counts != (o.place.shape.kind == reflect.Slice) || !counts && o.place.shape.kind != reflect.Int {
			return false
		}
		if _, ok := a.take(o.place); !ok {
			return false
		}
	}
	vars[out] = operand{added: a}
	return true
}

// some reports whether the test holds of the sum, or of one of the sums. What is too large to tell
// may be anything.
func (a *added) some(in reflect.Value, test func(int64) bool) bool {
	return a.group.some(in, func(v reflect.Value) bool {
		sum := int64(0)
		for _, p := range a.parts {
			part, ok := p.one(v)
			switch {
			case !ok:
				return true
			case part.Kind() == reflect.Slice:
				sum += int64(part.Len())
			case part.Int() > math.MaxInt32 || part.Int() < math.MinInt32:
				return true
			default:
				sum += part.Int()
			}
		}
		return test(sum)
	})
}

// texts gives the condition that a text that the operand stands for is one of which something is
// true. It isn't ok for what is no text.
func (o operand) texts(test func(text string, m *memo) bool) (condition, bool) {
	switch {
	case o.joined != nil:
		return func(in reflect.Value, m *memo) bool {
			return o.joined.some(in, func(text string) bool { return test(text, m) })
		}, true
	case len(o.either) > 0:
		var list []condition
		for _, one := range o.either {
			c, ok := one.texts(test)
			if !ok {
				return nil, false
			}
			list = append(list, c)
		}
		return some(list), true
	case o.place == nil || o.place.shape.kind != reflect.String:
		return nil, false
	case o.place.many():
		return func(in reflect.Value, m *memo) bool {
			return o.place.some(in, func(v reflect.Value) bool { return test(v.String(), m) })
		}, true
	}
	return func(in reflect.Value, m *memo) bool {
		v, ok := o.place.one(in)
		return ok && test(v.String(), m)
	}, true
}

// textTest is what a function of two texts does.
func textTest(name string) func(a, b string) bool {
	switch name {
	case ast.Contains.Name:
		return strings.Contains
	case ast.StartsWith.Name:
		return strings.HasPrefix
	case ast.EndsWith.Name:
		return strings.HasSuffix
	}
	return nil
}

func (o operand) tests(with operand, test func(a, b string) bool) (condition, bool) {
	text, ok := with.fixed.(ast.String)
	if !ok {
		return nil, false
	}
	return o.texts(func(s string, _ *memo) bool { return test(s, string(text)) })
}

// member reads `a in b`: a part of the input among constants, or a constant in a list of texts.
func member(a, b operand) (condition, bool) {
	if text, ok := a.fixed.(ast.String); ok && b.place != nil {
		if each, ok := b.place.each(0); ok && each.shape.kind == reflect.String {
			return operand{place: &each}.texts(func(s string, _ *memo) bool { return s == string(text) })
		}
		return nil, false
	}
	words := map[string]bool{}
	note := func(t *ast.Term) {
		if text, ok := t.Value.(ast.String); ok {
			words[string(text)] = true
		}
	}
	switch list := b.fixed.(type) {
	case ast.Set:
		list.Foreach(note)
	case *ast.Array:
		list.Foreach(note)
	default:
		return nil, false
	}
	return a.texts(func(s string, _ *memo) bool { return words[s] })
}

// glob reads glob.match of a constant pattern. OPA's own function decides.
func glob(delimiters *ast.Term, pattern, text operand) (condition, bool) {
	if _, ok := pattern.fixed.(ast.String); !ok || !constantTerm(delimiters) {
		return nil, false
	}
	match, p := topdown.GetBuiltin(ast.GlobMatch.Name), ast.NewTerm(pattern.fixed)
	try := func(text string) (held bool, err error) {
		err = match(topdown.BuiltinContext{Context: context.Background()}, []*ast.Term{p, delimiters, ast.StringTerm(text)}, func(t *ast.Term) error {
			held = t.Equal(ast.BooleanTerm(true))
			return nil
		})
		return held, err
	}
	if _, err := try(""); err != nil {
		return nil, false
	}
	return text.texts(func(text string, m *memo) bool {
		k := globKey{p, text}
		held, ok := m.globs[k]
		if ok {
			return held
		}
		held, err := try(text)
		if held = held || err != nil; len(m.globs)%maxTexts == 0 { // none yet, or enough
			m.globs = map[globKey]bool{}
		}
		m.globs[k] = held
		return held
	})
}

// compare reads a comparison. None can fail; only those of a part of the input with a constant of
// its kind say anything.
func compare(name string, a, b operand) (condition, bool) {
	holds := comparison(name)
	if holds != nil && a.fixed != nil && b.fixed != nil {
		if holds(a.fixed.Compare(b.fixed)) {
			return nil, true
		}
		return never, true
	}
	if a.fixed != nil {
		a, b, holds = b, a, comparison(turned(name))
	}
	if n, ok := b.fixed.(ast.Number); ok && a.added != nil && holds != nil {
		if n, ok := n.Int(); ok {
			return func(in reflect.Value, _ *memo) bool {
				return a.added.some(in, func(sum int64) bool { return holds(cmp.Compare(sum, int64(n))) })
			}, true
		}
	}
	if holds == nil || a.place == nil || b.fixed == nil {
		return nil, holds != nil
	}
	switch c := b.fixed.(type) {
	case ast.Boolean:
		if a.place.shape.kind == reflect.Bool {
			return a.place.test(func(v reflect.Value) bool { return holds(truth(v.Bool()) - truth(bool(c))) }), true
		}
	case ast.Number:
		if n, ok := c.Int(); ok && a.place.shape.kind == reflect.Int {
			return a.place.test(func(v reflect.Value) bool { return holds(cmp.Compare(v.Int(), int64(n))) }), true
		}
	case ast.String:
		if a.place.shape.kind == reflect.String {
			return a.place.test(func(v reflect.Value) bool { return holds(strings.Compare(v.String(), string(c))) }), true
		}
	}
	return nil, true
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// turned is the comparison with its sides exchanged.
func turned(name string) string {
	switch name {
	case "gt":
		return "lt"
	case "gte":
		return "lte"
	case "lt":
		return "gt"
	case "lte":
		return "gte"
	}
	return name
}

// comparison is what a function compares, given how the sides lie to each other; nil if it is no
// comparison.
func comparison(name string) func(d int) bool {
	switch name {
	case "gt":
		return func(d int) bool { return d > 0 }
	case "gte":
		return func(d int) bool { return d >= 0 }
	case "lt":
		return func(d int) bool { return d < 0 }
	case "lte":
		return func(d int) bool { return d <= 0 }
	case "neq":
		return func(d int) bool { return d != 0 }
	case "eq", "equal":
		return func(d int) bool { return d == 0 }
	}
	return nil
}
