package declare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/accordhq/accord/engine/access"
)

func compileSchema(t testing.TB, connectors map[string]access.Description) *jsonschema.Schema {
	t.Helper()
	data, err := Schema(connectors)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("accord.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("accord.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// values reads the documents of a YAML file as an editor's schema checker would.
func values(t *testing.T, data []byte) []any {
	t.Helper()
	var out []any
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if v := jsonValue(n.Content[0]); v != nil {
			out = append(out, v)
		}
	}
}

func jsonValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = jsonValue(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			list = append(list, jsonValue(c))
		}
		return list
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
		if finite(n) {
			var f float64
			_ = n.Decode(&f)
			return json.Number(fmt.Sprint(f))
		}
	}
	return n.Value
}

// TestSchemaAccepts: what Parse and Check accept the schema accepts, with and without the
// connectors in it.
func TestSchemaAccepts(t *testing.T) {
	bare, full := compileSchema(t, nil), compileSchema(t, descriptions())
	for _, f := range valid(t) {
		for i, v := range values(t, f.Data) {
			if err := bare.Validate(v); err != nil {
				t.Errorf("%s, document %d, without connectors: %v", f.Path, i+1, err)
			}
			if err := full.Validate(v); err != nil {
				t.Errorf("%s, document %d: %v", f.Path, i+1, err)
			}
		}
	}
}

