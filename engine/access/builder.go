package access

import (
	"cmp"
	"fmt"
	"slices"
)

// Builder collects a State. Names are interned as they come; nothing needs to come in order.
// A Builder is not safe for concurrent use.
type Builder struct {
	system, identity string
	self             ID
	scope            []ID
	index            map[ID]uint32
	ids              []ID
	permIndex        map[string]uint16
	perms            []string
	objects          []Object
	grants           []edge
	unknown          []Unknown
	// last and lastIndex are the subject that was interned last: grants mostly come sorted.
	last      ID
	lastIndex uint32
}

// NewBuilder starts the state of a system.
func NewBuilder(system string) *Builder {
	return &Builder{
		system:    system,
		index:     map[ID]uint32{},
		permIndex: map[string]uint16{},
	}
}

// Nothing is the state of a system on which there is nothing.
func Nothing(system string) *State {
	st, _ := NewBuilder(system).Build() // only twins can make it fail
	return st
}

// Identity sets what State.Identity returns.
func (b *Builder) Identity(s string) *Builder { b.identity = s; return b }

// Self sets the account that Accord itself uses.
func (b *Builder) Self(id ID) *Builder { b.self = id; return b }

// Only says that the state answers for these objects and for the grants that they hold. It
// may be called with no ID at all, for an answer about nothing.
func (b *Builder) Only(ids ...ID) *Builder {
	b.scope = append(b.scope, ids...)
	if b.scope == nil {
		b.scope = []ID{}
	}
	return b
}

// Object adds an object. Adding the same ID twice makes Build fail.
func (b *Builder) Object(o Object) *Builder {
	b.objects = append(b.objects, o)
	return b
}

// Grant adds a grant. Of the same edge seen twice the better standing counts: held, then
// pending, then implied.
func (b *Builder) Grant(g Grant) *Builder {
	p, ok := b.permIndex[g.Permission]
	if !ok {
		p = uint16(len(b.perms))
		b.perms = append(b.perms, g.Permission)
		b.permIndex[g.Permission] = p
	}
	if len(b.grants) == 0 || g.Subject != b.last {
		b.last, b.lastIndex = g.Subject, b.intern(g.Subject)
	}
	b.grants = append(b.grants, edge{b.lastIndex, b.intern(g.Target), p, g.Standing})
	return b
}

// Unknown says that a part of the system couldn't be seen, and why.
func (b *Builder) Unknown(id ID, why string) *Builder {
	b.unknown = append(b.unknown, Unknown{id, why})
	return b
}

func (b *Builder) intern(id ID) uint32 {
	i, ok := b.index[id]
	if !ok {
		i = uint32(len(b.ids))
		b.ids = append(b.ids, id)
		b.index[id] = i
	}
	return i
}

// Build gives the state. It fails when an object was added twice: two names that the
// connector took for one (twins) must never be mixed up. The cost is that of sorting.
func (b *Builder) Build() (*State, error) {
	objects, twin := sortObjects(b.objects)
	if twin >= 0 {
		return nil, fmt.Errorf("building the state of %s: %s is there twice", b.system, b.objects[twin].ID)
	}
	s := &State{system: b.system, identity: b.identity, self: b.self, scope: slices.Clone(b.scope)}
	if b.scope != nil {
		slices.SortFunc(s.scope, ID.Compare)
		s.scope = slices.Compact(s.scope)
	}
	ids, idRank := ranked(b.ids, ID.Compare)
	perms, permRank := ranked(b.perms, cmp.Compare[string])
	s.ids, s.perms = ids, perms
	s.grants = sortEdges(b.grants, idRank, permRank)
	s.grants = slices.CompactFunc(s.grants, func(a, b edge) bool {
		return a.subject == b.subject && a.target == b.target && a.perm == b.perm
	})
	s.objects = objects
	s.unknown = slices.Clone(b.unknown)
	slices.SortFunc(s.unknown, compareUnknown)
	s.unknown = slices.Compact(s.unknown)
	return s, nil
}

// sortObjects gives the objects sorted, and which is the first that was added a second time, -1
// if none was.
func sortObjects(in []Object) (out []Object, twin int) {
	out = slices.Clone(in)
	byID := func(a, b Object) int { return a.ID.Compare(b.ID) }
	if !slices.IsSortedFunc(out, byID) {
		slices.SortFunc(out, byID)
	}
	for i := 1; i < len(out); i++ {
		if out[i].ID == out[i-1].ID {
			return nil, firstTwin(in)
		}
	}
	return out, -1
}

func firstTwin(in []Object) int {
	seen := make(map[ID]bool, len(in))
	return slices.IndexFunc(in, func(o Object) bool {
		again := seen[o.ID]
		seen[o.ID] = true
		return again
	})
}

// sortEdges gives the grants by ranks, sorted by subject, target, permission and standing.
func sortEdges(in []edge, idRank, permRank []uint32) []edge {
	out := make([]edge, len(in))
	for i, e := range in {
		out[i] = edge{idRank[e.subject], idRank[e.target], uint16(permRank[e.perm]), e.standing}
	}
	if !slices.IsSortedFunc(out, compareEdge) {
		slices.SortFunc(out, compareEdge)
	}
	return out
}

// ranked sorts the names and gives, for each old index, its new one.
func ranked[T any](in []T, compare func(a, b T) int) ([]T, []uint32) {
	order := make([]uint32, len(in))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return compare(in[a], in[b]) })
	out, rank := make([]T, len(in)), make([]uint32, len(in))
	for i, o := range order {
		out[i], rank[o] = in[o], uint32(i)
	}
	return out, rank
}

func compareEdge(a, b edge) int {
	x, y := uint64(a.subject)<<32|uint64(a.target), uint64(b.subject)<<32|uint64(b.target)
	if x != y {
		if x < y {
			return -1
		}
		return 1
	}
	if a.perm != b.perm {
		return cmp.Compare(a.perm, b.perm)
	}
	return cmp.Compare(a.standing, b.standing)
}
