package repo

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// gitRepo is a repository made with git's command line tool: the real thing, and the oracle.
type gitRepo struct {
	t     testing.TB
	dir   string
	clock time.Time
}

// newGit makes an empty repository.
func newGit(t testing.TB, args ...string) *gitRepo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs the git command")
	}
	// The real path: on some systems the folder for temporary files is a link.
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	g := &gitRepo{t: t, dir: dir, clock: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)}
	g.run(append([]string{"init", "-q", "-b", "main"}, args...)...)
	return g
}

// at is the same clock and settings in another folder.
func (g *gitRepo) at(dir string) *gitRepo { return &gitRepo{g.t, dir, g.clock} }

func (g *gitRepo) command(args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir = g.dir
	date := g.clock.Format(time.RFC3339)
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "HOME=/nonexistent", "LC_ALL=C",
		"GIT_AUTHOR_NAME=bob", "GIT_AUTHOR_EMAIL=bob@acme.example", "GIT_AUTHOR_DATE="+date,
		"GIT_COMMITTER_NAME=bob", "GIT_COMMITTER_EMAIL=bob@acme.example", "GIT_COMMITTER_DATE="+date,
		"GIT_ALLOW_PROTOCOL=file")
	return cmd
}

func (g *gitRepo) run(args ...string) string {
	g.t.Helper()
	out, err := g.command(args...).CombinedOutput()
	if err != nil {
		g.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// write writes files, given as path and content in turn.
func (g *gitRepo) write(files ...string) {
	g.t.Helper()
	for i := 0; i < len(files); i += 2 {
		p := filepath.Join(g.dir, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			g.t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(files[i+1]), 0o644); err != nil {
			g.t.Fatal(err)
		}
	}
}

// commit commits everything, a minute after the commit before, and returns its id.
func (g *gitRepo) commit(message string, files ...string) string {
	g.t.Helper()
	g.write(files...)
	g.clock = g.clock.Add(time.Minute)
	g.run("add", "-A")
	g.run("commit", "-q", "--allow-empty", "-m", message)
	return g.run("rev-parse", "HEAD")
}

// open opens the repository, closing it with the test.
func open1(t testing.TB, dir string) *Repo {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func resolve(t testing.TB, r *Repo, rev string) Revision {
	t.Helper()
	v, err := r.Resolve(t.Context(), rev)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// paths lists files as "path=content".
func paths(files []File) []string {
	out := []string{}
	for _, f := range files {
		if f.Data == nil {
			out = append(out, fmt.Sprintf("%s (%d bytes)", f.Path, f.Size))
		} else {
			out = append(out, f.Path+"="+string(f.Data))
		}
	}
	return out
}
