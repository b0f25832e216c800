package journal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// The tests start this program again, as the process that is to be killed.
const childVar = "ACCORD_JOURNAL_TEST_CHILD"

func TestMain(m *testing.M) {
	mode, dir, ok := strings.Cut(os.Getenv(childVar), ":")
	if !ok {
		os.Exit(m.Run())
	}
	map[string]func(string){"append": childAppend, "lock": childLock, "full": childFull}[mode](dir)
}

// childAppend writes large entries until it is killed, and says of each that it is durable.
func childAppend(dir string) {
	j, err := Open(context.Background(), Dir(dir), time.Now)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	run := fmt.Sprint("run ", os.Getpid())
	var changes []Change
	for i := range 6000 {
		changes = append(changes, revoke("a", fmt.Sprint("account ", i)))
	}
	for unit := 0; ; unit++ {
		var d Data = Opened{}
		if unit > 0 {
			d = Begun{System: "a", Unit: unit, Changes: changes}
		}
		if err := j.Append(context.Background(), Entry{Run: run, Data: d}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("durable", j.Head())
	}
}

func childLock(dir string) {
	if _, err := LockRun(dir, []string{"one", "two"}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("locked")
	io.Copy(io.Discard, os.Stdin)
}

func child(t *testing.T, mode, dir string) (*exec.Cmd, *bufio.Scanner, io.Closer) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+mode+":"+dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(stdout), stdin
}

// TestKill kills a process while it writes, several times over. What it had said to be durable
// is there, and the journal goes on.
func TestKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".accord")
	torn := 0
	for i := range 6 {
		cmd, out, _ := child(t, "append", dir)
		for range 3 {
			if !out.Scan() {
				t.Fatal("the child ended by itself")
			}
		}
		time.Sleep(time.Duration(i) * 3 * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		head := ""
		for {
			if hash, ok := strings.CutPrefix(out.Text(), "durable "); ok {
				head = hash
			} else {
				t.Fatalf("the child says %q", out.Text())
			}
			if !out.Scan() {
				break
			}
		}
		cmd.Wait()
		r, err := Verify(t.Context(), Dir(dir), head)
		if err != nil {
			t.Fatal(err)
		}
		if r.After > 1 {
			t.Errorf("%d entries that were never said to be durable", r.After)
		}
		if r.Torn > 0 {
			torn++
		}
	}
	j := mustOpen(t, Dir(dir))
	if n := len(j.Memory().Open()); n != 6 {
		t.Errorf("%d open runs, want 6", n)
	}
	mustAppend(t, j, "after", Opened{})
	if r, err := Verify(t.Context(), Dir(dir), j.Head()); err != nil || r.Torn != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	t.Logf("%d of 6 kills left a torn line", torn)
}

func TestDirModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are a Unix thing")
	}
	dir := filepath.Join(t.TempDir(), "a", "b", ".accord")
	j := mustOpen(t, Dir(dir))
	mustAppend(t, j, "r", Opened{})
	for path, want := range map[string]os.FileMode{dir: os.ModeDir | 0o700, filepath.Join(dir, "journal.jsonl"): 0o600} {
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, ".gitignore")); err != nil || string(b) != "*\n" {
		t.Errorf("%q, %v", b, err)
	}
	if got := j.String(); got != filepath.Join(dir, "journal.jsonl") {
		t.Errorf("got %s", got)
	}
}

// TestDirNoLinks: a link in the place of the folder or the file would let somebody choose what
// Accord reads as its memory, or where it writes.
func TestDirNoLinks(t *testing.T) {
	base := t.TempDir()
	real := filepath.Join(base, "real")
	mustAppend(t, mustOpen(t, Dir(real)), "r", Opened{})
	before, err := os.ReadFile(filepath.Join(real, "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	linkedDir, linkedFile, inside, fifo := filepath.Join(base, "linked"), filepath.Join(base, "file"), filepath.Join(base, "inside"), filepath.Join(base, "dirfile")
	for link, to := range map[string]string{
		linkedDir: real,
		filepath.Join(linkedFile, "journal.jsonl"): filepath.Join(real, "journal.jsonl"),
		filepath.Join(inside, "journal.jsonl"):     "other",
	} {
		if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(inside, "other"), before, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(fifo, "journal.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{linkedDir, linkedFile, inside, fifo} {
		if _, err := Open(t.Context(), Dir(dir), clock()); err == nil {
			t.Errorf("%s was read", dir)
		}
		if err := Dir(dir).Append(t.Context(), []byte("x\n")); err == nil {
			t.Errorf("%s was written to", dir)
		}
		if err := Dir(dir).Truncate(t.Context(), 0); err == nil {
			t.Errorf("%s was cut", dir)
		}
	}
	for _, path := range []string{filepath.Join(real, "journal.jsonl"), filepath.Join(inside, "other")} {
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s has changed", path)
		}
	}
	if _, err := LockRun(linkedDir, []string{"x"}); err == nil {
		t.Error("locks were made through a link")
	}
}

func TestDirShorterThanKnown(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	j := mustOpen(t, Dir(dir))
	mustAppend(t, j, "r", Opened{}, Note{Topic: "x"})
	if err := os.Truncate(filepath.Join(dir, "journal.jsonl"), 10); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), Entry{Data: Note{Topic: "y"}}); !errors.Is(err, ErrBroken) {
		t.Errorf("got %v", err)
	}
}

