package ldap

import (
	"context"
	"fmt"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
)

// mentions replaces a DN and a name in all groups by others, or takes them out where these are
// "". An overlay that does the same (refint) may be at it at this very moment, or be missing.
func (w *work) mentions(ctx context.Context, oldDN, newDN, oldUID, newUID string) error {
	if w.c.flavour.ad {
		return nil
	}
	var filters []string
	if oldDN != newDN {
		filters = append(filters, eq(attrMember, oldDN), eq(attrUnique, oldDN), eq(attrOccupant, oldDN))
	}
	if oldUID != "" && oldUID != newUID {
		filters = append(filters, eq(attrMemberUID, oldUID))
	}
	if len(filters) == 0 {
		return nil
	}
	var groups []*entry
	_, err := w.s.search(ctx, w.c.set.base, anyOf(filters...), []string{attrClass, "cn"}, func(e *goldap.Entry) error {
		groups = append(groups, &entry{Entry: e, key: dnKey(e.DN)})
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking for groups with %s: %w", oldDN, err)
	}
	for _, g := range groups {
		if err := w.mention(ctx, g, oldDN, newDN, oldUID, newUID); err != nil {
			return err
		}
	}
	return nil
}

// mention is mentions in one group.
func (w *work) mention(ctx context.Context, g *entry, oldDN, newDN, oldUID, newUID string) error {
	for range attempts {
		now, err := w.s.base(ctx, g.DN, attrClass, attrMember, attrUnique, attrOccupant, attrMemberUID)
		if isResult(err, goldap.LDAPResultNoSuchObject) || err == nil && now == nil {
			return nil
		}
		if err != nil {
			return err
		}
		e := &entry{Entry: now, key: g.key}
		var mods []goldap.Change
		for _, s := range []slot{{attr: attrMember}, {attr: attrUnique}, {attr: attrOccupant}, {attrMemberUID, true}} {
			from, to := oldDN, newDN
			if s.byName {
				from, to = oldUID, newUID
			}
			if from != "" && from != to {
				mods = append(mods, w.mentionMods(e, s, from, to)...)
			}
		}
		if len(mods) == 0 {
			return nil
		}
		err = w.modify(ctx, g.DN, mods, nil)
		if !isResult(err, goldap.LDAPResultNoSuchAttribute, goldap.LDAPResultAttributeOrValueExists) {
			return err
		}
	}
	return fmt.Errorf("%w: somebody else keeps changing %s", connectors.ErrConflict, g.DN)
}

func (w *work) mentionMods(e *entry, s slot, from, to string) []goldap.Change {
	var old []string
	there, others := false, 0
	for _, v := range e.all(s.attr) {
		switch s.key(v) {
		case s.key(from):
			old = append(old, v)
		case s.key(to):
			there = true
		default:
			others++
		}
	}
	if len(old) == 0 {
		return nil
	}
	var mods []goldap.Change
	switch {
	case to != "" && !there:
		mods = append(mods, add(s.attr, to))
	case to == "" && others == 0 && !s.byName && s.attr != attrOccupant && e.needsMember():
		mods = append(mods, add(s.attr, w.c.set.placeholders[0]))
	}
	return append(mods, remove(s.attr, old...))
}
