package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// forgeToken is the token that the scripts' forge takes.
const forgeToken = "canary-4b1f0e7c99"

// scriptForge is a Gitea with one pull request, acme/access#7, for scripts; engine/forge meets the
// real one.
type scriptForge struct {
	mu       sync.Mutex
	nextID   int64
	self     string
	head     string
	merged   string
	author   string
	comments []map[string]any
	statuses []map[string]any
	reviews  []map[string]any
	commits  []map[string]any
	emails   map[string]string
}

// forgeKey is where a script's values hold its forge.
type forgeKey struct{}

// forgeCommand: forge start | forge head REV | forge author LOGIN | forge merged REV |
// forge email LOGIN ADDRESS | forge wrote LOGIN ADDRESS | forge review LOGIN STATE REV |
// forge comment LOGIN TEXT | forge event FILE REV | forge pushed FILE REV |
// forge comments FILE | forge statuses FILE.
//
// start makes the script's environment that of a job of Gitea Actions, event that of one for the
// request with REV on top, pushed that of one for a push of REV to main; reviews are given at the script's clock.
func forgeCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 1, "forge COMMAND [ARG…]")
	f := ts.Value(forgeKey{}).(*scriptForge)
	f.mu.Lock()
	defer f.mu.Unlock()
	args = append(args, "", "", "")
	switch args[0] {
	case "start":
		server := httptest.NewServer(f)
		ts.Defer(server.Close)
		for key, value := range map[string]string{
			"GITEA_ACTIONS": "true", "GITHUB_ACTIONS": "true", "GITHUB_API_URL": server.URL + "/api/v1", "GITHUB_REPOSITORY": "acme/access",
			"GITHUB_REF": "refs/pull/7/head", "GITHUB_SERVER_URL": "https://git.acme.example", "GITHUB_RUN_ID": "99", "GITHUB_RUN_NUMBER": "12",
			"GITEA_TOKEN": forgeToken,
		} {
			ts.Setenv(key, value)
		}
	case "head":
		f.head = revParse(ts, args[1])
	case "event":
		event := fmt.Sprintf(`{"number": 7, "pull_request": {"number": 7, "head": {"sha": %q}}}`, revParse(ts, args[2]))
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(event), 0o644))
		ts.Setenv("GITHUB_EVENT_PATH", ts.MkAbs(args[1]))
	case "pushed":
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), fmt.Appendf(nil, `{"after": %q}`, revParse(ts, args[2])), 0o644))
		ts.Setenv("GITHUB_EVENT_PATH", ts.MkAbs(args[1]))
	case "author":
		f.author = args[1]
	case "merged":
		f.merged = revParse(ts, args[1])
	case "email":
		f.emails[args[1]] = args[2]
	case "wrote":
		git := map[string]any{"email": args[2]}
		f.commits = append(f.commits, map[string]any{"author": f.user(args[1]), "committer": f.user(args[1]),
			"commit": map[string]any{"author": git, "committer": git, "message": "x"}})
	case "review":
		f.nextID++
		f.reviews = append(f.reviews, map[string]any{"id": f.nextID, "user": f.user(args[1]), "state": args[2], "commit_id": revParse(ts, args[3]), "submitted_at": ts.Getenv("ACCORD_NOW")})
	case "comment":
		f.say(args[1], strings.ReplaceAll(args[2], `\n`, "\n"))
	case "comments":
		var b strings.Builder
		for _, c := range f.comments {
			fmt.Fprintf(&b, "%d %s:\n%s\n", c["id"], c["user"].(map[string]any)["login"], c["body"])
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o644))
	case "statuses":
		var b strings.Builder
		for _, s := range f.statuses {
			fmt.Fprintf(&b, "%.8s %s %s: %s %s\n", s["commit"], s["context"], s["state"], s["description"], s["target_url"])
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o644))
	default:
		ts.Fatalf("forge %s isn't one of its commands", args[0])
	}
}

