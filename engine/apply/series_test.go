package apply_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
)

// inSeries is a connector that notes which batches came in which series.
type inSeries struct {
	connectors.Connector
	mu   sync.Mutex
	n    int
	came []string
}

func (c *inSeries) ApplyBatch(ctx context.Context, changes []access.Change) error {
	return c.of(ctx, 0, changes)
}

func (c *inSeries) Series() connectors.Batcher {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return oneSeries{c, c.n}
}

func (c *inSeries) of(ctx context.Context, n int, changes []access.Change) error {
	c.mu.Lock()
	c.came = append(c.came, fmt.Sprintf("%d: %s %s of %d", n, changes[0].Action, changes[0].Target, len(changes)))
	c.mu.Unlock()
	return c.Connector.(connectors.Batcher).ApplyBatch(ctx, changes)
}

type oneSeries struct {
	c *inSeries
	n int
}

func (s oneSeries) ApplyBatch(ctx context.Context, changes []access.Change) error {
	return s.c.of(ctx, s.n, changes)
}

// TestSeries: the batches of a layer are one series, be they of one change; a leaver's steps and
// what is made aren't in any.
func TestSeries(t *testing.T) {
	w := newWorld(t)
	w.system("s", "a1 b1 c l1 l2", memory.Batch(access.BatchTarget), memory.Parallel(2))
	w.steps("s", "L!l", "L-l1", "L-l2", "*n", "+n1<3", "+c1", "+c2", "+a3", "-a1", "-b1")
	c := &inSeries{Connector: w.conns["s"]}
	w.conns["s"] = c
	w.want("outcomes", w.outcomes(), slices.Repeat([]string{"done held"}, 10)...)
	slices.Sort(c.came)
	w.want("batches", c.came, "1: grant folder/1 of 2", "1: grant folder/2 of 1", "1: grant folder/3 of 1", "2: revoke folder/1 of 2")
}
