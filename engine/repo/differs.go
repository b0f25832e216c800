package repo

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"golang.org/x/sync/errgroup"
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
	list, err := r.declared(ctx, rev, policy)
	if errors.Is(err, ErrNotThere) {
		err = nil
	}
	for _, f := range policy {
		more, wrong := r.policies(ctx, rev, []string{f})
		if wrong != nil && !errors.Is(wrong, ErrNotThere) {
			err = errors.Join(err, wrong)
		}
		list = append(list, more...)
	}
	if err != nil {
		return nil, fmt.Errorf("comparing %s with the folder: %w", rev.Short, err)
	}
	return r.differs(ctx, rev, sortFiles(list), policy)
}

// DiffersFrom is Differs by a commit's listing, without policies.
func (r *Repo) DiffersFrom(ctx context.Context, rev Revision, listing *Listing) ([]string, error) {
	if r.git.bare {
		return nil, nil
	}
	return r.differs(ctx, rev, listing.Files(), nil)
}

func (r *Repo) differs(ctx context.Context, rev Revision, committed []File, policy []string) (paths []string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("comparing %s with the folder: %w", rev.Short, err)
		}
	}()
	c, there, err := r.look(ctx, policy)
	if err != nil {
		return nil, err
	}
	var doubtful []File
	for len(committed) > 0 || len(there) > 0 {
		switch {
		case len(there) == 0 || len(committed) > 0 && committed[0].Path < there[0].path:
			if e := c.index[committed[0].Path]; e == nil || !e.SkipWorktree { // a sparse checkout leaves files out
				paths = append(paths, committed[0].Path)
			}
			committed = committed[1:]
		case len(committed) == 0 || there[0].path < committed[0].Path:
			paths = append(paths, there[0].path)
			there = there[1:]
		default:
			if !c.asCommitted(committed[0], there[0].info) {
				doubtful = append(doubtful, committed[0])
			}
			committed, there = committed[1:], there[1:]
		}
	}
	changed, err := changedOnDisk(ctx, r.root, doubtful)
	if err != nil {
		return nil, err
	}
	paths = append(paths, changed...)
	slices.Sort(paths)
	return paths, nil
}

// Folder returns the declarations in the folder on disk, sorted by path, with the names of their
// contents. Those that git's index vouches for aren't read, and have no Data, nor has one that is larger
// than MaxFile.
func (r *Repo) Folder(ctx context.Context) ([]File, error) {
	if r.git.bare {
		return nil, fmt.Errorf("%w: a bare repository has no folder", ErrRefused)
	}
	c, there, err := r.look(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the files in %s: %w", r.root, err)
	}
	list := make([]File, len(there))
	var places []int
	var changed []File
	for i, f := range there {
		list[i].Path = f.path
		if hash, ok := c.vouched(f.path, f.info); ok {
			list[i].Blob = hash.String()
			continue
		}
		places, changed = append(places, i), append(changed, list[i])
	}
	if err := loadDisk(ctx, r.root, changed, MaxFile); err != nil {
		return nil, fmt.Errorf("reading the files in %s: %w", r.root, err)
	}
	for i, at := range places {
		list[at] = changed[i]
	}
	return list, nil
}

// look lists what the folder holds, and reads git's index meanwhile.
func (r *Repo) look(ctx context.Context, policy []string) (*comparison, []onDiskFile, error) {
	c := &comparison{}
	var there []onDiskFile
	group, within := errgroup.WithContext(ctx)
	group.Go(func() error { return r.use(func(h *handle) error { c.readIndex(h, r.prefix); return nil }) })
	group.Go(func() (err error) {
		there, err = diskFiles(within, r.root, policy)
		return err
	})
	return c, there, group.Wait()
}

type comparison struct {
	index   map[string]*indexEntry
	written time.Time // of the index
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

// onDiskFile is a file as it was when its folder was listed.
type onDiskFile struct {
	path string
	info fs.FileInfo
}

// diskFiles lists what the folder holds, sorted by path.
func diskFiles(ctx context.Context, dir string, policy []string) ([]onDiskFile, error) {
	src, err := openAhead(dir)
	if err != nil {
		return nil, err
	}
	defer src.close()
	var found []onDiskFile
	visit := func(p string, info fs.FileInfo) error {
		found = append(found, onDiskFile{p, info})
		return nil
	}
	if err := diskDeclarations(ctx, src, policy, visit); err != nil && !errors.Is(err, ErrNotThere) {
		return nil, err
	}
	for _, f := range policy {
		if err := src.policies(ctx, []string{f}, visit); err != nil && !errors.Is(err, ErrNotThere) {
			return nil, err
		}
	}
	byPath := func(a, b onDiskFile) int { return strings.Compare(a.path, b.path) }
	slices.SortFunc(found, byPath)
	return slices.CompactFunc(found, func(a, b onDiskFile) bool { return a.path == b.path }), nil
}

// vouched is the content of a file of which the index says that it is as git left it.
func (c *comparison) vouched(p string, info fs.FileInfo) (plumbing.Hash, bool) {
	e := c.index[p]
	if e == nil || !c.untouched(e, info) {
		return plumbing.ZeroHash, false
	}
	return e.Hash, true
}

// asCommitted reports whether the index vouches for a file with that content.
func (c *comparison) asCommitted(f File, info fs.FileInfo) bool {
	hash, ok := c.vouched(f.Path, info)
	var name [2 * len(hash)]byte
	hex.Encode(name[:], hash[:])
	return ok && string(name[:]) == f.Blob
}

// changedOnDisk are the files that the folder has otherwise, by their content.
func changedOnDisk(ctx context.Context, dir string, files []File) ([]string, error) {
	var mu sync.Mutex
	var out []string
	err := onDisk(ctx, dir, files, func(ctx context.Context, src *diskSource, part []File) error {
		for _, f := range part {
			if err := ctx.Err(); err != nil {
				return err
			}
			same, err := sameContent(src, f.Path, f.Blob)
			if err != nil {
				return fmt.Errorf("%s: %w", f.Path, err)
			}
			if !same {
				mu.Lock()
				out = append(out, f.Path)
				mu.Unlock()
			}
		}
		return nil
	})
	return out, err
}

func sameContent(src *diskSource, p, blob string) (bool, error) {
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
