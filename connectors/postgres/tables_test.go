package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// wantCan asks the server itself what a role may do with relations: the first letters of
// select, insert, update, delete, truncate, and of select, usage, update for sequences.
func (f *far) wantCan(role string, want map[string]string) {
	f.t.Helper()
	var sql strings.Builder
	for _, relation := range sortedKeys(want) {
		kind, privileges := "table", []string{"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"}
		if strings.HasSuffix(relation, "_seq") {
			kind, privileges = "sequence", []string{"SELECT", "USAGE", "UPDATE"}
		}
		fmt.Fprintf(&sql, "select %s, concat(''", literal(relation))
		for _, p := range privileges {
			fmt.Fprintf(&sql, ", case when has_%s_privilege(%s, %s, '%s') then '%c' else '-' end", kind, literal(role), literal(relation), p, p[0]|0x20)
		}
		sql.WriteString(");")
	}
	for _, row := range f.sql(sql.String()) {
		if row[1] != want[row[0]] {
			f.t.Errorf("%s can %s on %s, want %s", role, row[1], row[0], want[row[0]])
		}
	}
}

// TestApplyTables goes up and down the levels, with all kinds of relations, and looks at what
// holds for the relations that are there and for one that is made afterwards.
func TestApplyTables(t *testing.T) {
	f := newFar(t)
	f.sql(`create role alice login; create schema s authorization owner; set role owner;
		create table s.t(i serial); create view s.v as select 1; create materialized view s.m as select 2 as a;
		create table s.p(i int) partition by range (i); create table s.p1 partition of s.p for values from (1) to (2)`)
	c := f.open()
	steps := []struct {
		change    access.Change
		table     string
		sequence  string
		isDefault string
	}{
		{give("account/alice", "tables/s", "read"), "s----", "s--", "s----"},
		{move("account/alice", "tables/s", "read", "write"), "siud-", "su-", "siud-"},
		{move("account/alice", "tables/s", "write", "all"), "siudt", "suu", "siudt"},
		{move("account/alice", "tables/s", "all", "read"), "s----", "s--", "s----"},
		{revoke("account/alice", "tables/s", "read"), "-----", "---", "-----"},
		{give("account/alice", "tables/s", "all"), "siudt", "suu", "siudt"},
		{revoke("account/alice", "tables/s", "all"), "-----", "---", "-----"},
	}
	for _, s := range steps {
		apply(t, c, s.change)
		f.sql("set role owner; create table s.later(i serial); reset role")
		f.wantCan("alice", map[string]string{"s.t": s.table, "s.v": s.table, "s.m": s.table, "s.p": s.table, "s.p1": s.table,
			"s.t_i_seq": s.sequence, "s.later": s.isDefault, "s.later_i_seq": s.sequence})
		want := []string{}
		if s.change.After != nil {
			want = append(want, s.change.After.Permission+" tables/s")
		}
		wantGrants(t, read(t, c), access.Account("alice"), want...)
		f.sql("drop table s.later")
	}
	if got := f.value("select count(*) from pg_default_acl"); got != "0" {
		t.Errorf("%s default privileges are left", got)
	}
}

func TestApplyTablesPartial(t *testing.T) {
	f := newFar(t)
	f.sql(`create role alice login; create role grp; create schema s authorization owner; create schema empty;
		set role owner; create table s.t(i serial); create table s.u(); create table s.w(); reset role;
		grant select on s.t to alice; grant truncate on s.u to grp; grant select (i) on s.t to grp;
		alter default privileges for role pgadmin in schema s grant insert on tables to alice`)
	c := f.open()
	st := read(t, c)
	wantGrants(t, st, access.Account("alice"), "partial-write tables/s")
	wantGrants(t, st, role("grp"), "partial-all tables/s")
	apply(t, c, move("account/alice", "tables/s", "partial-write", "read"), move("role/grp", "tables/s", "partial-all", "write"),
		give("account/alice", "tables/empty", "write"))
	st = read(t, c)
	wantGrants(t, st, access.Account("alice"), "read tables/s", "write tables/empty")
	wantGrants(t, st, role("grp"), "write tables/s")
	f.sql("create table empty.by_pgadmin(); set role owner; create table s.more()")
	f.wantCan("alice", map[string]string{"s.t": "s----", "s.u": "s----", "s.more": "s----", "empty.by_pgadmin": "-----"})
	f.wantCan("grp", map[string]string{"s.t": "siud-", "s.u": "siud-", "s.more": "siud-"})
	// A table of another owner makes them partial again, and is seen to.
	wantGrants(t, read(t, c), access.Account("alice"), "read tables/s", "partial-write tables/empty")
	apply(t, c, move("account/alice", "tables/empty", "partial-write", "write"))
	f.wantCan("alice", map[string]string{"empty.by_pgadmin": "siud-"})
	apply(t, c, revoke("role/grp", "tables/s", "write"), revoke("account/alice", "tables/empty", "write"), revoke("account/alice", "tables/s", "read"))
	if got := f.value("select count(*) from pg_default_acl"); got != "0" {
		t.Errorf("%s default privileges are left", got)
	}
}

