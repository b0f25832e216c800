package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// memStore is a journal in memory that can be told to fail.
type memStore struct {
	mu       sync.Mutex
	data     []byte
	failures []failure // one is used up by each Append
}

// failure says how much of a line an Append writes before it fails.
type failure struct {
	err   error
	bytes int // -1: all of it
}

var errFull = errors.New("no space left on device")

func (s *memStore) String() string { return "memory" }

func (s *memStore) Load(context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.data), nil
}

func (s *memStore) Append(_ context.Context, line []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.failures) > 0 {
		f := s.failures[0]
		s.failures = s.failures[1:]
		if f.err != nil {
			if f.bytes < 0 || f.bytes > len(line) {
				f.bytes = len(line)
			}
			s.data = append(s.data, line[:f.bytes]...)
			return f.err
		}
	}
	s.data = append(s.data, line...)
	return nil
}

func (s *memStore) Truncate(_ context.Context, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = s.data[:size]
	return nil
}

// clock goes on by a second at each look.
func clock() func() time.Time {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Second)
		return at
	}
}

func mustOpen(t testing.TB, s Store) *Journal {
	t.Helper()
	j, err := Open(t.Context(), s, clock())
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func mustAppend(t testing.TB, j *Journal, run string, data ...Data) {
	t.Helper()
	for _, d := range data {
		if err := j.Append(t.Context(), Entry{Run: run, Data: d}); err != nil {
			t.Fatal(err)
		}
	}
}

func entries(t testing.TB, s Store) []Entry {
	t.Helper()
	var out []Entry
	for e, err := range ReadAll(t.Context(), s) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// shared is a memStore that others may append to.
type shared struct{ memStore }

func (s *shared) Lock(ctx context.Context) (func(), error) { return func() {}, nil }

func (s *shared) LoadFrom(ctx context.Context, offset int64) ([]byte, error) {
	if int64(len(s.data)) < offset {
		return nil, fmt.Errorf("%w: shorter", ErrBroken)
	}
	return s.data[offset:], nil
}
