package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/apply"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
)

// ErrDeclined says that whoever was asked didn't want the plan to be carried out.
var ErrDeclined = errors.New("not confirmed; nothing was changed")

// ApplyOptions say what is to be applied.
type ApplyOptions struct {
	PlanOptions
	// Reviewed is the plan that was reviewed; nil: what is planned now is shown to Confirm.
	Reviewed *plan.Plan
	// Loaded is told what was loaded, before anything is written; it may be nil.
	Loaded func(*Declaration)
	// Confirm is asked before anything is written; nil means yes.
	Confirm func(*plan.Plan, []plan.Delta) (bool, error)
	// Progress is told of steps that ended; it may be nil.
	Progress func(apply.Progress)
}

// Applied is what became of an apply.
type Applied struct {
	Run    string
	Plan   *plan.Plan
	Deltas []plan.Delta
	// Result is nil if there was nothing to carry out.
	Result *apply.Result
	Took   time.Duration
	Exit   int
	// Stopped says that the run was interrupted.
	Stopped bool
	// Unsent says that the journal is only spooled here.
	Unsent bool
	// Looked tells, for a run about one person, how each system was read.
	Looked map[string]Looked
	// Settings says that the judging settings of what was applied hold from now on.
	Settings bool
	// Differences are the drift that was seen before, Told the messages that were due after it.
	Differences []plan.Difference
	Told        []Delivery
	// Unrecorded is why the drift isn't remembered: another run is at work by now.
	Unrecorded error
	// Read is when each system was read whole for the last time, as far as the journal knows.
	Read map[string]time.Time
}

