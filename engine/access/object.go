package access

import "fmt"

// Object is one thing on a system: an account, or a resource that may be granted and may
// itself hold grants.
type Object struct {
	ID ID
	// Attributes are the properties that the connector can read. An attribute that is not
	// there and one that is empty are the same.
	Attributes map[string]string
	// Disabled says that an account can't be used to log in. Always false for other kinds.
	Disabled bool
	// Native is the identifier that the system itself assigned, if it has one. It outlives
	// renames.
	Native string
	// Reserved marks what belongs to the system itself (built-in roles, the bootstrap
	// superuser). It may be granted, but is never changed, removed, or given anything.
	Reserved bool
}

// Standing says in which way a live grant holds.
type Standing uint8

const (
	// Held: the system has the grant itself. The only standing that satisfies a wish, and
	// the only one that can be revoked together with Pending.
	Held Standing = iota
	// Pending: an invitation that wasn't accepted yet. It counts as there.
	Pending
	// Implied: it follows from something else (nesting, ownership). It never satisfies a
	// wish and is never revoked by itself.
	Implied
)

// String gives "held", "pending" or "implied".
func (s Standing) String() string { return [...]string{"held", "pending", "implied"}[s] }

// MarshalText writes String.
func (s Standing) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Grant is an edge: Subject holds Permission on Target. Subjects are accounts or resources.
type Grant struct {
	Subject    ID
	Target     ID
	Permission string
	Standing   Standing
}

// Compare orders grants by subject, target and permission.
func (g Grant) Compare(o Grant) int {
	if c := g.Subject.Compare(o.Subject); c != 0 {
		return c
	}
	if c := g.Target.Compare(o.Target); c != 0 {
		return c
	}
	switch {
	case g.Permission < o.Permission:
		return -1
	case g.Permission > o.Permission:
		return 1
	}
	return 0
}

// String gives "account/alice member role/readonly".
func (g Grant) String() string {
	return g.Subject.String() + " " + g.Permission + " " + g.Target.String()
}

// UnmarshalText reads what MarshalText wrote.
func (s *Standing) UnmarshalText(b []byte) error {
	for _, v := range []Standing{Held, Pending, Implied} {
		if v.String() == string(b) {
			*s = v
			return nil
		}
	}
	return fmt.Errorf("%q is no standing", b)
}
