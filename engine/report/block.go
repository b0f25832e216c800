package report

import (
	"cmp"
	"fmt"
	"slices"
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
	text, grant := entries[0].cause.Text, grantOf(entries[0])
	same = true
	for _, e := range entries {
		same = same && e.cause.Text == text
		if grantOf(e) != grant {
			grant = ""
		}
	}
	if same {
		return text, true
	}
	return lead("through grant ", grant), false
}

func grantOf(e entry) string {
	if e.step == nil {
		return ""
	}
	for _, r := range slices.Concat(e.step.Reasons, e.step.Was) {
		return r.Grant
	}
	return ""
}

// blocksByPerson gives each person their blocks, one a cause, and folds what is the same for
// three or more. Who loses something comes before who gains.
func (g grouper) blocksByPerson(entries []entry) []block {
	byChange := map[change][]entry{}
	for _, e := range entries {
		k := change{placeOf(e.cause), e.row}
		byChange[k] = append(byChange[k], e)
	}
	var units []unit
	folds := map[string]*unit{}
	people := map[who]*unit{}
	for _, k := range sortedChanges(byChange) {
		same := byChange[k]
		if g.fold && len(same) >= foldFrom {
			foldInto(folds, k, same)
			continue
		}
		for _, e := range same {
			id := who{person: e.who.person, system: e.who.system, subject: e.who.subject}
			if people[id] == nil {
				people[id] = &unit{label: id.label(), system: id.system}
			}
			people[id].add(e, id.label())
		}
	}
	for _, u := range folds {
		u.finishFold(g)
		units = append(units, *u)
	}
	units = append(units, g.alike(people)...)
	slices.SortFunc(units, unit.compare)
	var out []block
	for _, u := range units {
		out = append(out, u.blocks...)
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
}

// add puts a person's entry under its cause. Entries come sorted, worst first.
func (u *unit) add(e entry, title string) {
	i := slices.IndexFunc(u.blocks, func(b block) bool { return b.cause == e.cause })
	if i < 0 {
		i = len(u.blocks)
		u.blocks = append(u.blocks, block{title: title, cause: e.cause})
	}
	b := &u.blocks[i]
	if e.who.account != "" && e.step != nil && e.step.Action.OnGrant() && !named(b.rows, e) {
		e.row.notes = join("as "+quoteName(e.who.account), e.row.notes)
	}
	b.rows = append(b.rows, blockRow{row: e.row, like: likeRow(e)})
}

// named reports whether a row tells the account's name already.
func named(rows []blockRow, e entry) bool {
	return slices.ContainsFunc(rows, func(r blockRow) bool { return r.system == e.row.system && r.what == object(e.step.Subject) })
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

func foldInto(folds map[string]*unit, k change, same []entry) {
	slices.SortFunc(same, func(a, b entry) int { return compareWho(a.who, b.who) })
	var key strings.Builder
	fmt.Fprintf(&key, "%q %q %d %q", k.cause.Kind, k.cause.File, k.cause.Line, k.cause.Text)
	for _, e := range same {
		fmt.Fprintf(&key, " %q %q %q %q", e.who.person, e.who.system, e.who.subject.String(), e.who.account)
	}
	u := folds[key.String()]
	if u == nil {
		u = &unit{fold: len(same), people: same, blocks: []block{{cause: k.cause}}}
		u.blocks[0].cause.Text, u.oneText = oneText(same)
		for _, e := range same {
			u.blocks[0].names = append(u.blocks[0].names, e.who.listed())
		}
		u.label = u.blocks[0].names[0]
		folds[key.String()] = u
	}
	u.blocks[0].rows = append(u.blocks[0].rows, blockRow{row: k.row})
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

func sortedChanges(m map[change][]entry) []change {
	out := make([]change, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b change) int {
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
	byKey := map[key][]entry{}
	for _, e := range entries {
		k := key{e.row.system, placeOf(e.cause)}
		byKey[k] = append(byKey[k], e)
	}
	var out []block
	for k, entries := range byKey {
		b := block{title: k.system, cause: k.cause}
		b.cause.Text, _ = oneText(entries)
		rows := map[row][]who{}
		for _, e := range entries {
			r := e.row
			r.system = ""
			rows[r] = append(rows[r], e.who)
		}
		for r, people := range rows {
			slices.SortFunc(people, compareWho)
			names := make([]string, len(people))
			for i, w := range people {
				names[i] = w.listed()
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
