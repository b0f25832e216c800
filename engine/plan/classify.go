package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// classify tells where a difference comes from: what head and base declare for this instant
// differs (change); they agree, but a window opened or closed (time); else the system changed
// by itself (drift). Without a base whatever is given is a change, and whatever is taken away
// without a declared reason that ended is drift.
func (b *builder) classify(p *part, s Step, h access.Holder) Class {
	if s.Leaver {
		return b.classifyLeaver(p, s, h)
	}
	if s.Action.OnGrant() {
		return b.classifyGrant(p, s)
	}
	if p.Base == nil {
		if s.Action == access.Disable && h.Status == access.HolderActive {
			return b.idle(p, s.Subject)
		}
		return ClassChange
	}
	want, inWant := p.Want.State().Object(s.Subject)
	base, inBase := p.Base.State().Object(p.baseID(s.Subject))
	switch s.Action {
	case access.Create:
		if !inBase {
			return ClassChange
		}
		return b.sinceBase(p, s.Subject)
	case access.Update:
		for k := range s.After.Attributes {
			if want.Attributes[k] != base.Attributes[k] {
				return ClassChange
			}
		}
	case access.Enable, access.Disable:
		if inWant != inBase || want.Disabled != base.Disabled {
			return ClassChange
		}
		if was, ok := p.Base.Holder(p.baseID(s.Subject)); ok && h.Status != was.Status {
			return ClassChange
		}
		if s.Action == access.Disable && !inWant {
			return b.idle(p, s.Subject)
		}
	case access.Delete:
		if _, ok := p.Base.Absent()[s.Subject]; !ok {
			return ClassChange
		}
	case access.Rename:
		for _, l := range p.Linked {
			if l.Account == s.Subject && l.By == "id" {
				return ClassDrift // somebody gave it another name
			}
		}
		return ClassChange
	}
	return ClassDrift
}

// sinceBase tells a joiner whose first day came from an object that somebody deleted: base and
// head declare both, but for the one every window opened since the base was applied.
func (b *builder) sinceBase(p *part, account access.ID) Class {
	class := ClassDrift
	for _, g := range p.Want.State().GrantsOf(account) {
		for _, r := range p.Want.Reasons(account, g.Target, g.Permission) {
			if !r.Active(b.in.At) {
				continue
			}
			if p.BaseAt.IsZero() || !within(r.From, p.BaseAt, b.in.At) {
				return ClassDrift
			}
			class = ClassTime
		}
	}
	return class
}

// idle tells an account whose last window closed from one that never had a grant.
func (b *builder) idle(p *part, account access.ID) Class {
	for _, g := range p.Live.GrantsOf(account) {
		if len(p.ended(b.in.At, p.Want.Reasons(account, g.Target, ""), account, g.Target, "")) > 0 {
			return ClassTime
		}
	}
	return ClassDrift
}

func (b *builder) classifyGrant(p *part, s Step) Class {
	takes := s.Takes(p.Describe)
	if p.Base == nil {
		switch {
		case !takes:
			return ClassChange
		case len(s.Was) > 0:
			return ClassTime
		case len(s.Reasons) > 0:
			return ClassChange // lowered to what is declared
		}
		return ClassDrift
	}
	permission := "" // of levels the one that counts speaks for all
	if kind, _ := p.Describe.Kind(s.Target.Kind); !kind.Ordered {
		permission = s.permission()
	}
	want := p.want.on(p.Want.State(), s.Subject, s.Target)
	base := p.base.on(p.Base.State(), p.baseID(s.Subject), s.Target)
	if permission == "" && !slices.Equal(want, base) || slices.Contains(want, permission) != slices.Contains(base, permission) {
		return ClassChange
	}
	if takes {
		if len(p.ended(b.in.At, p.Want.Reasons(s.Subject, s.Target, permission), s.Subject, s.Target, permission)) > 0 {
			return ClassTime
		}
		return ClassDrift
	}
	for _, r := range s.Reasons {
		if !p.BaseAt.IsZero() && within(r.From, p.BaseAt, b.in.At) {
			return ClassTime
		}
	}
	return ClassDrift
}

// classifyLeaver: somebody's leaving is a change when the declaration says so, time when a
// last day passed, and drift when the account came back after it was taken away; or when it is
// there though its person was offboarded, of which the declaration says nothing yet.
func (b *builder) classifyLeaver(p *part, s Step, h access.Holder) Class {
	if slices.ContainsFunc(b.in.Withheld, func(w Withheld) bool { return w.Person == h.Person }) {
		return ClassDrift
	}
	if s.Action == access.Delete && h.Status == access.HolderLeft && p.Scope.DeleteAfter > 0 {
		return ClassTime
	}
	if p.Base == nil {
		if !h.Since.IsZero() {
			return ClassTime
		}
		return ClassChange
	}
	was, ok := p.Base.Holder(p.baseID(s.Subject))
	switch {
	case !ok || !was.Since.IsZero() && !p.BaseAt.IsZero() && was.Since.Before(p.BaseAt):
		return ClassDrift
	case was.Status != access.HolderLeft:
		return ClassChange
	case !h.Since.IsZero():
		return ClassTime
	}
	return ClassDrift
}

// holdings are the permissions of one subject by target. Changes come subject by subject, so
// that nobody's grants are gone through more than once.
type holdings struct {
	subject  access.ID
	byTarget map[access.ID][]string
}

