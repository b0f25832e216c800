package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strings"
	"testing"
)

// allOn are parameters with which every built-in rule is on.
func allOn() map[string]any {
	return map[string]any{
		"change_window":         []any{map[string]any{"systems": []any{"erp"}, "days": []any{"monday"}, "from": "08:00", "to": "17:00"}},
		"daily_limits":          []any{map[string]any{"privilege": "erp/role/*", "per_day": 3}},
		"leavers_hold_nothing":  nil,
		"manager_active":        true,
		"no_wildcard_admin":     map[string]any{},
		"owner_active":          map[string]any{},
		"privileged_access":     nil,
		"segregation_of_duties": []any{[]any{"erp/role/pay", "bank/team/approve"}},
		"temporary_access":      nil,
	}
}

// TestBuiltins runs the tests that stand beside the built-in rules; they reach every line.
func TestBuiltins(t *testing.T) {
	tests := slices.DeleteFunc(builtinSources(), func(s Source) bool { return !s.test() })
	report, err := Test(t.Context(), tests, Options{Rules: allOn(), builtins: true})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.Write(&b, false); err != nil {
		t.Fatal(err)
	}
	if !report.OK() || report.Coverage < 100 {
		t.Errorf("%s", b.String())
	}
	for _, rule := range builtins() {
		if !slices.ContainsFunc(report.Tests, func(r TestResult) bool { return r.File == "builtin/"+rule.name+"_test.rego" }) {
			t.Errorf("%s has no tests", rule.name)
		}
	}
}

// TestBuiltinFiles finds rules that are embedded but can't be switched on, and schemas without
// a title.
func TestBuiltinFiles(t *testing.T) {
	names := map[string]bool{}
	for _, b := range Builtins() {
		names[b.Name] = true
		if b.Title == "" || !json.Valid(b.Schema) {
			t.Errorf("%s: the schema has no title or isn't JSON", b.Name)
		}
	}
	if len(names) != len(builtins()) || !slices.IsSortedFunc(Builtins(), func(a, b Builtin) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("Builtins() lists %d of %d rules, or not in order", len(names), len(builtins()))
	}
	for _, s := range builtinSources() {
		if name := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.Path), ".rego"), "_test"); !names[name] {
			t.Errorf("%s is no rule of builtins()", s.Path)
		}
	}
}

func TestParameters(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rule   string
		params any
		want   []string // each stands in the error; none: no error
	}{
		{"unknown rule", "segregation_of_duty", nil, []string{`there is no built-in rule "segregation_of_duty"`, `did you mean "segregation_of_duties"?`}},
		{"misspelt parameter", "temporary_access", map[string]any{"max_day": 3}, []string{"rules.temporary_access", "max_day", "max_days"}},
		{"wrong type", "temporary_access", map[string]any{"max_days": "30"}, []string{"rules.temporary_access.max_days", "got string, want integer", "how many days ahead"}},
		{"wrong value", "owner_active", map[string]any{"kinds": []any{"roles"}}, []string{"rules.owner_active.kinds.0", "role"}},
		{"a list is needed", "segregation_of_duties", true, []string{"rules.segregation_of_duties", "want array", "list of pairs"}},
		{"three in a pair", "segregation_of_duties", []any{[]any{"a", "b", "c"}}, []string{"rules.segregation_of_duties.0", "maxItems"}},
		{"neither pair nor mapping", "segregation_of_duties", []any{"a"}, []string{"rules.segregation_of_duties.0", "want object"}},
		{"no time of day", "change_window", []any{map[string]any{"systems": []any{"x"}, "days": []any{"monday"}, "from": "25:00", "to": "26:00"}}, []string{"rules.change_window.0.from", "pattern"}},
		{"defaults", "temporary_access", map[string]any{"max_days": 30}, nil},
		{"a pair with a reason", "segregation_of_duties", []any{map[string]any{"between": []any{"a", "b"}, "because": "c"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile(t.Context(), nil, Options{Rules: map[string]any{tt.rule: tt.params}})
			if len(tt.want) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, ErrCompile) {
				t.Fatalf("got %v, want an ErrCompile", err)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q stands not in: %v", w, err)
				}
			}
		})
	}
}

// TestDefaults: what isn't said is filled in, what is said stays.
func TestDefaults(t *testing.T) {
	on, errs := switchOn(map[string]any{"temporary_access": map[string]any{"max_days": 30}, "manager_active": false})
	if len(errs) > 0 || len(on) != 1 {
		t.Fatal(on, errs)
	}
	p := on[0].params.(map[string]any)
	if p["max_days"] != json.Number("30") || p["contractor_days"] != json.Number("90") {
		t.Errorf("got %v", p)
	}
}
