package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/resolve"
	"github.com/accordhq/accord/policy"
)

// rollingDay is how far back the journal's removals count for the limits.
const rollingDay = 24 * time.Hour

// Plan reads the declaration and the systems and makes the plan. It changes nothing, on no
// system and in no journal. The declaration is returned for messages about it; close it.
func (e *Engine) Plan(ctx context.Context, o PlanOptions) (*plan.Plan, *Declaration, error) {
	o.touched = true
	s, err := e.prepare(ctx, o, false)
	if err != nil {
		return nil, nil, err
	}
	p, err := s.plan(ctx, false)
	if err != nil {
		return nil, nil, errors.Join(err, s.close())
	}
	head := s.head
	s.head = nil
	return p, head, s.close()
}

// plan makes the plan. If the judge couldn't judge there is a plan beside the error, in which
// everything but leavers is held.
func (s *session) plan(ctx context.Context, brief bool) (*plan.Plan, error) {
	p, j, err := s.build(ctx, brief)
	if err == nil && s.lapse(j) {
		if err := s.resolve(); err != nil {
			return nil, err
		}
		p, _, err = s.build(ctx, brief)
	}
	if !errors.Is(err, policy.ErrJudge) || s.book.own || s.book.why != "" {
		return p, err
	}
	more, wrong := s.changesMore(ctx, s.book.rev, s.book.decl)
	if wrong != nil {
		return p, errors.Join(err, wrong)
	}
	if more {
		return p, fmt.Errorf("by the rules of %s: %w; repair them by a change that is about nothing but policies", s.book.name, err)
	}
	if !slices.Contains(s.opts.Allow, plan.Allow{Name: access.RiskBootstrap, Ref: bootstrapRef}) {
		return p, fmt.Errorf("by the rules of %s: %w; if this change repairs them, --allow %s:%s lets those of the change judge", s.book.name, err, access.RiskBootstrap, bootstrapRef)
	}
	own := *s.own
	own.why = fmt.Sprintf("the rules of %s can't judge this: %s", s.book.name, firstLine(err))
	own.name, own.rev, own.decl, own.own = s.book.name, s.book.rev, s.book.decl, false
	s.book = &own
	p, _, err = s.build(ctx, brief)
	return p, err
}

// lapse takes from what head declares what it only declares by a longer window that a policy
// refuses, where the window before is over. It reports whether there is any.
func (s *session) lapse(j *judging) bool {
	if s.newest == nil || s.newest.world == nil || s.opts.NoLive {
		return false
	}
	w, any := s.world(), false
	for _, sh := range j.refused {
		before, now := s.newest.world.System(sh.System), w.System(sh.System)
		if sh.Kind != access.ShiftLengthen || sh.Person == "" || before == nil || now == nil || holds(before, sh) || !holds(now, sh) {
			continue
		}
		if s.without == nil {
			s.without = map[string]map[resolve.Access]bool{}
		}
		if s.without[sh.System] == nil {
			s.without[sh.System] = map[resolve.Access]bool{}
		}
		s.without[sh.System][resolve.Access{Person: sh.Person, Target: sh.Target, Permission: sh.Permission}] = true
		any = true
	}
	for _, b := range s.bases {
		if any && b != nil {
			b.head = nil
		}
	}
	return any
}

// holds reports whether somebody has by a declaration at the instant what a shift is about.
func holds(d *resolve.Desired, sh access.Shift) bool {
	account, ok := d.AccountOf(sh.Person)
	if !ok {
		return false
	}
	_, _, held := d.State().Find(account, sh.Target, sh.Permission)
	return held
}

// build puts together what the pure part plans from.
func (s *session) build(ctx context.Context, brief bool) (*plan.Plan, *judging, error) {
	j := s.judge(ctx)
	in := plan.Input{
		At: s.at, Revision: s.head.Revision, Base: s.opts.Base, Shifts: s.shifts, ChangeDigest: s.digest, Notes: s.notes,
		Exclusive: exclusive(s.head.Repo), Allow: s.opts.Allow, Brief: brief && s.book.judge == nil, Settings: s.settings, Only: s.opts.Only, Selected: s.opts.Systems,
		Withheld: s.withheld(),
	}
	if s.opts.Leave != nil {
		in.Leave = s.opts.Leave.Person
		in.Shifts, in.Settings = nil, nil // it is about no change of the declaration
	}
	if s.newest != nil && s.newest.decl != s.head.Repo {
		in.Changed = newChangedDocs(s.newest.decl, s.head.Repo).changed
	}
	if !in.Brief {
		in.Shifts = s.explained(in.Changed)
	}
	for _, sys := range s.systems {
		in.Systems = append(in.Systems, s.planSystem(sys))
	}
	in.Notes = s.notes // planSystem may have added some
	if len(s.others) > 0 {
		in.Elsewhere = s.elsewhere
	}
	in.Judge, in.Judged = j, s.book.judgement()
	p := plan.Build(in)
	p.Flips, s.met, p.Rehearsal = j.flips(), j.met, !s.opts.At.IsZero()
	return p, j, j.err
}

