package declare

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestWrong shows what people see of wrong input: each archive under testdata/wrong holds
// files and, under "want", the problems.
func TestWrong(t *testing.T) {
	names, err := filepath.Glob("testdata/wrong/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			in := files(ar)
			_, ps := load(in)
			if len(ps) == 0 {
				t.Fatal("no problem was found")
			}
			checkProblems(t, in, ps)
			got := ps.String() + "\n"
			if *update {
				writeWant(t, name, ar, got)
				return
			}
			want := ""
			for _, f := range ar.Files {
				if f.Name == "want" {
					want = string(f.Data)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func writeWant(t *testing.T, name string, ar *txtar.Archive, want string) {
	t.Helper()
	kept := ar.Files[:0]
	for _, f := range ar.Files {
		if f.Name != "want" {
			kept = append(kept, f)
		}
	}
	ar.Files = append(kept, txtar.File{Name: "want", Data: []byte(want)})
	if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

// checkProblems holds for every list of problems: sorted, each once, and inside its file.
func checkProblems(t *testing.T, in []File, ps Problems) {
	t.Helper()
	sources := map[string]*source{}
	for _, f := range in {
		sources[f.Path] = newSource(f.Data)
	}
	for i, p := range ps {
		if i > 0 && ps[i-1].compare(p) >= 0 {
			t.Errorf("%q at %s is not after %q at %s", p.Message, p.Pos, ps[i-1].Message, ps[i-1].Pos)
		}
		if p.Message == "" {
			t.Errorf("no message at %s", p.Pos)
		}
		if p.Pos.Line == 0 {
			continue
		}
		src := sources[p.Pos.File]
		if src == nil {
			t.Fatalf("%q is about %s, which isn't there", p.Message, p.Pos)
		}
		if int(p.Pos.Line) > len(src.lines()) {
			t.Fatalf("%q is at %s, after the end of the file", p.Message, p.Pos)
		}
		n := len([]rune(string(src.lines()[p.Pos.Line-1])))
		if p.Pos.Line < 1 || p.Pos.Col < 1 || int(p.Pos.Col) > n+1 {
			t.Errorf("%q is at %s, outside of the file", p.Message, p.Pos)
		}
		if p.Width < 1 || p.Width > 1 && int(p.Pos.Col)-1+p.Width > n {
			t.Errorf("%q at %s has width %d in a line of %d", p.Message, p.Pos, p.Width, n)
		}
	}
}
