package resolve

import (
	"slices"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// place is where a difference stands.
type place struct{ part, at int32 }

// shifts puts the differences of all systems in order, by subject, then by system and thing, which is
// that of SortShifts, and says how they move access. Before the shifts the list has room for others.
// Each processor makes a piece of it.
func (c *comparer) shifts(parts []part, who *subjects, room int) []access.Shift {
	order := bySubject(parts, len(who.ids))
	out := make([]access.Shift, room+len(order))
	if len(out) == 0 {
		return nil
	}
	pieces := (len(order) + shiftsAtATime - 1) / shiftsAtATime
	made := make([]int, pieces)
	sideBySide(pieces, func() func(int) {
		m := &mover{c: c, spans: map[span][]access.Span{}}
		return func(i int) {
			from := i * shiftsAtATime
			at := room + from
			for _, o := range order[from:min(from+shiftsAtATime, len(order))] {
				p := &parts[o.part]
				d := p.differences[o.at]
				h := p.first(d)
				t := &p.things[h.what]
				s := &out[at]
				s.Person, s.System, s.Subject, s.Target, s.Permission = who.ids[h.subject], p.name, t.subject, t.target, t.permission
				if m.move(s, p, d) {
					at++
				} else {
					*s = access.Shift{}
				}
			}
			made[i] = at - room - from
		}
	})
	at := room
	for i, n := range made {
		if from := room + i*shiftsAtATime; from > at {
			copy(out[at:], out[from:from+n])
		}
		at += n
	}
	return out[:at]
}

// shiftsAtATime is how many shifts a processor makes before it takes the next ones.
const shiftsAtATime = 4096

// bySubject are the places of all differences, by subject, then by system and thing.
func bySubject(parts []part, subjects int) []place {
	starts := make([]int32, subjects+1)
	n := 0
	for i := range parts {
		p := &parts[i]
		for _, d := range p.differences {
			starts[p.first(d).subject+1]++
		}
		n += len(p.differences)
	}
	for i := range subjects {
		starts[i+1] += starts[i]
	}
	order := make([]place, n)
	for i := range parts {
		p := &parts[i]
		for k, d := range p.differences {
			at := &starts[p.first(d).subject]
			order[*at] = place{int32(i), int32(k)}
			*at++
		}
	}
	return order
}

// mover makes shifts. Intervals that many have are there once.
type mover struct {
	c             *comparer
	before, after []span // reused
	spans         map[span][]access.Span
}

// move says how a difference moves an access, and whether it does.
func (m *mover) move(s *access.Shift, p *part, d difference) bool {
	before, after := p.sides(d)
	m.before, m.after = appendUnion(m.before[:0], before), appendUnion(m.after[:0], after)
	b, a := m.before, m.after
	switch {
	case slices.Equal(a, b):
		rb, ra := m.c.wordings(before), m.c.wordings(after)
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
	s.Before, s.After = m.intervals(b), m.intervals(a)
	return true
}

// appendUnion appends the spans of rows, merged where they touch.
func appendUnion(out []span, rows []heldBy) []span {
	if len(rows) == 1 {
		return append(out, rows[0].span)
	}
	in := make([]span, len(rows))
	for i, r := range rows {
		in[i] = r.span
	}
	return append(out, union(in)...)
}

func (m *mover) intervals(in []span) []access.Span {
	if len(in) != 1 {
		return spans(in, m.c.zone)
	}
	out, ok := m.spans[in[0]]
	if !ok {
		out = spans(in, m.c.zone)
		m.spans[in[0]] = slices.Clip(out)
	}
	return out
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

// mergeShifts puts a sorted list into another one, which has room for it at its beginning.
func mergeShifts(a, b []access.Shift) []access.Shift {
	i, j := len(b), 0
	for at := 0; j < len(b); at++ {
		if i < len(a) && compareShift(&a[i], &b[j]) <= 0 {
			a[at], i = a[i], i+1
		} else {
			a[at], j = b[j], j+1
		}
	}
	return a
}
