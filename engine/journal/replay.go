package journal

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// memory is what replaying the entries one by one has led to.
type memory struct {
	applied   map[string]applied
	leavers   map[string]applied
	last      applied
	settings  applied
	policies  string
	offboard  map[string]Offboarding       // by person
	everybody bool                         // there was a run that wasn't an offboarding
	linked    map[string]map[string]string // system → the system's own id → person
	systems   map[string]*deeds            // what ended there; see effects.go
	corrected *view[map[string][]int64]
	approved  []approved          // oldest first
	known     map[string]struct{} // every run there ever was
	runs      map[string]*run     // the open ones
	order     []*run              // the open ones, oldest first
	late      lateness
	seq       uint64           // of the last entry
	drift     map[string]looks // by system; see drift.go
	gone      []Sighting       // the oldest first
	partly    []PartlyApplied
	lastEnd   uint64 // the entry that closed a run last
	told      map[string]heard
}

type run struct {
	id     string
	since  time.Time
	opened Opened
	closed []string
	units  []*workUnit
	index  map[unitName]*workUnit
}

// workUnit is what was begun, and how it ended; nil: that isn't known.
type workUnit struct {
	number  int
	changes *changes
	at      time.Time
	end     *Ended
	// counted says that it counts as done already: its run was closed before its end was known.
	counted bool
}

type unitName struct {
	system string
	unit   int
}

func newMemory() *memory {
	return &memory{
		applied:   map[string]applied{},
		leavers:   map[string]applied{},
		offboard:  map[string]Offboarding{},
		linked:    map[string]map[string]string{},
		systems:   map[string]*deeds{},
		corrected: &view[map[string][]int64]{},
		known:     map[string]struct{}{},
		runs:      map[string]*run{},
		late:      newLateness(),
		drift:     map[string]looks{},
		told:      map[string]heard{},
	}
}

// clone copies all that replay changes in place. Slices that only grow are clipped instead, so
// that growing them copies them.
func (m *memory) clone() *memory {
	c := *m
	c.leavers, c.offboard = maps.Clone(m.leavers), maps.Clone(m.offboard)
	c.applied, c.systems, c.corrected = maps.Clone(m.applied), maps.Clone(m.systems), &view[map[string][]int64]{}
	c.linked = make(map[string]map[string]string, len(m.linked))
	for k, v := range m.linked {
		c.linked[k] = maps.Clone(v)
	}
	c.approved = slices.Clip(m.approved)
	c.known = maps.Clone(m.known)
	c.drift, c.told = maps.Clone(m.drift), maps.Clone(m.told)
	c.gone, c.partly = slices.Clip(m.gone), slices.Clip(m.partly)
	c.runs, c.order = make(map[string]*run, len(m.runs)), nil
	for _, r := range m.order {
		n := r.clone()
		c.runs[n.id] = n
		c.order = append(c.order, n)
	}
	c.late = m.late.clone()
	return &c
}

func (r *run) clone() *run {
	n := *r
	n.closed, n.units = slices.Clone(r.closed), nil
	n.index = make(map[unitName]*workUnit, len(r.index))
	for _, u := range r.units {
		v := *u
		n.units = append(n.units, &v)
		n.index[v.name()] = &v
	}
	return &n
}

func (u *workUnit) name() unitName { return unitName{u.changes.system, u.number} }

// check refuses what a correct caller never asks for.
func (m *memory) check(e Entry) error {
	switch d := e.Data.(type) {
	case Note, Drift:
		return nil
	case Told:
		if d.Upto > m.seq {
			return fmt.Errorf("entry %d, up to which somebody was told, isn't there", d.Upto)
		}
		return nil
	case Opened:
		if e.Run == "" {
			return errors.New("a run needs an id")
		}
		if _, ok := m.known[e.Run]; ok {
			return fmt.Errorf("there is a run %s already", e.Run)
		}
		return nil
	case Begun:
		return m.checkBegun(e.Run, d)
	case Ended:
		return m.checkEnded(e.Run, d)
	case ReadBack:
		return m.checkReadBack(e.Run, d)
	case Approved:
		return m.checkApproved(e.Run, d)
	case ClosedSystem, Closed, Linked, Settled:
		_, err := m.open(e.Run)
		return err
	case Recovered, Late:
		return errors.New("only the journal itself records that")
	}
	return fmt.Errorf("%T is no entry", e.Data)
}

