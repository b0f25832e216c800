package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// Calls counts what was asked of the system, over all its connectors.
type Calls struct {
	Opened, Closed      int
	Describe, Normalize int
	Read                int
	Apply, Batch        int
	Creates             int // calls of CreateEach
	// Writes are the units that reached the system; a batch is one.
	Writes int
	// Busiest is how many writes were under way at the same time at most.
	Busiest int
}

// When says whether a failing write takes effect.
type When bool

const (
	// Before: the write fails and nothing is changed.
	Before When = false
	// After: the write takes effect, and then its reply is lost.
	After When = true
)

// faults are what goes wrong, as told by a test.
type faults struct {
	denied    map[access.ID]bool // the zero ID: everything
	writes    []fault
	reads     []fault
	intercept func(context.Context, access.Change) error
	watch     func()
	hang      chan struct{} // closed when the system answers again
}

// fault is one failure to come.
type fault struct {
	in   int // how many calls from now; 1 is the next
	when When
	err  error
}

// FailWrite makes the n-th write from now fail, 1 being the next; a batch counts as one. With
// After it takes effect all the same. A nil error stands for connectors.ErrOutcomeUnknown.
func (s *System) FailWrite(n int, when When, err error) {
	if err == nil {
		err = fmt.Errorf("the reply was lost: %w", connectors.ErrOutcomeUnknown)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.writes = append(s.faults.writes, fault{n, when, err})
}

// FailRead makes the n-th Read from now fail, 1 being the next. A nil error stands for
// connectors.ErrIncomplete.
func (s *System) FailRead(n int, err error) {
	if err == nil {
		err = fmt.Errorf("page 2 couldn't be read: %w", connectors.ErrIncomplete)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.reads = append(s.faults.reads, fault{n, Before, err})
}

// Deny refuses all changes that concern these objects with connectors.ErrDenied; with no ID,
// all changes.
func (s *System) Deny(ids ...access.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.denied == nil {
		s.faults.denied = map[access.ID]bool{}
	}
	if len(ids) == 0 {
		s.faults.denied[access.ID{}] = true
	}
	for _, id := range ids {
		s.faults.denied[s.fold(id)] = true
	}
}

// Intercept calls a function before each change, with nothing locked: to wait, to change the
// system meanwhile, or to fail. An error keeps the change, and its batch, from taking place.
func (s *System) Intercept(f func(context.Context, access.Change) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.intercept = f
}

// Watch calls a function for each write that arrives, before it takes effect and with nothing
// locked; a batch is one. Nil ends it.
func (s *System) Watch(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.watch = f
}

// Hang makes the system answer nothing until Heal: each call waits for its context.
func (s *System) Hang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.hang == nil {
		s.faults.hang = make(chan struct{})
	}
}

// Heal ends all faults. What Hide hid stays hidden.
func (s *System) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.hang != nil {
		close(s.faults.hang)
	}
	s.faults = faults{}
}

// answers waits while the system hangs.
func (s *System) answers(ctx context.Context) error {
	s.mu.Lock()
	hang := s.faults.hang
	s.mu.Unlock()
	if hang == nil {
		return ctx.Err()
	}
	select {
	case <-hang:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Calls tells how often the system was asked what.
func (s *System) Calls() Calls {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Applied lists the changes that Accord's writes made true, in the order in which they took
// effect, those included that were true already.
func (s *System) Applied() []access.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.applied)
}

// write tells whether a write fails, and whether only its reply does.
func (f *faults) write(changes []access.Change) (lost bool, err error) {
	for _, c := range changes {
		if f.denied[access.ID{}] || f.denied[c.Subject] || f.denied[c.Target] && c.Action.OnGrant() {
			return false, fmt.Errorf("%s: the right to write is missing: %w", c, connectors.ErrDenied)
		}
	}
	hit := next(&f.writes)
	if hit == nil {
		return false, nil
	}
	return hit.when == After, fmt.Errorf("%s: %w", changes[0], hit.err)
}

// next counts one call and gives the fault that falls upon it.
func next(list *[]fault) *fault {
	var hit *fault
	for i := range *list {
		(*list)[i].in--
		if (*list)[i].in == 0 {
			f := (*list)[i]
			hit = &f
		}
	}
	*list = slices.DeleteFunc(*list, func(f fault) bool { return f.in <= 0 })
	return hit
}
