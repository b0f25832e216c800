package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/servertest"
)

// world is a company of a given size on one PostgreSQL: login roles in group roles.
type world struct {
	name               string
	people, roles, per int // per: memberships of each person
}

var worlds = []world{
	{"1000-roles", 1_000, 50, 5},
	{"10000-roles", 10_000, 500, 5},
}

// members are the people of each role; the same for the same size.
func (w world) members() [][]int {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([][]int, w.roles)
	for p := range w.people {
		for _, role := range r.Perm(w.roles)[:w.per] {
			out[role] = append(out[role], p)
		}
	}
	return out
}

// write makes the access repository, committed.
func (w world) write(b testing.TB) string {
	dir := b.TempDir()
	put := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	put("accord.yaml", "version: 1\nguards: {max_removals: 100%, max_leavers: 100%}\n")
	put(".gitignore", ".accord/\n")
	const perFile = 100
	for first := 0; first < w.people; first += perFile {
		var s strings.Builder
		s.WriteString("people:\n")
		for p := first; p < min(first+perFile, w.people); p++ {
			fmt.Fprintf(&s, "  - person: user%05d\n", p)
		}
		put(fmt.Sprintf("people/%04d.yaml", first/perFile), s.String())
	}
	var grants, resources strings.Builder
	for role, members := range w.members() {
		var s strings.Builder
		fmt.Fprintf(&s, "group: g%04d\nmembers:\n", role)
		for _, p := range members {
			fmt.Fprintf(&s, "  - user%05d\n", p)
		}
		put(fmt.Sprintf("groups/g%04d.yaml", role), s.String())
		fmt.Fprintf(&grants, "---\ngrant: g%04d\nto: [{group: g%04d}]\naccess: {warehouse: [role/g%04d]}\n", role, role, role)
		fmt.Fprintf(&resources, "  role/g%04d: {}\n", role)
	}
	put("grants.yaml", grants.String())
	put("warehouse.yaml", "system: warehouse\nconnector: postgres\nconfig: {dsn: {env: WAREHOUSE_DSN}}\nmode: authoritative\nmanage: [role/g*]\nresources:\n"+resources.String())
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=Bench", "-c", "user.email=bench@example.com", "commit", "-q", "-m", "world"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}

// sql is what a script would do by hand: all of it in one transaction.
func (w world) sql() string {
	var s strings.Builder
	s.WriteString("begin;\n")
	for role := range w.roles {
		fmt.Fprintf(&s, "create role g%04d;\n", role)
	}
	for p := range w.people {
		fmt.Fprintf(&s, "create role user%05d login;\n", p)
	}
	for role, members := range w.members() {
		for _, p := range members {
			fmt.Fprintf(&s, "grant g%04d to user%05d;\n", role, p)
		}
	}
	s.WriteString("commit;\n")
	return s.String()
}

const readAll = "select r.rolname, r.rolcanlogin, array(select g.rolname from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid) from pg_roles r"

// BenchmarkWorld measures whole processes on a real PostgreSQL: what psql needs for the raw
// SQL, and what accord needs for the same with everything it does besides (declaration from
// git, plan, guards, journal, reading back). Run it on a quiet machine:
//
//	go test ./cmd/accord -run '^$' -bench World -benchtime 5x
//
// ms is the median wall time of the process, cpu-ms what it computed itself, MiB its peak memory.
func BenchmarkWorld(b *testing.B) {
	dir := b.TempDir()
	for d := dir; d != filepath.Dir(d); d = filepath.Dir(d) {
		_ = os.Chmod(d, 0o755) // the server runs as a user of its own
		if filepath.Dir(d) == os.TempDir() {
			break
		}
	}
	home := filepath.Join(dir, "pg")
	if err := os.Mkdir(home, 0o755); err != nil {
		b.Fatal(err)
	}
	pg, stop, err := servertest.StartPostgres(home)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(stop)
	program := filepath.Join(dir, "accord")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("building: %v\n%s", err, out)
	}
	psql, err := exec.LookPath("psql")
	if err != nil {
		b.Fatal(err)
	}
	dsn := pg.DSNFor("pgadmin", "adminpw", "postgres")
	for _, w := range worlds {
		repo := w.write(b)
		script := filepath.Join(dir, w.name+".sql")
		if err := os.WriteFile(script, []byte(w.sql()), 0o644); err != nil {
			b.Fatal(err)
		}
		empty := func() {
			pg.Reset(b)
			if err := os.RemoveAll(filepath.Join(repo, ".accord")); err != nil {
				b.Fatal(err)
			}
		}
		env := append(os.Environ(), "WAREHOUSE_DSN="+dsn)
		raw := func(args ...string) *exec.Cmd {
			return exec.Command(psql, append([]string{"-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn}, args...)...)
		}
		accord := func(args ...string) *exec.Cmd {
			cmd := exec.Command(program, append([]string{"-C", repo}, args...)...)
			cmd.Env = env
			return cmd
		}
		b.Run(w.name+"/from-empty/raw-sql", func(b *testing.B) { measure(b, empty, func() *exec.Cmd { return raw("-f", script) }, 0) })
		b.Run(w.name+"/from-empty/accord-apply", func(b *testing.B) {
			measure(b, empty, func() *exec.Cmd { return accord("apply", "--yes") }, 0)
		})
		b.Run(w.name+"/nothing-to-do/raw-sql", func(b *testing.B) { measure(b, nil, func() *exec.Cmd { return raw("-c", readAll) }, 0) })
		b.Run(w.name+"/nothing-to-do/accord-plan", func(b *testing.B) { measure(b, nil, func() *exec.Cmd { return accord("plan") }, 0) })
	}
}

// measure runs a process again and again and reports medians.
func measure(b *testing.B, before func(), cmd func() *exec.Cmd, want int) {
	var took, cpu []time.Duration
	var memory []int64
	for b.Loop() {
		if before != nil {
			before()
		}
		c := cmd()
		var stderr bytes.Buffer
		c.Stderr = &stderr
		start := time.Now()
		err := c.Run()
		took = append(took, time.Since(start))
		cpu = append(cpu, c.ProcessState.UserTime()+c.ProcessState.SystemTime())
		if code := c.ProcessState.ExitCode(); code != want {
			b.Fatalf("exit %d, %v\n%s", code, err, stderr.String())
		}
		if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
			memory = append(memory, usage.Maxrss)
		}
	}
	b.ReportMetric(float64(median(took).Microseconds())/1000, "ms")
	b.ReportMetric(float64(median(cpu).Microseconds())/1000, "cpu-ms")
	if len(memory) > 0 {
		b.ReportMetric(float64(median(memory))/1024, "MiB")
	}
	b.ReportMetric(0, "ns/op")
}

func median[T time.Duration | int64](in []T) T {
	sorted := slices.Sorted(slices.Values(in))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}
