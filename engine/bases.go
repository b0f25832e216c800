package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
)

// loadBases finds what head is compared with: with --base the merge base of that revision and
// head, for all systems; else, for each system, the revision that was last applied to it.
//
// What is applied is compared with what was last applied also with --base, where that is known:
// else access that was taken away in between would count as nobody's, and somebody who left
// as a stranger.
func (s *session) loadBases(ctx context.Context, write bool) error {
	s.loadApplied(ctx)
	s.loadOthers(ctx)
	if s.opts.Base != "" {
		if err := s.loadBase(ctx); err != nil || !write {
			s.last = s.newest
			return err
		}
	}
	for _, sys := range s.systems {
		rev, at, ok := s.lastApplied(sys.decl)
		if !ok {
			continue
		}
		if b := s.loadRevision(ctx, rev); b != nil {
			sys.baseAt = at
			sys.rev = b
		}
	}
	last, _, ok := s.memory.LastRevision()
	if ok {
		s.last = s.loadRevision(ctx, last)
	}
	// What was refused is a change until it is agreed to, whatever else was applied since.
	rev, accepted := s.accepted()
	if accepted {
		if b := s.loadRevision(ctx, rev); b != nil {
			s.newest = b
		}
	} else if s.last != nil {
		s.newest = s.last
	}
	return nil
}

// loadApplied loads every revision that stands applied on some system, or up to which leavers
// were dealt with: whoever was declared there and is gone has left, whatever the change at hand
// is compared with. (What is refused, or can't be seen, may keep a system from standing applied
// for long. People come and go meanwhile.)
func (s *session) loadApplied(ctx context.Context) {
	for _, sys := range s.systems {
		for _, last := range []func(string) (string, time.Time, bool){s.memory.LastApplied, s.memory.LeaversUpTo} {
			rev, at, ok := s.lastBy(sys.decl, last)
			if !ok {
				continue
			}
			b := s.loadRevision(ctx, rev)
			name := sys.decl.ID.Value
			if b == nil && s.head.git != nil && !slices.Contains(s.opts.Allow, plan.Allow{Name: access.RiskLostHistory, Ref: name}) {
				sys.baseErr = fmt.Sprintf("the last applied revision %.8s can't be read; fetch the whole history, or if that is lost for good, --allow %s:%s", rev, access.RiskLostHistory, name)
			}
			if b != nil && !slices.ContainsFunc(s.applied, func(a applied) bool { return a.decl == b.decl }) {
				s.applied = append(s.applied, applied{b.decl, at})
			}
		}
	}
	slices.SortStableFunc(s.applied, func(a, b applied) int { return b.at.Compare(a.at) })
}

// loadOthers loads what stands applied on systems that aren't part of the run: where roles exclude
// each other it matters what people hold there.
func (s *session) loadOthers(ctx context.Context) {
	if len(exclusive(s.head.Repo)) == 0 {
		return
	}
	for _, d := range s.head.Repo.Systems {
		if s.has(d.ID.Value) || d.State.Value == "released" {
			continue
		}
		if rev, _, ok := s.lastApplied(d); ok {
			if b := s.loadRevision(ctx, rev); b != nil {
				s.others = append(s.others, other{d, b})
			}
		}
	}
}

// other is a system that isn't part of the run, and what stands applied there.
type other struct {
	decl *declare.System
	base *base
}

// applied is a declaration that stands applied, and since when.
type applied struct {
	decl *declare.Repository
	at   time.Time
}

// before are the declarations that people may have vanished from: the base first, then what was
// applied, the newest first.
func (s *session) before(b *base) []*declare.Repository {
	var out []*declare.Repository
	if b != nil {
		out = append(out, b.decl)
	}
	for _, a := range s.applied {
		if !slices.Contains(out, a.decl) {
			out = append(out, a.decl)
		}
	}
	return out
}

// lastApplied looks under the system's present name and those it had before.
func (s *session) lastApplied(d *declare.System) (rev string, at time.Time, ok bool) {
	return s.lastBy(d, s.memory.LastApplied)
}

func (s *session) lastBy(d *declare.System, of func(string) (string, time.Time, bool)) (rev string, at time.Time, ok bool) {
	for _, name := range namesOf(d) {
		if rev, at, ok = of(name); ok {
			return rev, at, true
		}
	}
	return "", at, false
}

// namesOf are the names of a system in the journal: its own and those it had before.
func namesOf(d *declare.System) []string {
	names := []string{d.ID.Value}
	for _, was := range d.Previously {
		names = append(names, was.Value)
	}
	return names
}

// loadTip loads what --base names, by which much of what follows is decided: where the journal is,
// connections, so that a pull request can't send a credential elsewhere, and settings that judge.
func (s *session) loadTip(ctx context.Context) error {
	if s.opts.Base == "" {
		return nil
	}
	if s.head.git == nil {
		return errors.New("--base needs a git repository")
	}
	tip, err := s.head.git.Resolve(ctx, s.opts.Base)
	if err != nil {
		return fmt.Errorf("--base: %w", err)
	}
	s.tipRev = tip
	if s.tip, err = s.readRevision(ctx, s.head, tip); err != nil {
		return fmt.Errorf("the declaration at %s: %w", s.opts.Base, err)
	}
	return nil
}

// loadBase loads what the change starts from: where the history of --base and that of head part.
func (s *session) loadBase(ctx context.Context) error {
	tip := s.tipRev
	at, err := s.head.git.MergeBase(ctx, tip, s.head.commit)
	if err != nil {
		return fmt.Errorf("--base: %w", err)
	}
	s.forked = at
	b := &base{rev: at, decl: s.tip}
	if at.Hash != tip.Hash {
		if b.decl, err = s.readRevision(ctx, s.head, at); err != nil {
			return fmt.Errorf("the declaration at %s: %w", at.Short, err)
		}
	}
	s.bases[at.Hash], s.newest = b, b
	for _, sys := range s.systems {
		sys.rev = b
		_, sys.baseAt, _ = s.lastApplied(sys.decl)
	}
	return nil
}

// loadRevision loads an earlier revision. One that can't be had or read is as good as none:
// less can be told about causes then, less is taken away, and nothing counts as applied until
// it can be had. The reader is told.
func (s *session) loadRevision(ctx context.Context, rev string) *base {
	if b, ok := s.bases[rev]; ok {
		return b
	}
	s.bases[rev] = nil
	if s.head.git == nil {
		return nil
	}
	if rev == s.head.Revision.Hash {
		s.bases[rev] = &base{rev: s.head.commit, decl: s.head.Repo}
		return s.bases[rev]
	}
	commit, err := s.head.git.Resolve(ctx, rev)
	var decl *declare.Repository
	if err == nil {
		decl, err = s.readRevision(ctx, s.head, commit)
	}
	if err != nil {
		s.notes = append(s.notes, fmt.Sprintf("the last applied revision %.8s can't be read, so that neither causes nor everybody who left since can be told; fetch the whole history: %v", rev, firstLine(err)))
		return nil
	}
	s.bases[rev] = &base{rev: commit, decl: decl}
	return s.bases[rev]
}

// contentDigest names the declaration by the content of its files.
func (d *Declaration) contentDigest() string {
	h := sha256.New()
	for _, f := range d.declared() { // which are sorted
		fmt.Fprintf(h, "%q %s\n", f.Path, f.Blob)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
