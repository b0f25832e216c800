package ldap

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// existing finds the entry that a change is about. It must be there and Accord's to change.
func (w *work) existing(ctx context.Context, id access.ID) (*entry, error) {
	e, err := w.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, w.conflict("%s isn't there", id)
	}
	return e, w.changeable(e)
}

// update brings attributes from before to after.
func (w *work) update(ctx context.Context, ch access.Change) error {
	for range attempts {
		e, err := w.existing(ctx, ch.Subject)
		if err != nil {
			return err
		}
		mods, newRDN, err := w.updates(e, ch)
		if err != nil {
			return err
		}
		if len(mods) > 0 {
			err := w.modify(ctx, e.DN, mods, w.asserting(e))
			if w.overtaken(e, err) {
				continue
			}
			if err != nil {
				return w.failed(ctx, "write the attributes of "+e.DN, e, err)
			}
		}
		if newRDN == "" {
			return nil
		}
		return w.failed(ctx, "rename "+e.DN, e, w.relocate(ctx, e, newRDN, ""))
	}
	return w.conflict("somebody else keeps changing it")
}

// updates gives the modifications that an update takes, and the new relative DN if the
// attribute that names the entry is among them.
func (w *work) updates(e *entry, ch access.Change) (mods []goldap.Change, newRDN string, err error) {
	named, _ := firstRDN(e.DN, "")
	computed := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(ch.After.Attributes)) {
		a, _ := w.c.flavour.attr(ch.Subject.Kind, key)
		before, _ := a.normal(ch.Before.Attributes[key])
		after, _ := a.normal(ch.After.Attributes[key])
		has := w.c.value(e, a)
		switch {
		case has == after:
		case has != before:
			return nil, "", w.conflict("%s is %q, neither %q nor %q", key, has, before, after)
		case a.computed:
			computed[key] = after
		case shortType(key) == named:
			if len(splitValues(has)) != 1 || len(splitValues(after)) != 1 || !singleRDN(e.DN) {
				return nil, "", fmt.Errorf("%s: %w: %s names the entry, and can only go from one value to one other", w.doing, connectors.ErrUnsupported, key)
			}
			newRDN = rdn(key, after)
		default:
			mods = append(mods, w.swap(e, key, after)...)
		}
	}
	if len(computed) > 0 {
		scope, sort := or(computed[attrScope], adComputed(e, attrScope)), or(computed[attrSort], adComputed(e, attrSort))
		mods = append(mods, w.swap(e, attrType, groupTypeOf(scope, sort))...)
	}
	return mods, newRDN, nil
}

// swap replaces the values of an attribute. Where the server can't be told to write only what
// wasn't written meanwhile, the values that were seen are named: a modify that deletes what
// isn't there changes nothing.
func (w *work) swap(e *entry, attr, after string) []goldap.Change {
	values := splitValues(after)
	if w.asserting(e) != nil {
		return []goldap.Change{replace(attr, values...)}
	}
	var mods []goldap.Change
	if old := e.all(attr); len(old) > 0 {
		mods = append(mods, remove(attr, old...))
	}
	if len(values) > 0 {
		mods = append(mods, add(attr, values...))
	}
	return mods
}

// lock disables or enables an account, and moves it if leavers have a place of their own.
func (w *work) lock(ctx context.Context, ch access.Change) error {
	disable := ch.Action == access.Disable
	for range attempts {
		e, err := w.existing(ctx, ch.Subject)
		if err != nil {
			return err
		}
		is, err := w.disabled(ctx, e)
		if err != nil {
			return err
		}
		if is != disable {
			mods, err := w.lockMods(ctx, e, disable)
			if err != nil {
				return err
			}
			err = w.modify(ctx, e.DN, mods, w.asserting(e))
			if w.overtaken(e, err) {
				continue
			}
			if err != nil {
				return w.failed(ctx, "write what locks "+e.DN, e, err)
			}
		}
		return w.rehouse(ctx, e, disable)
	}
	return w.conflict("somebody else keeps changing it")
}

