package ldap

import (
	"context"
	"fmt"
	"sync"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// createsAtOnce is how many entries are made in one call. After a run that was killed so many
// are looked at again.
const createsAtOnce = 500

// creation is one of many changes, by its place, and what was found of the names around it.
type creation struct {
	at    int
	taken *looked
}

// CreateEach makes entries side by side, over as many connections as are allowed. Their names
// are looked for many at a time, while the entries before them are made, where Apply takes a
// search for each.
func (c *connector) CreateEach(ctx context.Context, changes []access.Change) []error {
	errs := make([]error, len(changes))
	ready := make(chan creation, namesAtOnce)
	var workers sync.WaitGroup
	for range min(c.Describe().Parallel, len(changes)) {
		workers.Go(func() {
			for n := range ready {
				errs[n.at] = c.createOne(ctx, changes[n.at], n.taken)
			}
		})
	}
	defer workers.Wait() // even if looking for names fails
	defer close(ready)
	for at := 0; at < len(changes); at += namesAtOnce {
		end := min(at+namesAtOnce, len(changes))
		if err := c.lookAhead(ctx, changes[:end], at, errs, ready); err != nil {
			for ; at < len(changes); at++ {
				errs[at] = err
			}
		}
	}
	return errs
}

// lookAhead looks for the names of the changes from a place on, and hands on those that may be.
// Of an error nothing was handed on.
func (c *connector) lookAhead(ctx context.Context, changes []access.Change, from int, errs []error, ready chan<- creation) error {
	var ids []access.ID
	for at := from; at < len(changes); at++ {
		if errs[at] = c.vet(changes[at]); errs[at] == nil {
			ids = append(ids, changes[at].Subject)
		}
	}
	var taken *looked
	_, err := c.over(ctx, fmt.Sprintf("%s and %d more", changes[from], len(changes)-from-1), func(w *work) (err error) {
		if taken, err = c.lookupNames(ctx, w.s, ids); err != nil {
			return readError(ctx, w.doing, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for at := from; at < len(changes); at++ {
		if errs[at] == nil {
			ready <- creation{at, taken}
		}
	}
	return nil
}

// createOne makes one entry. A fault in here must not end the process: others are being made.
func (c *connector) createOne(ctx context.Context, ch access.Change, taken *looked) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%s: the connector failed: %v (%w)", ch, v, connectors.ErrOutcomeUnknown)
		}
	}()
	if taken.knows(ch.Subject) {
		return c.Apply(ctx, ch)
	}
	return c.oneBy(ctx, ch, func(w *work) error { return w.create(ctx, ch, true) })
}
