package scim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/rest"
	"github.com/accordhq/accord/engine/access"
)

// grants carries out grants and revocations on one target, all or none.
func (c *connector) grants(ctx context.Context, changes []access.Change) error {
	changes = slices.Clone(changes)
	refused := map[int]error{}
	for i := range changes {
		ch, err := c.prepare(changes[i])
		if err != nil {
			refused[i] = err
		}
		changes[i] = ch
	}
	if len(refused) == 1 && len(changes) == 1 {
		return refused[0]
	}
	if len(refused) > 0 {
		return &connectors.BatchError{Failed: refused}
	}
	var err error
	if changes[0].Target.Kind == kindGroup {
		err = c.members(ctx, changes)
	} else {
		err = c.values(ctx, changes)
	}
	var batch *connectors.BatchError
	if err == nil || errors.As(err, &batch) {
		return err
	}
	if len(changes) > 1 {
		return fmt.Errorf("%d changes on %s: %w", len(changes), access.Ref{System: changes[0].System, ID: changes[0].Target}, err)
	}
	return fmt.Errorf("%s: %w", changes[0], err)
}

// blame makes an error of those of single changes: as it is for one change, as a BatchError
// for several.
func blame(changes []access.Change, failed map[int]error) error {
	switch {
	case len(failed) == 0:
		return nil
	case len(changes) == 1:
		return failed[0]
	}
	for i, err := range failed {
		failed[i] = fmt.Errorf("%s: %w", changes[i], err)
	}
	return &connectors.BatchError{Failed: failed}
}

// notThere says that what a change needs is gone.
func notThere(id access.ID) error {
	return fmt.Errorf("%w: %s isn't there", connectors.ErrConflict, id)
}

// mostMembers is how many members one PATCH names at most: bodies have limits that nobody tells.
const mostMembers = 500

// errTooMany makes the engine split a batch.
var errTooMany = errors.New("more members than the service takes in one request")

// members changes who is in a group, by one PATCH for all changes.
func (c *connector) members(ctx context.Context, changes []access.Change) error {
	s, err := c.ready(ctx)
	if err != nil {
		return err
	}
	switch {
	case s.groups == "":
		return errNoGroups
	case s.noMembers && !c.prof.hiddenMembers:
		return fmt.Errorf("the service never shows who is a member: %w", connectors.ErrUnsupported)
	}
	target := changes[0].Target
	unlock, err := c.locks.lock(ctx, target.Kind, target.Name)
	if err != nil {
		return err
	}
	defer unlock()
	g, there, err := c.groupNow(ctx, s, target)
	if err != nil {
		return err
	}
	ids, listed, err := c.subjects(ctx, s, changes)
	if err != nil {
		return err
	}
	failed := c.stale(changes, ids, there)
	if err := blame(changes, failed); err != nil || !there {
		return err
	}
	is, err := c.memberIDs(ctx, s, g, ids)
	if err != nil {
		return err
	}
	if err := c.anew(ctx, s, changes, ids, listed, is); err != nil {
		return err
	}
	e, err := c.membership(g, net(changes, ids, is))
	if err != nil {
		return err
	}
	return c.alter(ctx, s, kindGroup, g, e)
}

// stale finds the changes that can't be made because somebody or the group isn't there, or not
// in this way.
func (c *connector) stale(changes []access.Change, ids map[access.ID]string, there bool) map[int]error {
	failed := map[int]error{}
	for i, ch := range changes {
		_, known := ids[ch.Subject]
		switch {
		case ch.Action == access.Revoke:
		case !there:
			failed[i] = notThere(ch.Target)
		case !known:
			failed[i] = notThere(ch.Subject)
		case ch.Subject.Kind == kindGroup && c.prof.noNesting:
			failed[i] = fmt.Errorf("%w (profile %s): groups have no groups as members", connectors.ErrUnsupported, c.prof.name)
		}
	}
	return failed
}

