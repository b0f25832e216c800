package ldap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// The attributes that are asked for beside those under management.
const (
	attrClass      = "objectClass"
	attrUUID       = "entryUUID"            // RFC 4530
	attrCSN        = "entryCSN"             // OpenLDAP: changes with each write to the entry
	attrLocked     = "pwdAccountLockedTime" // draft-behera-ldap-password-policy
	attrSubentry   = "pwdPolicySubentry"
	attrMember     = "member"
	attrUnique     = "uniqueMember"
	attrOccupant   = "roleOccupant"
	attrMemberUID  = "memberUid"
	attrGIDNumber  = "gidNumber"
	classPosix     = "posixGroup"
	classRole      = "organizationalRole"
	lockedForEver  = "000001010000Z" // draft-behera, section 5.3.3
	classesOfGroup = "groupOfNames groupOfUniqueNames groupOfMembers"
)

// entry is one entry of the directory as a connector sees it.
type entry struct {
	*goldap.Entry
	id  access.ID
	key string // its canonical DN
}

// all gives the values of an attribute.
func (e *entry) all(attr string) []string {
	var out []string
	for _, a := range e.Attributes {
		if strings.EqualFold(a.Name, attr) {
			if out == nil {
				out = a.Values
			} else {
				out = append(slices.Clone(out), a.Values...) // "member" beside what was "member;range=…"
			}
		}
	}
	return out
}

// first gives the first value of an attribute, or "".
func (e *entry) first(attr string) string {
	if v := e.all(attr); len(v) > 0 {
		return v[0]
	}
	return ""
}

func (e *entry) is(class string) bool {
	return slices.ContainsFunc(e.all(attrClass), func(c string) bool { return strings.EqualFold(c, class) })
}

// slot is an attribute in which a group keeps members.
type slot struct {
	attr   string
	byName bool // names of accounts rather than DNs
}

// slots are where a group keeps its members. A group that is of a class with DNs and a
// posixGroup too keeps them in both places.
func (f *flavour) slots(e *entry) []slot {
	posix := slot{attrMemberUID, true}
	switch e.id.Kind {
	case kindPosix:
		return []slot{posix}
	case kindRole:
		return []slot{{attr: attrOccupant}}
	}
	out := []slot{{attr: attrMember}}
	if !f.ad && e.is("groupOfUniqueNames") {
		out[0].attr = attrUnique
	}
	if !f.ad && e.is(classPosix) {
		out = append(out, posix)
	}
	return out
}

// needsMember reports whether the group's class demands that it is never empty.
func (e *entry) needsMember() bool { return e.is("groupOfNames") || e.is("groupOfUniqueNames") }

// groupKind tells of which kind an entry is by its classes; "" if it is no group.
func (f *flavour) groupKind(e *entry) string {
	if f.ad {
		if e.is("group") {
			return kindGroup
		}
		return ""
	}
	for _, class := range strings.Fields(classesOfGroup) {
		if e.is(class) {
			return kindGroup
		}
	}
	switch {
	case e.is(classPosix):
		return kindPosix
	case e.is(classRole) && !e.is("simpleSecurityObject"):
		return kindRole
	}
	return ""
}

// groupFilter finds groups. What narrows the search most stands first: servers that go through
// a filter in its order then stop early.
func (c *connector) groupFilter(more ...string) string {
	var classes []string
	if c.flavour.ad {
		classes = []string{eq(attrClass, "group")}
	} else {
		for _, class := range append(strings.Fields(classesOfGroup), classPosix, classRole) {
			classes = append(classes, eq(attrClass, class))
		}
	}
	filters := []string{anyOf(classes...)}
	if c.set.groupFilter != "" {
		filters = append(filters, c.set.groupFilter)
	}
	return allOf(append(more, filters...)...)
}

// accountFilter finds accounts: what has no name can't be one.
func (c *connector) accountFilter(more ...string) string {
	if len(more) == 0 {
		more = []string{"(" + c.set.accountName + "=*)"}
	}
	return allOf(append(more, c.set.accountFilter)...)
}

// accountAttrs are what is asked of accounts.
func (c *connector) accountAttrs() []string {
	out := []string{attrClass, c.set.accountName}
	for _, a := range c.flavour.accountAttrs {
		if !a.computed {
			out = append(out, a.name)
		}
	}
	if c.flavour.ad {
		return append(out, adAttrs()...)
	}
	out = append(out, attrUUID, attrCSN)
	if c.set.disableBy == byPolicy {
		return append(out, attrLocked, attrSubentry)
	}
	return append(out, c.set.off.attr)
}

// groupAttrs are what is asked of groups.
func (c *connector) groupAttrs(members bool) []string {
	out := []string{attrClass, c.set.groupName, "description"}
	switch {
	case c.flavour.ad:
		out = append(out, adAttrs()...)
		if members {
			out = append(out, attrMember)
		}
		return out
	case members:
		out = append(out, attrMember, attrUnique, attrOccupant, attrMemberUID)
	}
	return append(out, attrGIDNumber, attrUUID, attrCSN)
}

// nameOf gives the name that an entry goes by. Of several values it is the one in the entry's
// DN; ok is false if there is none that can be told.
func nameOf(e *goldap.Entry, attr string) (name string, ok bool) {
	values := e.GetEqualFoldAttributeValues(attr)
	if len(values) == 1 {
		return values[0], true
	}
	a, v := firstRDN(e.DN, attr)
	return v, a == shortType(attr) && len(values) > 1
}

