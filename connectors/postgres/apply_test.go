package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

func TestApplyAccounts(t *testing.T) {
	f := newFar(t)
	c := f.open()
	apply(t, c, create("account/alice", "comment", "It's \\ \"Alice\"", "connection_limit", "7"), create("account/bob"))
	if got := f.value("select rolcanlogin || ' ' || rolsuper || ' ' || rolconnlimit || ' ' || shobj_description(oid, 'pg_authid') from pg_roles where rolname = 'alice'"); got != `true false 7 It's \ "Alice"` {
		t.Errorf("alice is %q", got)
	}
	apply(t, c, update("account/alice", "comment", "It's \\ \"Alice\"", ""), update("account/alice", "connection_limit", "7", ""), update("account/bob", "connection_limit", "", "0"))
	if got := f.value("select rolconnlimit || ' ' || (shobj_description(oid, 'pg_authid') is null) from pg_roles where rolname = 'alice'"); got != `-1 true` {
		t.Errorf("alice is %q", got)
	}
	apply(t, c, rename("account/alice", "Alice Liddell"))
	st := read(t, c)
	if _, ok := st.Object(access.Account("Alice Liddell")); !ok {
		t.Error("she wasn't renamed")
	}
	if _, ok := st.Object(access.Account("alice")); ok {
		t.Error("her old name is still there")
	}
	apply(t, c, disable("account/bob"))
	if got := f.value("select rolcanlogin || ' ' || rolvaliduntil::text from pg_roles where rolname = 'bob'"); got != "false infinity" {
		t.Errorf("bob is %q", got)
	}
	if o, _ := read(t, c).Object(access.Account("bob")); !o.Disabled || o.Attributes["connection_limit"] != "0" {
		t.Errorf("bob is %+v", o)
	}
	apply(t, c, enable("account/bob"))
	if o, ok := read(t, c, access.Account("bob")).Object(access.Account("bob")); !ok || o.Disabled {
		t.Errorf("bob is %+v, there %v", o, ok)
	}
	apply(t, c, disable("account/bob"), remove("account/bob", true), remove("account/Alice Liddell", false))
	if got := f.value("select count(*) from pg_roles where rolname in ('bob', 'Alice Liddell')"); got != "0" {
		t.Errorf("%s are left", got)
	}
	// A password's last day stays through both.
	f.sql("create role dated login valid until '2040-01-01'; create role undated login")
	apply(t, c, disable("account/dated"), enable("account/dated"), disable("account/undated"), enable("account/undated"))
	if got := f.sql("select rolcanlogin, rolvaliduntil::date from pg_roles where rolname ~ 'dated' order by rolname"); got[0][0]+got[0][1]+got[1][0]+got[1][1] != "t2040-01-01tinfinity" {
		t.Errorf("they are %q", got)
	}
	off := create("account/off")
	off.After.Disabled = true
	apply(t, c, off)
	if got := f.value("select rolcanlogin || ' ' || rolvaliduntil::text from pg_roles where rolname = 'off'"); got != "false infinity" {
		t.Errorf("off is %q", got)
	}
}

func TestApplyRolesAndMemberships(t *testing.T) {
	f := newFar(t)
	c := f.open()
	apply(t, c, create("role/reader", "description", "reads"), create("role/base"), create("account/alice"), create("account/app"),
		give("role/reader", "role/base", "member"), give("account/alice", "role/reader", "admin"), give("account/alice", "account/app", "member"),
		give("account/app", "role/pg_read_all_data", "member"),
		move("account/alice", "role/reader", "admin", "member"), move("account/alice", "account/app", "member", "admin"))
	st := read(t, c)
	wantGrants(t, st, access.Account("alice"), "member role/reader", "admin account/app", "member role/base (implied)", "member role/pg_read_all_data (implied)")
	apply(t, c, revoke("account/alice", "account/app", "admin"), revoke("account/alice", "role/reader", "member"), update("role/reader", "description", "reads", "reads all"), rename("role/reader", "readers"))
	st = read(t, c)
	wantGrants(t, st, access.Account("alice"))
	wantGrants(t, st, role("readers"), "member role/base")
	apply(t, c, remove("role/readers", false))
	if got := f.value("select count(*) from pg_auth_members where member >= 16384 and roleid >= 16384"); got != "0" {
		t.Errorf("%s memberships are left", got)
	}
}

func TestApplyAttributes(t *testing.T) {
	f := newFar(t)
	c := f.open()
	apply(t, c, create("account/alice"), create("role/admins"))
	for _, a := range attributes() {
		apply(t, c, give("account/alice", "attribute/"+a, "has"), give("role/admins", "attribute/"+a, "has"))
	}
	if got := f.value("select count(*) from pg_roles where rolname in ('alice', 'admins') and rolsuper and rolcreaterole and rolcreatedb and rolreplication and rolbypassrls"); got != "2" {
		t.Errorf("%s have them all", got)
	}
	for _, a := range attributes() {
		apply(t, c, revoke("account/alice", "attribute/"+a, "has"))
	}
	wantGrants(t, read(t, c), access.Account("alice"))
}

