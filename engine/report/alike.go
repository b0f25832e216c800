package report

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// fewNames is how many who only gain something are named where they stand; who loses something
// is always named.
const fewNames = 12

// pressing reports whether a reader has to know everybody to whom it happens: whatever isn't
// purely a gain, and gains that are dangerous.
func (r row) pressing() bool { return r.kind != given || r.risky }

// names leaves of a long list of people who gain something what can be read at a glance.
func (g grouper) names(n int, name func(i int) string, rows ...row) []string {
	shown := n
	if !g.verbose && n > fewNames+2 && !slices.ContainsFunc(rows, row.pressing) {
		shown = fewNames
	}
	out := make([]string, shown, shown+1)
	for i := range out {
		out[i] = name(i)
	}
	if shown < n {
		out = append(out, fmt.Sprintf("and %d more (-v shows all)", n-shown))
	}
	return out
}

// isJoiner reports whether an entry is a new account.
func isJoiner(e *entry) bool {
	return e.step != nil && e.step.Action == access.Create && e.step.Subject.IsAccount()
}

// likeRow is the row as it reads of many: of new accounts their names and attributes are each
// one's own.
func likeRow(e *entry) row {
	r := e.row
	if isJoiner(e) {
		r.what, r.notes = "accounts", strings.Join(append([]string{"create"}, e.marks...), ", ")
	}
	return r
}

// theirs is the text of a cause without whom it is about: "bob's title" is "their title".
func theirs(text, person string) string {
	before, rest, ok := strings.Cut(text, person+"'s ")
	if ok && person != "" && (before == "" || strings.HasSuffix(before, " ")) {
		return before + "their " + rest
	}
	if text == person {
		return ""
	}
	return text
}

// wording is a cause without its line.
type wording struct {
	kind       access.CauseKind
	file, text string
}

// forms tells how the blocks of people read without the name and the lines.
type forms struct {
	words numbering[wording]
	word  []int32 // by cause
	named []bool  // by cause: its text may name whom it is about
}

func newForms(l *ledger) *forms {
	f := &forms{words: newNumbering[wording](), word: make([]int32, len(l.causes)), named: make([]bool, len(l.causes))}
	for i, c := range l.causes {
		f.word[i] = f.words.number(wording{c.Kind, c.File, c.Text})
		f.named[i] = strings.Contains(c.Text, "'s ")
	}
	return f
}

// of appends the form of a person's blocks to a key. Different forms make different keys.
func (f *forms) of(p *personal, key []byte) []byte {
	for i := range p.blocks {
		b := &p.blocks[i]
		key = binary.LittleEndian.AppendUint32(f.ofCause(p, b, key), uint32(b.to-b.from))
		for _, r := range p.rows[b.from:b.to] {
			key = binary.LittleEndian.AppendUint32(key, uint32(r.like.thing))
			key = binary.LittleEndian.AppendUint32(key, uint32(r.like.notes))
		}
	}
	return key
}

// ofCause appends the wording of a block's cause: by its number, or as it is where no cause is
// worded so.
func (f *forms) ofCause(p *personal, b *ownBlock, key []byte) []byte {
	n, known := f.word[b.cause], true
	c := p.cause(b)
	w := wording{c.Kind, c.File, c.Text}
	if f.named[b.cause] || c.Text == p.label {
		if text := theirs(c.Text, p.label); text != c.Text {
			w.text = text
			n, known = f.words.numbers[w]
		}
	}
	if known {
		return binary.LittleEndian.AppendUint32(append(key, 'n'), uint32(n))
	}
	return appendParts(append(key, 't'), string(w.kind), w.file, w.text)
}

// appendParts appends strings to a key so that different strings make different keys.
func appendParts(key []byte, parts ...string) []byte {
	for _, p := range parts {
		key = append(binary.LittleEndian.AppendUint32(key, uint32(len(p))), p...)
	}
	return key
}

// alike adds the units of people. What reads the same of three or more of them but for the name and
// the line is told as one, such as of joiners who each have a line of their own.
func (g grouper) alike(b *blocks) {
	var ids []int32
	for id := range int32(len(b.l.ids)) {
		if len(b.itemsOf(id)) > 0 {
			ids = append(ids, id)
		}
	}
	p := b.personal()
	if g.verbose || !g.fold {
		for _, id := range ids {
			b.addPerson(id)
		}
		return
	}
	keys := b.formsOf(ids)
	at := map[string]int32{}
	var groups [][]int32
	for i, id := range ids {
		if keys[i] == "" { // alone
			b.addPerson(id)
			continue
		}
		n, ok := at[keys[i]]
		if !ok {
			n = int32(len(groups))
			at[keys[i]], groups = n, append(groups, nil)
		}
		groups[n] = append(groups[n], id)
	}
	for _, same := range groups {
		if len(same) < foldFrom {
			for _, id := range same {
				b.addPerson(id)
			}
			continue
		}
		b.units = append(b.units, g.merge(p, same))
	}
}

// addPerson adds the unit of one person alone.
func (b *blocks) addPerson(id int32) {
	t := &b.l.things[b.l.items[b.itemsOf(id)[0]].thing]
	b.units = append(b.units, unit{kind: t.kind, risky: t.risky, id: id})
}

// formsOf are the forms of the blocks of these; empty of what is nobody's.
func (b *blocks) formsOf(ids []int32) []string {
	out := make([]string, len(ids))
	f := newForms(b.l)
	shared(len(ids), 512, func() func(from, to int) {
		p := b.personal()
		var key []byte
		return func(from, to int) {
			for i := from; i < to; i++ {
				if id := ids[i]; b.l.ids[id].person != "" {
					p.turnTo(id)
					key = f.of(p, key[:0])
					out[i] = string(key)
				}
			}
		}
	})
	return out
}

// merge makes one unit of several people who are alike; they are sorted.
func (g grouper) merge(p *personal, same []int32) unit {
	l := p.of.l
	p.turnTo(same[0])
	label := p.label
	m := &many{label: label, system: p.who.system}
	for i := range p.blocks {
		b := &p.blocks[i]
		c := *p.cause(b)
		c.Text = cmp.Or(theirs(c.Text, label), "for each of them")
		x := block{title: Count(len(same), "people", "people"), cause: c}
		for _, r := range p.rows[b.from:b.to] {
			x.rows = append(x.rows, blockRow{row: l.row(r.like)})
		}
		m.blocks = append(m.blocks, x)
	}
	lines := make([][2]int, len(m.blocks)) // the first and the last of each block's causes
	for n, id := range same {
		p.turnTo(id)
		for i := range p.blocks {
			line := p.cause(&p.blocks[i]).Line
			if n == 0 {
				lines[i] = [2]int{line, line}
			}
			lines[i] = [2]int{min(lines[i][0], line), max(lines[i][1], line)}
		}
	}
	for i := range m.blocks {
		x := &m.blocks[i]
		if first, last := lines[i][0], lines[i][1]; first > 0 && last > first {
			x.cause.File, x.cause.Line = fmt.Sprintf("%s:%d-%d", x.cause.File, first, last), 0
		}
		var rows []row
		for _, r := range x.rows {
			rows = append(rows, r.row)
		}
		x.names = g.names(len(same), func(i int) string { return quoteName(l.ids[same[i]].label()) }, rows...)
	}
	r := m.blocks[0].rows[0]
	return unit{kind: r.kind, risky: r.risky, id: -1, many: m}
}
