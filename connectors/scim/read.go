package scim

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// Read lists everything, or finds the named objects and what they hold.
func (c *connector) Read(ctx context.Context, scope connectors.Scope) (*access.State, error) {
	state, err := c.read(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.cfg.System, err)
	}
	return state, nil
}

func (c *connector) read(ctx context.Context, scope connectors.Scope) (*access.State, error) {
	s, err := c.ready(ctx)
	if err != nil {
		return nil, err
	}
	v := &view{c: c, s: s, b: access.NewBuilder(c.cfg.System).Identity("scim " + c.client.Base()).Self(s.self)}
	if !scope.Whole() {
		v.only(scope.IDs)
	}
	if err := v.users(ctx); err != nil {
		return nil, err
	}
	if err := v.groups(ctx); err != nil {
		return nil, err
	}
	for _, kind := range []string{kindRole, kindEntitlement} {
		for _, o := range s.known(kind) {
			if v.wants(o.ID) {
				v.b.Object(o)
			}
		}
	}
	return v.b.Build()
}

// view is one Read under way.
type view struct {
	c *connector
	s *service
	b *access.Builder
	// named are the objects asked for; nil: all.
	named map[access.ID]bool
	// owners are the accounts and groups that were seen and are wanted, by their id.
	owners map[string]access.ID
}

func (v *view) only(ids []access.ID) {
	v.named = map[access.ID]bool{}
	for _, id := range ids {
		if id.IsAccount() {
			id.Name = fold(id.Name)
		}
		v.named[id] = true
		v.b.Only(id)
	}
	v.b.Only()
}

func (v *view) wants(id access.ID) bool { return v.named == nil || v.named[id] }

// asked are the names of a kind that were asked for, sorted.
func (v *view) asked(kind string) []access.ID {
	var out []access.ID
	for id := range v.named {
		if id.Kind == kind {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, access.ID.Compare)
	return out
}

// users reads users, and what stands on them: roles and entitlements.
func (v *view) users(ctx context.Context) error {
	v.owners = map[string]access.ID{}
	found, err := v.wantedUsers(ctx)
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(found) {
		id := access.Account(name)
		if twins := found[name]; len(twins) > 1 {
			v.b.Unknown(id, fmt.Sprintf("%d users are called so, apart from case", len(twins)))
			continue
		}
		for _, u := range found[name] {
			v.user(u)
		}
	}
	return nil
}

// user is what matters of one; the resource itself is not kept.
type user struct {
	object access.Object
	err    error // why its state can't be told
	holds  []access.ID
}

func userOf(r resource) user {
	var u user
	u.object, u.err = r.object(access.KindAccount)
	for _, kind := range []string{kindRole, kindEntitlement} {
		for _, value := range r.values(attributeName(kind)) {
			u.holds = append(u.holds, access.ID{Kind: kind, Name: value})
		}
	}
	return u
}

func (v *view) user(u user) {
	if u.err != nil {
		v.b.Unknown(u.object.ID, u.err.Error())
		return
	}
	v.b.Object(u.object)
	v.owners[u.object.Native] = u.object.ID
	for _, target := range u.holds {
		v.b.Grant(access.Grant{Subject: u.object.ID, Target: target, Permission: permHas})
	}
}

// fewNames is up to how many users are asked for one by one rather than by listing all.
const fewNames = 10

// wantedUsers gets the users asked for by their folded name, several where names clash.
func (v *view) wantedUsers(ctx context.Context) (map[string][]user, error) {
	found := map[string][]user{}
	if v.named != nil {
		asked := v.asked(access.KindAccount)
		if len(asked) == 0 {
			return found, nil
		}
		missing := len(asked) > fewNames
		for _, id := range asked[:min(len(asked), fewNames)] {
			if missing {
				break
			}
			some, _, err := v.c.byFilter(ctx, v.s, id)
			if err != nil {
				return nil, err
			}
			for _, r := range some {
				found[id.Name] = append(found[id.Name], userOf(r))
			}
			missing = len(some) == 0
		}
		if !missing {
			return found, nil
		}
	}
	// Everything is wanted, or something that a filter doesn't find: whether it isn't there
	// only a listing tells.
	names := map[string][]string{}
	at := v.c.now()
	err := v.c.each(ctx, v.s, v.s.users, nil, func() { clear(found); clear(names) }, func(r resource) error {
		name := r.name(access.KindAccount)
		names[name] = append(names[name], r.id())
		if v.wants(access.Account(name)) {
			found[name] = append(found[name], userOf(r))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	v.c.dir.learn(access.KindAccount, names, at)
	return found, nil
}

// group is what matters of one.
type group struct {
	object  access.Object
	members []member
}

// groups reads all groups, since any of them may have a wanted member: filters on members
// are too seldom to be relied on.
func (v *view) groups(ctx context.Context) error {
	if v.s.groups == "" || v.named != nil && len(v.asked(access.KindAccount))+len(v.asked(kindGroup)) == 0 {
		return nil
	}
	all, err := v.allGroups(ctx)
	if err != nil {
		return err
	}
	for _, g := range all {
		if v.wants(g.object.ID) {
			v.b.Object(g.object)
			v.owners[g.object.Native] = g.object.ID
		}
	}
	switch {
	case v.c.prof.hiddenMembers:
		return v.membersByUser(ctx, all)
	case v.s.noMembers:
		for _, g := range all {
			v.b.Unknown(g.object.ID, "the service never shows who is a member")
		}
		return nil
	}
	for _, g := range all {
		for _, m := range g.members {
			// A member that is nobody was deleted and left behind: it holds nothing.
			if subject, ok := v.owners[m.id]; ok && (m.kind == "" || m.kind == subject.Kind) {
				v.b.Grant(access.Grant{Subject: subject, Target: g.object.ID, Permission: permMember})
			}
		}
	}
	return nil
}

// allGroups lists the groups. Those that are called the same are told apart by their ids.
func (v *view) allGroups(ctx context.Context) ([]group, error) {
	var all []group
	names := map[string][]string{}
	at := v.c.now()
	err := v.c.each(ctx, v.s, v.s.groups, v.s.query(kindGroup), func() { all = nil; clear(names) }, func(r resource) error {
		o, err := r.object(kindGroup)
		if err != nil {
			return err
		}
		names[o.ID.Name] = append(names[o.ID.Name], r.id())
		all = append(all, group{o, r.members()})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, g := range all {
		if len(names[g.object.ID.Name]) > 1 {
			all[i].object.ID.Name = byID(g.object.ID.Name, g.object.Native)
		}
	}
	v.c.dir.learn(kindGroup, names, at)
	return all, nil
}

// membersByUser asks for the groups of each user, where groups don't show their members.
func (v *view) membersByUser(ctx context.Context, all []group) error {
	byID := map[string]access.ID{}
	for _, g := range all {
		byID[g.object.Native] = g.object.ID
	}
	for _, native := range sortedKeys(v.owners) {
		subject := v.owners[native]
		if !subject.IsAccount() {
			continue
		}
		q := url.Values{"filter": {equals("members.value", native)}, "attributes": {"displayName"}}
		var held []string
		err := v.c.each(ctx, v.s, v.s.groups, q, func() { held = nil }, func(r resource) error {
			held = append(held, r.id())
			return nil
		})
		if err != nil {
			return err
		}
		for _, id := range held {
			target, ok := byID[id]
			if !ok {
				return fmt.Errorf("%s is a member of the group %s, which isn't listed: %w", subject, id, connectors.ErrIncomplete)
			}
			v.b.Grant(access.Grant{Subject: subject, Target: target, Permission: permMember})
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
