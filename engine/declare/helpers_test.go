package declare

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/accordhq/accord/engine/access"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// descriptions are two connectors: one that can do nearly everything, and one that can do
// next to nothing.
func descriptions() map[string]access.Description {
	all := []access.Action{access.Create, access.Update, access.Rename, access.Delete}
	note := []access.Attribute{{Name: "description", Doc: "What it is for"}}
	return map[string]access.Description{
		"postgres": {
			Connector: "postgres", Summary: "A database", Parallel: 1,
			Settings: []access.Setting{
				{Name: "dsn", Doc: "Where the server is and how to log in", Type: access.SettingSecret, Required: true},
				{Name: "schemas", Doc: "Schemas to look at", Type: access.SettingTexts},
				{Name: "tls", Doc: "How the connection is secured", Type: access.SettingText, Values: []string{"off", "verify"}, Default: "verify"},
				{Name: "wait", Doc: "How long to wait", Type: access.SettingDuration},
				{Name: "pool", Doc: "How many connections", Type: access.SettingNumber},
				{Name: "ca", Doc: "Certificates", Type: access.SettingPath},
				{Name: "lock", Doc: "Take the lock", Type: access.SettingBool},
				{Name: "host", Doc: "Name of the server", Type: access.SettingText},
			},
			Kinds: []access.Kind{
				{Name: access.KindAccount, Actions: append([]access.Action{access.Disable, access.Enable}, all...), Attributes: []access.Attribute{{Name: "comment"}}},
				{Name: "role", Actions: all, Attributes: note, Permissions: []access.Permission{{Name: "member"}, {Name: "admin", Admin: true}}, Ordered: true, Usual: "member", Subjects: []string{access.KindAccount, "role"}},
				{Name: "schema", Permissions: []access.Permission{{Name: "read"}, {Name: "write"}, {Name: "owner", ReadOnly: true}}, Subjects: []string{"role"}},
				{Name: "setting", Actions: all},
			},
		},
		"github": {
			Connector: "github", Summary: "Repositories and teams", Parallel: 1,
			Settings: []access.Setting{{Name: "token", Doc: "A token", Type: access.SettingSecret}},
			Kinds: []access.Kind{
				{Name: access.KindAccount},
				{Name: "team", Actions: []access.Action{access.Create}, Permissions: []access.Permission{{Name: "member"}, {Name: "maintainer", Admin: true}}, Ordered: true, Usual: "member"},
				{Name: "repo", Permissions: []access.Permission{{Name: "pull"}, {Name: "push"}, {Name: "admin", Admin: true}}, Ordered: true, Usual: "pull", Subjects: []string{access.KindAccount, "team"}},
			},
		},
	}
}

// baseConfig is the accord.yaml of tests that bring none of their own.
const baseConfig = `version: 1
timezone: Europe/Berlin
attributes:
  department: {values: [engineering, finance, people]}
  title: {}
`

// files unpacks an archive into files, with an accord.yaml unless the comment declines it.
func files(ar *txtar.Archive) []File {
	var out []File
	config := strings.Contains(string(ar.Comment), "no accord.yaml")
	for _, f := range ar.Files {
		if f.Name != "want" {
			out = append(out, File{Path: f.Name, Data: f.Data})
			config = config || f.Name == configFile
		}
	}
	if !config {
		out = append(out, File{Path: configFile, Data: []byte(baseConfig)})
	}
	return out
}

// load parses and checks.
func load(in []File) (*Repository, Problems) {
	r, ps := Parse(in)
	return r, ps.Merge(r.Check(descriptions()))
}

// repo loads an archive that has to be right.
func repo(t *testing.T, archive string) *Repository {
	t.Helper()
	r, ps := load(files(txtar.Parse([]byte(archive))))
	if err := ps.Err(); err != nil {
		t.Fatalf("problems:\n%v", err)
	}
	return r
}

// valid reads the repository of testdata/valid.
func valid(t testing.TB) []File {
	t.Helper()
	names, err := filepath.Glob("testdata/valid/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no files in testdata/valid: %v", err)
	}
	var out []File
	for _, n := range names {
		data, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, File{Path: filepath.Base(n), Data: data})
	}
	return out
}

// documents is all that a repository declares, however it was found out.
type documents struct {
	Config  *Config
	People  []*Person
	Groups  []*Group
	Roles   []*Role
	Grants  []*Grant
	Systems []*System
	Exempts []*Exempt
}

func documentsOf(r *Repository) documents {
	return documents{r.Config, r.People(), r.Groups(), r.Roles(), r.Grants(), r.Systems, r.Exempts}
}
