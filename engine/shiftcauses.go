package engine

import (
	"runtime"
	"slices"
	"sync"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/resolve"
)

// shiftCauses finds the line that each shift comes from, as a plan does for its steps. It needs
// no system: what a merge request does can be explained without any credential.
type shiftCauses struct {
	head, base *resolve.World // base may be nil
	changed    func(l access.Link, was bool) bool
	system     map[string]*resolve.Desired // of head, by name
	was        map[string]*resolve.Desired // of the base, by the name at head
	person     map[string]string           // ids at the base, by the id at head

	// What one processor has at hand.
	ofHead, ofBase *resolve.Tracer
	gone           map[string]string // wordings; see noLonger
}

// explained are the shifts with their causes, which the digest of a change doesn't cover. They are
// written where the shifts stand: of a million there is one copy.
func (s *session) explained(changed func(access.Link, bool) bool) []access.Shift {
	x := &shiftCauses{head: s.world(), changed: changed}
	if s.newest != nil {
		x.base = s.newest.world
		if s.newest.head != nil {
			x.head = s.newest.head
		}
	}
	if x.head == nil {
		return s.shifts
	}
	x.index(s.head.Repo)
	x.explain(s.shifts)
	return s.shifts
}

// index finds systems and people by their names.
func (x *shiftCauses) index(head *declare.Repository) {
	x.system, x.was, x.person = map[string]*resolve.Desired{}, map[string]*resolve.Desired{}, map[string]string{}
	for _, d := range x.head.Systems {
		x.system[d.Decl.ID.Value] = d
	}
	if x.base != nil {
		for _, d := range x.base.Systems {
			x.was[d.Decl.ID.Value] = d
		}
		for _, d := range head.Systems {
			x.was[d.ID.Value] = x.base.System(previousName(x.base.Repo, d))
		}
	}
	for _, p := range head.RenamedPeople() {
		for _, was := range p.Previously {
			x.person[p.ID.Value] = was.Value
		}
	}
}

// fewShifts is up to how many shifts aren't worth a second processor.
const fewShifts = 1000

// explain writes the cause of each shift into it. They come sorted by person: each processor takes
// a part of the people.
func (x *shiftCauses) explain(shifts []access.Shift) {
	n := min(runtime.GOMAXPROCS(0), 1+len(shifts)/fewShifts)
	if x.changed != nil && n > 1 {
		x.changed = oneAtATime(x.changed)
	}
	var wg sync.WaitGroup
	for part := range slices.Chunk(shifts, max(1, (len(shifts)+n-1)/n)) {
		wg.Go(func() {
			own := *x
			own.ofHead, own.ofBase, own.gone = x.tracer(false), x.tracer(true), map[string]string{}
			for i := range part {
				part[i].Cause = own.cause(&part[i])
			}
		})
	}
	wg.Wait()
}

// oneAtATime makes a question that remembers answers one that several may ask.
func oneAtATime(changed func(access.Link, bool) bool) func(access.Link, bool) bool {
	var mu sync.Mutex
	return func(l access.Link, was bool) bool {
		mu.Lock()
		defer mu.Unlock()
		return changed(l, was)
	}
}

func (x *shiftCauses) cause(sh *access.Shift) access.Cause {
	switch sh.Kind {
	case access.ShiftSettings:
		return access.Cause{}
	case access.ShiftStatus:
		return x.status(sh)
	case access.ShiftLose:
		return x.lost(sh)
	}
	d := x.system[sh.System]
	if d == nil {
		return access.Cause{}
	}
	l, ok := x.responsible(d, sh, sh.Person, false)
	if !ok {
		return access.Cause{}
	}
	if p, own := x.own(sh.Person); own && !(x.changed != nil && x.changed(l, false)) {
		l = p
	}
	return access.Cause{Kind: access.CauseDeclared, Text: l.Text, File: l.File, Line: l.Line}
}