// Apply plans against a fresh read and carries the plan out: that of now, or, with Reviewed,
// what of the reviewed plan still holds, system by system. One apply works on a system at a
// time; a run that was killed is closed in the journal first.
func (e *Engine) Apply(ctx context.Context, o ApplyOptions) (_ *Applied, err error) {
	e = e.uncached()
	start := e.Now()
	if !o.At.IsZero() {
		return nil, errors.New("what is planned for another instant can't be applied")
	}
	// A plan of a part is applied to that part. By whose settings it is judged the file can't say.
	if o.Reviewed != nil {
		if o.Reviewed.Leave != "" {
			return nil, fmt.Errorf("the plan is about nothing but %s's leaving; accord offboard carries such a plan out", o.Reviewed.Leave)
		}
		if len(o.Only) == 0 {
			o.Only = o.Reviewed.Only
		}
		if len(o.Systems) == 0 {
			o.Systems = o.Reviewed.Selected
		}
	}
	s, err := e.prepare(ctx, o.PlanOptions, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if o.Loaded != nil {
		o.Loaded(s.head)
	}
	p, unjudged := s.plan(ctx, o.Confirm == nil || o.Reviewed != nil)
	if unjudged != nil && (ctx.Err() != nil || p == nil || !onlyLeavers(p)) {
		return nil, unjudged
	}
	if s.away != nil && o.Leave == nil && !slices.ContainsFunc(p.Run(), func(s plan.Step) bool { return s.Leaver }) {
		return nil, s.away
	}
	out := &Applied{Plan: p}
	if o.Leave != nil {
		out.Looked = s.looked()
	}
	s.seen = s.remembering()
	if o.Approvals != nil {
		s.evidence() // the journal is told of it
	}
	s.forget()
	if o.Reviewed != nil {
		out.Deltas = out.Plan.Against(o.Reviewed)
	}
	if o.Confirm != nil {
		switch ok, err := o.Confirm(out.Plan, out.Deltas); {
		case err != nil:
			return nil, err
		case !ok:
			return nil, ErrDeclined
		}
	}
	identities, err := s.lockIdentities()
	if err != nil {
		return nil, err
	}
	defer identities()
	if err := s.run(ctx, o, out); err != nil {
		return out, errors.Join(err, unjudged)
	}
	err = s.afterwards(ctx, out)
	out.Took = e.Now().Sub(start)
	return out, errors.Join(err, unjudged) // if unjudged leavers were dealt with; nothing else was
}

// onlyLeavers reports whether there is something to carry out, and nothing but what leavers lose.
func onlyLeavers(p *plan.Plan) bool {
	run := p.Run()
	return len(run) > 0 && !slices.ContainsFunc(run, func(s plan.Step) bool { return !s.Leaver })
}

// forget drops what only planning needed: while a large plan is carried out it would be most of
// the memory.
func (s *session) forget() {
	s.bases, s.newest, s.plain, s.tip, s.applied, s.others, s.shifts = nil, nil, nil, nil, nil, nil, nil
	s.book, s.own = nil, nil
	for _, sys := range s.systems {
		sys.want, sys.base, sys.rev = nil, nil, nil
	}
}

// run writes: first the end of runs that were cut off, then the run itself.
func (s *session) run(ctx context.Context, o ApplyOptions, out *Applied) error {
	out.Exit = exitOfApply(out.Plan, out.Deltas, nil)
	if err := s.closeAbandoned(ctx); err != nil {
		return err
	}
	settles := s.settles(ctx)
	if out.Plan.Running() == 0 && len(settles) == 0 && s.opts.Leave == nil && !s.moves(out.Plan) {
		return s.stillUnsent(out)
	}
	out.Run = runID(s.Now(), out.Plan.PlanDigest)
	conns := map[string]connectors.Connector{}
	var names []string
	for _, sys := range s.systems {
		if sys.live != nil {
			conns[sys.decl.ID.Value] = sys.conn
			names = append(names, sys.decl.ID.Value)
		}
	}
	revision := out.Plan.Revision.Hash
	if out.Plan.Revision.Worktree {
		revision = journal.Worktree
	}
	var allow []string
	for _, a := range o.Allow {
		allow = append(allow, string(a.Name)+":"+a.Ref)
	}
	settings, policies := s.accepts(out.Plan)
	leave, patience := Leave{}, time.Duration(0)
	if s.opts.Leave != nil {
		patience = s.timeout()                            // a system that hangs holds back no other, and nobody who waits for the table
		leave, settings, policies = *s.opts.Leave, "", "" // by whose settings is judged stays as it is
	}
	out.Settings = settings == out.Plan.Revision.Hash && settings != ""
	s.head.Repo = nil // not needed any more, and large
	res, err := apply.Run(ctx, apply.Options{
		Plan: out.Plan, Systems: conns, Journal: s.journal, Run: out.Run, Progress: o.Progress, Now: s.Now, Seen: s.see, Approved: s.approvedRun(out.Plan), Urgent: s.opts.Leave != nil, Patience: patience,
		Opened: journal.Opened{Revision: revision, PlanDigest: out.Plan.PlanDigest, ChangeDigest: out.Plan.ChangeDigest,
			Actor: s.Actor, Version: s.Version, Systems: names, Allow: allow, Worktree: out.Plan.Revision.Worktree, Settings: settings, Policies: policies,
			Offboard: leave.Person, Reason: leave.Reason, Branch: leave.branch()},
	})
	out.Result, out.Stopped = res, ctx.Err() != nil
	if res == nil {
		out.Run = "" // it never was
		return err
	}
	out.Exit = exitOfApply(out.Plan, out.Deltas, res)
	if err != nil {
		return err // the journal can't be written; nothing more can be recorded
	}
	return s.finish(ctx, out, settles)
}

// stillUnsent is the end of a run that has nothing to do, and so nothing to publish: what an
// earlier one couldn't send must not be forgotten over that, as this place may be gone tomorrow.
func (s *session) stillUnsent(out *Applied) error {
	if s.unsent == nil {
		return nil
	}
	out.Exit = ExitFailed
	return fmt.Errorf("%w: %w", ErrUnpublished, s.unsent)
}

// finish closes the run in the journal, and publishes that.
func (s *session) finish(ctx context.Context, out *Applied, settles []journal.Settled) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	for _, linked := range s.seen.entries() {
		if err := s.journal.Append(ctx, journal.Entry{Run: out.Run, Data: linked}); err != nil {
			return err
		}
	}
	for _, settled := range settles {
		if err := s.journal.Append(ctx, journal.Entry{Run: out.Run, Data: settled}); err != nil {
			return err
		}
	}
	end := journal.Closed{Outcome: word(out.Exit), Exit: out.Exit}
	if err := s.journal.Append(ctx, journal.Entry{Run: out.Run, Data: end}); err != nil {
		return err
	}
	publish := ctx
	if s.away != nil { // it may be back; if not, nobody is to wait for long
		var cancel context.CancelFunc
		publish, cancel = context.WithTimeout(ctx, leaveFetchTime)
		defer cancel()
	}
	err := s.journal.Publish(publish, journal.Closing)
	if first := out.Result.Unpublished; first != nil {
		if err == nil {
			return fmt.Errorf("%w for a while, and nothing was given meanwhile: %w", ErrUnpublished, first)
		}
		err = first
	}
	if err == nil {
		return nil
	}
	out.Unsent = true
	if !out.Result.Unopened {
		out.Exit = ExitPartly
	}
	if s.away != nil {
		err = fmt.Errorf("%w; %s", s.away, s.byWhat)
	}
	return fmt.Errorf("%w: %w; what it tells is kept in %s, and accord journal push sends it", ErrUnpublished, err, s.kept.dir)
}

