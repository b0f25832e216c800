package declare

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// The YAML library takes about 90 µs for a person's document, which is most of the time that it
// takes to load a large repository. Nearly all documents use little of YAML, and for that little
// a scanner of our own takes a twentieth of the time:
//
//   - mappings and lists in block form, one entry a line; mappings and lists in brackets that end
//     on the line that they begin on;
//   - texts on one line, without quotes, or in quotes without an escape in them; keys without quotes;
//   - comments, and lines with --- between documents.
//
// It says "not mine" to everything else, and to everything that it isn't sure of, wrong YAML
// included; the library reads those files then, from the beginning. So messages are always
// the library's, and what the scanner gives for the rest has to be what the library gives, to the
// last column: FuzzScan holds it to that.
//
// A text without quotes begins with none of YAML's indicators, and with "-", "?" or ":" neither.

// scanLimit is how deep the scanner goes and how long a key may be; beyond, the library has the
// say.
const (
	scanDepth = 30
	scanKey   = 500
)

// scanYAML reads the documents of a file that uses nothing but the above; ok tells whether it
// does. The bytes have passed refuseBytes.
func scanYAML(data []byte) (docs []node, ok bool) {
	s := scanner{ascii: true}
	entries := 0
	for i, c := range data {
		switch {
		case c == '\t' || c == '\r':
			return nil, false
		case c >= utf8.RuneSelf:
			s.ascii = false
		case c == ':': // a key and its value
			entries += 2
		case c == ',' || c == '[' || c == '{' || c == '-' && i+1 < len(data) && data[i+1] == ' ': // what follows
			entries++
		}
	}
	if !s.ascii && bytes.Contains(data, []byte("\ufeff")) {
		return nil, false
	}
	s.text, s.room = string(data), make([]node, entries)
	if !s.split() {
		return nil, false
	}
	for !s.done() {
		if s.here().separator {
			s.next()
			if s.done() || s.here().separator { // an empty document
				return nil, false
			}
		}
		if s.here().indent != 0 || len(docs) == maxDocuments {
			return nil, false
		}
		var doc node
		if !s.mapping(&doc, 0, 1) || !s.done() && !s.here().separator {
			return nil, false
		}
		docs = append(docs, doc)
	}
	return docs, len(docs) > 0
}

// scanner goes through the lines of a file.
type scanner struct {
	text  string
	ascii bool
	lines []scanLine
	at    int // the line
	// room is for every entry that there may be. From its beginning grows a stack, the entries of what
	// is being read, those of the outer ones first; those of what was read stand at its end.
	room  []node
	stack int // how many
}

// scanLine is a line with something on it beside a comment.
type scanLine struct {
	start     int // of the line, in bytes
	indent    int // in spaces
	end       int // behind its last character that isn't a space
	number    int32
	separator bool
}

// split finds the lines.
func (s *scanner) split() bool {
	s.lines = make([]scanLine, 0, 1+strings.Count(s.text, "\n"))
	number := int32(0)
	for start := 0; start < len(s.text); {
		number++
		end := strings.IndexByte(s.text[start:], '\n')
		next := start + end + 1
		if end < 0 {
			end, next = len(s.text)-start, len(s.text)
		}
		line := s.text[start : start+end]
		rest := strings.TrimLeft(line, " ")
		indent := len(line) - len(rest)
		rest = strings.TrimRight(rest, " ")
		l := scanLine{number: number, start: start, indent: indent, end: start + indent + len(rest)}
		start = next
		switch {
		case rest == "" || rest[0] == '#':
			continue
		case indent == 0 && strings.HasPrefix(rest, "---"):
			if l.separator = rest == "---"; !l.separator {
				return false
			}
		case indent == 0 && strings.HasPrefix(rest, "..."):
			return false
		}
		s.lines = append(s.lines, l)
	}
	return true
}

func (s *scanner) done() bool      { return s.at == len(s.lines) }
func (s *scanner) here() *scanLine { return &s.lines[s.at] }
func (s *scanner) next()           { s.at++ }

// place is the line and column of a byte of the line.
func (s *scanner) place(l *scanLine, at int) At {
	if s.ascii {
		return At{l.number, int32(at-l.start) + 1}
	}
	return At{l.number, int32(utf8.RuneCountInString(s.text[l.start:at])) + 1}
}

// push puts an entry on the stack.
func (s *scanner) push(n node) {
	s.room[s.stack] = n
	s.stack++
}

