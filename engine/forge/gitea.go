package forge

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/accordhq/accord/connectors/rest"
)

// gitea speaks the API of Gitea and Forgejo (its description is at /swagger.v1.json of each
// server): comments of issues, commit statuses, reviews of pull requests.
type gitea struct {
	*caller
	owner, name string
}

var _ Forge = (*gitea)(nil)

// The rights of Gitea and Forgejo, as the scopes of a token name them.
const (
	gtWrite  = "the scope write:issue, and to be one who may write to the repository's issues"
	gtIssues = "the scope read:issue, and to be one who may read the repository"
	gtRead   = "the scope read:repository, and to be one who may read the repository"
	gtStatus = "the scope write:repository, and to be one who may write to the repository's code"
)

func openGitea(t Target, o Options) (Forge, error) {
	owner, name, err := t.ownerName()
	if err != nil {
		return nil, err
	}
	c, err := t.caller(o, rest.Header("Authorization", "token ", o.Secret), nil)
	if err != nil {
		return nil, err
	}
	return &gitea{c, owner, name}, nil
}

// Limit is what the smallest of the databases beneath takes.
func (*gitea) Limit() int { return 65_000 }

func (g *gitea) path(parts ...string) string {
	return rest.Path(append([]string{"repos", g.owner, g.name}, parts...)...)
}

func (g *gitea) what(n string) string { return fmt.Sprintf("%s/%s#%s", g.owner, g.name, n) }

type gtUser struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Email string `json:"email"`
}

// user tells the accounts of Gitea itself, as that of its Actions, by their ids below zero.
func (u *gtUser) user() User {
	if u == nil {
		return User{}
	}
	return User{ID: u.ID, Login: u.Login, Email: u.Email, Bot: u.ID < 0}
}

type gtPull struct {
	Number int     `json:"number"`
	URL    string  `json:"html_url"`
	User   *gtUser `json:"user"`
	Merged bool    `json:"merged"`
	Became string  `json:"merge_commit_sha"`
	State  string  `json:"state"`
	Head   ghTip   `json:"head"`
	Base   ghTip   `json:"base"`
}

func (p gtPull) request() Request {
	r := Request{Number: p.Number, Head: p.Head.SHA, Base: p.Base.SHA, Into: p.Base.Ref, Open: p.State == "open", Author: p.User.user(), URL: p.URL}
	if p.Merged {
		r.MergedAs = p.Became
	}
	return r
}

// find looks for the pull request that a commit is the merge of.
func (g *gitea) find(ctx context.Context, commit string) ([]int, error) {
	var p gtPull
	err := g.do(ctx, ask{"looking for the pull request of " + short(commit), gtRead,
		rest.Request{Method: "GET", Path: g.path("commits", commit, "pull")}}, &p)
	if rest.NotFound(err) {
		return nil, nil
	}
	return []int{p.Number}, err
}

func (g *gitea) read(ctx context.Context) (gtPull, string, error) {
	n, err := g.request(ctx, g.find)
	if err != nil {
		return gtPull{}, "", err
	}
	var p gtPull
	err = g.do(ctx, ask{"reading " + g.what(n), gtRead, rest.Request{Method: "GET", Path: g.path("pulls", n)}}, &p)
	return p, n, err
}

// Request implements Forge.
func (g *gitea) Request(ctx context.Context) (Request, error) {
	p, _, err := g.read(ctx)
	return p.request(), err
}

// Requests implements Forge.
func (g *gitea) Requests(ctx context.Context) iter.Seq2[Request, error] {
	q := fifty()
	q.Set("state", "open")
	return requests(pages[gtPull](ctx, g.caller, ask{"listing the pull requests of " + g.owner + "/" + g.name, gtRead,
		rest.Request{Method: "GET", Path: g.path("pulls"), Query: q}}), gtPull.request)
}

// Self implements Forge. A token without the scope read:user isn't told.
func (g *gitea) Self(ctx context.Context) (User, bool, error) {
	var u gtUser
	err := g.do(ctx, ask{"asking who the token is", "the scope read:user", rest.Request{Method: "GET", Path: "user"}}, &u)
	if denied(err) || rest.NotFound(err) {
		return User{}, false, nil
	}
	return u.user(), err == nil, err
}

type gtNote struct {
	ID   int64   `json:"id"`
	URL  string  `json:"html_url"`
	Body string  `json:"body"`
	User *gtUser `json:"user"`
}

func (c gtNote) comment() Comment {
	return Comment{ID: c.ID, Author: c.User.user(), Body: c.Body, URL: c.URL}
}