// finishTime bounds the last entries of a run.
const finishTime = 3 * time.Minute

// ErrUnpublished says that a run couldn't make known in time what it did.
var ErrUnpublished = errors.New("the journal couldn't be published")

// see takes in what reading back showed.
func (s *session) see(system string, st *access.State) { s.seen.see(system, st) }

// moves reports whether a run without a step would still tell the journal something: that a
// system is as a newer revision declares.
func (s *session) moves(p *plan.Plan) bool {
	if p.Revision.Worktree {
		return false
	}
	for _, sys := range s.systems {
		rev, _, ok := s.memory.LastApplied(sys.decl.ID.Value)
		if sys.live != nil && sys.ruled.mode != plan.Observe && (!ok || rev != p.Revision.Hash) {
			return true
		}
	}
	before, _ := s.accepted()
	after, _ := s.accepts(p)
	return after != before && (len(p.Settings) > 0 || before == "" && s.policies != "")
}

// closeAbandoned ends runs that were killed. The locks are held, so they don't go on. Of runs on
// other machines nobody can know that: where the journal is published it isn't for this run to
// end them (one that is about somebody's leaving may find them open).
func (s *session) closeAbandoned(ctx context.Context) error {
	if s.kept.spooled != nil {
		return nil
	}
	for _, r := range s.memory.Open() {
		if slices.ContainsFunc(r.Systems, func(name string) bool { return s.busy[name] != nil }) {
			continue // it goes on
		}
		if !slices.ContainsFunc(r.Systems, func(name string) bool { return s.has(name) }) && len(r.Systems) > 0 {
			continue
		}
		if slices.ContainsFunc(r.Systems, func(name string) bool { return !s.has(name) && s.head.Repo.System(name) != nil }) {
			continue // a system that this run doesn't hold may still be worked on
		}
		end := journal.Closed{Outcome: "cut off; found and closed by the next run", Exit: ExitPartly}
		if err := s.journal.Append(ctx, journal.Entry{Run: r.Run, Data: end}); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) has(name string) bool {
	return slices.ContainsFunc(s.systems, func(sys *system) bool { return sys.decl.ID.Value == name })
}

// lockNames takes the locks of the systems by name, before the journal and the systems are
// read. A journal that is kept elsewhere is written to by one process here at a time.
func (s *session) lockNames() (err error) {
	var names []string
	for _, sys := range s.head.Repo.Systems {
		if len(s.opts.Systems) == 0 || slices.Contains(s.opts.Systems, sys.ID.Value) {
			names = append(names, sys.ID.Value)
		}
	}
	if s.opts.Leave != nil {
		return s.lockEach(names)
	}
	if s.kept.spooled != nil {
		names = append(names, spoolLock)
	}
	s.unlock, err = journal.LockRun(s.kept.dir, names)
	return err
}

// lockIdentities takes the locks of what the systems really are: two names for one system
// share one lock.
func (s *session) lockIdentities() (func(), error) {
	var names []string
	for _, sys := range s.systems {
		if sys.live != nil && sys.live.Identity() != "" {
			names = append(names, "identity "+sys.live.Identity())
		}
	}
	slices.Sort(names)
	return journal.LockRun(s.kept.dir, slices.Compact(names))
}

// runID is when the run began and which plan it carries out, with a few random digits.
func runID(now time.Time, digest string) string {
	var b [3]byte
	rand.Read(b[:]) // never fails: crypto/rand
	return fmt.Sprintf("%s-%.8s-%s", now.UTC().Format("20060102T150405Z"), digest, hex.EncodeToString(b[:]))
}

func word(exit int) string {
	switch exit {
	case ExitOK:
		return "done"
	case ExitPartly:
		return "applied in part"
	case ExitFailed:
		return "failed"
	case ExitRefused:
		return "refused"
	case ExitStale:
		return "stale"
	}
	return "incomplete"
}