// take gives the entries that were put on the stack since then.
func (s *scanner) take(n *node, kind nodeKind, since int) {
	n.kind = kind
	end := len(s.room)
	begin := end - (s.stack - since)
	n.kids = s.room[begin:end:end]
	copy(n.kids, s.room[since:s.stack])
	s.room, s.stack = s.room[:begin], since
}

// inside reports whether there is a line of the document at this column.
func (s *scanner) inside(column int) bool {
	return !s.done() && !s.here().separator && s.here().indent == column
}

// item reports whether an entry of a list begins at the byte.
func (s *scanner) item(l *scanLine, at int) bool {
	return s.text[at] == '-' && at+1 < l.end && s.text[at+1] == ' '
}

// mapping reads a mapping in block form, whose keys stand at the column; the line is that of
// its first key.
func (s *scanner) mapping(n *node, column, depth int) bool {
	if depth > scanDepth {
		return false
	}
	n.at = s.place(s.here(), s.here().start+column)
	since := s.stack
	for first := true; first || s.inside(column); first = false {
		if !s.entry(column, depth) {
			return false
		}
	}
	s.take(n, mapNode, since)
	return true
}

// entry reads a key at the column and its value.
func (s *scanner) entry(column, depth int) bool {
	l := s.here()
	at := l.start + column
	colon := s.key(at, l.end)
	if colon < 0 {
		return false
	}
	s.push(node{at: s.place(l, at), text: s.text[at:colon], plain: true})
	var value node
	rest := colon + 1
	for rest < l.end && s.text[rest] == ' ' {
		rest++
	}
	if rest < l.end && s.text[rest] != '#' {
		if !s.value(&value, l, rest, depth+1) {
			return false
		}
	} else if rest < l.end && s.text[rest-1] != ' ' || !s.nested(&value, column, depth+1) {
		return false
	}
	s.push(value)
	return true
}

// key finds the colon behind a key.
func (s *scanner) key(at, end int) int {
	if !plainStart(s.text[at]) {
		return -1
	}
	for i := at; i < end && i < at+scanKey; i++ {
		switch c := s.text[i]; {
		case c == '#' && s.text[i-1] == ' ':
			return -1
		case c == ':' && (i+1 == end || s.text[i+1] == ' '):
			if s.text[i-1] == ' ' || specialKey(s.text[at:i]) {
				return -1
			}
			return i
		}
	}
	return -1
}

// nested reads the value that stands below its key.
func (s *scanner) nested(n *node, column, depth int) bool {
	s.next()
	if s.done() || s.here().separator {
		return false // nothing: the library knows where nothing stands
	}
	l := s.here()
	if s.item(l, l.start+l.indent) && l.indent >= column {
		return s.list(n, l.indent, depth)
	}
	return l.indent > column && s.mapping(n, l.indent, depth)
}

// list reads a list in block form, whose dashes stand at the column.
func (s *scanner) list(n *node, column, depth int) bool {
	if depth > scanDepth {
		return false
	}
	n.at = s.place(s.here(), s.here().start+column)
	since := s.stack
	for s.inside(column) && s.item(s.here(), s.here().start+column) {
		l := s.here()
		at := l.start + column + 2
		for s.text[at] == ' ' {
			at++
		}
		var item node
		if s.text[at] != '[' && s.text[at] != '{' && s.key(at, l.end) >= 0 {
			if !s.mapping(&item, at-l.start, depth+1) {
				return false
			}
		} else if !s.value(&item, l, at, depth+1) {
			return false
		}
		s.push(item)
	}
	s.take(n, listNode, since)
	return true
}

// value reads what stands on the rest of a line, and goes on to the next.
func (s *scanner) value(n *node, l *scanLine, at, depth int) bool {
	var end int
	switch c := s.text[at]; {
	case c == '[' || c == '{':
		*n, end = s.flow(l, at, depth)
	case c == '"' || c == '\'':
		end = s.quoted(n, l, at)
	default:
		end = s.plain(n, l, at)
	}
	if end < 0 {
		return false
	}
	// Nothing but a comment may follow.
	rest := strings.TrimLeft(s.text[end:l.end], " ")
	if rest != "" && (rest[0] != '#' || s.text[end] != ' ') {
		return false
	}
	s.next()
	return true
}

