package resolve

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// What people hold is compared system by system, as a merge of sorted runs of numbers: people and
// entitlements get their rank among those of both sides, in the order in which shifts are sorted,
// and rows are sorted by both. A shift is made only where the two sides differ.

// subjects are the ranks of everybody on either side; 0 stands for nobody, where a resource
// holds something.
type subjects struct {
	ids        []string // by rank
	base, head []int32  // rank by index into people.list
}

func (c *comparer) subjects(b, h *World) *subjects {
	base, head := b.people, h.people
	s := &subjects{ids: make([]string, 1), base: make([]int32, len(base.list)), head: make([]int32, len(head.list))}
	for i := range h.whom {
		s.ids = append(s.ids, head.list[i].ID.Value)
	}
	for i := range b.whom {
		s.ids = append(s.ids, now(c.names, base.list[i].ID.Value))
	}
	slices.Sort(s.ids)
	s.ids = slices.Compact(s.ids)
	rank := func(id string) int32 {
		i, _ := slices.BinarySearch(s.ids, id)
		return int32(i)
	}
	for i := range h.whom {
		s.head[i] = rank(head.list[i].ID.Value)
	}
	for i := range b.whom {
		s.base[i] = rank(now(c.names, base.list[i].ID.Value))
	}
	return s
}

// heldBy is one row of either side, or one grant of a resource.
type heldBy struct {
	subject int32 // rank
	what    int32 // rank among the things of the system
	span    span
	reason  int32 // its number
}

func (h heldBy) compare(o heldBy) int {
	return cmp.Or(cmp.Compare(h.subject, o.subject), cmp.Compare(h.what, o.what))
}

// thing is what can be held on one system, by whom if not by a person.
type thing struct {
	subject, target access.ID
	permission      string
}

func (t thing) compare(o thing) int {
	return cmp.Or(t.subject.Compare(o.subject), t.target.Compare(o.target), strings.Compare(t.permission, o.permission))
}

