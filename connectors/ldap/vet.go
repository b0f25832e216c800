package ldap

import (
	"fmt"
	"slices"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// vet refuses, without looking at the server, what Describe excludes and names that aren't
// normal.
func (c *connector) vet(ch access.Change) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%s: %w: %s", ch, connectors.ErrUnsupported, fmt.Sprintf(format, args...))
	}
	kind, known := c.desc.Kind(ch.Ref().ID.Kind)
	if !known || !c.desc.Can(kind.Name, ch.Action) {
		return refuse("%q can't be done to %q", ch.Action, ch.Ref().ID.Kind)
	}
	if err := ch.Check(); err != nil {
		return refuse("%v", err)
	}
	names := []access.ID{ch.Subject}
	switch {
	case ch.Action.OnGrant():
		names = append(names, ch.Target)
		if !kind.Holds(ch.Subject.Kind) {
			return refuse("%q can't hold anything on %q", ch.Subject.Kind, kind.Name)
		}
	case ch.Action == access.Rename:
		names = append(names, access.ID{Kind: ch.Subject.Kind, Name: ch.After.Name})
	}
	for _, id := range names {
		if n, err := c.normalID(id); err != nil || n != id {
			return refuse("the name %q isn't normal: %v", id, err)
		}
	}
	switch ch.Action {
	case access.Give, access.ChangeLevel:
		if p, ok := kind.Permission(ch.After.Permission); !ok || p.ReadOnly {
			return refuse("%q can't be granted", ch.After.Permission)
		}
	case access.Create, access.Update:
		if _, err := c.normalize(access.Object{ID: ch.Subject, Attributes: ch.After.Attributes, Disabled: ch.After.Disabled}); err != nil {
			return refuse("%v", err)
		}
	}
	if slices.Contains([]access.Action{access.Revoke, access.ChangeLevel}, ch.Action) && kind.Level(ch.Before.Permission) < 0 {
		return refuse("no permission %q", ch.Before.Permission)
	}
	return nil
}
