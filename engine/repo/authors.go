package repo

import (
	"container/heap"
	"context"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Author is somebody who wrote a commit, or is named by it as somebody who did.
type Author struct {
	Name, Email string
}

// maxAuthored is how many commits Authors looks at.
const maxAuthored = 10_000

// Authors tells who wrote what head has and base has not: the authors of those commits and
// whoever a Co-authored-by line names, each once, the newest first. What a merge commit says
// counts as well: it may hold changes of its own.
func (r *Repo) Authors(ctx context.Context, base, head Revision) ([]Author, error) {
	var out []Author
	err := r.use(func(h *handle) error {
		from, err := h.at(base)
		if err != nil {
			return err
		}
		to, err := h.at(head)
		if err != nil {
			return err
		}
		out, err = h.authors(ctx, from, to)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("finding who wrote %s..%s: %w", base.Short, head.Short, err)
	}
	return out, nil
}

// authors walks back from both, newest first, until only what base has is left. Where clocks are
// off it may take somebody too many for an author of the change, never miss one.
func (h *handle) authors(ctx context.Context, base, head *commit) ([]Author, error) {
	marks := map[plumbing.Hash]int{}
	queue := &byTime{}
	push := func(c *commit, mark int) {
		if marks[c.id]|mark != marks[c.id] {
			marks[c.id] |= mark
			heap.Push(queue, c)
		}
	}
	push(base, stale)
	push(head, fromA)
	var seen []*commit
	listed := map[plumbing.Hash]bool{}
	for queue.live(marks) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c := heap.Pop(queue).(*commit)
		mark := marks[c.id]
		if mark&stale == 0 && !listed[c.id] {
			listed[c.id] = true
			if seen = append(seen, c); len(seen) > maxAuthored {
				return nil, fmt.Errorf("%w: more than %d commits lie between", ErrRefused, maxAuthored)
			}
		}
		for _, id := range c.parents {
			parent, err := h.commit(id)
			if err != nil {
				return nil, err
			}
			push(parent, mark)
		}
	}
	var out []Author
	known := map[Author]bool{}
	add := func(a Author) {
		if !known[a] {
			known[a] = true
			out = append(out, a)
		}
	}
	for _, c := range seen {
		if marks[c.id]&stale != 0 {
			continue
		}
		add(Author{c.author, c.email})
		for _, a := range c.others {
			add(a)
		}
	}
	return out, nil
}

// coAuthors reads the Co-authored-by lines of a message.
func coAuthors(message string) []Author {
	var out []Author
	for line := range strings.Lines(message) {
		key, rest, ok := strings.Cut(line, ":")
		if !ok || !strings.EqualFold(strings.TrimSpace(key), "Co-authored-by") {
			continue
		}
		name, email, ok := strings.Cut(rest, "<")
		if email, _, closed := strings.Cut(email, ">"); ok && closed {
			out = append(out, Author{oneLine(name), oneLine(email)})
		}
	}
	return out
}
