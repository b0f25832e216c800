package access

import (
	"iter"
	"strings"
)

// Pair is what two states say about one subject on one target.
type Pair struct {
	Subject, Target ID
	// Want and Live are the grants on either side, sorted by permission. The slices are only
	// valid until the next step of the iteration.
	Want, Live []Grant
}

// Differences yields the pairs of subject and target about which the two states don't say the
// same, in order. A live grant that is only implied, or only pending, makes a pair differ.
//
// Both sides are sorted already, so that it is one merge: names are compared once each, grants
// by integers. The cost is linear in the names and grants of both.
func Differences(want, live *State) iter.Seq[Pair] {
	return func(yield func(Pair) bool) {
		wr, lr := commonRanks(&want.names, &live.names)
		key := func(e edge, rank []uint32) uint64 {
			return uint64(rank[e.subject])<<32 | uint64(rank[e.target])
		}
		var p Pair
		i, j := 0, 0
		for i < len(want.grants) || j < len(live.grants) {
			k := ^uint64(0)
			if i < len(want.grants) {
				k = key(want.grants[i], wr)
			}
			if j < len(live.grants) {
				k = min(k, key(live.grants[j], lr))
			}
			wi, lj := i, j
			for i < len(want.grants) && key(want.grants[i], wr) == k {
				i++
			}
			for j < len(live.grants) && key(live.grants[j], lr) == k {
				j++
			}
			if samePermissions(want, live, wi, i, lj, j) {
				continue
			}
			p.Want, p.Live = p.Want[:0], p.Live[:0]
			for ; wi < i; wi++ {
				p.Want = append(p.Want, want.Grant(wi))
			}
			for ; lj < j; lj++ {
				p.Live = append(p.Live, live.Grant(lj))
			}
			if len(p.Want) > 0 {
				p.Subject, p.Target = p.Want[0].Subject, p.Want[0].Target
			} else {
				p.Subject, p.Target = p.Live[0].Subject, p.Live[0].Target
			}
			if !yield(p) {
				return
			}
		}
	}
}

func samePermissions(want, live *State, wi, wEnd, lj, lEnd int) bool {
	if wEnd-wi != lEnd-lj {
		return false
	}
	for ; wi < wEnd; wi, lj = wi+1, lj+1 {
		l := live.grants[lj]
		if l.standing != Held || want.perms[want.grants[wi].perm] != live.perms[l.perm] {
			return false
		}
	}
	return true
}

// commonRanks gives each of the names of two states its rank in their union.
func commonRanks(a, b *names) (ra, rb []uint32) {
	ra, rb = make([]uint32, len(a.list)), make([]uint32, len(b.list))
	rank, i, j := uint32(0), 0, 0
	for ka, kb := 0, 0; ka < len(a.kinds) || kb < len(b.kinds); {
		c := 0
		switch {
		case ka == len(a.kinds):
			c = 1
		case kb == len(b.kinds):
			c = -1
		default:
			c = ID{Kind: a.kinds[ka].kind}.Compare(ID{Kind: b.kinds[kb].kind})
		}
		iEnd, jEnd := i, j
		if c <= 0 {
			iEnd = int(a.kinds[ka].end)
			ka++
		}
		if c >= 0 {
			jEnd = int(b.kinds[kb].end)
			kb++
		}
		rank = mergeRanks(a.list[i:iEnd], b.list[j:jEnd], ra[i:iEnd], rb[j:jEnd], rank)
		i, j = iEnd, jEnd
	}
	return ra, rb
}

// mergeRanks ranks the names of one kind from the rank on, and gives the next.
func mergeRanks(a, b []string, ra, rb []uint32, rank uint32) uint32 {
	i, j := 0, 0
	for ; i < len(a) || j < len(b); rank++ {
		c := 0
		switch {
		case i == len(a):
			c = 1
		case j == len(b):
			c = -1
		default:
			c = strings.Compare(a[i], b[j])
		}
		if c <= 0 {
			ra[i] = rank
			i++
		}
		if c >= 0 {
			rb[j] = rank
			j++
		}
	}
	return rank
}
