package amend

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

var dora = Doc{"person", "dora"}

// TestSet has what people write, and what becomes of it; § stands for a line end of CR and LF.
func TestSet(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{"alone", "person: dora\n", "person: dora\nstatus: left\n"},
		{"in its place", "person: dora # she\nname: Dora\n\n# when\nstarts: 2026-01-01\n", "person: dora # she\nname: Dora\nstatus: left\n\n# when\nstarts: 2026-01-01\n"},
		{"replaced", "person: dora\nstatus:   active   # for now\nmanager: ada\n", "person: dora\nstatus:   left   # for now\nmanager: ada\n"},
		{"in double quotes", "person: dora\nstatus: \"leave\"\n", "person: dora\nstatus: \"left\"\n"},
		{"in single quotes", "person: dora\nstatus: 'leave' # x\n", "person: dora\nstatus: 'left' # x\n"},
		{"nothing yet", "person: dora\nstatus: # what?\nmanager: ada\n", "person: dora\nstatus: left # what?\nmanager: ada\n"},
		{"null", "person: dora\nstatus: ~\n", "person: dora\nstatus: left\n"},
		{"no line end", "person: dora\nname: Dora", "person: dora\nname: Dora\nstatus: left"},
		{"crlf", "person: dora§name: Dora§manager: ada§", "person: dora§name: Dora§status: left§manager: ada§"},
		{"flow", "{person: dora, name: Dora, manager: ada}\n", "{person: dora, name: Dora, status: left, manager: ada}\n"},
		{"flow with a marker", "--- {person: dora}\n", "--- {person: dora, status: left}\n"},
		{"flow over lines", "{\n  person: dora, # she\n  name: \"D, o}ra\", # name\n}\n", "{\n  person: dora, # she\n  name: \"D, o}ra\", status: left, # name\n}\n"},
		{"among people", "people:\n  - person: ada\n    name: Ada\n  # the second\n  - person: dora\n    name: Dora\n\n  - person: eve\n",
			"people:\n  - person: ada\n    name: Ada\n  # the second\n  - person: dora\n    name: Dora\n    status: left\n\n  - person: eve\n"},
		{"among people in flow", "people:\n  - {person: ada}\n  - {person: dora, email: dora@x.example} # x\n", "people:\n  - {person: ada}\n  - {person: dora, email: dora@x.example, status: left} # x\n"},
		{"among people at the margin", "people:\n- person: dora\n- person: eve\n", "people:\n- person: dora\n  status: left\n- person: eve\n"},
		{"dash on a line of its own", "people:\n-\n  person: dora\n", "people:\n-\n  person: dora\n  status: left\n"},
		{"all in flow", "people: [{person: ada}, {person: dora}]\n", "people: [{person: ada}, {person: dora, status: left}]\n"},
		{"many documents", "# head\nperson: ada\n---\n# dora's\nperson: dora\n...\n---\nperson: eve\n", "# head\nperson: ada\n---\n# dora's\nperson: dora\nstatus: left\n...\n---\nperson: eve\n"},
		{"empty documents", "---\n---\n\nperson: dora\n---\n", "---\n---\n\nperson: dora\nstatus: left\n---\n"},
		{"after a list", "person: dora\npreviously:\n  - d.l\n  # old\nname: Dora\n", "person: dora\npreviously:\n  - d.l\n  # old\nname: Dora\nstatus: left\n"},
		{"after a text of lines", "person: dora\nname: |\n  Dora\n\n  Long\n\nmanager: ada\n", "person: dora\nname: |\n  Dora\n\n  Long\nstatus: left\n\nmanager: ada\n"},
		{"after a folded name", "person: dora\nname: Dora\n  Long\nmanager: ada\n", "person: dora\nname: Dora\n  Long\nstatus: left\nmanager: ada\n"},
		{"umlauts", "person: dora\nname: Dörä 漢字 # ü\nemail: \"dö@x\"\n", "person: dora\nname: Dörä 漢字 # ü\nemail: \"dö@x\"\nstatus: left\n"},
		{"umlauts before", "people: [{name: x}, {person: ädä}, {person: dora, name: ö, status: active}]\n", "people: [{name: x}, {person: ädä}, {person: dora, name: ö, status: left}]\n"},
		{"a mark of order", "\ufeffperson: dora\n", "\ufeffperson: dora\nstatus: left\n"},
		{"quoted id", "\"person\": 'dora'\n", "\"person\": 'dora'\nstatus: left\n"},
		{"a service", "service: dora\nowners: [ada]\n", ""},
		{"left already", "person: dora\nstatus: left\n", "person: dora\nstatus: left\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, out := crlf(c.in), crlf(c.out)
			got, err := Set([]byte(in), dora, "left", "status")
			if out == "" {
				if !errors.Is(err, ErrNotFound) {
					t.Fatalf("%q, %v; want ErrNotFound", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != out {
				t.Errorf("got\n%q, want\n%q", got, out)
			}
			if again, err := Set(got, dora, "left", "status"); err != nil || !bytes.Equal(again, got) {
				t.Errorf("once more: %q, %v", again, err)
			}
		})
	}
}

func crlf(s string) string {
	if strings.Contains(s, "§") {
		s = strings.ReplaceAll(s, "\n", "§")
	}
	return strings.ReplaceAll(s, "§", "\r\n")
}

func TestSetBelow(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"person: dora\nattributes: {title: Lead}\n", "person: dora\nattributes: {title: \"2nd: SRE\"}\n"},
		{"person: dora\nattributes:\n  department: it\nmanager: ada\n", "person: dora\nattributes:\n  department: it\n  title: \"2nd: SRE\"\nmanager: ada\n"},
		{"person: dora\nattributes: {}\n", "person: dora\nattributes: {title: \"2nd: SRE\"}\n"},
		{"person: dora\nmanager: ada\naccounts: {x: y}\n", "person: dora\nmanager: ada\nattributes: {title: \"2nd: SRE\"}\naccounts: {x: y}\n"},
	} {
		got, err := Set([]byte(c.in), dora, "2nd: SRE", "attributes", "title")
		if err != nil || string(got) != c.out {
			t.Errorf("%q: got %q, %v; want %q", c.in, got, err, c.out)
		}
	}
}

