package policy

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestSchemas holds the published schemas to the Go types.
func TestSchemas(t *testing.T) {
	got := Schemas()
	for _, e := range entries() {
		want, err := e.publish()
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile("schema/"+e.name+".json", want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if string(got[e.name]) != string(want) {
			t.Errorf("schema/%s.json isn't what the type says; run go test ./policy -run TestSchemas -update", e.name)
		}
	}
}
