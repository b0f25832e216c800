package access

import "time"

// ShiftKind says how the declaration moves somebody's access.
type ShiftKind string

// The kinds of shift.
const (
	ShiftGain     ShiftKind = "gain"
	ShiftLose     ShiftKind = "lose"
	ShiftLengthen ShiftKind = "lengthen"
	ShiftShorten  ShiftKind = "shorten"
	ShiftReason   ShiftKind = "reason"
	ShiftStatus   ShiftKind = "status"
	ShiftSettings ShiftKind = "settings"
	ShiftResource ShiftKind = "resource"
)

// Shift is one thing that the head declares differently from the base: what somebody gains
// or loses, as intervals, whatever the systems hold. The change digest covers the shifts.
type Shift struct {
	Kind   ShiftKind `json:"kind"`
	Person string    `json:"person,omitempty"`
	System string    `json:"system,omitempty"`
	// Subject is the resource that holds the access, where no person does.
	Subject    ID     `json:"subject,omitzero"`
	Target     ID     `json:"target,omitzero"`
	Permission string `json:"permission,omitempty"`
	Before     []Span `json:"before,omitempty"`
	After      []Span `json:"after,omitempty"`
	// From and To are the two values of a status, a setting or a resource; a digest where
	// the value is long.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Reasons are a digest of the reasons on either side, for shifts of reason alone.
	Reasons string `json:"reasons,omitempty"`
	// Cause is the line that it comes from. It explains; the change digest doesn't cover it.
	Cause Cause `json:"cause,omitzero"`
}

// Span is an interval of time, half-open; zero times are open ends.
type Span struct {
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
}