// access compares who holds what, sorted as SortShifts does.
func (c *comparer) access(base, head *World) []access.Shift {
	before, after := c.bySystem(base), c.bySystem(head)
	var names []string
	for name := range before {
		names = append(names, name)
	}
	for name := range after {
		names = append(names, name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	who := c.subjects(base, head)
	parts := make([][]difference, len(names))
	things := make([][]thing, len(names))
	for i, name := range names {
		things[i] = thingsOf(before[name], after[name])
		both := len(before[name]) > 0 && len(after[name]) > 0
		parts[i] = merge(c.held(before[name], things[i], who.base, both), c.held(after[name], things[i], who.head, both))
	}
	return c.shifts(names, things, parts, who)
}

// bySystem are the systems by the names that they have at head.
func (c *comparer) bySystem(w *World) map[string][]*Desired {
	out := map[string][]*Desired{}
	for _, d := range w.Systems {
		name := now(c.systems, d.Decl.ID.Value)
		out[name] = append(out[name], d)
	}
	return out
}

// thingsOf are all that can be held on one system on either side, sorted.
func thingsOf(sides ...[]*Desired) []thing {
	var out []thing
	for _, side := range sides {
		for _, d := range side {
			for _, e := range d.ents {
				out = append(out, thing{access.ID{}, e.target, e.permission})
			}
			for g := range d.heldByResources() {
				out = append(out, thing{g.Subject, g.Target, g.Permission})
			}
		}
	}
	slices.SortFunc(out, thing.compare)
	return slices.Compact(out)
}

// held are the rows of one system, sorted. Reasons are told apart only if that is asked for:
// where there is nothing on the other side it doesn't matter why.
func (c *comparer) held(side []*Desired, things []thing, ranks []int32, reasons bool) []heldBy {
	n := 0
	for _, d := range side {
		n += len(d.rows)
	}
	rank := func(t thing) int32 {
		i, _ := slices.BinarySearchFunc(things, t, thing.compare)
		return int32(i)
	}
	out := make([]heldBy, 0, n)
	for _, d := range side {
		what := make([]int32, len(d.ents))
		for i, e := range d.ents {
			what[i] = rank(thing{access.ID{}, e.target, e.permission})
		}
		numbers := make([]int32, len(d.ways))
		if reasons {
			for i := range d.ways {
				numbers[i] = c.number(&d.ways[i])
			}
		}
		for _, r := range d.rows {
			out = append(out, heldBy{ranks[r.person], what[r.ent], r.span, numbers[r.by]})
		}
		for g := range d.heldByResources() {
			out = append(out, heldBy{0, rank(thing{g.Subject, g.Target, g.Permission}), always, -1})
		}
	}
	slices.SortFunc(out, func(a, b heldBy) int {
		return cmp.Or(a.compare(b), cmp.Compare(a.span.from, b.span.from), cmp.Compare(a.span.until, b.span.until), cmp.Compare(a.reason, b.reason))
	})
	return out
}

// heldByResources yields the grants that no account holds.
func (d *Desired) heldByResources() iter.Seq[access.Grant] {
	return func(yield func(access.Grant) bool) {
		for id := range d.declared {
			if id.IsAccount() {
				continue
			}
			for _, g := range d.state.GrantsOf(id) {
				if !yield(g) {
					return
				}
			}
		}
	}
}

// number gives each wording of a reason a number of its own.
func (c *comparer) number(w *way) int32 {
	text := c.word(w)
	n, ok := c.reasons[text]
	if !ok {
		n = int32(len(c.wording))
		c.reasons[text] = n
		c.wording = append(c.wording, text)
	}
	return n
}

// word is a reason without its line numbers: moving a line is no change.
func (c *comparer) word(w *way) string {
	var b strings.Builder
	b.WriteString(w.grant.ID.Value)
	for _, h := range w.what.roles {
		b.WriteString(" role " + h.role.ID.Value)
	}
	for p := w.who; p != nil; p = p.inner {
		text, ok := c.terms[p.term]
		if !ok {
			text = termText(p.term)
			c.terms[p.term] = text
		}
		b.WriteString(" via ")
		b.WriteString(text)
	}
	b.WriteString(" " + w.grant.Reason.Value + " " + w.grant.Ticket.Value)
	return b.String()
}

// difference is what both sides say of one subject and one thing, where that isn't the same.
type difference struct{ before, after []heldBy }

func (d difference) first() heldBy {
	if len(d.before) > 0 {
		return d.before[0]
	}
	return d.after[0]
}

// merge goes through both sides at once.
func merge(before, after []heldBy) []difference {
	var out []difference
	for len(before) > 0 || len(after) > 0 {
		var at heldBy
		switch {
		case len(before) == 0:
			at = after[0]
		case len(after) == 0 || before[0].compare(after[0]) < 0:
			at = before[0]
		default:
			at = after[0]
		}
		d := difference{run(before, at), run(after, at)}
		before, after = before[len(d.before):], after[len(d.after):]
		if !d.same() {
			out = append(out, d)
		}
	}
	return out
}

// run are the rows at the beginning that are about the same.
func run(rows []heldBy, at heldBy) []heldBy {
	n := 0
	for n < len(rows) && rows[n].compare(at) == 0 {
		n++
	}
	return rows[:n]
}

// same reports the usual case quickly: the same rows. That what is left differs has still to be
// seen.
func (d difference) same() bool {
	return slices.EqualFunc(d.before, d.after, func(a, b heldBy) bool { return a.span == b.span && a.reason == b.reason })
}

// shifts puts the differences of all systems in order: by subject, then by system and thing.
func (c *comparer) shifts(names []string, things [][]thing, parts [][]difference, who *subjects) []access.Shift {
	starts := make([]int32, len(who.ids)+1)
	n := 0
	for _, part := range parts {
		for _, d := range part {
			starts[d.first().subject+1]++
		}
		n += len(part)
	}
	for i := range len(who.ids) {
		starts[i+1] += starts[i]
	}
	type place struct{ system, at int32 }
	order := make([]place, n)
	for s, part := range parts {
		for i, d := range part {
			order[starts[d.first().subject]] = place{int32(s), int32(i)}
			starts[d.first().subject]++
		}
	}
	out := make([]access.Shift, 0, n+len(c.out)) // room for mergeShifts
	for _, p := range order {
		d := parts[p.system][p.at]
		t := things[p.system][d.first().what]
		s := access.Shift{Person: who.ids[d.first().subject], System: names[p.system], Subject: t.subject, Target: t.target, Permission: t.permission}
		if c.shift(&s, d) {
			out = append(out, s)
		}
	}
	return out
}

// shift says how a difference moves an access, and whether it does.
func (c *comparer) shift(s *access.Shift, d difference) bool {
	b, a := unionOf(d.before), unionOf(d.after)
	switch {
	case slices.Equal(a, b):
		rb, ra := c.wordings(d.before), c.wordings(d.after)
		if slices.Equal(rb, ra) {
			return false
		}
		s.Kind, s.Reasons = access.ShiftReason, declare.Digest(rb)+" "+declare.Digest(ra)
	case len(b) == 0:
		s.Kind = access.ShiftGain
	case len(a) == 0:
		s.Kind = access.ShiftLose
	case covers(a, b):
		s.Kind = access.ShiftLengthen
	default:
		s.Kind = access.ShiftShorten
	}
	s.Before, s.After = spans(b, c.zone), spans(a, c.zone)
	return true
}

func unionOf(rows []heldBy) []span {
	in := make([]span, len(rows))
	for i, r := range rows {
		in[i] = r.span
	}
	return union(in)
}

func (c *comparer) wordings(rows []heldBy) []string {
	var out []string
	for _, r := range rows {
		if r.reason >= 0 {
			out = append(out, c.wording[r.reason])
		}
	}
	return distinct(out)
}

// mergeShifts puts the second sorted list into the first, from the end on, in the room behind it.
func mergeShifts(a, b []access.Shift) []access.Shift {
	i, j := len(a)-1, len(b)-1
	a = append(a, b...)
	for at := len(a) - 1; j >= 0; at-- {
		if i >= 0 && compareShift(a[i], b[j]) > 0 {
			a[at], i = a[i], i-1
		} else {
			a[at], j = b[j], j-1
		}
	}
	if len(a) == 0 {
		return nil
	}
	return a
}
