package repo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// draft writes files on a branch.
func draft(branch string, parent Revision, files ...string) Draft {
	return Draft{Branch: branch, Parent: parent, Message: "Dora left\n\nShe did.", Actor: "ada", At: time.Date(2026, 11, 2, 10, 0, 0, 0, time.FixedZone("", 3600)),
		Edit: func(func(string) ([]byte, error)) (map[string][]byte, error) {
			out := map[string][]byte{}
			for i := 0; i < len(files); i += 2 {
				out[files[i]] = []byte(files[i+1])
				if files[i+1] == "-" {
					out[files[i]] = nil
				}
			}
			return out, nil
		}}
}

func openAt(t *testing.T, dir string) (*Repo, Revision) {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	head, err := r.Resolve(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	return r, head
}

// TestCommit makes commits in every layout and lets git itself look at them.
func TestCommit(t *testing.T) {
	t.Setenv("HOME", t.TempDir()) // no configuration but the repository's own
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	g := newGit(t)
	g.commit("first", "access/accord.yaml", "a", "access/people/dora.yaml", "person: dora\n", "access/run.sh", "x", "other/file", "y")
	if err := os.Chmod(filepath.Join(g.dir, "access/run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	g.commit("second")
	tmp := g.at(t.TempDir())
	g.run("worktree", "add", "-q", "--detach", filepath.Join(tmp.dir, "worktree"), "HEAD")
	tmp.run("clone", "-q", "--depth", "1", "file://"+g.dir, "shallow")
	tmp.run("clone", "-q", "--shared", g.dir, "shared")
	tmp.run("clone", "-q", g.dir, "packed")
	tmp.at(filepath.Join(tmp.dir, "packed")).run("gc", "-q")
	for i, name := range []string{g.dir, "worktree", "shallow", "shared", "packed"} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			at := g.at(name)
			if name != g.dir {
				at = g.at(filepath.Join(tmp.dir, name))
			}
			branch := fmt.Sprintf("accord/offboard-d%d", i)
			status, head := at.run("status", "--porcelain"), at.run("rev-parse", "HEAD")
			r, rev := openAt(t, filepath.Join(at.dir, "access"))
			got, made, err := r.Commit(context.Background(), draft(branch, rev, "people/dora.yaml", "person: dora\nstatus: left\n", "run.sh", "z", "new/dir/f.yaml", "n"))
			if err != nil || !made {
				t.Fatal(got, made, err)
			}
			at.run("fsck", "--strict", "--no-dangling")
			if out := at.run("rev-parse", branch); out != got.Hash {
				t.Errorf("%s is at %s, not at %s", branch, out, got.Hash)
			}
			const want = "first parent: HEAD\n100644 access/new/dir/f.yaml\n100644 access/people/dora.yaml\n100755 access/run.sh"
			changed := at.run("diff", "--name-only", "HEAD", branch)
			modes := "first parent: HEAD"
			for _, f := range strings.Fields(changed) {
				modes += "\n" + strings.Fields(at.run("ls-tree", branch, f))[0] + " " + f
			}
			if at.run("rev-parse", branch+"^") != head || modes != want {
				t.Errorf("got %s, want %s", modes, want)
			}
			if out := at.run("log", "-1", "--format=%an <%ae> %cn %ai%n%B", branch); !strings.HasPrefix(out, "ada <ada@") || !strings.Contains(out, "ada 2026-11-02 10:00:00 +0100\nDora left\n\nShe did.\n\nAccord-Branch: "+branch) {
				t.Errorf("the commit is\n%s", out)
			}
			if now := at.run("status", "--porcelain"); now != status || at.run("rev-parse", "HEAD") != head {
				t.Errorf("the working copy was touched: %s", now)
			}
		})
	}
}

