package report

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// block is a cause and what comes of it, for many who fare the same, or for one system. Those of
// one person are in numbers; see personal.
type block struct {
	title string
	// sentence says that the title tells the cause in words, so that its text isn't repeated.
	sentence bool
	cause    access.Cause
	rows     []blockRow
	// names are the people of a folded block with more than one row.
	names []string
}

// blockRow is a row and, where it doesn't go without saying, whom it is about.
type blockRow struct {
	row
	names []string
}

// foldFrom is from how many people on the same change for the same cause is said once.
const foldFrom = 3

// grouper sorts entries into blocks.
type grouper struct {
	bySystem bool
	fold     bool
	verbose  bool // names everybody
}

// blocks are what a section tells, in order.
type blocks struct {
	l     *ledger
	units []unit
	// mine are the items that aren't folded, worst first, person by person; those of an id begin
	// at starts.
	mine, starts []int32
}

// unit is what stays together when blocks are sorted: the blocks of one person, or one fold.
type unit struct {
	kind  style // of the first row
	risky bool
	id    int32 // of the person whose blocks they are; -1: many tells
	many  *many
}

// many are blocks about several, or about one system.
type many struct {
	label, system string
	blocks        []block
}

func (g grouper) blocks(l *ledger) *blocks {
	if g.bySystem {
		return g.blocksBySystem(l)
	}
	return g.blocksByPerson(l)
}

// placeOf is a cause without its text where it points to a line: what a line does for several
// people is told of each by their name, and is one cause all the same.
func placeOf(c access.Cause) access.Cause {
	if c.File != "" && c.Line > 0 {
		c.Text = ""
	}
	return c
}

func grantOf(e *entry) string {
	switch {
	case e.step == nil:
	case len(e.step.Reasons) > 0:
		return e.step.Reasons[0].Grant
	case len(e.step.Was) > 0:
		return e.step.Was[0].Grant
	}
	return ""
}

// blocksByPerson gives each person their blocks, one a cause, and folds what is the same for
// three or more. Who loses something comes before who gains.
func (g grouper) blocksByPerson(l *ledger) *blocks {
	items := l.byThing(l.byNotes(l.byPlace(l.all()))) // the same change for the same cause stands together
	b := &blocks{l: l}
	f := folder{g: g, l: l, at: map[string]*fold{}}
	alone := items[:0]
	for len(items) > 0 {
		n := l.sameChange(items)
		if g.fold && n >= foldFrom {
			f.add(items[:n])
		} else {
			alone = append(alone, items[:n]...)
		}
		items = items[n:]
	}
	for _, f := range f.folds {
		b.units = append(b.units, f.unit(g, l))
	}
	id := func(i int32) int32 { return l.id[l.items[i].who] }
	b.mine = byNumber(alone, len(l.ids), id)
	b.starts = make([]int32, len(l.ids)+1)
	for _, i := range b.mine {
		b.starts[id(i)+1]++
	}
	for k := range l.ids {
		b.starts[k+1] += b.starts[k]
	}
	g.alike(b)
	slices.SortFunc(b.units, b.compare)
	return b
}

// sameChange is how many items at the beginning are the same change by the same cause.
func (l *ledger) sameChange(items []int32) int {
	a := l.items[items[0]]
	n := 1
	for n < len(items) {
		b := l.items[items[n]]
		if a.thing != b.thing || a.notes != b.notes || l.place[a.cause] != l.place[b.cause] {
			break
		}
		n++
	}
	return n
}

// folder brings together what is told of the same people for the same cause.
type folder struct {
	g     grouper
	l     *ledger
	at    map[string]*fold
	folds []*fold
	key   []byte
}

// fold is what several people share.
type fold struct {
	people []int32 // items of the first change, by whom they are about
	rows   []like
}

func (f *folder) add(same []int32) {
	same = slices.Clone(same)
	slices.SortStableFunc(same, func(a, b int32) int { return cmp.Compare(f.l.items[a].who, f.l.items[b].who) })
	it := f.l.items[same[0]]
	key := binary.LittleEndian.AppendUint32(f.key[:0], uint32(f.l.place[it.cause]))
	for _, i := range same {
		key = binary.LittleEndian.AppendUint32(key, uint32(f.l.items[i].who))
	}
	f.key = key
	x := f.at[string(key)]
	if x == nil {
		x = &fold{people: same}
		f.at[string(key)] = x
		f.folds = append(f.folds, x)
	}
	x.rows = append(x.rows, like{it.thing, it.notes})
}

