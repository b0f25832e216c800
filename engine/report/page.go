package report

import (
	"bufio"
	"io"
	"strings"
	"unicode/utf8"
)

// style says what a piece of text is; colour repeats it.
type style uint8

const (
	plain   style = iota
	strong        // a heading
	faint         // where something is written down
	taken         // -
	given         // +
	changed       // ~
	drastic       // !
	unknown       // ?
)

// codes are the colours of the styles (ECMA-48, SGR).
var codes = [...]string{plain: "", strong: "1", faint: "2", taken: "31", given: "32", changed: "33", drastic: "1;31", unknown: "35"}

// symbols are what the styles are called where there is no colour.
var symbols = [...]string{plain: " ", strong: " ", faint: " ", taken: "-", given: "+", changed: "~", drastic: "!", unknown: "?"}

// page writes lines of limited width. It keeps the first error of the writer.
type page struct {
	w     *bufio.Writer
	width int
	color bool
	name  int  // how wide the column of systems is at least
	some  bool // something was written
	blank bool // the last line was blank
	now   line // that is being written
}

const usualWidth = 100

func newPage(w io.Writer, o Options) *page {
	width := o.Width
	if width <= 0 {
		width = usualWidth
	}
	return &page{w: bufio.NewWriterSize(w, 1<<16), width: max(width, 40), color: o.Color}
}

func (p *page) flush() error { return p.w.Flush() }

// gap leaves a blank line, unless the page is empty or has one there already.
func (p *page) gap() {
	if p.some && !p.blank {
		p.w.WriteByte('\n')
		p.blank = true
	}
}

// heading writes a title on a line of its own, after a blank line.
func (p *page) heading(s string) {
	p.gap()
	p.line(0, 2).put(s, strong).end()
}

// text writes a paragraph.
func (p *page) text(indent, hang int, s string) {
	p.line(indent, hang).prose(s, plain).end()
}

// line begins a line at a column, once the one before has ended. What doesn't fit goes on in
// further lines, which begin at the column hang.
func (p *page) line(indent, hang int) *line {
	p.now = line{p: p, skip: indent, hang: hang, limit: p.width}
	return &p.now
}

// line is a line that is being written.
type line struct {
	p     *page
	col   int   // where the next character would stand
	skip  int   // spaces that come before it
	begun bool  // the line has text
	style style // what is written now, if it has a colour
	hang  int
	limit int
	// right stands at the end of the first line, from the column rightAt on; what else there is
	// keeps clear of it.
	right   string
	rightAt int
	below   string // what was to stand there and is too long for it
}

// put writes one piece. It isn't broken, unless it has spaces and no line is long enough for it.
func (l *line) put(s string, st style) *line {
	s = Clean(s)
	if strings.Contains(s, " ") && utf8.RuneCountInString(s) > l.limit-l.hang {
		return l.prose(s, st)
	}
	return l.clean(s, st)
}

// whole writes one piece that is never broken, such as a command.
func (l *line) whole(s string, st style) *line { return l.clean(Clean(s), st) }

// clean does the same with what is safe to print.
func (l *line) clean(s string, st style) *line {
	n := utf8.RuneCountInString(s)
	if n == 0 {
		return l
	}
	if l.begun && l.col+l.skip+n > l.limit {
		l.newline()
	}
	if st != l.style {
		l.paint(plain)
	}
	for range l.skip {
		l.p.w.WriteByte(' ')
	}
	l.paint(st)
	l.p.w.WriteString(s)
	l.col += l.skip + n
	l.skip, l.begun = 0, true
	return l
}

// paint ends one colour and begins another.
func (l *line) paint(st style) {
	if !l.p.color || st == l.style {
		return
	}
	if codes[l.style] != "" {
		l.p.w.WriteString("\x1b[0m")
	}
	if codes[st] != "" {
		l.p.w.WriteString("\x1b[" + codes[st] + "m")
	}
	l.style = st
}

// prose writes words, broken at spaces. It begins a word's distance from what stands before.
func (l *line) prose(s string, st style) *line {
	for word := range strings.FieldsSeq(Clean(s)) {
		l.space(1)
		l.clean(word, st)
	}
	return l
}

// names writes a list; each name stays in one piece.
func (l *line) names(names []string) *line {
	for _, n := range names {
		l.space(1)
		l.put(n, plain)
	}
	return l
}

// space leaves at least so much space before the next piece on this line.
func (l *line) space(n int) *line {
	if l.begun {
		l.skip = max(l.skip, n)
	}
	return l
}

// column moves to a column; if that was passed already, two spaces on.
func (l *line) column(n int) *line {
	l.skip = max(l.skip, n-l.col)
	return l.space(2)
}

// ends puts something at the end of the first line: at the column, or as far to the left as it
// must be to fit. What would leave the text less than half of the width stands below it.
func (l *line) ends(s string, at int) *line {
	if s = Clean(s); s == "" {
		return l
	}
	at = min(at, l.p.width-utf8.RuneCountInString(s))
	if at-2 < l.p.width/2 {
		l.below = s
		return l
	}
	l.right, l.rightAt, l.limit = s, at, at-2
	return l
}

func (l *line) newline() {
	l.flushRight()
	l.paint(plain)
	l.p.w.WriteByte('\n')
	l.col, l.skip, l.begun = 0, l.hang, false
}

// flushRight writes what stands at the end of the line, on the next line if a long name is in
// its way.
func (l *line) flushRight() {
	if l.right == "" {
		return
	}
	s := l.right
	l.right = ""
	l.paint(plain)
	if l.begun && l.col+2 > l.rightAt {
		l.p.w.WriteByte('\n')
		l.col = 0
	}
	l.skip, l.begun = l.rightAt-l.col, false // not begun, so that it isn't moved
	l.whole(s, faint)
}

// end ends the line.
func (l *line) end() {
	l.flushRight()
	if l.below != "" {
		l.newline()
		l.skip = max(0, min(l.hang, l.p.width-columns(l.below)))
		l.whole(l.below, faint)
	}
	l.paint(plain)
	l.p.w.WriteByte('\n')
	l.p.some, l.p.blank = true, false
}