// own is the line of a person whose own document changed: their dates, where nothing else did.
func (x *shiftCauses) own(person string) (access.Link, bool) {
	if x.changed == nil {
		return access.Link{}, false
	}
	p, _, _, ok := x.head.Person(person)
	if !ok {
		return access.Link{}, false
	}
	l := access.Link{File: p.File, Line: int(p.At.Line), Text: "declared otherwise: " + person}
	return l, x.changed(l, false)
}

// lost is why somebody loses something: they leave, or what gave it is gone.
func (x *shiftCauses) lost(sh *access.Shift) access.Cause {
	if sh.Person != "" {
		switch _, status, why, ok := x.head.Person(sh.Person); {
		case !ok && x.base != nil:
			if p, _, _, was := x.base.Person(x.before(sh.Person)); was {
				return goneCause(p)
			}
		case status == access.HolderLeft:
			return access.Cause{Kind: access.CauseLeaver, Text: why.Text, File: why.File, Line: why.Line}
		case status == access.HolderLeave:
			return access.Cause{Kind: access.CauseLeave, Text: why.Text, File: why.File, Line: why.Line}
		}
	}
	d := x.was[sh.System]
	if d == nil {
		return access.Cause{Kind: access.CauseRemoved, Text: "no longer declared"}
	}
	l, ok := x.responsible(d, sh, x.before(sh.Person), true)
	if !ok {
		return access.Cause{Kind: access.CauseRemoved, Text: "no longer declared"}
	}
	return access.Cause{Kind: access.CauseRemoved, Text: x.noLonger(l.Text), File: l.File, Line: l.Line}
}

// noLonger says of a line that it is gone; of each line with one string.
func (x *shiftCauses) noLonger(text string) string {
	gone, ok := x.gone[text]
	if !ok {
		gone = "no longer: " + text
		x.gone[text] = gone
	}
	return gone
}

// responsible is the link that answers for what a shift is about, as plan.Responsible finds it
// among the reasons; they are made only where the rows can't tell. The person goes by the id that
// they have in this declaration; with was set it is the base.
func (x *shiftCauses) responsible(d *resolve.Desired, sh *access.Shift, person string, was bool) (access.Link, bool) {
	if person != "" {
		tracer := x.ofHead
		if was {
			tracer = x.ofBase
		}
		if l, ok, known := tracer.Responsible(d, person, sh.Target, sh.Permission); known {
			return l, ok
		}
	}
	return plan.Responsible(d.Reasons(subjectOf(d, sh, person), sh.Target, sh.Permission), was, x.changed)
}

func (x *shiftCauses) tracer(was bool) *resolve.Tracer {
	if x.changed == nil {
		return resolve.NewTracer(nil)
	}
	return resolve.NewTracer(func(l access.Link) bool { return x.changed(l, was) })
}

// before is the id that somebody had at the base.
func (x *shiftCauses) before(person string) string {
	if was, ok := x.person[person]; ok && x.base != nil {
		if _, _, _, there := x.base.Person(person); !there {
			return was
		}
	}
	return person
}

func goneCause(p *declare.Person) access.Cause {
	return access.Cause{Kind: access.CauseLeaver, Text: "the document is gone", File: p.File, Line: int(p.At.Line)}
}

// status is where a person's own document says what changed.
func (x *shiftCauses) status(sh *access.Shift) access.Cause {
	p, status, why, ok := x.head.Person(sh.Person)
	switch {
	case ok && status != access.HolderActive && why.File != "":
		return access.Cause{Kind: access.CauseLeaver, Text: why.Text, File: why.File, Line: why.Line}
	case ok:
		return access.Cause{Kind: access.CauseDeclared, File: p.File, Line: int(p.At.Line)}
	case x.base != nil:
		if p, _, _, was := x.base.Person(x.before(sh.Person)); was {
			return goneCause(p)
		}
	}
	return access.Cause{}
}

// subjectOf is who holds what a shift is about: a resource, or somebody's account.
func subjectOf(d *resolve.Desired, sh *access.Shift, person string) access.ID {
	if sh.Person == "" {
		return sh.Subject
	}
	account, _ := d.AccountOf(person)
	return account
}
