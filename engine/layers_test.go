package engine_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/accordhq/accord/"

// layers says what each package may import of this module. A pattern ending in /* stands for
// the packages below. The first entry that names a package decides.
var layers = []struct {
	pkg  string
	may  []string
	test []string // tests of the package may import these besides
}{
	{"engine/access", nil, nil},
	{"engine/declare", []string{"engine/access"}, nil},
	{"engine/journal", []string{"engine/access"}, nil},
	{"engine/repo", []string{"engine/access", "engine/journal"}, nil},
	{"engine/resolve", []string{"engine/access", "engine/declare"}, []string{"engine/gen", "engine/plan"}},
	{"engine/observe", []string{"engine/access", "connectors"}, []string{"connectors/memory"}},
	{"engine/match", []string{"engine/access"}, nil},
	{"engine/adopt", []string{"engine/access", "engine/declare"}, []string{"engine/resolve", "engine/diff"}},
	{"engine/amend", []string{"engine/access", "engine/declare"}, nil},
	{"engine/diff", []string{"engine/access"}, nil},
	{"engine/plan", []string{"engine/access", "engine/diff"}, nil},
	{"engine/apply", []string{"engine/access", "engine/plan", "engine/journal", "connectors"}, []string{"connectors/memory", "engine/diff"}},
	{"engine/report", []string{"engine/access", "engine/plan"}, []string{"connectors/servertest"}},
	{"engine/forge", []string{"engine/access", "engine/plan", "engine/report", "connectors", "connectors/rest"}, []string{"connectors/connectortest", "connectors/servertest"}},
	{"engine/notify", []string{"engine/access", "engine/plan", "engine/report", "connectors", "connectors/rest"}, nil},
	{"engine/gen", []string{"engine/access", "engine/declare"}, []string{"engine/resolve", "connectors/file"}},
	{"engine/gen/orggen", []string{"engine/gen"}, nil},
	{"engine", []string{"engine/*", "policy", "connectors"}, []string{"connectors/*"}},
	{"policy", []string{"engine/access", "engine/plan"}, nil},
	{"connectors", []string{"engine/access"}, nil},
	{"connectors/all", []string{"connectors", "connectors/*"}, []string{"engine/access"}},
	{"connectors/servertest", nil, nil},
	{"connectors/connectortest", []string{"connectors", "engine/access", "engine/adopt", "engine/declare", "engine/diff", "engine/plan", "engine/apply", "engine/journal", "engine/resolve"}, []string{"connectors/memory"}},
	{"connectors/*", []string{"connectors", "connectors/rest", "engine/access"}, []string{"connectors/connectortest", "connectors/servertest"}},
	{"cmd/accord", []string{"engine", "engine/*", "policy", "connectors", "connectors/all"}, []string{"connectors/*"}},
}

// TestLayers holds every import to the table, so that the direction of dependencies can be
// read in one place.
func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		pkg := filepath.ToSlash(filepath.Dir(path))[len("../"):]
		seen[pkg] = true
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if dep, ok := strings.CutPrefix(name, module); ok && dep != pkg && !allowed(pkg, dep, strings.HasSuffix(path, "_test.go")) {
				t.Errorf("%s imports %s; the table in this test doesn't allow it", path, dep)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, need := range []string{"engine", "engine/access", "engine/plan", "connectors/file", "cmd/accord"} {
		if !seen[need] {
			t.Errorf("no file of %s was looked at: the test looks in the wrong place", need)
		}
	}
}

func allowed(pkg, dep string, test bool) bool {
	for _, l := range layers {
		if !covers(l.pkg, pkg) {
			continue
		}
		is := func(p string) bool { return covers(p, dep) }
		return slices.ContainsFunc(l.may, is) || test && slices.ContainsFunc(l.test, is)
	}
	return false
}

func covers(pattern, pkg string) bool {
	if below, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(pkg, below+"/")
	}
	return pattern == pkg
}
