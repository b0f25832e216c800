package forge

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gitlabapi "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/accordhq/accord/connectors"
)

// fakeGitLab is a merge request on a GitLab of ours. Its answers are the types of GitLab's own Go
// client, what it is sent has to decode into that client's options, and the tests look at it
// through that client. Its rules are from https://docs.gitlab.com/api/.
type fakeGitLab struct {
	t   testing.TB
	url string

	mu        sync.Mutex
	nextID    int64
	notes     []*gitlabapi.Note
	statuses  map[string]*gitlabapi.CommitStatus // by "COMMIT NAME"
	request   gitlabapi.MergeRequest
	approvals gitlabapi.MergeRequestApprovals
	versions  []*gitlabapi.MergeRequestDiffVersion
	commits   []*gitlabapi.Commit
	emails    map[string]string
	denies    map[string]string // what is said, by method and path
}

const (
	glHead  = "e82eb4a098e32c796079ca3915e07487fc4db24c"
	glToken = "gl-canary-token"
)

func newFakeGitLab(t *testing.T) *fakeGitLab {
	g := &fakeGitLab{t: t, nextID: 300, statuses: map[string]*gitlabapi.CommitStatus{}, emails: map[string]string{}, denies: map[string]string{}}
	g.request.IID, g.request.SHA, g.request.State, g.request.Author = 7, glHead, "opened", glBasic("ada")
	g.request.TargetBranch = "main"
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func glBasic(login string) *gitlabapi.BasicUser {
	return &gitlabapi.BasicUser{ID: idOf(login), Username: login, Name: login, State: "active"}
}

func (g *fakeGitLab) target() Target {
	return Target{Kind: GitLab, API: g.url + "/api/v4", Repo: "acme/it/access", Request: 7}
}

func (g *fakeGitLab) open(url string) Forge {
	target := g.target()
	target.API = url + "/api/v4"
	return openAt(g.t.(*testing.T), target, glToken)
}

// client is GitLab's own.
func (g *fakeGitLab) client() *gitlabapi.Client {
	c, err := gitlabapi.NewClient(glToken, gitlabapi.WithBaseURL(g.url))
	if err != nil {
		g.t.Fatal(err)
	}
	return c
}

func (g *fakeGitLab) say(login, body string) *gitlabapi.Note {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.nextID++
	n := &gitlabapi.Note{ID: g.nextID, Body: body, Author: gitlabapi.NoteAuthor{ID: idOf(login), Username: login}, NoteableType: "MergeRequest", NoteableIID: 7}
	g.notes = append(g.notes, n)
	return n
}

func (g *fakeGitLab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/v4")
	project, inProject := strings.CutPrefix(path, "/projects/acme%2Fit%2Faccess")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	switch said, denied := g.denies[r.Method+" "+project]; {
	case denied:
		answerJSON(w, http.StatusForbidden, json.RawMessage(said))
	case r.Header.Get("PRIVATE-TOKEN") != glToken:
		answerJSON(w, http.StatusUnauthorized, map[string]string{"message": "401 Unauthorized"})
	case path == "/user":
		answerJSON(w, http.StatusOK, g.user("accord-bot"))
	case strings.HasPrefix(path, "/users/"):
		for login := range g.emails {
			if strconv.FormatInt(idOf(login), 10) == strings.TrimPrefix(path, "/users/") {
				answerJSON(w, http.StatusOK, g.user(login))
				return
			}
		}
		answerJSON(w, http.StatusNotFound, map[string]string{"message": "404 User Not Found"})
	case !ok || !inProject:
		answerJSON(w, http.StatusNotFound, map[string]string{"message": "404 Project Not Found"})
	default:
		g.inProject(w, r, project, body)
	}
}

func (g *fakeGitLab) user(login string) *gitlabapi.User {
	return &gitlabapi.User{ID: idOf(login), Username: login, PublicEmail: g.emails[login]}
}

func (g *fakeGitLab) inProject(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	note, isNote := strings.CutPrefix(path, "/merge_requests/7/notes/")
	commit, isStatus := strings.CutPrefix(path, "/statuses/")
	switch {
	case path == "/merge_requests/7":
		answerJSON(w, http.StatusOK, g.request)
	case path == "/merge_requests" && r.URL.Query().Get("state") == "opened":
		answerPage(w, r, []any{g.request}, 20)
	case path == "/merge_requests/7/approvals":
		answerJSON(w, http.StatusOK, g.approvals)
	case path == "/merge_requests/7/versions":
		answerPage(w, r, g.versions, 20)
	case path == "/merge_requests/7/commits":
		answerPage(w, r, g.commits, 20)
	case path == "/merge_requests/7/notes" && r.Method == http.MethodPost:
		var o gitlabapi.CreateMergeRequestNoteOptions
		g.strict(body, &o)
		answerJSON(w, http.StatusCreated, g.say("accord-bot", g.commandless(o.Body)))
	case path == "/merge_requests/7/notes":
		g.mu.Lock()
		list := slices.Clone(g.notes)
		g.mu.Unlock()
		if q := r.URL.Query(); q.Get("sort") != "asc" || q.Get("order_by") != "created_at" {
			slices.Reverse(list)
		}
		answerPage(w, r, list, 20)
	case isNote:
		g.change(w, r.Method, note, body)
	case isStatus:
		g.setStatus(w, commit, body)
	case strings.HasSuffix(path, "/statuses"):
		s := g.statuses[strings.Split(path, "/")[3]+" "+r.URL.Query().Get("name")]
		answerJSON(w, http.StatusOK, []*gitlabapi.CommitStatus{s})
	case strings.HasSuffix(path, "/merge_requests"):
		answerJSON(w, http.StatusOK, []gitlabapi.BasicMergeRequest{{IID: 6, State: "opened"}, {IID: 7, State: "merged", MergeCommitSHA: strings.Split(path, "/")[3]}})
	default:
		answerJSON(w, http.StatusNotFound, map[string]string{"message": "404 Not Found"})
	}
}

// strict decodes what was sent; what the client's options don't have is an error.
func (g *fakeGitLab) strict(body []byte, into any) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		g.t.Errorf("sent %s: %v", body, err)
	}
}

