package repo

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Init makes a folder that isn't inside a git repository into one, with the named files as its
// first commit, and returns that commit's id. The author is the one that git is configured
// with, if it is. Inside a git repository it changes nothing and returns "".
func Init(dir, message string, files []string, now time.Time) (string, error) {
	if r, err := Open(dir); err == nil {
		return "", r.Close()
	} else if !errors.Is(err, ErrNoGit) && !errors.Is(err, ErrNoCommit) {
		return "", err
	} else if errors.Is(err, ErrNoCommit) {
		return "", nil
	}
	r, err := git.PlainInitWithOptions(dir, &git.PlainInitOptions{InitOptions: git.InitOptions{DefaultBranch: plumbing.Main}})
	if err != nil {
		return "", fmt.Errorf("making a git repository in %s: %w", dir, err)
	}
	w, err := r.Worktree()
	if err != nil {
		return "", fmt.Errorf("making a git repository in %s: %w", dir, err)
	}
	for _, f := range files {
		if _, err := w.Add(f); err != nil {
			return "", fmt.Errorf("adding %s to git: %w", f, err)
		}
	}
	o := &git.CommitOptions{}
	if err := o.Validate(r); errors.Is(err, git.ErrMissingAuthor) || o.Author == nil {
		host, _ := os.Hostname()
		o.Author = &object.Signature{Name: "accord init", Email: "accord@" + host, When: now}
	}
	o.Author.When = now
	o.Committer = o.Author
	id, err := w.Commit(message, o)
	if err != nil {
		return "", fmt.Errorf("committing to git: %w", err)
	}
	return id.String(), nil
}
