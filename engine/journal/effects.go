package journal

import (
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// deed is what the record tells of a unit that came to its end: what became of it or, with seen
// set, what reading back showed. What it amounts to is worked out when somebody asks: a journal
// holds many changes, and most are never asked about.
type deed struct {
	changes *changes
	end     *Ended    // without the names of what ended
	seen    *ReadBack // the same
	at      time.Time
	again   bool // it counted before: see workUnit.counted
	late    bool // it stands on the record later than what came after it
}

// deeds are those of one system in the order of the journal. Those of a memory that was handed
// out don't change.
type deeds struct {
	owner     *memory // who may add to them
	list      []deed
	disabling bool // there are such changes among them
	// The claims are worked out in two: whether somebody is disabled is asked for by every plan,
	// and seldom changes; what was made is much, and is seldom asked about.
	disabled, all view[*claims]
}

// view is what deeds amount to. It is made when it is first asked for, by as many as may be, and
// that is after they were handed out.
type view[T any] struct {
	once sync.Once
	what T
}

func (v *view[T]) get(see func() T) T {
	v.once.Do(func() { v.what = see() })
	return v.what
}

// did adds a deed, unless it is one that teaches nothing.
func (m *memory) did(d deed) {
	cs := d.changes
	if !cs.claimed() && (d.seen != nil || !cs.removes && !cs.drift && !cs.gives) {
		return // there are no claims about grants
	}
	d.late = m.late.left > 0
	of := m.systems[cs.system]
	switch {
	case of == nil:
		of = &deeds{owner: m}
		m.systems[cs.system] = of
	case of.owner != m:
		of = &deeds{owner: m, list: slices.Clip(of.list), disabling: of.disabling}
		m.systems[cs.system] = of
	}
	of.list = append(of.list, d)
	of.disabling = of.disabling || cs.disabling
}

// readBack takes in what was seen. Of units that haven't ended nobody knows what that was.
func (m *memory) readBack(e Entry, d ReadBack) {
	r, ok := m.runs[e.Run]
	if !ok {
		return
	}
	seen := &ReadBack{All: own(d.All, Holds, NotHeld, Unconfirmed), Except: d.Except}
	units := r.units
	if d.Unit != 0 && len(r.index) == len(units) { // no two have one name
		u, ok := r.index[unitName{d.System, d.Unit}]
		if !ok {
			return
		}
		units = []*workUnit{u}
	}
	for _, u := range units {
		if u.end != nil && (d.Unit == 0 || u.number == d.Unit) && u.changes.system == d.System {
			m.did(deed{changes: u.changes, end: u.end, seen: seen, at: e.Time})
		}
	}
}

// own gives a word in memory of its own: that of a line that was read would keep the line.
func own[W ~string](word W, known ...W) W {
	if i := slices.Index(known, word); i >= 0 {
		return known[i]
	}
	return W(strings.Clone(string(word)))
}

// outcomes yields the changes with what became of each.
func (d *deed) outcomes() iter.Seq2[*Change, Outcome] {
	return func(yield func(*Change, Outcome) bool) {
		except := d.end.outcomes()
		for c := range d.changes.each() {
			if !yield(c, of(*c, except, d.end.All)) {
				return
			}
		}
	}
}

// counted is when it counts.
func (d *deed) counted() time.Time { return time.UnixMicro(d.at.UnixMicro()).UTC() }

// counts reports whether an outcome counts towards limits, which those that nobody knows do.
func (o Outcome) counts() bool { return o == Done || o == Unknown || !o.valid() }

// countable yields the changes on a system that were made, or may have been, at or after the
// instant, among the units that hold such as are asked about.
func (m *memory) countable(system string, since time.Time, among func(*changes) bool) iter.Seq2[*Change, *deed] {
	return func(yield func(*Change, *deed) bool) {
		of := m.systems[system]
		if of == nil {
			return
		}
		for i := range of.list {
			d := &of.list[i]
			if d.seen != nil || d.again || !among(d.changes) || d.at.UnixMicro() < since.UnixMicro() {
				continue
			}
			for c, outcome := range d.outcomes() {
				if outcome.counts() && !yield(c, d) {
					return
				}
			}
		}
	}
}

// corrections are the times at which drift was corrected, or may have been, by the change's key.
func (m *memory) corrections() map[string][]int64 {
	return m.corrected.get(func() map[string][]int64 {
		out := map[string][]int64{}
		for system := range m.systems {
			for c, d := range m.countable(system, time.Time{}, func(cs *changes) bool { return cs.drift }) {
				if c.Class == ClassDrift {
					key := c.Key()
					out[key] = append(out[key], d.at.UnixMicro())
				}
			}
		}
		return out
	})
}

// claims are what Accord says that it did on a system, by the names that things have now.
type claims struct {
	disabled map[access.ID]DisabledAccount
	created  map[access.ID]struct{} // nil: that isn't asked
	// undone tells when an account was last enabled, or an object deleted, by Accord.
	undone map[access.ID]time.Time
}

// disabled are the accounts of a system that Accord disabled. The map must not be changed.
func (m *memory) disabled(system string) map[access.ID]DisabledAccount {
	of := m.systems[system]
	if of == nil || !of.disabling {
		return nil
	}
	return of.disabled.get(func() *claims {
		return of.claims(nil, func(d *deed) bool { return d.changes.disabling || d.changes.undoing || d.retracts() })
	}).disabled
}

// created are the objects of a system that Accord made. The map must not be changed.
func (m *memory) created(system string) map[access.ID]struct{} {
	of := m.systems[system]
	if of == nil {
		return nil
	}
	return of.all.get(func() *claims {
		n := 0
		for i := range of.list {
			if of.list[i].seen == nil {
				n += of.list[i].changes.creates
			}
		}
		return of.claims(make(map[access.ID]struct{}, n), func(d *deed) bool { return d.changes.claimed() })
	}).created
}

// claims goes through such deeds.
func (of *deeds) claims(created map[access.ID]struct{}, such func(*deed) bool) *claims {
	cl := &claims{disabled: map[access.ID]DisabledAccount{}, created: created, undone: map[access.ID]time.Time{}}
	for i := range of.list {
		if d := &of.list[i]; such(d) {
			cl.take(d)
		}
	}
	return cl
}

// retracts reports whether reading back showed that something doesn't hold.
func (d *deed) retracts() bool {
	return d.seen != nil && (d.seen.All == NotHeld || slices.ContainsFunc(d.seen.Except, func(s Seen) bool { return s.Held == NotHeld }))
}

// take takes in what became of a unit, or corrects the claims by what was seen.
//
// Where the outcome is unknown, the careful side differs. Towards limits and counts an unknown
// change counts as done. A claim ("Accord disabled it", "Accord made it") is made only when
// reading back shows it, and is given up at once when an unknown change may have ended it.
func (cl *claims) take(d *deed) {
	var seen map[string]Held
	if d.seen != nil {
		seen = make(map[string]Held, len(d.seen.Except))
		for _, s := range d.seen.Except {
			seen[s.Key] = s.Held
		}
	}
	for c, outcome := range d.outcomes() {
		switch {
		case c.Action.OnGrant(): // there are no claims about grants
		case d.seen != nil:
			cl.confirm(c, outcome, of(*c, seen, d.seen.All), d)
		case outcome == Done:
			cl.claim(c, d)
			cl.disclaim(c, d)
		case outcome == Already || outcome == Unknown || !outcome.valid():
			cl.disclaim(c, d)
			if outcome == Already && c.Action == access.Rename {
				cl.rename(c)
			}
		}
	}
}

// claim remembers what Accord did itself, unless a late entry tells of it and it was undone later.
func (cl *claims) claim(c *Change, d *deed) {
	if undone, ok := cl.undone[c.Subject]; ok && d.late && d.at.Before(undone) {
		return
	}
	switch c.Action {
	case access.Disable:
		cl.disabled[c.Subject] = disabledAccount(c, d)
	case access.Create:
		if cl.created != nil {
			cl.created[c.Subject] = struct{}{}
		}
		if c.After != nil && c.After.Disabled {
			cl.disabled[c.Subject] = disabledAccount(c, d)
		}
	case access.Rename:
		cl.rename(c)
	}
}

func disabledAccount(c *Change, d *deed) DisabledAccount {
	return DisabledAccount{Account: c.Subject, Person: c.Person, Since: d.at, Leaver: c.Class == ClassLeaver}
}

// disclaim forgets what no longer is.
func (cl *claims) disclaim(c *Change, d *deed) {
	switch c.Action {
	case access.Enable:
		delete(cl.disabled, c.Subject)
		cl.undo(c.Subject, d.at)
	case access.Delete:
		cl.undo(c.Subject, d.at)
		delete(cl.disabled, c.Subject)
		delete(cl.created, c.Subject)
	}
}

// undo remembers when something was undone that Accord could claim.
func (cl *claims) undo(id access.ID, at time.Time) {
	if at.After(cl.undone[id]) {
		cl.undone[id] = at
	}
}

func (cl *claims) rename(c *Change) {
	if c.After == nil || c.After.Name == "" || c.After.Name == c.Subject.Name {
		return
	}
	cl.move(c.Subject, access.ID{Kind: c.Subject.Kind, Name: c.After.Name})
}

func (cl *claims) move(from, to access.ID) {
	if at, ok := cl.disabled[from]; ok {
		delete(cl.disabled, from)
		at.Account = to
		cl.disabled[to] = at
	}
	if _, ok := cl.created[from]; ok {
		delete(cl.created, from)
		cl.created[to] = struct{}{}
	}
}

func (cl *claims) confirm(c *Change, outcome Outcome, held Held, d *deed) {
	switch {
	case outcome == Unknown && held == Holds:
		cl.claim(c, d)
	case outcome == Done && held == NotHeld:
		cl.retract(c)
	}
}

// retract gives up what was claimed and turned out not to hold.
func (cl *claims) retract(c *Change) {
	switch c.Action {
	case access.Disable:
		delete(cl.disabled, c.Subject)
	case access.Create:
		delete(cl.disabled, c.Subject)
		delete(cl.created, c.Subject)
	case access.Rename:
		if c.After != nil && c.After.Name != c.Subject.Name {
			cl.move(access.ID{Kind: c.Subject.Kind, Name: c.After.Name}, c.Subject)
		}
	}
}
