package file

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
)

// asWritten is a file with everything in it that render writes.
const asWritten = `# Who has what.
# Zugänge: nur für Prüfer.
version: 1
accounts:
  "\"q\" \\":
    comment: "two\nlines,\ta tab"
    access:
      role/auditor: member
  "0123":
    name: "007"
  alice:
    name: Alice Liddell
    email: alice@acme.example
    comment: "she said: hello"
    disabled: true
    access:
      app/badges: [use, audit]
      folder/a b: write
      group/desk: owner
      "group/null: x": member
  bob: {}
  "null":
    reserved: true
  zoë:
    name: Zoë d'Été
    comment: "\u200b\U000e0001\u00ad"
groups:
  desk:
    description: The desk
    access:
      folder/a b: read
  "null: x": {}
roles:
  auditor: {}
folders:
  a b: {}
apps:
  badges: {}
...
`

func readWritten(data []byte) (*access.State, bool) {
	b := access.NewBuilder("fuzz")
	if !written(Describe(), b, data) {
		return nil, false
	}
	s, err := b.Build()
	return s, err == nil
}

// What is read without the library is what the library gives.
func FuzzWritten(f *testing.F) {
	f.Add([]byte(asWritten))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := readWritten(data)
		if !ok {
			return
		}
		want, err := parseYAML(Describe(), access.NewBuilder("fuzz"), data)
		if err != nil {
			t.Fatalf("the library refuses it: %v\n%s", err, data)
		}
		sameState(t, got, want.state)
	})
}

// Whatever is changed in a file: it is read as the library reads it, or by the library.
func TestWrittenRandom(t *testing.T) {
	pieces := []string{" ", "  ", "\n", ":", ": ", "#", " #", "\"", "'", "\\", "{}", "[", "]", ", ", "- ", "a", "0", "~", "null", "é", "\u00a0", "\t", "...", "---\n", "&a ", "!x ", "true", "member"}
	r := rand.New(rand.NewPCG(1, 2))
	mine := 0
	for range 4000 {
		text := asWritten
		if r.IntN(2) == 0 { // whole lines change places, or are there twice
			lines := strings.SplitAfter(text, "\n")
			i, j := r.IntN(len(lines)), r.IntN(len(lines))
			if lines[i], lines[j] = lines[j], lines[i]; r.IntN(2) == 0 {
				lines[j] = lines[i]
			}
			text = strings.Join(lines, "")
		}
		for range r.IntN(3) {
			at, cut := r.IntN(len(text)), r.IntN(3)
			text = text[:at] + pieces[r.IntN(len(pieces))] + text[min(len(text), at+cut):]
		}
		got, ok := readWritten([]byte(text))
		if !ok {
			continue
		}
		mine++
		want, err := parseYAML(Describe(), fuzzed(), []byte(text))
		if err != nil {
			t.Fatalf("the library refuses it: %v\n%s", err, text)
		}
		sameState(t, got, want.state)
	}
	if mine < 400 {
		t.Errorf("only %d were read without the library", mine)
	}
}

func sameState(t *testing.T, got, want *access.State) {
	t.Helper()
	same := func(a, b access.Object) bool {
		return a.ID == b.ID && a.Disabled == b.Disabled && a.Reserved == b.Reserved && a.Native == b.Native && maps.Equal(a.Attributes, b.Attributes)
	}
	if a, b := slices.Collect(got.Objects()), slices.Collect(want.Objects()); !slices.EqualFunc(a, b, same) {
		t.Errorf("the objects are\n%+v, want\n%+v", a, b)
	}
	grants := func(s *access.State) (out []access.Grant) {
		for _, g := range s.Grants() {
			out = append(out, g)
		}
		return out
	}
	if a, b := grants(got), grants(want); !slices.Equal(a, b) {
		t.Errorf("the grants are\n%v, want\n%v", a, b)
	}
}

// The whole form is read without the library, and so is it when it was written anew.
func TestWrittenIsAllThatIsWritten(t *testing.T) {
	got, err := parseYAML(Describe(), fuzzed(), []byte(asWritten))
	if err != nil {
		t.Fatal(err)
	}
	if text := render(Describe(), got); string(text) != asWritten {
		t.Errorf("it would be written as\n%s", text)
	}
	state, ok := readWritten([]byte(asWritten))
	if !ok {
		t.Fatal("the library was needed")
	}
	sameState(t, state, got.state)
}

