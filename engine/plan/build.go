package plan

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/diff"
)

// Build makes the plan. The same input gives the same plan.
func Build(in Input) *Plan {
	b := &builder{in: in, plan: &Plan{
		FormatVersion: FormatVersion, Engine: EngineVersion, Revision: in.Revision, Base: in.Base,
		At: in.At.UTC(), Complete: true, Systems: []System{}, Steps: []Step{}, Shifts: in.Shifts, Notes: in.Notes,
		Only: in.Only, Selected: in.Selected, Judged: in.Judged, Settings: in.Settings, Flips: in.Flips,
		Withheld: in.Withheld, Leave: in.Leave,
	}}
	slices.SortFunc(b.in.Systems, func(a, c SystemInput) int { return strings.Compare(a.Name, c.Name) })
	b.systems()
	b.needs()
	b.only()
	b.flapping()
	b.judge(func(j Judge) func([]*Step) []Refusal { return j.Changes })
	b.guards()
	b.waits()
	b.pointless()
	if in.Judge != nil {
		b.plan.Findings = in.Judge.Findings()
	}
	b.depends()
	b.order()
	if b.plan.ChangeDigest = in.ChangeDigest; in.ChangeDigest == "" {
		b.plan.ChangeDigest = ChangeDigest(in.Shifts)
	}
	b.plan.PlanDigest = planDigest(b.plan)
	return b.plan
}

type builder struct {
	in    Input
	plan  *Plan
	parts []*part
	keyed map[string]*Step // see byKey
}

// part is one system on its way into the plan.
type part struct {
	*SystemInput
	steps []Step
	res   diff.Result
	// want and base are what the last subject that was asked about holds.
	want, base holdings
	byPerson   map[string][]access.ID // accounts at the base; made when needed
}

// systems compares the systems, several at a time, as they don't know of each other. What is found
// is put together in their order.
func (b *builder) systems() {
	n := len(b.in.Systems)
	b.parts, b.plan.Systems = make([]*part, n), make([]System, n)
	workers := min(runtime.GOMAXPROCS(0), n)
	if changed := b.in.Changed; changed != nil && workers > 1 {
		var mu sync.Mutex
		b.in.Changed = func(l access.Link, was bool) bool {
			mu.Lock()
			defer mu.Unlock()
			return changed(l, was)
		}
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				b.plan.Systems[i], b.parts[i] = b.system(&b.in.Systems[i])
			}
		})
	}
	wg.Wait()
	for i, p := range b.parts {
		if s := &b.plan.Systems[i]; p.Live == nil || p.BaseError != "" || !p.Live.Complete() && (b.in.Leave == "" || len(s.Unknown) > 0) { // of one person a part is all
			b.plan.Complete = false
		}
		b.dangling(p.Name, b.plan.Systems[i].Dangling)
	}
}

// system compares one system and sorts what was found.
func (b *builder) system(s *SystemInput) (System, *part) {
	out := System{Name: s.Name, Connector: s.Describe.Connector, Mode: s.Mode, Guards: s.Guards, Error: s.Error, NotRead: s.NotRead, BaseError: s.BaseError}
	if s.Live == nil {
		return out, &part{SystemInput: s}
	}
	out.Identity, out.Unknown = s.Live.Identity(), s.Live.Unknowns()
	scope := s.Scope
	scope.Describe, scope.At, scope.DisabledSince = s.Describe, b.in.At, s.Memory.DisabledSince
	p := &part{SystemInput: s, res: diff.Diff(s.Want, s.Live, scope)}
	p.steps = make([]Step, 0, len(p.res.Changes))
	for _, c := range p.res.Changes {
		p.steps = append(p.steps, b.step(p, c))
	}
	p.hold()
	out.Linked, out.Disputes = s.Linked, s.Disputes
	out.Orphans, out.Idle, out.Missing, out.Disputed = p.res.Orphans, p.res.Idle, p.res.Missing, p.res.Disputed
	out.LeaversUnseen = s.Doubtful || len(s.Disputes) > 0 || len(out.Unknown) > 0 && (s.Scope.Leaver == diff.LeaverKeep || !s.Describe.Can(access.KindAccount, access.Disable))
	for _, w := range p.res.Waiting {
		out.LeaversUnseen = out.LeaversUnseen || w.Action == access.Disable
		out.Waiting = append(out.Waiting, Waiting(w))
	}
	out.Unclaimed, out.Pending, out.Dangling = edges(p.res.Unclaimed), edges(p.res.Pending), p.dangling()
	return out, p
}

