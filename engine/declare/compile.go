package declare

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/accordhq/accord/engine/access"
)

// Compile makes a record of all files of the repository that fit into one, to be read by
// OpenCompiled. It is nil where there is too much for one.
func (r *Repository) Compile() []byte {
	c := &compiling{w: &writer{numbers: map[string]uint64{}}, sections: make([][]byte, numSections)}
	c.coder = &coder{w: c.w}
	c.files(r.files.all())
	if r.clean && r.sound != nil {
		c.index(r)
	}
	c.sections[secRecords] = c.w.out
	c.sections[secTextEnds], c.sections[secTexts] = textsOf(c.w)
	return assemble(c.sections)
}

// compiling is a record while it is written.
type compiling struct {
	w        *writer
	coder    *coder
	sections [][]byte
	people   []row
	groups   []row
	roles    []row
	grants   []row
	refs     []ref
}

// row is where a document stands.
type row struct {
	id          string
	file, place int
}

func (c *compiling) put(section int, numbers ...int) {
	for _, n := range numbers {
		c.sections[section] = binary.LittleEndian.AppendUint32(c.sections[section], uint32(n))
	}
}

func (c *compiling) text(s string) int { return int(c.w.numberOf(s)) }

// files writes the records, and notes which documents are where.
func (c *compiling) files(list []*parsed) {
	type span struct{ from, to int }
	done := make(map[string]span, len(list))
	var contents []row
	n := 0
	for _, p := range list {
		if !p.compiles() {
			if p.blob != "" {
				c.put(secOthers, c.text(p.file), c.text(p.blob))
			}
			continue
		}
		at, ok := done[p.blob]
		if !ok {
			at.from = len(c.w.out)
			c.coder.file(p)
			at.to = len(c.w.out)
			done[p.blob] = at
			contents = append(contents, row{p.blob, n, 0})
		}
		c.put(secFiles, c.text(p.file), c.text(p.blob), at.from, at.to)
		rowsOf(&c.people, p.people, n)
		rowsOf(&c.groups, p.groups, n)
		rowsOf(&c.roles, p.roles, n)
		rowsOf(&c.grants, p.grants, n)
		if len(p.systems) > 0 {
			c.put(secSystems, n)
		}
		p.refsOf(func(kind int, id string) { c.refs = append(c.refs, ref{kind, id, n}) })
		n++
	}
	slices.SortFunc(contents, compareRows)
	for _, x := range contents {
		c.put(secContents, x.file)
	}
}

func rowsOf[D document](rows *[]row, docs []D, file int) {
	for i, d := range docs {
		*rows = append(*rows, row{d.id().Value, file, i})
	}
}

func compareRows(a, b row) int { return strings.Compare(a.id, b.id) }

// index writes what tells where documents are, and whom they may be about.
func (c *compiling) index(r *Repository) {
	var beside sync.WaitGroup
	for _, rows := range [][]row{c.people, c.groups, c.roles, c.grants} {
		beside.Go(func() { slices.SortFunc(rows, compareRows) })
	}
	var names []nameOf
	patterns := patternsOf(r.Systems)
	beside.Go(func() { names = namesOf(r.People(), patterns) })
	var dates []dated
	beside.Go(func() { dates = allDates(r) })
	beside.Wait()
	for i, rows := range [][]row{c.people, c.groups, c.roles, c.grants} {
		for _, x := range rows {
			c.put(secPeople+i, c.text(x.id), x.file, x.place)
		}
	}
	renamed(c, kindPeople, r.People())
	renamed(c, kindGroups, r.Groups())
	renamed(c, kindRoles, r.Roles())
	renamed(c, kindGrants, r.Grants())
	for i, role := range r.Roles() {
		if len(role.Exclusive) > 0 {
			c.put(secExclusive, i)
		}
	}
	for i, p := range r.People() {
		if p.Service {
			c.put(secServices, i)
		}
	}
	for _, key := range sortedKeys(needed(r.Groups(), r.Grants())) {
		c.put(secNeeded, c.text(key))
	}
	for _, group := range sortedKeys(strict(r)) {
		c.put(secStrict, c.text(group))
	}
	for _, group := range sortedKeys(answering(r)) {
		c.put(secAnswering, c.text(group))
	}
	c.teams(r.People())
	if r.ReportsMatter() {
		c.put(secReporting, 1)
	}
	c.atoms(r)
	c.putRefs(c.refs)
	for _, d := range dates {
		c.put(secDates, int(uint64(d.at)>>32), int(d.at&0xffffffff), d.kind, d.doc)
	}
	for _, p := range patterns {
		c.put(secPatterns, c.text(p))
	}
	for _, n := range names {
		c.put(secNames, int(n.hash>>32), int(n.hash&0xffffffff), n.person)
	}
}

