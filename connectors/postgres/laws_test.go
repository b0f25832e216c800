package postgres

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/connectortest"
	"github.com/accordhq/accord/engine/access"
)

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Harness{
		Open: openLawful,
		Type: Type,
		Server: func(t testing.TB) string {
			version := newFar(t).pg.Version
			major, _, _ := strings.Cut(version, ".")
			return "PostgreSQL " + major + ", " + version
		},
		Record: "testdata/laws.txt",
		Fault: func(t testing.TB, s connectortest.System, fault connectortest.Fault) bool {
			l := s.(*lawful)
			switch fault {
			case connectortest.FaultRead:
				l.proxy.always("defaclobjtype")
			case connectortest.FaultLostReply:
				l.proxy.at("commit\x00", true)
			case connectortest.FaultDenied:
				l.exec(t, "alter role accord nosuperuser")
			case connectortest.FaultHang, connectortest.FaultCut, connectortest.FaultReset, connectortest.FaultSlow:
				return l.proxy.Fault(fault)
			case connectortest.FaultCut.OnWrite(), connectortest.FaultReset.OnWrite(), connectortest.FaultSlow.OnWrite():
				l.proxy.Writes(connectortest.Containing("commit\x00"))
				return l.proxy.Fault(fault)
			default:
				return false
			}
			return true
		},
		Watch: func(_ testing.TB, s connectortest.System, seen func()) bool {
			l := s.(*lawful)
			l.proxy.Writes(writes)
			l.proxy.Watch(seen)
			return true
		},
		Values: func(_, attribute string) []string {
			if attribute == attrLimit {
				return []string{"1", "25", "0", ""}
			}
			return nil
		},
	})
}

// writes tells messages with statements that change something. One that changes nothing in the
// end may be among them.
func writes(message []byte) bool {
	return slices.ContainsFunc([]string{"create role", "alter role", "drop role", "comment on", "grant ", "revoke ", "alter default"}, func(word string) bool {
		return bytes.Contains(message, []byte(word))
	})
}

// lawful is the far side as the laws see it: plain SQL on a connection of its own.
type lawful struct {
	pg    *pgconn.PgConn
	proxy *proxy
}

// openLawful makes a server with something of each kind that Accord can't create.
func openLawful(t testing.TB) (connectors.Connector, connectortest.System) {
	t.Helper()
	f := newFar(t)
	f.sql("alter role accord password " + literal(connectortest.Canary) + `; create schema sales authorization owner; create schema "Odd ""one"`)
	f.sql(`set role owner; create table sales.a(i serial); create table sales.b(i serial); create view sales.v as select 1; reset role;
		create table "Odd ""one".t(); create table "Odd ""one".u(i serial); alter table "Odd ""one".t owner to owner`)
	l := &lawful{pg: f.mustLogin("pgadmin", "adminpw", "app"), proxy: f.proxy()}
	cfg := connectortest.Config(t)
	cfg.Settings = connectors.Settings{"dsn": {Secret: connectors.SecretRef{Env: "DSN"}}}
	password := cfg.Secret
	cfg.Secret = func(ctx context.Context, ref connectors.SecretRef) (connectors.Secret, error) {
		s, err := password(ctx, ref)
		return connectors.NewSecret(l.proxy.dsn(t, f.pg.DSNFor("accord", s.Reveal(), "app"))), err
	}
	c, err := Type().Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, l
}

