package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Builder collects a State. Names are interned as they come; nothing needs to come in order, and
// what comes in the order of ID.Compare costs less.
// A Builder is not safe for concurrent use.
type Builder struct {
	system, identity string
	self             ID
	scope            []ID
	kinds            []*kindNames
	list             []string // every name, as it came
	facts            facts    // by index into list
	twin             ID       // the first that was added a second time
	twice            bool
	permIndex        map[string]uint16
	perms            []string
	grants           []edge
	unknown          []Unknown
	// last and lastIndex are the subject that was interned last: grants mostly come sorted.
	last      ID
	lastIndex uint32
}

// NewBuilder starts the state of a system.
func NewBuilder(system string) *Builder {
	return &Builder{system: system, permIndex: map[string]uint16{}}
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

// Room makes room for about so many different IDs and so many grants, for who knows how many come.
func (b *Builder) Room(ids, grants int) *Builder {
	b.list = slices.Grow(b.list, ids)
	b.facts.marks = slices.Grow(b.facts.marks, ids)
	b.grants = slices.Grow(b.grants, grants)
	return b
}

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
	if !b.facts.take(int(b.subject(o.ID)), o) && !b.twice {
		b.twin, b.twice = o.ID, true
	}
	return b
}

// Grant adds a grant. Of the same edge seen twice the better standing counts: held, then
// pending, then implied.
func (b *Builder) Grant(g Grant) *Builder {
	b.grants = append(b.grants, edge{b.subject(g.Subject), b.intern(g.Target), b.permission(g.Permission), g.Standing})
	return b
}

// permission interns one; there are few.
func (b *Builder) permission(name string) uint16 {
	for i := range min(len(b.perms), fewPermissions) {
		if b.perms[i] == name {
			return uint16(i)
		}
	}
	p, ok := b.permIndex[name]
	if !ok {
		p = uint16(len(b.perms))
		b.perms = append(b.perms, name)
		b.permIndex[name] = p
	}
	return p
}

// fewPermissions are found sooner one after the other than in a map.
const fewPermissions = 4

// Unknown says that a part of the system couldn't be seen, and why.
func (b *Builder) Unknown(id ID, why string) *Builder {
	b.unknown = append(b.unknown, Unknown{id, why})
	return b
}

// subject interns an ID that is likely to be the one before.
func (b *Builder) subject(id ID) uint32 {
	if len(b.list) == 0 || id != b.last {
		b.last, b.lastIndex = id, b.intern(id)
	}
	return b.lastIndex
}

func (b *Builder) intern(id ID) uint32 {
	var k *kindNames
	for _, known := range b.kinds {
		if known.kind == id.Kind {
			k = known
		}
	}
	if k == nil {
		k = &kindNames{kind: id.Kind}
		b.kinds = append(b.kinds, k)
	}
	i, ok := k.find(b.list, id.Name)
	if !ok {
		i = uint32(len(b.list))
		b.list = append(b.list, id.Name)
		b.facts.marks = append(b.facts.marks, 0)
		k.add(id.Name, i)
	}
	return i
}

// kindNames are the names of one kind, as they came. As long as they come sorted they need no map.
type kindNames struct {
	kind  string
	all   []uint32
	last  string
	index map[string]uint32 // nil: they are sorted
}

func (k *kindNames) find(list []string, name string) (uint32, bool) {
	if k.index != nil {
		i, ok := k.index[name]
		return i, ok
	}
	if len(k.all) == 0 || name > k.last {
		return 0, false
	}
	at, ok := slices.BinarySearchFunc(k.all, name, func(i uint32, name string) int { return strings.Compare(list[i], name) })
	if ok {
		return k.all[at], true
	}
	k.index = make(map[string]uint32, 2*len(k.all))
	for _, i := range k.all {
		k.index[list[i]] = i
	}
	return 0, false
}

func (k *kindNames) add(name string, i uint32) {
	k.all, k.last = append(k.all, i), name
	if k.index != nil {
		k.index[name] = i
	}
}

// Build gives the state. It fails when an object was added twice: two names that the
// connector took for one (twins) must never be mixed up. The cost is that of sorting.
func (b *Builder) Build() (*State, error) {
	if b.twice {
		return nil, fmt.Errorf("building the state of %s: %s is there twice", b.system, b.twin)
	}
	s := &State{system: b.system, identity: b.identity, self: b.self, scope: slices.Clone(b.scope)}
	if b.scope != nil {
		slices.SortFunc(s.scope, ID.Compare)
		s.scope = slices.Compact(s.scope)
	}
	var order, idRank, permRank []uint32
	s.names, order, idRank = b.ranked()
	s.facts = b.facts.ranked(order)
	s.perms, permRank = rankedTexts(b.perms)
	s.grants = sortEdges(b.grants, idRank, permRank)
	s.grants = slices.CompactFunc(s.grants, func(a, b edge) bool {
		return a.subject == b.subject && a.target == b.target && a.perm == b.perm
	})
	s.unknown = slices.Clone(b.unknown)
	slices.SortFunc(s.unknown, compareUnknown)
	s.unknown = slices.Compact(s.unknown)
	return s, nil
}

// ranked sorts the names and gives, for each new index, its old one, and the other way round.
func (b *Builder) ranked() (out names, order, rank []uint32) {
	kinds := slices.Clone(b.kinds)
	slices.SortFunc(kinds, func(a, b *kindNames) int { return ID{Kind: a.kind}.Compare(ID{Kind: b.kind}) })
	order = make([]uint32, 0, len(b.list))
	for _, k := range kinds {
		from := len(order)
		order = append(order, k.all...)
		if k.index != nil {
			slices.SortFunc(order[from:], func(x, y uint32) int { return strings.Compare(b.list[x], b.list[y]) })
		}
		out.kinds = append(out.kinds, kindRange{k.kind, uint32(len(order))})
	}
	out.list, rank = make([]string, len(order)), make([]uint32, len(order))
	for i, was := range order {
		out.list[i], rank[was] = b.list[was], uint32(i)
	}
	return out, order, rank
}

func rankedTexts(in []string) (out []string, rank []uint32) {
	out, rank = slices.Sorted(slices.Values(in)), make([]uint32, len(in))
	for i, s := range in {
		at, _ := slices.BinarySearch(out, s)
		rank[i] = uint32(at)
	}
	return out, rank
}

// sortEdges gives the grants by ranks, sorted by subject, target, permission and standing. Mostly
// they come subject by subject.
func sortEdges(in []edge, idRank, permRank []uint32) []edge {
	out := make([]edge, len(in))
	for i, e := range in {
		out[i] = edge{idRank[e.subject], idRank[e.target], uint16(permRank[e.perm]), e.standing}
	}
	rising := true
	for from := 0; from < len(out); {
		end := from + 1
		for end < len(out) && out[end].subject == out[from].subject {
			end++
		}
		if one := out[from:end]; !slices.IsSortedFunc(one, compareEdge) {
			slices.SortFunc(one, compareEdge)
		}
		rising = rising && (from == 0 || out[from-1].subject < out[from].subject)
		from = end
	}
	if !rising {
		slices.SortFunc(out, compareEdge)
	}
	return out
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
