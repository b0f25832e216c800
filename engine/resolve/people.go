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
	index map[string]int32 // nil where the world is about a few only; use find
	// judged is by index; nil where the world is about a few only; use is.
	judged     []judged
	offboarded map[string]access.Link
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

// judged is what is to be thought of a person at the instant.
type judged struct {
	status access.HolderStatus
	span   span // in which grants can hold
	why    access.Link
	since  time.Time
}

func newPeople(in Input, loc *time.Location) *people {
	p := &people{at: in.At.UnixMilli(), zone: loc, offboarded: in.Offboarded}
	p.list = slices.Clone(in.Repo.People)
	p.gone = len(p.list)
	p.list = append(p.list, vanished(in)...)
	if in.About != nil {
		for _, i := range p.chosen(in.About) {
			p.sort(i, p.judge(i).status)
		}
		return p
	}
	p.index = make(map[string]int32, len(p.list))
	p.judged = make([]judged, len(p.list))
	for i, person := range p.list {
		if _, ok := p.index[person.ID.Value]; !ok {
			p.index[person.ID.Value] = int32(i)
		}
		p.judged[i] = p.judge(int32(i))
		p.sort(int32(i), p.judged[i].status)
	}
	return p
}

// sort notes who isn't here.
func (p *people) sort(i int32, is access.HolderStatus) {
	switch is {
	case access.HolderLeft:
		p.left, p.away = append(p.left, i), append(p.away, i)
	case access.HolderLeave:
		p.away = append(p.away, i)
	}
}

// find gives the place of a person in the list.
func (p *people) find(id string) (int32, bool) {
	if p.index != nil {
		i, ok := p.index[id]
		return i, ok
	}
	byID := func(person *declare.Person, id string) int { return strings.Compare(person.ID.Value, id) }
	if i, ok := slices.BinarySearchFunc(p.list[:p.gone], id, byID); ok {
		return int32(i), true
	}
	i, ok := slices.BinarySearchFunc(p.list[p.gone:], id, byID)
	return int32(p.gone + i), ok
}

// is tells what is to be thought of a person.
func (p *people) is(i int32) judged {
	if p.judged != nil {
		return p.judged[i]
	}
	return p.judge(i)
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

// span is when grants can hold.
func (p *people) span(i int32) span {
	if p.judged != nil {
		return p.judged[i].span
	}
	return p.judge(i).span
}

// judge decides a person's status at the instant, and the span in which grants can hold.
func (p *people) judge(i int32) judged {
	person := p.list[i]
	link := func(line int32, text string) access.Link {
		return access.Link{File: person.File, Line: int(line), Text: text}
	}
	own := window(person.Starts, person.Ends, p.zone)
	out := judged{span: own}
	switch {
	case int(i) >= p.gone:
		out.status, out.span = access.HolderLeft, span{}
		out.why = link(person.At.Line, "the document of "+person.ID.Value+" is gone")
	case person.Status.Value == "left":
		out.status, out.span = access.HolderLeft, span{}
		out.why = link(person.Status.At.Line, "left")
	case own.until <= p.at:
		out.status = access.HolderLeft
		out.since = time.UnixMilli(own.until).In(p.zone)
		out.why = link(person.Ends.At.Line, "left "+person.Ends.Text)
	case own.from > p.at:
		out.status = access.HolderUpcoming
		out.why = link(person.Starts.At.Line, "starts "+person.Starts.Text)
	case person.Status.Value == "leave":
		out.status = access.HolderLeave
		out.why = link(person.Status.At.Line, "on leave")
	default:
		out.status = access.HolderActive
		out.why = link(person.At.Line, "")
	}
	if why, ok := p.offboarded[person.ID.Value]; ok && out.status != access.HolderLeft {
		out.status, out.span, out.why = access.HolderLeft, span{}, why
	}
	return out
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
		next, ok := p.find(manager)
		if !ok {
			return false
		}
		i = next
	}
	return false
}
