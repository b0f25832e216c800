package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rhysd/actionlint"
)

// everyCIJob is each job of each template.
func everyCIJob(t testing.TB) []ciJob {
	t.Helper()
	var out []ciJob
	for _, file := range ciFilesOf(t, `/workflows/[a-z-]+\.yml$`) {
		out = append(out, actionsJobs(t, file)...)
	}
	jobs, _, _ := gitlabFile(t)
	for name, j := range jobs {
		out = append(out, j.job(name))
	}
	if len(out) < 10 {
		t.Fatalf("there are only %d jobs", len(out))
	}
	return out
}

// ciFilesOf lists the files of the templates whose name matches.
func ciFilesOf(t testing.TB, pattern string) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS(ciExamples), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && regexp.MustCompile(pattern).MatchString("/"+name) {
			out = append(out, name)
		}
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("no files like %s: %v", pattern, err)
	}
	return out
}

func ciText(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(ciExamples, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// holdsSecrets reports whether a job may use credentials.
func holdsSecrets(j ciJob) bool {
	return j.Environment != "" || strings.HasPrefix(j.File, "gitea/access-run/")
}

// TestExampleCIJobs holds every job to what keeps credentials apart from what a request brings.
func TestExampleCIJobs(t *testing.T) {
	pinned := regexp.MustCompile(`^actions/checkout@[0-9a-f]{40}$`)
	digest := regexp.MustCompile(`^registry\.example\.com/accord@sha256:[0-9a-f]{64}$`)
	for _, j := range everyCIJob(t) {
		gitlab := strings.HasPrefix(j.File, "gitlab/")
		if j.Timeout == "" {
			t.Errorf("%s: it may run for ever", j)
		}
		if !gitlab && j.Permissions == nil {
			t.Errorf("%s: its token may do whatever the repository's default is", j)
		}
		if !strings.HasPrefix(j.File, "github/") && !digest.MatchString(j.Image) {
			t.Errorf("%s: the image %q isn't named by its digest", j, j.Image)
		}
		writes := regexp.MustCompile(`accord apply|lib/accord/apply`).MatchString(j.text())
		if writes && !strings.HasPrefix(j.Lock, "accord-apply") {
			t.Errorf("%s: it applies, and may run beside another that does", j)
		}
		if writes && j.Environment != "accord-apply" && !strings.HasPrefix(j.File, "gitea/") {
			t.Errorf("%s: it applies with the environment %q", j, j.Environment)
		}
		for _, s := range j.Steps {
			if s.Uses != "" && !pinned.MatchString(s.Uses) {
				t.Errorf("%s: %s isn't the one action that is used, pinned by its commit", j, s.Uses)
			}
			if holdsSecrets(j) && s.Uses != "" && s.With["ref"] != "main" {
				t.Errorf("%s: it checks out %q, and holds credentials", j, s.With["ref"])
			}
			if !holdsSecrets(j) && s.Uses != "" && s.With["persist-credentials"] != "false" {
				t.Errorf("%s: the token stays in the clone", j)
			}
			for key, value := range s.Env {
				mayClone := s.Name == "Clone" && value == "${{ secrets.GITEA_TOKEN }}"
				if !holdsSecrets(j) && !mayClone && regexp.MustCompile(`secrets\.|github\.token`).MatchString(value) {
					t.Errorf("%s: the step %q gets %s, and runs what a request brings", j, s.Name, key)
				}
				if regexp.MustCompile(`(?i)(dsn|token|password|url)$`).MatchString(key) && !strings.HasPrefix(value, "${{ ") {
					t.Errorf("%s: %s isn't a reference", j, key)
				}
			}
			if _, systems := s.Env["WAREHOUSE_DSN"]; systems && !gitlab && strings.HasPrefix(j.File, "github/") && s.Env["GITHUB_TOKEN"] != "" {
				t.Errorf("%s: the step %q holds both the systems' credentials and the forge's token", j, s.Name)
			}
		}
		for scope, may := range j.Permissions {
			if !holdsSecrets(j) && may != "read" {
				t.Errorf("%s: it may %s %s, and runs what a request brings", j, may, scope)
			}
		}
		if holdsSecrets(j) && regexp.MustCompile(`--worktree|git (checkout|switch|merge|pull|reset|worktree)|\bmake\b|\beval\b|\bsource\b|npm |\bsh -c`).MatchString(j.text()) {
			t.Errorf("%s: it may bring what a request holds into its folder, or run it", j)
		}
	}
}

// TestExampleCIActionlint: the workflows are well formed, by GitHub's syntax.
func TestExampleCIActionlint(t *testing.T) {
	var out bytes.Buffer
	l, err := actionlint.NewLinter(&out, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range ciFilesOf(t, `/workflows/[a-z-]+\.yml$`) {
		found, err := l.Lint(file, []byte(ciText(t, file)), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			t.Errorf("%s: %v", file, e)
		}
	}
	broken := strings.Replace(ciText(t, "github/.github/workflows/accord-plan.yml"), "runs-on:", "run-on:", 1)
	if found, err := l.Lint("broken.yml", []byte(broken), nil); err != nil || len(found) == 0 {
		t.Errorf("a broken workflow isn't noticed: %v", err)
	}
}

// TestExampleCINoticesWrongFlags: were a line of a template wrong, its job would fail and say so;
// none looks like a plan without changes.
func TestExampleCINoticesWrongFlags(t *testing.T) {
	requests := [][2]string{
		{"--live=false", "--offline"}, {"accord validate", "accord check"}, {"accord policy test", "accord policy tests"}, {"--approvals", "--aprovals"},
		{"accord ci request --into", "accord ci request --for"}, {"accord ci approvals --request", "accord ci approvals --pull"}, {"accord ci comment --request", "accord ci comments --request"},
	}
	pushes := [][2]string{{"--approvals", "--aprovals"}, {"--only time,drift", "--only time,drifts"}, {"--only change,time", "--just change,time"}, {"accord ci pending", "accord ci waiting"}}
	hours := append([][2]string{{"--record", "--recall"}}, pushes[1:]...)
	for _, ci := range []forgeCI{githubCI(t), gitlabCI(t)} {
		t.Run(ci.name, func(t *testing.T) {
			t.Parallel()
			w := newCIWorld(t)
			r := w.request(1, "ben", false, map[string]string{"access.yaml": benGetsTools})
			wrongly(t, w, requests, func() []started { return slices.Concat(ci.check(w, r), ci.plan(w, r)) })
			wants(t, "comment", r.comment1(t), "there is no plan")
			w.now = w.now.Add(time.Hour)
			r.Approvals = []ciApproval{{By: "ada", Commit: r.Head, At: w.now}}
			w.merge(r)
			wrongly(t, w, pushes, func() []started { return ci.merged(w) })
			wrongly(t, w, hours, func() []started { return ci.hourly(w) })
		})
	}
}

// wrongly runs those of the jobs in which a text stands, with another text in its place.
func wrongly(t *testing.T, w *ciWorld, texts [][2]string, jobs func() []started) {
	t.Helper()
	for _, wrong := range texts {
		tried := false
		for _, s := range jobs() {
			if !strings.Contains(s.job.text(), wrong[0]) {
				continue
			}
			tried = true
			s.job.Steps = slices.Clone(s.job.Steps)
			for i := range s.job.Steps {
				s.job.Steps[i].Run = strings.ReplaceAll(s.job.Steps[i].Run, wrong[0], wrong[1])
			}
			if res := w.run(s.job, s.event); !res.Failed {
				t.Errorf("%s doesn't fail with %s:\n%s", s.job, wrong[1], res.Out)
			}
		}
		if !tried {
			t.Errorf("%q stands in none of the jobs", wrong[0])
		}
	}
}

// TestExampleCIScripts: the shell of every script and step can be read.
func TestExampleCIScripts(t *testing.T) {
	texts := map[string]string{}
	for _, name := range []string{"clone", "plan", "apply"} {
		texts["cron/"+name] = ciText(t, "cron/"+name)
	}
	for _, j := range everyCIJob(t) {
		texts[j.String()] = j.text()
	}
	for name, text := range texts {
		cmd := exec.CommandContext(t.Context(), "bash", "-n")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	for _, name := range []string{"plan", "apply"} {
		info, err := os.Stat(filepath.Join(ciExamples, "cron", name))
		if err != nil || info.Mode()&0o111 == 0 || !strings.Contains(ciText(t, "cron/"+name), "\nset -euo pipefail\n") {
			t.Errorf("cron/%s can't be run, or goes on after an error: %v", name, err)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^COPY (cron/.*) /usr/local/lib/accord/$`).FindAllStringSubmatch(ciText(t, "image/Containerfile"), -1) {
		for _, name := range strings.Fields(m[1]) {
			ciText(t, name)
		}
		if m[1] != "cron/clone cron/plan cron/apply" {
			t.Errorf("the image holds %s", m[1])
		}
	}
	for line := range strings.Lines(ciText(t, "cron/accord.cron")) {
		if line[0] == '#' || regexp.MustCompile(`^[A-Z]+=\S+\n$`).MatchString(line) {
			continue
		}
		if !regexp.MustCompile(`^[0-9*/]+ \S+ \S+ \S+ \S+ +accord-(read|write) +set -a; \. /etc/accord/(\w+)\.env; exec /usr/local/lib/accord/\w+( >/dev/null)?\n$`).MatchString(line) {
			t.Errorf("the line %q of the crontab isn't understood", line)
		}
	}
}

// TestExampleCIUnits: systemd takes the units.
func TestExampleCIUnits(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze here")
	}
	dir := t.TempDir()
	for _, name := range []string{"accord@.service", "accord@.timer", "accord-failed@.service"} {
		text := strings.ReplaceAll(ciText(t, "cron/"+name), "/usr/local/lib/accord/%i", "/bin/true")
		text = strings.ReplaceAll(text, "/usr/bin/curl", "/bin/true")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	check := func() (string, error) {
		cmd := exec.CommandContext(t.Context(), verify, "verify", "--man=no", dir+"/accord@.service", dir+"/accord@.timer", dir+"/accord-failed@.service")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := check(); err != nil || strings.Contains(out, "accord") {
		t.Errorf("%v\n%s", err, out)
	}
	broken := strings.Replace(ciText(t, "cron/accord@.timer"), "OnBootSec", "OnBoot", 1)
	if err := os.WriteFile(dir+"/accord@.timer", []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := check(); err == nil && !strings.Contains(out, "OnBoot") {
		t.Errorf("a broken unit isn't noticed:\n%s", out)
	}
}

// TestExampleCIReadme: the lines that the README shows are lines of the templates, and what it
// names is there.
func TestExampleCIReadme(t *testing.T) {
	text := ciText(t, "README.md")
	lines := map[string]bool{}
	for _, j := range everyCIJob(t) {
		for line := range strings.Lines(j.text()) {
			lines[strings.TrimSpace(line)] = true
		}
	}
	shown := 0
	for i, block := range strings.Split(text, "\n```\n") {
		if i%2 == 0 {
			continue
		}
		for _, line := range strings.Split(block, "\n") {
			shown++
			if line = strings.TrimSpace(line); !lines[line] {
				t.Errorf("no template has the line %q", line)
			}
		}
	}
	if shown < 12 {
		t.Errorf("the README shows %d lines", shown)
	}
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(ciExamples, m[1])); err != nil {
			t.Error(err)
		}
	}
	var all strings.Builder
	for _, file := range ciFilesOf(t, `(\.yml|/cron/.*)$`) {
		all.WriteString(ciText(t, file))
	}
	for _, name := range regexp.MustCompile("`([A-Z]+_[A-Z_]+)`").FindAllStringSubmatch(text, -1) {
		if name[1] != "GITHUB_TOKEN" && !strings.Contains(all.String(), name[1]) && !slices.Contains([]string{"GITEA_TOKEN"}, name[1]) {
			t.Errorf("no template uses %s", name[1])
		}
	}
}