func revParse(ts *testscript.TestScript, rev string) string {
	cmd := exec.Command("git", "rev-parse", rev)
	cmd.Dir = ts.MkAbs(".")
	out, err := cmd.Output()
	ts.Check(err)
	return strings.TrimSpace(string(out))
}

func (f *scriptForge) user(login string) map[string]any {
	id := 1
	for _, c := range login {
		id = id*31 + int(c)
	}
	return map[string]any{"id": id, "login": login, "email": f.emails[login]}
}

func (f *scriptForge) say(login, body string) map[string]any {
	f.nextID++
	c := map[string]any{"id": f.nextID, "user": f.user(login), "body": body, "html_url": fmt.Sprintf("https://git.acme.example/acme/access/pulls/7#c%d", f.nextID)}
	f.comments = append(f.comments, c)
	return c
}

func (f *scriptForge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	path, repo := strings.CutPrefix(strings.TrimPrefix(r.URL.Path, "/api/v1"), "/repos/acme/access")
	id, isComment := strings.CutPrefix(path, "/issues/comments/")
	commit, isStatus := strings.CutPrefix(path, "/statuses/")
	switch {
	case r.Header.Get("Authorization") != "token "+forgeToken:
		scriptAnswer(w, 401, map[string]string{"message": "invalid username, password or token"})
	case path == "/user":
		scriptAnswer(w, 200, f.user(f.self))
	case !repo:
		scriptAnswer(w, 404, map[string]string{"message": "The target couldn't be found."})
	case path == "/pulls/7", path == "/commits/"+f.merged+"/pull":
		scriptAnswer(w, 200, f.pull())
	case path == "/pulls":
		list := []map[string]any{}
		if f.merged == "" {
			list = append(list, f.pull())
		}
		scriptAnswer(w, 200, list)
	case path == "/pulls/7/reviews":
		scriptAnswer(w, 200, append([]map[string]any{}, f.reviews...))
	case path == "/pulls/7/commits":
		scriptAnswer(w, 200, append([]map[string]any{}, f.commits...))
	case path == "/issues/7/comments" && r.Method == http.MethodPost:
		scriptAnswer(w, 201, f.say(f.self, body["body"].(string)))
	case path == "/issues/7/comments":
		scriptAnswer(w, 200, append([]map[string]any{}, f.comments...))
	case isComment:
		f.change(w, r.Method, id, body)
	case isStatus:
		body["commit"] = commit
		f.statuses = slices.DeleteFunc(f.statuses, func(s map[string]any) bool { return s["commit"] == commit && s["context"] == body["context"] })
		f.statuses = append(f.statuses, body)
		scriptAnswer(w, 201, body)
	default:
		scriptAnswer(w, 404, map[string]string{"message": "The target couldn't be found."})
	}
}

func (f *scriptForge) pull() map[string]any {
	state := "open"
	if f.merged != "" {
		state = "closed"
	}
	return map[string]any{"number": 7, "html_url": "https://git.acme.example/acme/access/pulls/7", "user": f.user(f.author), "state": state,
		"head": map[string]string{"sha": f.head}, "base": map[string]string{"ref": "main"}, "merged": f.merged != "", "merge_commit_sha": f.merged}
}

func (f *scriptForge) change(w http.ResponseWriter, method, id string, body map[string]any) {
	n, _ := strconv.ParseInt(id, 10, 64)
	i := slices.IndexFunc(f.comments, func(c map[string]any) bool { return c["id"] == n })
	switch {
	case i < 0:
		scriptAnswer(w, 404, map[string]string{"message": "The target couldn't be found."})
	case method == http.MethodDelete:
		f.comments = slices.Delete(f.comments, i, i+1)
		w.WriteHeader(204)
	default:
		f.comments[i]["body"] = body["body"]
		scriptAnswer(w, 200, f.comments[i])
	}
}

func scriptAnswer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