func TestApplyConflicts(t *testing.T) {
	f := newFar(t)
	f.sql(`create role alice login; comment on role alice is 'was changed'; create role bob nologin valid until '-infinity'; create role grp; create role other;
		create schema s; grant grp to alice with admin option; grant usage on schema s to alice; grant connect on database app to bob; create table s.t(); grant select on s.t to alice`)
	c := f.open()
	before := f.raw()
	with := func(ch access.Change, disabled bool) access.Change { ch.After.Disabled = disabled; return ch }
	for name, ch := range map[string]access.Change{
		"create, differs":              create("account/alice"),
		"create, is disabled":          create("account/bob"),
		"create disabled, is enabled":  with(create("account/alice", "comment", "was changed"), true),
		"create, name of a role":       create("account/grp"),
		"create, name of an account":   create("role/alice"),
		"update, changed":              update("account/alice", "comment", "old", "new"),
		"update, gone":                 update("account/zoe", "comment", "", "new"),
		"update, other kind":           update("account/grp", "comment", "", "new"),
		"rename, gone":                 rename("account/zoe", "yves"),
		"rename, taken":                rename("account/alice", "bob"),
		"rename, taken by a role":      rename("account/alice", "grp"),
		"rename, gone and other kind":  rename("account/zoe", "grp"),
		"disable, gone":                disable("account/zoe"),
		"disable, other kind":          disable("account/grp"),
		"enable, gone":                 enable("account/zoe"),
		"delete, was disabled":         remove("account/alice", true),
		"delete, is disabled":          remove("account/bob", false),
		"give, subject gone":           give("account/zoe", "role/grp", "member"),
		"give, target gone":            give("account/alice", "role/none such", "member"),
		"give, target is an account":   give("account/alice", "role/bob", "member"),
		"give, other level":            give("account/alice", "role/grp", "member"),
		"give, database gone":          give("account/alice", "database/none such", "read"),
		"give, schema gone":            give("account/alice", "tables/none such", "read"),
		"revoke, other level":          revoke("account/alice", "role/grp", "member"),
		"revoke, other schema level":   revoke("account/alice", "schema/s", "all"),
		"revoke, other tables level":   revoke("account/alice", "tables/s", "read"),
		"revoke, other database level": revoke("account/bob", "database/app", "write"),
		"move, nothing held":           move("account/bob", "role/grp", "member", "admin"),
		"move, other level":            move("account/alice", "schema/s", "partial-all", "all"),
	} {
		for kind, err := range map[string]error{"Apply": c.Apply(t.Context(), ch), "ApplyBatch": c.ApplyBatch(t.Context(), []access.Change{create("role/new"), ch})} {
			if !errors.Is(err, connectors.ErrConflict) {
				t.Errorf("%s: %s: %v", name, kind, err)
			} else if !strings.Contains(err.Error(), "warehouse/"+ch.Subject.String()) {
				t.Errorf("%s: %s: the error doesn't name the ref: %v", name, kind, err)
			}
		}
	}
	f.unchanged(before)
}

func TestApplyAlreadyTrue(t *testing.T) {
	f := newFar(t)
	f.sql(`create role alice login; comment on role alice is 'x'; create role gone nologin valid until '-infinity'; create role grp; grant grp to alice; create schema s; grant usage on schema s to alice`)
	c := f.open()
	before := f.raw()
	apply(t, c, create("account/alice", "comment", "x", "connection_limit", "-1"), update("account/alice", "comment", "y", "x"), enable("account/alice"), disable("account/gone"),
		remove("account/zoe", false), rename("account/zoe", "alice"), give("account/alice", "role/grp", "member"), revoke("account/zoe", "role/grp", "member"),
		revoke("account/alice", "role/none such", "member"), revoke("account/alice", "tables/s", "read"), revoke("account/gone", "schema/s", "read"),
		give("account/alice", "schema/s", "read"), move("account/alice", "role/grp", "admin", "member"), revoke("account/alice", "attribute/superuser", "has"))
	f.unchanged(before)
}

