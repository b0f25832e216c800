package file_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/connectortest"
	"github.com/accordhq/accord/connectors/file"
	"github.com/accordhq/accord/engine/access"
)

// onDisk is a file as the laws see it: read and written as plain YAML and JSON, with nothing
// of the connector's own.
type onDisk struct{ path string }

// entry is one object of the file.
type entry map[string]any

func (f onDisk) load(t testing.TB) map[string]map[string]entry {
	t.Helper()
	data, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]map[string]entry{}
	}
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := yaml.Unmarshal(data, &all); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	delete(all, "version")
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]entry{}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (f onDisk) Dump(t testing.TB) *access.State {
	t.Helper()
	b := access.NewBuilder("file")
	for key, objects := range f.load(t) {
		for name, e := range objects {
			o := access.Object{ID: access.ID{Kind: key[:len(key)-1], Name: name}, Attributes: map[string]string{}}
			for k, v := range e {
				switch k {
				case "disabled":
					o.Disabled = v.(bool)
				case "reserved":
					o.Reserved = v.(bool)
				case "access":
					for target, permissions := range v.(map[string]any) {
						id, err := access.ParseID(target)
						if err != nil {
							t.Fatal(err)
						}
						list, ok := permissions.([]any)
						if !ok {
							list = []any{permissions}
						}
						for _, p := range list {
							b.Grant(access.Grant{Subject: o.ID, Target: id, Permission: p.(string)})
						}
					}
				default:
					o.Attributes[k] = v.(string)
				}
			}
			b.Object(o)
		}
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f onDisk) Seed(t testing.TB, s *access.State) {
	t.Helper()
	all := f.load(t)
	at := func(id access.ID) entry {
		key := id.Kind + "s"
		if all[key] == nil {
			all[key] = map[string]entry{}
		}
		if all[key][id.Name] == nil {
			all[key][id.Name] = entry{}
		}
		return all[key][id.Name]
	}
	for o := range s.Objects() {
		e := at(o.ID)
		for k, v := range o.Attributes {
			e[k] = v
		}
		e["reserved"] = o.Reserved
		if o.ID.IsAccount() {
			e["disabled"] = o.Disabled
		}
	}
	for _, g := range s.Grants() {
		e := at(g.Subject)
		held, _ := e["access"].(map[string]any)
		if held == nil {
			held = map[string]any{}
			e["access"] = held
		}
		if kind, _ := file.Describe().Kind(g.Target.Kind); kind.Ordered {
			held[g.Target.String()] = g.Permission
			continue
		}
		list, _ := held[g.Target.String()].([]string)
		held[g.Target.String()] = append(list, g.Permission)
	}
	doc := map[string]any{"version": 1}
	for k, v := range all {
		doc[k] = v
	}
	data, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.path, append(data, "\n...\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f onDisk) cutOff(t testing.TB) bool {
	t.Helper()
	data, err := os.ReadFile(f.path)
	if err == nil {
		err = os.WriteFile(f.path, data[:len(data)/2], 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}

func TestLaws(t *testing.T) {
	h := connectortest.Harness{
		Open: func(t testing.TB) (connectors.Connector, connectortest.System) {
			cfg := connectortest.Config(t)
			cfg.Dir = t.TempDir()
			cfg.Settings = connectors.Settings{
				file.SettingPath:   {Text: "desk.state.yaml"},
				file.SettingCreate: {Bool: true},
			}
			c, err := file.Type().Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return c, onDisk{filepath.Join(cfg.Dir, "desk.state.yaml")}
		},
		Type:   file.Type,
		Server: func(testing.TB) string { return "a file" },
		Record: "testdata/laws.txt",
		Fault: func(t testing.TB, s connectortest.System, f connectortest.Fault) bool {
			far := s.(onDisk)
			switch f {
			case connectortest.FaultRead:
				return far.cutOff(t)
			case connectortest.FaultDenied:
				dir := filepath.Dir(far.path)
				if err := os.Chmod(dir, 0o500); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = os.Chmod(dir, 0o700) }) // else the folder can't be removed
				return os.Geteuid() != 0
			}
			return false
		},
		Waive: map[string]string{
			"apply/lost-reply": "a rename within a folder has no reply that could be lost",
		},
	}
	if os.Geteuid() == 0 {
		h.Waive["errors/denied"] = "nothing is denied to root; see TestDenied"
		h.Server = func(testing.TB) string { return "a file (as root)" }
	}
	connectortest.Run(t, h)
}
