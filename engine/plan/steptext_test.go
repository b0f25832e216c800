package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/accordhq/accord/engine/access"
)

// scattered are steps with any field set, those of a later version too: whoever adds one has to
// write and read it.
func scattered(seed uint64, n int, a, b string) *Plan {
	r := rand.New(rand.NewPCG(seed, 0))
	p := &Plan{FormatVersion: FormatVersion, Engine: EngineVersion, Steps: make([]Step, n)}
	for i := range p.Steps {
		v := reflect.ValueOf(&p.Steps[i]).Elem()
		for k := range v.NumField() {
			if v.Type().Field(k).IsExported() {
				fill(r, v.Field(k), a, b)
			}
		}
		s := &p.Steps[i]
		if r.IntN(9) > 0 {
			s.Subject = access.Account(fmt.Sprint(a, i))
		}
	}
	return p
}

// FuzzSteps: steps are written as encoding/json writes them, and read as it reads them, whatever
// the strings hold and whichever fields are set.
func FuzzSteps(f *testing.F) {
	f.Add(uint64(1), "alice", "team/sre")
	f.Add(uint64(2), `a "quoted" \ name`, "<b>&amp;</b>")
	f.Add(uint64(3), "tab\tline\nzero\x00del\x7f", "\u2028\u2029 zoë 日本")
	f.Add(uint64(4), "\xff\xfe broken \xe2\x80", "\xa8")
	f.Add(uint64(5), "", "/")
	f.Fuzz(func(t *testing.T, seed uint64, a, b string) {
		p := scattered(seed, 20, a, b)
		var want, got bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		errWant, errGot := enc.Encode(p), Write(&got, p)
		if (errWant == nil) != (errGot == nil) {
			t.Fatalf("encoding/json: %v, Write: %v", errWant, errGot)
		}
		if errWant != nil {
			return
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Fatalf("(- encoding/json, + written)\n%s", diff)
		}
		sameAsAny(t, got.Bytes())
	})
}

// FuzzForm: what is taken for the form of a written plan file means the same to encoding/json.
func FuzzForm(f *testing.F) {
	var b bytes.Buffer
	if err := Write(&b, scattered(1, 3, "al", "folder/f")); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) { sameAsAny(t, data) })
}

// sameAsAny compares the two ways to read a file; it reports whether the file has the form.
func sameAsAny(t *testing.T, data []byte) bool {
	t.Helper()
	got, err := decodeForm(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		if !errors.Is(err, errForm) {
			t.Fatalf("another error than that of the form: %v", err)
		}
		return false
	}
	want, err := decodeAny(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("it was taken for a plan, but encoding/json says: %v", err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Step{}), cmpopts.EquateComparable()); diff != "" {
		t.Fatalf("(- encoding/json, + by form)\n%s", diff)
	}
	for i := range got.Steps {
		if s := &got.Steps[i]; s.key != s.Change.Key() {
			t.Fatalf("step %d has the key %q", i+1, s.key)
		}
	}
	return true
}

// TestForm: files that were written have the form, however many pieces they are, and however they
// come in; whatever else a file may be isn't taken for it.
func TestForm(t *testing.T) {
	write := func(p *Plan) string {
		var b bytes.Buffer
		if err := Write(&b, p); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	p := scattered(9, 8000, "al", "folder/zoë")
	for i := range p.Steps {
		p.Steps[i].Subject, p.Steps[i].Target = access.Account("a"), access.ID{Kind: "folder", Name: "f"}
	}
	p.Notes = []string{"a note\n ]"}
	big := write(p)
	if len(big) < 4*pieceSize {
		t.Fatalf("the file has only %d bytes", len(big))
	}
	p.Steps = p.Steps[:2]
	small := write(p)
	for name, text := range map[string]string{"big": big, "small": small, "nothing after": strings.Replace(small, ",\n \"notes\": [\n  \"a note\\n ]\"\n ]", "", 1)} {
		if !sameAsAny(t, []byte(text)) {
			t.Errorf("%s isn't in the form", name)
		}
	}
	steps := small[strings.Index(small, beginOfSteps):strings.Index(small, ",\n \"notes\"")]
	for name, text := range map[string]string{
		"no steps":         write(&Plan{}),
		"compact":          strings.ReplaceAll(small, "\n", ""),
		"steps twice":      strings.Replace(small, ",\n \"notes\"", ","+steps+",\n \"notes\"", 1),
		"no steps then":    strings.Replace(small, ",\n \"notes\"", ",\n \"steps\": null,\n \"notes\"", 1),
		"another case":     strings.Replace(small, "\n \"steps\"", "\n \"STEPS\": [{}],\n \"steps\"", 1),
		"deeper":           strings.Replace(small, "\n \"steps\"", "\n \"refusals\": [{\n \"steps\"", 1),
		"a comma too many": strings.Replace(small, "\n \"steps\"", "\n ,\n \"steps\"", 1),
		"a comma at last":  small[:len(small)-3] + ",\n}\n",
		"cut off":          small[:len(small)-40],
		"cut in a step":    small[:strings.Index(small, endOfStep)],
		"more":             small + "{}",
		"an unknown key":   strings.Replace(small, "\n   \"class\"", "\n   \"clas\"", 1),
		"a key twice":      strings.Replace(small, "\n   \"action\": ", "\n   \"system\": \"t\",\n   \"action\": ", 1),
		"a wrong type":     strings.Replace(small, "\n   \"class\": ", "\n   \"class\": 7, ", 1),
		"a raw line break": strings.Replace(small, "\"subject\": \"account/a", "\"subject\": \"account/\na", 1),
	} {
		if text == small {
			t.Errorf("%s: nothing was changed", name)
		}
		if sameAsAny(t, []byte(text)) {
			t.Errorf("%s is taken for the form of a file that was written", name)
		}
	}
	for name, r := range map[string]io.Reader{"a pipe": struct{ io.Reader }{strings.NewReader(big)}, "a file": strings.NewReader(big)} {
		if q, err := decode(r); err != nil || len(q.Steps) != 8000 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestInOrder: what is worked on side by side is used in order, and the first error ends it.
func TestInOrder(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		next := 0
		err := inOrder(n, func(i int, space []byte) ([]byte, error) { return fmt.Append(space, i), nil }, func(b []byte) error {
			if string(b) != fmt.Sprint(next) {
				return fmt.Errorf("%s comes after %d", b, next-1)
			}
			next++
			return nil
		})
		if err != nil || next != n {
			t.Errorf("%d of %d: %v", next, n, err)
		}
	}
	boom := errors.New("boom")
	err := inOrder(100, func(i int, space []byte) ([]byte, error) {
		if i >= 7 {
			return nil, fmt.Errorf("at %d: %w", i, boom)
		}
		return space, nil
	}, func([]byte) error { return nil })
	if !errors.Is(err, boom) || err.Error() != "at 7: boom" {
		t.Errorf("got %v", err)
	}
}

// BenchmarkSort: the order in which a digest covers the steps of a plan.
func BenchmarkSort(b *testing.B) {
	p := scattered(3, 100_000, "al", "folder/f")
	for i := range p.Steps {
		p.Steps[i].key = p.Steps[i].Change.Key()
	}
	b.ReportAllocs()
	for b.Loop() {
		byKey(p.Steps)
	}
}
