package connectortest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// maker makes up states and changes from a description.
type maker struct {
	*bed
	free map[string][]access.ID // objects of a fresh system by kind, reserved ones last
}

func newMaker(b *bed) *maker {
	m := &maker{bed: b, free: map[string][]access.ID{}}
	var reserved []access.ID
	for o := range b.fresh.Objects() {
		if o.Reserved {
			reserved = append(reserved, o.ID)
			continue
		}
		if o.ID != b.fresh.Self() {
			m.free[o.ID.Kind] = append(m.free[o.ID.Kind], o.ID)
		}
	}
	for _, id := range reserved {
		m.free[id.Kind] = append(m.free[id.Kind], id)
	}
	return m
}

func (m *maker) makes(kind string) bool { return m.desc.Can(kind, access.Create) }

// thing gives the i-th object of a kind, as Normalize spells it. Kinds that can't be created
// have only what a fresh system has.
func (m *maker) thing(kind string, i int) (access.ID, bool) {
	m.Helper()
	if !m.makes(kind) {
		if i >= len(m.free[kind]) {
			return access.ID{}, false
		}
		return m.free[kind][i], true
	}
	name := fmt.Sprintf("law-%s-%d", kind, i)
	if m.h.Name != nil {
		name = m.h.Name(kind, i)
	}
	o, err := m.Normalize(access.Object{ID: access.ID{Kind: kind, Name: name}})
	if err != nil {
		m.Fatalf("normalizing %s %q, which is to be a usual name (Harness.Name): %v", kind, name, err)
	}
	return o.ID, true
}

// things gives the first objects of a kind, at most n.
func (m *maker) things(kind string, n int) []access.ID {
	var out []access.ID
	for i := range n {
		if id, ok := m.thing(kind, i); ok {
			out = append(out, id)
		}
	}
	return out
}

// values lists what an attribute may be.
func (m *maker) values(kind, attribute string) []string {
	if m.h.Values != nil {
		if v := m.h.Values(kind, attribute); len(v) > 0 {
			return v
		}
	}
	return []string{"one text", "another text", "a third: text", ""}
}

// value is the i-th value that isn't empty.
func (m *maker) value(kind, attribute string, i int) string {
	all := slices.DeleteFunc(slices.Clone(m.values(kind, attribute)), func(v string) bool { return v == "" })
	if len(all) == 0 {
		return ""
	}
	return all[i%len(all)]
}

// object makes an object with all its attributes set to the i-th value.
func (m *maker) object(id access.ID, i int) access.Object {
	kind, _ := m.desc.Kind(id.Kind)
	o := access.Object{ID: id}
	for _, a := range kind.Attributes {
		if v := m.value(kind.Name, a.Name, i); v != "" {
			if o.Attributes == nil {
				o.Attributes = map[string]string{}
			}
			o.Attributes[a.Name] = v
		}
	}
	return o
}

// switches reports whether accounts can be disabled and enabled again.
func (m *maker) switches() bool {
	return m.desc.Can(access.KindAccount, access.Disable) && m.desc.Can(access.KindAccount, access.Enable)
}

// wishes are the permissions that can be granted on a kind.
func wishes(k access.Kind) []string {
	var out []string
	for _, p := range k.Permissions {
		if !p.ReadOnly {
			out = append(out, p.Name)
		}
	}
	return out
}

// subjects are the kinds that may hold permissions on a kind.
func (m *maker) subjects(k access.Kind) []string {
	if len(k.Subjects) == 0 {
		return []string{access.KindAccount}
	}
	return k.Subjects
}

// draft is a state in the making. It leaves out grants that would close a circle.
type draft struct {
	b  *access.Builder
	on map[access.ID][]access.ID // subject → targets
}

func newDraft() *draft {
	return &draft{access.NewBuilder(SystemName), map[access.ID][]access.ID{}}
}

func (d *draft) grant(subject, target access.ID, permissions ...string) bool {
	if len(permissions) == 0 || d.reaches(target, subject) {
		return false
	}
	d.on[subject] = append(d.on[subject], target)
	for _, p := range permissions {
		d.b.Grant(access.Grant{Subject: subject, Target: target, Permission: p})
	}
	return true
}

// reaches reports whether one holds something on the other, directly or through others.
func (d *draft) reaches(from, to access.ID) bool {
	return from == to || slices.ContainsFunc(d.on[from], func(next access.ID) bool { return d.reaches(next, to) })
}