func edges(grants []access.Grant) []Edge {
	var out []Edge
	for _, g := range grants {
		out = append(out, Edge{g.Subject, g.Target, g.Permission})
	}
	return out
}

// dangling are the grants on what is nowhere, each with the line that names it.
func (p *part) dangling() []Dangling {
	var out []Dangling
	for _, g := range p.res.Dangling {
		d := Dangling{Edge: Edge{g.Subject, g.Target, g.Permission}}
		for _, r := range p.Want.Reasons(g.Subject, g.Target, g.Permission) {
			d.Link = r.Chain[0]
			if i := slices.IndexFunc(r.Chain, func(l access.Link) bool { return strings.Contains(l.Text, g.Target.String()) }); i >= 0 {
				d.Link = r.Chain[i]
			}
			break
		}
		out = append(out, d)
	}
	return out
}

// dangling refuses what is declared on something that is nowhere.
func (b *builder) dangling(system string, all []Dangling) {
	seen := map[access.ID]bool{}
	for _, d := range all {
		if seen[d.Target] {
			continue
		}
		seen[d.Target] = true
		b.plan.Refusals = append(b.plan.Refusals, Refusal{Name: access.RiskDangling, Final: true, Ref: access.Ref{System: system, ID: d.Target}.String(),
			Text: fmt.Sprintf("%s is neither on %s nor declared among its resources (%s:%d)", d.Target, system, d.Link.File, d.Link.Line)})
	}
}

// step explains one change.
func (b *builder) step(p *part, c access.Change) Step {
	s := Step{Change: c, key: c.Key()}
	subject := c.Subject
	if c.Action == access.Rename {
		subject.Name = c.After.Name
	}
	holder, linked := p.holder(subject)
	if linked {
		s.Person = holder.Person
	}
	_, s.Leaver = p.res.Leavers[subject]
	if c.Action.OnGrant() {
		s.Reasons, s.Was = b.reasons(p, c)
	}
	s.Class = b.classify(p, s, holder)
	s.Cause = b.cause(p, s, holder)
	s.Risks = p.risks(s)
	if b.in.Brief && len(b.in.Exclusive) == 0 {
		s.Reasons, s.Was = nil, nil
	}
	return s
}

// holder is the link of an account; a leaver's may be one that the declaration forgot.
func (p *part) holder(id access.ID) (access.Holder, bool) {
	if h, ok := p.res.Leavers[id]; ok {
		return h, true
	}
	if !id.IsAccount() {
		return access.Holder{}, false
	}
	return p.Want.Holder(id)
}

// reasons are why the access is wanted now and why it had been: by the base, or by a reason
// that has ended.
func (b *builder) reasons(p *part, c access.Change) (now, was []access.Reason) {
	permission := ""
	if k, _ := p.Describe.Kind(c.Target.Kind); !k.Ordered {
		permission = (&Step{Change: c}).permission()
	}
	all := p.Want.Reasons(c.Subject, c.Target, permission)
	for _, r := range all { // of levels only what gives this one is a reason for it
		if c.After != nil && r.Permission == c.After.Permission && r.Active(b.in.At) {
			now = append(now, r)
		}
	}
	if p.Base != nil {
		for _, r := range p.Base.Reasons(p.baseID(c.Subject), c.Target, permission) {
			if r.Active(b.in.At) {
				was = append(was, r)
			}
		}
	}
	if len(was) == 0 {
		was = p.ended(b.in.At, all, c.Subject, c.Target, permission)
	}
	return now, was
}

// ended are the reasons that were, by head (all of whose reasons are given) or by the base, and
// that time has ended.
func (p *part) ended(at time.Time, reasons []access.Reason, subject, target access.ID, permission string) []access.Reason {
	over := func(r access.Reason) bool { return !r.Until.IsZero() && !at.Before(r.Until) }
	if p.Base != nil && !slices.ContainsFunc(reasons, over) {
		reasons = p.Base.Reasons(p.baseID(subject), target, permission)
	}
	var out []access.Reason
	for _, r := range reasons {
		if over(r) {
			out = append(out, r)
		}
	}
	return out
}

