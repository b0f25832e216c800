package ldap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

const (
	wholeAbove  = 300 // above so many names everything is read instead
	namesAtOnce = 100 // names in one filter
)

// Read says what is in the directory. See the package's documentation for what it can't know.
func (c *connector) Read(ctx context.Context, scope connectors.Scope) (*access.State, error) {
	s, err := c.acquire(ctx)
	if err != nil {
		return nil, err
	}
	state, err := c.readOver(ctx, s, scope)
	retry := c.stale(ctx, s, err)
	c.release(s)
	if !retry {
		return state, err
	}
	if s, err = c.acquire(ctx); err != nil {
		return nil, err
	}
	defer c.release(s)
	return c.readOver(ctx, s, scope)
}

func (c *connector) readOver(ctx context.Context, s *session, scope connectors.Scope) (*access.State, error) {
	r := &reading{c: c, s: s, locks: c.locks(s), accounts: map[access.ID]*entry{}, groups: map[access.ID]*entry{},
		unknown: map[access.ID]string{}, byDN: map[string]access.ID{}, byUID: map[string]access.ID{}}
	doing := "reading " + c.system
	var err error
	if scope.Whole() {
		err = r.everything(ctx)
	} else {
		err = r.named(ctx, scope.IDs)
	}
	if err != nil {
		return nil, readError(ctx, doing, err)
	}
	state, err := r.state(ctx, scope)
	if err != nil {
		return nil, readError(ctx, doing, err)
	}
	return state, nil
}

// reading collects what a Read sees.
type reading struct {
	c        *connector
	s        *session
	locks    *locks
	accounts map[access.ID]*entry
	groups   map[access.ID]*entry
	unknown  map[access.ID]string
	byDN     map[string]access.ID // as spelled and canonical
	byUID    map[string]access.ID // names as spelled
	grants   []access.Grant       // direct ones
	foreign  map[access.ID]bool   // entries that are members of something
}

// everything reads all accounts and all groups, at the same time where a second connection can
// be had.
func (r *reading) everything(ctx context.Context) error {
	other, err := r.c.acquireIfFree(ctx)
	if err != nil {
		return err
	}
	if other == nil {
		if err := r.readAccounts(ctx, r.s, r.c.accountFilter()); err != nil {
			return err
		}
		groups, err := r.readGroups(ctx, r.s, r.c.groupFilter(), true)
		return r.addGroups(groups, err)
	}
	defer r.c.release(other)
	r.s.reused = r.s.reused || other.reused
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		found
		err error
	}
	done := make(chan result, 1)
	go func() {
		groups, err := r.readGroups(ctx, other, r.c.groupFilter(), true)
		done <- result{groups, err}
	}()
	err = r.readAccounts(ctx, r.s, r.c.accountFilter())
	if err != nil {
		cancel()
	}
	groups := <-done
	if err != nil {
		return err
	}
	return r.addGroups(groups.found, groups.err)
}

// found is what a search for groups brought.
type found struct {
	groups    []*entry
	unclear   []error
	referrals []string
}

// readAccounts adds the accounts that fit a filter.
func (r *reading) readAccounts(ctx context.Context, s *session, filter string) error {
	for _, base := range r.c.set.accountBases() {
		referrals, err := s.search(ctx, base, filter, toRead(r.c.accountAttrs()), func(e *goldap.Entry) error {
			a, err := r.c.account(e)
			if err != nil {
				return r.hideUnclear(err)
			}
			r.add(r.accounts, a)
			r.byUID[nameAsSpelled(a, r.c.set.accountName)] = a.id
			return nil
		})
		if err != nil {
			return fmt.Errorf("accounts below %s: %w", base, err)
		}
		r.refer(access.ID{Kind: access.KindAccount}, referrals)
	}
	return nil
}

// toRead leaves out of what is asked of an entry what only writing to it needs.
func toRead(attrs []string) []string {
	return slices.DeleteFunc(attrs, func(a string) bool { return a == attrCSN })
}

func nameAsSpelled(e *entry, attr string) string {
	name, _ := nameOf(e.Entry, attr)
	return name
}

