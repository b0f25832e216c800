package report

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// numbering gives each different value a number, in the order in which they are first met.
type numbering[K comparable] struct {
	list    []K // by number
	numbers map[K]int32
	// compare, if there is one, is of an order in which values mostly come. As long as they do, a
	// new one is known as such, and there are no numbers to be looked up.
	compare func(a, b *K) int
}

func newNumbering[K comparable]() numbering[K] { return numbering[K]{numbers: map[K]int32{}} }

func (t *numbering[K]) number(k K) int32 {
	if t.numbers == nil {
		n := len(t.list)
		if n > 0 && t.list[n-1] == k {
			return int32(n - 1)
		}
		t.list = append(t.list, k)
		if n == 0 || t.compare(&t.list[n-1], &t.list[n]) < 0 {
			return int32(n)
		}
		t.list = t.list[:n]
		t.numbers = make(map[K]int32, n)
		for i, k := range t.list {
			t.numbers[k] = int32(i)
		}
	}
	n, ok := t.numbers[k]
	if !ok {
		n = int32(len(t.list))
		t.numbers[k] = n
		t.list = append(t.list, k)
	}
	return n
}

// join takes over the values of another one and gives the numbers that they have here.
func (t *numbering[K]) join(o *numbering[K]) []int32 {
	out := make([]int32, len(o.list))
	t.list = slices.Grow(t.list, len(o.list))
	for i, k := range o.list {
		out[i] = t.number(k)
	}
	return out
}

// inOrder sorts values and gives, by the place before, the place that each has now. Equal ones stay
// in order.
func inOrder[K any](list []K, compare func(a, b *K) int) (sorted []K, place []int32) {
	order := make([]int32, len(list))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		if c := compare(&list[a], &list[b]); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	sorted, place = make([]K, len(list)), make([]int32, len(list))
	for n, i := range order {
		sorted[n], place[i] = list[i], int32(n)
	}
	return sorted, place
}

// byNumber sorts items by a number of each that is below n; those with the same stay in order. It
// counts, and so costs as much as there are items and numbers.
func byNumber(items []int32, n int, number func(item int32) int32) []int32 {
	starts := make([]int32, n+1)
	for _, i := range items {
		starts[number(i)+1]++
	}
	for k := range n {
		starts[k+1] += starts[k]
	}
	out := make([]int32, len(items))
	for _, i := range items {
		k := number(i)
		out[starts[k]] = i
		starts[k]++
	}
	return out
}

// fewItems is up to how many items aren't worth a second processor.
const fewItems = 2000

// processors is how many to share so many items among.
func processors(items int) int {
	return max(1, min(runtime.GOMAXPROCS(0), items/fewItems))
}

// shared does work for the parts of so many items side by side, each processor one part after the
// other. Which makes what a processor works with, and the function that works on a part.
func shared(items, size int, which func() func(from, to int)) {
	n := processors(items)
	if n == 1 {
		which()(0, items)
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			do := which()
			for {
				from := int(next.Add(int64(size))) - size
				if from >= items {
					return
				}
				do(from, min(from+size, items))
			}
		})
	}
	wg.Wait()
}
