package repo

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const accord = "version: 1\n"

// selection is a folder in which each rule has a case.
func selection(g *gitRepo) {
	g.write(
		"accord.yaml", "1",
		"people/alice.yaml", "2",
		"people/bob.yml", "3",
		"people/sub/deep.yaml", "4",
		"README.md", "no",
		"live.state.yaml", "no",
		".gitlab-ci.yml", "no",
		".github/workflows/ci.yaml", "no",
		"other/accord.yaml", "no",
		"other/people/zoe.yaml", "no",
		"policy/rules.rego", "r",
		"policy/data.yaml", "d",
		"policy/deep/limits.json", "j",
		"people/späße ♥.yaml", "u",
	)
}

var (
	wantSelected = []string{"accord.yaml=1", "people/alice.yaml=2", "people/bob.yml=3", "people/späße ♥.yaml=u", "people/sub/deep.yaml=4"}
	wantPolicies = []string{"policy/data.yaml=d", "policy/deep/limits.json=j", "policy/rules.rego=r"}
)

func TestFilesSelection(t *testing.T) {
	for _, packed := range []bool{false, true} {
		for _, sub := range []string{"", "access", "very/deep/access"} {
			t.Run(fmt.Sprintf("packed=%v/%s", packed, sub), func(t *testing.T) {
				g := newGit(t)
				root := filepath.Join(g.dir, sub)
				g.write("outside.yaml", "no")
				selection(g.at(root))
				if sub == "" {
					os.Remove(filepath.Join(g.dir, "outside.yaml"))
				}
				g.commit("one")
				if packed {
					g.run("gc", "-q", "--aggressive", "--prune=now")
				}
				r := open1(t, root)
				head := resolve(t, r, "")
				files, err := r.Files(t.Context(), head, "policy/")
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(wantSelected, paths(files)); d != "" {
					t.Error(d)
				}
				policies, err := r.PolicyFiles(t.Context(), head, []string{"policy"})
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(wantPolicies, paths(policies)); d != "" {
					t.Error(d)
				}
				// The folder gives the same, ids included.
				disk, err := Worktree(t.Context(), root, "policy")
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(files, disk); d != "" {
					t.Error("commit and folder differ:", d)
				}
				diskPolicies, err := WorktreePolicyFiles(t.Context(), root, []string{"policy"})
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(policies, diskPolicies); d != "" {
					t.Error("commit and folder differ:", d)
				}
			})
		}
	}
}