func TestDirTornTail(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	mustAppend(t, mustOpen(t, Dir(dir)), "r", Opened{})
	f, err := os.OpenFile(filepath.Join(dir, "journal.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"v":1,"seq":2,`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	// Two open it with its torn line; only the first to write drops it.
	a, b := mustOpen(t, Dir(dir)), mustOpen(t, Dir(dir))
	mustAppend(t, a, "a", Opened{})
	mustAppend(t, b, "b", Opened{})
	var kinds []Kind
	for _, e := range entries(t, Dir(dir)) {
		kinds = append(kinds, e.Kind())
	}
	if got := fmt.Sprint(kinds); got != "[opened recovered opened opened]" || b.Torn() != 0 {
		t.Errorf("got %s, %d torn", got, b.Torn())
	}
}

// TestDirReadOnlyFolder: where nothing can be written the error surfaces.
func TestDirReadOnlyFolder(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write anywhere")
	}
	base := t.TempDir()
	if err := os.Chmod(base, 0o500); err != nil {
		t.Fatal(err)
	}
	j := mustOpen(t, Dir(filepath.Join(base, "j")))
	if err := j.Append(t.Context(), Entry{Run: "r", Data: Opened{}}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

func TestLockRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".accord")
	unlock, err := LockRun(dir, []string{"postgres 730/app", "b", "b"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = LockRun(dir, []string{"a", "postgres 730/app"})
	var locked *LockedError
	if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) || locked.Name != "postgres 730/app" || locked.Holder.PID != os.Getpid() || time.Since(locked.Holder.Since) > time.Minute {
		t.Fatalf("got %v", err)
	}
	if want := fmt.Sprintf("process %d on ", os.Getpid()); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "since 20") {
		t.Errorf("got %v", err)
	}
	// The attempt that failed holds nothing, and names that look alike are different.
	other, err := LockRun(dir, []string{"a", "postgres 730_app", ""})
	if err != nil {
		t.Fatal(err)
	}
	other()
	unlock()
	unlock()
	again, err := LockRun(dir, []string{"a", "b", "postgres 730/app"})
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestLockIsReleasedWithTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".accord")
	cmd, out, stdin := child(t, "lock", dir)
	defer stdin.Close()
	if !out.Scan() || out.Text() != "locked" {
		t.Fatalf("the child says %q", out.Text())
	}
	_, err := LockRun(dir, []string{"two", "three"})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != cmd.Process.Pid {
		t.Fatalf("got %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	unlock, err := LockRun(dir, []string{"two", "three"})
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

// large is a unit of n changes, of which one in a thousand fails.
func large(n int) (Begun, Ended, ReadBack) {
	b := Begun{System: "directory", Unit: 1}
	e := Ended{System: "directory", Unit: 1, All: Done}
	for i := range n {
		c := Change{Change: access.Change{System: "directory", Action: access.Give,
			Subject: access.Account(fmt.Sprintf("person-%06d", i)), Target: access.ID{Kind: "group", Name: fmt.Sprintf("department-%03d", i%500)},
			After: &access.Value{Permission: "member"}}, Person: fmt.Sprintf("person-%06d", i), Class: ClassChange}
		if i%3 == 0 {
			c.Action, c.Before, c.After = access.Revoke, c.After, nil
		}
		b.Changes = append(b.Changes, c)
		if i%1000 == 0 {
			e.Except = append(e.Except, Result{c.Key(), Failed, "403: the token lacks the right"})
		}
	}
	return b, e, ReadBack{System: "directory", Unit: 1, All: Holds}
}

// BenchmarkLargeUnit records one unit of 60,000 changes on disk: begun, ended and read back.
func BenchmarkLargeUnit(b *testing.B) {
	begun, ended, back := large(60_000)
	j := mustOpen(b, Dir(filepath.Join(b.TempDir(), "j")))
	mustAppend(b, j, "r", Opened{})
	for b.Loop() {
		begun.Unit++
		ended.Unit++
		back.Unit++
		mustAppend(b, j, "r", begun, ended, back)
	}
}

func BenchmarkSmallAppend(b *testing.B) {
	j := mustOpen(b, Dir(filepath.Join(b.TempDir(), "j")))
	mustAppend(b, j, "r", Opened{})
	for b.Loop() {
		mustAppend(b, j, "r", Note{Topic: "x"})
	}
}

// many is a journal of about n entries of one-change units.
func many(b *testing.B, n int) []byte {
	s := &memStore{}
	j := mustOpen(b, s)
	for i := 0; i < n; i += 20 {
		run := fmt.Sprint("run ", i)
		mustAppend(b, j, run, Opened{Revision: "4f2a91c", Actor: "bob", Systems: []string{"a"}})
		for u := 1; u <= 6; u++ {
			mustAppend(b, j, run, Begun{System: "a", Unit: u, Changes: []Change{revoke("a", fmt.Sprint("p", i+u))}},
				Ended{System: "a", Unit: u, All: Done}, ReadBack{System: "a", Unit: u, All: Holds})
		}
		mustAppend(b, j, run, Closed{})
	}
	return s.data
}

func BenchmarkReplay100kEntries(b *testing.B) {
	s := &memStore{data: many(b, 100_000)}
	b.SetBytes(int64(len(s.data)))
	for b.Loop() {
		if _, err := OpenReadOnly(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReplayLargeUnits(b *testing.B) {
	s := &memStore{}
	j := mustOpen(b, s)
	begun, ended, back := large(60_000)
	for i := range 5 {
		run := fmt.Sprint("run ", i)
		mustAppend(b, j, run, Opened{}, begun, ended, back, Closed{})
	}
	b.SetBytes(int64(len(s.data)))
	for b.Loop() {
		if _, err := OpenReadOnly(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
}
