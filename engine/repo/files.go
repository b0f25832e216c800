package repo

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"golang.org/x/sync/errgroup"
)

// Files returns the declarations of a commit, sorted by path. Folders to leave out, such as
// those of policies, are given relative to the access root. If the commit has no access root,
// or no accord.yaml in it, the error is ErrNotThere.
func (r *Repo) Files(ctx context.Context, rev Revision, leaveOut ...string) ([]File, error) {
	list, err := r.declared(ctx, rev, leaveOut)
	if err == nil {
		err = r.load(ctx, list, MaxFile)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the files of %s: %w", rev.Short, err)
	}
	return list, nil
}

// FilesBut is Files without the content of those that the caller has: of them Data is nil and Size
// is 0.
func (r *Repo) FilesBut(ctx context.Context, rev Revision, listing *Listing, has func(path, blob string) bool) ([]File, error) {
	list := slices.Clone(listing.Files)
	var places []int
	var missing []File
	for i, f := range list {
		if !has(f.Path, f.Blob) {
			places, missing = append(places, i), append(missing, f)
		}
	}
	if err := r.load(ctx, missing, MaxFile); err != nil {
		return nil, fmt.Errorf("reading the files of %s: %w", rev.Short, err)
	}
	for i, at := range places {
		list[at] = missing[i]
	}
	return list, nil
}

// Text returns one content, nil if it can't be had.
func (r *Repo) Text(blob string) []byte {
	var data []byte
	err := r.use(func(h *handle) (err error) {
		data, err = h.read(plumbing.BlobObject, plumbing.NewHash(blob))
		return err
	})
	if err != nil {
		return nil
	}
	return data
}

// declared lists the declarations without reading them.
func (r *Repo) declared(ctx context.Context, rev Revision, leaveOut []string) (list []File, err error) {
	leaveOut, err = cleanFolders(leaveOut)
	if err != nil {
		return nil, err
	}
	err = r.use(func(h *handle) error {
		src, err := r.source(h, rev)
		if err != nil {
			return err
		}
		w := src.walker(&list)
		w.leaveOut = setOf(leaveOut)
		return w.declarations(ctx, src.root)
	})
	sortFiles(list)
	return list, err
}

// PolicyFiles returns every regular file below the folders, sorted by path: policies and their
// data. A folder that isn't in the commit is ErrNotThere; any symbolic link below it is an error.
func (r *Repo) PolicyFiles(ctx context.Context, rev Revision, folders []string) ([]File, error) {
	list, err := r.policies(ctx, rev, folders)
	if err == nil {
		err = r.load(ctx, list, MaxPolicyFile)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the policies of %s: %w", rev.Short, err)
	}
	return list, nil
}

func (r *Repo) policies(ctx context.Context, rev Revision, folders []string) (list []File, err error) {
	if folders, err = cleanFolders(folders); err != nil {
		return nil, err
	}
	err = r.use(func(h *handle) error {
		src, err := r.source(h, rev)
		if err != nil {
			return err
		}
		w := src.walker(&list)
		w.all = true
		for _, f := range folders {
			e, ok, err := h.find(src.root, f)
			if err != nil {
				return err
			}
			if !ok {
				return fmt.Errorf("%w: folder %s", ErrNotThere, f)
			}
			if e.mode != filemode.Dir {
				return fmt.Errorf("%w: %s isn't a folder", ErrRefused, f)
			}
			if err := w.folder(ctx, f, e.id, 0); err != nil {
				return err
			}
		}
		return nil
	})
	return sortFiles(list), err
}

func compareFiles(a, b File) int { return strings.Compare(a.Path, b.Path) }

// sortFiles sorts by path; a file that two of the named folders hold counts once.
func sortFiles(list []File) []File {
	slices.SortFunc(list, compareFiles)
	return slices.CompactFunc(list, func(a, b File) bool { return a.Path == b.Path })
}

// commitSource lists folders of a commit.
type commitSource struct {
	h    *handle
	root plumbing.Hash
}

func (r *Repo) source(h *handle, rev Revision) (*commitSource, error) {
	c, err := h.at(rev)
	if err != nil {
		return nil, err
	}
	root, err := r.access(h, c)
	return &commitSource{h, root}, err
}

func (s *commitSource) walker(list *[]File) *walker[plumbing.Hash] {
	return &walker[plumbing.Hash]{src: s, visit: func(p string, id plumbing.Hash) error {
		*list = append(*list, File{Path: p, Blob: id.String()})
		return nil
	}}
}

func (s *commitSource) list(_ context.Context, _ string, id plumbing.Hash) ([]entry[plumbing.Hash], error) {
	entries, err := s.h.tree(id)
	if err != nil {
		return nil, err
	}
	out := make([]entry[plumbing.Hash], len(entries))
	for i, e := range entries {
		out[i] = entry[plumbing.Hash]{e.name, kindOf(e.mode), e.id}
	}
	return out, nil
}

func kindOf(m filemode.FileMode) entryKind {
	switch {
	case isFile(m):
		return file
	case m == filemode.Dir:
		return folder
	case m == filemode.Symlink:
		return link
	}
	return other
}

// follow looks where a link leads, link by link; it gives up, with other, where it runs in a
// circle.
func (s *commitSource) follow(_ context.Context, p string, id plumbing.Hash) (entryKind, error) {
	for range 10 {
		target, err := s.h.read(plumbing.BlobObject, id)
		if err != nil {
			return other, err
		}
		to, inside := linked(p, string(target))
		if !inside {
			return other, nil
		}
		if to == "." {
			return folder, nil
		}
		e, ok, err := s.h.find(s.root, to)
		if err != nil || !ok {
			return other, err
		}
		if kind := kindOf(e.mode); kind != link {
			return kind, nil
		}
		p, id = to, e.id
	}
	return other, nil
}

const (
	// batch is how many files a worker takes at a time. Neighbours are often deltas of one
	// another, so they should be read by one handle.
	batch = 256
	// maxWorkers bounds the handles, each of which decodes the pack indexes for itself.
	maxWorkers = 4
)

// load reads the contents.
func (r *Repo) load(ctx context.Context, list []File, limit int64) error {
	var next, total atomic.Int64
	workers := min(maxWorkers, runtime.GOMAXPROCS(0), (len(list)+2*batch-1)/(2*batch))
	group, ctx := errgroup.WithContext(ctx)
	for range workers {
		group.Go(func() error {
			return r.use(func(h *handle) error {
				for {
					end := int(next.Add(batch))
					if end-batch >= len(list) {
						return nil
					}
					if err := h.load(ctx, list[end-batch:min(end, len(list))], limit, &total); err != nil {
						return err
					}
				}
			})
		})
	}
	return group.Wait()
}

func (h *handle) load(ctx context.Context, list []File, limit int64, total *atomic.Int64) error {
	for i := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := &list[i]
		id := plumbing.NewHash(f.Blob)
		o, err := h.object(plumbing.BlobObject, id)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		if f.Size = o.Size(); f.Size > limit {
			continue
		}
		if total.Add(f.Size) > MaxTotal {
			return fmt.Errorf("%w: the files are larger than %d bytes together", ErrRefused, MaxTotal)
		}
		if f.Data, err = content(o, id); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return nil
}
