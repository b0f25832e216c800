package resolve

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// Compare says what head declares differently from base, as intervals and whatever the systems
// hold: who gains, loses, keeps longer or shorter, or for another reason; whose status and
// which settings and resources change. It needs no system and no credential. A nil base is an
// empty one. The result is sorted and doesn't depend on the clock.
func Compare(base, head *World) []access.Shift {
	c := newComparer(head)
	if base == nil {
		base = &World{Repo: &declare.Repository{}, people: &people{repo: &declare.Repository{}, index: map[string]int32{}}}
	}
	var beside sync.WaitGroup
	beside.Go(func() {
		c.documents(base, head)
		SortShifts(c.out)
	})
	parts, who := c.access(base, head)
	beside.Wait()
	return mergeShifts(c.shifts(parts, who, len(c.out)), c.out)
}

// documents compares all but who holds what.
func (c *comparer) documents(base, head *World) {
	c.accounts(base, head)
	c.settings(base, head)
	if base.Repo.Config == nil {
		return // everything is new
	}
	differs := head.Repo.DifferenceTo(base.Repo)
	c.statuses(base, head, differs)
	c.texts(dutiesOf(base.Repo, differs), dutiesOf(head.Repo, differs), false)
}

func newComparer(head *World) *comparer {
	c := &comparer{zone: head.people.zone, names: map[string]string{}, systems: map[string]string{}, terms: map[*declare.Term]string{}, reasons: map[string]int32{}}
	for _, p := range head.Repo.RenamedPeople() {
		for _, was := range p.Previously {
			c.names[was.Value] = p.ID.Value
		}
	}
	for _, d := range head.Repo.Systems {
		for _, was := range d.Previously {
			c.systems[was.Value] = d.ID.Value
		}
	}
	return c
}

// SortShifts puts shifts into the order in which the change digest covers them.
func SortShifts(shifts []access.Shift) {
	slices.SortFunc(shifts, func(a, b access.Shift) int { return compareShift(&a, &b) })
}

type comparer struct {
	names   map[string]string // a person's id before → id now
	systems map[string]string // a system's id before → id now
	zone    *time.Location    // of the intervals: the repository's
	out     []access.Shift

	mu      sync.Mutex // of the numbers, while they are given
	terms   map[*declare.Term]string
	reasons map[string]int32 // wording → number
	wording []string         // by number
}

// now is the id by which something goes at head.
func now(names map[string]string, id string) string {
	if is, ok := names[id]; ok {
		return is
	}
	return id
}

// accounts compares which accounts the access goes to: naming another one moves all of it.
func (c *comparer) accounts(base, head *World) {
	before := map[string]*Desired{}
	for _, d := range base.Systems {
		before[now(c.systems, d.Decl.ID.Value)] = d
	}
	for _, d := range head.Systems {
		was := before[d.Decl.ID.Value]
		if was == nil {
			continue
		}
		old := map[string]string{}
		for person, id := range was.accounts() {
			old[now(c.names, person)] = id.Name
		}
		for person, id := range d.accounts() {
			if from, ok := old[person]; ok && from != id.Name {
				c.out = append(c.out, access.Shift{Kind: access.ShiftStatus, Person: person, System: d.Decl.ID.Value, From: "account " + from, To: "account " + id.Name})
			}
		}
	}
}

