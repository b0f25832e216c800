package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// TestLostConnection breaks the connection at each stage of a change.
func TestLostConnection(t *testing.T) {
	f := newFar(t)
	p := f.proxy()
	c := f.open(dsn(p.dsn(t, f.pg.DSNFor("accord", canary, "app"))))
	for _, s := range []struct {
		word    string
		reach   bool
		unknown bool
		done    bool
	}{
		{"begin isolation", false, false, false}, {"begin isolation", true, false, false},
		{"rolvaliduntil", false, false, false},
		{"create role", false, false, false}, {"create role", true, false, false},
		{"commit\x00", false, true, false}, {"commit\x00", true, true, true},
	} {
		read(t, c) // so that a connection is kept
		p.at(s.word, s.reach)
		err := c.Apply(t.Context(), create("role/new"))
		if err == nil || errors.Is(err, connectors.ErrOutcomeUnknown) != s.unknown {
			t.Errorf("%+v: %v", s, err)
		} else if !strings.Contains(err.Error(), "warehouse/role/new") {
			t.Errorf("%+v: the error doesn't name the ref: %v", s, err)
		}
		if s.done {
			waitFor(t, f, "select count(*) from pg_roles where rolname = 'new'", "1")
		}
		waitFor(t, f, "select count(*) from pg_stat_activity where usename = 'accord' and state <> 'idle'", "0")
		if got := f.value("select count(*) from pg_roles where rolname = 'new'"); (got == "1") != s.done {
			t.Errorf("%+v: %s roles", s, got)
		}
		if err := c.Apply(t.Context(), create("role/new")); err != nil {
			t.Errorf("%+v: again: %v", s, err)
		}
		apply(t, c, remove("role/new", false))
	}
	p.at("pg_auth_members", false)
	if st, err := c.Read(t.Context(), connectors.Scope{}); err == nil || st != nil {
		t.Errorf("Read: %v, %v", st, err)
	}
}

