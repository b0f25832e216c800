package postgres

import (
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// twoDatabases makes alice own and hold something in "app", in "second", and of what all
// databases share.
func twoDatabases(f *far) {
	f.pg.SQL(f.t, `create role second_owner; create role alice login; create role bob login; create database second owner second_owner strategy wal_log; create database hers owner alice strategy wal_log;
		grant connect on database second to alice`)
	f.sql(`create schema s authorization alice; create table s.t(i serial); alter table s.t owner to alice; create table u(); grant select on u to alice;
		alter default privileges for role owner grant select on tables to alice; alter default privileges for role alice in schema s grant select on tables to bob; grant select on s.t to bob; create role grp; grant grp to alice; grant alice to bob`)
	f.pg.SQLIn(f.t, "second", `create table t(); alter table t owner to alice; create table u(); grant insert on u to alice; create function f() returns int language sql as 'select 1'; alter function f() owner to alice`)
	f.pg.SQLIn(f.t, "hers", `set role alice; create schema x; create table x.t()`)
}

func TestDeleteEverywhere(t *testing.T) {
	for name, c := range map[string]struct {
		handover                     string
		app, second, hers, databases string
	}{
		"to the databases' owners":  {"", "owner", "second_owner", "owner", "owner"},
		"to the one in the setting": {"bob", "bob", "bob", "bob", "bob"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t)
			twoDatabases(f)
			conn := f.open(setting("handover", connectors.Value{Text: c.handover}))
			apply(t, conn, remove("account/alice", false))
			for _, q := range []struct{ db, sql, want string }{
				{"app", "select count(*) from pg_roles where rolname = 'alice'", "0"},
				{"app", "select relowner::regrole from pg_class where oid = 's.t'::regclass", c.app},
				{"app", "select nspowner::regrole from pg_namespace where nspname = 's'", c.app},
				{"app", "select relacl is null or relacl::text !~ '=r' from pg_class where oid = 'u'::regclass", "t"},
				{"second", "select relowner::regrole from pg_class where oid = 't'::regclass", c.second},
				{"second", "select proowner::regrole from pg_proc where proname = 'f'", c.second},
				{"hers", "select relowner::regrole from pg_class where oid = 'x.t'::regclass", c.hers},
				{"app", "select datdba::regrole from pg_database where datname = 'hers'", c.databases},
				{"app", "select count(*) from pg_shdepend where refclassid = 'pg_authid'::regclass and refobjid not in (select oid from pg_authid)", "0"},
				{"app", "select has_table_privilege('bob', 's.t', 'select')", "t"},
			} {
				if got := f.pg.SQLIn(t, q.db, q.sql)[0][0]; got != q.want {
					t.Errorf("%s: %s: %q, want %q", q.db, q.sql, got, q.want)
				}
			}
		})
	}
}

// TestDeleteRefused finds what stands in the way before anything is changed.
func TestDeleteRefused(t *testing.T) {
	for name, c := range map[string]struct {
		db, sql, want string
		settings      func(*connectors.Config)
	}{
		"a database that takes no connections": {"postgres", "alter database second allow_connections false", `database "second"`, nil},
		"no such handover":                     {"postgres", "", `setting handover names "ghost"`, setting("handover", connectors.Value{Text: "ghost"})},
		"handover to itself":                   {"postgres", "", "handed over to itself", setting("handover", connectors.Value{Text: "alice"})},
		"owner of the database":                {"postgres", "alter database app owner to alice", "handed over to itself", nil},
		"passed on here":                       {"app", "grant select on u to alice with grant option; set role alice; grant select on u to bob", `u to bob`, nil},
		"passed on there":                      {"second", "grant usage on schema public to alice with grant option; set role alice; grant usage on schema public to bob", `schema public to bob`, nil},
		"passed on a column":                   {"app", "create table v(i int); grant select (i) on v to alice with grant option; set role alice; grant select (i) on v to bob", `v.i to bob`, nil},
		"passed on a database":                 {"app", "grant connect on database second to alice with grant option; set role alice; grant connect on database second to bob", `database second to bob`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t)
			twoDatabases(f)
			if c.sql != "" {
				f.pg.SQLIn(t, c.db, c.sql)
			}
			if c.settings == nil {
				c.settings = func(*connectors.Config) {}
			}
			before := f.raw()
			err := f.open(c.settings).Apply(t.Context(), remove("account/alice", false))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "warehouse/account/alice") {
				t.Errorf("%v, want one about %s", err, c.want)
			}
			f.unchanged(before)
			if strings.Contains(f.pg.SQL(t, "select datallowconn from pg_database where datname = 'second'")[0][0], "t") {
				if got := f.pg.SQLIn(t, "second", "select relowner::regrole from pg_class where oid = 't'::regclass")[0][0]; got != "alice" {
					t.Errorf("the table in second belongs to %s", got)
				}
			}
		})
	}
}

// TestDeleteInBatch: a deletion in one database can be part of a batch, one in several can't.
func TestDeleteInBatch(t *testing.T) {
	f := newFar(t)
	twoDatabases(f)
	f.sql("create role carol login; create table c(); alter table c owner to carol")
	c := f.open()
	before := f.raw()
	err := c.ApplyBatch(t.Context(), []access.Change{create("role/new"), remove("account/alice", false)})
	if err == nil || !strings.Contains(err.Error(), "other databases") {
		t.Errorf("%v", err)
	}
	f.unchanged(before)
	if err := c.ApplyBatch(t.Context(), []access.Change{create("role/new"), remove("account/carol", false), create("role/carol"), give("account/bob", "role/carol", "member")}); err != nil {
		t.Fatal(err)
	}
	st := read(t, c)
	if _, ok := st.Object(role("carol")); !ok {
		t.Error("the role carol isn't there")
	}
	if got := f.value("select relowner::regrole from pg_class where oid = 'c'::regclass"); got != "owner" {
		t.Errorf("carol's table belongs to %s", got)
	}
}

// TestDeleteKeepsMemberships: what a deleted administrator gave to others stays theirs.
func TestDeleteKeepsMemberships(t *testing.T) {
	f := newFar(t)
	f.sql(`create role boss login; create role dave login; create role alice login; create role bob login; create role carol login; create role grp;
		grant grp to boss with admin option; set role boss; grant grp to alice with admin option; grant grp to bob; grant grp to dave; set role alice; grant grp to carol; reset role; grant grp to dave with admin option`)
	c := f.open()
	apply(t, c, remove("account/boss", false))
	wantGrants(t, read(t, c), access.Account("dave"), "admin role/grp")
	st := read(t, c)
	wantGrants(t, st, access.Account("alice"), "admin role/grp")
	wantGrants(t, st, access.Account("bob"), "member role/grp")
	wantGrants(t, st, access.Account("carol"), "member role/grp")
	apply(t, c, revoke("account/carol", "role/grp", "member"), revoke("account/alice", "role/grp", "admin"), revoke("account/bob", "role/grp", "member"))
	wantGrants(t, read(t, c), access.Account("alice"))
}

func TestDeleteRoleWithMembers(t *testing.T) {
	f := newFar(t)
	f.sql(`create role alice login; create role grp; create role base; grant grp to alice; grant base to grp; create schema s; grant usage on schema s to grp; create table s.t(); alter table s.t owner to grp`)
	c := f.open()
	apply(t, c, remove("role/grp", false))
	st := read(t, c)
	wantGrants(t, st, access.Account("alice"))
	wantGrants(t, st, access.Account("owner"), "all database/app (implied)", "member role/pg_database_owner (implied)", "all tables/s (implied)")
}
