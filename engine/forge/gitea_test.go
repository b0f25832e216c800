package forge

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
)

// TestMain stops the servers that tests share.
func TestMain(m *testing.M) { servertest.Main(m) }

// hub is a repository with a pull request on the real Gitea, of ada's, by the bot "accord".
type hub struct {
	*servertest.GiteaServer
	t      *testing.T
	repo   string // OWNER/NAME
	number int
	tokens map[string]string
	pushes int
}

// newHub makes the repository, the people and the pull request. Names are the test's own.
func newHub(t *testing.T, prefix string) *hub {
	t.Helper()
	h := &hub{GiteaServer: servertest.Gitea(t), t: t, repo: prefix + "-ada/access", tokens: map[string]string{}}
	for _, who := range []string{"ada", "ben", "cleo", "bot"} {
		h.tokens[who] = h.NewUser(t, prefix+"-"+who, "all")
	}
	h.as("ada", "POST", "user/repos", map[string]any{"name": "access", "auto_init": true, "default_branch": "main"}, nil)
	for _, who := range []string{"ben", "cleo", "bot"} {
		h.as("ada", "PUT", "repos/"+h.repo+"/collaborators/"+prefix+"-"+who, map[string]any{"permission": "write"}, nil)
	}
	h.push("ada", "main", "change")
	var made struct{ Number int }
	h.as("ada", "POST", "repos/"+h.repo+"/pulls", map[string]any{"title": "Ben joins", "head": "change", "base": "main"}, &made)
	h.number = made.Number
	return h
}

func (h *hub) as(who, method, path string, body, into any) {
	h.t.Helper()
	h.API(h.t, h.tokens[who], method, path, body, into)
}

// push adds a file to a branch, which it makes of another one if they aren't the same.
func (h *hub) push(who, from, to string) {
	h.t.Helper()
	h.pushes++
	name := h.repo[:strings.Index(h.repo, "-")] + "-" + who
	author := map[string]string{"name": name, "email": name + "@example.test"}
	h.as(who, "POST", fmt.Sprintf("repos/%s/contents/file%d", h.repo, h.pushes), map[string]any{
		"content": base64.StdEncoding.EncodeToString([]byte(time.Now().String())), "message": "Write a file",
		"branch": from, "new_branch": to, "author": author, "committer": author,
	}, nil)
}

func (h *hub) target() Target {
	return Target{Kind: Gitea, API: h.URL + "/api/v1", Repo: h.repo, Request: h.number}
}

func (h *hub) open(token string) Forge { return openAt(h.t, h.target(), token) }

func openAt(t *testing.T, target Target, token string) Forge {
	t.Helper()
	f, err := target.Open(Options{
		TokenName: "TEST_TOKEN", Pause: time.Millisecond,
		Secret: func(context.Context) (connectors.Secret, error) { return connectors.NewSecret(token), nil },
	})
	must(t, err)
	t.Cleanup(f.Close)
	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bodies are the comments of the request as Gitea has them.
func (h *hub) bodies() []string {
	h.t.Helper()
	var list []struct{ Body string }
	h.as("ada", "GET", fmt.Sprintf("repos/%s/issues/%d/comments", h.repo, h.number), nil, &list)
	var out []string
	for _, c := range list {
		out = append(out, c.Body)
	}
	return out
}

func (h *hub) comment(who, body string) {
	h.t.Helper()
	h.as(who, "POST", fmt.Sprintf("repos/%s/issues/%d/comments", h.repo, h.number), map[string]string{"body": body}, nil)
}

func (h *hub) review(who, event, commit string) int64 {
	h.t.Helper()
	var made struct{ ID int64 }
	h.as(who, "POST", fmt.Sprintf("repos/%s/pulls/%d/reviews", h.repo, h.number), map[string]any{"event": event, "body": "so", "commit_id": commit}, &made)
	return made.ID
}

func (h *hub) head() string {
	h.t.Helper()
	r, err := h.open(h.tokens["bot"]).Request(h.t.Context())
	must(h.t, err)
	return r.Head
}

// A real Gitea holds what Forge promises.
func TestGitea(t *testing.T) {
	h := newHub(t, "contract")
	contract(t, stage{
		url: h.URL, head: h.head(),
		open: func(url string) Forge {
			target := h.target()
			target.API = url + "/api/v1"
			return openAt(t, target, h.tokens["bot"])
		},
		talk:   func(body string) { h.comment("cleo", body) },
		bodies: func(testing.TB) []string { return h.bodies() },
		status: func(commit string) (out []string) {
			var all struct {
				Statuses []struct {
					Status, Context, Description string
					Target                       string `json:"target_url"`
				}
			}
			h.as("ada", "GET", "repos/"+h.repo+"/commits/"+commit+"/status", nil, &all)
			for _, s := range all.Statuses {
				out = append(out, s.Context+" "+s.Status+" "+s.Description+" "+s.Target)
			}
			return out
		},
		states: map[State]string{StatePending: "pending", StateSuccess: "success", StateFailure: "failure", StateError: "error"},
	})
}

// Approvals are collected with their commits: the last opinion of everybody counts.
func TestGiteaEvidence(t *testing.T) {
	h := newHub(t, "evidence")
	f, first := h.open(h.tokens["bot"]), h.head()
	h.review("ben", "APPROVED", first)
	h.review("cleo", "APPROVED", first)
	h.push("ben", "change", "change")
	second := h.head()
	h.review("cleo", "COMMENT", second)
	id := h.review("bot", "APPROVED", second)
	h.as("ada", "POST", fmt.Sprintf("repos/%s/pulls/%d/reviews/%d/dismissals", h.repo, h.number, id), map[string]any{"message": "no"}, nil)

	e, err := f.Evidence(t.Context())
	must(t, err)
	var got []string
	for _, a := range e.Approvals {
		got = append(got, a.By.Login+" "+a.By.Email+" "+a.Commit)
		if since := time.Since(a.At); since < -time.Minute || since > time.Hour {
			t.Errorf("%s approved at %s", a.By.Login, a.At)
		}
	}
	want := []string{"evidence-ben evidence-ben@example.test " + first, "evidence-cleo evidence-cleo@example.test " + first}
	if first == second || strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("approved by %q, want %q", got, want)
	}
	if len(e.Passed) != 1 || e.Passed[0] != "evidence-bot: their review was dismissed" {
		t.Errorf("passed %q", e.Passed)
	}
	authors := map[string]bool{}
	for _, u := range e.Authors {
		authors[u.Login] = true
	}
	if !authors["evidence-ada"] || !authors["evidence-ben"] || authors["evidence-cleo"] {
		t.Errorf("written by %+v", e.Authors)
	}
	if e.Request.Head != second || e.Request.Author.Login != "evidence-ada" || e.Request.Number != h.number {
		t.Errorf("the request is %+v", e.Request)
	}

	// Changed their mind, and asked again.
	h.review("cleo", "REQUEST_CHANGES", second)
	e, err = f.Evidence(t.Context())
	must(t, err)
	if len(e.Approvals) != 1 || len(e.Passed) != 2 {
		t.Errorf("after cleo's refusal: %+v", e)
	}
	h.as("ada", "POST", fmt.Sprintf("repos/%s/pulls/%d/requested_reviewers", h.repo, h.number), map[string]any{"reviewers": []string{"evidence-ben"}}, nil)
	e, err = f.Evidence(t.Context())
	must(t, err)
	if len(e.Approvals) != 0 {
		t.Errorf("after ben was asked again: %+v", e)
	}
}

