package gen

import (
	"fmt"
	"math/rand/v2"
)

// status is where somebody stands at Now.
type status uint8

const (
	active   status = iota
	leave           // on leave: keeps what is declared, the account is disabled
	left            // says so in the document
	ended           // the last day has passed
	upcoming        // the first day is to come
)

// person is somebody, or a service.
type person struct {
	id, name   string
	service    bool
	contractor bool
	dept       int
	team       int // -1: none
	manager    int // -1: none
	title      string
	site       string
	status     status
	starts     string // the first day
	ends       string
	head       bool // of a department
	lead       bool // of a team
}

// holds reports whether grants hold at Now.
func (p *person) holds() bool { return p.status == active || p.status == leave }

// team is the smallest unit: a dozen people and who leads them.
type team struct {
	id   string
	dept int
	lead int
}

// teamSize is how many people share a team, about.
const teamSize = 12

// populate makes everyone: one who leads it all, a head for each department, a lead for each
// team, everybody else in teams, and a few services.
func (o *Organisation) populate(r *rand.Rand) {
	n := o.Size.People
	services := max(1, n/100)
	depts := min(max(n/125, 6), len(departments())*len(regions()))
	for d := range depts {
		o.depts = append(o.depts, departments()[d%len(departments())]+regions()[d/len(departments())])
	}
	teams := max(n/teamSize, depts)
	ids := map[string]int{}
	add := func(p person) int {
		first, last := pick(r, firstNames()), pick(r, lastNames())
		p.name, p.id = first+" "+last, ascii(first)+"."+ascii(last)
		if ids[p.id]++; ids[p.id] > 1 {
			p.id = fmt.Sprintf("%s%d", p.id, ids[p.id])
		}
		p.site = pick(r, sites())
		p.starts = fmt.Sprintf("%d-%02d-%02d", 2012+r.IntN(14), 1+r.IntN(12), 1+r.IntN(28))
		o.people = append(o.people, p)
		return len(o.people) - 1
	}
	add(person{team: -1, manager: -1, title: "Managing Director"})
	for d := range depts {
		add(person{dept: d, team: -1, title: "Head of " + o.depts[d], head: true})
	}
	for t := range teams {
		d := t % depts
		lead := add(person{dept: d, team: t, manager: 1 + d, title: "Team Lead", lead: true})
		o.teams = append(o.teams, team{fmt.Sprintf("%s-t%03d", o.depts[d], 1+t/depts), d, lead})
	}
	for len(o.people) < n-services {
		t := r.IntN(teams)
		p := person{dept: o.teams[t].dept, team: t, manager: o.teams[t].lead, title: pick(r, titles()), contractor: r.IntN(100) < 12}
		i := add(p)
		o.people[i].age(r)
	}
	for s := range services {
		d := r.IntN(depts)
		o.people = append(o.people, person{id: fmt.Sprintf("svc-%s-%03d", o.depts[d], 1+s), name: fmt.Sprintf("Service %d of %s", 1+s, o.depts[d]),
			service: true, dept: d, team: -1, manager: -1, starts: "2020-01-01"})
	}
}

// age lets time pass over somebody who leads nobody.
func (p *person) age(r *rand.Rand) {
	if p.contractor {
		p.ends = futureDay
	}
	switch k := r.IntN(1000); {
	case k < 10:
		p.status = left
	case k < 20:
		p.status, p.ends = ended, pastDay
	case k < 30:
		p.status, p.starts = upcoming, "2027-01-04"
	case k < 40:
		p.status = leave
	}
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
