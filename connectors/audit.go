package connectors

import (
	"context"

	"github.com/accordhq/accord/engine/access"
)

// Auditor is the optional ability to tell what the system itself says of who wrote an object, or
// when. It is a Reader's: asking changes nothing. What it answers explains a difference to people
// and is trusted for nothing else, since who can write to a system may be able to write this, too.
type Auditor interface {
	// Traces tells of objects, in the order of the ids, the last write and, where the system
	// keeps that apart, the making. Objects of which the system says nothing, or that aren't
	// there, have no trace; that is no error. A trace is about the whole object: the last writer
	// of a group need not be who put a certain member into it.
	Traces(ctx context.Context, ids []access.ID) ([]access.Trace, error)
}
