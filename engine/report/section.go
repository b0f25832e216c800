package report

import (
	"strings"
	"unicode/utf8"
)

// The columns of a section are as wide as its widest cell, but no wider than these: a longer
// cell pushes its own line aside and not all others.
const (
	leastTitle  = 7
	widestTitle = 16
	widestName  = 16 // of a system
	widestWhat  = 34
	widestRight = 36
)

// layout are the columns of a section.
type layout struct {
	indent             int
	title, name, what  int // widths
	right              int // the column of file:line
	rowIndent, extraAt int
}

func (p *page) layout(blocks []block, indent int) layout {
	l := layout{indent: indent, title: leastTitle, rowIndent: indent + 2}
	right := 0
	for _, b := range blocks {
		if n := columns(b.title); !b.sentence && n <= widestTitle {
			l.title = max(l.title, n)
		}
		if n := columns(at(b.cause.File, b.cause.Line)); n <= widestRight {
			right = max(right, n)
		}
		for _, r := range b.rows {
			if n := columns(r.system); n <= widestName {
				l.name = max(l.name, n)
			}
			if n := columns(r.what); n <= widestWhat {
				l.what = max(l.what, n)
			}
		}
	}
	if l.name > 0 {
		l.name = max(l.name, p.name)
	}
	l.right = p.width - right
	l.extraAt = l.rowIndent + 2 + l.what + 2
	if l.name > 0 {
		l.extraAt += l.name + 2
	}
	return l
}

// blocks writes blocks one under the other.
func (p *page) blocks(blocks []block, indent int) {
	l := p.layout(blocks, indent)
	for _, b := range blocks {
		p.block(b, l)
	}
}

func (p *page) block(b block, l layout) {
	p.blockTitle(b, l)
	if len(b.names) > 0 {
		line := p.line(l.rowIndent+2, l.rowIndent+2)
		line.names(b.names).end()
	}
	for _, r := range b.rows {
		p.row(r, l)
	}
}

// rows writes rows that have no title and no cause.
func (p *page) rows(rows []blockRow, indent int) {
	l := p.layout([]block{{rows: rows}}, indent)
	for _, r := range rows {
		p.row(r, l)
	}
}

// blockTitle writes who, why, and where that is written.
func (p *page) blockTitle(b block, l layout) {
	hang := l.indent + l.title + 2
	if b.sentence {
		hang = l.indent + 2
	}
	line := p.line(l.indent, hang)
	line.ends(at(b.cause.File, b.cause.Line), l.right)
	if b.sentence {
		line.prose(b.title, plain)
	} else {
		line.put(b.title, plain).column(hang)
		text := b.cause.Text // which may begin with whom it is about
		if rest, ok := strings.CutPrefix(text, b.title); ok && (rest == "" || rest[0] == ' ') {
			text = rest
		}
		line.prose(text, plain)
	}
	line.end()
}

// row writes one change: its symbol, the system, what it is about, what there is to know, and
// whom it is about where the block doesn't tell.
func (p *page) row(r blockRow, l layout) {
	line := p.line(l.rowIndent, l.rowIndent+2)
	line.put(symbols[r.kind], r.kind).space(1)
	if r.system != "" {
		line.put(r.system, plain).column(l.rowIndent + 2 + l.name + 2)
	}
	line.put(r.what, plain)
	if l.extraAt <= p.width*2/3 {
		line.hang = l.extraAt
	}
	if r.notes != "" {
		line.column(l.extraAt).prose(r.notes, plain)
	}
	if len(r.names) > 0 {
		line.column(l.extraAt).list(r.names, l.rowIndent+4)
	}
	line.end()
}

// list writes names: on the rest of the line if all fit there, else on lines of their own.
func (l *line) list(names []string, indent int) {
	total := len(names) - 1
	for _, n := range names {
		total += utf8.RuneCountInString(Clean(n))
	}
	if l.col+l.skip+total > l.limit {
		l.hang = indent
		l.newline()
	}
	l.names(names)
}
