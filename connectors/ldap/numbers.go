package ldap

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	goldap "github.com/go-ldap/ldap/v3"
)

// allocator hands out numbers of users and groups. What is in use is read once; each number is
// asked for again before it is handed out, and never handed out twice.
type allocator struct {
	mu   sync.Mutex
	used map[string]map[int]bool // by attribute
}

// next gives the lowest free number that is higher than all in use in the span, or if there is
// none the lowest free one.
func (a *allocator) next(ctx context.Context, w *work, attr string, low, high int) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	used := a.used[attr]
	if used == nil {
		used = map[int]bool{}
		_, err := w.s.search(ctx, w.c.set.base, "("+attr+"=*)", []string{attr}, func(e *goldap.Entry) error {
			for _, v := range e.GetEqualFoldAttributeValues(attr) {
				if n, err := strconv.Atoi(v); err == nil {
					used[n] = true
				}
			}
			return nil
		})
		if err != nil {
			return 0, readError(ctx, w.doing+": looking for a free "+attr, err)
		}
		if a.used == nil {
			a.used = map[string]map[int]bool{}
		}
		a.used[attr] = used
	}
	for n := range candidates(used, low, high) {
		used[n] = true
		taken := false
		_, err := w.s.search(ctx, w.c.set.base, eq(attr, strconv.Itoa(n)), []string{attr}, func(*goldap.Entry) error { taken = true; return nil })
		if err != nil {
			return 0, readError(ctx, w.doing+": looking for a free "+attr, err)
		}
		if !taken {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s: no %s is free from %d to %d", w.doing, attr, low, high)
}

// candidates yields the numbers to try: beyond the highest in use first, so that a number whose
// user is gone isn't given to another soon.
func candidates(used map[int]bool, low, high int) func(func(int) bool) {
	return func(yield func(int) bool) {
		highest := low - 1
		for n := range used {
			if n <= high {
				highest = max(highest, n)
			}
		}
		for n := highest + 1; n <= high; n++ {
			if !used[n] && !yield(n) {
				return
			}
		}
		for n := low; n <= high; n++ {
			if !used[n] && !yield(n) {
				return
			}
		}
	}
}