// unit tells a fold; the names of a single change stand beside it.
func (f *fold) unit(g grouper, l *ledger) unit {
	b := block{cause: l.places[l.place[l.items[f.people[0]].cause]]}
	text, same := l.oneText(f.people)
	b.cause.Text = text
	var rows []row
	for _, k := range f.rows {
		rows = append(rows, l.row(k))
		b.rows = append(b.rows, blockRow{row: rows[len(rows)-1]})
	}
	whom := func(n int) *who { return &l.whos[l.items[f.people[n]].who] }
	u := unit{kind: rows[0].kind, risky: rows[0].risky, id: -1, many: &many{label: whom(0).listed()}}
	noun := nounOf(len(f.people), whom)
	b.title = Count(len(f.people), noun, noun)
	b.names = g.names(len(f.people), func(n int) string { return whom(n).listed() }, rows...)
	if len(rows) == 1 {
		b.rows[0].names, b.names = b.names, nil
		role := ""
		if l.entries != nil {
			role = throughRole(&l.entries[f.people[0]])
		}
		switch {
		case role != "":
			b.title += " " + verb(rows[0]) + " through role " + role
			b.sentence = true
		case !same:
			b.title += " " + verb(rows[0]) + lead(" ", text)
			b.sentence = true
		}
	}
	u.many.blocks = []block{b}
	return u
}

// compare orders units: what takes away before what gives, the risky before the harmless, people
// before what is told of several.
func (b *blocks) compare(x, y unit) int {
	if c := cmp.Or(order(x.kind)-order(y.kind), first(y.risky)-first(x.risky), first(x.many != nil)-first(y.many != nil)); c != 0 {
		return c
	}
	if x.many == nil {
		return cmp.Compare(x.id, y.id)
	}
	p, q := &x.many.blocks[0], &y.many.blocks[0]
	return cmp.Or(strings.Compare(x.many.label, y.many.label), strings.Compare(x.many.system, y.many.system), compareCause(&p.cause, &q.cause), p.rows[0].compare(q.rows[0].row))
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

func noun(entries []entry) string {
	return nounOf(len(entries), func(i int) *who { return &entries[i].who })
}

// nounOf is what so many are together.
func nounOf(n int, whom func(int) *who) string {
	kind := ""
	for i := range n {
		w := whom(i)
		switch {
		case w.person != "":
			kind = cmp.Or(kind, "people")
			if kind != "people" {
				return "holders"
			}
		case w.subject.IsAccount():
			kind = cmp.Or(kind, "accounts")
			if kind != "accounts" {
				return "holders"
			}
		default:
			return "holders"
		}
	}
	return kind
}

// throughRole names the role whose own line is the cause. What is only declared has no step, and
// no reasons that would tell.
func throughRole(e *entry) string {
	if e.step == nil {
		return ""
	}
	var reasons []access.Reason
	switch e.cause.Kind {
	case access.CauseDeclared:
		reasons = e.step.Reasons
	case access.CauseRemoved:
		reasons = e.step.Was
	}
	for _, r := range reasons {
		// The chain is the grant, then a line for each role, then the way to the person.
		n := len(r.Roles)
		if n > 0 && n < len(r.Chain) && r.Chain[n].File == e.cause.File && r.Chain[n].Line == e.cause.Line {
			return r.Roles[n-1]
		}
	}
	return ""
}

func verb(r row) string {
	switch r.kind {
	case taken:
		return "lose " + r.what
	case given:
		return "gain " + r.what
	}
	return "change: " + r.what
}

func compareCause(a, b *access.Cause) int {
	return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Text, b.Text), strings.Compare(string(a.Kind), string(b.Kind)))
}

// blocksBySystem gives each system its blocks, one a cause, with the names beside each change.
func (g grouper) blocksBySystem(l *ledger) *blocks {
	systems := newNumbering[string]()
	system := make([]int32, len(l.things))
	for i := range l.things {
		system[i] = systems.number(l.things[i].system)
	}
	of := func(i int32) int32 { return system[l.items[i].thing] }
	// Among the things of one system a change is a run of one thing and one note.
	items := byNumber(l.byPlace(l.byThing(l.byNotes(l.byWho(l.all())))), len(systems.list), of)
	var out []block
	for len(items) > 0 {
		at := l.items[items[0]]
		n := 1
		for n < len(items) && of(items[n]) == of(items[0]) && l.place[l.items[items[n]].cause] == l.place[at.cause] {
			n++
		}
		b := block{title: l.things[at.thing].system, cause: l.places[l.place[at.cause]]}
		b.cause.Text, _ = l.oneText(items[:n])
		for same := items[:n]; len(same) > 0; {
			k := l.sameChange(same)
			r := l.row(like{l.items[same[0]].thing, l.items[same[0]].notes})
			r.system = ""
			b.rows = append(b.rows, blockRow{row: r, names: g.names(k, func(n int) string { return l.whos[l.items[same[n]].who].listed() }, r)})
			same = same[k:]
		}
		out = append(out, b)
		items = items[n:]
	}
	slices.SortFunc(out, func(a, b block) int {
		x, y := a.rows[0], b.rows[0]
		return cmp.Or(strings.Compare(a.title, b.title), order(x.kind)-order(y.kind), first(y.risky)-first(x.risky), compareCause(&a.cause, &b.cause))
	})
	told := &blocks{l: l}
	for i := range out {
		told.units = append(told.units, unit{id: -1, many: &many{blocks: out[i : i+1]}})
	}
	return told
}
