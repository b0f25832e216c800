package policy

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

// TestUsage: what no rule looks at isn't in the input, and what one may look at is.
func TestUsage(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{`input.change.op == "add"`, `{"change": {"op"}}`},
		{"c := input.change; c.op == \"add\"; c.ends == \"\"", `{"change": {"ends", "op"}}`},
		{`some r in input.change.reasons; r.ticket == ""`, `{"change": {"reasons": [{"ticket"}]}}`},
		{`count(input.change.reasons) == 1`, `{"change": {"reasons": [{}]}}`},
		{`r := input.change.reasons; r[0].line == 1`, `{"change": {"reasons": [{"line"}]}}`},
		{`every r in input.change.reasons { r.ticket == "" }`, `{"change": {"reasons": [{"ticket"}]}}`},
		{`every r in input.change.reasons { is_object(r) }`, `{"change": {"reasons": [everything]}}`},
		{`"x" in input.subject.attributes.department`, `{"subject": {"attributes"}}`},
		{`input.change.cause == input.change.cause`, `{"change": {"cause"}}`},
		{`json.is_valid(input.change.before.value); x := input.plan; is_object(x)`, `{"change": {"before": {"value"}}, "plan"}`},
		{`some k; input.change[k] == "x"`, `{"change"}`},
		{`is_object(input)`, `everything`},
	} {
		j := judge(t, Options{Attributes: []string{"department"}}, file("p.rego", "package accord\n\ndeny contains \"x\" if { "+tt.body+" }\n"))
		if got := j.queries[j.entries[0]].shape.show(j.entries[0].shape); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.body, got, tt.want)
		}
	}
}

// show writes the fields of a pruned shape.
func (s *shape) show(whole *shape) string {
	if s == whole {
		return "everything"
	}
	if s.kind == reflect.Slice {
		return "[" + s.elem.show(whole.elem) + "]"
	}
	var out []string
	for _, f := range s.fields {
		text := fmt.Sprintf("%q", f.name)
		if sub := f.shape.show(whole.mustField(f.name)); sub != "everything" {
			text += ": " + sub
		}
		out = append(out, text)
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// TestUnseenValues: a value that an input can't have is an error, even if no rule looks at it.
func TestUnseenValues(t *testing.T) {
	j := judge(t, Options{}, file("p.rego", "package accord\n\ndeny contains \"x\" if input.change.system == \"x\"\n"))
	for name, edit := range map[string]func(*ChangeInput){
		"op":   func(c *ChangeInput) { c.Change.Op = "addd" },
		"kind": func(c *ChangeInput) { c.Change.Cause.Kind = "whim" },
	} {
		if _, err := j.Judge(t.Context(), one(edit)); err == nil || !strings.Contains(err.Error(), name+": ") || !strings.Contains(err.Error(), "is none of") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFold: what the parameters decide is decided before anything is judged.
func TestFold(t *testing.T) {
	params := ast.MustInterfaceToValue(map[string]any{"p": map[string]any{"on": true, "off": false, "zero": json.Number("0"), "ten": json.Number("10"), "none": []any{}, "some": []any{"a"}}})
	for body, want := range map[string]string{
		"input.a > data.params.p.ten":                   "gt(input.a, 10)",
		"data.params.p.on; input.a":                     "input.a",
		"data.params.p.on":                              "true",
		"data.params.p.off; input.a":                    "never",
		"data.params.p.missing; input.a":                "never",
		"data.params.p.zero > 0; input.a":               "never",
		"data.params.p.ten > 0; input.a":                "input.a",
		"data.params.p.ten != 10; input.a":              "never",
		"x = data.params.p.none[_]; x == 1":             "never",
		"x = data.params.p.some[_]; x == 1":             "x = data.params.p.some[_]; x == 1",
		"not data.params.p.off; input.a":                "not data.params.p.off; input.a",
		"data.params.p.off with data.params.p.off as 1": "data.params.p.off with data.params.p.off as 1",
		"data.other.off; input.a == data.params.p.none": "data.other.off; input.a == data.params.p.none",
		"input.a == data.params[input.b]; input.c":      "input.a == data.params[input.b]; input.c",
		"data.params.p.some; count(data.params.p.none)": "count(data.params.p.none)",
	} {
		got := "never"
		if out, never := fold(params, ast.MustParseBody(body)); !never {
			got = out.String()
		}
		if w := want; w != "never" && got != ast.MustParseBody(w).String() || w == "never" && got != w {
			t.Errorf("%s: %s, want %s", body, got, w)
		}
	}
}
