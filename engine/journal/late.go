package journal

import (
	"maps"
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// lateness is what a memory needs to take in entries that come late: what they tell is older
// than what is known already.
type lateness struct {
	// left is how many of the entries to come are late.
	left int
	// cut are runs that somebody else closed, as they were then.
	cut map[string]*run
	// resumed are those of them of which late entries tell more.
	resumed []string
	// undone tells when an account was last enabled, or an object deleted, by Accord.
	undone map[access.Ref]time.Time
}

func newLateness() lateness {
	return lateness{cut: map[string]*run{}, undone: map[access.Ref]time.Time{}}
}

func (l lateness) clone() lateness {
	cut := make(map[string]*run, len(l.cut))
	for id, r := range l.cut {
		cut[id] = r.clone()
	}
	return lateness{l.left, cut, slices.Clone(l.resumed), maps.Clone(l.undone)}
}

// resume opens a run again that was closed by somebody else: what it did before that was known
// counts all the same.
func (m *memory) resume(id string) {
	r, ok := m.late.cut[id]
	if !ok || m.runs[id] != nil {
		return
	}
	m.runs[id] = r
	m.order = append(slices.Clip(m.order), r)
	m.late.resumed = append(m.late.resumed, id)
}

// caughtUp ends one late entry, and with the last of them the runs that stood closed before.
func (m *memory) caughtUp() {
	if m.late.left--; m.late.left > 0 {
		return
	}
	resumed := m.late.resumed
	m.late.resumed = nil
	for _, id := range resumed {
		m.closed(id, true)
	}
}

// outdated reports whether a late entry is older than what is known.
func (m *memory) outdated(e Entry, known applied) bool {
	return m.late.left > 0 && e.Time.Before(known.at)
}

// undo remembers when something was undone that Accord could claim.
func (m *memory) undo(ref access.Ref, at time.Time) {
	if at.After(m.late.undone[ref]) {
		m.late.undone[ref] = at
	}
}

// undoneSince reports whether what a late entry would claim was undone later than it was done.
func (m *memory) undoneSince(c Change, at time.Time) bool {
	undone, ok := m.late.undone[subject(c)]
	return ok && m.late.left > 0 && at.Before(undone)
}
