package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/accordhq/accord/engine/journal"
)

const testRef = "refs/accord/journal"

// twoClones makes a bare repository and clones of it, by git itself.
func twoClones(t testing.TB) (bare, one, two *gitRepo) {
	t.Helper()
	first := newGit(t)
	first.commit("start", "accord.yaml", "version: 1\n")
	bare = first.at(filepath.Join(t.TempDir(), "origin.git"))
	first.run("clone", "-q", "--bare", first.dir, bare.dir)
	clone := func() *gitRepo {
		g := first.at(filepath.Join(t.TempDir(), "clone"))
		first.run("clone", "-q", bare.dir, g.dir)
		return g
	}
	return bare, clone(), clone()
}

// writer is a journal of which the record is kept in git.
type writer struct {
	testing.TB
	ref   *JournalRef
	store *journal.Spooled
	clock time.Time
}

func newWriter(t testing.TB, dir string, options ...func(*JournalOptions)) *writer {
	t.Helper()
	w := &writer{TB: t, clock: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	o := JournalOptions{Ref: testRef, Actor: "robin", Now: w.now}
	for _, f := range options {
		f(&o)
	}
	ref, err := OpenJournal(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	w.ref, w.store = ref, journal.NewSpooled(filepath.Join(dir, ".accord"), ref, w.now)
	return w
}

func (w *writer) now() time.Time { return w.clock }

func (w *writer) open() *journal.Journal {
	w.Helper()
	j, err := journal.Open(w.Context(), w.store, w.now)
	if err != nil {
		w.Fatal(err)
	}
	return j
}

func append1(t testing.TB, j *journal.Journal, run string, data ...journal.Data) {
	t.Helper()
	for _, d := range data {
		if err := j.Append(t.Context(), journal.Entry{Run: run, Data: d}); err != nil {
			t.Fatal(err)
		}
	}
}

func opened(systems ...string) journal.Opened {
	return journal.Opened{Revision: "4f2a91c", Actor: "robin", Systems: systems}
}

// whole is a run with nothing in it, published as apply does.
func (w *writer) whole(run string) {
	w.Helper()
	j := w.open()
	for _, step := range []struct {
		m journal.Moment
		d journal.Data
	}{{journal.Opening, opened("office")}, {journal.SystemClosed, journal.ClosedSystem{System: "office", Revision: "4f2a91c"}}, {journal.Closing, journal.Closed{Outcome: "done"}}} {
		append1(w, j, run, step.d)
		if err := j.Publish(w.Context(), step.m); err != nil {
			w.Fatal(err)
		}
	}
}

func (w *writer) verify(head string) (journal.Report, error) {
	return journal.Verify(w.Context(), w.store, head)
}

func (w *writer) sound(entries int) string {
	w.Helper()
	r, err := w.verify("")
	if err != nil {
		w.Fatal(err)
	}
	if int(r.Entries) != entries || r.Unsent != 0 {
		w.Fatalf("%d entries, %d of them not sent; want %d", r.Entries, r.Unsent, entries)
	}
	return r.Head
}

// TestJournalRefGrows: each run appends commits, other clones see them, branches stay as they
// are, and git itself finds nothing wrong.
func TestJournalRefGrows(t *testing.T) {
	bare, one, two := twoClones(t)
	before := one.run("status", "--porcelain", "--branch")
	w1, w2 := newWriter(t, one.dir), newWriter(t, two.dir)
	w1.sound(0)
	w1.whole("a")
	w2.sound(3)
	w2.whole("b")
	head := w1.sound(6)
	if head != w2.sound(6) {
		t.Error("two clones see different heads")
	}
	bare.run("fsck", "--strict")
	one.run("fsck", "--strict")
	if got := bare.run("rev-list", "--count", testRef); got != "6" {
		t.Errorf("%s commits, want one for each publishing: 6", got)
	}
	if got := bare.run("log", "-1", "--format=%an %s%n%b", testRef); !strings.Contains(got, "robin Close b") || !strings.Contains(got, "Head: "+head) {
		t.Errorf("the last commit says %q, and the head is %s", got, head)
	}
	if got := one.run("for-each-ref", "--format=%(refname)"); strings.Count(got, "accord") != 1 {
		t.Errorf("refs of the clone: %s", got)
	}
	if got := one.run("status", "--porcelain", "--branch"); got != before+"\n?? .accord/" && got != before {
		t.Errorf("the working copy changed: %q", got)
	}
}

// TestJournalRefPlaces: the record works from shallow, bare and linked checkouts, in repositories
// without a remote, and by the dot.
func TestJournalRefPlaces(t *testing.T) {
	bare, one, two := twoClones(t)
	newWriter(t, one.dir).whole("a")
	dir := func(name string) string { return filepath.Join(t.TempDir(), name) }
	shallow, linked, mirror := dir("shallow"), dir("linked"), dir("bare.git")
	one.commit("more", "x.yaml", "person: al\n")
	one.run("push", "-q", "origin", "main")
	one.run("clone", "-q", "--depth", "1", "file://"+bare.dir, shallow)
	one.run("worktree", "add", "-q", linked)
	one.run("clone", "-q", "--bare", bare.dir, mirror)
	for i, at := range []string{shallow, linked, mirror} {
		w := newWriter(t, at)
		w.sound(3 * (i + 1))
		w.whole(fmt.Sprint("run", i))
		one.at(at).run("fsck", "--strict")
	}
	newWriter(t, two.dir).sound(12)

	alone := newGit(t)
	alone.commit("start", "accord.yaml", "version: 1\n")
	for range 2 {
		newWriter(t, alone.dir).whole(fmt.Sprint("alone", alone.run("for-each-ref")))
	}
	newWriter(t, alone.dir).sound(6)
	alone.run("pack-refs", "--all")
	newWriter(t, alone.dir).whole("packed")
	alone.run("gc", "-q", "--prune=now")
	newWriter(t, alone.dir).sound(9)
	alone.run("fsck", "--strict")

	self := newWriter(t, two.dir, func(o *JournalOptions) { o.Remote = "." })
	self.whole("here alone")
	self.sound(15)
	newWriter(t, one.dir).sound(12)
}

// TestJournalRefRemote: which remote keeps the journal is never guessed.
func TestJournalRefRemote(t *testing.T) {
	_, one, _ := twoClones(t)
	one.run("remote", "rename", "origin", "upstream")
	open := func(remote string) error {
		_, err := OpenJournal(one.dir, JournalOptions{Ref: testRef, Remote: remote, Now: time.Now})
		return err
	}
	for remote, want := range map[string]string{"": "none is called origin", "origin": `git knows no remote "origin"`, "upstream": "", ".": ""} {
		if err := open(remote); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("remote %q: %v, want %q", remote, err, want)
		}
	}
	one.run("remote", "set-url", "upstream", "git://git.example.com/x")
	if err := open("upstream"); err == nil || !strings.Contains(err.Error(), "git is no protocol") {
		t.Error(err)
	}
}

// TestJournalRefRace: of runs in two clones that open at the same moment exactly one opens, and
// the other one is told by whom it is held. Nothing of the loser is left.
func TestJournalRefRace(t *testing.T) {
	_, one, two := twoClones(t)
	won := map[string]int{}
	entries := 0
	for round := range 12 {
		writers := map[string]*writer{"one": newWriter(t, one.dir), "two": newWriter(t, two.dir)}
		journals, errs := map[string]*journal.Journal{}, map[string]error{}
		for name, w := range writers {
			journals[name] = w.open()
			append1(t, journals[name], fmt.Sprint(name, round), opened("office"))
		}
		var mu sync.Mutex
		var start, wg sync.WaitGroup
		start.Add(1)
		for name := range writers {
			wg.Go(func() {
				start.Wait()
				err := journals[name].Publish(t.Context(), journal.Opening)
				mu.Lock()
				defer mu.Unlock()
				errs[name] = err
			})
		}
		start.Done()
		wg.Wait()
		winner, loser := "one", "two"
		if errs["two"] == nil {
			winner, loser = loser, winner
		}
		var held *journal.HeldError
		if errs[winner] != nil || !errors.As(errs[loser], &held) || held.Run != fmt.Sprint(winner, round) || held.Actor != "robin" {
			t.Fatalf("round %d: one: %v; two: %v", round, errs["one"], errs["two"])
		}
		won[winner]++
		append1(t, journals[winner], fmt.Sprint(winner, round), journal.Closed{Outcome: "done"})
		if err := journals[winner].Publish(t.Context(), journal.Closing); err != nil {
			t.Fatal(err)
		}
		entries += 2
		for _, w := range writers {
			w.sound(entries)
		}
	}
	t.Logf("won: %v", won)
}

// TestJournalRefOpenedMeanwhile: what was planned by an older record doesn't open.
func TestJournalRefOpenedMeanwhile(t *testing.T) {
	_, one, two := twoClones(t)
	w1, w2 := newWriter(t, one.dir), newWriter(t, two.dir)
	j := w1.open()
	w2.whole("faster")
	append1(t, j, "slower", opened("office"))
	err := j.Publish(t.Context(), journal.Opening)
	if !errors.Is(err, journal.ErrMoved) || !strings.Contains(err.Error(), "faster") {
		t.Fatal(err)
	}
	w1.sound(3)
}

// TestJournalRefRefused: a push that a hook refuses leaves the spool, and says what the remote
// says; later it can be sent.
func TestJournalRefRefused(t *testing.T) {
	bare, one, two := twoClones(t)
	w := newWriter(t, one.dir)
	j := w.open()
	append1(t, j, "a", opened("office"))
	if err := j.Publish(t.Context(), journal.Opening); err != nil {
		t.Fatal(err)
	}
	hook := filepath.Join(bare.dir, "hooks", "pre-receive")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho no more journals >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	append1(t, j, "a", journal.Note{Topic: "x"})
	err := j.Publish(t.Context(), journal.SystemClosed)
	if err == nil || !strings.Contains(err.Error(), "hook declined") || !strings.Contains(err.Error(), "no more journals") {
		t.Fatal(err)
	}
	if r, err := w.verify(""); err != nil || r.Unsent != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	newWriter(t, two.dir).sound(1)
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}
	// Another process finds the spool.
	again := newWriter(t, one.dir)
	if sent, err := again.store.Settle(t.Context()); err != nil || sent.Entries != 1 || sent.Late {
		t.Fatalf("%+v %v", sent, err)
	}
	newWriter(t, two.dir).sound(2)
}

