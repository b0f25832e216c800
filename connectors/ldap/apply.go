package ldap

import (
	"context"
	"errors"
	"fmt"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// attempts bounds how often a write is worked out anew because somebody else wrote meanwhile.
const attempts = 5

// Apply makes one change true.
func (c *connector) Apply(ctx context.Context, ch access.Change) error {
	if ch.Action.OnGrant() {
		err := c.ApplyBatch(ctx, []access.Change{ch})
		var be *connectors.BatchError
		if errors.As(err, &be) {
			return be.Failed[0]
		}
		return err
	}
	if err := c.vet(ch); err != nil {
		return err
	}
	err := c.one(ctx, ch)
	several := ch.Action == access.Rename || ch.Action == access.Delete || ch.Action == access.Disable || ch.Action == access.Enable
	if !several || !errors.Is(err, errLost) || !errors.Is(err, connectors.ErrOutcomeUnknown) || ctx.Err() != nil {
		return err
	}
	// Some of several writes may have been done. Each looks first at what is there, so they can
	// be gone through once more, over a new connection.
	c.log.Debug("the connection was lost; completing", "system", c.system, "change", ch.String())
	if again := c.one(ctx, ch); again != nil {
		return fmt.Errorf("%w; completing it failed: %v", err, again)
	}
	return nil
}

// one carries out one change of an object. If it fails after a part of it was written, neither
// "done" nor "not done" is true.
func (c *connector) one(ctx context.Context, ch access.Change) error {
	return c.oneBy(ctx, ch, func(w *work) error { return w.do(ctx, ch) })
}

func (c *connector) oneBy(ctx context.Context, ch access.Change, do func(*work) error) error {
	w, err := c.over(ctx, ch.String(), do)
	switch {
	case err == nil || w == nil || !w.wrote || errors.Is(err, connectors.ErrOutcomeUnknown):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w: a part of it was done: %w", ch, connectors.ErrOutcomeUnknown, ctx.Err())
	}
	return fmt.Errorf("%s: %w: a part of it was done: %v", ch, connectors.ErrOutcomeUnknown, err)
}

func (w *work) do(ctx context.Context, ch access.Change) error {
	switch ch.Action {
	case access.Create:
		return w.create(ctx, ch, false)
	case access.Update:
		return w.update(ctx, ch)
	case access.Rename:
		return w.rename(ctx, ch)
	case access.Disable, access.Enable:
		return w.lock(ctx, ch)
	case access.Delete:
		return w.delete(ctx, ch)
	}
	return fmt.Errorf("%s: %w", ch, connectors.ErrUnsupported)
}

// ApplyBatch makes grants and revocations on one group true, in one modify: the server takes
// all of it or nothing.
func (c *connector) ApplyBatch(ctx context.Context, changes []access.Change) error {
	return c.applyBatch(ctx, changes, nil, nil)
}

// applyBatch is ApplyBatch as part of a series, or of none, by what that knows of the subjects.
func (c *connector) applyBatch(ctx context.Context, changes []access.Change, of *series, known subjects) error {
	if len(changes) == 0 {
		return ctx.Err()
	}
	if len(changes) == 1 && !changes[0].Action.OnGrant() {
		return c.Apply(ctx, changes[0])
	}
	failed := map[int]error{}
	for i, ch := range changes {
		if err := c.vet(ch); err != nil {
			failed[i] = err
		} else if !ch.Action.OnGrant() || ch.Target != changes[0].Target {
			failed[i] = fmt.Errorf("%s: %w: not a grant on %s, which the batch began with", ch, connectors.ErrUnsupported, changes[0].Target)
		}
	}
	if len(failed) > 0 {
		return &connectors.BatchError{Failed: failed}
	}
	doing := changes[0].String()
	if len(changes) > 1 {
		doing = fmt.Sprintf("%s and %d more", doing, len(changes)-1)
	}
	_, err := c.over(ctx, doing, func(w *work) error { return w.members(ctx, changes, of, known) })
	return err
}

// work is one change, or one batch, being carried out over one connection.
type work struct {
	c       *connector
	s       *session
	doing   string
	refused string // the entryCSN of an assertion that failed
	wrote   bool   // a write was answered with success
}

// over does work over a connection, and again over a new one if a kept one turns out to be
// closed before anything was written.
func (c *connector) over(ctx context.Context, doing string, do func(*work) error) (*work, error) {
	for again := false; ; again = true {
		s, err := c.acquire(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		w := &work{c: c, s: s, doing: doing}
		err = do(w)
		retry := !again && !w.wrote && c.stale(ctx, s, err)
		c.release(s)
		if !retry {
			return w, err
		}
	}
}

// conflict is an error that says what was found instead.
func (w *work) conflict(format string, args ...any) error {
	return fmt.Errorf("%s: %w: %s", w.doing, connectors.ErrConflict, fmt.Sprintf(format, args...))
}

// find looks up one name. Apply can't work with what can't be told.
func (w *work) find(ctx context.Context, id access.ID) (*entry, error) {
	e, err := w.c.find(ctx, w.s, id)
	if err != nil {
		return nil, readError(ctx, w.doing, err)
	}
	return e, nil
}

// changeable refuses entries that aren't Accord's to change.
func (w *work) changeable(e *entry) error {
	if w.c.reserved(w.s, e) {
		return fmt.Errorf("%s: %w: %s belongs to the directory itself, or is Accord's own", w.doing, connectors.ErrUnsupported, e.id)
	}
	return nil
}

// asserting makes a write fail (result 122) if the entry was written since it was read: by the
// assertion control (RFC 4528) on the number of its last write, where the server has both. An
// assertion that failed for an entry that wasn't written isn't made again: OpenLDAP's overlay
// "unique" applies it to its own search for duplicates, and fails.
func (w *work) asserting(e *entry) []goldap.Control {
	csn := e.first(attrCSN)
	if csn == "" || csn == w.refused || !w.s.supports(controlAssertion) {
		return nil
	}
	filter, err := goldap.CompileFilter(eq(attrCSN, csn))
	if err != nil {
		return nil
	}
	return []goldap.Control{goldap.NewControlString(controlAssertion, true, string(filter.Bytes()))}
}

// overtaken reports whether a write failed because the entry was written meanwhile, or seems to
// have been, so that the change has to be worked out anew.
func (w *work) overtaken(e *entry, err error) bool {
	if isResult(err, goldap.LDAPResultAssertionFailed) {
		w.refused = e.first(attrCSN)
		return true
	}
	return isResult(err, goldap.LDAPResultNoSuchAttribute, goldap.LDAPResultAttributeOrValueExists)
}

// write sends one request that changes something.
func (w *work) write(ctx context.Context, request func() error) error {
	err := w.s.do(ctx, request)
	w.wrote = w.wrote || err == nil
	return err
}

// modify sends one modify request.
func (w *work) modify(ctx context.Context, dn string, changes []goldap.Change, controls []goldap.Control) error {
	req := &goldap.ModifyRequest{DN: dn, Changes: changes, Controls: controls}
	return w.write(ctx, func() error { return w.s.conn.Modify(req) })
}

// move sends one modify DN request.
func (w *work) move(ctx context.Context, dn, newRDN, newParent string) error {
	req := goldap.NewModifyDNRequest(dn, newRDN, true, newParent)
	return w.write(ctx, func() error { return w.s.conn.ModifyDN(req) })
}

// failed wraps the error of a write. A lack of rights on an object that the domain guards has a
// reason of its own.
func (w *work) failed(ctx context.Context, lack string, e *entry, err error) error {
	err = writeError(ctx, w.doing, lack, err)
	if err != nil && e != nil && w.c.flavour.ad && e.guarded() && errors.Is(err, connectors.ErrDenied) {
		return fmt.Errorf("%w; it is guarded by AdminSDHolder (adminCount), which takes delegated rights away every hour", err)
	}
	return err
}

func add(attr string, values ...string) goldap.Change {
	return goldap.Change{Operation: goldap.AddAttribute, Modification: goldap.PartialAttribute{Type: attr, Vals: values}}
}

func remove(attr string, values ...string) goldap.Change {
	return goldap.Change{Operation: goldap.DeleteAttribute, Modification: goldap.PartialAttribute{Type: attr, Vals: values}}
}

func replace(attr string, values ...string) goldap.Change {
	return goldap.Change{Operation: goldap.ReplaceAttribute, Modification: goldap.PartialAttribute{Type: attr, Vals: values}}
}
