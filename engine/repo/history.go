package repo

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// ErrNoMergeBase: the two commits have no ancestor in common.
var ErrNoMergeBase = errors.New("no common ancestor")

// MergeBase returns the best common ancestor of two commits: one that isn't an ancestor of
// another common ancestor. Of several, as after criss-cross merges, it is the newest.
func (r *Repo) MergeBase(ctx context.Context, a, b Revision) (Revision, error) {
	var out Revision
	err := r.use(func(h *handle) error {
		ca, err := h.at(a)
		if err != nil {
			return err
		}
		cb, err := h.at(b)
		if err != nil {
			return err
		}
		best, err := h.mergeBase(ctx, ca, cb)
		if err == nil {
			out = best.revision("")
		}
		return err
	})
	if err != nil {
		return out, fmt.Errorf("finding where %s and %s part: %w", a.Short, b.Short, err)
	}
	return out, nil
}

// The marks of a commit: reached from the one side, from the other, and known to be an ancestor
// of a common ancestor.
const (
	fromA = 1 << iota
	fromB
	stale
)

// mergeBase goes back in time from both sides at once. A commit that is reached from both is a
// common ancestor; everything before it is stale. It ends when only stale commits are left. If
// it found several it goes on to the end: with clocks that are off, one may turn out to be an
// ancestor of another.
func (h *handle) mergeBase(ctx context.Context, a, b *commit) (*commit, error) {
	marks := map[plumbing.Hash]int{}
	queue := &byTime{}
	push := func(c *commit, mark int) {
		if marks[c.id]|mark != marks[c.id] {
			marks[c.id] |= mark
			heap.Push(queue, c)
		}
	}
	push(a, fromA)
	push(b, fromB)
	var found []*commit
	cut := false
	for queue.live(marks) || len(found) > 1 && len(*queue) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c := heap.Pop(queue).(*commit)
		mark := marks[c.id]
		if mark == fromA|fromB {
			found = append(found, c)
			mark |= stale
		}
		cut = cut || h.shallow[c.id]
		for _, id := range c.parents {
			if marks[id]|mark == marks[id] {
				continue
			}
			parent, err := h.commit(id)
			if err != nil {
				return nil, err
			}
			push(parent, mark)
		}
	}
	found = slices.DeleteFunc(found, func(c *commit) bool { return marks[c.id]&stale != 0 })
	if len(found) == 0 && cut {
		return nil, fmt.Errorf("%w: its history ends before the two meet; git fetch --unshallow brings the rest", ErrShallow)
	}
	if len(found) == 0 {
		return nil, ErrNoMergeBase
	}
	return slices.MinFunc(found, newestFirst), nil
}

func newestFirst(a, b *commit) int {
	if c := b.time.Compare(a.time); c != 0 {
		return c
	}
	return bytes.Compare(a.id[:], b.id[:])
}

// byTime is a heap of commits, the newest first.
type byTime []*commit

func (q byTime) Len() int           { return len(q) }
func (q byTime) Less(i, j int) bool { return newestFirst(q[i], q[j]) < 0 }
func (q byTime) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push adds a commit, for container/heap.
func (q *byTime) Push(c any) { *q = append(*q, c.(*commit)) }

// Pop takes the last commit, for container/heap.
func (q *byTime) Pop() any {
	old := *q
	c := old[len(old)-1]
	*q = old[:len(old)-1]
	return c
}

// live reports whether any commit in the queue isn't stale.
func (q byTime) live(marks map[plumbing.Hash]int) bool {
	return slices.ContainsFunc(q, func(c *commit) bool { return marks[c.id]&stale == 0 })
}
