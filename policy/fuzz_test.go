package policy

import (
	"encoding/json"
	"testing"
)

// FuzzData: whatever stands in a data file gives a document that JSON can hold, or an error
// that names the file; never a panic.
func FuzzData(f *testing.F) {
	for _, s := range []string{"a: 1\n", "a: [1, {b: c}]\n", `{"a": {"b": [1.5, null, true]}}`, "a: &x 1\nb: *x\n", "a: .inf\n", "? a\n", "---\n---\n", "<<: {}", `{"a":1,"a":2}`, "a: 1e999\n"} {
		f.Add("p.yaml", []byte(s))
		f.Add("p.json", []byte(s))
	}
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		doc, err := decodeData(Source{path, data})
		if err != nil {
			if p, ok := err.(Problem); !ok || p.File != path {
				t.Errorf("%v doesn't name the file", err)
			}
			return
		}
		c := &compilation{data: doc}
		if _, err := c.store(); err != nil {
			t.Error(err)
		}
		if _, err := json.Marshal(doc); err != nil {
			t.Error(err)
		}
	})
}

// FuzzCompile: no policy makes the compiler panic, and what compiles gives a verdict or an error.
func FuzzCompile(f *testing.F) {
	for _, s := range house {
		f.Add(string(s.Data))
	}
	f.Add("package accord\n\ndeny contains {} if input.change\n")
	f.Add("package accord\n\ndeny contains x if some x in input\n")
	f.Add("package accord\n\nwarn contains data\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return
		}
		j, err := Compile(t.Context(), []Source{file("p.rego", text)}, Options{Deadline: 1e8})
		if err == nil {
			_, _ = j.Judge(t.Context(), one(nil))
		}
	})
}