// anew refuses revocations from somebody who has nothing to lose under the id that was listed,
// and has got another one since: deleted and made anew.
func (c *connector) anew(ctx context.Context, s *service, changes []access.Change, ids map[access.ID]string, listed map[access.ID]bool, is map[string]bool) error {
	for _, ch := range changes {
		if ch.Action != access.Revoke || !listed[ch.Subject] || is[ids[ch.Subject]] {
			continue
		}
		r, ok, err := c.find(ctx, s, ch.Subject)
		if err != nil {
			return fmt.Errorf("finding %s: %w", ch.Subject, err)
		}
		if ok && r.id() != ids[ch.Subject] {
			return fmt.Errorf("%w: %s is another one by now", connectors.ErrConflict, ch.Subject)
		}
	}
	return nil
}

// groupNow gets a group as it is, by the id that a listing told a moment ago if there is one.
func (c *connector) groupNow(ctx context.Context, s *service, id access.ID) (resource, bool, error) {
	if ids, known := c.dir.lookup(kindGroup, id.Name, c.now()); known && len(ids) == 1 {
		r, ok, err := c.fetch(ctx, s, kindGroup, ids[0])
		if err != nil || ok && r.name(kindGroup) == id.Name {
			return r, ok, err
		}
	}
	return c.gone(ctx, s, id)
}

