package amend

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/accordhq/accord/engine/declare"
)

// Set gives a key of a document a text, as in Set(data, doc, "left", "status"), and returns the
// file with it. A key that isn't there is put where the language names it, its parents too. What
// has that text already comes back as it is.
func Set(data []byte, doc Doc, to string, path ...string) ([]byte, error) {
	e, err := begin(data, doc, path)
	if err != nil {
		return nil, err
	}
	if e.at == nil {
		return e.insert(declare.Scalar(to), e.describe("setting"))
	}
	switch {
	case e.at.kind != scalar || e.at.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return nil, fmt.Errorf("%s: %w", e.describe("setting"), e.unclear(e.at.start))
	case e.at.text == to && !e.at.null:
		return data, nil
	}
	text := styled(to, e.at.style)
	if e.at.start == e.at.end {
		text = " " + text
	}
	return e.splice(e.at.start, e.at.end, text, e.describe("setting"), func(docs []*value) {
		v := docs[e.index].find(e.route)
		*v = value{kind: scalar, text: to}
	})
}

// Add puts an entry at the end of a list of a document, as in
// Add(data, doc, "{folder/books: read}", "access", "office"). The entry is YAML on one line, its
// texts written by declare.Scalar. A list that isn't there is made.
func Add(data []byte, doc Doc, entry string, path ...string) ([]byte, error) {
	e, err := begin(data, doc, path)
	if err != nil {
		return nil, err
	}
	what := e.describe("adding to")
	snippet, err := parseSnippet(entry)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	switch {
	case e.at == nil:
		return e.insert("["+entry+"]", what)
	case e.at.kind == scalar && e.at.null && e.at.start == e.at.end:
		return e.splice(e.at.start, e.at.end, " ["+entry+"]", what, func(docs []*value) {
			*docs[e.index].find(e.route) = value{kind: list, kids: []*value{snippet}}
		})
	case e.at.kind != list:
		return nil, fmt.Errorf("%s: %w: it isn't a list", what, ErrUnclear)
	}
	from, text := e.afterLast(e.at, entry)
	return e.splice(from, from, text, what, func(docs []*value) {
		v := docs[e.index].find(e.route)
		v.kids = append(v.kids, snippet)
	})
}

// afterLast is where a list's next entry goes, and how it is written there.
func (e *edit) afterLast(l *node, entry string) (int, string) {
	switch {
	case l.flow && len(l.kids) == 0:
		return l.start + 1, entry
	case l.flow:
		return l.kids[len(l.kids)-1].end, ", " + entry
	}
	return e.lineEnd(l.end), e.eol + strings.Repeat(" ", e.column(l.start)) + "- " + entry
}

// Remove takes an entry out of a list of a document, counted from 0. What it is told by on its
// own lines goes with it, comments on lines of their own stay. The only entry isn't taken out:
// that is ErrOnly.
func Remove(data []byte, doc Doc, entry int, path ...string) ([]byte, error) {
	e, err := begin(data, doc, path)
	if err != nil {
		return nil, err
	}
	what := e.describe("taking from")
	switch {
	case e.at == nil, e.at.kind != list, entry < 0, entry >= len(e.at.kids):
		return nil, fmt.Errorf("%s: %w: there is no entry %d", what, ErrNotFound, entry)
	case len(e.at.kids) == 1:
		return nil, fmt.Errorf("%s: %w", what, ErrOnly)
	}
	from, to, err := e.entry(e.at, entry)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return e.splice(from, to, "", what, func(docs []*value) {
		v := docs[e.index].find(e.route)
		v.kids = slices.Delete(v.kids, entry, entry+1)
	})
}

// entry is what an entry of a list takes, with what parts it from its neighbours.
func (e *edit) entry(l *node, i int) (from, to int, err error) {
	k := l.kids[i]
	if l.flow {
		if i+1 < len(l.kids) {
			return k.start, l.kids[i+1].start, nil
		}
		return l.kids[i-1].end, k.end, nil
	}
	dash := e.dash(k.start, e.column(l.start))
	if dash < 0 || strings.Trim(string(e.data[e.lineStart(dash):dash]), " ") != "" {
		return 0, 0, e.unclear(k.start)
	}
	from, to = e.wholeLines(dash, k.end)
	return from, to, nil
}

// dash finds the dash of an entry: the nearest before it in that column.
func (e *edit) dash(at, column int) int {
	for line := e.lineStart(at); ; line = e.lineStart(line - 1) {
		if d := line + column; d < len(e.data) && d <= at && e.data[d] == '-' && e.column(d) == column {
			return d
		}
		if line == e.lines[0] {
			return -1
		}
	}
}

// wholeLines are the lines from one place to another. If the last one has no line end, that of
// the line before goes.
func (e *edit) wholeLines(from, to int) (int, int) {
	from, to = e.lineStart(from), e.nextLine(e.lineEnd(to))
	if to == len(e.data) && from > e.lines[0] && !bytes.HasSuffix(e.data, []byte("\n")) {
		from -= len(e.eol)
	}
	return from, to
}

// RemoveKey takes a key out of a document, with its value.
func RemoveKey(data []byte, doc Doc, path ...string) ([]byte, error) {
	e, err := begin(data, doc, path)
	if err != nil {
		return nil, err
	}
	what := e.describe("taking out")
	if e.at == nil || len(path) == 0 {
		return nil, fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	m, i := e.around, e.route[len(e.route)-1]-1 // of the key
	switch {
	case i == 0 && len(path) == 1:
		return nil, fmt.Errorf("%s: %w: a document begins with it", what, ErrUnclear)
	case len(m.kids) == 2:
		return nil, fmt.Errorf("%s: %w", what, ErrOnly)
	}
	key, val := m.kids[i], m.kids[i+1]
	var from, to int
	switch {
	case !m.flow && strings.Trim(string(e.data[e.lineStart(key.start):key.start]), " ") != "":
		return nil, fmt.Errorf("%s: %w", what, e.unclear(key.start))
	case !m.flow:
		from, to = e.wholeLines(key.start, val.end)
	case i+2 < len(m.kids):
		from, to = key.start, m.kids[i+2].start
	default:
		from, to = m.kids[i-1].end, val.end
	}
	return e.splice(from, to, "", what, func(docs []*value) {
		v := docs[e.index].find(e.route[:len(e.route)-1])
		v.kids = slices.Delete(v.kids, i, i+2)
	})
}

// styled writes a text in the quotes that the one before it had.
func styled(s string, style yaml.Style) string {
	plain := declare.Scalar(s)
	switch {
	case plain != s: // it needs its quotes
		return plain
	case style&yaml.DoubleQuotedStyle != 0:
		return `"` + s + `"`
	case style&yaml.SingleQuotedStyle != 0:
		return "'" + s + "'"
	}
	return plain
}
