package declare

import (
	"iter"
	"slices"
	"sync"

	"github.com/accordhq/accord/engine/access"
)

// Repository is everything that one revision declares. Of people, groups, roles and grants there may
// be very many, and a run often needs few: those of a repository that was kept are read when they
// are asked for (see Compiled.Kept). Asking for all of a kind costs what all of them take.
type Repository struct {
	Config  *Config
	Systems []*System // sorted by id, as are the others
	Exempts []*Exempt

	people  table[Person, *Person]
	groups  table[Group, *Group]
	roles   table[Role, *Role]
	grants  table[Grant, *Grant]
	systems map[string]*System
	// files are for the lines that problems show, and for other revisions that have them too.
	files fileTable
	// clean says that nothing was wrong with any file, nor left out; sound that nothing is wrong with
	// what the documents say of each other either, by which connectors.
	clean bool
	sound map[string]access.Description
	// derived is where it came from, if it was derived of another one.
	derived *derived

	teamsOnce sync.Once
	teams     map[string][]int
}

// record is what the documents are read out of when they are asked for; nil if they are all there.
func (r *Repository) record() *Compiled {
	if r.files.late == nil {
		return nil
	}
	return r.files.late.from.c
}

// Kept reports whether documents are read out of a record when they are asked for.
func (r *Repository) Kept() bool { return r.record() != nil }

// People are all people and services, which share one namespace, sorted by id; the list must not be
// changed. So are the others.
func (r *Repository) People() []*Person { return r.people.all() }

// Groups are all groups.
func (r *Repository) Groups() []*Group { return r.groups.all() }

// Roles are all roles.
func (r *Repository) Roles() []*Role { return r.roles.all() }

// Grants are all grants.
func (r *Repository) Grants() []*Grant { return r.grants.all() }

// NumPeople is how many people and services there are.
func (r *Repository) NumPeople() int { return r.people.len() }

// NumGroups is how many groups there are.
func (r *Repository) NumGroups() int { return r.groups.len() }

// NumRoles is how many roles there are.
func (r *Repository) NumRoles() int { return r.roles.len() }

// NumGrants is how many grants there are.
func (r *Repository) NumGrants() int { return r.grants.len() }

// PersonAt is the person at a place of People.
func (r *Repository) PersonAt(i int) *Person { return r.people.at(i) }

// FindPerson is the place in People of the person with that id.
func (r *Repository) FindPerson(id string) (int, bool) { return r.people.find(id) }

// Person returns the person or service with that id, or nil; likewise the others.
func (r *Repository) Person(id string) *Person { return r.people.get(id) }

// Group returns the group with that id, or nil.
func (r *Repository) Group(id string) *Group { return r.groups.get(id) }

// Role returns the role with that id, or nil.
func (r *Repository) Role(id string) *Role { return r.roles.get(id) }

// Grant returns the grant with that id, or nil.
func (r *Repository) Grant(id string) *Grant { return r.grants.get(id) }

// System returns the system with that id, or nil.
func (r *Repository) System(id string) *System { return r.systems[id] }

// RenamedPeople are the people who were called otherwise before, sorted by id.
func (r *Repository) RenamedPeople() []*Person { return renamedOf(&r.people, kindPeople) }

// renamed yields the documents that were called otherwise before, kind by kind.
func (r *Repository) renamed() iter.Seq[document] {
	return func(yield func(document) bool) {
		_ = each(renamedOf(&r.people, kindPeople), yield) && each(renamedOf(&r.groups, kindGroups), yield) && each(renamedOf(&r.roles, kindRoles), yield) &&
			each(renamedOf(&r.grants, kindGrants), yield) && each(r.Systems, yield) && each(r.Exempts, yield)
	}
}

// Exclusive are the roles that exclude others, sorted by id.
func (r *Repository) Exclusive() []*Role {
	return marked(&r.roles, listed(secExclusive), func(role *Role) bool { return len(role.Exclusive) > 0 })
}

// Services are the people that are services, sorted by id.
func (r *Repository) Services() []*Person {
	return marked(&r.people, listed(secServices), func(p *Person) bool { return p.Service })
}

// listed adds the numbers in a section.
func listed(section int) func(*Compiled, func(int)) {
	return func(c *Compiled, add func(int)) {
		for i := range c.numbers(section).len() {
			add(c.numbers(section).at(i))
		}
	}
}

func renamedOf[T any, D docOf[T]](t *table[T, D], kind int) []D {
	return marked(t, func(c *Compiled, add func(int)) {
		list := c.numbers(secRenamed)
		for i := range list.len() / 2 {
			if list.at(2*i) == kind {
				add(list.at(2*i + 1))
			}
		}
	}, func(d D) bool { return len(d.doc().Previously) > 0 })
}

// marked are the documents with a mark; numbers adds those that have it by the record.
func marked[T any, D docOf[T]](t *table[T, D], numbers func(*Compiled, func(int)), has func(D) bool) []D {
	var out []D
	if t.late == nil {
		for _, d := range t.list {
			if has(d) {
				out = append(out, d)
			}
		}
		return out
	}
	numbers(t.late.from.k.c, func(i int) {
		if i < t.late.from.len() && !t.late.isGone(i) {
			out = append(out, t.late.from.at(i))
		}
	})
	for _, d := range t.late.come {
		if has(d) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, compareDocs[D])
	return out
}
