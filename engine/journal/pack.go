package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"slices"
	"strconv"

	"github.com/accordhq/accord/engine/access"
)

// packer reads lines for memory, which keeps what was begun for as long as it lives. It accepts
// what decode accepts and fails as that does, but packs the changes of a Begun instead of
// making a list of them. One packer reads one line after the other.
type packer struct {
	b   []byte
	at  int
	bad bool // what follows isn't read: decode must say what is wrong with it
	// reload, of a line that is longer than b, goes on to what follows at; nil: b is all.
	reload func()

	system string // which units that follow one another mostly share
	// What is remembered of the text before shares memory with out, which stays when b is gone.
	out            []byte
	words, targets recent
	values         recent
	disabled       [slots]bool // which of the values say so
	lastValues     [2]byte     // the slots of the values that were read last
	subject        [2][]byte
	person         []byte
}

// recent are the texts in their slots.
type recent [slots][]byte

// packed is a Begun whose changes are packed. It is in no entry that is handed out.
type packed struct {
	unit    int
	changes *changes
}

func (packed) kind() Kind { return KindBegun }

// decode reads one line without its newline and checks its own hash.
func (p *packer) decode(line []byte) (Entry, error) {
	var e Entry
	body, err := e.unseal(line)
	if err != nil {
		return e, err
	}
	n := bytes.Index(body, []byte(lineData)) + len(lineData)
	if n >= len(lineData) && bytes.Contains(body[:n], []byte(lineKind+string(KindBegun)+linePrev)) {
		kind, rest, err := decodeHead(&e, string(body[:n]))
		if err == nil && kind == KindBegun && rest == "" && p.begun(&e, body[n:]) {
			return e, nil
		}
	}
	err = e.read(string(body))
	return e, err
}

// begun reads what decodeBegun reads. It reports whether it could.
func (p *packer) begun(e *Entry, data []byte) bool {
	p.begin(data, 0, len(data))
	d := p.data()
	if p.bad || p.at != len(p.b) {
		return false
	}
	e.Data = d
	return true
}

// begin makes ready for the data of a Begun of about a size.
func (p *packer) begin(b []byte, at, size int) {
	*p = packer{b: b, at: at, system: p.system, out: slices.Grow(p.out[:0], size/5)} // which is what it mostly takes
}

func (p *packer) data() packed {
	p.lit(`{"system":`)
	if system := p.str(); string(system) != p.system {
		p.system = string(system)
	}
	cs := &changes{system: p.system}
	p.lit(`,"unit":`)
	unit := p.num()
	p.lit(`,"changes":[`)
	if !p.has("]") {
		for more := true; more && !p.bad; more = p.has(",") {
			if p.reload != nil && len(p.b)-p.at < longChange {
				p.reload()
			}
			p.change(cs)
		}
		p.lit("]")
	}
	p.lit("}")
	cs.packed = string(p.out)
	return packed{unit, cs}
}

func (p *packer) change(cs *changes) {
	flagsAt := len(p.out)
	p.out = append(p.out, 0)
	flags := byte(0)
	p.lit(`{"class":`)
	class := p.str()
	p.slotted(&p.words, class)
	var person []byte
	if p.has(`,"person":`) {
		person = p.str()
	}
	p.lit(`,"action":`)
	action := p.str()
	p.slotted(&p.words, action)
	raises := p.has(`,"raises":true`)
	if raises {
		flags |= packedRaises
	}
	p.lit(`,"subject":`)
	flags |= p.holder(person)
	if p.has(`,"target":`) {
		flags |= packedTarget
		target := p.str()
		p.bad = p.bad || bytes.IndexByte(target, '/') < 0
		p.slotted(&p.targets, target)
	}
	disabled := false
	if p.has(`,"before":`) {
		flags |= packedBefore
		p.value()
	}
	if p.has(`,"after":`) {
		flags |= packedAfter
		disabled = p.value()
	}
	p.lit("}")
	if p.bad {
		return
	}
	p.out[flagsAt] = flags
	cs.n++
	of := ClassChange
	if string(class) == string(ClassDrift) {
		of = ClassDrift
	}
	cs.note(known(action), of, raises, len(person) > 0 && flags&packedAfter != 0, disabled)
}

// known gives the name of an action that the record acts upon, without a copy, and "" for any
// other.
func known(action []byte) access.Action {
	for _, k := range [...]access.Action{access.Give, access.Create, access.Revoke, access.ChangeLevel, access.Disable, access.Enable, access.Delete, access.Rename} {
		if string(k) == string(action) {
			return k
		}
	}
	return ""
}

