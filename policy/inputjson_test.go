package policy

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestInputJSON: what is written fits the published schema, also of inputs that are nearly
// empty, and says what rules see.
func TestInputJSON(t *testing.T) {
	empty := Change{Class: "change", Origin: "step", Op: "add", Kind: "grant"}
	in := company(1)
	for name, input := range map[string]any{"change": &in.Changes[0], "principal": &PrincipalInput{}, "plan": &in.Plan} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schemas()[name]))
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
		text, err := InputJSON(input, nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\n") {
			t.Errorf("%s has more than one line", name)
		}
		got, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	text, err := InputJSON(&ChangeInput{Change: empty}, []string{"department"})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []string{`"attributes":{"department":[]}`, `"days_left":36500`, `"version":1`, `"role":{"exclusive":[]`} {
		if !strings.Contains(string(text), w) {
			t.Errorf("%s stands not in %s", w, text)
		}
	}
	again, wrong := DecodeChange("c.json", text, []string{"department"})
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	if b, err := InputJSON(&again, []string{"department"}); err != nil || cmp.Diff(string(text), string(b)) != "" {
		t.Errorf("%v: %s", err, cmp.Diff(string(text), string(b)))
	}
	if _, err := InputJSON(&ChangeInput{}, nil); !errors.Is(err, ErrJudge) {
		t.Errorf("an input without values: %v", err)
	}
	if _, err := InputJSON(ChangeInput{Change: empty}, nil); err == nil {
		t.Error("something that is no input was written")
	}
}