func TestCommitAgain(t *testing.T) {
	g := newGit(t)
	g.run("config", "user.name", "Ada <L>")
	g.run("config", "user.email", "ada@acme.example")
	g.commit("first", "accord.yaml", "a", "p.yaml", "1")
	r, head := openAt(t, g.dir)
	ctx := context.Background()
	first, _, err := r.Commit(ctx, draft("accord/x", head, "p.yaml", "2"))
	if err != nil {
		t.Fatal(err)
	}
	if first.Author != "Ada L" || first.Email != "ada@acme.example" {
		t.Errorf("by %s <%s>", first.Author, first.Email)
	}
	if again, made, err := r.Commit(ctx, draft("accord/x", head, "p.yaml", "2")); err != nil || made || again.Hash != first.Hash {
		t.Errorf("the same again: %v %v %v", again, made, err)
	}
	// It is added to, and the edit sees what is there.
	d := draft("accord/x", head)
	d.Edit = func(read func(string) ([]byte, error)) (map[string][]byte, error) {
		b, err := read("p.yaml")
		return map[string][]byte{"p.yaml": append(b, '3')}, err
	}
	second, made, err := r.Commit(ctx, d)
	if err != nil || !made || g.run("rev-parse", "accord/x^") != first.Hash || g.run("show", "accord/x:p.yaml") != "23" {
		t.Fatal(second, made, err)
	}
	// Once merged it goes on from where it was merged.
	g.run("merge", "-q", "--no-ff", "-m", "merge", "accord/x")
	g.commit("back", "p.yaml", "1")
	_, head = openAt(t, g.dir)
	if third, made, err := r.Commit(ctx, draft("accord/x", head, "p.yaml", "4")); err != nil || !made || g.run("rev-parse", "accord/x^") != head.Hash {
		t.Fatal(third, made, err)
	}
	if in, err := r.Contains(ctx, head, first); err != nil || !in {
		t.Error("the first commit isn't found in what it was merged into", err)
	}
	if in, err := r.Contains(ctx, first, head); err != nil || in {
		t.Error("what came later is found in what came before", err)
	}
	// Made anew it says what its parent says with the edit, and nothing of what it said before.
	d = draft("accord/z", head, "old.yaml", "1")
	if _, _, err := r.Commit(ctx, d); err != nil {
		t.Fatal(err)
	}
	g.commit("main goes on", "more.yaml", "m")
	_, head = openAt(t, g.dir)
	d = draft("accord/z", head, "new.yaml", "1")
	d.Anew = true
	if _, made, err := r.Commit(ctx, d); err != nil || !made {
		t.Fatal(made, err)
	}
	if files := g.run("diff", "--name-only", "main", "accord/z"); files != "new.yaml" {
		t.Errorf("made anew it differs in %s", files)
	}
	if n := g.run("rev-list", "--count", "accord/z", "--not", "main"); n != "2" {
		t.Errorf("%s commits; what was there before must be among them", n)
	}
	if _, made, err := r.Commit(ctx, d); err != nil || made {
		t.Errorf("the same anew: %v, %v", made, err)
	}
	if names, err := r.Remotes(); err != nil || len(names) != 0 {
		t.Errorf("remotes: %v, %v", names, err)
	}
	g.run("remote", "add", "backup", "/nonexistent")
	g.run("remote", "add", "origin", "/nonexistent")
	if names, err := r.Remotes(); err != nil || strings.Join(names, " ") != "origin backup" {
		t.Errorf("remotes: %v, %v", names, err)
	}
	// Files are deleted, with folders that would be empty.
	if _, _, err := r.Commit(ctx, draft("accord/y", head, "d/e/f", "1", "p.yaml", "-")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Commit(ctx, draft("accord/y", head, "d/e/f", "-", "no/such", "-")); err != nil {
		t.Fatal(err)
	}
	if left := g.run("ls-tree", "-r", "--name-only", "accord/y"); left != "accord.yaml\nmore.yaml" {
		t.Errorf("left: %s", left)
	}
}

func TestCommitRefuses(t *testing.T) {
	g := newGit(t)
	g.write("target", "t")
	if err := os.Symlink("target", filepath.Join(g.dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(".", filepath.Join(g.dir, "dir")); err != nil {
		t.Fatal(err)
	}
	g.commit("first", "accord.yaml", "a", "p.yaml", "1")
	g.run("branch", "accord/out")
	g.run("worktree", "add", "-q", filepath.Join(t.TempDir(), "w"), "accord/out")
	g.run("checkout", "-q", "-b", "accord/theirs")
	g.commit("theirs", "p.yaml", "9")
	theirs := g.run("rev-parse", "HEAD")
	g.run("checkout", "-q", "main")
	g.run("symbolic-ref", "refs/heads/accord/sym", "refs/heads/main")
	r, head := openAt(t, g.dir)
	for _, c := range []struct {
		branch, file string
		want         error
	}{
		{"main", "p.yaml", ErrRefused},
		{"accord/out", "p.yaml", ErrRefused},
		{"accord/..", "p.yaml", ErrRefused},
		{"accord/a b", "p.yaml", ErrRefused},
		{"accord/theirs", "p.yaml", ErrNotOurs},
		{"accord/sym", "p.yaml", ErrNotOurs},
		{"accord/x", "../p.yaml", ErrRefused},
		{"accord/x", "/p.yaml", ErrRefused},
		{"accord/x", ".git/config", ErrRefused},
		{"accord/x", "a/.GIT/config", ErrRefused},
		{"accord/x", "link.yaml", ErrRefused},
		{"accord/x", "dir/p.yaml", ErrRefused},
		{"accord/x", "p.yaml/x", ErrRefused},
	} {
		if at, _, err := r.Commit(context.Background(), draft(c.branch, head, c.file, "2")); !errors.Is(err, c.want) {
			t.Errorf("%s %s: %v, %v; want %v", c.branch, c.file, at, err, c.want)
		}
	}
	if now := g.run("rev-parse", "accord/theirs"); now != theirs {
		t.Error("somebody's branch was moved")
	}
	if now := g.run("for-each-ref", "--format=%(refname)", "refs/heads/accord/x"); now != "" {
		t.Error("a refused commit left a branch")
	}
}
