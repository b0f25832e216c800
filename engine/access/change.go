package access

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Action is what a change does.
type Action string

// The actions on objects, and those on grants.
const (
	Create      Action = "create"
	Update      Action = "update"
	Rename      Action = "rename"
	Disable     Action = "disable"
	Enable      Action = "enable"
	Delete      Action = "delete"
	Give        Action = "grant"
	Revoke      Action = "revoke"
	ChangeLevel Action = "change-level"
)

// OnGrant reports whether the action is on a grant rather than on an object.
func (a Action) OnGrant() bool { return a == Give || a == Revoke || a == ChangeLevel }

// Change is one difference to be made true on one system. It is plain data: what a connector
// needs to carry it out, and nothing that tells why (see Step in engine/plan).
type Change struct {
	System string `json:"system"`
	Action Action `json:"action"`
	// Subject is the object acted upon, or the holder of the grant. For a rename it is the
	// name before.
	Subject ID `json:"subject"`
	// Target is what the grant is on; zero for actions on objects.
	Target ID `json:"target,omitzero"`
	// Before is what the change found, After what it will leave. Nil means: not there.
	Before *Value `json:"before,omitempty"`
	After  *Value `json:"after,omitempty"`
}

// Value is one side of a change. Only the fields that the action concerns are set.
type Value struct {
	// Permission is set on grant actions.
	Permission string `json:"permission,omitempty"`
	// Standing is set on revocations of what is only pending.
	Standing Standing `json:"standing,omitzero"`
	// Name is the object's name, on renames.
	Name string `json:"name,omitempty"`
	// Disabled is set on disable, enable and create.
	Disabled bool `json:"disabled,omitempty"`
	// Attributes are those that differ (update) or all of them (create).
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Key names the change among all changes of a plan, whatever its values are: the action, the
// system, the subject and, for grants, the target. For kinds whose permissions have no order
// the permission belongs to the name as well. Names that hold a space are quoted, so that no
// two changes have one key.
func (c Change) Key() string {
	permission := ""
	if c.Action != ChangeLevel {
		permission = c.permission()
	}
	if !c.Action.OnGrant() {
		return Key(string(c.Action), c.System, c.Subject, ID{}, "")
	}
	return Key(string(c.Action), c.System, c.Subject, c.Target, permission)
}

// Key names what a word says of a subject on a system and, unless they are zero, of a target and
// a detail: "revoke office/account/zed group/tools member". Names that hold a space are quoted, so
// that different things have different keys.
func Key(word, system string, subject, target ID, detail string) string {
	var b strings.Builder
	b.Grow(len(word) + len(system) + len(subject.Kind) + len(subject.Name) + len(target.Kind) + len(target.Name) + len(detail) + len(" // / "))
	b.WriteString(word)
	b.WriteByte(' ')
	b.WriteString(system)
	if !subject.IsZero() {
		b.WriteByte('/')
		writeKey(&b, subject)
	}
	if !target.IsZero() {
		b.WriteByte(' ')
		writeKey(&b, target)
	}
	if detail != "" {
		b.WriteByte(' ')
		b.WriteString(detail)
	}
	return b.String()
}

func writeKey(b *strings.Builder, id ID) {
	b.WriteString(id.Kind)
	b.WriteByte('/')
	if strings.ContainsAny(id.Name, ` "`) {
		b.WriteString(strconv.Quote(id.Name))
	} else {
		b.WriteString(id.Name)
	}
}

// ParseKey takes apart what Key made. What it can't read comes back as a word alone.
func ParseKey(key string) (word, system string, subject, target ID, detail string) {
	word, rest, ok := strings.Cut(key, " ")
	if !ok {
		return key, "", ID{}, ID{}, ""
	}
	system, rest, _ = cutSystem(rest)
	if strings.HasPrefix(rest, "/") {
		subject, rest = cutID(rest[1:])
	}
	if next := strings.TrimPrefix(rest, " "); next != rest {
		rest = next
		if id, after := cutID(rest); !id.IsZero() {
			target, rest = id, strings.TrimPrefix(after, " ")
		}
	}
	return word, system, subject, target, rest
}

// cutSystem cuts the name of a system off, which holds neither slash nor space.
func cutSystem(s string) (system, rest string, ok bool) {
	i := strings.IndexAny(s, "/ ")
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i:], true
}

// cutID cuts kind/name off; the name may be quoted. Nothing is cut where there is no slash.
func cutID(s string) (ID, string) {
	kind, name, ok := strings.Cut(s, "/")
	if !ok || strings.ContainsAny(kind, ` "`) {
		return ID{}, s
	}
	if quoted, err := strconv.QuotedPrefix(name); err == nil && quoted[0] == '"' {
		if plain, err := strconv.Unquote(quoted); err == nil {
			return ID{kind, plain}, name[len(quoted):]
		}
	}
	name, rest, more := strings.Cut(name, " ")
	if more {
		rest = " " + rest
	}
	return ID{kind, name}, rest
}

func (c Change) permission() string {
	switch {
	case c.After != nil && c.After.Permission != "":
		return c.After.Permission
	case c.Before != nil:
		return c.Before.Permission
	}
	return ""
}

// Check reports a change that lacks what its action needs.
func (c Change) Check() error {
	before, after, known := c.Action.needs()
	switch {
	case !known:
		return fmt.Errorf("the action %q is unknown", c.Action)
	case c.Subject.IsZero() || c.Action.OnGrant() == c.Target.IsZero():
		return fmt.Errorf("%s: it names no object, or one too many", c.Action)
	case before && c.Before == nil || after && c.After == nil:
		return fmt.Errorf("%s %s: it lacks a value", c.Action, c.Subject)
	case c.Action == Rename && c.After.Name == "":
		return fmt.Errorf("%s %s: to nothing", c.Action, c.Subject)
	}
	return nil
}