// lockMods gives the modifications that disable or enable.
func (w *work) lockMods(ctx context.Context, e *entry, disable bool) ([]goldap.Change, error) {
	switch w.c.set.disableBy {
	case byControl:
		was := uac(e)
		now := was &^ uacDisabled
		if disable {
			now = was | uacDisabled
		}
		return []goldap.Change{remove(attrUAC, e.first(attrUAC)), add(attrUAC, strconv.FormatInt(now, 10))}, nil
	case byAttribute:
		from, to := w.c.set.on, w.c.set.off
		if !disable {
			from, to = to, from
		}
		return pairMods(e, w.c.set.off.attr, from.value, to.value), nil
	}
	if disable {
		if why, err := w.c.locks(w.s).unenforced(ctx, e.first(attrSubentry)); err != nil || why != "" {
			return nil, w.cannotLock(why, err)
		}
		return []goldap.Change{replace(attrLocked, lockedForEver)}, nil
	}
	return []goldap.Change{remove(attrLocked, e.all(attrLocked)...)}, nil
}

// pairMods takes one value of an attribute away and puts another there; either may be "".
func pairMods(e *entry, attr, from, to string) []goldap.Change {
	var mods []goldap.Change
	has := func(value string) (string, bool) {
		all := e.all(attr)
		i := slices.IndexFunc(all, func(v string) bool { return fold(v) == fold(value) })
		if i < 0 || value == "" {
			return "", false
		}
		return all[i], true
	}
	old, ok := has(from)
	if !ok && to != "" && len(e.all(attr)) == 1 && from != "" {
		old, ok = e.first(attr), true // a value of somebody else's, of an attribute that has one
	}
	if ok {
		mods = append(mods, remove(attr, old))
	}
	if _, there := has(to); !there && to != "" {
		mods = append(mods, add(attr, to))
	}
	return mods
}

// rehouse moves a disabled account to where leavers are, and an enabled one back.
func (w *work) rehouse(ctx context.Context, e *entry, disabled bool) error {
	if w.c.set.disabledBase == "" {
		return nil
	}
	away := below(e.key, dnKey(w.c.set.disabledBase))
	if away == disabled {
		return nil
	}
	to := w.c.set.accountBase
	if disabled {
		to = w.c.set.disabledBase
	}
	relative, _ := splitDN(e.DN)
	return w.failed(ctx, "move "+e.DN+" below "+to, e, w.relocate(ctx, e, relative, to))
}

// relocate moves an entry, and sees to it that groups name it as it is called then.
func (w *work) relocate(ctx context.Context, e *entry, relative, parent string) error {
	if err := w.move(ctx, e.DN, relative, parent); err != nil {
		return err
	}
	if parent == "" {
		_, parent = splitDN(e.DN)
	}
	return w.mentions(ctx, e.DN, child(relative, parent), "", "")
}

// delete takes an entry out of all groups and then deletes it. The other order could leave a
// name in a group, for the next one who is given it.
func (w *work) delete(ctx context.Context, ch access.Change) error {
	for range attempts {
		e, err := w.find(ctx, ch.Subject)
		if err != nil || e == nil {
			return err
		}
		if err := w.changeable(e); err != nil {
			return err
		}
		disabled, err := w.disabled(ctx, e)
		if err != nil {
			return err
		}
		if e.id.IsAccount() && ch.Before != nil && ch.Before.Disabled != disabled {
			return w.conflict("disabled is %v", disabled)
		}
		name := ""
		if e.id.IsAccount() {
			name = nameAsSpelled(e, w.c.set.accountName)
		}
		if err := w.mentions(ctx, e.DN, "", name, ""); err != nil {
			return w.failed(ctx, "write the groups that "+e.DN+" is a member of", e, err)
		}
		req := goldap.NewDelRequest(e.DN, w.asserting(e))
		err = w.write(ctx, func() error { return w.s.conn.Del(req) })
		switch {
		case w.overtaken(e, err):
			continue
		case isResult(err, goldap.LDAPResultNoSuchObject):
			return nil
		}
		return w.failed(ctx, "delete "+e.DN, e, err)
	}
	return w.conflict("somebody else keeps changing it")
}
