package access

import (
	"cmp"
	"fmt"
	"strings"
)

// KindAccount is the kind of every account, on every system. The other kinds are named by the
// connector that knows them.
const KindAccount = "account"

// ID names one object within its system. It is written "kind/name"; the name may itself hold
// slashes, the kind may not.
type ID struct {
	Kind string
	Name string
}

// Account returns the ID of the account with that name.
func Account(name string) ID { return ID{KindAccount, name} }

// ParseID reads "kind/name". Both parts must be there.
func ParseID(s string) (ID, error) {
	kind, name, ok := strings.Cut(s, "/")
	if !ok || kind == "" || name == "" {
		return ID{}, fmt.Errorf("%q is not written as kind/name", s)
	}
	return ID{kind, name}, nil
}

// String gives "kind/name", and "" for the zero ID.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	return id.Kind + "/" + id.Name
}

// IsZero reports whether the ID names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// IsAccount reports whether the ID names an account.
func (id ID) IsAccount() bool { return id.Kind == KindAccount }

// Compare orders IDs by kind, then by name, accounts first: the order of every output.
func (id ID) Compare(o ID) int {
	if id.Kind != o.Kind {
		if id.Kind == KindAccount {
			return -1
		}
		if o.Kind == KindAccount {
			return 1
		}
		return strings.Compare(id.Kind, o.Kind)
	}
	return strings.Compare(id.Name, o.Name)
}

// MarshalText writes "kind/name".
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote. "kind/", which stands for all objects of a kind
// in an Unknown, is read as well.
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	if kind, ok := strings.CutSuffix(string(b), "/"); ok && kind != "" && !strings.Contains(kind, "/") {
		*id = ID{Kind: kind}
		return nil
	}
	v, err := ParseID(string(b))
	if err == nil {
		*id = v
	}
	return err
}

// Ref names one object across systems. It is written "system/kind/name".
type Ref struct {
	System string
	ID     ID
}

// ParseRef reads "system/kind/name".
func ParseRef(s string) (Ref, error) {
	system, rest, ok := strings.Cut(s, "/")
	if !ok || system == "" {
		return Ref{}, fmt.Errorf("%q is not written as system/kind/name", s)
	}
	id, err := ParseID(rest)
	if err != nil {
		return Ref{}, fmt.Errorf("%q is not written as system/kind/name", s)
	}
	return Ref{system, id}, nil
}

// String gives "system/kind/name".
func (r Ref) String() string {
	if r.ID.IsZero() {
		return r.System
	}
	return r.System + "/" + r.ID.String()
}

// IsZero reports whether the Ref names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// Compare orders Refs by system, then by ID.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(strings.Compare(r.System, o.System), r.ID.Compare(o.ID))
}

// MarshalText writes "system/kind/name".
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (r *Ref) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*r = Ref{}
		return nil
	}
	v, err := ParseRef(string(b))
	if err == nil {
		*r = v
	}
	return err
}
