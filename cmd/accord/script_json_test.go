package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	published "github.com/accordhq/accord/engine/plan"
)

// steps FILE STEP…: the steps of a plan (plan --format json, or a plan file) are exactly these,
// in this order, each written as its class, whether it is a leaver's, why it is held (if it
// is), and what it does:
//
//	change leaver: disable office dora
//	change: grant office ben group/tools member
//	time held refused: change-level office ben folder/projects write>read
//
// It holds the plan to its published schema as well.
func steps(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 1, "steps FILE STEP…")
	var plan struct{ Steps []step }
	text := ts.ReadFile(args[0])
	ts.Check(json.Unmarshal([]byte(text), &plan))
	planConforms(ts, text)
	var got []string
	for _, s := range plan.Steps {
		got = append(got, s.String())
	}
	if !slices.Equal(got, args[1:]) {
		ts.Fatalf("the steps are\n\t'%s'", strings.Join(got, "'\n\t'"))
	}
}

// planConforms holds a plan to the schema that is published for its readers.
func planConforms(ts *testscript.TestScript, text string) {
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(published.Schema()))
	ts.Check(err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	ts.Check(c.AddResource("plan.json", schema))
	compiled, err := c.Compile("plan.json")
	ts.Check(err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	ts.Check(err)
	if err := compiled.Validate(doc); err != nil {
		ts.Fatalf("the plan isn't as accord schema plan says: %v", err)
	}
}

// step is what a script says of a step, read as any reader of the plan file would.
type step struct {
	Class, System, Action, Subject, Target string
	Leaver                                 bool
	Held                                   *struct{ Why string }
	Before, After                          struct {
		Permission, Name string
		Attributes       map[string]string
	}
}

func (s step) String() string {
	text := s.Class
	if s.Leaver {
		text += " leaver"
	}
	if s.Held != nil {
		text += " held " + s.Held.Why
	}
	text += ": " + s.Action + " " + s.System + " " + strings.TrimPrefix(s.Subject, "account/")
	if s.Target != "" {
		text += " " + s.Target
	}
	switch s.Action {
	case "grant":
		text += " " + s.After.Permission
	case "revoke":
		text += " " + s.Before.Permission
	case "change-level":
		text += " " + s.Before.Permission + ">" + s.After.Permission
	case "rename":
		text += ">" + s.After.Name
	case "update":
		text += " " + strings.Join(slices.Sorted(maps.Keys(s.After.Attributes)), " ")
	}
	return text
}

// json FILE PATH VALUE: the value at a path of a JSON text, as in `json stdout steps[0].action
// disable`; length is that of a list or an object. With `!` there is nothing at the path, or
// another value.
func jsonValue(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) == 2 || len(args) == 3, "[!] json FILE PATH [VALUE]")
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	v, ok := lookUp(v, args[1])
	text := fmt.Sprint(v)
	if len(args) == 3 && text != args[2] {
		ok = false
	}
	if ok == neg {
		ts.Fatalf("%s of %s is %q", args[1], args[0], text)
	}
}

// lookUp follows a path of names, [N] and length.
func lookUp(v any, path string) (any, bool) {
	for part := range strings.SplitSeq(strings.ReplaceAll(path, "[", ".["), ".") {
		var ok bool
		switch at := v.(type) {
		case map[string]any:
			v, ok = at[part]
			if part == "length" {
				v, ok = len(at), true
			}
		case []any:
			i, err := strconv.Atoi(strings.Trim(part, "[]"))
			switch {
			case part == "length":
				v, ok = len(at), true
			case err == nil && i < len(at):
				v, ok = at[i], true
			}
		}
		if !ok {
			return nil, false
		}
	}
	return v, true
}

// conforms SCHEMA FILE…: each document of the YAML files is valid by the JSON Schema; with `!`
// at least one document of each isn't.
func conforms(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) >= 2, "[!] conforms SCHEMA FILE…")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	c := jsonschema.NewCompiler()
	ts.Check(c.AddResource("schema.json", doc))
	schema, err := c.Compile("schema.json")
	ts.Check(err)
	for _, file := range args[1:] {
		if err := validate(schema, ts.ReadFile(file)); (err != nil) != neg {
			ts.Fatalf("%s: %v", file, err)
		}
	}
}

func validate(schema *jsonschema.Schema, text string) error {
	for dec := yaml.NewDecoder(strings.NewReader(text)); ; {
		var v any
		switch err := dec.Decode(&v); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			return err
		}
		if err := schema.Validate(doc); err != nil {
			return err
		}
	}
}
