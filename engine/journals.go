package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/accordhq/accord/engine/journal"
)

// JournalStore is where the journal of the access repository is kept.
func (e *Engine) JournalStore(ctx context.Context, src Source) (journal.Store, error) {
	k, err := e.journalOf(ctx, src)
	return k.store, err
}

func (e *Engine) journalOf(ctx context.Context, src Source) (keeping, error) {
	d, err := e.Load(ctx, src)
	if err != nil {
		return keeping{}, err
	}
	defer d.Close()
	return e.keeping(d, d.Repo.Config)
}

// Pushed is what PushJournal did.
type Pushed struct {
	journal.Sent
	// Ref is where the record is.
	Ref string
	// From is the folder that was taken over, Kept the name that its journal has now; empty if
	// none was.
	From, Kept string
}

// ErrNotPublished: the journal is in a folder, where nothing has to be pushed.
var ErrNotPublished = errors.New("the journal is in a folder, and nothing of it has to be pushed")

// PushJournal sends what runs couldn't send. With from, a folder in the repository that holds a
// journal, that one becomes the beginning of the one in git, which must be empty.
func (e *Engine) PushJournal(ctx context.Context, src Source, from string) (_ *Pushed, err error) {
	k, err := e.journalOf(ctx, src)
	if err != nil {
		return nil, err
	}
	if k.spooled == nil {
		return nil, ErrNotPublished
	}
	unlock, err := journal.LockRun(k.dir, []string{spoolLock})
	if err != nil {
		return nil, err
	}
	defer unlock()
	out := &Pushed{Ref: k.store.String()}
	if from == "" {
		out.Sent, err = k.spooled.Settle(ctx, journal.Closing)
		return out, err
	}
	return out, k.takeOver(ctx, from, out)
}

// takeOver makes a journal in a folder the beginning of this one, and puts its file aside.
func (k keeping) takeOver(ctx context.Context, from string, out *Pushed) error {
	rel, err := filepath.Rel(filepath.Dir(k.dir), from)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return fmt.Errorf("%s is outside the repository", from)
	}
	r, err := k.spooled.TakeOver(ctx, journal.Dir(from))
	if err != nil {
		return err
	}
	out.Entries, out.From = int(r.Entries), rel
	name := filepath.Join(from, journal.FileName)
	out.Kept = filepath.Join(rel, journal.FileName+".pushed")
	if err := os.Rename(name, name+".pushed"); err != nil {
		return fmt.Errorf("the journal was taken over, and now its file must be moved away: %w", err)
	}
	return nil
}

// ErrNoRun: no such run is open.
var ErrNoRun = errors.New("no such run is open")

// CloseRun ends a run that never came to its end, on the record, and returns it as it was. With
// an empty id the only open run is meant. A run that goes on in this workspace is not closed; of
// one elsewhere the caller has to know. If it goes on all the same, it can't publish any more,
// and stops.
func (e *Engine) CloseRun(ctx context.Context, src Source, id, reason string) (*journal.OpenRun, error) {
	if reason == "" {
		return nil, errors.New("a run isn't closed without a reason")
	}
	k, err := e.journalOf(ctx, src)
	if err != nil {
		return nil, err
	}
	if k.spooled == nil {
		return e.closeIn(ctx, k.store, id, reason, k.dir)
	}
	unlock, err := journal.LockRun(k.dir, []string{spoolLock})
	if err != nil {
		return nil, err
	}
	defer unlock()
	_, err = k.spooled.Settle(ctx, journal.Closing)
	if !errors.Is(err, journal.ErrHeld) {
		if err != nil {
			return nil, err
		}
		return e.closeIn(ctx, k.store, id, reason, "")
	}
	// What is spooled here can't be sent before that other run is closed: it is closed past it.
	dir, err := os.MkdirTemp("", "accord-close-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	run, err := e.closeIn(ctx, k.spooled.Beside(filepath.Join(dir, defaultJournalDir)), id, reason, "")
	if err != nil {
		return nil, err
	}
	_, err = k.spooled.Settle(ctx, journal.Closing)
	return run, err
}

// closeIn closes a run in a store. With a folder of locks it must hold those of the run's systems.
func (e *Engine) closeIn(ctx context.Context, store journal.Store, id, reason, locks string) (*journal.OpenRun, error) {
	j, err := journal.Open(ctx, store, e.Now)
	if err != nil {
		return nil, err
	}
	run, err := pick(j.Memory().Open(), id)
	if err != nil {
		return nil, err
	}
	if locks != "" {
		unlock, err := journal.LockRun(locks, run.Systems)
		if err != nil {
			return nil, fmt.Errorf("the run %s goes on: %w", run.Run, err)
		}
		defer unlock()
	}
	end := journal.Closed{Outcome: "cut off", Exit: ExitPartly, By: e.Actor, Reason: reason}
	if err := j.Append(ctx, journal.Entry{Run: run.Run, Data: end}); err != nil {
		return nil, err
	}
	return run, j.Publish(ctx, journal.Closing)
}

func pick(open []journal.OpenRun, id string) (*journal.OpenRun, error) {
	var ids []string
	for i, r := range open {
		if r.Run == id || id == "" && len(open) == 1 {
			return &open[i], nil
		}
		ids = append(ids, r.Run)
	}
	switch {
	case id == "" && len(open) > 1:
		return nil, fmt.Errorf("several runs are open, name one of them: %s", strings.Join(ids, ", "))
	case len(open) == 0:
		return nil, fmt.Errorf("%w: every run came to its end", ErrNoRun)
	}
	return nil, fmt.Errorf("%w: %s; open are %s", ErrNoRun, id, strings.Join(ids, ", "))
}
