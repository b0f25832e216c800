//go:build unix

package servertest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if os.Getenv("SERVERTEST_CHILD") == "1" {
		child()
	}
	Main(m)
}

// child starts a server, says where, and waits to be killed.
func child() {
	s, err := sharedPostgres()
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	os.Stdout.WriteString(s.Dir + "\n" + s.DSN + "\n")
	select {}
}

func TestPostgresAnswers(t *testing.T) {
	s := Postgres(t)
	if s != Postgres(t) {
		t.Error("a second server was started")
	}
	got := s.SQL(t, `select 'a,b', E'two\nlines', null; select current_user`)
	if len(got) != 2 || got[0][0] != "a,b" || got[0][1] != "two\nlines" || got[0][2] != "" || got[1][0] != "pgadmin" {
		t.Errorf("got %q", got)
	}
	if s.Major < 15 || !strings.HasPrefix(s.Version, "1") {
		t.Errorf("version %q, major %d", s.Version, s.Major)
	}
	if err := s.TrySQL("pgadmin", "wrong", "postgres", "select 1"); err == nil {
		t.Error("a wrong password was let in")
	}
}

func TestPostgresReset(t *testing.T) {
	s := Postgres(t)
	db := s.NewDatabase(t)
	s.SQLIn(t, db, `create role "o'd""d" login; create table t(); alter table t owner to "o'd""d"; create table public.left_over()`)
	s.SQL(t, `create table public.mine(); grant select on mine to "o'd""d"; grant connect on database postgres to "o'd""d"`)
	s.Reset(t)
	got := s.SQL(t, `select rolname from pg_roles where rolname !~ '^pg_' union all select datname from pg_database where oid >= 16384
		union all select relname from pg_class where relnamespace = 'public'::regnamespace`)
	if len(got) != 1 || got[0][0] != "pgadmin" {
		t.Errorf("left behind: %q", got)
	}
}

// TestDiesWithItsParent kills a process that started a server, and looks for what is left.
func TestDiesWithItsParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no parent-death signal on " + runtime.GOOS)
	}
	if _, err := postgresPrograms(); err != nil {
		missing(t, "postgres", err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "SERVERTEST_CHILD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	dir := lines.Text()
	lines.Scan()
	if dir == "" || lines.Text() == "" {
		t.Fatal("the child started no server")
	}
	pid, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	proc := "/proc/" + strings.SplitN(string(pid), "\n", 2)[0]
	ended := func() bool { _, err := os.Stat(proc); return err != nil }
	for range 200 {
		if ended() {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !ended() {
		t.Errorf("the server outlived its parent: %s", proc)
	}
	_, remove, err := folder("postgres") // sweeps
	if err != nil {
		t.Fatal(err)
	}
	remove()
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s was left behind", dir)
	}
}

func TestRequired(t *testing.T) {
	for _, c := range []struct {
		ci, list string
		want     bool
	}{
		{"", "", false}, {"true", "", true}, {"false", "", false}, {"", "postgres", true},
		{"", "slapd, postgres", true}, {"", "slapd", false}, {"", "all", true}, {"", "postgresql", false},
	} {
		if got := required("postgres", c.ci, c.list); got != c.want {
			t.Errorf("CI=%q list=%q: %v", c.ci, c.list, got)
		}
	}
}

func TestStartNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy-rc.d")
	restore, err := startNothing(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.Command(path).Run(); err == nil {
		t.Error("the policy allows daemons to start")
	}
	again, err := startNothing(path)
	if err != nil {
		t.Fatal(err)
	}
	again()
	if _, err := os.Stat(path); err != nil {
		t.Error("somebody else's policy was removed")
	}
	restore()
	if _, err := os.Stat(path); err == nil {
		t.Error("the policy stayed")
	}
}
