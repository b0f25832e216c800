package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/observe"
	"github.com/accordhq/accord/engine/plan"
)

// readAhead begins to read, while it is still being resolved what is declared, the systems of which
// it is certain that they are read, as a whole and by the connection that they were opened with:
// whatever else comes out there, the answer is the same. Nobody whose connection has to be agreed to
// is asked here (see distrust).
func (s *session) readAhead(ctx context.Context) {
	s.reading = observe.Begin(ctx, s.observing())
	if s.opts.NoLive || s.opts.Leave != nil || s.opts.person != "" {
		return // it isn't known yet who is asked, and what about
	}
	for _, sys := range s.systems {
		if sys.conn != nil && s.trusts(sys) {
			s.reading.Add(sys.target())
			sys.ahead = true
		}
	}
}

// target is what is asked of a system. Planning has nothing but the reading half of a connector in
// its hands.
func (sys *system) target() observe.Target {
	return observe.Target{System: sys.decl.ID.Value, Reader: connectors.ReadOnly(sys.conn), Scope: connectors.Scope{IDs: sys.asked}}
}

// read asks the systems that weren't asked ahead, and waits for all answers.
func (s *session) read(ctx context.Context) {
	for _, sys := range s.systems {
		switch {
		case s.opts.NoLive:
			sys.notRead = "it wasn't asked"
		case sys.live != nil || sys.ahead: // nothing need be asked
		case sys.conn != nil && sys.notRead == "":
			s.reading.Add(sys.target())
		}
	}
	s.keepAnswers(s.reading.Results())
	switch {
	case s.opts.Leave != nil:
		s.widen(ctx)
	case s.opts.person != "":
		s.lookFurther(ctx)
		s.doubtEmpty()
	default:
		s.doubtEmpty()
	}
	s.disjoint()
}

// observe asks systems side by side, and keeps what they answer.
func (s *session) observe(ctx context.Context, targets []observe.Target) {
	s.keepAnswers(observe.Read(ctx, targets, s.observing()))
}

func (s *session) observing() observe.Options {
	o := observe.Options{Parallel: s.opts.Parallel, Timeout: s.timeout(), Progress: s.opts.Progress}
	if o.Parallel == 0 {
		o.Parallel = 8
	}
	return o
}

func (s *session) keepAnswers(results []observe.Result) {
	for _, r := range results {
		sys := s.systemOf(r.System)
		sys.live, sys.err = r.State, r.Err
		sys.took += r.Took
	}
}

// timeout is how long a system may take to answer. Where somebody's access is taken away at once
// all that is asked is one person, and a system that hangs mustn't hold back the others for long.
func (s *session) timeout() time.Duration {
	switch {
	case s.opts.Timeout > 0:
		return s.opts.Timeout
	case s.opts.Leave != nil:
		return 30 * time.Second
	}
	return 2 * time.Minute
}

// doubtEmpty takes an answer for no answer when it is empty and what was last applied there
// wasn't. Where accounts aren't made here, none may ever have been there, and an empty answer
// changes nothing; but neither does it show that everybody who left is gone.
func (s *session) doubtEmpty() {
	for _, sys := range s.systems {
		name := sys.decl.ID.Value
		if sys.live == nil || hasAccounts(sys.live) || slices.Contains(s.opts.Allow, plan.Allow{Name: access.RiskReadsEmpty, Ref: name}) {
			continue
		}
		if !scope(sys).Create {
			sys.doubtful = true
			continue
		}
		if _, at, applied := s.memory.LastApplied(name); applied && sys.base != nil && hadAccounts(sys.base, at) {
			sys.live = nil
			sys.err = fmt.Errorf("reading %s: %w: it has no accounts at all, and had some when it was last applied; if it was emptied on purpose, --allow %s:%s",
				name, connectors.ErrIncomplete, access.RiskReadsEmpty, name)
		}
	}
}

func hasAccounts(st *access.State) bool {
	for o := range st.Objects() {
		if o.ID.IsAccount() && !o.Reserved && o.ID != st.Self() {
			return true
		}
	}
	return false
}

// hadAccounts reports whether a declaration wanted an account at an earlier instant already:
// windows may have opened since.
func hadAccounts(d access.Declared, at time.Time) bool {
	st := d.State()
	for o := range st.Objects() {
		if !o.ID.IsAccount() {
			continue
		}
		for _, g := range st.GrantsOf(o.ID) {
			for _, r := range d.Reasons(o.ID, g.Target, g.Permission) {
				if r.Active(at) {
					return true
				}
			}
		}
	}
	return false
}
