package postgres

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// roleRow is a row of pg_roles.
type roleRow struct {
	oid     uint32
	name    string
	flags   int
	limit   int
	comment string
}

// The bits of roleRow.flags.
const (
	flagLogin = 1 << iota
	flagValid // has a VALID UNTIL
	flagSuperuser
	flagCreaterole
	flagCreatedb
	flagReplication
	flagBypassrls
)

// bootstrapOID is the object identifier of the superuser that initdb makes.
// https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_authid.dat
const bootstrapOID = 10

// roleColumns select a roleRow from pg_roles r and pg_shdescription d.
const roleColumns = `select r.oid, r.rolname,
	r.rolcanlogin::int + (r.rolvaliduntil is not null)::int * 2 + r.rolsuper::int * 4 + r.rolcreaterole::int * 8
	+ r.rolcreatedb::int * 16 + r.rolreplication::int * 32 + r.rolbypassrls::int * 64,
	r.rolconnlimit, d.description
	from pg_roles r left join pg_shdescription d on d.objoid = r.oid and d.classoid = 'pg_authid'::regclass`

func readRole(r row) (roleRow, error) {
	role := roleRow{oid: r.oid(0), name: r.text(1), flags: r.int4(2), limit: r.int4(3), comment: r.text(4)}
	if !utf8.ValidString(role.name) || !utf8.ValidString(role.comment) {
		return role, fmt.Errorf("%w: role %q or its comment isn't valid UTF-8", connectors.ErrIncomplete, role.name)
	}
	return role, nil
}

// kind tells accounts from roles. PostgreSQL knows only roles, and one that may not log in
// could be either a group or an account that was disabled. What tells them apart is VALID
// UNTIL, the end of a password's life, which means nothing on a role that never logs in: with
// one, it is an account. Accord gives one to each account that it creates or disables.
func (r roleRow) kind() string {
	if r.flags&(flagLogin|flagValid) != 0 {
		return access.KindAccount
	}
	return kindRole
}

func (r roleRow) id() access.ID { return access.ID{Kind: r.kind(), Name: r.name} }

func (r roleRow) disabled() bool { return r.kind() == access.KindAccount && r.flags&flagLogin == 0 }

// has reports whether the role bears an attribute.
func (r roleRow) has(attribute string) bool {
	switch attribute {
	case "superuser":
		return r.flags&flagSuperuser != 0
	case "createrole":
		return r.flags&flagCreaterole != 0
	case "createdb":
		return r.flags&flagCreatedb != 0
	case "replication":
		return r.flags&flagReplication != 0
	case "bypassrls":
		return r.flags&flagBypassrls != 0
	}
	return false
}

// attributes are the declared ones; nil if there are none.
func (r roleRow) attributes() map[string]string {
	if r.kind() == kindRole {
		if r.comment == "" {
			return nil
		}
		return map[string]string{attrDescription: r.comment}
	}
	if r.comment == "" && r.limit == -1 {
		return nil
	}
	m := map[string]string{}
	if r.comment != "" {
		m[attrComment] = r.comment
	}
	if r.limit != -1 {
		m[attrLimit] = strconv.Itoa(r.limit)
	}
	return m
}

// reserved marks what Accord never changes: PostgreSQL's own roles, the bootstrap superuser,
// and the account that Accord itself uses.
func (s *session) reserved(r roleRow) bool {
	return r.oid == bootstrapOID || len(r.name) > 3 && r.name[:3] == "pg_" || r.name == s.login || r.name == s.user
}

func (s *session) object(r roleRow) access.Object {
	return access.Object{
		ID: r.id(), Attributes: r.attributes(), Disabled: r.disabled(),
		Native: nativeID(r.oid), Reserved: s.reserved(r),
	}
}

// memberRow is a row of pg_auth_members.
type memberRow struct {
	member, role uint32
	admin        bool
}

// memberQuery selects memberRows from pg_auth_members m. Since version 16 a role with
// CREATEROLE is made a member, with admin but without inherit and set, of each role that it
// creates, by the bootstrap superuser; and createrole_self_grant can add more. Where Accord
// created the role these are its tools, and nobody's access: they are left out.
// https://www.postgresql.org/docs/current/role-attributes.html (role creation)
func (s *session) memberQuery(among string) string {
	if s.major < 16 {
		return "select m.member, m.roleid, m.admin_option from pg_auth_members m where true" + among
	}
	// From 16 on several grantors can each have given the same membership.
	return `select m.member, m.roleid, bool_or(m.admin_option) from pg_auth_members m
		where not (m.member = (select oid from pg_roles where rolname = session_user)
			and (m.grantor = m.member or m.grantor = 10 and m.admin_option and not m.inherit_option and not m.set_option))` + among + `
		group by 1, 2`
}

// nativeID is the object identifier as access.Object.Native has it.
func nativeID(oid uint32) string { return strconv.FormatUint(uint64(oid), 10) }
