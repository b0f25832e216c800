package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/match"
	"github.com/accordhq/accord/engine/observe"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/repo"
	"github.com/accordhq/accord/engine/resolve"
)

// PlanOptions say what is to be planned.
type PlanOptions struct {
	Source
	// Base is the revision that the change starts from; empty: the last applied one.
	Base string
	// At is the instant; zero means now. With Day it is a day, of which the beginning in the
	// repository's time zone is meant.
	At  time.Time
	Day bool
	// NoLive leaves every system unread: only what the declaration itself changes.
	NoLive bool
	// Systems limits the run to these; empty means all.
	Systems []string
	Only    []plan.Class
	Allow   []plan.Allow
	// Parallel is how many systems are read at a time, Timeout how long one may take; zero
	// means 8, and two minutes.
	Parallel int
	Timeout  time.Duration
	// Approvals are evidence for what rules demand; nil: there is none.
	Approvals *Approvals
	// Progress is told about each system that answered; it may be nil.
	Progress func(observe.Result)
	// Leave makes the run one about nothing but one person's leaving; nil: it is about everybody.
	Leave *Leave
	// person is whom a question is about; nothing else is asked then. touched says that of a change
	// only what it touches has to be known.
	person  string
	touched bool
	// Inputs is told what the policies were asked, each a JSON document on one line; it may be nil.
	Inputs func(input []byte) error
}

// session is one run of plan or apply: what was declared, read and resolved.
type session struct {
	*Engine
	opts    PlanOptions
	head    *Declaration
	kept    keeping // where the journal is
	aside   *aside  // what is read of it meanwhile; nil: nothing is
	away    error   // why its record can't be reached, if this run goes on by what was seen of it
	byWhat  string  // what that is
	unsent  error   // why what an earlier run recorded couldn't be sent there
	root    string  // of the repository
	notify  []declare.Notify
	journal *journal.Journal
	memory  journal.Memory
	at      time.Time
	systems []*system
	bases   map[string]*base
	notes   []string
	tip     *declare.Repository // the tip of --base; nil without one
	tipRev  repo.Revision
	forked  repo.Revision // where the tip and head part
	// without are accesses whose longer window a policy refused, and whose agreed one is over.
	without map[string]map[resolve.Access]bool
	book    *rulebook // by what head is judged
	own     *rulebook // by what head would judge
	// settings are the judging settings that head changes, refusals those of whole systems.
	policies string // of head, by their content
	settings []plan.Setting
	refusals []plan.Refusal
	authors  []repo.Author     // of what head changes
	proof    *evidence         // made when it is asked for
	approved map[string]string // the change digests of commits that approvals name
	trusted  []journal.Demand  // connections that owners agreed to
	met      []journal.Demand  // what rules demanded of the plan and approvals met
	applied  []applied
	newest   *base // the base of the whole declaration; nil if there is none
	last     *base // what was last applied to any system, or the base of --base; nil if there is none
	shifts   []access.Shift
	digest   string // the change digest where there is no base
	conns    map[string]resolve.Connector
	plain    *resolve.World                      // head where there is no base; nil if every system has one
	others   []other                             // systems that aren't part of the run, where roles exclude each other
	found    map[string]map[string]resolve.Found // accounts that are called otherwise than declared
	reading  *observe.Reading                    // of the systems; nil before any could be asked
	seen     *remembering
	focus    map[string]bool    // the only people whose access is resolved; nil: everybody's
	differs  declare.Difference // of head to the base that is known to be sound, with focus
	besides  sound              // what is known of that base
	alone    bool               // only the declaration itself matters, not what it changes
	unlock   func()             // releases the locks by name; nil while planning
	busy     map[string]error   // systems whose lock another run holds; for a run about one person only
}

// system is one system of a session.
type system struct {
	decl    *declare.System
	ruled   ruled
	conf    *declare.System // whose connection is used
	matched match.Result    // whose the live accounts are
	// disputed are accounts that aren't touched, as it can't be told whose they are.
	disputed map[access.ID]bool
	desc     *access.Description // of its connector; made when it is asked for
	conn     connectors.Connector
	want     *resolve.Desired
	rev      *base // what head is compared with here; nil if there is nothing
	base     *resolve.Desired
	baseAt   time.Time
	baseErr  string // why the last applied revision can't be had
	live     *access.State
	ahead    bool // it is asked while what is declared is being resolved
	// whole is the whole system, where live is the part that a run about one person concerns; asked
	// tells that the whole had to be read. took is how long reading took.
	whole   *access.State
	asked   []access.ID
	took    time.Duration
	err     error
	notRead string
	// doubtful says that there are no accounts, and that it can't be told whether there were.
	doubtful bool
}

// base is an earlier revision that head is compared with.
type base struct {
	rev   repo.Revision
	decl  *declare.Repository
	world *resolve.World // the base itself, at the session's instant
	head  *resolve.World // head, with the base as what was before
	// policies names the policies by their content; they are part of what a change changes.
	policies string
	shifts   []access.Shift // what head declares differently; made when it is asked for
	compared bool           // shifts are made
}

func (s *session) close() error {
	if s.reading != nil {
		s.reading.Stop() // before anything that reads is closed
	}
	errs := []error{s.head.Close()}
	for _, sys := range s.systems {
		if sys.conn != nil {
			errs = append(errs, sys.conn.Close())
		}
	}
	if s.unlock != nil {
		s.unlock()
	}
	return errors.Join(errs...)
}

