package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// Differs returns the paths, sorted, at which the folder on disk differs from the commit:
// declarations, and all files below the policy folders. It serves to tell people that what they
// see isn't what is planned; nothing is decided by it.
//
// Like git it trusts the index about files whose size and time haven't changed since, and reads
// only the others. Line ends that a checkout converted are no difference. A bare repository has
// no folder, and so no difference.
func (r *Repo) Differs(ctx context.Context, rev Revision, policy ...string) ([]string, error) {
	if r.git.bare {
		return nil, nil
	}
	paths, err := r.differs(ctx, rev, policy)
	if err != nil {
		return nil, fmt.Errorf("comparing %s with the folder: %w", rev.Short, err)
	}
	return paths, nil
}

func (r *Repo) differs(ctx context.Context, rev Revision, policy []string) ([]string, error) {
	list, err := r.declared(ctx, rev, policy)
	if err != nil && !errors.Is(err, ErrNotThere) {
		return nil, err
	}
	for _, f := range policy {
		more, err := r.policies(ctx, rev, []string{f})
		if err != nil && !errors.Is(err, ErrNotThere) {
			return nil, err
		}
		list = append(list, more...)
	}
	committed := make(map[string]string, len(list))
	for _, f := range list {
		committed[f.Path] = f.Blob
	}
	c := comparison{committed: committed}
	if err := r.use(func(h *handle) error { c.readIndex(h, r.prefix); return nil }); err != nil {
		return nil, err
	}
	if err := c.disk(ctx, r.root, policy); err != nil {
		return nil, err
	}
	for p := range c.committed { // what is left isn't on disk
		if e := c.index[p]; e == nil || !e.SkipWorktree { // a sparse checkout leaves files out
			c.paths = append(c.paths, p)
		}
	}
	slices.Sort(c.paths)
	return slices.Compact(c.paths), nil
}

type comparison struct {
	committed map[string]string // path → blob; what the folder has is taken out
	index     map[string]*indexEntry
	written   time.Time // of the index
	paths     []string
}

// indexEntry is what git remembers of a file that it checked out.
type indexEntry = index.Entry

// readIndex reads git's index. Without it, or if it is of a kind that go-git can't read, all
// files are read instead.
func (c *comparison) readIndex(h *handle, prefix string) {
	info, err := os.Stat(filepath.Join(h.git.dot, "index"))
	if err != nil {
		return
	}
	idx, err := h.main.Index()
	if err != nil {
		return
	}
	c.written = info.ModTime()
	c.index = make(map[string]*indexEntry, len(idx.Entries))
	if prefix != "" {
		prefix += "/"
	}
	for _, e := range idx.Entries {
		if len(e.Name) > len(prefix) && e.Name[:len(prefix)] == prefix {
			c.index[e.Name[len(prefix):]] = e
		}
	}
}

func (c *comparison) disk(ctx context.Context, dir string, policy []string) error {
	src, err := openDisk(dir)
	if err != nil {
		return err
	}
	defer src.close()
	var paths []string
	visit := func(p string) error { paths = append(paths, p); return nil }
	if err := src.declarations(ctx, policy, visit); err != nil && !errors.Is(err, ErrNotThere) {
		return err
	}
	for _, f := range policy {
		if err := src.policies(ctx, []string{f}, visit); err != nil && !errors.Is(err, ErrNotThere) {
			return err
		}
	}
	slices.Sort(paths)
	for _, p := range slices.Compact(paths) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.compare(src, p); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}

func (c *comparison) compare(src *diskSource, p string) error {
	blob, ok := c.committed[p]
	delete(c.committed, p)
	if !ok {
		c.paths = append(c.paths, p)
		return nil
	}
	same, err := c.same(src, p, blob)
	if err == nil && !same {
		c.paths = append(c.paths, p)
	}
	return err
}

func (c *comparison) same(src *diskSource, p, blob string) (bool, error) {
	info, err := src.lstat(p)
	if err != nil {
		return false, err
	}
	if e := c.index[p]; e != nil && e.Hash.String() == blob && c.untouched(e, info) {
		return true, nil
	}
	data, size, err := src.content(p, MaxPolicyFile)
	if err != nil || size > MaxPolicyFile {
		return false, err
	}
	is := func(data []byte) bool { return plumbing.ComputeHash(plumbing.BlobObject, data).String() == blob }
	return is(data) || is(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))), nil
}

// untouched reports whether the file is as git left it. A file that is as young as the index
// may have been changed right after git looked.
func (c *comparison) untouched(e *indexEntry, info os.FileInfo) bool {
	at := info.ModTime()
	if e.ModifiedAt.Nanosecond() == 0 {
		at = at.Truncate(time.Second)
	}
	return e.Stage == 0 && // no conflict (index.Merged is 1, and wrong)
		!e.IntentToAdd && e.Size == uint32(info.Size()) && e.ModifiedAt.Equal(at) && at.Before(c.written)
}
