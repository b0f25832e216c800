package all

import (
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

func TestTypes(t *testing.T) {
	types := Types()
	if len(types) == 0 {
		t.Fatal("nothing is compiled in")
	}
	if !slices.IsSortedFunc(types, func(a, b connectors.Type) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the list is not sorted")
	}
	seen := map[string]bool{}
	for _, typ := range types {
		if seen[typ.Name] {
			t.Errorf("%s is there twice", typ.Name)
		}
		seen[typ.Name] = true
		if got := typ.Describe().Connector; got != typ.Name {
			t.Errorf("%s describes itself as %q", typ.Name, got)
		}
		if typ.Open == nil {
			t.Errorf("%s can't be opened", typ.Name)
		}
		if found, ok := Lookup(typ.Name); !ok || found.Name != typ.Name {
			t.Errorf("looking up %s: %q, %v", typ.Name, found.Name, ok)
		}
	}
	if _, ok := Lookup("memory"); ok {
		t.Error("the connector of tests is part of the product")
	}
}

// TestRemains: whoever takes somebody's access away at once is told what goes on. Only of a system
// that is a file inside the repository there is nothing to tell.
func TestRemains(t *testing.T) {
	kinds := []access.RemnantKind{access.RemnantSession, access.RemnantKey, access.RemnantSecret, access.RemnantOwned}
	for _, typ := range Types() {
		remains := typ.Describe().Remains
		if len(remains) == 0 && typ.Name != "file" {
			t.Errorf("%s doesn't say what remains once an account is disabled", typ.Name)
		}
		for _, r := range remains {
			if !slices.Contains(kinds, r.Kind) || r.Text == "" || strings.HasSuffix(r.Text, ".") || r.Ends < 0 {
				t.Errorf("%s: %+v", typ.Name, r)
			}
		}
	}
}