func waitFor(t *testing.T, f *far, sql, want string) {
	t.Helper()
	for range 100 {
		if f.value(sql) == want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%s isn't %s", sql, want)
}

// TestLostCommitOfDisable: sessions are ended though the commit's answer was lost.
func TestLostCommitOfDisable(t *testing.T) {
	f := newFar(t)
	f.sql("create role alice login password 'pw'; create role bob login password 'pw'")
	p := f.proxy()
	c := f.open(dsn(p.dsn(t, f.pg.DSNFor("accord", canary, "app"))))
	alice, bob := f.mustLogin("alice", "pw", "app"), f.mustLogin("bob", "pw", "app")
	p.at("commit\x00", true)
	if err := c.Apply(t.Context(), disable("account/alice")); !errors.Is(err, connectors.ErrOutcomeUnknown) {
		t.Fatalf("%v", err)
	}
	if alive(alice) {
		t.Error("the session goes on")
	}
	p.at("commit\x00", false)
	if err := c.Apply(t.Context(), disable("account/bob")); !errors.Is(err, connectors.ErrOutcomeUnknown) {
		t.Fatalf("%v", err)
	}
	if !alive(bob) {
		t.Error("the session of an account that wasn't disabled was ended")
	}
}

// TestHang: a server that goes silent holds nobody up beyond the caller's deadline.
func TestHang(t *testing.T) {
	f := newFar(t)
	p := f.proxy()
	c := f.open(dsn(p.dsn(t, f.pg.DSNFor("accord", canary, "app"))))
	read(t, c)
	p.silence()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := c.Read(ctx, connectors.Scope{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Read: %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestStatementTimeout: waiting for somebody else's lock ends.
func TestStatementTimeout(t *testing.T) {
	f := newFar(t)
	c := f.open(setting("statement_timeout", connectors.Value{Period: 200 * time.Millisecond}))
	other := f.mustLogin("accord", canary, "app")
	if _, err := other.Exec(t.Context(), fmt.Sprintf("select pg_advisory_lock(%d)", int64(lockKey))).ReadAll(); err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(t.Context(), create("role/x")); err == nil || !strings.Contains(err.Error(), "statement_timeout") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Apply(ctx, create("role/x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// TestDenied: an Accord account with CREATEROLE only.
func TestDenied(t *testing.T) {
	f := newFar(t)
	f.sql(`create role weak login createrole password 'pw'; create role root login superuser; create role alice login; create role grp;
		create schema s authorization owner; create table s.t(); alter table s.t owner to owner; grant connect on database app to alice; create table mine(); alter table mine owner to alice;
		grant usage on schema s to weak with grant option`)
	c := f.open(dsn(f.pg.DSNFor("weak", "pw", "app")))
	st := read(t, c)
	if !st.Complete() || st.Self() != access.Account("weak") {
		t.Errorf("self is %s, unknown %v", st.Self(), st.Unknowns())
	}
	before := f.raw()
	denied := map[string]access.Change{
		"superuser":      give("account/alice", "attribute/superuser", "has"),
		"disable root":   disable("account/root"),
		"delete root":    remove("account/root", false),
		"part of it":     give("account/alice", "schema/s", "all"), // it could give USAGE, not CREATE: only a warning of the server's
		"tables":         give("account/alice", "tables/s", "read"),
		"owner's table":  give("role/grp", "tables/public", "read"),
		"database":       revoke("account/alice", "database/app", "read"),
		"predefined":     give("account/root", "role/pg_execute_server_program", "member"),
		"owned by alice": remove("account/alice", false),
	}
	if f.pg.Major < 16 {
		delete(denied, "predefined") // there CREATEROLE may give away everything but superusers
	}
	if f.pg.Major >= 16 {
		denied["disable"] = disable("account/alice")
		denied["membership"] = give("account/alice", "role/grp", "member")
		denied["createdb"] = give("account/alice", "attribute/createdb", "has")
	}
	for name, ch := range denied {
		err := c.Apply(t.Context(), ch)
		if !errors.Is(err, connectors.ErrDenied) || !strings.Contains(err.Error(), "takes ") || !strings.Contains(err.Error(), "warehouse/"+ch.Subject.String()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.unchanged(before)
	// What it may: create, and administer what it created.
	apply(t, c, create("role/own"), create("account/joe"), give("account/joe", "role/own", "admin"), rename("role/own", "own2"),
		disable("account/joe"), move("account/joe", "role/own2", "admin", "member"), revoke("account/joe", "role/own2", "member"), remove("account/joe", true))
	wantGrants(t, read(t, c), access.Account("weak"), "has attribute/createrole", "read schema/s")
}

func TestDeniedLogin(t *testing.T) {
	f := newFar(t)
	c := f.open(dsn(f.pg.DSNFor("accord", canary+"x", "app")))
	_, err := c.Read(t.Context(), connectors.Scope{})
	if !errors.Is(err, connectors.ErrDenied) || strings.Contains(err.Error(), canary) {
		t.Errorf("Read: %v", err)
	}
	if err := c.Apply(t.Context(), create("role/x")); !errors.Is(err, connectors.ErrDenied) {
		t.Errorf("Apply: %v", err)
	}
}

func TestDeniedCatalog(t *testing.T) {
	f := newFar(t)
	f.sql("create role weak login password 'pw'; revoke select on pg_auth_members from public; revoke execute on function pg_control_system() from public")
	t.Cleanup(func() {
		f.sql("grant select on pg_auth_members to public; grant execute on function pg_control_system() to public")
	})
	c := f.open(dsn(f.pg.DSNFor("weak", "pw", "app")))
	if st, err := c.Read(t.Context(), connectors.Scope{}); !errors.Is(err, connectors.ErrDenied) || st != nil {
		t.Errorf("%v, %v", st, err)
	}
	f.sql("grant select on pg_auth_members to public")
	if st := read(t, c); st.Identity() != fmt.Sprintf("postgres 127.0.0.1:%d/app", f.pg.Port) {
		t.Errorf("identity %q", st.Identity())
	}
}

// TestNoSecrets sends everything that can go wrong with a DSN past a canary.
func TestNoSecrets(t *testing.T) {
	const secret = "c4n4ryc4n4ry"
	for name, text := range map[string]string{
		"no such host":       "postgres://u:" + secret + "@127.0.0.1:1/db?sslmode=disable",
		"bad port":           "postgres://u:" + secret + "@127.0.0.1:99999/db",
		"password as port":   "postgres://u@127.0.0.1:" + secret + "/db",
		"unescaped":          "postgres://u:" + secret + "/%zz@127.0.0.1/db",
		"bad escape":         "postgres://u:%zz" + secret + "@127.0.0.1/db",
		"bad query":          "postgres://u:p@127.0.0.1/db?password=%zz" + secret,
		"unknown keyword":    "postgres://u:p@127.0.0.1/db?" + secret + "=1",
		"pairs, unknown":     "host=127.0.0.1 user=u " + secret + "=x",
		"pairs, no value":    "host=127.0.0.1 user=u password=x " + secret,
		"pairs, open quote":  "host=127.0.0.1 user=u password='" + secret,
		"bad sslmode":        "host=127.0.0.1 user=u password=" + secret + " sslmode=" + secret,
		"no certificate":     "host=127.0.0.1 user=u password=" + secret + " sslmode=verify-full sslrootcert=/no/such/" + secret,
		"insecure":           "host=db.example.com user=u password=" + secret,
		"no host":            "user=u password=" + secret,
		"nothing at all":     secret,
		"NUL":                "host=127.0.0.1 user=u password=" + secret + "\x00",
		"service":            "service=" + secret,
		"several, all wrong": "postgres://u:" + secret + "@127.0.0.1:1,127.0.0.1:2/db?sslmode=disable",
	} {
		var log logged
		c, err := open(connectors.Config{System: "warehouse", Settings: connectors.Settings{"dsn": {Secret: connectors.SecretRef{Env: "DSN"}}},
			Secret: func(context.Context, connectors.SecretRef) (connectors.Secret, error) {
				return connectors.NewSecret(text), nil
			},
			Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Read(t.Context(), connectors.Scope{})
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(fmt.Sprintf("%v %+v %#v %s", err, err, err, log.String()), secret) {
			t.Errorf("%s: the secret is in %v", name, err)
		}
		if err := c.Apply(t.Context(), create("role/x")); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: Apply: %v", name, err)
		}
	}
}

func TestSecretNotThere(t *testing.T) {
	gone := errors.New("DSN isn't set")
	c, err := open(connectors.Config{System: "warehouse", Settings: connectors.Settings{"dsn": {Secret: connectors.SecretRef{Env: "DSN"}}},
		Secret: func(context.Context, connectors.SecretRef) (connectors.Secret, error) {
			return connectors.Secret{}, gone
		}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(t.Context(), connectors.Scope{}); !errors.Is(err, gone) || !strings.Contains(err.Error(), "env DSN") {
		t.Errorf("%v", err)
	}
}

// TestConcurrent has many readers and writers share a connector.
func TestConcurrent(t *testing.T) {
	f := newFar(t)
	c := f.open()
	apply(t, c, create("role/grp"))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := fmt.Sprintf("account/a%d", i)
			for _, ch := range []access.Change{create(name), give(name, "role/grp", "member"), disable(name), revoke(name, "role/grp", "member"), remove(name, true)} {
				if err := c.Apply(t.Context(), ch); err != nil {
					t.Error(err)
				}
				if _, err := c.Read(t.Context(), connectors.Scope{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := f.value("select count(*) from pg_roles where rolname ~ '^a[0-9]'"); got != "0" {
		t.Errorf("%s are left", got)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(t.Context(), connectors.Scope{}); !errors.Is(err, errClosed) {
		t.Errorf("after Close: %v", err)
	}
	waitFor(t, f, "select count(*) from pg_stat_activity where usename = 'accord'", "0")
}
