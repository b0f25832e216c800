package apply_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/journal"
)

// published is a disk of which the journal has to be published.
type published struct {
	*disk
	t       testing.TB
	mu      sync.Mutex
	moments []string // each with how many entries there were
	// refuse says what becomes of the n-th publishing, from 1.
	refuse func(n int) error
}

func (p *published) Publish(_ context.Context, m journal.Moment) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	entries := p.entries(p.t) // once: others write to the journal meanwhile
	p.moments = append(p.moments, string(m)+" after "+entries[len(entries)-1])
	if p.refuse == nil {
		return nil
	}
	return p.refuse(len(p.moments))
}

func publishing(t *testing.T, refuse func(n int) error) (*world, *published) {
	w := newWorld(t)
	p := &published{disk: w.disk, t: t, refuse: refuse}
	w.store = p
	return w, p
}

var errPush = errors.New("the push was refused")

// TestPublishMoments: the journal is published when the run is opened, before anything is done,
// and when a system is at its end.
func TestPublishMoments(t *testing.T) {
	w, p := publishing(t, nil)
	far := w.system("a", "a1 b1")
	far.Watch(func() {
		if len(p.moments) == 0 {
			t.Error("something was written before the run was known")
		}
	})
	w.steps("a", "-a1", "+b2")
	w.want("steps", w.outcomes(), "done held", "done held")
	w.want("moments", p.moments, "opening after opened", "system closed after closed a converged=true leavers=true")
}

// TestPublishEachSystem: a system is closed and published as soon as nothing is left to do there,
// while others are still worked on.
func TestPublishEachSystem(t *testing.T) {
	w, p := publishing(t, nil)
	w.system("a", "a1")
	b := w.system("b", "b1")
	b.Intercept(func(ctx context.Context, _ access.Change) error {
		for ctx.Err() == nil {
			p.mu.Lock()
			n := len(p.moments)
			p.mu.Unlock()
			if n == 2 {
				return nil
			}
			time.Sleep(time.Millisecond)
		}
		return ctx.Err()
	})
	w.steps("a", "-a1")
	w.steps("b", "-b1")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := w.run(ctx); err != nil {
		t.Fatal(err)
	}
	if len(p.moments) != 3 || !strings.Contains(p.moments[1], "closed a") || !strings.Contains(p.moments[2], "closed b") {
		t.Errorf("%q", p.moments)
	}
}

// TestPublishHeld: if another run has the journal open, or has written to it, nothing is done.
func TestPublishHeld(t *testing.T) {
	for _, refusal := range []error{&journal.HeldError{Run: "other", Actor: "alice"}, journal.ErrMoved} {
		w, _ := publishing(t, func(int) error { return refusal })
		far := w.system("a", "a1 b1")
		w.steps("a", "L-a1", "-b1", "+c2")
		res, err := w.run(t.Context())
		if res != nil || !errors.Is(err, refusal) {
			t.Errorf("%v %v", res, err)
		}
		if n := len(far.Applied()); n > 0 {
			t.Errorf("%d changes were made", n)
		}
		w.want("entries", w.disk.entries(t), "opened")
	}
}

// TestPublishUnopened: if nobody can be told of the run, those who left lose what they hold all
// the same; nothing else is done.
func TestPublishUnopened(t *testing.T) {
	w, _ := publishing(t, func(int) error { return errPush })
	far := w.system("a", "a1 b1 c1", memory.Batch(access.BatchAll))
	w.steps("a", "L-a1", "L!a", "-b1", "+c2", "*d", "_c1")
	res, err := w.run(t.Context())
	if err != nil || !res.Unopened || !errors.Is(res.Unpublished, errPush) {
		t.Fatalf("%+v %v", res, err)
	}
	w.want("steps", outcomes(res), "done held", "done held", "skipped", "skipped", "skipped", "skipped")
	w.want("live", strings.Fields(live(far)), "a!", "b1", "c1")
}

// TestPublishRefusedHalfWay: once the journal can't be published any more, only what takes access
// away goes on, also by itself out of a batch.
func TestPublishRefusedHalfWay(t *testing.T) {
	for name, options := range map[string][]memory.Option{"one by one": nil, "in batches": {memory.Batch(access.BatchAll)}} {
		t.Run(name, func(t *testing.T) {
			refused := make(chan struct{})
			w, _ := publishing(t, func(n int) error {
				if n == 2 {
					close(refused)
				}
				if n >= 2 {
					return errPush
				}
				return nil
			})
			w.system("a", "a1")
			far := w.system("b", "b1 c1 f1", options...)
			// Until a is at its end, b is busy with what a leaver loses.
			far.Intercept(func(ctx context.Context, c access.Change) error {
				if c.Subject.Name == "f" {
					<-refused
					time.Sleep(20 * time.Millisecond) // until the refusal has arrived
				}
				return nil
			})
			w.steps("b", "L-f1", "+d2", "-b1", "*e", "+e1<3")
			res, err := w.run(t.Context())
			if err != nil || res.Unopened || !errors.Is(res.Unpublished, errPush) {
				t.Fatalf("%+v %v", res, err)
			}
			w.want("steps", outcomes(res), "done held", "skipped", "done held", "skipped", "skipped")
			w.want("live", strings.Fields(live(far)), "c1")
			if !slices.Contains(w.disk.entries(t), "closed b converged=false leavers=true") {
				t.Errorf("%q", w.disk.entries(t))
			}
		})
	}
}
