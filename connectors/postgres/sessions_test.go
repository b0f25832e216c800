package postgres

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/accordhq/accord/engine/access"
)

// login opens a session as somebody.
func (f *far) login(role, password, database string) (*pgconn.PgConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	pg, err := pgconn.Connect(ctx, f.pg.DSNFor(role, password, database))
	if err == nil {
		f.t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = pg.Close(ctx)
		})
	}
	return pg, err
}

func (f *far) mustLogin(role, password, database string) *pgconn.PgConn {
	f.t.Helper()
	pg, err := f.login(role, password, database)
	if err != nil {
		f.t.Fatal(err)
	}
	return pg
}

func alive(pg *pgconn.PgConn) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := pg.Exec(ctx, "select 1").ReadAll()
	return err == nil
}

func TestDisableEndsSessions(t *testing.T) {
	f := newFar(t)
	f.sql("create role alice login password 'pw'; create role bob login password 'pw'")
	c := f.open()
	one, two, bob := f.mustLogin("alice", "pw", "app"), f.mustLogin("alice", "pw", "postgres"), f.mustLogin("bob", "pw", "app")
	if err := c.Apply(t.Context(), disable("account/alice")); err != nil {
		t.Fatal(err)
	}
	if alive(one) || alive(two) {
		t.Error("a session goes on")
	}
	if !alive(bob) {
		t.Error("somebody else's session was ended")
	}
	if _, err := f.login("alice", "pw", "app"); err == nil {
		t.Error("a disabled account was let in")
	}
	if err := c.Apply(t.Context(), enable("account/alice")); err != nil {
		t.Fatal(err)
	}
	if pg, err := f.login("alice", "pw", "app"); err != nil || !alive(pg) {
		t.Errorf("an enabled account wasn't let in: %v", err)
	}
	if strings.Contains(f.log.String(), "WARN") {
		t.Errorf("log: %s", f.log)
	}
}

func TestDisableTwiceEndsSessions(t *testing.T) {
	f := newFar(t)
	f.sql("create role alice login password 'pw'")
	c := f.open()
	pg := f.mustLogin("alice", "pw", "app")
	f.sql("alter role alice nologin valid until 'infinity'") // the first attempt, cut off after its commit
	if err := c.Apply(t.Context(), disable("account/alice")); err != nil {
		t.Fatal(err)
	}
	if alive(pg) {
		t.Error("the session goes on")
	}
}

// TestDeleteEndsSessions deletes an account that has a lock on its own table.
func TestDeleteEndsSessions(t *testing.T) {
	f := newFar(t)
	twoDatabases(f)
	f.sql("alter role alice password 'pw'")
	one, two := f.mustLogin("alice", "pw", "app"), f.mustLogin("alice", "pw", "second")
	for pg, table := range map[*pgconn.PgConn]string{one: "s.t", two: "t"} {
		if _, err := pg.Exec(t.Context(), "begin; lock table "+table+" in share mode").ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.open().Apply(t.Context(), remove("account/alice", false)); err != nil {
		t.Fatal(err)
	}
	if alive(one) || alive(two) {
		t.Error("a session goes on")
	}
}

// TestSessionsThatStay: Accord may disable but not end a session.
func TestSessionsThatStay(t *testing.T) {
	f := newFar(t)
	f.sql("create role weak login createrole password 'pw'; create role alice login password 'pw'")
	if f.pg.Major >= 16 {
		f.sql("grant alice to weak with admin true, inherit false, set false")
	}
	pg := f.mustLogin("alice", "pw", "app")
	c := f.open(dsn(f.pg.DSNFor("weak", "pw", "app")))
	if err := c.Apply(t.Context(), disable("account/alice")); err != nil {
		t.Fatal(err)
	}
	if !alive(pg) {
		t.Error("the session was ended, without the right to")
	}
	if log := f.log.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "pg_signal_backend") || !strings.Contains(log, "sessions=1") {
		t.Errorf("log: %s", log)
	}
	if o, ok := read(t, c).Object(access.Account("alice")); !ok || !o.Disabled {
		t.Errorf("alice is %+v", o)
	}
}
