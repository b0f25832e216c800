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
	if r == nil || !r.clean || r.sound == nil || !reflect.DeepEqual(r.sound, known.Connectors) {
		return nil
	}
	before, after, ok := r.unlike(files)
	if !ok || len(before)+len(after) > 100+len(r.files)/50 {
		return nil
	}
	gone := make(map[string]bool, len(before))
	var come []*parsed
	again, s := &coder{r: &reader{}}, newShapes()
	for _, p := range before {
		if !p.compiles() {
			return nil
		}
		gone[p.file] = true
	}
	for _, f := range after {
		p := known.parse(f, again, s)
		if !p.compiles() {
			return nil
		}
		come = append(come, p)
	}
	out := &Repository{Config: r.Config, Systems: r.Systems, Exempts: r.Exempts, systems: r.systems, clean: true}
	added := &Repository{}
	for _, p := range come {
		added.add(p)
	}
	ok = replace(&out.People, &out.people, r.People, r.people, gone, added.People) &&
		replace(&out.Groups, &out.groups, r.Groups, r.groups, gone, added.Groups) &&
		replace(&out.Roles, &out.roles, r.Roles, r.roles, gone, added.Roles) &&
		replace(&out.Grants, nil, r.Grants, nil, gone, added.Grants)
	if !ok {
		return nil
	}
	out.refile(r, gone, come)
	out.derived = &derived{r, before, come}
	return out
}

// unlike are the files that the repository has and the list doesn't, and those that are only in the
// list. It isn't ok where files without a name of their content are among them, or where what is a
// document at all has to be found out anew.
func (r *Repository) unlike(files []File) (before []*parsed, after []File, ok bool) {
	i := 0
	for _, f := range files {
		for i < len(r.files) && r.files[i].file < f.Path {
			before = append(before, r.files[i])
			i++
		}
		if i < len(r.files) && r.files[i].file == f.Path {
			if p := r.files[i]; p.blob != f.Blob || p.blob == "" {
				before, after = append(before, p), append(after, f)
			}
			i++
			continue
		}
		if isDocument(f.Path, r.Config) {
			after = append(after, f)
		}
	}
	return append(before, r.files[i:]...), after, !slices.ContainsFunc(after, func(f File) bool { return f.Blob == "" || f.Path == configFile })
}

// replace takes the documents of some files out of a sorted list and puts others in; it reports
// false if an id would be there twice.
func replace[T document](list *[]T, index *map[string]T, old []T, oldIndex map[string]T, gone map[string]bool, come []T) bool {
	out := make([]T, 0, len(old)+len(come))
	var left []T
	slices.SortFunc(come, compareDocs[T])
	added := come
	for _, d := range old {
		if gone[d.doc().File] {
			left = append(left, d)
			continue
		}
		for len(come) > 0 && come[0].id().Value < d.id().Value {
			out, come = append(out, come[0]), come[1:]
		}
		out = append(out, d)
	}
	out = append(out, come...)
	if len(left) == 0 && len(added) == 0 {
		*list = old
		if index != nil {
			*index = oldIndex
		}
		return true
	}
	for i := 1; i < len(out); i++ {
		if out[i-1].id().Value == out[i].id().Value {
			return false
		}
	}
	*list = out
	if index != nil {
		*index = maps.Clone(oldIndex)
		for _, d := range left {
			delete(*index, d.id().Value)
		}
		for _, d := range added {
			(*index)[d.id().Value] = d
		}
	}
	return true
}

// refile gives the repository the files of the other one, but for some.
func (r *Repository) refile(other *Repository, gone map[string]bool, come []*parsed) {
	r.parsed = maps.Clone(other.parsed)
	for name := range gone {
		delete(r.parsed, name)
	}
	r.files = make([]*parsed, 0, len(other.files)+len(come))
	i := 0
	for _, p := range other.files {
		for i < len(come) && come[i].file < p.file {
			r.files = append(r.files, come[i])
			i++
		}
		if !gone[p.file] {
			r.files = append(r.files, p)
		}
	}
	r.files = append(r.files, come[i:]...)
	for _, p := range come {
		r.parsed[p.file] = p
	}
}