// elsewhere names a system that isn't part of this run and on which the person, by what stands
// applied there, holds something through the role.
func (s *session) elsewhere(person, role string) string {
	for _, o := range s.others {
		d := o.base.world.System(previousName(o.base.decl, o.decl))
		if d == nil {
			continue
		}
		account, ok := d.AccountOf(person)
		if !ok {
			continue
		}
		for _, g := range d.State().GrantsOf(account) {
			for _, r := range d.Reasons(account, g.Target, g.Permission) {
				if r.Active(s.at) && slices.Contains(r.Roles, role) {
					return o.decl.ID.Value
				}
			}
		}
	}
	return ""
}

// guards are those of head, or, where they are looser, those of the revision that judges it: of
// the tip of --base, else of what was last applied.
func (s *session) guards(sys *system) plan.Guards {
	g := guards(s.head.Repo.Config, sys.decl)
	judge := s.book.decl
	if judge == s.head.Repo {
		return g
	}
	if before := judge.System(previousName(judge, sys.decl)); before != nil {
		strict := stricter(guards(judge.Config, before), g)
		return strict
	}
	return g
}

func (s *session) planSystem(sys *system) plan.SystemInput {
	name := sys.decl.ID.Value
	t, _ := s.connector(sys.decl.Connector.Value)
	in := plan.SystemInput{
		Name: name, Describe: t.Describe(), Mode: sys.ruled.mode, Priority: priority(sys.decl),
		ReportDrift: sys.decl.Drift.Value == "report" || sys.decl.Drift.Value == "propose",
		Guards:      s.guards(sys),
		Scope:       scope(sys),
		Want:        sys.want, BaseAt: sys.baseAt, BaseError: sys.baseErr, Doubtful: sys.doubtful, Live: sys.live, NotRead: sys.notRead,
	}
	if s.opts.Leave != nil {
		in.Want, in.Whole, in.Accounts = leaving{sys.want, s.opts.Leave.Person}, sys.whole, sys.accounts()
	}
	if sys.base != nil {
		in.Base = sys.base
	}
	in.Linked, in.Disputes = sys.links()
	if sys.err != nil {
		in.Error = strings.ReplaceAll(sys.err.Error(), "\n", "; ")
	}
	in.Protected = func(id access.ID) bool {
		return slices.ContainsFunc(in.Guards.Protect, func(p string) bool { return declare.GlobID(p, id) })
	}
	in.Memory = plan.Memory{
		DisabledSince: func(id access.ID) (at time.Time, ok bool) {
			for _, name := range namesOf(sys.decl) {
				if at, ok = s.memory.DisabledSince(access.Ref{System: name, ID: id}); ok {
					break
				}
			}
			return at, ok
		},
		Created: func(id access.ID) bool {
			return slices.ContainsFunc(namesOf(sys.decl), func(name string) bool { return s.memory.CreatedByAccord(access.Ref{System: name, ID: id}) })
		},
	}
	since := s.at.Add(-in.Guards.Flaps().Within)
	in.Memory.Corrected = func(c access.Change) (n int) {
		for _, name := range namesOf(sys.decl) {
			c.System = name
			n += s.memory.Corrected(c.Key(), since)
		}
		return n
	}
	for _, name := range namesOf(sys.decl) {
		for _, r := range s.memory.Removals(name, s.at.Add(-rollingDay)) {
			in.Memory.Removals = append(in.Memory.Removals, plan.Removal{Action: r.Action, Subject: r.Subject, Target: r.Ref.ID, Person: r.Person, Leaver: r.Leaver})
		}
	}
	return in
}

// exclusive are the roles that exclude each other, in both directions.
func exclusive(r *declare.Repository) map[string][]string {
	out := map[string][]string{}
	for _, role := range r.Exclusive() {
		for _, other := range role.Exclusive {
			out[role.ID.Value] = append(out[role.ID.Value], other.Value)
			out[other.Value] = append(out[other.Value], role.ID.Value)
		}
	}
	for k := range out {
		slices.Sort(out[k])
		out[k] = slices.Compact(out[k])
	}
	return out
}

// ParseAllow reads NAME:REF.
func ParseAllow(s string) (plan.Allow, bool) {
	name, ref, ok := strings.Cut(s, ":")
	return plan.Allow{Name: access.RiskName(name), Ref: ref}, ok && name != "" && ref != ""
}
