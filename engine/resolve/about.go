package resolve

import (
	"slices"
	"time"

	"github.com/accordhq/accord/engine/declare"
)

// A world may be about a few people only: whoever a change touches, or somebody who is asked about.
// Their rows, holders and accounts are there and nobody else's; who belongs to a group, who is whose
// manager and what a person's status is can be told of everybody. It costs what these people have,
// and going through the documents once.
//
// What people have doesn't depend on each other, with one exception: an account can't be two
// people's. Whoever might have the account of somebody whom the world is about has to be among
// them, too; Beside names those that aren't.

// chosen are the people with these ids, sorted; nil for everybody.
func (p *people) chosen(about map[string]bool) []int32 {
	if about == nil {
		return nil
	}
	out := make([]int32, 0, len(about))
	for id := range about {
		if i, ok := p.index[id]; ok {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return out
}

func (r *resolver) isAbout(person int32) bool {
	if r.about == nil {
		return true
	}
	_, ok := slices.BinarySearch(r.about, person)
	return ok
}

// Beside are the people whom the world isn't about and whose account, on some system, is called
// like that of somebody whom it is about. Sorted.
func (w *World) Beside() []string {
	var out []string
	for _, d := range w.Systems {
		for _, h := range d.holders {
			for _, i := range d.called(h.Account) {
				if _, ok := slices.BinarySearch(w.about, i); !ok {
					out = append(out, w.people.list[i].ID.Value)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Touched are the people whose access may differ between two revisions at the instant, by the ids
// that they have on either side. Both have passed Check, and differ in no system and not in
// accord.yaml (see declare.Difference). Whoever isn't among them has the same access for the same
// reasons on both sides: what somebody has follows from their own document, those of their managers,
// and the grants, roles and groups that they are in.
//
// The cost is that of what differs and whom it reaches, and of going through the documents once.
func Touched(base, head *declare.Repository, at time.Time, d declare.Difference) map[string]bool {
	t := &touching{out: map[string]bool{}, difference: d}
	for _, repo := range []*declare.Repository{base, head} {
		in := Input{Repo: repo, At: at}
		t.loc = repo.Config.Location()
		t.people = newPeople(in, t.loc)
		t.sets = newSets(&resolver{in: in, loc: t.loc, people: t.people}, nil)
		t.side(repo)
	}
	// Somebody may be called otherwise on the other side.
	for _, p := range head.People {
		for _, was := range p.Previously {
			if t.out[p.ID.Value] || t.out[was.Value] {
				t.out[p.ID.Value], t.out[was.Value] = true, true
			}
		}
	}
	return t.out
}

type touching struct {
	out        map[string]bool
	difference declare.Difference
	loc        *time.Location
	people     *people
	sets       *sets
}

func (t *touching) side(repo *declare.Repository) {
	for id := range t.difference.People {
		t.out[id] = true
	}
	if len(t.difference.People) > 0 && reportsMatter(repo) {
		for id := range t.difference.People {
			for _, i := range t.people.below(id) {
				t.out[t.people.list[i].ID.Value] = true
			}
		}
	}
	for _, g := range repo.Groups {
		if t.difference.Groups[g.ID.Value] {
			t.members(t.sets.group(g))
		}
	}
	roles := including(repo, t.difference.Roles)
	for _, g := range repo.Grants {
		if t.difference.Grants[g.ID.Value] || slices.ContainsFunc(g.Roles, func(r declare.Text) bool { return roles[r.Value] }) {
			t.members(t.sets.union(g.To))
		}
	}
}

func (t *touching) members(list []member) {
	for _, m := range list {
		t.out[t.people.list[m.person].ID.Value] = true
	}
}

// including are the roles and all that include one of them.
func including(repo *declare.Repository, roles map[string]bool) map[string]bool {
	if len(roles) == 0 {
		return nil
	}
	out := make(map[string]bool, len(roles))
	for id := range roles {
		out[id] = true
	}
	for more := true; more; {
		more = false
		for _, r := range repo.Roles {
			if !out[r.ID.Value] && slices.ContainsFunc(r.Includes, func(i declare.Text) bool { return out[i.Value] }) {
				out[r.ID.Value], more = true, true
			}
		}
	}
	return out
}

// reportsMatter reports whether anything is given to those below a manager.
func reportsMatter(repo *declare.Repository) bool {
	return slices.ContainsFunc(repo.Groups, func(g *declare.Group) bool {
		return hasReports(g.Members) || hasReports(g.Only) || hasReports(g.Except)
	}) || slices.ContainsFunc(repo.Grants, func(g *declare.Grant) bool { return hasReports(g.To) })
}

func hasReports(terms []declare.Term) bool {
	return slices.ContainsFunc(terms, func(t declare.Term) bool { return t.Kind == declare.TermReports || hasReports(t.Terms) })
}

// Until is the next instant at which time alone changes something of what is declared: up to it the
// world is the same. It is zero if there is none.
func (w *World) Until() time.Time {
	next := int64(never)
	look := func(s span) {
		for _, at := range []int64{s.from, s.until} {
			if at > w.At.UnixMilli() {
				next = min(next, at)
			}
		}
	}
	for i, p := range w.people.list {
		look(window(p.Starts, p.Ends, w.people.zone))
		look(w.people.span[i])
	}
	for _, d := range w.Systems {
		for _, r := range d.rows {
			look(r.span)
		}
	}
	return instant(next, never, w.people.zone)
}
