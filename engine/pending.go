package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/repo"
)

// Pending lists the commits that wait to be applied, the oldest first: those on the first-parent
// line of src.Rev, each of which a merge request became, since the commit from which the next
// change counts. The commit of src.Rev is always the last of them, so that what failed is tried
// again. Where nothing was applied yet it is the only one.
//
// Applied one after the other, each is judged by the settings that were agreed to before it, and
// by its own approvals. Applied all at once they would be one change, which nobody approved.
func (e *Engine) Pending(ctx context.Context, src Source) ([]repo.Revision, error) {
	root, err := repo.FindRoot(src.Dir)
	if err != nil {
		return nil, err
	}
	git, err := repo.Open(root)
	if err != nil {
		return nil, err
	}
	list, err := e.pending(ctx, git, src)
	return list, errors.Join(err, git.Close())
}

func (e *Engine) pending(ctx context.Context, git *repo.Repo, src Source) ([]repo.Revision, error) {
	head, err := git.Resolve(ctx, src.Rev)
	if err != nil {
		return nil, err
	}
	store, err := e.JournalStore(ctx, src)
	if err != nil {
		return nil, err
	}
	j, err := journal.OpenReadOnly(ctx, store)
	if err != nil {
		return nil, err
	}
	last, ok := agreed(j.Memory())
	if !ok {
		return []repo.Revision{head}, nil
	}
	past, err := git.Resolve(ctx, last)
	if err != nil {
		return nil, fmt.Errorf("the last applied revision %.8s: %w; git fetch --unshallow brings the whole history", last, err)
	}
	list, err := git.Since(ctx, past, head)
	if err != nil || len(list) > 0 {
		return list, err
	}
	return []repo.Revision{head}, nil
}

// agreed is the commit whose judging settings hold by the journal, from which the next change
// counts.
func agreed(m journal.Memory) (string, bool) {
	if rev, _, known := m.Settings(); known {
		return rev, rev != ""
	}
	rev, _, ok := m.LastRevision()
	return rev, ok
}
