package declare

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// object is a JSON object of a schema; its keys are sorted when it is written.
type object = map[string]any

// Schema gives the JSON Schema (draft 2020-12) of one document, for editors. It is made from
// the same types and tags as the decoders; the connectors add their settings, kinds and
// attributes. It accepts what Parse accepts, and refuses what has the wrong shape; what
// documents say of each other is for Check alone. The same input gives the same bytes.
func Schema(connectors map[string]access.Description) ([]byte, error) {
	s := schema{shapes: newShapes(), connectors: connectors}
	defs := s.common()
	var kinds []any
	for _, k := range schemaKinds() {
		defs[k.key] = s.document(k)
		kinds = append(kinds, def(k.key))
	}
	out := object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "Accord",
		"description": "One document of an access repository. Its first key says what it is.",
		"type":        "object",
		"oneOf":       kinds,
		"$defs":       defs,
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return append(b, '\n'), nil
}

type schema struct {
	shapes     shapes
	connectors map[string]access.Description
}

// schemaKind is one kind of document: its first key, its type, and where the type alone
// doesn't tell, the lists it must have and the keys it may not have.
type schemaKind struct {
	key       string
	typ       reflect.Type
	must, not []string
	doc       string
}

func schemaKinds() []schemaKind {
	return []schemaKind{
		{key: "version", typ: reflect.TypeFor[Config]()},
		{key: "person", typ: reflect.TypeFor[Person](), not: []string{"owners"}, doc: "The person's id"},
		{key: "people", doc: "A list of persons"},
		{key: "service", typ: reflect.TypeFor[Person](), must: []string{"owners"}, not: []string{"manager"}, doc: "The id of the service; people and services share one namespace"},
		{key: "group", typ: reflect.TypeFor[Group](), doc: "The group's id"},
		{key: "role", typ: reflect.TypeFor[Role](), doc: "The role's id"},
		{key: "grant", typ: reflect.TypeFor[Grant](), doc: "The grant's id"},
		{key: "system", typ: reflect.TypeFor[System](), doc: "The system's id"},
		{key: "exempt", typ: reflect.TypeFor[Exempt](), doc: "The exemption's id"},
	}
}

func def(name string) object { return object{"$ref": "#/$defs/" + name} }

func (s *schema) document(k schemaKind) object {
	if k.key == "people" {
		return object{
			"type": "object", "additionalProperties": false, "required": []string{"people"},
			"properties": object{"people": object{"type": "array", "items": def("person"), "description": k.doc}},
		}
	}
	out := s.mapping(k.typ)
	properties, required := out["properties"].(object), out["required"].([]string)
	for _, key := range k.not {
		delete(properties, key)
	}
	for _, key := range k.must {
		properties[key].(object)["minItems"] = 1
		required = append(required, key)
	}
	if k.key != "version" {
		id := def("id")
		id["description"] = k.doc
		properties[k.key] = id
		required = append(required, k.key)
	}
	slices.Sort(required)
	out["required"] = required
	if k.key == "system" {
		if rules := s.perConnector(); len(rules) > 0 {
			out["allOf"] = rules
			properties["connector"].(object)["enum"] = s.names()
		}
	}
	return out
}

