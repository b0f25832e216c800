package repo

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// maxIdle is how many handles are kept for later; each holds pack indexes and a cache.
const maxIdle = 4

// shortLen is the length of an abbreviated commit id.
const shortLen = 7

// handle is one opening of the repository's storage, for one goroutine at a time.
type handle struct {
	git     gitDir
	cache   cache.Object
	main    *filesystem.Storage
	stores  []*filesystem.Storage // main, then those it borrows from
	shallow map[plumbing.Hash]bool
	renewed bool // the pack indexes were read again for this borrower

	trees    map[plumbing.Hash][]treeEntry
	treeSize int
}

func (h *handle) close() error {
	var errs []error
	for _, s := range h.stores {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// object finds an object in any of the stores.
func (h *handle) object(t plumbing.ObjectType, id plumbing.Hash) (plumbing.EncodedObject, error) {
	for {
		for _, s := range h.stores {
			o, err := s.EncodedObject(t, id)
			if err == nil {
				return o, nil
			}
			if !errors.Is(err, plumbing.ErrObjectNotFound) {
				return nil, fmt.Errorf("reading %s %s: %w", t, id, err)
			}
		}
		if h.renewed {
			return nil, fmt.Errorf("reading %s %s: %w%s", t, id, plumbing.ErrObjectNotFound, h.git.whyMissing())
		}
		// Somebody may have fetched or repacked since the pack indexes were read.
		h.renewed = true
		for _, s := range h.stores {
			s.Reindex()
		}
	}
}

// read returns an object's content, checked against its id.
func (h *handle) read(t plumbing.ObjectType, id plumbing.Hash) ([]byte, error) {
	o, err := h.object(t, id)
	if err != nil {
		return nil, err
	}
	return content(o, id)
}

func content(o plumbing.EncodedObject, id plumbing.Hash) ([]byte, error) {
	r, err := o.Reader()
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", o.Type(), id, err)
	}
	defer r.Close()
	b := make([]byte, o.Size())
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", o.Type(), id, err)
	}
	if hashOf(o, b) != id {
		return nil, fmt.Errorf("reading %s %s: its content doesn't match its id: the git repository is damaged", o.Type(), id)
	}
	return b, nil
}

// hashOf is the id of a content. Of an object in memory go-git makes it of the content, too, and keeps it.
func hashOf(o plumbing.EncodedObject, content []byte) plumbing.Hash {
	if m, ok := o.(*plumbing.MemoryObject); ok {
		return m.Hash()
	}
	return plumbing.ComputeHash(o.Type(), content)
}

// commit is what is needed of a commit.
type commit struct {
	id      plumbing.Hash
	tree    plumbing.Hash
	parents []plumbing.Hash // none behind the end of a shallow clone
	time    time.Time
	author  string
	email   string
	subject string
	others  []Author // whom the message names as authors besides
}

func (h *handle) commit(id plumbing.Hash) (*commit, error) {
	o, err := h.object(plumbing.CommitObject, id)
	if err != nil {
		return nil, err
	}
	c, err := object.DecodeCommit(nil, o)
	if err != nil {
		return nil, fmt.Errorf("reading commit %s: %w", id, err)
	}
	subject, _, _ := strings.Cut(strings.TrimLeft(c.Message, "\n"), "\n")
	out := &commit{
		id: id, tree: c.TreeHash, parents: c.ParentHashes, time: c.Committer.When.UTC(),
		author: oneLine(c.Author.Name), email: oneLine(c.Author.Email), subject: oneLine(subject),
		others: coAuthors(c.Message),
	}
	if h.shallow[id] {
		out.parents = nil
	}
	return out, nil
}

// oneLine makes text from a commit fit to be shown: valid UTF-8 without control characters.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s))
}

func (c *commit) revision(branch string) Revision {
	id := c.id.String()
	return Revision{
		Hash: id, Short: id[:shortLen], Time: c.time,
		Author: c.author, Email: c.email, Subject: c.subject, Branch: branch,
	}
}

// at returns the commit of a Revision.
func (h *handle) at(rev Revision) (*commit, error) {
	if !plumbing.IsHash(rev.Hash) {
		return nil, fmt.Errorf("%w: %q isn't a commit id", ErrUnknownRevision, rev.Hash)
	}
	c, err := h.commit(plumbing.NewHash(rev.Hash))
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		err = fmt.Errorf("%w: commit %s isn't in this clone", ErrUnknownRevision, rev.Hash)
	}
	return c, err
}

// hasCommit fails if there is nothing to resolve at all.
func (h *handle) hasCommit() error {
	if _, err := storer.ResolveReference(h.main, plumbing.HEAD); err == nil {
		return nil
	}
	refs, err := h.main.IterReferences()
	if err != nil {
		return fmt.Errorf("reading refs: %w", err)
	}
	defer refs.Close()
	for {
		ref, err := refs.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: commit the declaration, or read the folder as it is with --worktree", ErrNoCommit)
		}
		if err != nil {
			return fmt.Errorf("reading refs: %w", err)
		}
		if ref.Type() == plumbing.HashReference {
			return nil
		}
	}
}
