package policy

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
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
	// shape brings the parameters into the form in which the rule reads them, if that isn't the
	// one in which they are written.
	shape func(any) any
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
		{name: "segregation_of_duties", entry: "principal", shape: pairsBySide},
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
	c.RegisterFormat(&jsonschema.Format{Name: "pattern", Validate: validPattern})
	c.RegisterFormat(&jsonschema.Format{Name: "duty", Validate: func(v any) error {
		if s, ok := v.(string); ok && !isPattern(s) {
			return nil
		}
		return validPattern(v)
	}})
	c.AssertFormat()
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
	if b.params = params; b.shape != nil {
		b.params = b.shape(params)
	}
	return nil
}

// pairsBySide gives the pairs of segregation_of_duties, written [a, b] or {between: [a, b],
// because: why}, in one form, and for each side the numbers of the pairs that have it, by name,
// by name with a permission (full) and by pattern.
func pairsBySide(params any) any {
	list := params.([]any) // the schema says so
	pairs := make([]any, len(list))
	sides := [2]map[string]any{}
	for k := range sides {
		sides[k] = map[string]any{"named": map[string]any{}, "full": map[string]any{}, "patterns": map[string]any{}}
	}
	for i, p := range list {
		pair := map[string]any{"between": p, "because": ""}
		if m, ok := p.(map[string]any); ok {
			maps.Copy(pair, m)
		}
		pairs[i] = pair
		for k, name := range pair["between"].([]any) {
			name := name.(string)
			under := []string{"named"}
			if strings.Contains(name, ":") {
				under = append(under, "full")
			}
			if isPattern(name) {
				under = append(under, "patterns")
			}
			for _, u := range under {
				m := sides[k][u].(map[string]any)
				l, _ := m[name].([]any)
				m[name] = append(l, i)
			}
		}
	}
	return map[string]any{"pairs": pairs, "left": sides[0], "right": sides[1]}
}

// isPattern reports whether one side of a pair of duties is a pattern, not a name: roles are
// matched like files, access only where a * stands.
func isPattern(side string) bool {
	return strings.Contains(side, "*") || !strings.Contains(side, "/") && strings.ContainsAny(side, globSigns)
}

// globSigns have a meaning in patterns.
const globSigns = `*?[]{}!\`

// validPattern tries a pattern: what OPA can't read would stop every run, and only then.
func validPattern(v any) error {
	s, ok := v.(string)
	if !ok || !strings.ContainsAny(s, globSigns) {
		return nil
	}
	match := topdown.GetBuiltin(ast.GlobMatch.Name)
	err := match(topdown.BuiltinContext{Context: context.Background()},
		[]*ast.Term{ast.StringTerm(s), ast.ArrayTerm(ast.StringTerm("/")), ast.StringTerm("")}, func(*ast.Term) error { return nil })
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "eval_builtin_error: glob.match: "))
	}
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
	if f, ok := v.ErrorKind.(*kind.Format); ok {
		p.Text = fmt.Sprintf("%s: %q is no pattern: %v", at, f.Got, f.Err)
	}
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
