package all

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors/connectortest"
	"github.com/accordhq/accord/connectors/ldap"
)

var update = flag.Bool("update", false, "write the tables of connectors/README.md anew")

const readme = "../README.md"

// The tables stand between these lines.
const (
	begin = "<!-- tables: made by `go test ./connectors/all -update` -->\n"
	end   = "<!-- end of tables -->\n"
)

// TestReadme holds the tables of connectors/README.md to what the connectors say of themselves
// and to what became of their laws.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the tables between %q and %q", readme, begin, end)
	}
	tables, err := connectortest.Tables(Types(), func(name string) string {
		if name == ldap.ActiveDirectory().Name { // two connectors of one package
			return filepath.Join("..", "ldap", "testdata", "laws-"+name+".txt")
		}
		return filepath.Join("..", name, "testdata", "laws.txt")
	})
	if err != nil {
		t.Fatal(err)
	}
	want := before + begin + "\n" + tables + "\n" + end + after
	switch {
	case want == string(text):
	case *update:
		if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s isn't up to date; go test ./connectors/all -update", readme)
	}
}

// The steps name laws; a law that was renamed is renamed there too, and a new one is named.
func TestReadmeNamesTheLaws(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	steps, _, _ := strings.Cut(string(text), begin)
	groups := map[string]bool{}
	laws := map[string]bool{}
	for _, l := range connectortest.Laws() {
		group, _, _ := strings.Cut(l.Name, "/")
		groups[group], laws[l.Name] = true, true
		if !strings.Contains(steps, "`"+l.Name+"`") && !strings.Contains(steps, "`"+group+"/…`") {
			t.Errorf("no step speaks of %s", l.Name)
		}
	}
	for _, m := range regexp.MustCompile("`([a-z]+)/([a-z-]+)`").FindAllStringSubmatch(steps, -1) {
		if groups[m[1]] && !laws[m[1]+"/"+m[2]] {
			t.Errorf("a step speaks of %s/%s, which is no law", m[1], m[2])
		}
	}
}