func (m *memory) checkBegun(id string, d Begun) error {
	r, err := m.open(id)
	if err != nil {
		return err
	}
	if d.Unit < 1 {
		return fmt.Errorf("units are numbered from 1, not %d", d.Unit)
	}
	if _, ok := r.index[unitName{d.System, d.Unit}]; ok {
		return fmt.Errorf("unit %d of %s was begun already", d.Unit, d.System)
	}
	return nil
}

func (m *memory) checkEnded(id string, d Ended) error {
	u, err := m.unit(id, d.System, d.Unit)
	if err != nil {
		return err
	}
	if u.end != nil {
		return fmt.Errorf("unit %d of %s has ended already", d.Unit, d.System)
	}
	except := d.outcomes()
	for _, o := range append(slices.Collect(maps.Values(except)), d.All) {
		if !o.valid() {
			return fmt.Errorf("%q is no outcome", o)
		}
	}
	if len(except) == 0 {
		return nil
	}
	for c := range u.changes.each() {
		delete(except, c.Key())
	}
	for _, r := range d.Except {
		if _, ok := except[r.Key]; ok {
			return fmt.Errorf("unit %d of %s has no change %q", d.Unit, d.System, r.Key)
		}
	}
	return nil
}

func (m *memory) checkReadBack(id string, d ReadBack) error {
	for _, s := range append([]Seen{{Held: d.All}}, d.Except...) {
		if s.Held != Holds && s.Held != NotHeld && s.Held != Unconfirmed {
			return fmt.Errorf("%q can't be seen when reading back", s.Held)
		}
	}
	if d.Unit == 0 {
		_, err := m.open(id)
		return err
	}
	_, err := m.unit(id, d.System, d.Unit)
	return err
}

func (o Outcome) valid() bool {
	switch o {
	case Done, Already, Failed, Unknown, Refused, Skipped:
		return true
	}
	return false
}

func (m *memory) open(id string) (*run, error) {
	r, ok := m.runs[id]
	if !ok {
		return nil, fmt.Errorf("run %q isn't open", id)
	}
	return r, nil
}

func (m *memory) unit(id, system string, number int) (*workUnit, error) {
	r, err := m.open(id)
	if err != nil {
		return nil, err
	}
	u, ok := r.index[unitName{system, number}]
	if !ok {
		return nil, fmt.Errorf("unit %d of %s was never begun", number, system)
	}
	return u, nil
}

// replay takes one entry in. It never fails: what makes no sense teaches nothing.
func (m *memory) replay(e Entry) {
	m.seq = e.Seq
	if d, ok := e.Data.(Late); ok {
		m.late.left = max(m.late.left, d.Entries)
		return
	}
	if m.late.left > 0 {
		m.resume(e.Run)
		defer m.caughtUp()
	}
	switch d := e.Data.(type) {
	case Opened:
		m.opened(e, d)
	case Begun:
		m.begun(e, d.Unit, listed(d.System, d.Changes))
	case packed:
		m.begun(e, d.unit, d.changes)
	case Ended:
		if u, err := m.unit(e.Run, d.System, d.Unit); err == nil && u.end == nil {
			u.end = &Ended{All: own(d.All, Done, Already, Failed, Unknown, Refused, Skipped), Except: d.Except}
			m.did(deed{changes: u.changes, end: u.end, at: e.Time, again: u.counted})
		}
	case ReadBack:
		m.readBack(e, d)
	case ClosedSystem:
		m.closedSystem(e, d)
	case Linked:
		m.link(d)
	case Approved:
		m.approve(e, d)
	case Settled:
		if _, ok := m.runs[e.Run]; ok {
			delete(m.offboard, d.Person)
		}
	case Closed:
		m.endedPartly(e, d)
		m.closed(e.Run, d.By != "")
	case Drift:
		m.looked(e, d)
	case Told:
		m.told[d.To] = heard{upto: d.Upto, at: e.Time, reminded: m.told[d.To].remindedBy(e.Time, d.Reminder)}
	}
}

