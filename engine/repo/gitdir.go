package repo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/config"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// gitDir says where a git repository keeps what (gitrepository-layout(5)).
type gitDir struct {
	top    string // the folder that .git stands in; of a bare repository the git folder itself
	dot    string // the git folder: HEAD and index
	common string // refs, objects and configuration; differs from dot in linked worktrees
	bare   bool
	// partial says that the clone left objects out, to be fetched when git needs them.
	partial bool
}

// findGit looks for a git repository in the folder and those above it. It does not heed the
// environment: which repository is read must not hang on GIT_DIR.
func findGit(dir string) (gitDir, error) {
	for at := dir; ; at = filepath.Dir(at) {
		dot, err := dotGit(at)
		if err != nil {
			return gitDir{}, err
		}
		if dot != "" {
			common, err := commonDir(dot)
			return gitDir{top: at, dot: dot, common: common}, err
		}
		if at == dir && isGitDir(at) {
			return gitDir{top: at, dot: at, common: at, bare: true}, nil
		}
		if at == filepath.Dir(at) {
			return gitDir{}, fmt.Errorf("%w: run git init here, or read the folder as it is with --worktree", ErrNoGit)
		}
	}
}

// dotGit returns the git folder that belongs to a working copy, "" if there is none.
func dotGit(top string) (string, error) {
	name := filepath.Join(top, ".git")
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case info.IsDir():
		if !isGitDir(name) {
			return "", nil
		}
		return filepath.EvalSymlinks(name)
	}
	// A linked worktree or a submodule: the file names the folder.
	dot, err := readPath(name, "gitdir: ")
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if dot, err = filepath.EvalSymlinks(within(top, dot)); err != nil {
		return "", fmt.Errorf("%s: the git folder that it names: %w", name, err)
	}
	return dot, nil
}

func commonDir(dot string) (string, error) {
	name := filepath.Join(dot, "commondir")
	common, err := readPath(name, "")
	if errors.Is(err, fs.ErrNotExist) {
		return dot, nil
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return filepath.EvalSymlinks(within(dot, common))
}

// readPath reads a file that holds one path behind a prefix.
func readPath(name, prefix string) (string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	line, ok := bytes.CutPrefix(b, []byte(prefix))
	line = bytes.TrimRight(line, "\r\n")
	if !ok || len(line) == 0 || len(line) > 4096 || bytes.ContainsAny(line, "\n\x00") {
		return "", fmt.Errorf("it names no folder")
	}
	return string(line), nil
}

func within(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

func isGitDir(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// check refuses repositories that are stored in a way which go-git can't read. It doesn't ask
// go-git itself, which refuses harmless extensions too, such as that of sparse checkouts.
func (g *gitDir) check() error {
	f, err := os.Open(filepath.Join(g.common, "config"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	c := config.New()
	if err := config.NewDecoder(bufio.NewReader(f)).Decode(c); err != nil {
		return fmt.Errorf("reading %s: %w", f.Name(), err)
	}
	if v := c.Section("core").Option("repositoryformatversion"); v != "" && v != "0" && v != "1" {
		return fmt.Errorf("%w: repository format version %s", ErrUnsupported, v)
	}
	for _, o := range c.Section("extensions").Options {
		if err := checkExtension(strings.ToLower(o.Key), strings.ToLower(o.Value)); err != nil {
			return err
		}
		g.partial = g.partial || strings.EqualFold(o.Key, "partialclone")
	}
	for _, remote := range c.Section("remote").Subsections {
		g.partial = g.partial || strings.EqualFold(remote.Option("promisor"), "true")
	}
	return nil
}

// whyMissing explains why an object isn't there, if that can be told.
func (g gitDir) whyMissing() string {
	if g.partial {
		return " in this partial clone; git fetch --refetch --no-filter brings what was left out"
	}
	return ""
}

func checkExtension(name, value string) error {
	switch name {
	case "noop", "noop-v1", "preciousobjects", "worktreeconfig", "relativeworktrees", "partialclone":
		return nil
	case "objectformat":
		if value == "sha1" {
			return nil
		}
		return fmt.Errorf("%w: its object ids are %s, and only sha1 can be read; --worktree reads the folder instead", ErrUnsupported, value)
	case "refstorage":
		if value == "files" {
			return nil
		}
		return fmt.Errorf("%w: its refs are stored as %s; git refs migrate --ref-format=files makes them readable", ErrUnsupported, value)
	}
	return fmt.Errorf("%w: extension %q", ErrUnsupported, name)
}

// maxAlternates is how deep object stores may borrow from one another, as in git.
const maxAlternates = 5

// alternates lists the object folders that this one borrows from (git clone --shared).
func alternates(objects string, depth int) ([]string, error) {
	name := filepath.Join(objects, "info", "alternates")
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if depth == 0 {
		return nil, fmt.Errorf("%w: object stores borrow from one another more than %d deep", ErrUnsupported, maxAlternates)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		dir := within(objects, line)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() || filepath.Base(dir) != "objects" {
			return nil, fmt.Errorf("%w: %s borrows objects from %s, which can't be read; git repack -a -d makes the clone independent", ErrUnsupported, name, dir)
		}
		more, err := alternates(dir, depth-1)
		if err != nil {
			return nil, err
		}
		out = append(append(out, dir), more...)
	}
	return out, nil
}

// shallow are the commits whose parents a shallow clone left out.
func (g gitDir) shallow() (map[plumbing.Hash]bool, error) {
	b, err := os.ReadFile(filepath.Join(g.common, "shallow"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[plumbing.Hash]bool{}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); plumbing.IsHash(line) {
			out[plumbing.NewHash(line)] = true
		}
	}
	return out, nil
}

const (
	// largeObject is the size above which go-git streams an object instead of holding it. It
	// only guards memory: streaming is slow.
	largeObject = 32 << 20
	// cacheSize is what a handle keeps of objects, mostly as bases of deltas.
	cacheSize = 128 << 20
)

// open makes a handle of its own on the repository.
func (g gitDir) open() (*handle, error) {
	objects := filepath.Join(g.common, "objects")
	borrowed, err := alternates(objects, maxAlternates)
	if err != nil {
		return nil, err
	}
	var dot billy.Filesystem = osfs.New(g.dot)
	if g.common != g.dot {
		dot = dotgit.NewRepositoryFilesystem(dot, osfs.New(g.common))
	}
	h := &handle{git: g, cache: cache.NewObjectLRU(cacheSize), trees: map[plumbing.Hash][]treeEntry{}}
	h.main = h.storage(dot)
	h.stores = []*filesystem.Storage{h.main}
	for _, dir := range borrowed {
		h.stores = append(h.stores, h.storage(osfs.New(filepath.Dir(dir))))
	}
	return h, nil
}

func (h *handle) storage(dot billy.Filesystem) *filesystem.Storage {
	return filesystem.NewStorageWithOptions(ownObjects{dot}, h.cache, filesystem.Options{
		KeepDescriptors:      true,
		LargeObjectThreshold: largeObject,
	})
}

// ownObjects hides the list of alternates from go-git, which would open the other store anew
// for each object. The handle asks the stores one after the other instead.
type ownObjects struct{ billy.Filesystem }

// Open opens anything but objects/info/alternates.
func (o ownObjects) Open(name string) (billy.File, error) {
	if filepath.ToSlash(name) == "objects/info/alternates" {
		return nil, fs.ErrNotExist
	}
	return o.Filesystem.Open(name)
}
