package ldap

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// members carries out grants and revocations on one group. The usual case takes a search for
// the subjects that aren't known, one for the group, and one modify with all values. Only if the
// modify finds something already there or already gone are the group's members read, and what is
// then still missing is sent.
func (w *work) members(ctx context.Context, changes []access.Change, of *series, known subjects) error {
	who, group, err := w.concerned(ctx, changes, of, known)
	if err != nil {
		return err
	}
	if failed := w.missing(changes, who, group); len(failed) > 0 {
		return &connectors.BatchError{Failed: failed}
	}
	if group == nil { // and only revocations
		return nil
	}
	ed := &edit{work: w, group: group, slots: w.c.flavour.slots(group), who: who}
	blind := len(ed.slots) == 1 && !slices.ContainsFunc(changes, func(ch access.Change) bool {
		return ch.Action == access.ChangeLevel || ch.Subject.Kind == kindEntry // whose spelling there isn't known
	})
	for try := range attempts {
		if try > 0 || !blind {
			if err := ed.read(ctx); err != nil {
				return err
			}
			if ed.group == nil {
				return w.conflict("%s is gone", changes[0].Target)
			}
		}
		mods, failed := ed.plan(changes)
		if len(failed) > 0 {
			return &connectors.BatchError{Failed: failed}
		}
		if len(mods) == 0 {
			return nil
		}
		err := w.modify(ctx, ed.group.DN, mods, nil)
		if !isResult(err, goldap.LDAPResultAttributeOrValueExists, goldap.LDAPResultNoSuchAttribute,
			goldap.LDAPResultObjectClassViolation, goldap.LDAPResultEntryAlreadyExists, goldap.LDAPResultUnwillingToPerform) || try == attempts-1 {
			return w.failed(ctx, "write "+ed.slots[0].attr+" of "+ed.group.DN, ed.group, err)
		}
		if ed.settled && isResult(err, goldap.LDAPResultObjectClassViolation, goldap.LDAPResultUnwillingToPerform) {
			return w.failed(ctx, "", ed.group, err)
		}
	}
	return nil
}

// subjects are those whom changes concern: their entries, and how groups name them.
type subjects map[access.ID]*entry

// concerned looks up the group, and the subjects that aren't known.
func (w *work) concerned(ctx context.Context, changes []access.Change, of *series, known subjects) (subjects, *entry, error) {
	ids := make([]access.ID, 1, len(changes)+1)
	ids[0] = changes[0].Target
	for _, ch := range changes {
		ids = append(ids, ch.Subject)
	}
	asked := w.c.now()
	unknown := slices.DeleteFunc(slices.Clone(ids), func(id access.ID) bool { return known[id] != nil })
	found, err := w.c.lookupNames(ctx, w.s, unknown)
	if err != nil {
		return nil, nil, readError(ctx, w.doing, err)
	}
	who := make(subjects, len(ids))
	for i, id := range ids {
		e := known[id]
		switch {
		case e != nil:
		case id.Kind == kindEntry:
			e, err = w.foreign(ctx, id, changes[i-1])
		default:
			e, err = found.one(id)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", w.doing, err)
		}
		if e != nil {
			who[id] = e
		}
	}
	of.note(who, known, asked)
	return who, who[ids[0]], nil
}

// foreign makes an entry of a DN, or of the name that a memberUid has. It needn't be there to be
// removed from a group. It may have become an account or a group since it was read, whose
// memberships are another matter.
func (w *work) foreign(ctx context.Context, id access.ID, ch access.Change) (*entry, error) {
	now, err := w.become(ctx, id)
	if err != nil {
		return nil, readError(ctx, "looking for "+id.Name, err)
	}
	if !now.IsZero() {
		return nil, fmt.Errorf("%w: %s is %s", connectors.ErrConflict, id, now)
	}
	e := &entry{Entry: &goldap.Entry{DN: id.Name}, id: id, key: id.Name}
	if ch.Action != access.Revoke && !strings.HasPrefix(id.Name, uidEntry) {
		got, err := w.s.base(ctx, id.Name, attrClass)
		if isResult(err, goldap.LDAPResultNoSuchObject) || err == nil && got == nil {
			return nil, nil
		}
		if err != nil {
			return nil, readError(ctx, "looking for "+id.Name, err)
		}
	}
	return e, nil
}

