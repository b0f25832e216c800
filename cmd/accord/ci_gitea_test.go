package main

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors/servertest"
)

// shop is an access repository whose pull requests are on the real Gitea, as a CI job of it has it.
type shop struct {
	t      *testing.T
	hub    *servertest.GiteaServer
	dir    string
	name   string // of its people on Gitea, before a dash
	tokens map[string]string
	number int
}

// newShop makes the repository of cleo's, where ben and the bot may write, and applies the files
// to what is live.
func newShop(t *testing.T, name string, files map[string]string) *shop {
	t.Helper()
	s := &shop{t: t, hub: servertest.Gitea(t), dir: t.TempDir(), name: name, tokens: map[string]string{}}
	for _, who := range []string{"cleo", "ben", "bot"} {
		s.tokens[who] = s.hub.NewUser(t, name+"-"+who, "all")
	}
	s.as("cleo", "POST", "user/repos", map[string]any{"name": "access"}, nil)
	for _, who := range []string{"ben", "bot"} {
		s.as("cleo", "PUT", s.repo("collaborators/"+name+"-"+who), map[string]any{"permission": "write"}, nil)
	}
	for key, value := range map[string]string{
		"GITEA_ACTIONS": "true", "FORGEJO_ACTIONS": "", "GITHUB_API_URL": s.hub.URL + "/api/v1", "GITHUB_REPOSITORY": name + "-cleo/access",
		"GITHUB_SERVER_URL": s.hub.URL, "GITHUB_RUN_ID": "1", "GITHUB_RUN_NUMBER": "1", "GITHUB_EVENT_PATH": "", "GITHUB_SHA": "", "GITEA_TOKEN": s.tokens["bot"],
	} {
		t.Setenv(key, value)
	}
	s.git("init", "-q", "-b", "main")
	s.write("cleo", files)
	s.push("main")
	return s
}

func (s *shop) as(who, method, path string, body, into any) {
	s.t.Helper()
	s.hub.API(s.t, s.tokens[who], method, path, body, into)
}

func (s *shop) repo(path string) string { return "repos/" + s.name + "-cleo/access/" + path }

func (s *shop) git(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// write commits files as somebody.
func (s *shop) write(who string, files map[string]string) {
	s.t.Helper()
	for name, text := range files {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	s.git("add", "-A")
	user := s.name + "-" + who
	s.git("-c", "user.name="+user, "-c", "user.email="+user+"@example.test", "commit", "-q", "-m", "Change access")
}

func (s *shop) push(branch string) {
	s.t.Helper()
	to := strings.Replace(s.hub.URL, "//", "//"+s.name+"-cleo:"+servertest.GiteaPassword+"@", 1)
	s.git("push", "-q", to+"/"+s.name+"-cleo/access.git", "HEAD:refs/heads/"+branch)
}

// propose makes a pull request of a new branch with the files changed.
func (s *shop) propose(branch string, files map[string]string) {
	s.t.Helper()
	s.git("checkout", "-q", "-b", branch, "main")
	s.write("cleo", files)
	s.push(branch)
	var made struct{ Number int }
	s.as("cleo", "POST", s.repo("pulls"), map[string]any{"title": branch, "head": branch, "base": "main"}, &made)
	s.number = made.Number
	s.t.Setenv("GITHUB_REF", fmt.Sprintf("refs/pull/%d/head", s.number))
}

func (s *shop) approve(who string) {
	s.t.Helper()
	s.as(who, "POST", s.repo(fmt.Sprintf("pulls/%d/reviews", s.number)), map[string]any{"event": "APPROVED", "body": "yes", "commit_id": s.git("rev-parse", "HEAD")}, nil)
}

// accord runs the program and holds it to an exit code.
func (s *shop) accord(want int, args ...string) string {
	s.t.Helper()
	var out, errs bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &out, err: &errs, now: clock()}
	if code := a.main(context.Background(), append([]string{"-C", s.dir}, args...)); code != want {
		s.t.Fatalf("accord %v: exit %d, not %d\n%s\n%s", args, code, want, out.String(), errs.String())
	}
	if strings.Contains(out.String()+errs.String(), s.tokens["bot"]) {
		s.t.Errorf("accord %v shows the token", args)
	}
	return out.String() + errs.String()
}

// page is the pull request as a browser gets it, without being logged in.
func (s *shop) page() string {
	s.t.Helper()
	res, err := http.Get(fmt.Sprintf("%s/%s-cleo/access/pulls/%d", s.hub.URL, s.name, s.number))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("the page of the pull request: %s, %v", res.Status, err)
	}
	if dir := os.Getenv("ACCORD_TEST_PAGES"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, s.git("branch", "--show-current")+".html"), text, 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	return string(text)
}

