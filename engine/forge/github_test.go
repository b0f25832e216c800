package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
)

func (g *fakeGitHub) open(url string) Forge {
	target := g.target()
	target.API = url
	return openAt(g.t.(*testing.T), target, "gh-canary-token")
}

func (g *fakeGitHub) stage() stage {
	return stage{
		url: g.url, open: g.open, head: ghHead, paged: true,
		talk: func(body string) { g.say(g.user("cleo", "User"), body) },
		bodies: func(testing.TB) []string {
			g.mu.Lock()
			defer g.mu.Unlock()
			var out []string
			for _, c := range g.comments {
				out = append(out, c["body"].(string))
			}
			return out
		},
		status: func(commit string) []string {
			g.mu.Lock()
			defer g.mu.Unlock()
			var out []string
			for key, s := range g.statuses {
				if strings.HasPrefix(key, commit) {
					out = append(out, fmt.Sprint(s["context"], " ", s["state"], " ", s["description"], " ", s["target_url"]))
				}
			}
			return out
		},
		states: map[State]string{StatePending: "pending", StateSuccess: "success", StateFailure: "failure", StateError: "error"},
	}
}

// Both sides of everything that is said to GitHub are as GitHub describes them.
func TestGitHub(t *testing.T) {
	t.Run("person", func(t *testing.T) {
		g := newFakeGitHub(t)
		g.self = g.user("accord-ci", "User")
		contract(t, g.stage())
	})
	t.Run("workflow", func(t *testing.T) {
		s := newFakeGitHub(t).stage()
		s.brief = true
		contract(t, s)
	})
}

// The last opinion of each person counts, for the commit that they saw.
func TestGitHubEvidence(t *testing.T) {
	g := newFakeGitHub(t)
	old, at := strings.Repeat("a", 40), time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	g.profiles["ben"], g.profiles["ada"] = "ben@acme.example", "ada@acme.example"
	for i := range 35 { // more than a page
		g.review("talker", "COMMENTED", old, at.Add(time.Duration(i)*time.Second))
	}
	g.review("ben", "CHANGES_REQUESTED", old, at)
	g.review("ben", "APPROVED", ghHead, at.Add(time.Hour))
	g.review("ben", "COMMENTED", ghHead, at.Add(2*time.Hour))
	g.review("cleo", "APPROVED", old, at)
	g.review("cleo", "CHANGES_REQUESTED", ghHead, at.Add(time.Hour))
	g.review("dora", "DISMISSED", old, at)
	g.review("ghost", "APPROVED", old, at)
	g.commit("ada", "ada@work.example", "Ben joins\n\nCo-authored-by: Eve <eve@acme.example>\n")
	g.commit("", "nobody@acme.example", "More")

	e, err := g.open(g.url).Evidence(t.Context())
	must(t, err)
	var got []string
	for _, a := range e.Approvals {
		got = append(got, fmt.Sprint(a.By.Login, " ", a.By.Email, " ", a.Commit, " ", a.At.Format(time.RFC3339)))
	}
	want := []string{"ben ben@acme.example " + ghHead + " 2026-11-23T11:00:00Z", "ghost  " + old + " 2026-11-23T10:00:00Z"}
	if !slices.Equal(got, want) {
		t.Errorf("approved by %q", got)
	}
	if want := []string{"cleo: changes were requested since", "dora: their review was dismissed"}; !slices.Equal(e.Passed, want) {
		t.Errorf("passed %q", e.Passed)
	}
	var authors []string
	for _, u := range e.Authors {
		authors = append(authors, u.Login+" "+u.Email)
	}
	slices.Sort(authors)
	if want := []string{" ada@work.example", " eve@acme.example", " nobody@acme.example", "ada ada@acme.example"}; !slices.Equal(authors, want) {
		t.Errorf("written by %q", authors)
	}
	if e.Request.Head != ghHead || e.Request.MergedAs != "" || e.Request.Number != 7 {
		t.Errorf("the request is %+v", e.Request)
	}

	// More commits than GitHub lists: somebody may have written it who can't be seen.
	g.pull["commits"] = 251
	if _, err := g.open(g.url).Evidence(t.Context()); err == nil || !strings.Contains(err.Error(), "251 commits") {
		t.Errorf("with 251 commits: %v", err)
	}
}

// After the merge the request is found by its commit, among others that have it too.
func TestGitHubMerged(t *testing.T) {
	g := newFakeGitHub(t)
	target := g.target()
	target.Request, target.Commit = 0, strings.Repeat("b", 40)
	r, err := openAt(t, target, "gh-canary-token").Request(t.Context())
	must(t, err)
	if r.Number != 7 {
		t.Errorf("the request is %+v", r)
	}
	target.Commit = ""
	if _, err := openAt(t, target, "gh-canary-token").Request(t.Context()); !errors.Is(err, ErrNoRequest) {
		t.Errorf("without a commit: %v", err)
	}
}

// A token that lacks a right gets to know which, and isn't repeated.
func TestGitHubRights(t *testing.T) {
	g := newFakeGitHub(t)
	repo := "/repos/octocat/Hello-World"
	tests := []struct {
		denied string
		header http.Header
		do     func(context.Context, Forge) error
		want   string
	}{
		{"POST " + repo + "/issues/7/comments", nil, func(ctx context.Context, f Forge) error { _, err := f.Post(ctx, "x"); return err }, `"pull-requests: write"`},
		{"POST " + repo + "/issues/7/comments", http.Header{"X-Accepted-Oauth-Scopes": {"repo"}}, func(ctx context.Context, f Forge) error { _, err := f.Post(ctx, "x"); return err }, `"pull-requests: write"`},
		{"POST " + repo + "/statuses/" + ghHead, nil, func(ctx context.Context, f Forge) error {
			return f.SetStatus(ctx, ghHead, Status{Context: "c", State: StatePending})
		}, `"statuses: write"`},
		{"GET " + repo + "/pulls/7/reviews", nil, func(ctx context.Context, f Forge) error { _, err := f.Evidence(ctx); return err }, `"pull-requests: read"`},
		{"", nil, func(ctx context.Context, _ Forge) error {
			target := g.target()
			target.Repo = "octocat/private"
			_, err := openAt(t, target, "gh-canary-token").Request(ctx)
			return err
		}, `either it isn't there, or the token can't see it: that takes "pull-requests: read"`},
		{"", nil, func(ctx context.Context, _ Forge) error {
			_, err := openAt(t, g.target(), "gh-canary-stale").Request(ctx)
			return err
		}, "the token in TEST_TOKEN isn't accepted"},
	}
	for _, tt := range tests {
		g.denies = map[string]http.Header{tt.denied: tt.header}
		err := tt.do(t.Context(), g.open(g.url))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", tt.denied, err)
		}
		if tt.denied != "" && !errors.Is(err, connectors.ErrDenied) {
			t.Errorf("%s: %v isn't ErrDenied", tt.denied, err)
		}
	}
}
