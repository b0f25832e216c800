package ldap

import (
	"context"
	"fmt"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// rename changes the name, and with it the entry's DN and all mentions of it in groups.
func (w *work) rename(ctx context.Context, ch access.Change) error {
	to := access.ID{Kind: ch.Subject.Kind, Name: ch.After.Name}
	if to == ch.Subject {
		return nil
	}
	found, err := w.c.lookup(ctx, w.s, []access.ID{ch.Subject, to})
	if err != nil {
		return readError(ctx, w.doing, err)
	}
	old, err1 := found.one(ch.Subject)
	taken, err2 := found.one(to)
	switch {
	case err1 != nil:
		return fmt.Errorf("%s: %w", w.doing, err1)
	case err2 != nil:
		return fmt.Errorf("%s: %w", w.doing, err2)
	case old == nil && taken == nil:
		return w.conflict("%s isn't there", ch.Subject)
	case old != nil && taken != nil:
		return w.conflict("%s is there already", to)
	case old == nil:
		return w.finishRename(ctx, ch, taken)
	}
	if err := w.changeable(old); err != nil {
		return err
	}
	attr := w.c.set.groupName
	if to.IsAccount() {
		attr = w.c.set.accountName
	}
	if w.c.flavour.ad {
		return w.renameInDomain(ctx, old, to)
	}
	was := nameAsSpelled(old, attr)
	if named, _ := firstRDN(old.DN, attr); named != shortType(attr) {
		err := w.modify(ctx, old.DN, []goldap.Change{remove(attr, was), add(attr, to.Name)}, nil)
		if err == nil {
			err = w.mentions(ctx, old.DN, old.DN, w.uids(old, was), to.Name)
		}
		return w.failed(ctx, "write "+attr+" of "+old.DN, old, err)
	}
	if !singleRDN(old.DN) {
		return fmt.Errorf("%s: %w: the entry %s is named by several attributes", w.doing, connectors.ErrUnsupported, old.DN)
	}
	relative, _ := splitDN(old.DN)
	name, _, _ := strings.Cut(relative, "=")
	if err := w.move(ctx, old.DN, rdn(strings.TrimSpace(name), to.Name), ""); err != nil {
		return w.failed(ctx, "rename "+old.DN, old, err)
	}
	_, parent := splitDN(old.DN)
	err = w.mentions(ctx, old.DN, child(rdn(attr, to.Name), parent), w.uids(old, was), to.Name)
	return w.failed(ctx, "write the groups that "+old.DN+" is a member of", nil, err)
}

// uids are the values by which posixGroups name an account.
func (w *work) uids(e *entry, name string) string {
	if e.id.IsAccount() {
		return name
	}
	return ""
}

// finishRename completes a rename that took place already: groups may still have the old name.
func (w *work) finishRename(ctx context.Context, ch access.Change, now *entry) error {
	if w.c.flavour.ad {
		return nil
	}
	attr := w.c.set.groupName
	if now.id.IsAccount() {
		attr = w.c.set.accountName
	}
	named, _ := firstRDN(now.DN, attr)
	if named != shortType(attr) {
		return w.failed(ctx, "write groups", nil, w.mentions(ctx, now.DN, now.DN, w.uids(now, ch.Subject.Name), ch.After.Name))
	}
	_, parent := splitDN(now.DN)
	err := w.mentions(ctx, child(rdn(attr, ch.Subject.Name), parent), now.DN, w.uids(now, ch.Subject.Name), ch.After.Name)
	return w.failed(ctx, "write groups", nil, err)
}

// renameInDomain changes the name, the user principal name if it was made of the old one, and
// then the entry's own name if that was the old one too. The domain keeps members up to date.
func (w *work) renameInDomain(ctx context.Context, e *entry, to access.ID) error {
	was := e.first(attrSAM)
	mods := []goldap.Change{remove(attrSAM, was), add(attrSAM, to.Name)}
	if name, domain, ok := strings.Cut(e.first(attrUPN), "@"); ok && fold(name) == fold(was) {
		mods = append(mods, remove(attrUPN, e.first(attrUPN)), add(attrUPN, to.Name+"@"+domain))
	}
	if err := w.modify(ctx, e.DN, mods, nil); err != nil {
		return w.failed(ctx, "write "+attrSAM+" of "+e.DN, e, err)
	}
	if attr, value := firstRDN(e.DN, "cn"); attr != "cn" || fold(value) != fold(was) {
		return nil
	}
	return w.failed(ctx, "rename "+e.DN, e, w.move(ctx, e.DN, rdn("CN", to.Name), ""))
}
