package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// SpoolName is the name of a spool in its folder.
const SpoolName = "spool.jsonl"

// Record is where the lines of a journal are kept for everybody. It only ever grows.
type Record interface {
	// Fetch returns all lines there are now. A record that doesn't exist yet is empty; one that
	// can't be asked is an error, ErrUnreachable. It fails with ErrRewound if what an earlier Fetch of anybody in
	// this place has seen isn't the beginning of what there is.
	Fetch(ctx context.Context) ([]byte, error)
	// Seen returns the lines that anybody in this place has fetched last, without asking for more;
	// none if nobody ever did. It stands for a Fetch where that can't be: Extend goes on from it.
	Seen(ctx context.Context) ([]byte, error)
	// Extend adds whole lines behind those that the last Fetch has returned and Extend has added
	// since, under a title for people. It fails with ErrMoved, having added nothing, if somebody
	// else has added something. After any other error the lines may be there or not; the next
	// Extend, which is given them again, finds out.
	Extend(ctx context.Context, lines []byte, title string) error
	// String says where the record is, without a credential.
	String() string
}

// checker is a Record that can look at more than the lines: at how they came to be there.
type checker interface {
	Check(ctx context.Context) error
}

// Spooled is a journal whose record is kept elsewhere. What is appended goes into a file first,
// DIR/spool.jsonl, and is durable there; Publish adds it to the record.
//
// At most one process may write through one spool: see LockRun.
type Spooled struct {
	record Record
	spool  dir
	now    func() time.Time

	sending sync.Mutex // one Publish at a time

	mu    sync.Mutex
	base  int64 // bytes of the record that stand before the spool's first line
	sent  int64 // bytes of the spool that are on the record
	stale bool  // the spool doesn't follow the record as it stands
	away  error // why the record isn't asked; nil: it is
}

// NewSpooled keeps a journal in a record, with its spool in the folder.
func NewSpooled(path string, r Record, now func() time.Time) *Spooled {
	return &Spooled{record: r, spool: dir{path, SpoolName}, now: now}
}

// String says where the record is.
func (s *Spooled) String() string { return s.record.String() }

// Load returns the record and what is spooled behind it. It writes nothing: where others have
// written to the record meanwhile, the spool is shown as Settle would add it.
func (s *Spooled) Load(ctx context.Context) ([]byte, error) {
	record, follows, _, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base, s.sent, s.stale = int64(len(record)), 0, !follows.fits
	return append(record, follows.lines...), nil
}

// look reads the spool first: what is published in between is then found on the record.
func (s *Spooled) look(ctx context.Context) (record []byte, f *spooled, spool int64, err error) {
	lines, err := s.spool.Load(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	if record, err = s.fetch(ctx); err != nil {
		return nil, nil, 0, err
	}
	f, err = follow(ctx, s.spool.String(), record, lines, s.now())
	return record, f, int64(len(lines)), err
}

// fetch reads the record: as it is or, where it is away, as it was seen last.
func (s *Spooled) fetch(ctx context.Context) ([]byte, error) {
	if s.unasked() != nil {
		return s.record.Seen(ctx)
	}
	return s.record.Fetch(ctx)
}

func (s *Spooled) unasked() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.away
}

// GoOn makes the journal that of what was seen of the record last, with the spool behind it: for
// what must not wait until the record can be reached. why is the error of the way there, which
// Publish returns from now on without another try, except at the Closing.
//
// It writes to the spool what AsSeen only shows.
func (s *Spooled) GoOn(ctx context.Context, why error) error {
	s.AsSeen(why)
	_, follows, _, err := s.look(ctx)
	if err != nil || follows.fits {
		return err
	}
	_, err = s.rewrite(ctx, follows)
	return err
}

// AsSeen makes Load show what was seen of the record last, with the spool behind it.
func (s *Spooled) AsSeen(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = why
}

// start is where the spool begins in what Load has returned.
func (s *Spooled) start() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base
}

// LoadFrom returns what stands behind the offset. It fails where nothing may be appended: the
// spool doesn't follow the record.
func (s *Spooled) LoadFrom(ctx context.Context, offset int64) ([]byte, error) {
	s.mu.Lock()
	base, stale := s.base, s.stale
	s.mu.Unlock()
	if stale || offset < base {
		return nil, fmt.Errorf("%w, and what is spooled in %s doesn't follow it; accord journal push sends that", ErrMoved, s.spool)
	}
	return s.spool.LoadFrom(ctx, offset-base)
}

