package amend

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

type kind uint8

const (
	scalar kind = iota
	mapping
	list
)

// maxSize is the largest file that is looked at, in bytes: what declare reads.
const maxSize = 1 << 20

// node is one value with the bytes that it takes: data[start:end], without what follows it on
// the line.
type node struct {
	kind       kind
	flow       bool
	start, end int
	text       string
	null       bool
	style      yaml.Style
	kids       []*node // the entries of a list, or the keys and values of a mapping in turn
}

// file is one parsed file. Documents that are empty are left out.
type file struct {
	data  []byte
	lines []int // where each line starts
	docs  []*node
	eol   string
	last  place // where offset was last; nodes come in the order of the file
}

type place struct{ line, col, at int }

// parse reads a file and finds where each of its values begins and ends.
func parse(data []byte) (f *file, err error) {
	if len(data) > maxSize {
		return nil, fmt.Errorf("%w: the file has more than %d bytes", ErrUnclear, maxSize)
	}
	f = &file{data: data, eol: "\n"}
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		f.eol = "\r\n"
	}
	if err := f.split(); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil { // the library's, on bytes that it can't handle
			f, err = nil, fmt.Errorf("the YAML can't be read: %v", p)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var y yaml.Node
		err := dec.Decode(&y)
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the YAML can't be read: %w", err)
		}
		if y.Kind != yaml.DocumentNode || len(y.Content) != 1 {
			continue
		}
		n, err := f.convert(y.Content[0])
		if err != nil {
			return nil, err
		}
		if n.null && n.text == "" {
			continue
		}
		if err := f.measure(n, 0, -1); err != nil {
			return nil, err
		}
		f.docs = append(f.docs, n)
	}
}

// split finds the lines. What ends a line for YAML and for nobody else is refused: places are
// told by line and column.
func (f *file) split() error {
	from := 0
	if bytes.HasPrefix(f.data, []byte("\ufeff")) {
		from = len("\ufeff")
	}
	f.lines = []int{from}
	for i := from; i < len(f.data); {
		r, size := utf8.DecodeRune(f.data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return fmt.Errorf("%w: it isn't UTF-8", ErrUnclear)
		case r == '\r' && (i+1 == len(f.data) || f.data[i+1] != '\n'), r == 0x85, r == 0x2028, r == 0x2029, r == 0xfeff:
			return fmt.Errorf("%w: the character %U in line %d", ErrUnclear, r, len(f.lines))
		case r == '\n':
			f.lines = append(f.lines, i+1)
		}
		i += size
	}
	return nil
}

// offset turns the library's line and column, in characters from 1, into a place.
func (f *file) offset(line, col int) (int, error) {
	if line < 1 || line > len(f.lines) {
		return 0, fmt.Errorf("%w: line %d isn't there", ErrUnclear, line)
	}
	p := place{line, 1, f.lines[line-1]}
	if f.last.line == line && f.last.col <= col {
		p = f.last
	}
	for ; p.col < col && p.at < len(f.data); p.col++ {
		_, size := utf8.DecodeRune(f.data[p.at:])
		p.at += size
	}
	f.last = p
	return p.at, nil
}

func (f *file) convert(y *yaml.Node) (*node, error) {
	if y.Kind == yaml.AliasNode || y.Anchor != "" || y.Style&yaml.TaggedStyle != 0 || y.Tag == "!!merge" {
		return nil, fmt.Errorf("%w: line %d has an anchor, an alias, a tag or a merge key", ErrUnclear, y.Line)
	}
	at, err := f.offset(y.Line, y.Column)
	if err != nil {
		return nil, err
	}
	n := &node{start: at, text: y.Value, null: y.Tag == "!!null", style: y.Style, flow: y.Style&yaml.FlowStyle != 0}
	switch y.Kind {
	case yaml.MappingNode:
		n.kind, n.text = mapping, ""
	case yaml.SequenceNode:
		n.kind, n.text = list, ""
	}
	for _, k := range y.Content {
		kid, err := f.convert(k)
		if err != nil {
			return nil, err
		}
		n.kids = append(n.kids, kid)
	}
	return n, nil
}

// measure finds where a node ends. floor is the end of what stands before it, indent how far
// the mapping or list around it is indented (-1: there is none).
func (f *file) measure(n *node, floor, indent int) error {
	switch {
	case n.kind == scalar:
		return f.measureScalar(n, floor, indent)
	case n.flow:
		return f.measureFlow(n)
	}
	n.end = n.start
	for i, k := range n.kids {
		base := f.column(n.start)
		if n.kind == mapping && i%2 == 0 {
			base = f.column(n.kids[0].start)
		}
		if err := f.measure(k, n.end, base); err != nil {
			return err
		}
		if n.kind == mapping && i%2 == 0 {
			colon, err := f.colon(k.end)
			if err != nil {
				return err
			}
			n.end = colon
			continue
		}
		n.end = max(n.end, k.end)
	}
	return nil
}

