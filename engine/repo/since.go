package repo

import (
	"context"
	"fmt"
	"slices"
)

// mostSince bounds what Since lists: more than that was never meant.
const mostSince = 1000

// Since lists the commits on the first-parent line of head that past doesn't hold, the oldest
// first: what was merged after it, one by one.
func (r *Repo) Since(ctx context.Context, past, head Revision) ([]Revision, error) {
	var out []Revision
	err := r.use(func(h *handle) error {
		old, err := h.at(past)
		if err != nil {
			return err
		}
		c, err := h.at(head)
		if err != nil {
			return err
		}
		for {
			base, err := h.mergeBase(ctx, c, old)
			if err != nil {
				return err
			}
			if base.id == c.id {
				return nil
			}
			if len(out) == mostSince {
				return fmt.Errorf("they are more than %d", mostSince)
			}
			out = append(out, c.revision(""))
			if c, err = h.parent(c, 1); err != nil {
				return err
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listing the commits since %s up to %s: %w", past.Short, head.Short, err)
	}
	slices.Reverse(out)
	return out, nil
}
