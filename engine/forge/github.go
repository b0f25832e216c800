package forge

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/accordhq/accord/connectors/rest"
)

// github speaks GitHub's REST API (https://docs.github.com/rest, version 2022-11-28): comments of
// issues, commit statuses, reviews of pull requests.
type github struct {
	*caller
	owner, name string
}

var _ Forge = (*github)(nil)

// The rights of GitHub, as a workflow's permissions and fine-grained tokens name them.
const (
	ghWrite  = `"pull-requests: write" (of a classic token: the scope repo)`
	ghRead   = `"pull-requests: read" (of a classic token: the scope repo)`
	ghStatus = `"statuses: write" (of a classic token: the scope repo:status)`
)

func openGitHub(t Target, o Options) (Forge, error) {
	owner, name, err := t.ownerName()
	if err != nil {
		return nil, err
	}
	c, err := t.caller(o, rest.Bearer(o.Secret), http.Header{"X-Github-Api-Version": {"2022-11-28"}})
	if err != nil {
		return nil, err
	}
	return &github{c, owner, name}, nil
}

// Limit is 65,536 characters, less some room.
func (*github) Limit() int { return 65_000 }

func (g *github) path(parts ...string) string {
	return rest.Path(append([]string{"repos", g.owner, g.name}, parts...)...)
}

func (g *github) what(n string) string { return fmt.Sprintf("%s/%s#%s", g.owner, g.name, n) }

type ghUser struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"`
	Email string `json:"email"`
}

func (u *ghUser) user() User {
	if u == nil {
		return User{}
	}
	return User{ID: u.ID, Login: u.Login, Email: u.Email, Bot: u.Type == "Bot"}
}

type ghPull struct {
	Number  int     `json:"number"`
	URL     string  `json:"html_url"`
	User    *ghUser `json:"user"`
	Commits int     `json:"commits"`
	Merged  *string `json:"merged_at"`
	Became  string  `json:"merge_commit_sha"`
	State   string  `json:"state"`
	Head    ghTip   `json:"head"`
	Base    ghTip   `json:"base"`
}

type ghTip struct {
	SHA string `json:"sha"`
	Ref string `json:"ref"`
}

func (p ghPull) request() Request {
	r := Request{Number: p.Number, Head: p.Head.SHA, Base: p.Base.SHA, Into: p.Base.Ref, Open: p.State == "open", Author: p.User.user(), URL: p.URL}
	if p.Merged != nil { // before, it is that of a merge on trial
		r.MergedAs = p.Became
	}
	return r
}

// find lists the pull requests that brought a commit, those that it is the merge of first.
func (g *github) find(ctx context.Context, commit string) ([]int, error) {
	a := ask{"looking for the pull request of " + short(commit), ghRead, rest.Request{Method: "GET", Path: g.path("commits", commit, "pulls")}}
	list, err := collect(pages[ghPull](ctx, g.caller, a))
	if err != nil {
		return nil, err
	}
	var all, merged []int
	for _, p := range list {
		all = append(all, p.Number)
		if p.Merged != nil && p.Became == commit {
			merged = append(merged, p.Number)
		}
	}
	if len(merged) > 0 {
		return merged, nil
	}
	return all, nil
}

func (g *github) pull(ctx context.Context) (ghPull, string, error) {
	n, err := g.request(ctx, g.find)
	if err != nil {
		return ghPull{}, "", err
	}
	var p ghPull
	err = g.do(ctx, ask{"reading " + g.what(n), ghRead, rest.Request{Method: "GET", Path: g.path("pulls", n)}}, &p)
	return p, n, err
}

// Request implements Forge.
func (g *github) Request(ctx context.Context) (Request, error) {
	p, _, err := g.pull(ctx)
	return p.request(), err
}

// Requests implements Forge.
func (g *github) Requests(ctx context.Context) iter.Seq2[Request, error] {
	q := hundred()
	q.Set("state", "open")
	return requests(pages[ghPull](ctx, g.caller, ask{"listing the pull requests of " + g.owner + "/" + g.name, ghRead,
		rest.Request{Method: "GET", Path: g.path("pulls"), Query: q}}), ghPull.request)
}

// Self implements Forge. The token of a workflow or an app isn't told.
func (g *github) Self(ctx context.Context) (User, bool, error) {
	var u ghUser
	err := g.do(ctx, ask{"asking who the token is", "a user", rest.Request{Method: "GET", Path: "user"}}, &u)
	if denied(err) {
		return User{}, false, nil
	}
	return u.user(), err == nil, err
}

type ghNote struct {
	ID   int64   `json:"id"`
	URL  string  `json:"html_url"`
	Body string  `json:"body"`
	User *ghUser `json:"user"`
}

func (c ghNote) comment() Comment {
	return Comment{ID: c.ID, Author: c.User.user(), Body: c.Body, URL: c.URL}
}

// Comments implements Forge.
func (g *github) Comments(ctx context.Context) iter.Seq2[Comment, error] {
	return commentsOf(ctx, g.caller, g.find, ghNote.comment, func(n string) ask {
		return ask{"reading the comments of " + g.what(n), ghRead,
			rest.Request{Method: "GET", Path: g.path("issues", n, "comments"), Query: hundred()}}
	})
}

