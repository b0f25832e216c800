package journal

import "slices"

// lateness is what a memory needs to take in entries that come late: what they tell is older
// than what is known already.
type lateness struct {
	// left is how many of the entries to come are late.
	left int
	// cut are runs that somebody else closed, as they were then.
	cut map[string]*run
	// resumed are those of them of which late entries tell more.
	resumed []string
}

func newLateness() lateness {
	return lateness{cut: map[string]*run{}}
}

func (l lateness) clone() lateness {
	cut := make(map[string]*run, len(l.cut))
	for id, r := range l.cut {
		cut[id] = r.clone()
	}
	return lateness{l.left, cut, slices.Clone(l.resumed)}
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
