package engine

import (
	"context"

	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/repo"
)

// soundBefore gives a declaration whose documents are known to be sound by what they have otherwise
// than a revision that is; nil where all of them have to be looked at, as also where anything is wrong:
// the whole tells that best.
func (e *Engine) soundBefore(ctx context.Context, src Source) *Declaration {
	if e.Cache == "" {
		return nil
	}
	d, err := e.openBefore(ctx, src)
	if err != nil || d.Repo == nil || !d.Repo.Kept() {
		_ = d.Close()
		return nil
	}
	s := &session{Engine: e, opts: PlanOptions{Source: src, NoLive: true}, at: e.Now(), bases: map[string]*base{}, head: d}
	ok := s.chooseOffline() == nil && s.connected()
	if ok {
		_, ok = s.soundNear(ctx, d.Repo)
	}
	s.head = nil // it is needed still, or is closed here
	if err := s.close(); err != nil || !ok {
		_ = d.Close()
		return nil
	}
	e.Log.Debug("only what differs is looked at")
	return d
}

// openBefore opens a declaration by what the cache holds; that of a folder without reading the files
// which git knows to be as they were.
func (e *Engine) openBefore(ctx context.Context, src Source) (*Declaration, error) {
	if !src.Worktree {
		return e.load(ctx, src)
	}
	root, err := repo.FindRoot(src.Dir)
	if err != nil {
		return nil, err
	}
	d := &Declaration{Root: root, Revision: plan.Revision{Worktree: true}}
	if d.git, err = repo.Open(root); err != nil {
		return d, err
	}
	if d.commit, err = d.git.Resolve(ctx, ""); err != nil {
		return d, err
	}
	if e.openKept(d); d.kept == nil {
		return d, nil
	}
	found, err := d.git.Folder(ctx)
	if err != nil {
		return d, err
	}
	gone, come := repo.Unlike(d.cache.listing.Files(), found)
	known := declare.Known{Compiled: d.cache.compiled, Connectors: e.Descriptions(), Text: d.text}
	if d.Repo, err = e.deriveKept(ctx, d, gone, come, known); err != nil || d.Repo == nil {
		return d, err
	}
	policies := policyPaths(d.Repo.Config)
	for _, f := range found {
		if !inFolder(f.Path, policies) {
			d.files = append(d.files, declare.File{Path: f.Path, Blob: f.Blob})
		}
	}
	return d, nil
}
