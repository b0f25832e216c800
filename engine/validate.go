package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/repo"
	"github.com/accordhq/accord/policy"
)

// Validate loads a declaration, resolves it for now and compiles its policies, without any
// system, so that everything is found that can be found without reading one. What is wrong is
// a declare.Problems with all of it: policies are looked at also where documents are wrong.
func (e *Engine) Validate(ctx context.Context, src Source) (*Declaration, error) {
	if d := e.soundBefore(ctx, src); d != nil {
		if wrong, err := d.wrongPolicies(ctx); len(wrong) > 0 || err != nil {
			return nil, errors.Join(err, wrong.Err(), d.Close())
		}
		return d, nil
	}
	s, err := e.prepareOffline(ctx, PlanOptions{Source: src, NoLive: true})
	var wrong declare.Problems
	if err != nil {
		if !errors.As(err, &wrong) {
			return nil, err
		}
		return nil, e.withPolicies(ctx, src, wrong)
	}
	head := s.head
	s.head = nil
	err = s.close()
	if wrong, more := head.wrongPolicies(ctx); len(wrong) > 0 || more != nil {
		err = errors.Join(err, more, wrong.Err())
	}
	if err != nil {
		return nil, errors.Join(err, head.Close())
	}
	return head, nil
}

// withPolicies adds to what is wrong with the documents what is wrong with the policies.
func (e *Engine) withPolicies(ctx context.Context, src Source, wrong declare.Problems) error {
	d, err := e.load(ctx, src)
	if d == nil || d.Repo == nil || d.Repo.Config == nil {
		return errors.Join(wrong, d.Close()) // accord.yaml isn't one: nobody knows where policies are
	}
	if err != nil && !errors.As(err, new(declare.Problems)) {
		return errors.Join(err, d.Close())
	}
	more, err := d.wrongPolicies(ctx)
	more = slices.DeleteFunc(more, func(p declare.Problem) bool { // the same thing in other words
		return p.Pos.Line > 0 && slices.ContainsFunc(wrong, func(w declare.Problem) bool { return w.Pos == p.Pos })
	})
	return errors.Join(wrong.Merge(more), err, d.Close())
}

// wrongPolicies are the problems of the policies; none if there is nothing to judge by.
func (d *Declaration) wrongPolicies(ctx context.Context) (declare.Problems, error) {
	if wrong, err := d.wrongFolders(ctx); len(wrong) > 0 || err != nil {
		return wrong, err
	}
	p, err := d.Policies(ctx)
	if err == nil && p.Any() {
		var j *policy.Judge
		if j, err = p.Compile(ctx); err == nil {
			err = p.wrongExemptions(j)
		}
	}
	var wrong declare.Problems
	if errors.As(err, &wrong) {
		return wrong, nil
	}
	return nil, err
}

// wrongFolders finds policy folders of accord.yaml that aren't there, and those without a
// policy in them: whoever names a folder relies on what they think is in it.
func (d *Declaration) wrongFolders(ctx context.Context) (declare.Problems, error) {
	var out declare.Problems
	c := d.Repo.Config
	for _, f := range c.Policy {
		wrong := func(text, hint string) {
			out = append(out, d.Repo.Problem(c.Pos(f.At), f.Value, text, hint))
		}
		files, err := d.policyFiles(ctx, f.Value)
		switch {
		case errors.Is(err, repo.ErrNotThere):
			wrong(fmt.Sprintf("there is no folder %q", f.Value), "name the folder that holds the policies, or take it away")
		case errors.Is(err, repo.ErrRefused):
			wrong(err.Error(), "")
		case err != nil:
			return nil, err
		case !slices.ContainsFunc(files, func(f repo.File) bool { return policyFile(f.Path) }):
			wrong(fmt.Sprintf("there is no policy in the folder %q", f.Value), "put a .rego file there, or take the folder away")
		}
	}
	return out, nil
}

// policyFiles reads one policy folder.
func (d *Declaration) policyFiles(ctx context.Context, folder string) ([]repo.File, error) {
	if d.Revision.Worktree {
		return repo.WorktreePolicyFiles(ctx, d.Root, []string{folder})
	}
	return d.git.PolicyFiles(ctx, d.commit, []string{folder})
}
