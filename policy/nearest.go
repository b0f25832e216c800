package policy

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// nearest gives the name that was most likely meant, or "": one that differs by a third of its
// letters at most, or that contains what was written.
func nearest(word string, names []string) string {
	best, least := "", 0
	for _, n := range slices.Sorted(slices.Values(names)) {
		d := distance(word, n)
		if d > max(1, max(len(word), len(n))/3) && !(len(word) >= 3 && strings.Contains(n, word)) {
			continue
		}
		if best == "" || d < least {
			best, least = n, d
		}
	}
	return best
}

// meant gives ` (did you mean "x"?)`, or the names if none is near.
func meant(word string, names []string) string {
	if n := nearest(word, names); n != "" {
		return `did you mean "` + n + `"?`
	}
	return "there are " + strings.Join(slices.Sorted(slices.Values(names)), ", ")
}

// distance counts the letters to change, add, take away or swap with the neighbour.
func distance(a, b string) int {
	rows := [3][]int{}
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
	}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		two, one, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(one[j]+1, row[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = one, row, two
	}
	return rows[1][len(b)]
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
