package forge

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/servertest"
)

// fakeGitHub is a pull request on a GitHub of ours: it remembers, and answers with the examples of
// GitHub's description, in which it replaces what it knows. The description stands before it as
// a proxy that lets nothing pass, on either side, that isn't as described.
type fakeGitHub struct {
	t    testing.TB
	d    *servertest.OpenAPI
	url  string
	self map[string]any // nil: the token is a workflow's

	mu       sync.Mutex
	nextID   int64
	comments []map[string]any
	statuses map[string]map[string]any // by "COMMIT CONTEXT"
	reviews  []any
	commits  []any
	pull     map[string]any
	profiles map[string]string // addresses by login
	denies   map[string]http.Header
}

const ghHead = "6dcb09b5b57875f334f61aebed695e2e4193db5e"

func newFakeGitHub(t *testing.T) *fakeGitHub {
	d := servertest.ReadOpenAPI(t, servertest.GitHubOpenAPI(t), refusals)
	g := &fakeGitHub{t: t, d: d, nextID: 100, statuses: map[string]map[string]any{}, profiles: map[string]string{}, denies: map[string]http.Header{}}
	g.pull = d.Example(t, "pull-request").(map[string]any)
	g.pull["requested_teams"] = []any{} // those of the example lack what is required
	g.pull["number"], g.pull["user"] = 7, g.user("ada", "User")
	g.pull["head"].(map[string]any)["sha"] = ghHead
	g.pull["merged"], g.pull["merged_at"] = false, nil
	server := httptest.NewServer(d.Proxy(g, func(err error) { t.Error(err) }))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

// refusals describes for every call of a repository what GitHub describes for most: that it is
// denied, that there is no such thing, that the token isn't known.
func refusals(d *servertest.OpenAPI) {
	for path, ops := range d.At("paths") {
		if !strings.HasPrefix(path, "/repos/{owner}/{repo}/") {
			continue
		}
		for _, op := range ops.(map[string]any) {
			responses := op.(map[string]any)["responses"].(map[string]any)
			for status, name := range map[string]string{"401": "requires_authentication", "403": "forbidden", "404": "not_found"} {
				if responses[status] == nil {
					responses[status] = map[string]any{"$ref": "#/components/responses/" + name}
				}
			}
		}
	}
}

// user is an account; its id follows from its name.
func (g *fakeGitHub) user(login, kind string) map[string]any {
	u := g.d.Example(g.t, "issue-comment").(map[string]any)["user"].(map[string]any)
	u["login"], u["id"], u["type"] = login, idOf(login), kind
	return u
}

func idOf(login string) int64 {
	id := int64(1)
	for _, c := range login {
		id = id*31 + int64(c)
	}
	return id
}

func (g *fakeGitHub) target() Target {
	return Target{Kind: GitHub, API: g.url, Repo: "octocat/Hello-World", Request: 7}
}

// say makes a comment of somebody's.
func (g *fakeGitHub) say(by map[string]any, body string) map[string]any {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.nextID++
	c := g.d.Example(g.t, "issue-comment").(map[string]any)
	c["id"], c["body"], c["user"] = g.nextID, body, by
	c["html_url"] = fmt.Sprintf("https://github.com/octocat/Hello-World/pull/7#issuecomment-%d", g.nextID)
	g.comments = append(g.comments, c)
	return c
}

func (g *fakeGitHub) review(by, state, commit string, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.nextID++
	r := g.d.Example(g.t, "pull-request-review-items").([]any)[0].(map[string]any)
	r["id"], r["user"], r["state"], r["commit_id"], r["submitted_at"] = g.nextID, g.user(by, "User"), state, commit, at.Format(time.RFC3339)
	g.reviews = append(g.reviews, r)
}

func (g *fakeGitHub) commit(login, email, message string) {
	c := g.d.Example(g.t, "commit-items").([]any)[0].(map[string]any)
	git := c["commit"].(map[string]any)
	git["message"] = message
	for _, key := range []string{"author", "committer"} {
		c[key] = nil
		if login != "" {
			c[key] = g.user(login, "User")
		}
		git[key] = map[string]any{"name": login, "email": email, "date": "2026-11-23T10:00:00Z"}
	}
	g.commits = append(g.commits, c)
}

func (g *fakeGitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h, denied := g.denies[r.Method+" "+r.URL.Path]; denied {
		for name, values := range h {
			w.Header()[name] = values
		}
		answerJSON(w, http.StatusForbidden, map[string]any{"message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest", "status": "403"})
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/repos/octocat/Hello-World")
	var body map[string]any
	if r.Method != http.MethodGet && r.Method != http.MethodDelete {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			g.t.Error(err)
		}
	}
	switch {
	case r.Header.Get("Authorization") != "Bearer gh-canary-token" || r.Header.Get("X-GitHub-Api-Version") != "2022-11-28":
		answerJSON(w, http.StatusUnauthorized, map[string]any{"message": "Bad credentials"})
	case path == "/user":
		g.whoami(w)
	case strings.HasPrefix(path, "/users/"):
		g.profile(w, strings.TrimPrefix(path, "/users/"))
	case path == "/pulls/7":
		answerJSON(w, http.StatusOK, g.pull)
	case path == "/pulls":
		p := g.d.Example(g.t, "pull-request-simple-items").([]any)[0].(map[string]any)
		p["number"], p["requested_teams"] = 7, []any{}
		p["head"].(map[string]any)["sha"] = ghHead
		g.page(w, r, []any{p})
	case path == "/pulls/7/reviews":
		g.page(w, r, g.reviews)
	case path == "/pulls/7/commits":
		g.page(w, r, g.commits)
	case strings.HasPrefix(path, "/commits/"):
		p := g.d.Example(g.t, "pull-request-simple-items").([]any)[0].(map[string]any)
		p["requested_teams"] = []any{}
		p["number"], p["merge_commit_sha"], p["merged_at"] = 7, strings.Split(path, "/")[2], "2026-11-23T10:00:00Z"
		other := g.d.Example(g.t, "pull-request-simple-items").([]any)[0].(map[string]any)
		other["merged_at"], other["requested_teams"] = nil, []any{}
		answerJSON(w, http.StatusOK, []any{other, p})
	case strings.HasPrefix(path, "/statuses/"):
		g.setStatus(w, strings.TrimPrefix(path, "/statuses/"), body)
	case path == "/issues/7/comments" && r.Method == http.MethodPost:
		by := g.self
		if by == nil {
			by = g.user("github-actions[bot]", "Bot")
		}
		answerJSON(w, http.StatusCreated, g.say(by, body["body"].(string)))
	case path == "/issues/7/comments":
		g.mu.Lock()
		rows := make([]any, len(g.comments))
		for i, c := range g.comments {
			rows[i] = c
		}
		g.mu.Unlock()
		g.page(w, r, rows)
	case strings.HasPrefix(path, "/issues/comments/"):
		g.change(w, r.Method, strings.TrimPrefix(path, "/issues/comments/"), body)
	default:
		answerJSON(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
	}
}

func (g *fakeGitHub) whoami(w http.ResponseWriter) {
	if g.self == nil {
		answerJSON(w, http.StatusForbidden, map[string]any{"message": "Resource not accessible by integration"})
		return
	}
	answerJSON(w, http.StatusOK, g.publicUser(g.self["login"].(string)))
}

func (g *fakeGitHub) publicUser(login string) map[string]any {
	u := g.d.Example(g.t, "public-user-default-response").(map[string]any)
	u["login"], u["id"], u["email"] = login, idOf(login), nil
	if email := g.profiles[login]; email != "" {
		u["email"] = email
	}
	return u
}

func (g *fakeGitHub) profile(w http.ResponseWriter, login string) {
	if login == "ghost" {
		answerJSON(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
		return
	}
	answerJSON(w, http.StatusOK, g.publicUser(login))
}

func (g *fakeGitHub) setStatus(w http.ResponseWriter, commit string, body map[string]any) {
	if len([]rune(body["description"].(string))) > 140 {
		g.t.Error("the description is longer than 140 characters")
	}
	s := g.d.Example(g.t, "status").(map[string]any)
	for _, key := range []string{"state", "context", "description", "target_url"} {
		s[key] = body[key]
	}
	g.mu.Lock()
	g.statuses[commit+" "+body["context"].(string)] = s
	g.mu.Unlock()
	answerJSON(w, http.StatusCreated, s)
}

func (g *fakeGitHub) change(w http.ResponseWriter, method, id string, body map[string]any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, c := range g.comments {
		if fmt.Sprint(c["id"]) != id {
			continue
		}
		if method == http.MethodDelete {
			g.comments = append(g.comments[:i:i], g.comments[i+1:]...)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		changed := maps.Clone(c) // others may be about to send it
		changed["body"] = body["body"]
		g.comments[i] = changed
		answerJSON(w, http.StatusOK, changed)
		return
	}
	answerJSON(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
}

// page answers with a page of rows and a link to the next one.
func (g *fakeGitHub) page(w http.ResponseWriter, r *http.Request, rows []any) {
	answerPage(w, r, rows, 30)
}

// answerPage answers with one page, in the way that GitHub and GitLab share.
func answerPage[T any](w http.ResponseWriter, r *http.Request, rows []T, per int) {
	number := func(key string, otherwise int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(key)); err == nil {
			return n
		}
		return otherwise
	}
	page, per := number("page", 1), min(number("per_page", per), 100)
	from, to := min((page-1)*per, len(rows)), min(page*per, len(rows))
	if to < len(rows) {
		q := r.URL.Query()
		q.Set("page", strconv.Itoa(page+1))
		w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?%s>; rel="next", <http://%s%s?page=99>; rel="last"`, r.Host, r.URL.EscapedPath(), q.Encode(), r.Host, r.URL.EscapedPath()))
	}
	answerJSON(w, http.StatusOK, append([]T{}, rows[from:to]...))
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
