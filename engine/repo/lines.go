package repo

import (
	"slices"
	"sort"
)

// Which lines of a file does the version before have as well? The answer serves Blame, so it
// should be the one that a person would give: a line that occurs once on both sides is the same
// line, wherever it went within the order (patience diff); between such anchors the longest
// common sequence counts (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986).

// maxEdits bounds the work between two anchors; what differs more counts as rewritten.
const maxEdits = 1000

// maxSplit is how often anchors are looked for between anchors.
const maxSplit = 32

// matchLines returns, for each line of b, the index of its counterpart in a, or -1.
func matchLines(a, b []int32) []int32 {
	m := matcher{slices.Repeat([]int32{-1}, len(b))}
	m.between(a, b, 0, 0, 0)
	return m.out
}

type matcher struct{ out []int32 }

// between matches two stretches that begin at aOff and bOff of the whole.
func (m *matcher) between(a, b []int32, aOff, bOff, depth int) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		m.out[bOff] = int32(aOff)
		a, b, aOff, bOff = a[1:], b[1:], aOff+1, bOff+1
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
		m.out[bOff+len(b)] = int32(aOff + len(a))
	}
	if len(a) == 0 || len(b) == 0 {
		return
	}
	anchors := anchorsOf(a, b)
	if len(anchors) == 0 || depth == maxSplit {
		m.myers(a, b, aOff, bOff)
		return
	}
	i, j := 0, 0
	for _, p := range anchors {
		m.between(a[i:p.a], b[j:p.b], aOff+i, bOff+j, depth+1)
		m.out[bOff+p.b] = int32(aOff + p.a)
		i, j = p.a+1, p.b+1
	}
	m.between(a[i:], b[j:], aOff+i, bOff+j, depth+1)
}

type anchor struct{ a, b int }

// anchorsOf returns lines that occur once in a and once in b, as many as keep their order.
func anchorsOf(a, b []int32) []anchor {
	type count struct{ inA, inB, a, b int }
	counts := map[int32]*count{}
	for i, n := range a {
		c := counts[n]
		if c == nil {
			c = &count{}
			counts[n] = c
		}
		c.inA, c.a = c.inA+1, i
	}
	var unique []anchor
	for j, n := range b {
		if c := counts[n]; c != nil {
			c.inB, c.b = c.inB+1, j
		}
	}
	for j, n := range b {
		if c := counts[n]; c != nil && c.inA == 1 && c.inB == 1 {
			unique = append(unique, anchor{c.a, j})
		}
	}
	return increasing(unique)
}

// increasing keeps the longest run whose a rises too; b rises already.
func increasing(list []anchor) []anchor {
	var tails []int // the index of the last pair of the best run of each length
	before := make([]int, len(list))
	for i, p := range list {
		n := sort.Search(len(tails), func(k int) bool { return list[tails[k]].a >= p.a })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	if len(tails) == 0 {
		return nil
	}
	out := make([]anchor, len(tails))
	for k, i := len(tails)-1, tails[len(tails)-1]; k >= 0; k, i = k-1, before[i] {
		out[k] = list[i]
	}
	return out
}

// myers matches by the shortest edit script, if it has at most maxEdits edits.
func (m *matcher) myers(a, b []int32, aOff, bOff int) {
	limit := min(len(a)+len(b), maxEdits)
	// v[k+limit+1] is how far along a the furthest path on diagonal k (a minus b) has come.
	v := make([]int32, 2*limit+3)
	var trace [][]int32
	for d := 0; d <= limit; d++ {
		trace = append(trace, slices.Clone(v[limit+1-d-1:limit+1+d+2]))
		for k := -d; k <= d; k += 2 {
			at := limit + 1 + k
			x := int(v[at-1]) + 1
			if k == -d || k != d && v[at-1] < v[at+1] {
				x = int(v[at+1])
			}
			y := x - k
			for x < len(a) && y < len(b) && a[x] == b[y] {
				x, y = x+1, y+1
			}
			v[at] = int32(x)
			if x >= len(a) && y >= len(b) {
				m.back(a, b, aOff, bOff, trace)
				return
			}
		}
	}
}

// back goes the path back from its end and notes where it ran along equal lines.
func (m *matcher) back(a, b []int32, aOff, bOff int, trace [][]int32) {
	x, y := len(a), len(b)
	for d := len(trace) - 1; d >= 0; d-- {
		v, mid := trace[d], d+1
		k := x - y
		from := k - 1
		if k == -d || k != d && v[mid+k-1] < v[mid+k+1] {
			from = k + 1
		}
		px := int(v[mid+from])
		py := px - from
		if d == 0 {
			px, py = 0, 0
		}
		for x > px && y > py && x > 0 && y > 0 && a[x-1] == b[y-1] {
			x, y = x-1, y-1
			m.out[bOff+y] = int32(aOff + x)
		}
		x, y = px, py
	}
}
