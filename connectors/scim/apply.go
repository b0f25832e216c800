package scim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/rest"
	"github.com/accordhq/accord/engine/access"
)

// Apply makes one change true.
func (c *connector) Apply(ctx context.Context, ch access.Change) error {
	if ch.Action.OnGrant() {
		return c.grants(ctx, []access.Change{ch})
	}
	ch, err := c.prepare(ch)
	if err != nil {
		return err
	}
	if err := c.object(ctx, ch); err != nil {
		if errors.Is(err, connectors.ErrOutcomeUnknown) {
			c.dir.forget(ch.Subject.Kind)
		}
		return fmt.Errorf("%s: %w", ch, err)
	}
	return nil
}

// ApplyBatch makes all changes true, or none: grants on one target.
func (c *connector) ApplyBatch(ctx context.Context, changes []access.Change) error {
	if len(changes) == 0 {
		return ctx.Err()
	}
	for _, ch := range changes {
		if len(changes) > 1 && (!ch.Action.OnGrant() || ch.Target != changes[0].Target) {
			return fmt.Errorf("%s: not a grant on %s, which the batch began with: %w", ch, changes[0].Target, connectors.ErrUnsupported)
		}
	}
	if len(changes) == 1 {
		return c.Apply(ctx, changes[0])
	}
	return c.grants(ctx, changes)
}

// prepare refuses what the description excludes, and brings names into their form.
func (c *connector) prepare(ch access.Change) (access.Change, error) {
	if err := supported(ch); err != nil {
		return ch, err
	}
	if c.cfg.ReadOnly {
		return ch, fmt.Errorf("%s: opened for reading only: %w", ch, connectors.ErrDenied)
	}
	normal := func(id access.ID) (access.ID, error) {
		o, err := c.Normalize(access.Object{ID: id})
		if err != nil {
			return id, fmt.Errorf("%s: %w: %w", ch, connectors.ErrUnsupported, err)
		}
		if nameless(o.ID.Name) {
			return id, fmt.Errorf("%s: %s has no name of its own: %w", ch, id, connectors.ErrUnsupported)
		}
		return o.ID, nil
	}
	var err error
	if ch.Subject, err = normal(ch.Subject); err != nil {
		return ch, err
	}
	if ch.Action.OnGrant() {
		ch.Target, err = normal(ch.Target)
	} else if ch.Action == access.Rename {
		var to access.ID
		to, err = normal(access.ID{Kind: ch.Subject.Kind, Name: ch.After.Name})
		ch.After = &access.Value{Name: to.Name}
	}
	return ch, err
}

// supported refuses what no change of this system can be. The engine never sends such a one.
func supported(ch access.Change) error {
	d := describe()
	if err := ch.Check(); err != nil {
		return fmt.Errorf("%s: %w: %w", ch, connectors.ErrUnsupported, err)
	}
	kind, ok := d.Kind(ch.Ref().ID.Kind)
	if _, known := d.Kind(ch.Subject.Kind); !ok || !known || !d.Can(kind.Name, ch.Action) {
		return fmt.Errorf("%s: %w", ch, connectors.ErrUnsupported)
	}
	for _, v := range []*access.Value{ch.Before, ch.After} {
		if v == nil {
			continue
		}
		if ch.Action.OnGrant() {
			if _, ok := kind.Permission(v.Permission); !ok || !kind.Holds(ch.Subject.Kind) {
				return fmt.Errorf("%s: %w", ch, connectors.ErrUnsupported)
			}
			continue
		}
		for name, text := range v.Attributes {
			if _, ok := attributeOf(kind.Name, name); !ok || !utf8.ValidString(text) {
				return fmt.Errorf("%s: attribute %q: %w", ch, name, connectors.ErrUnsupported)
			}
		}
	}
	return nil
}

// object carries out a change of a user or a group.
func (c *connector) object(ctx context.Context, ch access.Change) error {
	s, err := c.ready(ctx)
	if err != nil {
		return err
	}
	if err := c.possible(s, ch); err != nil {
		return err
	}
	unlock, err := c.locks.lock(ctx, ch.Subject.Kind, ch.Subject.Name)
	if err != nil {
		return err
	}
	defer unlock()
	if ch.Action == access.Create {
		return c.create(ctx, s, ch)
	}
	look := c.find
	if ch.Action == access.Delete {
		look = c.gone
	}
	r, there, err := look(ctx, s, ch.Subject)
	if err != nil {
		return err
	}
	switch ch.Action {
	case access.Rename:
		return c.rename(ctx, s, ch, r, there)
	case access.Delete:
		return c.delete(ctx, s, ch, r, there)
	}
	if !there {
		return notThere(ch.Subject)
	}
	if ch.Action == access.Update {
		return c.update(ctx, s, ch, r)
	}
	active, err := r.active()
	if err != nil || active == (ch.Action == access.Enable) {
		return err
	}
	return c.alter(ctx, s, ch.Subject.Kind, r, c.setActive(!active))
}