// Comments implements Forge.
func (g *gitea) Comments(ctx context.Context) iter.Seq2[Comment, error] {
	return commentsOf(ctx, g.caller, g.find, gtNote.comment, func(n string) ask {
		return ask{"reading the comments of " + g.what(n), gtIssues, rest.Request{Method: "GET", Path: g.path("issues", n, "comments")}}
	})
}

// Post implements Forge.
func (g *gitea) Post(ctx context.Context, body string) (Comment, error) {
	n, err := g.request(ctx, g.find)
	if err != nil {
		return Comment{}, err
	}
	var c gtNote
	err = g.do(ctx, ask{"commenting on " + g.what(n), gtWrite,
		rest.Request{Method: "POST", Path: g.path("issues", n, "comments"), Body: map[string]string{"body": body}}}, &c)
	return c.comment(), err
}

// Edit implements Forge.
func (g *gitea) Edit(ctx context.Context, id int64, body string) error {
	return gone(g.do(ctx, ask{"updating the comment", gtWrite,
		rest.Request{Method: "PATCH", Path: g.path("issues", "comments", decimal(id)), Body: map[string]string{"body": body}, Repeat: true}}, nil))
}

// Remove implements Forge.
func (g *gitea) Remove(ctx context.Context, id int64) error {
	return unlessGone(g.do(ctx, ask{"removing a comment that is there twice", gtWrite,
		rest.Request{Method: "DELETE", Path: g.path("issues", "comments", decimal(id)), Repeat: true}}, nil))
}

// SetStatus implements Forge.
func (g *gitea) SetStatus(ctx context.Context, commit string, s Status) error {
	return g.do(ctx, ask{"setting the status of " + short(commit), gtStatus,
		rest.Request{Method: "POST", Path: g.path("statuses", commit), Repeat: true, Body: map[string]string{
			"state": string(s.State), "context": s.Context, "description": cut(s.Text, 255), "target_url": s.Link,
		}}}, nil)
}

type gtReview struct {
	ID        int64     `json:"id"`
	User      *gtUser   `json:"user"`
	State     string    `json:"state"`
	Commit    string    `json:"commit_id"`
	Dismissed bool      `json:"dismissed"`
	At        time.Time `json:"submitted_at"`
}

// review leaves aside that Gitea calls a review stale: whether it still counts follows from the
// commit that it is for.
func (r gtReview) review() review {
	out := review{id: r.ID, by: r.User.user(), at: r.At, commit: r.Commit}
	switch {
	case r.Dismissed && (r.State == "APPROVED" || r.State == "REQUEST_CHANGES"):
		out.says = dismissed
	case r.State == "APPROVED":
		out.says = approves
	case r.State == "REQUEST_CHANGES":
		out.says = refuses
	case r.State == "REQUEST_REVIEW" && out.by.Login != "":
		out.says = awaited
	}
	return out
}

// Evidence implements Forge.
func (g *gitea) Evidence(ctx context.Context) (Evidence, error) {
	p, n, err := g.read(ctx)
	if err != nil {
		return Evidence{}, err
	}
	e := Evidence{Request: p.request()}
	var all []review
	for r, err := range pages[gtReview](ctx, g.caller, ask{"reading the reviews of " + g.what(n), gtRead,
		rest.Request{Method: "GET", Path: g.path("pulls", n, "reviews"), Query: fifty()}}) {
		if err != nil {
			return Evidence{}, err
		}
		all = append(all, r.review())
	}
	e.Approvals, e.Passed = standing(all)
	type commit struct {
		Author    *gtUser `json:"author"`
		Committer *gtUser `json:"committer"`
		Commit    struct {
			Author    *gitAuthor `json:"author"`
			Committer *gitAuthor `json:"committer"`
			Message   string     `json:"message"`
		} `json:"commit"`
	}
	w := newWriters(e.Request.Author)
	for c, err := range pages[commit](ctx, g.caller, ask{"reading the commits of " + g.what(n), gtRead,
		rest.Request{Method: "GET", Path: g.path("pulls", n, "commits"), Query: fifty()}}) {
		if err != nil {
			return Evidence{}, err
		}
		w.commit(c.Author.user(), c.Committer.user(), c.Commit.Author, c.Commit.Committer, c.Commit.Message)
	}
	e.Authors = w.list
	return e, nil
}

// fifty asks for as much as a server gives in its default configuration.
func fifty() url.Values { return url.Values{"limit": {"50"}} }