// TestApplyTablesOfHolder sees that nobody's rights on his own tables are touched.
func TestApplyTablesOfHolder(t *testing.T) {
	f := newFar(t)
	f.sql(`create role alice login; create schema s authorization owner; grant usage on schema s to alice;
		set role owner; create table s.t(i serial); reset role;
		create table s.mine(i serial); alter table s.mine owner to alice; set role alice; revoke truncate on s.mine from alice; reset role`)
	c := f.open()
	apply(t, c, give("account/alice", "tables/s", "write"))
	mine := map[string]string{"s.mine": "siud-", "s.mine_i_seq": "suu"}
	f.wantCan("alice", mine)
	f.wantCan("alice", map[string]string{"s.t": "siud-", "s.t_i_seq": "su-"})
	wantGrants(t, read(t, c), access.Account("alice"), "read schema/s", "partial-all tables/s (implied)", "write tables/s")
	apply(t, c, move("account/alice", "tables/s", "write", "all"), move("account/alice", "tables/s", "all", "read"))
	f.wantCan("alice", mine)
	f.wantCan("alice", map[string]string{"s.t": "s----", "s.t_i_seq": "s--"})
	apply(t, c, revoke("account/alice", "tables/s", "read"))
	f.wantCan("alice", mine)
	f.wantCan("alice", map[string]string{"s.t": "-----", "s.t_i_seq": "---"})
	wantGrants(t, read(t, c), access.Account("alice"), "read schema/s", "partial-all tables/s (implied)")
}

// TestOtherGrantors revokes what came from somebody else than the owner.
func TestOtherGrantors(t *testing.T) {
	f := newFar(t)
	f.sql(`create role alice login; create role "b'ob" login; create role grp; create schema s authorization owner; set role owner; create table s.t(i serial); create table s.u(); reset role;
		grant select, insert on s.t, s.u to "b'ob" with grant option; grant usage on schema s to "b'ob" with grant option; grant connect, temporary on database app to "b'ob" with grant option; grant grp to "b'ob" with admin option;
		set role "b'ob"; grant select, insert on s.t to alice; grant usage on schema s to alice; grant connect, temporary on database app to alice; grant grp to alice; reset role;
		grant select on s.u to alice; grant create on schema s to alice; grant connect on database app to alice; grant grp to alice with admin option`)
	c := f.open()
	st := read(t, c)
	wantGrants(t, st, access.Account("alice"), "admin role/grp", "write database/app", "all schema/s", "partial-write tables/s")
	apply(t, c, move("account/alice", "database/app", "write", "read"), move("account/alice", "schema/s", "all", "read"),
		move("account/alice", "tables/s", "partial-write", "read"), move("account/alice", "role/grp", "admin", "member"))
	wantGrants(t, read(t, c), access.Account("alice"), "member role/grp", "read database/app", "read schema/s", "read tables/s")
	f.wantCan("alice", map[string]string{"s.t": "s----", "s.u": "s----"})
	wantGrants(t, read(t, c), access.Account("b'ob"), "admin role/grp", "write database/app", "read schema/s", "partial-write tables/s")
	apply(t, c, revoke("account/alice", "database/app", "read"), revoke("account/alice", "schema/s", "read"),
		revoke("account/alice", "tables/s", "read"), revoke("account/alice", "role/grp", "member"))
	wantGrants(t, read(t, c), access.Account("alice"))
	f.wantCan("alice", map[string]string{"s.t": "-----", "s.u": "-----"})
	apply(t, c, revoke("account/b'ob", "tables/s", "partial-write"), revoke("account/b'ob", "schema/s", "read"), revoke("account/b'ob", "database/app", "write"), revoke("account/b'ob", "role/grp", "admin"))
	wantGrants(t, read(t, c), access.Account("b'ob"))
}