// prepare loads, resolves and reads everything that a plan is made from. With write unset the
// connections themselves can't write where the systems offer that.
func (e *Engine) prepare(ctx context.Context, o PlanOptions, write bool) (_ *session, err error) {
	s := &session{Engine: e, opts: o, at: o.At, bases: map[string]*base{}, found: map[string]map[string]resolve.Found{}}
	if s.at.IsZero() {
		s.at = e.Now()
	}
	if !write {
		s.aside = journalAside(ctx, o.Source)
		defer s.aside.stop()
	}
	if s.head, err = e.Load(ctx, o.Source); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if o.Day {
		s.at = declare.Date{Day: o.At}.Start(s.head.Repo.Config.Location())
	}
	if o.person == "" { // a question about one person isn't about the folder
		differs := s.head.differsAside(ctx, o.Source)
		defer func() { err = errors.Join(err, differs()) }()
	}
	if err := s.loadTip(ctx); err != nil {
		return nil, err
	}
	if s.kept, err = e.keeping(s.head, s.journalConfig()); err != nil {
		return nil, err
	}
	if write {
		if err := s.lockNames(); err != nil {
			return nil, err
		}
	}
	if err := s.remember(ctx, write); err != nil {
		return nil, err
	}
	if err := s.choose(); err != nil {
		return nil, err
	}
	if err := s.loadBases(ctx, write); err != nil {
		return nil, err
	}
	if err := s.loadBook(ctx); err != nil {
		return nil, err
	}
	s.root, s.notify = s.head.Root, s.book.decl.Config.Notify
	if err := s.weigh(ctx); err != nil {
		return nil, err
	}
	s.connect(write)
	s.readAhead(ctx)
	s.setFocus(ctx)
	if err := s.resolve(); err != nil {
		return nil, err
	}
	s.noteTouched()
	if err := s.loadApproved(ctx); err != nil {
		return nil, err
	}
	s.distrust(write)
	if err := s.leave(); err != nil {
		return nil, err
	}
	s.unfocused()
	s.read(ctx)
	if err := s.correlate(); err != nil {
		return nil, err
	}
	s.narrow()
	return s, nil
}

// prepareOffline resolves a declaration by itself: no journal, no earlier revision, no system.
func (e *Engine) prepareOffline(ctx context.Context, o PlanOptions) (_ *session, err error) {
	s := &session{Engine: e, opts: o, at: e.Now(), bases: map[string]*base{}, alone: true}
	if s.head, err = e.Load(ctx, o.Source); err != nil {
		return nil, err
	}
	if err = s.chooseOffline(); err == nil {
		err = s.resolve()
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// chooseOffline picks the systems of a declaration that is judged by nothing but itself.
func (s *session) chooseOffline() error {
	if err := s.choose(); err != nil {
		return err
	}
	s.book = &rulebook{decl: s.head.Repo, own: true}
	for _, sys := range s.systems {
		s.rule(sys)
	}
	s.connect(false)
	return nil
}

// openRun says what is known of a run that never came to its end.
func openRun(r journal.OpenRun, elsewhere bool) string {
	done, other, unknown := 0, 0, 0
	for _, u := range r.Units {
		for _, outcome := range u.Outcomes() {
			switch outcome {
			case journal.Done, journal.Already:
				done++
			case journal.Unknown:
				unknown++
			default:
				other++
			}
		}
	}
	by := r.Actor
	if r.Offboard != "" {
		by += ", offboarding " + r.Offboard
	}
	state := "never came to its end"
	if elsewhere {
		state = "is at work or was cut off (then accord journal close ends it)"
	}
	text := fmt.Sprintf("the run %s by %s, begun %s, %s: %d done", r.Run, by, r.Since.UTC().Format("2006-01-02 15:04:05"), state, done)
	if unknown > 0 {
		text += fmt.Sprintf(", %d begun without a known outcome", unknown)
	}
	if other > 0 {
		text += fmt.Sprintf(", %d not done", other)
	}
	return text + "; what is missing is in this plan"
}

// choose picks the systems.
func (s *session) choose() error {
	for _, name := range s.opts.Systems {
		if s.head.Repo.System(name) == nil {
			return s.noSystem(name)
		}
	}
	for _, d := range s.head.Repo.Systems {
		if d.State.Value == "released" || len(s.opts.Systems) > 0 && !slices.Contains(s.opts.Systems, d.ID.Value) {
			continue
		}
		s.systems = append(s.systems, &system{decl: d})
	}
	return nil
}

// connect opens the connectors. Opening does no I/O, so a connector that can't be opened is
// misconfigured; that is the system's own error.
func (s *session) connect(write bool) {
	for _, sys := range s.systems {
		s.open(sys, write)
	}
}

// open opens the connector of one system, by the connection that is trusted.
func (s *session) open(sys *system, write bool) {
	t, _ := s.connector(sys.conf.Connector.Value)
	if sys.conn, sys.err = t.Open(s.config(sys.conf, t.Describe(), !write)); sys.err != nil {
		sys.conn, sys.err = nil, fmt.Errorf("opening %s: %w", sys.decl.ID.Value, sys.err)
	}
}