// everything makes a state with three objects of each kind, all attributes, a disabled
// account, and every permission held by every kind of subject somewhere.
func (m *maker) everything() *access.State {
	m.Helper()
	d := newDraft()
	for _, kind := range m.desc.Kinds {
		if !m.makes(kind.Name) {
			continue
		}
		for i, id := range m.things(kind.Name, 3) {
			o := m.object(id, i)
			o.Disabled = id.IsAccount() && i == 2 && m.switches()
			d.b.Object(o)
		}
	}
	for _, kind := range m.desc.Kinds {
		for _, sk := range m.subjects(kind) {
			n := 0
			for i, target := range m.things(kind.Name, 3) {
				for j, subject := range m.seedable(sk, 3) {
					if (sk == kind.Name || (i+j)%3 != 2) && m.hold(d, subject, target, kind, turn(kind, n)) {
						n++
					}
				}
			}
		}
	}
	return build(m, d.b)
}

// turn gives what hold takes so that each permission has its turn: first each one by itself,
// then, where several can be held, two at a time.
func turn(kind access.Kind, n int) int {
	all := len(wishes(kind))
	switch {
	case kind.Ordered || all == 0:
		return n
	case n < all:
		return 1 << n
	}
	return 1<<(n%all) | 1<<((n+1)%all)
}

// seedable gives objects that may be given something: reserved ones may not.
func (m *maker) seedable(kind string, n int) []access.ID {
	return slices.DeleteFunc(m.things(kind, n), func(id access.ID) bool {
		o, _ := m.fresh.Object(id)
		return o.Reserved
	})
}

// hold gives a subject the i-th level, or the permissions whose bits are set in i; it reports
// whether it did.
func (m *maker) hold(d *draft, subject, target access.ID, kind access.Kind, i int) bool {
	all := wishes(kind)
	if _, held := firstOn(m.fresh, subject, target); held || len(all) == 0 {
		return false
	}
	if kind.Ordered {
		return d.grant(subject, target, all[i%len(all)])
	}
	var some []string
	for bit, p := range all {
		if i>>bit&1 == 1 {
			some = append(some, p)
		}
	}
	return d.grant(subject, target, some...)
}

func firstOn(s *access.State, subject, target access.ID) (access.Grant, bool) {
	for _, g := range s.GrantsOf(subject) {
		if g.Target == target {
			return g, true
		}
	}
	return access.Grant{}, false
}

// pages is how many accounts fill more than two pages of a listing.
func (m *maker) pages() int {
	if m.h.Many > 0 {
		return m.h.Many
	}
	return 250
}

// many makes a state with so many accounts, each with a grant where there is something to
// grant.
func (m *maker) many(n int) *access.State {
	m.Helper()
	d := newDraft()
	type place struct {
		id   access.ID
		kind access.Kind
	}
	var places []place
	for _, kind := range m.desc.Kinds {
		if id, ok := m.thing(kind.Name, 0); ok && kind.Holds(access.KindAccount) && len(wishes(kind)) > 0 {
			places = append(places, place{id, kind})
			if m.makes(kind.Name) && !id.IsAccount() {
				d.b.Object(m.object(id, 0))
			}
		}
	}
	for i := range n {
		id, ok := m.thing(access.KindAccount, i)
		if !ok {
			break
		}
		if m.makes(access.KindAccount) {
			d.b.Object(m.object(id, i))
		}
		if len(places) > 0 {
			p := places[i%len(places)]
			m.hold(d, id, p.id, p.kind, i|1)
		}
	}
	return build(m, d.b)
}

// random makes up a state.
func (m *maker) random(r *rand.Rand) *access.State {
	m.Helper()
	if m.h.Sample != nil {
		return m.h.Sample(r)
	}
	const most = 7
	d := newDraft()
	there := map[string][]access.ID{}
	for _, kind := range m.desc.Kinds {
		for i, id := range m.things(kind.Name, most) {
			if !m.makes(kind.Name) {
				there[kind.Name] = append(there[kind.Name], id)
			} else if r.IntN(2) == 0 {
				d.b.Object(m.randomObject(r, id, kind, i))
				there[kind.Name] = append(there[kind.Name], id)
			}
		}
	}
	for _, kind := range m.desc.Kinds {
		for _, target := range there[kind.Name] {
			for _, sk := range m.subjects(kind) {
				for _, subject := range there[sk] {
					o, _ := m.fresh.Object(subject)
					if r.IntN(3) == 0 && !o.Reserved {
						m.hold(d, subject, target, kind, r.IntN(1<<len(kind.Permissions)))
					}
				}
			}
		}
	}
	return build(m, d.b)
}

func (m *maker) randomObject(r *rand.Rand, id access.ID, kind access.Kind, i int) access.Object {
	o := m.object(id, i+r.IntN(3))
	for _, a := range kind.Attributes {
		if v := m.values(kind.Name, a.Name); slices.Contains(v, "") && r.IntN(4) == 0 {
			delete(o.Attributes, a.Name)
		}
	}
	o.Disabled = id.IsAccount() && m.switches() && r.IntN(4) == 0
	return o
}
