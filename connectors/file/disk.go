package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/accordhq/accord/connectors"
)

// errMissing says that there is no file; connectors.ErrIncomplete unless a new system is
// wanted.
var errMissing = fmt.Errorf("there is no such file: %w", connectors.ErrIncomplete)

// place is where the file is.
type place struct {
	dir  string // the root of the repository
	path string // inside it
}

// folder is the open folder of the file, which nothing done through it can leave.
type folder struct {
	root     *os.Root
	name     string // of the file
	identity string // the absolute path, without symbolic links
}

// open opens the folder. Every part of the path is a real folder, not a link, so that one
// file has one identity.
func (p place) open() (*folder, error) {
	abs, err := filepath.Abs(p.dir)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, denied(err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, denied(err)
	}
	dir, name := filepath.Split(filepath.Clean(filepath.FromSlash(p.path)))
	at := "."
	for part := range strings.SplitSeq(filepath.Clean(dir), string(filepath.Separator)) {
		at = filepath.Join(at, part)
		info, err := root.Lstat(at)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is not a folder", at)
		}
		if err != nil {
			return nil, errors.Join(denied(err), root.Close())
		}
	}
	inner, err := root.OpenRoot(at)
	if err := errors.Join(err, root.Close()); err != nil {
		return nil, denied(err)
	}
	return &folder{inner, name, filepath.Join(abs, at, name)}, nil
}

func (f *folder) close() error { return f.root.Close() }

// read gives the file's content and its permission bits, errMissing if there is none.
func (f *folder) read() ([]byte, fs.FileMode, error) {
	info, err := f.root.Lstat(f.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, errMissing
	case err != nil:
		return nil, 0, denied(err)
	case !info.Mode().IsRegular():
		return nil, 0, fmt.Errorf("it is not a regular file (a symbolic link isn't followed): %w", connectors.ErrIncomplete)
	}
	in, err := f.root.OpenFile(f.name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, denied(err)
	}
	var data bytes.Buffer
	data.Grow(int(min(info.Size(), 1<<30)) + bytes.MinRead) // so that it needn't grow while it is read
	_, err = data.ReadFrom(in)
	return data.Bytes(), info.Mode().Perm(), errors.Join(err, in.Close())
}

// attempts is how often an update starts over when somebody edits the file meanwhile.
const attempts = 3

// update replaces the file's content by what edit makes of it, under the lock. Old is nil if
// there is no file; edit returns nil to leave everything as it is.
func (f *folder) update(ctx context.Context, edit func(old []byte) ([]byte, error)) error {
	self, err := f.root.Open(".")
	if err != nil {
		return denied(err)
	}
	defer self.Close() // which ends the lock
	if err := lock(ctx, self); err != nil {
		return err
	}
	for range attempts {
		old, mode, err := f.read()
		if err != nil && !errors.Is(err, errMissing) {
			return err
		}
		data, err := edit(old)
		if err != nil || data == nil {
			return err
		}
		replaced, err := f.replace(ctx, old, data, mode)
		if err != nil {
			return err
		}
		if !replaced {
			continue
		}
		if err := self.Sync(); err != nil {
			return fmt.Errorf("syncing the folder: %w: %w", err, connectors.ErrOutcomeUnknown)
		}
		return nil
	}
	return fmt.Errorf("it was edited %d times meanwhile: %w", attempts, connectors.ErrConflict)
}

// replace puts new content in the place of the old in one step, unless the file is no longer
// the old one: not everybody who edits it knows of the lock.
func (f *folder) replace(ctx context.Context, old, data []byte, mode fs.FileMode) (bool, error) {
	temp := "." + f.name + ".tmp" // under the lock there is but one; a crash may have left it
	if err := f.root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, denied(err)
	}
	if err := f.create(temp, data, mode); err != nil {
		return false, errors.Join(denied(err), ignoreMissing(f.root.Remove(temp)))
	}
	err := ctx.Err()
	if err == nil {
		now, _, readErr := f.read()
		if errors.Is(readErr, errMissing) && old == nil {
			readErr = nil
		}
		if err = readErr; err == nil && bytes.Equal(now, old) {
			if err = f.root.Rename(temp, f.name); err == nil {
				return true, nil
			}
		}
	}
	if err := errors.Join(denied(err), ignoreMissing(f.root.Remove(temp))); err != nil {
		return false, err
	}
	return false, nil
}

// create writes a new file and syncs it. With no mode it gets the usual one.
func (f *folder) create(name string, data []byte, mode fs.FileMode) error {
	out, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	if err == nil && mode != 0 {
		err = out.Chmod(mode)
	}
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// denied marks the errors that say that a right is missing.
func denied(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: %w", connectors.ErrDenied, err)
	}
	return err
}

// missingFolder says what a missing folder means: the file can't be seen.
func missingFolder(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", connectors.ErrIncomplete, err)
	}
	return err
}
