package ldap

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// create makes a new entry. The name is looked for everywhere below the bases first: an entry
// elsewhere in the tree would become a twin. With free set that was done already, and it isn't
// taken.
func (w *work) create(ctx context.Context, ch access.Change, free bool) error {
	for try := range attempts {
		taken := &looked{}
		if try > 0 || !free {
			var err error
			if taken, err = w.c.lookupNames(ctx, w.s, []access.ID{ch.Subject}); err != nil {
				return readError(ctx, w.doing, err)
			}
		}
		if taken.any() {
			e, err := w.find(ctx, ch.Subject)
			if err != nil {
				return err
			}
			if e == nil {
				continue // gone at this moment
			}
			return w.asCreated(ctx, e, ch)
		}
		req, err := w.newEntry(ctx, ch)
		if err != nil {
			return err
		}
		err = w.write(ctx, func() error { return w.s.conn.Add(req) })
		switch {
		case isResult(err, goldap.LDAPResultEntryAlreadyExists):
			if e, err := w.find(ctx, ch.Subject); err != nil || e != nil {
				continue // somebody else made it at this moment
			}
			return w.conflict("an entry that isn't %s is called %s already: %s", article(ch.Subject.Kind), req.DN, oneLine(err.Error()))
		case isResult(err, goldap.LDAPResultNoSuchObject):
			_, parent := splitDN(req.DN)
			return fmt.Errorf("%s: there is no entry %s to make it under: %w", w.doing, parent, err)
		}
		return w.failed(ctx, "add entries below the base", nil, err)
	}
	return w.conflict("somebody else keeps making and deleting it")
}

func article(kind string) string {
	if strings.HasPrefix(kind, "a") {
		return "an " + kind
	}
	return "a " + kind
}

// asCreated checks what is there already against what was to be made. What the templates fill
// in may be there beside.
func (w *work) asCreated(ctx context.Context, e *entry, ch access.Change) error {
	disabled, err := w.disabled(ctx, e)
	if err != nil {
		return err
	}
	if disabled != ch.After.Disabled {
		return w.conflict("it is there already, and disabled is %v", disabled)
	}
	for _, a := range w.c.flavour.attrs(e.id.Kind) {
		has, want := w.c.value(e, a), ch.After.Attributes[a.name]
		if has == want || want == "" && (a.computed || w.fills(e.id.Kind, a.name)) {
			continue
		}
		return w.conflict("it is there already, and %s is %q, not %q", a.name, has, want)
	}
	return nil
}

// fills reports whether a new entry gets an attribute without its being declared.
func (w *work) fills(kind, attr string) bool {
	relative := w.c.set.groupName
	if kind == access.KindAccount {
		relative = w.c.set.accountRDN
	}
	return strings.EqualFold(attr, relative) || slices.ContainsFunc(w.c.set.templates[kind], func(t template) bool { return strings.EqualFold(t.attr, attr) })
}

func (w *work) disabled(ctx context.Context, e *entry) (bool, error) {
	if !e.id.IsAccount() {
		return false, nil
	}
	disabled, err := w.c.locks(w.s).disabled(ctx, e)
	if err != nil {
		return false, fmt.Errorf("%s: %w", w.doing, err)
	}
	return disabled, nil
}

// newEntry works out the entry to be made.
func (w *work) newEntry(ctx context.Context, ch access.Change) (*goldap.AddRequest, error) {
	values := map[string][]string{} // by attribute in lower case
	spelled := map[string]string{}
	set := func(attr string, v ...string) {
		key := strings.ToLower(attr)
		if _, ok := spelled[key]; !ok {
			spelled[key] = attr
		}
		values[key] = v
	}
	for _, key := range slices.Sorted(maps.Keys(ch.After.Attributes)) {
		if a, _ := w.c.flavour.attr(ch.Subject.Kind, key); !a.computed {
			set(key, splitValues(ch.After.Attributes[key])...)
		}
	}
	if err := w.fixed(ctx, ch, set); err != nil {
		return nil, err
	}
	for _, t := range w.c.set.templates[ch.Subject.Kind] {
		if _, declared := values[strings.ToLower(t.attr)]; declared {
			continue
		}
		if low, high, ok := t.span(); ok {
			n, err := w.c.numbers.next(ctx, w, t.attr, low, high)
			if err != nil {
				return nil, err
			}
			set(t.attr, strconv.Itoa(n))
			continue
		}
		text, ok := t.fill(func(field string) string {
			switch field {
			case "name":
				return ch.Subject.Name
			case "upn_suffix":
				return w.s.upnSuffix()
			}
			return ch.After.Attributes[field]
		})
		if ok {
			set(t.attr, text)
		}
	}
	relative, parent := w.place(ch, values)
	req := goldap.NewAddRequest(child(relative, parent), nil)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		req.Attribute(spelled[key], values[key])
	}
	return req, nil
}

