package postgres

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// canary is the password of Accord's account: it must never come up anywhere.
const canary = "c4n4ry'pass word%"

// far is a server with nothing on it but a database "app", owned by "owner", and Accord's own
// account "accord", a superuser.
type far struct {
	t   testing.TB
	pg  *servertest.PostgresServer
	log *logged
}

// logged collects the log and can be written to from several goroutines.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newFar(t testing.TB) *far {
	t.Helper()
	f := &far{t: t, pg: servertest.Postgres(t), log: &logged{}}
	f.pg.Reset(t)
	f.pg.SQL(t, "create role owner login; create database app owner owner strategy wal_log; create role accord login superuser password "+literal(canary))
	t.Cleanup(func() {
		if strings.Contains(f.log.String(), canary) {
			t.Error("the password is in the log")
		}
	})
	return f
}

// sql runs SQL in the database app.
func (f *far) sql(sql string) [][]string { f.t.Helper(); return f.pg.SQLIn(f.t, "app", sql) }

// value runs SQL that gives one value.
func (f *far) value(sql string) string {
	f.t.Helper()
	rows := f.sql(sql)
	if len(rows) != 1 || len(rows[0]) != 1 {
		f.t.Fatalf("%s: %q isn't one value", sql, rows)
	}
	return rows[0][0]
}

// config opens connectors as the login "accord"; change may alter it.
func (f *far) config(change ...func(*connectors.Config)) connectors.Config {
	cfg := connectors.Config{
		System:   "warehouse",
		Settings: connectors.Settings{"dsn": {Secret: connectors.SecretRef{Env: "DSN"}}},
		Secret: func(context.Context, connectors.SecretRef) (connectors.Secret, error) {
			return connectors.NewSecret(f.pg.DSNFor("accord", canary, "app")), nil
		},
		Log: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: time.Now,
	}
	for _, c := range change {
		c(&cfg)
	}
	return cfg
}

func (f *far) open(change ...func(*connectors.Config)) *connector {
	f.t.Helper()
	c, err := open(f.config(change...))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	return c.(*connector)
}

func setting(name string, v connectors.Value) func(*connectors.Config) {
	return func(c *connectors.Config) { c.Settings[name] = v }
}

func dsn(text string) func(*connectors.Config) {
	return func(c *connectors.Config) {
		c.Secret = func(context.Context, connectors.SecretRef) (connectors.Secret, error) {
			return connectors.NewSecret(text), nil
		}
	}
}

func read(t testing.TB, c connectors.Reader, ids ...access.ID) *access.State {
	t.Helper()
	st, err := c.Read(t.Context(), connectors.Scope{IDs: ids})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// grants lists what the subject holds, as "member role/a" or "member role/a (implied)".
func grants(st *access.State, subject access.ID) []string {
	list := []string{}
	for _, g := range st.GrantsOf(subject) {
		s := g.Permission + " " + g.Target.String()
		if g.Standing != access.Held {
			s += " (" + g.Standing.String() + ")"
		}
		list = append(list, s)
	}
	return list
}

func wantGrants(t testing.TB, st *access.State, subject access.ID, want ...string) {
	t.Helper()
	slices.Sort(want)
	got := grants(st, subject)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%s holds\n  %s\nwant\n  %s", subject, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func role(name string) access.ID   { return access.ID{Kind: kindRole, Name: name} }
func schema(name string) access.ID { return access.ID{Kind: kindSchema, Name: name} }
func tables(name string) access.ID { return access.ID{Kind: kindTables, Name: name} }
func attr(name string) access.ID   { return access.ID{Kind: kindAttribute, Name: name} }

// id parses "kind/name".
func id(s string) access.ID {
	v, err := access.ParseID(s)
	if err != nil {
		panic(err)
	}
	return v
}

// The changes, from "kind/name" texts.

func create(subject string, attrs ...string) access.Change {
	return access.Change{System: "warehouse", Action: access.Create, Subject: id(subject), After: &access.Value{Attributes: pairs(attrs)}}
}

func update(subject, key, before, after string) access.Change {
	return access.Change{System: "warehouse", Action: access.Update, Subject: id(subject),
		Before: &access.Value{Attributes: map[string]string{key: before}}, After: &access.Value{Attributes: map[string]string{key: after}}}
}

func rename(subject, to string) access.Change {
	return access.Change{System: "warehouse", Action: access.Rename, Subject: id(subject),
		Before: &access.Value{Name: id(subject).Name}, After: &access.Value{Name: to}}
}

func disable(subject string) access.Change {
	return access.Change{System: "warehouse", Action: access.Disable, Subject: id(subject), Before: &access.Value{}, After: &access.Value{Disabled: true}}
}

func enable(subject string) access.Change {
	return access.Change{System: "warehouse", Action: access.Enable, Subject: id(subject), Before: &access.Value{Disabled: true}, After: &access.Value{}}
}

func remove(subject string, disabled bool) access.Change {
	return access.Change{System: "warehouse", Action: access.Delete, Subject: id(subject), Before: &access.Value{Disabled: disabled}}
}

func give(subject, target, permission string) access.Change {
	return access.Change{System: "warehouse", Action: access.Give, Subject: id(subject), Target: id(target), After: &access.Value{Permission: permission}}
}

func revoke(subject, target, permission string) access.Change {
	return access.Change{System: "warehouse", Action: access.Revoke, Subject: id(subject), Target: id(target), Before: &access.Value{Permission: permission}}
}

func move(subject, target, from, to string) access.Change {
	return access.Change{System: "warehouse", Action: access.ChangeLevel, Subject: id(subject), Target: id(target),
		Before: &access.Value{Permission: from}, After: &access.Value{Permission: to}}
}

func pairs(kv []string) map[string]string {
	if len(kv) == 0 {
		return nil
	}
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

// apply carries out changes one by one, each of which must succeed, twice: again is harmless.
func apply(t testing.TB, c connectors.Connector, changes ...access.Change) {
	t.Helper()
	for _, ch := range changes {
		for n := range 2 {
			if err := c.Apply(t.Context(), ch); err != nil {
				t.Fatalf("time %d: %v", n+1, err)
			}
		}
	}
}

// raw gives all of a server's own view of roles and privileges, to see that nothing changed.
func (f *far) raw() string {
	f.t.Helper()
	rows := f.sql(`
		select 'role', rolname, rolcanlogin, rolvaliduntil, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolconnlimit, shobj_description(oid, 'pg_authid') from pg_roles where oid >= 16384 order by 2;
		select 'member', roleid::regrole, member::regrole, admin_option from pg_auth_members where member >= 16384 order by 2, 3;
		select 'database', datname, datdba::regrole, datacl from pg_database order by 2;
		select 'schema', nspname, nspowner::regrole, nspacl from pg_namespace where nspname !~ '^pg_' order by 2;
		select 'relation', oid::regclass, relowner::regrole, relacl from pg_class where relnamespace >= 2200 and relkind in ('r','v','m','p','f','S') and relnamespace <> 'information_schema'::regnamespace order by 2;
		select 'default', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl from pg_default_acl order by 2, 3, 4`)
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintln(&b, strings.Join(r, "|"))
	}
	return b.String()
}

// unchanged fails the test if the server's own view isn't as it was.
func (f *far) unchanged(before string) {
	f.t.Helper()
	if after := f.raw(); after != before {
		f.t.Errorf("changed from\n%s\nto\n%s", before, after)
	}
}
