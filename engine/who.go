package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/report"
	"github.com/accordhq/accord/engine/resolve"
)

// WhoOptions ask who holds something.
type WhoOptions struct {
	PlanOptions
	// What is SYSTEM/KIND/NAME, with ": PERMISSION" behind it for those who hold at least that;
	// or SYSTEM alone for everyone there.
	What string
}

// Who tells who holds something on a system, and how: by the declaration, and, unless NoLive is
// set, really. Nothing is written.
func (e *Engine) Who(ctx context.Context, o WhoOptions) (*report.Who, error) {
	name, ref, permission := o.What, access.Ref{}, ""
	if strings.Contains(name, "/") {
		var err error
		if ref, permission, err = parseEntitlement(o.What); err != nil {
			return nil, err
		}
		name = ref.System
	}
	o.Systems = []string{name}
	s, err := e.prepare(ctx, o.PlanOptions, false)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if len(s.systems) == 0 {
		return nil, fmt.Errorf("%s is released: nothing is declared of it any more", name)
	}
	x := newWhoer(s, s.systems[0])
	x.out.Permission = permission
	if ref.ID.IsZero() {
		x.everyone()
		return x.out, nil
	}
	if err := x.known(ref); err != nil {
		return nil, err
	}
	if kind, _ := x.desc.Kind(ref.ID.Kind); permission != "" && kind.Level(permission) < 0 {
		return nil, fmt.Errorf("%s has no permission %q on a %s; it has %s", name, permission, ref.ID.Kind, strings.Join(permissionNames(kind), ", "))
	}
	x.out.Target = x.canonical(ref.ID)
	x.target()
	return x.out, nil
}

func permissionNames(k access.Kind) []string {
	var out []string
	for _, p := range k.Permissions {
		out = append(out, p.Name)
	}
	return out
}

// whoer answers for one system.
type whoer struct {
	*session
	sys   *system
	world *resolve.World
	desc  access.Description
	out   *report.Who
}

func newWhoer(s *session, sys *system) *whoer {
	x := &whoer{session: s, sys: sys, world: s.world(), desc: sys.description(s)}
	x.out = &report.Who{System: sys.decl.ID.Value, At: s.at, Revision: s.head.Revision, Read: sys.live != nil, Owners: values(sys.decl.Owners)}
	if sys.err != nil && !s.opts.NoLive {
		x.out.Error = strings.ReplaceAll(sys.err.Error(), "\n", "; ")
	}
	if !s.opts.NoLive {
		x.out.NotRead = sys.notRead
	}
	if sys.live != nil {
		x.out.Unknown = sys.live.Unknowns()
	}
	return x
}

// known refuses questions about kinds that the system doesn't have, or that can't be held.
func (x *whoer) known(ref access.Ref) error { return knownKind(ref, x.desc) }

func knownKind(ref access.Ref, desc access.Description) error {
	if k, ok := desc.Kind(ref.ID.Kind); ok && len(k.Permissions) > 0 {
		return nil
	}
	var kinds []string
	for _, k := range desc.Kinds {
		if len(k.Permissions) > 0 {
			kinds = append(kinds, k.Name)
		}
	}
	if _, ok := desc.Kind(ref.ID.Kind); ok {
		return fmt.Errorf("a thing of the kind %q can't be held on %s; what can is %s", ref.ID.Kind, ref.System, strings.Join(kinds, ", "))
	}
	return fmt.Errorf("%s has no kind %q; it has %s", ref.System, ref.ID.Kind, strings.Join(kinds, ", "))
}

// canonical is a name in the connector's spelling.
func (x *whoer) canonical(id access.ID) access.ID { return x.sys.canonical(id) }

func (sys *system) canonical(id access.ID) access.ID {
	if sys.conn != nil {
		if o, err := sys.conn.Normalize(access.Object{ID: id}); err == nil {
			return o.ID
		}
	}
	return id
}

// target answers for one target.
func (x *whoer) target() {
	t := x.out.Target
	if res := x.sys.want.Resource(t); res != nil && len(res.Owners) > 0 {
		x.out.Owners = values(res.Owners)
	}
	if x.out.Named = x.sys.names(t); !x.out.Named {
		x.out.Nearest = x.nearest(t)
	}
	declared := x.ways(x.sys.want.State(), t)
	var live []trail
	if x.sys.live != nil {
		live = x.ways(x.sys.live, t)
	}
	x.out.Holders = x.join(declared, live)
}

