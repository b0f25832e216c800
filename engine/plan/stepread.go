package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/maphash"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/access"
)

// errForm says that steps don't stand in the form that Write gives them. It doesn't mean that they
// are wrong: encoding/json decides then.
var errForm = errors.New("not in the form of a plan file that was written")

// stepParser reads steps in the form, and with the fields in the order, of stepText. It takes
// nothing else, so that what it takes means the same to encoding/json (FuzzSteps holds it to that).
type stepParser struct {
	b     []byte // what is left
	depth int
	err   error
	first bool // no field of the object was read yet
	// What comes again and again is made once: each of these remembers what was there last, by the
	// hash of its text.
	seed    maphash.Seed
	texts   [1 << 12]string
	times   map[string]time.Time
	values  []access.Value // made, and not yet used
	because [1 << 12]because
}

// because are reasons and the text that they were read from; that is only kept from the second time
// on.
type because struct {
	hash    uint64
	text    string
	reasons []access.Reason
}

func newStepParser() *stepParser {
	return &stepParser{seed: maphash.MakeSeed(), times: map[string]time.Time{}}
}

// maxKnown bounds the instants that a parser remembers.
const maxKnown = 1 << 12

// parse reads a piece of the list: steps from their first line to the end of the last, with what
// separates them. It appends them.
func (p *stepParser) parse(b []byte, steps []Step) ([]Step, error) {
	p.b, p.err, p.depth = b, nil, stepDepth-1
	for p.err == nil {
		p.expect("\n  ")
		steps = append(steps, Step{})
		p.step(&steps[len(steps)-1])
		if len(p.b) == 0 {
			break
		}
		p.expect(",")
	}
	return steps, p.err
}

func (p *stepParser) step(s *Step) {
	p.open()
	s.System = p.known("system")
	s.Action = access.Action(p.known("action"))
	p.id("subject", &s.Subject)
	if p.has("target") {
		p.readID(&s.Target)
	}
	s.Before = p.value("before")
	s.After = p.value("after")
	s.Class = Class(p.known("class"))
	s.Drift = DriftKind(p.maybe("drift"))
	s.Leaver = p.flag("leaver")
	s.Person = p.maybe("person")
	p.must("cause")
	p.open()
	s.Cause.Kind = access.CauseKind(p.known("kind"))
	s.Cause.Text = p.known("text")
	s.Cause.File = p.maybe("file")
	if p.has("line") {
		s.Cause.Line = p.number()
	}
	p.close()
	s.Reasons = p.reasons("reasons")
	s.Was = p.reasons("was")
	if p.has("risks") {
		s.Risks = elements(p, func(r *access.Risk) {
			p.open()
			r.Name, r.Text = access.RiskName(p.known("name")), p.known("text")
			p.close()
		})
	}
	s.Needs = p.strings("needs")
	if p.has("held") {
		s.Held = &Hold{}
		p.open()
		s.Held.Why, s.Held.Text = HoldReason(p.known("why")), p.maybe("text")
		p.close()
	}
	p.close()
	if p.err == nil {
		s.key = s.Change.Key()
	}
}

// expect takes what has to come next.
func (p *stepParser) expect(s string) {
	if p.err != nil {
		return
	}
	if len(p.b) < len(s) || string(p.b[:len(s)]) != s {
		p.err = errForm
		return
	}
	p.b = p.b[len(s):]
}

func (p *stepParser) open() {
	p.expect("{")
	p.depth++
	p.first = true
}

func (p *stepParser) close() {
	p.depth--
	if !p.first {
		p.line()
	}
	p.expect("}")
	p.first = false
}

func (p *stepParser) line() {
	p.expect("\n")
	p.expect(spaces[:p.depth])
}

// has takes the name of a field if that is the next one.
func (p *stepParser) has(k string) bool {
	if p.err != nil {
		return false
	}
	b := p.b
	if !p.first {
		if len(b) == 0 || b[0] != ',' {
			return false
		}
		b = b[1:]
	}
	n := 1 + p.depth
	if len(b) < n+len(k)+len(`"": `) || b[0] != '\n' || string(b[1:n]) != spaces[:p.depth] || b[n] != '"' ||
		string(b[n+1:n+1+len(k)]) != k || string(b[n+1+len(k):n+len(k)+len(`"": `)]) != `": ` {
		return false
	}
	p.b, p.first = b[n+len(k)+len(`"": `):], false
	return true
}

func (p *stepParser) must(k string) {
	if !p.has(k) && p.err == nil {
		p.err = errForm
	}
}

// known reads a field that has to be there, and that has few values.
func (p *stepParser) known(k string) string {
	p.must(k)
	return p.text()
}

// maybe reads a field that may be left out.
func (p *stepParser) maybe(k string) string {
	if !p.has(k) {
		return ""
	}
	return p.text()
}

