package policy

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// screener reads rules for a screen. Everything that it knows is in the compiled rules, the
// parameters of built-in rules and the shape of the input.
type screener struct {
	params     ast.Value
	shape      *shape // nil: only a row of the input is looked at, not the input itself
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
	if !c.opts.readAll && slices.ContainsFunc(set, func(r *ast.Rule) bool { return !c.ours(r) }) {
		return nil // rules of the house are asked about everything
	}
	s := c.screener(params, compiler)
	s.shape = e.shape
	var ways []condition
	for _, r := range set {
		s.budget = maxWays
		c, _ := s.from(r.Body, bindings{}, true)
		ways = append(ways, c)
	}
	return &screen{may: some(ways), vet: vettingOf(pruned), rows: c.rowsOf(e, params, set, compiler)}
}

// ours reports whether a rule that judges is one that Accord ships.
func (c *compilation) ours(r *ast.Rule) bool {
	k := slices.IndexFunc(c.rules, func(f *rule) bool { return f.defines(r) })
	return k >= 0 && strings.HasPrefix(c.rules[k].pkg, "accord.builtin.")
}

func (c *compilation) screener(params ast.Value, compiler *ast.Compiler) *screener {
	s := &screener{params: params, attributes: map[string]bool{}, rules: compiler.RuleTree, budget: maxWays, known: map[*ast.TreeNode]outcome{}}
	for _, a := range c.opts.Attributes {
		s.attributes[a] = true
	}
	return s
}

// bindings are what variables stand for; those that aren't there stand for anything.
type bindings map[ast.Var]operand

// operand is one side of a comparison: a constant, a part of the input, texts joined, numbers
// added, or one of several of these.
type operand struct {
	fixed  ast.Value
	place  *place
	joined *joined
	added  *added
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
	} else if s.shape == nil || !r[0].Equal(ast.InputRootDocument) {
		return nil, false
	}
	for _, t := range r[1:] {
		ok := false
		if v, isVar := t.Value.(ast.Var); isVar && !bound(vars, v) {
			s.loops++
			at, ok = at.each(s.loops)
		} else if key, known := s.resolve(t, vars); known {
			if name, text := key.fixed.(ast.String); text {
				at, ok = at.field(string(name), s.attributes)
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
