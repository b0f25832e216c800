package engine

import (
	"slices"

	"github.com/accordhq/accord/engine/declare"
)

// Rules know people, groups, roles and systems by the ids that the rulebook has for them: what
// a change renames doesn't shake off a rule, an exemption or an owner.

// former picks the id that the rulebook has for a document: its own, or one that it had before.
func formerID(id string, previously []declare.Text, known func(string) bool) string {
	if known(id) {
		return id
	}
	for _, was := range previously {
		if known(was.Value) {
			return was.Value
		}
	}
	return id
}

func (f *facts) lawPerson(id string) string {
	if p := f.head.Repo.Person(id); p != nil {
		return formerID(id, p.Previously, func(id string) bool { return f.book.decl.Person(id) != nil })
	}
	return id
}

// headPerson is what head calls somebody whom the rulebook has under that id.
func (f *facts) headPerson(id string) string {
	if f.head.Repo.Person(id) != nil {
		return id
	}
	if f.renamed == nil {
		f.renamed = map[string]string{}
		for _, p := range f.head.Repo.RenamedPeople() {
			for _, was := range p.Previously {
				f.renamed[was.Value] = p.ID.Value
			}
		}
	}
	if is, ok := f.renamed[id]; ok {
		return is
	}
	return id
}

func (f *facts) lawGroup(id string) string {
	if g := f.head.Repo.Group(id); g != nil {
		return formerID(id, g.Previously, func(id string) bool { return f.book.decl.Group(id) != nil })
	}
	return id
}

// lawOwner is a person or a group.
func (f *facts) lawOwner(id string) string {
	if f.head.Repo.Person(id) != nil {
		return f.lawPerson(id)
	}
	return f.lawGroup(id)
}

func (f *facts) lawRole(id string) string {
	if r := f.head.Repo.Role(id); r != nil {
		return formerID(id, r.Previously, func(id string) bool { return f.book.decl.Role(id) != nil })
	}
	return id
}

func (f *facts) lawRoles(ids []string) []string {
	if f.book.decl == f.head.Repo || len(ids) == 0 {
		return ids
	}
	return mapped(ids, f.lawRole)
}

// lawID is the rulebook's id of a system.
func (f *facts) lawID(name string) string {
	if d := f.head.Repo.System(name); d != nil {
		return previousName(f.book.decl, d)
	}
	return name
}

// named puts the rulebook's ids into a list that is to be sorted.
func (f *facts) named(ids []string) []string {
	out := slices.Clone(f.lawRoles(ids))
	slices.Sort(out)
	return slices.Compact(out)
}