func (s *Step) permission() string {
	if s.After != nil && s.After.Permission != "" {
		return s.After.Permission
	}
	if s.Before != nil {
		return s.Before.Permission
	}
	return ""
}

// baseID is the name that the base has for an account.
func (p *part) baseID(id access.ID) access.ID {
	if _, ok := p.Base.Holder(id); ok {
		return id
	}
	if h, ok := p.holder(id); ok {
		for _, was := range h.Was {
			if _, ok := p.Base.Holder(was); ok {
				return was
			}
		}
	}
	return id
}

// risks names what is dangerous about a step in itself. The guards add theirs.
func (p *part) risks(s Step) []access.Risk {
	var out []access.Risk
	add := func(name access.RiskName, format string, a ...any) {
		out = append(out, access.Risk{Name: name, Text: fmt.Sprintf(format, a...)})
	}
	switch s.Action {
	case access.Delete:
		if s.Subject.IsAccount() {
			add(access.RiskDeletes, "deletes the account %s", s.Subject.Name)
		}
		add(access.RiskIrreversible, "what is deleted can't be brought back")
	case access.Give, access.ChangeLevel:
		kind, _ := p.Describe.Kind(s.Target.Kind)
		if perm, _ := kind.Permission(s.After.Permission); perm.Admin {
			add(access.RiskGrantsAdmin, "%s of %s administers it", s.After.Permission, s.Target)
		}
	}
	if p.Base == nil || !s.Subject.IsAccount() || s.Leaver || s.Class != ClassChange {
		return out
	}
	if _, known := p.Base.State().Object(p.baseID(s.Subject)); known || p.Memory.Created(s.Subject) {
		return out
	}
	if _, live := p.Live.Object(s.Subject); live && s.Action != access.Rename {
		add(access.RiskAdopts, "the account %s was there before anybody declared it", s.Subject.Name)
	}
	return out
}

// hold marks the steps that the system's mode keeps from being carried out, and those that are
// drift.
func (p *part) hold() {
	for i := range p.steps {
		s := &p.steps[i]
		takes := s.Takes(p.Describe)
		switch {
		case p.Mode == Observe:
			s.Held = &Hold{Why: HeldObserve, Text: p.Name + " is only observed"}
		case s.Leaver:
		case p.Mode == Additive && takes && s.Class == ClassDrift:
			s.Held = &Hold{Why: HeldAdditive, Text: p.Name + " is additive: it loses only what was declared"}
		case p.ReportDrift && s.Class == ClassDrift:
			s.Held = &Hold{Why: HeldDrift, Text: "drift on " + p.Name + " is only reported"}
		}
		if p.Mode == Observe || s.Class == ClassDrift || s.Class == ClassTime && takes {
			s.Drift = driftKind(s, takes)
		}
	}
}

// only drops the steps that are about anybody but the one person whom the plan is about, if it
// is, and those of classes that weren't asked for, except leavers and what a chosen
// step needs.
func (b *builder) only() {
	defer func() { b.keyed = nil }()
	if b.in.Leave != "" {
		for _, p := range b.parts {
			p.steps = slices.DeleteFunc(p.steps, func(s Step) bool { return !s.Leaver || s.Person != b.in.Leave })
		}
	}
	if len(b.in.Only) == 0 {
		return
	}
	keep := map[string]bool{}
	byKey := b.byKey()
	var mark func(s *Step)
	mark = func(s *Step) {
		if s == nil || keep[s.Key()] {
			return
		}
		keep[s.Key()] = true
		for _, n := range s.Needs {
			mark(byKey[n])
		}
	}
	b.each(func(_ *part, s *Step) {
		if s.Leaver || slices.Contains(b.in.Only, s.Class) {
			mark(s)
		}
	})
	for i, p := range b.parts {
		for _, s := range p.steps {
			if keep[s.Key()] {
				continue
			}
			if s.Class != ClassDrift {
				b.plan.Systems[i].Unselected++
			}
			if s.Drift != "" {
				b.plan.Unselected = append(b.plan.Unselected, s)
			}
		}
		p.steps = slices.DeleteFunc(p.steps, func(s Step) bool { return !keep[s.Key()] })
	}
}

func (b *builder) each(f func(*part, *Step)) {
	for _, p := range b.parts {
		for i := range p.steps {
			f(p, &p.steps[i])
		}
	}
}

func within(t, after, until time.Time) bool { return t.After(after) && !t.After(until) }