func (l *lawful) exec(t testing.TB, sql string) [][]string {
	t.Helper()
	results, err := l.pg.Exec(context.Background(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
	var rows [][]string
	for _, r := range results[len(results)-1].Rows {
		var row []string
		for _, v := range r {
			row = append(row, string(v))
		}
		rows = append(rows, row)
	}
	return rows
}

// Seed writes a state as SQL that a person might write.
func (l *lawful) Seed(t testing.TB, s *access.State) {
	t.Helper()
	var sql strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&sql, format+";\n", args...) }
	for o := range s.Objects() {
		name := ident(o.ID.Name)
		switch {
		case o.ID.Kind == kindRole:
			say("create role %s", name)
		case o.Disabled:
			say("create role %s valid until '-infinity'", name)
		default:
			say("create user %s", name)
		}
		if limit := o.Attributes[attrLimit]; limit != "" {
			say("alter user %s connection limit %s", name, limit)
		}
		for _, key := range []string{attrComment, attrDescription} {
			if text := o.Attributes[key]; text != "" {
				say("comment on role %s is %s", name, literal(text))
			}
		}
	}
	for _, g := range s.Grants() {
		to, on := ident(g.Subject.Name), ident(g.Target.Name)
		switch g.Target.Kind {
		case kindAttribute:
			say("alter role %s %s", to, g.Target.Name)
		case kindDatabase, kindSchema:
			say("grant %s on %s %s to %s", lawfulLevels(g.Target.Kind, "")[g.Permission], g.Target.Kind, on, to)
		case kindTables:
			for _, class := range []string{"tables", "sequences"} {
				privileges := lawfulLevels(kindTables, class)[g.Permission]
				say("grant %s on all %s in schema %s to %s", privileges, class, on, to)
				say("do $x$ declare r record; begin for r in select relowner::regrole o from pg_class where relkind <> 'S' and relkind <> 'i' and relnamespace = %s::regnamespace union select 'owner'::regrole where not exists (select from pg_class where relnamespace = %[1]s::regnamespace) loop execute format('alter default privileges for role %%s in schema %%s grant %s on %s to %%s', r.o, %s, %s); end loop; end $x$",
					literal(on), privileges, class, literal(on), literal(to))
			}
		default:
			option := ""
			if g.Permission == permAdmin {
				option = " with admin option"
			}
			say("grant %s to %s%s", on, to, option)
		}
	}
	if sql.Len() > 0 {
		l.exec(t, sql.String())
	}
}

// lawfulLevels says in words what the levels hold. The highest has every privilege.
func lawfulLevels(kind, class string) map[string]string {
	switch kind + class {
	case kindDatabase:
		return map[string]string{"read": "CONNECT", "write": "CONNECT,TEMPORARY", "all": "CONNECT,TEMPORARY,CREATE"}
	case kindSchema:
		return map[string]string{"read": "USAGE", "all": "USAGE,CREATE"}
	case kindTables + "sequences":
		return map[string]string{"read": "SELECT", "write": "SELECT,USAGE", "all": "SELECT,USAGE,UPDATE"}
	}
	return map[string]string{"read": "SELECT", "write": "SELECT,INSERT,UPDATE,DELETE", "all": "ALL"}
}

// Dump reads everything with queries that share nothing with the connector's, and works out
// the levels from sets of words.
func (l *lawful) Dump(t testing.TB) *access.State {
	t.Helper()
	b := access.NewBuilder("lawful").Self(access.Account("accord"))
	kinds := map[string]string{}
	who := func(name string) access.ID { return access.ID{Kind: kinds[name], Name: name} }
	for _, r := range l.exec(t, `select rolname, case when rolcanlogin or rolvaliduntil is not null then 'account' else 'role' end, not rolcanlogin and rolvaliduntil is not null,
		oid < 16384 or rolname = 'accord', nullif(rolconnlimit, -1), shobj_description(oid, 'pg_authid'), array_to_string(array[
		case when rolsuper then 'superuser' end, case when rolcreaterole then 'createrole' end, case when rolcreatedb then 'createdb' end,
		case when rolreplication then 'replication' end, case when rolbypassrls then 'bypassrls' end], ',') from pg_authid`) {
		kinds[r[0]] = r[1]
		comment := attrComment
		if r[1] == kindRole {
			comment = attrDescription
		}
		o := access.Object{ID: who(r[0]), Disabled: r[2] == "t", Reserved: r[3] == "t"}
		for _, kv := range [][2]string{{attrLimit, r[4]}, {comment, r[5]}} {
			if kv[1] != "" {
				if o.Attributes == nil {
					o.Attributes = map[string]string{}
				}
				o.Attributes[kv[0]] = kv[1]
			}
		}
		b.Object(o)
		for a := range strings.FieldsFuncSeq(r[6], func(r rune) bool { return r == ',' }) {
			b.Grant(access.Grant{Subject: o.ID, Target: attr(a), Permission: permHas})
		}
	}
	for _, r := range l.exec(t, `select m.rolname, r.rolname, case when bool_or(admin_option) then 'admin' else 'member' end
		from pg_auth_members join pg_authid m on m.oid = member join pg_authid r on r.oid = roleid group by 1, 2`) {
		b.Grant(access.Grant{Subject: who(r[0]), Target: who(r[1]), Permission: r[2]})
	}
	for _, a := range attributes() {
		b.Object(access.Object{ID: attr(a), Reserved: true})
	}
	l.dumpObjects(t, b, who)
	l.dumpTables(t, b, who)
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (l *lawful) dumpObjects(t testing.TB, b *access.Builder, who func(string) access.ID) {
	held := map[string]map[string][]string{} // object → holder → privileges
	for _, r := range l.exec(t, `with o(kind, name, owner, acl) as (select 'database', datname, datdba, datacl from pg_database
			union all select 'schema', nspname, nspowner, nspacl from pg_namespace where nspname not like 'pg\_%' and nspname <> 'information_schema')
		select o.kind || '/' || o.name, r.rolname, a.privilege_type from o left join lateral aclexplode(o.acl) a on a.grantee <> o.owner left join pg_authid r on r.oid = a.grantee`) {
		if held[r[0]] == nil {
			held[r[0]] = map[string][]string{}
			b.Object(access.Object{ID: id(r[0])})
			if name, ok := strings.CutPrefix(r[0], "schema/"); ok {
				b.Object(access.Object{ID: tables(name)})
			}
		}
		if r[1] != "" {
			held[r[0]][r[1]] = append(held[r[0]][r[1]], r[2])
		}
	}
	for object, holders := range held {
		for holder, privileges := range holders {
			target := id(object)
			for level, words := range lawfulLevels(target.Kind, "") {
				if sameWords(privileges, strings.Split(words, ",")) {
					b.Grant(access.Grant{Subject: who(holder), Target: target, Permission: level})
				}
			}
		}
	}
}

func sameWords(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), b)
}

