package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// ErrNotOurs: a branch of that name is there, and Accord didn't make it.
var ErrNotOurs = errors.New("the branch isn't one that Accord made")

// Draft is a commit that is to be made on a branch of Accord's own.
type Draft struct {
	// Branch is its name, as in accord/offboard-dora.
	Branch string
	// Parent is the commit that the branch starts from if it isn't there yet, or was merged into
	// that commit.
	Parent Revision
	// Message is the message; what tells the branch to be Accord's is added to it.
	Message string
	// Actor is the author where git isn't configured with one.
	Actor string
	// At is when it is committed.
	At time.Time
	// Anew says that the branch is to hold Parent with this edit and nothing of what it held before:
	// a proposal that was made again.
	Anew bool
	// Edit gives the files to write: their new contents by path, relative to the access root;
	// nil deletes one. It gets to read the files of the commit that is added to.
	Edit func(read func(path string) ([]byte, error)) (map[string][]byte, error)
}

// branchMark is the line of a message that tells of whose making a branch is.
const branchMark = "Accord-Branch: "

// Commit adds a commit to a branch without touching HEAD, the index or the folder: only objects
// are written, and the branch. A branch that is there is added to if Accord made it, or if all of
// it is in Parent already; nothing is ever forced, and what is checked out anywhere is refused.
// If the edit changes nothing the answer is the commit that the branch is at, and made is false.
func (r *Repo) Commit(ctx context.Context, d Draft) (at Revision, made bool, err error) {
	err = r.use(func(h *handle) error {
		at, made, err = r.commit(ctx, h, d)
		return err
	})
	if err != nil {
		return Revision{}, false, fmt.Errorf("committing to the branch %s: %w", d.Branch, err)
	}
	return at, made, nil
}

func (r *Repo) commit(ctx context.Context, h *handle, d Draft) (Revision, bool, error) {
	ref := plumbing.NewBranchReferenceName(d.Branch)
	if err := ref.Validate(); err != nil || !strings.HasPrefix(d.Branch, "accord/") {
		return Revision{}, false, fmt.Errorf("%w: that is no name for a branch of Accord's", ErrRefused)
	}
	if err := h.git.notCheckedOut(ref); err != nil {
		return Revision{}, false, err
	}
	parent, old, err := h.onto(ctx, ref, d)
	if err != nil {
		return Revision{}, false, err
	}
	parents, tip := []plumbing.Hash{parent.id}, parent
	if d.Anew && parent.id.String() != d.Parent.Hash {
		if parent, err = h.at(d.Parent); err != nil {
			return Revision{}, false, err
		}
		in, err := h.ancestor(ctx, parent, tip)
		if err != nil {
			return Revision{}, false, err
		}
		if !in {
			parents = append(parents, parent.id)
		}
	}
	root, err := r.access(h, parent)
	if err != nil {
		return Revision{}, false, err
	}
	files, err := d.Edit(func(name string) ([]byte, error) { return h.fileAt(root, name) })
	if err != nil {
		return Revision{}, false, err
	}
	tree, err := h.edited(parent.tree, r.prefix, files)
	if err != nil {
		return Revision{}, false, err
	}
	if tree == tip.tree {
		return tip.revision(d.Branch), false, nil
	}
	id, err := h.writeCommit(d, parents, tree)
	if err != nil {
		return Revision{}, false, err
	}
	if err := h.main.CheckAndSetReference(plumbing.NewHashReference(ref, id), old); err != nil {
		return Revision{}, false, fmt.Errorf("setting %s: %w", ref, err)
	}
	c, err := h.commit(id)
	if err != nil {
		return Revision{}, false, err
	}
	return c.revision(d.Branch), true, nil
}

// onto is the commit that is added to: the tip of the branch if it is Accord's, else where the
// branch is to begin. old is the branch as it is; nil if it isn't there.
func (h *handle) onto(ctx context.Context, ref plumbing.ReferenceName, d Draft) (parent *commit, old *plumbing.Reference, err error) {
	if parent, err = h.at(d.Parent); err != nil {
		return nil, nil, err
	}
	old, err = h.main.Reference(ref)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return parent, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if old.Type() != plumbing.HashReference {
		return nil, nil, fmt.Errorf("%w: it points to %s", ErrNotOurs, old.Target())
	}
	tip, err := h.commit(old.Hash())
	if err != nil {
		return nil, nil, err
	}
	if in, err := h.ancestor(ctx, tip, parent); err != nil || in {
		return parent, old, err
	}
	o, err := h.object(plumbing.CommitObject, tip.id)
	if err != nil {
		return nil, nil, err
	}
	c, err := object.DecodeCommit(nil, o)
	if err != nil {
		return nil, nil, err
	}
	if !slices.Contains(strings.Split(c.Message, "\n"), branchMark+d.Branch) {
		return nil, nil, fmt.Errorf("%w: its last commit, %.7s, is by %s", ErrNotOurs, tip.id, tip.author)
	}
	return tip, old, nil
}

