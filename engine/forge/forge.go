package forge

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Kind is a kind of forge.
type Kind string

// The forges. Forgejo speaks Gitea's API.
const (
	GitHub  Kind = "github"
	GitLab  Kind = "gitlab"
	Gitea   Kind = "gitea"
	Forgejo Kind = "forgejo"
)

// Kinds lists the forges.
func Kinds() []Kind { return []Kind{GitHub, GitLab, Gitea, Forgejo} }

// ErrNoRequest says that there is no merge request to speak of.
var ErrNoRequest = errors.New("no merge request")

// Forge is one merge request on one forge. Every call asks the forge anew; errors name what was
// being done, and the right that the token lacks where that is why. What can't be read whole is
// an error (connectors.ErrIncomplete), never a shorter answer.
type Forge interface {
	// Host names the forge, as github.com.
	Host() string
	// Limit is how long a comment may be, in bytes.
	Limit() int
	// Request reads the merge request.
	Request(context.Context) (Request, error)
	// Requests yields the merge requests of the repository that are open, in any order. It ends
	// with the first error.
	Requests(context.Context) iter.Seq2[Request, error]
	// Self is who the token acts for; known is false where a token of its kind isn't told.
	Self(context.Context) (self User, known bool, err error)
	// Comments yields the comments of the request, all of them, in any order. It ends with the
	// first error.
	Comments(context.Context) iter.Seq2[Comment, error]
	// Post writes a new comment and returns it. If it isn't known whether it was written, the
	// error is connectors.ErrOutcomeUnknown, and it isn't tried again.
	Post(ctx context.Context, body string) (Comment, error)
	// Edit replaces the body of a comment; ErrGone if there is no such comment any more.
	Edit(ctx context.Context, id int64, body string) error
	// Remove deletes a comment; one that isn't there is no error.
	Remove(ctx context.Context, id int64) error
	// SetStatus sets the status of a commit under its context, in the place of an earlier one.
	SetStatus(ctx context.Context, commit string, s Status) error
	// Evidence collects who approves the request as it stands, and who wrote it.
	Evidence(context.Context) (Evidence, error)
	// Close frees connections.
	Close()
}

// ErrGone says that a comment isn't there any more.
var ErrGone = errors.New("the comment is gone")

// Request is a merge request.
type Request struct {
	Number int
	// Head is the commit on top, Base the tip of the branch that it is for, as far as the forge
	// says; both full ids.
	Head, Base string
	// Into is the branch that it is for; Open says that it is neither merged nor closed.
	Into string
	Open bool
	// Author opened it.
	Author User
	// MergedAs is the commit that it became; "" while it isn't merged.
	MergedAs string
	URL      string
}

// User is somebody on the forge. One who is known by an address alone has no ID and no Login.
type User struct {
	ID    int64
	Login string
	// Email is an address that the forge shows for them; "" if it shows none.
	Email string
	// Bot marks an account of the forge itself or of an app, under which no person can write.
	Bot bool
}

// is reports whether both are the same account.
func (u User) is(o User) bool { return u.ID == o.ID && u.Login != "" && o.Login != "" }

// Comment is a comment of the request.
type Comment struct {
	ID     int64
	Author User
	Body   string
	URL    string
}

// State is the state of a status.
type State string

// The states. StateError says that there is no result, StateFailure that it is a bad one.
const (
	StatePending State = "pending"
	StateSuccess State = "success"
	StateFailure State = "failure"
	StateError   State = "error"
)

// Status is a status of a commit.
type Status struct {
	// Context tells statuses of one commit apart: "accord/plan".
	Context string
	State   State
	// Text is cut to what the forge takes.
	Text string
	// Link leads to more; "" or a URL of http or https.
	Link string
}

// Evidence is what a forge says of who approves a request.
type Evidence struct {
	Request   Request
	Approvals []Approval
	// Authors are all whom the forge names as authors of the change: who opened the request,
	// and who wrote or committed its commits, by account, by address, or both.
	Authors []User
	// Passed tells of approvals that don't count, and why: "ben: it was dismissed".
	Passed []string
}

// Approval is somebody's that stands.
type Approval struct {
	By User
	At time.Time
	// Commit is what was approved, a full id.
	Commit string
}