// dumpTables lists, for each schema, everything that a level covers: its relations, and those
// that the owners of its tables (or else of the database) will create.
func (l *lawful) dumpTables(t testing.TB, b *access.Builder, who func(string) access.ID) {
	things := map[string]map[string]string{}             // schema → thing → class
	holds := map[string]map[string]map[string][]string{} // schema → holder → thing → privileges
	for _, r := range l.exec(t, `with n as (select * from pg_namespace where nspname not like 'pg\_%' and nspname <> 'information_schema'),
		creators as (select distinct n.oid n, c.relowner o from n join pg_class c on c.relnamespace = n.oid where c.relkind in ('r', 'v')
			union select n.oid, datdba from n, pg_database where datname = 'app' and not exists (select from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'v'))),
		things(n, thing, class, acl, owner) as (select n.nspname, c.relname::text, case when c.relkind = 'S' then 'sequences' else 'tables' end, c.relacl, c.relowner
				from n join pg_class c on c.relnamespace = n.oid where c.relkind in ('r', 'v', 'S')
			union all select n.nspname, 'future ' || k.class || ' of ' || creators.o, k.class, d.defaclacl, creators.o
				from n join creators on creators.n = n.oid cross join (values ('tables', 'r'), ('sequences', 'S')) k(class, letter)
				left join pg_default_acl d on d.defaclnamespace = n.oid and d.defaclrole = creators.o and d.defaclobjtype = k.letter::"char")
		select n, thing, class, r.rolname, a.privilege_type from things left join lateral aclexplode(acl) a on a.grantee <> owner left join pg_authid r on r.oid = a.grantee`) {
		if things[r[0]] == nil {
			things[r[0]], holds[r[0]] = map[string]string{}, map[string]map[string][]string{}
		}
		things[r[0]][r[1]] = r[2]
		if r[3] == "" {
			continue
		}
		if holds[r[0]][r[3]] == nil {
			holds[r[0]][r[3]] = map[string][]string{}
		}
		holds[r[0]][r[3]][r[1]] = append(holds[r[0]][r[3]][r[1]], r[4])
	}
	everything := len(l.exec(t, "select privilege_type from aclexplode(acldefault('r', 10)) group by 1"))
	for name, holders := range holds {
		for holder, has := range holders {
			for _, level := range []string{"read", "write", "all"} {
				all := true
				for thing, class := range things[name] {
					words := lawfulLevels(kindTables, class)[level]
					all = all && (sameWords(has[thing], strings.Split(words, ",")) || words == "ALL" && len(has[thing]) == everything)
				}
				if all {
					b.Grant(access.Grant{Subject: who(holder), Target: tables(name), Permission: level})
				}
			}
		}
	}
}
