package report

import (
	"cmp"
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

// cutNames leaves of a long list of people who gain something what can be read at a glance.
func (g grouper) cutNames(names []string, rows ...row) []string {
	if slices.ContainsFunc(rows, row.pressing) {
		return names
	}
	if g.verbose || len(names) <= fewNames+2 {
		return names
	}
	return append(slices.Clone(names[:fewNames]), fmt.Sprintf("and %d more (-v shows all)", len(names)-fewNames))
}

// likeRow is the row as it reads of many: of new accounts their names and attributes are each
// one's own.
func likeRow(e entry) row {
	r := e.row
	if e.step != nil && e.step.Action == access.Create && e.step.Subject.IsAccount() {
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

// form appends how the blocks of a person read without the name and the lines.
func (u *unit) form(key []byte) []byte {
	for i := range u.blocks {
		bl := &u.blocks[i]
		key = appendParts(key, string(bl.cause.Kind), bl.cause.File, theirs(bl.cause.Text, u.label))
		for j := range bl.rows {
			r := &bl.rows[j].like
			key = appendParts(append(key, 'r', byte(r.kind), byte(first(r.risky))), r.system, r.what, r.notes)
		}
		key = append(key, '\n')
	}
	return key
}

// alike tells as one what reads the same of three or more people but for the name and the line,
// such as joiners who each have a line of their own.
func (g grouper) alike(people map[who]*unit) []unit {
	out := make([]unit, 0, len(people))
	at := map[string]int{}
	var groups [][]*unit
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
		slices.SortFunc(same, func(a, b *unit) int { return strings.Compare(a.label, b.label) })
		out = append(out, g.merge(same))
	}
	return out
}

// merge makes one unit of several that are alike.
func (g grouper) merge(same []*unit) unit {
	u := unit{label: same[0].label, system: same[0].system, fold: len(same)}
	for i, b := range same[0].blocks {
		first, last := b.cause.Line, b.cause.Line
		for _, o := range same {
			first, last = min(first, o.blocks[i].cause.Line), max(last, o.blocks[i].cause.Line)
		}
		m := block{title: Count(len(same), "people", "people"), cause: b.cause}
		m.cause.Text = cmp.Or(theirs(b.cause.Text, same[0].label), "for each of them")
		if first > 0 && last > first {
			m.cause.File, m.cause.Line = fmt.Sprintf("%s:%d-%d", b.cause.File, first, last), 0
		}
		var rows []row
		for _, r := range b.rows {
			m.rows = append(m.rows, blockRow{row: r.like, like: r.like})
			rows = append(rows, r.like)
		}
		for _, o := range same {
			m.names = append(m.names, quoteName(o.label))
		}
		m.names = g.cutNames(m.names, rows...)
		u.blocks = append(u.blocks, m)
	}
	return u
}
