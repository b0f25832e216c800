package declare

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scansAlike reports whether the scanner took the file, and holds it to the library if it did.
func scansAlike(t *testing.T, data []byte) bool {
	t.Helper()
	if refuseBytes("x.yaml", data) != nil {
		return false
	}
	got, ok := scanYAML(data)
	if !ok {
		return false
	}
	want, issues, whole := readWithLibrary("x.yaml", data)
	if len(issues) > 0 || !whole {
		t.Fatalf("the library refuses what was scanned:\n%s\n%v", data, issues)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(node{})); diff != "" {
		t.Fatalf("(- the library, + the scanner)\n%s\n%s", diff, data)
	}
	return true
}

// FuzzScan: what the scanner takes it reads as the library does, to the last column; and
// whatever it is given, it comes to an end.
func FuzzScan(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		scansAlike(t, data)
	})
}

// TestScanAlike: cases, of which the scanner takes those that it is for.
func TestScanAlike(t *testing.T) {
	for _, c := range []struct {
		text  string
		takes bool
	}{
		{"person: alice\nname: Alice Liddell\n", true},
		{"# why\n\nperson: alice # who\nattributes: {department: engineering, title: Senior Engineer}\n", true},
		{"people:\n- person: a\n  name: A\n- person: b\n", true},
		{"people:\n  - {person: a}\n  # c\n  - person: b\n    accounts:\n      x: y\n---\ngroup: g\nmembers: [a, {group: h}, {match: {t: [x, 'y z']}}]\n", true},
		{"group: g\nmembers: []\nlabels: {}\n", true},
		{"---\ngrant: g\nto:   [ a , b ]  # both\naccess: {sys: [role/x, {role/y: member}]}\n", true},
		{"name: Björn Haugen # ö\nx: {é: ü, z: [ä, b]}\n", true},
		{"a: \"x: y # z\"\nb: 'q'\nc: it's\nd: a#b\n", true},
		{"a: null\nb: ~\nc: true\nd: 0123\ne: 2026-01-01\n", true},
		{"a: # below\n  - b\n", true},
		{"a:\n- b\nc: d\n", true},
		{"a: b", true},
		{"", false},
		{"# nothing\n", false},
		{"a:\n", false},
		{"a: b\n c\n", false},
		{"a: |\n  b\n", false},
		{"a: &x b\nc: *x\n", false},
		{"a: !t b\n", false},
		{"a: [b,\n  c]\n", false},
		{"a: {b, c}\n", false},
		{"a: [b: c]\n", false},
		{"a: [b, ]\n", false},
		{"a: \"b\\n\"\n", false},
		{"a: 'it''s'\n", false},
		{"a: b: c\n", false},
		{"\"a\": b\n", false},
		{"<<: b\n", false},
		{"~: b\n", false},
		{"- a\n", false},
		{"a:\n  b: c\n d: e\n", false},
		{"a: b\n---\n---\nc: d\n", false},
		{"a: b\n...\n", false},
		{"%YAML 1.2\n---\na: b\n", false},
		{"a: {b: c}d\n", false},
		{"a: b\n\tc: d\n", false},
		{"a: b\r\n", false},
		{"a: {b: c}: d\n", false},
		{"a: -1\n", false},
		{"a:\n  - - b\n", false},
		{"a:\n  -\n    b\n", false},
		{"? a\n: b\n", false},
		{"a:#b\n", false},
		{"a: [b #c]\n", false},
		{"a: {b: c, b: d}\na: e\n", true},
		{"a: =\n", false},
	} {
		if took := scansAlike(t, []byte(c.text)); took != c.takes {
			t.Errorf("taken: %v, not %v:\n%s", took, c.takes, c.text)
		}
	}
}

// TestScanTakes: the files of a usual repository are taken, all of them.
func TestScanTakes(t *testing.T) {
	for _, f := range organisation(300) {
		if !scansAlike(t, f.Data) {
			t.Errorf("%s isn't taken:\n%.200s", f.Path, f.Data)
		}
	}
}