// The kinds of documents whose number is in secRenamed.
const (
	kindPeople = iota
	kindGroups
	kindRoles
	kindGrants
)

func renamed[D document](c *compiling, kind int, docs []D) {
	for i, d := range docs {
		if len(d.doc().Previously) > 0 {
			c.put(secRenamed, kind, i)
		}
	}
}

// teams writes who reports to whom.
func (c *compiling) teams(people []*Person) {
	var rows []row
	for i, p := range people {
		if p.Manager.Value != "" {
			rows = append(rows, row{id: p.Manager.Value, place: i})
		}
	}
	slices.SortStableFunc(rows, compareRows)
	for i, x := range rows {
		c.put(secReports, x.place)
		if i+1 == len(rows) || rows[i+1].id != x.id {
			c.put(secTeams, c.text(x.id), i+1)
		}
	}
}

// atoms writes which groups and grants can be about whom.
func (c *compiling) atoms(r *Repository) {
	type about struct {
		atom
		doc int
	}
	counts := countAttributes(r.People())
	var list []about
	add := func(doc int, terms []Term) {
		atoms, wide := atomsOf(terms, counts)
		if wide {
			c.put(secWide, doc)
			return
		}
		for _, a := range atoms {
			list = append(list, about{a, doc})
		}
	}
	for i, g := range r.Groups() {
		add(i, g.Members)
	}
	for i, g := range r.Grants() {
		add(len(r.Groups())+i, g.To)
	}
	slices.SortFunc(list, func(a, b about) int { return cmp.Or(a.compare(b.atom), cmp.Compare(a.doc, b.doc)) })
	list = slices.Compact(list)
	for i, x := range list {
		c.put(secAbout, x.doc)
		if i+1 == len(list) || list[i+1].atom != x.atom {
			c.put(secAtoms, int(x.kind), c.text(x.name), c.text(x.value), i+1)
		}
	}
}

// nameOf is somebody who may have an account of a name, by its hash.
type nameOf struct {
	hash   uint64
	person int
}

// nameHash is that of a name, folded, by the rule that makes it or the system on which it was given;
// names that differ may have one hash.
func nameHash(by, name string) uint64 { return hashOf(by, access.Fold(name)) }

// emailHash is that of an address: the same for those that strings.EqualFold takes for one.
func emailHash(email string) uint64 {
	return hashOf(byEmail, strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, email))
}

func hashOf(by, text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(by))
	h.Write([]byte{0})
	h.Write([]byte(text))
	return h.Sum64()
}

// What is hashed: names by the rule that makes them, or by the system on which they were given, and
// addresses.
const (
	byRule   = "rule "
	byPerson = "on "
	byEmail  = "email"
)

// patternsOf are the rules by which the systems name accounts, sorted, but for the usual one, by
// which they are people's ids.
func patternsOf(systems []*System) []string {
	var out []string
	for _, s := range systems {
		if p := s.Accounts.Name.Value; p != "" && p != usualName {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

const usualName = "{person}"

// namesOf are the names that the rules, and that documents of their own, give to people, and their
// addresses; sorted.
func namesOf(people []*Person, patterns []string) []nameOf {
	var rules []Template
	var by []string
	for _, p := range append(slices.Clone(patterns), usualName) { // by the usual one there may still be others with the fold of an id
		if t, err := ParseTemplate(p); err == nil {
			rules, by = append(rules, t), append(by, byRule+p)
		}
	}
	out := make([]nameOf, 0, len(people)*len(rules))
	for i, p := range people {
		for k, t := range rules {
			if name, err := t.Expand(p); err == nil {
				out = append(out, nameOf{nameHash(by[k], name), i})
			}
		}
		for _, a := range p.Accounts {
			out = append(out, nameOf{nameHash(byPerson+a.Key.Value, a.Value.Value), i})
		}
		if p.Email.Value != "" {
			out = append(out, nameOf{emailHash(p.Email.Value), i})
		}
	}
	slices.SortFunc(out, func(a, b nameOf) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.person, b.person)) })
	return out
}
