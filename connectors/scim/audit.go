package scim

import (
	"context"
	"fmt"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

var _ connectors.Auditor = (*connector)(nil)

// Traces tells when users and groups were made and written last (meta.created and
// meta.lastModified, RFC 7643, 3.1). SCIM doesn't say by whom.
func (c *connector) Traces(ctx context.Context, ids []access.ID) ([]access.Trace, error) {
	s, err := c.ready(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking %s when what was written: %w", c.cfg.System, err)
	}
	var out []access.Trace
	for _, id := range ids {
		if id.Kind != access.KindAccount && id.Kind != kindGroup {
			continue
		}
		r, ok, err := c.find(ctx, s, id)
		if err != nil {
			return nil, fmt.Errorf("asking %s when %s was written: %w", c.cfg.System, id, err)
		}
		if !ok {
			continue
		}
		made, last := instant(text(r.at("meta", "created"))), instant(text(r.at("meta", "lastModified")))
		if !made.IsZero() {
			out = append(out, access.Trace{Object: id, At: made, Created: true})
		}
		if !last.IsZero() && !last.Equal(made) {
			out = append(out, access.Trace{Object: id, At: last})
		}
	}
	return out, nil
}

// instant reads a DateTime (RFC 7643, 2.3.5); zero if it isn't one.
func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