func TestAdd(t *testing.T) {
	grant := Doc{"grant", "g"}
	for _, c := range []struct{ in, out string }{
		{"grant: g\nto: [a, b]\n", "grant: g\nto: [a, b, dora]\n"},
		{"grant: g\nto: []\n", "grant: g\nto: [dora]\n"},
		{"grant: g\nto:\n  - a # x\n  # y\nroles: [r]\n", "grant: g\nto:\n  - a # x\n  - dora\n  # y\nroles: [r]\n"},
		{"grant: g\nto:\n- group: a\n", "grant: g\nto:\n- group: a\n- dora\n"},
		{"grant: g\nto:\n- group: a", "grant: g\nto:\n- group: a\n- dora"},
		{"grant: g§to:§- a§", "grant: g§to:§- a§- dora§"},
		{"grant: g\nroles: [r]\n", "grant: g\nto: [dora]\nroles: [r]\n"},
		{"grant: g\nto:\nroles: [r]\n", "grant: g\nto: [dora]\nroles: [r]\n"},
		{"grant: g\nto: [\n  a,\n  b,\n]\n", "grant: g\nto: [\n  a,\n  b, dora,\n]\n"},
	} {
		got, err := Add([]byte(crlf(c.in)), grant, "dora", "to")
		if err != nil || string(got) != crlf(c.out) {
			t.Errorf("%q: got %q, %v; want %q", c.in, got, err, c.out)
		}
	}
	got, err := Add([]byte("grant: g\nto: [a]\naccess: {other: [x/y]}\n"), grant, "{folder/books: read}", "access", "office")
	if want := "grant: g\nto: [a]\naccess: {other: [x/y], office: [{folder/books: read}]}\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	for _, entry := range []string{"a, b", "a]", "a\n", "", "&x a", "a # b"} {
		if got, err := Add([]byte("grant: g\nto: [a]\n"), grant, entry, "to"); err == nil {
			t.Errorf("%q was taken as an entry: %q", entry, got)
		}
	}
}

func TestRemove(t *testing.T) {
	grant := Doc{"grant", "g"}
	for _, c := range []struct {
		in    string
		entry int
		out   string
	}{
		{"grant: g\nto: [a, b, c]\n", 1, "grant: g\nto: [a, c]\n"},
		{"grant: g\nto: [a, b, c]\n", 0, "grant: g\nto: [b, c]\n"},
		{"grant: g\nto: [a, b, {person: c}] # x\n", 2, "grant: g\nto: [a, b] # x\n"},
		{"grant: g\nto:\n  # first\n  - a # his\n  - b\n", 0, "grant: g\nto:\n  # first\n  - b\n"},
		{"grant: g\nto:\n  - a\n  - person: b\n    until: 2026-01-01\n", 1, "grant: g\nto:\n  - a\n"},
		{"grant: g\nto:\n- a\n- b", 1, "grant: g\nto:\n- a"},
		{"grant: g§to:§- a§- b", 1, "grant: g§to:§- a"},
		{"grant: g\nto:\n- a\n- b\nroles: [x]\n", 1, "grant: g\nto:\n- a\nroles: [x]\n"},
	} {
		got, err := Remove([]byte(crlf(c.in)), grant, c.entry, "to")
		if err != nil || string(got) != crlf(c.out) {
			t.Errorf("%q: got %q, %v; want %q", c.in, got, err, c.out)
		}
	}
	if _, err := Remove([]byte("grant: g\nto: [a]\n"), grant, 0, "to"); !errors.Is(err, ErrOnly) {
		t.Errorf("the only entry: %v", err)
	}
	if _, err := Remove([]byte("grant: g\nto: [a, b]\n"), grant, 2, "to"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an entry that isn't there: %v", err)
	}
	if _, err := Remove([]byte("grant: g\nto:\n- - a\n  - b\n"), grant, 0, "to"); err == nil {
		t.Error("the only list of lists was taken out")
	}
}

