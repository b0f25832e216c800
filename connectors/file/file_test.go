package file_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/file"
	"github.com/accordhq/accord/engine/access"
)

// byHand is a file as a person might have written it.
const byHand = `# Who has what at the front desk.
# Ask Bob before you change this.

version: 1
groups: {desk: {description: "The desk"}}
accounts:
    # not sorted, and indented by four
    bob: {}
    alice:
        email: alice@acme.example
        access: {group/desk: owner, app/badges: [audit, "use"]}
        comment: 'she said: hello'
apps: {badges: {}}
...
# that's all
`

const byAccord = `# Who has what at the front desk.
# Ask Bob before you change this.
version: 1
accounts:
  alice:
    email: alice@acme.example
    comment: "she said: hello"
    access:
      app/badges: [use, audit]
      group/desk: owner
  bob:
    access:
      group/desk: member
groups:
  desk:
    description: The desk
apps:
  badges: {}
...
`

var (
	alice = access.Account("alice")
	bob   = access.Account("bob")
	desk  = access.ID{Kind: "group", Name: "desk"}
)

func join(subject access.ID) access.Change {
	return access.Change{System: "desk", Action: access.Give, Subject: subject, Target: desk, After: &access.Value{Permission: "member"}}
}

func write(t *testing.T, dir, text string) string {
	t.Helper()
	path := filepath.Join(dir, statePath)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func connector(t *testing.T, dir string, change func(*connectors.Config)) connectors.Connector {
	t.Helper()
	cfg := connectors.Config{
		System:   "desk",
		Dir:      dir,
		Settings: connectors.Settings{file.SettingPath: {Text: statePath}},
		Log:      slog.New(slog.DiscardHandler),
		Now:      time.Now,
	}
	if change != nil {
		change(&cfg)
	}
	c, err := file.Type().Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func creates(cfg *connectors.Config) { cfg.Settings[file.SettingCreate] = connectors.Value{Bool: true} }

// A file written by hand is read as it is meant, and written back sorted, with the comment at
// the top kept. The second state of the file is what the documentation shows.
func TestHandWrittenFile(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, byHand)
	c := connector(t, dir, nil)
	if err := c.Apply(t.Context(), join(bob)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(byAccord, content(t, path)); diff != "" {
		t.Error(diff)
	}
}

// What is already true isn't written: the file stays as somebody wrote it.
func TestNothingToDoIsNotWritten(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, byHand)
	c := connector(t, dir, nil)
	owner := join(alice)
	owner.After = &access.Value{Permission: "owner"}
	if err := c.Apply(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(byHand, content(t, path)); diff != "" {
		t.Error(diff)
	}
}

func TestReadOnlyWritesNothing(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, byHand)
	c := connector(t, dir, func(cfg *connectors.Config) { cfg.ReadOnly = true })
	if _, err := c.Read(t.Context(), connectors.Scope{}); err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(t.Context(), join(bob)); !errors.Is(err, connectors.ErrDenied) {
		t.Errorf("applying: %v", err)
	}
	if content(t, path) != byHand {
		t.Error("the file was changed")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func TestMissingFile(t *testing.T) {
	dir := t.TempDir()
	alicesBirth := access.Change{System: "desk", Action: access.Create, Subject: alice, After: &access.Value{}}

	c := connector(t, dir, nil)
	if s, err := c.Read(t.Context(), connectors.Scope{}); !errors.Is(err, connectors.ErrIncomplete) || s != nil {
		t.Errorf("reading a missing file: %v, %v", s, err)
	} else if !strings.Contains(err.Error(), "create: true") {
		t.Errorf("the error doesn't say what to do: %v", err)
	}
	if err := c.Apply(t.Context(), alicesBirth); !errors.Is(err, connectors.ErrIncomplete) {
		t.Errorf("writing a missing file: %v", err)
	}

	c = connector(t, dir, creates)
	s, err := c.Read(t.Context(), connectors.Scope{})
	if err != nil || !s.Complete() {
		t.Fatalf("reading a new system: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, statePath)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading created the file: %v", err)
	}
	if err := c.Apply(t.Context(), alicesBirth); err != nil {
		t.Fatal(err)
	}
	if text := content(t, filepath.Join(dir, statePath)); !strings.HasPrefix(text, "# ") || !strings.HasSuffix(text, "accounts:\n  alice: {}\n...\n") {
		t.Errorf("the new file is\n%s", text)
	}

	c = connector(t, dir, func(cfg *connectors.Config) {
		creates(cfg)
		cfg.Settings[file.SettingPath] = connectors.Value{Text: "no/such/folder"}
	})
	if _, err := c.Read(t.Context(), connectors.Scope{}); !errors.Is(err, connectors.ErrIncomplete) {
		t.Errorf("a file in a missing folder: %v", err)
	}
}

func TestSettings(t *testing.T) {
	for _, path := range []string{"", ".", "..", "../x", "/etc/x", "a/../../x", "a/.."} {
		_, err := file.Type().Open(connectors.Config{System: "desk", Dir: t.TempDir(),
			Settings: connectors.Settings{file.SettingPath: {Text: path}}})
		if err == nil {
			t.Errorf("the path %q was taken", path)
		}
	}
	if _, err := file.Type().Open(connectors.Config{System: "desk", Settings: connectors.Settings{file.SettingPath: {Text: "x"}}}); err == nil {
		t.Error("a connector that doesn't know its folder was opened")
	}
}

// Each way in which a file can be wrong is an error that says where; none of them is read in
// part.
func TestWrongFiles(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"empty", "", ":1: the file is empty"},
		{"cut off", "version: 1\naccounts:\n  alice: {}\n", ":3: the file ends here"},
		{"cut off in a line", "version: 1\naccounts:\n  ali", ":3: the file ends here"},
		{"the end indented", "version: 1\naccounts:\n  alice:\n    name: |\n      x\n  ...\n", ":6: the file ends here"},
		{"garbage", "{{{\n...\n", ":"},
		{"nothing but the end", "...\n", ":1: "},
		{"a list", "- a\n...\n", ":1: expected keys and values"},
		{"no version", "accounts: {}\n...\n", `the key "version" is missing`},
		{"version 2", "version: 2\n...\n", `:1: version "2" is not known`},
		{"unknown kind", "version: 1\nservers: {}\n...\n", `:2: unknown key "servers"`},
		{"unknown key", "version: 1\naccounts:\n  alice: {mail: x}\n...\n", `:3: unknown key "mail"`},
		{"attribute of another kind", "version: 1\ngroups:\n  a: {email: x}\n...\n", `:3: unknown key "email"`},
		{"disabled group", "version: 1\ngroups:\n  a: {disabled: true}\n...\n", `:3: unknown key "disabled"`},
		{"name twice", "version: 1\naccounts:\n  alice: {}\n  bob: {}\n  alice: {}\n...\n", `:5: "alice" is there twice, first on line 3`},
		{"name twice, quoted", "version: 1\naccounts:\n  alice: {}\n  \"alice\": {}\n...\n", `:4: "alice" is there twice`},
		{"key twice", "version: 1\nversion: 1\n...\n", `:2: "version" is there twice`},
		{"anchor", "version: 1\naccounts:\n  alice: &a {}\n...\n", ":3: anchors and aliases"},
		{"alias", "version: 1\naccounts:\n  alice: {name: &a x, comment: *a}\n...\n", ":3: anchors and aliases"},
		{"merge", "version: 1\naccounts:\n  alice: {<<: {name: x}}\n...\n", ":3: merge keys"},
		{"tag", "version: 1\naccounts:\n  alice: {name: !!binary aGk=}\n...\n", ":3: tags"},
		{"two documents", "version: 1\n---\nversion: 1\n...\n", "follows the end"},
		{"no value", "version: 1\naccounts:\n  alice:\n...\n", ":3: expected keys and values"},
		{"no text", "version: 1\naccounts:\n  alice: {name: }\n...\n", ":3: there is no value"},
		{"null", "version: 1\naccounts:\n  alice: {name: null}\n...\n", ":3: there is no value"},
		{"a list for a text", "version: 1\naccounts:\n  alice: {name: [x]}\n...\n", ":3: expected a text"},
		{"yes", "version: 1\naccounts:\n  alice: {disabled: yes}\n...\n", ":3: expected true or false"},
		{"quoted true", "version: 1\naccounts:\n  alice: {disabled: \"true\"}\n...\n", ":3: expected true or false"},
		{"odd name", "version: 1\naccounts:\n  \" alice\": {}\n...\n", ":3: a name neither begins"},
		{"dangling", "version: 1\naccounts:\n  alice: {access: {group/desk: member}}\n...\n", `:3: there is no group "desk"`},
		{"no kind", "version: 1\naccounts:\n  alice: {access: {desk: member}}\n...\n", ":3: \"desk\" is not written as kind/name"},
		{"unknown target", "version: 1\naccounts:\n  alice: {access: {site/desk: member}}\n...\n", `:3: a thing of kind account holds nothing on one of kind "site"`},
		{"wrong subject", "version: 1\nfolders:\n  a: {access: {group/desk: member}}\n...\n", `:3: a thing of kind folder holds nothing`},
		{"unknown permission", "version: 1\naccounts:\n  alice: {access: {group/desk: boss}}\n...\n", `:3: a group has no permission "boss", only member, owner`},
		{"two levels", "version: 1\naccounts:\n  alice: {access: {group/desk: [member, owner]}}\n...\n", ":3: expected a text"},
		{"empty list", "version: 1\naccounts:\n  alice: {access: {app/x: []}}\n...\n", ":3: the list is empty"},
		{"permission twice", "version: 1\naccounts:\n  alice: {access: {app/x: [use, use]}}\n...\n", `:3: "use" is there twice`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := write(t, dir, tt.text)
			c := connector(t, dir, creates)
			s, err := c.Read(t.Context(), connectors.Scope{})
			if s != nil || !errors.Is(err, connectors.ErrIncomplete) {
				t.Fatalf("got %v, %v", s, err)
			}
			if !strings.Contains(err.Error(), statePath+":") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err := c.Apply(t.Context(), join(bob)); !errors.Is(err, connectors.ErrIncomplete) {
				t.Errorf("writing it: %v", err)
			}
			if content(t, path) != tt.text {
				t.Error("the file was changed")
			}
		})
	}
}