// needs tells which sides of a change an action can't do without, and whether there is such an
// action.
func (a Action) needs() (before, after, known bool) {
	switch a {
	case Create, Give, Rename:
		return false, true, true
	case Revoke:
		return true, false, true
	case Update, ChangeLevel:
		return true, true, true
	case Delete, Disable, Enable:
		return false, false, true
	}
	return false, false, false
}

// Ref names what the change is about: the target of a grant, else the object.
func (c Change) Ref() Ref {
	if c.Action.OnGrant() {
		return Ref{c.System, c.Target}
	}
	return Ref{c.System, c.Subject}
}

// String gives one line for logs and errors: "grant warehouse/account/alice member role/readonly".
func (c Change) String() string {
	s := string(c.Action) + " " + Ref{c.System, c.Subject}.String()
	switch c.Action {
	case Give, Revoke:
		s += " " + c.permission() + " " + c.Target.String()
	case ChangeLevel:
		s += " " + c.Before.Permission + " to " + c.After.Permission + " " + c.Target.String()
	case Rename:
		s += " to " + c.After.Name
	}
	return s
}

// Compare orders changes by system, subject, target, action and permission: the tie-break
// wherever nothing else decides.
func (c Change) Compare(o Change) int {
	return cmp.Or(
		strings.Compare(c.System, o.System),
		c.Subject.Compare(o.Subject),
		c.Target.Compare(o.Target),
		strings.Compare(string(c.Action), string(o.Action)),
		strings.Compare(c.permission(), o.permission()),
	)
}

// Link is one link in a chain of reasons: a line of the declaration and what it says.
type Link struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

// Reason is one way in which a grant is declared, from the grant down to the person. The
// access begins at From and ends before Until; zero times are open ends.
type Reason struct {
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Permission is what it gives.
	Permission string `json:"permission,omitempty"`
	// Grant names the document at the head of the chain, Roles the roles that the access
	// came through, the outermost first.
	Grant string   `json:"grant,omitempty"`
	Roles []string `json:"roles,omitempty"`
	// Ticket and Note are the grant's ticket and reason.
	Ticket string `json:"ticket,omitempty"`
	Note   string `json:"note,omitempty"`
	Chain  []Link `json:"chain"`
}

// LastEnd is when the last of some reasons ends; zero: one of them never does, or there is none.
func LastEnd(reasons []Reason) time.Time {
	var out time.Time
	for _, r := range reasons {
		if r.Until.IsZero() {
			return time.Time{}
		}
		if r.Until.After(out) {
			out = r.Until
		}
	}
	return out
}

// Active reports whether the reason holds at the instant.
func (r Reason) Active(at time.Time) bool {
	return !at.Before(r.From) && (r.Until.IsZero() || at.Before(r.Until))
}

// CauseKind says what brought a change about. It serves reports; no decision hangs on it.
type CauseKind string

// The kinds of cause.
const (
	CauseLeaver   CauseKind = "leaver"   // the person left, or the document is gone
	CauseLeave    CauseKind = "leave"    // the person is on leave
	CauseDeclared CauseKind = "declared" // a line of the declaration was added or changed
	CauseRemoved  CauseKind = "removed"  // a line of the declaration was taken away
	CauseWindow   CauseKind = "window"   // a window opened or closed
	CauseDrift    CauseKind = "drift"    // nobody declared it; the system changed by itself
	CauseRenamed  CauseKind = "renamed"  // the document names what it was called before
	CauseIdle     CauseKind = "idle"     // no grant remains for the account
)

// Cause tells why a change stands in the plan: one sentence and the line it points to.
type Cause struct {
	Kind CauseKind `json:"kind"`
	Text string    `json:"text"`
	File string    `json:"file,omitempty"`
	Line int       `json:"line,omitempty"`
}

// RiskName is the type of a risk; `--allow NAME:REF` lifts the refusals of that name.
type RiskName string

// The risks. Those that refuse by themselves are marked.
const (
	RiskLastAdmin    RiskName = "revokes-last-admin" // refuses
	RiskLocksOutSelf RiskName = "locks-out-self"     // refuses
	RiskMassRevoke   RiskName = "mass-revoke"        // refuses
	RiskMassLeave    RiskName = "mass-leave"         // refuses
	RiskProtected    RiskName = "protected"          // refuses
	RiskReEnables    RiskName = "re-enables"         // refuses
	RiskReadsEmpty   RiskName = "reads-empty"        // refuses to believe
	RiskLostHistory  RiskName = "lost-history"       // what was last applied can't be read
	RiskDangling     RiskName = "no-such-resource"   // refuses; can't be allowed
	RiskPolicy       RiskName = "policy"             // a rule refuses; can't be allowed
	RiskBootstrap    RiskName = "policy-bootstrap"   // refuses: nothing can judge the plan
	RiskConnection   RiskName = "new-connection"     // refuses to read where the declaration points anew
	RiskFlapping     RiskName = "flapping"           // holds: it was corrected again and again
	RiskReturns      RiskName = "returns"            // who was offboarded counts as left
	RiskAdopts       RiskName = "adopts"
	RiskDeletes      RiskName = "deletes-account"
	RiskGrantsAdmin  RiskName = "grants-admin"
	RiskIrreversible RiskName = "irreversible"
)

// Risk is one thing that makes a change dangerous.
type Risk struct {
	Name RiskName `json:"name"`
	Text string   `json:"text"`
}
