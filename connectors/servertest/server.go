//go:build unix

// Package servertest installs, where they are missing, and starts the real servers that tests
// of connectors run against. Each server listens on the loopback interface only, keeps its
// files in a folder of its own, and ends with the process that started it, however that ends.
//
// A test takes what it needs:
//
//	func TestMain(m *testing.M) { servertest.Main(m) }
//
//	func TestX(t *testing.T) {
//		pg := servertest.Postgres(t)
//		…
//	}
//
// One server of a kind is shared by all tests of a test binary; what it holds is for the tests
// to tidy up (see PostgresServer.Reset). Outside of tests the Start functions give a server of
// one's own.
//
// A server that can't be had skips the test, loudly, except where it was promised: with
// CI=true, or when ACCORD_REQUIRE_SERVERS (names separated by commas or spaces, or "all")
// lists it. Then the test fails.
package servertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Main runs the tests of a package and then stops the servers that they shared. Without it
// the servers still end with the process, but their folders stay until the next run.
func Main(m *testing.M) {
	code := m.Run()
	atExit.run()
	os.Exit(code)
}

// Wrap is Main for packages whose TestMain hands m to somebody else, as testscript.Main wants
// it: the servers are stopped when the tests have run.
func Wrap(m interface{ Run() int }) interface{ Run() int } { return wrapped{m} }

type wrapped struct{ m interface{ Run() int } }

func (w wrapped) Run() int {
	defer atExit.run()
	return w.m.Run()
}

// atExit holds what Main has to stop. It is the one variable of this package besides the
// shared servers themselves: a test binary has one end.
var atExit exits

type exits struct {
	mu    sync.Mutex
	stops []func()
}

func (e *exits) add(stop func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stops = append(e.stops, stop)
}

func (e *exits) run() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, stop := range slices.Backward(e.stops) {
		stop()
	}
	e.stops = nil
}

// missing ends a test whose server can't be had: as failed where it was promised, as skipped
// elsewhere.
func missing(t testing.TB, server string, why error) {
	t.Helper()
	if required(server, os.Getenv("CI"), os.Getenv("ACCORD_REQUIRE_SERVERS")) {
		t.Fatalf("NO %s SERVER, and it is required (CI or ACCORD_REQUIRE_SERVERS): %v", server, why)
	}
	t.Skipf("NO %s SERVER, so nothing was tested here: %v", server, why)
}

func required(server, ci, list string) bool {
	if ci == "true" {
		return true
	}
	names := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	return slices.Contains(names, server) || slices.Contains(names, "all")
}

// freePort names a TCP port of the loopback interface that nothing listened on a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// until asks ready every few milliseconds until it says yes, the time is up, or gone says
// that the server ended.
func until(limit time.Duration, gone <-chan struct{}, ready func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready after %v: %w", limit, err)
		}
		select {
		case <-gone:
			return errors.New("it ended by itself")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lock takes an exclusive lock on a file, among processes, and waits for it.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

// install gets Debian packages, one process at a time, without starting what they bring.
func install(ctx context.Context, packages ...string) error {
	if os.Geteuid() != 0 {
		return errors.New("installing packages needs root")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("installing %s: %w", strings.Join(packages, " "), err)
	}
	unlock, err := lock(filepath.Join(os.TempDir(), "accord-servertest-apt.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	restore, err := startNothing("/usr/sbin/policy-rc.d")
	if err != nil {
		return err
	}
	defer restore()
	for _, args := range [][]string{{"update"}, append([]string{"install", "-y", "--no-install-recommends"}, packages...)} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, tail(out))
		}
	}
	return nil
}

// startNothing sees to a policy-rc.d that forbids packages to start their daemons; one that is
// there already is left alone.
func startNothing(path string) (restore func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, os.ErrExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("forbidding packages to start daemons: %w", err)
	}
	defer f.Close()
	if _, err := f.WriteString("#!/bin/sh\nexit 101\n"); err != nil {
		return nil, fmt.Errorf("forbidding packages to start daemons: %w", err)
	}
	return func() { os.Remove(path) }, nil
}

// folder makes a new folder for one server, searchable by the user that the server runs as,
// and held by a lock for as long as this process lives. Folders whose process is gone are
// swept away first.
func folder(kind string) (dir string, remove func(), err error) {
	prefix := "accord-servertest-" + kind + "-"
	done, err := lock(filepath.Join(os.TempDir(), "accord-servertest.lock")) // against another's sweep
	if err != nil {
		return "", nil, err
	}
	defer done()
	sweep(prefix)
	dir, err = os.MkdirTemp("", prefix)
	if err != nil {
		return "", nil, fmt.Errorf("making a folder for a server: %w", err)
	}
	unlock, err := lock(dir + ".lock")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("making a folder for a server: %w", err)
	}
	return dir, func() {
		os.RemoveAll(dir)
		os.Remove(dir + ".lock")
		unlock()
	}, nil
}

// sweep removes the folders of processes that ended without doing so themselves: their locks
// are free.
func sweep(prefix string) {
	locks, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*.lock"))
	for _, path := range locks {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			os.RemoveAll(strings.TrimSuffix(path, ".lock"))
			os.Remove(path)
		}
		f.Close()
	}
}

func tail(out []byte) []byte {
	const most = 4000
	if len(out) > most {
		return out[len(out)-most:]
	}
	return out
}
