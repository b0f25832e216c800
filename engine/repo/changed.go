package repo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// Changed returns the paths below the access root at which two commits differ, sorted: files of
// every kind, links and submodules; whether they are declarations is the caller's to know. Equal
// folders aren't opened, so the cost is that of the difference. A commit without the access
// root counts as one that holds nothing there.
func (r *Repo) Changed(ctx context.Context, a, b Revision) ([]string, error) {
	d := differ{ctx: ctx}
	err := r.use(func(h *handle) error {
		d.h = h
		left, err := r.rootOf(h, a)
		if err != nil {
			return err
		}
		right, err := r.rootOf(h, b)
		if err != nil {
			return err
		}
		return d.entries("", left, right, 0)
	})
	if err != nil {
		return nil, fmt.Errorf("comparing %s and %s: %w", a.Short, b.Short, err)
	}
	slices.Sort(d.paths)
	return slices.Compact(d.paths), nil
}

// rootOf is the access root as an entry, none if the commit hasn't got it.
func (r *Repo) rootOf(h *handle, rev Revision) (*treeEntry, error) {
	c, err := h.at(rev)
	if err != nil {
		return nil, err
	}
	e, ok, err := h.find(c.tree, r.prefix)
	if err != nil || !ok || e.mode != filemode.Dir {
		return nil, err
	}
	return &e, nil
}

type differ struct {
	ctx     context.Context
	h       *handle
	paths   []string
	visited int
}

// entries compares what stands at one path on both sides; nil is nothing.
func (d *differ) entries(p string, a, b *treeEntry, depth int) error {
	if a != nil && b != nil && a.mode == b.mode && a.id == b.id {
		return nil
	}
	for _, e := range []*treeEntry{a, b} {
		if e != nil && e.mode != filemode.Dir {
			d.paths = append(d.paths, p)
			break
		}
	}
	a, b = onlyFolder(a), onlyFolder(b)
	if a == nil && b == nil || a != nil && b != nil && a.id == b.id {
		return nil
	}
	left, err := d.children(a)
	if err != nil {
		return err
	}
	right, err := d.children(b)
	if err != nil {
		return err
	}
	if d.visited += len(left) + len(right); d.visited > maxEntries || depth > maxDepth {
		return fmt.Errorf("%w: %s: more than %d files and folders, or nested more than %d deep", ErrRefused, p, maxEntries, maxDepth)
	}
	return d.merge(p, left, right, depth)
}

func onlyFolder(e *treeEntry) *treeEntry {
	if e == nil || e.mode != filemode.Dir || e.id == plumbing.ZeroHash {
		return nil
	}
	return e
}

// children returns a folder's entries sorted by plain name, which is not git's order.
func (d *differ) children(e *treeEntry) ([]treeEntry, error) {
	if err := d.ctx.Err(); err != nil || e == nil {
		return nil, err
	}
	list, err := d.h.tree(e.id)
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b treeEntry) int { return strings.Compare(a.name, b.name) })
	return list, err
}

func (d *differ) merge(p string, left, right []treeEntry, depth int) error {
	for len(left) > 0 || len(right) > 0 {
		var a, b *treeEntry
		if len(right) == 0 || len(left) > 0 && left[0].name <= right[0].name {
			a = &left[0]
		}
		if len(left) == 0 || len(right) > 0 && right[0].name <= left[0].name {
			b = &right[0]
		}
		name := ""
		if a != nil {
			name, left = a.name, left[1:]
		}
		if b != nil {
			name, right = b.name, right[1:]
		}
		if err := d.entries(join(p, name), a, b, depth+1); err != nil {
			return err
		}
	}
	return nil
}
