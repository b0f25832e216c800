package repo

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestListBeside: a commit's files are the same whether they are listed alone, by another commit's
// listing, or by one that was written down; and the same as Files gives.
func TestListBeside(t *testing.T) {
	g := newGit(t)
	g.write("accord.yaml", "version: 1\n")
	rng := rand.New(rand.NewPCG(1, 7))
	// Names that sort otherwise with the slash of a folder than without.
	names := []string{"a", "a-b", "a.b", "ab", "b", ".hidden", "a b", "z"}
	var revs []Revision
	r, err := Open(g.dir)
	if err == nil {
		t.Fatal("there is a commit already")
	}
	for step := range 40 {
		p := ""
		for depth := rng.IntN(4); depth > 0; depth-- {
			p = join(p, names[rng.IntN(len(names))])
		}
		p = join(p, names[rng.IntN(len(names))])
		switch at := filepath.Join(g.dir, p); {
		case rng.IntN(4) == 0:
			_ = os.RemoveAll(at)
		case rng.IntN(12) == 0 && step > 10: // another access repository inside
			_ = os.MkdirAll(at, 0o755)
			_ = os.WriteFile(filepath.Join(at, "accord.yaml"), []byte("version: 1\n"), 0o644)
		default:
			_ = os.MkdirAll(filepath.Dir(at), 0o755)
			_ = os.WriteFile(at+".yaml", fmt.Appendf(nil, "person: p%d\n", step), 0o644)
		}
		g.run("add", "-A")
		g.run("commit", "-q", "--allow-empty", "-m", fmt.Sprint(step))
		if r == nil {
			if r, err = Open(g.dir); err != nil {
				t.Fatal(err)
			}
			defer r.Close()
		}
		revs = append(revs, resolve(t, r, "HEAD"))
	}
	reused := 0
	for i, rev := range revs {
		alone, err := r.List(t.Context(), rev, nil)
		if err != nil {
			t.Fatal(err)
		}
		files, err := r.Files(t.Context(), rev)
		if err != nil {
			t.Fatal(err)
		}
		for i := range files {
			files[i].Size, files[i].Data = 0, nil
		}
		if diff := cmp.Diff(files, alone.Files()); diff != "" {
			t.Fatalf("%d: (- Files, + List)\n%s", i, diff)
		}
		other, err := r.List(t.Context(), revs[rng.IntN(len(revs))], nil)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ReadListing(string(other.Append(nil)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(other, read, sameListing); diff != "" {
			t.Fatalf("%d: (- written, + read)\n%s", i, diff)
		}
		beside, err := r.List(t.Context(), rev, read)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(alone, beside, sameListing); diff != "" {
			t.Fatalf("%d: (- alone, + beside another)\n%s", i, diff)
		}
		gone, come, ok := beside.Since(read)
		if !ok {
			t.Fatalf("%d: it doesn't know in what it differs", i)
		}
		after := map[string]string{}
		for _, f := range other.Files() {
			after[f.Path] = f.Blob
		}
		for _, p := range gone {
			if _, ok := after[p]; !ok {
				t.Errorf("%d: %s wasn't there before", i, p)
			}
			delete(after, p)
		}
		for _, f := range come {
			if after[f.Path] == f.Blob {
				t.Errorf("%d: %s was there before", i, f.Path)
			}
			after[f.Path] = f.Blob
		}
		is := map[string]string{}
		for _, f := range alone.Files() {
			is[f.Path] = f.Blob
		}
		if diff := cmp.Diff(is, after); diff != "" {
			t.Fatalf("%d: (- there, + by what differs)\n%s", i, diff)
		}
		for _, f := range other.folders {
			for _, m := range alone.folders {
				if f.path == m.path && f.tree == m.tree && f.to > f.from {
					reused++
				}
			}
		}
	}
	if reused < 20 {
		t.Errorf("%d folders could be taken over: the test looks at too little", reused)
	}
}

// TestListBesideLink: what a link leads to may go while the link's own folder stays as it is; it is
// refused all the same.
func TestListBesideLink(t *testing.T) {
	g := newGit(t)
	g.write("accord.yaml", "version: 1\n", "docs/readme", "x", "people/a.yaml", "person: a\n")
	if err := os.Symlink("../docs/readme", filepath.Join(g.dir, "people", "notes")); err != nil {
		t.Skip(err)
	}
	g.run("add", "-A")
	g.run("commit", "-q", "-m", "1")
	r, err := Open(g.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	before, err := r.List(t.Context(), resolve(t, r, "HEAD"), nil)
	if err != nil {
		t.Fatal(err)
	}
	g.run("rm", "-q", "-r", "docs")
	g.run("commit", "-q", "-m", "2")
	if _, err := r.List(t.Context(), resolve(t, r, "HEAD"), before); !errors.Is(err, ErrRefused) {
		t.Errorf("got %v, want ErrRefused", err)
	}
}

// FuzzReadListing: a record that says anything at all is refused, or is one that can be used and
// written again.
func FuzzReadListing(f *testing.F) {
	l := &Listing{own: []File{{Path: "a.yaml", Blob: "329e889f300000000000000000000000000000ab"}, {Path: "b/c.yaml", Blob: "6c9735acf0000000000000000000000000000cd0"}},
		folders: []listed{{from: 0, to: 2, next: 2}, {path: "b", from: 1, to: 2, next: 2}}}
	f.Add(l.Append(nil))
	f.Add([]byte{0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ReadListing(string(data))
		if err != nil {
			return
		}
		again, err := ReadListing(string(l.Append(nil)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(l, again, sameListing); diff != "" {
			t.Error(diff)
		}
		(&lister{out: &Listing{}, other: l}).enter("b", [20]byte{})
	})
}

// sameListing compares listings by what they list.
var sameListing = cmp.Transformer("listing", func(l *Listing) any {
	type folder struct {
		Path, Tree     string
		From, To, Next int
	}
	var folders []folder
	for _, f := range l.folders {
		folders = append(folders, folder{f.path, f.tree.String(), f.from, f.to, f.next})
	}
	return []any{folders, append([]File{}, l.Files()...), l.Len()}
})
