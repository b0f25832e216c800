package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/resolve"
)

// Who was offboarded counts as somebody who left on every system, from the moment that the journal
// says so, until the declaration says so itself or somebody lets them return by name. Otherwise
// the next apply of what is still declared would give everything back. It also means that what
// an offboarding couldn't reach is taken away by whatever run comes next.

// offboarded are those who count as left, each with what says it.
func (s *session) offboarded() map[string]access.Link {
	out := map[string]access.Link{}
	for _, o := range s.memory.Offboarded() {
		if p := s.personNow(o.Person); p != nil && !s.returns(o) {
			out[p.ID.Value] = access.Link{File: p.File, Line: int(p.At.Line), Text: "offboarded " + o.Since.In(s.head.Repo.Config.Location()).Format(time.DateOnly) + " by " + o.Actor}
		}
	}
	if l := s.opts.Leave; l != nil {
		if p := s.personNow(l.Person); p != nil && out[p.ID.Value].Text == "" {
			out[p.ID.Value] = access.Link{File: p.File, Line: int(p.At.Line), Text: "is offboarded by " + s.Actor}
		}
	}
	return out
}

// personNow is the document of somebody by an id that they have or had; nil if it is gone.
func (s *session) personNow(id string) *declare.Person {
	if p := s.head.Repo.Person(id); p != nil {
		return p
	}
	for _, p := range s.head.Repo.RenamedPeople() {
		if slices.ContainsFunc(p.Previously, func(was declare.Text) bool { return was.Value == id }) {
			return p
		}
	}
	return nil
}

// returns reports whether somebody is let back in by name.
func (s *session) returns(o journal.Offboarding) bool {
	return slices.Contains(s.opts.Allow, plan.Allow{Name: access.RiskReturns, Ref: o.Person})
}

// left reports whether the declaration itself says that somebody left.
func (s *session) left(p *declare.Person) bool {
	end := p.Ends.End(s.head.Repo.Config.Location())
	return p.Status.Value == "left" || !end.IsZero() && !s.at.Before(end)
}

// withheld tells of those who are declared and given nothing.
func (s *session) withheld() []plan.Withheld {
	var out []plan.Withheld
	for _, o := range s.memory.Offboarded() {
		p := s.personNow(o.Person)
		if p == nil || s.left(p) || s.returns(o) || s.opts.Leave != nil {
			continue
		}
		text := fmt.Sprintf("%s was offboarded %s by %s", p.ID.Value, o.Since.In(s.head.Repo.Config.Location()).Format(time.DateOnly), o.Actor)
		if o.Reason != "" {
			text += " (" + o.Reason + ")"
		}
		text += ", and is given nothing; "
		if o.Branch != "" {
			text += "merge " + o.Branch + ", "
		} else {
			text += "declare it (status: left), "
		}
		out = append(out, plan.Withheld{Person: p.ID.Value, Why: plan.HeldOffboarded, File: p.File, Line: int(p.At.Line),
			Text: text + fmt.Sprintf("or --allow %s:%s", access.RiskReturns, o.Person)})
	}
	return out
}

// withheldIDs are the ids, present and former, of those who were offboarded.
func (s *session) withheldIDs() []string {
	var out []string
	for _, o := range s.memory.Offboarded() {
		if s.returns(o) {
			continue
		}
		out = append(out, o.Person)
		if p := s.personNow(o.Person); p != nil {
			out = append(out, p.ID.Value)
			for _, was := range p.Previously {
				out = append(out, was.Value)
			}
		}
	}
	return out
}

// withReturn puts what lets somebody return who was offboarded in the place of a change to their
// document, which says nothing of that.
func (x *whyer) withReturn(fixes []string) []string {
	for _, o := range x.memory.Offboarded() {
		p := x.personNow(o.Person)
		if p == nil || p.ID.Value != x.person || x.left(p) {
			continue
		}
		fixes = slices.Clone(fixes)
		if i := slices.Index(fixes, fmt.Sprintf("change %s:%d", p.File, p.At.Line)); i >= 0 {
			fixes[i] = fmt.Sprintf("let %s return, accord apply --allow %s:%s", p.ID.Value, access.RiskReturns, o.Person)
		}
	}
	return fixes
}

// settles are the offboardings that this run ends: of those who are let return, and of those of
// whom a commit says that they left that came after what was declared when it began. (An older
// one may know nothing of somebody who came later.)
func (s *session) settles(ctx context.Context) []journal.Settled {
	if s.opts.Leave != nil {
		return nil
	}
	var out []journal.Settled
	for _, o := range s.memory.Offboarded() {
		p := s.personNow(o.Person)
		switch {
		case s.returns(o):
			out = append(out, journal.Settled{Person: o.Person, Why: "allowed to return"})
		case s.head.git == nil || s.head.Revision.Worktree || o.Revision == journal.Worktree || p != nil && !s.left(p):
		default:
			at, err := s.head.git.Resolve(ctx, o.Revision)
			if err != nil {
				continue // it isn't known what came after
			}
			if in, err := s.head.git.Contains(ctx, s.head.commit, at); err == nil && in {
				out = append(out, journal.Settled{Person: o.Person, Why: fmt.Sprintf("declared so by %.7s", s.head.commit.Hash)})
			}
		}
	}
	return out
}

// asDeclared is head against a base as it stands in the files: what a change is must not hang on
// what a journal knows, as approvals are for it.
func (s *session) asDeclared(b *base) *resolve.World {
	if len(s.offboarded()) == 0 {
		return b.head
	}
	w, _ := resolve.Resolve(resolve.Input{Repo: s.head.Repo, At: s.at, Connectors: s.conns, Previous: s.before(b), Former: s.former(), Found: s.found, Without: s.without, About: s.focus})
	return w
}
