package journal

import (
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// ended takes in what became of a unit.
//
// Where the outcome is unknown, the careful side differs. Towards limits and counts an unknown
// change counts as done. A claim ("Accord disabled it", "Accord made it") is made only when
// reading back shows it, and is given up at once when an unknown change may have ended it.
func (m *memory) ended(u *OpenUnit, at time.Time) {
	except := u.end.outcomes()
	for _, c := range u.Changes {
		outcome := of(c, except, u.end.All)
		if !outcome.valid() {
			outcome = Unknown
		}
		if c.Action.OnGrant() && !c.Removes() && (outcome == Done || outcome == Unknown) && !u.counted {
			m.give(c, at)
		}
		if (outcome == Done || outcome == Unknown) && !u.counted {
			m.count(c, at)
		}
		switch outcome {
		case Done:
			m.claim(c, at)
			m.disclaim(c, at)
		case Already, Unknown:
			m.disclaim(c, at)
		}
		if outcome == Already && c.Action == access.Rename {
			m.rename(c)
		}
	}
}

// count keeps what guards and reports count.
func (m *memory) count(c Change, at time.Time) {
	if c.Removes() {
		m.removals[c.System] = append(m.removals[c.System], removal{
			at:      at.UnixMicro(),
			target:  m.names.put(c.Ref().ID),
			subject: m.names.put(c.Subject),
			person:  m.names.put(access.ID{Name: c.Person}),
			action:  uint16(m.names.put(access.ID{Name: string(c.Action)})),
			leaver:  c.Class == ClassLeaver,
		})
	}
	if c.Class == ClassDrift {
		key := c.Key()
		m.corrected[key] = append(m.corrected[key], at.UnixMicro())
	}
}

// givenFor is how long it is remembered what was given: limits count by the day, of any zone.
const givenFor = 49 * time.Hour

// give keeps what was given to people of late.
func (m *memory) give(c Change, at time.Time) {
	if c.Person == "" || c.After == nil {
		return
	}
	list := m.given[c.System]
	old := 0
	for old < len(list) && list[old].at < at.Add(-givenFor).UnixMicro() {
		old++
	}
	if old > len(list)/2 {
		list = slices.Clone(list[old:])
	}
	m.given[c.System] = append(list, given{
		at: at.UnixMicro(), target: m.names.put(c.Target), person: m.names.put(access.ID{Name: c.Person}),
		permission: m.names.put(access.ID{Name: c.After.Permission}),
	})
}

// claim remembers what Accord did itself.
func (m *memory) claim(c Change, at time.Time) {
	if c.Action.OnGrant() || m.undoneSince(c, at) { // there are no claims about grants
		return
	}
	switch c.Action {
	case access.Disable:
		m.disabled[subject(c)] = disabledAccount(c, at)
	case access.Create:
		m.created[subject(c)] = struct{}{}
		if c.After != nil && c.After.Disabled {
			m.disabled[subject(c)] = disabledAccount(c, at)
		}
	case access.Rename:
		m.rename(c)
	}
}

func disabledAccount(c Change, at time.Time) DisabledAccount {
	return DisabledAccount{Account: subject(c).ID, Person: strings.Clone(c.Person), Since: at, Leaver: c.Class == ClassLeaver}
}

// disclaim forgets what no longer is.
func (m *memory) disclaim(c Change, at time.Time) {
	switch c.Action {
	case access.Enable:
		delete(m.disabled, subject(c))
		m.undo(subject(c), at)
	case access.Delete:
		m.undo(subject(c), at)
		delete(m.disabled, subject(c))
		delete(m.created, subject(c))
	}
}

func (m *memory) rename(c Change) {
	if c.After == nil || c.After.Name == "" || c.After.Name == c.Subject.Name {
		return
	}
	m.move(subject(c), access.Ref{System: c.System, ID: access.ID{Kind: c.Subject.Kind, Name: strings.Clone(c.After.Name)}})
}

func (m *memory) move(from, to access.Ref) {
	if at, ok := m.disabled[from]; ok {
		delete(m.disabled, from)
		at.Account = to.ID
		m.disabled[to] = at
	}
	if _, ok := m.created[from]; ok {
		delete(m.created, from)
		m.created[to] = struct{}{}
	}
}

// readBack corrects the claims by what was seen.
func (m *memory) readBack(e Entry, d ReadBack) {
	r, ok := m.runs[e.Run]
	if !ok {
		return
	}
	seen := make(map[string]Held, len(d.Except))
	for _, s := range d.Except {
		seen[s.Key] = s.Held
	}
	for _, u := range r.units {
		if u.System != d.System || !u.ended || d.Unit != 0 && u.Unit != d.Unit {
			continue
		}
		except := u.end.outcomes()
		for _, c := range u.Changes {
			if !c.Action.OnGrant() { // there are no claims about grants
				m.confirm(c, of(c, except, u.end.All), of(c, seen, d.All), e.Time)
			}
		}
	}
}

func (m *memory) confirm(c Change, outcome Outcome, held Held, at time.Time) {
	switch {
	case outcome == Unknown && held == Holds:
		m.claim(c, at)
	case outcome == Done && held == NotHeld:
		m.retract(c)
	}
}

// retract gives up what was claimed and turned out not to hold.
func (m *memory) retract(c Change) {
	switch c.Action {
	case access.Disable:
		delete(m.disabled, subject(c))
	case access.Create:
		delete(m.disabled, subject(c))
		delete(m.created, subject(c))
	case access.Rename:
		if c.After != nil && c.After.Name != c.Subject.Name {
			m.move(access.Ref{System: c.System, ID: access.ID{Kind: c.Subject.Kind, Name: c.After.Name}}, subject(c))
		}
	}
}

// subject is the ref of a change's subject, in memory of its own: a line read from disk may be
// long and must not be kept for the sake of a name.
func subject(c Change) access.Ref {
	return access.Ref{
		System: strings.Clone(c.System),
		ID:     access.ID{Kind: strings.Clone(c.Subject.Kind), Name: strings.Clone(c.Subject.Name)},
	}
}
