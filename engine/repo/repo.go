package repo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// The errors that callers act upon.
var (
	// ErrNoGit: the folder isn't inside a git repository.
	ErrNoGit = errors.New("not in a git repository")
	// ErrNoRoot: neither the folder nor one above it is an access repository.
	ErrNoRoot = errors.New("not in an access repository")
	// ErrNoCommit: the git repository has no commit yet.
	ErrNoCommit = errors.New("the git repository has no commit yet")
	// ErrUnknownRevision: there is no such commit, branch or tag.
	ErrUnknownRevision = errors.New("unknown revision")
	// ErrNotThere: the access root, or a folder or file asked for, isn't in that commit.
	ErrNotThere = errors.New("not in that commit")
	// ErrShallow: the answer lies behind the end of a shallow clone's history.
	ErrShallow = errors.New("the clone is shallow")
	// ErrUnsupported: the repository is stored in a way that Accord can't read.
	ErrUnsupported = errors.New("unsupported kind of git repository")
	// ErrRefused: something in the repository must not be there: a link, a path, a size.
	ErrRefused = errors.New("refused")
)

// Limits on what one revision may hold. They keep a repository that went wrong, or was made
// to, from taking all memory.
const (
	// MaxFile is the size of a declaration above which it isn't loaded, in bytes.
	MaxFile = 1 << 20
	// MaxPolicyFile is the same for policies and their data.
	MaxPolicyFile = 16 << 20
	// MaxFiles is how many files there may be.
	MaxFiles = 1_000_000
	// MaxTotal is how many bytes they may have together.
	MaxTotal = 1 << 30
)

// File is one file of an access repository.
type File struct {
	// Path is relative to the access root, with slashes.
	Path string
	// Blob is git's id of the content, in hex; the same content has the same id everywhere.
	Blob string
	// Size is the length of the content in bytes.
	Size int64
	// Data is the content; nil for a file that is larger than its limit.
	Data []byte
}

// Revision is one commit.
type Revision struct {
	// Hash is the commit id in hex, Short its first digits.
	Hash, Short string
	// Time is when it was committed, UTC.
	Time time.Time
	// Author is the name of its author, Email the address.
	Author, Email string
	// Subject is the first line of its message.
	Subject string
	// Branch is the branch or tag by which it was named; empty for a detached HEAD or a hash.
	Branch string
}

// Repo is one access repository in git. It is safe for concurrent use.
type Repo struct {
	root   string // the access root on disk, absolute
	prefix string // the access root inside the git repository, with slashes; "" at its root
	git    gitDir

	mu     sync.Mutex
	idle   []*handle
	closed bool
	blames map[blameName][]BlameLine
}

// Open finds the git repository around a folder, which is the access root itself. The folder
// may be the root of the git repository, a folder inside it, in a linked worktree too, or a
// bare repository.
func Open(dir string) (*Repo, error) {
	r, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", dir, err)
	}
	return r, nil
}

func open(dir string) (*Repo, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, err
	}
	git, err := findGit(abs)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(git.top, abs)
	if err != nil {
		return nil, err
	}
	r := &Repo{root: abs, git: git, blames: map[blameName][]BlameLine{}}
	if rel != "." && !git.bare {
		r.prefix = filepath.ToSlash(rel)
	}
	if err := r.git.check(); err != nil {
		return nil, err
	}
	if err := r.use((*handle).hasCommit); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Root is the access root on disk.
func (r *Repo) Root() string { return r.root }

// Prefix is the access root in the git repository, with slashes; "" where they are the same.
func (r *Repo) Prefix() string { return r.prefix }

// Close releases what the repository holds open. Calling it again is harmless.
func (r *Repo) Close() error {
	r.mu.Lock()
	idle := r.idle
	r.idle, r.closed = nil, true
	r.mu.Unlock()
	var errs []error
	for _, h := range idle {
		errs = append(errs, h.close())
	}
	return errors.Join(errs...)
}

// use lends a handle: go-git's storage must not be shared between goroutines.
func (r *Repo) use(do func(*handle) error) error {
	h, err := r.take()
	if err != nil {
		return err
	}
	defer r.give(h)
	return do(h)
}

func (r *Repo) take() (*handle, error) {
	h, err := r.idleOrNew()
	if err != nil {
		return nil, err
	}
	// Read each time: git fetch --unshallow may have been run meanwhile.
	if h.shallow, err = r.git.shallow(); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (r *Repo) idleOrNew() (*handle, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errors.New("the repository was closed")
	}
	if n := len(r.idle); n > 0 {
		h := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return h, nil
	}
	return r.git.open()
}

func (r *Repo) give(h *handle) {
	h.cache.Clear() // the next borrower reads something else; only the open files are worth keeping
	h.renewed = false
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || len(r.idle) >= maxIdle {
		h.close()
		return
	}
	r.idle = append(r.idle, h)
}

// Resolve finds the commit that a name stands for: HEAD (also ""), a branch, a tag, a remote
// branch as in origin/main, a hash or the beginning of one, each with ~N, ^ or ^N behind it. A
// name that means two different commits is an error, as is one that means none.
func (r *Repo) Resolve(ctx context.Context, rev string) (Revision, error) {
	var out Revision
	err := r.use(func(h *handle) (err error) {
		out, err = h.resolve(ctx, rev)
		return err
	})
	return out, err
}
