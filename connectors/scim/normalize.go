package scim

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/access"
)

// maxName is the longest name that is taken, in bytes: filters carry names in URLs.
const maxName = 1024

// Normalize folds userNames, checks names and texts, drops empty attributes, and refuses what
// the profile's service doesn't have.
func (c *connector) Normalize(o access.Object) (access.Object, error) {
	fail := func(format string, args ...any) (access.Object, error) {
		return access.Object{}, fmt.Errorf("normalizing %s %q: %w", o.ID.Kind, o.ID.Name, fmt.Errorf(format, args...))
	}
	if _, ok := describe().Kind(o.ID.Kind); !ok {
		return fail("there is no kind %q", o.ID.Kind)
	}
	if o.ID.Kind == kindGroup && c.prof.noGroups {
		return fail("the service has no groups (profile %s)", c.prof.name)
	}
	if o.ID.IsAccount() {
		o.ID.Name = fold(o.ID.Name)
	}
	if err := checkNameOf(o.ID); err != nil {
		return fail("%w", err)
	}
	if o.Disabled && !o.ID.IsAccount() {
		return fail("only accounts can be disabled")
	}
	var attrs map[string]string
	for name, v := range o.Attributes {
		if _, ok := attributeOf(o.ID.Kind, name); !ok {
			return fail("there is no attribute %q", name)
		}
		if !utf8.ValidString(v) {
			return fail("%s isn't valid UTF-8", name)
		}
		if v == "" {
			continue // empty and absent are the same
		}
		if attrs == nil {
			attrs = map[string]string{}
		}
		attrs[name] = v
	}
	o.Attributes = attrs
	return o, nil
}

// checkNameOf checks a declared name. Roles and entitlements are whatever the service calls so.
func checkNameOf(id access.ID) error {
	if id.Kind == kindRole || id.Kind == kindEntitlement {
		if id.Name == "" || len(id.Name) > maxName || !utf8.ValidString(id.Name) {
			return fmt.Errorf("a value has at least one and at most %d bytes, in UTF-8", maxName)
		}
		return nil
	}
	return checkName(id.Name)
}

func checkName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a name can't be empty")
	case len(name) > maxName:
		return fmt.Errorf("a name has at most %d bytes, not %d", maxName, len(name))
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("a name neither begins nor ends with a space")
	case !utf8.ValidString(name):
		return fmt.Errorf("a name is valid UTF-8")
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("a name has no control characters")
	}
	return nil
}

// byID names what has no name of its own, or not alone: two groups may be called the same.
func byID(name, id string) string { return strings.TrimSpace(name + " (id:" + id + ")") }

// cutID takes such a name apart.
func cutID(s string) (name, id string, ok bool) {
	i := strings.LastIndex(s, "(id:")
	if i < 0 || !strings.HasSuffix(s, ")") {
		return s, "", false
	}
	return strings.TrimSuffix(s[:i], " "), s[i+len("(id:") : len(s)-1], true
}
