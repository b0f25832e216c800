package repo

import (
	"bytes"
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

	"github.com/accordhq/accord/engine/journal"
)

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