// Post implements Forge.
func (g *github) Post(ctx context.Context, body string) (Comment, error) {
	n, err := g.request(ctx, g.find)
	if err != nil {
		return Comment{}, err
	}
	var c ghNote
	err = g.do(ctx, ask{"commenting on " + g.what(n), ghWrite,
		rest.Request{Method: "POST", Path: g.path("issues", n, "comments"), Body: map[string]string{"body": body}}}, &c)
	return c.comment(), err
}

// Edit implements Forge.
func (g *github) Edit(ctx context.Context, id int64, body string) error {
	return gone(g.do(ctx, ask{"updating the comment", ghWrite,
		rest.Request{Method: "PATCH", Path: g.path("issues", "comments", decimal(id)), Body: map[string]string{"body": body}, Repeat: true}}, nil))
}

// Remove implements Forge.
func (g *github) Remove(ctx context.Context, id int64) error {
	return unlessGone(g.do(ctx, ask{"removing a comment that is there twice", ghWrite,
		rest.Request{Method: "DELETE", Path: g.path("issues", "comments", decimal(id)), Repeat: true}}, nil))
}

// SetStatus implements Forge. A description has at most 140 characters.
func (g *github) SetStatus(ctx context.Context, commit string, s Status) error {
	body := map[string]string{"state": string(s.State), "context": s.Context, "description": cut(s.Text, 140)}
	if s.Link != "" {
		body["target_url"] = s.Link
	}
	return g.do(ctx, ask{"setting the status of " + short(commit), ghStatus,
		rest.Request{Method: "POST", Path: g.path("statuses", commit), Body: body, Repeat: true}}, nil)
}

type ghReview struct {
	ID     int64      `json:"id"`
	User   *ghUser    `json:"user"`
	State  string     `json:"state"`
	Commit *string    `json:"commit_id"`
	At     *time.Time `json:"submitted_at"`
}

func (r ghReview) review() review {
	out := review{id: r.ID, by: r.User.user()}
	if r.At != nil {
		out.at = *r.At
	}
	if r.Commit != nil {
		out.commit = *r.Commit
	}
	switch r.State {
	case "APPROVED":
		out.says = approves
	case "DISMISSED":
		out.says = dismissed
	case "CHANGES_REQUESTED":
		out.says = refuses
	}
	return out
}

type ghCommit struct {
	Author    *ghUser `json:"author"`
	Committer *ghUser `json:"committer"`
	Commit    struct {
		Author    *gitAuthor `json:"author"`
		Committer *gitAuthor `json:"committer"`
		Message   string     `json:"message"`
	} `json:"commit"`
}

type gitAuthor struct {
	Email string `json:"email"`
}

// mostCommits is how many commits of a pull request GitHub lists
// (https://docs.github.com/rest/pulls/pulls#list-commits-on-a-pull-request).
const mostCommits = 250

// Evidence implements Forge.
func (g *github) Evidence(ctx context.Context) (Evidence, error) {
	p, n, err := g.pull(ctx)
	if err != nil {
		return Evidence{}, err
	}
	if p.Commits > mostCommits {
		return Evidence{}, fmt.Errorf("%s has %d commits, of which GitHub lists only %d: not all authors can be known; squash some of them", g.what(n), p.Commits, mostCommits)
	}
	e := Evidence{Request: p.request()}
	var all []review
	for r, err := range pages[ghReview](ctx, g.caller, ask{"reading the reviews of " + g.what(n), ghRead,
		rest.Request{Method: "GET", Path: g.path("pulls", n, "reviews"), Query: hundred()}}) {
		if err != nil {
			return Evidence{}, err
		}
		all = append(all, r.review())
	}
	e.Approvals, e.Passed = standing(all)
	w := newWriters(e.Request.Author)
	for c, err := range pages[ghCommit](ctx, g.caller, ask{"reading the commits of " + g.what(n), ghRead,
		rest.Request{Method: "GET", Path: g.path("pulls", n, "commits"), Query: hundred()}}) {
		if err != nil {
			return Evidence{}, err
		}
		w.commit(c.Author.user(), c.Committer.user(), c.Commit.Author, c.Commit.Committer, c.Commit.Message)
	}
	e.Authors = w.list
	return e, addresses(ctx, &e, g.email)
}

// email is the address that somebody shows on their profile, which GitHub has verified.
func (g *github) email(ctx context.Context, u User) (string, error) {
	if u.Bot {
		return "", nil
	}
	var full ghUser
	err := g.do(ctx, ask{"reading the profile of " + u.Login, "to be one that GitHub knows", rest.Request{Method: "GET", Path: rest.Path("users", u.Login)}}, &full)
	if rest.NotFound(err) || denied(err) {
		return "", nil
	}
	if err == nil && full.ID != u.ID {
		err = errors.New("it is another account by now")
	}
	return full.Email, err
}

func hundred() url.Values { return url.Values{"per_page": {"100"}} }
