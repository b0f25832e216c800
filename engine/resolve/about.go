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
		if i, ok := p.find(id); ok {
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

// whom yields the people whom the world is about, by their places.
func (w *World) whom(yield func(int32) bool) {
	if w.about == nil {
		for i := range int32(w.people.len()) {
			if !yield(i) {
				return
			}
		}
		return
	}
	for _, i := range w.about {
		if !yield(i) {
			return
		}
	}
}

// Beside are the people whom the world isn't about and whose account, on some system, is called
// like that of somebody whom it is about, whether they have anything there or not: a leaver's account
// can't be somebody else's either. Sorted.
func (w *World) Beside() []string {
	var out []string
	for _, d := range w.Systems {
		for _, i := range w.about {
			id, ok := d.AccountOf(w.people.person(i).ID.Value)
			if !ok {
				continue
			}
			for _, other := range d.called(id) {
				if _, ok := slices.BinarySearch(w.about, other); !ok {
					out = append(out, w.people.person(other).ID.Value)
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
	out := map[string]bool{}
	for id := range d.People {
		out[id] = true
	}
	for _, repo := range []*declare.Repository{base, head} {
		t := &touching{out: out, repo: repo, at: at}
		if len(d.People) > 0 && repo.ReportsMatter() {
			t.below(d.People)
		}
		for id := range d.Groups {
			if g := repo.Group(id); g != nil {
				t.members(t.of().group(g))
			}
		}
		for _, g := range t.grants(d) {
			t.members(t.of().union(g.To))
		}
	}
	// Somebody may be called otherwise on the other side.
	for _, p := range head.RenamedPeople() {
		for _, was := range p.Previously {
			if out[p.ID.Value] || out[was.Value] {
				out[p.ID.Value], out[was.Value] = true, true
			}
		}
	}
	return out
}

// Reached are the people for whom time alone may have changed something between two instants: those
// whose own dates lie between them, and whoever is in a group or a grant with such a date. It isn't ok
// where that can't be told without looking at everybody.
func Reached(repo *declare.Repository, after, upTo time.Time) (map[string]bool, bool) {
	people, groups, grants, ok := repo.Passed(after, upTo)
	t := &touching{out: map[string]bool{}, repo: repo, at: upTo}
	for _, p := range people {
		t.out[p.ID.Value] = true
	}
	for _, g := range groups {
		t.members(t.of().group(g))
	}
	for _, g := range grants {
		t.members(t.of().union(g.To))
	}
	return t.out, ok
}

type touching struct {
	out  map[string]bool
	repo *declare.Repository
	at   time.Time
	sets *sets // made when they are asked for; use of
}

func (t *touching) of() *sets {
	if t.sets == nil {
		in := Input{Repo: t.repo, At: t.at, About: map[string]bool{}} // people are read when they are met
		loc := t.repo.Config.Location()
		t.sets = newSets(&resolver{in: in, loc: loc, people: newPeople(in, loc)}, nil)
	}
	return t.sets
}

func (t *touching) members(list []member) {
	for _, m := range list {
		t.out[t.of().r.people.person(m.person).ID.Value] = true
	}
}

// grants are those that differ, or that give a role which does.
func (t *touching) grants(d declare.Difference) []*declare.Grant {
	var out []*declare.Grant
	if len(d.Roles) == 0 {
		for id := range d.Grants {
			if g := t.repo.Grant(id); g != nil {
				out = append(out, g)
			}
		}
		return out
	}
	roles := including(t.repo, d.Roles)
	for _, g := range t.repo.Grants() {
		if d.Grants[g.ID.Value] || slices.ContainsFunc(g.Roles, func(r declare.Text) bool { return roles[r.Value] }) {
			out = append(out, g)
		}
	}
	return out
}

// below takes in who reports to somebody, directly or through others, level by level.
func (t *touching) below(managers map[string]bool) {
	seen := map[string]bool{}
	for len(managers) > 0 {
		next := map[string]bool{}
		for manager := range managers {
			for _, i := range t.repo.Team(manager) {
				if id := t.repo.PersonAt(i).ID.Value; !seen[id] {
					seen[id], next[id], t.out[id] = true, true, true
				}
			}
		}
		managers = next
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
		for _, r := range repo.Roles() {
			if !out[r.ID.Value] && slices.ContainsFunc(r.Includes, func(i declare.Text) bool { return out[i.Value] }) {
				out[r.ID.Value], more = true, true
			}
		}
	}
	return out
}

// Until is the next instant at which time alone changes something of what is declared of those whom
// the world is about: up to it the world is the same. It is zero if there is none.
func (w *World) Until() time.Time {
	next := int64(never)
	look := func(s span) {
		for _, at := range []int64{s.from, s.until} {
			if at > w.At.UnixMilli() {
				next = min(next, at)
			}
		}
	}
	for i := range w.whom {
		p := w.people.person(i)
		look(window(p.Starts, p.Ends, w.people.zone))
	}
	for _, d := range w.Systems {
		for _, r := range d.rows {
			look(r.span)
		}
	}
	return instant(next, never, w.people.zone)
}