func TestApplyUnsupported(t *testing.T) {
	f := newFar(t)
	f.sql(`create role alice login; create role grp; create role inner_grp; grant inner_grp to grp; create schema s; create table s.t(); alter table s.t owner to alice`)
	c := f.open()
	before := f.raw()
	for name, ch := range map[string]access.Change{
		"unknown kind":            create("widget/x"),
		"create a schema":         create("schema/x"),
		"create a database":       create("database/x"),
		"disable a role":          disable("role/grp"),
		"reserved prefix":         create("role/pg_mine"),
		"reserved prefix, login":  create("account/pg_mine"),
		"rename to prefix":        rename("role/grp", "pg_grp"),
		"public":                  create("role/public"),
		"none":                    create("account/none"),
		"grant to public":         give("role/public", "schema/s", "all"),
		"grant of public":         give("account/alice", "role/public", "member"),
		"rename to public":        rename("role/grp", "public"),
		"too long":                create("account/" + strings.Repeat("x", 64)),
		"NUL":                     create("account/a\x00b"),
		"not UTF-8":               create("account/a\xff"),
		"unknown attribute":       create("account/x", "shell", "/bin/sh"),
		"limit no number":         create("account/x", "connection_limit", "many"),
		"limit too low":           update("account/alice", "connection_limit", "", "-2"),
		"comment with NUL":        update("account/alice", "comment", "", "a\x00b"),
		"unknown permission":      give("account/alice", "role/grp", "owner"),
		"read-only permission":    give("account/alice", "schema/s", "partial-all"),
		"move to partial":         move("account/alice", "tables/s", "read", "partial-read"),
		"subject can't hold":      give("database/app", "role/grp", "member"),
		"system schema":           give("account/alice", "tables/pg_catalog", "read"),
		"attribute that isn't":    give("account/alice", "attribute/inherit", "has"),
		"change the bootstrap":    update("account/pgadmin", "comment", "", "x"),
		"disable the bootstrap":   disable("account/pgadmin"),
		"disable itself":          disable("account/accord"),
		"delete itself":           remove("account/accord", false),
		"rename itself":           rename("account/accord", "x"),
		"give itself something":   give("account/accord", "role/grp", "member"),
		"give pg_monitor":         give("role/pg_monitor", "role/grp", "member"),
		"delete pg_monitor":       remove("role/pg_monitor", false),
		"pg_database_owner":       give("account/alice", "role/pg_database_owner", "member"),
		"a circle":                give("role/inner_grp", "role/grp", "member"),
		"owner of all the tables": give("account/alice", "tables/s", "read"),
		"no value":                {System: "warehouse", Action: access.Give, Subject: id("account/alice"), Target: id("role/grp")},
		"no action":               {System: "warehouse", Subject: id("account/alice")},
	} {
		err := c.Apply(t.Context(), ch)
		if !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		} else if !strings.Contains(err.Error(), "warehouse/"+ch.Subject.String()) {
			t.Errorf("%s: the error doesn't name the ref: %v", name, err)
		}
	}
	f.unchanged(before)
}

func TestApplyReadOnly(t *testing.T) {
	f := newFar(t)
	c := f.open(func(c *connectors.Config) { c.ReadOnly = true })
	if err := c.Apply(t.Context(), create("role/x")); !errors.Is(err, errReadOnly) {
		t.Errorf("Apply: %v", err)
	}
	read(t, c)
	if _, err := c.idle.exec(t.Context(), "create role x"); err == nil || !strings.Contains(err.Error(), "25006") {
		t.Errorf("the session can write: %v", err)
	}
}

func TestApplyCancelled(t *testing.T) {
	f := newFar(t)
	c := f.open()
	read(t, c)
	before := f.raw()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Apply(ctx, create("role/x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Apply: %v", err)
	}
	if _, err := c.Read(ctx, connectors.Scope{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
	f.unchanged(before)
	read(t, c)
}

// TestOddNames takes names that would do harm if they weren't quoted, through everything.
func TestOddNames(t *testing.T) {
	f := newFar(t)
	c := f.open()
	for _, name := range []string{
		`it's`, `say "hi"`, `a b`, ` lead`, `x; drop role owner; --`, `"; drop table t; --`, `back\slash`, `select`, `Public`, `user`, `current_user`,
		`Жанна`, `山田 太郎`, `é` + `é`, `a/b`, `a,b`, `{x}`, `$1`, `%s`, "tab\tnew\nline", "e\u202eow", strings.Repeat("ü", 31) + "x", `session_user`, `all`, `*`,
	} {
		account, group := "account/"+name, "role/"+cut("g"+name)
		other := "account/" + cut("2"+name)
		f.sql("create schema " + ident(name) + "; create table " + ident(name, name) + "(i serial)")
		apply(t, c, create(account, "comment", name), create(group, "description", name),
			give(account, group, "member"), move(account, group, "member", "admin"),
			give(account, "schema/"+name, "read"), give(group, "tables/"+name, "read"), move(group, "tables/"+name, "read", "all"))
		st := read(t, c)
		wantGrants(t, st, id(account), "admin "+group, "read schema/"+name)
		wantGrants(t, st, id(group), "all tables/"+name)
		if o, _ := st.Object(id(account)); o.Attributes["comment"] != name {
			t.Errorf("%q has the comment %q", name, o.Attributes["comment"])
		}
		apply(t, c, rename(account, id(other).Name), disable(other), enable(other), revoke(other, group, "admin"), revoke(group, "tables/"+name, "all"),
			remove(other, false), remove(group, false))
		f.sql("drop schema " + ident(name) + " cascade")
	}
	st := read(t, c)
	for o := range st.Objects() {
		if (o.ID.Kind == access.KindAccount || o.ID.Kind == kindRole) && !o.Reserved && o.ID.Name != "owner" {
			t.Errorf("%s is left", o.ID)
		}
	}
}

// cut shortens a name to what PostgreSQL allows, between characters.
func cut(name string) string {
	for len(name) > maxName {
		r := []rune(name)
		name = string(r[:len(r)-1])
	}
	return name
}
