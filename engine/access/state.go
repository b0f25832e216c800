package access

import (
	"iter"
	"slices"
	"sort"
	"strings"
	"sync"
)

// State is one system at one moment: its objects, its grants, and what is not known about
// them. It is immutable and safe for concurrent use; its insides are opaque so that they can
// stay compact (12 bytes a grant and 17 an object beside the names, each name kept once).
//
// Three values: something is there, is not there, or is unknown. Knows and KnowsGrant tell
// the last two apart; whoever takes something away must ask them first.
type State struct {
	system   string
	identity string
	self     ID
	scope    []ID // sorted; nil: everything
	names    names
	facts    facts    // by index into names
	perms    []string // sorted
	grants   []edge   // sorted by subject, target, permission
	unknown  []Unknown

	onceByTarget sync.Once
	byTarget     []int32 // indexes into grants, sorted by target
}

// edge is a grant by indexes into names and perms.
type edge struct {
	subject, target uint32
	perm            uint16
	standing        Standing
}

// Unknown is a part of a system that couldn't be seen. The zero ID means everything, an ID
// without a name all objects of its kind. Of an unknown object neither its presence nor its
// attributes nor the grants that it holds or that are on it are known.
type Unknown struct {
	ID  ID     `json:"id,omitzero"`
	Why string `json:"why"`
}

// System is the name of the system in the repository.
func (s *State) System() string { return s.system }

// Identity tells which target was really read, in a form that is the same however it was
// reached ("postgres 7301239123/app"). Two systems with one identity are one.
func (s *State) Identity() string { return s.identity }

// Self is the account that Accord itself uses there; zero if it has none.
func (s *State) Self() ID { return s.self }

// Whole reports whether the state answers for the whole system rather than for named objects.
func (s *State) Whole() bool { return s.scope == nil }

// Complete reports whether everything on the system is known: creation, deletion and every
// guard that counts need it.
func (s *State) Complete() bool { return s.Whole() && len(s.unknown) == 0 }

// Unknowns lists what is not known, sorted.
func (s *State) Unknowns() []Unknown { return slices.Clone(s.unknown) }

// Knows reports whether the state can be trusted about the object: whether it is there, and
// which grants it holds.
func (s *State) Knows(id ID) bool {
	if s.scope != nil {
		if _, ok := slices.BinarySearchFunc(s.scope, id, ID.Compare); !ok {
			return false
		}
	}
	return !s.covered(id)
}

// KnowsGrant reports whether the state can be trusted about what the subject holds on the
// target.
func (s *State) KnowsGrant(subject, target ID) bool { return s.Knows(subject) && !s.covered(target) }

func (s *State) covered(id ID) bool {
	for _, u := range s.unknown {
		if u.ID.IsZero() || u.ID == id || u.ID.Name == "" && u.ID.Kind == id.Kind {
			return true
		}
	}
	return false
}

// Size is the number of objects and of grants.
func (s *State) Size() (objects, grants int) { return s.facts.objects, len(s.grants) }

// Objects yields the objects in order. Their Attributes must not be changed.
func (s *State) Objects() iter.Seq[Object] {
	return func(yield func(Object) bool) {
		for i := range s.facts.marks {
			if s.facts.marks[i]&there != 0 && !yield(s.object(i)) {
				return
			}
		}
	}
}

// Object returns the object with that ID.
func (s *State) Object(id ID) (Object, bool) {
	i, ok := s.names.find(id)
	if !ok || s.facts.marks[i]&there == 0 {
		return Object{}, false
	}
	return s.object(i), true
}

// Finder finds objects as State.Object does, and faster where they are asked for in order. It is
// not safe for concurrent use.
type Finder struct {
	s  *State
	at int
}

// Finder begins at the first object.
func (s *State) Finder() *Finder { return &Finder{s: s} }

// Object returns the object with that ID.
func (f *Finder) Object(id ID) (Object, bool) {
	i, ok := f.s.names.near(id, f.at)
	f.at = i
	if !ok || f.s.facts.marks[i]&there == 0 {
		return Object{}, false
	}
	return f.s.object(i), true
}

func (s *State) object(i int) Object {
	o := Object{ID: s.names.id(uint32(i))}
	s.facts.fill(i, &o)
	return o
}

// Grants yields the grants in order (subject, target, permission), each with its index, by
// which a caller may keep facts of its own beside them.
func (s *State) Grants() iter.Seq2[int, Grant] { return s.between(0, len(s.grants)) }

// Grant returns the grant at that index.
func (s *State) Grant(i int) Grant {
	e := s.grants[i]
	return Grant{s.names.id(e.subject), s.names.id(e.target), s.perms[e.perm], e.standing}
}

// GrantsOf yields what the subject holds.
func (s *State) GrantsOf(subject ID) iter.Seq2[int, Grant] {
	i, ok := s.names.find(subject)
	if !ok {
		return s.between(0, 0)
	}
	lo := sort.Search(len(s.grants), func(k int) bool { return s.grants[k].subject >= uint32(i) })
	hi := lo + sort.Search(len(s.grants)-lo, func(k int) bool { return s.grants[lo+k].subject > uint32(i) })
	return s.between(lo, hi)
}

// GrantsOn yields what is held on the target, by anybody.
func (s *State) GrantsOn(target ID) iter.Seq2[int, Grant] {
	s.onceByTarget.Do(func() {
		s.byTarget = make([]int32, len(s.grants))
		for i := range s.byTarget {
			s.byTarget[i] = int32(i)
		}
		slices.SortStableFunc(s.byTarget, func(a, b int32) int {
			return int(int64(s.grants[a].target) - int64(s.grants[b].target))
		})
	})
	return func(yield func(int, Grant) bool) {
		i, ok := s.names.find(target)
		if !ok {
			return
		}
		lo := sort.Search(len(s.byTarget), func(k int) bool { return s.grants[s.byTarget[k]].target >= uint32(i) })
		for _, k := range s.byTarget[lo:] {
			if s.grants[k].target != uint32(i) || !yield(int(k), s.Grant(int(k))) {
				return
			}
		}
	}
}

// Find returns the grant of that subject, target and permission and its index.
func (s *State) Find(subject, target ID, permission string) (int, Grant, bool) {
	for i, g := range s.GrantsOf(subject) {
		if g.Target == target && g.Permission == permission {
			return i, g, true
		}
	}
	return -1, Grant{}, false
}

func (s *State) between(lo, hi int) iter.Seq2[int, Grant] {
	return func(yield func(int, Grant) bool) {
		for i := lo; i < hi; i++ {
			if !yield(i, s.Grant(i)) {
				return
			}
		}
	}
}

func compareUnknown(a, b Unknown) int {
	if c := a.ID.Compare(b.ID); c != 0 {
		return c
	}
	return strings.Compare(a.Why, b.Why)
}