// Each of these differs in one place from what is written: some are right, some are wrong, all are
// the library's.
func TestNotWritten(t *testing.T) {
	for _, change := range [][2]string{
		{"version: 1", "version: 2"},
		{"version: 1", "version: 1 "},
		{"version: 1\n", "version: 1\n\n"},
		{"version: 1\n", ""},
		{"# Who", "\ufeff# Who"},
		{"Who", "\u2028Who"},
		{"Who", "\x85Who"},
		{"  bob: {}", "  bob: {} # gone"},
		{"  bob: {}", "  bob: {}\n  bob: {}"},
		{"  bob: {}", "  bob: {}\n  ann: {}"},
		{"  bob: {}", "  bob:"},
		{"  bob: {}", "  bob: {name: Bob}"},
		{"  bob: {}", "  'bob': {}"},
		{"  bob: {}", "  \"bob\": {}"},
		{"  bob: {}", "  \"bo\\x62\": {}"},
		{"  bob: {}", "  bob : {}"},
		{"  bob: {}", "  bob:  {}"},
		{"  bob: {}", "   bob: {}"},
		{"  bob: {}", "  bob: {}\r"},
		{"  bob: {}", "  &b bob: {}"},
		{"  alice:", "  alice: {}"},
		{"Alice Liddell", "Alice  Liddell"},
		{"Alice Liddell", "Alice Liddell "},
		{"Alice Liddell", "Alice # Liddell"},
		{"Alice Liddell", "Alice\n      Liddell"},
		{"Alice Liddell", "null"},
		{"Alice Liddell", "yes"},
		{"Alice Liddell", "\"\""},
		{"Alice Liddell", "|"},
		{"Alice Liddell", "[x]"},
		{"name: Alice Liddell", "nickname: Al"},
		{"name: Alice Liddell", "name: Al\n    name: Al"},
		{"disabled: true", "disabled: false"},
		{"disabled: true", "disabled: true\n    disabled: true"},
		{"reserved: true", "reserved: true\n    reserved: true"},
		{"description: The desk", "disabled: true"},
		{"[use, audit]", "[use]]"},
		{"[use, audit]", "[use, use]"},
		{"[use, audit]", "[use,audit]"},
		{"[use, audit]", "[use, audit"},
		{"[use, audit]", "use, audit"},
		{"[use, audit]", "[]"},
		{"[use, audit]", "boss"},
		{"folder/a b: write", "folder/a b: [write]"},
		{"folder/a b: write", "app/badges: use"},
		{"folder/a b: write", "folder/none: write"},
		{"folder/a b: write", "folder: write"},
		{"folder/a b: write", "disk/a: write"},
		{"folder/a b: write", "account/bob: write"},
		{"role/auditor: member\n", "role/auditor: member\n    name: Q\n"},
		{"      role/auditor: member\n", ""},
		{"  auditor: {}\n", ""},
		{"groups:", "folders:"},
		{"apps:", "apps: {}"},
		{"...\n", "..."},
		{"...\n", "...\n\n"},
		{"...\n", "...\n# that's all\n"},
		{"...\n", ""},
	} {
		text := strings.Replace(asWritten, change[0], change[1], 1)
		if text == asWritten {
			t.Errorf("%q isn't there", change[0])
		}
		if _, ok := readWritten([]byte(text)); ok {
			t.Errorf("with %q for %q it was read without the library", change[1], change[0])
		}
	}
}

// Texts that are kept don't change when others come.
func TestTexts(t *testing.T) {
	var kept texts
	var want, got []string
	for i := range 3000 {
		s := strings.Repeat(string(rune('a'+i%26)), i%97)
		if i%500 == 0 {
			s = strings.Repeat("x", textsBlock)
		}
		want, got = append(want, s), append(got, kept.keep(s))
	}
	if !slices.Equal(got, want) {
		t.Error("a text has become another")
	}
}

// A file that is read without the library takes a fraction of its allocations.
func BenchmarkParseYAML(b *testing.B) {
	data := render(Describe(), &content{state: large(b, 10_000)})
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := parseYAML(Describe(), access.NewBuilder("large"), data); err != nil {
			b.Fatal(err)
		}
	}
}

func TestCorpusOfWritten(t *testing.T) {
	entries, err := os.ReadDir("testdata/fuzz/FuzzWritten")
	if err != nil || len(entries) < 5 {
		t.Errorf("the seeds of FuzzWritten: %d, %v", len(entries), err)
	}
	for _, e := range entries {
		data, err := os.ReadFile("testdata/fuzz/FuzzWritten/" + e.Name())
		if err != nil || !bytes.HasPrefix(data, []byte("go test fuzz v1\n")) {
			t.Errorf("%s: %v", e.Name(), err)
		}
	}
}
