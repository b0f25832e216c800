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
	"github.com/accordhq/accord/engine/resolve"
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
	if s.tip, _, err = s.readRevision(ctx, s.head, tip); err != nil {
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
		if b.decl, _, err = s.readRevision(ctx, s.head, at); err != nil {
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
		decl, _, err = s.readRevision(ctx, s.head, commit)
	}
	if err != nil {
		s.notes = append(s.notes, fmt.Sprintf("the last applied revision %.8s can't be read, so that neither causes nor everybody who left since can be told; fetch the whole history: %v", rev, firstLine(err)))
		return nil
	}
	s.bases[rev] = &base{rev: commit, decl: decl}
	return s.bases[rev]
}

// resolve computes what is declared now, and what the bases declare for the same instant.
func (s *session) resolve() error {
	for range maxWiden {
		err := s.resolveOnce()
		if err == nil && !s.widenFocus() {
			return nil
		}
		if err != nil && s.focus == nil {
			return err
		}
		if err != nil {
			s.focus = nil // the whole tells it best
		}
		for _, b := range s.bases {
			if b != nil {
				b.world, b.head, b.compared = nil, nil, false
			}
		}
	}
	s.focus = nil
	return s.resolveOnce()
}

// maxWiden is how often people are added whose accounts are called alike.
const maxWiden = 5

func (s *session) resolveOnce() error {
	conns := s.connectors()
	s.conns = conns
	former := s.former()
	head := func(b *base) (*resolve.World, declare.Problems) {
		return resolve.Resolve(resolve.Input{Repo: s.head.Repo, At: s.at, Connectors: conns, Previous: s.before(b), Former: former, Found: s.found, Without: s.without,
			Offboarded: s.offboarded(), About: s.focus, Differs: s.differs})
	}
	var problems declare.Problems
	var plain *resolve.World
	for _, sys := range s.systems {
		name := sys.decl.ID.Value
		b := sys.rev
		if b == nil {
			if plain == nil {
				var found declare.Problems
				plain, found = head(s.last)
				problems = problems.Merge(found)
			}
			sys.want = plain.System(name)
			continue
		}
		if b.head == nil {
			var found declare.Problems
			b.head, found = head(b)
			problems = problems.Merge(found)
			b.world = b.head
			if !s.nothingBefore(b, former) {
				var wrong declare.Problems
				b.world, wrong = resolve.Resolve(resolve.Input{Repo: b.decl, At: s.at, Connectors: conns, Found: s.found, About: s.focus})
				s.noteSound(len(wrong) > 0, b.world, b.rev.Hash)
			}
			s.noteSound(len(problems) > 0, b.head, s.head.commit.Hash)
		}
		sys.want, sys.base = b.head.System(name), b.world.System(previousName(b.decl, sys.decl))
	}
	for _, o := range s.others {
		if o.base.world == nil {
			o.base.world, _ = resolve.Resolve(resolve.Input{Repo: o.base.decl, At: s.at, Connectors: conns, Found: s.found, About: s.focus})
		}
	}
	problems = problems.Merge(s.vanishedSystems())
	if len(problems) > 0 {
		return problems
	}
	s.plain = plain
	s.noteSound(false, plain, s.head.commit.Hash)
	s.compare(plain, head)
	return nil
}

// connectors are what resolution needs of the connector of each system.
func (s *session) connectors() map[string]resolve.Connector {
	conns := map[string]resolve.Connector{}
	for _, sys := range s.systems {
		t, _ := s.connector(sys.decl.Connector.Value)
		c := resolve.Connector{Describe: t.Describe()}
		if sys.conn != nil {
			c.Normalize = sys.conn.Normalize
		}
		conns[sys.decl.ID.Value] = c
		for _, was := range sys.decl.Previously {
			conns[was.Value] = c
		}
	}
	for _, d := range s.head.Repo.Systems { // those that aren't part of the run can do what they can, too
		if _, ok := conns[d.ID.Value]; !ok {
			if t, ok := s.connector(d.Connector.Value); ok {
				conns[d.ID.Value] = resolve.Connector{Describe: t.Describe()}
			}
		}
	}
	return conns
}

