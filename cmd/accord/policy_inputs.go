package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/policy"
)

// inputNames are the inputs, in the order in which they are judged.
func inputNames() []string { return []string{"change", "principal", "plan"} }

func (a *app) policyInputsCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "inputs",
		Short: "Describe what rules see as input",
		Long: `Inputs lists the fields of the three inputs: change, which rules of package accord see,
principal (accord.principal) and plan (accord.plan). Every field is always there. With
--format json it prints their JSON Schemas; rules are compiled against these, so that a
misspelt field is an error. It needs no repository.

Exit codes: 0 done, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	c.Flags().StringVar(&name, "schema", "", "only this input: change, principal or plan")
	format := addFormat(c)
	c.RunE = func(*cobra.Command, []string) error {
		names, schemas := inputNames(), policy.Schemas()
		if name != "" {
			if !slices.Contains(names, name) {
				return usageError{fmt.Errorf("there is no input %q; --schema takes change, principal or plan", name)}
			}
			names = []string{name}
		}
		if *format == "text" {
			return a.inputsText(names, schemas)
		}
		if name != "" { // the schema itself, as a validator takes it
			_, err := a.out.Write(schemas[name])
			return err
		}
		out := map[string]json.RawMessage{}
		for n, s := range schemas {
			out[n] = s
		}
		return a.writeJSON(struct {
			FormatVersion int                        `json:"formatVersion"`
			InputVersion  int                        `json:"inputVersion"`
			Schemas       map[string]json.RawMessage `json:"schemas"`
		}{1, policy.InputVersion, out})
	}
	return c
}

func (a *app) writeJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// jsonSchema is as much of a JSON Schema as the published ones use.
type jsonSchema struct {
	Title       string                `json:"title"`
	Description string                `json:"description"`
	Type        string                `json:"type"`
	Enum        []string              `json:"enum"`
	Default     json.RawMessage       `json:"default"`
	Properties  map[string]jsonSchema `json:"properties"`
	Items       *jsonSchema           `json:"items"`
	// Additional is a schema or false.
	Additional json.RawMessage `json:"additionalProperties"`
}

func (a *app) inputsText(names []string, schemas map[string][]byte) error {
	var b strings.Builder
	for i, name := range names {
		var s jsonSchema
		if err := json.Unmarshal(schemas[name], &s); err != nil {
			return fmt.Errorf("reading the schema of %s: %w", name, err)
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n", s.Title)
		s.fields(&b, "input")
	}
	_, err := a.out.Write([]byte(b.String()))
	return err
}

// fields lists the fields below a path, each as a rule writes it.
func (s jsonSchema) fields(b *strings.Builder, path string) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		at := path + "." + name
		fmt.Fprintf(b, "  %-36s %-15s %s\n", at, p.sort(), p.Description)
		if len(p.Enum) > 0 {
			fmt.Fprintf(b, "  %-36s %-15s one of %s\n", "", "", words(p.Enum))
		}
		if p.Items != nil {
			p.Items.fields(b, at+"[_]")
		}
		p.fields(b, at)
	}
}

// sort names the type of a field in words.
func (s jsonSchema) sort() string {
	switch s.Type {
	case "string":
		return "text"
	case "integer":
		return "number"
	case "boolean":
		return "true or false"
	case "array":
		return "list of " + map[string]string{"string": "texts", "object": "objects"}[s.Items.Type]
	}
	var values jsonSchema
	if json.Unmarshal(s.Additional, &values) == nil && values.Type != "" {
		return map[string]string{"string": "map of texts", "array": "map of lists"}[values.Type]
	}
	return "object"
}

// words lists the words that a text can be.
func words(enum []string) string {
	out := slices.Clone(enum)
	for i, w := range out {
		if w == "" {
			out[i] = `""`
		}
	}
	return strings.Join(out, ", ")
}

func (a *app) policyRulesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "rules",
		Short: "List the built-in rules and their parameters",
		Long: `Rules lists the rules that accord ships. They are off until accord.yaml names them under
rules:, with parameters or, for the defaults, with true. It needs no repository.

Exit codes: 0 done, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	format := addFormat(c)
	c.RunE = func(*cobra.Command, []string) error {
		if *format == "json" {
			return a.rulesJSON()
		}
		var b strings.Builder
		for i, r := range policy.Builtins() {
			if i > 0 {
				b.WriteByte('\n')
			}
			if err := ruleText(&b, r); err != nil {
				return err
			}
		}
		_, err := a.out.Write([]byte(b.String()))
		return err
	}
	return c
}

// ruleText tells what a built-in rule wants and what can be set.
func ruleText(b *strings.Builder, r policy.Builtin) error {
	var s jsonSchema
	if err := json.Unmarshal(r.Schema, &s); err != nil {
		return fmt.Errorf("reading the schema of rule %s: %w", r.Name, err)
	}
	judges := map[string]string{"change": "each change", "principal": "each person and service", "plan": "the plan"}
	fmt.Fprintf(b, "%s (judges %s)\n  %s\n", r.Name, judges[r.Input], s.Title)
	if s.Description != "" {
		fmt.Fprintf(b, "  parameters: %s\n", s.Description)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		fmt.Fprintf(b, "  %-18s %s", name, p.Description)
		if len(p.Default) > 0 {
			fmt.Fprintf(b, " (default %s)", p.Default)
		}
		b.WriteByte('\n')
	}
	return nil
}

func (a *app) rulesJSON() error {
	type rule struct {
		Name       string          `json:"name"`
		Input      string          `json:"input"`
		Title      string          `json:"title"`
		Parameters json.RawMessage `json:"parameters"`
	}
	out := []rule{}
	for _, r := range policy.Builtins() {
		out = append(out, rule{r.Name, r.Input, r.Title, r.Schema})
	}
	return a.writeJSON(struct {
		FormatVersion int    `json:"formatVersion"`
		Rules         []rule `json:"rules"`
	}{1, out})
}
