package report

import (
	"strings"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/access"
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

// widths are those of the cells of a section.
type widths struct{ title, name, what, right int }

func (w *widths) seeTitle(s string) {
	if n := columns(s); n <= widestTitle {
		w.title = max(w.title, n)
	}
}

func (w *widths) seePlace(c *access.Cause) {
	if n := columns(at(c.File, c.Line)); n <= widestRight {
		w.right = max(w.right, n)
	}
}

func (w *widths) seeRow(system, what string) {
	if n := columns(system); n <= widestName {
		w.name = max(w.name, n)
	}
	if n := columns(what); n <= widestWhat {
		w.what = max(w.what, n)
	}
}

func (w *widths) seeBlock(b *block) {
	if !b.sentence {
		w.seeTitle(b.title)
	}
	w.seePlace(&b.cause)
	for i := range b.rows {
		w.seeRow(b.rows[i].system, b.rows[i].what)
	}
}

// widths of all that is told, each thing and each cause looked at once.
func (b *blocks) widths() widths {
	var w widths
	things, causes := make([]bool, len(b.l.things)), make([]bool, len(b.l.causes))
	for i := range b.units {
		u := &b.units[i]
		if u.many != nil {
			for k := range u.many.blocks {
				w.seeBlock(&u.many.blocks[k])
			}
			continue
		}
		w.seeTitle(b.l.ids[u.id].label())
		for _, i := range b.itemsOf(u.id) {
			things[b.l.items[i].thing], causes[b.l.items[i].cause] = true, true
		}
	}
	for i, told := range things {
		if told {
			w.seeRow(b.l.things[i].system, b.l.things[i].what)
		}
	}
	for i, told := range causes {
		if told {
			w.seePlace(&b.l.causes[i])
		}
	}
	return w
}

func (p *page) layout(w widths, indent int) layout {
	l := layout{indent: indent, title: max(leastTitle, w.title), name: w.name, what: w.what, rowIndent: indent + 2}
	if l.name > 0 {
		l.name = max(l.name, p.name)
	}
	l.right = p.width - w.right
	l.extraAt = l.rowIndent + 2 + l.what + 2
	if l.name > 0 {
		l.extraAt += l.name + 2
	}
	return l
}

// rows writes rows that have no title and no cause.
func (p *page) rows(rows []blockRow, indent int) {
	var w widths
	for i := range rows {
		w.seeRow(rows[i].system, rows[i].what)
	}
	l := p.layout(w, indent)
	for _, r := range rows {
		p.row(r, l)
	}
}

func (p *page) block(b *block, l layout) {
	p.blockTitle(b, l)
	if len(b.names) > 0 {
		line := p.line(l.rowIndent+2, l.rowIndent+2)
		line.names(b.names).end()
	}
	for _, r := range b.rows {
		p.row(r, l)
	}
}

// blockTitle writes who, why, and where that is written.
func (p *page) blockTitle(b *block, l layout) {
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
	line := p.rowHead(r.kind, r.system, r.what, l)
	if r.notes != "" {
		line.column(l.extraAt).prose(r.notes, plain)
	}
	if len(r.names) > 0 {
		line.column(l.extraAt).list(r.names, l.rowIndent+4)
	}
	line.end()
}

// rowHead begins the line of a row, up to what there is to know.
func (p *page) rowHead(kind style, system, what string, l layout) *line {
	line := p.line(l.rowIndent, l.rowIndent+2)
	line.put(symbols[kind], kind).space(1)
	if system != "" {
		line.put(system, plain).column(l.rowIndent + 2 + l.name + 2)
	}
	line.put(what, plain)
	if l.extraAt <= p.width*2/3 {
		line.hang = l.extraAt
	}
	return line
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
