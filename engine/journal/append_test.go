package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// gated is a store whose appends wait to be let through.
type gated struct {
	memStore
	entered chan int // the size of each append, when it begins
	leave   chan struct{}
}

func newGated() *gated {
	return &gated{entered: make(chan int), leave: make(chan struct{})}
}

func (s *gated) Append(ctx context.Context, lines []byte) error {
	s.entered <- strings.Count(string(lines), "\n")
	<-s.leave
	return s.memStore.Append(ctx, lines)
}

// side appends entries side by side, in their order, while the store is busy with the first one,
// and returns how many lines each write had and what became of each entry.
func side(t *testing.T, s *gated, j *Journal, first Entry, ctxs map[int]context.Context, more ...Entry) (writes []int, errs []error) {
	t.Helper()
	errs = make([]error, 1+len(more))
	var wg sync.WaitGroup
	wg.Go(func() { errs[0] = j.Append(t.Context(), first) })
	writes = append(writes, <-s.entered)
	for i, e := range more {
		ctx := t.Context()
		if ctxs[i] != nil {
			ctx = ctxs[i]
		}
		wg.Go(func() { errs[1+i] = j.Append(ctx, e) })
		for j.queue.length() <= i {
			time.Sleep(time.Millisecond)
		}
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		select {
		case s.leave <- struct{}{}:
		case n := <-s.entered:
			writes = append(writes, n)
		case <-done:
			return writes, errs
		}
	}
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

func begunUnit(run string, unit int) Entry {
	return Entry{Run: run, Data: Begun{System: "s", Unit: unit}}
}

func openGated(t *testing.T) (*gated, *Journal) {
	t.Helper()
	s := newGated()
	j := mustOpen(t, s)
	if writes, errs := side(t, s, j, Entry{Run: "r", Data: Opened{}}, nil); errs[0] != nil || len(writes) != 1 {
		t.Fatal(writes, errs)
	}
	return s, j
}

// TestGroup: what is appended side by side is made durable together, in order; what decides
// about what follows goes alone, and an entry that makes no sense fails by itself.
func TestGroup(t *testing.T) {
	s, j := openGated(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	writes, errs := side(t, s, j, begunUnit("r", 1), map[int]context.Context{3: cancelled},
		begunUnit("r", 2), begunUnit("r", 3), begunUnit("other", 4), begunUnit("r", 5), begunUnit("r", 6),
		begunUnit("r", 2), // the same again: it must not be taken into one group with the first
		Entry{Run: "q", Data: Opened{}}, begunUnit("q", 1), begunUnit("r", 7))
	if fmt.Sprint(writes) != "[1 3 1 2]" {
		t.Errorf("lines of each write: %v", writes)
	}
	var failed []int
	for i, err := range errs {
		if err != nil {
			failed = append(failed, i)
		}
	}
	if fmt.Sprint(failed) != "[3 4 6]" || !errors.Is(errs[4], context.Canceled) {
		t.Errorf("failed: %v\n%v", failed, errs)
	}
	var got []string
	for _, e := range entries(t, s) {
		text := string(e.Kind()) + " " + e.Run
		if b, ok := e.Data.(Begun); ok {
			text += fmt.Sprint(b.Unit)
		}
		got = append(got, text)
	}
	if want := "opened r, begun r1, begun r2, begun r3, begun r6, opened q, begun q1, begun r7"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", strings.Join(got, ", "), want)
	}
	if r, err := Verify(t.Context(), s, j.Head()); err != nil || r.Entries != 8 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestGroupFails: of a write that failed no entry counts, though some may be there; they are
// found when the journal is next written to.
func TestGroupFails(t *testing.T) {
	s, j := openGated(t)
	line := len(entries(t, s)[0].Hash) + 180 // more than one line, less than three
	s.failures = []failure{{}, {errFull, 2 * line}}
	_, errs := side(t, s, j, begunUnit("r", 1), nil, begunUnit("r", 2), begunUnit("r", 3), begunUnit("r", 4))
	if errs[0] != nil || !errors.Is(errs[1], errFull) || !errors.Is(errs[2], errFull) || !errors.Is(errs[3], errFull) {
		t.Fatal(errs)
	}
	if got := j.Memory().Open()[0].Units; len(got) != 1 {
		t.Errorf("units that are known before the store was looked at: %v", got)
	}
	if _, errs := side(t, s, j, Entry{Data: Note{Topic: "n"}}, nil); errs[0] != nil {
		t.Fatal(errs)
	}
	whole := len(j.Memory().Open()[0].Units)
	if whole < 2 || whole > 3 {
		t.Errorf("%d units are in the journal", whole)
	}
	var kinds []string
	for _, e := range entries(t, s) {
		kinds = append(kinds, string(e.Kind()))
	}
	want := "opened" + strings.Repeat(" begun", whole) + " recovered note"
	if strings.Join(kinds, " ") != want {
		t.Errorf("got %q, want %q", strings.Join(kinds, " "), want)
	}
}

// TestGroupLimit: a write has no more than maxGroup bytes, unless one entry alone has.
func TestGroupLimit(t *testing.T) {
	s, j := openGated(t)
	big := func(unit, size int) Entry {
		e := begunUnit("r", unit)
		c := Change{Person: strings.Repeat("x", size)}
		c.System, c.Action, c.Subject.Kind, c.Subject.Name = "s", "create", "account", "a"
		e.Data = Begun{System: "s", Unit: unit, Changes: []Change{c}}
		return e
	}
	writes, errs := side(t, s, j, begunUnit("r", 1), nil, big(2, maxGroup/2), big(3, maxGroup/4), big(4, maxGroup/2), big(5, 2*maxGroup), big(6, 10))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(writes) != "[1 2 1 1 1]" {
		t.Errorf("lines of each write: %v", writes)
	}
}

// TestHoleInGroup: of lines that were synced together a crash may leave the last ones and not
// the first. A hole with more behind it than one write has was made by somebody.
func TestHoleInGroup(t *testing.T) {
	good := written(t)
	hole := strings.Repeat("\x00", 1024-len(good)%512)
	for behind, want := range map[int]error{1: nil, maxGroup - 4096: nil, maxGroup: ErrBroken} {
		tail := hole + "rest\n" + strings.Repeat("{}\n", behind/3)
		j, err := Open(t.Context(), &memStore{data: append(append([]byte(nil), good...), tail...)}, clock())
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%d bytes behind the hole: %v", behind, err)
		} else if want == nil && j.Torn() != int64(len(tail)) {
			t.Errorf("%d bytes behind the hole: %d are torn of %d", behind, j.Torn(), len(tail))
		}
	}
}
