package journal

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// Memory is what the journal knows at one moment. It doesn't change. The zero Memory knows
// nothing.
type Memory struct{ m *memory }

// LastApplied returns the commit that the system was last brought to, and when. Only runs that
// did all of the system's steps count, and only those that applied a commit: after applying a
// folder the last commit still stands.
func (m Memory) LastApplied(system string) (revision string, at time.Time, ok bool) {
	if m.m == nil {
		return "", time.Time{}, false
	}
	a, ok := m.m.applied[system]
	return a.revision, a.at, ok
}

// LeaversUpTo returns the commit up to which everybody who had left was dealt with on the
// system, and when. It may be newer than LastApplied: other steps may have failed, or be
// refused for long.
func (m Memory) LeaversUpTo(system string) (revision string, at time.Time, ok bool) {
	if m.m == nil {
		return "", time.Time{}, false
	}
	a, ok := m.m.leavers[system]
	return a.revision, a.at, ok
}

// LastRevision returns the commit that any system was last brought to, and when.
func (m Memory) LastRevision() (revision string, at time.Time, ok bool) {
	if m.m == nil {
		return "", time.Time{}, false
	}
	return m.m.last.revision, m.m.last.at, m.m.last.revision != ""
}

// Settings returns the commit whose judging settings hold, since when, and whether a run has
// said so at all. The commit is empty where a run said that there is none yet.
func (m Memory) Settings() (revision string, at time.Time, known bool) {
	if m.m == nil || m.m.settings.revision == "" {
		return "", time.Time{}, false
	}
	if s := m.m.settings; s.revision != NoSettings {
		return s.revision, s.at, true
	}
	return "", m.m.settings.at, true
}

// Given is something that was given to a person, or may have been.
type Given struct {
	Person     string
	Target     access.ID
	Permission string
	Time       time.Time
}

// Given returns what was given to people on the system at or after the instant, which is no more
// than two days ago; older ones may be missing.
func (m Memory) Given(system string, since time.Time) []Given {
	if m.m == nil {
		return nil
	}
	var out []Given
	for c, d := range m.m.countable(system, since, func(cs *changes) bool { return cs.gives }) {
		if c.Action.OnGrant() && !c.Removes() && c.Person != "" && c.After != nil {
			out = append(out, Given{c.Person, c.Target, c.After.Permission, d.counted()})
		}
	}
	return out
}

// Policies names the policies of the commit whose settings hold; empty: it has none, or no run
// was judged yet.
func (m Memory) Policies() string {
	if m.m == nil {
		return ""
	}
	return m.m.policies
}

// Offboarding is somebody whose access was taken away at once, by a run of its own, and of whom
// the declaration didn't say since that they left.
type Offboarding struct {
	Person string
	Since  time.Time
	// Run is the run that began it, Actor who started that, Reason why.
	Run, Actor, Reason string
	// Branch is where the commit is that says so in the declaration, Revision what was declared
	// when it began; Worktree for a folder.
	Branch, Revision string
}

// Applies reports whether there was ever a run, finished or not, that wasn't an offboarding.
func (m Memory) Applies() bool { return m.m != nil && m.m.everybody }

// Offboarded lists the people who were offboarded and aren't settled, sorted.
func (m Memory) Offboarded() []Offboarding {
	if m.m == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(m.m.offboard), func(a, b Offboarding) int { return strings.Compare(a.Person, b.Person) })
}

// Linked tells whose the accounts of a system were when they were last seen, by the ids that the
// system assigned. The map must not be changed.
func (m Memory) Linked(system string) map[string]string {
	if m.m == nil {
		return nil
	}
	return m.m.linked[system]
}

// DisabledSince tells since when an account is disabled, if Accord did it and, as far as Accord
// knows, nothing undid it. What was only begun, or whose outcome isn't known, doesn't count
// until reading back showed it.
func (m Memory) DisabledSince(ref access.Ref) (time.Time, bool) {
	if m.m == nil {
		return time.Time{}, false
	}
	d, ok := m.m.disabled(ref.System)[ref.ID]
	return d.Since, ok
}

