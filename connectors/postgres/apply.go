package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// lockKey names the advisory lock that all Accord writers of one database take, so that none
// acts on what another is about to change. ("accord" in ASCII.)
const lockKey = 0x6163636f7264

// commitTimeout is how long a COMMIT may take before its outcome counts as unknown. A commit
// isn't cancelled with the caller's context: that would only make its outcome unknown.
const commitTimeout = 30 * time.Second

var errReadOnly = errors.New("the connector was opened for reading only")

// Apply makes one change true, in a transaction of its own.
func (c *connector) Apply(ctx context.Context, change access.Change) error {
	return c.ApplyBatch(ctx, []access.Change{change})
}

// ApplyBatch makes all changes true in one transaction, or none.
func (c *connector) ApplyBatch(ctx context.Context, changes []access.Change) error {
	if c.readOnly {
		return fmt.Errorf("changing %s: %w", c.system, errReadOnly)
	}
	d := describe()
	for _, ch := range changes {
		if err := vet(d, ch); err != nil {
			return fmt.Errorf("%s: %w", ch, err)
		}
	}
	if len(changes) == 0 {
		return ctx.Err()
	}
	s, err := c.acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { c.release(s) }()
	defer func() { s.rollback() }()
	w := &work{c: c, s: s, alone: len(changes) == 1}
	if err := w.begin(ctx); err != nil {
		return fmt.Errorf("%s: %w", about(changes), err)
	}
	for part := range parts(changes) {
		if err := w.do(ctx, part); err != nil {
			return err
		}
	}
	return w.finish(ctx, about(changes))
}

// about names a batch in errors: by its first change.
func about(changes []access.Change) string {
	if len(changes) == 1 {
		return changes[0].String()
	}
	return fmt.Sprintf("%s and %d more", changes[0], len(changes)-1)
}

// work is one transaction under way.
type work struct {
	c     *connector
	s     *session
	alone bool     // the transaction is for one change
	ended []uint32 // the roles whose sessions are to end once it is committed
}

// begin opens the transaction and takes the lock; every statement after it sees what those
// who held the lock before have committed.
func (w *work) begin(ctx context.Context) error {
	_, err := w.s.exec(ctx, fmt.Sprintf("begin isolation level read committed; select pg_advisory_xact_lock(%d)", int64(lockKey)))
	return explain(ctx, "beginning", "", err)
}

// do carries out the changes of one part: it looks at what is there, settles every conflict,
// and then writes.
func (w *work) do(ctx context.Context, part []access.Change) error {
	if part[0].Action == access.Delete {
		return w.delete(ctx, part[0])
	}
	world, err := w.look(ctx, part)
	if err != nil {
		return err
	}
	if world.entangled(part) {
		for _, ch := range part {
			if err := w.do(ctx, []access.Change{ch}); err != nil {
				return err
			}
		}
		return nil
	}
	var q queue
	for i, ch := range part {
		if err := world.plan(&q, i, ch); err != nil {
			return fmt.Errorf("%s: %w", ch, err)
		}
	}
	w.ended = append(w.ended, world.ended...)
	return w.run(ctx, part, q.statements())
}

// finish commits, and ends the sessions of accounts that were disabled or deleted.
func (w *work) finish(ctx context.Context, doing string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	err := w.commit(ctx, doing)
	if err == nil || errors.Is(err, connectors.ErrOutcomeUnknown) {
		w.c.endSessions(ctx, w.ended, true)
	}
	return err
}

// commit ends the transaction. If the answer doesn't arrive, the outcome is unknown.
func (w *work) commit(ctx context.Context, doing string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	results, err := w.s.pg.Exec(ctx, "commit").ReadAll()
	switch {
	case lost(err):
		w.s.close()
		return fmt.Errorf("%s: %w: the connection was lost during the commit: %w", doing, connectors.ErrOutcomeUnknown, err)
	case err != nil:
		return explain(ctx, doing, "", err)
	case len(results) != 1 || results[0].CommandTag.String() != "COMMIT":
		return fmt.Errorf("%s: the server rolled the transaction back", doing)
	}
	return nil
}

// parts cuts a batch where a change must see what those before it wrote: a rename or a
// deletion stands alone, and within a part no object and no pair of subject and target occurs
// twice. What is left of a part may then be written in another order than it came in.
func parts(changes []access.Change) func(yield func([]access.Change) bool) {
	type pair struct{ subject, target access.ID }
	return func(yield func([]access.Change) bool) {
		first := 0 // of the part; it ends before i
		seen := map[pair]bool{}
		flush := func(i int) bool {
			ok := first == i || yield(changes[first:i:i])
			first = i
			clear(seen)
			return ok
		}
		for i, ch := range changes {
			single := ch.Action == access.Rename || ch.Action == access.Delete
			p := pair{ch.Subject, ch.Target}
			if (single || seen[p]) && !flush(i) {
				return
			}
			seen[p] = true
			if single && !flush(i+1) {
				return
			}
		}
		flush(len(changes))
	}
}

// vet refuses, without looking at the system, what Describe excludes and what no PostgreSQL
// could hold. It is what keeps names such as "public" out of SQL.
func vet(d access.Description, ch access.Change) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", connectors.ErrUnsupported, fmt.Sprintf(format, args...))
	}
	kind, known := d.Kind(ch.Ref().ID.Kind)
	if !known || !d.Can(kind.Name, ch.Action) {
		return refuse("%q can't be done to %q", ch.Action, ch.Ref().ID.Kind)
	}
	names := []access.ID{ch.Subject}
	if ch.Action.OnGrant() {
		names = append(names, ch.Target)
		if !kind.Holds(ch.Subject.Kind) {
			return refuse("%q can't hold anything on %q", ch.Subject.Kind, kind.Name)
		}
	}
	if ch.Action == access.Rename && ch.After != nil {
		names = append(names, access.ID{Kind: ch.Subject.Kind, Name: ch.After.Name})
	}
	for _, id := range names {
		if n, err := normalize(access.Object{ID: id}); err != nil || n.ID != id {
			return refuse("the name %q isn't normal: %v", id, err)
		}
	}
	return vetValues(ch, kind, refuse)
}

// vetValues refuses values that are missing, unknown or can't be wished for.
func vetValues(ch access.Change, kind access.Kind, refuse func(string, ...any) error) error {
	needBefore := slices.Contains([]access.Action{access.Revoke, access.ChangeLevel}, ch.Action)
	needAfter := slices.Contains([]access.Action{access.Create, access.Update, access.Rename, access.Give, access.ChangeLevel}, ch.Action)
	if needBefore && ch.Before == nil || needAfter && ch.After == nil {
		return refuse("the change lacks a value")
	}
	if ch.Action.OnGrant() {
		if needBefore && kind.Level(ch.Before.Permission) < 0 {
			return refuse("no permission %q", ch.Before.Permission)
		}
		if p, ok := kind.Permission(permissionOf(ch.After)); needAfter && (!ok || p.ReadOnly) {
			return refuse("%q can't be granted", permissionOf(ch.After))
		}
		return nil
	}
	if ch.Action != access.Create && ch.Action != access.Update {
		return nil
	}
	o := access.Object{ID: ch.Subject, Attributes: ch.After.Attributes, Disabled: ch.After.Disabled}
	if _, err := normalize(o); err != nil {
		return refuse("%v", err)
	}
	return nil
}

func permissionOf(v *access.Value) string {
	if v == nil {
		return ""
	}
	return v.Permission
}