// Contains reports whether a commit is another one or has it among its ancestors.
func (r *Repo) Contains(ctx context.Context, rev, ancestor Revision) (in bool, err error) {
	err = r.use(func(h *handle) error {
		a, err := h.at(ancestor)
		if err != nil {
			return err
		}
		c, err := h.at(rev)
		if err == nil {
			in, err = h.ancestor(ctx, a, c)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("looking for %.7s among the ancestors of %.7s: %w", ancestor.Hash, rev.Hash, err)
	}
	return in, nil
}

// ancestor reports whether a commit is of, or among its ancestors. Commits much older than it
// aren't followed.
func (h *handle) ancestor(ctx context.Context, c, of *commit) (bool, error) {
	seen := map[plumbing.Hash]bool{}
	todo := []*commit{of}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if at.id == c.id {
			return true, nil
		}
		if seen[at.id] || at.time.Before(c.time.Add(-skew)) {
			continue
		}
		seen[at.id] = true
		for _, p := range at.parents {
			next, err := h.next(ctx, p)
			if err != nil {
				return false, err
			}
			todo = append(todo, next)
		}
	}
	return false, nil
}

// notCheckedOut refuses a branch that the repository, or a worktree linked to it, has out: its
// files would seem to be changed.
func (g gitDir) notCheckedOut(ref plumbing.ReferenceName) error {
	heads, err := filepath.Glob(filepath.Join(g.common, "worktrees", "*", "HEAD"))
	if err != nil {
		return err
	}
	for _, name := range append(heads, filepath.Join(g.common, "HEAD")) {
		b, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // a worktree that was removed meanwhile
		}
		if err != nil {
			return err
		}
		if target, ok := strings.CutPrefix(strings.TrimSpace(string(b)), "ref: "); ok && strings.TrimSpace(target) == ref.String() {
			return fmt.Errorf("%w: it is checked out; check out another one", ErrRefused)
		}
	}
	return nil
}

func (h *handle) writeCommit(d Draft, parents []plumbing.Hash, tree plumbing.Hash) (plumbing.Hash, error) {
	name, email := h.identity(d.Actor)
	by := object.Signature{Name: name, Email: email, When: d.At}
	c := &object.Commit{Author: by, Committer: by, TreeHash: tree, ParentHashes: parents,
		Message: strings.TrimRight(d.Message, "\n") + "\n\n" + branchMark + d.Branch + "\n"}
	o := &plumbing.MemoryObject{}
	if err := c.Encode(o); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("writing a commit: %w", err)
	}
	r, err := o.Reader()
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("writing a commit: %w", err)
	}
	defer r.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("writing a commit: %w", err)
	}
	return h.write(plumbing.CommitObject, b.Bytes())
}

// identity is who git is configured to commit as: by the repository, then by the user; else the
// actor. What would break a commit's lines is taken out.
func (h *handle) identity(actor string) (name, email string) {
	local, err := h.main.Config()
	if err != nil {
		local = config.NewConfig()
	}
	global, err := config.LoadConfig(config.GlobalScope)
	if err != nil {
		global = config.NewConfig()
	}
	for _, c := range []*config.Config{local, global} {
		if name == "" {
			name = c.User.Name
		}
		if email == "" {
			email = c.User.Email
		}
	}
	if name == "" {
		name = actor
	}
	if email == "" {
		host, _ := os.Hostname()
		email = strings.ReplaceAll(actor, " ", ".") + "@" + host
	}
	clean := strings.NewReplacer("<", "", ">", "")
	return oneLine(clean.Replace(name)), oneLine(clean.Replace(email))
}

// Remotes are the names of the remote repositories, origin first, the rest sorted.
func (r *Repo) Remotes() (names []string, err error) {
	err = r.use(func(h *handle) error {
		c, err := h.main.Config()
		if err != nil {
			return fmt.Errorf("reading git's configuration: %w", err)
		}
		for name := range c.Remotes {
			names = append(names, name)
		}
		return nil
	})
	slices.SortFunc(names, func(a, b string) int {
		if (a == "origin") != (b == "origin") {
			return map[bool]int{true: -1, false: 1}[a == "origin"]
		}
		return strings.Compare(a, b)
	})
	return names, err
}
