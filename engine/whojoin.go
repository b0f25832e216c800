package engine

import (
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/report"
)

// wayName names a way on both sides: the same subject by the same grant on the target, or by the
// same resource. Of kinds with levels the level may differ.
type wayName struct {
	subject, target, through access.ID
	permission               string
}

func (x *whoer) nameOf(w trail) wayName {
	n := wayName{subject: w.subject, target: w.top.Target}
	if len(w.via) > 0 {
		n.through = w.via[len(w.via)-1]
	}
	if kind, _ := x.desc.Kind(w.top.Target.Kind); !kind.Ordered {
		n.permission = w.top.Permission
	}
	return n
}

// join puts what is declared beside what is live.
func (x *whoer) join(declared, live []trail) []report.WhoHolder {
	type both struct{ declared, live *trail }
	ways := map[wayName]both{}
	for i := range declared {
		n := x.nameOf(declared[i])
		ways[n] = both{declared: &declared[i]}
	}
	for i := range live {
		n := x.nameOf(live[i])
		b := ways[n]
		if b.live == nil || x.higher(live[i].top, b.live.top) {
			b.live = &live[i]
		}
		ways[n] = b
	}
	out := []report.WhoHolder{}
	for n, b := range ways {
		if b.live != nil && b.declared == nil && n.through.IsZero() && b.live.top.Standing == access.Implied && x.goesThrough(n, live) {
			continue // the way that implies it is in the list
		}
		out = append(out, x.holder(n, b.declared, b.live))
	}
	slices.SortFunc(out, report.WhoHolder.Compare)
	return out
}

// higher reports whether a grant gives more than another one on the same target.
func (x *whoer) higher(a, b access.Grant) bool {
	kind, _ := x.desc.Kind(a.Target.Kind)
	return kind.Level(a.Permission) > kind.Level(b.Permission)
}

// goesThrough reports whether the subject also holds the target through a resource.
func (x *whoer) goesThrough(n wayName, live []trail) bool {
	return slices.ContainsFunc(live, func(w trail) bool { return w.subject == n.subject && w.top.Target == n.target && len(w.via) > 0 })
}

func (x *whoer) holder(n wayName, declared, live *trail) report.WhoHolder {
	h := report.WhoHolder{Subject: n.subject, Target: n.target}
	if n.subject.IsAccount() {
		x.person(&h)
	}
	if declared != nil {
		h.Declared, h.Permission, h.Via = true, declared.top.Permission, declared.via
		x.reasons(&h, declared)
	}
	if live != nil {
		h.Live = live.top.Permission
		if declared == nil {
			h.Via = live.via
		}
	}
	h.State = x.state(n, declared, live)
	h.Disabled = x.disabled(n.subject)
	if n.subject.IsAccount() && x.sys.live != nil {
		o, _ := x.sys.live.Object(n.subject)
		h.Own, h.Reserved = n.subject == x.sys.live.Self(), o.Reserved
	}
	return h
}

// person fills in whose an account is.
func (x *whoer) person(h *report.WhoHolder) {
	if holder, ok := x.sys.want.Holder(h.Subject); ok {
		h.Person, h.Service, h.Status = holder.Person, holder.Service, holder.Status
	} else if id := x.sys.matched.Owner(h.Subject); id != "" {
		h.Person = id
	}
	if p, status, _, ok := x.world.Person(h.Person); ok {
		h.Name, h.Service, h.Status = p.Name.Value, p.Service, status
	}
}

// state compares the two sides of a way.
func (x *whoer) state(n wayName, declared, live *trail) report.WhoState {
	switch {
	case x.sys.live == nil && x.out.Error == "":
		return report.WhoNotRead
	case x.sys.live == nil, live == nil && !x.seen(n, declared):
		return report.WhoUnknown
	case live == nil:
		return report.WhoMissing
	case live.pending:
		return report.WhoPending
	case declared == nil && live.top.Standing == access.Implied:
		return report.WhoImplied
	case declared == nil:
		return report.WhoUndeclared
	case declared.top.Permission != live.top.Permission:
		return report.WhoDiffers
	}
	return report.WhoHeld
}

// seen reports whether it can be told that a declared way isn't there.
func (x *whoer) seen(n wayName, declared *trail) bool {
	if declared.top.Target.IsZero() {
		return x.sys.live.Knows(n.subject)
	}
	own := declared.own()
	if !x.sys.live.KnowsGrant(n.subject, own.Target) {
		return false
	}
	for i, id := range declared.via {
		next := n.target
		if i+1 < len(declared.via) {
			next = declared.via[i+1]
		}
		if !x.sys.live.KnowsGrant(id, next) {
			return false
		}
	}
	return true
}

// disabled reports whether an account can't be used: as it is live, else as it is declared.
func (x *whoer) disabled(subject access.ID) bool {
	if x.sys.live != nil {
		if o, ok := x.sys.live.Object(subject); ok {
			return o.Disabled
		}
	}
	o, ok := x.sys.want.State().Object(subject)
	return ok && o.Disabled
}

// reasons fills in why a declared way is there: those of what the subject itself holds, each with
// the lines by which that leads on to the target.
func (x *whoer) reasons(h *report.WhoHolder, w *trail) {
	own := w.own()
	if own.Target.IsZero() {
		return
	}
	var tail []access.Link
	for i, id := range w.via {
		next, permission := w.top.Target, w.top.Permission
		if i+1 < len(w.via) {
			next, permission = w.via[i+1], ""
		}
		for _, r := range x.sys.want.Reasons(id, next, permission) {
			tail = append(tail, r.Chain...)
			break
		}
	}
	for _, r := range x.sys.want.Reasons(w.subject, own.Target, own.Permission) {
		if !r.Active(x.at) {
			continue
		}
		r.Chain = slices.Concat(r.Chain, tail)
		h.Reasons = append(h.Reasons, r)
	}
	h.Until = access.LastEnd(h.Reasons)
	h.From = firstStart(h.Reasons)
}

// firstStart is when the first of some reasons began; zero: it always was.
func firstStart(reasons []access.Reason) time.Time {
	if len(reasons) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(reasons, func(a, b access.Reason) int { return a.From.Compare(b.From) }).From
}
