package plan

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// What a digest covers a million times is encoded here by hand, byte for byte as encoding/json
// does it: digests are compared with those of other versions and machines, so that the form may
// never change. Whatever a function isn't sure of it leaves to encoding/json (FuzzCanonical holds
// all of it to that).

// appendShift appends the JSON of a shift without its cause.
func appendShift(b []byte, s *access.Shift) []byte {
	b = appendString(append(b, `{"kind":`...), string(s.Kind))
	b = appendField(b, `,"person":`, s.Person)
	b = appendField(b, `,"system":`, s.System)
	b = appendIDField(b, `,"subject":`, s.Subject)
	b = appendIDField(b, `,"target":`, s.Target)
	b = appendField(b, `,"permission":`, s.Permission)
	b = appendSpans(b, `,"before":`, s.Before)
	b = appendSpans(b, `,"after":`, s.After)
	b = appendField(b, `,"from":`, s.From)
	b = appendField(b, `,"to":`, s.To)
	b = appendField(b, `,"reasons":`, s.Reasons)
	return append(b, '}')
}

// appendFingerprint appends the JSON of a fingerprint.
func appendFingerprint(b []byte, f *Fingerprint) []byte {
	b = appendString(append(b, `{"system":`...), f.System)
	b = appendString(append(b, `,"action":`...), string(f.Action))
	b = appendID(append(b, `,"subject":`...), f.Subject)
	b = appendIDField(b, `,"target":`, f.Target)
	b = appendValue(b, `,"before":`, &f.Before)
	b = appendValue(b, `,"after":`, &f.After)
	if f.Leaver {
		b = append(b, `,"leaver":true`...)
	}
	return append(b, '}')
}

// appendValue appends a field that holds a value; none for the zero value. A map that is there
// and empty isn't zero.
func appendValue(b []byte, key string, v *access.Value) []byte {
	if v.Permission == "" && v.Standing == 0 && v.Name == "" && !v.Disabled && v.Attributes == nil {
		return b
	}
	b = append(append(b, key...), '{')
	begin := len(b)
	b = appendField(b, `,"permission":`, v.Permission)
	if v.Standing != 0 {
		b = appendString(append(b, `,"standing":`...), v.Standing.String())
	}
	b = appendField(b, `,"name":`, v.Name)
	if v.Disabled {
		b = append(b, `,"disabled":true`...)
	}
	if len(v.Attributes) > 0 {
		b = append(b, `,"attributes":{`...)
		for i, k := range slices.Sorted(maps.Keys(v.Attributes)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, k), ':')
			b = appendString(b, v.Attributes[k])
		}
		b = append(b, '}')
	}
	return append(withoutComma(b, begin), '}')
}

func appendSpans(b []byte, key string, spans []access.Span) []byte {
	if len(spans) == 0 {
		return b
	}
	b = append(append(b, key...), '[')
	for i, s := range spans {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		begin := len(b)
		b = appendTime(b, `,"from":`, s.From)
		b = appendTime(b, `,"until":`, s.Until)
		b = append(withoutComma(b, begin), '}')
	}
	return append(b, ']')
}

// withoutComma takes away the comma that the first field of an object, if there is one, begins
// with.
func withoutComma(b []byte, begin int) []byte {
	if len(b) == begin {
		return b
	}
	return slices.Delete(b, begin, begin+1)
}

func appendTime(b []byte, key string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	text, err := t.AppendText(append(append(b, key...), '"'))
	if err != nil { // a year beyond 9999: json says so in its own words
		return appendJSON(append(b, key...), t)
	}
	return append(text, '"')
}

func appendIDField(b []byte, key string, id access.ID) []byte {
	if id.IsZero() {
		return b
	}
	return appendID(append(b, key...), id)
}

func appendID(b []byte, id access.ID) []byte {
	if id.IsZero() || !verbatim(id.Kind) || !verbatim(id.Name) {
		return appendString(b, id.String())
	}
	b = append(append(b, '"'), id.Kind...)
	b = append(append(b, '/'), id.Name...)
	return append(b, '"')
}

// appendField appends a field that holds a string; none for the empty one.
func appendField(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(append(b, key...), s)
}

func appendString(b []byte, s string) []byte {
	if !verbatim(s) {
		return appendJSON(b, s)
	}
	return append(append(append(b, '"'), s...), '"')
}

// verbatim reports whether a string stands in JSON as it is: it has printable ASCII alone, and none
// of what is escaped there or would act in HTML.
func verbatim(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

// appendJSON is what the others fall back to.
func appendJSON(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("plan digest: " + err.Error())
	}
	return append(b, text...)
}
