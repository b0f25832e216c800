package report

import "github.com/accordhq/accord/engine/access"

// shiftLedger is the ledger of what a part of the declaration's changes is about.
func (v *view) shiftLedger(of func(*access.Shift) bool) *ledger {
	shifts := v.plan.Shifts
	in := func(s *access.Shift) bool { return s.Kind != access.ShiftSettings && of(s) }
	return ledgerFrom(len(shifts), func(from, to int) *ledgerPart {
		r := shiftReader{ledgerPart: newLedgerPart(), what: map[shiftThing]int32{}, when: map[shiftTime]int32{}, why: map[fileLine]int32{}}
		n := 0
		for i := from; i < to; i++ {
			if in(&shifts[i]) {
				n++
			}
		}
		r.items = make([]item, 0, n)
		for i := from; i < to; i++ {
			if s := &shifts[i]; in(s) {
				r.read(s)
			}
		}
		return &r.ledgerPart
	})
}

// shiftReader puts shifts into a ledger. Most of them say of somebody what was said of others; of
// these no text is made again.
type shiftReader struct {
	ledgerPart
	what map[shiftThing]int32
	when map[shiftTime]int32
	why  map[fileLine]int32 // the first cause that points to it

	// What the one before was: whose, when, and by which cause.
	person string
	time   shiftTime
	timed  bool // whether it has a time
	cause  access.Cause
	at     item
}

// fileLine is a line of a file.
type fileLine struct {
	file string
	line int
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
	it, began := r.at, len(r.items) == 0
	if began || s.Person == "" || s.Person != r.person {
		it.who = r.whos.number(whoseShift(s))
	}
	if began || s.Cause != r.cause {
		it.cause = r.causeOf(s)
	}
	if s.Kind == access.ShiftStatus || len(s.Before) > 1 || len(s.After) > 1 {
		kind, what, notes := sayShift(s)
		it.thing, it.notes = r.things.number(thing{kind: kind, system: s.System, what: what}), r.notes.number(notes)
		r.timed = false
	} else {
		it.thing = r.thingOf(s)
		if t := timeOf(s); !r.timed || t != r.time {
			it.notes, r.time, r.timed = r.notesOf(s, t), t, true
		}
	}
	r.items = append(r.items, it)
	r.person, r.cause, r.at = s.Person, s.Cause, it
}

// causeOf looks a cause up by where it stands, where mostly all say the same of it.
func (r *shiftReader) causeOf(s *access.Shift) int32 {
	at := fileLine{s.Cause.File, s.Cause.Line}
	n, ok := r.why[at]
	if ok && r.causes.list[n] == s.Cause {
		return n
	}
	n = r.causes.number(s.Cause)
	if !ok {
		r.why[at] = n
	}
	return n
}

func (r *shiftReader) thingOf(s *access.Shift) int32 {
	k := shiftThing{s.Kind, s.System, s.Target, s.Permission}
	n, ok := r.what[k]
	if !ok {
		kind, what, _ := sayShift(s)
		n = r.things.number(thing{kind: kind, system: s.System, what: what})
		r.what[k] = n
	}
	return n
}

// timeOf is when a shift with at most one interval a side is.
func timeOf(s *access.Shift) shiftTime {
	k := shiftTime{kind: s.Kind, sides: [2]bool{len(s.Before) > 0, len(s.After) > 0}}
	if k.sides[0] {
		k.before = s.Before[0]
	}
	if k.sides[1] {
		k.after = s.After[0]
	}
	return k
}

func (r *shiftReader) notesOf(s *access.Shift, k shiftTime) int32 {
	n, ok := r.when[k]
	if !ok {
		_, _, notes := sayShift(s)
		n = r.notes.number(notes)
		r.when[k] = n
	}
	return n
}
