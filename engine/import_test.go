package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
)

// sysDoc declares the system with more keys.
func sysDoc(more string) string {
	return "system: sys\nconnector: sys\nmode: authoritative\nmanage: ['*/*']\nguards: {max_removals: 100%, max_leavers: 100%, keep_admins: 0}\n" + more
}

func (s *site) imports(o engine.ImportOptions) (*engine.Imported, error) {
	s.Helper()
	o.Dir, o.System = s.dir, "sys"
	return s.engine().Import(s.Context(), o)
}

func (s *site) wantSteps(what string, want ...string) {
	s.Helper()
	if d := cmp.Diff(want, keys(s.plan())); d != "" {
		s.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// file reads a file of the repository; "" if it isn't there.
func (s *site) file(name string) string {
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.Fatal(err)
	}
	return string(data)
}

// TestImport: what is live is written, with the lines for the system's document the plan is
// empty, and the system is as it was.
func TestImport(t *testing.T) {
	s := newSite(t, map[string][]memory.Option{"sys": {memory.Self(access.Account("accord"))}})
	s.seed("sys", "accord", "accord admin app/a", "ada member group/g", "ada write folder/f", "ada use app/a", "ada audit app/a", "Ben owner group/g", "cy disabled", "cy read folder/f",
		"gone disabled", "idle", "group/g read folder/f", "group/g member role/r", "role/r write folder/h")
	s.commit(sysDoc(""))
	before := s.live("sys")
	res, err := s.imports(engine.ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !res.Written || len(res.Files) != 1 || s.file("imported/sys.yaml") != string(res.Files[0].Data) {
		t.Errorf("written %v, %d files:\n%s", res.Written, len(res.Files), s.file("imported/sys.yaml"))
	}
	fragment := res.Documents.Fragment()
	const want = "resources:\n  group/g:\n    access: [folder/f, role/r]\n  role/r:\n    access: [{folder/h: write}]\n"
	if d := cmp.Diff(want, fragment); d != "" {
		t.Error(d)
	}
	s.commit(sysDoc(fragment))
	s.wantSteps("imported")
	s.apply(0)
	if d := cmp.Diff(before, s.live("sys")); d != "" {
		t.Error(d)
	}
	if again, err := s.imports(engine.ImportOptions{}); err != nil || again.Written || len(again.Files) > 0 || !again.Documents.Empty() || len(again.Documents.Resources) > 0 {
		t.Errorf("the second time: %+v, %v", again, err)
	}
}

// TestImportDryRun: nothing is written.
func TestImportDryRun(t *testing.T) {
	s := newSite(t, map[string][]memory.Option{"sys": nil})
	s.seed("sys", "ada member group/g")
	s.commit(sysDoc(""))
	res, err := s.imports(engine.ImportOptions{DryRun: true})
	if err != nil || res.Written || len(res.Files) != 1 || !strings.Contains(string(res.Files[0].Data), "person: ada") {
		t.Errorf("%+v, %v", res, err)
	}
	if s.file("imported/sys.yaml") != "" {
		t.Error("something was written")
	}
}

// TestImportUnread: a system that isn't known as a whole isn't imported from.
func TestImportUnread(t *testing.T) {
	for name, harm := range map[string]func(*site){
		"unreadable": func(s *site) { s.far["sys"].FailRead(1, nil) },
		"a part is unknown": func(s *site) {
			b := access.NewBuilder("sys").Object(access.Object{ID: access.Account("ada")})
			st, err := b.Unknown(access.ID{Kind: "group", Name: "g"}, "no right").Build()
			if err != nil {
				s.Fatal(err)
			}
			s.far["sys"].Seed(st)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, map[string][]memory.Option{"sys": nil})
			s.seed("sys", "ada member group/g")
			s.commit(sysDoc(""))
			harm(s)
			if res, err := s.imports(engine.ImportOptions{}); !errors.Is(err, engine.ErrUnread) || res != nil {
				t.Errorf("%+v, %v", res, err)
			}
			if s.file("imported/sys.yaml") != "" {
				t.Error("something was written")
			}
		})
	}
}

