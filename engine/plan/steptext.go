package plan

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// Steps are nearly all of a large plan file, so they are written by hand, byte for byte as
// encoding/json writes them (FuzzSteps holds them to that). What a function isn't sure of is left
// to encoding/json.

// stepDepth is how deep the fields of a step stand in the file.
const stepDepth = 3

// stepText writes steps as they stand in the list of a plan file.
type stepText struct {
	b     []byte
	depth int
	first bool // no field of the object was written yet
	odd   bool // there is something that encoding/json has to write, or to refuse
}

// appendStep appends a step. It isn't ok where encoding/json has to do it.
func appendStep(b []byte, s *Step) (_ []byte, ok bool) {
	w := stepText{b: b, depth: stepDepth - 1}
	w.open()
	w.text("system", s.System)
	w.text("action", string(s.Action))
	w.id("subject", s.Subject)
	if !s.Target.IsZero() {
		w.id("target", s.Target)
	}
	w.value("before", s.Before)
	w.value("after", s.After)
	w.text("class", string(s.Class))
	w.some("drift", string(s.Drift))
	w.flag("leaver", s.Leaver)
	w.some("person", s.Person)
	w.key("cause")
	w.open()
	w.text("kind", string(s.Cause.Kind))
	w.text("text", s.Cause.Text)
	w.some("file", s.Cause.File)
	w.number("line", s.Cause.Line)
	w.close()
	list(&w, "reasons", s.Reasons, (*stepText).reason)
	list(&w, "was", s.Was, (*stepText).reason)
	list(&w, "risks", s.Risks, func(w *stepText, r *access.Risk) {
		w.open()
		w.text("name", string(r.Name))
		w.text("text", r.Text)
		w.close()
	})
	w.strings("needs", s.Needs)
	if s.Held != nil {
		w.key("held")
		w.open()
		w.text("why", string(s.Held.Why))
		w.some("text", s.Held.Text)
		w.close()
	}
	w.close()
	return w.b, !w.odd
}

func (w *stepText) open() {
	w.b = append(w.b, '{')
	w.depth++
	w.first = true
}

func (w *stepText) close() {
	w.depth--
	if !w.first {
		w.line()
	}
	w.b = append(w.b, '}')
	w.first = false
}

const spaces = "            "

func (w *stepText) line() { w.b = append(append(w.b, '\n'), spaces[:w.depth]...) }

func (w *stepText) key(k string) {
	if !w.first {
		w.b = append(w.b, ',')
	}
	w.first = false
	w.line()
	w.b = append(w.b, '"')
	w.b = append(w.b, k...)
	w.b = append(w.b, `": `...)
}

// text writes a field; some leaves it out if it is empty.
func (w *stepText) text(k, v string) {
	w.key(k)
	w.quote(v)
}

func (w *stepText) some(k, v string) {
	if v != "" {
		w.text(k, v)
	}
}

func (w *stepText) id(k string, id access.ID) {
	if id.IsZero() || !plainText(id.Kind) || !plainText(id.Name) {
		w.text(k, id.String())
		return
	}
	w.key(k)
	w.b = append(append(w.b, '"'), id.Kind...)
	w.b = append(append(w.b, '/'), id.Name...)
	w.b = append(w.b, '"')
}

func (w *stepText) number(k string, n int) {
	if n != 0 {
		w.key(k)
		w.b = strconv.AppendInt(w.b, int64(n), 10)
	}
}

func (w *stepText) flag(k string, v bool) {
	if v {
		w.key(k)
		w.b = append(w.b, "true"...)
	}
}

// quote writes a string.
func (w *stepText) quote(s string) {
	if !plainText(s) {
		w.marshal(s)
		return
	}
	w.b = append(append(append(w.b, '"'), s...), '"')
}

// plainText reports whether a string stands in the file as it is. In a file nothing is escaped for
// the sake of HTML.
func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}

func (w *stepText) marshal(v any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		w.odd = true // encoding/json says it in its own words
		return
	}
	w.b = append(w.b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

func (w *stepText) value(k string, v *access.Value) {
	if v == nil {
		return
	}
	w.key(k)
	w.open()
	w.some("permission", v.Permission)
	if v.Standing != 0 {
		w.text("standing", v.Standing.String())
	}
	w.some("name", v.Name)
	w.flag("disabled", v.Disabled)
	if len(v.Attributes) > 0 {
		w.key("attributes")
		w.open()
		for _, name := range slices.Sorted(maps.Keys(v.Attributes)) {
			w.odd = w.odd || !plainText(name)
			w.text(name, v.Attributes[name])
		}
		w.close()
	}
	w.close()
}

func (w *stepText) reason(r *access.Reason) {
	w.open()
	w.time("from", r.From)
	w.time("until", r.Until)
	w.some("permission", r.Permission)
	w.some("grant", r.Grant)
	w.strings("roles", r.Roles)
	w.some("ticket", r.Ticket)
	w.some("note", r.Note)
	switch {
	case r.Chain == nil:
		w.key("chain")
		w.b = append(w.b, "null"...)
	case len(r.Chain) == 0:
		w.key("chain")
		w.b = append(w.b, "[]"...)
	}
	list(w, "chain", r.Chain, func(w *stepText, l *access.Link) {
		w.open()
		w.text("file", l.File)
		w.key("line")
		w.b = strconv.AppendInt(w.b, int64(l.Line), 10)
		w.text("text", l.Text)
		w.close()
	})
	w.close()
}

func (w *stepText) time(k string, t time.Time) {
	if t.IsZero() {
		return
	}
	w.key(k)
	text, err := t.AppendText(append(w.b, '"'))
	if err != nil {
		w.odd = true
		return
	}
	w.b = append(text, '"')
}

func (w *stepText) strings(k string, v []string) {
	list(w, k, v, func(w *stepText, s *string) { w.quote(*s) })
}

// list writes a field that is a list; none if it is empty.
func list[T any](w *stepText, k string, v []T, one func(*stepText, *T)) {
	if len(v) == 0 {
		return
	}
	w.key(k)
	w.b = append(w.b, '[')
	w.depth++
	for i := range v {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.line()
		one(w, &v[i])
	}
	w.depth--
	w.line()
	w.b = append(w.b, ']')
	w.first = false
}