// readGroups finds the groups that fit a filter. It touches nothing of the reading.
func (r *reading) readGroups(ctx context.Context, s *session, filter string, members bool) (out found, err error) {
	out.referrals, err = s.search(ctx, r.c.set.groupBase, filter, toRead(r.c.groupAttrs(members)), func(e *goldap.Entry) error {
		g, err := r.c.group(e)
		var u *unclear
		switch {
		case errors.As(err, &u):
			out.unclear = append(out.unclear, err)
		case err != nil:
			return err
		case g != nil:
			out.groups = append(out.groups, g)
		}
		return nil
	})
	if err != nil {
		return out, fmt.Errorf("groups below %s: %w", r.c.set.groupBase, err)
	}
	return out, nil
}

func (r *reading) addGroups(f found, err error) error {
	for _, g := range f.groups {
		r.add(r.groups, g)
	}
	for _, unclear := range f.unclear {
		err = errors.Join(err, r.hideUnclear(unclear))
	}
	for _, kind := range r.groupKinds() {
		r.refer(access.ID{Kind: kind}, f.referrals)
	}
	return err
}

func (r *reading) groupKinds() []string {
	return slices.DeleteFunc(slices.Clone(r.c.flavour.kinds), func(k string) bool { return k == access.KindAccount })
}

// add takes an entry in. Two entries with one name are twins: neither can be told from the
// other, so nothing is known of that name.
func (r *reading) add(all map[access.ID]*entry, e *entry) {
	if twin, ok := all[e.id]; ok && twin.key != e.key {
		first, second := min(twin.DN, e.DN), max(twin.DN, e.DN)
		r.hide(e.id, fmt.Sprintf("two entries have this name: %s and %s", first, second))
	}
	if _, err := r.c.normalID(e.id); err != nil {
		r.hide(e.id, fmt.Sprintf("%s: %v", e.DN, err))
	}
	all[e.id] = e
	r.byDN[e.DN], r.byDN[e.key] = e.id, e.id
}

func (r *reading) hide(id access.ID, why string) {
	if old, ok := r.unknown[id]; !ok || why < old {
		r.unknown[id] = why
	}
}

// hideUnclear hides all names that an entry may go by; other errors it returns.
func (r *reading) hideUnclear(err error) error {
	var u *unclear
	if !errors.As(err, &u) {
		return err
	}
	for _, id := range u.ids {
		r.hide(id, u.text)
	}
	return nil
}

// refer notes what is said to be on other servers. Accord doesn't go there: its credential is
// for this one.
func (r *reading) refer(id access.ID, referrals []string) {
	if len(referrals) == 0 || r.c.set.ignoreReferrals {
		return
	}
	slices.Sort(referrals)
	r.hide(id, fmt.Sprintf("a part is on another server (%s), and referrals aren't followed; see the setting referrals", referrals[0]))
}

// named reads the named objects and what leads up from them.
func (r *reading) named(ctx context.Context, ids []access.ID) error {
	if len(ids) > wholeAbove {
		return r.everything(ctx)
	}
	entries, err := r.c.lookup(ctx, r.s, ids)
	if err != nil {
		return err
	}
	for _, id := range slices.SortedFunc(maps.Keys(entries.found), access.ID.Compare) {
		for _, e := range entries.found[id] {
			if id.IsAccount() {
				r.add(r.accounts, e)
				r.byUID[nameAsSpelled(e, r.c.set.accountName)] = e.id
			} else {
				r.add(r.groups, e)
			}
		}
	}
	for id, why := range entries.unclear {
		r.hide(id, why)
	}
	for _, kind := range append(r.groupKinds(), access.KindAccount) {
		r.refer(access.ID{Kind: kind}, entries.referrals[kind == access.KindAccount])
	}
	return r.ascend(ctx, ids)
}

// acquireIfFree gives a connection, or nil if all that are allowed are in use.
func (c *connector) acquireIfFree(ctx context.Context) (*session, error) {
	select {
	case c.slots <- struct{}{}:
	default:
		return nil, nil
	}
	s, err := c.take(ctx)
	if err != nil {
		<-c.slots
	}
	return s, err
}