// Append writes the lines into the spool and syncs it.
func (s *Spooled) Append(ctx context.Context, lines []byte) error { return s.spool.Append(ctx, lines) }

// Truncate cuts the spool.
func (s *Spooled) Truncate(ctx context.Context, size int64) error {
	s.mu.Lock()
	base := s.base
	s.mu.Unlock()
	if size < base {
		return fmt.Errorf("what is on the record can't be taken back")
	}
	return s.spool.Truncate(ctx, size-base)
}

// Lock keeps other writers of this spool out.
func (s *Spooled) Lock(ctx context.Context) (func(), error) { return s.spool.Lock(ctx) }

// Publish sends what the spool holds beyond the record.
func (s *Spooled) Publish(ctx context.Context, m Moment) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	if err := s.unasked(); err != nil && m != Closing {
		return err
	}
	s.mu.Lock()
	sent := s.sent
	s.mu.Unlock()
	data, err := s.spool.LoadFrom(ctx, sent)
	if err != nil {
		return err
	}
	lines := data[:bytes.LastIndexByte(data, '\n')+1]
	if len(lines) == 0 {
		return nil
	}
	err = s.record.Extend(ctx, lines, title(lines))
	if err == nil {
		return s.empty(ctx, sent+int64(len(lines)))
	}
	if errors.Is(err, ErrMoved) && (m == Opening || m == Looking) {
		return errors.Join(s.whoMoved(ctx, err), s.takeBack(ctx, sent, lines, m))
	}
	return err
}

// title is what a last line tells of the lines that are published with it.
func title(lines []byte) string {
	e, err := decode(lines[bytes.LastIndexByte(lines[:len(lines)-1], '\n')+1 : len(lines)-1])
	switch d := e.Data.(type) {
	case Opened:
		return "Open " + e.Run
	case ClosedSystem:
		return "Close " + d.System + " in " + e.Run
	case Closed:
		return "Close " + e.Run
	}
	if err != nil || e.Run == "" {
		return "Go on"
	}
	return "Go on with " + e.Run
}

// empty takes out of the spool what is on the record, once that is all it holds.
func (s *Spooled) empty(ctx context.Context, sent int64) error {
	unlock, err := s.spool.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = sent
	rest, err := s.spool.LoadFrom(ctx, sent)
	if err != nil || len(rest) > 0 {
		return err
	}
	if err := s.spool.Truncate(ctx, 0); err != nil {
		return err
	}
	s.base, s.sent = s.base+sent, 0
	return nil
}

// takeBack drops the entry that was to open a run, under which nothing was done, or those of a look.
func (s *Spooled) takeBack(ctx context.Context, sent int64, lines []byte, m Moment) error {
	end := len(lines)
	for end > 0 {
		last := bytes.LastIndexByte(lines[:end-1], '\n') + 1
		e, err := decode(lines[last : end-1])
		if err != nil {
			return err
		}
		if k := e.Kind(); m == Opening && k != KindOpened || m == Looking && k != KindDrift && k != KindTold {
			break
		}
		if end = last; m == Opening {
			break
		}
	}
	if end == len(lines) {
		return nil
	}
	return s.spool.Truncate(ctx, sent+int64(end))
}

// whoMoved finds out who has written to the record.
func (s *Spooled) whoMoved(ctx context.Context, moved error) error {
	record, err := s.record.Fetch(ctx)
	if err != nil {
		return errors.Join(moved, err)
	}
	open, last, err := openRuns(ctx, s.String(), record)
	switch {
	case err != nil:
		return errors.Join(moved, err)
	case len(open) > 0:
		return HeldBy(open[0])
	case last.Run != "":
		return fmt.Errorf("%w: %s, at %s; what was planned is out of date", moved, last.Run, last.Time.Format("2006-01-02 15:04:05"))
	}
	return moved
}

// openRuns replays a record.
func openRuns(ctx context.Context, name string, record []byte) (open []OpenRun, last Entry, err error) {
	m := newMemory()
	var c chain
	_, err = c.lines(ctx, name, whole(record), func(e Entry) {
		m.replay(e)
		last = e
	})
	return Memory{m}.Open(), last, err
}

// Sent is what Settle found and did.
type Sent struct {
	// Entries is how many entries were added to the record.
	Entries int
	// Late says that others had written to the record, so that the entries stand behind a Late.
	Late bool
}

