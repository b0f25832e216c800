package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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

// newCommit is a commit that isn't anywhere yet, with the objects that come with it.
type newCommit struct {
	id      plumbing.Hash
	objects []plumbing.EncodedObject
}

func (c *newCommit) add(t plumbing.ObjectType, b []byte) (plumbing.Hash, error) {
	o := &plumbing.MemoryObject{}
	o.SetType(t)
	if _, err := o.Write(b); err != nil {
		return plumbing.ZeroHash, err
	}
	c.objects = append(c.objects, o)
	return o.Hash(), nil
}

// build makes the commit that adds lines behind a commit.
func (h *journalHandle) build(parent plumbing.Hash, lines []byte, m message) (*newCommit, error) {
	// open holds the last tree of each level; the name of the next one down isn't in it yet.
	open := make([][]treeEntry, treeDepth)
	if !parent.IsZero() {
		c, err := h.commitOf(parent)
		if err != nil {
			return nil, err
		}
		tree := c.tree
		for i := range open {
			entries, err := h.level(tree, i+1)
			if err != nil {
				return nil, err
			}
			tree = entries[len(entries)-1].id
			if i < treeDepth-1 {
				entries = entries[:len(entries)-1]
			}
			open[i] = slices.Clone(entries)
		}
	}
	out := &newCommit{}
	for _, segment := range cutSegments(lines) {
		blob, err := out.add(plumbing.BlobObject, segment)
		if err != nil {
			return nil, err
		}
		if err := out.put(open, blob); err != nil {
			return nil, err
		}
	}
	tree, err := out.top(open)
	if err != nil {
		return nil, err
	}
	c := &object.Commit{Author: m.by, Committer: m.by, Message: m.text, TreeHash: tree}
	if !parent.IsZero() {
		c.ParentHashes = []plumbing.Hash{parent}
	}
	o := &plumbing.MemoryObject{}
	if err := c.Encode(o); err != nil {
		return nil, fmt.Errorf("writing a commit: %w", err)
	}
	out.id, out.objects = o.Hash(), append(out.objects, o)
	return out, nil
}

// put adds a segment to the last trees, once those that are full have found their place above.
func (c *newCommit) put(open [][]treeEntry, blob plumbing.Hash) error {
	last := treeDepth - 1
	for i := last; len(open[i]) == perTree; i-- {
		if i == 0 {
			return errors.New("the journal has as many segments as there can be")
		}
		id, err := c.writeTree(open[i])
		if err != nil {
			return err
		}
		open[i], open[i-1] = nil, hang(open[i-1], i, id)
	}
	open[last] = hang(open[last], treeDepth, blob)
	return nil
}

// hang adds the next name to a tree at a depth.
func hang(entries []treeEntry, depth int, id plumbing.Hash) []treeEntry {
	e := segmentEntry(len(entries), depth)
	e.id = id
	return append(entries, e)
}

// top writes the last trees, from the deepest to the root.
func (c *newCommit) top(open [][]treeEntry) (id plumbing.Hash, err error) {
	for i := treeDepth - 1; i >= 0; i-- {
		entries := open[i]
		if i < treeDepth-1 {
			entries = hang(entries, i+1, id)
		}
		if id, err = c.writeTree(entries); err != nil {
			return id, err
		}
	}
	return id, nil
}

func (c *newCommit) writeTree(entries []treeEntry) (plumbing.Hash, error) {
	var b bytes.Buffer
	for _, e := range entries {
		mode := "100644"
		if e.mode == filemode.Dir {
			mode = "40000"
		}
		b.WriteString(mode + " " + e.name + "\x00")
		b.Write(e.id[:])
	}
	return c.add(plumbing.TreeObject, b.Bytes())
}

// cutSegments cuts whole lines into segments, between lines.
func cutSegments(lines []byte) [][]byte {
	var out [][]byte
	for len(lines) > segmentSize {
		end := bytes.LastIndexByte(lines[:segmentSize], '\n') + 1
		if end == 0 { // a long line, in a segment of its own
			end = segmentSize + bytes.IndexByte(lines[segmentSize:], '\n') + 1
		}
		out, lines = append(out, lines[:end]), lines[end:]
	}
	if len(lines) > 0 {
		out = append(out, lines)
	}
	return out
}

// keep writes the objects of a commit into the repository, or at least into memory.
func (h *journalHandle) keep(c *newCommit) error {
	for _, o := range c.objects {
		if _, err := h.main.SetEncodedObject(o); err != nil {
			err = fmt.Errorf("writing %s %s: %w", o.Type(), o.Hash(), err)
			for _, o := range c.objects {
				if _, e := h.fresh.SetEncodedObject(o); e != nil {
					return errors.Join(err, e)
				}
			}
			return err
		}
	}
	return nil
}

// ref reads a ref of the repository itself; zero if there is none.
func (h *journalHandle) ref(name string) (plumbing.Hash, error) {
	r, err := h.main.Reference(plumbing.ReferenceName(name))
	switch {
	case errors.Is(err, plumbing.ErrReferenceNotFound):
		return plumbing.ZeroHash, nil
	case err != nil:
		return plumbing.ZeroHash, fmt.Errorf("reading %s: %w", name, err)
	case r.Type() != plumbing.HashReference:
		return plumbing.ZeroHash, fmt.Errorf("%s points to another ref", name)
	}
	return r.Hash(), nil
}

// remember moves the repository's own ref to what was seen, unless another process has seen
// more. Where the repository can't be written to, less is remembered, and all is fetched again.
func (h *journalHandle) remember(name string, seen, before plumbing.Hash) {
	_ = h.move(name, before, seen)
}

// move moves a ref of the repository itself, as git does: who makes NAME.lock may write. It
// fails with ErrMoved if the ref isn't where it is expected, or is being moved.
func (h *journalHandle) move(name string, from, to plumbing.Hash) (err error) {
	path := filepath.Join(h.git.common, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(path+".lock", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s.lock is there; if no git is at work, remove it", journal.ErrMoved, path)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path+".lock"))
		}
	}()
	_, err = io.WriteString(f, to.String()+"\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	at, err := h.ref(name)
	if err != nil {
		return err
	}
	if at != from {
		return fmt.Errorf("%w: %s is at %.12s", journal.ErrMoved, name, at)
	}
	return os.Rename(path+".lock", path)
}
