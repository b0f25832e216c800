package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
)

func folderOf(t *testing.T, dir, path string) *folder {
	t.Helper()
	f, err := place{dir, path}.open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// Somebody edits the file between the look and the write, without knowing of the lock.
func TestEditedMeanwhile(t *testing.T) {
	tests := []struct {
		name  string
		edits int // how often the other one is faster
		want  string
		err   error
	}{
		{"never", 0, "one\nours\n", nil},
		{"once", 1, "one\ntheirs\nours\n", nil},
		{"again and again", attempts, "one\n" + strings.Repeat("theirs\n", attempts), connectors.ErrConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			if err := os.WriteFile(path, []byte("one\n"), 0o640); err != nil {
				t.Fatal(err)
			}
			left := tt.edits
			err := folderOf(t, dir, "f").update(t.Context(), func(old []byte) ([]byte, error) {
				if left > 0 {
					left--
					if err := os.WriteFile(path, append(old, "theirs\n"...), 0o640); err != nil {
						return nil, err
					}
				}
				return append(old, "ours\n"...), nil
			})
			if !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != tt.want {
				t.Errorf("the file is %q, %v; want %q", got, err, tt.want)
			}
			alone(t, dir, "f")
		})
	}
}

// alone checks that nothing else was left in the folder.
func alone(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != name {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestUpdateKeepsTheMode(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o664); err != nil { // whatever the umask says
		t.Fatal(err)
	}
	if err := folderOf(t, dir, "f").update(t.Context(), func([]byte) ([]byte, error) { return []byte("y"), nil }); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o664 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}

func TestUpdateTakesOverWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".f.tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := folderOf(t, dir, "f").update(t.Context(), func([]byte) ([]byte, error) { return []byte("y"), nil }); err != nil {
		t.Fatal(err)
	}
	alone(t, dir, "f")
}

// A cancelled wait for the lock, and a cancellation just before the rename, change nothing.
func TestUpdateCancelled(t *testing.T) {
	dir := t.TempDir()
	f := folderOf(t, dir, "f")
	ctx, cancel := context.WithCancel(t.Context())
	err := f.update(ctx, func([]byte) ([]byte, error) {
		cancel()
		return []byte("y"), nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while writing: %v", err)
	}
	err = f.update(t.Context(), func([]byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		inner := f.update(ctx, func([]byte) ([]byte, error) { return []byte("z"), nil })
		if !errors.Is(inner, context.DeadlineExceeded) {
			t.Errorf("two writers at a time: %v", inner)
		}
		return nil, nil
	})
	if err != nil {
		t.Error(err)
	}
	alone(t, dir, "nothing")
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(dir, "repo", "real"), 0o700))
	must(os.WriteFile(filepath.Join(dir, "outside"), []byte("x"), 0o600))
	must(os.WriteFile(filepath.Join(dir, "repo", "real", "f"), []byte("x"), 0o600))
	must(os.Symlink("real", filepath.Join(dir, "repo", "linked")))
	must(os.Symlink(filepath.Join("..", "outside"), filepath.Join(dir, "repo", "out")))
	must(os.Symlink("f", filepath.Join(dir, "repo", "real", "link")))
	must(os.Symlink("repo", filepath.Join(dir, "alias")))
	must(os.Mkdir(filepath.Join(dir, "repo", "folder"), 0o700))

	tests := []struct {
		root, path string
		ok         bool
	}{
		{"repo", "real/f", true},
		{"alias", "./real/../real/f", true},
		{"repo", "linked/f", false},
		{"repo", "real/link", false},
		{"repo", "out", false},
		{"repo", "folder", false},
		{"repo", "real/f/g", false},
		{"repo", "missing/f", false},
	}
	want := filepath.Join(dir, "repo", "real", "f")
	if resolved, err := filepath.EvalSymlinks(want); err == nil {
		want = resolved
	}
	for _, tt := range tests {
		f, err := place{filepath.Join(dir, tt.root), tt.path}.open()
		if err == nil {
			_, _, err = f.read()
			if tt.ok && f.identity != want {
				t.Errorf("%s in %s is %s, want %s", tt.path, tt.root, f.identity, want)
			}
			must(f.close())
		}
		if (err == nil) != tt.ok {
			t.Errorf("%s in %s: %v", tt.path, tt.root, err)
		}
	}
}
