package report

import (
	"sync"

	"github.com/accordhq/accord/engine/access"
)

// shiftLedger is the ledger of what a part of the declaration's changes is about. Each processor
// reads a piece of it.
func (v *view) shiftLedger(of func(*access.Shift) bool) *ledger {
	shifts := v.plan.Shifts
	n := processors(len(shifts))
	parts := make([]*ledgerPart, n)
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() {
			r := shiftReader{ledgerPart: newLedgerPart(), what: map[shiftThing]int32{}, when: map[shiftTime]int32{}}
			for k := len(shifts) * i / n; k < len(shifts)*(i+1)/n; k++ {
				if s := &shifts[k]; s.Kind != access.ShiftSettings && of(s) {
					r.read(s)
				}
			}
			parts[i] = &r.ledgerPart
		})
	}
	wg.Wait()
	l, _, _ := ledgerFrom(parts)
	return l
}

// shiftReader puts shifts into a ledger. Most of them say of somebody what was said of others; of
// these no text is made again.
type shiftReader struct {
	ledgerPart
	what map[shiftThing]int32
	when map[shiftTime]int32

	// What the one before was: whose, and by which cause.
	person string
	cause  access.Cause
	at     item
}

// shiftThing is what a shift moves and which way, in the shift's own words.
type shiftThing struct {
	kind       access.ShiftKind
	system     string
	target     access.ID
	permission string
}

// shiftTime is how it moves it, where each side is one interval or none.
type shiftTime struct {
	kind          access.ShiftKind
	before, after access.Span
	sides         [2]bool // whether there is one
}

func (r *shiftReader) read(s *access.Shift) {
	it := r.at
	if len(r.items) == 0 || s.Person == "" || s.Person != r.person {
		it.who = r.whos.number(whoseShift(s))
	}
	if len(r.items) == 0 || s.Cause != r.cause {
		it.cause = r.causes.number(s.Cause)
	}
	if s.Kind == access.ShiftStatus || len(s.Before) > 1 || len(s.After) > 1 {
		kind, what, notes := sayShift(s)
		it.thing, it.notes = r.things.number(thing{kind: kind, system: s.System, what: what}), r.notes.number(notes)
	} else {
		it.thing, it.notes = r.thing(s), r.time(s)
	}
	r.items = append(r.items, it)
	r.person, r.cause, r.at = s.Person, s.Cause, it
}

func (r *shiftReader) thing(s *access.Shift) int32 {
	k := shiftThing{s.Kind, s.System, s.Target, s.Permission}
	n, ok := r.what[k]
	if !ok {
		kind, what, _ := sayShift(s)
		n = r.things.number(thing{kind: kind, system: s.System, what: what})
		r.what[k] = n
	}
	return n
}

func (r *shiftReader) time(s *access.Shift) int32 {
	k := shiftTime{kind: s.Kind, sides: [2]bool{len(s.Before) > 0, len(s.After) > 0}}
	if k.sides[0] {
		k.before = s.Before[0]
	}
	if k.sides[1] {
		k.after = s.After[0]
	}
	n, ok := r.when[k]
	if !ok {
		_, _, notes := sayShift(s)
		n = r.notes.number(notes)
		r.when[k] = n
	}
	return n
}
