package repo

import (
	"context"
	"fmt"
)

// ForkPoint finds where a commit that head holds, or that was rebased or squashed into it, left the
// line of first parents that leads to head: the commit that a merge request for it was a change
// of. There is none for a commit of that line itself: where it began can't be told then.
func (r *Repo) ForkPoint(ctx context.Context, head, of Revision) (fork Revision, ok bool, err error) {
	err = r.use(func(h *handle) error {
		c, err := h.at(of)
		if err != nil {
			return err
		}
		line, err := h.at(head)
		if err != nil {
			return err
		}
		for n := 0; ; n++ {
			in, err := h.ancestor(ctx, c, line)
			if err != nil {
				return err
			}
			if !in {
				break
			}
			if line.id == c.id || len(line.parents) == 0 || n == mostSince {
				return nil
			}
			if line, err = h.parent(line, 1); err != nil {
				return err
			}
		}
		base, err := h.mergeBase(ctx, line, c)
		if err != nil {
			return err
		}
		if fork, ok = base.revision(""), base.id != c.id; !ok {
			fork = Revision{}
		}
		return nil
	})
	if err != nil {
		return Revision{}, false, fmt.Errorf("finding where %.7s was a change of: %w", of.Hash, err)
	}
	return fork, ok, nil
}
