package gen

import (
	"fmt"
	"math/rand/v2"

	"github.com/accordhq/accord/engine/access"
)

// The systems that everybody uses, by index.
const (
	office = iota
	drive
	directory
	common // how many there are
)

// system is one place with what is held there.
type system struct {
	id    string
	index map[access.ID]int32
	// targets are the resources, by what they were first given for.
	targets []access.ID
	held    []holding
}

// holding is one grant of one person at Now.
type holding struct {
	person, target int32
	level          level
}

// level is a permission that the generator uses.
type level uint8

const (
	member level = iota
	read
	write
	admin
	use
)

func (l level) String() string { return [...]string{"member", "read", "write", "admin", "use"}[l] }

func (s *system) target(kind, name string) int32 {
	id := access.ID{Kind: kind, Name: name}
	i, ok := s.index[id]
	if !ok {
		i = int32(len(s.targets))
		s.index[id] = i
		s.targets = append(s.targets, id)
	}
	return i
}

// project is a handful of people on one thing, named by hand: a group, and a grant to it.
type project struct {
	id      string
	system  int
	owner   int
	window  status // active, ended or upcoming
	members []int
	// gone are members whose own window has ended, and those to come.
	gone, coming []int
	// single projects give one thing instead of two.
	single bool
}

// connect makes the systems and says who holds what on them. What everybody, the departments and
// the teams hold comes of rules; projects by hand fill up to the number of grants that is wanted.
func (o *Organisation) connect(r *rand.Rand) {
	for i := range o.Size.Systems {
		name := ""
		if i < common {
			name = systemNames()[i]
		} else {
			tools := toolNames()
			name = fmt.Sprintf("%s-%02d", tools[(i-common)%len(tools)], 1+(i-common)/len(tools))
		}
		o.systems = append(o.systems, &system{id: name, index: map[access.ID]int32{}})
	}
	o.excepted = make([]int, len(o.depts))
	for d := range o.excepted {
		o.excepted[d] = -1
	}
	for i := range o.people {
		if p := &o.people[i]; p.team >= 0 && !p.lead && o.excepted[p.dept] < 0 && p.status == active {
			o.excepted[p.dept] = i
		}
	}
	count := 0
	for i := range o.people {
		count += o.byRule(i)
	}
	o.byHand(r, count)
}

// tool is the system of one department, team, project or service.
func (o *Organisation) tool(n int) int {
	if len(o.systems) == common {
		return n % common
	}
	return common + n%(len(o.systems)-common)
}

// byRule gives one person what comes of attributes, nesting and reporting.
func (o *Organisation) byRule(i int) (count int) {
	p := &o.people[i]
	give := func(sys int, kind, name string, l level) {
		if p.holds() {
			s := o.systems[sys]
			s.held = append(s.held, holding{int32(i), s.target(kind, name), l})
			count++
		}
	}
	if p.service {
		give(o.tool(i), "app", "api", use)
		return count
	}
	give(office, "app", "mail", use)
	give(office, "app", "chat", use)
	give(directory, "group", "staff", member)
	if !p.contractor {
		give(drive, "folder", "handbook", read)
	}
	if len(p.title) > 6 && p.title[:6] == "Senior" {
		give(office, "app", "reviews", use)
	}
	if i == 0 {
		return count
	}
	dept, at := o.depts[p.dept], o.tool(p.dept)
	if o.excepted[p.dept] != i {
		give(at, "role", dept, member)
		l := write
		if p.head {
			l = admin // the role's write and a grant of its own: the higher one counts
		}
		give(at, "folder", dept, l)
	}
	if !p.head {
		give(drive, "folder", dept+"-news", read)
		t := &o.teams[p.team]
		give(o.tool(p.team), "group", t.id, member)
		give(o.tool(p.team), "app", t.id, use)
	}
	return count
}

// byHand makes projects until there are as many grants as wanted.
func (o *Organisation) byHand(r *rand.Rand, count int) {
	var able []int
	for i := range o.people {
		if p := &o.people[i]; p.holds() && !p.service {
			able = append(able, i)
		}
	}
	for n := 1; count < o.Size.Grants; n++ {
		left := o.Size.Grants - count
		p := project{id: fmt.Sprintf("p%05d", n), system: o.tool(r.IntN(o.Size.Systems)), owner: able[r.IntN(1+len(o.depts)+len(o.teams)/2)]}
		switch k := r.IntN(10); {
		case left < 2:
			p.single = true
		case k == 0:
			p.window = ended
		case k == 1:
			p.window = upcoming
		}
		size := min(2+r.IntN(10), max(1, left/2))
		seen := map[int]bool{}
		for len(p.members) < min(size, len(able)) {
			if i := able[r.IntN(len(able))]; !seen[i] {
				seen[i] = true
				p.members = append(p.members, i)
			}
		}
		if i := able[r.IntN(len(able))]; !seen[i] && n%3 == 0 {
			p.gone = append(p.gone, i)
		} else if !seen[i] && n%3 == 1 {
			p.coming = append(p.coming, i)
		}
		count += o.assign(&p)
		o.projects = append(o.projects, p)
	}
}

// assign gives what a project gives at Now.
func (o *Organisation) assign(p *project) (count int) {
	s := o.systems[p.system]
	team, app := s.target("group", p.id), s.target("app", p.id)
	if p.window != active {
		return 0
	}
	for _, i := range p.members {
		s.held = append(s.held, holding{int32(i), team, member})
		count++
		if !p.single {
			s.held = append(s.held, holding{int32(i), app, use})
			count++
		}
	}
	return count
}
