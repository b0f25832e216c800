package plan_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/accordhq/accord/engine/plan"
)

var updateSchema = flag.Bool("update-schema", false, "write schema.json anew")

// TestSchema holds the published schema to the types, their comments and their constants.
func TestSchema(t *testing.T) {
	s := &schemaMaker{defs: map[string]any{}, docs: map[string]string{}, values: map[string][]string{}}
	for _, dir := range []string{".", "../access"} {
		if err := s.read(dir); err != nil {
			t.Fatal(err)
		}
	}
	root := s.of(reflect.TypeFor[plan.Plan]())
	out := maps.Clone(s.defs[root["$ref"].(string)[len("#/$defs/"):]].(map[string]any))
	delete(s.defs, "Plan")
	out["properties"].(map[string]any)["formatVersion"] = map[string]any{"const": plan.FormatVersion, "description": "The version of this format"}
	out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out["$id"] = fmt.Sprintf("https://accordhq.github.io/schema/plan-%d.json", plan.FormatVersion)
	out["title"] = "A plan of Accord"
	out["$defs"] = s.defs
	want, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *updateSchema {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(plan.Schema(), want) {
		t.Error("schema.json isn't what the types say; run go test ./engine/plan -run TestSchema -update-schema")
	}
}

// schemaMaker makes a schema of Go types.
type schemaMaker struct {
	defs   map[string]any
	docs   map[string]string   // of a type, or of its field as "Type.Field"
	values map[string][]string // the constants of a type
}

// read takes the comments and constants of a package from its source.
func (s *schemaMaker) read(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				s.declaration(g)
			}
		}
	}
	return nil
}

func (s *schemaMaker) declaration(g *ast.GenDecl) {
	for _, spec := range g.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.docs[spec.Name.Name] = sentence(g.Doc.Text())
			if st, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range st.Fields.List {
					for _, n := range field.Names {
						s.docs[spec.Name.Name+"."+n.Name] = sentence(field.Doc.Text())
					}
				}
			}
		case *ast.ValueSpec:
			if id, ok := spec.Type.(*ast.Ident); ok && g.Tok == token.CONST {
				for _, v := range spec.Values {
					if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						text, _ := strconv.Unquote(lit.Value)
						s.values[id.Name] = append(s.values[id.Name], text)
					}
				}
			}
		}
	}
}

func sentence(s string) string { return strings.Join(strings.Fields(s), " ") }

// of is the schema of a type; structs are told once.
func (s *schemaMaker) of(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[time.Duration]():
		return map[string]any{"type": "integer", "description": "Nanoseconds."}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.String:
		out := map[string]any{"type": "string"}
		if v := s.values[t.Name()]; len(v) > 0 {
			v = slices.Clone(v)
			slices.Sort(v)
			out["enum"] = v
		}
		return out
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		if _, ok := s.defs[t.Name()]; !ok {
			s.defs[t.Name()] = nil // for types that hold themselves
			properties, required := map[string]any{}, []string{}
			s.fields(t, properties, &required)
			slices.Sort(required)
			def := map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
			if doc := s.docs[t.Name()]; doc != "" {
				def["description"] = doc
			}
			s.defs[t.Name()] = def
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	}
	panic("no schema for " + t.String())
}

func (s *schemaMaker) fields(t reflect.Type, properties map[string]any, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			s.fields(f.Type, properties, required)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		sub := maps.Clone(s.of(f.Type))
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		if !optional {
			*required = append(*required, name)
			if f.Type.Kind() == reflect.Slice {
				sub["type"] = []string{"array", "null"}
			}
		}
		if doc := s.docs[t.Name()+"."+f.Name]; doc != "" {
			sub["description"] = doc
		}
		properties[name] = sub
	}
}

// Every plan that is built conforms, and a key that the schema doesn't know doesn't, wherever it
// stands.
func TestSchemaHoldsPlans(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(plan.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("plan.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("plan.json")
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Build(everything())
	p.Rehearsal = true
	p.Judged = &plan.Judgement{By: "main", Rules: []string{"a"}, Digest: "d"}
	p.Findings = []plan.Finding{{Kind: plan.FindingWarn, Rule: "a", Text: "b", Approvers: []string{"c"}}}
	p.Settings = []plan.Setting{{Change: "a", Kind: "guards", Setting: "b"}}
	p.Flips = []plan.Flip{{On: "plan", From: plan.FindingDeny, Rule: "a", Text: "b"}}
	p.Shifts[0].Cause = p.Steps[0].Cause
	p.Systems[0].Linked = []plan.Linked{{Person: "al", By: "id"}}
	p.Systems[0].Disputes = []plan.Dispute{{People: []string{"al"}, Why: "two"}}
	var b bytes.Buffer
	if err := plan.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(v); err != nil {
		t.Fatal(err)
	}
	objects := 0
	var walk func(v any)
	walk = func(x any) {
		switch x := x.(type) {
		case map[string]any:
			objects++
			for _, k := range slices.Sorted(maps.Keys(x)) {
				if k != "attributes" { // a map, whose keys are data
					walk(x[k])
				}
			}
			x["surprise"] = "!"
			if compiled.Validate(v) == nil {
				t.Errorf("a key that nobody knows is let through among %v", slices.Sorted(maps.Keys(x)))
			}
			delete(x, "surprise")
		case []any:
			for _, e := range x {
				walk(e)
			}
		}
	}
	walk(v)
	if objects < 90 {
		t.Errorf("only %d objects were looked at", objects)
	}
}
