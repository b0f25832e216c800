package declare

import (
	"iter"
	"strings"
)

// nearest is the name that s was most likely meant to be, or "". Of equally near ones it is
// the first in the alphabet.
func nearest(s string, names iter.Seq[string]) string {
	limit := min(max(len(s)/3, 1), 3)
	best, found := limit+1, ""
	low := strings.ToLower(s)
	for name := range names {
		n := distance(low, strings.ToLower(name), best)
		if n < best || n == best && n <= limit && name < found {
			best, found = n, name
		}
	}
	return found
}

// distance counts the letters to insert, delete, exchange or swap with the next one that turn
// a into b (optimal string alignment). From limit on it may stop counting.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	if a == b {
		return 0
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
			least = min(least, next[j])
		}
		if least > limit {
			return limit + 1
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}

// Nearest gives the name that a misspelt one was probably meant to be, "" if none is near.
func Nearest(s string, names iter.Seq[string]) string { return nearest(s, names) }