// holder reads a subject and packs it and the person.
func (p *packer) holder(person []byte) (flags byte) {
	kind, name, ok := bytes.Cut(p.str(), []byte("/"))
	if !ok {
		p.bad = true
		return 0
	}
	if len(p.subject[0]) > 0 && bytes.Equal(p.subject[1], name) && bytes.Equal(p.subject[0], kind) {
		flags |= packedSame
	} else {
		slot := p.slotted(&p.words, kind)
		p.subject = [2][]byte{p.words[slot], p.text(name)}
	}
	switch {
	case len(person) == 0:
		flags |= noPerson
		p.person = nil
	case bytes.HasPrefix(name, person):
		flags |= personPrefix
		p.out = binary.AppendUvarint(p.out, uint64(len(person)))
		p.person = p.subject[1][:len(person)]
	case bytes.Equal(p.person, person):
		flags |= personBefore
	default:
		flags |= personText
		p.person = p.text(person)
	}
	return flags
}

// text packs a text and returns it where it stands now.
func (p *packer) text(s []byte) []byte {
	p.out = binary.AppendUvarint(p.out, uint64(len(s)))
	p.out = append(p.out, s...)
	return p.out[len(p.out)-len(s):]
}

func (p *packer) slotted(in *recent, s []byte) byte {
	slot := slotOf(s)
	if bytes.Equal(in[slot], s) {
		p.out = append(p.out, slot)
		return slot
	}
	p.out = append(p.out, slot|slotMiss)
	in[slot] = p.text(s)
	return slot
}

// value reads a value and packs it as it is written, so that it is read anew when it is asked for.
func (p *packer) value() (disabled bool) {
	for _, slot := range p.lastValues {
		if text := p.values[slot]; len(text) > 0 && bytes.HasPrefix(p.b[p.at:], text) {
			p.out = append(p.out, slot)
			p.at += len(text)
			return p.disabled[slot]
		}
	}
	from := p.at
	p.lit("{")
	if !p.has("}") {
		for more := true; more && !p.bad; more = p.has(",") {
			disabled = p.field() || disabled
		}
		p.lit("}")
	}
	if p.bad {
		return false
	}
	slot := p.slotted(&p.values, p.b[from:p.at])
	p.disabled[slot] = disabled
	p.lastValues = [2]byte{slot, p.lastValues[0]}
	return disabled
}

func (p *packer) field() (disabled bool) {
	key := p.str()
	p.lit(":")
	switch string(key) {
	case "permission", "name":
		p.str()
	case "standing":
		switch string(p.str()) {
		case access.Held.String(), access.Pending.String(), access.Implied.String():
		default:
			p.bad = true
		}
	case "disabled":
		p.lit("true")
		return true
	case "attributes":
		p.lit("{")
		for more := true; more && !p.bad; more = p.has(",") {
			p.str()
			p.lit(":")
			p.str()
		}
		p.lit("}")
	default:
		p.bad = true
	}
	return false
}

func (p *packer) has(lit string) bool {
	end := p.at + len(lit)
	if p.bad || end > len(p.b) || string(p.b[p.at:end]) != lit {
		return false
	}
	p.at = end
	return true
}

func (p *packer) lit(lit string) {
	if !p.has(lit) {
		p.bad = true
	}
}

func (p *packer) num() int {
	end := p.at
	for end < len(p.b) && (p.b[end] == '-' || p.b[end] >= '0' && p.b[end] <= '9') {
		end++
	}
	n, err := strconv.Atoi(string(p.b[p.at:end]))
	p.bad = p.bad || err != nil
	p.at = end
	return n
}

// str reads a string. What it returns mostly shares memory with the line.
func (p *packer) str() []byte {
	p.lit(`"`)
	if p.bad {
		return nil
	}
	end := p.at + plainLen(p.b[p.at:])
	switch {
	case end == len(p.b) || p.b[end] < 0x20:
		p.bad = true
		return nil
	case p.b[end] == '\\':
		return p.escaped(end)
	}
	s := p.b[p.at:end]
	p.at = end + 1
	return s
}

// escaped reads a string of which the first escape stands at from.
func (p *packer) escaped(from int) []byte {
	for i := from; i < len(p.b); i++ {
		switch p.b[i] {
		case '\\':
			i++
		case '"':
			var s string
			if json.Unmarshal(p.b[p.at-1:i+1], &s) != nil {
				p.bad = true
			}
			p.at = i + 1
			return []byte(s)
		}
	}
	p.bad = true
	return nil
}

// plainLen is how much of a string stands before its first quote, backslash or control character.
func plainLen(b []byte) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		// In each sum the lowest byte with its high bit set is the first that is meant; those
		// above it may be wrong.
		x := binary.LittleEndian.Uint64(b[i:])
		quote, back := x^ones*'"', x^ones*'\\'
		if hit := ((quote-ones)&^quote | (back-ones)&^back | (x-ones*0x20)&^x) & high; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if b[i] == '"' || b[i] == '\\' || b[i] < 0x20 {
			break
		}
	}
	return i
}
