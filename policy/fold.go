package policy

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// fold puts the parameters of built-in rules, which are known before anything is judged, into
// the body of a rule. What always holds is left out, and never says that a body can't hold: a
// limit that is off costs nothing then. Only the top of a body is looked at, and only what is
// understood; the rest is evaluated as it stands.
func fold(params ast.Value, body ast.Body) (_ ast.Body, never bool) {
	var out ast.Body
	for _, x := range body {
		if x.Negated || len(x.With) > 0 {
			out.Append(x)
			continue
		}
		switch terms := x.Terms.(type) {
		case *ast.Term:
			v, known := parameter(params, terms)
			if known && (v == nil || v.Compare(ast.Boolean(false)) == 0) {
				return nil, true
			}
			if !known {
				out.Append(x)
			}
		case []*ast.Term:
			if nothing(params, x) {
				return nil, true
			}
			for i := range terms[1:] {
				if v, known := parameter(params, terms[1+i]); known && v != nil && ast.IsScalar(v) {
					terms[1+i] = ast.NewTerm(v).SetLocation(terms[1+i].Location)
				}
			}
			holds, known := compares(x)
			if known && !holds {
				return nil, true
			}
			if !known {
				out.Append(x)
			}
		default:
			out.Append(x)
		}
	}
	if len(out) == 0 {
		out.Append(ast.NewExpr(ast.BooleanTerm(true)))
	}
	return out, false
}

// parameter gives the value of a reference into data.params; nil if there is nothing.
func parameter(params ast.Value, t *ast.Term) (ast.Value, bool) {
	r, ok := t.Value.(ast.Ref)
	if !ok || len(r) < 3 || !r.IsGround() || !isParams(r) {
		return nil, false
	}
	v, err := params.Find(r[2:])
	if err != nil {
		return nil, true
	}
	return v, true
}

func isParams(r ast.Ref) bool {
	return r[0].Equal(ast.DefaultRootDocument) && r[1].Value.Compare(ast.String("params")) == 0
}

// nothing reports whether an expression takes an element of an empty list of parameters.
func nothing(params ast.Value, x *ast.Expr) bool {
	if !x.IsEquality() {
		return false
	}
	for _, t := range x.Operands() {
		r, ok := t.Value.(ast.Ref)
		if !ok || len(r) < 4 || !isParams(r) {
			continue
		}
		prefix := r.GroundPrefix()
		if len(prefix) == len(r) || len(prefix) < 3 {
			continue
		}
		if v, known := parameter(params, ast.NewTerm(prefix)); known {
			list, ok := v.(*ast.Array)
			return v == nil || ok && list.Len() == 0
		}
	}
	return false
}

// compares gives the outcome of a comparison of two numbers that are both known.
func compares(x *ast.Expr) (holds, known bool) {
	if len(x.Operands()) != 2 {
		return false, false
	}
	a, okA := x.Operand(0).Value.(ast.Number)
	b, okB := x.Operand(1).Value.(ast.Number)
	if !okA || !okB {
		return false, false
	}
	c := a.Compare(b)
	switch x.Operator().String() {
	case "gt":
		return c > 0, true
	case "gte":
		return c >= 0, true
	case "lt":
		return c < 0, true
	case "lte":
		return c <= 0, true
	case "eq", "equal":
		return c == 0, true
	case "neq":
		return c != 0, true
	}
	return false, false
}
