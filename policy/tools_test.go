package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestAllowList: every built-in function of the OPA that is compiled in is either allowed or
// refused with a hint. A new one fails here until somebody has decided; one that OPA itself
// calls nondeterministic can't be allowed.
func TestAllowList(t *testing.T) {
	allowed, refused := strings.Fields(allowList), refusedBuiltins()
	if !slices.IsSorted(allowed) {
		t.Error("capabilities.txt isn't sorted")
	}
	there := map[string]bool{}
	for _, b := range ast.CapabilitiesForThisVersion().Builtins {
		there[b.Name] = true
		_, no := refused[b.Name]
		switch yes := slices.Contains(allowed, b.Name); {
		case yes == no:
			t.Errorf("%s: allowed %v, refused %v", b.Name, yes, no)
		case yes && b.IsNondeterministic():
			t.Errorf("%s is nondeterministic and allowed", b.Name)
		}
	}
	for _, name := range append(allowed, sortedKeys(refused)...) {
		if !there[name] {
			t.Errorf("%s isn't a function of this OPA", name)
		}
	}
}

// TestInputsFitSchemas holds encoded inputs, full ones and empty ones, to the schemas.
func TestInputsFitSchemas(t *testing.T) {
	full := company(3)
	full.Plan.Daily = []Daily{{Principal: "a"}}
	full.Plan.Owned = []Owned{{Kind: "role"}}
	full.Plan.Settings = []SettingChange{{Kind: "policy"}}
	empty := Input{Changes: []ChangeInput{{Change: Change{Class: "drift", Origin: "step", Op: "add", Kind: "grant"}}}, Principals: make([]PrincipalInput, 1)}
	for _, in := range []Input{full, empty} {
		for _, e := range entries() {
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schemas()[e.name]))
			if err != nil {
				t.Fatal(err)
			}
			c := jsonschema.NewCompiler()
			if err := c.AddResource("s.json", doc); err != nil {
				t.Fatal(err)
			}
			schema, err := c.Compile("s.json")
			if err != nil {
				t.Fatal(err)
			}
			s := e.subjects(in)
			for i := range s.n {
				v := s.at(i)
				enc := &encoder{}
				term := enc.input(e.shape, v)
				if enc.err != nil {
					t.Fatal(enc.err)
				}
				got, err := jsonschema.UnmarshalJSON(strings.NewReader(term.String()))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(got); err != nil {
					t.Errorf("%s: %v", e.name, err)
				}
			}
		}
	}
}

// TestFieldsAreDocumented: every field of every input has a name and a sentence.
func TestFieldsAreDocumented(t *testing.T) {
	var walk func(s *shape, path string)
	walk = func(s *shape, path string) {
		for _, f := range s.fields {
			if f.doc == "" || f.name == "" {
				t.Errorf("%s.%s has no doc", path, f.name)
			}
			walk(f.shape, path+"."+f.name)
		}
		if s.elem != nil {
			walk(s.elem, path+"[]")
		}
	}
	for _, e := range entries() {
		walk(e.shape, e.name)
	}
}

