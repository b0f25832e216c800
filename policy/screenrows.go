package policy

import (
	"reflect"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// rows are the lists of an input of which rules look at one element after the other, and at nothing
// else: elements of which none of them can say anything are left out before they are encoded.
type rows struct {
	index int // of the field of the input
	needs condition
	vet   *vetting
}

// rowsOf finds such lists. Every use of one has to be a `some x in input.LIST` at the top of the body
// of a rule that judges: what is made of no element, as of an empty list, can't be told apart then.
func (c *compilation) rowsOf(e *entry, params ast.Value, set []*ast.Rule, compiler *ast.Compiler) []rows {
	uses := c.listUses(e, set, compiler)
	var out []rows
	for _, f := range e.shape.fields {
		if f.shape.kind != reflect.Slice || f.shape.elem.kind != reflect.Struct || f.shape.elem.bare != nil || uses[""] > 0 {
			continue
		}
		s, loops := c.screener(params, compiler), 0
		var ways []condition
		for _, r := range set {
			for i, x := range r.Body {
				v, key, ok := loopOver(x, f.name)
				if !ok || times(r, key) > 1 { // which place it has matters
					continue
				}
				loops++
				row := &place{shape: f.shape.elem}
				body := append(slices.Clone(r.Body[:i]), r.Body[i+1:]...)
				c, _ := s.from(body, bindings{v: operand{place: row}}, true)
				ways = append(ways, c)
			}
		}
		if loops == uses[f.name] && loops > 0 && some(ways) != nil {
			out = append(out, rows{f.index, some(ways), vettingOf(f.shape.elem)})
		}
	}
	return out
}

// listUses counts how often the rules that judge, and whatever they may refer to, name each field of
// the input; "" stands for the input as a whole, or for a field that isn't named.
func (c *compilation) listUses(e *entry, set []*ast.Rule, compiler *ast.Compiler) map[string]int {
	uses := map[string]int{}
	count := func(r *ast.Rule) {
		ast.NewGenericVisitor(func(x any) bool {
			switch x := x.(type) {
			case ast.Ref:
				if !x[0].Equal(ast.InputRootDocument) {
					return false
				}
				name := ast.String("")
				if len(x) > 1 {
					name, _ = x[1].Value.(ast.String)
				}
				uses[string(name)]++
				for _, t := range x[1:] {
					if _, nested := t.Value.(ast.Ref); nested {
						uses[""]++
					}
				}
				return true
			case ast.Var:
				if x.Equal(ast.InputRootDocument.Value) {
					uses[""]++
				}
			}
			return false
		}).Walk(r)
	}
	for _, path := range sortedKeys(compiler.Modules) {
		if path == driverFile {
			continue
		}
		for _, r := range compiler.Modules[path].Rules {
			if !slices.ContainsFunc(c.rules, func(f *rule) bool { return f.entry == e && f.defines(r) }) {
				count(r)
			}
		}
	}
	for _, r := range set {
		count(r)
	}
	return uses
}

// loopOver gives the variables of `some key, x in input.LIST`.
func loopOver(x *ast.Expr, list string) (v, key ast.Var, ok bool) {
	v, ref, ok := definition(x)
	if !ok || len(x.With) > 0 || len(ref) != 3 || !ref[0].Equal(ast.InputRootDocument) || !ref[1].Equal(ast.StringTerm(list)) {
		return "", "", false
	}
	key, ok = ref[2].Value.(ast.Var)
	return v, key, ok
}

// times is how often a rule names a variable.
func times(r *ast.Rule, v ast.Var) int {
	n := 0
	ast.WalkVars(r, func(x ast.Var) bool {
		if x.Equal(v) {
			n++
		}
		return false
	})
	return n
}

// pick gives the input without the elements that nobody has to be asked about. An element that can't
// be encoded is for the encoder to tell.
func (s *screen) pick(input any, m *memo) any {
	if s == nil || len(s.rows) == 0 {
		return input
	}
	out := reflect.New(reflect.TypeOf(input).Elem())
	out.Elem().Set(reflect.ValueOf(input).Elem())
	for _, r := range s.rows {
		list := out.Elem().Field(r.index)
		picked := reflect.MakeSlice(list.Type(), 0, 0)
		for i := range list.Len() {
			if row := list.Index(i); r.needs(row, m) || !r.vet.passes(row) {
				picked = reflect.Append(picked, row)
			}
		}
		list.Set(picked)
	}
	return out.Interface()
}