// plain reads a text without quotes, up to the end of the line or a comment.
func (s *scanner) plain(n *node, l *scanLine, at int) int {
	if !plainStart(s.text[at]) {
		return -1
	}
	end := l.end
	for i := at; i < end; i++ {
		switch c := s.text[i]; {
		case c == ':' && (i+1 == end || s.text[i+1] == ' '):
			return -1
		case c == '#' && s.text[i-1] == ' ':
			end = i
		}
	}
	text := strings.TrimRight(s.text[at:end], " ")
	*n = node{at: s.place(l, at), text: text, plain: true, null: isNull(text)}
	return at + len(text)
}

// quoted reads a text in quotes that has no escapes.
func (s *scanner) quoted(n *node, l *scanLine, at int) int {
	quote := s.text[at]
	length := strings.IndexByte(s.text[at+1:l.end], quote)
	if length < 0 {
		return -1
	}
	text := s.text[at+1 : at+1+length]
	end := at + length + 2
	if quote == '"' && strings.Contains(text, `\`) || quote == '\'' && end < l.end && s.text[end] == '\'' {
		return -1
	}
	*n = node{at: s.place(l, at), text: text}
	return end
}

// flow reads a mapping or a list in brackets, and gives the byte behind it.
func (s *scanner) flow(l *scanLine, at, depth int) (n node, end int) {
	if depth > scanDepth {
		return n, -1
	}
	kind, closing := listNode, byte(']')
	if s.text[at] == '{' {
		kind, closing = mapNode, '}'
	}
	n.at = s.place(l, at)
	since := s.stack
	at = s.skip(at+1, l.end)
	for first := true; at < l.end; first = false {
		if s.text[at] == closing && first {
			s.take(&n, kind, since)
			return n, at + 1
		}
		if kind == mapNode {
			if at = s.flowKey(l, at); at < 0 {
				return n, -1
			}
		}
		var value node
		if value, at = s.flowValue(l, at, depth); at < 0 {
			return n, -1
		}
		s.push(value)
		if at = s.skip(at, l.end); at == l.end {
			return n, -1
		}
		switch s.text[at] {
		case closing:
			s.take(&n, kind, since)
			return n, at + 1
		case ',':
			at = s.skip(at+1, l.end)
		default:
			return n, -1
		}
	}
	return n, -1
}

// skip goes over spaces.
func (s *scanner) skip(at, end int) int {
	for at < end && s.text[at] == ' ' {
		at++
	}
	return at
}

// flowKey reads a key in brackets, and gives the beginning of its value.
func (s *scanner) flowKey(l *scanLine, at int) int {
	var key node
	end := s.flowPlain(&key, l, at)
	if end < 0 || end-at > scanKey || end+1 >= l.end || s.text[end] != ':' || s.text[end+1] != ' ' || s.text[end-1] == ' ' || specialKey(key.text) {
		return -1
	}
	s.push(key)
	return s.skip(end+1, l.end)
}

func (s *scanner) flowValue(l *scanLine, at, depth int) (n node, end int) {
	if at == l.end {
		return n, -1
	}
	switch c := s.text[at]; {
	case c == '[' || c == '{':
		return s.flow(l, at, depth+1)
	case c == '"' || c == '\'':
		end = s.quoted(&n, l, at)
		return n, end
	}
	end = s.flowPlain(&n, l, at)
	if end >= 0 && end < l.end && s.text[end] == ':' {
		end = -1 // a mapping without its brackets
	}
	return n, end
}

// flowPlain reads a text without quotes in brackets, and gives the byte behind it: a comma, a
// bracket, or the colon of a key.
func (s *scanner) flowPlain(n *node, l *scanLine, at int) int {
	if !plainStart(s.text[at]) {
		return -1
	}
	end := at
scan:
	for ; end < l.end; end++ {
		switch c := s.text[end]; c {
		case ',', ']', '}':
			break scan
		case ':':
			if end+1 < l.end && s.text[end+1] == ' ' {
				break scan
			}
			return -1
		case '[', '{', '?':
			return -1
		case '#':
			if s.text[end-1] == ' ' {
				return -1
			}
		}
	}
	text := strings.TrimRight(s.text[at:end], " ")
	*n = node{at: s.place(l, at), text: text, plain: true, null: isNull(text)}
	return end
}

// plainStart reports whether a text without quotes may begin so.
func plainStart(c byte) bool {
	return strings.IndexByte("-?:,[]{}#&*!|>'\"%@`= ", c) < 0
}

// specialKey reports keys that mean more than their text.
func specialKey(key string) bool { return key == "" || key == "<<" || isNull(key) }

func isNull(s string) bool {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}
