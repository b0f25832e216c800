package repo

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	g := newGit(t)
	first := g.commit("First\n\nBody", "accord.yaml", accord)
	g.run("tag", "light")
	g.run("tag", "-a", "-m", "x", "annotated")
	g.run("tag", "-a", "-m", "x", "nested", "annotated")
	g.run("branch", "team/one")
	second := g.commit("second")
	g.run("checkout", "-q", "-b", "side", first)
	side := g.commit("side")
	g.run("checkout", "-q", "main")
	g.run("merge", "-q", "--no-ff", "-m", "merge", "side")
	merge := g.run("rev-parse", "HEAD")
	g.run("update-ref", "refs/remotes/origin/main", second)
	g.run("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
	g.run("update-ref", "refs/heads/feed", first) // a branch that looks like a hash

	for _, packed := range []bool{false, true} {
		if packed {
			g.run("gc", "-q") // packs refs too
		}
		r := open1(t, g.dir)
		for _, c := range []struct{ rev, hash, branch string }{
			{"", merge, "main"},
			{"HEAD", merge, "main"},
			{"@", merge, "main"},
			{"main", merge, "main"},
			{"heads/main", merge, "main"},
			{"refs/heads/main", merge, "main"},
			{"light", first, "light"},
			{"annotated", first, "annotated"},
			{"nested", first, "nested"},
			{"refs/tags/annotated", first, "annotated"},
			{"team/one", first, "team/one"},
			{"origin/main", second, "origin/main"},
			{"origin", second, "origin/main"},
			{"feed", first, "feed"},
			{first, first, ""},
			{first[:7], first, ""},
			{first[:9], first, ""},
			{strings.ToUpper(first[:8]), first, ""},
			{"HEAD~1", second, ""},
			{"HEAD^", second, ""},
			{"HEAD~", second, ""},
			{"HEAD^2", side, ""},
			{"HEAD^2~1", first, ""},
			{"HEAD~2", first, ""},
			{"HEAD^^", first, ""},
			{"main^0", merge, ""},
			{"@~1", second, ""},
		} {
			got, err := r.Resolve(t.Context(), c.rev)
			if err != nil || got.Hash != c.hash || got.Branch != c.branch {
				t.Errorf("packed %v, %q: got %s %q, %v; want %s %q", packed, c.rev, got.Hash, got.Branch, err, c.hash, c.branch)
			}
		}
		v := resolve(t, r, first)
		if v.Short != first[:7] || v.Author != "bob" || v.Email != "bob@acme.example" || v.Subject != "First" || v.Time.Format("2006-01-02 15:04 MST") != "2026-11-01 09:01 UTC" {
			t.Errorf("got %+v", v)
		}
	}
}

func TestResolveUnknown(t *testing.T) {
	g := newGit(t)
	first := g.commit("first", "accord.yaml", accord)
	g.run("branch", "production")
	g.run("tag", "tree", "HEAD^{tree}")
	r := open1(t, g.dir)
	for _, c := range []struct{ rev, want string }{
		{"prodction", `"prodction": did you mean "production"?`},
		{"nothing-like-it", "no branch, tag or commit is called so"},
		{strings.Repeat("0", 39) + "1", "isn't in this clone"},
		{"0000001", "no branch, tag or commit"},
		{"HEAD~1", "has 0 parents"},
		{"HEAD^2", "has 0 parents"},
		{"HEAD^{tree}", "only ~N and ^N"},
		{"HEAD~99999999999999999999", "is no number"},
		{"HEAD~1x", "only ~N and ^N"},
		{"tree", "is a tree, not a commit"},
		{"../../../etc/passwd", "no branch, tag or commit"},
		{"config", "no branch, tag or commit"},
		{"ORIG_HEAD", "no branch, tag or commit"},
		{first + "0", "no branch, tag or commit"},
		{"main:accord.yaml", "no branch, tag or commit"},
		{"a..b", "no branch, tag or commit"},
		{"\x00", "no branch, tag or commit"},
	} {
		_, err := r.Resolve(t.Context(), c.rev)
		if !errors.Is(err, ErrUnknownRevision) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.rev, err, c.want)
		}
	}
}

// TestResolveAmbiguous: a name that means two commits must never be decided by us. Whoever may
// push a tag or a branch could else choose what "main" or "origin/main" is.
func TestResolveAmbiguous(t *testing.T) {
	g := newGit(t)
	first := g.commit("first", "accord.yaml", accord)
	second := g.commit("second")
	g.run("update-ref", "refs/remotes/origin/main", second)
	g.run("update-ref", "refs/heads/origin/main", first)
	g.run("update-ref", "refs/tags/main", first)
	g.run("update-ref", "refs/tags/agreed", first)
	g.run("update-ref", "refs/heads/agreed", first)
	g.run("update-ref", "refs/heads/"+second[:7], first)
	r := open1(t, g.dir)
	for _, rev := range []string{"main", "origin/main", "main~1", second[:7]} {
		_, err := r.Resolve(t.Context(), rev)
		if !errors.Is(err, ErrUnknownRevision) || !strings.Contains(err.Error(), "ambiguous") {
			t.Errorf("%s: got %v", rev, err)
		}
	}
	for rev, want := range map[string]string{"refs/heads/main": second, "heads/main": second, "remotes/origin/main": second, "agreed": first, second: second} {
		if got, err := r.Resolve(t.Context(), rev); err != nil || got.Hash != want {
			t.Errorf("%s: got %s, %v", rev, got.Hash, err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNoGit) || !strings.Contains(err.Error(), "git init") || !strings.Contains(err.Error(), "--worktree") {
		t.Errorf("no git: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	empty := newGit(t)
	if _, err := Open(empty.dir); !errors.Is(err, ErrNoCommit) {
		t.Errorf("no commit: %v", err)
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, ".git"), []byte("nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(broken); err == nil || !strings.Contains(err.Error(), "names no folder") {
		t.Errorf("a .git file that makes no sense: %v", err)
	}
}

func TestUnbornBranchWithRemote(t *testing.T) {
	g := newGit(t)
	first := g.commit("first", "accord.yaml", accord)
	g.run("update-ref", "refs/remotes/origin/main", first)
	g.run("checkout", "-q", "--orphan", "fresh")
	r := open1(t, g.dir)
	if _, err := r.Resolve(t.Context(), ""); !errors.Is(err, ErrNoCommit) {
		t.Errorf("HEAD: %v", err)
	}
	if got := resolve(t, r, "origin/main"); got.Hash != first {
		t.Errorf("got %s", got.Hash)
	}
}

func TestStoredInWaysWeCannotRead(t *testing.T) {
	sha256 := newGit(t, "--object-format=sha256")
	sha256.commit("first", "accord.yaml", accord)
	if _, err := Open(sha256.dir); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "sha256") {
		t.Errorf("sha256: %v", err)
	}
	for _, c := range []struct{ key, value, want string }{
		{"extensions.refStorage", "reftable", "git refs migrate"},
		{"extensions.somethingNew", "true", `extension "somethingnew"`},
		{"core.repositoryformatversion", "2", "format version 2"},
	} {
		g := newGit(t)
		g.commit("first", "accord.yaml", accord)
		f, err := os.OpenFile(filepath.Join(g.dir, ".git", "config"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		section, key, _ := strings.Cut(c.key, ".")
		if _, err := f.WriteString("[" + section + "]\n\t" + key + " = " + c.value + "\n"); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if _, err := Open(g.dir); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.key, err)
		}
	}
}
