package repo

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/journal"
)

// longJournal makes a bare repository that keeps a journal of so many entries, pushed ten at a
// time, and gives it and a clone of it.
func longJournal(b *testing.B, entries int) (bare, clone *gitRepo) {
	b.Helper()
	bare, clone, _ = twoClones(b)
	w := newWriter(b, bare.dir) // a bare repository keeps it itself
	if w.ref.place != nil {     // a bare clone has a remote
		bare.run("remote", "remove", "origin")
		w = newWriter(b, bare.dir)
	}
	var store lineStore // syncing each line to a disk would take minutes
	src, err := journal.Open(b.Context(), &store, w.now)
	if err != nil {
		b.Fatal(err)
	}
	change := journal.Change{Change: access.Change{System: "office", Action: access.Give, Subject: access.Account("alice"), Target: access.ID{Kind: "group", Name: "tools"}, After: &access.Value{Permission: "member"}}, Person: "alice", Class: journal.ClassChange}
	for i := 0; len(store.lines) < entries; i++ {
		run := fmt.Sprint("run", i)
		append1(b, src, run, opened("office"))
		for u := 1; u <= 49; u++ {
			append1(b, src, run, journal.Begun{System: "office", Unit: u, Changes: []journal.Change{change}}, journal.Ended{System: "office", Unit: u, All: journal.Done})
		}
		append1(b, src, run, journal.Closed{Outcome: "done"})
	}
	lines := store.lines[:entries]
	for i := 0; i < len(lines); i += 10 {
		var part []byte
		for _, l := range lines[i:min(i+10, len(lines))] {
			part = append(part, l...)
		}
		if err := w.ref.Extend(b.Context(), part, "x"); err != nil {
			b.Fatal(err)
		}
	}
	bare.run("gc", "-q")
	return bare, clone
}

// lineStore is a journal in memory.
type lineStore struct{ lines [][]byte }

func (s *lineStore) String() string                        { return "memory" }
func (s *lineStore) Load(context.Context) ([]byte, error)  { return bytes.Join(s.lines, nil), nil }
func (s *lineStore) Truncate(context.Context, int64) error { return nil }
func (s *lineStore) Append(_ context.Context, line []byte) error {
	s.lines = append(s.lines, bytes.Clone(line))
	return nil
}

// BenchmarkJournalRef measures, for journals that grow, what a runner pays that begins with
// nothing (fetch), one that has seen all (again), and one push of one entry (push).
func BenchmarkJournalRef(b *testing.B) {
	for _, entries := range []int{1_000, 10_000, 100_000} {
		bare, one := longJournal(b, entries)
		b.Run(fmt.Sprintf("fetch/%d", entries), func(b *testing.B) {
			for i := range b.N {
				b.StopTimer()
				dir := filepath.Join(b.TempDir(), fmt.Sprint(i))
				one.run("clone", "-q", bare.dir, dir)
				w := newWriter(b, dir)
				b.StartTimer()
				w.open()
			}
		})
		w := newWriter(b, one.dir)
		j := w.open()
		b.Run(fmt.Sprintf("again/%d", entries), func(b *testing.B) {
			for range b.N {
				newWriter(b, one.dir).open()
			}
		})
		b.Run(fmt.Sprintf("push/%d", entries), func(b *testing.B) {
			for range b.N {
				append1(b, j, "", journal.Note{Topic: "x"})
				if err := j.Publish(b.Context(), journal.Closing); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
