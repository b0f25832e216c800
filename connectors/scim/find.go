package scim

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/rest"
	"github.com/accordhq/accord/engine/access"
)

// fresh is for how long names that were listed are trusted for finding ids. A resource keeps
// its id through renames; what is written is checked on the resource itself first, save for the
// members of groups: they are given to whom the plan's own reading showed under that name.
const fresh = 2 * time.Minute

// directory remembers which ids stand behind the names of the last listing. Reading never
// answers from it.
type directory struct {
	mu    sync.Mutex
	kinds map[string]*names
}

type names struct {
	at  time.Time
	ids map[string][]string
}

// learn takes the names of a whole listing.
func (d *directory) learn(kind string, ids map[string][]string, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kinds == nil {
		d.kinds = map[string]*names{}
	}
	d.kinds[kind] = &names{at, ids}
}

// lookup gives the ids of a name; known is false if the last listing is too old to tell.
func (d *directory) lookup(kind, name string, now time.Time) (ids []string, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.kinds[kind]
	if n == nil || now.Sub(n.at) > fresh {
		return nil, false
	}
	return slices.Clone(n.ids[name]), true
}

// set notes what a write of ours has made of a name.
func (d *directory) set(kind, name string, ids ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := d.kinds[kind]; n != nil {
		if len(ids) == 0 {
			delete(n.ids, name)
		} else {
			n.ids[name] = ids
		}
	}
}

// forget drops what is known of a kind: a write may have changed it, or not.
func (d *directory) forget(kind string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.kinds, kind)
}

// find gets the resource of that name as it is now; false if it isn't there. It is asked for by
// a filter. What a filter doesn't find may be there all the same (services differ in case and
// in what they escape), so it is looked for among all names as well, unless these were
// listed a moment ago.
func (c *connector) find(ctx context.Context, s *service, id access.ID) (resource, bool, error) {
	found, asked, err := c.byFilter(ctx, s, id)
	if err != nil {
		return nil, false, err
	}
	if len(found) == 0 {
		if found, err = c.byList(ctx, s, id, asked); err != nil {
			return nil, false, err
		}
	}
	if len(found) == 0 && id.Kind == kindGroup {
		return c.findByID(ctx, s, id)
	}
	switch len(found) {
	case 0:
		return nil, false, nil
	case 1:
		return found[0], true, nil
	}
	return nil, false, fmt.Errorf("%d of the kind %s are called %q, as %s and %s: %w",
		len(found), id.Kind, id.Name, found[0].id(), found[1].id(), connectors.ErrConflict)
}

// gone is find for changes that have nothing to do where something isn't there: that is only
// believed of a listing of this very moment.
func (c *connector) gone(ctx context.Context, s *service, id access.ID) (resource, bool, error) {
	r, there, err := c.find(ctx, s, id)
	if err != nil || there {
		return r, there, err
	}
	if err := c.listNames(ctx, s, id.Kind); err != nil {
		return nil, false, err
	}
	return c.find(ctx, s, id)
}

// findByID finds a group whose name says its id, because others are called the same.
func (c *connector) findByID(ctx context.Context, s *service, id access.ID) (resource, bool, error) {
	name, native, ok := cutID(id.Name)
	if !ok || native == "" {
		return nil, false, nil
	}
	r, ok, err := c.fetch(ctx, s, id.Kind, native)
	if err != nil || !ok || r.name(id.Kind) != name {
		return nil, false, err
	}
	return r, true, nil
}

// byFilter asks for a name. A service that passes over the filter answers with others as well;
// asked is false if it doesn't take the filter.
func (c *connector) byFilter(ctx context.Context, s *service, id access.ID) (found []resource, asked bool, err error) {
	if !s.filter || !plain(id.Name) {
		return nil, false, nil
	}
	attribute := "userName"
	if id.Kind == kindGroup {
		attribute = "displayName"
	}
	q := rest.WithQuery(s.query(id.Kind), "filter", equals(attribute, id.Name))
	if s.cursor && !s.implied {
		q.Set("cursor", "")
	}
	p, _, err := c.page(ctx, s, s.endpoint(id.Kind), q)
	if st := rest.Status(err); st == http.StatusBadRequest || st == http.StatusNotImplemented || st == http.StatusNotFound {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return slices.DeleteFunc(p.Resources, func(r resource) bool { return r.name(id.Kind) != id.Name }), true, nil
}

// byList looks for a name among those that were listed; if it isn't there, and the filter was
// no witness of that, or the list is too old, among those that are there now.
func (c *connector) byList(ctx context.Context, s *service, id access.ID, asked bool) ([]resource, error) {
	for relisted := false; ; relisted = true {
		var found []resource
		ids, known := c.dir.lookup(id.Kind, id.Name, c.now())
		for _, native := range ids {
			r, ok, err := c.fetch(ctx, s, id.Kind, native)
			if err != nil {
				return nil, err
			}
			if ok && r.name(id.Kind) == id.Name {
				found = append(found, r)
			}
		}
		if len(found) > 0 || relisted || known && asked {
			return found, nil
		}
		if err := c.listNames(ctx, s, id.Kind); err != nil {
			return nil, err
		}
	}
}

// listNames reads the names of all users or groups.
func (c *connector) listNames(ctx context.Context, s *service, kind string) error {
	q := url.Values{"attributes": {"userName"}}
	if kind == kindGroup {
		q = url.Values{"excludedAttributes": {"members"}}
	}
	at := c.now()
	var all map[string][]string
	err := c.each(ctx, s, s.endpoint(kind), q, func() { all = map[string][]string{} }, func(r resource) error {
		all[r.name(kind)] = append(all[r.name(kind)], r.id())
		return nil
	})
	if err != nil {
		return err
	}
	c.dir.learn(kind, all, at)
	return nil
}

// subjects finds the ids of those who are to become members, or not; names that nobody bears
// aren't in the answer. Names listed a moment ago cost nothing; else each costs a query, or all
// of them one listing, whichever is less. That somebody isn't there who is to lose something is
// only believed of a listing of this very moment. Which ids come from a listing of before, listed
// tells.
func (c *connector) subjects(ctx context.Context, s *service, changes []access.Change) (out map[access.ID]string, listed map[access.ID]bool, err error) {
	out, listed = map[access.ID]string{}, map[access.ID]bool{}
	known := func(id access.ID) bool {
		ids, known := c.dir.lookup(id.Kind, id.Name, c.now())
		if known && len(ids) == 1 {
			out[id] = ids[0]
		}
		return out[id] != ""
	}
	open := map[string]int{}
	for _, ch := range changes {
		if listed[ch.Subject] = known(ch.Subject); !listed[ch.Subject] {
			open[ch.Subject.Kind]++
		}
	}
	const few = 5
	for _, kind := range sortedKeys(open) {
		if open[kind] > few {
			if err := c.listNames(ctx, s, kind); err != nil {
				return nil, nil, err
			}
		}
	}
	for _, ch := range changes {
		if known(ch.Subject) {
			continue
		}
		look := c.find
		if ch.Action == access.Revoke && open[ch.Subject.Kind] <= few {
			look = c.gone
		}
		r, ok, err := look(ctx, s, ch.Subject)
		if err != nil {
			return nil, nil, fmt.Errorf("finding %s: %w", ch.Subject, err)
		}
		if ok {
			out[ch.Subject] = r.id()
		}
	}
	return out, listed, nil
}
