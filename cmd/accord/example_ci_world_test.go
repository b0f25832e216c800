package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// ciWorld is an access repository on a forge: a bare remote, a clone of its author's, and a system
// that outlives every job.
type ciWorld struct {
	t      testing.TB
	dir    string
	forge  *ciForge
	now    time.Time
	jobs   int
	accord string // the folder of the program that is tested
}

// ciFiles are the access repository as it begins.
var ciFiles = map[string]string{
	"accord.yaml": "version: 1\npolicy: [policy]\njournal: {git: refs/accord/journal}\n",
	".gitignore":  "/live/\n/.accord/\n",
	"people.yaml": `people:
  - {person: ada, email: ada@acme.example}
  - {person: ben, email: ben@acme.example}
  - {person: cleo, email: cleo@acme.example}
`,
	"access.yaml": "grant: tools\nto: [ada]\naccess: {office: [group/tools]}\n---\ngrant: soon-over\nto: [cleo]\naccess: {office: [group/tools]}\nuntil: 2026-11-30\n",
	"vault.yaml":  "grant: vault\nto: [ada]\naccess: {office: [group/vault]}\n",
	"office.yaml": `system: office
connector: file
owners: [ada]
config: {path: live/office.state.yaml}
mode: authoritative
manage: [group/*]
guards: {protect: [root]}
`,
	"policy/vault.rego": `package accord

# METADATA
# title: Ada agrees to whoever gets the vault
require_approval_vault contains msg if {
	input.change.op == "add"
	input.change.resource == "group/vault"
	msg := sprintf("%s would get the vault", [input.change.principal])
}
`,
	"policy/vault_test.rego": `package accord_test

import data.accord

test_vault if {
	count(accord.require_approval_vault) == 1 with input as {"change": {"op": "add", "resource": "group/vault", "principal": "ben"}}
}
`,
}

const ciLive = "version: 1\naccounts:\n  ada:\n    access:\n      group/tools: member\n      group/vault: member\n  cleo:\n    access:\n      group/tools: member\ngroups:\n  tools: {}\n  vault: {}\n...\n"

