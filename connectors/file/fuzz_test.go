package file

import (
	"bytes"
	"os"
	"testing"

	"github.com/accordhq/accord/engine/access"
)

// What can be read is written back so that it reads the same, and in one form only.
func FuzzParse(f *testing.F) {
	f.Add([]byte("version: 1\n...\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := Describe()
		first, err := parse(d, fuzzed, data)
		if err != nil {
			return
		}
		text := render(d, first)
		second, err := parse(d, fuzzed, text)
		if err != nil {
			t.Fatalf("%v, in what was written of %q:\n%s", err, data, text)
		}
		if !written(d, fuzzed(), text) {
			t.Fatalf("the library is needed for what was written of %q:\n%s", data, text)
		}
		if again := render(d, second); !bytes.Equal(text, again) {
			t.Fatalf("written once:\n%s\nwritten twice:\n%s", text, again)
		}
		for pair := range access.Differences(first.state, second.state) {
			t.Fatalf("%s on %s was %v and became %v", pair.Subject, pair.Target, pair.Want, pair.Live)
		}
		o1, g1 := first.state.Size()
		if o2, g2 := second.state.Size(); o1 != o2 || g1 != g2 {
			t.Fatalf("%d objects and %d grants became %d and %d", o1, g1, o2, g2)
		}
		for o := range first.state.Objects() {
			has, ok := second.state.Object(o.ID)
			if !ok || has.Disabled != o.Disabled || has.Reserved != o.Reserved || len(has.Attributes) != len(o.Attributes) {
				t.Fatalf("%+v became %+v", o, has)
			}
			for k, v := range o.Attributes {
				if has.Attributes[k] != v {
					t.Fatalf("%s of %s was %q and became %q", k, o.ID, v, has.Attributes[k])
				}
			}
		}
	})
}

// A corpus that isn't there is no error of the fuzzer's: it would go unnoticed.
func TestCorpus(t *testing.T) {
	entries, err := os.ReadDir("testdata/fuzz/FuzzParse")
	if err != nil || len(entries) < 5 {
		t.Errorf("the seeds of FuzzParse: %d, %v", len(entries), err)
	}
}

func fuzzed() *access.Builder { return access.NewBuilder("fuzz") }
