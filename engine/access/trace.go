package access

import "time"

// Trace is what a system itself says of who wrote an object last, or when. It explains; nothing
// is decided by it: who can write to a system can often write this, too.
type Trace struct {
	// Object is what was written: the account, or the resource that a grant is on.
	Object ID `json:"object"`
	// By is who did it, in the system's own words; empty: it only says when.
	By string `json:"by,omitempty"`
	// At is when; zero: it only says who.
	At time.Time `json:"at,omitzero"`
	// Created says that it is the making of the object that is told of, rather than the last
	// change to any part of it.
	Created bool `json:"created,omitempty"`
}
