package repo

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// treeEntry is one name in a tree object.
type treeEntry struct {
	mode filemode.FileMode
	name string
	id   plumbing.Hash
}

var errTree = errors.New("malformed tree: the git repository is damaged or was tampered with")

// parseTree reads a tree object: "MODE NAME\0" and 20 bytes of id, again and again. It refuses
// what git fsck calls an error: names that aren't names, and names out of order, among which a
// duplicate could hide.
func parseTree(data []byte) ([]treeEntry, error) {
	out := make([]treeEntry, 0, len(data)/32)
	for len(data) > 0 {
		space := bytes.IndexByte(data, ' ')
		if space < 1 || space > 6 {
			return nil, errTree
		}
		mode, err := filemode.New(string(data[:space]))
		if err != nil {
			return nil, errTree
		}
		data = data[space+1:]
		end := bytes.IndexByte(data, 0)
		if end < 1 || len(data) < end+1+20 {
			return nil, errTree
		}
		e := treeEntry{mode: mode, name: string(data[:end])}
		copy(e.id[:], data[end+1:])
		data = data[end+1+20:]
		if !validName(e.name) || len(out) > 0 && out[len(out)-1].key() >= e.key() {
			return nil, errTree
		}
		out = append(out, e)
	}
	return out, nil
}

// key is what git sorts a tree by: folders as if their names ended in a slash.
func (e treeEntry) key() string {
	if e.mode == filemode.Dir {
		return e.name + "/"
	}
	return e.name
}

func validName(name string) bool {
	return name != "." && name != ".." && !strings.Contains(name, "/") && !strings.EqualFold(name, ".git")
}

// maxTrees is how many entries of trees a handle remembers.
const maxTrees = 200_000

// tree reads a tree. What it returns is shared and must not be changed.
func (h *handle) tree(id plumbing.Hash) ([]treeEntry, error) {
	if t, ok := h.trees[id]; ok {
		return t, nil
	}
	b, err := h.read(plumbing.TreeObject, id)
	if err != nil {
		return nil, err
	}
	t, err := parseTree(b)
	if err != nil {
		return nil, fmt.Errorf("reading tree %s: %w", id, err)
	}
	if h.treeSize += len(t) + 1; h.treeSize > maxTrees {
		clear(h.trees)
		h.treeSize = len(t) + 1
	}
	h.trees[id] = t
	return t, nil
}

// find goes down from a tree to what stands at a path, "" being the tree itself.
func (h *handle) find(tree plumbing.Hash, p string) (treeEntry, bool, error) {
	at := treeEntry{mode: filemode.Dir, id: tree}
	if p == "" {
		return at, true, nil
	}
	for name := range strings.SplitSeq(p, "/") {
		if at.mode != filemode.Dir {
			return treeEntry{}, false, nil
		}
		entries, err := h.tree(at.id)
		if err != nil {
			return treeEntry{}, false, err
		}
		found := false
		for _, e := range entries {
			if e.name == name {
				at, found = e, true
				break
			}
		}
		if !found {
			return treeEntry{}, false, nil
		}
	}
	return at, true, nil
}

// access finds the tree of the access root in a commit.
func (r *Repo) access(h *handle, c *commit) (plumbing.Hash, error) {
	e, ok, err := h.find(c.tree, r.prefix)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if !ok || e.mode != filemode.Dir {
		return plumbing.ZeroHash, fmt.Errorf("%w: commit %s has no folder %s", ErrNotThere, c.id.String()[:shortLen], r.prefix)
	}
	return e.id, nil
}

func isFile(m filemode.FileMode) bool {
	return m == filemode.Regular || m == filemode.Executable || m == filemode.Deprecated
}

// join is path.Join for a clean folder, "" being the access root.
func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// linked resolves where a link at p leads, as a path below the access root.
func linked(p, target string) (string, bool) {
	if target == "" || strings.HasPrefix(target, "/") || strings.ContainsAny(target, "\x00\\") {
		return "", false
	}
	to := path.Join(path.Dir(p), target)
	return to, to != ".." && !strings.HasPrefix(to, "../")
}