// everyone answers for the whole system: every account, and what it holds itself.
func (x *whoer) everyone() {
	x.out.Named = true
	direct := func(st *access.State) (out []trail) {
		if st == nil {
			return nil
		}
		for _, g := range st.Grants() {
			out = append(out, trail{subject: g.Subject, top: g})
		}
		for o := range st.Objects() {
			if o.ID.IsAccount() {
				out = append(out, trail{subject: o.ID})
			}
		}
		return out
	}
	x.out.Holders = x.join(direct(x.sys.want.State()), direct(x.sys.live))
}

// names reports whether the target is declared, granted or live.
func (sys *system) names(target access.ID) bool {
	if sys.want.Names(target) {
		return true
	}
	if sys.live == nil {
		return false
	}
	if _, ok := sys.live.Object(target); ok {
		return true
	}
	for range sys.live.GrantsOn(target) {
		return true
	}
	return false
}

// nearest is what the target was probably meant to be; "" if nothing is near.
func (x *whoer) nearest(target access.ID) string { return x.sys.nearest(target) }

func (sys *system) nearest(target access.ID) string {
	return declare.Nearest(target.String(), func(yield func(string) bool) {
		for _, id := range sys.want.Targets() {
			if !yield(id.String()) {
				return
			}
		}
		if sys.live == nil {
			return
		}
		for o := range sys.live.Objects() {
			if !o.ID.IsAccount() && !yield(o.ID.String()) {
				return
			}
		}
	})
}

// trail is one way in which a subject comes to hold a target: by a grant of its own, or by one of
// a resource that it holds.
type trail struct {
	subject access.ID
	top     access.Grant // on the target itself; zero for an account that holds nothing
	via     []access.ID  // from what the subject holds to what holds the target; empty: directly
	first   access.Grant // what the subject holds of via; the zero grant where via is empty
	pending bool
}

// own is the grant that the subject itself holds.
func (w trail) own() access.Grant {
	if len(w.via) > 0 {
		return w.first
	}
	return w.top
}

// ways finds everyone who holds at least the permission on the target. Each resource is gone
// through once for each grant on the target, by the shortest way.
func (x *whoer) ways(st *access.State, target access.ID) []trail {
	var out []trail
	for _, g := range st.GrantsOn(target) {
		if !x.enough(g) {
			continue
		}
		start := trail{subject: g.Subject, top: g, pending: g.Standing == access.Pending}
		out = append(out, start)
		if g.Subject.IsAccount() {
			continue
		}
		seen := map[access.ID]bool{target: true, g.Subject: true}
		for queue := []trail{start}; len(queue) > 0; queue = queue[1:] {
			at := queue[0]
			for _, inner := range st.GrantsOn(at.subject) {
				if seen[inner.Subject] || inner.Standing == access.Implied {
					continue
				}
				seen[inner.Subject] = true
				w := trail{subject: inner.Subject, top: g, first: inner, pending: at.pending || inner.Standing == access.Pending}
				w.via = append([]access.ID{at.subject}, at.via...)
				out = append(out, w)
				if !inner.Subject.IsAccount() {
					queue = append(queue, w)
				}
			}
		}
	}
	return out
}

// enough reports whether a grant gives at least what was asked for.
func (x *whoer) enough(g access.Grant) bool {
	p := x.out.Permission
	if p == "" || g.Permission == p {
		return true
	}
	kind, _ := x.desc.Kind(g.Target.Kind)
	return kind.Ordered && kind.Level(g.Permission) >= kind.Level(p)
}

// of answers for one account: it, and what it holds itself.
func (x *whoer) of(account access.ID) []report.WhoHolder {
	own := func(st *access.State) (out []trail) {
		if st == nil {
			return nil
		}
		if _, ok := st.Object(account); ok {
			out = append(out, trail{subject: account})
		}
		for _, g := range st.GrantsOf(account) {
			out = append(out, trail{subject: account, top: g})
		}
		return out
	}
	return x.join(own(x.sys.want.State()), own(x.sys.live))
}