// TestJournalRefGone: a remote that can't be reached is an error, and never an empty journal.
func TestJournalRefGone(t *testing.T) {
	bare, one, _ := twoClones(t)
	w := newWriter(t, one.dir)
	w.whole("a")
	if err := os.Rename(bare.dir, bare.dir+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.OpenReadOnly(t.Context(), w.store); err == nil {
		t.Error("a journal that can't be fetched was taken for one")
	}
	one.run("update-ref", "-d", testRef)
	if _, err := journal.OpenReadOnly(t.Context(), newWriter(t, one.dir).store); err == nil {
		t.Error("a journal that can't be fetched was taken for an empty one")
	}
}

// TestJournalRefAway: that a remote can't be reached is told apart from everything that it may say,
// and what was seen of it is there all the same.
func TestJournalRefAway(t *testing.T) {
	bare, one, two := twoClones(t)
	w := newWriter(t, one.dir)
	w.whole("a")
	seen, err := w.ref.Fetch(t.Context())
	if err != nil || len(seen) == 0 {
		t.Fatal(err)
	}
	never := newWriter(t, two.dir)
	away := bare.dir + ".away"
	if err := os.Rename(bare.dir, away); err != nil {
		t.Fatal(err)
	}
	for _, w := range []*writer{newWriter(t, one.dir), never} {
		if _, err := w.ref.Fetch(t.Context()); !errors.Is(err, journal.ErrUnreachable) {
			t.Fatal(err)
		}
		want := seen
		if w == never {
			want = nil
		}
		if got, err := w.ref.Seen(t.Context()); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%q %v", got, err)
		}
		if err := w.ref.Extend(t.Context(), []byte("x\n"), "x"); !errors.Is(err, journal.ErrUnreachable) {
			t.Fatal(err)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := w.ref.Fetch(stopped); err == nil || errors.Is(err, journal.ErrUnreachable) {
		t.Error("a run that was stopped:", err)
	}
	if err := os.Rename(away, bare.dir); err != nil {
		t.Fatal(err)
	}
	if err := never.ref.Extend(t.Context(), []byte("x\n"), "x"); !errors.Is(err, journal.ErrMoved) {
		t.Error("who has seen nothing writes behind what is there:", err)
	}
	bare.run("update-ref", "-d", testRef)
	if _, err := w.ref.Fetch(t.Context()); !errors.Is(err, journal.ErrRewound) || errors.Is(err, journal.ErrUnreachable) {
		t.Error(err)
	}
}

// TestJournalRefReplyLost: a push of which the answer is lost isn't made twice.
func TestJournalRefReplyLost(t *testing.T) {
	bare, one, _ := twoClones(t)
	w := newWriter(t, one.dir)
	j := w.open()
	// The remote dies when the ref is moved, and before it has answered.
	hook := filepath.Join(bare.dir, "hooks", "reference-transaction")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\ntest \"$1\" = committed || exit 0\nrm -f hooks/reference-transaction\nkill -9 $PPID\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	append1(t, j, "a", opened("office"))
	if err := j.Publish(t.Context(), journal.Opening); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(hook); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("the connection was never cut")
	}
	append1(t, j, "a", journal.Closed{Outcome: "done"})
	if err := j.Publish(t.Context(), journal.Closing); err != nil {
		t.Fatal(err)
	}
	w.sound(2)
	if got := bare.run("rev-list", "--count", testRef); got != "2" {
		t.Errorf("%s commits", got)
	}
}

// TestJournalRefReadOnlyClone: who can't write to the clone can read the journal all the same.
func TestJournalRefReadOnlyClone(t *testing.T) {
	_, one, two := twoClones(t)
	newWriter(t, one.dir).whole("a")
	before := two.run("count-objects", "-v")
	w := newWriter(t, two.dir)
	err := w.ref.use(func(h *journalHandle) error {
		head, err := w.ref.place.fetchInto(t.Context(), h.fresh, testRef, [20]byte{})
		if err != nil {
			return err
		}
		lines, err := h.lines(t.Context(), head)
		if bytes.Count(lines, []byte{'\n'}) != 3 {
			t.Errorf("%s", lines)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := two.run("count-objects", "-v"); got != before {
		t.Errorf("objects were written: %s", got)
	}
}

// TestJournalRefSegments: trees that are full go on in the next one, and long pushes are cut
// between lines.
func TestJournalRefSegments(t *testing.T) {
	_, one, two := twoClones(t)
	w := newWriter(t, one.dir)
	var want []byte
	extend := func(lines []byte) {
		t.Helper()
		if err := w.ref.Extend(t.Context(), lines, "x"); err != nil {
			t.Fatal(err)
		}
		want = append(want, lines...)
	}
	for i := range 3 {
		extend(fmt.Appendf(nil, "line %d\n", i))
	}
	long := slices.Concat(bytes.Repeat([]byte("x"), segmentSize+10), []byte("\nshort\n"), bytes.Repeat(append(bytes.Repeat([]byte("y"), 1<<20), '\n'), 9))
	extend(long)
	if got := one.run("ls-tree", "-r", "--name-only", testRef); strings.Count(got, "\n")+1 != 3+4 {
		t.Errorf("segments:\n%s", got)
	}
	got, err := newWriter(t, two.dir).ref.Fetch(t.Context())
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
}

// TestJournalTrees: a journal of several thousand segments is written by the trees' own rules.
func TestJournalTrees(t *testing.T) {
	g := newGit(t)
	g.commit("start", "accord.yaml", "version: 1\n")
	w := newWriter(t, g.dir)
	var want bytes.Buffer
	err := w.ref.use(func(h *journalHandle) error {
		open := make([][]treeEntry, treeDepth)
		for i := range 2*perTree + 1 {
			c := &newCommit{}
			line := fmt.Sprintf("%d\n", i)
			want.WriteString(line)
			blob, err := c.add(plumbing.BlobObject, []byte(line))
			if err != nil {
				return err
			}
			if err := c.put(open, blob); err != nil {
				return err
			}
			if err := h.keep(c); err != nil {
				return err
			}
			if i%perTree > 1 && i%perTree < perTree-2 {
				continue
			}
			top, err := c.top(slices.Clone(open))
			if err != nil {
				return err
			}
			if err := h.keep(c); err != nil {
				return err
			}
			n := 0
			if err := h.segments(top, 1, func(plumbing.Hash) error { n++; return nil }); err != nil || n != i+1 {
				return fmt.Errorf("%d segments of %d: %w", n, i+1, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
