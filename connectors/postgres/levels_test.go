package postgres

import (
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

func TestLadder(t *testing.T) {
	spans := func(main, seq []mask) (s [classes]span) {
		for _, m := range main {
			s[classMain].add(m, 1)
		}
		for _, m := range seq {
			s[classSequence].add(m, 2)
		}
		return s
	}
	const rw = privSelect | privInsert | privUpdate | privDelete
	for _, c := range []struct {
		kind      string
		main, seq []mask
		want      string
	}{
		{kindDatabase, []mask{0}, nil, ""},
		{kindDatabase, []mask{privConnect}, nil, "read"},
		{kindDatabase, []mask{privTemporary}, nil, "partial-write"},
		{kindDatabase, []mask{privConnect | privTemporary}, nil, "write"},
		{kindDatabase, []mask{privCreate}, nil, "partial-all"},
		{kindDatabase, []mask{privConnect | privCreate}, nil, "partial-all"},
		{kindDatabase, []mask{privConnect | privTemporary | privCreate}, nil, "all"},
		{kindSchema, []mask{privUsage}, nil, "read"},
		{kindSchema, []mask{privCreate}, nil, "partial-all"},
		{kindSchema, []mask{privUsage | privCreate}, nil, "all"},
		{kindTables, []mask{privSelect, privSelect}, []mask{privSelect}, "read"},
		{kindTables, []mask{privSelect, 0}, []mask{privSelect}, "partial-read"},
		{kindTables, []mask{privSelect, privSelect}, []mask{0}, "partial-read"},
		{kindTables, []mask{0}, []mask{privUsage}, "partial-write"},
		{kindTables, []mask{privSelect, privSelect | privInsert}, []mask{privSelect}, "partial-write"},
		{kindTables, []mask{rw}, []mask{privSelect | privUsage}, "write"},
		{kindTables, []mask{rw}, []mask{privSelect | privUsage | privUpdate}, "partial-all"},
		{kindTables, []mask{rw | privTruncate}, []mask{privSelect}, "partial-all"},
		{kindTables, []mask{0}, []mask{0}, ""},
		{kindTables, []mask{1 << 15}, []mask{0}, "partial-all"},
	} {
		if got := ladderOf(c.kind, 17).of(spans(c.main, c.seq)); got != c.want {
			t.Errorf("%s %b %b: %q, want %q", c.kind, c.main, c.seq, got, c.want)
		}
	}
	full := ladderOf(kindTables, 17)[2].has
	if got := ladderOf(kindTables, 17).of(spans([]mask{full[0]}, []mask{full[1]})); got != "all" {
		t.Errorf("everything is %q", got)
	}
	if ladderOf(kindTables, 16)[2].has[0]&privMaintain != 0 || full[0]&privMaintain == 0 {
		t.Error("MAINTAIN came with version 17")
	}
}

// TestDescribedLevels holds the description to the ladders: going down is always a removal.
func TestDescribedLevels(t *testing.T) {
	for kind, want := range map[string][]string{
		kindDatabase: {"read", "partial-write", "write", "partial-all", "all"},
		kindSchema:   {"read", "partial-all", "all"},
		kindTables:   {"partial-read", "read", "partial-write", "write", "partial-all", "all"},
	} {
		k, _ := describe().Kind(kind)
		for i, name := range want {
			p, ok := k.Permission(name)
			if k.Level(name) != i || !ok || p.ReadOnly != (name[0] == 'p') {
				t.Errorf("%s %s: level %d, %+v", kind, name, k.Level(name), p)
			}
		}
		if len(k.Permissions) != len(want) || !k.Ordered {
			t.Errorf("%s: %+v", kind, k)
		}
	}
}

// TestTableLevels looks at states of a schema that SQL has made.
func TestTableLevels(t *testing.T) {
	f := newFar(t)
	f.sql("create role alice login")
	for _, c := range []struct {
		name, sql string
		want      []string // what alice holds on tables
		creators  []string
	}{
		{name: "nothing", sql: `create table s.t()`},
		{name: "tables but not those to come", sql: `create table s.t(); grant select on s.t to alice`, want: []string{"partial-read tables/s"}},
		{name: "those to come but not the tables", sql: `create table s.t(); alter default privileges in schema s grant select on tables to alice`, want: []string{"partial-read tables/s"}},
		{name: "read", sql: `create table s.t(i serial); create view s.v as select 1; grant select on all tables in schema s to alice; grant select on all sequences in schema s to alice;
			alter default privileges in schema s grant select on tables to alice; alter default privileges in schema s grant select on sequences to alice`, want: []string{"read tables/s"}},
		{name: "one table short", sql: `create table s.t(); grant select on s.t to alice; create table s.u();
			alter default privileges in schema s grant select on tables to alice; alter default privileges in schema s grant select on sequences to alice`, want: []string{"partial-read tables/s"}},
		{name: "empty schema", sql: `alter default privileges for role owner in schema s grant select on tables to alice; alter default privileges for role owner in schema s grant select on sequences to alice`, want: []string{"read tables/s"}},
		{name: "empty schema, wrong creator", sql: `alter default privileges for role pgadmin in schema s grant select on tables to alice; alter default privileges for role pgadmin in schema s grant select on sequences to alice`, want: []string{"partial-read tables/s"}},
		{name: "empty schema, configured creator", sql: `alter default privileges for role pgadmin in schema s grant select on tables to alice; alter default privileges for role pgadmin in schema s grant select on sequences to alice`, want: []string{"read tables/s"}, creators: []string{"pgadmin"}},
		{name: "a second owner", sql: `create table s.t(); create table s.u(); alter table s.u owner to owner; grant select on all tables in schema s to alice;
			alter default privileges for role owner in schema s grant select on tables to alice; alter default privileges for role owner in schema s grant select on sequences to alice`, want: []string{"partial-read tables/s"}},
		{name: "a column is nothing", sql: `create table s.t(i int); grant select (i) on s.t to alice`},
		{name: "to everybody is nothing", sql: `create table s.t(i int); grant select on s.t to public`},
		{name: "one insert", sql: `create table s.t(); grant insert on s.t to alice`, want: []string{"partial-write tables/s"}},
		{name: "truncate", sql: `create table s.t(); grant select, truncate on s.t to alice with grant option`, want: []string{"partial-all tables/s"}},
		{name: "owner of all", sql: `create table s.t(); alter table s.t owner to alice`, want: []string{"all tables/s (implied)"}},
		{name: "owner of some", sql: `create table s.t(); create table s.u(); alter table s.t owner to alice`, want: []string{"partial-all tables/s (implied)"}},
		{name: "owner of some, reader of the rest", sql: `create table s.t(); create table s.u(); alter table s.t owner to alice; grant select on s.u to alice;
			alter default privileges in schema s grant select on tables to alice; alter default privileges in schema s grant select on sequences to alice`,
			want: []string{"partial-all tables/s (implied)", "read tables/s"}},
		{name: "default privileges of no schema", sql: `alter default privileges for role owner grant insert on tables to alice`,
			want: []string{"partial-write tables/public (implied)", "partial-write tables/s (implied)"}},
		{name: "functions are something else", sql: `alter default privileges in schema s grant execute on functions to alice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.sql(`drop schema if exists s cascade; drop owned by alice; create schema s; ` + c.sql)
			conn := f.open(setting("creators", connectors.Value{Texts: c.creators}))
			wantGrants(t, read(t, conn), access.Account("alice"), c.want...)
			wantGrants(t, read(t, conn, access.Account("alice")), access.Account("alice"), c.want...)
		})
	}
}

func TestObjectLevels(t *testing.T) {
	f := newFar(t)
	f.sql(`create role a login; create role b login; create role c; create schema s;
		grant connect on database app to a; grant temporary on database app to b; grant all on database app to c with grant option;
		set role c; grant connect on database app to b; reset role;
		grant usage on schema s to a; grant create on schema s to b; grant all on schema s to c`)
	st := read(t, f.open())
	wantGrants(t, st, access.Account("a"), "read database/app", "read schema/s")
	wantGrants(t, st, access.Account("b"), "write database/app", "partial-all schema/s")
	wantGrants(t, st, role("c"), "all database/app", "all schema/s")
}
