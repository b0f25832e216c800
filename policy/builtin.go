package policy

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed builtin
var builtinFiles embed.FS

// builtin is a rule that Accord ships: builtin/NAME.rego, with its tests in NAME_test.rego and
// the schema of its parameters, which also has the defaults, in NAME.schema.json.
type builtin struct {
	name  string
	entry string // the input that it judges
	// params are the parameters with which it is on.
	params any
}

func (b *builtin) path() string { return "builtin/" + b.name + ".rego" }

// builtins are the rules that Accord ships, sorted by name.
func builtins() []*builtin {
	return []*builtin{
		{name: "change_window", entry: "change"},
		{name: "daily_limits", entry: "plan"},
		{name: "leavers_hold_nothing", entry: "principal"},
		{name: "manager_active", entry: "principal"},
		{name: "no_wildcard_admin", entry: "change"},
		{name: "owner_active", entry: "plan"},
		{name: "privileged_access", entry: "change"},
		{name: "segregation_of_duties", entry: "principal"},
		{name: "temporary_access", entry: "change"},
	}
}

// Builtin describes a rule that Accord ships.
type Builtin struct {
	Name string
	// Input is the input that it judges: change, principal or plan.
	Input string
	// Title is one sentence.
	Title string
	// Schema is the JSON Schema of its parameters.
	Schema []byte
}

// Builtins lists the rules that Accord ships, sorted by name.
func Builtins() []Builtin {
	var out []Builtin
	for _, b := range builtins() {
		schema, err := builtinFiles.ReadFile("builtin/" + b.name + ".schema.json")
		if err != nil {
			continue // embedded: a test looks at every one
		}
		var doc struct{ Title string }
		if json.Unmarshal(schema, &doc) != nil {
			continue
		}
		out = append(out, Builtin{b.name, b.entry, doc.Title, schema})
	}
	return out
}

// builtinSources are the Rego files that Accord ships, with their tests.
func builtinSources() []Source {
	var out []Source
	paths, _ := fs.Glob(builtinFiles, "builtin/*.rego")
	for _, p := range paths {
		b, err := builtinFiles.ReadFile(p)
		if err == nil {
			out = append(out, Source{p, b})
		}
	}
	return out
}

// switchOn checks the rules that accord.yaml names and gives them their parameters.
func switchOn(rules map[string]any) ([]*builtin, Errors) {
	var on []*builtin
	var errs Errors
	all := builtins()
	var names []string
	for _, b := range all {
		names = append(names, b.name)
	}
	for _, name := range sortedKeys(rules) {
		i := slices.IndexFunc(all, func(b *builtin) bool { return b.name == name })
		if i < 0 {
			errs = append(errs, Problem{Text: fmt.Sprintf("there is no built-in rule %q", name), Hint: meant(name, names)})
			continue
		}
		if rules[name] == false {
			continue
		}
		b := *all[i]
		wrong := b.configure(rules[name])
		errs = append(errs, wrong...)
		on = append(on, &b)
	}
	return on, errs
}

// configure checks parameters by the rule's schema and fills in the defaults.
func (b *builtin) configure(params any) Errors {
	fail := func(format string, a ...any) Errors {
		return Errors{{Text: "rules." + b.name + ": " + fmt.Sprintf(format, a...)}}
	}
	raw, err := builtinFiles.ReadFile("builtin/" + b.name + ".schema.json")
	if err != nil {
		return fail("%v", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return fail("%v", err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("params.json", doc); err != nil {
		return fail("%v", err)
	}
	schema, err := c.Compile("params.json")
	if err != nil {
		return fail("%v", err)
	}
	if params, err = plain(params); err != nil {
		return fail("%v", err)
	}
	if params == nil || params == true {
		params = map[string]any{}
	}
	if err := schema.Validate(params); err != nil {
		var v *jsonschema.ValidationError
		if !errors.As(err, &v) {
			return fail("%v", err)
		}
		return b.explain(v, doc)
	}
	if m, ok := params.(map[string]any); ok {
		props, _ := doc.(map[string]any)["properties"].(map[string]any)
		for name, p := range props {
			if d, ok := p.(map[string]any)["default"]; ok && m[name] == nil {
				m[name] = d
			}
		}
	}
	b.params = params
	return nil
}

// plain brings parameters into the form of JSON.
func plain(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(b))
}

// explain names the parameters that are wrong, and what they can be.
func (b *builtin) explain(v *jsonschema.ValidationError, doc any) Errors {
	if len(v.Causes) > 0 {
		var out Errors
		for _, c := range v.Causes {
			out = append(out, b.explain(c, doc)...)
		}
		return out
	}
	at := strings.Join(append([]string{"rules", b.name}, v.InstanceLocation...), ".")
	p := Problem{Text: at + ": " + v.ErrorKind.LocalizedString(message.NewPrinter(language.English))}
	root := doc.(map[string]any)
	if props, ok := root["properties"].(map[string]any); ok {
		if len(v.InstanceLocation) == 0 {
			p.Hint = "there are " + strings.Join(sortedKeys(props), ", ")
		} else if one, ok := props[v.InstanceLocation[0]].(map[string]any); ok {
			p.Hint, _ = one["description"].(string)
		}
	} else {
		p.Hint, _ = root["description"].(string)
	}
	return Errors{p}
}
