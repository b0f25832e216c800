package journal

import (
	"encoding/binary"
	"iter"
	"strings"
	"sync"

	"github.com/accordhq/accord/engine/access"
)

// changes are those of one unit, as memory keeps them: the list that was appended or, of a line
// that was read, the same in a tenth of the room (see packer). They don't change.
type changes struct {
	system string
	list   []Change // nil where packed holds them
	packed string
	n      int
	// What there is among them, so that nobody goes through them for nothing.
	creates   int
	disabling bool // a disable, or the creation of something disabled
	undoing   bool // what ends or moves a claim: an enable, a delete, a rename
	removes   bool
	drift     bool
	gives     bool

	unpack sync.Once
	whole  []Change // what unpack made of packed
}

// listed takes in changes that were appended.
func listed(system string, list []Change) *changes {
	out := &changes{system: system, list: list, n: len(list)}
	for i := range list {
		c := &list[i]
		out.note(c.Action, c.Class, c.Raises, c.Person != "" && c.After != nil, c.After != nil && c.After.Disabled)
	}
	return out
}

// note counts one change in. personal says that it names a person and what there is afterwards,
// disabled that this is disabled.
func (cs *changes) note(action access.Action, class Class, raises, personal, disabled bool) {
	switch action {
	case access.Create:
		cs.creates++
		cs.disabling = cs.disabling || disabled
	case access.Disable:
		cs.disabling = true
	case access.Enable, access.Delete, access.Rename:
		cs.undoing = true
	}
	if (Change{Change: access.Change{Action: action}, Raises: raises}).Removes() {
		cs.removes = true
	} else if personal && action.OnGrant() {
		cs.gives = true
	}
	cs.drift = cs.drift || class == ClassDrift
}

// claimed reports whether they hold anything that a claim may come of, or may end.
func (cs *changes) claimed() bool { return cs.creates > 0 || cs.disabling || cs.undoing }

// all returns them as they were begun. The list must not be changed.
func (cs *changes) all() []Change {
	if cs.n == 0 || cs.list != nil {
		return cs.list
	}
	cs.unpack.Do(func() {
		cs.whole = make([]Change, 0, cs.n)
		for c := range cs.each() {
			cs.whole = append(cs.whole, *c)
		}
	})
	return cs.whole
}

// each goes through them in order. What is yielded is good until the next; its strings and values
// are for keeps.
func (cs *changes) each() iter.Seq[*Change] {
	if cs.list == nil {
		return func(yield func(*Change) bool) {
			u := unpacker{s: cs.packed}
			u.c.System = cs.system
			for u.next() && yield(&u.c) {
			}
		}
	}
	return func(yield func(*Change) bool) {
		for i := range cs.list {
			if !yield(&cs.list[i]) {
				return
			}
		}
	}
}

// A packed change is a byte of flags and its fields. Words that come up again and again (classes,
// actions, kinds), targets and values are one byte where they stand in their slot already, which
// is the one that their text leads to; else the byte says so, and they follow and take that slot.
const (
	packedRaises = 1 << iota
	packedTarget
	packedBefore
	packedAfter
	packedSame // the subject is that of the change before
	packedPerson
)

// The ways in which a person is written.
const (
	noPerson     = iota * packedPerson
	personBefore // as in the change before
	personPrefix // the subject's name begins with it, or is it
	personText
	personMask = 3 * packedPerson
)

const (
	slots    = 64
	slotMiss = 0x80
)

// slotOf spreads texts over the slots.
func slotOf(text []byte) byte {
	x := uint64(len(text))
	if n := len(text); n >= 8 {
		x ^= binary.LittleEndian.Uint64(text[n-8:]) ^ binary.LittleEndian.Uint64(text)<<1
	} else {
		for _, c := range text {
			x = x<<8 ^ uint64(c)
		}
	}
	return byte(x * 0x9e3779b97f4a7c15 >> 58)
}

// unpacker reads what a packer wrote. Its strings share the memory of what is packed.
type unpacker struct {
	s              string
	c              Change
	words, targets [slots]string
	values         [slots]*access.Value
}

// next reads the next change into c.
func (u *unpacker) next() bool {
	if u.s == "" {
		return false
	}
	flags := u.byte()
	c := &u.c
	c.Raises = flags&packedRaises != 0
	c.Class = Class(u.slotted(&u.words))
	c.Action = access.Action(u.slotted(&u.words))
	if flags&packedSame == 0 {
		c.Subject.Kind = u.slotted(&u.words)
		c.Subject.Name = u.text()
	}
	switch flags & personMask {
	case noPerson:
		c.Person = ""
	case personPrefix:
		c.Person = c.Subject.Name[:u.uvarint()]
	case personText:
		c.Person = u.text()
	}
	c.Target, c.Before, c.After = access.ID{}, nil, nil
	if flags&packedTarget != 0 {
		c.Target.Kind, c.Target.Name, _ = strings.Cut(u.slotted(&u.targets), "/")
	}
	if flags&packedBefore != 0 {
		c.Before = u.value()
	}
	if flags&packedAfter != 0 {
		c.After = u.value()
	}
	return true
}

func (u *unpacker) byte() byte {
	b := u.s[0]
	u.s = u.s[1:]
	return b
}

func (u *unpacker) uvarint() (n int) {
	for shift := 0; ; shift += 7 {
		b := u.byte()
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
}

func (u *unpacker) text() string {
	n := u.uvarint()
	s := u.s[:n]
	u.s = u.s[n:]
	return s
}

func (u *unpacker) slotted(in *[slots]string) string {
	slot := u.byte()
	if slot&slotMiss != 0 {
		slot &^= slotMiss
		in[slot] = u.text()
	}
	return in[slot]
}

func (u *unpacker) value() *access.Value {
	slot := u.byte()
	if slot&slotMiss != 0 {
		slot &^= slotMiss
		u.values[slot] = (&parser{s: u.text()}).value()
	}
	return u.values[slot]
}
