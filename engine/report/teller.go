package report

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// partSize is about how many rows one processor writes at a time.
const partSize = 4096

// blocks writes blocks one under the other; many are written in parts, side by side.
func (p *page) blocks(b *blocks, indent int) {
	l := p.layout(b.widths(), indent)
	parts := b.parts()
	if len(parts) == 1 {
		newTeller(p, b, l).units(parts[0])
		return
	}
	n := processors(len(b.l.items))
	free := make(chan *bytes.Buffer, 4*n) // what isn't written out yet is bounded
	for range cap(free) {
		free <- &bytes.Buffer{}
	}
	done := make([]chan *bytes.Buffer, len(parts))
	for i := range done {
		done[i] = make(chan *bytes.Buffer, 1)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			own := *p
			t := newTeller(&own, b, l)
			for buf := range free {
				i := int(next.Add(1)) - 1
				if i >= len(parts) {
					return
				}
				buf.Reset()
				own.w = bufio.NewWriter(buf)
				t.units(parts[i])
				own.w.Flush()
				done[i] <- buf
			}
		})
	}
	for _, part := range done {
		buf := <-part
		p.w.Write(buf.Bytes())
		free <- buf
	}
	close(free)
	wg.Wait()
	p.some, p.blank = true, false
}

// parts cuts the units into pieces of about one size.
func (b *blocks) parts() [][]unit {
	var out [][]unit
	from, rows := 0, 0
	for i := range b.units {
		if u := &b.units[i]; u.many == nil {
			rows += len(b.itemsOf(u.id))
		} else {
			for k := range u.many.blocks {
				rows += len(u.many.blocks[k].rows) + len(u.many.blocks[k].names)/8
			}
		}
		if rows >= partSize {
			out, from, rows = append(out, b.units[from:i+1]), i+1, 0
		}
	}
	if from < len(b.units) || len(out) == 0 {
		out = append(out, b.units[from:])
	}
	return out
}

// teller writes units to a page. How a line begins or goes on that many share is kept: most of a
// long plan's lines say what another one says of somebody else, or say it of another time.
type teller struct {
	p      *page
	b      *blocks
	l      layout
	own    *personal
	causes [][]byte  // by cause: what its line holds behind the title; see afterTitle
	heads  []rowHead // by thing
	notes  []oneLine // by number
	spaces []byte

	scratch *page // writes to aside
	aside   bytes.Buffer
}

// rowHead is how the line of a row begins, and at which column that ends; col 0: not asked yet.
type rowHead struct {
	text []byte
	col  int
}

// oneLine are notes as they stand on one line; width 0: not asked yet.
type oneLine struct {
	text  string
	width int
}

func newTeller(p *page, b *blocks, l layout) *teller {
	scratch := *p
	scratch.w = bufio.NewWriter(io.Discard)
	return &teller{scratch: &scratch, p: p, b: b, l: l, own: b.personal(), causes: make([][]byte, len(b.l.causes)), heads: make([]rowHead, len(b.l.things)), notes: make([]oneLine, len(b.l.notes)),
		spaces: bytes.Repeat([]byte{' '}, p.width)}
}

func (t *teller) units(units []unit) {
	for i := range units {
		u := &units[i]
		if u.many == nil {
			t.own.turnTo(u.id)
			t.person()
			continue
		}
		for k := range u.many.blocks {
			t.p.block(&u.many.blocks[k], t.l)
		}
	}
}

// person writes the blocks of one person.
func (t *teller) person() {
	label := Clean(t.own.label)
	width := utf8.RuneCountInString(label)
	short := 0 < width && width <= t.l.title && !strings.Contains(label, " ")
	for i := range t.own.blocks {
		b := &t.own.blocks[i]
		if after := t.afterTitle(b.cause); short && len(after) > 0 && !strings.HasPrefix(t.own.cause(b).Text, t.own.label) {
			t.p.w.Write(t.spaces[:t.l.indent])
			t.p.w.WriteString(label)
			t.p.w.Write(t.spaces[:t.l.title+2-width])
			t.p.w.Write(after)
			t.p.some, t.p.blank = true, false
		} else {
			t.p.blockTitle(&block{title: t.own.label, cause: *t.own.cause(b)}, t.l)
		}
		for _, r := range t.own.rows[b.from:b.to] {
			t.row(r.is)
		}
	}
}

// apart lets something be written elsewhere, and gives what was written.
func (t *teller) apart(write func(p *page)) []byte {
	t.aside.Reset()
	t.scratch.w.Reset(&t.aside)
	write(t.scratch)
	t.scratch.w.Flush()
	return bytes.Clone(t.aside.Bytes())
}

// nothing stands for what can't be kept.
var nothing = []byte{}

// afterTitle is what the title line of a block holds from the column on where its text begins. It
// is the same behind all titles that are shorter than that; empty: it isn't.
func (t *teller) afterTitle(cause int32) []byte {
	if t.causes[cause] != nil {
		return t.causes[cause]
	}
	c := t.b.l.causes[cause]
	stand := "x"
	if strings.HasPrefix(c.Text, stand) {
		stand = "y"
	}
	out := t.apart(func(p *page) { p.blockTitle(&block{title: stand, cause: c}, t.l) })
	before := string(t.spaces[:t.l.indent]) + stand + string(t.spaces[:t.l.title+1])
	after, ok := bytes.CutPrefix(out, []byte(before))
	if !ok {
		after = nothing
	}
	t.causes[cause] = after
	return after
}

// row writes a row as page.row does.
func (t *teller) row(r like) {
	thing := &t.b.l.things[r.thing]
	h := t.head(r.thing)
	if int(r.notes) >= len(t.notes) || thing.what == "" {
		t.p.row(blockRow{row: t.b.l.row(r)}, t.l)
		return
	}
	n := t.words(r.notes)
	skip := 0
	if t.b.l.notes[r.notes] != "" {
		skip = max(2, t.l.extraAt-h.col)
		if n.width == 0 || h.col+skip+n.width > t.p.width {
			t.p.row(blockRow{row: t.b.l.row(r)}, t.l)
			return
		}
	}
	t.p.w.Write(h.text)
	t.p.w.Write(t.spaces[:skip])
	t.p.w.WriteString(n.text)
	t.p.w.WriteByte('\n')
	t.p.some, t.p.blank = true, false
}

// head gives how the line of a thing begins.
func (t *teller) head(thing int32) *rowHead {
	h := &t.heads[thing]
	if h.col == 0 {
		k := &t.b.l.things[thing]
		h.text = t.apart(func(p *page) { h.col = p.rowHead(k.kind, k.system, k.what, t.l).col })
	}
	return h
}

// words gives notes in words with one space between; of no width where there is none.
func (t *teller) words(notes int32) *oneLine {
	w := &t.notes[notes]
	if w.width == 0 {
		w.text = strings.Join(strings.Fields(Clean(t.b.l.notes[notes])), " ")
		w.width = utf8.RuneCountInString(w.text)
	}
	return w
}
