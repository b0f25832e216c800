package resolve

import (
	"cmp"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/accordhq/accord/engine/access"
)

// What people hold is compared system by system, as a merge of sorted runs of numbers: people and
// entitlements get their rank among those of both sides, in the order in which shifts are sorted,
// and rows are sorted by both. A shift is made only where the two sides differ.

// subjects are the ranks of everybody on either side; 0 stands for nobody, where a resource
// holds something.
type subjects struct {
	ids        []string // by rank
	base, head []int32  // rank by a person's place
}

func (c *comparer) subjects(b, h *World) *subjects {
	base, head := b.people, h.people
	s := &subjects{ids: make([]string, 1), base: make([]int32, base.len()), head: make([]int32, head.len())}
	for i := range h.whom {
		s.ids = append(s.ids, head.person(i).ID.Value)
	}
	for i := range b.whom {
		s.ids = append(s.ids, now(c.names, base.person(i).ID.Value))
	}
	slices.Sort(s.ids)
	s.ids = slices.Compact(s.ids)
	at := 0
	rank := func(id string) int32 { // mostly the next one: people are sorted by their ids
		if at++; at >= len(s.ids) || s.ids[at] != id {
			at, _ = slices.BinarySearch(s.ids, id)
		}
		return int32(at)
	}
	for i := range h.whom {
		s.head[i] = rank(head.person(i).ID.Value)
	}
	for i := range b.whom {
		s.base[i] = rank(now(c.names, base.person(i).ID.Value))
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

// access compares who holds what.
func (c *comparer) access(base, head *World) ([]part, *subjects) {
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
	parts := make([]part, len(names))
	sideBySide(len(names), func() func(int) {
		return func(i int) {
			b, a := before[names[i]], after[names[i]]
			p := part{name: names[i]}
			if untouched(b, a) {
				parts[i] = p
				return
			}
			p.things = thingsOf(b, a)
			both := len(b) > 0 && len(a) > 0
			p.before, p.after = c.held(b, p.things, who.base, both), c.held(a, p.things, who.head, both)
			p.merge()
			parts[i] = p
		}
	})
	return parts, who
}

// untouched reports whether both sides have the same system and it has to do with nobody whom they
// are about.
func untouched(base, head []*Desired) bool {
	return len(base) == 1 && len(head) == 1 && base[0].Decl == head[0].Decl && base[0].idle && head[0].idle
}

// part is what both sides say of one system, and where they differ.
type part struct {
	name          string
	things        []thing
	before, after []heldBy
	differences   []difference
}

// sideBySide does n things, as many at a time as there are processors. With makes what a processor
// does each of them with.
func sideBySide(n int, with func() func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			do := with()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
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
	sortHeld(out)
	return out
}

// sortHeld sorts rows. Mostly they come subject by subject.
func sortHeld(rows []heldBy) {
	compare := func(a, b heldBy) int {
		return cmp.Or(a.compare(b), cmp.Compare(a.span.from, b.span.from), cmp.Compare(a.span.until, b.span.until), cmp.Compare(a.reason, b.reason))
	}
	rising := true
	for from := 0; from < len(rows) && rising; {
		end := from + 1
		for end < len(rows) && rows[end].subject == rows[from].subject {
			end++
		}
		slices.SortFunc(rows[from:end], compare)
		rising = end == len(rows) || rows[from].subject < rows[end].subject
		from = end
	}
	if !rising {
		slices.SortFunc(rows, compare)
	}
}

// heldByResources yields the grants that no account holds.
func (d *Desired) heldByResources() iter.Seq[access.Grant] {
	return func(yield func(access.Grant) bool) {
		for id := range d.resources() {
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

// number gives each wording of a reason a number of its own. Which one it is means nothing.
func (c *comparer) number(w *way) int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
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

// difference is where both sides of a part tell of one subject and one thing, where they don't say
// the same: so many rows from an index on.
type difference struct{ before, befores, after, afters int32 }

func (p *part) sides(d difference) (before, after []heldBy) {
	return p.before[d.before : d.before+d.befores], p.after[d.after : d.after+d.afters]
}

func (p *part) first(d difference) heldBy {
	if d.befores > 0 {
		return p.before[d.before]
	}
	return p.after[d.after]
}

// merge goes through both sides at once.
func (p *part) merge() {
	if len(p.before) == 0 || len(p.after) == 0 {
		p.differences = make([]difference, 0, max(len(p.before), len(p.after)))
	}
	before, after := p.before, p.after
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
		b, a := run(before, at), run(after, at)
		if !same(b, a) {
			p.differences = append(p.differences, difference{int32(len(p.before) - len(before)), int32(len(b)), int32(len(p.after) - len(after)), int32(len(a))})
		}
		before, after = before[len(b):], after[len(a):]
	}
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
func same(before, after []heldBy) bool {
	return slices.EqualFunc(before, after, func(a, b heldBy) bool { return a.span == b.span && a.reason == b.reason })
}
