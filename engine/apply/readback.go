package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
)

// wholeAbove is from how many touched objects on it is cheaper to read a system as a whole.
const wholeAbove = 200

// readBackTime bounds the reading back, stopTime that of a run that is being stopped.
const (
	readBackTime = 5 * time.Minute
	stopTime     = 30 * time.Second
)

// finish reads back what was touched on a system, and closes it in the journal.
func (r *runner) finish(ctx context.Context, p *part) SystemResult {
	var touched []*StepResult
	for _, s := range p.steps {
		if s.Outcome == "" {
			s.Outcome, s.Err = journal.Skipped, fmt.Errorf("it waits for a step that was never done")
		}
		if s.Outcome == journal.Done || s.Outcome == journal.Unknown {
			touched = append(touched, s)
		}
	}
	begun := r.Now()
	res := SystemResult{Converged: true}
	identity := ""
	if len(touched) > 0 {
		identity, res.ReadBack = r.readBack(ctx, p, touched)
	}
	counts := journal.Counts{}
	for _, s := range p.steps {
		count(&counts, s)
		if !s.Holds() {
			res.Converged = false
		}
	}
	for _, s := range r.Plan.Steps {
		if s.System == p.name && s.Held != nil && pending[s.Held.Why] {
			res.Converged = false
		}
	}
	sys, _ := r.Plan.System(p.name)
	incomplete := len(sys.Unknown) > 0 || sys.Error != "" || len(sys.Waiting) > 0 || sys.BaseError != ""
	res.Converged = res.Converged && !incomplete && sys.Unselected == 0 && len(sys.Dangling) == 0 && len(sys.Missing) == 0 && len(sys.Disputed)+len(sys.Disputes) == 0
	leavers := sys.Error == "" && sys.BaseError == "" && !sys.LeaversUnseen && r.leaversDone(p)
	res.Took, res.Busy = r.Now().Sub(p.started), p.leaving+r.Now().Sub(begun)
	if identity == "" {
		identity = sys.Identity
	}
	_ = r.record(ctx, journal.ClosedSystem{System: p.name, Identity: identity, Revision: r.Opened.Revision,
		Converged: res.Converged, Leavers: leavers, Incomplete: incomplete, Counts: counts, Duration: res.Took})
	return res
}

// leaversDone reports whether nothing remains to be done about those who left.
func (r *runner) leaversDone(p *part) bool {
	for _, s := range p.steps {
		if s.Leaver && !s.Holds() {
			return false
		}
	}
	return !slices.ContainsFunc(r.Plan.Steps, func(s plan.Step) bool { return s.System == p.name && s.Leaver && s.Held != nil })
}

// pending are the holds that leave the declaration unfulfilled. Drift that is only reported,
// or that is protected, doesn't.
var pending = map[plan.HoldReason]bool{plan.HeldObserve: true, plan.HeldRefused: true, plan.HeldDepends: true, plan.HeldStale: true}

func count(c *journal.Counts, s *StepResult) {
	switch s.Outcome {
	case journal.Done:
		c.Done++
	case journal.Already:
		c.Already++
	case journal.Unknown:
		c.Unknown++
	case journal.Skipped:
		c.Skipped++
	default:
		c.Failed++
	}
	switch s.Seen {
	case journal.NotHeld:
		c.NotHeld++
	case journal.Unconfirmed:
		c.Unconfirmed++
	}
}

// readBack looks at everything that was touched.
func (r *runner) readBack(ctx context.Context, p *part, touched []*StepResult) (identity string, err error) {
	settled := !r.Now().Before(p.touched.Add(p.desc.Settle)) // when reading begins, not when it ends
	state, err := r.read(ctx, p, scopeOf(touched))
	rb := journal.ReadBack{System: p.name, All: journal.Holds}
	if err != nil {
		rb.All = journal.Unconfirmed
	}
	seen := &view{state: state, desc: p.desc}
	for _, s := range touched {
		if err != nil {
			s.Seen, s.Note = journal.Unconfirmed, "it couldn't be read back"
			continue
		}
		s.Seen, s.Note = seen.look(s.Change, settled)
		if s.Seen != journal.Holds {
			rb.Except = append(rb.Except, journal.Seen{Key: s.Key(), Held: s.Seen, Note: s.Note})
		}
	}
	if r.record(ctx, rb) == nil && state != nil {
		identity = state.Identity()
	}
	if state != nil && r.Seen != nil {
		r.Seen(p.name, state)
	}
	return identity, err
}