// possible refuses what the profile says that the service can't do.
func (c *connector) possible(s *service, ch access.Change) error {
	not := func(why string) error {
		return fmt.Errorf("%w (profile %s): %s", connectors.ErrUnsupported, c.prof.name, why)
	}
	if ch.Subject.Kind == kindGroup && s.groups == "" {
		return errNoGroups
	}
	if !ch.Subject.IsAccount() {
		return nil
	}
	switch {
	case ch.Action == access.Create && c.prof.noCreate:
		return not("users can't be made by way of SCIM; set accounts.create: false")
	case ch.Action == access.Rename && c.prof.noRename:
		return not("a userName can't be changed")
	case ch.Action == access.Delete && c.prof.deleteDisables:
		return not("users are never deleted, only deactivated; set accounts.leaver: disable")
	case ch.Action == access.Disable && c.prof.disableDeletes:
		return not("deactivating a user would delete it; set accounts.leaver: delete")
	case ch.Action == access.Update && c.prof.changes != nil:
		for _, name := range slices.Sorted(maps.Keys(ch.After.Attributes)) {
			if !slices.Contains(c.prof.changes, name) {
				return not(name + " can't be changed")
			}
		}
	}
	return nil
}

// create makes a user or a group. userNames are unique, so that a second one is refused; the
// displayNames of groups needn't be, so it is looked for first.
func (c *connector) create(ctx context.Context, s *service, ch access.Change) error {
	kind, name := ch.Subject.Kind, ch.Subject.Name
	body, err := c.fill(kind, name, ch.After)
	if err != nil {
		return err
	}
	ids, known := c.dir.lookup(kind, name, c.now())
	if kind == kindGroup || !known || len(ids) > 0 {
		r, there, err := c.find(ctx, s, ch.Subject)
		if err != nil {
			return err
		}
		if there {
			return sameAsWanted(kind, r, ch.After)
		}
	}
	res, err := c.client.Do(ctx, rest.Request{Method: http.MethodPost, Path: s.endpoint(kind), Body: body, Lack: "the right to write " + s.endpoint(kind)})
	if errors.Is(err, connectors.ErrConflict) {
		r, there, findErr := c.find(ctx, s, ch.Subject)
		if findErr != nil || !there {
			return err
		}
		return sameAsWanted(kind, r, ch.After)
	}
	if err != nil {
		return err
	}
	var made resource
	if err := res.JSON(&made); err != nil {
		return err
	}
	if got := made.name(kind); got == name && made.id() != "" {
		c.dir.set(kind, name, made.id())
	}
	return nil
}

// sameAsWanted accepts what is there already if it is what was to be made. What the service
// filled in by itself doesn't count.
func sameAsWanted(kind string, r resource, want *access.Value) error {
	o, err := r.object(kind)
	if err != nil {
		return err
	}
	if o.Disabled != want.Disabled {
		return fmt.Errorf("%w: it is there already, and disabled is %v", connectors.ErrConflict, o.Disabled)
	}
	for _, name := range slices.Sorted(maps.Keys(want.Attributes)) {
		if o.Attributes[name] != want.Attributes[name] {
			return fmt.Errorf("%w: it is there already, and %s is %q", connectors.ErrConflict, name, o.Attributes[name])
		}
	}
	return nil
}

func (c *connector) update(ctx context.Context, s *service, ch access.Change, r resource) error {
	var edits []edit
	for _, name := range slices.Sorted(maps.Keys(ch.After.Attributes)) {
		a, _ := attributeOf(ch.Subject.Kind, name)
		is, want := r.attribute(a), ch.After.Attributes[name]
		switch {
		case is == want:
		case is != ch.Before.Attributes[name]:
			return fmt.Errorf("%w: %s is %q", connectors.ErrConflict, name, is)
		case name == attrEmail:
			edits = append(edits, c.setEmail(r, want))
		default:
			edits = append(edits, set(a, want))
		}
	}
	return c.alter(ctx, s, ch.Subject.Kind, r, edits...)
}

func (c *connector) rename(ctx context.Context, s *service, ch access.Change, r resource, there bool) error {
	kind := ch.Subject.Kind
	to := access.ID{Kind: kind, Name: ch.After.Name}
	_, taken, err := c.find(ctx, s, to)
	switch {
	case err != nil:
		return err
	case !there && taken:
		return nil
	case !there:
		return notThere(ch.Subject)
	case taken:
		return fmt.Errorf("%w: %s is there already", connectors.ErrConflict, to)
	}
	path := "displayName"
	if kind == access.KindAccount {
		path = "userName"
	}
	if err := c.alter(ctx, s, kind, r, set(attribute{path: []string{path}}, to.Name)); err != nil {
		return err
	}
	c.dir.set(kind, ch.Subject.Name)
	c.dir.set(kind, to.Name, r.id())
	return nil
}

func (c *connector) delete(ctx context.Context, s *service, ch access.Change, r resource, there bool) error {
	if !there {
		return nil
	}
	if ch.Subject.IsAccount() && ch.Before != nil {
		active, err := r.active()
		if err != nil {
			return err
		}
		if active == ch.Before.Disabled {
			return fmt.Errorf("%w: disabled is %v", connectors.ErrConflict, !active)
		}
	}
	req := rest.Request{
		Method: http.MethodDelete, Path: s.endpoint(ch.Subject.Kind) + "/" + rest.Path(r.id()), Repeat: true,
		Lack: "the right to write " + s.endpoint(ch.Subject.Kind),
	}
	if v := r.version(); s.etag && v != "" {
		req.Header = http.Header{"If-Match": {v}}
	}
	if _, err := c.client.Do(ctx, req); err != nil && !rest.NotFound(err) {
		return err
	}
	c.dir.set(ch.Subject.Kind, ch.Subject.Name)
	return nil
}
