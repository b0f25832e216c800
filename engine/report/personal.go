package report

import (
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// personal are the blocks of one person, one a cause, in numbers. They are made whenever they are
// looked at, in the same memory: there may be hundreds of thousands.
type personal struct {
	of     *blocks
	who    *who
	label  string
	blocks []ownBlock
	rows   []ownRow // of all blocks, block by block
	first  ownRow   // as it came first

	found    []found // by cause
	turn     int32
	in       []int32 // the block of each row, in the order in which the rows come
	unsorted []ownRow
	told     []accountRow
}

// ownBlock is a block of one person; its rows are rows[from:to].
type ownBlock struct{ cause, from, to int32 }

// ownRow is a row, and how it reads where many have the like.
type ownRow struct{ is, like like }

// found is the block of a cause in one turn.
type found struct{ turn, block int32 }

// accountRow is a row of a block that is about an account itself.
type accountRow struct {
	block        int32
	system, what string
}

func (b *blocks) personal() *personal {
	return &personal{of: b, found: make([]found, len(b.l.causes))}
}

// itemsOf are the items that are told of one person alone.
func (b *blocks) itemsOf(id int32) []int32 { return b.mine[b.starts[id]:b.starts[id+1]] }

// turnTo makes the blocks of a person. Items come sorted, worst first.
func (p *personal) turnTo(id int32) {
	l, items := p.of.l, p.of.itemsOf(id)
	p.who = &l.ids[id]
	p.label = p.who.label()
	p.turn++
	p.blocks, p.in, p.unsorted, p.told = p.blocks[:0], p.in[:0], p.unsorted[:0], p.told[:0]
	for _, i := range items {
		it := &l.items[i]
		f := &p.found[it.cause]
		if f.turn != p.turn {
			*f = found{p.turn, int32(len(p.blocks))}
			p.blocks = append(p.blocks, ownBlock{cause: it.cause})
		}
		p.blocks[f.block].to++
		p.in = append(p.in, f.block)
		p.unsorted = append(p.unsorted, p.row(i, f.block))
	}
	p.first = p.unsorted[0]
	at := int32(0)
	for i := range p.blocks {
		b := &p.blocks[i]
		at, b.from, b.to = at+b.to, at, at
	}
	p.rows = slices.Grow(p.rows[:0], len(items))[:len(items)]
	for i, b := range p.in {
		p.rows[p.blocks[b].to] = p.unsorted[i]
		p.blocks[b].to++
	}
}

// row is the row of an item in a block. Which account it is about is told where the block doesn't
// tell it anyway.
func (p *personal) row(i, block int32) ownRow {
	l := p.of.l
	is := like{l.items[i].thing, l.items[i].notes}
	e := l.entry(i)
	if e == nil {
		return ownRow{is, is}
	}
	r := ownRow{is, l.likes[i]}
	switch {
	case !e.step.Action.OnGrant():
		p.told = append(p.told, accountRow{block, e.row.system, e.row.what})
	case e.who.account != "" && !slices.Contains(p.told, accountRow{block, e.row.system, object(e.step.Subject)}):
		r.is.notes = l.note(join("as "+quoteName(e.who.account), e.row.notes))
		r.like = r.is
	}
	return r
}

// cause is that of a block.
func (p *personal) cause(b *ownBlock) *access.Cause { return &p.of.l.causes[b.cause] }