// read reads a system back. What was done is looked at even if the run is being stopped. An
// answer that isn't about the system that was planned for is none.
func (r *runner) read(ctx context.Context, p *part, scope connectors.Scope) (state *access.State, err error) {
	run := ctx
	ctx, cancel := context.WithTimeout(context.WithoutCancel(run), r.within(readBackTime))
	defer cancel()
	defer context.AfterFunc(run, func() { time.AfterFunc(stopTime, cancel) })()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the connector failed: %v", v)
		}
		if err != nil {
			state, err = nil, fmt.Errorf("reading back %s: %w", p.name, err)
		}
	}()
	state, err = p.conn.Read(ctx, scope)
	if err != nil {
		return nil, err
	}
	planned, _ := r.Plan.System(p.name)
	switch {
	case state == nil:
		return nil, fmt.Errorf("%w: no state and no error", connectors.ErrIncomplete)
	case state.System() != p.name:
		return nil, fmt.Errorf("%w: the answer is about %s", connectors.ErrIncomplete, state.System())
	case planned.Identity != "" && state.Identity() != "" && state.Identity() != planned.Identity:
		return nil, fmt.Errorf("%w: it is %s now and was %s", connectors.ErrIncomplete, state.Identity(), planned.Identity)
	}
	return state, nil
}

func scopeOf(touched []*StepResult) connectors.Scope {
	seen := map[access.ID]bool{}
	var ids []access.ID
	add := func(id access.ID) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for _, s := range touched {
		add(s.Subject)
		if s.Action == access.Rename {
			add(access.ID{Kind: s.Subject.Kind, Name: s.After.Name})
		}
	}
	if len(ids) > wholeAbove {
		return connectors.Scope{}
	}
	return connectors.Scope{IDs: ids}
}

// view looks at a state. It keeps what the last subject holds at hand: there may be as many
// changes of one subject as the subject has grants.
type view struct {
	state    *access.State
	desc     access.Description
	subject  access.ID
	byTarget map[access.ID][]access.Grant
}

// held is a permission that the subject itself holds on the target: the one that is asked for
// or, with levels set, any if the kind has levels.
func (v *view) held(subject, target access.ID, permission string, levels bool) string {
	if v.byTarget == nil || v.subject != subject {
		v.subject, v.byTarget = subject, map[access.ID][]access.Grant{}
		for _, g := range v.state.GrantsOf(subject) {
			v.byTarget[g.Target] = append(v.byTarget[g.Target], g)
		}
	}
	kind, _ := v.desc.Kind(target.Kind)
	for _, g := range v.byTarget[target] {
		if g.Standing != access.Implied && (g.Permission == permission || levels && kind.Ordered) {
			return g.Permission
		}
	}
	return ""
}

// look tells whether a change is to be seen in a state.
func (v *view) look(c access.Change, settled bool) (journal.Held, string) {
	subject := c.Subject
	if c.Action == access.Rename {
		subject.Name = c.After.Name
	}
	if !v.state.Knows(subject) || c.Action.OnGrant() && !v.state.KnowsGrant(subject, c.Target) {
		return journal.Unconfirmed, "it can't be seen"
	}
	if why := v.differs(c, subject); why != "" {
		if !settled {
			return journal.Unconfirmed, fmt.Sprintf("%s; writes may take %s to be seen", why, v.desc.Settle)
		}
		return journal.NotHeld, why
	}
	return journal.Holds, ""
}

// differs says what is not as the change should have left it; "" if everything is.
func (v *view) differs(c access.Change, subject access.ID) string {
	o, there := v.state.Object(subject)
	switch c.Action {
	case access.Delete:
		if there {
			return "it is still there"
		}
		return ""
	case access.Disable:
		if there && !o.Disabled {
			return "it is still enabled"
		}
		return ""
	case access.Revoke:
		if held := v.held(subject, c.Target, c.Before.Permission, true); held != "" {
			return held + " is still held"
		}
		return ""
	case access.Give, access.ChangeLevel:
		if v.held(subject, c.Target, c.After.Permission, false) == "" {
			return "it isn't held"
		}
		if c.Action == access.ChangeLevel && v.held(subject, c.Target, c.Before.Permission, false) != "" {
			return c.Before.Permission + " is still held"
		}
		return ""
	case access.Rename:
		if _, old := v.state.Object(c.Subject); old {
			return "it is still there under its old name"
		}
	}
	if !there {
		return "it isn't there"
	}
	if c.Action == access.Enable && o.Disabled {
		return "it is still disabled"
	}
	for _, k := range slices.Sorted(maps.Keys(c.After.Attributes)) {
		if o.Attributes[k] != c.After.Attributes[k] {
			return fmt.Sprintf("%s is %q", k, o.Attributes[k])
		}
	}
	return ""
}
