package postgres

import (
	"maps"
	"slices"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

func TestReadEmpty(t *testing.T) {
	f := newFar(t)
	c := f.open()
	st := read(t, c)
	if !st.Complete() {
		t.Errorf("incomplete: %v", st.Unknowns())
	}
	if st.Self() != access.Account("accord") {
		t.Errorf("self is %s", st.Self())
	}
	want := "postgres " + f.value("select system_identifier from pg_control_system()") + "/app"
	if st.Identity() != want {
		t.Errorf("identity %q, want %q", st.Identity(), want)
	}
	for name, reserved := range map[string]bool{
		"account/accord": true, "account/pgadmin": true, "account/owner": false, "role/pg_monitor": true, "role/pg_database_owner": true,
		"attribute/superuser": true, "attribute/bypassrls": true, "database/app": false, "database/postgres": false,
		"schema/public": false, "tables/public": false,
	} {
		o, ok := st.Object(id(name))
		if !ok || o.Reserved != reserved || o.Disabled {
			t.Errorf("%s: %+v, there %v", name, o, ok)
		}
	}
	for o := range st.Objects() {
		if n, err := c.Normalize(o); err != nil || n.ID != o.ID {
			t.Errorf("Normalize(%v) = %v, %v", o, n, err)
		}
	}
	if _, ok := st.Object(schema("pg_catalog")); ok {
		t.Error("pg_catalog is listed")
	}
	wantGrants(t, st, access.Account("owner"), "all database/app (implied)", "member role/pg_database_owner (implied)")
	wantGrants(t, st, role("pg_database_owner"), "all schema/public (implied)")
}

func TestReadRoles(t *testing.T) {
	f := newFar(t)
	f.sql(`create role alice login createdb connection limit 3; comment on role alice is E'It''s\nAlice';
		create role bob login valid until '2001-01-01';
		create role gone nologin valid until '-infinity';
		create role locked nologin valid until '2030-01-01' createrole;
		create role plain nologin; comment on role plain is 'a group';
		create role "Ädmin; drop table x--" login replication bypassrls superuser;`)
	st := read(t, f.open())
	type want struct {
		disabled bool
		attrs    map[string]string
	}
	for name, w := range map[string]want{
		"account/alice": {false, map[string]string{"comment": "It's\nAlice", "connection_limit": "3"}},
		"account/bob":   {false, nil}, "account/gone": {true, nil}, "account/locked": {true, nil},
		"role/plain":                    {false, map[string]string{"description": "a group"}},
		"account/Ädmin; drop table x--": {false, nil},
	} {
		o, ok := st.Object(id(name))
		if !ok || o.Disabled != w.disabled || len(o.Attributes) != len(w.attrs) || o.Reserved {
			t.Errorf("%s: %+v, there %v", name, o, ok)
		}
		for k, v := range w.attrs {
			if o.Attributes[k] != v {
				t.Errorf("%s: %s is %q", name, k, o.Attributes[k])
			}
		}
	}
	wantGrants(t, st, access.Account("alice"), "has attribute/createdb")
	wantGrants(t, st, access.Account("locked"), "has attribute/createrole")
	wantGrants(t, st, access.Account("Ädmin; drop table x--"), "has attribute/superuser", "has attribute/replication", "has attribute/bypassrls")
}

func TestReadNested(t *testing.T) {
	f := newFar(t)
	f.sql(`create role base; create role mid; create role top; create role side; create role app_login login;
		create role alice login; create role bob login;
		grant base to mid; grant mid to top; grant base to side with admin option;
		grant top to alice; grant side to alice; grant base to bob with admin option; grant mid to bob; grant app_login to bob;
		grant pg_read_all_data to base`)
	st := read(t, f.open())
	wantGrants(t, st, access.Account("alice"), "member role/top", "member role/side",
		"member role/mid (implied)", "member role/base (implied)", "member role/pg_read_all_data (implied)")
	wantGrants(t, st, access.Account("bob"), "admin role/base", "member role/mid", "member account/app_login", "member role/pg_read_all_data (implied)")
	wantGrants(t, st, role("top"), "member role/mid", "member role/base (implied)", "member role/pg_read_all_data (implied)")
	wantGrants(t, st, role("side"), "admin role/base", "member role/pg_read_all_data (implied)")
	if _, ok := st.Object(role("app_login")); ok {
		t.Error("a login is listed as a role")
	}
}

// TestReadScoped compares each scoped answer with the whole one.
func TestReadScoped(t *testing.T) {
	f := newFar(t)
	seedRich(f)
	c := f.open()
	whole := read(t, c)
	var all []access.ID
	for o := range whole.Objects() {
		all = append(all, o.ID)
	}
	for _, ids := range append([][]access.ID{all, {id("account/alice"), role("alice"), role("no such")}, {tables("public"), attr("superuser")}}, each(all)...) {
		st := read(t, c, ids...)
		if st.Whole() || st.Identity() != whole.Identity() || st.Self() != whole.Self() {
			t.Fatalf("%v: whole %v, %q, %v", ids, st.Whole(), st.Identity(), st.Self())
		}
		for _, want := range ids {
			a, there := whole.Object(want)
			b, seen := st.Object(want)
			if there != seen || a.Disabled != b.Disabled || a.Reserved != b.Reserved || a.Native != b.Native || !maps.Equal(a.Attributes, b.Attributes) {
				t.Errorf("%s: %+v in the whole answer, %+v in the scoped one", want, a, b)
			}
			wantGrants(t, st, want, grants(whole, want)...)
			if !st.Knows(want) {
				t.Errorf("%s isn't known", want)
			}
		}
		for o := range st.Objects() {
			if !slices.Contains(ids, o.ID) {
				t.Errorf("%s wasn't asked for", o.ID)
			}
		}
		for _, g := range st.Grants() {
			if !slices.Contains(ids, g.Subject) {
				t.Errorf("%s wasn't asked for", g)
			}
		}
	}
	none, err := c.Read(t.Context(), connectors.Scope{IDs: []access.ID{}})
	if err != nil {
		t.Fatal(err)
	}
	if o, g := none.Size(); o+g != 0 || none.Whole() {
		t.Errorf("an answer about nothing has %d objects, %d grants", o, g)
	}
}

// seedRich makes something of everything.
func seedRich(f *far) {
	f.sql(`create role alice login createdb; create role bob login; create role carol nologin valid until '-infinity';
		create role base; create role mid; create role top;
		grant base to mid; grant mid to top; grant top to alice with admin option; grant base to bob;
		create schema s authorization owner; create schema empty; create schema bobs authorization bob;
		set role owner;
		create table s.t(i serial); create view s.v as select 1; create materialized view s.m as select 2 as a;
		create table s.p(i int) partition by range (i); create table s.p1 partition of s.p for values from (1) to (2);
		reset role;
		create table bobs.t(); alter table bobs.t owner to bob; create table bobs.u();
		grant connect, create on database app to alice; grant temporary on database app to bob; grant all on database app to top;
		grant usage on schema s to base; grant create on schema s to carol with grant option;
		grant select on all tables in schema s to base; grant select on all sequences in schema s to base;
		alter default privileges for role owner in schema s grant select on tables to base;
		alter default privileges for role owner in schema s grant select on sequences to base;
		grant insert on s.t to carol; grant all on all tables in schema bobs to alice;
		alter default privileges for role bob grant select on tables to carol;
		alter default privileges for role pgadmin in schema empty grant all on tables to mid`)
}

// each gives scopes of one object.
func each(all []access.ID) [][]access.ID {
	var list [][]access.ID
	for _, id := range all {
		list = append(list, []access.ID{id})
	}
	return list
}
