package repo

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"
)

// many commits files that are like each other in part, so that git packs most as deltas, and one that
// is large and one that is empty.
func many(g *gitRepo, n int) {
	r := rand.New(rand.NewPCG(1, 2))
	shared := strings.Repeat("a line that all have\n", 20)
	for i := range n {
		noise := make([]byte, r.IntN(200))
		for k := range noise {
			noise[k] = byte('a' + r.IntN(26))
		}
		g.write(fmt.Sprintf("people/p%d.yaml", i), fmt.Sprintf("person: p%d\n%s# %s\n%s", i, shared, noise, shared[:r.IntN(len(shared))]))
	}
	g.commit("many", "accord.yaml", accord, "empty.yaml", "", "large.yaml", "# "+strings.Repeat("large ", MaxFile/6+1))
}

// plainly reads every file by go-git alone.
func plainly(t testing.TB, r *Repo, list []File) []File {
	t.Helper()
	out := make([]File, len(list))
	for i, f := range list {
		out[i] = File{Path: f.Path, Blob: f.Blob}
	}
	var total atomic.Int64
	if err := r.use(func(h *handle) error { return h.load(t.Context(), out, MaxFile, &total) }); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPacked reads packs of every make as go-git does.
func TestPacked(t *testing.T) {
	const n = 600
	for name, pack := range map[string]func(g *gitRepo){
		"offsets":    func(g *gitRepo) { g.run("repack", "-adfq", "--depth=50", "--window=50") },
		"references": func(g *gitRepo) { g.run("-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq") },
		"long":       func(g *gitRepo) { g.run("repack", "-adfq", "--depth=4000", "--window=50") },
		"two packs, and some loose": func(g *gitRepo) {
			g.run("repack", "-adq")
			g.commit("more", "people/new1.yaml", "person: new1\n", "people/p3.yaml", "person: p3\n")
			g.run("repack", "-dq")
			g.commit("loose", "people/new2.yaml", "person: new2\n")
		},
		"loose": func(*gitRepo) {},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGit(t)
			many(g, n)
			pack(g)
			r := open1(t, g.dir)
			files, err := r.Files(t.Context(), resolve(t, r, ""))
			if err != nil || len(files) < n+3 {
				t.Fatal(len(files), err)
			}
			if diff := cmp.Diff(plainly(t, r, files), files); diff != "" {
				t.Error(diff)
			}
			if name == "loose" {
				return
			}
			alone := make([]File, len(files))
			for i, f := range files {
				alone[i] = File{Path: f.Path, Blob: f.Blob}
			}
			var total atomic.Int64
			if err := r.loadPacked(t.Context(), alone, MaxFile, &total); err != nil {
				t.Fatal(err)
			}
			left := 0
			for i := range alone {
				if !alone[i].loaded() {
					left++
				}
			}
			if left > 2 { // the empty one, and one that is loose
				t.Errorf("%d of %d files weren't read from packs", left, len(alone))
			}
		})
	}
}

// TestPackedBorrowed reads what stands in another repository's pack.
func TestPackedBorrowed(t *testing.T) {
	g := newGit(t)
	many(g, 300)
	g.run("repack", "-adq")
	dir := filepath.Join(t.TempDir(), "clone")
	g.run("clone", "-q", "--shared", g.dir, dir)
	r := open1(t, dir)
	files, err := r.Files(t.Context(), resolve(t, r, ""))
	if err != nil || len(files) != 303 {
		t.Fatal(len(files), err)
	}
	if diff := cmp.Diff(plainly(t, r, files), files); diff != "" {
		t.Error(diff)
	}
}

// onePack is the path of the only pack.
func onePack(t testing.TB, g *gitRepo) string {
	t.Helper()
	packs, err := filepath.Glob(filepath.Join(g.dir, ".git/objects/pack/*.pack"))
	if err != nil || len(packs) != 1 {
		t.Fatal(packs, err)
	}
	return packs[0]
}

// TestPackedDamaged breaks bytes of a pack: what is read is what was committed, or an error.
func TestPackedDamaged(t *testing.T) {
	g := newGit(t)
	many(g, 300)
	g.run("repack", "-adfq")
	pack := onePack(t, g)
	whole, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	right := open1(t, g.dir)
	rev := resolve(t, right, "")
	want, err := right.Files(t.Context(), rev)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(pack, 0o644); err != nil {
		t.Fatal(err)
	}
	refused := 0
	r := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		broken := bytes.Clone(whole)
		for range 1 + r.IntN(20) {
			broken[12+r.IntN(len(broken)-12)] ^= byte(1 + r.IntN(255))
		}
		if err := os.WriteFile(pack, broken, 0o644); err != nil {
			t.Fatal(err)
		}
		again, err := Open(g.dir)
		if err != nil {
			refused++
			continue
		}
		files, err := again.Files(t.Context(), rev)
		if err != nil {
			refused++
		} else if diff := cmp.Diff(want, files); diff != "" {
			t.Fatalf("a broken pack was read:\n%s", diff)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Error("no broken pack was refused: the test breaks nothing")
	}
}

type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

// FuzzPack breaks one entry of a pack, in its own bytes or in those of others: an entry that is read has
// the content that its id says, and nothing takes memory that the limits don't allow.
func FuzzPack(f *testing.F) {
	g := newGit(f)
	many(g, 40)
	g.run("repack", "-adfq")
	r := open1(f, g.dir)
	files, err := r.Files(f.Context(), resolve(f, r, ""))
	if err != nil {
		f.Fatal(err)
	}
	packs, err := r.packs()
	if err != nil || len(packs) != 1 {
		f.Fatal(len(packs), err)
	}
	f.Cleanup(func() { packs[0].file.Close() })
	whole, err := os.ReadFile(onePack(f, g))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which, place uint16, with []byte) {
		want := &files[int(which)%len(files)]
		id := plumbing.NewHash(want.Blob)
		at, ok := packs[0].find(id)
		if !ok {
			t.Fatal("not in the pack")
		}
		broken := bytes.Clone(whole)
		copy(broken[(int(at)+int(place)-64+len(broken))%len(broken):], with)
		reader := packReader{}
		reader.turnTo(&pack{index: packs[0].index, file: memoryFile{bytes.NewReader(broken)}})
		data, _, err := reader.blob(at, id, MaxFile)
		if err == nil && data != nil && !bytes.Equal(data, want.Data) {
			t.Errorf("read %q, want %q", data, want.Data)
		}
	})
}
