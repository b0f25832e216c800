package file

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// The settings.
const (
	SettingPath   = "path"
	SettingCreate = "create"
)

// MaxName is the longest name, in bytes.
const MaxName = 255

// Type is the connector for connectors/all.
func Type() connectors.Type {
	return connectors.Type{Name: "file", Describe: Describe, Open: open}
}

// Describe says what a file can hold.
func Describe() access.Description {
	actions := []access.Action{access.Create, access.Update, access.Rename, access.Delete}
	description := []access.Attribute{{Name: "description", Doc: "What it is for"}}
	accounts := []string{access.KindAccount, "group", "role"}
	return access.Description{
		Connector: "file",
		Summary:   "A system kept in one readable file of the repository",
		Settings: []access.Setting{
			{Name: SettingPath, Doc: "The file, as in reception.state.yaml", Type: access.SettingPath, Required: true},
			{Name: SettingCreate, Doc: "Take a missing file for an empty system, and create it with the first change", Type: access.SettingBool, Default: "false"},
		},
		Parallel: 1,
		Batch:    access.BatchAll,
		Kinds: []access.Kind{
			{
				Name: access.KindAccount, Doc: "Somebody", Verbatim: true, Actions: append(slices.Clone(actions), access.Disable, access.Enable),
				Attributes: []access.Attribute{
					{Name: "name", Doc: "Full name"}, {Name: "email", Doc: "Address"}, {Name: "comment", Doc: "Remark"},
				},
			},
			{
				Name: "group", Doc: "A set of accounts and groups", Actions: actions, Attributes: description,
				Permissions: []access.Permission{{Name: "member"}, {Name: "owner", Admin: true}},
				Ordered:     true, Usual: "member", Subjects: []string{access.KindAccount, "group"},
			},
			{
				Name: "role", Doc: "A bundle of rights", Actions: actions, Attributes: description,
				Permissions: []access.Permission{{Name: "member"}}, Usual: "member", Subjects: accounts,
			},
			{
				Name: "folder", Doc: "Something with levels of access", Actions: actions, Attributes: description,
				Permissions: []access.Permission{{Name: "read"}, {Name: "write"}, {Name: "admin", Admin: true}},
				Ordered:     true, Usual: "read", Subjects: accounts,
			},
			{
				Name: "app", Doc: "Something whose rights are independent of each other", Actions: actions, Attributes: description,
				Permissions: []access.Permission{{Name: "use"}, {Name: "audit"}, {Name: "admin", Admin: true}},
				Usual:       "use", Subjects: accounts,
			},
		},
	}
}

// normalize checks what the file can hold and drops empty attributes.
func normalize(d access.Description, o access.Object) (access.Object, error) {
	i := 0
	for i < len(d.Kinds) && d.Kinds[i].Name != o.ID.Kind { // a kind is large: none is copied
		i++
	}
	if i == len(d.Kinds) {
		return access.Object{}, fmt.Errorf("normalizing %s: no kind %q", o.ID, o.ID.Kind)
	}
	k := &d.Kinds[i]
	if err := checkText(o.ID.Name); err != nil {
		return access.Object{}, fmt.Errorf("normalizing %s %q: %w", k.Name, o.ID.Name, err)
	}
	if o.Disabled && !o.ID.IsAccount() {
		return access.Object{}, fmt.Errorf("normalizing %s: only accounts can be disabled", o.ID)
	}
	var attrs map[string]string
	for key, v := range o.Attributes {
		if !hasAttribute(*k, key) {
			return access.Object{}, fmt.Errorf("normalizing %s: no attribute %q", o.ID, key)
		}
		if !utf8.ValidString(v) {
			return access.Object{}, fmt.Errorf("normalizing %s: %s is not valid UTF-8", o.ID, key)
		}
		if v == "" {
			continue
		}
		if attrs == nil {
			attrs = make(map[string]string, len(o.Attributes))
		}
		attrs[key] = v
	}
	o.Attributes = attrs
	return o, nil
}

func hasAttribute(k access.Kind, name string) bool {
	return slices.ContainsFunc(k.Attributes, func(a access.Attribute) bool { return a.Name == name })
}

// checkText checks a name.
func checkText(name string) error {
	if len(name) <= MaxName && visible(name) {
		return nil
	}
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

// visible reports whether a text is one of ASCII's visible characters alone, as most names are.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}

// check refuses a change that no file could hold afterwards.
func check(d access.Description, c access.Change) error {
	if err := c.Check(); err != nil {
		return err
	}
	kind, _ := d.Kind(c.Ref().ID.Kind)
	if _, ok := d.Kind(c.Subject.Kind); !ok || !d.Can(kind.Name, c.Action) {
		return fmt.Errorf("%s: %w", c, connectors.ErrUnsupported)
	}
	names := []string{c.Subject.Name}
	if c.Action == access.Rename {
		names = append(names, c.After.Name)
	}
	for _, name := range names {
		if err := checkText(name); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	if c.Action.OnGrant() && !kind.Holds(c.Subject.Kind) {
		return fmt.Errorf("%s: a %s can't hold a %s: %w", c, c.Subject.Kind, kind.Name, connectors.ErrUnsupported)
	}
	for _, v := range []*access.Value{c.Before, c.After} {
		if v == nil {
			continue
		}
		if c.Action.OnGrant() && kind.Level(v.Permission) < 0 {
			return fmt.Errorf("%s: no permission %q: %w", c, v.Permission, connectors.ErrUnsupported)
		}
		for key, text := range v.Attributes {
			if !hasAttribute(kind, key) {
				return fmt.Errorf("%s: no attribute %q: %w", c, key, connectors.ErrUnsupported)
			}
			if !utf8.ValidString(text) {
				return fmt.Errorf("%s: %s is not valid UTF-8", c, key)
			}
		}
	}
	return nil
}
