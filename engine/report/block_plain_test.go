package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// Blocks made the plain way, entry by entry and with texts as keys: what blocks in numbers are held
// to. Lines are written one by one.

func (g grouper) plain(p *page, entries []entry, indent int) {
	made := g.plainByPerson
	if g.bySystem {
		made = g.plainBySystem
	}
	var w widths
	var out []block
	for _, b := range made(entries) {
		x := block{title: b.title, sentence: b.sentence, cause: b.cause, names: b.names}
		for _, r := range b.rows {
			x.rows = append(x.rows, blockRow{r.row, r.names})
		}
		w.seeBlock(&x)
		out = append(out, x)
	}
	l := p.layout(w, indent)
	for i := range out {
		p.block(&out[i], l)
	}
}

type plainBlock struct {
	title    string
	sentence bool
	cause    access.Cause
	rows     []plainRow
	names    []string
}

type plainRow struct {
	row
	names []string
	like  row
}

func gather[K comparable](entries []entry, key func(*entry) K) (keys []K, groups [][]entry) {
	at, of := map[K]int32{}, make([]int32, len(entries))
	var sizes []int
	for i := range entries {
		k := key(&entries[i])
		n, ok := at[k]
		if !ok {
			n = int32(len(keys))
			at[k] = n
			keys, sizes = append(keys, k), append(sizes, 0)
		}
		of[i] = n
		sizes[n]++
	}
	all := make([]entry, len(entries)) // one piece of memory for all groups
	groups = make([][]entry, len(keys))
	for n, size := range sizes {
		groups[n], all = all[:0:size], all[size:]
	}
	for i, n := range of {
		groups[n] = append(groups[n], entries[i])
	}
	return keys, groups
}

func (g grouper) plainByPerson(entries []entry) []plainBlock {
	changes, groups := gather(entries, func(e *entry) change { return change{placeOf(e.cause), e.row} })
	folds := map[string]*plainUnit{}
	people := map[who]*plainUnit{}
	for _, i := range plainSorted(changes) {
		same := groups[i]
		if g.fold && len(same) >= foldFrom {
			plainFold(folds, changes[i], same)
			continue
		}
		for _, e := range same {
			id := who{person: e.who.person, system: e.who.system, subject: e.who.subject}
			u := people[id]
			if u == nil {
				u = &plainUnit{label: id.label(), system: id.system}
				people[id] = u
			}
			u.add(e, u.label)
		}
	}
	units := make([]plainUnit, 0, len(folds)+len(people))
	for _, u := range folds {
		u.finish(g)
		units = append(units, *u)
	}
	units = append(units, g.plainAlike(people)...)
	slices.SortFunc(units, plainUnit.compare)
	n := 0
	for i := range units {
		n += len(units[i].blocks)
	}
	out := make([]plainBlock, 0, n)
	for i := range units {
		out = append(out, units[i].blocks...)
	}
	return out
}

type plainUnit struct {
	label, system string
	fold          int // how many
	blocks        []plainBlock
	people        []entry
	oneText       bool // the cause is told of all of them in the same words
	// byCause are the blocks by their causes, once there are many; told the rows that are about
	// an account itself, and name it.
	byCause map[access.Cause]int
	told    []plainAccountRow
}

// plainMany is from how many blocks on they are found by a map.
const plainMany = 16

// add puts a person's entry under its cause. Entries come sorted, worst first.
func (u *plainUnit) add(e entry, title string) {
	i := u.find(e.cause)
	if i < 0 {
		i = len(u.blocks)
		u.blocks = append(u.blocks, plainBlock{title: title, cause: e.cause})
		if u.byCause != nil {
			u.byCause[e.cause] = i
		}
	}
	b := &u.blocks[i]
	switch {
	case e.step == nil:
	case !e.step.Action.OnGrant():
		u.told = append(u.told, plainAccountRow{i, e.row.system, e.row.what})
	case e.who.account != "" && !slices.Contains(u.told, plainAccountRow{i, e.row.system, object(e.step.Subject)}):
		e.row.notes = join("as "+quoteName(e.who.account), e.row.notes)
	}
	b.rows = append(b.rows, plainRow{row: e.row, like: likeRow(&e)})
}

