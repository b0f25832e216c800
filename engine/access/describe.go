package access

import (
	"slices"
	"time"
)

// Description is what a connector says of itself. It is static: the same value each time,
// without a connection and without secrets. The engine reads from it what can be declared,
// what can be done, and how; a connector never gets a change that its description excludes.
type Description struct {
	// Connector is the name under `connector:` in a system's document.
	Connector string `json:"connector"`
	// Summary is one sentence for `accord connectors`.
	Summary string `json:"summary"`
	// Kinds are the kinds of object it knows; one of them is KindAccount.
	Kinds []Kind `json:"kinds"`
	// Settings are the keys of `config:`.
	Settings []Setting `json:"settings"`
	// Parallel is how many calls of Apply, or of ApplyBatch about different targets, may run at
	// the same time; at least 1.
	Parallel int `json:"parallel"`
	// Settle is how long a write may stay invisible to Read. Within it a write that can't be
	// seen is unconfirmed, and isn't repeated. Zero: writes are visible at once.
	Settle time.Duration `json:"settle,omitempty"`
	// Batch says what the connector's ApplyBatch takes as one unit.
	Batch BatchUnit `json:"batch,omitempty"`
	// Creates is how many objects the connector's CreateEach makes in one call at most; below
	// two, objects are made one at a time.
	Creates int `json:"creates,omitempty"`
	// Remains are what goes on after an account was disabled and its grants were revoked, and what
	// this connector can't end. Whoever takes somebody's access away at once is told.
	Remains []Remnant `json:"remains,omitempty"`
}

// Remnant is one thing that outlives an account's being disabled.
type Remnant struct {
	Kind RemnantKind `json:"kind"`
	// Text says what it is and what ends it, in one sentence.
	Text string `json:"text"`
	// Ends is after how long it ends by itself, by the system's own default; zero: it doesn't.
	Ends time.Duration `json:"ends,omitempty"`
}

// RemnantKind is the sort of a remnant.
type RemnantKind string

const (
	// RemnantSession is a connection or a sign-in that is open, or a ticket that stands for one.
	RemnantSession RemnantKind = "session"
	// RemnantKey is a personal credential beside the account's own: a key, a token.
	RemnantKey RemnantKind = "key"
	// RemnantSecret is a credential that others use as well.
	RemnantSecret RemnantKind = "secret"
	// RemnantOwned is what belongs to the account and goes on to work: objects, jobs, data.
	RemnantOwned RemnantKind = "owned"
)

// BatchUnit says which changes a connector can carry out together, all or none.
type BatchUnit string

const (
	// BatchNone: one change at a time.
	BatchNone BatchUnit = ""
	// BatchTarget: grants on one target together, as in one LDAP modify of a group.
	BatchTarget BatchUnit = "target"
	// BatchAll: any changes together, as in one transaction.
	BatchAll BatchUnit = "all"
)

// Kind describes one kind of object.
type Kind struct {
	Name string `json:"name"`
	// Doc is one sentence for editors and `accord connectors`.
	Doc string `json:"doc"`
	// Actions are the object actions (create, update, rename, disable, enable, delete) that
	// Apply can carry out on this kind.
	Actions []Action `json:"actions,omitempty"`
	// Attributes are those that can be declared.
	Attributes []Attribute `json:"attributes,omitempty"`
	// Permissions are what can be held on an object of this kind, lowest first if Ordered.
	// A kind without permissions can't be granted.
	Permissions []Permission `json:"permissions,omitempty"`
	// Ordered says that the permissions are levels, of which a subject holds one at a time.
	Ordered bool `json:"ordered,omitempty"`
	// Usual is the permission meant by a bare "kind/name".
	Usual string `json:"usual,omitempty"`
	// Subjects are the kinds that may hold a permission on this kind. Empty: accounts only.
	Subjects []string `json:"subjects,omitempty"`
	// Open says that objects of this kind can't be listed or needn't exist beforehand, so
	// that a grant on one that is neither live nor declared isn't an error.
	Open bool `json:"open,omitempty"`
	// Verbatim says that names of this kind are what they are written as: Normalize changes
	// none, and two that differ are two things. What the engine can tell by the names alone it
	// then needn't ask for each name again; nothing else hangs on it.
	Verbatim bool `json:"-"`
	// Folded says that Normalize changes names of this kind in nothing but what Fold leaves out, so
	// that names which it makes one have one fold. The engine then needn't make each name to find
	// whose one is; nothing else hangs on it.
	Folded bool `json:"-"`
}