// commandless wants a body to hold nothing that GitLab would carry out.
func (g *fakeGitLab) commandless(body *string) string {
	for line := range strings.Lines(*body) {
		if strings.HasPrefix(strings.TrimSpace(line), "/") {
			g.t.Errorf("GitLab would carry out %q", line)
		}
	}
	return *body
}

func (g *fakeGitLab) change(w http.ResponseWriter, method, id string, body []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.IndexFunc(g.notes, func(n *gitlabapi.Note) bool { return strconv.FormatInt(n.ID, 10) == id })
	switch {
	case i < 0:
		answerJSON(w, http.StatusNotFound, map[string]string{"message": "404 Not found"})
	case method == http.MethodDelete:
		g.notes = slices.Delete(g.notes, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	default:
		var o gitlabapi.UpdateMergeRequestNoteOptions
		g.strict(body, &o)
		changed := *g.notes[i]
		changed.Body = g.commandless(o.Body)
		g.notes[i] = &changed
		answerJSON(w, http.StatusOK, changed)
	}
}

// setStatus takes a status as a step of a job: one that it is in already is refused.
func (g *fakeGitLab) setStatus(w http.ResponseWriter, commit string, body []byte) {
	var o gitlabapi.SetCommitStatusOptions
	g.strict(body, &o)
	g.mu.Lock()
	defer g.mu.Unlock()
	key := commit + " " + *o.Name
	if was := g.statuses[key]; was != nil && was.Status == string(o.State) {
		event := map[string]string{"pending": "enqueue", "success": "succeed", "failed": "drop"}[was.Status]
		answerJSON(w, http.StatusBadRequest, map[string]string{"message": fmt.Sprintf("Cannot transition status via :%s from :%s (Reason(s): Status cannot transition via %q)", event, was.Status, event)})
		return
	}
	if len([]rune(*o.Description)) > 255 {
		answerJSON(w, http.StatusBadRequest, map[string]any{"message": map[string]any{"description": []string{"is too long (maximum is 255 characters)"}}})
		return
	}
	s := &gitlabapi.CommitStatus{SHA: commit, Name: *o.Name, Status: string(o.State), Description: *o.Description}
	if o.TargetURL != nil {
		s.TargetURL = *o.TargetURL
	}
	g.statuses[key] = s
	answerJSON(w, http.StatusCreated, s)
}

// GitLab's half holds what Forge promises, through the eyes of GitLab's own client.
func TestGitLab(t *testing.T) {
	g := newFakeGitLab(t)
	contract(t, stage{
		url: g.url, open: g.open, head: glHead, paged: true,
		talk: func(body string) { g.say("cleo", body) },
		bodies: func(t testing.TB) (out []string) {
			o := &gitlabapi.ListMergeRequestNotesOptions{OrderBy: gitlabapi.Ptr("created_at"), Sort: gitlabapi.Ptr("asc")}
			o.PerPage = 100
			for o.Page = 1; o.Page > 0; {
				list, res, err := g.client().Notes.ListMergeRequestNotes("acme/it/access", 7, o)
				must(t, err)
				for _, n := range list {
					out = append(out, n.Body)
				}
				if o.Page++; res.NextLink == "" && !strings.Contains(res.Header.Get("Link"), `rel="next"`) {
					o.Page = 0
				}
			}
			return out
		},
		status: func(commit string) []string {
			list, _, err := g.client().Commits.GetCommitStatuses("acme/it/access", commit, &gitlabapi.GetCommitStatusesOptions{Name: gitlabapi.Ptr("accord/plan")})
			must(t, err)
			var out []string
			for _, s := range list {
				out = append(out, s.Name+" "+s.Status+" "+s.Description+" "+s.TargetURL)
			}
			return out
		},
		states: map[State]string{StatePending: "pending", StateSuccess: "success", StateFailure: "failed", StateError: "failed"},
	})
}

// An approval is for the version that was on top when it was given; where that isn't certain it
// is for none.
func TestGitLabEvidence(t *testing.T) {
	g := newFakeGitLab(t)
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	old := strings.Repeat("a", 40)
	for i := range 25 { // more than a page, the newest first
		v := at.Add(-time.Duration(i) * time.Minute)
		g.versions = append(g.versions, &gitlabapi.MergeRequestDiffVersion{HeadCommitSHA: old, CreatedAt: &v})
	}
	newest := at.Add(time.Hour)
	g.versions = append([]*gitlabapi.MergeRequestDiffVersion{{HeadCommitSHA: glHead, CreatedAt: &newest}}, g.versions...)
	for login, when := range map[string]*time.Time{
		"ben": gitlabapi.Ptr(newest.Add(time.Hour)), "cleo": gitlabapi.Ptr(newest.Add(-time.Minute)), "dora": gitlabapi.Ptr(newest.Add(10 * time.Second)),
		"eve": nil, "fay": gitlabapi.Ptr(at.Add(-24 * time.Hour)),
	} {
		g.approvals.ApprovedBy = append(g.approvals.ApprovedBy, &gitlabapi.MergeRequestApproverUser{User: glBasic(login), ApprovedAt: when})
	}
	g.emails["ben"], g.emails["ada"] = "ben@acme.example", "ada@acme.example"
	g.commits = []*gitlabapi.Commit{{AuthorEmail: "ada@work.example", CommitterEmail: "ada@work.example", Message: "x\n\nCo-authored-by: Eve <eve@acme.example>"}}

	e, err := g.open(g.url).Evidence(t.Context())
	must(t, err)
	var got []string
	for _, a := range e.Approvals {
		got = append(got, a.By.Login+" "+a.By.Email+" "+a.Commit)
	}
	if want := []string{"ben ben@acme.example " + glHead, "cleo  " + old}; !slices.Equal(got, want) {
		t.Errorf("approved by %q", got)
	}
	want := []string{
		"dora: it was approved within 30s of a push, so it isn't certain what was seen; approve again",
		"eve: this GitLab doesn't say when it was approved, and so not what",
		"fay: GitLab knows no version of the request from before the approval",
	}
	if !slices.Equal(e.Passed, want) {
		t.Errorf("passed %q", e.Passed)
	}
	slices.SortFunc(e.Authors, func(a, b User) int { return cmp.Compare(a.Email, b.Email) })
	if len(e.Authors) != 3 || e.Authors[0].Login != "ada" || e.Authors[1].Email != "ada@work.example" || e.Authors[2].Email != "eve@acme.example" {
		t.Errorf("written by %+v", e.Authors)
	}
}

// After the merge the request is found by its commit.
func TestGitLabMerged(t *testing.T) {
	g := newFakeGitLab(t)
	target := g.target()
	target.Request, target.Commit = 0, strings.Repeat("b", 40)
	r, err := openAt(t, target, glToken).Request(t.Context())
	must(t, err)
	if r.Number != 7 {
		t.Errorf("the request is %+v", r)
	}
}

// A token that lacks a right gets to know which, and isn't repeated.
func TestGitLabRights(t *testing.T) {
	g := newFakeGitLab(t)
	scope := `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api"}`
	role := `{"message":"403 Forbidden"}`
	tests := []struct {
		denied, said string
		do           func(context.Context, Forge) error
		want         string
	}{
		{"POST /merge_requests/7/notes", scope, func(ctx context.Context, f Forge) error { _, err := f.Post(ctx, "x"); return err }, "the scope api, and the role Reporter"},
		{"POST /statuses/" + glHead, role, func(ctx context.Context, f Forge) error {
			return f.SetStatus(ctx, glHead, Status{Context: "c", State: StatePending})
		}, "the role Developer"},
		{"GET /merge_requests/7/approvals", role, func(ctx context.Context, f Forge) error { _, err := f.Evidence(ctx); return err }, "the scope read_api or api"},
	}
	for _, tt := range tests {
		g.denies = map[string]string{tt.denied: tt.said}
		err := tt.do(t.Context(), g.open(g.url))
		if !errors.Is(err, connectors.ErrDenied) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", tt.denied, err)
		}
	}
	if _, err := openAt(t, g.target(), "gl-canary-stale").Request(t.Context()); err == nil || !strings.Contains(err.Error(), "the token in TEST_TOKEN isn't accepted") {
		t.Errorf("with a token that isn't known: %v", err)
	}
}
