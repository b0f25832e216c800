package policy

import (
	"cmp"
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// screener reads rules for a screen. Everything that it knows is in the compiled rules, the
// parameters of built-in rules and the shape of the input.
type screener struct {
	params     ast.Value
	shape      *shape
	attributes map[string]bool
	rules      *ast.TreeNode
	// budget bounds how many ways of going through lists of parameters are told apart.
	budget int
	known  map[*ast.TreeNode]outcome // of helpers that were read
	loops  int                       // how often a list was gone through
}

// maxWays is the budget: a rule with more is evaluated.
const maxWays = 512

// screenOf reads the rules that judge one sort of input; pruned is the form in which it is encoded.
func (c *compilation) screenOf(e *entry, params ast.Value, set []*ast.Rule, pruned *shape, compiler *ast.Compiler) *screen {
	s := &screener{params: params, shape: e.shape, attributes: map[string]bool{}, rules: compiler.RuleTree, known: map[*ast.TreeNode]outcome{}}
	for _, a := range c.opts.Attributes {
		s.attributes[a] = true
	}
	var ways []condition
	for _, r := range set {
		s.budget = maxWays
		c, _ := s.from(r.Body, bindings{}, true)
		ways = append(ways, c)
	}
	return &screen{may: some(ways), vet: vettingOf(pruned)}
}

// bindings are what variables stand for; those that aren't there stand for anything.
type bindings map[ast.Var]operand

// operand is one side of a comparison: a constant, a part of the input, texts joined, or one of
// several of these.
type operand struct {
	fixed  ast.Value
	place  *place
	joined *joined
	either []operand
}

// outcome is what is known of a rule: the condition without which it doesn't hold (nil: none),
// whether evaluating it can't fail, and what its value or, of a set, any element of it is.
type outcome struct {
	may   condition
	safe  bool
	value operand
	whole bool // the value is known
}

// from reads the rest of a body: it gives a condition without which it can't hold, nil for none,
// and whether it can't fail. While it is sure, nothing that was evaluated before can have failed;
// after that only what OPA's own rule index looks at counts, wherever that stands.
func (s *screener) from(b ast.Body, vars bindings, sure bool) (condition, bool) {
	var conds []condition
	for i, x := range b {
		if sure {
			if ways, ok := s.ways(x, vars); ok {
				c, safe := s.either(b[i+1:], ways)
				if c != nil {
					conds = append(conds, c)
				}
				return all(conds), safe
			}
		}
		c, safe := s.expr(x, vars, sure)
		if c != nil && (sure || indexed(x)) {
			conds = append(conds, c)
		}
		sure = sure && safe
	}
	return all(conds), sure
}

// either reads a body for each of several ways to get there.
func (s *screener) either(b ast.Body, ways []bindings) (condition, bool) {
	var conds []condition
	sure := true
	for _, vars := range ways {
		c, safe := s.from(b, vars, true)
		conds, sure = append(conds, c), sure && safe
	}
	return some(conds), sure
}

// indexed reports whether an expression is one of those by which OPA's rule index leaves rules
// out: a part of the input equals a constant, or is one of some constants.
func indexed(x *ast.Expr) bool {
	if x.Negated || len(x.With) > 0 || !x.IsCall() || len(x.Operands()) != 2 {
		return false
	}
	ref, ok := x.Operand(0).Value.(ast.Ref)
	if !ok || !ref.IsGround() || !ref[0].Equal(ast.InputRootDocument) {
		return false
	}
	switch v := x.Operand(1).Value.(type) {
	case ast.String, ast.Number, ast.Boolean:
		return x.IsEquality() || x.Operator().String() == "equal"
	case ast.Set, *ast.Array:
		return x.Operator().String() == ast.Member.Name && v.IsGround()
	}
	return false
}

// ways tells apart the elements of a list of parameters that an expression goes through.
func (s *screener) ways(x *ast.Expr, vars bindings) ([]bindings, bool) {
	v, ref, ok := definition(x)
	if !ok || len(x.With) > 0 || bound(vars, v) {
		return nil, false
	}
	base, rest := s.constant(ref, vars)
	if base == nil || len(rest) != 1 {
		return nil, false
	}
	key, ok := rest[0].Value.(ast.Var)
	if !ok || bound(vars, key) {
		return nil, false
	}
	var out []bindings
	add := func(k, e *ast.Term) {
		way := maps.Clone(vars)
		way[key], way[v] = operand{fixed: k.Value}, operand{fixed: e.Value}
		out = append(out, way)
	}
	switch list := base.(type) {
	case *ast.Array:
		for i := range list.Len() {
			add(ast.IntNumberTerm(i), list.Elem(i))
		}
	case ast.Object:
		list.Foreach(add)
	case ast.Set:
		list.Foreach(func(e *ast.Term) { add(e, e) })
	default:
		return nil, true // there is nothing to go through
	}
	if s.budget -= len(out); s.budget < 0 {
		return nil, false
	}
	return out, true
}

func bound(vars bindings, v ast.Var) bool { _, ok := vars[v]; return ok }

// constant follows a reference as far as it is a constant: into parameters, or from a variable
// that stands for one. It gives nil where it doesn't begin with a constant, or there is nothing.
func (s *screener) constant(r ast.Ref, vars bindings) (ast.Value, []*ast.Term) {
	var at ast.Value
	rest := []*ast.Term(r[1:])
	if v, ok := r[0].Value.(ast.Var); ok && bound(vars, v) {
		at = vars[v].fixed
	} else if len(r) > 2 && isParams(r) {
		at, rest = s.params, rest[1:]
	}
	for at != nil && len(rest) > 0 {
		key := rest[0]
		if v, ok := key.Value.(ast.Var); ok && bound(vars, v) && vars[v].fixed != nil {
			key = ast.NewTerm(vars[v].fixed)
		}
		if !ast.IsScalar(key.Value) {
			break
		}
		next, err := at.Find(ast.Ref{key})
		if err != nil {
			return nil, nil
		}
		at, rest = next, rest[1:]
	}
	return at, rest
}

// resolve tells what a term stands for.
func (s *screener) resolve(t *ast.Term, vars bindings) (operand, bool) {
	switch v := t.Value.(type) {
	case ast.Var:
		o, ok := vars[v]
		return o, ok
	case ast.Ref:
		if p, ok := s.placeOf(v, vars); ok {
			return operand{place: p}, true
		}
		if c, rest := s.constant(v, vars); c != nil && len(rest) == 0 {
			return operand{fixed: c}, true
		}
	case ast.Null, ast.Boolean, ast.Number, ast.String, *ast.Array, ast.Object, ast.Set:
		if v.IsGround() && constantTerm(t) {
			return operand{fixed: v}, true
		}
	}
	return operand{}, false
}

// constantTerm reports whether there is nothing to evaluate in a term.
func constantTerm(t *ast.Term) bool {
	constant := true
	ast.WalkTerms(t, func(t *ast.Term) bool {
		switch t.Value.(type) {
		case ast.Null, ast.Boolean, ast.Number, ast.String, *ast.Array, ast.Object, ast.Set:
			return !constant
		}
		constant = false
		return true
	})
	return constant
}

// placeOf follows a reference into the input.
func (s *screener) placeOf(r ast.Ref, vars bindings) (*place, bool) {
	at := place{shape: s.shape}
	if v, ok := r[0].Value.(ast.Var); !ok {
		return nil, false
	} else if p := vars[v].place; p != nil {
		at = *p
	} else if !r[0].Equal(ast.InputRootDocument) {
		return nil, false
	}
	for _, t := range r[1:] {
		ok := false
		switch key := t.Value.(type) {
		case ast.String:
			at, ok = at.field(string(key), s.attributes)
		case ast.Var:
			switch o, is := vars[key]; {
			case !is:
				s.loops++
				at, ok = at.each(s.loops)
			default:
				if name, text := o.fixed.(ast.String); text {
					at, ok = at.field(string(name), s.attributes)
				}
			}
		}
		if !ok {
			return nil, false
		}
	}
	return &at, true
}

// expr gives a condition without which an expression can't hold, nil for none, and whether it is
// safe: whether evaluating it can't fail.
func (s *screener) expr(x *ast.Expr, vars bindings, sure bool) (c condition, safe bool) {
	if len(x.With) > 0 {
		return nil, false
	}
	switch terms := x.Terms.(type) {
	case *ast.Term:
		if x.Negated {
			return s.not(terms, vars)
		}
		return s.holds(terms, vars, sure)
	case []*ast.Term:
		if x.Negated {
			return nil, false
		}
		return s.call(x, vars, sure)
	}
	return nil, false
}

// holds reads a term that must be there and not be false.
func (s *screener) holds(t *ast.Term, vars bindings, sure bool) (condition, bool) {
	if o, ok := s.resolve(t, vars); ok {
		switch {
		case o.fixed != nil && o.fixed.Compare(ast.Boolean(false)) == 0:
			return never, true
		case o.place != nil && o.place.shape.kind == reflect.Bool:
			return o.place.test(reflect.Value.Bool), true
		case o.place != nil:
			return o.place.test(func(reflect.Value) bool { return true }), true
		}
		return nil, true
	}
	if r, ok := t.Value.(ast.Ref); ok && sure {
		o := s.helper(r, false)
		return o.may, o.safe
	}
	return nil, false
}

// not reads a term that must not be there, or be false.
func (s *screener) not(t *ast.Term, vars bindings) (condition, bool) {
	o, ok := s.resolve(t, vars)
	if !ok || o.place == nil || o.place.many() {
		return nil, false
	}
	there := func(reflect.Value) bool { return true }
	if o.place.shape.kind == reflect.Bool {
		there = reflect.Value.Bool
	}
	is := o.place.test(there)
	return func(in reflect.Value, m *memo) bool { return !is(in, m) }, true
}

func (p *place) test(test func(reflect.Value) bool) condition {
	if !p.many() {
		return func(in reflect.Value, _ *memo) bool {
			v, ok := p.one(in)
			return ok && test(v)
		}
	}
	return func(in reflect.Value, _ *memo) bool { return p.some(in, test) }
}

// helper reads a reference to a rule, or to an element of one that is a set: one of its bodies has
// to hold. (A set as a whole is there even if none does; member says that an element is meant.)
func (s *screener) helper(r ast.Ref, member bool) outcome {
	node, depth := s.rules, 0
	for depth < len(r) && len(node.Values) == 0 {
		if node = node.Child(r[depth].Value); node == nil {
			return outcome{}
		}
		depth++
	}
	if !r[0].Equal(ast.DefaultRootDocument) || len(node.Values) == 0 || len(node.Children) > 0 {
		return outcome{}
	}
	set := node.Values[0].Head.RuleKind() == ast.MultiValue
	if set && !member && depth == len(r) {
		return outcome{}
	}
	out, ok := s.known[node]
	if !ok {
		out = s.rule(node.Values, set)
		s.known[node] = out
	}
	if exact := depth == len(r) || set && depth+1 == len(r); !exact {
		out.whole = false
	}
	return out
}

// rule reads the definitions of a rule.
func (s *screener) rule(rules []*ast.Rule, set bool) outcome {
	out := outcome{safe: true, whole: true}
	var bodies []condition
	for _, r := range rules {
		head := r.Head.Value
		if set {
			head = r.Head.Key
		}
		if r.Default || r.Else != nil || len(r.Head.Args) > 0 || len(r.Head.Ref()) != 1 || head == nil {
			return outcome{}
		}
		vars := bindings{}
		may, safe := s.from(r.Body, vars, true)
		o, known := s.resolve(head, vars)
		_, isVar := head.Value.(ast.Var)
		bodies, out.value.either = append(bodies, may), append(out.value.either, o)
		out.safe, out.whole = out.safe && safe && (known || isVar), out.whole && known
	}
	out.safe = out.safe && (set || len(rules) == 1 || constantHeads(rules)) // values that differ are an error
	out.may = some(bodies)
	return out
}

// constantHeads reports whether all definitions give the same constant, as those without a value.
func constantHeads(rules []*ast.Rule) bool {
	return !slices.ContainsFunc(rules, func(r *ast.Rule) bool {
		return !constantTerm(r.Head.Value) || !r.Head.Value.Equal(rules[0].Head.Value)
	})
}

// call reads a call of a function that is built in.
func (s *screener) call(x *ast.Expr, vars bindings, sure bool) (condition, bool) {
	name, args := x.Operator().String(), x.Operands()
	if x.IsEquality() && len(args) == 2 {
		if c, safe, ok := s.define(x, vars, sure); ok {
			return c, safe
		}
	}
	if name == ast.Concat.Name && len(args) == 3 {
		return nil, s.concat(args, vars)
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

// joined are texts with glue between them: constants, and parts of the same thing.
type joined struct {
	glue  string
	parts []operand
	of    *place // where they are parts of an element of a list, that element
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
		if _, text := part.fixed.(ast.String); ok && text {
			j.parts = append(j.parts, part)
			continue
		}
		if !ok || part.place == nil || part.place.shape.kind != reflect.String || !j.add(part.place) {
			return false
		}
	}
	vars[out] = operand{joined: j}
	return true
}

// add adds a part; ok is false if it isn't one part, always there, of the same element.
func (j *joined) add(p *place) (ok bool) {
	of, rest := p.split()
	if !rest.single() || j.of != nil && !of.same(j.of) || j.of == nil && slices.ContainsFunc(j.parts, func(o operand) bool { return o.place != nil }) && of.many() {
		return false
	}
	if of.many() {
		j.of = of
	}
	j.parts = append(j.parts, operand{place: rest})
	return true
}

// some reports whether something is true of the text, or of one of the texts.
func (j *joined) some(in reflect.Value, test func(string) bool) bool {
	join := func(v reflect.Value) bool {
		texts := make([]string, len(j.parts))
		for i, p := range j.parts {
			if p.place == nil {
				texts[i] = string(p.fixed.(ast.String))
			} else if part, ok := p.place.one(v); ok {
				texts[i] = part.String()
			}
		}
		return test(strings.Join(texts, j.glue))
	}
	if j.of == nil {
		return join(in)
	}
	return j.of.some(in, join)
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
	if a.place == nil {
		a, b, holds = b, a, comparison(turned(name))
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