// derived is what a repository was derived from, and where it differs.
type derived struct {
	from       *Repository
	gone, come []*parsed
}

// quick reports whether a derived repository is sound because the other one is: what differs was
// looked at, and nothing else can be wrong because of it. Where it isn't sure Check looks at
// everything.
func (c *checker) quick() bool {
	d := c.r.derived
	if d == nil || !reflect.DeepEqual(d.from.sound, c.connectors) {
		return false
	}
	before, after := &Repository{}, &Repository{}
	for _, p := range d.gone {
		before.add(p)
	}
	for _, p := range d.come {
		after.add(p)
	}
	if !keepIDs(before.People, c.r.people) || !keepIDs(before.Groups, c.r.groups) || !keepIDs(before.Roles, c.r.roles) {
		return false // somebody may still name it
	}
	for _, p := range before.People {
		if c.r.people[p.ID.Value].Service != p.Service {
			return false
		}
	}
	for doc := range before.documents() {
		if len(doc.doc().Previously) > 0 {
			return false
		}
	}
	new := map[string]bool{}
	for doc := range after.documents() {
		if len(doc.doc().Previously) > 0 {
			return false
		}
		new[namespace(doc)+" "+doc.id().Value] = true
	}
	for doc := range c.r.documents() {
		for _, was := range doc.doc().Previously {
			if new[namespace(doc)+" "+was.Value] {
				return false
			}
		}
	}
	c.config()
	for _, p := range after.People {
		c.person(p)
		if c.inCircle(p) {
			return false
		}
	}
	if others := len(before.Groups) + len(before.Roles) + len(before.Grants) + len(after.Groups) + len(after.Roles) + len(after.Grants); others > 0 {
		c.groups()
		c.roles()
		c.grants()
		c.cycles()
	} else if !c.noLack(after.People) {
		return false
	}
	return len(c.issues) == 0
}

func keepIDs[T document](docs []T, in map[string]T) bool {
	return !slices.ContainsFunc(docs, func(d T) bool { _, ok := in[d.id().Value]; return !ok })
}

// inCircle reports whether the way up from a person comes back to them.
func (c *checker) inCircle(p *Person) bool {
	at := p
	for range len(c.r.People) {
		if at = c.r.people[at.Manager.Value]; at == nil {
			return false
		}
		if at == p {
			return true
		}
	}
	return true // a circle further up
}

// noLack reports whether all have the attributes that everybody needs: those matched under not and
// except.
func (c *checker) noLack(people []*Person) bool {
	keys := map[string]bool{}
	var look func(terms []Term, negative bool)
	look = func(terms []Term, negative bool) {
		for i := range terms {
			t := &terms[i]
			if negative {
				for _, m := range t.Match {
					keys[m.Key.Value] = true
				}
			}
			look(t.Terms, negative || t.Kind == TermNot)
		}
	}
	for _, g := range c.r.Groups {
		look(g.Members, false)
		look(g.Only, false)
		look(g.Except, true)
	}
	for _, g := range c.r.Grants {
		look(g.To, false)
	}
	for _, p := range people {
		for key := range keys {
			if !slices.ContainsFunc(p.Attributes, func(a Attr) bool { return a.Key.Value == key }) {
				return false
			}
		}
	}
	return true
}

// Sound makes of a repository that passed Check before, with the same connectors, what Check made of
// it then.
func (r *Repository) Sound(connectors map[string]access.Description) {
	c := &checker{r: r, connectors: connectors}
	fill := func(es []Entitlement) {
		for i := range es {
			if e := &es[i]; e.Permission == "" {
				if desc, ok := c.described(e.System.Value); ok {
					kind, _ := desc.Kind(e.Target.Kind)
					e.Permission = kind.Usual
				}
			}
		}
	}
	for _, x := range r.Roles {
		fill(x.Access)
	}
	for _, x := range r.Grants {
		fill(x.Access)
	}
	for _, s := range r.Systems {
		for i := range s.Resources {
			fill(s.Resources[i].Access)
			fill(s.Resources[i].MemberOf)
		}
	}
	r.sound = connectors
}
