package repo

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// fileAt reads a regular file below a tree; ErrNotThere if there is none.
func (h *handle) fileAt(root plumbing.Hash, name string) ([]byte, error) {
	if err := cleanFile(name); err != nil {
		return nil, err
	}
	e, ok, err := h.find(root, name)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, fmt.Errorf("%w: %s", ErrNotThere, name)
	case !isFile(e.mode):
		return nil, fmt.Errorf("%w: %s is a link, not a file", ErrRefused, name)
	}
	return h.read(plumbing.BlobObject, e.id)
}

// cleanFile refuses paths that could name anything outside of the access root, or git's own.
func cleanFile(name string) error {
	if name == "" || name != path.Clean(name) || path.IsAbs(name) || strings.ContainsAny(name, "\\\x00\n") {
		return fmt.Errorf("%w: %q isn't a path inside the repository", ErrRefused, name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if !validName(part) {
			return fmt.Errorf("%w: %q isn't a path inside the repository", ErrRefused, name)
		}
	}
	return nil
}

// edited writes the trees that hold the files, and returns the new root.
func (h *handle) edited(root plumbing.Hash, prefix string, files map[string][]byte) (plumbing.Hash, error) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := cleanFile(name); err != nil {
			return root, err
		}
		var err error
		if root, err = h.put(root, strings.Split(join(prefix, name), "/"), files[name]); err != nil {
			return root, fmt.Errorf("%s: %w", name, err)
		}
	}
	return root, nil
}

// put writes one file below a tree; the zero tree is an empty one. What stands in the place of a
// folder or of the file and isn't one is refused.
func (h *handle) put(tree plumbing.Hash, parts []string, data []byte) (plumbing.Hash, error) {
	var entries []treeEntry
	if !tree.IsZero() {
		all, err := h.tree(tree)
		if err != nil {
			return tree, err
		}
		entries = slices.Clone(all)
	}
	i := slices.IndexFunc(entries, func(e treeEntry) bool { return e.name == parts[0] })
	e := treeEntry{mode: filemode.Regular, name: parts[0]}
	if i >= 0 {
		e = entries[i]
	} else if len(parts) > 1 {
		e.mode = filemode.Dir
	}
	var err error
	switch {
	case len(parts) > 1 && e.mode != filemode.Dir, len(parts) == 1 && !isFile(e.mode):
		return tree, fmt.Errorf("%w: %s is in the way", ErrRefused, parts[0])
	case len(parts) > 1:
		e.id, err = h.put(e.id, parts[1:], data)
	case data != nil:
		e.id, err = h.write(plumbing.BlobObject, data)
	default:
		e.id = plumbing.ZeroHash
	}
	if err != nil {
		return tree, err
	}
	switch {
	case e.id.IsZero() && i < 0: // there was nothing to delete
		return tree, nil
	case e.id.IsZero():
		entries = slices.Delete(entries, i, i+1)
	case i >= 0:
		entries[i] = e
	default:
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return plumbing.ZeroHash, nil // git knows no empty folders
	}
	slices.SortFunc(entries, func(a, b treeEntry) int { return strings.Compare(a.key(), b.key()) })
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%o %s\x00", uint32(e.mode), e.name)
		b.Write(e.id[:])
	}
	return h.write(plumbing.TreeObject, b.Bytes())
}

func (h *handle) write(t plumbing.ObjectType, data []byte) (plumbing.Hash, error) {
	o := h.main.NewEncodedObject()
	o.SetType(t)
	w, err := o.Writer()
	if err == nil {
		_, err = w.Write(data)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("writing a %s: %w", t, err)
	}
	id, err := h.main.SetEncodedObject(o)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("writing a %s: %w", t, err)
	}
	return id, nil
}
