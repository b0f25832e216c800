package repo

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// common is the length of the longest common sequence, the slow and simple way.
func common(a, b []int32) int {
	row := make([]int, len(b)+1)
	for i := range a {
		diagonal := 0
		for j := range b {
			best := max(row[j], row[j+1])
			if a[i] == b[j] {
				best = diagonal + 1
			}
			diagonal = row[j+1]
			row[j+1] = best
		}
	}
	return row[len(b)]
}

func checkMatch(t *testing.T, a, b, match []int32) int {
	t.Helper()
	last, n := int32(-1), 0
	for j, i := range match {
		if i < 0 {
			continue
		}
		if i <= last || int(i) >= len(a) || a[i] != b[j] {
			t.Fatalf("%v %v: %v pairs what isn't equal or crosses over", a, b, match)
		}
		last = i
		n++
	}
	return n
}

func TestMyersIsShortest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		letters := int32(1 + rng.IntN(4))
		some := func() []int32 {
			s := make([]int32, rng.IntN(14))
			for i := range s {
				s[i] = rng.Int32N(letters)
			}
			return s
		}
		a, b := some(), some()
		m := matcher{slices.Repeat([]int32{-1}, len(b))}
		m.myers(a, b, 0, 0)
		if got, want := checkMatch(t, a, b, m.out), common(a, b); got != want {
			t.Fatalf("%v %v: %v has %d pairs, want %d", a, b, m.out, got, want)
		}
		checkMatch(t, a, b, matchLines(a, b))
	}
}

func TestMatchLinesOfLargeFiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	a := make([]int32, 20000)
	for i := range a {
		a[i] = rng.Int32N(50) // hardly anything is unique
	}
	b := slices.Clone(a)
	for range 100 {
		b[rng.IntN(len(b))] = 1000
	}
	if n := checkMatch(t, a, b, matchLines(a, b)); n < len(a)-300 {
		t.Errorf("only %d of %d lines were recognised", n, len(a))
	}
	for i := range b {
		b[i] = rng.Int32N(50)
	}
	checkMatch(t, a, b, matchLines(a, b)) // gives up in good time
}

func FuzzMatchLines(f *testing.F) {
	f.Add([]byte("abcabba"), []byte("cbabac"))
	f.Add([]byte("aaaa"), []byte("aa"))
	f.Add([]byte(""), []byte("x"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		wide := func(s []byte) []int32 {
			out := make([]int32, len(s))
			for i, c := range s {
				out[i] = int32(c)
			}
			return out
		}
		checkMatch(t, wide(a), wide(b), matchLines(wide(a), wide(b)))
	})
}
