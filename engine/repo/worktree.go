package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/errgroup"
)

// FindRoot returns the access root that a folder belongs to: the folder itself or the nearest
// above it that holds an accord.yaml. If there is none the error is ErrNoRoot.
func FindRoot(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", configName, err)
	}
	// A folder that isn't there must not stand for one above it that is.
	if info, err := os.Stat(abs); err != nil {
		return "", fmt.Errorf("looking for %s: %w", configName, err)
	} else if !info.IsDir() {
		return "", fmt.Errorf("looking for %s: %s isn't a folder", configName, abs)
	}
	for at := abs; ; at = filepath.Dir(at) {
		if info, err := os.Stat(filepath.Join(at, configName)); err == nil && info.Mode().IsRegular() {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%w: no %s in %s or above", ErrNoRoot, configName, abs)
		}
	}
}

// Worktree returns the declarations of a folder on disk, by the same rules as Files. Nothing
// outside the folder is ever read.
func Worktree(ctx context.Context, dir string, leaveOut ...string) ([]File, error) {
	files, err := worktree(ctx, dir, MaxFile, func(src *diskSource, visit visitor) error {
		return src.declarations(ctx, leaveOut, visit)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the files in %s: %w", dir, err)
	}
	return files, nil
}

// WorktreePolicyFiles returns every regular file below the folders, by the same rules as
// PolicyFiles.
func WorktreePolicyFiles(ctx context.Context, dir string, folders []string) ([]File, error) {
	files, err := worktree(ctx, dir, MaxPolicyFile, func(src *diskSource, visit visitor) error {
		return src.policies(ctx, folders, visit)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the policies in %s: %w", dir, err)
	}
	return files, nil
}

func worktree(ctx context.Context, dir string, limit int64, walk func(*diskSource, visitor) error) ([]File, error) {
	src, err := openDisk(dir)
	if err != nil {
		return nil, err
	}
	defer src.close()
	var list []File
	if err := walk(src, func(p string, _ fs.FileInfo) error { list = append(list, File{Path: p}); return nil }); err != nil {
		return nil, err
	}
	list = sortFiles(list)
	return list, loadDisk(ctx, dir, list, limit)
}

// loadDisk reads the files.
func loadDisk(ctx context.Context, dir string, list []File, limit int64) error {
	var total atomic.Int64
	return onDisk(ctx, dir, list, func(ctx context.Context, src *diskSource, part []File) error {
		return src.load(ctx, part, limit, &total)
	})
}

// onDisk does something with files in a folder, with some of them at a time.
func onDisk(ctx context.Context, dir string, files []File, do func(context.Context, *diskSource, []File) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range min(maxWorkers, runtime.GOMAXPROCS(0), len(files)/batch+1) {
		group.Go(func() error {
			src, err := openDisk(dir)
			if err != nil {
				return err
			}
			defer src.close()
			for {
				end := int(next.Add(batch))
				if end-batch >= len(files) {
					return nil
				}
				if err := do(ctx, src, files[end-batch:min(end, len(files))]); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// diskSource lists and reads a folder on disk, all of it through os.Root, so that nothing leads
// out. It isn't safe for concurrent use.
type diskSource struct {
	root *os.Root
	// at is the folder last used, and atRoot what it was opened as: neighbours come together,
	// and each path needn't be gone down from the top.
	at     string
	atRoot *os.Root
}

func openDisk(dir string) (*diskSource, error) {
	root, err := os.OpenRoot(dir)
	return &diskSource{root: root}, err
}

func (s *diskSource) close() {
	s.leave()
	s.root.Close() // it was only read from
}

func (s *diskSource) leave() {
	if s.atRoot != nil {
		s.atRoot.Close()
		s.atRoot = nil
	}
}

// folder opens a folder below the root.
func (s *diskSource) folder(p string) (*os.Root, error) {
	if p == "" || p == "." {
		return s.root, nil
	}
	if s.atRoot != nil && s.at == p {
		return s.atRoot, nil
	}
	s.leave()
	r, err := s.root.OpenRoot(filepath.FromSlash(p))
	if err == nil {
		s.at, s.atRoot = p, r
	}
	return r, err
}

func (s *diskSource) lstat(p string) (os.FileInfo, error) {
	dir, err := s.folder(path.Dir(p))
	if err != nil {
		return nil, err
	}
	return dir.Lstat(path.Base(p))
}

// visitor is told of a file what it was like when its folder was listed.
type visitor = func(p string, info fs.FileInfo) error

func (s *diskSource) declarations(ctx context.Context, leaveOut []string, visit visitor) error {
	return diskDeclarations(ctx, s, leaveOut, visit)
}

func diskDeclarations(ctx context.Context, src source[fs.FileInfo], leaveOut []string, visit visitor) error {
	folders, err := cleanFolders(leaveOut)
	if err != nil {
		return err
	}
	w := &walker[fs.FileInfo]{src: src, visit: visit, leaveOut: setOf(folders)}
	return w.declarations(ctx, nil)
}

func (s *diskSource) policies(ctx context.Context, folders []string, visit visitor) error {
	folders, err := cleanFolders(folders)
	if err != nil {
		return err
	}
	w := &walker[fs.FileInfo]{src: s, visit: visit, all: true}
	for _, f := range folders {
		info, err := s.root.Lstat(filepath.FromSlash(f))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: folder %s", ErrNotThere, f)
		}
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fmt.Errorf("%w: %s isn't a folder", ErrRefused, f)
		}
		if err := w.folder(ctx, f, nil, 0); err != nil {
			return err
		}
	}
	return nil
}

func (s *diskSource) list(_ context.Context, p string, _ fs.FileInfo) ([]entry[fs.FileInfo], error) {
	dir, err := s.folder(p)
	if err != nil {
		return nil, err
	}
	d, err := dir.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	out := make([]entry[fs.FileInfo], 0, len(names))
	for _, n := range names {
		info, err := n.Info() // which in an os.Root is known already
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, entry[fs.FileInfo]{n.Name(), kindOfMode(info.Mode()), info})
	}
	slices.SortFunc(out, func(a, b entry[fs.FileInfo]) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

func kindOfMode(m fs.FileMode) entryKind {
	switch {
	case m.IsRegular():
		return file
	case m.IsDir():
		return folder
	case m&fs.ModeSymlink != 0:
		return link
	}
	return other
}

// follow lets the operating system resolve the link, inside the root only.
func (s *diskSource) follow(_ context.Context, p string, _ fs.FileInfo) (entryKind, error) {
	info, err := s.root.Stat(filepath.FromSlash(p))
	if err != nil {
		return other, nil // nothing there, or it leads out
	}
	return kindOfMode(info.Mode()), nil
}

func (s *diskSource) load(ctx context.Context, list []File, limit int64, total *atomic.Int64) error {
	for i := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.read(&list[i], limit); err != nil {
			return fmt.Errorf("%s: %w", list[i].Path, err)
		}
		if total.Add(int64(len(list[i].Data))) > MaxTotal {
			return fmt.Errorf("%w: the files are larger than %d bytes together", ErrRefused, MaxTotal)
		}
	}
	return nil
}

// read reads a regular file; what was put in its place meanwhile is not followed.
func (s *diskSource) read(f *File, limit int64) error {
	data, size, err := s.content(f.Path, limit)
	if err != nil || size > limit {
		f.Size = size
		return err
	}
	f.Blob, f.Size, f.Data = plumbing.ComputeHash(plumbing.BlobObject, data).String(), size, data
	return nil
}

// content returns a file's content and size, only the size if that is beyond the limit.
func (s *diskSource) content(p string, limit int64) ([]byte, int64, error) {
	before, err := s.lstat(p)
	if err != nil {
		return nil, 0, err
	}
	if !before.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%w: it changed while it was read", ErrRefused)
	}
	dir, err := s.folder(path.Dir(p))
	if err != nil {
		return nil, 0, err
	}
	f, err := dir.Open(path.Base(p))
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !os.SameFile(before, info) {
		return nil, 0, fmt.Errorf("%w: it changed while it was read", ErrRefused)
	}
	if info.Size() > limit {
		return nil, info.Size(), nil
	}
	data := make([]byte, info.Size()+1) // one more, to see whether it grew
	n, err := io.ReadFull(f, data)
	if err == nil {
		return nil, 0, fmt.Errorf("%w: it changed while it was read", ErrRefused)
	}
	if err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, 0, err
	}
	return data[:n:n], int64(n), nil
}