// memberIDs tells who of those concerned is a member.
func (c *connector) memberIDs(ctx context.Context, s *service, g resource, concerned map[access.ID]string) (map[string]bool, error) {
	out := map[string]bool{}
	if !c.prof.hiddenMembers {
		for _, m := range g.members() {
			out[m.id] = true
		}
		return out, nil
	}
	for _, id := range slices.Sorted(maps.Values(concerned)) {
		q := map[string][]string{"filter": {equals("members.value", id)}, "attributes": {"displayName"}}
		err := c.each(ctx, s, s.groups, q, func() {}, func(r resource) error {
			if r.id() == g.id() {
				out[id] = true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// delta is what has to be done so that changes are true.
type delta struct {
	add, remove []member
}

// net adds up changes in their order, from what is so at the beginning.
func net(changes []access.Change, ids map[access.ID]string, is map[string]bool) delta {
	want := map[string]bool{}
	var order []member
	for _, ch := range changes {
		id, ok := ids[ch.Subject]
		if !ok {
			continue
		}
		if _, seen := want[id]; !seen {
			order = append(order, member{id, ch.Subject.Kind})
		}
		want[id] = ch.Action == access.Give
	}
	var d delta
	for _, m := range order {
		switch {
		case want[m.id] && !is[m.id]:
			d.add = append(d.add, m)
		case !want[m.id] && is[m.id]:
			d.remove = append(d.remove, m)
		}
	}
	return d
}

// membership is the edit of a group that makes a delta true.
func (c *connector) membership(g resource, d delta) (edit, error) {
	most := func(limit int) int {
		if limit == 0 {
			return mostMembers
		}
		return limit
	}
	if len(d.add)+len(d.remove) > mostMembers || len(d.add) > most(c.prof.addsPerPatch) || len(d.remove) > most(c.prof.removesPerPatch) ||
		c.prof.apart && len(d.add) > 0 && len(d.remove) > 0 {
		return edit{}, errTooMany
	}
	var e edit
	gone := map[string]bool{}
	var removed []any
	for _, m := range d.remove {
		gone[m.id] = true
		removed = append(removed, map[string]any{"value": m.id})
		if !c.prof.removeByValue {
			e.ops = append(e.ops, remove("members[value eq "+literal(m.id)+"]"))
		}
	}
	if c.prof.removeByValue && len(removed) > 0 {
		e.ops = append(e.ops, operation{"remove", "members", removed})
	}
	var added []any
	for _, m := range d.add {
		v := map[string]any{"value": m.id}
		if m.kind == kindGroup {
			v["type"] = "Group"
		}
		added = append(added, v)
	}
	if len(added) > 0 {
		e.ops = append(e.ops, add("members", added))
	}
	e.put = func(r resource) {
		all := slices.DeleteFunc(slices.Clone(r.list("members")), func(m any) bool { return gone[value(m)] })
		r.put([]string{"members"}, append(all, added...))
	}
	return e, nil
}

// values changes roles or entitlements, which stand on the users: one write a user.
func (c *connector) values(ctx context.Context, changes []access.Change) error {
	s, err := c.ready(ctx)
	if err != nil {
		return err
	}
	var order []access.ID
	bySubject := map[access.ID][]int{}
	for i, ch := range changes {
		if bySubject[ch.Subject] == nil {
			order = append(order, ch.Subject)
		}
		bySubject[ch.Subject] = append(bySubject[ch.Subject], i)
	}
	if len(order) == 1 {
		return c.valueOf(ctx, s, order[0], changes)
	}
	// Several users can't be changed as one. What is stale is found before anything is
	// written; what fails afterwards is undone.
	failed := map[int]error{}
	was := map[access.ID]bool{}
	for _, id := range order {
		r, there, err := c.find(ctx, s, id)
		if err != nil {
			return err
		}
		was[id] = there && slices.Contains(r.values(attributeName(changes[0].Target.Kind)), changes[0].Target.Name)
		for _, i := range bySubject[id] {
			if !there && changes[i].Action == access.Give {
				failed[i] = notThere(id)
			}
		}
	}
	if err := blame(changes, failed); err != nil {
		return err
	}
	for n, id := range order {
		var mine []access.Change
		for _, i := range bySubject[id] {
			mine = append(mine, changes[i])
		}
		err := c.valueOf(ctx, s, id, mine)
		if err == nil {
			continue
		}
		if undone := c.undo(ctx, s, changes[0].Target, order[:n], was); undone != nil {
			return fmt.Errorf("%w: and what was done before couldn't be undone: %w: %w", err, undone, connectors.ErrOutcomeUnknown)
		}
		return err
	}
	return nil
}

// undo brings users back to what they had. Once the context is done nothing more is written.
func (c *connector) undo(ctx context.Context, s *service, target access.ID, done []access.ID, was map[access.ID]bool) error {
	for _, id := range slices.Backward(done) {
		ch := access.Change{System: c.cfg.System, Action: access.Revoke, Subject: id, Target: target, Before: &access.Value{Permission: permHas}}
		if was[id] {
			ch = access.Change{System: c.cfg.System, Action: access.Give, Subject: id, Target: target, After: &access.Value{Permission: permHas}}
		}
		if err := c.valueOf(ctx, s, id, []access.Change{ch}); err != nil {
			return err
		}
	}
	return nil
}

// valueOf makes the last of some changes of one user and one value true.
func (c *connector) valueOf(ctx context.Context, s *service, id access.ID, changes []access.Change) error {
	unlock, err := c.locks.lock(ctx, id.Kind, id.Name)
	if err != nil {
		return err
	}
	defer unlock()
	last := changes[len(changes)-1]
	look := c.find
	if last.Action == access.Revoke {
		look = c.gone
	}
	r, there, err := look(ctx, s, id)
	if err != nil {
		return err
	}
	if !there {
		if last.Action == access.Revoke {
			return nil
		}
		return notThere(id)
	}
	name, v := attributeName(last.Target.Kind), last.Target.Name
	held, wanted := slices.Contains(r.values(name), v), last.Action == access.Give
	if held == wanted {
		return nil
	}
	if c.prof.changes != nil {
		return fmt.Errorf("%w (profile %s): %s can't be changed", connectors.ErrUnsupported, c.prof.name, name)
	}
	all := slices.Clone(r.list(name))
	if wanted {
		one := map[string]any{"value": v}
		e := setList(name, append(all, one))
		e.ops = []operation{add(name, []any{one})}
		return c.alter(ctx, s, access.KindAccount, r, e)
	}
	all = slices.DeleteFunc(all, func(e any) bool { return value(e) == v })
	e := setList(name, all)
	if plain(v) && !c.prof.noValuePath {
		e.ops = []operation{remove(name + "[value eq " + literal(v) + "]")}
	}
	err = c.alter(ctx, s, access.KindAccount, r, e)
	if rest.Status(err) == http.StatusBadRequest && rest.Code(err) == "noTarget" {
		return fmt.Errorf("%w: %w", connectors.ErrConflict, err) // it went meanwhile
	}
	return err
}