func TestRemoveKey(t *testing.T) {
	grant := Doc{"grant", "g"}
	for _, c := range []struct{ in, out string }{
		{"grant: g\naccess: {office: [a/b], x: [c/d]}\n", "grant: g\naccess: {x: [c/d]}\n"},
		{"grant: g\naccess: {x: [c/d], office: [a/b]}\n", "grant: g\naccess: {x: [c/d]}\n"},
		{"grant: g\naccess:\n  office:\n    - a/b # why\n  # the rest\n  x: [c/d]\n", "grant: g\naccess:\n  # the rest\n  x: [c/d]\n"},
	} {
		got, err := RemoveKey([]byte(c.in), grant, "access", "office")
		if err != nil || string(got) != c.out {
			t.Errorf("%q: got %q, %v; want %q", c.in, got, err, c.out)
		}
	}
	for _, c := range []struct {
		in   string
		path []string
		want error
	}{
		{"grant: g\naccess: {office: [a/b]}\n", []string{"access", "office"}, ErrOnly},
		{"grant: g\nto: [a]\n", []string{"grant"}, ErrUnclear},
		{"grant: g\nto: [a]\n", []string{"roles"}, ErrNotFound},
	} {
		if got, err := RemoveKey([]byte(c.in), grant, c.path...); !errors.Is(err, c.want) {
			t.Errorf("%q %v: %q, %v; want %v", c.in, c.path, got, err, c.want)
		}
	}
}

func TestAppendAndDrop(t *testing.T) {
	const doc = "grant: g\nto: [a]\n"
	for _, c := range []struct{ in, out string }{
		{"", doc},
		{"# only a comment\n", "# only a comment\n" + doc},
		{"person: dora\n", "person: dora\n---\n" + doc},
		{"person: dora", "person: dora\n---\n" + doc},
		{"person: dora\n---\n", "person: dora\n---\n" + doc},
		{"person: dora§", "person: dora§---§grant: g§to: [a]§"},
	} {
		got, err := Append([]byte(crlf(c.in)), doc)
		if err != nil || string(got) != crlf(c.out) {
			t.Errorf("%q: got %q, %v; want %q", c.in, got, err, c.out)
		}
	}
	for _, c := range []struct{ in, out string }{
		{"person: ada\n---\n# why\ngrant: g\nto: [a]\n", "person: ada\n"},
		{"# head\ngrant: g\nto: [a]\n# foot\n---\nperson: ada\n", "# head\nperson: ada\n"},
		{"person: ada\n---\n# why\ngrant: g\nto: [a]\n---\nperson: eve\n", "person: ada\n---\nperson: eve\n"},
	} {
		got, err := Drop([]byte(c.in), Doc{"grant", "g"})
		if err != nil || string(got) != c.out {
			t.Errorf("%q: got %q, %v; want %q", c.in, got, err, c.out)
		}
	}
	if _, err := Drop([]byte(doc), Doc{"grant", "g"}); !errors.Is(err, ErrOnly) {
		t.Errorf("the only document: %v", err)
	}
	got, err := Drop([]byte("people:\n- person: ada\n- person: dora\n  name: D\n"), dora)
	if want := "people:\n- person: ada\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// TestUnclear has what is refused, with the file as it is.
func TestUnclear(t *testing.T) {
	for name, in := range map[string]string{
		"an anchor":       "person: &x dora\n",
		"an alias":        "person: dora\nname: &n D\nemail: *n\n",
		"a tag":           "person: !!str dora\n",
		"a merge key":     "person: dora\n<<: {name: x}\n",
		"no UTF-8":        "person: dora\nname: \xff\n",
		"a line end":      "person: dora\rname: x\n",
		"another":         "person: dora\nname: a\u2028b\n",
		"twice":           "person: dora\n---\nperson: dora\n",
		"a mapping there": "person: dora\nstatus: {x: y}\n",
		"lines there":     "person: dora\nstatus: |\n  active\n",
		"a question":      "? person\n: dora\n",
	} {
		if got, err := Set([]byte(in), dora, "left", "status"); err == nil {
			t.Errorf("%s: %q became %q", name, in, got)
		}
	}
}