func (m *memory) opened(e Entry, d Opened) {
	if _, ok := m.known[e.Run]; ok {
		return
	}
	r := &run{id: strings.Clone(e.Run), since: e.Time, opened: d, index: map[unitName]*workUnit{}}
	m.known[r.id] = struct{}{}
	m.runs[r.id] = r
	m.order = append(m.order, r)
	if d.Settings != "" && !m.outdated(e, m.settings) {
		m.settings, m.policies = applied{strings.Clone(d.Settings), e.Time}, strings.Clone(d.Policies)
	}
	m.everybody = m.everybody || d.Offboard == ""
	if _, ok := m.offboard[d.Offboard]; !ok && d.Offboard != "" { // a second run goes on with the first
		m.offboard[strings.Clone(d.Offboard)] = Offboarding{Person: d.Offboard, Since: e.Time, Run: r.id, Actor: d.Actor, Reason: d.Reason, Branch: d.Branch, Revision: d.Revision}
	}
}

func (m *memory) begun(e Entry, number int, cs *changes) {
	if r, ok := m.runs[e.Run]; ok {
		u := &workUnit{number: number, changes: cs, at: e.Time}
		r.units = append(r.units, u)
		r.index[u.name()] = u
	}
}

func (m *memory) link(d Linked) {
	known := m.linked[d.System]
	if known == nil {
		known = map[string]string{}
		m.linked[strings.Clone(d.System)] = known
	}
	for _, a := range d.Accounts {
		if a.ID != "" && a.Person != "" {
			known[strings.Clone(a.ID)] = strings.Clone(a.Person)
		}
	}
}

func (m *memory) closedSystem(e Entry, d ClosedSystem) {
	r, ok := m.runs[e.Run]
	if !ok {
		return
	}
	if !slices.Contains(r.closed, d.System) {
		r.closed = append(r.closed, d.System)
	}
	if r.opened.Offboard != "" {
		return // it was about one person only, and may have read no more
	}
	if !d.Incomplete {
		m.read(d.System, e.Time)
	}
	if m.outdated(e, m.leavers[d.System]) || m.outdated(e, m.applied[d.System]) {
		return
	}
	if d.Leavers && d.Revision != "" && d.Revision != Worktree && !r.opened.Worktree {
		m.leavers[d.System] = applied{d.Revision, e.Time}
	}
	if d.Converged && d.Revision != "" && d.Revision != Worktree && !r.opened.Worktree {
		m.applied[d.System] = applied{d.Revision, e.Time}
		if !m.outdated(e, m.last) {
			m.last = m.applied[d.System]
		}
	}
}

// closed forgets a run. What it began and never ended counts as done, as far as that is the
// careful side. A run that somebody else closed may have gone on unseen, and what it did come
// late.
func (m *memory) closed(id string, cut bool) {
	r, ok := m.runs[id]
	if !ok {
		return
	}
	for _, u := range r.units {
		if u.end == nil && !u.counted {
			m.did(deed{changes: u.changes, end: &Ended{All: Unknown}, at: u.at})
			u.counted = true
		}
	}
	delete(m.runs, r.id)
	delete(m.late.cut, r.id)
	if cut {
		m.late.cut[r.id] = r
	}
	m.order = slices.DeleteFunc(slices.Clone(m.order), func(o *run) bool { return o == r })
}

// outcomes are the exceptions of an Ended by key; nil if there are none.
func (d *Ended) outcomes() map[string]Outcome {
	if d == nil || len(d.Except) == 0 {
		return nil
	}
	m := make(map[string]Outcome, len(d.Except))
	for _, r := range d.Except {
		m[r.Key] = r.Outcome
	}
	return m
}

// of picks a change's value out of exceptions. Making a key costs more than all the rest, so
// it isn't made where there are none.
func of[V any](c Change, except map[string]V, all V) V {
	if len(except) > 0 {
		if v, ok := except[c.Key()]; ok {
			return v
		}
	}
	return all
}