// find gives the place of the block of a cause, or -1.
func (u *plainUnit) find(c access.Cause) int {
	if u.byCause == nil && len(u.blocks) > plainMany {
		u.byCause = make(map[access.Cause]int, 2*len(u.blocks))
		for i := range u.blocks {
			u.byCause[u.blocks[i].cause] = i
		}
	}
	if u.byCause != nil {
		if i, ok := u.byCause[c]; ok {
			return i
		}
		return -1
	}
	for i := range u.blocks {
		if u.blocks[i].cause == c {
			return i
		}
	}
	return -1
}

type plainAccountRow struct {
	block        int
	system, what string
}

func plainFold(folds map[string]*plainUnit, k change, same []entry) {
	slices.SortFunc(same, func(a, b entry) int { return compareWho(&a.who, &b.who) })
	key := plainParts(nil, string(k.cause.Kind), k.cause.File, strconv.Itoa(k.cause.Line), k.cause.Text)
	for i := range same {
		w := &same[i].who
		key = plainParts(key, w.person, w.system, w.subject.Kind, w.subject.Name, w.account)
	}
	u := folds[string(key)]
	if u == nil {
		u = &plainUnit{fold: len(same), people: same, blocks: []plainBlock{{cause: k.cause}}}
		u.blocks[0].cause.Text, u.oneText = plainText(same)
		for _, e := range same {
			u.blocks[0].names = append(u.blocks[0].names, e.who.listed())
		}
		u.label = u.blocks[0].names[0]
		folds[string(key)] = u
	}
	u.blocks[0].rows = append(u.blocks[0].rows, plainRow{row: k.row})
}

func plainParts(key []byte, parts ...string) []byte {
	for _, p := range parts {
		key = append(strconv.AppendInt(key, int64(len(p)), 10), ' ')
		key = append(key, p...)
	}
	return key
}

// finishFold gives a fold its title; the names of a single change stand beside it.
func (u *plainUnit) finish(g grouper) {
	b := &u.blocks[0]
	b.title = Count(u.fold, noun(u.people), noun(u.people))
	var rows []row
	for _, r := range b.rows {
		rows = append(rows, r.row)
	}
	b.names = g.plainNames(b.names, rows...)
	if len(b.rows) > 1 {
		return
	}
	b.rows[0].names, b.names = b.names, nil
	switch role := throughRole(&u.people[0]); {
	case role != "":
		b.title += " " + verb(b.rows[0].row) + " through role " + role
		b.sentence = true
	case !u.oneText:
		b.title += " " + verb(b.rows[0].row) + lead(" ", b.cause.Text)
		b.sentence = true
	}
}

func (u plainUnit) compare(o plainUnit) int {
	a, b := u.blocks[0].rows[0], o.blocks[0].rows[0]
	return cmp.Or(cmp.Compare(order(a.kind), order(b.kind)), first(b.risky)-first(a.risky), cmp.Compare(first(u.fold > 0), first(o.fold > 0)),
		strings.Compare(u.label, o.label), strings.Compare(u.system, o.system), compareCause(&u.blocks[0].cause, &o.blocks[0].cause), a.compare(b.row))
}

// plainSorted gives the places of changes in their order.
func plainSorted(changes []change) []int32 {
	out := make([]int32, len(changes))
	for i := range out {
		out[i] = int32(i)
	}
	slices.SortFunc(out, func(i, j int32) int {
		a, b := &changes[i], &changes[j]
		if c := a.row.compare(b.row); c != 0 {
			return c
		}
		return compareCause(&a.cause, &b.cause)
	})
	return out
}