// fixed sets what isn't for templates to say: the classes, the name, the lock, the placeholder.
func (w *work) fixed(ctx context.Context, ch access.Change, set func(string, ...string)) error {
	classes := map[string][]string{kindPosix: w.c.set.posixClasses, kindRole: {classRole}, kindGroup: {w.c.set.groupClass}}[ch.Subject.Kind]
	switch ch.Subject.Kind {
	case access.KindAccount:
		classes = w.c.set.accountClasses
		set(w.c.set.accountName, ch.Subject.Name)
		if err := w.fixedLock(ctx, ch, set); err != nil {
			return err
		}
	default:
		set(w.c.set.groupName, ch.Subject.Name)
	}
	set(attrClass, classes...)
	switch {
	case ch.Subject.Kind != kindGroup:
	case w.c.flavour.ad:
		set(attrType, groupTypeOf(ch.After.Attributes[attrScope], ch.After.Attributes[attrSort]))
	case w.c.set.groupClass == "groupOfNames":
		set(attrMember, w.c.set.placeholders[0])
	case w.c.set.groupClass == "groupOfUniqueNames":
		set(attrUnique, w.c.set.placeholders[0])
	}
	return nil
}

// fixedLock sets whether a new account can be used.
func (w *work) fixedLock(ctx context.Context, ch access.Change, set func(string, ...string)) error {
	switch {
	case w.c.flavour.ad:
		return w.password(ch, set)
	case w.c.set.disableBy == byAttribute && ch.After.Disabled:
		set(w.c.set.off.attr, w.c.set.off.value)
	case w.c.set.disableBy == byAttribute && w.c.set.on.value != "":
		set(w.c.set.on.attr, w.c.set.on.value)
	case w.c.set.disableBy == byPolicy && ch.After.Disabled:
		if why, err := w.c.locks(w.s).unenforced(ctx, ""); err != nil || why != "" {
			return w.cannotLock(why, err)
		}
		set(attrLocked, lockedForEver)
	}
	return nil
}

func (w *work) cannotLock(why string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", w.doing, err)
	}
	return fmt.Errorf("%s: %w: %s", w.doing, connectors.ErrUnsupported, why)
}

// password gives a new account of a domain a password that nobody knows, since an account that
// is enabled must have one there. It is kept nowhere; how somebody gets a first credential is
// not the connector's business.
func (w *work) password(ch access.Change, set func(string, ...string)) error {
	if ch.After.Disabled {
		set(attrUAC, strconv.Itoa(uacNormal|uacDisabled))
		return nil
	}
	if !w.s.encrypted {
		return fmt.Errorf("%s: %w: a new account needs a password, and a domain takes that over an encrypted connection only (ldaps://, or start_tls)", w.doing, connectors.ErrUnsupported)
	}
	random := rand.Text() + "-a1" + rand.Text()
	set(attrUAC, strconv.Itoa(uacNormal))
	set("unicodePwd", quotedUTF16(random))
	return nil
}

// quotedUTF16 writes a password as unicodePwd wants it ([MS-ADTS] 3.1.1.3.1.5).
func quotedUTF16(password string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(`"` + password + `"`)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

// place says where a new entry is made.
func (w *work) place(ch access.Change, values map[string][]string) (relative, parent string) {
	if !ch.Subject.IsAccount() {
		attr := w.c.set.groupName
		if w.c.flavour.ad {
			attr = "cn"
		}
		return rdn(attr, ch.Subject.Name), w.c.set.groupBase
	}
	value := ch.Subject.Name
	if v := values[strings.ToLower(w.c.set.accountRDN)]; len(v) > 0 {
		value = v[0]
	}
	if ch.After.Disabled && w.c.set.disabledBase != "" {
		return rdn(w.c.set.accountRDN, value), w.c.set.disabledBase
	}
	return rdn(w.c.set.accountRDN, value), w.c.set.accountBase
}
