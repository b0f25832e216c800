package declare

import (
	"maps"
	"reflect"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// derive makes a repository of one that differs in a few files which hold nothing but people, groups,
// roles and grants. All other documents are those of the other one: the same pointers, with what Check
// filled in. It gives nil where that can't be done; then all is put together anew.
func (r *Repository) derive(files []File, known Known) *Repository {
	if !r.derivable(known) || r.files.late != nil {
		return nil
	}
	before, after, ok := r.unlike(files)
	if !ok {
		return nil
	}
	return r.with(before, after, known)
}

func (r *Repository) derivable(known Known) bool {
	return r != nil && r.clean && r.sound != nil && reflect.DeepEqual(r.sound, known.Connectors)
}

// Derive makes a revision of a repository that was kept (see Compiled.Kept): the paths in gone aren't
// there any more, the files in come are new or have another content; those that are known need no
// Data. It is nil where that revision has to be put together anew.
func (r *Repository) Derive(gone []string, come []File, known Known) *Repository {
	if !r.derivable(known) || r.files.late == nil || len(r.files.late.gone)+len(r.files.late.come) > 0 {
		return nil
	}
	var before []*parsed
	for _, path := range gone {
		if p := r.files.get(path); p != nil {
			before = append(before, p)
		}
	}
	var after []File
	for _, f := range come {
		if f.Path == configFile || f.Blob == "" {
			return nil
		}
		if p := r.files.get(f.Path); p != nil {
			before = append(before, p)
		}
		if isDocument(f.Path, r.Config) {
			after = append(after, f)
		}
	}
	return r.with(before, after, known)
}

// with takes some files out and puts others in.
func (r *Repository) with(before []*parsed, after []File, known Known) *Repository {
	if len(before)+len(after) > 100+r.files.len()/50 {
		return nil
	}
	gone := make(map[string]bool, len(before))
	var come []*parsed
	again, s := &coder{r: &reader{}}, newShapes()
	for _, p := range before {
		if !p.plain() {
			return nil
		}
		gone[p.file] = true
	}
	for _, f := range after {
		p := known.parse(f, again, s)
		if !p.plain() {
			return nil
		}
		come = append(come, p)
	}
	slices.SortFunc(come, func(a, b *parsed) int { return comparePath(a, b.file) })
	out := &Repository{Config: r.Config, Systems: r.Systems, Exempts: r.Exempts, systems: r.systems, clean: true}
	d := &derived{from: r}
	for _, p := range before {
		d.left.add(p)
	}
	for _, p := range come {
		d.come.add(p)
	}
	ok := replace(&out.people, &r.people, d.left.people.list, gone, d.come.people.list) &&
		replace(&out.groups, &r.groups, d.left.groups.list, gone, d.come.groups.list) &&
		replace(&out.roles, &r.roles, d.left.roles.list, gone, d.come.roles.list) &&
		replace(&out.grants, &r.grants, d.left.grants.list, gone, d.come.grants.list)
	if !ok {
		return nil
	}
	out.files = r.files.with(gone, come)
	out.derived = d
	return out
}

// unlike are the files that the repository has and the list doesn't, and those that are only in the
// list. It isn't ok where files without a name of their content are among them, or where what is a
// document at all has to be found out anew.
func (r *Repository) unlike(files []File) (before []*parsed, after []File, ok bool) {
	i := 0
	own := r.files.all()
	for _, f := range files {
		for i < len(own) && own[i].file < f.Path {
			before = append(before, own[i])
			i++
		}
		if i < len(own) && own[i].file == f.Path {
			if p := own[i]; p.blob != f.Blob || p.blob == "" {
				before, after = append(before, p), append(after, f)
			}
			i++
			continue
		}
		if isDocument(f.Path, r.Config) {
			after = append(after, f)
		}
	}
	return append(before, own[i:]...), after, !slices.ContainsFunc(after, func(f File) bool { return f.Blob == "" || f.Path == configFile })
}

// replace takes the documents of some files out of a table and puts others in; it reports false if an
// id would be there twice.
func replace[T any, D docOf[T]](out, old *table[T, D], left []D, gone map[string]bool, come []D) bool {
	if old.late != nil {
		out.late = newLate(old.late.from, left, come)
		return out.late != nil
	}
	if len(left) == 0 && len(come) == 0 {
		*out = *old
		return true
	}
	out.list = make([]D, 0, len(old.list)+len(come))
	slices.SortFunc(come, compareDocs[D])
	rest := come
	for _, d := range old.list {
		if gone[d.doc().File] {
			continue
		}
		for len(rest) > 0 && rest[0].id().Value < d.id().Value {
			out.list, rest = append(out.list, rest[0]), rest[1:]
		}
		out.list = append(out.list, d)
	}
	out.list = append(out.list, rest...)
	for i := 1; i < len(out.list); i++ {
		if out.list[i-1].id().Value == out.list[i].id().Value {
			return false
		}
	}
	out.index = maps.Clone(old.index)
	for _, d := range left {
		delete(out.index, d.id().Value)
	}
	for _, d := range come {
		out.index[d.id().Value] = d
	}
	return true
}

// derived is what a repository was derived from, and the documents that left and that came.
type derived struct {
	from       *Repository
	left, come Repository // of these two only the lists of documents
}

// quick reports whether a derived repository is sound because the other one is: what differs was
// looked at, and nothing else can be wrong because of it. Where it isn't sure Check looks at
// everything.
func (c *checker) quick() bool {
	d := c.r.derived
	if d == nil || !reflect.DeepEqual(d.from.sound, c.connectors) {
		return false
	}
	left, come := &d.left, &d.come
	if missed(c.r, left.people.list, &c.r.people, kindPeople) || missed(c.r, left.groups.list, &c.r.groups, kindGroups) || missed(c.r, left.roles.list, &c.r.roles, kindRoles) {
		return false
	}
	for _, p := range left.people.list {
		if is := c.r.Person(p.ID.Value); is != nil && is.Service != p.Service {
			return false
		}
	}
	if c.renames(left, come) {
		return false
	}
	c.config()
	for _, p := range come.people.list {
		c.person(p)
		if c.inCircle(p) {
			return false
		}
	}
	if !c.noLack(come.people.list) {
		return false
	}
	return c.quickSets(come) && c.quickRoles(left, come) && len(c.issues) == 0
}

// missed reports whether somebody may still name a document that is gone. What is new or differs is
// looked at by itself.
func missed[T any, D docOf[T]](r *Repository, docs []D, in *table[T, D], kind int) bool {
	return slices.ContainsFunc(docs, func(d D) bool {
		id := d.id().Value
		return in.get(id) == nil && r.files.named(kind, id)
	})
}

// renames reports whether former ids have to do with what differs.
func (c *checker) renames(left, come *Repository) bool {
	new := map[string]bool{}
	for _, r := range []*Repository{left, come} {
		for doc := range r.documents() {
			if len(doc.doc().Previously) > 0 {
				return true
			}
			new[namespace(doc)+" "+doc.id().Value] = true
		}
	}
	for doc := range c.r.renamed() {
		for _, was := range doc.doc().Previously {
			if new[namespace(doc)+" "+was.Value] {
				return true
			}
		}
	}
	return false
}

// quickSets looks at the groups and grants that are new or differ. That of another document only
// what is in a group may be wrong, by a window in it.
func (c *checker) quickSets(come *Repository) bool {
	strict := c.r.strictGroups()
	ids := make([]string, 0, len(come.groups.list))
	for _, g := range come.groups.list {
		id := g.ID.Value
		ids = append(ids, id)
		c.group(c.r.Group(id))
		if strict[id] && c.windowOf(id).found {
			return false
		}
	}
	c.groupCycles(slices.Values(ids))
	for _, g := range come.grants.list {
		c.grant(c.r.Grant(g.ID.Value))
	}
	return true
}

// quickRoles does so with roles. Where some exclude each other it matters what all others include.
func (c *checker) quickRoles(left, come *Repository) bool {
	if len(left.roles.list)+len(come.roles.list) == 0 {
		return true
	}
	if len(c.r.Exclusive()) > 0 {
		return false
	}
	ids := make([]string, 0, len(come.roles.list))
	for _, r := range come.roles.list {
		ids = append(ids, r.ID.Value)
		c.role(c.r.Role(r.ID.Value), false)
	}
	c.roleCycles(slices.Values(ids))
	return true
}

// inCircle reports whether the way up from a person comes back to them.
func (c *checker) inCircle(p *Person) bool {
	at := p
	for range c.r.NumPeople() {
		if at = c.r.Person(at.Manager.Value); at == nil {
			return false
		}
		if at == p {
			return true
		}
	}
	return true // a circle further up
}

// noLack reports whether all have the attributes that everybody needs.
func (c *checker) noLack(people []*Person) bool {
	if len(people) == 0 {
		return true
	}
	keys := c.r.neededKeys()
	for _, p := range people {
		for key := range keys {
			if !slices.ContainsFunc(p.Attributes, func(a Attr) bool { return a.Key.Value == key }) {
				return false
			}
		}
	}
	return true
}

// fillUsual fills in the usual permission of entitlements that name none, as Check does.
func fillUsual(es []Entitlement, described func(system string) (access.Description, bool)) {
	for i := range es {
		if e := &es[i]; e.Permission == "" {
			if desc, ok := described(e.System.Value); ok {
				kind, _ := desc.Kind(e.Target.Kind)
				e.Permission = kind.Usual
			}
		}
	}
}

func fillSystem(s *System, described func(system string) (access.Description, bool)) {
	for i := range s.Resources {
		fillUsual(s.Resources[i].Access, described)
		fillUsual(s.Resources[i].MemberOf, described)
	}
}
