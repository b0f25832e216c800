package engine

import (
	"context"

	"github.com/accordhq/accord/engine/repo"
)

// commitOn adds a commit to a branch of Accord's own, from the declaration's commit on, and
// returns its id.
func (d *Declaration) commitOn(ctx context.Context, branch, message string, e *Engine, edit func(read func(string) ([]byte, error)) (map[string][]byte, error)) (string, error) {
	at, _, err := d.git.Commit(ctx, repo.Draft{Branch: branch, Parent: d.commit, Message: message, Actor: e.Actor, At: e.Now(), Edit: edit})
	return at.Hash, err
}

// pushCommand is how a branch is published; "" if there is no remote repository to publish it to.
func (d *Declaration) pushCommand(branch string) (string, error) {
	remotes, err := d.git.Remotes()
	if err != nil || len(remotes) == 0 {
		return "", err
	}
	return "git push " + remotes[0] + " " + branch, nil
}
