package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/notify"
	"github.com/accordhq/accord/engine/plan"
)

// mostKeys is how many differences of one kind a system may have that are remembered one by one.
// Where there are more, that is one fact of its own: a system that is seen for the first time may
// differ in everything.
const mostKeys = 5000

func manyKey(k plan.DriftKind, system string) string {
	return access.Key(string(k), system, access.ID{}, access.ID{}, notify.ManyDetail)
}

// flappingWord is before the key of a difference that flaps, as a key of its own.
const flappingWord = "flapping "

// recordLook remembers in the journal which differences a look saw. While a run is at work it
// doesn't, as that one couldn't go on if somebody else wrote to the journal; see atWork. The
// journal is the look's own until unlock is called.
func (s *session) recordLook(ctx context.Context, p *plan.Plan, all []plan.Difference) (unlock func(), err error) {
	if unlock, err = s.journalForLook(ctx); err != nil {
		return func() {}, err
	}
	return unlock, s.appendLook(ctx, s.lookEntry(p, all))
}

// atWork is the error if it says that somebody else is at work with the journal, else nil.
func atWork(err error) error {
	for _, is := range []error{journal.ErrHeld, journal.ErrMoved, journal.ErrLocked} {
		if errors.Is(err, is) {
			return err
		}
	}
	return nil
}

func notAtWork(err error) error {
	if atWork(err) != nil {
		return nil
	}
	return err
}

// journalForLook opens the journal for writing: a look reads it like a plan does. Where it is a
// folder other looks and applies may write to it as well.
func (s *session) journalForLook(ctx context.Context) (unlock func(), err error) {
	unlock = func() {}
	if s.kept.spooled != nil {
		if unlock, err = journal.LockRun(s.kept.dir, []string{spoolLock}); err != nil {
			return nil, err
		}
		if err := s.settle(ctx); err != nil {
			unlock()
			return nil, err
		}
	}
	if s.journal, err = journal.Open(ctx, s.kept.store, s.Now); err != nil {
		unlock()
		return nil, err
	}
	s.memory = s.journal.Memory()
	if open := s.memory.Open(); len(open) > 0 && s.kept.spooled != nil { // it would be cut off
		unlock()
		return nil, journal.HeldBy(open[0])
	}
	return unlock, nil
}

// appendLook writes entries of a look, and makes them known.
func (s *session) appendLook(ctx context.Context, data ...journal.Data) error {
	for _, d := range data {
		if err := s.journal.Append(ctx, journal.Entry{Data: d}); err != nil {
			return err
		}
	}
	err := s.journal.Publish(ctx, journal.Looking)
	if atWork(err) == nil { // else it was taken back
		s.memory = s.journal.Memory()
	}
	return err
}

// lookEntry is what the journal doesn't know yet. Nothing is taken for gone on the word of what
// wasn't seen: where a system couldn't be read whole, only what was unknown before may be known
// now.
func (s *session) lookEntry(p *plan.Plan, all []plan.Difference) journal.Drift {
	bySystem := map[string][]plan.Difference{}
	for _, d := range all {
		bySystem[d.System] = append(bySystem[d.System], d)
	}
	out := journal.Drift{Revision: p.Revision.Hash}
	for i := range p.Systems {
		sys := &p.Systems[i]
		open := s.memory.OpenDrift(sys.Name)
		keys, counts := keysOf(sys.Name, bySystem[sys.Name])
		e := journal.DriftSystem{System: sys.Name, Complete: sys.Readable(), Digest: digestOf(keys), Open: counts}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if _, known := open[key]; !known {
				e.New = append(e.New, key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(open)) {
			if !keys[key] && (sys.Readable() || isUnknown(key)) {
				e.Gone = append(e.Gone, key)
			}
		}
		out.Systems = append(out.Systems, e)
	}
	if len(s.opts.Systems) == 0 {
		out.Systems = append(out.Systems, s.departed(p)...)
	}
	return out
}

// departed ends what is open on systems that aren't declared any more, or are called otherwise.
func (s *session) departed(p *plan.Plan) []journal.DriftSystem {
	var out []journal.DriftSystem
	for _, name := range s.memory.Looked() {
		if _, there := p.System(name); there {
			continue
		}
		if open := s.memory.OpenDrift(name); len(open) > 0 {
			out = append(out, journal.DriftSystem{System: name, Gone: slices.Sorted(maps.Keys(open))})
		}
	}
	return out
}

// keysOf are the names under which differences of a system are remembered, and how many there are
// of each kind.
func keysOf(system string, all []plan.Difference) (keys map[string]bool, counts map[string]int) {
	keys, counts = map[string]bool{}, map[string]int{}
	for _, d := range all {
		counts[string(d.Kind)]++
	}
	for _, d := range all {
		key := d.Key()
		if counts[string(d.Kind)] > mostKeys {
			key = manyKey(d.Kind, system)
		}
		keys[key] = true
		if d.Fate == plan.FateFlapping {
			keys[flappingWord+key] = true
		}
	}
	return keys, counts
}

func isUnknown(key string) bool { return strings.HasPrefix(key, string(plan.DriftUnknown)+" ") }

func digestOf(keys map[string]bool) string {
	h := sha256.New()
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		h.Write([]byte(k + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// corrected is what a run did away with: steps that were seen to hold.
func (s *session) corrected(out *Applied) journal.Drift {
	gone := map[string][]string{}
	if out.Result == nil {
		return journal.Drift{}
	}
	for i := range out.Result.Steps {
		step := &out.Result.Steps[i]
		if step.Drift == "" || !step.Holds() {
			continue
		}
		if key := step.Difference().Key(); s.isOpen(step.System, key) {
			gone[step.System] = append(gone[step.System], key)
		}
	}
	e := journal.Drift{Revision: out.Plan.Revision.Hash}
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		slices.Sort(gone[name])
		e.Systems = append(e.Systems, journal.DriftSystem{System: name, Gone: gone[name]})
	}
	return e
}

func (s *session) isOpen(system, key string) bool {
	_, ok := s.memory.OpenDrift(system)[key]
	return ok
}

// afterwards remembers what drift a run saw and what of it is gone, and tells the news: where
// accord.yaml names somebody to tell. A run that does less leaves the journal as it is. It comes
// after the run, so that nothing of it can keep a run from being opened. A run about one person saw
// nothing but that person: what it didn't see isn't gone.
func (s *session) afterwards(ctx context.Context, out *Applied) (err error) {
	out.Differences = out.Plan.Differences()
	s.memory = s.journal.Memory()
	defer func() {
		s.since(out.Differences)
		out.Read = s.lastRead(out.Plan)
	}()
	if len(s.notify) == 0 {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // a run that was stopped is news as well
	if s.opts.Leave == nil {
		err = s.appendLook(ctx, s.lookEntry(out.Plan, out.Differences))
	}
	if err == nil {
		if gone := s.corrected(out); len(gone.Systems) > 0 {
			err = s.appendLook(ctx, gone)
		}
	}
	if err == nil {
		out.Told, err = s.tell(ctx, out.Plan, out.Differences)
	}
	out.Unrecorded, err = atWork(err), notAtWork(err)
	return err
}
