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

// CreateEach makes entries side by side, over as many connections as are allowed. All their names
// are looked for together before, where Apply takes a search for each.
func (c *connector) CreateEach(ctx context.Context, changes []access.Change) []error {
	errs := make([]error, len(changes))
	fail := func(err error) []error {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	if len(changes) == 0 {
		return errs
	}
	var ids []access.ID
	for i, ch := range changes {
		if errs[i] = c.vet(ch); errs[i] == nil {
			ids = append(ids, ch.Subject)
		}
	}
	var taken *looked
	_, err := c.over(ctx, fmt.Sprintf("%s and %d more", changes[0], len(changes)-1), func(w *work) (err error) {
		if taken, err = c.lookupNames(ctx, w.s, ids); err != nil {
			return readError(ctx, w.doing, err)
		}
		return nil
	})
	if err != nil {
		return fail(err)
	}
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(c.Describe().Parallel, len(changes)) {
		workers.Go(func() {
			for i := range next {
				errs[i] = c.createOne(ctx, changes[i], taken)
			}
		})
	}
	for i := range changes {
		if errs[i] == nil {
			next <- i
		}
	}
	close(next)
	workers.Wait()
	return errs
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