// nothingBefore reports whether a base is head itself, and nothing is known besides of what was before
// or was found: then both declare the same.
func (s *session) nothingBefore(b *base, former map[string][]resolve.Former) bool {
	return b.decl == s.head.Repo && len(former)+len(s.found)+len(s.without)+len(s.offboarded()) == 0 &&
		!slices.ContainsFunc(s.applied, func(a applied) bool { return a.decl != b.decl })
}

// previousName is the id that a system had at the base.
func previousName(base *declare.Repository, d *declare.System) string {
	if base.System(d.ID.Value) == nil {
		for _, was := range d.Previously {
			if base.System(was.Value) != nil {
				return was.Value
			}
		}
	}
	return d.ID.Value
}

// compare computes the shifts of the declaration against its base.
func (s *session) compare(plain *resolve.World, head func(*base) (*resolve.World, declare.Problems)) {
	if s.opts.person != "" {
		return // it is about no change
	}
	if s.newest == nil {
		// Everything is new. Telling that line by line is worth its cost only where nothing
		// else is shown.
		s.digest = s.head.contentDigest()
		if plain != nil && s.opts.NoLive && !s.alone {
			s.shifts = resolve.Compare(nil, plain)
		}
		return
	}
	if s.opts.Leave != nil {
		return // it is about no change
	}
	if s.newest.decl == s.head.Repo {
		return
	}
	if s.newest.head == nil {
		s.newest.head, _ = head(s.newest)
		s.newest.world, _ = resolve.Resolve(resolve.Input{Repo: s.newest.decl, At: s.at, Connectors: s.conns, Found: s.found, About: s.focus})
	}
	s.shifts = s.shiftsFrom(s.newest)
}

// shiftsFrom is what head declares differently from a base, with what it judges by.
func (s *session) shiftsFrom(b *base) []access.Shift {
	if b.compared || b.decl == s.head.Repo {
		return b.shifts
	}
	b.compared = true
	b.shifts = resolve.Compare(b.world, s.asDeclared(b))
	if is := s.own.policies.Digest; is != b.policies {
		b.shifts = append(b.shifts, access.Shift{Kind: access.ShiftSettings, System: policiesName, From: b.policies, To: is})
		resolve.SortShifts(b.shifts)
	}
	return b.shifts
}

// policiesName is what policies are called among the settings that a change is about.
const policiesName = "the policies"

// vanishedSystems refuses a system whose document is gone although it was never released:
// nobody would look after what people hold there.
func (s *session) vanishedSystems() declare.Problems {
	if s.last == nil {
		return nil
	}
	kept := map[string]bool{}
	for _, d := range s.head.Repo.Systems {
		kept[d.ID.Value] = true
		for _, was := range d.Previously {
			kept[was.Value] = true
		}
	}
	var out declare.Problems
	for _, d := range s.last.decl.Systems {
		if !kept[d.ID.Value] && d.State.Value != "released" {
			out = append(out, declare.Problem{Pos: declare.Pos{File: d.File},
				Message: fmt.Sprintf("the document of the system %q is gone, and the system was never released", d.ID.Value),
				Hint:    "bring it back with `state: released`, apply that, and delete it then"})
		}
	}
	return out
}

// former are the accounts of leavers that the journal remembers.
func (s *session) former() map[string][]resolve.Former {
	out := map[string][]resolve.Former{}
	for _, sys := range s.systems {
		name := sys.decl.ID.Value
		for _, d := range slices.Concat(mapped(namesOf(sys.decl), s.memory.Disabled)...) {
			if d.Leaver {
				out[name] = append(out[name], resolve.Former{Account: d.Account, Person: d.Person, Since: d.Since})
			}
		}
	}
	return out
}

func mapped[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
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
