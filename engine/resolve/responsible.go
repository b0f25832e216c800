package resolve

import (
	"cmp"
	"slices"
	"sort"

	"github.com/accordhq/accord/engine/access"
)

// Tracer finds the one link that answers for an access: the one that plan.Responsible picks of
// its reasons. A million of them is asked for when everything is new, and reasons are mostly made
// of sentences that nobody would read then: it makes no other link's. It is quickest where one
// person is asked for at a time. Not safe for concurrent use; several of them are.
type Tracer struct {
	d       *Desired
	changed func(access.Link) bool
	named   bool // some account is declared as a resource: what it holds isn't in any row
	heads   []headLinks
	person  string
	rows    []row // of the person
	known   bool  // whether they are all that the person's account is about
	order   []row
	links   []access.Link
}

// headLinks are the links that all rows of one way share, and the last of them that stands in a
// document that changed.
type headLinks struct {
	links []access.Link
	last  int32 // -1: none
}

// Tracer returns a tracer that looks for links which changed; nil: no change is known of. Changed
// is asked with links that have no text.
func (d *Desired) Tracer(changed func(access.Link) bool) *Tracer {
	t := &Tracer{d: d, changed: changed, heads: make([]headLinks, len(d.ways))}
	for id := range d.declared {
		t.named = t.named || id.IsAccount()
	}
	return t
}

// Responsible is the link that answers for what somebody has by the permission on the target; ok
// tells whether there is one. Where known is false only Reasons of the account can tell, as the
// account may be another one's, too, or a resource, or the permission isn't said.
func (t *Tracer) Responsible(person string, target access.ID, permission string) (l access.Link, ok, known bool) {
	if person != t.person || t.rows == nil {
		t.turnTo(person)
	}
	if !t.known || permission == "" {
		return access.Link{}, false, false
	}
	rows := t.rowsFor(entitlement{target, permission})
	if len(rows) == 0 {
		return access.Link{}, false, true
	}
	rows = t.inOrder(rows)
	if t.changed != nil {
		for _, r := range rows {
			if l, ok := t.changedLink(r); ok {
				return l, true, true
			}
		}
	}
	return t.head(rows[0].by).links[0], true, true
}

// turnTo finds the rows of a person.
func (t *Tracer) turnTo(person string) {
	t.person, t.rows, t.known = person, []row{}, false
	i, ok := t.d.loc.index[person]
	if !ok {
		return
	}
	if _, own := t.d.ids.of(i); !own || t.named {
		return
	}
	t.known = true
	all := t.d.rows
	lo := sort.Search(len(all), func(k int) bool { return all[k].person >= i })
	hi := lo
	for hi < len(all) && all[hi].person == i {
		hi++
	}
	t.rows = all[lo:hi:hi]
}

// fewRows is up to how many rows are looked at one by one, which is quicker than to look up the
// number of what they are about.
const fewRows = 16

// rowsFor are the person's rows about one entitlement.
func (t *Tracer) rowsFor(e entitlement) []row {
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
func (t *Tracer) inOrder(rows []row) []row {
	if len(rows) == 1 {
		return rows
	}
	t.order = append(t.order[:0], rows...)
	at := t.d.loc.at
	until := func(s span) int64 { // an open end comes first, as the zero time does
		if s.until == never {
			return ever
		}
		return s.until
	}
	slices.SortStableFunc(t.order, func(a, b row) int {
		return cmp.Or(first(b.span.holds(at))-first(a.span.holds(at)), cmp.Compare(a.span.from, b.span.from), cmp.Compare(until(a.span), until(b.span)),
			cmp.Compare(t.d.way(a).grant.ID.Value, t.d.way(b).grant.ID.Value))
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
func (t *Tracer) changedLink(r row) (access.Link, bool) {
	w, person := t.d.way(r), t.d.loc.list[r.person]
	t.links = appendMemberLinks(t.links[:0], t.d.loc, person, w.who, nil, false)
	for i := len(t.links) - 1; i >= 0; i-- {
		if t.changed(t.links[i]) {
			return memberLinks(t.d.loc, person, w.who, nil)[i], true
		}
	}
	if h := t.head(r.by); h.last >= 0 {
		return h.links[h.last], true
	}
	return access.Link{}, false
}

// head gives the links that a way begins with.
func (t *Tracer) head(way int32) *headLinks {
	h := &t.heads[way]
	if h.links != nil {
		return h
	}
	h.links, h.last = t.d.head(&t.d.ways[way]), -1
	if t.changed == nil {
		return h
	}
	for i := len(h.links) - 1; i >= 0; i-- {
		if l := h.links[i]; t.changed(access.Link{File: l.File, Line: l.Line}) {
			h.last = int32(i)
			break
		}
	}
	return h
}