func TestRunTests(t *testing.T) {
	tests := file("policy/change_test.rego", `package accord_test

import data.accord
import data.accord.fixture

test_system3 if {
	given := object.union(fixture.change, {"change": {"system": "system3", "op": "add", "principal": "alice"}})
	"alice on system3" in accord.deny with input as given
}

test_other if {
	print("system1 is free")
	count(accord.deny) == 2 with input as object.union(fixture.change, {"change": {"system": "system1", "op": "add"}})
}

todo_test_later if false

test_broken if to_number("x") == 1
`)
	report, err := Test(t.Context(), append(slices.Clone(house), tests), Options{Attributes: []string{"department", "employment"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range report.Tests {
		got = append(got, r.Name+" "+r.Outcome)
	}
	if want := []string{"test_system3 pass", "test_other fail", "todo_test_later skip", "test_broken error"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if report.OK() || report.Coverage < 10 || report.Coverage > 90 || len(report.NotCovered["policy/plan.rego"]) == 0 {
		t.Errorf("ok %v, coverage %v, not covered %v", report.OK(), report.Coverage, report.NotCovered)
	}
	var b bytes.Buffer
	if err := report.Write(&b, false); err != nil {
		t.Fatal(err)
	}
	for _, w := range []string{"policy/change_test.rego:11:", "data.accord_test.test_other: FAIL", "system1 is free", "count(accord.deny) == 2", "to_number", "PASS: 1/4", "FAIL: 1/4", "SKIPPED: 1/4", "ERROR: 1/4", "not covered: policy/plan.rego:", "COVERAGE: "} {
		if !strings.Contains(b.String(), w) {
			t.Errorf("%q stands not in:\n%s", w, b.String())
		}
	}
}

// TestRunTestsErrors: tests that can't be run, or aren't there, are errors.
func TestRunTestsErrors(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"none":             {"package accord_test\n\nhelper := 1\n", "begins with test_"},
		"no Rego":          {"package accord_test\n\ntest_x if {\n", "p_test.rego:"},
		"network":          {"package accord_test\n\ntest_x if http.send({})\n", "http.send"},
		"misspelt rule":    {"package accord_test\n\nimport data.accord\n\ntest_x if count(accord.dney) == 0\n", `did you mean "deny"?`},
		"misspelt fixture": {"package accord_test\n\nimport data.accord.fixture\n\ntest_x if not fixture.chang.op\n", `did you mean "change"?`},
		"unknown word":     {"package accord_test\n\ntest_x if accord.deny\n", "p_test.rego:3:"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Test(t.Context(), append(slices.Clone(house), file("p_test.rego", tt.text)), Options{})
			if !errors.Is(err, ErrCompile) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := Test(t.Context(), house, Options{}); !errors.Is(err, ErrCompile) || !strings.Contains(err.Error(), "there are no tests") {
		t.Errorf("no file: %v", err)
	}
}

func TestTry(t *testing.T) {
	j := judge(t, Options{}, house...)
	var change ChangeInput
	text := `{"change": {"id": "x", "class": "change", "origin": "step", "op": "add", "kind": "grant", "system": "system3", "principal": "alice"}, "subject": {"id": "alice"}}`
	if err := json.Unmarshal([]byte(text), &change); err != nil {
		t.Fatal(err)
	}
	trace, results, err := j.Try(t.Context(), change)
	if err != nil || len(results) == 0 || results[0].Msg != "alice on system3" {
		t.Fatalf("got %v, %v", results, err)
	}
	for _, w := range []string{"policy/change.rego:15", `input.change.system`, "Exit"} {
		if !strings.Contains(trace, w) {
			t.Errorf("%q stands not in the trace", w)
		}
	}
	j = judge(t, Options{Deadline: time.Second}, file("p.rego", "package accord\n\ndeny contains \"x\" if to_number(input.change.id) == 1\n"))
	if trace, _, err := j.Try(t.Context(), change); !errors.Is(err, ErrJudge) || trace == "" || !strings.Contains(err.Error(), "change x: p.rego:3:") {
		t.Errorf("got %v", err)
	}
	if _, _, err := judge(t, Options{Rules: map[string]any{"leavers_hold_nothing": nil}}).Try(t.Context(), change); !errors.Is(err, ErrJudge) {
		t.Errorf("no rule of package accord: %v", err)
	}
}

func TestYAMLValues(t *testing.T) {
	got, err := decodeYAML([]byte("a: 0123\nb: 12\nc: 1.5\nd: no\ne: true\nf: 2026-11-23\ng: \"7\"\nh: ~\ni: [1_000, .inf]\n"))
	b, _ := json.Marshal(got)
	if want := `{"a":"0123","b":12,"c":1.5,"d":"no","e":true,"f":"2026-11-23","g":"7","h":null,"i":["1_000",".inf"]}`; err != nil || string(b) != want {
		t.Errorf("got %s, %v", b, err)
	}
	for _, text := range []string{"a: &x 1\nb: *x\n", "a: 1\na: 2\n", "a: 1\n---\nb: 2\n", "? [a]\n: 1\n", "a: [\n", "<<: {a: 1}\n"} {
		if v, err := decodeYAML([]byte(text)); err == nil {
			t.Errorf("%q gave %v", text, v)
		}
	}
}

func TestNearest(t *testing.T) {
	for _, tt := range []struct {
		word  string
		names []string
		want  string
	}{
		{"opp", []string{"op", "id"}, "op"},
		{"changez", []string{"change", "plan"}, "change"},
		{"lenghten", []string{"lengthen", "shorten"}, "lengthen"},
		{"days", []string{"days_left", "ends"}, "days_left"},
		{"zebra", []string{"op", "id"}, ""},
	} {
		if got := nearest(tt.word, tt.names); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.word, got, tt.want)
		}
	}
}
