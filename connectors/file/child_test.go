package file_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/file"
	"github.com/accordhq/accord/engine/access"
)

// childEnv makes the test binary a writer: "adds DIR PREFIX FROM TO" creates accounts and
// says each on stdout once it is written.
const childEnv = "FILE_TEST_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		if err := child(strings.Fields(job)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func child(args []string) error {
	var from, to int
	if _, err := fmt.Sscan(args[3]+" "+args[4], &from, &to); err != nil {
		return err
	}
	c, err := open(args[1])
	if err != nil {
		return err
	}
	switch args[0] {
	case "adds":
		for i := from; i < to; i++ {
			if err := c.Apply(context.Background(), create(args[2], i)); err != nil {
				return err
			}
			fmt.Println(i)
		}
		return nil
	case "denied":
		// The folder belongs to root; nobody may do nothing there.
		if err := become(65534); err != nil {
			return err
		}
		before, err := os.ReadFile(filepath.Join(args[1], statePath))
		if err != nil {
			return err
		}
		if err := c.Apply(context.Background(), create(args[2], from)); !errors.Is(err, connectors.ErrDenied) {
			return fmt.Errorf("writing: %v, want %v", err, connectors.ErrDenied)
		}
		after, err := os.ReadFile(filepath.Join(args[1], statePath))
		if err != nil || string(before) != string(after) {
			return fmt.Errorf("the file changed, or can't be read: %v", err)
		}
		return nil
	}
	return fmt.Errorf("no job %q", args[0])
}

func spawn(t *testing.T, job string, dir string, args ...any) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+job+" "+dir+" "+strings.TrimSpace(fmt.Sprintln(args...)))
	cmd.Stderr = os.Stderr
	return cmd
}

const statePath = "desk.state.yaml"

func open(dir string) (connectors.Connector, error) {
	return file.Type().Open(connectors.Config{
		System: "desk",
		Dir:    dir,
		Settings: connectors.Settings{
			file.SettingPath:   {Text: statePath},
			file.SettingCreate: {Bool: true},
		},
		Log: slog.New(slog.DiscardHandler),
		Now: time.Now,
	})
}

func create(prefix string, i int) access.Change {
	return access.Change{System: "desk", Action: access.Create, Subject: access.Account(fmt.Sprintf("%s-%04d", prefix, i)),
		After: &access.Value{Attributes: map[string]string{"name": strings.Repeat("long ", 40) + "name"}}}
}

// count reads the file and gives how many accounts there are with the prefix; they must be
// the first ones, without a gap.
func count(t *testing.T, dir, prefix string) int {
	t.Helper()
	c, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Read(t.Context(), connectors.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for o := range s.Objects() {
		if !strings.HasPrefix(o.ID.Name, prefix+"-") {
			continue
		}
		if want := create(prefix, n).Subject; o.ID != want {
			t.Fatalf("found %s where %s should be", o.ID, want)
		}
		n++
	}
	return n
}

// A writer is killed again and again, at any moment. The file is always whole, and what the
// writer said it had written is there.
func TestKilledWriter(t *testing.T) {
	dir := t.TempDir()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	written := 0
	for range 20 {
		cmd := spawn(t, "adds", dir, "a", written, written+10_000)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() { // it is at work
			t.Fatalf("the writer wrote nothing: %v", cmd.Wait())
		}
		acknowledged := written + 1
		go func() {
			time.Sleep(time.Duration(r.IntN(50_000)) * time.Microsecond)
			_ = cmd.Process.Kill() // it may have ended already
		}()
		for lines.Scan() {
			acknowledged++
		}
		_ = cmd.Wait() // killed
		n := count(t, dir, "a")
		if n != acknowledged && n != acknowledged+1 {
			t.Fatalf("%d accounts are there, %d were acknowledged", n, acknowledged)
		}
		written = n
	}
	t.Logf("%d writes survived 20 kills", written)
}

// Writers in several processes and goroutines lose nothing of each other's.
func TestConcurrentWriters(t *testing.T) {
	const each = 15
	dir := t.TempDir()
	var wg sync.WaitGroup
	for _, prefix := range []string{"p", "q"} {
		cmd := spawn(t, "adds", dir, prefix, 0, each)
		wg.Go(func() {
			if out, err := cmd.Output(); err != nil {
				t.Errorf("process %s: %v: %s", prefix, err, out)
			}
		})
	}
	for _, prefix := range []string{"g", "h"} {
		wg.Go(func() {
			c, err := open(dir)
			for i := 0; i < each && err == nil; i++ {
				err = c.Apply(t.Context(), create(prefix, i))
			}
			if err != nil {
				t.Errorf("goroutine %s: %v", prefix, err)
			}
		})
	}
	wg.Wait()
	for _, prefix := range []string{"p", "q", "g", "h"} {
		if n := count(t, dir, prefix); n != each {
			t.Errorf("%d of the %d accounts of %s are there", n, each, prefix)
		}
	}
}

func TestDenied(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the laws do it where the test isn't root")
	}
	dir := t.TempDir()
	c, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(t.Context(), create("a", 0)); err != nil {
		t.Fatal(err)
	}
	for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := spawn(t, "denied", dir, "a", 1, 2).Run(); err != nil {
		t.Error(err)
	}
}
