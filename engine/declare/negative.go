package declare

import (
	"maps"
	"slices"
	"sort"
)

// Terms in negative positions ask something of all others: of people that they have the attributes
// that are matched there, of groups that time doesn't change them. Where a change is looked at by
// itself, it is these that it may make wrong.

// needed are the keys that everybody has to have: those matched under not and except.
func needed(groups []*Group, grants []*Grant) map[string]bool {
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
	for _, g := range groups {
		look(g.Members, false)
		look(g.Only, false)
		look(g.Except, true)
	}
	for _, g := range grants {
		look(g.To, false)
	}
	return keys
}

// neededKeys are those of the repository.
func (r *Repository) neededKeys() map[string]bool {
	if !r.Kept() {
		return needed(r.Groups(), r.Grants())
	}
	out := r.record().set(secNeeded)
	maps.Copy(out, needed(r.groups.late.come, r.grants.late.come))
	return out
}

// strict are the groups that stand in negative positions, and all that are inside of them.
func strict(r *Repository) map[string]bool {
	out := map[string]bool{}
	var take func(id string)
	var look func(terms []Term, negative bool)
	look = func(terms []Term, negative bool) {
		for i := range terms {
			if t := &terms[i]; t.Kind == TermGroup && negative {
				take(t.Name.Value)
			}
			look(terms[i].Terms, negative || terms[i].Kind == TermNot)
		}
	}
	take = func(id string) {
		g := r.Group(id)
		if g == nil || out[id] {
			return
		}
		out[id] = true
		look(g.Members, true)
		look(g.Only, true)
		look(g.Except, true)
	}
	for _, g := range r.Groups() {
		look(g.Members, false)
		look(g.Only, true)
		look(g.Except, true)
	}
	for _, g := range r.Grants() {
		look(g.To, false)
	}
	return out
}

// strictGroups are those of the revision that the repository was derived from, or of itself.
func (r *Repository) strictGroups() map[string]bool {
	if !r.Kept() {
		return strict(r)
	}
	return r.record().set(secStrict)
}

// set are the texts that a section lists.
func (c *Compiled) set(section int) map[string]bool {
	list := c.numbers(section)
	out := make(map[string]bool, list.len())
	for i := range list.len() {
		out[c.texts.at(list.at(i))] = true
	}
	return out
}

// answering are all that are named as owners, people too.
func answering(r *Repository) map[string]bool {
	out := map[string]bool{}
	take := func(owners []Text) {
		for _, o := range owners {
			out[o.Value] = true
		}
	}
	for _, p := range r.People() {
		take(p.Owners)
	}
	for _, g := range r.Groups() {
		take(g.Owners)
	}
	for _, role := range r.Roles() {
		take(role.Owners)
	}
	for _, s := range r.Systems {
		take(s.Owners)
		for i := range s.Resources {
			take(s.Resources[i].Owners)
		}
	}
	return out
}

// MayAnswer reports whether a group may be named as an owner of something; where it says no, it isn't.
func (r *Repository) MayAnswer(group string) bool {
	if !r.Kept() || r.record().answers(group) {
		return true
	}
	names := func(owners []Text) bool {
		return slices.ContainsFunc(owners, func(o Text) bool { return o.Value == group })
	}
	for _, p := range r.files.late.come {
		if slices.ContainsFunc(p.people, func(d *Person) bool { return names(d.Owners) }) ||
			slices.ContainsFunc(p.groups, func(d *Group) bool { return names(d.Owners) }) ||
			slices.ContainsFunc(p.roles, func(d *Role) bool { return names(d.Owners) }) {
			return true
		}
	}
	return false
}

func (c *Compiled) answers(group string) bool {
	list := c.numbers(secAnswering)
	i := sort.Search(list.len(), func(i int) bool { return c.texts.at(list.at(i)) >= group })
	return i < list.len() && c.texts.at(list.at(i)) == group
}
