package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
)

// wholeAbove is from how many touched objects on it is cheaper to read a system as a whole.
const wholeAbove = 200

// readBackTime bounds the reading back of a run that is being stopped.
const readBackTime = 30 * time.Second

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
	incomplete := len(sys.Unknown) > 0 || sys.Error != "" || len(sys.Waiting) > 0
	res.Converged = res.Converged && !incomplete && sys.Unselected == 0 && len(sys.Dangling) == 0
	res.Took = r.Now().Sub(p.started)
	if identity == "" {
		identity = sys.Identity
	}
	_ = r.record(ctx, journal.ClosedSystem{System: p.name, Identity: identity, Revision: r.Opened.Revision,
		Converged: res.Converged, Incomplete: incomplete, Counts: counts, Duration: res.Took})
	return res
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
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), readBackTime)
		defer cancel()
	}
	settled := !r.Now().Before(p.touched.Add(p.desc.Settle)) // when reading begins, not when it ends
	state, err := p.conn.Read(ctx, scopeOf(touched))
	rb := journal.ReadBack{System: p.name, All: journal.Holds}
	if err != nil {
		err = fmt.Errorf("reading back %s: %w", p.name, err)
		rb.All = journal.Unconfirmed
	}
	for _, s := range touched {
		if err != nil {
			s.Seen, s.Note = journal.Unconfirmed, "it couldn't be read back"
			continue
		}
		s.Seen, s.Note = look(s.Change, state, p.desc, settled)
		if s.Seen != journal.Holds {
			rb.Except = append(rb.Except, journal.Seen{Key: s.Key(), Held: s.Seen, Note: s.Note})
		}
	}
	if r.record(ctx, rb) == nil && state != nil {
		identity = state.Identity()
	}
	return identity, err
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

// look tells whether a change is to be seen in a state.
func look(c access.Change, s *access.State, d access.Description, settled bool) (journal.Held, string) {
	subject := c.Subject
	if c.Action == access.Rename {
		subject.Name = c.After.Name
	}
	if !s.Knows(subject) || c.Action.OnGrant() && !s.KnowsGrant(subject, c.Target) {
		return journal.Unconfirmed, "it can't be seen"
	}
	if why := differs(c, subject, s, d); why != "" {
		if !settled {
			return journal.Unconfirmed, fmt.Sprintf("%s; writes may take %s to be seen", why, d.Settle)
		}
		return journal.NotHeld, why
	}
	return journal.Holds, ""
}

// differs says what is not as the change should have left it; "" if everything is.
func differs(c access.Change, subject access.ID, s *access.State, d access.Description) string {
	o, there := s.Object(subject)
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
		if _, g, ok := s.Find(subject, c.Target, c.Before.Permission); ok && g.Standing != access.Implied {
			return "it is still held"
		}
		return ""
	case access.Give, access.ChangeLevel:
		if _, g, ok := s.Find(subject, c.Target, c.After.Permission); !ok || g.Standing == access.Implied {
			return "it isn't held"
		}
		if c.Action == access.ChangeLevel {
			if _, g, ok := s.Find(subject, c.Target, c.Before.Permission); ok && g.Standing != access.Implied {
				return c.Before.Permission + " is still held"
			}
		}
		return ""
	}
	if !there {
		return "it isn't there"
	}
	if c.Action == access.Enable && o.Disabled {
		return "it is still disabled"
	}
	for k, v := range c.After.Attributes {
		if o.Attributes[k] != v {
			return fmt.Sprintf("%s is %q", k, o.Attributes[k])
		}
	}
	return ""
}
