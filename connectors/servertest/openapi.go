//go:build unix

package servertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// OpenAPI is a service's description of its own API (OpenAPI 3.0), to hold requests and answers to.
type OpenAPI struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
	paths    [][]string // templates, in parts

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema
}

const openAPIDoc = "mem:///openapi.json"

// ReadOpenAPI reads a description from a file. Change may correct it before it is used.
func ReadOpenAPI(t testing.TB, path string, change ...func(*OpenAPI)) *OpenAPI {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	d := &OpenAPI{doc: doc.(map[string]any), compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	for _, c := range change {
		c(d)
	}
	nullable(d.doc)
	d.compiler.DefaultDraft(jsonschema.Draft4)
	if err := d.compiler.AddResource(openAPIDoc, d.doc); err != nil {
		t.Fatal(err)
	}
	for path := range d.At("paths") {
		d.paths = append(d.paths, strings.Split(path, "/"))
	}
	slices.SortFunc(d.paths, slices.Compare)
	return d
}

// nullable writes OpenAPI's "nullable: true" as JSON Schema has it, everywhere below.
func nullable(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			nullable(e)
		}
	case map[string]any:
		for _, e := range v {
			nullable(e)
		}
		if v["nullable"] != true {
			return
		}
		delete(v, "nullable")
		inner := map[string]any{}
		for _, key := range []string{"type", "enum", "allOf", "anyOf", "oneOf", "$ref", "format", "properties", "required", "items", "additionalProperties"} {
			if part, ok := v[key]; ok {
				inner[key] = part
				delete(v, key)
			}
		}
		v["anyOf"] = []any{inner, map[string]any{"type": "null"}}
	}
}

// At is the part of the description at a path of keys; nil if there is none.
func (d *OpenAPI) At(path ...string) map[string]any {
	m := d.doc
	for _, p := range path {
		m, _ = m[p].(map[string]any)
	}
	return m
}

// Example is a copy of an example that the description holds, ready to be changed.
func (d *OpenAPI) Example(t testing.TB, name string) any {
	t.Helper()
	text, err := json.Marshal(d.At("components", "examples", name)["value"])
	if err != nil || string(text) == "null" {
		t.Fatalf("the description has no example %q: %v", name, err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Check holds a request to the description: its path, its parameters and its body.
func (d *OpenAPI) Check(r *http.Request, body []byte) error {
	template, op, err := d.operation(r)
	if err != nil {
		return err
	}
	what := r.Method + " " + template
	known := d.parameters(op)
	for name, values := range r.URL.Query() {
		p := known[name]
		if p == nil {
			return fmt.Errorf("%s: the parameter %s isn't described", what, name)
		}
		if err := d.parameter(p, values); err != nil {
			return fmt.Errorf("%s: the parameter %s: %w", what, name, err)
		}
	}
	if op["requestBody"] == nil {
		if len(body) > 0 {
			return fmt.Errorf("%s: a body isn't described", what)
		}
		return nil
	}
	if err := d.valid(body, "paths", template, strings.ToLower(r.Method), "requestBody", "content", "application/json", "schema"); err != nil {
		return fmt.Errorf("%s: %s: %w", what, body, err)
	}
	return nil
}

// CheckAnswer holds an answer to the description: its status and its body.
func (d *OpenAPI) CheckAnswer(r *http.Request, status int, body []byte) error {
	template, op, err := d.operation(r)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%s %s: answer %d", r.Method, template, status)
	responses, _ := op["responses"].(map[string]any)
	response, ok := responses[strconv.Itoa(status)].(map[string]any)
	if !ok {
		return fmt.Errorf("%s isn't described", what)
	}
	at := []string{"paths", template, strings.ToLower(r.Method), "responses", strconv.Itoa(status)}
	if ref, ok := response["$ref"].(string); ok {
		at = strings.Split(strings.TrimPrefix(ref, "#/"), "/")
		response = d.At(at...)
	}
	if response["content"] == nil {
		if len(body) > 0 {
			return fmt.Errorf("%s: a body isn't described", what)
		}
		return nil
	}
	if err := d.valid(body, append(at, "content", "application/json", "schema")...); err != nil {
		return fmt.Errorf("%s: %.300s: %w", what, body, err)
	}
	return nil
}

// Proxy stands before a handler and holds both sides to the description. What doesn't fit is told
// to wrong, and answered with status 599.
func (d *OpenAPI) Proxy(next http.Handler, wrong func(error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client is gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err = d.Check(r, body); err == nil {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			if err = d.CheckAnswer(r, answer.Code, answer.Body.Bytes()); err == nil {
				for name, values := range answer.Header() {
					w.Header()[name] = values
				}
				w.WriteHeader(answer.Code)
				_, _ = w.Write(answer.Body.Bytes())
				return
			}
		}
		wrong(err)
		http.Error(w, err.Error(), 599)
	})
}

// operation finds what is described for a request. Of the templates that fit, the one with fewer
// places for anything counts.
func (d *OpenAPI) operation(r *http.Request) (template string, op map[string]any, err error) {
	parts := strings.Split(r.URL.EscapedPath(), "/")
	best := len(parts) + 1
	for _, t := range d.paths {
		if open, ok := fits(t, parts); ok && open < best {
			best, template = open, strings.Join(t, "/")
		}
	}
	if op = d.At("paths", template, strings.ToLower(r.Method)); op == nil {
		return "", nil, fmt.Errorf("%s %s isn't described", r.Method, r.URL.Path)
	}
	return template, op, nil
}

func fits(template, parts []string) (open int, ok bool) {
	if len(template) != len(parts) {
		return 0, false
	}
	for i, t := range template {
		switch {
		case strings.HasPrefix(t, "{") && parts[i] != "":
			open++
		case t != parts[i]:
			return 0, false
		}
	}
	return open, true
}

// parameters are those of the query, by name.
func (d *OpenAPI) parameters(op map[string]any) map[string]map[string]any {
	out := map[string]map[string]any{}
	list, _ := op["parameters"].([]any)
	for _, p := range list {
		m := p.(map[string]any)
		if ref, ok := m["$ref"].(string); ok {
			m = d.At(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
		if m["in"] == "query" {
			out[m["name"].(string)] = m
		}
	}
	return out
}

// parameter checks the values as far as their types and enumerations go.
func (d *OpenAPI) parameter(p map[string]any, values []string) error {
	schema, _ := p["schema"].(map[string]any)
	for _, v := range values {
		if _, err := strconv.Atoi(v); schema["type"] == "integer" && err != nil {
			return fmt.Errorf("%q is no number", v)
		}
		if list, ok := schema["enum"].([]any); ok && !slices.Contains(list, any(v)) {
			return fmt.Errorf("%q isn't one of %v", v, list)
		}
	}
	return nil
}

// valid holds a JSON text to the schema at a path of keys.
func (d *OpenAPI) valid(text []byte, at ...string) error {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	pointer := openAPIDoc + "#"
	for _, p := range at {
		pointer += "/" + escape.Replace(p)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	schema := d.schemas[pointer]
	if schema == nil {
		var err error
		if schema, err = d.compiler.Compile(pointer); err != nil {
			return err
		}
		d.schemas[pointer] = schema
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}
