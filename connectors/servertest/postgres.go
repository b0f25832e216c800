//go:build unix

package servertest

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// PostgresServer is a running PostgreSQL, whose superuser is "pgadmin".
type PostgresServer struct {
	// DSN reaches the database "postgres" as the superuser.
	DSN string
	// Port is the TCP port on 127.0.0.1.
	Port int
	// Dir is the server's folder: data, log and socket.
	Dir string
	// Version is what the server calls itself, as in "15.18 (Debian …)"; Major its first number.
	Version string
	Major   int

	psql string
}

const (
	postgresSuperuser = "pgadmin"
	postgresPassword  = "adminpw"
)

// Postgres returns the server that all tests of this binary share, starting it first if need
// be: the newest that is installed, or the one whose major version ACCORD_TEST_PG_VERSION names
// (15 to 18), or whose programs (initdb, postgres) are in the folder ACCORD_TEST_PG_BIN.
func Postgres(t testing.TB) *PostgresServer {
	t.Helper()
	s, err := sharedPostgres()
	if err != nil {
		missing(t, "postgres", err)
	}
	t.Logf("PostgreSQL %s on port %d", s.Version, s.Port)
	return s
}

var sharedPostgres = sync.OnceValues(func() (*PostgresServer, error) {
	dir, remove, err := folder("postgres")
	if err != nil {
		return nil, err
	}
	s, stop, err := StartPostgres(dir)
	if err != nil {
		remove()
		return nil, err
	}
	atExit.add(func() { stop(); remove() })
	return s, nil
})

// StartPostgres makes a new database cluster in the folder and starts a server on it. If the
// programs are missing they are installed, where that can be done. The folder's parents must be
// searchable by everybody when this runs as root, since PostgreSQL refuses to: it then runs as
// "postgres" or "nobody". The server ends when stop is called or this process dies.
func StartPostgres(dir string) (s *PostgresServer, stop func(), err error) {
	bin, err := postgresPrograms()
	if err != nil {
		return nil, nil, err
	}
	psql, err := exec.LookPath("psql")
	if err != nil {
		psql = filepath.Join(bin, "psql")
	}
	attr, err := unprivileged(dir)
	if err != nil {
		return nil, nil, err
	}
	data := filepath.Join(dir, "data")
	if err := initPostgres(filepath.Join(bin, "initdb"), dir, data, attr); err != nil {
		return nil, nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port), "-k", dir)
	for _, setting := range []string{"listen_addresses=127.0.0.1", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60"} {
		cmd.Args = append(cmd.Args, "-c", setting)
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = dir, log, log, attr()
	p, err := start(cmd, syscall.SIGINT) // SIGINT is PostgreSQL's "fast" stop
	if err != nil {
		return nil, nil, err
	}
	stop = func() { p.stop(syscall.SIGINT, 10*time.Second) }
	s = &PostgresServer{Port: port, Dir: dir, psql: psql}
	s.DSN = s.DSNFor(postgresSuperuser, postgresPassword, "postgres")
	if err := s.greet(p); err != nil {
		stop()
		text, _ := os.ReadFile(log.Name())
		return nil, nil, fmt.Errorf("starting PostgreSQL: %w\n%s", err, tail(text))
	}
	return s, stop, nil
}

// greet waits for the server to answer, and asks which one it is.
func (s *PostgresServer) greet(p *process) error {
	return until(30*time.Second, p.gone, func() error {
		rows, err := s.Query(context.Background(), "postgres", "select current_setting('server_version'), current_setting('server_version_num')::int / 10000")
		if err != nil {
			return err
		}
		s.Version = rows[0][0]
		s.Major, err = strconv.Atoi(rows[0][1])
		return err
	})
}

// DSNFor names a database as somebody else, over TCP and without TLS.
func (s *PostgresServer) DSNFor(user, password, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, password),
		Host: "127.0.0.1:" + strconv.Itoa(s.Port), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Query runs SQL in a database as the superuser, through the psql program: by other means than
// a connector under test. Null reads as "".
func (s *PostgresServer) Query(ctx context.Context, database, sql string) ([][]string, error) {
	cmd := exec.CommandContext(ctx, s.psql, "-X", "-q", "--csv", "-t", "-v", "ON_ERROR_STOP=1", "-d", s.DSNFor(postgresSuperuser, postgresPassword, database), "-f", "-")
	cmd.Env = append(os.Environ(), "PGCLIENTENCODING=UTF8", "PGOPTIONS=-c client_min_messages=warning")
	cmd.Stdin = strings.NewReader(sql)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("psql: %w\n%s", err, tail(stderr.Bytes()))
	}
	r := csv.NewReader(&stdout)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading the answer of psql: %w", err)
	}
	return rows, nil
}