// mapping is the schema of a mapping with fixed keys.
func (s *schema) mapping(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, f := range s.shapes[t].fields {
		v := s.value(f)
		if f.doc != "" {
			v["description"] = f.doc
		}
		properties[f.key] = v
		if f.required {
			required = append(required, f.key)
		}
	}
	return object{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

// value is the schema of a field, by its Go type: the counterpart of decoder.value.
func (s *schema) value(f field) object {
	switch reflect.Zero(f.typ).Interface().(type) {
	case Text:
		if f.enum != nil {
			return object{"enum": scalars(f.enum)}
		}
		return def("text")
	case *Text:
		return def("whole")
	case []Text:
		return texts(f.required)
	case Bool:
		return object{"type": "boolean"}
	case Date:
		return def("date")
	case Days:
		return def("days")
	case Limit:
		return def("limit")
	case []Pair:
		return def("pairs")
	case []Attr:
		return def("attributes")
	case []AttrDecl:
		return object{"type": "object", "propertyNames": name(attributeName), "additionalProperties": orNothing(s.mapping(reflect.TypeFor[AttrDecl]()))}
	case Guards, JournalDecl, SecretRef, AccountRules, Flapping:
		return s.mapping(f.typ)
	case []Rule:
		return object{"type": "object", "propertyNames": object{"minLength": 1, "maxLength": maxName}}
	case []Term:
		return set(f.required || f.key == "only")
	case []Entitlement:
		switch {
		case f.key == "member_of":
			return object{"type": "array", "items": def("object")}
		case f.flat:
			return def("entitlements")
		}
		return object{"type": "object", "additionalProperties": def("entitlements")}
	case []Setting:
		return object{"type": "object", "additionalProperties": def("setting")}
	case []Notify:
		return s.notifySchema()
	case Reference:
		return def("secret")
	case []MatchRule:
		return object{"type": "array", "minItems": 1, "items": object{"anyOf": []any{
			object{"enum": []any{MatchID, MatchName}}, object{"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": def("text")}}}}
	case []Resource:
		return object{"type": "object", "propertyNames": def("object"), "additionalProperties": orNothing(s.mapping(reflect.TypeFor[Resource]()))}
	}
	panic(fmt.Sprintf("the field %s has type %s, which the schema doesn't know", f.key, f.typ))
}

func texts(required bool) object {
	out := object{"type": "array", "items": def("text"), "uniqueItems": true}
	if required {
		out["minItems"] = 1
	}
	return out
}

func set(some bool) object {
	out := object{"type": "array", "items": def("entry")}
	if some {
		out["minItems"] = 1
	}
	return out
}

func orNothing(o object) object { return object{"anyOf": []any{o, object{"type": "null"}}} }

func name(form *regexp.Regexp) object {
	return object{"pattern": form.String(), "maxLength": maxName}
}

func pattern(p string) object { return object{"type": "string", "pattern": p} }

// scalars lists texts as YAML may give them: 1 is a number, "1" a text.
func scalars(words []string) []any {
	var out []any
	for _, w := range words {
		out = append(out, w)
		if n, err := strconv.Atoi(w); err == nil {
			out = append(out, n)
		}
		if w == "true" || w == "false" {
			out = append(out, w == "true")
		}
	}
	return out
}

// common are the definitions that several documents use.
func (s *schema) common() object {
	scalar := []string{"string", "number", "boolean"}
	number := `(0|[1-9][0-9]*)`
	oneOrMore := object{"anyOf": []any{def("text"), texts(true)}}
	return object{
		"text":         object{"type": scalar, "minLength": 1},
		"id":           object{"type": scalar, "pattern": idForm.String(), "maxLength": maxName},
		"date":         pattern(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2}))?$`),
		"days":         pattern(`^` + number + `d$`),
		"whole":        object{"anyOf": []any{object{"type": "integer", "minimum": 0}, pattern(`^` + number + `$`)}},
		"limit":        object{"anyOf": []any{object{"type": "integer", "minimum": 0}, pattern(`^(` + number + `(\.[0-9]+)?%|` + number + `)$`)}},
		"pairs":        object{"type": "object", "propertyNames": object{"minLength": 1, "maxLength": maxName}, "additionalProperties": def("text")},
		"attributes":   object{"type": "object", "additionalProperties": oneOrMore},
		"object":       pattern(`^[^/]+/.`),
		"entitlements": object{"type": "array", "items": def("entitlement")},
		"entitlement": object{"anyOf": []any{def("object"), object{
			"type": "object", "minProperties": 1, "maxProperties": 1, "propertyNames": def("object"), "additionalProperties": def("text"),
		}}},
		"secret":  object{"oneOf": []any{one("env", pattern(envForm.String())), one("file", def("text"))}},
		"setting": object{"anyOf": []any{object{"type": scalar}, object{"type": "array", "items": def("text")}, def("secret")}},
		"entry":   entry(),
	}
}

func one(key string, v any) object {
	return object{"type": "object", "additionalProperties": false, "required": []string{key}, "properties": object{key: v}}
}

// entry is the schema of a term: an id, or a mapping with one form.
func entry() object {
	forms := []any{def("text")}
	for _, key := range termForms() {
		var v object
		switch TermKind(key) {
		case TermPerson, TermGroup, TermReports:
			v = def("text")
		case TermMatch:
			v = object{"$ref": "#/$defs/attributes", "minProperties": 1}
		case TermNot:
			v = def("entry")
		default:
			v = set(true)
		}
		form := one(key, v)
		if TermKind(key) != TermNot {
			p := form["properties"].(object)
			p["from"], p["until"], p["reason"] = def("date"), def("date"), def("text")
		}
		forms = append(forms, form)
	}
	return object{"oneOf": forms}
}

func (s *schema) names() []string {
	c := checker{connectors: s.connectors}
	return c.connectorNames()
}

// perConnector says what follows from the connector of a system.
func (s *schema) perConnector() []any {
	var rules []any
	for _, n := range s.names() {
		d := s.connectors[n]
		then := object{"config": config(d)}
		var kinds []string
		for _, k := range d.Kinds {
			if k.Name != access.KindAccount {
				kinds = append(kinds, regexp.QuoteMeta(k.Name))
			}
		}
		if len(kinds) > 0 {
			then["resources"] = object{"propertyNames": object{"pattern": "^(" + strings.Join(kinds, "|") + ")/."}}
		}
		account, _ := d.Kind(access.KindAccount)
		attributes := []string{}
		for _, a := range account.Attributes {
			attributes = append(attributes, a.Name)
		}
		then["accounts"] = object{"properties": object{"attributes": object{"propertyNames": object{"enum": attributes}}}}
		rule := object{"properties": then}
		if slices.ContainsFunc(d.Settings, func(w access.Setting) bool { return w.Required }) {
			rule["required"] = []string{"config"}
		}
		rules = append(rules, object{"if": object{"properties": object{"connector": object{"const": n}}}, "then": rule})
	}
	return rules
}

func config(d access.Description) object {
	properties, required := object{}, []string{}
	for _, w := range d.Settings {
		v := settingSchema(w)
		v["description"] = w.Doc
		if w.Default != "" {
			v["default"] = w.Default
		}
		properties[w.Name] = v
		if w.Required {
			required = append(required, w.Name)
		}
	}
	return object{"properties": properties, "required": required, "additionalProperties": false}
}

func settingSchema(w access.Setting) object {
	scalar := object{"type": []string{"string", "number", "boolean"}}
	if len(w.Values) > 0 {
		scalar = object{"enum": scalars(w.Values)}
	}
	switch w.Type {
	case access.SettingSecret:
		return def("secret")
	case access.SettingTexts:
		return object{"type": "array", "items": scalar}
	case access.SettingBool:
		return object{"enum": scalars([]string{"true", "false"})}
	case access.SettingNumber:
		return object{"anyOf": []any{object{"type": "integer"}, pattern(`^-?(0|[1-9][0-9]*)$`)}}
	case access.SettingDuration:
		return pattern(`^(0|[1-9][0-9]*)[smhd]$`)
	}
	return scalar
}
