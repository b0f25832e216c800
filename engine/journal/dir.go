package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// FileName is the name of the journal in its folder.
const FileName = "journal.jsonl"

// Dir is the journal in a folder: PATH/journal.jsonl. The folder is made, for the owner alone,
// by the first Append. Neither the folder nor the file may be a symbolic link.
func Dir(path string) Store { return dir{path, FileName} }

type dir struct{ path, name string }

// String gives the path of the file.
func (d dir) String() string { return filepath.Join(d.path, d.name) }

// Load returns the whole file; nothing if there is none.
func (d dir) Load(ctx context.Context) ([]byte, error) { return d.LoadFrom(ctx, 0) }

// LoadFrom returns the file from the offset on.
func (d dir) LoadFrom(ctx context.Context, offset int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := d.open(os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) && offset == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < offset {
		return nil, fmt.Errorf("%w: it has become shorter than the %d bytes that were read before", ErrBroken, offset)
	}
	b := make([]byte, info.Size()-offset)
	n, err := f.ReadAt(b, offset)
	if err == io.EOF {
		err = nil
	}
	return b[:n], err
}

// Append writes the line at the end and syncs the file; if it made the file, the folder too.
// Of a line that couldn't be written wholly it takes back what it can.
func (d dir) Append(ctx context.Context, line []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := d.create()
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	if err == nil {
		err = f.Sync()
	}
	if err == nil && info.Size() == 0 {
		err = syncDir(d.path)
	}
	if err != nil {
		// The caller is told; what can't be taken back is dropped by the next run.
		return errors.Join(err, f.Truncate(info.Size()))
	}
	return f.Close()
}

// Truncate cuts the file and syncs it.
func (d dir) Truncate(ctx context.Context, size int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := d.open(os.O_RDWR)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return err
	}
	return f.Sync()
}

// replace puts a whole new file in the place of the old one, of which the lock is held.
func (d dir) replace(ctx context.Context, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(data) == 0 {
		return d.Truncate(ctx, 0)
	}
	next := dir{d.path, d.name + ".new"}
	f, err := next.open(os.O_RDWR | os.O_CREATE | os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(next.String(), d.String()); err != nil {
		return err
	}
	return syncDir(d.path)
}

// Lock keeps other writers out. It is the kernel's lock on the file, so it dies with the
// process.
func (d dir) Lock(ctx context.Context) (func(), error) {
	f, err := d.create()
	if err != nil {
		return nil, err
	}
	if err := lockWait(ctx, f); err != nil {
		return nil, errors.Join(fmt.Errorf("locking: %w", err), f.Close())
	}
	return func() { f.Close() }, nil
}

// create opens the file for appending, making it and its folder if need be.
func (d dir) create() (*os.File, error) {
	f, err := d.open(os.O_RDWR | os.O_APPEND)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := makeDir(d.path); err != nil {
		return nil, err
	}
	return d.open(os.O_RDWR | os.O_APPEND | os.O_CREATE)
}

// open opens the file, never through a symbolic link.
func (d dir) open(flag int) (*os.File, error) {
	return openIn(d.path, d.name, flag)
}

// openIn opens a regular file in a folder, neither of which may be a symbolic link.
func openIn(path, name string, flag int) (*os.File, error) {
	root, err := openDir(path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	link, err := root.Lstat(name)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if !link.Mode().IsRegular() || !os.SameFile(opened, link) {
		return nil, errors.Join(fmt.Errorf("%s isn't a plain file", filepath.Join(path, name)), f.Close())
	}
	return f, nil
}

func openDir(path string) (*os.Root, error) {
	link, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !link.IsDir() {
		return nil, fmt.Errorf("%s isn't a folder", path)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	opened, err := root.Stat(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	if !os.SameFile(opened, link) {
		return nil, errors.Join(fmt.Errorf("%s was exchanged while it was opened", path), root.Close())
	}
	return root, nil
}

// makeDir makes the folder for the owner alone. A journal often lies inside a working copy; a
// .gitignore of its own keeps it from being committed by mistake.
func makeDir(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(path, ".gitignore"), []byte("*\n"), 0o600); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
