package forge

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/accordhq/accord/connectors/rest"
)

// gitlab speaks GitLab's REST API (https://docs.gitlab.com/api/rest/, version 4): notes of merge
// requests, commit statuses, approvals, versions.
type gitlab struct {
	*caller
	pipeline string // that the job is part of, for statuses
}

var _ Forge = (*gitlab)(nil)

// The rights of GitLab. A job's own CI_JOB_TOKEN has none of them.
const (
	glWrite  = "the scope api, and the role Reporter in the project"
	glRead   = "the scope read_api or api, and the role Reporter in the project"
	glStatus = "the scope api, and the role Developer in the project"
)

func openGitLab(t Target, o Options) (Forge, error) {
	c, err := t.caller(o, rest.Header("PRIVATE-TOKEN", "", o.Secret), nil)
	if err != nil {
		return nil, err
	}
	return &gitlab{c, t.Pipeline}, nil
}

// Limit is 1,000,000 characters, less some room.
func (*gitlab) Limit() int { return 990_000 }

func (g *gitlab) path(parts ...string) string {
	return rest.Path(append([]string{"projects", g.t.Repo}, parts...)...)
}

func (g *gitlab) what(n string) string { return g.t.Repo + "!" + n }

type glUser struct {
	ID     int64  `json:"id"`
	Login  string `json:"username"`
	Public string `json:"public_email"`
	Bot    bool   `json:"bot"`
}

func (u *glUser) user() User {
	if u == nil {
		return User{}
	}
	return User{ID: u.ID, Login: u.Login, Email: u.Public, Bot: u.Bot}
}

type glRequest struct {
	Number int     `json:"iid"`
	Head   string  `json:"sha"`
	State  string  `json:"state"`
	Into   string  `json:"target_branch"`
	URL    string  `json:"web_url"`
	Author *glUser `json:"author"`
	Merge  string  `json:"merge_commit_sha"`
	Squash string  `json:"squash_commit_sha"`
	Refs   struct {
		Start string `json:"start_sha"`
	} `json:"diff_refs"`
}

func (r glRequest) request() Request {
	out := Request{Number: r.Number, Head: r.Head, Base: r.Refs.Start, Into: r.Into, Open: r.State == "opened" || r.State == "locked", Author: r.Author.user(), URL: r.URL}
	if r.State == "merged" {
		out.MergedAs = cmp.Or(r.Merge, r.Squash, r.Head) // a fast-forward makes no commit
	}
	return out
}

// find lists the merge requests that brought a commit, those that it is the merge of first.
func (g *gitlab) find(ctx context.Context, commit string) ([]int, error) {
	a := ask{"looking for the merge request of " + short(commit), glRead,
		rest.Request{Method: "GET", Path: g.path("repository", "commits", commit, "merge_requests")}}
	list, err := collect(pages[glRequest](ctx, g.caller, a))
	if err != nil {
		return nil, err
	}
	var all, merged []int
	for _, r := range list {
		all = append(all, r.Number)
		if r.request().MergedAs == commit || r.State == "merged" && r.Squash == commit {
			merged = append(merged, r.Number)
		}
	}
	if len(merged) > 0 {
		return merged, nil
	}
	return all, nil
}

func (g *gitlab) read(ctx context.Context) (glRequest, string, error) {
	n, err := g.request(ctx, g.find)
	if err != nil {
		return glRequest{}, "", err
	}
	var r glRequest
	err = g.do(ctx, ask{"reading " + g.what(n), glRead, rest.Request{Method: "GET", Path: g.path("merge_requests", n)}}, &r)
	return r, n, err
}

// Request implements Forge.
func (g *gitlab) Request(ctx context.Context) (Request, error) {
	r, _, err := g.read(ctx)
	return r.request(), err
}

// Requests implements Forge.
func (g *gitlab) Requests(ctx context.Context) iter.Seq2[Request, error] {
	q := hundred()
	q.Set("state", "opened")
	return requests(pages[glRequest](ctx, g.caller, ask{"listing the merge requests of " + g.t.Repo, glRead,
		rest.Request{Method: "GET", Path: g.path("merge_requests"), Query: q}}), glRequest.request)
}