// TestImportLinked: an account that is found to be somebody's isn't made a person of, whatever it
// is called; what it holds becomes theirs, and the rename that was planned stays.
func TestImportLinked(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options []memory.Option
		steps   []string
	}{
		{"renamed", nil, []string{"rename sys/alo"}},
		{"kept", []memory.Option{memory.Without("account", access.Rename)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, map[string][]memory.Option{"sys": tt.options})
			b := access.NewBuilder("sys").Object(access.Object{ID: access.Account("alo"), Attributes: map[string]string{"email": "ada@x"}}).
				Object(access.Object{ID: access.ID{Kind: "group", Name: "g"}}).Object(access.Object{ID: access.ID{Kind: "group", Name: "h"}})
			for _, g := range []string{"g", "h"} {
				b.Grant(access.Grant{Subject: access.Account("alo"), Target: access.ID{Kind: "group", Name: g}, Permission: "member"})
			}
			st, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			s.far["sys"].Seed(st)
			s.commit(sysDoc("accounts: {match: [{email: '{email}'}, name]}\n") + "---\nperson: ada\nemail: ada@x\n---\ngrant: g\nto: [ada]\naccess: {sys: [group/g]}\n")
			res, err := s.imports(engine.ImportOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Documents.People) > 0 || len(res.Documents.Grants) != 1 || res.Documents.Grants[0].ID != "sys-h" {
				t.Errorf("%s", res.Files[0].Data)
			}
			s.commit(s.file("accord.yaml")[len("version: 1\n---\n"):])
			s.wantSteps("imported", tt.steps...)
		})
	}
}

// hooked is a connector that calls a function each time something is normalized.
type hooked struct {
	connectors.Connector
	normalized func()
}

func (h hooked) Normalize(o access.Object) (access.Object, error) {
	h.normalized()
	return h.Connector.Normalize(o)
}

// mine writes the file by hand.
func (s *site) mine() {
	name := filepath.Join(s.dir, "imported/sys.yaml")
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte("# mine\n"), 0o666)); err != nil {
		s.Error(err)
	}
}

// TestImportMeanwhile: what somebody writes while an import is under way isn't overwritten.
func TestImportMeanwhile(t *testing.T) {
	for _, first := range []string{"", "imported before"} {
		t.Run(first, func(t *testing.T) {
			s := newSite(t, map[string][]memory.Option{"sys": nil})
			s.seed("sys", "ada member group/g")
			s.commit(sysDoc(""))
			if first != "" {
				if _, err := s.imports(engine.ImportOptions{}); err != nil {
					t.Fatal(err)
				}
				s.seed("sys", "ada member group/g", "ben member group/g")
			}
			reads, last := 0, -1
			run := func(o engine.ImportOptions) error {
				e := s.engine()
				open := e.Types[0].Open
				e.Types[0].Open = func(cfg connectors.Config) (connectors.Connector, error) {
					c, err := open(cfg)
					return hooked{c, func() {
						if reads++; reads == last {
							s.mine()
						}
					}}, err
				}
				o.Dir, o.System = s.dir, "sys"
				_, err := e.Import(t.Context(), o)
				return err
			}
			if err := run(engine.ImportOptions{DryRun: true}); err != nil {
				t.Fatal(err)
			}
			reads, last = 0, reads // nothing is asked of the connector later than that
			if err := run(engine.ImportOptions{}); err == nil || !strings.Contains(err.Error(), "meanwhile, and isn't touched") {
				t.Errorf("after %d: %v", reads, err)
			}
			if s.file("imported/sys.yaml") != "# mine\n" {
				t.Errorf("overwritten:\n%s", s.file("imported/sys.yaml"))
			}
			if left, _ := filepath.Glob(filepath.Join(s.dir, "imported/.accord*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestImportCancelled: a run that is stopped writes nothing.
func TestImportCancelled(t *testing.T) {
	s := newSite(t, map[string][]memory.Option{"sys": nil})
	s.seed("sys", "ada member group/g")
	s.commit(sysDoc(""))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.engine().Import(ctx, engine.ImportOptions{Dir: s.dir, System: "sys"}); err == nil {
		t.Error("it went on")
	}
	if s.file("imported/sys.yaml") != "" {
		t.Error("something was written")
	}
}
