package forge

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/accordhq/accord/connectors/rest"
)

// opinion is what a review says of the request as a whole.
type opinion int

const (
	remarks   opinion = iota // a comment: what was said before still holds
	approves                 // an approval
	refuses                  // changes are wanted
	dismissed                // an opinion that was taken back, by them or for them
	awaited                  // their opinion was asked for again
)

// review is one review, in the words that the forges share.
type review struct {
	id     int64
	by     User
	says   opinion
	at     time.Time
	commit string
}

// standing finds the approvals that stand: of everybody the last opinion, if it is an approval
// of a known commit at a known time; by login. passed tells of the others who once approved.
func standing(all []review) (out []Approval, passed []string) {
	slices.SortStableFunc(all, func(a, b review) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	last := map[int64]review{}
	once := map[int64]bool{}
	for _, r := range all {
		once[r.by.ID] = once[r.by.ID] || r.says == approves || r.says == dismissed
		if r.says != remarks {
			last[r.by.ID] = r
		}
	}
	for _, r := range last {
		why := ""
		switch {
		case !once[r.by.ID]:
			continue
		case r.by.Login == "":
			why = "the account is gone"
		case r.says == dismissed:
			why = "their review was dismissed"
		case r.says == refuses:
			why = "changes were requested since"
		case r.says == awaited:
			why = "another review was asked for since"
		case r.commit == "" || r.at.IsZero():
			why = "the forge doesn't say for which commit, or when"
		default:
			out = append(out, Approval{By: r.by, At: r.at.UTC(), Commit: r.commit})
			continue
		}
		passed = append(passed, fmt.Sprintf("%s: %s", cmp.Or(r.by.Login, "somebody"), why))
	}
	slices.SortFunc(out, func(a, b Approval) int { return strings.Compare(a.By.Login, b.By.Login) })
	slices.Sort(passed)
	return out, passed
}

// writers gathers who wrote a change, each account and each address once.
type writers struct {
	list []User
	seen map[User]bool
}

func newWriters(opened User) *writers {
	w := &writers{seen: map[User]bool{}}
	w.add(opened)
	return w
}

func (w *writers) add(u User) {
	if (u.Login != "" || u.Email != "") && !w.seen[u] {
		w.seen[u] = true
		w.list = append(w.list, u)
	}
}

// commit takes a commit's author and committer, as accounts and by their addresses, and whom its
// message names beside them.
func (w *writers) commit(author, committer User, git, gitCommitter *gitAuthor, message string) {
	w.add(author)
	w.add(committer)
	for _, a := range []*gitAuthor{git, gitCommitter} {
		if a != nil {
			w.add(User{Email: a.Email})
		}
	}
	for line := range strings.Lines(message) {
		key, rest, _ := strings.Cut(line, ":")
		_, rest, _ = strings.Cut(rest, "<")
		if email, _, ok := strings.Cut(rest, ">"); ok && strings.EqualFold(strings.TrimSpace(key), "Co-authored-by") {
			w.add(User{Email: strings.TrimSpace(email)})
		}
	}
}

// addresses fills in the address of everybody in the evidence who has an account.
func addresses(ctx context.Context, e *Evidence, of func(context.Context, User) (string, error)) error {
	known := map[int64]string{}
	fill := func(u *User) error {
		if u.Login == "" || u.Email != "" {
			return nil
		}
		email, ok := known[u.ID]
		if !ok {
			var err error
			if email, err = of(ctx, *u); err != nil {
				return err
			}
			known[u.ID] = email
		}
		u.Email = email
		return nil
	}
	for i := range e.Approvals {
		if err := fill(&e.Approvals[i].By); err != nil {
			return err
		}
	}
	for i := range e.Authors {
		if err := fill(&e.Authors[i]); err != nil {
			return err
		}
	}
	return nil
}

// commentsOf lists comments of a request whose number may have to be found first.
func commentsOf[T any](ctx context.Context, c *caller, find func(context.Context, string) ([]int, error), to func(T) Comment, list func(n string) ask) iter.Seq2[Comment, error] {
	return func(yield func(Comment, error) bool) {
		n, err := c.request(ctx, find)
		if err != nil {
			yield(Comment{}, err)
			return
		}
		for row, err := range pages[T](ctx, c, list(n)) {
			if !yield(to(row), err) || err != nil {
				return
			}
		}
	}
}

// unlessGone drops the error of deleting what isn't there.
func unlessGone(err error) error {
	if rest.NotFound(err) {
		return nil
	}
	return err
}

func decimal(id int64) string { return strconv.FormatInt(id, 10) }

func short(commit string) string { return commit[:min(len(commit), 8)] }
