package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Moment says why a run publishes what it has recorded.
type Moment string

// The moments.
const (
	// Opening: nothing but what must not wait may be written to a system before.
	Opening Moment = "opening"
	// Urgent: a run opens that does nothing but what must not wait, whoever else is at work. While
	// somebody is, it stays in the spool: what one run has on the record would cut off the other.
	Urgent Moment = "urgent"
	// Looking: something that was only seen is told; it gives way to whatever goes on.
	Looking Moment = "looking"
	// SystemClosed: the work on one system is at its end.
	SystemClosed Moment = "system closed"
	// Closing: the run is at its end.
	Closing Moment = "closing"
)

// Publisher is implemented by stores whose record is kept where others write to it as well.
type Publisher interface {
	Store
	// Publish adds to the record what was appended since the last time. When it returns nil it
	// is there for everybody, as the next entries after those that this store has read.
	//
	// At the Opening it fails with ErrHeld if a run is open that isn't this one, and with
	// ErrMoved if anybody has written to the record since it was read; what was appended is
	// taken back then, and so it is when Looking. Then nothing more may be appended. With any other error, and at other moments, what was appended stays, to
	// be published at the next moment or by a later run.
	Publish(ctx context.Context, m Moment) error
}

// Publish makes known what was appended so far, if the store is a Publisher; in any other store
// it was known at once.
func (j *Journal) Publish(ctx context.Context, m Moment) error {
	p, ok := j.store.(Publisher)
	if !ok {
		return nil
	}
	if j.readOnly {
		return ErrReadOnly
	}
	if m == Urgent {
		if open := j.Memory().Open(); len(open) > 1 { // the last one is this run
			j.held = HeldBy(open[0])
		}
	}
	if j.held != nil {
		return fmt.Errorf("publishing the journal %s: %w", j.store, j.held)
	}
	if err := p.Publish(ctx, m); err != nil {
		return fmt.Errorf("publishing the journal %s: %w", j.store, err)
	}
	return nil
}

// The errors of a record that others write to as well.
var (
	// ErrHeld: another run is open.
	ErrHeld = errors.New("another run has the journal open")
	// ErrMoved: somebody else has written to the record meanwhile.
	ErrMoved = errors.New("somebody else has written to the journal meanwhile")
	// ErrUnreachable: nobody could be asked what is on the record. It says nothing about the record
	// itself.
	ErrUnreachable = errors.New("the record can't be reached")
	// ErrRewound: the record isn't what it was: it was cut, or another one was put in its place.
	ErrRewound = errors.New("the journal was rewound or replaced")
)

// HeldError tells who has the journal open. It is an ErrHeld.
type HeldError struct {
	Run, Actor string
	Since      time.Time
	Systems    []string
}

// HeldBy makes the error of an open run.
func HeldBy(r OpenRun) *HeldError {
	return &HeldError{Run: r.Run, Actor: r.Actor, Since: r.Since, Systems: r.Systems}
}

// Error names the holder, and what to do if there is none any more.
func (e *HeldError) Error() string {
	on := ""
	if len(e.Systems) > 0 {
		on = " on " + strings.Join(e.Systems[:min(len(e.Systems), 3)], ", ")
		if n := len(e.Systems) - 3; n > 0 {
			on += fmt.Sprintf(" and %d more", n)
		}
	}
	return fmt.Sprintf("%v: %s by %s, since %s%s; wait for its end or, if it was cut off, end it with accord journal close %s",
		ErrHeld, e.Run, e.Actor, e.Since.UTC().Format("2006-01-02 15:04:05"), on, e.Run)
}

// Unwrap gives ErrHeld.
func (e *HeldError) Unwrap() error { return ErrHeld }
