package repo

import (
	"context"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// skew is how far the clocks of two committers may be apart before a merge isn't found.
const skew = 24 * time.Hour

// merges tells, for commits that aren't on the branch's first-parent line themselves, which
// commit of that line brought them in: the oldest one that they are ancestors of.
//
// The line is followed from the head to a little before the oldest commit asked for; then, from
// old to new, each merge takes all that it brought in and no merge before it had.
func (h *handle) merges(ctx context.Context, head *commit, asked []*commit) (map[plumbing.Hash]*commit, error) {
	wanted := map[plumbing.Hash]bool{}
	oldest := head.time
	for _, c := range asked {
		wanted[c.id] = true
		if c.time.Before(oldest) {
			oldest = c.time
		}
	}
	oldest = oldest.Add(-skew)
	var line []*commit
	seen := map[plumbing.Hash]bool{}
	for c := head; len(wanted) > 0; {
		line = append(line, c)
		seen[c.id] = true
		delete(wanted, c.id)
		if len(c.parents) == 0 || c.time.Before(oldest) {
			break
		}
		var err error
		if c, err = h.next(ctx, c.parents[0]); err != nil {
			return nil, err
		}
	}
	found := map[plumbing.Hash]*commit{}
	for i := len(line) - 1; i >= 0 && len(wanted) > 0; i-- {
		if len(line[i].parents) < 2 {
			continue
		}
		todo := append([]plumbing.Hash(nil), line[i].parents[1:]...)
		for len(todo) > 0 {
			id := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if seen[id] {
				continue
			}
			seen[id] = true
			if wanted[id] {
				found[id] = line[i]
				delete(wanted, id)
			}
			c, err := h.next(ctx, id)
			if err != nil {
				return nil, err
			}
			if !c.time.Before(oldest) {
				todo = append(todo, c.parents...)
			}
		}
	}
	return found, nil
}

func (h *handle) next(ctx context.Context, id plumbing.Hash) (*commit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return h.commit(id)
}
