package scim

import (
	"context"
	"hash/fnv"
)

// locks let one change at a time at each resource: services that take two PATCHes of one group
// at a time may lose the first. Different resources seldom share a lock.
type locks [64]chan struct{}

func newLocks() (l locks) {
	for i := range l {
		l[i] = make(chan struct{}, 1)
	}
	return l
}

// lock waits for the lock of a name. Whoever holds one never takes another.
func (l *locks) lock(ctx context.Context, kind, name string) (unlock func(), err error) {
	h := fnv.New32a()
	h.Write([]byte(kind + "/" + name))
	slot := l[h.Sum32()%uint32(len(l))]
	select {
	case slot <- struct{}{}:
		return func() { <-slot }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
