package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tokens of the CI's jobs, and what the secrets hold: none of them may reach a job that has no
// right to it, or a log.
const (
	ciReadToken  = "canary-token-of-the-plan"
	ciWriteToken = "canary-token-of-apply"
	ciReadDSN    = "canary-dsn-that-reads"
	ciWriteDSN   = "canary-dsn-that-writes"
)

// ciForge is where the access repository of the templates' tests lives: its merge requests, by the
// APIs of GitHub, Gitea and GitLab. engine/forge holds accord to the forges' own descriptions; this
// one only remembers.
type ciForge struct {
	url string

	mu       sync.Mutex
	requests map[int]*ciRequest
	called   []string // what was sent to the webhook that calls somebody
	broken   string   // a path that contains this answers 500
	nextID   int
}

// ciRequest is a merge request.
type ciRequest struct {
	Number       int
	Head, Merged string
	Author       string // an account; its address is AUTHOR@acme.example
	Approvals    []ciApproval
	Comments     map[int]string
	Statuses     map[string][]string // by commit: "STATE TEXT", the newest last
	Pushes       []any               // of GitLab's versions
	Opened       time.Time
}

type ciApproval struct {
	By, Commit string
	At         time.Time
}

func newCIForge(t testing.TB) *ciForge {
	f := &ciForge{requests: map[int]*ciRequest{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// open makes a request of it, or pushes another commit to it.
func (f *ciForge) open(number int, head, author string, at time.Time) *ciRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.requests[number]
	if r == nil {
		r = &ciRequest{Number: number, Author: author, Opened: at, Comments: map[int]string{}, Statuses: map[string][]string{}}
		f.requests[number] = r
	}
	r.Head = head
	r.Pushes = append(r.Pushes, map[string]any{"head_commit_sha": head, "created_at": at})
	return r
}

func (f *ciForge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	path := regexp.MustCompile(`^/api/v[14]|^/projects/\d+|^/repos/acme/access`).ReplaceAllString(r.URL.EscapedPath(), "")
	path = regexp.MustCompile(`^/projects/\d+|^/repos/acme/access`).ReplaceAllString(path, "")
	token := r.Header.Get("Private-Token") + strings.TrimPrefix(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "token ")
	switch {
	case path == "/call":
		f.called = append(f.called, fmt.Sprint(body["text"]))
	case token != ciReadToken && token != ciWriteToken:
		ciAnswer(w, http.StatusUnauthorized, map[string]string{"message": "who are you?"})
	case f.broken != "" && strings.Contains(path, f.broken):
		ciAnswer(w, http.StatusUnprocessableEntity, map[string]string{"message": "broken"})
	case path == "/user":
		ciAnswer(w, http.StatusOK, f.user("accord-bot"))
	case strings.HasPrefix(path, "/users/"):
		for _, login := range []string{"ada", "ben", "cleo", "accord-bot"} {
			if u := f.user(login); path == "/users/"+login || path == fmt.Sprint("/users/", u["id"]) {
				ciAnswer(w, http.StatusOK, u)
				return
			}
		}
		ciAnswer(w, http.StatusNotFound, map[string]string{"message": "no such user"})
	default:
		f.repository(w, r.Method, strings.Split(strings.Trim(strings.Replace(path, "/repository", "", 1), "/"), "/"), body)
	}
}

func (f *ciForge) user(login string) map[string]any {
	id := 1
	for _, c := range login {
		id = id*31 + int(c)
	}
	return map[string]any{"id": id, "login": login, "username": login, "email": login + "@acme.example", "public_email": login + "@acme.example"}
}

// repository answers what is below the repository. The path's parts of the three APIs overlap
// without meaning different things.
func (f *ciForge) repository(w http.ResponseWriter, method string, path []string, body map[string]any) {
	switch path[0] {
	case "pulls", "merge_requests", "issues":
		if len(path) == 1 {
			var list []any
			for _, n := range slices.Sorted(maps.Keys(f.requests)) {
				if r := f.requests[n]; r.Merged == "" {
					list = append(list, f.shape(r, path[0]))
				}
			}
			ciAnswer(w, http.StatusOK, list)
			return
		}
		if path[1] == "comments" {
			f.comment(w, method, path[2], body)
			return
		}
		n, _ := strconv.Atoi(path[1])
		r := f.requests[n]
		switch {
		case r == nil:
			ciAnswer(w, http.StatusNotFound, map[string]string{"message": "no such request"})
		case len(path) == 2:
			ciAnswer(w, http.StatusOK, f.shape(r, path[0]))
		case len(path) == 4:
			f.comment(w, method, path[3], body)
		default:
			f.part(w, method, r, path[2], body)
		}
	case "commits": // COMMIT/pull, COMMIT/pulls, COMMIT/merge_requests
		f.brought(w, path[1], path[2])
	case "statuses":
		for _, r := range f.requests {
			if r.Head == path[1] {
				r.Statuses[path[1]] = append(r.Statuses[path[1]], fmt.Sprint(body["state"], " ", body["description"]))
			}
		}
		ciAnswer(w, http.StatusCreated, map[string]any{"state": body["state"]})
	default:
		ciAnswer(w, http.StatusNotFound, map[string]string{"message": "no such thing"})
	}
}

// shape is a request as all three show it; only what it stands at GitLab words otherwise.
func (f *ciForge) shape(r *ciRequest, api string) map[string]any {
	out := map[string]any{
		"number": r.Number, "iid": r.Number, "user": f.user(r.Author), "author": f.user(r.Author), "commits": 1,
		"head": map[string]string{"sha": r.Head}, "sha": r.Head, "base": map[string]string{"ref": "main"}, "target_branch": "main",
		"state": "open", "merged": false, "merged_at": nil, "merge_commit_sha": nil, "html_url": "https://git.acme.example/request",
	}
	if r.Merged != "" {
		out["state"], out["merged"], out["merged_at"], out["merge_commit_sha"] = "closed", true, r.Opened, r.Merged
	}
	if api == "merge_requests" {
		out["state"] = map[bool]string{true: "merged", false: "opened"}[r.Merged != ""]
	}
	return out
}

func (f *ciForge) brought(w http.ResponseWriter, commit, list string) {
	for _, r := range f.requests {
		if r.Merged != commit && (r.Head != commit || list == "pull") {
			continue
		}
		if list == "pull" {
			ciAnswer(w, http.StatusOK, f.shape(r, list))
		} else {
			ciAnswer(w, http.StatusOK, []any{f.shape(r, list)})
		}
		return
	}
	if list == "pull" {
		ciAnswer(w, http.StatusNotFound, map[string]string{"message": "none"})
		return
	}
	ciAnswer(w, http.StatusOK, []any{})
}

func (f *ciForge) part(w http.ResponseWriter, method string, r *ciRequest, part string, body map[string]any) {
	var list []any
	switch part {
	case "comments", "notes":
		if method == http.MethodPost {
			f.nextID++
			r.Comments[f.nextID] = body["body"].(string)
			ciAnswer(w, http.StatusCreated, f.note(f.nextID, r))
			return
		}
		for _, id := range slices.Sorted(maps.Keys(r.Comments)) {
			list = append(list, f.note(id, r))
		}
	case "reviews":
		for i, a := range r.Approvals {
			list = append(list, map[string]any{"id": i + 1, "user": f.user(a.By), "state": "APPROVED", "commit_id": a.Commit, "submitted_at": a.At})
		}
	case "approvals":
		for _, a := range r.Approvals {
			list = append(list, map[string]any{"user": f.user(a.By), "approved_at": a.At})
		}
		ciAnswer(w, http.StatusOK, map[string]any{"approved_by": list})
		return
	case "versions":
		list = r.Pushes
	case "commits":
		git := map[string]string{"email": r.Author + "@acme.example"}
		list = append(list, map[string]any{"author_email": git["email"], "committer_email": git["email"], "message": "x",
			"author": f.user(r.Author), "committer": f.user(r.Author), "commit": map[string]any{"author": git, "committer": git, "message": "x"}})
	}
	ciAnswer(w, http.StatusOK, append([]any{}, list...))
}

func (f *ciForge) note(id int, r *ciRequest) map[string]any {
	return map[string]any{"id": id, "body": r.Comments[id], "user": f.user("accord-bot"), "author": f.user("accord-bot"), "html_url": ""}
}

func (f *ciForge) comment(w http.ResponseWriter, method, id string, body map[string]any) {
	n, _ := strconv.Atoi(id)
	for _, r := range f.requests {
		if _, there := r.Comments[n]; !there {
			continue
		}
		if method == http.MethodDelete {
			delete(r.Comments, n)
		} else {
			r.Comments[n] = body["body"].(string)
		}
		ciAnswer(w, http.StatusOK, f.note(n, r))
		return
	}
	ciAnswer(w, http.StatusNotFound, map[string]string{"message": "no such comment"})
}

func ciAnswer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// comment1 is the one comment that a request has.
func (r *ciRequest) comment1(t testing.TB) string {
	t.Helper()
	if len(r.Comments) != 1 {
		t.Fatalf("request %d has %d comments, not one: %v", r.Number, len(r.Comments), r.Comments)
	}
	for _, body := range r.Comments {
		return body
	}
	return ""
}

// status is what a request's head stands at.
func (r *ciRequest) status(t testing.TB) string {
	t.Helper()
	all := r.Statuses[r.Head]
	if len(all) == 0 {
		t.Fatalf("the head of request %d has no status", r.Number)
	}
	return all[len(all)-1]
}
