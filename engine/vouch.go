package engine

import (
	"context"
	"maps"
	"time"

	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/repo"
	"github.com/accordhq/accord/engine/resolve"
)

// mayVouch reports whether what this run finds of a revision holds for other runs, too.
func (s *session) mayVouch() bool {
	return s.Cache != "" && !s.alone && s.head.git != nil && !s.head.Revision.Worktree && len(s.opts.Systems) == 0 && len(s.found) == 0 && len(s.without) == 0 &&
		s.opts.Leave == nil && len(s.offboarded()) == 0 && s.connected() && s.head.listing.Len() >= cacheFrom
}

// noteSound remembers of worlds that were resolved as a whole that nothing is wrong with them.
func (s *session) noteSound(problems bool, w *resolve.World, hash string) {
	if problems || w == nil || s.focus != nil || !s.mayVouch() {
		return
	}
	if tree := s.head.trees[hash]; !s.isSound(s.head.Root, tree, s.at) {
		s.keepSound(s.head.Root, sound{tree, hash, s.at, w.Until()})
	}
}

// noteTouched remembers that nothing is wrong with head, where the base is sound and nothing is wrong
// with what the change touches.
func (s *session) noteTouched() {
	if s.focus == nil || s.opts.person != "" || !s.mayVouch() || s.newest.head == nil {
		return
	}
	if tree := s.head.trees[s.head.commit.Hash]; !s.isSound(s.head.Root, tree, s.at) {
		s.keepSound(s.head.Root, sound{tree, s.head.commit.Hash, s.at, sooner(s.besides.until, s.newest.head.Until())})
	}
}

// sooner is the first of two instants; the zero time never comes.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// maxNear is beside how many of the revisions that were found sound last another one is looked at.
const maxNear = 3

// vouched tells until when a revision is known to be sound. One of which that isn't known is looked at
// beside one of which it is, by what it has otherwise: main has mostly moved by a few changes since. So
// is one of which it was known until something began or ended.
func (s *session) vouched(ctx context.Context, decl *declare.Repository, rev repo.Revision) (sound, bool) {
	tree := s.head.trees[rev.Hash]
	if known, ok := s.foundSound(s.head.Root, tree, s.at); ok || tree == "" || !s.mayVouch() {
		return known, ok
	}
	until, ok := s.soundNear(ctx, decl)
	if !ok {
		return sound{}, false
	}
	known := sound{tree, rev.Hash, s.at, until}
	s.keepSound(s.head.Root, known)
	return known, true
}

// soundNear looks at a declaration beside those that were found sound last.
func (s *session) soundNear(ctx context.Context, decl *declare.Repository) (until time.Time, ok bool) {
	tried := 0
	for _, near := range s.readSound(s.head.Root) {
		if tried == maxNear || ctx.Err() != nil {
			break
		}
		if near.commit == "" || s.at.Before(near.from) {
			continue
		}
		tried++
		if until, ok := s.soundBeside(ctx, decl, near); ok {
			return until, true
		}
	}
	return time.Time{}, false
}

// soundBeside reports whether nothing is wrong with a revision, given that nothing is with another
// one, and until when.
func (s *session) soundBeside(ctx context.Context, decl *declare.Repository, near sound) (time.Time, bool) {
	rev, err := s.head.git.Resolve(ctx, near.commit)
	if err != nil {
		return time.Time{}, false // of a branch that is gone
	}
	base, err := s.readRevision(ctx, s.head, rev)
	if err != nil || s.head.trees[rev.Hash] != near.tree {
		return time.Time{}, false
	}
	d := decl.DifferenceTo(base)
	if d.Rest {
		return time.Time{}, false
	}
	about := resolve.Touched(base, decl, s.at, d)
	until := near.until
	if !near.at(near.tree, s.at) {
		by, ok := resolve.Reached(decl, near.from, s.at)
		next, told := decl.NextDate(s.at)
		if !ok || !told {
			return time.Time{}, false
		}
		maps.Copy(about, by)
		until = next
	}
	for range maxWiden {
		if len(about) > mostAbout(decl) {
			break
		}
		w, problems := resolve.Resolve(resolve.Input{Repo: decl, At: s.at, Connectors: s.connectors(), About: about, Differs: d})
		if len(problems) > 0 {
			break
		}
		beside := w.Beside()
		if len(beside) == 0 {
			return sooner(until, w.Until()), true
		}
		for _, id := range beside {
			about[id] = true
		}
	}
	return time.Time{}, false
}
