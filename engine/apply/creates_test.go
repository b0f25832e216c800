package apply_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
)

// TestCreations: objects are made many in one unit where the connector offers that; each has an
// outcome of its own, and holds back only what needs it.
func TestCreations(t *testing.T) {
	for _, unit := range []access.BatchUnit{access.BatchNone, access.BatchTarget} {
		t.Run(string(unit), func(t *testing.T) {
			w := newWorld(t)
			far := w.system("s", "a", memory.Creates(3), memory.Batch(unit), memory.Parallel(1))
			w.steps("s", "*b", "*c", "*d", "*e", "*f", "+c1<1", "+e1<3", "*g<1")
			far.Deny(access.Account("c"))
			w.want("outcomes", w.outcomes(), "done held", "failed", "done held", "done held", "done held", "skipped", "done held", "skipped")
			var units []string
			for _, e := range w.disk.entries(t) {
				if strings.HasPrefix(e, "begun") || strings.HasPrefix(e, "ended") {
					units = append(units, e)
				}
			}
			w.want("units", units,
				"begun s 1: create s/b, create s/c, create s/d", "ended s 1 done, create s/c failed",
				"begun s 2: create s/e, create s/f", "ended s 2 done",
				"begun s 3: grant s/e folder/1 read", "ended s 3 done")
			if got := live(far); got != "e1" {
				t.Errorf("live: %s", got)
			}
		})
	}
}

// TestCreationsUnknown: what became of a creation whose reply was lost is read back; a connector
// that panics or loses count may have done anything.
func TestCreationsUnknown(t *testing.T) {
	tests := map[string]struct {
		creates func(c connectors.Creator, all []access.Change) []error
		want    string
	}{
		"a lost reply": {func(c connectors.Creator, all []access.Change) []error {
			errs := c.CreateEach(t.Context(), all)
			errs[1] = fmt.Errorf("no answer: %w", connectors.ErrOutcomeUnknown)
			return errs
		}, "done held, unknown held, done held"},
		"nothing was done": {func(_ connectors.Creator, all []access.Change) []error {
			errs := make([]error, len(all))
			for i := range errs {
				errs[i] = connectors.ErrOutcomeUnknown
			}
			return errs
		}, "unknown not-held, unknown not-held, unknown not-held"},
		"too few outcomes": {func(c connectors.Creator, all []access.Change) []error {
			return c.CreateEach(t.Context(), all)[:2]
		}, "unknown held, unknown held, unknown held"},
		"a panic": {func(c connectors.Creator, all []access.Change) []error {
			c.CreateEach(t.Context(), all[:1])
			panic("a bug")
		}, "unknown held, unknown not-held, unknown not-held"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.system("s", "", memory.Creates(3))
			w.steps("s", "*b", "*c", "*d")
			w.conns["s"] = creator{w.conns["s"], tt.creates}
			if got := strings.Join(w.outcomes(), ", "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestCreationsStopped: once a run is stopped no further unit begins.
func TestCreationsStopped(t *testing.T) {
	w := newWorld(t)
	w.system("s", "", memory.Creates(2))
	w.steps("s", "*b", "*c", "*d", "*e")
	ctx, cancel := context.WithCancel(t.Context())
	w.conns["s"] = creator{w.conns["s"], func(c connectors.Creator, all []access.Change) []error {
		errs := c.CreateEach(t.Context(), all)
		cancel()
		return errs
	}}
	res, err := w.run(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w.want("outcomes", outcomes(res), "done held", "done held", "skipped", "skipped")
}

// creator is a connector with another way to make many objects.
type creator struct {
	connectors.Connector
	creates func(connectors.Creator, []access.Change) []error
}

func (c creator) CreateEach(_ context.Context, all []access.Change) []error {
	return c.creates(c.Connector.(connectors.Creator), all)
}