// settleTries is how often Settle begins anew when somebody else is faster.
const settleTries = 5

// Settle sends what an earlier run has left in the spool. If others have written to the record
// since, it is chained anew. While a run of somebody else is open there nothing is sent: that one
// would be cut off (ErrHeld). After an error nothing of the spool is lost, and unless it is
// ErrMoved, ErrRewound or ErrBroken the spool follows the record, so that more may be appended.
func (s *Spooled) Settle(ctx context.Context) (Sent, error) {
	for try := 1; ; try++ {
		out, err := s.settle(ctx)
		if err == nil {
			return out, nil
		}
		// What failed may be there all the same: a second look tells.
		if !errors.Is(err, ErrMoved) && (try > 1 || errors.Is(err, ErrUnreachable)) || try == settleTries || ctx.Err() != nil {
			return out, fmt.Errorf("sending what is spooled in %s: %w", s.spool, err)
		}
	}
}

func (s *Spooled) settle(ctx context.Context) (out Sent, err error) {
	if lines, err := s.spool.Load(ctx); err != nil || len(lines) == 0 {
		return out, err
	}
	record, follows, size, err := s.look(ctx)
	if err != nil {
		return out, err
	}
	if !follows.fits {
		if out.Late, err = s.rewrite(ctx, follows); err != nil {
			return out, err
		}
		size = int64(len(follows.lines))
	}
	s.mu.Lock()
	s.base, s.sent, s.stale = int64(len(record)), 0, false
	s.mu.Unlock()
	if len(follows.lines) == 0 {
		return out, nil
	}
	if err := s.cutsOff(ctx, record, follows.lines); err != nil {
		return out, err
	}
	if err := s.record.Extend(ctx, follows.lines, "Send what was spooled"); err != nil {
		return out, err
	}
	out.Entries = bytes.Count(follows.lines, []byte{'\n'})
	return out, s.empty(ctx, min(size, int64(len(follows.lines))))
}

// cutsOff fails with ErrHeld if a run is open on the record that the lines don't go on with.
func (s *Spooled) cutsOff(ctx context.Context, record, lines []byte) error {
	open, _, err := openRuns(ctx, s.String(), record)
	if err != nil || len(open) == 0 {
		return err
	}
	first, err := decode(lines[:bytes.IndexByte(lines, '\n')])
	if err != nil {
		return err
	}
	for _, r := range open {
		if first.Run != r.Run { // a Late goes on with none
			return HeldBy(r)
		}
	}
	return nil
}

// rewrite puts lines that follow the record in the place of those that don't.
func (s *Spooled) rewrite(ctx context.Context, f *spooled) (late bool, err error) {
	if len(f.lines) > 0 {
		first, err := decode(f.lines[:bytes.IndexByte(f.lines, '\n')])
		if err != nil {
			return false, err
		}
		late = first.Kind() == KindLate
	}
	unlock, err := s.spool.Lock(ctx)
	if err != nil {
		return late, err
	}
	defer unlock()
	return late, s.spool.replace(ctx, f.lines)
}

// TakeOver makes another journal the beginning of this one, which must be empty.
func (s *Spooled) TakeOver(ctx context.Context, from Store) (Report, error) {
	lines, err := from.Load(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("reading the journal %s: %w", from, err)
	}
	r, err := Verify(ctx, from, "")
	if err != nil {
		return r, err
	}
	here, err := s.Load(ctx)
	switch {
	case err != nil:
		return r, fmt.Errorf("reading the journal %s: %w", s, err)
	case len(here) > 0:
		return r, fmt.Errorf("the journal %s isn't empty, so that %s can't become its beginning", s, from)
	case r.Torn > 0:
		return r, fmt.Errorf("the last line of %s was cut short by a crash; the next run there drops it", from)
	case len(lines) == 0:
		return r, fmt.Errorf("the journal %s is empty", from)
	}
	open, _, err := openRuns(ctx, from.String(), lines)
	if err != nil {
		return r, err
	}
	if len(open) > 0 {
		return r, HeldBy(open[0])
	}
	if err := s.record.Extend(ctx, lines, "Take over "+filepath.Base(from.String())); err != nil {
		return r, fmt.Errorf("publishing the journal %s: %w", s, err)
	}
	return r, nil
}

// Beside is the same record with another spool.
func (s *Spooled) Beside(path string) *Spooled { return NewSpooled(path, s.record, s.now) }
