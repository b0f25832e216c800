package repo

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"
)

// configName marks the root of an access repository.
const configName = "accord.yaml"

const (
	// maxDepth is how deep folders may be nested.
	maxDepth = 100
	// maxEntries is how many names of any kind are looked at. A tree that holds itself many
	// times over, a few bytes large, would else never come to an end.
	maxEntries = 4 * MaxFiles
)

// entryKind is what a name in a folder stands for.
type entryKind uint8

const (
	other  entryKind = iota // a submodule, a device, or nothing at all
	file                    // a regular file
	folder                  // a folder
	link                    // a symbolic link
)

// entry is one name in a folder, on disk or in a commit. Node is what the source needs to go
// on from there.
type entry[N any] struct {
	name string
	kind entryKind
	node N
}

// source lists folders, of a commit or on disk.
type source[N any] interface {
	// list returns the names in a folder; p is its path below the access root.
	list(ctx context.Context, p string, node N) ([]entry[N], error)
	// follow tells what the link at p leads to: a file, a folder, or other if it leads to
	// nothing or out of the access root.
	follow(ctx context.Context, p string, node N) (entryKind, error)
}

// walker goes through an access repository by the rules in the package's comment.
type walker[N any] struct {
	src      source[N]
	leaveOut map[string]bool
	// all takes every regular file instead of declarations only, and refuses every link.
	all   bool
	visit func(p string, node N) error
	// enter is told of each folder; it may be nil. Where it knows what is below, and has visited
	// that, it says how many files that are; leave is called when a folder that it doesn't know is
	// done.
	enter func(p string, node N) (files int, known bool)
	leave func()
	// linked is told that there is a link in the folder; it may be nil.
	linked func()

	entries, files int
}

// declarations walks the access root.
func (w *walker[N]) declarations(ctx context.Context, root N) error {
	entries, err := w.list(ctx, "", root)
	if err != nil {
		return err
	}
	if !marked(entries) {
		return fmt.Errorf("%w: no %s", ErrNotThere, configName)
	}
	return w.walk(ctx, "", entries, 0)
}

func (w *walker[N]) list(ctx context.Context, p string, node N) ([]entry[N], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := w.src.list(ctx, p, node)
	if w.entries += len(entries); w.entries > maxEntries {
		return nil, fmt.Errorf("%w: more than %d files and folders", ErrRefused, maxEntries)
	}
	return entries, err
}

func marked[N any](entries []entry[N]) bool {
	for _, e := range entries {
		if e.name == configName && e.kind == file {
			return true
		}
	}
	return false
}

func (w *walker[N]) walk(ctx context.Context, dir string, entries []entry[N], depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: %s: folders are nested more than %d deep", ErrRefused, dir, maxDepth)
	}
	for _, e := range entries {
		if !w.all && strings.HasPrefix(e.name, ".") {
			continue
		}
		p := join(dir, e.name)
		var err error
		switch e.kind {
		case folder:
			err = w.folder(ctx, p, e.node, depth)
		case link:
			err = w.link(ctx, p, e.node)
		case file:
			if w.all || isDeclaration(e.name) {
				err = w.take(p, e.node)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walker[N]) folder(ctx context.Context, p string, node N, depth int) error {
	if w.leaveOut[p] {
		return nil
	}
	if w.enter != nil {
		if n, known := w.enter(p, node); known {
			w.entries += n
			return w.count(n)
		}
		defer w.leave()
	}
	entries, err := w.list(ctx, p, node)
	if err != nil {
		return err
	}
	if !w.all && marked(entries) {
		return nil // another access repository
	}
	return w.walk(ctx, p, entries, depth+1)
}

func (w *walker[N]) count(files int) error {
	if w.files += files; w.files > MaxFiles {
		return fmt.Errorf("%w: more than %d files", ErrRefused, MaxFiles)
	}
	return nil
}

func (w *walker[N]) take(p string, node N) error {
	if err := checkPath(p); err != nil {
		return err
	}
	if err := w.count(1); err != nil {
		return err
	}
	return w.visit(p, node)
}

// link decides about a symbolic link: an error, or nothing to do with the declaration.
func (w *walker[N]) link(ctx context.Context, p string, node N) error {
	if w.leaveOut[p] {
		return nil // whoever named the folder asks for it by PolicyFiles, and is told there
	}
	if err := checkPath(p); err != nil {
		return err
	}
	if w.linked != nil {
		w.linked()
	}
	to, err := w.src.follow(ctx, p, node)
	switch {
	case err != nil:
		return err
	case to == other:
		return fmt.Errorf("%w: %s is a symbolic link that leads to nothing or out of the repository", ErrRefused, p)
	case w.all || to == folder || isDeclaration(path.Base(p)):
		return fmt.Errorf("%w: %s is a symbolic link; put what it leads to in its place", ErrRefused, p)
	}
	return nil
}

func isDeclaration(name string) bool {
	return (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")) && !strings.HasSuffix(name, ".state.yaml")
}

// checkPath refuses paths that can't be shown or compared safely.
func checkPath(p string) error {
	if !utf8.ValidString(p) || strings.ContainsFunc(p, func(r rune) bool {
		return r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\\' || r == '\u2028' || r == '\u2029'
	}) {
		return fmt.Errorf("%w: the path %q holds characters that it must not", ErrRefused, p)
	}
	return nil
}

// cleanFolders checks folders that the caller named.
func cleanFolders(folders []string) ([]string, error) {
	out := make([]string, 0, len(folders))
	for _, f := range folders {
		p := path.Clean(strings.TrimSuffix(f, "/"))
		if p == "." || !fs.ValidPath(p) {
			return nil, fmt.Errorf("%w: %q isn't a folder inside the repository", ErrRefused, f)
		}
		if err := checkPath(p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func setOf(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, s := range list {
		m[s] = true
	}
	return m
}
