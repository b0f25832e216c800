package journal

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Drift tells what a look at drift saw, so that later only what is new need be told. It belongs
// to no run. Only what differs from the looks before is in it: a look that sees the same as
// the last one is a short line, however much is open.
type Drift struct {
	// Revision is the commit that the systems were compared with, or Worktree.
	Revision string `json:"revision"`
	// Systems are those that were looked at.
	Systems []DriftSystem `json:"systems"`
}

// DriftSystem is what was seen of one system.
type DriftSystem struct {
	System string `json:"system"`
	// Complete says that it was read whole.
	Complete bool `json:"complete,omitempty"`
	// Digest names everything that is open by then, Open counts it by kind.
	Digest string         `json:"digest,omitempty"`
	Open   map[string]int `json:"open,omitempty"`
	// New are the differences that weren't open before, Gone those that no longer are, by name,
	// the kind first ("undeclared-grant office/account/zed group/tools member").
	New  []string `json:"new,omitempty"`
	Gone []string `json:"gone,omitempty"`
}

// Told says that somebody was told the news. It belongs to no run.
type Told struct {
	// To is who, by the name of the notification.
	To string `json:"to"`
	// Upto is the last entry that was known when it was written; what came after it is news.
	Upto uint64 `json:"upto"`
	// Reminder says that what is still open was told, too.
	Reminder bool `json:"reminder,omitempty"`
}

// Sighting is a difference and when it was seen: at first, and, if it is gone, for the first time
// no more.
type Sighting struct {
	Key         string
	Since, Gone time.Time
	seen, left  uint64 // the entries that say so
}

// PartlyApplied is a run that did only part of what it was to do.
type PartlyApplied struct {
	Run, Outcome string
	Actor        string
	Systems      []string
	Time         time.Time
	seq          uint64
}

// News is what somebody wasn't told yet.
type News struct {
	// Open are differences that are open now and weren't told of; Gone those that were told
	// of and are gone; Passed those that came and went in between.
	Open, Gone, Passed []Sighting
	// Partly are the runs that ended in part.
	Partly []PartlyApplied
	// Upto is what Told has to say once this was told.
	Upto uint64
	// First says that this is the first time: everything that is open is new.
	First bool
	// Told and Reminded are when there was news last, and a reminder; zero: never.
	Told, Reminded time.Time
}

// looks are what is known of a system by looks at its drift. The map isn't changed but replaced.
type looks struct {
	open map[string]Sighting
	read time.Time // when it was last read whole
}

// heard is what somebody was told.
type heard struct {
	upto         uint64
	at, reminded time.Time
}

func (h heard) remindedBy(at time.Time, now bool) time.Time {
	if now {
		return at
	}
	return h.reminded
}

// goneFor is how long it is remembered that a difference was there, keptPartly how many runs that
// ended in part: whoever wasn't told for longer is told what is open.
const (
	goneFor    = 30 * 24 * time.Hour
	keptPartly = 100
)

func (m *memory) read(system string, at time.Time) {
	l := m.drift[system]
	if at.After(l.read) { // what comes late may be older
		l.read = at
	}
	m.drift[strings.Clone(system)] = l
}

// looked takes in what a look saw.
func (m *memory) looked(e Entry, d Drift) {
	old := 0
	for old < len(m.gone) && m.gone[old].Gone.Before(e.Time.Add(-goneFor)) {
		old++
	}
	m.gone = slices.Clip(m.gone[old:])
	for _, s := range d.Systems {
		l := m.drift[s.System]
		if s.Complete && e.Time.After(l.read) {
			l.read = e.Time
		}
		if len(s.New)+len(s.Gone) > 0 {
			l.open = maps.Clone(l.open)
		}
		for _, key := range s.Gone {
			if o, ok := l.open[key]; ok {
				o.Gone, o.left = e.Time, e.Seq
				m.gone = append(m.gone, o)
				delete(l.open, key)
			}
		}
		for _, key := range s.New {
			if l.open == nil {
				l.open = map[string]Sighting{}
			}
			if _, ok := l.open[key]; !ok {
				key = strings.Clone(key)
				l.open[key] = Sighting{Key: key, Since: e.Time, seen: e.Seq}
			}
		}
		m.drift[strings.Clone(s.System)] = l
	}
}

// exitPartly is the exit code of a run that did only part of what it was to do.
const exitPartly = 5

func (m *memory) endedPartly(e Entry, d Closed) {
	r, ok := m.runs[e.Run]
	if !ok {
		return
	}
	m.lastEnd = e.Seq
	if d.Exit != exitPartly {
		return
	}
	m.partly = append(m.partly[max(0, len(m.partly)-keptPartly):],
		PartlyApplied{Run: r.id, Outcome: d.Outcome, Actor: r.opened.Actor, Systems: r.opened.Systems, Time: e.Time, seq: e.Seq})
}

// LastRead tells when the system was last read whole, by a look at drift or a run that were
// recorded.
func (m Memory) LastRead(system string) (time.Time, bool) {
	if m.m == nil {
		return time.Time{}, false
	}
	at := m.m.drift[system].read
	return at, !at.IsZero()
}

// Looked names the systems that were looked at for drift, sorted.
func (m Memory) Looked() []string {
	if m.m == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(m.m.drift))
}

// OpenDrift tells which differences of a system are open, by name, each since when. The map must
// not be changed.
func (m Memory) OpenDrift(system string) map[string]Sighting {
	if m.m == nil {
		return nil
	}
	return m.m.drift[system].open
}

// News tells what somebody wasn't told yet.
func (m Memory) News(to string) News {
	if m.m == nil {
		return News{First: true}
	}
	h, known := m.m.told[to]
	n := News{Upto: m.m.seq, First: !known, Told: h.at, Reminded: h.reminded}
	left := m.m.departed(h.upto)
	for _, system := range m.Looked() {
		open := m.m.drift[system].open
		for _, key := range slices.Sorted(maps.Keys(open)) {
			l, was := left[key]
			delete(left, key)
			if o := open[key]; o.seen > h.upto && !(was && l.seen <= h.upto) {
				n.Open = append(n.Open, o)
			}
		}
	}
	for _, p := range m.m.partly {
		if p.seq > h.upto && (known || p.seq == m.m.lastEnd) {
			n.Partly = append(n.Partly, p)
		}
	}
	if !known { // what went before anybody asked is nobody's news
		return n
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		if o := left[key]; o.seen <= h.upto {
			n.Gone = append(n.Gone, o)
		} else {
			n.Passed = append(n.Passed, o)
		}
	}
	return n
}

// departed are the differences that went after an entry, each as it was when it was seen first:
// what was told of, went, and is there again is no news.
func (m *memory) departed(upto uint64) map[string]Sighting {
	out := map[string]Sighting{}
	for _, o := range m.gone {
		if o.left <= upto {
			continue
		}
		if first, ok := out[o.Key]; ok {
			o.Since, o.seen = first.Since, first.seen
		}
		out[o.Key] = o
	}
	return out
}