// DisabledAccount is an account that Accord disabled and that, as far as it knows, nobody
// enabled since.
type DisabledAccount struct {
	Account access.ID
	Person  string
	Since   time.Time
	// Leaver says that it was disabled because its person had left.
	Leaver bool
}

// Disabled lists the accounts of a system for which DisabledSince has an answer, sorted.
func (m Memory) Disabled(system string) []DisabledAccount {
	if m.m == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(m.m.disabled(system)), func(a, b DisabledAccount) int { return a.Account.Compare(b.Account) })
}

// CreatedByAccord reports whether Accord made the account or resource, under this name or one
// that it was renamed from.
func (m Memory) CreatedByAccord(ref access.Ref) bool {
	if m.m == nil {
		return false
	}
	_, ok := m.m.created(ref.System)[ref.ID]
	return ok
}

// Removal is one change that took something away, or may have.
type Removal struct {
	// Action is Revoke, ChangeLevel (downwards), Disable or Delete.
	Action access.Action
	// Ref is what the grant was on, or the object that was disabled or deleted.
	Ref access.Ref
	// Subject is the holder of the grant, or the object itself.
	Subject access.ID
	Person  string
	Time    time.Time
	// Leaver says that it belongs to the leavers' lane.
	Leaver bool
}

// Removals returns what was taken away on the system at or after the instant, in the order of
// the journal: what was done, what may have been done, and what was begun without a word about
// its end.
func (m Memory) Removals(system string, since time.Time) []Removal {
	if m.m == nil {
		return nil
	}
	var out []Removal
	removal := func(c *Change, at time.Time) {
		if c.Removes() {
			out = append(out, Removal{c.Action, c.Ref(), c.Subject, c.Person, at, c.Class == ClassLeaver})
		}
	}
	for c, d := range m.m.countable(system, since, func(cs *changes) bool { return cs.removes }) {
		removal(c, d.counted())
	}
	for _, run := range m.m.order {
		for _, u := range run.units {
			if u.changes.system != system || u.end != nil || u.at.Before(since) {
				continue
			}
			for c := range u.changes.each() {
				removal(c, u.at)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Removal) int { return a.Time.Compare(b.Time) })
	return out
}

// Corrected tells how often a drift change with that key was carried out, or may have been, at
// or after the instant.
func (m Memory) Corrected(key string, since time.Time) int {
	if m.m == nil {
		return 0
	}
	n := 0
	for _, at := range m.m.corrections()[key] {
		if at >= since.UnixMicro() {
			n++
		}
	}
	return n
}

// OpenRun is a run that was opened and never closed: it goes on at this moment, or was killed.
type OpenRun struct {
	Run   string
	Since time.Time
	Opened
	// Closed names the systems that the run was done with.
	Closed []string
	// Units are the units that were begun, in order.
	Units []OpenUnit
}

// OpenUnit is one unit of an open run. Its changes must not be changed.
type OpenUnit struct {
	Begun
	At  time.Time
	end *Ended
}

// Ended reports whether the journal says how the unit ended.
func (u OpenUnit) Ended() bool { return u.end != nil }

// Outcomes tells what became of each change of the unit, in their order: Unknown if the unit
// was begun and nothing is known of its end.
func (u OpenUnit) Outcomes() []Outcome {
	out := make([]Outcome, len(u.Changes))
	except := u.end.outcomes()
	for i, c := range u.Changes {
		out[i] = Unknown
		if u.end != nil {
			out[i] = of(c, except, u.end.All)
		}
	}
	return out
}

// Open returns the runs that were opened and never closed, oldest first.
func (m Memory) Open() []OpenRun {
	if m.m == nil {
		return nil
	}
	var out []OpenRun
	for _, r := range m.m.order {
		o := OpenRun{Run: r.id, Since: r.since, Opened: r.opened, Closed: slices.Clone(r.closed)}
		for _, u := range r.units {
			o.Units = append(o.Units, OpenUnit{Begun: Begun{System: u.changes.system, Unit: u.number, Changes: u.changes.all()}, At: u.at, end: u.end})
		}
		out = append(out, o)
	}
	return out
}

type applied struct {
	revision string
	at       time.Time
}