// SQL runs SQL in the database "postgres" as the superuser, and fails the test if that fails.
func (s *PostgresServer) SQL(t testing.TB, sql string) [][]string {
	t.Helper()
	return s.SQLIn(t, "postgres", sql)
}

// SQLIn is SQL in another database.
func (s *PostgresServer) SQLIn(t testing.TB, database, sql string) [][]string {
	t.Helper()
	rows, err := s.Query(context.Background(), database, sql)
	if err != nil {
		t.Fatalf("%v\nin: %s", err, tail([]byte(sql)))
	}
	return rows
}

// TrySQL runs SQL as a role of the test's own and returns the error, if any: for logins that
// should be refused and rights that should be lacking.
func (s *PostgresServer) TrySQL(role, password, database, sql string) error {
	cmd := exec.Command(s.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", s.DSNFor(role, password, database), "-c", sql)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, tail(out))
	}
	return nil
}

// NewDatabase makes an empty database for one test and returns its name.
func (s *PostgresServer) NewDatabase(t testing.TB) string {
	t.Helper()
	name := "t" + strconv.FormatInt(time.Now().UnixNano(), 36)
	s.SQL(t, `create database "`+name+`" strategy wal_log`)
	t.Cleanup(func() { s.SQL(t, `drop database if exists "`+name+`" with (force)`) })
	return name
}

// Reset drops every database and every role that the server didn't have when it was new, so
// that a test finds it empty. Tests that share the server must not run at the same time.
func (s *PostgresServer) Reset(t testing.TB) {
	t.Helper()
	s.SQL(t, `
		select format('drop database %I with (force)', datname) from pg_database where oid >= 16384 \gexec
		select pg_terminate_backend(pid, 5000) from pg_stat_activity where usesysid >= 16384;
		do $$ declare r record; begin
			for r in select rolname from pg_roles where oid >= 16384
				and oid in (select refobjid from pg_shdepend where refclassid = 'pg_authid'::regclass) loop
				execute format('reassign owned by %I to pgadmin', r.rolname);
				execute format('drop owned by %I', r.rolname);
			end loop;
			update pg_database set datacl = null where datistemplate is false;
		end $$;
		select 'drop role ' || string_agg(quote_ident(rolname), ', ') from
			(select rolname, row_number() over () / 500 from pg_roles where oid >= 16384) as r(rolname, part) group by part \gexec
		drop schema if exists public cascade;
		create schema public authorization pg_database_owner;
		grant usage on schema public to public;
		alter role pgadmin connection limit -1 valid until 'infinity';`)
}

func initPostgres(initdb, dir, data string, attr func() *syscall.SysProcAttr) error {
	secret := filepath.Join(dir, "pw")
	if err := os.WriteFile(secret, []byte(postgresPassword+"\n"), 0o644); err != nil {
		return fmt.Errorf("preparing initdb: %w", err)
	}
	cmd := exec.Command(initdb, "-D", data, "-U", postgresSuperuser, "--pwfile="+secret, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	cmd.Dir, cmd.SysProcAttr = dir, attr()
	cmd.Env = append(os.Environ(), "HOME="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, tail(out))
	}
	return nil
}

// unprivileged says how to run the server's programs: as we are, or, as root, as a user who
// then owns the folder.
func unprivileged(dir string) (func() *syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return func() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("looking for a user to run PostgreSQL as: %w", err)
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2, os.Chown(dir, uid, gid)); err != nil {
		return nil, fmt.Errorf("giving %s to %s: %w", dir, u.Username, err)
	}
	return func() *syscall.SysProcAttr {
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}, nil
}

// postgresPrograms finds the folder of initdb and postgres, or installs them.
func postgresPrograms() (string, error) {
	if dir := os.Getenv("ACCORD_TEST_PG_BIN"); dir != "" {
		if !hasPostgres(dir) {
			return "", fmt.Errorf("ACCORD_TEST_PG_BIN: no initdb and postgres in %s", dir)
		}
		return dir, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if major := os.Getenv("ACCORD_TEST_PG_VERSION"); major != "" {
		return postgresVersion(ctx, major)
	}
	if dir, ok := findPostgres(); ok {
		return dir, nil
	}
	if err := install(ctx, "postgresql"); err != nil {
		return "", err
	}
	if dir, ok := findPostgres(); ok {
		return dir, nil
	}
	return "", errors.New("installing postgresql brought no initdb")
}

func findPostgres() (string, bool) {
	if path, err := exec.LookPath("initdb"); err == nil && hasPostgres(filepath.Dir(path)) {
		return filepath.Dir(path), true
	}
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	for _, dir := range dirs {
		if hasPostgres(dir) {
			return dir, true
		}
	}
	return "", false
}

func version(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	return n
}

func hasPostgres(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}
