package journal

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// eager is what memory has to agree with: the entries replayed one by one, each change taken in
// at once. It is as slow as it is simple.
type eager struct {
	runs      map[string]*eagerRun // every run there ever was
	order     []*eagerRun          // the open ones
	late      int
	resumed   []*eagerRun
	disabled  map[access.Ref]DisabledAccount
	created   map[access.Ref]bool
	undone    map[access.Ref]time.Time
	removals  []Removal
	given     []eagerGiven
	corrected []eagerCorrected
	offboard  map[string]Offboarding
}

type eagerRun struct {
	id        string
	open, cut bool
	units     []*eagerUnit
}

type eagerUnit struct {
	Begun
	at      time.Time
	end     *Ended
	counted bool
}

type eagerGiven struct {
	system string
	Given
}

type eagerCorrected struct {
	key string
	at  time.Time
}

func newEager() *eager {
	return &eager{runs: map[string]*eagerRun{}, disabled: map[access.Ref]DisabledAccount{}, created: map[access.Ref]bool{},
		undone: map[access.Ref]time.Time{}, offboard: map[string]Offboarding{}}
}

func (p *eager) replay(e Entry) {
	if d, ok := e.Data.(Late); ok {
		p.late = max(p.late, d.Entries)
		return
	}
	r := p.runs[e.Run]
	if p.late > 0 && r != nil && r.cut && !r.open {
		r.open = true
		p.order, p.resumed = append(p.order, r), append(p.resumed, r)
	}
	p.take(e, r)
	if p.late > 0 {
		if p.late--; p.late == 0 {
			for _, r := range p.resumed {
				p.closed(r, true)
			}
			p.resumed = nil
		}
	}
}

func (p *eager) take(e Entry, r *eagerRun) {
	if d, ok := e.Data.(Opened); ok {
		if r == nil {
			r = &eagerRun{id: e.Run, open: true}
			p.runs[e.Run], p.order = r, append(p.order, r)
			if _, known := p.offboard[d.Offboard]; !known && d.Offboard != "" {
				p.offboard[d.Offboard] = Offboarding{d.Offboard, e.Time, e.Run, d.Actor, d.Reason, d.Branch, d.Revision}
			}
		}
		return
	}
	if r == nil || !r.open {
		return
	}
	switch d := e.Data.(type) {
	case Begun:
		r.units = append(r.units, &eagerUnit{Begun: d, at: e.Time})
	case Ended:
		for _, u := range slices.Backward(r.units) {
			if u.System == d.System && u.Unit == d.Unit {
				if u.end == nil {
					u.end = &d
					p.ended(u, e.Time)
				}
				break
			}
		}
	case ReadBack:
		for _, u := range r.units {
			if u.System == d.System && u.end != nil && (d.Unit == 0 || d.Unit == u.Unit) {
				p.readBack(u, d, e.Time)
			}
		}
	case Settled:
		delete(p.offboard, d.Person)
	case Closed:
		p.closed(r, d.By != "")
	}
}

func (p *eager) closed(r *eagerRun, cut bool) {
	if !r.open {
		return
	}
	for _, u := range r.units {
		if u.end == nil && !u.counted {
			p.ended(&eagerUnit{Begun: u.Begun, end: &Ended{All: Unknown}}, u.at)
			u.counted = true
		}
	}
	r.open, r.cut = false, cut
	p.order = slices.DeleteFunc(p.order, func(o *eagerRun) bool { return o == r })
}

func (u *eagerUnit) outcome(c Change) Outcome {
	o := u.end.All
	for _, r := range u.end.Except {
		if r.Key == c.Key() {
			o = r.Outcome
		}
	}
	return o
}

func (p *eager) ended(u *eagerUnit, at time.Time) {
	for _, c := range u.Changes {
		outcome := u.outcome(c)
		if !outcome.valid() {
			outcome = Unknown
		}
		micro := time.UnixMicro(at.UnixMicro()).UTC()
		if made := outcome == Done || outcome == Unknown; made && !u.counted {
			if c.Action.OnGrant() && !c.Removes() && c.Person != "" && c.After != nil {
				p.given = append(p.given, eagerGiven{c.System, Given{c.Person, c.Target, c.After.Permission, micro}})
			}
			if c.Removes() {
				p.removals = append(p.removals, Removal{c.Action, c.Ref(), c.Subject, c.Person, micro, c.Class == ClassLeaver})
			}
			if c.Class == ClassDrift {
				p.corrected = append(p.corrected, eagerCorrected{c.Key(), micro})
			}
		}
		if outcome == Done {
			p.claim(c, at)
		}
		if outcome == Done || outcome == Already || outcome == Unknown {
			p.disclaim(c, at)
		}
		if outcome == Already && c.Action == access.Rename {
			p.rename(c)
		}
	}
}

func eagerSubject(c Change) access.Ref { return access.Ref{System: c.System, ID: c.Subject} }