// union merges spans that touch.
func union(in []span) []span {
	in = slices.Clone(in)
	slices.SortFunc(in, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.until, b.until)) })
	var out []span
	for _, s := range in {
		if n := len(out); n > 0 && s.from <= out[n-1].until {
			out[n-1].until = max(out[n-1].until, s.until)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// covers reports whether every span of b lies within one of a; both are merged.
func covers(a, b []span) bool {
	for _, s := range b {
		if !slices.ContainsFunc(a, func(t span) bool { return t.from <= s.from && s.until <= t.until }) {
			return false
		}
	}
	return true
}

func spans(in []span, zone *time.Location) []access.Span {
	var out []access.Span
	for _, s := range in {
		from, until := s.times(zone)
		out = append(out, access.Span{From: from, Until: until})
	}
	return out
}

// statuses compares what is declared of people themselves. Most documents are in files that are the
// same on both sides.
func (c *comparer) statuses(base, head *World, differs declare.Difference) {
	left := map[string]*declare.Person{} // of the base, by the id at head
	for id := range differs.People {
		if p := base.Repo.Person(id); p != nil {
			left[now(c.names, id)] = p
		}
	}
	for id := range differs.People {
		p, was := head.Repo.Person(id), left[id]
		if p == nil || was == nil {
			continue
		}
		delete(left, id)
		c.facts(was, p)
		if from, to := statusText(was), statusText(p); from != to {
			c.out = append(c.out, access.Shift{Kind: access.ShiftStatus, Person: id, From: from, To: to})
		}
	}
	for id, p := range left {
		c.out = append(c.out, access.Shift{Kind: access.ShiftStatus, Person: id, From: statusText(p), To: "gone"})
	}
}

// facts compares what rules may ask about a person beside the status.
func (c *comparer) facts(was, is *declare.Person) {
	put := func(what, from, to string) {
		if from != to {
			c.out = append(c.out, access.Shift{Kind: access.ShiftStatus, Person: is.ID.Value, From: what + " " + cmp.Or(from, "unset"), To: what + " " + cmp.Or(to, "unset")})
		}
	}
	put("manager", now(c.names, was.Manager.Value), is.Manager.Value)
	before, after := attrTexts(was), attrTexts(is)
	for _, a := range slices.Concat(was.Attributes, is.Attributes) {
		key := a.Key.Value
		put(key, before[key], after[key])
		delete(before, key)
		delete(after, key)
	}
}

func attrTexts(p *declare.Person) map[string]string {
	out := map[string]string{}
	for _, a := range p.Attributes {
		var values []string
		for _, v := range a.Values {
			values = append(values, v.Value)
		}
		slices.Sort(values)
		out[a.Key.Value] = strings.Join(values, ", ")
	}
	return out
}

func statusText(p *declare.Person) string {
	s := p.Status.Value
	if s == "" {
		s = "active"
	}
	if p.Starts.Text != "" {
		s += " from " + p.Starts.Text
	}
	if p.Ends.Text != "" {
		s += " until " + p.Ends.Text
	}
	return s
}

// settings compares the judging settings and what systems declare beside access.
func (c *comparer) settings(base, head *World) {
	same := func(s *declare.System) bool { // the very same document needn't be compared
		return base.Repo.System(s.ID.Value) == s && head.Repo.System(s.ID.Value) == s
	}
	c.texts(settingsOf(base.Repo, same), settingsOf(head.Repo, same), true)
}

func (c *comparer) texts(before, after map[string]string, all bool) {
	for name, was := range before {
		if is, ok := after[name]; is != was && (ok || all) {
			c.out = append(c.out, access.Shift{Kind: access.ShiftSettings, System: name, From: was, To: is})
		}
	}
	for name, is := range after {
		if _, ok := before[name]; !ok && all {
			c.out = append(c.out, access.Shift{Kind: access.ShiftSettings, System: name, To: is})
		}
	}
}

func settingsOf(r *declare.Repository, same func(*declare.System) bool) map[string]string {
	out := map[string]string{}
	if r.Config != nil {
		out["accord.yaml"] = declare.Digest(r.Config)
	}
	for _, s := range r.Systems {
		if !same(s) {
			out[s.ID.Value] = declare.Digest(s)
		}
	}
	for _, e := range r.Exempts {
		out["exempt "+e.ID.Value] = declare.Digest(e)
	}
	return out
}

// dutiesOf are who answers for groups and roles, and what may not be held together, of those that may
// differ. They come and go with the access that these are about; only a change counts.
func dutiesOf(r *declare.Repository, differs declare.Difference) map[string]string {
	out := map[string]string{}
	for id := range differs.Groups {
		if g := r.Group(id); g != nil {
			out["group "+id] = declare.Digest(g.Owners)
		}
	}
	for id := range differs.Roles {
		if role := r.Role(id); role != nil {
			out["role "+id] = declare.Digest([]any{role.Owners, role.Exclusive, role.Privileged.Value})
		}
	}
	return out
}

func distinct(lines []string) []string { return slices.Compact(slices.Sorted(slices.Values(lines))) }

func compareShift(a, b *access.Shift) int {
	return cmp.Or(
		cmp.Compare(a.Person, b.Person), cmp.Compare(a.System, b.System),
		a.Subject.Compare(b.Subject), a.Target.Compare(b.Target),
		cmp.Compare(a.Permission, b.Permission), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From),
	)
}
