package engine

import (
	"fmt"
	"slices"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/resolve"
)

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
