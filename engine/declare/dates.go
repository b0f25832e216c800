package declare

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// What is declared changes with time at the dates that people, grants and terms bear, and at no other
// instant. Where these are is told by an index: a revision that was sound yesterday needn't be looked
// at as a whole today, but for what a date that has passed is about.

// dated is a document in which something begins or ends at an instant.
type dated struct {
	at        int64 // in milliseconds since 1970
	kind, doc int
}

func (d dated) compare(o dated) int {
	return cmp.Or(cmp.Compare(d.at, o.at), cmp.Compare(d.kind, o.kind), cmp.Compare(d.doc, o.doc))
}

// datesIn are the instants at which something in a document begins or ends.
func datesIn(doc document, loc *time.Location) (out []int64) {
	add := func(from, until Date) {
		for _, at := range []time.Time{from.Start(loc), until.End(loc)} {
			if !at.IsZero() {
				out = append(out, at.UnixMilli())
			}
		}
	}
	var terms func([]Term)
	terms = func(list []Term) {
		for i := range list {
			add(list[i].From, list[i].Until)
			terms(list[i].Terms)
		}
	}
	switch d := doc.(type) {
	case *Person:
		add(d.Starts, d.Ends)
	case *Group:
		terms(d.Members)
		terms(d.Only)
		terms(d.Except)
	case *Grant:
		add(d.From, d.Until)
		terms(d.To)
	}
	return out
}

// allDates are those of all documents, sorted.
func allDates(r *Repository) []dated {
	loc := r.Config.Location()
	var out []dated
	add := func(kind, doc int, d document) {
		for _, at := range datesIn(d, loc) {
			out = append(out, dated{at, kind, doc})
		}
	}
	for i, p := range r.People() {
		add(kindPeople, i, p)
	}
	for i, g := range r.Groups() {
		add(kindGroups, i, g)
	}
	for i, g := range r.Grants() {
		add(kindGrants, i, g)
	}
	slices.SortFunc(out, dated.compare)
	return slices.Compact(out)
}

// Passed are the people, groups and grants in which something begins or ends after one instant and not
// after another. It isn't ok where that can't be told without looking at all of them.
func (r *Repository) Passed(after, upTo time.Time) (people []*Person, groups []*Group, grants []*Grant, ok bool) {
	if !r.Kept() {
		return nil, nil, nil, false
	}
	from, to := after.UnixMilli(), upTo.UnixMilli()
	table := dateTable(r.record().numbers(secDates))
	marks := map[int]map[int]bool{kindPeople: {}, kindGroups: {}, kindGrants: {}}
	for i := table.after(from); i < table.len() && table.at(i) <= to; i++ {
		if kind, doc := table.doc(i); marks[kind] != nil {
			marks[kind][doc] = true
		}
	}
	people = pick(r.people.late, marks[kindPeople])
	groups = pick(r.groups.late, marks[kindGroups])
	return people, groups, pick(r.grants.late, marks[kindGrants]), true
}

// NextDate is the next instant after another one at which something begins or ends, the zero time if
// there is none. It may be one at which something did that is gone. It isn't ok where Passed isn't.
func (r *Repository) NextDate(after time.Time) (time.Time, bool) {
	if !r.Kept() {
		return time.Time{}, false
	}
	next, loc := int64(0), r.Config.Location()
	look := func(at int64) {
		if at > after.UnixMilli() && (next == 0 || at < next) {
			next = at
		}
	}
	table := dateTable(r.record().numbers(secDates))
	if i := table.after(after.UnixMilli()); i < table.len() {
		look(table.at(i))
	}
	came := func(doc document) bool {
		for _, at := range datesIn(doc, loc) {
			look(at)
		}
		return true
	}
	_ = each(r.people.late.come, came) && each(r.groups.late.come, came) && each(r.grants.late.come, came)
	if next == 0 {
		return time.Time{}, true
	}
	return time.UnixMilli(next), true
}

// dateTable is secDates of a record: the instant in two numbers, the kind and number of the document.
type dateTable numbers

func (t dateTable) len() int { return numbers(t).len() / 4 }

func (t dateTable) at(i int) int64 {
	n := numbers(t)
	return int64(uint64(n.at(4*i))<<32 | uint64(n.at(4*i+1)))
}

func (t dateTable) doc(i int) (kind, doc int) { return numbers(t).at(4*i + 2), numbers(t).at(4*i + 3) }

// after is the first place behind an instant.
func (t dateTable) after(at int64) int {
	return sort.Search(t.len(), func(i int) bool { return t.at(i) > at })
}
