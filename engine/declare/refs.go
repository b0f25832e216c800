package declare

import (
	"cmp"
	"slices"
	"strings"
)

// A document that goes is missed by whoever still names it. Which files name what is told by an index,
// so that nobody need look through all of them where somebody leaves whom nobody names.

// ref is something that a file names.
type ref struct {
	kind int // as in secRenamed
	id   string
	file int
}

func (r ref) compare(o ref) int {
	return cmp.Or(cmp.Compare(r.kind, o.kind), strings.Compare(r.id, o.id), cmp.Compare(r.file, o.file))
}

// refsOf calls with each person, group and role that the documents of a file name. Owners may be
// people or groups; both are called with.
func (p *parsed) refsOf(name func(kind int, id string)) {
	owners := func(list []Text) {
		for _, o := range list {
			name(kindPeople, o.Value)
			name(kindGroups, o.Value)
		}
	}
	roles := func(list []Text) {
		for _, r := range list {
			name(kindRoles, r.Value)
		}
	}
	var terms func([]Term)
	terms = func(list []Term) {
		for i := range list {
			switch t := &list[i]; t.Kind {
			case TermPerson, TermReports:
				name(kindPeople, t.Name.Value)
			case TermGroup:
				name(kindGroups, t.Name.Value)
			}
			terms(list[i].Terms)
		}
	}
	for _, d := range p.people {
		owners(d.Owners)
		if d.Manager.Value != "" {
			name(kindPeople, d.Manager.Value)
		}
	}
	for _, d := range p.groups {
		owners(d.Owners)
		terms(d.Members)
		terms(d.Only)
		terms(d.Except)
	}
	for _, d := range p.roles {
		owners(d.Owners)
		roles(d.Includes)
		roles(d.Exclusive)
	}
	for _, d := range p.grants {
		terms(d.To)
		roles(d.Roles)
	}
	for _, d := range p.systems {
		owners(d.Owners)
		for i := range d.Resources {
			owners(d.Resources[i].Owners)
		}
	}
	for _, d := range p.exempts {
		owners(d.Who)
	}
}

// putRefs writes which files name what.
func (c *compiling) putRefs(refs []ref) {
	slices.SortFunc(refs, ref.compare)
	refs = slices.Compact(refs)
	for i, r := range refs {
		c.put(secReferrers, r.file)
		if i+1 == len(refs) || refs[i+1].kind != r.kind || refs[i+1].id != r.id {
			c.put(secRefs, r.kind, c.text(r.id), i+1)
		}
	}
}

// referrers are the files of a record that name something.
func (c *Compiled) referrers(kind int, id string) []int {
	table := c.numbers(secRefs)
	return c.of(secRefs, secReferrers, 3, func(row int) int {
		return ref{kind: table.at(3 * row), id: c.texts.at(table.at(3*row + 1))}.compare(ref{kind: kind, id: id})
	})
}

// named reports whether a file of what was kept still names something that is gone; also where that
// isn't known.
func (f *fileTable) named(kind int, id string) bool {
	if f.late == nil {
		return true
	}
	c := f.late.from.c
	if slices.ContainsFunc(c.referrers(kind, id), func(n int) bool { return !f.late.gone[c.texts.at(c.file(n, filePath))] }) {
		return true
	}
	found := false
	for _, p := range f.late.from.others {
		p.refsOf(func(k int, name string) { found = found || k == kind && name == id })
	}
	return found
}
