package resolve

import (
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// people are everyone that the declaration knows, and those it forgot since it was last
// applied, in the order of their ids. Rows and sets name them by index.
type people struct {
	list  []*declare.Person
	index map[string]int32
	// status, since and why are by index.
	status []access.HolderStatus
	span   []span
	why    []access.Link
	since  []time.Time
	// left are the people who left, away these and those on leave.
	left, away []int32
	// gone begins the part of the list that is not in the declaration any more.
	gone int
	// reports are the people below each manager, made when they are asked for.
	reports map[string][]int32
	at      int64
	zone    *time.Location
	names   names
}

func newPeople(in Input, loc *time.Location) *people {
	p := &people{index: make(map[string]int32, len(in.Repo.People)), at: in.At.UnixMilli(), zone: loc}
	p.list = slices.Clone(in.Repo.People)
	p.gone = len(p.list)
	p.list = append(p.list, vanished(in)...)
	n := len(p.list)
	p.status, p.span = make([]access.HolderStatus, n), make([]span, n)
	p.why, p.since = make([]access.Link, n), make([]time.Time, n)
	for i, person := range p.list {
		if _, ok := p.index[person.ID.Value]; !ok {
			p.index[person.ID.Value] = int32(i)
		}
		p.judge(int32(i), in.At, loc)
		if why, ok := in.Offboarded[person.ID.Value]; ok && p.status[i] != access.HolderLeft {
			p.status[i], p.span[i], p.why[i] = access.HolderLeft, span{}, why
		}
		switch p.status[i] {
		case access.HolderLeft:
			p.left, p.away = append(p.left, int32(i)), append(p.away, int32(i))
		case access.HolderLeave:
			p.away = append(p.away, int32(i))
		}
	}
	return p
}

// vanished are the people of previous declarations whose documents are gone and who were not
// renamed, each as the newest of the declarations has them.
func vanished(in Input) []*declare.Person {
	done := map[string]bool{}
	for _, p := range in.Repo.People {
		for _, was := range p.Previously {
			done[was.Value] = true
		}
	}
	var out []*declare.Person
	for _, previous := range in.Previous {
		for _, p := range previous.People {
			if in.Repo.Person(p.ID.Value) == nil && !done[p.ID.Value] {
				done[p.ID.Value] = true
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, func(a, b *declare.Person) int { return strings.Compare(a.ID.Value, b.ID.Value) })
	return out
}

// judge decides a person's status at the instant, and the span in which grants can hold.
func (p *people) judge(i int32, at time.Time, loc *time.Location) {
	person := p.list[i]
	link := func(line int32, text string) access.Link {
		return access.Link{File: person.File, Line: int(line), Text: text}
	}
	own := window(person.Starts, person.Ends, loc)
	p.span[i] = own
	switch {
	case int(i) >= p.gone:
		p.status[i], p.span[i] = access.HolderLeft, span{}
		p.why[i] = link(person.At.Line, "the document of "+person.ID.Value+" is gone")
	case person.Status.Value == "left":
		p.status[i], p.span[i] = access.HolderLeft, span{}
		p.why[i] = link(person.Status.At.Line, "left")
	case own.until <= at.UnixMilli():
		p.status[i] = access.HolderLeft
		p.since[i] = time.UnixMilli(own.until).In(loc)
		p.why[i] = link(person.Ends.At.Line, "left "+person.Ends.Text)
	case own.from > at.UnixMilli():
		p.status[i] = access.HolderUpcoming
		p.why[i] = link(person.Starts.At.Line, "starts "+person.Starts.Text)
	case person.Status.Value == "leave":
		p.status[i] = access.HolderLeave
		p.why[i] = link(person.Status.At.Line, "on leave")
	default:
		p.status[i] = access.HolderActive
		p.why[i] = link(person.At.Line, "")
	}
}

// below are everyone who reports to the person, directly or through others.
func (p *people) below(id string) []int32 {
	if p.reports == nil {
		p.reports = map[string][]int32{}
		for i, person := range p.list[:p.gone] {
			if person.Manager.Value != "" {
				p.reports[person.Manager.Value] = append(p.reports[person.Manager.Value], int32(i))
			}
		}
	}
	var out []int32
	seen := map[int32]bool{}
	queue := slices.Clone(p.reports[id])
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		if seen[i] {
			continue
		}
		seen[i] = true
		out = append(out, i)
		queue = append(queue, p.reports[p.list[i].ID.Value]...)
	}
	slices.Sort(out)
	return out
}

// isBelow reports whether somebody reports to the person, directly or through others.
func (p *people) isBelow(i int32, id string) bool {
	for range p.gone {
		if int(i) >= p.gone {
			return false
		}
		manager := p.list[i].Manager.Value
		if manager == id && id != "" {
			return true
		}
		next, ok := p.index[manager]
		if !ok {
			return false
		}
		i = next
	}
	return false
}
