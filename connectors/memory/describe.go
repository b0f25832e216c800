package memory

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// MaxName is the longest name the system holds, in bytes.
const MaxName = 255

// SettingToken is the one setting: a reference to the credential that Token asks for.
const SettingToken = "token"

// Describe gives the description of a system to which no option was given: something of
// everything, so that each path of the engine can be walked without a network.
func Describe() access.Description {
	all := []access.Action{access.Create, access.Update, access.Rename, access.Delete}
	description := []access.Attribute{{Name: "description", Doc: "What it is for"}}
	return access.Description{
		Connector: "memory",
		Summary:   "A system in a map: the reference for connectors, and the far side of tests",
		Parallel:  4,
		Settings: []access.Setting{
			{Name: SettingToken, Doc: "Credential, if the system asks for one", Type: access.SettingSecret},
		},
		Kinds: []access.Kind{
			{
				Name:     access.KindAccount,
				Doc:      "Somebody who can log in",
				Verbatim: true,
				Actions:  append(slices.Clone(all), access.Disable, access.Enable),
				Attributes: []access.Attribute{
					{Name: "name", Doc: "Full name"}, {Name: "email", Doc: "Address"}, {Name: "comment", Doc: "Remark"},
				},
			},
			{
				Name: "group", Doc: "A set of accounts and groups", Actions: all, Attributes: description,
				Permissions: []access.Permission{{Name: "member"}, {Name: "owner", Admin: true}},
				Ordered:     true, Usual: "member", Subjects: []string{access.KindAccount, "group"},
			},
			{
				Name: "role", Doc: "A bundle of rights", Actions: all, Attributes: description,
				Permissions: []access.Permission{{Name: "member"}},
				Usual:       "member", Subjects: []string{access.KindAccount, "group", "role"},
			},
			{
				Name: "folder", Doc: "A place with levels of access", Actions: all, Attributes: description,
				Permissions: []access.Permission{{Name: "read"}, {Name: "write"}, {Name: "admin", Admin: true}},
				Ordered:     true, Usual: "read", Subjects: []string{access.KindAccount, "group", "role"},
			},
			{
				Name: "app", Doc: "A program whose rights are independent of each other", Actions: all, Attributes: description,
				Permissions: []access.Permission{{Name: "use"}, {Name: "audit"}, {Name: "admin", Admin: true}},
				Usual:       "use", Subjects: []string{access.KindAccount, "group", "role"},
			},
		},
	}
}

// normalize brings an object into the form in which the system keeps it.
func normalize(d access.Description, caseBlind bool, o access.Object) (access.Object, error) {
	k, ok := d.Kind(o.ID.Kind)
	if !ok {
		return access.Object{}, fmt.Errorf("normalizing %s: no kind %q", o.ID, o.ID.Kind)
	}
	if err := checkName(o.ID.Name); err != nil {
		return access.Object{}, fmt.Errorf("normalizing %s %q: %w", o.ID.Kind, o.ID.Name, err)
	}
	if o.Disabled && !o.ID.IsAccount() {
		return access.Object{}, fmt.Errorf("normalizing %s: only accounts can be disabled", o.ID)
	}
	if caseBlind {
		o.ID.Name = strings.ToLower(o.ID.Name)
	}
	var attrs map[string]string
	for key, v := range o.Attributes {
		if !slices.ContainsFunc(k.Attributes, func(a access.Attribute) bool { return a.Name == key }) {
			return access.Object{}, fmt.Errorf("normalizing %s: no attribute %q", o.ID, key)
		}
		if !utf8.ValidString(v) {
			return access.Object{}, fmt.Errorf("normalizing %s: %s is not valid UTF-8", o.ID, key)
		}
		if v == "" {
			continue // empty and absent are the same
		}
		if attrs == nil {
			attrs = map[string]string{}
		}
		attrs[key] = v
	}
	o.Attributes = attrs
	return o, nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a name can't be empty")
	case len(name) > MaxName:
		return fmt.Errorf("a name has at most %d bytes, not %d", MaxName, len(name))
	case !utf8.ValidString(name):
		return fmt.Errorf("a name is valid UTF-8")
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("a name has no control characters")
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("a name neither begins nor ends with a space")
	}
	return nil
}

// check refuses what the description excludes and what no change can mean. The engine never
// sends such a change; a connector that trusted it would have to be trusted itself.
func check(d access.Description, c access.Change) error {
	if err := c.Check(); err != nil {
		return err
	}
	if _, ok := d.Kind(c.Subject.Kind); !ok || !d.Can(c.Ref().ID.Kind, c.Action) {
		return fmt.Errorf("%s: %w", c, connectors.ErrUnsupported)
	}
	kind, _ := d.Kind(c.Ref().ID.Kind)
	if c.Action.OnGrant() {
		if !kind.Holds(c.Subject.Kind) {
			return fmt.Errorf("%s: a %s can't hold a %s: %w", c, c.Subject.Kind, kind.Name, connectors.ErrUnsupported)
		}
		for _, v := range []*access.Value{c.Before, c.After} {
			if v == nil {
				continue
			}
			if p, ok := kind.Permission(v.Permission); !ok || p.ReadOnly && v == c.After {
				return fmt.Errorf("%s: permission %q: %w", c, v.Permission, connectors.ErrUnsupported)
			}
		}
		return nil
	}
	if c.After == nil {
		return nil
	}
	for key := range c.After.Attributes {
		if !slices.ContainsFunc(kind.Attributes, func(a access.Attribute) bool { return a.Name == key }) {
			return fmt.Errorf("%s: attribute %q: %w", c, key, connectors.ErrUnsupported)
		}
	}
	return nil
}
