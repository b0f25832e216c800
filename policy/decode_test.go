package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
)

func TestDecodeChange(t *testing.T) {
	got, wrong := DecodeChange("c.json", []byte(`{
  "version": 1,
  "change": {"op": "lengthen", "system": "warehouse", "has_end": true, "days_left": 91, "before": {"has_end": false, "days_left": 36500, "attributes": null}, "risks": null,
    "roles": ["a", "b"], "reasons": [{"grant": "g", "line": 3}]},
  "subject": {"id": "carol", "attributes": {"employment": ["contractor"]}},
  "system": {"labels": {"tier": "1"}}, "role": null
}`), []string{"employment"})
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	want := ChangeInput{Version: 1,
		Change: Change{Class: "change", Origin: "step", Op: "lengthen", Kind: "grant", System: "warehouse", HasEnd: true, DaysLeft: 91,
			Before: Side{DaysLeft: NoEnd}, Roles: []string{"a", "b"}, Reasons: []Reason{{Grant: "g", Line: 3}}},
		Subject: &Subject{ID: "carol", Attributes: map[string][]string{"employment": {"contractor"}}},
		System:  &System{Labels: map[string]string{"tier": "1"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestDecodeChangeAsFixture: an empty object is the fixture that tests of policies begin with.
func TestDecodeChangeAsFixture(t *testing.T) {
	got, wrong := DecodeChange("c.json", []byte("{}"), nil)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	c, err := newCompilation(house, Options{})
	if err != nil {
		t.Fatal(err)
	}
	fixture, err := c.fixture()
	if err != nil {
		t.Fatal(err)
	}
	e := entries()[0]
	i := slices.IndexFunc(fixture.Rules, func(r *ast.Rule) bool { return string(r.Head.Name) == e.name })
	want := fixture.Rules[i].Head.Value.String()
	if got := (&encoder{}).input(e.shape, &got).String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDecodeChangeProblems(t *testing.T) {
	deep := strings.Repeat("[", 100000)
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"misspelt field", `{"change": {"opp": "add"}}`, []string{`c.json:1:13: there is no field change.opp; did you mean "op"?`}},
		{"misspelt part", "{\n  \"chnage\": {}}", []string{`c.json:2:3: there is no field chnage; did you mean "change"?`}},
		{"nothing near", `{"role": {"zzzzzz": 1}}`, []string{`c.json:1:11: there is no field role.zzzzzz; there are exclusive, id, labels, owners, privileged`}},
		{"in a list", `{"change": {"reasons": [{}, {"tiket": ""}]}}`, []string{`c.json:1:30: there is no field change.reasons[1].tiket; did you mean "ticket"?`}},
		{"another word", `{"change": {"op": "ad"}}`, []string{`c.json:1:19: change.op is never "ad"; did you mean "add"?`}},
		{"no word", `{"subject": {"type": "robot"}}`, []string{`c.json:1:22: subject.type is never "robot"; there are person, service`}},
		{"a number for a text", `{"change": {"id": 7}}`, []string{`c.json:1:19: change.id is the number 7, it must be a text`}},
		{"a text for a list", `{"subject": {"attributes": {"employment": "contractor"}}}`, []string{`c.json:1:43: subject.attributes.employment is a text, it must be a list`}},
		{"a text for a number", `{"plan": {"minute": "7"}}`, []string{`c.json:1:21: plan.minute is a text, it must be a whole number`}},
		{"half a number", `{"plan": {"minute": 7.5}}`, []string{`c.json:1:21: plan.minute is the number 7.5, it must be a whole number`}},
		{"a number for a truth", `{"change": {"admin": 1}}`, []string{`c.json:1:22: change.admin is the number 1, it must be true or false`}},
		{"null for a text", `{"change": {"op": null}}`, []string{`c.json:1:19: change.op is null, it must be a text`}},
		{"null for what is always there", `{"change": null}`, []string{`c.json:1:12: change is null, it must be an object`}},
		{"a list for the whole", `[]`, []string{`c.json:1:1: the input is a list, it must be an object`}},
		{"attribute", `{"subject": {"attributes": {"employmnt": []}}}`, []string{`c.json:1:29: there is no attribute subject.attributes.employmnt in accord.yaml; did you mean "employment"?`}},
		{"another version", `{"version": 2}`, []string{`c.json:1:13: the version of the input is 1, not 2; leave it out`}},
		{"twice", `{"change": {"id": "a", "id": "b"}}`, []string{`c.json:1:24: change.id stands twice`}},
		{"days without an end", `{"change": {"days_left": 400}}`, []string{`c.json:1:26: change.days_left is 400, and change.has_end isn't true; add "has_end": true`}},
		{"an end without days", `{"subject": {"has_end": true}}`, []string{`c.json:1:25: subject.has_end is true, and subject.days_left isn't there; say how many days are left`}},
		{"no JSON", `{"change": }`, []string{"c.json:1:12: this isn't JSON: "}},
		{"cut short", `{"change": {`, []string{"c.json:1:13: this isn't JSON: it ends too early"}},
		{"nothing", ``, []string{"c.json:1:1: this isn't JSON: it ends too early"}},
		{"two", "{}\n{}", []string{"c.json:2:1: something follows the input; one input is judged at a time"}},
		{"too deep", deep, []string{"this isn't JSON: it nests too deep"}},
		{"characters, not bytes", `{"change": {"id": "äöü", "x": 1}}`, []string{`c.json:1:26: there is no field change.x`}},
		{"all at once", `{"change": {"opp": 1, "op": "ad"}, "x": 1}`, []string{"change.opp", "change.op is never", "no field x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, wrong := DecodeChange("c.json", []byte(tt.text), []string{"employment"})
			if len(wrong) != len(tt.want) {
				t.Fatalf("got %v, want %q", wrong, tt.want)
			}
			for i, w := range tt.want {
				if !strings.Contains(wrong[i].String(), w) {
					t.Errorf("got %q, want %q", wrong[i], w)
				}
			}
			if d := cmp.Diff(ChangeInput{}, got); d != "" {
				t.Errorf("an input beside problems: %s", d)
			}
		})
	}
}

// TestDecodeChangeRoundTrip: an input that a plan judges is read back as it was.
func TestDecodeChangeRoundTrip(t *testing.T) {
	e := entries()[0]
	s := e.subjects(company(20))
	for i := range s.n {
		v := s.at(i)
		enc := &encoder{}
		text := enc.input(e.shape, v).String()
		got, wrong := DecodeChange("c.json", []byte(text), nil)
		if len(wrong) > 0 {
			t.Fatalf("%s: %v", text, wrong)
		}
		if again := enc.input(e.shape, &got).String(); again != text {
			t.Errorf("change %d: got %s, want %s", i, again, text)
		}
	}
}

// FuzzDecodeChange: no text makes it panic; what it reads can be judged, and problems have a
// place inside of the text.
func FuzzDecodeChange(f *testing.F) {
	for _, text := range []string{"{}", `{"change": {"op": "add", "has_end": true, "days_left": 3}}`, `{"change": {"reasons": [{}]}, "subject": {"attributes": {"a": ["b"]}}}`, "[", `{"a":1}{`, "\xff"} {
		f.Add(text)
	}
	e := entries()[0]
	f.Fuzz(func(t *testing.T, text string) {
		got, wrong := DecodeChange("c.json", []byte(text), nil)
		lines := strings.Split(text, "\n")
		for _, p := range wrong {
			if p.Line < 1 || p.Line > len(lines) || p.Col < 1 || p.Col > len(lines[p.Line-1])+1 {
				t.Errorf("%v isn't in the text", p)
			}
		}
		if len(wrong) > 0 {
			return
		}
		enc := &encoder{}
		if enc.input(e.shape, &got); enc.err != nil {
			t.Error(fmt.Errorf("it was read, but can't be judged: %w", enc.err))
		}
	})
}