// Permission describes one permission on a kind.
type Permission struct {
	Name string `json:"name"`
	Doc  string `json:"doc,omitempty"`
	// Admin marks a permission that lets its holder give access to others or administer the
	// target. The guards count its holders.
	Admin bool `json:"admin,omitempty"`
	// ReadOnly marks a permission that Read may report but that can't be wished for: a state
	// between two levels, or one that only the system hands out.
	ReadOnly bool `json:"readOnly,omitempty"`
}

// Attribute describes one attribute of a kind.
type Attribute struct {
	Name string `json:"name"`
	Doc  string `json:"doc,omitempty"`
}

// Setting describes one key of a system's `config:`.
type Setting struct {
	Name string      `json:"name"`
	Doc  string      `json:"doc"`
	Type SettingType `json:"type"`
	// Required settings must be there.
	Required bool `json:"required,omitempty"`
	// Default is for help texts; the connector itself applies it.
	Default string `json:"default,omitempty"`
	// Values lists what a text may be; empty: anything.
	Values []string `json:"values,omitempty"`
}

// SettingType is the type of a setting's value.
type SettingType string

const (
	// SettingText is a string.
	SettingText SettingType = "text"
	// SettingSecret is a reference {env: NAME} or {file: PATH}; the value itself never stands
	// in the repository.
	SettingSecret SettingType = "secret"
	// SettingTexts is a list of strings.
	SettingTexts SettingType = "texts"
	// SettingBool is true or false.
	SettingBool SettingType = "bool"
	// SettingDuration is "30s", "5m", "2h" or "30d".
	SettingDuration SettingType = "duration"
	// SettingNumber is a whole number.
	SettingNumber SettingType = "number"
	// SettingPath is a path inside the repository.
	SettingPath SettingType = "path"
)

// Kind returns the kind with that name.
func (d Description) Kind(name string) (Kind, bool) {
	for i := range d.Kinds { // without copying those that it isn't
		if d.Kinds[i].Name == name {
			return d.Kinds[i], true
		}
	}
	return Kind{}, false
}

// Can reports whether the action can be carried out on objects of the kind. Grants and
// revocations need the kind of the target; change-level needs it to be ordered.
func (d Description) Can(kind string, a Action) bool {
	k, ok := d.Kind(kind)
	if !ok {
		return false
	}
	switch a {
	case Give, Revoke:
		return len(k.Permissions) > 0
	case ChangeLevel:
		return k.Ordered
	}
	return slices.Contains(k.Actions, a)
}

// Permission returns the permission with that name.
func (k Kind) Permission(name string) (Permission, bool) {
	i := k.Level(name)
	if i < 0 {
		return Permission{}, false
	}
	return k.Permissions[i], true
}

// Level is the rank of a permission in Permissions, -1 if there is no such permission. Ranks
// compare only where the kind is Ordered.
func (k Kind) Level(permission string) int {
	return slices.IndexFunc(k.Permissions, func(p Permission) bool { return p.Name == permission })
}

// Holds reports whether objects of the other kind may hold permissions on this one.
func (k Kind) Holds(subject string) bool {
	if len(k.Subjects) == 0 {
		return subject == KindAccount
	}
	return slices.Contains(k.Subjects, subject)
}

// Lowers reports whether going from one permission to another takes something away. Between
// permissions without an order every move does.
func (k Kind) Lowers(from, to string) bool {
	return !k.Ordered || k.Level(to) < k.Level(from)
}
