package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/repo"
)

// Declaration is one revision of an access repository, parsed and checked.
type Declaration struct {
	// Root is the folder that holds accord.yaml.
	Root     string
	Repo     *declare.Repository
	Revision plan.Revision
	// Differs are the files of the folder that aren't as in the commit that was read.
	Differs []string

	git     *repo.Repo // nil for a folder outside git
	commit  repo.Revision
	files   []declare.File      // of a folder, without their content
	listing *repo.Listing       // of the commit; nil for a folder
	trees   map[string]string   // git's name of the folder, by the commits that were read
	cache   *cache              // what an earlier run left; nil if there is nothing
	kept    *declare.Repository // what that holds
}

// text is a content by its name, nil if it can't be had.
func (d *Declaration) text(_, blob string) []byte { return d.git.Text(blob) }

// Close frees the git repository.
func (d *Declaration) Close() error {
	if d == nil || d.git == nil {
		return nil
	}
	return d.git.Close()
}

// Load reads and checks a declaration. What is wrong with it is a declare.Problems.
func (e *Engine) Load(ctx context.Context, src Source) (*Declaration, error) {
	d, err := e.load(ctx, src)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// load gives, beside problems, what could be understood of the declaration.
func (e *Engine) load(ctx context.Context, src Source) (*Declaration, error) {
	root, err := repo.FindRoot(src.Dir)
	if err != nil {
		if errors.Is(err, repo.ErrNoRoot) {
			return nil, fmt.Errorf("%w; accord init makes an access repository", err)
		}
		return nil, err
	}
	d := &Declaration{Root: root}
	return d, e.open(ctx, d, src)
}

func (e *Engine) open(ctx context.Context, d *Declaration, src Source) error {
	git, err := repo.Open(d.Root)
	switch {
	case err == nil:
		d.git = git
	case src.Worktree && (errors.Is(err, repo.ErrNoGit) || errors.Is(err, repo.ErrNoCommit)):
	default:
		return err
	}
	if src.Worktree {
		d.Revision.Worktree = true
		if d.git != nil {
			if d.commit, err = d.git.Resolve(ctx, ""); err != nil {
				return err
			}
		}
		found, err := repo.Worktree(ctx, d.Root)
		if err != nil {
			return err
		}
		d.Repo, d.files, err = e.read(found, declare.Known{})
		return err
	}
	if d.commit, err = d.git.Resolve(ctx, src.Rev); err != nil {
		return err
	}
	e.openKept(d)
	d.Revision = plan.Revision{Hash: d.commit.Hash, Branch: d.commit.Branch, Subject: d.commit.Subject}
	d.Repo, err = e.readRevision(ctx, d, d.commit)
	if errors.Is(err, repo.ErrNotThere) {
		return fmt.Errorf("%w; commit it, or read the folder as it is with --worktree", err)
	}
	if err == nil {
		e.keepCache(d)
	}
	return err
}

// differsAside finds out, while other things are done, which files of the folder aren't as in the
// commit. The result, which has to be called, waits for that.
func (d *Declaration) differsAside(ctx context.Context, src Source) func() error {
	if src.Worktree || src.Rev != "" || d.git == nil {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() {
		var err error
		d.Differs, err = d.git.DiffersFrom(ctx, d.commit, d.listing)
		done <- err
	}()
	return func() error { return <-done }
}

// readRevision reads a revision; what it has in common with what was read already, or with what an
// earlier run left, is taken from there.
func (e *Engine) readRevision(ctx context.Context, d *Declaration, rev repo.Revision) (*declare.Repository, error) {
	known := d.listing
	if d.cache != nil {
		known = d.cache.listing
	}
	listing, err := d.git.List(ctx, rev, known)
	if err != nil {
		return nil, err
	}
	if d.listing == nil {
		d.listing, d.trees = listing, map[string]string{}
	}
	d.trees[rev.Hash] = listing.Tree()
	if r, err := e.deriveBeside(ctx, d, listing); err != nil || r != nil {
		return r, err
	}
	has := declare.Known{Repo: d.Repo, Text: d.text}
	if d.cache != nil {
		has.Compiled = d.cache.compiled
		if has.Repo == nil {
			has.Repo = d.kept
		}
	}
	found, err := d.git.FilesBut(ctx, rev, listing, func(path, blob string) bool { return path != configFile && has.Has(path, blob) })
	if err != nil {
		return nil, err
	}
	r, _, err := e.read(found, has)
	return r, err
}

// configFile marks the root of an access repository.
const configFile = "accord.yaml"

// read parses and checks the files; beside problems it gives what could be understood, and the files
// without their content. Policy folders, which accord.yaml names, hold no documents.
func (e *Engine) read(found []repo.File, known declare.Known) (*declare.Repository, []declare.File, error) {
	files, large := declarations(found)
	known.Connectors = e.Descriptions()
	r, problems := declare.ParseBeside(files, known)
	if len(large) == 0 { // else what these files hold would be missed
		problems = problems.Merge(r.Check(known.Connectors))
	}
	for i := range files {
		files[i].Data = nil
	}
	return r, files, problems.Merge(large).Err()
}

// declarations are the files that may hold documents, and what is wrong with those that aren't read.
func declarations(found []repo.File) (files []declare.File, large declare.Problems) {
	policies := policyFolders(found)
	files = make([]declare.File, 0, len(found))
	for _, f := range found {
		if inFolder(f.Path, policies) {
			continue
		}
		if f.Data == nil && f.Size > 0 {
			large = append(large, declare.Problem{Pos: declare.Pos{File: f.Path},
				Message: fmt.Sprintf("the file has %d bytes, more than the %d that are read", f.Size, repo.MaxFile), Hint: "split it"})
			continue
		}
		files = append(files, declare.File{Path: f.Path, Blob: f.Blob, Data: f.Data})
	}
	return files, large
}

// declared are the files that may hold documents, sorted by path, without their content.
func (d *Declaration) declared() []declare.File {
	if d.Revision.Worktree {
		return d.files
	}
	return declaredIn(d.listing, d.Repo.Config)
}

func declaredIn(listing *repo.Listing, c *declare.Config) []declare.File {
	policies := policyPaths(c)
	out := make([]declare.File, 0, listing.Len())
	for _, f := range listing.Files() {
		if !inFolder(f.Path, policies) {
			out = append(out, declare.File{Path: f.Path, Blob: f.Blob})
		}
	}
	return out
}

// policyFolders reads accord.yaml alone for the folders that hold policies. What is wrong with
// it is reported when everything is parsed.
func policyFolders(files []repo.File) []string {
	for _, f := range files {
		if f.Path != configFile || f.Data == nil {
			continue
		}
		r, _ := declare.Parse([]declare.File{{Path: f.Path, Data: f.Data}})
		if r == nil || r.Config == nil {
			return nil
		}
		return policyPaths(r.Config)
	}
	return nil
}

func inFolder(path string, folders []string) bool {
	for _, f := range folders {
		if strings.HasPrefix(path, f+"/") {
			return true
		}
	}
	return false
}