func (p *eager) claim(c Change, at time.Time) {
	ref := eagerSubject(c)
	if undone, ok := p.undone[ref]; ok && p.late > 0 && at.Before(undone) {
		return
	}
	if c.Action == access.Create {
		p.created[ref] = true
	}
	if c.Action == access.Disable || c.Action == access.Create && c.After != nil && c.After.Disabled {
		p.disabled[ref] = DisabledAccount{c.Subject, c.Person, at, c.Class == ClassLeaver}
	}
	if c.Action == access.Rename {
		p.rename(c)
	}
}

func (p *eager) disclaim(c Change, at time.Time) {
	ref := eagerSubject(c)
	if c.Action != access.Enable && c.Action != access.Delete {
		return
	}
	delete(p.disabled, ref)
	if c.Action == access.Delete {
		delete(p.created, ref)
	}
	if at.After(p.undone[ref]) {
		p.undone[ref] = at
	}
}

func (p *eager) rename(c Change) {
	if c.After != nil && c.After.Name != "" && c.After.Name != c.Subject.Name {
		p.move(eagerSubject(c), access.Ref{System: c.System, ID: access.ID{Kind: c.Subject.Kind, Name: c.After.Name}})
	}
}

func (p *eager) move(from, to access.Ref) {
	if d, ok := p.disabled[from]; ok {
		delete(p.disabled, from)
		d.Account = to.ID
		p.disabled[to] = d
	}
	if p.created[from] {
		delete(p.created, from)
		p.created[to] = true
	}
}

func (p *eager) readBack(u *eagerUnit, d ReadBack, at time.Time) {
	for _, c := range u.Changes {
		held := d.All
		for _, s := range d.Except {
			if s.Key == c.Key() {
				held = s.Held
			}
		}
		outcome := u.outcome(c)
		if outcome == Unknown && held == Holds && !c.Action.OnGrant() {
			p.claim(c, at)
		}
		if outcome != Done || held != NotHeld {
			continue
		}
		ref := eagerSubject(c)
		switch c.Action {
		case access.Disable:
			delete(p.disabled, ref)
		case access.Create:
			delete(p.disabled, ref)
			delete(p.created, ref)
		case access.Rename:
			if c.After != nil && c.After.Name != c.Subject.Name {
				p.move(access.Ref{System: c.System, ID: access.ID{Kind: c.Subject.Kind, Name: c.After.Name}}, ref)
			}
		}
	}
}

func (p *eager) Removals(system string, since time.Time) (out []Removal) {
	for _, r := range p.removals {
		if r.Ref.System == system && !r.Time.Before(since) {
			out = append(out, r)
		}
	}
	for _, run := range p.order {
		for _, u := range run.units {
			for _, c := range u.Changes {
				if u.System == system && u.end == nil && !u.at.Before(since) && c.Removes() {
					out = append(out, Removal{c.Action, c.Ref(), c.Subject, c.Person, u.at, c.Class == ClassLeaver})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Removal) int { return a.Time.Compare(b.Time) })
	return out
}

func (p *eager) Given(system string, since time.Time) (out []Given) {
	for _, g := range p.given {
		if g.system == system && !g.Time.Before(since) {
			out = append(out, g.Given)
		}
	}
	return out
}

func (p *eager) Corrected(key string, since time.Time) (n int) {
	for _, c := range p.corrected {
		if c.key == key && !c.at.Before(since) {
			n++
		}
	}
	return n
}

func (p *eager) Disabled(system string) (out []DisabledAccount) {
	for ref, d := range p.disabled {
		if ref.System == system {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b DisabledAccount) int { return a.Account.Compare(b.Account) })
	return out
}

func (p *eager) DisabledSince(ref access.Ref) (time.Time, bool) {
	d, ok := p.disabled[ref]
	return d.Since, ok
}

func (p *eager) CreatedByAccord(ref access.Ref) bool { return p.created[ref] }

func (p *eager) Offboarded() []Offboarding {
	return slices.SortedFunc(maps.Values(p.offboard), func(a, b Offboarding) int { return strings.Compare(a.Person, b.Person) })
}

// open are the open runs with all that their units did.
func (p *eager) open() (out []openUnit) {
	for _, r := range p.order {
		for _, u := range r.units {
			o := openUnit{r.id, u.Begun, u.at, nil}
			for _, c := range u.Changes {
				outcome := Unknown
				if u.end != nil {
					outcome = u.outcome(c)
				}
				o.outcomes = append(o.outcomes, outcome)
			}
			out = append(out, o)
		}
	}
	return out
}

type openUnit struct {
	run string
	Begun
	at       time.Time
	outcomes []Outcome
}

func openUnits(m Memory) (out []openUnit) {
	for _, r := range m.Open() {
		for _, u := range r.Units {
			out = append(out, openUnit{r.Run, u.Begun, u.At, slices.Clip(u.Outcomes())})
		}
	}
	return out
}