// comments are the texts of the comments that the bot wrote, as they are shown.
func (s *shop) comments() []string {
	s.t.Helper()
	var list []struct {
		Body string
		User struct{ Login string }
	}
	s.as("cleo", "GET", s.repo(fmt.Sprintf("issues/%d/comments", s.number)), nil, &list)
	var out []string
	for _, c := range list {
		if c.User.Login == s.name+"-bot" {
			out = append(out, c.Body)
		}
	}
	return out
}

var tags = regexp.MustCompile(`<[^>]*>`)

// rendered is the text of the page's comments as they are shown: the page also holds what was
// written, for whoever edits it.
func rendered(t *testing.T, page string) string {
	t.Helper()
	var out strings.Builder
	for _, part := range strings.Split(page, `<div class="render-content markup"`)[1:] {
		shown, _, ok := strings.Cut(part, `class="raw-content`)
		if !ok {
			t.Fatal("the page isn't as expected: no raw content behind what is rendered")
		}
		out.WriteString(html.UnescapeString(tags.ReplaceAllString("<div "+shown, "")))
	}
	return out.String()
}

// crowdFiles declare 200 engineers with a role, and a few others.
func crowdFiles() map[string]string {
	var people, live strings.Builder
	people.WriteString("people:\n")
	live.WriteString("version: 1\naccounts:\n")
	for i := range 200 {
		fmt.Fprintf(&people, "  - {person: eng%03d, attributes: {department: engineering}}\n", i)
		fmt.Fprintf(&live, "  eng%03d:\n    access:\n      folder/api: write\n", i)
	}
	people.WriteString("  - {person: fay, attributes: {department: finance}}\n")
	live.WriteString("  fay:\n    access:\n      folder/books: read\nfolders:\n  api: {}\n  books: {}\n  web: {}\n...\n")
	return map[string]string{
		"accord.yaml":           "version: 1\nattributes: {department: {values: [engineering, finance]}}\n",
		"people.yaml":           people.String(),
		"groups/engineers.yaml": "group: engineers\nmembers: [{match: {department: engineering}}]\n",
		"groups/finance.yaml":   "group: finance\nmembers: [{match: {department: finance}}]\n",
		"roles/backend.yaml":    "role: backend\naccess: {files: [{folder/api: write}]}\n",
		"grants/engineers.yaml": "grant: engineers\nto: [{group: engineers}]\nroles: [backend]\n",
		"grants/finance.yaml":   "grant: finance\nto: [{group: finance}]\naccess: {files: [{folder/books: read}]}\n",
		"systems/files.yaml":    "system: files\nconnector: file\nconfig: {path: live/files.state.yaml}\nmode: authoritative\nmanage: [folder/*]\nguards: {max_removals: 100%}\n",
		"live/files.state.yaml": live.String(),
		".gitignore":            "*.json\n.accord\n",
	}
}

