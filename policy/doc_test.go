package policy

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// referenceMark is where the part of doc.go begins that is made from the types of the inputs.
const referenceMark = "// # Reference of the inputs\n"

// TestReference holds the reference in doc.go to the types.
func TestReference(t *testing.T) {
	old, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(old), referenceMark)
	if !ok {
		t.Fatal("doc.go has no reference")
	}
	want := head + referenceMark + reference() + "package policy\n"
	if *update {
		if err := os.WriteFile("doc.go", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(old) {
		t.Error("the reference in doc.go isn't what the types say; run go test ./policy -run TestReference -update")
	}
}

// reference lists every field of every input, each type once.
func reference() string {
	var b strings.Builder
	fmt.Fprintf(&b, "//\n// This is version %d of the inputs; their JSON Schemas are schema/change.json, schema/principal.json\n// and schema/plan.json. A list of which the fields are told is written [].\n", InputVersion)
	told := map[reflect.Type]string{}
	for _, e := range entries() {
		fmt.Fprintf(&b, "//\n// Package %s, %s:\n//\n", e.pkg, e.about)
		var lines [][3]string
		var list func(s *shape, path string)
		list = func(s *shape, path string) {
			for _, f := range s.fields {
				at, inner := path+f.name, f.shape
				kind := kindWord(inner)
				if inner.kind == reflect.Slice && inner.elem.kind == reflect.Struct {
					at, inner = at+"[]", inner.elem
				}
				text := f.doc
				if inner.kind == reflect.Struct && told[inner.typ] != "" {
					text += " (as " + told[inner.typ] + ")"
				}
				if inner.enum != nil {
					text += ": " + strings.TrimPrefix(strings.Join(inner.enum, ", "), ", ")
				}
				lines = append(lines, [3]string{at, kind, text})
				if inner.kind == reflect.Struct && told[inner.typ] == "" {
					told[inner.typ] = at
					list(inner, at+".")
				}
			}
		}
		list(e.shape, "")
		width := [2]int{}
		for _, l := range lines {
			width[0], width[1] = max(width[0], len(l[0])), max(width[1], len(l[1]))
		}
		for _, l := range lines {
			fmt.Fprintf(&b, "//\t%-*s  %-*s  %s\n", width[0], l[0], width[1], l[1], l[2])
		}
	}
	return b.String()
}

// kindWord names the type of a field.
func kindWord(s *shape) string {
	switch s.kind {
	case reflect.String:
		return "text"
	case reflect.Int:
		return "number"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		if s.elem.kind == reflect.String {
			return "texts"
		}
		return "list"
	case reflect.Map:
		if s.elem.kind == reflect.Slice {
			return "texts by key"
		}
		return "text by key"
	}
	return "object"
}
