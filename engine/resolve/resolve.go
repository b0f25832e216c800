// Package resolve turns documents and an instant into the declared state of each system, with
// the reasons of everything in it. It is pure: no clock, no files, no connectors. What it must
// know of a connector comes as values.
//
//	people, groups ──sets.go──▶ members with windows ─┐
//	roles ──────────roles.go──▶ bundles ──────────────┼─rows.go─▶ rows ──desired.go──▶ State, Holders, Reasons
//	grants, resources ────────────────────────────────┘
//
// A row is one way in which one person gets one entitlement: the member's path through the
// groups, the entitlement's path through the roles, and the window in which both hold. Rows
// keep pointers into the documents; the sentences and the file:line links of a reason are made
// from them only when somebody asks. Rows exist for all time: the state at an instant, the
// reasons that have ended, and the intervals that a change moves all come from the same rows.
package resolve

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// Connector is what resolution needs of the connector of one system.
type Connector struct {
	Describe  access.Description
	Normalize func(access.Object) (access.Object, error)
}

// Former is an account that Accord itself disabled when its person left, and that the journal
// remembers although the declaration may have forgotten the person.
type Former struct {
	Account access.ID
	Person  string
	Since   time.Time
}

// Input is what a declaration is resolved from.
type Input struct {
	// Repo has passed Check.
	Repo *declare.Repository
	// At is the instant; access is resolved as it is declared to be then.
	At time.Time
	// Connectors are by system.
	Connectors map[string]Connector
	// Previous are declarations that were applied before, the newest first. People that are in
	// one of them and are gone from Repo are leavers.
	Previous []*declare.Repository
	// Former are by system.
	Former map[string][]Former
	// Found are, by system and person, the accounts that turned out to be theirs although they
	// are called otherwise.
	Found map[string]map[string]Found
	// Without are accesses that don't count as declared at the instant, by system: a policy refused
	// what declares them.
	Without map[string]map[Access]bool
	// About are the people whose access is resolved, and nobody else's; nil: everybody's. Of everybody
	// else only the documents count. What comes out is what resolving everybody says of them, as long
	// as Beside names nobody.
	About map[string]bool
	// Differs goes with About: where Repo may be wrong, as the rest of it is known to be sound.
	Differs declare.Difference
	// Offboarded are people who count as left although the declaration doesn't say so (yet), each
	// with what says it.
	Offboarded map[string]access.Link
}

// Access is one access of one person on a system.
type Access struct {
	Person     string
	Target     access.ID
	Permission string
}

// Found is an account that is somebody's under another name than declared.
type Found struct {
	Account access.ID
	// Rename says that it is to be called as declared; else it keeps its name.
	Rename bool
}

// World is a resolved declaration.
type World struct {
	Repo *declare.Repository
	At   time.Time
	// Systems are sorted by id; released ones are left out.
	Systems []*Desired
	people  *people
	sets    *sets
	about   []int32 // whom the world is about, sorted; nil: everybody
}

// System returns the desired state of a system, or nil.
func (w *World) System(id string) *Desired {
	for _, d := range w.Systems {
		if d.Decl.ID.Value == id {
			return d
		}
	}
	return nil
}

// Resolve computes the declared state of every system. Problems are those that only show when
// everything is put together: two people on one account name, a name that can't be made, two
// exclusive roles on one person. The cost is linear in the rows it makes.
func Resolve(in Input) (*World, declare.Problems) {
	r := &resolver{in: in, loc: in.Repo.Config.Location(), at: in.At.UnixMilli()}
	r.people = newPeople(in, r.loc)
	r.about = r.people.chosen(in.About)
	r.sets = newSets(r, r.about)
	w := &World{Repo: in.Repo, At: in.At, people: r.people, sets: r.sets, about: r.about}
	if r.about != nil {
		w.sets = newSets(r, nil)
	}
	for _, sys := range in.Repo.Systems {
		if sys.State.Value != "released" {
			w.Systems = append(w.Systems, newDesired(r, sys))
		}
	}
	slices.SortFunc(w.Systems, func(a, b *Desired) int { return strings.Compare(a.Decl.ID.Value, b.Decl.ID.Value) })
	r.systems = make(map[string]*Desired, len(w.Systems))
	for _, d := range w.Systems {
		r.systems[d.Decl.ID.Value] = d
	}
	r.callings = callings(w.Systems)
	var beside sync.WaitGroup
	beside.Go(func() {
		r.mentions = r.mentioned()
		for _, d := range w.Systems {
			r.calls(d.rule)
		}
	})
	r.gifts()
	beside.Wait()
	r.finish(w.Systems)
	r.exclusive(w)
	return w, declare.Problems(nil).Merge(r.problems)
}

type resolver struct {
	in       Input
	loc      *time.Location
	at       int64
	people   *people
	about    []int32
	sets     *sets
	systems  map[string]*Desired
	mentions map[string][]mention // by system
	callings map[string]*calling  // by rule

	mu       sync.Mutex
	problems declare.Problems
}

// problem may be called by several systems at a time; what is found is sorted in the end.
func (r *resolver) problem(pos declare.Pos, message, hint string) {
	p := r.in.Repo.Problem(pos, "", message, hint)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, p)
}

// finish works on several systems at a time, the largest first: they don't know of each other.
func (r *resolver) finish(systems []*Desired) {
	order := slices.Clone(systems)
	slices.SortStableFunc(order, func(a, b *Desired) int { return b.given() - a.given() })
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(order)) {
		wg.Go(func() {
			var rows rowMaker
			for {
				i := int(next.Add(1)) - 1
				if i >= len(order) {
					return
				}
				order[i].finish(r, &rows)
			}
		})
	}
	wg.Wait()
}

// span is a half-open interval in milliseconds since 1970.
type span struct{ from, until int64 }

const (
	ever  = math.MinInt64
	never = math.MaxInt64
)

var always = span{ever, never}

func (s span) empty() bool          { return s.from >= s.until }
func (s span) holds(at int64) bool  { return s.from <= at && at < s.until }
func (s span) and(o span) span      { return span{max(s.from, o.from), min(s.until, o.until)} }
func (s span) overlaps(o span) bool { return !s.and(o).empty() }

// times gives both ends in a zone: the repository's, so that an end is written as the day that
// was declared.
func (s span) times(loc *time.Location) (from, until time.Time) {
	return instant(s.from, ever, loc), instant(s.until, never, loc)
}

func instant(ms, open int64, loc *time.Location) time.Time {
	if ms == open {
		return time.Time{}
	}
	return time.UnixMilli(ms).In(loc)
}

// window is the span between two dates of the declaration.
func window(from, until declare.Date, loc *time.Location) span {
	s := always
	if t := from.Start(loc); !t.IsZero() {
		s.from = t.UnixMilli()
	}
	if t := until.End(loc); !t.IsZero() {
		s.until = t.UnixMilli()
	}
	return s
}
