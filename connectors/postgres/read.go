package postgres

import (
	"context"
	"fmt"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// Read takes everything in one snapshot, in one round trip: a read-only transaction at
// isolation level repeatable read.
func (c *connector) Read(ctx context.Context, scope connectors.Scope) (*access.State, error) {
	s, err := c.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer c.release(s)
	defer s.rollback()
	doing := "reading " + c.system
	if _, err := s.exec(ctx, "begin isolation level repeatable read read only"); err != nil {
		return nil, explain(ctx, doing, "", err)
	}
	r := newReading(s, scope, c.creators)
	if err := s.ask(ctx, r.queries()...); err != nil {
		return nil, explain(ctx, doing, "the right to read the system catalogs", err)
	}
	if missing := len(c.creators) - len(r.ledger.creators); missing > 0 {
		c.log.Warn("setting creators names roles that aren't there", "system", c.system, "missing", missing)
	}
	st, err := r.state(c.system)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if _, err := s.exec(ctx, "commit"); err != nil {
		return nil, explain(ctx, doing, "", err)
	}
	return st, nil
}

// reading collects the rows of one Read, and makes a state of them.
type reading struct {
	s     *session
	whole bool
	scope map[access.ID]bool // empty if whole
	names []string           // of roles in the scope

	roles     []roleRow
	byOID     map[uint32]int32 // indexes into roles
	members   []memberRow
	databases []object
	schemas   []object
	held      []holding // on databases and schemas
	ledger    *ledger
	global    map[uint32]*[classes]span // default privileges in no schema, by grantee
	wanted    []string                  // creators
}

// object is a database or a schema.
type object struct {
	oid, owner uint32
	name       string
}

// holding is what a grantee holds on a database or schema.
type holding struct {
	kind           string
	object, holder uint32
	mask           mask
}

func newReading(s *session, scope connectors.Scope, creators []string) *reading {
	r := &reading{
		s: s, whole: scope.Whole(), scope: map[access.ID]bool{}, byOID: map[uint32]int32{}, wanted: creators,
		ledger: newLedger(s.major, len(creators) > 0), global: map[uint32]*[classes]span{},
	}
	for _, id := range scope.IDs {
		r.scope[id] = true
		if (id.Kind == access.KindAccount || id.Kind == kindRole) && checkName(id.Name) == nil {
			r.names = append(r.names, id.Name)
		}
	}
	return r
}

// queries ask for what the scope needs. Roles and memberships are those in the scope and all
// that they are members of, directly or by nesting; what hangs on objects is restricted to
// grantees in the scope.
func (r *reading) queries() []query {
	up, among, member, args := "", "", "", []arg(nil)
	if !r.whole {
		up = `with recursive up(oid) as (
			select oid from pg_roles where rolname = any($1)
			union select m.roleid from up join pg_auth_members m on m.member = up.oid) `
		among, member = " where r.oid in (select oid from up)", " and m.member in (select oid from up)"
		args = []arg{namesArg(r.names)}
	}
	return append([]query{
		{"select datdba from pg_database where datname = current_database()", nil, func(x row) error {
			r.ledger.dbOwner = x.oid(0)
			return nil
		}},
		{"select oid from pg_roles where rolname = any($1)", []arg{namesArg(r.wanted)}, func(x row) error {
			r.ledger.creators = append(r.ledger.creators, x.oid(0))
			return nil
		}},
		{up + roleColumns + among, args, r.addRole},
		{up + r.s.memberQuery(member), args, func(x row) error {
			r.members = append(r.members, memberRow{x.oid(0), x.oid(1), x.yes(2)})
			return nil
		}},
		{"select oid, datdba, datname from pg_database", nil, func(x row) error {
			r.databases = append(r.databases, object{x.oid(0), x.oid(1), x.text(2)})
			return nil
		}},
		{"select n.oid, n.nspowner, n.nspname from pg_namespace n where " + userSchemas, nil, func(x row) error {
			r.schemas = append(r.schemas, object{x.oid(0), x.oid(1), x.text(2)})
			return nil
		}},
	}, r.privileges()...)
}

func (r *reading) addRole(x row) error {
	role, err := readRole(x)
	if err != nil {
		return err
	}
	r.byOID[role.oid] = int32(len(r.roles))
	r.roles = append(r.roles, role)
	return nil
}

// privileges ask for what is granted on objects: not to PUBLIC (grantee 0), not to the owner.
// Relations with equal privileges are counted rather than listed.
func (r *reading) privileges() []query {
	among, args := "", []arg(nil)
	if !r.whole {
		among, args = " and a.grantee in (select oid from pg_roles where rolname = any($1))", []arg{namesArg(r.names)}
	}
	hold := func(kind string) func(row) error {
		return func(x row) error {
			r.held = append(r.held, holding{kind, x.oid(0), x.oid(1), mask(x.int4(2))})
			return nil
		}
	}
	return []query{
		{`select d.oid, a.grantee, ` + maskOf() + ` from pg_database d, aclexplode(d.datacl) a
			where a.grantee not in (0, d.datdba)` + among + ` group by 1, 2`, args, hold(kindDatabase)},
		{`select n.oid, a.grantee, ` + maskOf() + ` from pg_namespace n, aclexplode(n.nspacl) a
			where a.grantee not in (0, n.nspowner) and ` + userSchemas + among + ` group by 1, 2`, args, hold(kindSchema)},
		{`select c.relnamespace, c.relowner, (c.relkind = 'S')::int, count(*)::int
			from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where ` + tableKinds + ` and ` + userSchemas + ` group by 1, 2, 3 order by 1, 2`, nil, func(x row) error {
			r.ledger.own(x.oid(0), x.oid(1), x.int4(2), x.int4(3))
			return nil
		}},
		{`select c.schema, a.grantee, c.class, c.n, ` + maskOf() + ` from (
				select c.relnamespace, c.relowner, (c.relkind = 'S')::int, c.relacl, count(*)::int
				from pg_class c join pg_namespace n on n.oid = c.relnamespace
				where ` + tableKinds + ` and ` + userSchemas + ` and c.relacl is not null group by 1, 2, 3, 4
			) as c(schema, owner, class, acl, n), aclexplode(c.acl) a
			where a.grantee not in (0, c.owner)` + among + ` group by c.schema, a.grantee, c.class, c.n, c.owner, c.acl`, args, func(x row) error {
			r.ledger.hold(heldKey{x.oid(0), x.oid(1)}, x.int4(2), mask(x.int4(4)), x.int4(3))
			return nil
		}},
		{`select d.defaclnamespace, a.grantee, d.defaclrole, (d.defaclobjtype = 'S')::int, ` + maskOf() + `
			from pg_default_acl d, aclexplode(d.defaclacl) a
			where d.defaclobjtype in ('r', 'S') and a.grantee not in (0, d.defaclrole)` + among + ` group by 1, 2, 3, 4`, args, func(x row) error {
			r.addDefault(x.oid(0), x.oid(1), x.oid(2), x.int4(3), mask(x.int4(4)))
			return nil
		}},
	}
}

// addDefault sorts default privileges by whether they belong to one schema (0 means none).
func (r *reading) addDefault(schema, grantee, creator uint32, class int, m mask) {
	if schema != 0 {
		r.ledger.promise(heldKey{schema, grantee}, creator, class, m)
		return
	}
	if r.global[grantee] == nil {
		r.global[grantee] = &[classes]span{}
	}
	r.global[grantee][class].add(m, 1)
}