// raw takes a string, quotes and all.
func (p *stepParser) raw() (b []byte, plain bool) {
	if p.err != nil || len(p.b) == 0 || p.b[0] != '"' {
		p.err = errForm
		return nil, false
	}
	plain = true
	for i := 1; i < len(p.b); i++ {
		switch c := p.b[i]; {
		case c == '"':
			b, p.b = p.b[:i+1], p.b[i+1:]
			return b, plain
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			p.err = errForm
			return nil, false
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	p.err = errForm
	return nil, false
}

func (p *stepParser) text() string {
	raw, plain := p.raw()
	if p.err != nil {
		return ""
	}
	if plain {
		return p.once(raw[1 : len(raw)-1])
	}
	s := ""
	if err := json.Unmarshal(raw, &s); err != nil {
		p.err = errForm
	}
	return s
}

// once gives the same string for the same text, if it came lately.
func (p *stepParser) once(text []byte) string {
	known := &p.texts[maphash.Bytes(p.seed, text)%uint64(len(p.texts))]
	if *known != string(text) {
		*known = string(text)
	}
	return *known
}

func (p *stepParser) id(k string, id *access.ID) {
	p.must(k)
	p.readID(id)
}

func (p *stepParser) readID(id *access.ID) {
	raw, plain := p.raw()
	if p.err != nil {
		return
	}
	if !plain {
		if err := json.Unmarshal(raw, id); err != nil {
			p.err = errForm
		}
		return
	}
	text := raw[1 : len(raw)-1]
	i := bytes.IndexByte(text, '/')
	if i <= 0 || i == len(text)-1 { // it isn't written as kind/name
		p.err = errForm
		return
	}
	*id = access.ID{Kind: p.once(text[:i]), Name: p.once(text[i+1:])}
}

func (p *stepParser) flag(k string) bool {
	if !p.has(k) {
		return false
	}
	p.expect("true")
	return true
}

// number reads a whole number.
func (p *stepParser) number() int {
	i := 0
	for i < len(p.b) && (p.b[i] == '-' || '0' <= p.b[i] && p.b[i] <= '9') {
		i++
	}
	n, err := strconv.Atoi(string(p.b[:i]))
	if p.err != nil || err != nil || strconv.Itoa(n) != string(p.b[:i]) {
		p.err = errForm
		return 0
	}
	p.b = p.b[i:]
	return n
}

func (p *stepParser) value(k string) *access.Value {
	if !p.has(k) {
		return nil
	}
	if len(p.values) == 0 {
		p.values = make([]access.Value, perChunk)
	}
	v := &p.values[0]
	p.values = p.values[1:]
	p.open()
	v.Permission = p.maybe("permission")
	if p.has("standing") {
		raw, _ := p.raw()
		if p.err == nil && json.Unmarshal(raw, &v.Standing) != nil {
			p.err = errForm
		}
	}
	v.Name = p.maybe("name")
	v.Disabled = p.flag("disabled")
	if p.has("attributes") {
		v.Attributes = p.attributes()
	}
	p.close()
	return v
}

func (p *stepParser) attributes() map[string]string {
	out := map[string]string{}
	p.open()
	for p.err == nil {
		if !p.first {
			if len(p.b) == 0 || p.b[0] != ',' {
				break
			}
			p.expect(",")
		}
		p.line()
		p.first = false
		name := p.text()
		p.expect(": ")
		out[name] = p.text()
	}
	p.close()
	return out
}

// reasons reads a list of reasons. Those of one grant are the same for everybody who has it by the
// same way.
func (p *stepParser) reasons(k string) []access.Reason {
	if !p.has(k) {
		return nil
	}
	begin := p.b
	end := max(0, endOfList(begin, "\n   ]"))
	text := begin[:end]
	hash := maphash.Bytes(p.seed, text)
	known := &p.because[hash%uint64(len(p.because))]
	if known.text == string(text) && len(known.reasons) > 0 {
		p.b, p.first = begin[end:], false
		return known.reasons
	}
	out := p.someReasons()
	switch {
	case p.err != nil || len(begin)-len(p.b) != end:
	case known.hash == hash:
		known.text, known.reasons = string(text), slices.Clip(out)
	default:
		*known = because{hash: hash}
	}
	return out
}

func (p *stepParser) someReasons() []access.Reason {
	return elements(p, func(r *access.Reason) {
		p.open()
		r.From = p.time("from")
		r.Until = p.time("until")
		r.Permission = p.maybe("permission")
		r.Grant = p.maybe("grant")
		r.Roles = p.strings("roles")
		r.Ticket = p.maybe("ticket")
		r.Note = p.maybe("note")
		p.must("chain")
		switch {
		case bytes.HasPrefix(p.b, []byte("null")):
			p.expect("null")
		case bytes.HasPrefix(p.b, []byte("[]")):
			p.expect("[]")
			r.Chain = []access.Link{}
		default:
			r.Chain = elements(p, func(l *access.Link) {
				p.open()
				l.File = p.known("file")
				p.must("line")
				l.Line = p.number()
				l.Text = p.known("text")
				p.close()
			})
		}
		p.close()
	})
}

func (p *stepParser) strings(k string) []string {
	if !p.has(k) {
		return nil
	}
	return elements(p, func(s *string) { *s = p.text() })
}

func (p *stepParser) time(k string) time.Time {
	if !p.has(k) {
		return time.Time{}
	}
	raw, _ := p.raw()
	if p.err != nil {
		return time.Time{}
	}
	if t, ok := p.times[string(raw)]; ok {
		return t
	}
	var t time.Time
	if json.Unmarshal(raw, &t) != nil {
		p.err = errForm
	}
	if len(p.times) < maxKnown {
		p.times[string(raw)] = t
	}
	return t
}

// elements reads a list that isn't empty.
func elements[T any](p *stepParser, one func(*T)) []T {
	var out []T
	p.expect("[")
	p.depth++
	for p.err == nil {
		p.line()
		out = append(out, *new(T))
		one(&out[len(out)-1])
		if len(p.b) == 0 || p.b[0] != ',' {
			break
		}
		p.expect(",")
	}
	p.depth--
	p.line()
	p.expect("]")
	p.first = false
	return out
}
