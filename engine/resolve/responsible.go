package resolve

import (
	"cmp"
	"slices"
	"sort"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// Tracer finds the one link that answers for an access: the one that plan.Responsible picks of
// its reasons. A million of them is asked for when everything is new, and reasons are mostly made
// of sentences that nobody would read then: it makes no other link's. It is quickest where one
// person is asked for at a time. Not safe for concurrent use; several of them are.
type Tracer struct {
	changed func(access.Link) bool
	systems map[*Desired]*tracer

	// Of the last person: who it is, among whom, and at which index; -1: it is nobody.
	person string
	people *people
	index  int32

	order []row // reused, as links is
	links []access.Link
}

// tracer is what is at hand of one system.
type tracer struct {
	d      *Desired
	named  bool // some account is declared as a resource: what it holds isn't in any row
	heads  map[*bundle][]*headLinks
	byWay  []*headLinks // as Desired.ways; nil where it wasn't asked for
	person int32
	rows   []row // of the person
	known  bool  // whether they are all that the person's account is about
	next   int   // the row after these
	// account is the place of the last account that was looked for.
	account int
}

// headLinks are the links that all rows share which come of one term, and the last of them that
// stands in a document that changed.
type headLinks struct {
	term  *declare.Term
	links []access.Link
	last  int // -1: none
}

// NewTracer returns a tracer that looks for links which changed; nil: no change is known of. Changed
// is asked with links that have no text.
func NewTracer(changed func(access.Link) bool) *Tracer {
	return &Tracer{changed: changed, systems: map[*Desired]*tracer{}}
}

// Responsible is the link that answers for what somebody has by the permission on the target of a
// system; ok tells whether there is one. Where known is false only Reasons of the account can tell,
// as the account may be another one's, too, or a resource, or the permission isn't said.
func (t *Tracer) Responsible(d *Desired, person string, target access.ID, permission string) (l access.Link, ok, known bool) {
	s := t.turnTo(d, person)
	if !s.known || permission == "" {
		return access.Link{}, false, false
	}
	rows := s.rowsFor(entitlement{target, permission})
	if len(rows) == 0 {
		return access.Link{}, false, true
	}
	rows = t.inOrder(d, rows)
	if t.changed != nil {
		for _, r := range rows {
			if l, ok := t.changedLink(s, r); ok {
				return l, true, true
			}
		}
	}
	return t.head(s, rows[0]).links[0], true, true
}

// turnTo finds the rows of a person on a system.
func (t *Tracer) turnTo(d *Desired, person string) *tracer {
	s := t.systems[d]
	if s == nil {
		s = &tracer{d: d, heads: map[*bundle][]*headLinks{}, byWay: make([]*headLinks, len(d.ways)), person: -1}
		for id := range d.resources() {
			s.named = s.named || id.IsAccount()
		}
		t.systems[d] = s
	}
	if t.people != d.loc || t.person != person {
		t.people, t.person, t.index = d.loc, person, -1
		if i, ok := d.loc.find(person); ok {
			t.index = i
		}
	}
	if s.person == t.index {
		return s
	}
	s.person, s.rows, s.known = t.index, nil, false
	if s.named {
		return s
	}
	if s.account, s.known = after(len(d.ids.list), s.account, s.person, func(k int) int32 { return d.ids.list[k].person }); !s.known {
		return s
	}
	lo, _ := after(len(d.rows), s.next-1, s.person, func(k int) int32 { return d.rows[k].person })
	s.next = lo
	for s.next < len(d.rows) && d.rows[s.next].person == s.person {
		s.next++
	}
	s.rows = d.rows[lo:s.next]
	return s
}

// after is the first place of a number in a sorted list. It looks first at the place after another one,
// as who is asked for mostly come in order.
func after(n, at int, want int32, number func(k int) int32) (int, bool) {
	if k := at + 1; k >= n || number(k) != want || k > 0 && number(k-1) == want {
		at = sort.Search(n, func(k int) bool { return number(k) >= want }) - 1
	}
	return at + 1, at+1 < n && number(at+1) == want
}

// fewRows is up to how many rows are looked at one by one, which is quicker than to look up the
// number of what they are about.
const fewRows = 16

// rowsFor are the person's rows about one entitlement.
func (t *tracer) rowsFor(e entitlement) []row {
	if len(t.rows) > fewRows {
		ent, ok := t.d.entIndex[e]
		if !ok {
			return nil
		}
		lo := sort.Search(len(t.rows), func(k int) bool { return t.rows[k].ent >= ent })
		return sameEntitlement(t.rows[lo:], ent)
	}
	for lo, r := range t.rows {
		if t.d.ents[r.ent] == e {
			return sameEntitlement(t.rows[lo:], r.ent)
		}
	}
	return nil
}

// sameEntitlement are the rows at the beginning that are about one entitlement.
func sameEntitlement(rows []row, ent int32) []row {
	n := 0
	for n < len(rows) && rows[n].ent == ent {
		n++
	}
	return rows[:n]
}

// inOrder puts rows into the order of their reasons (see Desired.Reasons).
func (t *Tracer) inOrder(d *Desired, rows []row) []row {
	if len(rows) == 1 {
		return rows
	}
	t.order = append(t.order[:0], rows...)
	at := d.loc.at
	until := func(s span) int64 { // an open end comes first, as the zero time does
		if s.until == never {
			return ever
		}
		return s.until
	}
	slices.SortStableFunc(t.order, func(a, b row) int {
		return cmp.Or(first(b.span.holds(at))-first(a.span.holds(at)), cmp.Compare(a.span.from, b.span.from), cmp.Compare(until(a.span), until(b.span)),
			cmp.Compare(d.way(a).grant.ID.Value, d.way(b).grant.ID.Value))
	})
	return t.order
}

func first(b bool) int {
	if b {
		return 1
	}
	return 0
}

// changedLink is the link of a row, nearest to the person, that changed.
func (t *Tracer) changedLink(s *tracer, r row) (access.Link, bool) {
	w, person := s.d.way(r), s.d.loc.person(r.person)
	t.links = appendMemberLinks(t.links[:0], s.d.loc, person, w.who, nil, false)
	for i := len(t.links) - 1; i >= 0; i-- {
		if t.changed(t.links[i]) {
			return memberLinks(s.d.loc, person, w.who, nil)[i], true
		}
	}
	if h := t.head(s, r); h.last >= 0 {
		return h.links[h.last], true
	}
	return access.Link{}, false
}

// head gives the links that the way of a row begins with.
func (t *Tracer) head(s *tracer, r row) *headLinks {
	h := s.byWay[r.by]
	if h == nil {
		h = t.makeHead(s, s.d.way(r))
		s.byWay[r.by] = h
	}
	return h
}

// makeHead makes them where no other way begins so. A bundle is one of a single grant, so that it and
// the term tell them apart.
func (t *Tracer) makeHead(s *tracer, w *way) *headLinks {
	heads := s.heads[w.what]
	for _, h := range heads {
		if h.term == w.who.term {
			return h
		}
	}
	h := &headLinks{w.who.term, s.d.head(w), -1}
	if t.changed != nil {
		for i, l := range h.links {
			if t.changed(access.Link{File: l.File, Line: l.Line}) {
				h.last = i
			}
		}
	}
	s.heads[w.what] = append(heads, h)
	return h
}
