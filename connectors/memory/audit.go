package memory

import (
	"context"
	"slices"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

var _ connectors.Auditor = (*conn)(nil)

// Trace sets what the system says of who wrote its objects.
func (s *System) Trace(traces ...access.Trace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.traces = slices.Clone(traces)
}

// Traces gives what Trace set, of the objects asked for.
func (c *conn) Traces(ctx context.Context, ids []access.ID) ([]access.Trace, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := c.sys
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []access.Trace
	for _, id := range ids {
		for _, t := range s.traces {
			if t.Object == s.fold(id) {
				t.Object = id
				out = append(out, t)
			}
		}
	}
	return out, nil
}
