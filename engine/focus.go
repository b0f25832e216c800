package engine

import (
	"context"
	"maps"
	"slices"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/observe"
	"github.com/accordhq/accord/engine/resolve"
)

// A pull request that is looked at without any system, and a question about one person, needn't
// resolve what everybody has: they cost what they touch. That is only done beside a revision which
// is known to be sound (see sound.go), and of which the one at hand differs in nothing that concerns
// everybody; what comes out is the same, errors included.

// mostFocus is the share of all people, one in so many, beyond which everybody is resolved at once.
const mostFocus = 4

// setFocus decides whom the run is about; nil: everybody.
func (s *session) setFocus(ctx context.Context) {
	s.focus = nil
	switch {
	case s.alone || s.head.git == nil || s.head.Revision.Worktree || s.opts.Leave != nil || s.opts.Approvals != nil || !s.connected():
	case s.opts.person != "":
		if _, ok := s.vouched(ctx, s.head.Repo, s.head.commit); ok {
			s.focus = s.called(s.opts.person)
		}
	case s.opts.touched && s.opts.NoLive && s.newest != nil:
		b := s.newest
		if s.judge(ctx).rules() { // other rules are asked about everybody
			return
		}
		var ok bool
		if s.besides, ok = s.vouched(ctx, b.decl, b.rev); !ok {
			return
		}
		d := s.head.Repo.DifferenceTo(b.decl)
		if d.Rest {
			return
		}
		s.focus, s.differs = resolve.Touched(b.decl, s.head.Repo, s.at, d), d
	}
	if s.focus == nil {
		return
	}
	for id := range s.offboarded() {
		maps.Copy(s.focus, s.called(id))
	}
	if len(s.focus) > mostAbout(s.head.Repo) {
		s.focus = nil
		return
	}
	s.Log.Debug("only those are resolved whom it is about", "people", len(s.focus))
}

// called are all ids of a person, past and present.
func (s *session) called(id string) map[string]bool {
	out := map[string]bool{id: true}
	if p := s.personNow(id); p != nil {
		out[p.ID.Value] = true
		for _, was := range p.Previously {
			out[was.Value] = true
		}
	}
	return out
}

// connected reports whether every system's connector could be opened: it tells how names are
// written.
func (s *session) connected() bool {
	return !slices.ContainsFunc(s.systems, func(sys *system) bool { return sys.conn == nil })
}

// widenFocus adds those who may have the accounts of the people that it is about, and reports
// whether there were any: then it has to be resolved again.
func (s *session) widenFocus() bool {
	if s.focus == nil {
		return false
	}
	n := len(s.focus)
	for _, b := range s.bases {
		if b == nil {
			continue
		}
		for _, w := range []*resolve.World{b.head, b.world} {
			s.widenBy(w)
		}
	}
	s.widenBy(s.plain)
	return len(s.focus) > n
}

func (s *session) widenBy(w *resolve.World) {
	if w == nil {
		return
	}
	for _, id := range w.Beside() {
		maps.Copy(s.focus, s.called(id))
	}
}

// unfocused leaves unread what a question about one person has nothing to do with, and elsewhere
// asks for their account alone.
func (s *session) unfocused() {
	if s.opts.person == "" || len(s.opts.Systems) > 0 { // of one thing on one system it also matters what else is there
		return
	}
	holds := map[string]bool{}
	for _, h := range s.world().Holdings(s.opts.person) {
		holds[h.System] = true
	}
	for _, sys := range s.systems {
		if !holds[sys.decl.ID.Value] && sys.notRead == "" {
			sys.notRead = "the person holds nothing there by the declaration"
			continue
		}
		if id, ok := sys.want.AccountOf(s.opts.person); ok {
			sys.asked = []access.ID{id}
			if h, ok := sys.want.Holder(id); ok && h.Person == s.opts.person {
				sys.asked = append(sys.asked, h.Was...)
			}
		}
	}
}

// lookFurther reads a system as a whole where no account of the person was found, or another one may
// be theirs.
func (s *session) lookFurther(ctx context.Context) {
	var whole []observe.Target
	for _, sys := range s.systems {
		if sys.live == nil || len(sys.asked) == 0 {
			continue
		}
		found := slices.ContainsFunc(sys.asked, func(id access.ID) bool { _, ok := sys.live.Object(id); return ok })
		if !found || s.elsewhereNamed(sys) {
			whole = append(whole, observe.Target{System: sys.decl.ID.Value, Reader: connectors.ReadOnly(sys.conn)})
		}
	}
	s.observe(ctx, whole)
}

// mostAbout is for how many people looking at what a change touches is worth its while.
func mostAbout(r *declare.Repository) int { return 100 + r.NumPeople()/mostFocus }