// After the merge the request is found by the commit that it became.
func TestGiteaMerged(t *testing.T) {
	h := newHub(t, "merged")
	h.review("ben", "APPROVED", h.head())
	h.as("ada", "POST", fmt.Sprintf("repos/%s/pulls/%d/merge", h.repo, h.number), map[string]any{"Do": "squash"}, nil)
	var tip struct{ Commit struct{ ID string } }
	h.as("ada", "GET", "repos/"+h.repo+"/branches/main", nil, &tip)
	target := h.target()
	target.Request, target.Commit = 0, tip.Commit.ID
	e, err := openAt(t, target, h.tokens["bot"]).Evidence(t.Context())
	must(t, err)
	if e.Request.MergedAs != tip.Commit.ID || e.Request.Number != h.number || len(e.Approvals) != 1 {
		t.Errorf("the evidence is %+v", e)
	}
	target.Commit = strings.Repeat("0", 40)
	if _, err := openAt(t, target, h.tokens["bot"]).Evidence(t.Context()); !errors.Is(err, ErrNoRequest) {
		t.Errorf("of a commit that isn't there: %v", err)
	}
}

// A token that lacks a right gets to know which.
func TestGiteaRights(t *testing.T) {
	h := newHub(t, "rights")
	head := h.head()
	stranger := h.NewUser(t, "rights-dora", "all")
	h.as("ada", "PATCH", "repos/"+h.repo, map[string]any{"private": true}, nil)
	blind := h.NewToken(t, "rights-bot", "read:issue", "read:repository")
	calls := []struct {
		name, token string
		do          func(context.Context, Forge) error
		want        string
	}{
		{"comment", blind, func(ctx context.Context, f Forge) error { _, err := f.Post(ctx, "x"); return err }, "write:issue"},
		{"status", blind, func(ctx context.Context, f Forge) error {
			return f.SetStatus(ctx, head, Status{Context: "c", State: StatePending})
		}, "write:repository"},
		{"reviews", h.NewToken(t, "rights-bot", "read:issue"), func(ctx context.Context, f Forge) error { _, err := f.Evidence(ctx); return err }, "read:repository"},
		{"comments", h.NewToken(t, "rights-bot", "read:repository"), func(ctx context.Context, f Forge) error { _, err := collect(f.Comments(ctx)); return err }, "read:issue"},
		{"stranger", stranger, func(ctx context.Context, f Forge) error { _, err := f.Request(ctx); return err }, "the token can't see it"},
		{"nobody", "0123456789012345678901234567890123456789", func(ctx context.Context, f Forge) error { _, err := f.Request(ctx); return err }, "the token in TEST_TOKEN isn't accepted"},
	}
	for _, c := range calls {
		err := c.do(t.Context(), h.open(c.token))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), c.token) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// Who may not ask who they are still has one comment, in place.
	f := h.open(h.NewToken(t, "rights-bot", "write:issue", "read:repository"))
	for _, text := range []string{"one", "two"} {
		_, err := Publish(t.Context(), f, Note{Text: text})
		must(t, err)
	}
	if got := h.bodies(); len(got) != 1 || !strings.HasSuffix(got[0], "\ntwo") {
		t.Errorf("the comments are %q", got)
	}
}

// What a newer push said stays when a run for an older one comes late.
func TestGiteaNewer(t *testing.T) {
	h := newHub(t, "newer")
	f, head := h.open(h.tokens["bot"]), h.head()
	old := strings.Repeat("a", 40)
	_, err := Publish(t.Context(), f, Note{Commit: old, Head: old, Text: "old"})
	must(t, err)
	_, err = Publish(t.Context(), f, Note{Commit: head, Head: head, Text: "new"})
	must(t, err)
	p, err := Publish(t.Context(), f, Note{Commit: old, Head: head, Text: "late"})
	must(t, err)
	if got := h.bodies(); !p.Newer || len(got) != 1 || !strings.HasSuffix(got[0], "\nnew") {
		t.Errorf("%+v: %q", p, got)
	}
}
