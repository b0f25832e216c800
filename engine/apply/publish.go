package apply

import (
	"context"
	"errors"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/journal"
)

// publishTime bounds one publishing of the journal.
const publishTime = 2 * time.Minute

// open makes the run known before it does anything. If another run has the journal open, or has
// written to it since this one was planned, nothing is done at all; if it just can't be
// published, those who left still lose what they hold.
func (r *runner) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	err := r.Journal.Publish(ctx, journal.Opening)
	if errors.Is(err, journal.ErrHeld) || errors.Is(err, journal.ErrMoved) {
		return err
	}
	r.unpublished, r.unopened = err, err != nil
	return nil
}

// publish makes known what was recorded. That must be tried even while the run is being stopped,
// though not for long then.
func (r *runner) publish(run context.Context, m journal.Moment) {
	if r.broken() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(run), publishTime)
	defer cancel()
	defer context.AfterFunc(run, func() { time.AfterFunc(stopTime, cancel) })()
	err := r.Journal.Publish(ctx, m)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unpublished == nil {
		r.unpublished = err
	}
}

// endWorked ends the systems on which nothing is left to do.
func (r *runner) endWorked(ctx context.Context, parts []*part) {
	for _, p := range parts {
		if !p.waiting() {
			r.end(ctx, p)
		}
	}
}

func (p *part) waiting() bool {
	for _, s := range p.steps {
		if s.Outcome == "" {
			return true
		}
	}
	return false
}

// end reads a system back, closes and publishes it, while others are still worked on.
func (r *runner) end(ctx context.Context, p *part) {
	if p.ended {
		return
	}
	p.ended = true
	r.ending.Go(func() {
		res := r.finish(ctx, p)
		r.publish(ctx, journal.SystemClosed)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.systems[p.name] = res
	})
}

// withhold skips, once the journal couldn't be published, what doesn't take access away; and if
// nobody knows of the run, all but what those who left hold. It returns the other steps.
func (r *runner) withhold(p *part, steps []*StepResult) []*StepResult {
	r.mu.Lock()
	why, unopened := r.unpublished, r.unopened
	r.mu.Unlock()
	if why == nil {
		return steps
	}
	var urgent, wait []*StepResult
	for _, s := range steps {
		if s.Takes(p.desc) && s.Action != access.Delete && (s.Leaver || !unopened) {
			urgent = append(urgent, s)
			continue
		}
		s.Outcome, s.Err = journal.Skipped, errors.New("it waits until the journal can be published")
		wait = append(wait, s)
	}
	if len(wait) > 0 {
		r.progress(p, wait)
	}
	return urgent
}
