package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/access"
)

var errLine = errors.New("it isn't written as an entry")

// decode reads one line without its newline and checks its own hash.
func decode(line []byte) (Entry, error) {
	var e Entry
	body, err := e.unseal(line)
	if err != nil {
		return e, err
	}
	err = e.read(string(body))
	return e, err
}

// unseal checks what can be told of a line without reading it: its hash, its encoding and its
// version. It returns what the hash is of, but for the closing brace.
func (e *Entry) unseal(line []byte) (body []byte, err error) {
	n := len(line) - sealLen
	if n < 0 {
		return nil, errLine
	}
	body, seal := line[:n], line[n:]
	if !bytes.HasPrefix(seal, []byte(lineHash)) || !bytes.HasSuffix(seal, []byte(lineEnd)) {
		return nil, errLine
	}
	h := sha256.New()
	h.Write(body)
	h.Write([]byte{'}'})
	want := hex.EncodeToString(h.Sum(nil))
	e.Hash = string(seal[len(lineHash) : len(lineHash)+hashLen])
	if e.Hash != want {
		return nil, errors.New("it doesn't match its hash")
	}
	if !utf8.Valid(line) {
		return nil, errors.New("it isn't UTF-8")
	}
	if v := version(line); v != "1" {
		return nil, fmt.Errorf("%w (format %s)", ErrVersion, v)
	}
	return body, nil
}

// read takes in what a line says.
func (e *Entry) read(body string) error {
	kind, data, err := decodeHead(e, body)
	if err != nil {
		return err
	}
	if e.Data, err = decodeData(kind, data); err != nil {
		return fmt.Errorf("its data can't be read: %w", err)
	}
	return nil
}

// version is the version of the format that a line says it is written in; "1" if it says
// nothing. Whatever a later version changes, each line goes on to begin with its version and to
// end with its hash; so a line of a later version can be told from one that was tampered with.
func version(line []byte) string {
	rest, ok := bytes.CutPrefix(line, []byte(`{"v":`))
	n := bytes.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if !ok || n < 1 || rest[0] == '0' {
		return "1"
	}
	return string(rest[:n])
}

// decodeHead reads the envelope, which has one spelling only, and returns what it wraps.
func decodeHead(e *Entry, s string) (kind Kind, data string, err error) {
	s, ok := strings.CutPrefix(s, lineStart)
	if !ok {
		return "", "", errLine
	}
	seq, s, ok1 := strings.Cut(s, lineTime)
	at, s, ok2 := strings.Cut(s, lineRun)
	p := &parser{s: s}
	run := p.str()
	p.lit(lineKind)
	if !ok1 || !ok2 || p.err != nil {
		return "", "", errLine
	}
	k, s, ok1 := strings.Cut(p.rest(), linePrev)
	prev, data, ok2 := strings.Cut(s, lineData)
	if !ok1 || !ok2 || prev != "" && len(prev) != hashLen {
		return "", "", errLine
	}
	e.Run, e.Prev = run, prev
	if e.Seq, err = strconv.ParseUint(seq, 10, 63); err != nil || strconv.FormatUint(e.Seq, 10) != seq {
		return "", "", errLine
	}
	if e.Time, err = time.Parse(time.RFC3339Nano, at); err != nil || e.Time.Location() != time.UTC {
		return "", "", errors.New("its time can't be read")
	}
	return Kind(k), data, nil
}

func decodeData(kind Kind, data string) (Data, error) {
	switch kind {
	case KindOpened:
		return plain[Opened](data)
	case KindBegun:
		return decodeBegun(data)
	case KindEnded:
		if system, unit, all, ok := decodeShort(data); ok {
			return Ended{System: system, Unit: unit, All: Outcome(all)}, nil
		}
		return plain[Ended](data)
	case KindReadBack:
		if system, unit, all, ok := decodeShort(data); ok {
			return ReadBack{System: system, Unit: unit, All: Held(all)}, nil
		}
		return plain[ReadBack](data)
	case KindClosedSystem:
		return plain[ClosedSystem](data)
	case KindClosed:
		return plain[Closed](data)
	case KindRecovered:
		return plain[Recovered](data)
	case KindLinked:
		return plain[Linked](data)
	case KindApproved:
		return plain[Approved](data)
	case KindSettled:
		return plain[Settled](data)
	case KindNote:
		return plain[Note](data)
	case KindLate:
		return plain[Late](data)
	case KindDrift:
		return plain[Drift](data)
	case KindTold:
		return plain[Told](data)
	}
	return nil, fmt.Errorf("no kind of entry is called %q", kind)
}

func plain[D Data](data string) (Data, error) {
	var d D
	if err := json.Unmarshal([]byte(data), &d); err != nil {
		return nil, err
	}
	return d, nil
}

// decodeShort reads what most units end with: an Ended or a ReadBack without exceptions.
func decodeShort(data string) (system string, unit int, all string, ok bool) {
	p := &parser{s: data}
	p.lit(`{"system":`)
	system = p.str()
	p.lit(`,"unit":`)
	unit = p.num()
	p.lit(`,"all":`)
	all = p.str()
	p.lit("}")
	return system, unit, all, p.err == nil && p.rest() == ""
}