// unclear is what an entry is that goes by several names.
type unclear struct {
	ids  []access.ID
	text string
}

func (u *unclear) Error() string { return u.text }

func unclearName(e *goldap.Entry, kind, attr string) error {
	values := e.GetEqualFoldAttributeValues(attr)
	u := &unclear{text: fmt.Sprintf("%s has %d values of %s, and its DN doesn't tell which is its name", e.DN, len(values), attr)}
	for _, v := range values {
		u.ids = append(u.ids, access.ID{Kind: kind, Name: fold(v)})
	}
	return u
}

// account makes an entry of an account's search result.
func (c *connector) account(e *goldap.Entry) (*entry, error) {
	name, ok := nameOf(e, c.set.accountName)
	if !ok {
		return nil, unclearName(e, access.KindAccount, c.set.accountName)
	}
	return &entry{Entry: e, id: access.Account(fold(name)), key: dnKey(e.DN)}, nil
}

// group makes an entry of a group's search result.
func (c *connector) group(e *goldap.Entry) (*entry, error) {
	g := &entry{Entry: e, key: dnKey(e.DN)}
	kind := c.flavour.groupKind(g)
	if kind == "" {
		if g.is(classRole) {
			return nil, nil // a login, not a role
		}
		return nil, fmt.Errorf("%w: %s was found as a group, but its classes can't be read", connectors.ErrIncomplete, e.DN)
	}
	name, ok := nameOf(e, c.set.groupName)
	if !ok {
		return nil, unclearName(e, kind, c.set.groupName)
	}
	g.id = access.ID{Kind: kind, Name: fold(name)}
	return g, nil
}

// object is what the vocabulary says of an entry.
func (c *connector) object(s *session, e *entry, disabled bool) access.Object {
	o := access.Object{ID: e.id, Disabled: disabled, Reserved: c.reserved(s, e)}
	if c.flavour.ad {
		o.Native = guidText(e.GetEqualFoldRawAttributeValue("objectGUID"))
	} else {
		o.Native = strings.ToLower(e.first(attrUUID))
	}
	for _, a := range c.flavour.attrs(e.id.Kind) {
		if v := c.value(e, a); v != "" {
			if o.Attributes == nil {
				o.Attributes = map[string]string{}
			}
			o.Attributes[a.name] = v
		}
	}
	return o
}

// value is an attribute of an entry as Read returns it.
func (c *connector) value(e *entry, a attribute) string {
	switch {
	case c.hidden(a.name):
		return ""
	case a.computed:
		return adComputed(e, a.name)
	}
	return joinValues(e.all(a.name), a.single)
}

// reserved reports whether an entry belongs to the directory itself or is Accord's own.
func (c *connector) reserved(s *session, e *entry) bool {
	return e.key == s.selfDN || c.flavour.ad && adReserved(e)
}

// locks tells which accounts are disabled. It remembers the policies that it has looked up.
type locks struct {
	c        *connector
	s        *session
	policies map[string]bool // canonical DN → pwdLockout
}

func (c *connector) locks(s *session) *locks {
	return &locks{c: c, s: s, policies: map[string]bool{}}
}

// disabled reports whether an account can't be used. A lock that no policy enforces doesn't
// count: the server stores it and lets the account in.
func (l *locks) disabled(ctx context.Context, e *entry) (bool, error) {
	switch l.c.set.disableBy {
	case byControl:
		return adDisabled(e), nil
	case byAttribute:
		return slices.ContainsFunc(e.all(l.c.set.off.attr), func(v string) bool { return fold(v) == fold(l.c.set.off.value) }), nil
	}
	if !slices.Contains(e.all(attrLocked), lockedForEver) {
		return false, nil
	}
	why, err := l.unenforced(ctx, e.first(attrSubentry))
	return why == "", err
}

// unenforced tells why locking an account with that policy of its own has no effect; "" if it
// has.
func (l *locks) unenforced(ctx context.Context, subentry string) (why string, err error) {
	dn := or(subentry, l.c.set.policy)
	switch {
	case !l.s.supports(controlPolicy):
		return "the server has no password policy (overlay ppolicy), so it would store the lock and let the account in; use disable: attribute", nil
	case dn == "":
		return "it isn't known which password policy applies, and without one the server would store the lock and let the account in; name it in the setting password_policy, or use disable: attribute", nil
	}
	key := dnKey(dn)
	lockout, known := l.policies[key]
	if !known {
		e, err := l.s.base(ctx, dn, "pwdLockout")
		if err != nil && !isResult(err, goldap.LDAPResultNoSuchObject) {
			return "", readError(ctx, fmt.Sprintf("reading the password policy %s of %s", dn, l.c.system), err)
		}
		if e == nil || e.GetEqualFoldAttributeValue("pwdLockout") == "" && len(e.Attributes) == 0 {
			return fmt.Sprintf("the password policy %s isn't there or can't be read", dn), nil
		}
		lockout = strings.EqualFold(e.GetEqualFoldAttributeValue("pwdLockout"), "TRUE")
		l.policies[key] = lockout
	}
	if !lockout {
		return fmt.Sprintf("the password policy %s has no pwdLockout TRUE, so the server would store the lock and let the account in", dn), nil
	}
	return "", nil
}
