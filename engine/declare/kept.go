package declare

import (
	"fmt"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/accordhq/accord/engine/access"
)

// kept is what a record holds of a repository that was sound. A file is read when somebody asks for
// a document of it, once: whoever asks again gets the same pointers.
type kept struct {
	c         *Compiled
	text      func(path, blob string) []byte
	described func(system string) (access.Description, bool) // of a system's connector
	others    []*parsed                                      // files without a record, sorted by path

	mu   sync.Mutex
	with *coder // of the documents that are read one by one

	files  []atomic.Pointer[parsed]
	people keptDocs[Person, *Person]
	groups keptDocs[Group, *Group]
	roles  keptDocs[Role, *Role]
	grants keptDocs[Grant, *Grant]
}

// Kept gives the repository that was compiled, if it was sound by the same connectors; nil if it
// wasn't, or where a file without a record can't be had any more. Reading, text gets the content of
// files. It costs what the systems and the files without a record take.
func (c *Compiled) Kept(connectors map[string]access.Description, text func(path, blob string) []byte) *Repository {
	if c == nil || len(c.sections[secPeople]) == 0 || len(c.sections[secOthers]) == 0 {
		return nil
	}
	k := &kept{c: c, text: text, with: &coder{r: &reader{}}, files: make([]atomic.Pointer[parsed], c.Len())}
	r := &Repository{clean: true}
	if !k.readOthers(r) {
		return nil
	}
	systems := c.numbers(secSystems)
	for i := range systems.len() {
		if n := systems.at(i); n < len(k.files) {
			r.add(k.file(n))
		}
	}
	if r.Config == nil || len(r.index()) > 0 {
		return nil
	}
	k.described = func(system string) (access.Description, bool) { return r.described(connectors, system) }
	for _, s := range r.Systems {
		fillSystem(s, k.described)
	}
	k.people = keptDocs[Person, *Person]{k: k, rows: c.numbers(secPeople), of: func(p *parsed) []*Person { return p.people }}
	k.groups = keptDocs[Group, *Group]{k: k, rows: c.numbers(secGroups), of: func(p *parsed) []*Group { return p.groups }}
	k.roles = keptDocs[Role, *Role]{k: k, rows: c.numbers(secRoles), of: func(p *parsed) []*Role { return p.roles }, own: k.ownRole}
	k.grants = keptDocs[Grant, *Grant]{k: k, rows: c.numbers(secGrants), of: func(p *parsed) []*Grant { return p.grants }, own: k.ownGrant}
	r.people, r.groups, r.roles, r.grants = k.people.open(), k.groups.open(), k.roles.open(), k.grants.open()
	r.files = fileTable{late: &lateFiles{from: k}}
	r.sound = connectors
	return r
}

// readOthers reads the files that have no record, of which there are few.
func (k *kept) readOthers(r *Repository) bool {
	list := k.c.numbers(secOthers)
	s := newShapes()
	for i := range list.len() / 2 {
		path, blob := k.c.texts.at(list.at(2*i)), k.c.texts.at(list.at(2*i+1))
		data := k.text(path, blob)
		if data == nil {
			return false
		}
		p := parseFile(File{Path: path, Blob: blob, Data: data}, s)
		p.blob = blob
		k.others = append(k.others, p)
		if !p.alien { // one that a system's settings name
			r.add(p)
		}
		if len(p.issues) > 0 && !p.alien {
			return false
		}
	}
	return true
}

// ownRole is a role as Check left it; so is ownGrant.
func (k *kept) ownRole(role *Role) *Role {
	own := role.own()
	fillUsual(own.Access, k.described)
	return own
}

func (k *kept) ownGrant(grant *Grant) *Grant {
	own := grant.own()
	fillUsual(own.Access, k.described)
	return own
}

// file is what a file holds, by its number.
func (k *kept) file(i int) *parsed {
	if p := k.files[i].Load(); p != nil {
		return p
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.read(k.with, i)
}

// read reads a file, unless that was done meanwhile.
func (k *kept) read(with *coder, i int) *parsed {
	if p := k.files[i].Load(); p != nil {
		return p
	}
	path, blob := k.c.texts.at(k.c.file(i, filePath)), k.c.texts.at(k.c.file(i, fileBlob))
	p := k.c.parsed(with, i, path, blob, k.text)
	if p == nil { // of a record that is damaged although its checksum is right
		p = parseFile(File{Path: path, Blob: blob, Data: k.text(path, blob)}, newShapes())
		p.blob = blob
	}
	if !k.files[i].CompareAndSwap(nil, p) {
		return k.files[i].Load()
	}
	return p
}

// readAll reads every file.
func (k *kept) readAll() { sideBySide(len(k.files), func(with *coder, i int) { k.read(with, i) }) }

// find is the number of a file by its path, below 0 if there is none.
func (k *kept) find(path string) int {
	name := func(i int) string { return k.c.texts.at(k.c.file(i, filePath)) }
	i := sort.Search(len(k.files), func(i int) bool { return name(i) >= path })
	if i >= len(k.files) || name(i) != path {
		return -1
	}
	return i
}

// damagedRecord begins what is said of a record that isn't what its own checksum says. Nothing can be
// told from it any more.
const damagedRecord = "the record of compiled files is damaged"

// keptDocs are the documents of one kind of a record, by their place among all of that kind.
type keptDocs[T any, D docOf[T]] struct {
	k    *kept
	rows numbers
	of   func(*parsed) []D
	own  func(D) D // makes the one that the repository has of the one in the file; nil: it is the same
	docs []atomic.Pointer[T]
}

// open makes a table of all of them.
func (d *keptDocs[T, D]) open() table[T, D] {
	d.docs = make([]atomic.Pointer[T], d.len())
	return table[T, D]{late: newLate[T, D](d, nil, nil)}
}

func (d *keptDocs[T, D]) len() int { return d.rows.len() / 3 }

func (d *keptDocs[T, D]) name(i int) string { return d.k.c.texts.at(d.rows.at(3 * i)) }

func (d *keptDocs[T, D]) at(i int) D {
	if doc := d.docs[i].Load(); doc != nil {
		return doc
	}
	var p *parsed
	if file := d.rows.at(3*i + 1); file < len(d.k.files) {
		p = d.k.file(file)
	}
	return d.take(i, p)
}

// take takes a document out of what its file holds.
func (d *keptDocs[T, D]) take(i int, p *parsed) D {
	place := d.rows.at(3*i + 2)
	var docs []D
	if p != nil {
		docs = d.of(p)
	}
	if place >= len(docs) {
		panic(fmt.Sprintf("%s: %q isn't where it says", damagedRecord, d.name(i)))
	}
	doc := docs[place]
	if d.own != nil {
		doc = d.own(doc)
	}
	if !d.docs[i].CompareAndSwap(nil, doc) {
		return d.docs[i].Load()
	}
	return doc
}

// find is the place of an id, or where it would be.
func (d *keptDocs[T, D]) find(id string) (int, bool) {
	i := sort.Search(d.len(), func(i int) bool { return d.name(i) >= id })
	return i, i < d.len() && d.name(i) == id
}

func (d *keptDocs[T, D]) all() []D {
	out := make([]D, d.len())
	sideBySide(len(out), func(with *coder, i int) {
		if file := d.rows.at(3*i + 1); file < len(d.k.files) && d.docs[i].Load() == nil {
			out[i] = d.take(i, d.k.read(with, file))
		} else {
			out[i] = d.at(i)
		}
	})
	return out
}