func TestFilesNotThere(t *testing.T) {
	g := newGit(t)
	first := g.commit("first", "other/file.yaml", "x")
	g.commit("second", "access/accord.yaml", accord)
	g.write("new/accord.yaml", accord)
	r := open1(t, filepath.Join(g.dir, "access"))
	if _, err := r.Files(t.Context(), resolve(t, r, first)); !errors.Is(err, ErrNotThere) {
		t.Errorf("before the folder was there: %v", err)
	}
	if _, err := r.PolicyFiles(t.Context(), resolve(t, r, ""), []string{"policy"}); !errors.Is(err, ErrNotThere) {
		t.Errorf("policies that aren't there: %v", err)
	}
	for _, dir := range []string{"new", "other"} {
		r := open1(t, filepath.Join(g.dir, dir))
		if _, err := r.Files(t.Context(), resolve(t, r, "")); !errors.Is(err, ErrNotThere) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if _, err := Worktree(t.Context(), filepath.Join(g.dir, "other")); !errors.Is(err, ErrNotThere) {
		t.Errorf("a folder without accord.yaml: %v", err)
	}
}

func TestFolders(t *testing.T) {
	g := newGit(t)
	g.commit("first", "accord.yaml", accord, "file.yaml", "x")
	r := open1(t, g.dir)
	for _, f := range []string{"../policy", "/etc", ".", "", "a/../..", "file.yaml"} {
		if _, err := r.PolicyFiles(t.Context(), resolve(t, r, ""), []string{f}); !errors.Is(err, ErrRefused) {
			t.Errorf("%q in the commit: %v", f, err)
		}
		if _, err := WorktreePolicyFiles(t.Context(), g.dir, []string{f}); !errors.Is(err, ErrRefused) {
			t.Errorf("%q in the folder: %v", f, err)
		}
	}
}

func TestLinks(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret.yaml"), []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, link, target, want string }{
		{"declaration inside", "people/carol.yaml", "alice.yaml", "people/carol.yaml is a symbolic link; put"},
		{"declaration outside", "people/carol.yaml", filepath.Join(outside, "secret.yaml"), "people/carol.yaml is a symbolic link that leads to nothing or out"},
		{"relative outside", "people/carol.yaml", "../../../secret.yaml", "leads to nothing or out"},
		{"folder inside", "staff", "people", "staff is a symbolic link; put"},
		{"the root itself", "loop", ".", "loop is a symbolic link; put"},
		{"folder outside", "staff", outside, "leads to nothing or out"},
		{"dangling", "staff", "nowhere", "leads to nothing or out"},
		{"circle", "staff", "staff", "leads to nothing or out"},
		{"text outside", "notes.txt", "../notes.txt", "leads to nothing or out"},
		{"text inside", "notes.txt", "README.md", ""},
		{"text by way of another link", "notes.txt", "people/readme", ""},
		{"dot name", ".envrc", "/etc/passwd", ""},
		{"accord.yaml of a folder", "people/accord.yaml", "../accord.yaml", "people/accord.yaml is a symbolic link; put"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGit(t)
			g.write("accord.yaml", "1", "people/alice.yaml", "2", "README.md", "no")
			for link, target := range map[string]string{"people/readme": "../README.md", c.link: c.target} {
				if err := os.Symlink(target, filepath.Join(g.dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			g.commit("links")
			r := open1(t, g.dir)
			files, err := r.Files(t.Context(), resolve(t, r, ""))
			disk, diskErr := Worktree(t.Context(), g.dir)
			for what, err := range map[string]error{"commit": err, "folder": diskErr} {
				if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%s: got %v, want %q", what, err, c.want)
				}
			}
			if c.want == "" {
				want := []string{"accord.yaml=1", "people/alice.yaml=2"}
				if d := cmp.Diff([][]string{want, want}, [][]string{paths(files), paths(disk)}); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

func TestPolicyLinksAreRefused(t *testing.T) {
	g := newGit(t)
	g.write("accord.yaml", "1", "policy/a.rego", "a", "real/b.rego", "b")
	if err := os.Symlink("a.rego", filepath.Join(g.dir, "policy", "b.rego")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(g.dir, "linked")); err != nil {
		t.Fatal(err)
	}
	g.commit("links")
	r := open1(t, g.dir)
	for _, folder := range []string{"policy", "linked"} {
		if _, err := r.PolicyFiles(t.Context(), resolve(t, r, ""), []string{folder}); !errors.Is(err, ErrRefused) {
			t.Errorf("%s in the commit: %v", folder, err)
		}
		if _, err := WorktreePolicyFiles(t.Context(), g.dir, []string{folder}); !errors.Is(err, ErrRefused) {
			t.Errorf("%s in the folder: %v", folder, err)
		}
	}
}

func TestLargeFileIsNotLoaded(t *testing.T) {
	g := newGit(t)
	big := strings.Repeat("x", MaxFile)
	g.commit("big", "accord.yaml", accord, "fits.yaml", big, "large.yaml", big+"x")
	for _, gc := range []bool{false, true} {
		if gc {
			g.run("gc", "-q")
		}
		r := open1(t, g.dir)
		files, err := r.Files(t.Context(), resolve(t, r, ""))
		if err != nil {
			t.Fatal(err)
		}
		disk, err := Worktree(t.Context(), g.dir)
		if err != nil {
			t.Fatal(err)
		}
		for what, files := range map[string][]File{"commit": files, "folder": disk} {
			if len(files) != 3 || len(files[1].Data) != MaxFile || files[2].Data != nil || files[2].Size != MaxFile+1 {
				t.Errorf("%s, packed %v: %v", what, gc, len(files))
			}
		}
	}
}

func TestSubmoduleIsLeftOut(t *testing.T) {
	lib := newGit(t)
	lib.commit("lib", "people/lib.yaml", "no")
	g := newGit(t)
	g.write("accord.yaml", "1")
	g.run("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", lib.dir, "lib")
	g.commit("with a submodule")
	r := open1(t, g.dir)
	files, err := r.Files(t.Context(), resolve(t, r, ""))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"accord.yaml=1"}, paths(files)); d != "" {
		t.Error(d)
	}
}

// badTree commits a hand-made tree whose entries git itself would refuse to write.
func badTree(g *gitRepo, entries string) string {
	g.t.Helper()
	dir := filepath.Join(g.dir, ".git", "objects")
	object := func(kind, content string) string {
		raw := fmt.Sprintf("%s %d\x00%s", kind, len(content), content)
		id := fmt.Sprintf("%x", sha1.Sum([]byte(raw)))
		cmd := g.command("hash-object", "-w", "-t", kind, "--literally", "--stdin")
		cmd.Stdin = strings.NewReader(content)
		if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != id {
			g.t.Fatalf("writing a %s in %s: %v %s", kind, dir, err, out)
		}
		return id
	}
	tree := object("tree", entries)
	return object("commit", "tree "+tree+"\nauthor x <x> 1 +0000\ncommitter x <x> 1 +0000\n\nbad\n")
}

func TestBadTreesAndPaths(t *testing.T) {
	g := newGit(t)
	g.commit("first", "accord.yaml", accord)
	blob := sha1.Sum([]byte("blob 11\x00" + accord))
	id := string(blob[:])
	for _, c := range []struct {
		name, entries string
		want          string
	}{
		{"dot dot", "100644 ..\x00" + id + "100644 accord.yaml\x00" + id, "malformed tree"},
		{"slash", "100644 a/b.yaml\x00" + id + "100644 accord.yaml\x00" + id, "malformed tree"},
		{"git folder", "100644 .GIT\x00" + id + "100644 accord.yaml\x00" + id, "malformed tree"},
		{"twice", "100644 accord.yaml\x00" + id + "100644 accord.yaml\x00" + id, "malformed tree"},
		{"out of order", "100644 b.yaml\x00" + id + "100644 accord.yaml\x00" + id, "malformed tree"},
		{"no name", "100644 \x00" + id + "100644 accord.yaml\x00" + id, "malformed tree"},
		{"cut short", "100644 accord.yaml\x00" + id[:19], "malformed tree"},
		{"no mode", " accord.yaml\x00" + id, "malformed tree"},
		{"newline", "100644 a\nb.yaml\x00" + id + "100644 accord.yaml\x00" + id, `"a\nb.yaml"`},
		{"escape", "100644 a\x1bb.yaml\x00" + id + "100644 accord.yaml\x00" + id, `"a\x1bb.yaml"`},
		{"backslash", "100644 a\\b.yaml\x00" + id + "100644 accord.yaml\x00" + id, `"a\\b.yaml"`},
		{"not utf-8", "100644 accord.yaml\x00" + id + "100644 b\xff.yaml\x00" + id, `"b\xff.yaml"`},
		{"odd, but no declaration", "100644 a\nb.txt\x00" + id + "100644 accord.yaml\x00" + id, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rev := badTree(g, c.entries)
			r := open1(t, g.dir)
			_, err := r.Files(t.Context(), resolve(t, r, rev))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestTreeBomb makes a tree that holds itself ten times, thirty levels deep.
func TestTreeBomb(t *testing.T) {
	g := newGit(t)
	g.commit("first", "accord.yaml", accord)
	blob := g.run("rev-parse", "HEAD:accord.yaml")
	mktree := func(lines string) string {
		cmd := g.command("mktree")
		cmd.Stdin = strings.NewReader(lines)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	tree := mktree("100644 blob " + blob + "\ta.txt\n")
	for range 30 {
		lines := ""
		for i := range 10 {
			lines += fmt.Sprintf("040000 tree %s\td%d\n", tree, i)
		}
		tree = mktree(lines)
	}
	tree = mktree("100644 blob " + blob + "\taccord.yaml\n040000 tree " + tree + "\tbomb\n")
	rev := g.run("commit-tree", "-m", "bomb", tree)
	r := open1(t, g.dir)
	if _, err := r.Files(t.Context(), resolve(t, r, rev)); !errors.Is(err, ErrRefused) {
		t.Errorf("got %v", err)
	}
}

func TestDamagedObject(t *testing.T) {
	g := newGit(t)
	g.commit("first", "accord.yaml", accord, "people/alice.yaml", "person: alice\n", "people/bob.yaml", "person: bob\n")
	path := func(rev string) string {
		id := g.run("rev-parse", rev)
		return filepath.Join(g.dir, ".git", "objects", id[:2], id[2:])
	}
	// bob's content under alice's id.
	data, err := os.ReadFile(path("HEAD:people/bob.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	alice := path("HEAD:people/alice.yaml")
	if err := os.Chmod(alice, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(alice, data, 0o644); err != nil {
		t.Fatal(err)
	}
	r := open1(t, g.dir)
	_, err = r.Files(t.Context(), resolve(t, r, ""))
	if err == nil || !strings.Contains(err.Error(), "people/alice.yaml") || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v", err)
	}
}

func TestFindRoot(t *testing.T) {
	g := newGit(t)
	g.write("accord.yaml", accord, "people/team/alice.yaml", "x", "inner/accord.yaml", accord, "inner/x/y.yaml", "x")
	for dir, want := range map[string]string{".": ".", "people/team": ".", "inner": "inner", "inner/x": "inner"} {
		got, err := FindRoot(filepath.Join(g.dir, dir))
		if err != nil || got != filepath.Join(g.dir, want) {
			t.Errorf("%s: %s, %v", dir, got, err)
		}
	}
	if _, err := FindRoot(t.TempDir()); !errors.Is(err, ErrNoRoot) {
		t.Errorf("got %v", err)
	}
}