// Self implements Forge.
func (g *gitlab) Self(ctx context.Context) (User, bool, error) {
	var u glUser
	err := g.do(ctx, ask{"asking who the token is", "the scope read_api or api", rest.Request{Method: "GET", Path: "user"}}, &u)
	if denied(err) {
		return User{}, false, nil
	}
	return u.user(), err == nil, err
}

type glNote struct {
	ID     int64   `json:"id"`
	Body   string  `json:"body"`
	Author *glUser `json:"author"`
}

// Comments implements Forge.
func (g *gitlab) Comments(ctx context.Context) iter.Seq2[Comment, error] {
	return commentsOf(ctx, g.caller, g.find, func(n glNote) Comment { return Comment{ID: n.ID, Author: n.Author.user(), Body: n.Body} }, func(n string) ask {
		q := hundred()
		q.Set("sort", "asc")
		q.Set("order_by", "created_at")
		return ask{"reading the comments of " + g.what(n), glRead, rest.Request{Method: "GET", Path: g.path("merge_requests", n, "notes"), Query: q}}
	})
}

// Post implements Forge.
func (g *gitlab) Post(ctx context.Context, body string) (Comment, error) {
	n, err := g.request(ctx, g.find)
	if err != nil {
		return Comment{}, err
	}
	var note glNote
	err = g.do(ctx, ask{"commenting on " + g.what(n), glWrite,
		rest.Request{Method: "POST", Path: g.path("merge_requests", n, "notes"), Body: map[string]string{"body": quiet(body)}}}, &note)
	return Comment{ID: note.ID, Author: note.Author.user(), Body: note.Body}, err
}

// Edit implements Forge.
func (g *gitlab) Edit(ctx context.Context, id int64, body string) error {
	n, err := g.request(ctx, g.find)
	if err != nil {
		return err
	}
	return gone(g.do(ctx, ask{"updating the comment on " + g.what(n), glWrite,
		rest.Request{Method: "PUT", Path: g.path("merge_requests", n, "notes", decimal(id)), Body: map[string]string{"body": quiet(body)}, Repeat: true}}, nil))
}

// Remove implements Forge.
func (g *gitlab) Remove(ctx context.Context, id int64) error {
	n, err := g.request(ctx, g.find)
	if err != nil {
		return err
	}
	return unlessGone(g.do(ctx, ask{"removing a comment that is there twice", glWrite,
		rest.Request{Method: "DELETE", Path: g.path("merge_requests", n, "notes", decimal(id)), Repeat: true}}, nil))
}

// quiet takes the force from lines that GitLab would carry out as commands of the token's
// account, as "/approve" or "/merge" (https://docs.gitlab.com/user/project/quick_actions/).
func quiet(body string) string {
	var b strings.Builder
	for line := range strings.Lines(body) {
		bare := strings.TrimLeft(line, " \t\u00a0")
		if strings.HasPrefix(bare, "/") {
			b.WriteString(line[:len(line)-len(bare)])
			b.WriteByte('\\')
			line = bare
		}
		b.WriteString(line)
	}
	return b.String()
}

// SetStatus implements Forge. A description has at most 255 characters. GitLab takes a status
// for a step in the life of a job and refuses one that the job is in already; that is as well.
func (g *gitlab) SetStatus(ctx context.Context, commit string, s Status) error {
	state := map[State]string{StatePending: "pending", StateSuccess: "success", StateFailure: "failed", StateError: "failed"}[s.State]
	body := map[string]any{"state": state, "name": s.Context, "description": cut(s.Text, 255)}
	if s.Link != "" {
		body["target_url"] = s.Link
	}
	if id, err := strconv.ParseInt(g.pipeline, 10, 64); err == nil && commit == g.t.Commit {
		body["pipeline_id"] = id
	}
	err := g.do(ctx, ask{"setting the status of " + short(commit), glStatus,
		rest.Request{Method: "POST", Path: g.path("statuses", commit), Body: body, Repeat: true}}, nil)
	if rest.Status(err) == http.StatusBadRequest && strings.Contains(err.Error(), "Cannot transition status") {
		if now, readErr := g.status(ctx, commit, s.Context); readErr == nil && now == state {
			return nil
		}
	}
	return err
}

