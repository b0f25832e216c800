//go:build unix

package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childFull runs into the largest file size that it allows itself, which is a full disk but for
// the name; then it allows itself more and goes on.
func childFull(dir string) {
	fail := func(err error) {
		fmt.Println(err)
		os.Exit(1)
	}
	signal.Ignore(unix.SIGXFSZ)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		fail(err)
	}
	j, err := Open(context.Background(), Dir(dir), time.Now)
	if err != nil {
		fail(err)
	}
	small := unix.Rlimit{Cur: 4000, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &small); err != nil {
		fail(err)
	}
	note := Entry{Data: Note{Topic: "fill", Text: strings.Repeat("x", 700)}}
	n := 0
	for ; err == nil; n++ {
		err = j.Append(context.Background(), note)
	}
	if !errors.Is(err, unix.EFBIG) {
		fail(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		fail(err)
	}
	if err := j.Append(context.Background(), note); err != nil {
		fail(err)
	}
	fmt.Println("failed at", n, j.Head())
}

func TestDiskFull(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	cmd, out, stdin := child(t, "full", dir)
	defer stdin.Close()
	if !out.Scan() {
		t.Fatal("the child says nothing")
	}
	var n int
	var head string
	if _, err := fmt.Sscanf(out.Text(), "failed at %d %s", &n, &head); err != nil {
		t.Fatalf("the child says %q", out.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	// What was written of the line that didn't fit was taken back: nothing is torn.
	r, err := Verify(t.Context(), Dir(dir), head)
	if err != nil || r.Torn != 0 || r.Entries != uint64(n) || n < 2 {
		t.Errorf("%+v, %v; it failed at %d", r, err, n)
	}
	for _, e := range entries(t, Dir(dir)) {
		if e.Kind() != KindNote {
			t.Errorf("entry %d is %s", e.Seq, e.Kind())
		}
	}
}