func (h *holdings) on(s *access.State, subject, target access.ID) []string {
	if h.byTarget == nil || h.subject != subject {
		*h = holdings{subject, map[access.ID][]string{}}
		for _, g := range s.GrantsOf(subject) {
			h.byTarget[g.Target] = append(h.byTarget[g.Target], g.Permission)
		}
	}
	return h.byTarget[target]
}

// cause finds the line that brought a step about.
func (b *builder) cause(p *part, s Step, h access.Holder) access.Cause {
	switch {
	case s.Leaver:
		return access.Cause{Kind: access.CauseLeaver, Text: h.Why.Text, File: h.Why.File, Line: h.Why.Line}
	case h.Status == access.HolderLeave && s.Takes(p.Describe):
		return access.Cause{Kind: access.CauseLeave, Text: h.Why.Text, File: h.Why.File, Line: h.Why.Line}
	case s.Action == access.Rename:
		l := p.Want.Line(access.Account(s.After.Name))
		for _, link := range p.Linked {
			if link.Account == s.Subject {
				return access.Cause{Kind: access.CauseRenamed, Text: fmt.Sprintf("called %s on %s, and %s's by its %s", s.Before.Name, p.Name, link.Person, link.By), File: l.File, Line: l.Line}
			}
		}
		return access.Cause{Kind: access.CauseRenamed, Text: "renamed from " + s.Before.Name, File: l.File, Line: l.Line}
	case s.Class == ClassDrift:
		return driftCause(p, s)
	case s.Class == ClassTime:
		return b.windowCause(p, s)
	}
	if !s.Action.OnGrant() {
		return b.objectCause(p, s)
	}
	if s.Takes(p.Describe) && len(s.Reasons) == 0 {
		if l, ok := b.responsible(s.Was, true); ok {
			return access.Cause{Kind: access.CauseRemoved, Text: "no longer: " + l.Text, File: l.File, Line: l.Line}
		}
		return access.Cause{Kind: access.CauseRemoved, Text: "no longer declared"}
	}
	l, _ := b.responsible(s.Reasons, false)
	return access.Cause{Kind: access.CauseDeclared, Text: l.Text, File: l.File, Line: l.Line}
}

// responsible is Responsible by what changed.
func (b *builder) responsible(reasons []access.Reason, was bool) (access.Link, bool) {
	return Responsible(reasons, was, b.in.Changed)
}

// Responsible is the link, nearest to the person, that stands in a document that was changed;
// else the grant itself. With was set the reasons are those of the base. A nil changed knows of
// no change.
func Responsible(reasons []access.Reason, was bool, changed func(l access.Link, was bool) bool) (access.Link, bool) {
	if len(reasons) == 0 {
		return access.Link{}, false
	}
	if changed != nil {
		for _, r := range reasons {
			for i := len(r.Chain) - 1; i >= 0; i-- {
				if changed(r.Chain[i], was) {
					return r.Chain[i], true
				}
			}
		}
	}
	return reasons[0].Chain[0], true
}

func (b *builder) objectCause(p *part, s Step) access.Cause {
	c := access.Cause{Kind: access.CauseDeclared}
	l := p.Want.Line(s.Subject)
	switch s.Action {
	case access.Create:
		if !s.Subject.IsAccount() {
			break
		}
		for _, g := range p.Want.State().GrantsOf(s.Subject) {
			if r, ok := b.responsible(p.Want.Reasons(s.Subject, g.Target, g.Permission), false); ok {
				l = r
				break
			}
		}
	case access.Update:
		l.Text = "declared otherwise: " + strings.Join(slices.Sorted(maps.Keys(s.After.Attributes)), ", ")
	case access.Delete:
		l = p.Want.Absent()[s.Subject]
	case access.Disable:
		return access.Cause{Kind: access.CauseIdle, Text: "no grant remains for the account", File: l.File, Line: l.Line}
	}
	c.Text, c.File, c.Line = l.Text, l.File, l.Line
	return c
}

func (b *builder) windowCause(p *part, s Step) access.Cause {
	reasons, word, when := s.Was, "ended", func(r access.Reason) time.Time { return r.Until }
	if !s.Takes(p.Describe) {
		reasons, word, when = s.Reasons, "began", func(r access.Reason) time.Time { return r.From }
	}
	if s.Action == access.Create {
		for _, g := range p.Want.State().GrantsOf(s.Subject) {
			reasons = p.Want.Reasons(s.Subject, g.Target, g.Permission)
			break
		}
	}
	for _, r := range reasons {
		if t := when(r); !t.IsZero() {
			l := r.Chain[0]
			return access.Cause{Kind: access.CauseWindow, Text: fmt.Sprintf("grant %s %s %s", r.Grant, word, t.Format("2006-01-02 15:04")), File: l.File, Line: l.Line}
		}
	}
	return access.Cause{Kind: access.CauseWindow, Text: "a window " + word}
}

func driftCause(p *part, s Step) access.Cause {
	c := access.Cause{Kind: access.CauseDrift}
	switch s.Action {
	case access.Revoke:
		c.Text = "given on " + p.Name + ", declared nowhere"
	case access.Give:
		c.Text = "taken away on " + p.Name + ", though declared"
	case access.Create:
		c.Text = "deleted on " + p.Name + ", though declared"
	case access.Disable:
		c.Text = "has no grant on " + p.Name
	case access.Enable:
		c.Text = "disabled on " + p.Name
	case access.Delete:
		c.Text = "came back on " + p.Name + ", though declared absent"
	default:
		c.Text = "changed on " + p.Name
	}
	if len(s.Reasons) > 0 {
		l := s.Reasons[0].Chain[0]
		c.File, c.Line = l.File, l.Line
	}
	return c
}