// become says which account or group has the DN or the name; zero if none has.
func (w *work) become(ctx context.Context, id access.ID) (now access.ID, err error) {
	if strings.HasPrefix(id.Name, uidEntry) {
		_, name := firstRDN(id.Name, attrMemberUID)
		account := access.Account(fold(name))
		found, err := w.c.lookupNames(ctx, w.s, []access.ID{account})
		if err == nil && slices.ContainsFunc(found.found[account], func(e *entry) bool { return nameAsSpelled(e, w.c.set.accountName) == name }) {
			now = account
		}
		return now, err
	}
	look := func(base, filter string, build func(*goldap.Entry) (*entry, error)) {
		if err != nil || !below(id.Name, dnKey(base)) {
			return
		}
		_, err = w.s.search(ctx, id.Name, filter, w.c.accountAttrs(), func(e *goldap.Entry) error {
			if got, err := build(e); err == nil && got != nil && got.key == id.Name {
				now = got.id
			}
			return nil
		})
		if isResult(err, goldap.LDAPResultNoSuchObject, goldap.LDAPResultInvalidDNSyntax) {
			err = nil
		}
	}
	for _, base := range w.c.set.accountBases() {
		look(base, w.c.accountFilter(), w.c.account)
	}
	look(w.c.set.groupBase, w.c.groupFilter(), w.c.group)
	return now, err
}

// missing tells which changes can't be because something isn't there or isn't Accord's to
// change.
func (w *work) missing(changes []access.Change, who subjects, group *entry) map[int]error {
	failed := map[int]error{}
	for i, ch := range changes {
		subject := who[ch.Subject]
		switch {
		case subject != nil && w.c.reserved(w.s, subject):
			failed[i] = fmt.Errorf("%s: %w: %s belongs to the directory itself, or is Accord's own", ch, connectors.ErrUnsupported, ch.Subject)
		case ch.Action == access.Revoke:
		case subject == nil:
			failed[i] = fmt.Errorf("%s: %w: %s isn't there", ch, connectors.ErrConflict, ch.Subject)
		case group == nil:
			failed[i] = fmt.Errorf("%s: %w: %s isn't there", ch, connectors.ErrConflict, ch.Target)
		}
	}
	return failed
}

// edit works out what to send to make changes of one group's members true.
type edit struct {
	*work
	group   *entry
	slots   []slot
	who     subjects
	have    []map[string][]string // by slot: whom values name → the values; nil: not read
	settled bool                  // everything that is sent was worked out from what was read
}

// read reads the group's members.
func (ed *edit) read(ctx context.Context) error {
	attrs := append(ed.c.groupAttrs(false), ed.slots[0].attr, ed.slots[len(ed.slots)-1].attr)
	e, err := ed.s.base(ctx, ed.group.DN, attrs...)
	if isResult(err, goldap.LDAPResultNoSuchObject) {
		e, err = nil, nil
	}
	if err != nil {
		return readError(ctx, ed.doing, err)
	}
	if e == nil {
		ed.group = nil
		return nil
	}
	ed.group = &entry{Entry: e, id: ed.group.id, key: ed.group.key}
	ed.have, ed.settled = nil, true
	for _, s := range ed.slots {
		have := map[string][]string{}
		for _, v := range ed.group.all(s.attr) {
			have[s.key(v)] = append(have[s.key(v)], v)
		}
		ed.have = append(ed.have, have)
	}
	return nil
}

// key is the one form of all spellings of a value.
func (s slot) key(value string) string {
	if s.byName {
		return value
	}
	return dnKey(value)
}

