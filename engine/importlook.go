package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/adopt"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/diff"
	"github.com/accordhq/accord/engine/match"
	"github.com/accordhq/accord/engine/resolve"
)

// look is what a declaration would lead to on the system that is imported from.
type look struct {
	system string
	world  *resolve.World
	// real is the difference by what the system's document claims, all the one if it claimed
	// everything.
	real, all diff.Result
	matched   match.Result
}

// look compares a declaration with what was read.
func (i *importing) look(ctx context.Context, r *declare.Repository) (*look, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name := i.opts.System
	w, err := i.everywhere(r)
	if err != nil {
		return nil, fmt.Errorf("reading what would be written: %w", err)
	}
	l := &look{system: name, world: w}
	sys := *i.sys
	sys.decl, sys.want = r.System(name), w.System(name)
	then, head := *i.session, *i.head
	head.Repo = r
	then.head = &head
	l.matched = match.Match(then.matchInput(&sys))
	s := scope(&sys)
	s.Describe, s.At = sys.want.Connector.Describe, i.at
	s.DisabledSince = func(access.ID) (time.Time, bool) { return time.Time{}, false }
	l.real = diff.Diff(sys.want, sys.live, s)
	s.Claims = func(access.ID) bool { return true }
	l.all = diff.Diff(sys.want, sys.live, s)
	return l, nil
}

// against holds what an import leads to against what there was before. With whole everything
// that could be expressed must have been.
func (l *look) against(before *look, res *adopt.Result, whole bool) error {
	known := map[string]bool{}
	for _, c := range before.real.Changes {
		known[c.String()] = true
	}
	for _, c := range l.real.Changes {
		if !known[c.String()] {
			return fmt.Errorf("the next plan would %s", c)
		}
	}
	if whole {
		gap := res.Gap()
		for _, c := range l.all.Changes {
			if !known[c.String()] && !gap(c.Subject, c.Target) {
				return fmt.Errorf("were everything managed, the next plan would %s", c)
			}
		}
	}
	switch {
	case len(l.real.Missing) > len(before.real.Missing), len(l.real.Dangling) > len(before.real.Dangling), len(l.real.Waiting) > len(before.real.Waiting):
		return fmt.Errorf("the next plan would wait for something on %s", l.system)
	case !slices.Equal(l.matched.Links, before.matched.Links):
		return fmt.Errorf("accounts on %s would be taken for other people's", l.system)
	case len(l.matched.Disputes) > len(before.matched.Disputes):
		return fmt.Errorf("it could no longer be told whose some accounts on %s are", l.system)
	}
	for _, s := range resolve.Compare(before.world, l.world) {
		switch s.Kind {
		case access.ShiftGain, access.ShiftLose, access.ShiftLengthen, access.ShiftShorten:
			if s.System != l.system {
				return fmt.Errorf("by a rule of the repository %s would also %s %s on %s", s.Person, s.Kind, s.Target, s.System)
			}
		}
	}
	return nil
}