// measureFlow goes through a flow collection. Between its values there is nothing but commas,
// colons, comments and space.
func (f *file) measureFlow(n *node) error {
	open, closing := byte('{'), byte('}')
	if n.kind == list {
		open, closing = '[', ']'
	}
	if n.start >= len(f.data) || f.data[n.start] != open {
		return f.unclear(n.start)
	}
	n.end = n.start + 1
	for i, k := range n.kids {
		if err := f.measure(k, n.end, -1); err != nil {
			return err
		}
		n.end = max(n.end, k.end)
		if n.kind == mapping && i%2 == 0 {
			if colon, err := f.colon(k.end); err == nil {
				n.end = colon
			}
		}
	}
	at := f.skip(n.end, ",")
	if at >= len(f.data) || f.data[at] != closing {
		return f.unclear(n.start)
	}
	n.end = at + 1
	return nil
}

// colon is the place behind the colon of a key that ends there.
func (f *file) colon(at int) (int, error) {
	for at < len(f.data) && f.data[at] == ' ' {
		at++
	}
	if at >= len(f.data) || f.data[at] != ':' {
		return 0, f.unclear(at)
	}
	return at + 1, nil
}

// skip goes over space, comments and the bytes named.
func (f *file) skip(at int, also string) int {
	for at < len(f.data) {
		switch c := f.data[at]; {
		case c == '#' && (at == 0 || strings.IndexByte(" \t\r\n", f.data[at-1]) >= 0):
			at = f.lineEnd(at)
		case strings.IndexByte(" \t\r\n"+also, c) >= 0:
			at++
		default:
			return at
		}
	}
	return at
}

func (f *file) measureScalar(n *node, floor, indent int) error {
	switch {
	case n.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		n.end = f.blockEnd(n.start, indent)
	case n.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		n.end = f.quoteEnd(n.start)
		if n.end < 0 {
			return f.unclear(n.start)
		}
	case n.text == "":
		n.start, n.end = floor, floor // nothing is written there
	case bytes.HasPrefix(f.data[n.start:], []byte(n.text)):
		n.end = n.start + len(n.text)
	default:
		n.end = f.foldedEnd(n)
		if n.end < 0 {
			return f.unclear(n.start)
		}
	}
	return nil
}

// quoteEnd is the place behind a quoted text; -1 if it doesn't end.
func (f *file) quoteEnd(at int) int {
	if at >= len(f.data) || f.data[at] != '"' && f.data[at] != '\'' {
		return -1
	}
	quote := f.data[at]
	for i := at + 1; i < len(f.data); i++ {
		switch {
		case f.data[i] == '\\' && quote == '"':
			i++
		case f.data[i] == quote && quote == '\'' && i+1 < len(f.data) && f.data[i+1] == quote:
			i++
		case f.data[i] == quote:
			return i + 1
		}
	}
	return -1
}

// blockEnd is the end of the last line of a text behind | or >: its lines are indented more
// than what is around, or blank.
func (f *file) blockEnd(at, indent int) int {
	end := f.lineEnd(at)
	for next := f.nextLine(end); next < len(f.data); next = f.nextLine(f.lineEnd(next)) {
		stop := f.lineEnd(next)
		text := f.data[next:stop]
		if blank := len(bytes.TrimLeft(text, " \t\r")) == 0; blank {
			continue
		}
		if len(text)-len(bytes.TrimLeft(text, " ")) <= indent {
			break
		}
		end = stop
	}
	return end
}

// foldedEnd is the end of a plain text that goes over several lines: its words stand there in
// their order, with nothing but space between them.
func (f *file) foldedEnd(n *node) int {
	at := n.start
	for _, word := range strings.Fields(n.text) {
		for at < len(f.data) && strings.IndexByte(" \t\r\n", f.data[at]) >= 0 {
			at++
		}
		if !bytes.HasPrefix(f.data[at:], []byte(word)) {
			return -1
		}
		at += len(word)
	}
	return at
}

// column is how many characters stand before a place on its line.
func (f *file) column(at int) int { return utf8.RuneCount(f.data[f.lineStart(at):at]) }

func (f *file) lineStart(at int) int {
	start := bytes.LastIndexByte(f.data[:at], '\n') + 1
	return max(start, f.lines[0])
}

// lineEnd is where the line ends, before its line end.
func (f *file) lineEnd(at int) int {
	end := len(f.data)
	if i := bytes.IndexByte(f.data[at:], '\n'); i >= 0 {
		end = at + i
	}
	if end > at && f.data[end-1] == '\r' {
		end--
	}
	return end
}

// nextLine is where the line after the one that ends there begins.
func (f *file) nextLine(end int) int {
	if i := bytes.IndexByte(f.data[end:], '\n'); i >= 0 {
		return end + i + 1
	}
	return len(f.data)
}

func (f *file) unclear(at int) error {
	line := bytes.Count(f.data[:min(at, len(f.data))], []byte("\n")) + 1
	return fmt.Errorf("%w: how line %d is written", ErrUnclear, line)
}