// TestDependentGrants refuses to take away what others were given by way of it.
func TestDependentGrants(t *testing.T) {
	f := newFar(t)
	f.sql(`create role alice login; create role bob login; create schema s; grant usage on schema s to bob; create table s.t(); grant select on s.t to bob with grant option;
		set role bob; grant select on s.t to alice; reset role`)
	c := f.open()
	before := f.raw()
	err := c.Apply(t.Context(), revoke("account/bob", "tables/s", "partial-read"))
	if err == nil || !strings.Contains(err.Error(), "must go first") || !strings.Contains(err.Error(), "warehouse/account/bob") {
		t.Errorf("%v", err)
	}
	f.unchanged(before)
	// Alice first, then it goes, in one transaction too.
	if err := c.ApplyBatch(t.Context(), []access.Change{revoke("account/alice", "tables/s", "partial-read"), revoke("account/bob", "tables/s", "partial-read")}); err != nil {
		t.Error(err)
	}
	wantGrants(t, read(t, c), access.Account("bob"), "read schema/s")
}

// TestMembershipsPassedOn: what an administrator gave stays with those who got it, and what
// they gave too.
func TestMembershipsPassedOn(t *testing.T) {
	for name, revocations := range map[string][]access.Change{
		"revoked": {revoke("account/bob", "role/grp", "admin")},
		"lowered": {move("account/bob", "role/grp", "admin", "member"), revoke("account/bob", "role/grp", "member")},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t)
			f.sql(`create role alice login; create role bob login; create role carol login; create role dave login; create role grp; grant grp to bob with admin option;
				set role bob; grant grp to alice with admin option; grant grp to dave; set role alice; grant grp to carol; reset role; grant grp to dave with admin option`)
			c := f.open()
			apply(t, c, revocations...)
			st := read(t, c)
			wantGrants(t, st, access.Account("bob"))
			wantGrants(t, st, access.Account("dave"), "admin role/grp")
			wantGrants(t, st, access.Account("alice"), "admin role/grp")
			wantGrants(t, st, access.Account("carol"), "member role/grp")
			apply(t, c, revoke("account/alice", "role/grp", "admin"))
			wantGrants(t, read(t, c), access.Account("carol"), "member role/grp")
		})
	}
	t.Run("all at once", func(t *testing.T) {
		f := newFar(t)
		f.sql(`create role alice login; create role bob login; create role carol login; create role dave login; create role grp; grant grp to bob with admin option;
			set role bob; grant grp to alice with admin option; grant grp to dave; set role alice; grant grp to carol; reset role`)
		c := f.open()
		all := []access.Change{revoke("account/bob", "role/grp", "admin"), revoke("account/alice", "role/grp", "admin"), revoke("account/carol", "role/grp", "member"), give("account/bob", "database/app", "read")}
		if err := c.ApplyBatch(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		st := read(t, c)
		wantGrants(t, st, access.Account("dave"), "member role/grp")
		wantGrants(t, st, access.Account("bob"), "read database/app")
		if got := f.value("select count(*) from pg_auth_members where roleid = 'grp'::regrole"); got != "1" {
			t.Errorf("%s memberships are left", got)
		}
	})
}

// TestCreators covers the future tables of those in the setting, and of nobody else.
func TestCreators(t *testing.T) {
	f := newFar(t)
	f.sql(`create role alice login; create role "mig rator"; create role "dba"; grant create on schema public to "mig rator", "dba"; create table t(i int generated always as identity)`)
	c := f.open(setting("creators", connectors.Value{Texts: []string{"mig rator", "not there"}}))
	apply(t, c, give("account/alice", "tables/public", "write"))
	wantGrants(t, read(t, c), access.Account("alice"), "write tables/public")
	f.sql(`set role "mig rator"; create table by_migrator(i int generated always as identity); reset role; set role dba; create table by_dba()`)
	f.wantCan("alice", map[string]string{"t": "siud-", "t_i_seq": "su-", "by_migrator": "siud-", "by_migrator_i_seq": "su-", "by_dba": "-----"})
	wantGrants(t, read(t, c), access.Account("alice"), "partial-write tables/public")
	apply(t, c, move("account/alice", "tables/public", "partial-write", "write"), revoke("account/alice", "tables/public", "write"))
	if got := f.value("select count(*) from pg_default_acl"); got != "0" {
		t.Errorf("%s default privileges are left", got)
	}
	if !strings.Contains(f.log.String(), "setting creators") {
		t.Error("nothing was said of the role that isn't there")
	}
}
