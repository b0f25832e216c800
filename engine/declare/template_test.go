package declare

import (
	"slices"
	"strings"
	"testing"
)

func TestTemplate(t *testing.T) {
	alice := &Person{
		ID: Text{Value: "alice"}, Name: Text{Value: "Alice Liddell"}, Email: Text{Value: "a@b@acme.example"},
		Attributes: []Attr{{Text{Value: "team"}, []Text{{Value: "sre"}}}, {Text{Value: "title"}, []Text{{Value: "a"}, {Value: "b"}}}},
	}
	for _, c := range []struct{ template, want string }{
		{"{person}", "alice"}, {"{email}", "a@b@acme.example"}, {"{email.local}", "a@b"}, {"{name}", "Alice Liddell"},
		{"x-{person}.{attributes.team}-y", "x-alice.sre-y"}, {"", ""}, {"plain", "plain"}, {"{{{person}}}", "{alice}"}, {"{{person}}", "{person}"},
	} {
		tmpl, err := ParseTemplate(c.template)
		if err != nil {
			t.Errorf("%s: %v", c.template, err)
			continue
		}
		if got, err := tmpl.Expand(alice); got != c.want || err != nil {
			t.Errorf("%s gives %q (%v), want %q", c.template, got, err, c.want)
		}
	}
	for template, part := range map[string]string{
		"{attributes.title}": "title has 2 values", "{attributes.none}": "no none",
	} {
		tmpl, err := ParseTemplate(template)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tmpl.Expand(alice); err == nil || got != "" || !strings.Contains(err.Error(), part) || !strings.Contains(err.Error(), "alice") {
			t.Errorf("%s gives %q and %v", template, got, err)
		}
	}
	for _, template := range []string{"{email}", "{email.local}", "{name}"} {
		tmpl, _ := ParseTemplate(template)
		if got, err := tmpl.Expand(&Person{ID: Text{Value: "bot"}}); err == nil {
			t.Errorf("%s of somebody without it gives %q", template, got)
		}
	}
	for _, template := range []string{"{", "}", "{person", "person}", "{}", "{Person}", "{attributes.}", "{attributes.a b}", "{id}", "{{}"} {
		if tmpl, err := ParseTemplate(template); err == nil {
			t.Errorf("%s is taken for a template with %v", template, tmpl.Keys())
		}
	}
	tmpl, _ := ParseTemplate("{person}{email}{attributes.team}")
	if got := tmpl.Keys(); !slices.Equal(got, []string{"person", "email", "attributes.team"}) {
		t.Errorf("keys %v", got)
	}
}
