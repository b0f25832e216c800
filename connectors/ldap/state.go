package ldap

import (
	"context"
	"maps"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// uidEntry begins the name of an entry that is known only by a value of memberUid: the name of
// an account that isn't there.
const uidEntry = "memberuid="

// state makes the state of what was collected.
func (r *reading) state(ctx context.Context, scope connectors.Scope) (*access.State, error) {
	b := access.NewBuilder(r.c.system).Identity(r.s.identity)
	covers := func(access.ID) bool { return true }
	if !scope.Whole() {
		b.Only(scope.IDs...)
		asked := map[access.ID]bool{}
		for _, id := range scope.IDs {
			asked[id] = true
		}
		covers = func(id access.ID) bool { return asked[id] }
	}
	self, err := r.self(ctx)
	if err != nil {
		return nil, err
	}
	b.Self(self)
	if r.grants == nil { // not collected on the way up
		r.collect()
	}
	for _, id := range slices.SortedFunc(maps.Keys(r.unknown), access.ID.Compare) {
		b.Unknown(id, r.unknown[id])
	}
	for _, all := range []map[access.ID]*entry{r.accounts, r.groups} {
		for id, e := range all {
			if !covers(id) {
				continue
			}
			disabled := false
			if id.IsAccount() {
				if disabled, err = r.locks.disabled(ctx, e); err != nil {
					return nil, err
				}
			}
			b.Object(r.c.object(r.s, e, disabled))
		}
	}
	if self.Kind == kindEntry {
		r.foreign[self] = true
	}
	for id := range r.foreign {
		if covers(id) {
			b.Object(access.Object{ID: id, Reserved: id == self})
		}
	}
	r.edges(b, covers)
	return b.Build()
}

// self is Accord's own account, if that is among the accounts, or else its entry.
func (r *reading) self(ctx context.Context) (access.ID, error) {
	if r.s.selfDN == "" {
		return access.ID{}, nil
	}
	if id, ok := r.byDN[r.s.selfDN]; ok {
		return id, nil
	}
	if !slices.ContainsFunc(r.c.set.accountBases(), func(b string) bool { return below(r.s.selfDN, dnKey(b)) }) {
		return access.ID{Kind: kindEntry, Name: r.s.selfDN}, nil
	}
	// It is below the base of accounts. In a read of named objects it is looked up, so that
	// the answer is the same each time.
	id := access.ID{Kind: kindEntry, Name: r.s.selfDN}
	_, err := r.s.search(ctx, r.s.selfDN, r.c.accountFilter(), r.c.accountAttrs(), func(e *goldap.Entry) error {
		if a, err := r.c.account(e); err == nil && a.key == r.s.selfDN {
			id = a.id
		}
		return nil
	})
	if isResult(err, goldap.LDAPResultNoSuchObject) {
		err = nil
	}
	return id, err
}

// collect gathers the direct memberships of all groups that were read.
func (r *reading) collect() {
	r.foreign = map[access.ID]bool{}
	keys := map[string]access.ID{} // spellings of DNs that occur in groups
	for _, id := range slices.SortedFunc(maps.Keys(r.groups), access.ID.Compare) {
		g := r.groups[id]
		slots := r.c.flavour.slots(g)
		if len(slots) == 1 {
			for _, v := range g.all(slots[0].attr) {
				if subject := r.subject(slots[0], v, keys); !subject.IsZero() {
					r.grant(subject, id, permMember)
				}
			}
			continue
		}
		names, dns := map[access.ID]bool{}, map[access.ID]bool{}
		for _, s := range slots {
			into := map[bool]map[access.ID]bool{false: dns, true: names}[s.byName]
			for _, v := range g.all(s.attr) {
				if subject := r.subject(s, v, keys); !subject.IsZero() {
					into[subject] = true
				}
			}
		}
		for subject := range dns {
			r.grant(subject, id, both(subject, names[subject]))
		}
		for subject := range names {
			if !dns[subject] {
				r.grant(subject, id, permPartial)
			}
		}
	}
	r.primary()
}

// both is what somebody holds who is a member by DN: all of it only if accounts are also named
// by memberUid.
func both(subject access.ID, named bool) string {
	if subject.IsAccount() && !named {
		return permPartial
	}
	return permMember
}

// subject is whom a value names; zero for placeholders.
func (r *reading) subject(s slot, value string, keys map[string]access.ID) access.ID {
	if s.byName {
		if id, ok := r.byUID[value]; ok {
			return id
		}
		return access.ID{Kind: kindEntry, Name: uidEntry + quoteRDN(value)}
	}
	if id, ok := r.byDN[value]; ok {
		return id
	}
	if id, ok := keys[value]; ok {
		return id
	}
	key := dnKey(value)
	id, ok := r.byDN[key]
	switch {
	case ok:
	case !r.c.set.isPlaceholder(key):
		id = access.ID{Kind: kindEntry, Name: key}
	}
	keys[value] = id
	return id
}

func (r *reading) grant(subject, target access.ID, permission string) {
	if subject.Kind == kindEntry {
		r.foreign[subject] = true
	}
	r.grants = append(r.grants, access.Grant{Subject: subject, Target: target, Permission: permission})
}

// primary adds what follows from an account's primary group.
func (r *reading) primary() {
	of := map[string][]access.ID{}
	for id, g := range r.groups {
		if number := r.c.primaryNumber(r.s, g); number != "" {
			of[number] = append(of[number], id)
		}
	}
	for id, a := range r.accounts {
		for _, target := range of[r.c.primaryOf(a)] {
			r.grants = append(r.grants, access.Grant{Subject: id, Target: target, Permission: permMember, Standing: access.Implied})
		}
	}
}

// primaryOf is the number of an account's primary group, or "none".
func (c *connector) primaryOf(a *entry) string {
	if c.flavour.ad {
		return or(a.first("primaryGroupID"), "none")
	}
	if !a.is("posixAccount") {
		return "none"
	}
	return or(a.first(attrGIDNumber), "none")
}

// primaryNumber is the number by which accounts name a group their primary one, or "".
func (c *connector) primaryNumber(s *session, g *entry) string {
	if c.flavour.ad {
		return ridWithin(s.domainSID, g.sid())
	}
	if !g.is(classPosix) {
		return ""
	}
	return g.first(attrGIDNumber)
}

// edges adds the grants, and those that follow from nesting.
func (r *reading) edges(b *access.Builder, covers func(access.ID) bool) {
	parents := map[access.ID][]access.ID{}
	for _, g := range r.grants {
		if g.Subject != g.Target && !g.Subject.IsAccount() {
			parents[g.Subject] = append(parents[g.Subject], g.Target)
		}
	}
	above := map[access.ID][]access.ID{}
	for _, g := range r.grants {
		if !covers(g.Subject) {
			continue
		}
		b.Grant(g)
		if !r.c.set.nested {
			continue
		}
		if _, done := above[g.Target]; !done {
			above[g.Target] = ancestors(g.Target, parents)
		}
		for _, target := range above[g.Target] {
			if target != g.Subject {
				b.Grant(access.Grant{Subject: g.Subject, Target: target, Permission: permMember, Standing: access.Implied})
			}
		}
	}
}

// ancestors are all that a group is a member of, directly or not. Groups can be members of each
// other in a circle.
func ancestors(of access.ID, parents map[access.ID][]access.ID) []access.ID {
	if len(parents[of]) == 0 {
		return nil
	}
	seen := map[access.ID]bool{}
	var out []access.ID
	todo := []access.ID{of}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, p := range parents[id] {
			if !seen[p] {
				seen[p] = true
				out, todo = append(out, p), append(todo, p)
			}
		}
	}
	return out
}
