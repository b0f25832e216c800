package policy

import (
	"embed"
	"encoding/json"
	"maps"
	"reflect"
)

//go:embed schema/*.json
var published embed.FS

// entry is one of the three packages that judge.
type entry struct {
	pkg   string // the Rego package
	name  string // of its schema and in messages
	about string
	shape *shape
}

// entries are the packages that judge, in the order in which they do.
func entries() []*entry {
	return []*entry{
		{"accord", "change", "one change of access", shapeOf(reflect.TypeFor[ChangeInput]())},
		{"accord.principal", "principal", "everything that one person or service would hold", shapeOf(reflect.TypeFor[PrincipalInput]())},
		{"accord.plan", "plan", "the plan in figures", shapeOf(reflect.TypeFor[PlanInput]())},
	}
}

// Schemas are the published JSON Schemas (draft 2020-12) of the three inputs by name: change,
// principal and plan. Rules are compiled against them.
func Schemas() map[string][]byte {
	out := map[string][]byte{}
	for _, e := range entries() {
		b, err := published.ReadFile("schema/" + e.name + ".json")
		if err != nil {
			continue // embedded: a test holds every one to its type
		}
		out[e.name] = b
	}
	return out
}

// schema gives the JSON Schema of a shape. With attributes the keys of attribute maps are
// fixed, so that a misspelt attribute is as wrong as a misspelt field.
func (s *shape) schema(attributes []string) map[string]any {
	switch s.kind {
	case reflect.String:
		if s.enum != nil {
			return map[string]any{"type": "string", "enum": anys(s.enum)}
		}
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.elem.schema(attributes)}
	case reflect.Map:
		if !s.attrs || len(attributes) == 0 {
			return map[string]any{"type": "object", "additionalProperties": s.elem.schema(nil)}
		}
		props := map[string]any{}
		for _, a := range attributes {
			props[a] = s.elem.schema(nil)
		}
		return object(props)
	}
	props := map[string]any{}
	for _, f := range s.fields {
		sub := maps.Clone(f.shape.schema(attributes))
		sub["description"] = f.doc
		props[f.name] = sub
	}
	return object(props)
}

func object(props map[string]any) map[string]any {
	names := sortedKeys(props)
	return map[string]any{"type": "object", "properties": props, "required": anys(names), "additionalProperties": false}
}

// publish gives the schema as it is published.
func (e *entry) publish() ([]byte, error) {
	s := e.shape.schema(nil)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = "https://accordhq.github.io/schema/policy/" + e.name + ".json"
	s["title"] = "Input of Rego package " + e.pkg + ": " + e.about
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

func anys(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}
