package ldap

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/engine/access"
)

// ascend finds the groups that the named objects are members of, and those that these are
// members of. It asks by the values of members themselves: memberOf is kept by an overlay that
// may be missing, late or limited to some classes.
func (r *reading) ascend(ctx context.Context, ids []access.ID) error {
	r.foreign, r.grants = map[access.ID]bool{}, []access.Grant{}
	done := map[access.ID]bool{}
	todo := slices.Clone(ids)
	for len(todo) > 0 {
		id := todo[0]
		todo = todo[1:]
		if done[id] {
			continue
		}
		done[id] = true
		groups, err := r.parentsOf(ctx, id)
		if err != nil {
			return err
		}
		if r.c.set.nested {
			todo = append(todo, groups...)
		}
	}
	return nil
}

// parentsOf adds the grants that one object holds, and gives what they are on.
func (r *reading) parentsOf(ctx context.Context, id access.ID) ([]access.ID, error) {
	dn, uids := id.Name, []string(nil)
	var e *entry
	if id.Kind != kindEntry {
		if e = r.accounts[id]; e == nil {
			e = r.groups[id]
		}
		if e == nil {
			return nil, nil
		}
		dn = e.DN
		if id.IsAccount() {
			uids = []string{nameAsSpelled(e, r.c.set.accountName)}
		}
	} else if name, ok := strings.CutPrefix(dn, uidEntry); ok {
		_, value := firstRDN(uidEntry+name, attrMemberUID)
		dn, uids = "", []string{value}
	}
	named, err := r.namingGroups(ctx, id, uids)
	if err != nil {
		return nil, err
	}
	direct, err := r.holdingGroups(ctx, dn)
	if err != nil {
		return nil, err
	}
	var out []access.ID
	for _, gid := range slices.SortedFunc(maps.Keys(direct), access.ID.Compare) {
		permission := permMember
		if len(r.c.flavour.slots(direct[gid])) > 1 {
			_, alsoNamed := named[gid]
			permission = both(id, alsoNamed)
		}
		r.grant(id, gid, permission)
		out = append(out, gid)
	}
	for _, gid := range slices.SortedFunc(maps.Keys(named), access.ID.Compare) {
		if _, also := direct[gid]; also {
			continue
		}
		permission := permMember
		if len(r.c.flavour.slots(named[gid])) > 1 {
			permission = permPartial
		}
		r.grant(id, gid, permission)
		out = append(out, gid)
	}
	if !id.IsAccount() {
		return out, nil
	}
	primary, err := r.primaryGroups(ctx, e)
	for _, gid := range primary {
		r.grants = append(r.grants, access.Grant{Subject: id, Target: gid, Permission: permMember, Standing: access.Implied})
	}
	return append(out, primary...), err
}

// holdingGroups are the groups that have a DN as a member.
func (r *reading) holdingGroups(ctx context.Context, dn string) (map[access.ID]*entry, error) {
	if dn == "" {
		return nil, nil
	}
	filters := []string{eq(attrMember, dn)}
	if !r.c.flavour.ad {
		filters = append(filters, eq(attrUnique, dn), eq(attrOccupant, dn))
	}
	return r.parentGroups(ctx, anyOf(filters...), func(g *entry) bool {
		return r.c.flavour.slots(g)[0].byName // a posixGroup that has a DN in it by mistake
	})
}

// namingGroups are the groups that name an account by memberUid.
func (r *reading) namingGroups(ctx context.Context, id access.ID, uids []string) (map[access.ID]*entry, error) {
	if r.c.flavour.ad || len(uids) == 0 || id.Kind == kindEntry && len(uids[0]) == 0 {
		return nil, nil
	}
	return r.parentGroups(ctx, eq(attrMemberUID, uids[0]), func(g *entry) bool {
		return !slices.ContainsFunc(r.c.flavour.slots(g), func(s slot) bool { return s.byName })
	})
}

// primaryGroups are the groups that an account names its primary one.
func (r *reading) primaryGroups(ctx context.Context, a *entry) ([]access.ID, error) {
	number := r.c.primaryOf(a)
	if number == "none" {
		return nil, nil
	}
	filter := eq(attrGIDNumber, number)
	if r.c.flavour.ad {
		filter = "(objectSid=" + goldap.EscapeFilter(sidBytes(r.s.domainSID+"-"+number)) + ")"
	}
	groups, err := r.parentGroups(ctx, filter, func(g *entry) bool { return r.c.primaryNumber(r.s, g) != number })
	return slices.SortedFunc(maps.Keys(groups), access.ID.Compare), err
}

// parentGroups finds groups, less those that are to be skipped, and remembers them.
func (r *reading) parentGroups(ctx context.Context, filter string, skip func(*entry) bool) (map[access.ID]*entry, error) {
	f, err := r.readGroups(ctx, r.s, r.c.groupFilter(filter), false)
	if err != nil {
		return nil, err
	}
	out := map[access.ID]*entry{}
	for _, g := range f.groups {
		if skip(g) {
			continue
		}
		if twin, ok := out[g.id]; ok && twin.key != g.key {
			r.hide(g.id, fmt.Sprintf("two entries have this name: %s and %s", min(twin.DN, g.DN), max(twin.DN, g.DN)))
		}
		out[g.id] = g
		if r.groups[g.id] == nil {
			r.groups[g.id] = g
		}
	}
	for _, unclear := range f.unclear {
		if err := r.hideUnclear(unclear); err != nil {
			return nil, err
		}
	}
	for _, kind := range r.groupKinds() {
		r.refer(access.ID{Kind: kind}, f.referrals)
	}
	return out, nil
}