// status reads what state a commit has under a name.
func (g *gitlab) status(ctx context.Context, commit, name string) (string, error) {
	var list []struct {
		Status string `json:"status"`
	}
	err := g.do(ctx, ask{"reading the status of " + short(commit), glRead,
		rest.Request{Method: "GET", Path: g.path("repository", "commits", commit, "statuses"), Query: url.Values{"name": {name}}}}, &list)
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0].Status, nil
}

type glVersion struct {
	Head string    `json:"head_commit_sha"`
	At   time.Time `json:"created_at"`
}

// doubtful is how long after a push an approval can't be told from one of what was there
// before: GitLab notes a version some time after the push, and whoever approves may still look
// at the page from before.
const doubtful = 30 * time.Second

// versionAt is the commit that was on top of a request at a time; why tells why that isn't known.
func versionAt(versions []glVersion, at time.Time) (commit, why string) {
	slices.SortStableFunc(versions, func(a, b glVersion) int { return a.At.Compare(b.At) })
	for i, v := range slices.Backward(versions) {
		switch {
		case v.At.After(at):
			continue
		case at.Sub(v.At) < doubtful && i > 0:
			return "", fmt.Sprintf("it was approved within %v of a push, so it isn't certain what was seen; approve again", doubtful)
		}
		return v.Head, ""
	}
	return "", "GitLab knows no version of the request from before the approval"
}

// Evidence implements Forge. GitLab says when somebody approved (from version 17.10 on), not
// what: the commit is the version that was on top then.
func (g *gitlab) Evidence(ctx context.Context) (Evidence, error) {
	r, n, err := g.read(ctx)
	if err != nil {
		return Evidence{}, err
	}
	e := Evidence{Request: r.request()}
	var approvals struct {
		By []struct {
			User *glUser    `json:"user"`
			At   *time.Time `json:"approved_at"`
		} `json:"approved_by"`
	}
	err = g.do(ctx, ask{"reading the approvals of " + g.what(n), glRead, rest.Request{Method: "GET", Path: g.path("merge_requests", n, "approvals")}}, &approvals)
	if err != nil {
		return Evidence{}, err
	}
	versions, err := collect(pages[glVersion](ctx, g.caller, ask{"reading the versions of " + g.what(n), glRead,
		rest.Request{Method: "GET", Path: g.path("merge_requests", n, "versions"), Query: hundred()}}))
	if err != nil {
		return Evidence{}, err
	}
	for _, a := range approvals.By {
		by := a.User.user()
		commit, why := "", "this GitLab doesn't say when it was approved, and so not what"
		if a.At != nil {
			commit, why = versionAt(versions, *a.At)
		}
		if why != "" {
			e.Passed = append(e.Passed, by.Login+": "+why)
			continue
		}
		e.Approvals = append(e.Approvals, Approval{By: by, At: a.At.UTC(), Commit: commit})
	}
	slices.SortFunc(e.Approvals, func(a, b Approval) int { return strings.Compare(a.By.Login, b.By.Login) })
	slices.Sort(e.Passed)
	if e.Authors, err = g.authors(ctx, e.Request, n); err != nil {
		return Evidence{}, err
	}
	return e, addresses(ctx, &e, g.email)
}

func (g *gitlab) authors(ctx context.Context, r Request, n string) ([]User, error) {
	type commit struct {
		Author    string `json:"author_email"`
		Committer string `json:"committer_email"`
		Message   string `json:"message"`
	}
	w := newWriters(r.Author)
	for c, err := range pages[commit](ctx, g.caller, ask{"reading the commits of " + g.what(n), glRead,
		rest.Request{Method: "GET", Path: g.path("merge_requests", n, "commits"), Query: hundred()}}) {
		if err != nil {
			return nil, err
		}
		w.commit(User{}, User{}, &gitAuthor{c.Author}, &gitAuthor{c.Committer}, c.Message)
	}
	return w.list, nil
}

// email is the address that somebody shows on their profile, which GitLab has confirmed.
func (g *gitlab) email(ctx context.Context, u User) (string, error) {
	var full glUser
	err := g.do(ctx, ask{"reading the profile of " + u.Login, glRead, rest.Request{Method: "GET", Path: rest.Path("users", decimal(u.ID))}}, &full)
	if rest.NotFound(err) || denied(err) {
		return "", nil
	}
	return full.Public, err
}