// decodeBegun reads what appendBegun wrote, in that order of keys, much faster than
// encoding/json would.
func decodeBegun(data string) (Data, error) {
	var d Begun
	p := &parser{s: data}
	p.lit(`{"system":`)
	d.System = strings.Clone(p.str()) // it is remembered; the line must not be
	p.lit(`,"unit":`)
	d.Unit = p.num()
	p.lit(`,"changes":[`)
	if !p.has("]") {
		d.Changes = make([]Change, 0, 1+strings.Count(data, `},{"class":`))
		for more := true; more && p.err == nil; more = p.has(",") {
			d.Changes = append(d.Changes, p.change(d.System))
		}
		p.lit("]")
	}
	p.lit("}")
	if p.err == nil && p.rest() != "" {
		p.fail()
	}
	return d, p.err
}

func (p *parser) change(system string) Change {
	var c Change
	c.System = system
	p.lit(`{"class":`)
	c.Class = Class(p.name())
	if p.has(`,"person":`) {
		c.Person = p.str()
	}
	p.lit(`,"action":`)
	c.Action = access.Action(p.name())
	c.Raises = p.has(`,"raises":true`)
	p.lit(`,"subject":`)
	c.Subject = p.id()
	if p.has(`,"target":`) {
		c.Target = p.id()
	}
	if p.has(`,"before":`) {
		c.Before = p.sameValue()
	}
	if p.has(`,"after":`) {
		c.After = p.sameValue()
	}
	p.lit("}")
	return c
}

// sameValue reads a value, or takes the one before where that is written in the same bytes: most
// changes of a unit give the same. Nobody changes values that were read.
func (p *parser) sameValue() *access.Value {
	if p.last != nil && p.has(p.text) {
		return p.last
	}
	from := p.at
	v := p.value()
	if p.err == nil {
		p.last, p.text = v, p.s[from:p.at]
	}
	return v
}

func (p *parser) value() *access.Value {
	v := &access.Value{}
	p.lit("{")
	if p.has("}") {
		return v
	}
	for more := true; more && p.err == nil; more = p.has(",") {
		switch key := p.name(); {
		case !p.lit(":"):
		case key == "permission":
			v.Permission = p.name()
		case key == "standing":
			v.Standing = p.standing()
		case key == "name":
			v.Name = p.str()
		case key == "disabled":
			v.Disabled = p.lit("true")
		case key == "attributes":
			v.Attributes = p.texts()
		default:
			p.fail()
		}
	}
	p.lit("}")
	return v
}

func (p *parser) standing() access.Standing {
	name := p.str()
	for _, s := range []access.Standing{access.Held, access.Pending, access.Implied} {
		if s.String() == name {
			return s
		}
	}
	p.fail()
	return access.Held
}

func (p *parser) texts() map[string]string {
	m := map[string]string{}
	p.lit("{")
	for more := true; more && p.err == nil; more = p.has(",") {
		k := p.str()
		p.lit(":")
		m[k] = p.str()
	}
	p.lit("}")
	return m
}

func (p *parser) id() access.ID {
	kind, name, ok := strings.Cut(p.str(), "/")
	if !ok {
		p.fail()
	}
	return access.ID{Kind: p.intern(kind), Name: name}
}

// parser reads JSON of a known shape. After the first error it reads nothing more.
type parser struct {
	s     string
	at    int
	err   error     // errLine, at most
	known [8]string // recent short names, each kept once
	next  int
	last  *access.Value // the value before, and how it is written
	text  string
}

func (p *parser) fail() {
	if p.err == nil {
		p.err = errLine
	}
}

func (p *parser) rest() string { return p.s[p.at:] }

func (p *parser) has(lit string) bool {
	if p.err != nil || !strings.HasPrefix(p.s[p.at:], lit) {
		return false
	}
	p.at += len(lit)
	return true
}

func (p *parser) lit(lit string) bool {
	ok := p.has(lit)
	if !ok {
		p.fail()
	}
	return ok
}

func (p *parser) num() int {
	end := p.at
	for end < len(p.s) && (p.s[end] == '-' || p.s[end] >= '0' && p.s[end] <= '9') {
		end++
	}
	n, err := strconv.Atoi(p.s[p.at:end])
	if err != nil {
		p.fail()
		return 0
	}
	p.at = end
	return n
}

// str reads a string. What it returns may share memory with the line.
func (p *parser) str() string {
	if !p.lit(`"`) {
		return ""
	}
	for i := p.at; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '"':
			s := p.s[p.at:i]
			p.at = i + 1
			return s
		case c == '\\':
			return p.escaped()
		case c < 0x20:
			p.fail()
			return ""
		}
	}
	p.fail()
	return ""
}

func (p *parser) escaped() string {
	for i := p.at; i < len(p.s); i++ {
		switch p.s[i] {
		case '\\':
			i++
		case '"':
			var s string
			if err := json.Unmarshal([]byte(p.s[p.at-1:i+1]), &s); err != nil {
				p.fail()
			}
			p.at = i + 1
			return s
		}
	}
	p.fail()
	return ""
}

// name reads a string out of a small vocabulary.
func (p *parser) name() string { return p.intern(p.str()) }

func (p *parser) intern(s string) string {
	for _, k := range p.known {
		if k == s {
			return k
		}
	}
	k := strings.Clone(s)
	p.known[p.next%len(p.known)] = k
	p.next++
	return k
}