// newCIWorld makes the remote, with main applied once.
func newCIWorld(t testing.TB) *ciWorld {
	t.Helper()
	accord, err := exec.LookPath("accord")
	if err != nil {
		t.Fatal(err)
	}
	w := &ciWorld{t: t, dir: t.TempDir(), forge: newCIForge(t), now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), accord: filepath.Dir(accord)}
	w.write("home/.gitconfig", "[user]\n\tname = Robin\n\temail = robin@acme.example\n[init]\n\tdefaultBranch = main\n[core]\n\thooksPath = "+w.path("hooks")+"\n\tfsync = none\n[protocol \"file\"]\n\tallow = always\n")
	// The system is a file in the clone; it is there as soon as something is checked out.
	w.write("hooks/post-checkout", "#!/bin/sh\n[ ! -f accord.yaml ] || { mkdir -p live && cp "+w.path("live")+"/* live/; }\n")
	w.write("live/office.state.yaml", ciLive)
	// The runner's Go; it vouches for nothing here, and installs only what the templates may.
	w.write("tools/go", "#!/bin/bash\n[ \"$1\" = install ] && [[ $2 =~ ^github.com/accordhq/accord/cmd/accord@(v[0-9]|[0-9a-f]{40}$) ]] && [ $# = 2 ] || { echo \"go $*: not here\" >&2; exit 1; }\nmkdir -p \"$GOBIN\" && ln -sf "+accord+" \"$GOBIN/accord\"\n")
	for _, name := range []string{"hooks/post-checkout", "tools/go"} {
		if err := os.Chmod(w.path(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.git("", "init", "-q", "--bare", w.path("origin.git"))
	w.git("origin.git", "config", "uploadpack.allowAnySHA1InWant", "true")
	w.git("", "clone", "-q", w.path("origin.git"), w.path("author"))
	for _, name := range slices.Sorted(maps.Keys(ciFiles)) {
		w.write("author/"+name, ciFiles[name])
	}
	w.commit("Access, declared", "robin")
	w.git("author", "push", "-q", "origin", "HEAD:main")
	w.git("author", "checkout", "-q", "main")
	w.shell("author", nil, "accord apply --yes --allow policy-bootstrap:accord.yaml")
	w.keepLive("author")
	return w
}

func (w *ciWorld) path(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

func (w *ciWorld) write(name, text string) {
	w.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(w.path(name)), 0o755), os.WriteFile(w.path(name), []byte(text), 0o644)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *ciWorld) read(name string) string {
	w.t.Helper()
	data, err := os.ReadFile(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

// env is what every process of the world has: nothing of the machine's but its tools.
func (w *ciWorld) env() map[string]string {
	at := w.now.Format(time.RFC3339)
	return map[string]string{
		"PATH": w.path("tools") + ":/usr/local/bin:/usr/bin:/bin", "HOME": w.path("home"), "TZ": "UTC", "LC_ALL": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1",
		"TMPDIR": w.dir, "ACCORD_NOW": at, "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "GIT_TERMINAL_PROMPT": "0", "GORACE": "atexit_sleep_ms=10",
	}
}

func list(env map[string]string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(env)) {
		out = append(out, key+"="+env[key])
	}
	return out
}

// shell runs a script that must succeed, with accord at hand.
func (w *ciWorld) shell(dir string, env map[string]string, script string) string {
	w.t.Helper()
	all := w.env()
	all["PATH"] = w.accord + ":" + all["PATH"]
	maps.Copy(all, env)
	out, err := bash(w.t, w.path(dir), all, "set -e\n"+script)
	if err != nil {
		w.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

func bash(t testing.TB, dir string, env map[string]string, script string) (string, error) {
	cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-c", script)
	cmd.Dir, cmd.Env = dir, list(env)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (w *ciWorld) git(dir string, args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", args...)
	cmd.Dir, cmd.Env = w.path(dir), list(w.env())
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (w *ciWorld) commit(message, author string) string {
	w.t.Helper()
	w.git("author", "add", "-A")
	w.git("author", "commit", "-q", "--allow-empty", "-m", message, "--author", fmt.Sprintf("%s <%s@acme.example>", author, author))
	return w.git("author", "rev-parse", "HEAD")
}

// main is the tip of main.
func (w *ciWorld) main() string { return w.git("origin.git", "rev-parse", "main") }

// request opens a request, or pushes to it: the files as given, on top of main. One of a fork
// leaves no branch, and brings along what would show that it was run.
func (w *ciWorld) request(number int, author string, fork bool, files map[string]string) *ciRequest {
	w.t.Helper()
	branch := fmt.Sprint("request-", number)
	w.git("author", "checkout", "-q", "-B", branch, "origin/main")
	for name, text := range files {
		w.write("author/"+name, text)
	}
	w.write("author/brought-by-the-request", "#!/bin/sh\ntouch "+w.path("it-was-run")+"\n")
	head := w.commit(fmt.Sprint("Request ", number), author)
	for _, ref := range []string{fmt.Sprintf("refs/pull/%d/head", number), fmt.Sprintf("refs/pull/%d/merge", number), fmt.Sprintf("refs/merge-requests/%d/head", number)} {
		w.git("author", "push", "-q", "--force", "origin", head+":"+ref)
	}
	if !fork {
		w.git("author", "push", "-q", "--force", "origin", head+":refs/heads/"+branch)
	}
	w.git("author", "checkout", "-q", "--detach", "origin/main")
	return w.forge.open(number, head, author, w.now)
}

// merge squashes a request into main, without the mark of where it came from.
func (w *ciWorld) merge(r *ciRequest) string {
	w.t.Helper()
	w.git("author", "checkout", "-q", "--detach", "origin/main")
	w.git("author", "merge", "-q", "--squash", r.Head)
	w.git("author", "rm", "-q", "-f", "--ignore-unmatch", "brought-by-the-request")
	r.Merged = w.commit(fmt.Sprintf("Request %d (#%d)", r.Number, r.Number), r.Author)
	w.git("author", "push", "-q", "origin", "HEAD:main")
	w.git("author", "fetch", "-q", "origin")
	return r.Merged
}

// keepLive takes the system as a job left it.
func (w *ciWorld) keepLive(dir string) {
	w.t.Helper()
	err := filepath.WalkDir(w.path(dir), func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != "office.state.yaml" {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return os.WriteFile(w.path("live/office.state.yaml"), data, 0o644)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// live reports whether an account has something on the system.
func (w *ciWorld) live(account, group string) bool {
	_, of, _ := strings.Cut(w.read("live/office.state.yaml"), "\n  "+account+":\n")
	lines := strings.Split(of, "\n")
	for _, line := range lines {
		if len(line) > 2 && line[2] != ' ' || !strings.HasPrefix(line, "  ") {
			return false
		}
		if strings.TrimSpace(line) == "group/"+group+": member" {
			return true
		}
	}
	return false
}