// Three pull requests of a company: a joiner, a mover, and a rule change that reaches 200 people.
// Each has one comment, which a newer push updates, and a status; and nobody who loses something
// is missing from the page.
func TestCIOnGitea(t *testing.T) {
	files := crowdFiles()
	s := newShop(t, "three", files)
	s.accord(0, "apply", "--yes")
	review := func(changed map[string]string, branch string) string {
		s.propose(branch, changed)
		for range 2 {
			s.accord(2, "plan", "--base", "main", "--out", filepath.Join(s.dir, "plan.json"))
			s.accord(0, "ci", "comment", filepath.Join(s.dir, "plan.json"))
		}
		if n := len(s.comments()); n != 1 {
			t.Errorf("%s has %d comments", branch, n)
		}
		page := s.page()
		if !strings.Contains(page, "accord/plan") {
			t.Errorf("the page of %s shows no status", branch)
		}
		return rendered(t, page)
	}
	holds := func(branch, page string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(page, w) {
				t.Errorf("the page of %s lacks %q", branch, w)
			}
		}
		if strings.Contains(page, "accord plan root=") || strings.Contains(page, "**") || strings.Contains(page, "|--") {
			t.Errorf("the page of %s shows what should be hidden or formatted", branch)
		}
	}

	page := review(map[string]string{"people.yaml": strings.Replace(files["people.yaml"], "people:\n", "people:\n  - {person: zoe, attributes: {department: engineering}}\n", 1)}, "joiner")
	holds("joiner", page, "Merging this gives access to 1 person on 1 system", "zoe", "folder/api: write")

	page = review(map[string]string{"people.yaml": strings.Replace(files["people.yaml"], "eng007, attributes: {department: engineering}", "eng007, attributes: {department: finance}", 1)}, "mover")
	holds("mover", page, "eng007", "folder/api", "folder/books")
	if strings.Contains(page, "eng008") {
		t.Error("the mover's page speaks of others")
	}

	page = review(map[string]string{"roles/backend.yaml": "role: backend\naccess: {files: [{folder/web: write}]}\n"}, "rule")
	holds("rule", page, "200 people", "folder/api: write", "folder/web: write", "roles/backend.yaml")
	for i := range 200 {
		if name := fmt.Sprintf("eng%03d", i); !strings.Contains(page, name) {
			t.Fatalf("%s loses something, and isn't on the page", name)
		}
	}

	// Another push that takes it all back: the same comment says so.
	s.write("cleo", map[string]string{"roles/backend.yaml": files["roles/backend.yaml"]})
	s.push("rule")
	s.accord(0, "plan", "--base", "main", "--out", filepath.Join(s.dir, "plan.json"))
	s.accord(0, "ci", "comment", filepath.Join(s.dir, "plan.json"))
	if got := s.comments(); len(got) != 1 || strings.Contains(got[0], "eng001") || !strings.Contains(got[0], s.git("rev-parse", "HEAD")) {
		t.Errorf("after the push that takes it back: %q", got)
	}
	// And one whose plan fails: what stood there is gone.
	s.write("cleo", map[string]string{"roles/backend.yaml": "role: [\n"})
	s.push("rule")
	s.accord(1, "plan", "--base", "main", "--out", filepath.Join(s.dir, "next.json"))
	s.accord(1, "ci", "comment", filepath.Join(s.dir, "next.json"))
	if got := s.comments(); len(got) != 1 || !strings.Contains(got[0], "there is no plan") || strings.Contains(got[0], "Nothing") {
		t.Errorf("after the push that can't be planned: %q", got)
	}
	var status struct {
		Statuses []struct{ Context, Status string }
	}
	s.as("cleo", "GET", s.repo("commits/"+s.git("rev-parse", "HEAD")+"/status"), nil, &status)
	if got := fmt.Sprint(status.Statuses); got != "[{accord/plan error}]" {
		t.Errorf("its statuses are %s", got)
	}
}

// An owner's approval on the forge is what a rule demands; that of an author isn't, and neither is
// one from before a push that changes something.
func TestCIApprovalsOnGitea(t *testing.T) {
	grants := func(to string) map[string]string {
		return map[string]string{"grants.yaml": "grant: root\nto: [" + to + "]\nroles: [root]\n"}
	}
	s := newShop(t, "evid", map[string]string{
		"accord.yaml": "version: 1\nrules: {privileged_access: {ticket: false, reason: false}}\n",
		"people.yaml": "people:\n  - {person: ada}\n  - {person: eve}\n  - {person: dora}\n" +
			"  - {person: ben, accounts: {gitea: evid-ben}}\n  - {person: cleo, email: evid-cleo@example.test}\n",
		"roles.yaml":             "role: root\nowners: [ben, cleo]\nprivileged: true\naccess: {office: [group/root]}\n",
		"grants.yaml":            grants("dora")["grants.yaml"],
		"gitea.yaml":             "system: gitea\nconnector: file\nconfig: {path: live/gitea.state.yaml}\n",
		"office.yaml":            "system: office\nconnector: file\nconfig: {path: live/office.state.yaml}\nmode: authoritative\nmanage: [group/*]\n",
		"live/gitea.state.yaml":  "version: 1\naccounts: {}\n...\n",
		"live/office.state.yaml": "version: 1\naccounts:\n  dora:\n    access:\n      group/root: member\ngroups:\n  root: {}\n...\n",
		".gitignore":             "*.json\n.accord\n",
	})
	s.accord(0, "apply", "--yes", "--allow", "policy-bootstrap:accord.yaml")
	s.propose("root", grants("dora, ada"))
	evidence := filepath.Join(s.dir, "evidence.json")
	judged := func(want int, says string) {
		t.Helper()
		s.accord(0, "ci", "approvals", "--base", "main", "--out", evidence)
		if out := s.accord(want, "plan", "--base", "main", "--approvals", evidence); !strings.Contains(out, says) {
			t.Errorf("%q isn't in the plan:\n%s", says, out)
		}
	}
	judged(3, "could be approved by ben")
	s.approve("ben")
	judged(2, "approved by ben")

	// A push that changes something ends the approval.
	s.write("cleo", grants("dora, ada, eve"))
	s.push("root")
	judged(3, "doesn't count: ben approved another change")
	s.approve("ben")
	judged(2, "approved by ben")

	// Ben writes a part himself, and approves.
	s.write("ben", map[string]string{"roles.yaml": "role: root\nowners: [ben, cleo]\nprivileged: true\naccess: {office: [group/root]}\nlabels: {tier: \"1\"}\n"})
	s.push("root")
	s.approve("ben")
	judged(3, "doesn't count: ben")
}