// value is how a slot names a subject; "" if it can't.
func (ed *edit) value(s slot, id access.ID) string {
	e := ed.who[id]
	switch {
	case e == nil:
		return ""
	case id.Kind == kindEntry && strings.HasPrefix(id.Name, uidEntry):
		if !s.byName {
			return ""
		}
		_, v := firstRDN(id.Name, attrMemberUID)
		return v
	case !s.byName:
		return e.DN
	case id.IsAccount():
		return nameAsSpelled(e, ed.c.set.accountName)
	}
	return ""
}

// plan gives the modifications that lead from what is there to where the changes end. Without
// having read the group it takes what is to be added for missing and what is to go for there.
func (ed *edit) plan(changes []access.Change) ([]goldap.Change, map[int]error) {
	final, failed := map[access.ID]bool{}, map[int]error{}
	now := map[access.ID]string{}
	for i, ch := range changes {
		held, known := now[ch.Subject]
		if !known {
			held = ed.level(ch.Subject)
		}
		if ed.have != nil {
			if err := expects(ch, held); err != nil {
				failed[i] = err
				continue
			}
		}
		final[ch.Subject] = ch.Action != access.Revoke
		now[ch.Subject] = map[bool]string{true: permMember, false: ""}[final[ch.Subject]]
		if final[ch.Subject] && ed.value(ed.slots[0], ch.Subject) == "" {
			failed[i] = fmt.Errorf("%s: %w: %s can't be named in %s", ch, connectors.ErrUnsupported, ch.Subject, ed.slots[0].attr)
		}
	}
	if len(failed) > 0 {
		return nil, failed
	}
	var mods []goldap.Change
	for k, s := range ed.slots {
		adds, deletes := ed.values(k, s, final)
		if k == 0 && ed.emptied(k, len(adds), deletes) {
			adds = append(adds, ed.c.set.placeholders[0])
		}
		if len(adds) > 0 {
			mods = append(mods, add(s.attr, adds...))
		}
		if len(deletes) > 0 {
			mods = append(mods, remove(s.attr, deletes...))
		}
	}
	return mods, nil
}

// level is what a subject holds, as far as the group was read.
func (ed *edit) level(id access.ID) string {
	if ed.have == nil {
		return ""
	}
	in, of := 0, 0
	for k, s := range ed.slots {
		if v := ed.value(s, id); v != "" {
			of++
			if len(ed.have[k][s.key(v)]) > 0 {
				in++
			}
		}
	}
	switch in {
	case 0:
		return ""
	case of:
		return permMember
	}
	return permPartial
}

// expects refuses a change that finds neither its before nor its after.
func expects(ch access.Change, held string) error {
	conflict := func() error {
		return fmt.Errorf("%s: %w: %s holds %q on %s", ch, connectors.ErrConflict, ch.Subject, held, ch.Target)
	}
	switch ch.Action {
	case access.Give:
		if held != "" && held != ch.After.Permission {
			return conflict()
		}
	case access.Revoke:
		if held != "" && held != ch.Before.Permission {
			return conflict()
		}
	case access.ChangeLevel:
		if held != ch.Before.Permission && held != ch.After.Permission {
			return conflict()
		}
	}
	return nil
}

// values gives what a slot lacks, and what it has too much.
func (ed *edit) values(k int, s slot, final map[access.ID]bool) (adds, deletes []string) {
	for _, id := range slices.SortedFunc(maps.Keys(final), access.ID.Compare) {
		v := ed.value(s, id)
		if v == "" {
			continue
		}
		switch {
		case ed.have == nil && final[id]:
			adds = append(adds, v)
		case ed.have == nil:
			deletes = append(deletes, v)
		case final[id] && len(ed.have[k][s.key(v)]) == 0:
			adds = append(adds, v)
		case !final[id]:
			deletes = append(deletes, ed.have[k][s.key(v)]...)
		}
	}
	return adds, deletes
}

// emptied reports whether a group that must have members would lose the last.
func (ed *edit) emptied(k, adds int, deletes []string) bool {
	if ed.have == nil || adds > 0 || len(deletes) == 0 || !ed.group.needsMember() {
		return false
	}
	all := 0
	for _, values := range ed.have[k] {
		all += len(values)
	}
	return all <= len(deletes)
}
