package engine

import (
	"context"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/repo"
	"github.com/accordhq/accord/engine/resolve"
)

// loadApproved finds the change digests of the commits that approvals name: of what each changes
// against where it left the line that head is on. That is what was looked at when it was approved;
// what others merged before, and what is still to be agreed to of it, is none of it.
func (s *session) loadApproved(ctx context.Context) error {
	s.approved = map[string]string{}
	if s.opts.Approvals == nil || s.head.git == nil || s.newest == nil || s.newest.world == nil {
		return nil
	}
	for _, a := range s.opts.Approvals.Approvals {
		if _, done := s.approved[a.Commit]; done || a.Commit == "" || a.Commit == s.head.Revision.Hash {
			continue
		}
		s.approved[a.Commit] = ""
		rev, err := s.head.git.Resolve(ctx, a.Commit)
		if err != nil || rev.Hash != a.Commit {
			continue // a commit that isn't here approves nothing
		}
		if shifts, err := s.changeOf(ctx, rev); err == nil {
			s.approved[a.Commit] = plan.ChangeDigest(shifts)
		}
	}
	return ctx.Err()
}

// changeOf is what a commit declares differently from where it left head's line, or, where that
// can't be told, from what head itself is compared with.
func (s *session) changeOf(ctx context.Context, rev repo.Revision) ([]access.Shift, error) {
	decl, err := s.readRevision(ctx, s.head, rev)
	if err != nil {
		return nil, err
	}
	p, err := s.head.policiesAt(ctx, rev, decl)
	if err != nil {
		return nil, err
	}
	fork, forked, err := s.head.git.ForkPoint(ctx, s.head.commit, rev)
	if err != nil {
		return nil, err
	}
	world, policies, previous := s.newest.world, s.newest.policies, s.before(s.newest)
	if forked && fork.Hash != s.newest.rev.Hash {
		was, err := s.readRevision(ctx, s.head, fork)
		if err != nil {
			return nil, err
		}
		there, err := s.head.policiesAt(ctx, fork, was)
		if err != nil {
			return nil, err
		}
		world, _ = resolve.Resolve(resolve.Input{Repo: was, At: s.at, Connectors: s.conns, Found: s.found})
		policies, previous = there.Digest, []*declare.Repository{was}
	}
	w, _ := resolve.Resolve(resolve.Input{Repo: decl, At: s.at, Connectors: s.conns, Previous: previous, Former: s.former()})
	shifts := resolve.Compare(world, w)
	if p.Digest != policies {
		shifts = append(shifts, access.Shift{Kind: access.ShiftSettings, System: policiesName, From: policies, To: p.Digest})
		resolve.SortShifts(shifts)
	}
	return shifts, nil
}
