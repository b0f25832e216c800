package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/access"
)

// The parts of a line that are always the same. The reader accepts these bytes and no other
// spelling, so that there is one way only to write an entry's envelope.
const (
	lineStart = `{"v":1,"seq":`
	lineTime  = `,"time":"`
	lineRun   = `","run":`
	lineKind  = `,"kind":"`
	linePrev  = `","prev":"`
	lineData  = `","data":`
	lineHash  = `,"hash":"`
	lineEnd   = `"}`

	hashLen = 2 * sha256.Size
	// sealLen is the length of what follows the hashed part, without its closing brace.
	sealLen = len(lineHash) + hashLen + len(lineEnd)
)

// encode writes an entry as one line, with its newline, and returns its hash.
func encode(e Entry) (line []byte, hash string, err error) {
	if y := e.Time.Year(); y < 0 || y > 9999 {
		return nil, "", fmt.Errorf("the clock says it is the year %d", y)
	}
	b := make([]byte, 0, 512+sizeOf(e.Data))
	b = append(b, lineStart...)
	b = strconv.AppendUint(b, e.Seq, 10)
	b = append(b, lineTime...)
	b = e.Time.AppendFormat(b, time.RFC3339Nano)
	b = append(b, lineRun...)
	b = appendString(b, e.Run)
	b = append(b, lineKind...)
	b = append(b, e.Kind()...)
	b = append(b, linePrev...)
	b = append(b, e.Prev...)
	b = append(b, lineData...)
	if begun, ok := e.Data.(Begun); ok {
		b, err = appendBegun(b, begun)
	} else {
		b, err = appendJSON(b, e.Data)
	}
	if err != nil {
		return nil, "", err
	}
	b = append(b, '}')
	sum := sha256.Sum256(b)
	b = append(b[:len(b)-1], lineHash...)
	b = hex.AppendEncode(b, sum[:])
	hash = string(b[len(b)-hashLen:])
	b = append(b, lineEnd...)
	return append(b, '\n'), hash, nil
}

func sizeOf(d Data) int {
	if b, ok := d.(Begun); ok {
		return 256 * len(b.Changes)
	}
	return 512
}

// appendJSON is for the small entries; the large one has an encoder of its own.
func appendJSON(b []byte, v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // a journal is read by people and by grep
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	if bytes.IndexByte(buf.Bytes(), 0x7f) >= 0 || bytes.IndexByte(buf.Bytes(), 0xc2) >= 0 {
		return appendControls(b, buf.String()), nil
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...), nil
}

// appendControls escapes the control characters that encoding/json lets through. They can stand
// in strings only.
func appendControls(b []byte, s string) []byte {
	for _, r := range strings.TrimSuffix(s, "\n") {
		if r >= 0x7f && r < 0xa0 {
			b = fmt.Appendf(b, `\u%04x`, r)
		} else {
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// appendBegun writes what encoding/json would, ten times as fast: a unit may hold 50,000
// changes.
func appendBegun(b []byte, d Begun) ([]byte, error) {
	b = append(b, `{"system":`...)
	b = appendString(b, d.System)
	b = append(b, `,"unit":`...)
	b = strconv.AppendInt(b, int64(d.Unit), 10)
	b = append(b, `,"changes":[`...)
	for i, c := range d.Changes {
		if c.System != d.System {
			return nil, fmt.Errorf("%s isn't a change of %s", c.Change, d.System)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendChange(b, c)
	}
	return append(b, "]}"...), nil
}

func appendChange(b []byte, c Change) []byte {
	b = append(b, `{"class":`...)
	b = appendString(b, string(c.Class))
	if c.Person != "" {
		b = append(b, `,"person":`...)
		b = appendString(b, c.Person)
	}
	b = append(b, `,"action":`...)
	b = appendString(b, string(c.Action))
	if c.Raises {
		b = append(b, `,"raises":true`...)
	}
	b = append(b, `,"subject":`...)
	b = appendID(b, c.Subject)
	if !c.Target.IsZero() {
		b = append(b, `,"target":`...)
		b = appendID(b, c.Target)
	}
	if c.Before != nil {
		b = append(b, `,"before":`...)
		b = appendValue(b, c.Before)
	}
	if c.After != nil {
		b = append(b, `,"after":`...)
		b = appendValue(b, c.After)
	}
	return append(b, '}')
}

func appendValue(b []byte, v *access.Value) []byte {
	start := len(b) + 1
	b = append(b, '{')
	key := func(name string) {
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, `":`...)
	}
	if v.Permission != "" {
		key("permission")
		b = appendString(b, v.Permission)
	}
	if v.Standing != access.Held {
		key("standing")
		b = appendString(b, v.Standing.String())
	}
	if v.Name != "" {
		key("name")
		b = appendString(b, v.Name)
	}
	if v.Disabled {
		key("disabled")
		b = append(b, "true"...)
	}
	if len(v.Attributes) > 0 {
		key("attributes")
		b = append(b, '{')
		for i, k := range slices.Sorted(maps.Keys(v.Attributes)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, k)
			b = append(b, ':')
			b = appendString(b, v.Attributes[k])
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

func appendID(b []byte, id access.ID) []byte {
	b = append(b, '"')
	b = appendText(b, id.Kind)
	b = append(b, '/')
	b = appendText(b, id.Name)
	return append(b, '"')
}

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	b = appendText(b, s)
	return append(b, '"')
}

const hexDigits = "0123456789abcdef"

// appendText escapes what JSON wants escaped, and besides all control characters and line
// separators, so that a line stays one line in every tool and can't drive a terminal.
func appendText(b []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			if r >= 0xa0 && r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || size > 1) {
				i += size
				continue
			}
		}
		b = append(b, s[from:i]...)
		switch r {
		case '"', '\\':
			b = append(b, '\\', byte(r))
		default:
			b = append(b, `\u`...)
			for shift := 12; shift >= 0; shift -= 4 {
				b = append(b, hexDigits[r>>shift&15])
			}
		}
		i += size
		from = i
	}
	return append(b, s[from:]...)
}
