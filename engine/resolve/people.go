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
	repo *declare.Repository
	// list is everyone; nil where the world is about a few only, who are read when they are asked
	// for: use person, everyone and len.
	list []*declare.Person
	// more are those whom the declaration forgot, behind all others.
	more  []*declare.Person
	index map[string]int32 // nil where the world is about a few only; use find
	// judged is by index; nil where the world is about a few only; use is.
	judged     []judged
	offboarded map[string]access.Link
	// left are the people who left, away these and those on leave.
	left, away []int32
	// gone begins the part of the list that is not in the declaration any more.
	gone  int
	at    int64
	zone  *time.Location
	names names
}

// judged is what is to be thought of a person at the instant.
type judged struct {
	status access.HolderStatus
	span   span // in which grants can hold
	why    access.Link
	since  time.Time
}

func newPeople(in Input, loc *time.Location) *people {
	p := &people{repo: in.Repo, at: in.At.UnixMilli(), zone: loc, offboarded: in.Offboarded, gone: in.Repo.NumPeople(), more: vanished(in)}
	if in.About != nil {
		for _, i := range p.chosen(in.About) {
			p.sort(i, p.judge(i).status)
		}
		return p
	}
	p.list = slices.Concat(in.Repo.People(), p.more)
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
	if i, ok := p.repo.FindPerson(id); ok {
		return int32(i), true
	}
	i, ok := slices.BinarySearchFunc(p.more, id, func(person *declare.Person, id string) int { return strings.Compare(person.ID.Value, id) })
	return int32(p.gone + i), ok
}

// person is somebody by their place.
func (p *people) person(i int32) *declare.Person {
	if p.list != nil {
		return p.list[i]
	}
	return p.asked(int(i))
}

func (p *people) asked(i int) *declare.Person {
	if i >= p.gone {
		return p.more[i-p.gone]
	}
	return p.repo.PersonAt(i)
}

// everyone is the whole list.
func (p *people) everyone() []*declare.Person {
	if p.list != nil {
		return p.list
	}
	return slices.Concat(p.repo.People(), p.more)
}

func (p *people) len() int { return p.gone + len(p.more) }

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
	for _, p := range in.Repo.RenamedPeople() {
		for _, was := range p.Previously {
			done[was.Value] = true
		}
	}
	var out []*declare.Person
	for _, previous := range in.Previous {
		for id := range in.Repo.DifferenceTo(previous).People {
			if p := previous.Person(id); p != nil && in.Repo.Person(id) == nil && !done[id] {
				done[id] = true
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
	person := p.person(i)
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
	var out []int32
	seen := map[int]bool{}
	queue := slices.Clone(p.repo.Team(id))
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		if seen[i] {
			continue
		}
		seen[i] = true
		out = append(out, int32(i))
		queue = append(queue, p.repo.Team(p.person(int32(i)).ID.Value)...)
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
		manager := p.person(i).Manager.Value
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