// TestSchemaExamples: so it is with every example. Their connectors aren't those of this test.
func TestSchemaExamples(t *testing.T) {
	const root = "../../examples"
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		t.Skip("there are no examples yet")
	}
	s := compileSchema(t, nil)
	count := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := path
		if filepath.Base(path) == configFile {
			name = configFile // each example is a repository of its own
		}
		if p := parseFile(File{Path: name, Data: data}, newShapes()); p.alien {
			return nil // data of a connector or of a policy
		}
		for i, v := range values(t, data) {
			count++
			if err := s.Validate(v); err != nil {
				t.Errorf("%s, document %d: %v", path, i+1, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if count == 0 {
		t.Error("the examples hold no document")
	}
}

// TestSchemaRefuses: shapes that Parse refuses the schema refuses too.
func TestSchemaRefuses(t *testing.T) {
	s := compileSchema(t, descriptions())
	for _, doc := range wrongShapes() {
		in := []File{{Path: "x.yaml", Data: []byte(doc)}}
		if strings.HasPrefix(doc, "version") {
			in[0].Path = configFile
		} else {
			in = append(in, File{Path: configFile, Data: []byte(baseConfig)})
		}
		if _, ps := load(in); len(ps) == 0 {
			t.Errorf("Parse and Check accept %q", doc)
		}
		for _, v := range values(t, []byte(doc)) {
			if s.Validate(v) == nil {
				t.Errorf("the schema accepts %q", doc)
			}
		}
	}
}

func wrongShapes() []string {
	system := "system: db\nconnector: postgres\nconfig: {dsn: {env: X}}\n"
	return []string{
		"nothing: x", "[]", "text", "{}",
		"version: 2", "version: 1\ntimezone: [x]", "version: 1\nguards: {max_removals: 101x}", "version: 1\nattributes: {1a: {}}", "version: 1\nattributes: {a: {value: [x]}}",
		"version: 1\npreviously: [x]", "version: 1\nguards: {keep_admins: -1}", "version: 1\njournal: x", "version: 1\npolicy: policy",
		"person: Alice", "person: a/b", "person: [a]", "person: alice\nnmae: x", "person: alice\nowners: [bob]", "person: alice\nstarts: tomorrow", "person: alice\nstatus: gone",
		"person: alice\nattributes: {title: []}", "person: alice\nattributes: {title: {a: b}}", "person: alice\naccounts: [x]", "person: alice\nname: ''", "person: alice\nname:",
		"service: bot", "service: bot\nowners: []", "service: bot\nowners: [a]\nmanager: b", "people: [alice]", "people: [{name: x}]", "people: []\nx: y", "people: [{service: x, owners: [a]}]",
		"group: g\nmembers: alice", "group: g\nmembers: [{persn: a}]", "group: g\nmembers: [{person: a, group: b}]", "group: g\nmembers: [{until: 2026-01-01}]",
		"group: g\nmembers: [{not: [a]}]", "group: g\nmembers: [{not: a, until: 2026-01-01}]", "group: g\nmembers: [{match: {}}]", "group: g\nmembers: [{all: []}]", "group: g\nonly: []",
		"group: g\nmembers: [{person: a, until: soon}]", "group: g\nlabels: {a: [b]}",
		"role: r\naccess: [role/x]", "role: r\naccess: {db: role/x}", "role: r\naccess: {db: [role]}", "role: r\naccess: {db: [{role/x: a, role/y: b}]}", "role: r\nprivileged: yes",
		"role: r\nprivileged: 'true'", "role: r\nincludes: [a, a]",
		"grant: g\nroles: [r]", "grant: g\nto: []\nroles: [r]", "grant: g\nto: [a]\nuntil: never",
		"system: db", "system: db\nconnector: nonsense", "system: db\nconnector: postgres", "system: db\nconnector: postgres\nconfig: {}",
		"system: db\nconnector: postgres\nconfig: {dsn: x}", "system: db\nconnector: postgres\nconfig: {dsn: {exec: x}}", "system: db\nconnector: postgres\nconfig: {dsn: {env: X, file: y}}",
		"system: db\nconnector: postgres\nconfig: {dsn: {env: a b}}", "system: db\nconnector: postgres\nconfig: {dsn: {env: X}, nonsense: x}",
		"system: db\nconnector: postgres\nconfig: {dsn: {env: X}, schemas: x}", "system: db\nconnector: postgres\nconfig: {dsn: {env: X}, tls: maybe}",
		"system: db\nconnector: postgres\nconfig: {dsn: {env: X}, pool: 1.5}", "system: db\nconnector: postgres\nconfig: {dsn: {env: X}, wait: 5}", "system: db\nconnector: postgres\nconfig: {dsn: {env: X}, lock: maybe}",
		system + "mode: on", system + "priority: -1", system + "priority: high", system + "accounts: {create: maybe}", system + "accounts: {delete_after: 30}", system + "accounts: {attributes: {colour: x}}",
		system + "resources: [role/x]", system + "resources: {rolex: {}}", system + "resources: {team/x: {}}", system + "resources: {role/x: {state: gone}}",
		system + "resources: {role/x: {access: {db: [role/y]}}}", system + "resources: {role/x: {member_of: [{role/y: member}]}}", system + "manage: role/*",
		"exempt: e\nrule: x\nwho: [a]\nuntil: 2026-12-31", "exempt: e\nrule: x\nwho: []\nuntil: 2026-12-31\nreason: x",
	}
}

// TestSchemaStable: the same bytes each time, and every key of the types with its sentence.
func TestSchemaStable(t *testing.T) {
	a, err := Schema(descriptions())
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if b, _ := Schema(descriptions()); !bytes.Equal(a, b) {
			t.Fatal("the schema differs from run to run")
		}
	}
	for typ, sh := range newShapes() {
		for _, f := range sh.fields {
			if f.doc == "" && f.key != "previously" {
				t.Errorf("%s.%s has no doc", typ, f.key)
			}
			text, _ := json.Marshal(f.doc)
			if !bytes.Contains(a, text[:len(text)-1]) && !bytes.Contains(a, bytes.ReplaceAll(text, []byte("&"), []byte(`\u0026`))) {
				t.Errorf("%s isn't in the schema", f.doc)
			}
		}
	}
}

// TestSchemaAgrees: of the archives of wrong input, those that the schema refuses Parse must
// refuse; the other way round need not be.
func TestSchemaAgrees(t *testing.T) {
	s := compileSchema(t, nil)
	names, _ := filepath.Glob("testdata/wrong/*.txtar")
	for _, name := range names {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files(ar) {
			if p := parseFile(f, newShapes()); len(p.issues) > 0 {
				continue
			}
			for i, v := range values(t, f.Data) {
				if err := s.Validate(v); err != nil {
					t.Errorf("%s, %s, document %d: Parse takes it, but %v", name, f.Path, i+1, err)
				}
			}
		}
	}
}
