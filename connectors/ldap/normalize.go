package ldap

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/access"
)

// Normalize checks names and writes attributes as Read returns them. Names are folded, since
// directories compare them without regard to case and spaces.
func (c *connector) Normalize(o access.Object) (access.Object, error) {
	n, err := c.normalize(o)
	if err != nil {
		return access.Object{}, fmt.Errorf("%s: %w", access.Ref{System: c.system, ID: o.ID}, err)
	}
	return n, nil
}

func (c *connector) normalize(o access.Object) (access.Object, error) {
	id, err := c.normalID(o.ID)
	if err != nil {
		return o, err
	}
	o.ID = id
	if id.IsAccount() && c.posix() && strings.IndexFunc(id.Name, func(r rune) bool { return r > '~' }) >= 0 {
		return o, errors.New("the name holds a character beyond ASCII, which posixAccount has no place for")
	}
	if o.Disabled && !id.IsAccount() {
		return o, errors.New("only accounts can be disabled")
	}
	var kept map[string]string
	for _, key := range slices.Sorted(maps.Keys(o.Attributes)) {
		a, ok := c.flavour.attr(id.Kind, key)
		if !ok {
			return o, fmt.Errorf("%ss have no attribute %q", id.Kind, key)
		}
		value, err := a.normal(o.Attributes[key])
		if err != nil {
			return o, fmt.Errorf("%s: %w", key, err)
		}
		if value == "" {
			continue
		}
		if c.hidden(a.name) {
			return o, fmt.Errorf("%s: the settings of this system use it for something else", key)
		}
		if kept == nil {
			kept = make(map[string]string, len(o.Attributes))
		}
		kept[key] = value
	}
	o.Attributes = kept
	return o, nil
}

// normalID gives the one spelling of a name.
func (c *connector) normalID(id access.ID) (access.ID, error) {
	if id.Kind == kindEntry {
		if strings.IndexFunc(id.Name, invisible) >= 0 {
			return id, errors.New("the DN holds an invisible character")
		}
		key, err := canonicalDN(id.Name)
		if err == nil && key == "" {
			err = errors.New("the DN is empty")
		}
		id.Name = key
		return id, err
	}
	if id.Kind != access.KindAccount && !slices.Contains(c.flavour.kinds, id.Kind) {
		return id, fmt.Errorf("no kind %q", id.Kind)
	}
	if err := checkName(id.Name); err != nil {
		return id, err
	}
	if c.flavour.ad {
		if err := checkSAM(id); err != nil {
			return id, err
		}
	}
	id.Name = fold(id.Name)
	return id, nil
}

// posix reports whether new accounts are users of Unix systems too.
func (c *connector) posix() bool {
	return slices.ContainsFunc(c.set.accountClasses, func(class string) bool { return strings.EqualFold(class, "posixAccount") })
}

// hidden tells the attributes that carry the name or the lock, and so can't be declared.
func (c *connector) hidden(attr string) bool {
	return strings.EqualFold(attr, c.set.accountName) || strings.EqualFold(attr, c.set.off.attr)
}

// normal gives a value's one form. Several values stand on lines of their own, in any order;
// no value is the same as no attribute.
func (a attribute) normal(text string) (string, error) {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", errors.New("it isn't valid UTF-8 without NUL")
	}
	values := splitValues(text)
	if len(values) > 1 && a.single {
		return "", fmt.Errorf("it has one value at most, not %d", len(values))
	}
	for i, v := range values {
		if strings.HasSuffix(a.name, "Number") && a.single && (a.name == "uidNumber" || a.name == "gidNumber") {
			n, err := strconv.ParseUint(v, 10, 32)
			if err != nil {
				return "", fmt.Errorf("%q is no number of a user or group", v)
			}
			values[i] = strconv.FormatUint(n, 10)
		}
		if a.values != nil {
			k := slices.IndexFunc(a.values, func(w string) bool { return strings.EqualFold(v, w) })
			if k < 0 {
				return "", fmt.Errorf("it is one of %s", strings.Join(a.values, ", "))
			}
			values[i] = a.values[k]
		}
	}
	return joinValues(values, a.single), nil
}

// splitValues cuts a declared text into values.
func splitValues(text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// joinValues writes values as they are declared and read: a line each, sorted, each once. What
// can't stand in a declaration is replaced, so that what was read can be declared; a write names
// the values as the server has them.
func joinValues(values []string, single bool) string {
	if len(values) == 0 {
		return ""
	}
	var out []string
	for _, v := range values {
		if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			v = strings.ReplaceAll(strings.ToValidUTF8(v, "\ufffd"), "\x00", "\ufffd")
		}
		out = append(out, splitValues(v)...)
	}
	if single {
		return strings.Join(out, " ")
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "\n")
}
