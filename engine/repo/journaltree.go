package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/accordhq/accord/engine/journal"
)

// Limits on what is read of a journal, in bytes, and how it is cut into segments.
const (
	// segmentSize is from where lines go into a further segment; one line is never cut.
	segmentSize = 4 << 20
	// maxSegment is how large a segment may be, which is a matter of its longest line: a unit of
	// half a million changes fits.
	maxSegment = 256 << 20
	// maxJournal is how large a journal may be.
	maxJournal = 4 << 30
	// perTree is how many names a tree holds, treeDepth how deep the trees are.
	perTree   = 1000
	treeDepth = 3
)

// errNoJournal: the ref holds something else than a journal.
var errNoJournal = fmt.Errorf("%w: its tree isn't that of a journal", journal.ErrBroken)

// journalHandle reads and writes the objects of a journal.
type journalHandle struct {
	*handle
	fresh *memory.Storage // objects that the repository doesn't have
}

// bytes reads an object, checked against its id.
func (h *journalHandle) bytes(t plumbing.ObjectType, id plumbing.Hash, limit int64) ([]byte, error) {
	o, err := h.fresh.EncodedObject(t, id)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		o, err = h.object(t, id)
	}
	if err != nil {
		return nil, err
	}
	if o.Size() > limit {
		return nil, fmt.Errorf("reading %s %s: it has %d bytes, more than the %d that are read", t, id, o.Size(), limit)
	}
	return content(o, id)
}

func (h *journalHandle) entries(id plumbing.Hash) ([]treeEntry, error) {
	b, err := h.bytes(plumbing.TreeObject, id, 1<<20)
	if err != nil {
		return nil, err
	}
	t, err := parseTree(b)
	if err != nil {
		return nil, fmt.Errorf("reading tree %s: %w", id, err)
	}
	return t, nil
}

// level reads one tree of a journal: its names are 000, 001 and so on, without a gap.
func (h *journalHandle) level(id plumbing.Hash, depth int) ([]treeEntry, error) {
	entries, err := h.entries(id)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 || len(entries) > perTree {
		return nil, errNoJournal
	}
	for i, e := range entries {
		if want := segmentEntry(i, depth); e.name != want.name || e.mode != want.mode {
			return nil, errNoJournal
		}
	}
	return entries, nil
}

func segmentEntry(i, depth int) treeEntry {
	if depth == treeDepth {
		return treeEntry{mode: filemode.Regular, name: fmt.Sprintf("%03d.jsonl", i)}
	}
	return treeEntry{mode: filemode.Dir, name: fmt.Sprintf("%03d", i)}
}

// journalCommit is what is needed of a commit of a journal.
type journalCommit struct {
	tree   plumbing.Hash
	parent plumbing.Hash // zero: it is the first
}

func (h *journalHandle) commitOf(id plumbing.Hash) (journalCommit, error) {
	b, err := h.bytes(plumbing.CommitObject, id, 1<<20)
	if err != nil {
		return journalCommit{}, err
	}
	o := &plumbing.MemoryObject{}
	o.SetType(plumbing.CommitObject)
	if _, err := o.Write(b); err != nil {
		return journalCommit{}, err
	}
	c, err := object.DecodeCommit(nil, o)
	if err != nil {
		return journalCommit{}, fmt.Errorf("reading commit %s: %w", id, err)
	}
	out := journalCommit{tree: c.TreeHash}
	switch len(c.ParentHashes) {
	case 0:
	case 1:
		out.parent = c.ParentHashes[0]
	default:
		return out, fmt.Errorf("%w: commit %s has more than one parent", journal.ErrBroken, id)
	}
	return out, nil
}

// lines reads the whole journal at a commit.
func (h *journalHandle) lines(ctx context.Context, id plumbing.Hash) ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	c, err := h.commitOf(id)
	if err != nil {
		return nil, err
	}
	var out []byte
	err = h.segments(c.tree, 1, func(blob plumbing.Hash) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := h.bytes(plumbing.BlobObject, blob, min(maxSegment, maxJournal-int64(len(out))))
		if err != nil {
			return err
		}
		if len(b) == 0 || b[len(b)-1] != '\n' {
			return fmt.Errorf("%w: segment %s doesn't end with a line", journal.ErrBroken, blob)
		}
		out = append(out, b...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the journal at %.12s: %w", id, err)
	}
	return out, nil
}

// segments goes through the segments below a tree, in order. All trees but the last are full.
func (h *journalHandle) segments(tree plumbing.Hash, depth int, do func(plumbing.Hash) error) error {
	entries, err := h.level(tree, depth)
	if err != nil {
		return err
	}
	for i, e := range entries {
		if depth == treeDepth {
			err = do(e.id)
		} else {
			err = h.full(e.id, depth+1, i < len(entries)-1, do)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *journalHandle) full(tree plumbing.Hash, depth int, must bool, do func(plumbing.Hash) error) error {
	if must {
		if entries, err := h.entries(tree); err != nil || len(entries) != perTree {
			return errors.Join(err, errNoJournal)
		}
	}
	return h.segments(tree, depth, do)
}

// grown checks that one commit goes on from another, commit by commit, and that it has all its
// segments.
func (h *journalHandle) grown(ctx context.Context, from, to plumbing.Hash) error {
	if from.IsZero() {
		return nil
	}
	for at := to; at != from; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if at.IsZero() {
			return fmt.Errorf("%w: it doesn't go on from %.12s, which was seen here before", journal.ErrRewound, from)
		}
		c, err := h.commitOf(at)
		if err != nil {
			return err
		}
		at = c.parent
	}
	before, err := h.commitOf(from)
	if err != nil {
		return err
	}
	after, err := h.commitOf(to)
	if err != nil {
		return err
	}
	return h.begins(before.tree, after.tree, 1)
}

// begins checks that a tree begins with all that another holds.
func (h *journalHandle) begins(before, after plumbing.Hash, depth int) error {
	if before == after {
		return nil
	}
	was, err := h.level(before, depth)
	if err != nil {
		return err
	}
	is, err := h.level(after, depth)
	if err != nil {
		return err
	}
	last := len(was) - 1
	if depth == treeDepth {
		last++
	}
	if len(is) < len(was) || !slices.Equal(was[:last], is[:last]) {
		return fmt.Errorf("%w: segments that were seen before were changed or taken out", journal.ErrRewound)
	}
	if depth == treeDepth {
		return nil
	}
	return h.begins(was[last].id, is[last].id, depth+1)
}

// sound checks every commit from the first on.
func (h *journalHandle) sound(ctx context.Context, head plumbing.Hash) error {
	for at := head; !at.IsZero(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := h.commitOf(at)
		if err != nil {
			return err
		}
		if !c.parent.IsZero() {
			before, err := h.commitOf(c.parent)
			if err != nil {
				return err
			}
			if err := h.begins(before.tree, c.tree, 1); err != nil {
				return fmt.Errorf("commit %.12s: %w", at, err)
			}
		}
		at = c.parent
	}
	return nil
}
