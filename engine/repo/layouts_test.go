package repo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLayouts reads one commit out of each form in which a CI system may present it.
func TestLayouts(t *testing.T) {
	g := newGit(t)
	g.commit("first", "accord.yaml", "old", "people/alice.yaml", "1")
	g.run("gc", "-q")
	head := g.commit("second", "accord.yaml", "new", "people/bob.yaml", "2")
	tmp := g.at(t.TempDir())
	path := func(name string) string { return filepath.Join(tmp.dir, name) }

	g.run("worktree", "add", "-q", "--detach", path("worktree"), "HEAD")
	tmp.run("clone", "-q", "--bare", g.dir, "bare.git")
	tmp.run("clone", "-q", "--mirror", g.dir, "mirror.git")
	tmp.run("clone", "-q", "--depth", "1", "file://"+g.dir, "shallow")
	tmp.run("clone", "-q", "--shared", g.dir, "shared")
	tmp.run("clone", "-q", "--shared", path("shared"), "shared2")
	tmp.run("clone", "-q", g.dir, "sparse")
	tmp.at(path("sparse")).run("sparse-checkout", "set", "people")
	tmp.run("clone", "-q", g.dir, "detached")
	tmp.at(path("detached")).run("checkout", "-q", "--detach")
	tmp.run("clone", "-q", "--no-local", "--filter=blob:none", "file://"+g.dir, "partial")
	tmp.run("clone", "-q", "--separate-git-dir", path("elsewhere.git"), g.dir, "separate")
	tmp.run("clone", "-q", g.dir, "reftagged")
	tmp.at(path("reftagged")).run("pack-refs", "--all")
	relative := filepath.Join(path("shared"), ".git", "objects", "info", "alternates")
	rel, err := filepath.Rel(filepath.Dir(filepath.Dir(relative)), filepath.Join(g.dir, ".git", "objects"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path("detached"), path("linked")); err != nil {
		t.Fatal(err)
	}

	want := []string{"accord.yaml=new", "people/alice.yaml=1", "people/bob.yaml=2"}
	for _, c := range []struct{ dir, branch string }{
		{g.dir, "main"}, {"worktree", ""}, {"bare.git", "main"}, {"mirror.git", "main"}, {"shallow", "main"},
		{"shared", "main"}, {"shared2", "main"}, {"sparse", "main"}, {"detached", ""}, {"partial", "main"},
		{"separate", "main"}, {"reftagged", "main"}, {"linked", ""}, {"relative alternates", "main"},
	} {
		t.Run(filepath.Base(c.dir), func(t *testing.T) {
			dir := c.dir
			switch {
			case dir == "relative alternates":
				if err := os.WriteFile(relative, []byte("# a remark\n"+rel+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				dir = path("shared")
			case !filepath.IsAbs(dir):
				dir = path(dir)
			}
			r := open1(t, dir)
			v := resolve(t, r, "")
			if v.Hash != head || v.Branch != c.branch {
				t.Errorf("got %s on %q", v.Hash, v.Branch)
			}
			files, err := r.Files(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, paths(files)); d != "" {
				t.Error(d)
			}
			differs, err := r.Differs(t.Context(), v)
			if err != nil || len(differs) > 0 {
				t.Errorf("differs: %v, %v", differs, err)
			}
		})
	}
}

func TestShallow(t *testing.T) {
	g := newGit(t)
	first := g.commit("first", "accord.yaml", "a\nb\n")
	g.commit("second", "accord.yaml", "a\nb\nc\n")
	third := g.commit("third", "accord.yaml", "a\nb\nc\nd\n")
	g.run("checkout", "-q", "-b", "side", first)
	g.commit("side", "people/x.yaml", "x")
	tmp := g.at(t.TempDir())
	tmp.run("clone", "-q", "--depth", "2", "--branch", "main", "file://"+g.dir, "s")
	// A branch of one commit only, so that it can't meet main.
	tmp.run("clone", "-q", "--depth", "1", "--no-single-branch", "--branch", "main", "file://"+g.dir, "one")
	r := open1(t, filepath.Join(tmp.dir, "s"))
	if _, err := r.Resolve(t.Context(), "HEAD~2"); !errors.Is(err, ErrShallow) {
		t.Errorf("behind the end: %v", err)
	}
	if _, err := r.Resolve(t.Context(), first+"x"); err == nil {
		t.Error("no error for nonsense")
	}
	lines, err := r.Blame(t.Context(), resolve(t, r, ""), "accord.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, l := range lines {
		got += fmt.Sprintf("%s %v\n", l.Subject, l.Boundary)
	}
	if want := "second true\nsecond true\nsecond true\nthird false\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r = open1(t, filepath.Join(tmp.dir, "one"))
	_, err = r.MergeBase(t.Context(), resolve(t, r, third), resolve(t, r, "origin/side"))
	if !errors.Is(err, ErrShallow) {
		t.Errorf("merge base: %v", err)
	}
}

func TestMissingAlternate(t *testing.T) {
	g := newGit(t)
	g.commit("first", "accord.yaml", accord)
	tmp := g.at(t.TempDir())
	tmp.run("clone", "-q", "--shared", g.dir, "shared")
	if err := os.Rename(g.dir, g.dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	_, err := Open(filepath.Join(tmp.dir, "shared"))
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "borrows objects from") {
		t.Errorf("got %v", err)
	}
	circle := filepath.Join(tmp.dir, "shared", ".git", "objects")
	if err := os.WriteFile(filepath.Join(circle, "info", "alternates"), []byte(circle+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(tmp.dir, "shared")); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a store that borrows from itself: %v", err)
	}
}

// TestMissingObjects: in a partial clone contents may not be there; that must be an error.
func TestMissingObjects(t *testing.T) {
	g := newGit(t)
	g.run("config", "uploadpack.allowFilter", "true")
	first := g.commit("first", "accord.yaml", "old")
	g.commit("second", "accord.yaml", "new")
	tmp := g.at(t.TempDir())
	tmp.run("clone", "-q", "--filter=blob:none", "file://"+g.dir, "partial")
	r := open1(t, filepath.Join(tmp.dir, "partial"))
	_, err := r.Files(t.Context(), resolve(t, r, first))
	if err == nil || !strings.Contains(err.Error(), "accord.yaml") || !strings.Contains(err.Error(), "partial clone") {
		t.Errorf("got %v", err)
	}
}

// TestChangesBehindOurBack: a daemon keeps the repository open while others commit and repack.
func TestChangesBehindOurBack(t *testing.T) {
	g := newGit(t)
	g.commit("first", "accord.yaml", "1")
	g.run("gc", "-q")
	r := open1(t, g.dir)
	if _, err := r.Files(t.Context(), resolve(t, r, "")); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		head := g.commit("next", "accord.yaml", fmt.Sprint("next ", i))
		g.run("repack", "-q", "-a", "-d")
		g.run("prune-packed", "-q")
		v := resolve(t, r, "main")
		if v.Hash != head {
			t.Fatalf("got %s, want %s", v.Hash, head)
		}
		files, err := r.Files(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{fmt.Sprint("accord.yaml=next ", i)}, paths(files)); d != "" {
			t.Error(d)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	g := newGit(t)
	for i := range 1500 {
		g.write(fmt.Sprintf("people/%02d/p%d.yaml", i%30, i), fmt.Sprintf("person: p%d\n", i))
	}
	first := g.commit("first", "accord.yaml", accord)
	g.commit("second", "people/00/p0.yaml", "person: other\n")
	g.run("gc", "-q")
	r := open1(t, g.dir)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			head := resolve(t, r, "")
			files, err := r.Files(t.Context(), head)
			if err != nil || len(files) != 1501 {
				t.Errorf("%d files, %v", len(files), err)
			}
			for i, f := range files {
				if len(f.Data) == 0 || i > 0 && files[i-1].Path >= f.Path {
					t.Errorf("%s: %d bytes", f.Path, len(f.Data))
				}
			}
			changed, err := r.Changed(t.Context(), resolve(t, r, first), head)
			if err != nil || len(changed) != 1 {
				t.Errorf("changed: %v, %v", changed, err)
			}
			if _, err := r.Blame(t.Context(), head, "accord.yaml"); err != nil {
				t.Error(err)
			}
			if _, err := r.Differs(t.Context(), head); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestCancelledAndClosed(t *testing.T) {
	g := newGit(t)
	g.commit("first", "accord.yaml", accord)
	r, err := Open(g.dir)
	if err != nil {
		t.Fatal(err)
	}
	head := resolve(t, r, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Files(ctx, head); !errors.Is(err, context.Canceled) {
		t.Errorf("Files: %v", err)
	}
	if _, err := r.Differs(ctx, head); !errors.Is(err, context.Canceled) {
		t.Errorf("Differs: %v", err)
	}
	if _, err := r.Blame(ctx, head, "accord.yaml"); !errors.Is(err, context.Canceled) {
		t.Errorf("Blame: %v", err)
	}
	if _, err := Worktree(ctx, g.dir); !errors.Is(err, context.Canceled) {
		t.Errorf("Worktree: %v", err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.Resolve(t.Context(), ""); err == nil {
		t.Error("a closed repository answers")
	}
	if n, err := os.ReadDir("/proc/self/fd"); err == nil {
		for _, fd := range n {
			if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(to, g.dir) {
				t.Errorf("%s is still open", to)
			}
		}
	}
}
