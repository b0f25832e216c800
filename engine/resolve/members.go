package resolve

import (
	"fmt"
	"slices"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// Members are the people and services that belong to a group at the instant, sorted, whatever
// their status. Not safe for concurrent use: groups are evaluated when they are asked for.
func (w *World) Members(group string) []string {
	g := w.Repo.Group(group)
	if g == nil || w.sets == nil {
		return nil
	}
	at := w.At.UnixMilli()
	var out []string
	for _, m := range w.sets.group(g) {
		if m.span.holds(at) {
			out = append(out, w.people.person(m.person).ID.Value)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Few reports whether the world is about a few people only.
func (w *World) Few() bool { return w.about != nil }

// GroupsOf are the groups that somebody belongs to at the instant, sorted, whatever their status. It
// costs what the person has to do with where the world is about a few, and all groups elsewhere.
func (w *World) GroupsOf(person string) []string {
	i, ok := w.people.find(person)
	if !ok {
		return nil
	}
	own := newSets(&resolver{in: Input{Repo: w.Repo, At: w.At}, loc: w.Repo.Config.Location(), people: w.people}, []int32{i})
	groups, _ := w.Repo.About([]*declare.Person{w.people.person(i)})
	at := w.At.UnixMilli()
	var out []string
	for _, g := range groups {
		if slices.ContainsFunc(own.group(g), func(m member) bool { return m.span.holds(at) }) {
			out = append(out, g.ID.Value)
		}
	}
	return out
}

// Active are the people among the ids of people and groups that are active at the instant,
// groups resolved, sorted. Services answer for nothing.
func (w *World) Active(ids []declare.Text) []string {
	var out []string
	add := func(id string) {
		if p, status, _, ok := w.Person(id); ok && status == access.HolderActive && !p.Service {
			out = append(out, id)
		}
	}
	for _, id := range ids {
		if w.Repo.Person(id.Value) != nil {
			add(id.Value)
			continue
		}
		for _, m := range w.Members(id.Value) {
			add(m)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// People are everybody who may have an account: those of the declaration, and those who were in
// an earlier one and are gone.
func (d *Desired) People() []*declare.Person { return d.loc.everyone() }

// Targets are what the declaration names on the system, in the connector's spelling: what
// entitlements are on, whether anybody gets them or not, and the resources that it declares.
// Sorted. Not safe for concurrent use.
func (d *Desired) Targets() []access.ID {
	d.mentionAll()
	var out []access.ID
	for _, id := range d.targets {
		out = append(out, id)
	}
	slices.SortFunc(out, access.ID.Compare)
	return slices.Compact(out)
}

// mentionAll takes in what roles and grants name on the system, if that wasn't done.
func (d *Desired) mentionAll() {
	d.ensure()
	if d.mentioned {
		return
	}
	d.mentioned = true
	for _, m := range mentionsOf(d.loc.repo.Roles(), d.loc.repo.Grants())[d.Decl.ID.Value] {
		d.target(m.ent.Target)
	}
}

// Names reports whether the declaration names the target.
func (d *Desired) Names(target access.ID) bool {
	_, ok := slices.BinarySearchFunc(d.Targets(), target, access.ID.Compare)
	return ok
}

// Given are the permissions with which grants give the target to somebody, sorted.
func (d *Desired) Given(target access.ID) []string {
	var out []string
	for _, e := range d.ents {
		if e.target == target {
			out = append(out, e.permission)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Offers are the lines of roles that have an entitlement, whether anybody is given the role or
// not.
func (w *World) Offers(system string, target access.ID, permission string) []access.Link {
	d := w.System(system)
	if d == nil {
		return nil
	}
	var out []access.Link
	for _, role := range w.Repo.Roles() {
		for i := range role.Access {
			e := &role.Access[i]
			if e.System.Value == system && d.target(e.Target) == target && (permission == "" || e.Permission == permission) {
				out = append(out, access.Link{File: role.File, Line: int(e.At.Line), Text: fmt.Sprintf("role %s gives %s", role.ID.Value, entText(e))})
			}
		}
	}
	return out
}
