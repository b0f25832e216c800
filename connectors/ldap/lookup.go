package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// looked is what a search for names brought. More than one entry of a name are twins.
type looked struct {
	found     map[access.ID][]*entry
	unclear   map[access.ID]string
	referrals map[bool][]string // by whether they are about accounts
}

// lookup finds accounts and groups by their names, without the members of groups.
func (c *connector) lookup(ctx context.Context, s *session, ids []access.ID) (*looked, error) {
	return c.lookupWith(ctx, s, ids, c.accountAttrs(), c.groupAttrs(false))
}

// lookupNames is lookup of what groups need to know of their members.
func (c *connector) lookupNames(ctx context.Context, s *session, ids []access.ID) (*looked, error) {
	accounts := []string{c.set.accountName}
	if c.flavour.ad {
		accounts = append(accounts, adAttrs()...)
	}
	return c.lookupWith(ctx, s, ids, accounts, c.groupAttrs(false))
}

func (c *connector) lookupWith(ctx context.Context, s *session, ids []access.ID, accountAttrs, groupAttrs []string) (*looked, error) {
	out := &looked{map[access.ID][]*entry{}, map[access.ID]string{}, map[bool][]string{}}
	wanted := map[access.ID]bool{}
	var accounts, groups []string
	for _, id := range ids {
		switch {
		case wanted[id] || id.Kind == kindEntry:
		case id.IsAccount():
			accounts = append(accounts, eq(c.set.accountName, id.Name))
		default:
			groups = append(groups, eq(c.set.groupName, id.Name))
		}
		wanted[id] = true
	}
	slices.Sort(groups) // names of several kinds
	groups = slices.Compact(groups)
	collect := func(bases []string, filter string, attrs []string, account bool, build func(*goldap.Entry) (*entry, error)) error {
		for _, base := range bases {
			referrals, err := s.search(ctx, base, filter, attrs, func(e *goldap.Entry) error {
				got, err := build(e)
				var u *unclear
				switch {
				case errors.As(err, &u):
					for _, id := range u.ids {
						out.unclear[id] = u.text
					}
				case err != nil:
					return err
				case got != nil && wanted[got.id] && !out.has(got):
					out.found[got.id] = append(out.found[got.id], got)
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("looking for names below %s: %w", base, err)
			}
			out.referrals[account] = append(out.referrals[account], referrals...)
		}
		return nil
	}
	for some := range slices.Chunk(accounts, namesAtOnce) {
		if err := collect(c.set.accountBases(), c.accountFilter(anyOf(some...)), accountAttrs, true, c.account); err != nil {
			return nil, err
		}
	}
	for some := range slices.Chunk(groups, namesAtOnce) {
		if err := collect([]string{c.set.groupBase}, c.groupFilter(anyOf(some...)), groupAttrs, false, c.group); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (l *looked) has(e *entry) bool {
	return slices.ContainsFunc(l.found[e.id], func(o *entry) bool { return o.key == e.key })
}

// any reports whether there is anything of the names that were looked for.
func (l *looked) any() bool { return len(l.found) > 0 || len(l.unclear) > 0 }

// knows reports whether there is anything of a name.
func (l *looked) knows(id access.ID) bool {
	_, unclear := l.unclear[id]
	return unclear || len(l.found[id]) > 0
}

// one gives the entry of a name, or nil. Twins are an error.
func (l *looked) one(id access.ID) (*entry, error) {
	if why, ok := l.unclear[id]; ok {
		return nil, fmt.Errorf("%w: %s", connectors.ErrConflict, why)
	}
	switch all := l.found[id]; len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0], nil
	default:
		return nil, fmt.Errorf("%w: two entries are called %s: %s and %s", connectors.ErrConflict, id, all[0].DN, all[1].DN)
	}
}

// find is lookup of one name.
func (c *connector) find(ctx context.Context, s *session, id access.ID) (*entry, error) {
	l, err := c.lookup(ctx, s, []access.ID{id})
	if err != nil {
		return nil, err
	}
	return l.one(id)
}
