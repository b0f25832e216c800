package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// block is a cause and what comes of it, for one person, for many who fare the same, or for
// one system.
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
	like  row // as it reads where many have the like
}

// foldFrom is from how many people on the same change for the same cause is said once.
const foldFrom = 3

// grouper sorts entries into blocks.
type grouper struct {
	bySystem bool
	fold     bool
	verbose  bool // names everybody
}

func (g grouper) blocks(entries []entry) []block {
	if g.bySystem {
		return g.blocksBySystem(entries)
	}
	return g.blocksByPerson(entries)
}

// change is what folds: the same change by the same cause.
type change struct {
	cause access.Cause // without its text, where a line tells
	row   row
}

// placeOf is a cause without its text where it points to a line: what a line does for several
// people is told of each by their name, and is one cause all the same.
func placeOf(c access.Cause) access.Cause {
	if c.File != "" && c.Line > 0 {
		c.Text = ""
	}
	return c
}

// oneText is what all these entries say of their cause; where that differs, the grant that it
// comes through, if it is one.
func oneText(entries []entry) (text string, same bool) {
	text, grant := entries[0].cause.Text, grantOf(&entries[0])
	same = true
	for i := range entries {
		same = same && entries[i].cause.Text == text
		if grant != "" && grantOf(&entries[i]) != grant {
			grant = ""
		}
	}
	if same {
		return text, true
	}
	return lead("through grant ", grant), false
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

// gather brings together the entries of one key, in the order that they come in. The keys come
// as they are first met.
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

// blocksByPerson gives each person their blocks, one a cause, and folds what is the same for
// three or more. Who loses something comes before who gains.
func (g grouper) blocksByPerson(entries []entry) []block {
	changes, groups := gather(entries, func(e *entry) change { return change{placeOf(e.cause), e.row} })
	folds := map[string]*unit{}
	people := map[who]*unit{}
	for _, i := range sortedChanges(changes) {
		same := groups[i]
		if g.fold && len(same) >= foldFrom {
			foldInto(folds, changes[i], same)
			continue
		}
		for _, e := range same {
			id := who{person: e.who.person, system: e.who.system, subject: e.who.subject}
			u := people[id]
			if u == nil {
				u = &unit{label: id.label(), system: id.system}
				people[id] = u
			}
			u.add(e, u.label)
		}
	}
	units := make([]unit, 0, len(folds)+len(people))
	for _, u := range folds {
		u.finishFold(g)
		units = append(units, *u)
	}
	units = append(units, g.alike(people)...)
	slices.SortFunc(units, unit.compare)
	n := 0
	for i := range units {
		n += len(units[i].blocks)
	}
	out := make([]block, 0, n)
	for i := range units {
		out = append(out, units[i].blocks...)
	}
	return out
}

// unit is what stays together when blocks are sorted: the blocks of one person, or one fold.
type unit struct {
	label, system string
	fold          int // how many
	blocks        []block
	people        []entry
	oneText       bool // the cause is told of all of them in the same words
	// byCause are the blocks by their causes, once there are many; told the rows that are about
	// an account itself, and name it.
	byCause map[access.Cause]int
	told    []accountRow
}

// manyBlocks is from how many blocks on they are found by a map.
const manyBlocks = 16

// add puts a person's entry under its cause. Entries come sorted, worst first.
func (u *unit) add(e entry, title string) {
	i := u.find(e.cause)
	if i < 0 {
		i = len(u.blocks)
		u.blocks = append(u.blocks, block{title: title, cause: e.cause})
		if u.byCause != nil {
			u.byCause[e.cause] = i
		}
	}
	b := &u.blocks[i]
	switch {
	case e.step == nil:
	case !e.step.Action.OnGrant():
		u.told = append(u.told, accountRow{i, e.row.system, e.row.what})
	case e.who.account != "" && !slices.Contains(u.told, accountRow{i, e.row.system, object(e.step.Subject)}):
		e.row.notes = join("as "+quoteName(e.who.account), e.row.notes)
	}
	b.rows = append(b.rows, blockRow{row: e.row, like: likeRow(e)})
}

// find gives the place of the block of a cause, or -1.
func (u *unit) find(c access.Cause) int {
	if u.byCause == nil && len(u.blocks) > manyBlocks {
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

// accountRow is a row of a block that is about an account itself.
type accountRow struct {
	block        int
	system, what string
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

func foldInto(folds map[string]*unit, k change, same []entry) {
	slices.SortFunc(same, func(a, b entry) int { return compareWho(a.who, b.who) })
	key := appendParts(nil, string(k.cause.Kind), k.cause.File, strconv.Itoa(k.cause.Line), k.cause.Text)
	for i := range same {
		w := &same[i].who
		key = appendParts(key, w.person, w.system, w.subject.Kind, w.subject.Name, w.account)
	}
	u := folds[string(key)]
	if u == nil {
		u = &unit{fold: len(same), people: same, blocks: []block{{cause: k.cause}}}
		u.blocks[0].cause.Text, u.oneText = oneText(same)
		for _, e := range same {
			u.blocks[0].names = append(u.blocks[0].names, e.who.listed())
		}
		u.label = u.blocks[0].names[0]
		folds[string(key)] = u
	}
	u.blocks[0].rows = append(u.blocks[0].rows, blockRow{row: k.row})
}

// appendParts appends strings to a key so that different strings make different keys.
func appendParts(key []byte, parts ...string) []byte {
	for _, p := range parts {
		key = append(strconv.AppendInt(key, int64(len(p)), 10), ' ')
		key = append(key, p...)
	}
	return key
}

// finishFold gives a fold its title; the names of a single change stand beside it.
func (u *unit) finishFold(g grouper) {
	b := &u.blocks[0]
	b.title = Count(u.fold, noun(u.people), noun(u.people))
	var rows []row
	for _, r := range b.rows {
		rows = append(rows, r.row)
	}
	b.names = g.cutNames(b.names, rows...)
	if len(b.rows) > 1 {
		return
	}
	b.rows[0].names, b.names = b.names, nil
	switch role := throughRole(u.people[0]); {
	case role != "":
		b.title += " " + verb(b.rows[0].row) + " through role " + role
		b.sentence = true
	case !u.oneText:
		b.title += " " + verb(b.rows[0].row) + lead(" ", b.cause.Text)
		b.sentence = true
	}
}

func noun(entries []entry) string {
	kind := ""
	for _, e := range entries {
		switch {
		case e.who.person != "":
			kind = cmp.Or(kind, "people")
			if kind != "people" {
				return "holders"
			}
		case e.who.subject.IsAccount():
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
func throughRole(e entry) string {
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

func (u unit) compare(o unit) int {
	a, b := u.blocks[0].rows[0], o.blocks[0].rows[0]
	return cmp.Or(cmp.Compare(order(a.kind), order(b.kind)), first(b.risky)-first(a.risky), cmp.Compare(first(u.fold > 0), first(o.fold > 0)),
		strings.Compare(u.label, o.label), strings.Compare(u.system, o.system), compareCause(u.blocks[0].cause, o.blocks[0].cause), a.compare(b.row))
}

// sortedChanges gives the places of changes in their order.
func sortedChanges(changes []change) []int32 {
	out := make([]int32, len(changes))
	for i := range out {
		out[i] = int32(i)
	}
	slices.SortFunc(out, func(i, j int32) int {
		a, b := &changes[i], &changes[j]
		if c := a.row.compare(b.row); c != 0 {
			return c
		}
		return compareCause(a.cause, b.cause)
	})
	return out
}

func compareCause(a, b access.Cause) int {
	return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Text, b.Text), strings.Compare(string(a.Kind), string(b.Kind)))
}

// blocksBySystem gives each system its blocks, one a cause, with the names beside each change.
func (g grouper) blocksBySystem(entries []entry) []block {
	type key struct {
		system string
		cause  access.Cause
	}
	keys, groups := gather(entries, func(e *entry) key { return key{e.row.system, placeOf(e.cause)} })
	out := make([]block, 0, len(keys))
	for i, k := range keys {
		b := block{title: k.system, cause: k.cause}
		b.cause.Text, _ = oneText(groups[i])
		rows, people := gather(groups[i], func(e *entry) row { return e.row })
		for j, r := range rows {
			r.system = ""
			slices.SortFunc(people[j], func(a, b entry) int { return compareWho(a.who, b.who) })
			names := make([]string, len(people[j]))
			for i, e := range people[j] {
				names[i] = e.who.listed()
			}
			b.rows = append(b.rows, blockRow{row: r, names: g.cutNames(names, r)})
		}
		slices.SortFunc(b.rows, func(a, b blockRow) int { return a.compare(b.row) })
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b block) int {
		x, y := a.rows[0], b.rows[0]
		return cmp.Or(strings.Compare(a.title, b.title), order(x.kind)-order(y.kind), first(y.risky)-first(x.risky), compareCause(a.cause, b.cause))
	})
	return out
}