func (g grouper) plainBySystem(entries []entry) []plainBlock {
	type key struct {
		system string
		cause  access.Cause
	}
	keys, groups := gather(entries, func(e *entry) key { return key{e.row.system, placeOf(e.cause)} })
	out := make([]plainBlock, 0, len(keys))
	for i, k := range keys {
		b := plainBlock{title: k.system, cause: k.cause}
		b.cause.Text, _ = plainText(groups[i])
		rows, people := gather(groups[i], func(e *entry) row { return e.row })
		for j, r := range rows {
			r.system = ""
			slices.SortFunc(people[j], func(a, b entry) int { return compareWho(&a.who, &b.who) })
			names := make([]string, len(people[j]))
			for i, e := range people[j] {
				names[i] = e.who.listed()
			}
			b.rows = append(b.rows, plainRow{row: r, names: g.plainNames(names, r)})
		}
		slices.SortFunc(b.rows, func(a, b plainRow) int { return a.compare(b.row) })
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b plainBlock) int {
		x, y := a.rows[0], b.rows[0]
		return cmp.Or(strings.Compare(a.title, b.title), order(x.kind)-order(y.kind), first(y.risky)-first(x.risky), compareCause(&a.cause, &b.cause))
	})
	return out
}

// form appends how the blocks of a person read without the name and the lines.
func (u *plainUnit) form(key []byte) []byte {
	for i := range u.blocks {
		bl := &u.blocks[i]
		key = plainParts(key, string(bl.cause.Kind), bl.cause.File, theirs(bl.cause.Text, u.label))
		for j := range bl.rows {
			r := &bl.rows[j].like
			key = plainParts(append(key, 'r', byte(r.kind), byte(first(r.risky))), r.system, r.what, r.notes)
		}
		key = append(key, '\n')
	}
	return key
}

// alike tells as one what reads the same of three or more people but for the name and the line,
// such as joiners who each have a line of their own.
func (g grouper) plainAlike(people map[who]*plainUnit) []plainUnit {
	out := make([]plainUnit, 0, len(people))
	at := map[string]int{}
	var groups [][]*plainUnit
	var key []byte
	for id, u := range people {
		if g.verbose || !g.fold || id.person == "" { // each alone
			out = append(out, *u)
			continue
		}
		key = u.form(key[:0])
		n, ok := at[string(key)]
		if !ok {
			n = len(groups)
			at[string(key)], groups = n, append(groups, nil)
		}
		groups[n] = append(groups[n], u)
	}
	for _, same := range groups {
		if len(same) < foldFrom {
			for _, u := range same {
				out = append(out, *u)
			}
			continue
		}
		slices.SortFunc(same, func(a, b *plainUnit) int { return strings.Compare(a.label, b.label) })
		out = append(out, g.plainMerge(same))
	}
	return out
}

// merge makes one plainUnit of several that are alike.
func (g grouper) plainMerge(same []*plainUnit) plainUnit {
	u := plainUnit{label: same[0].label, system: same[0].system, fold: len(same)}
	for i, b := range same[0].blocks {
		first, last := b.cause.Line, b.cause.Line
		for _, o := range same {
			first, last = min(first, o.blocks[i].cause.Line), max(last, o.blocks[i].cause.Line)
		}
		m := plainBlock{title: Count(len(same), "people", "people"), cause: b.cause}
		m.cause.Text = cmp.Or(theirs(b.cause.Text, same[0].label), "for each of them")
		if first > 0 && last > first {
			m.cause.File, m.cause.Line = fmt.Sprintf("%s:%d-%d", b.cause.File, first, last), 0
		}
		var rows []row
		for _, r := range b.rows {
			m.rows = append(m.rows, plainRow{row: r.like, like: r.like})
			rows = append(rows, r.like)
		}
		for _, o := range same {
			m.names = append(m.names, quoteName(o.label))
		}
		m.names = g.plainNames(m.names, rows...)
		u.blocks = append(u.blocks, m)
	}
	return u
}

func plainText(entries []entry) (text string, same bool) {
	same = !slices.ContainsFunc(entries, func(e entry) bool { return e.cause.Text != entries[0].cause.Text })
	return oneText(entries), same
}

func (g grouper) plainNames(names []string, rows ...row) []string {
	if g.verbose || len(names) <= fewNames+2 || slices.ContainsFunc(rows, row.pressing) {
		return names
	}
	return append(slices.Clone(names[:fewNames]), fmt.Sprintf("and %d more (-v shows all)", len(names)-fewNames))
}
