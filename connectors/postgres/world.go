package postgres

import (
	"context"
	"fmt"

	"github.com/accordhq/accord/engine/access"
)

// world is what a part of a batch finds: the roles and objects that it names, and what the
// former hold on the latter, in more detail than a state has, since to take something away one
// must know who gave it.
type world struct {
	s     *session
	ended []uint32 // roles whose sessions are to end

	roles     map[string]*roleRow // as they are, and as the part will have created them
	databases map[string]*object
	schemas   map[string]*object
	members   map[memberKey][]membership
	passed    map[memberKey][]passed // by who passed it on
	rights    map[rightKey][]right   // on databases and schemas
	ledger    *ledger                // on tables
	relations map[uint32]*relations
	granted   map[heldKey][]grantedOn
	creators  map[uint32]string // names of roles that create tables, or might
}

type memberKey struct{ member, role string }

// membership is one row of pg_auth_members: from version 16 on there can be several for a pair.
type membership struct {
	admin   bool
	grantor string
}

// passed is a membership that somebody gave to somebody else. From version 16 on it depends on
// the giver's own.
type passed struct {
	to                  string
	admin, inherit, set bool
}

type rightKey struct {
	kind           string
	object, holder uint32
}

// right is what one grantor has given.
type right struct {
	grantor string
	byOwner bool
	mask    mask
}

// relations are relations of one schema, class and owner with equal privileges.
type relations struct {
	schema, owner uint32
	class         int
	names         []string
}

// grantedOn is what one grantor has given on a group of relations.
type grantedOn struct {
	on *relations
	right
}

// look reads the world of a part.
func (w *work) look(ctx context.Context, part []access.Change) (*world, error) {
	x := &world{
		s: w.s, roles: map[string]*roleRow{}, databases: map[string]*object{}, schemas: map[string]*object{},
		members: map[memberKey][]membership{}, passed: map[memberKey][]passed{}, rights: map[rightKey][]right{}, relations: map[uint32]*relations{},
		granted: map[heldKey][]grantedOn{}, creators: map[uint32]string{}, ledger: newLedger(w.s.major, len(w.c.creators) > 0),
	}
	n := namesIn(part)
	queries := append(x.roleQueries(n), x.objectQueries(n)...)
	if len(n.tables) > 0 {
		queries = append(queries, x.tableQueries(n, w.c.creators)...)
	}
	if err := w.s.ask(ctx, queries...); err != nil {
		return nil, explain(ctx, "looking at what is there for "+about(part), "the right to read the system catalogs", err)
	}
	x.settle()
	return x, nil
}

// named are the names that a part is about.
type named struct{ roles, holders, databases, schemas, tables []string }

func namesIn(part []access.Change) named {
	var n named
	seen := map[access.ID]bool{}
	add := func(list *[]string, mark access.ID) {
		if !seen[mark] {
			seen[mark] = true
			*list = append(*list, mark.Name)
		}
	}
	for _, ch := range part {
		add(&n.roles, access.ID{Kind: "", Name: ch.Subject.Name})
		if ch.Action == access.Rename {
			add(&n.roles, access.ID{Kind: "", Name: ch.After.Name})
		}
		if !ch.Action.OnGrant() {
			continue
		}
		switch ch.Target.Kind {
		case access.KindAccount, kindRole:
			add(&n.roles, access.ID{Kind: "", Name: ch.Target.Name})
		case kindDatabase:
			add(&n.databases, ch.Target)
		case kindSchema:
			add(&n.schemas, ch.Target)
		case kindTables:
			add(&n.schemas, access.ID{Kind: kindSchema, Name: ch.Target.Name})
			add(&n.tables, ch.Target)
		}
		if ch.Target.Kind != kindAttribute {
			add(&n.holders, access.ID{Kind: "holder", Name: ch.Subject.Name})
		}
	}
	return n
}

func (x *world) roleQueries(n named) []query {
	queries := []query{
		{roleColumns + " where r.rolname = any($1)", []arg{namesArg(n.roles)}, func(r row) error {
			role, err := readRole(r)
			if err == nil {
				x.roles[role.name] = &role
			}
			return err
		}},
		{`select m.rolname, r.rolname, a.admin_option, coalesce(g.rolname, '')
			from pg_auth_members a
			join pg_roles m on m.oid = a.member join pg_roles r on r.oid = a.roleid left join pg_roles g on g.oid = a.grantor
			where m.rolname = any($1) and r.rolname = any($2) order by 1, 2, 4`,
			[]arg{namesArg(n.holders), namesArg(n.roles)}, func(r row) error {
				k := memberKey{r.text(0), r.text(1)}
				x.members[k] = append(x.members[k], membership{r.yes(2), r.text(3)})
				return nil
			}},
	}
	if x.s.major < 16 {
		return queries
	}
	return append(queries, query{passedOnMemberships + " and g.rolname = any($1) and r.rolname = any($2) order by 1, 2, 3",
		[]arg{namesArg(n.holders), namesArg(n.roles)}, func(r row) error {
			k := memberKey{r.text(0), r.text(1)}
			x.passed[k] = append(x.passed[k], readPassed(r))
			return nil
		}})
}

// passedOnMemberships select who gave which role to whom. The options are those that the
// membership has in effect, with what other grantors gave: given anew with these, it stays as
// it is, and no other grantor's gift is lessened.
const passedOnMemberships = `select g.rolname, r.rolname, m.rolname, o.admin, o.inherit, o.set
	from pg_auth_members a
	join pg_roles g on g.oid = a.grantor join pg_roles r on r.oid = a.roleid join pg_roles m on m.oid = a.member,
	lateral (select bool_or(x.admin_option), bool_or(x.inherit_option), bool_or(x.set_option)
		from pg_auth_members x where x.roleid = a.roleid and x.member = a.member) as o(admin, inherit, set)
	where a.member <> a.grantor and a.roleid <> a.grantor`

func readPassed(r row) passed { return passed{r.text(2), r.yes(3), r.yes(4), r.yes(5)} }

// sqlAgain gives it anew, by Accord.
func (p passed) sqlAgain(role string) string {
	return fmt.Sprintf("grant %s to %s with admin %t, inherit %t, set %t", ident(role), ident(p.to), p.admin, p.inherit, p.set)
}

func (x *world) objectQueries(n named) []query {
	put := func(into map[string]*object) func(row) error {
		return func(r row) error {
			into[r.text(2)] = &object{r.oid(0), r.oid(1), r.text(2)}
			return nil
		}
	}
	hold := func(kind string) func(row) error {
		return func(r row) error {
			k := rightKey{kind, r.oid(0), r.oid(1)}
			x.rights[k] = append(x.rights[k], right{r.text(2), r.yes(3), mask(r.int4(4))})
			return nil
		}
	}
	var queries []query
	if len(n.databases) > 0 {
		queries = append(queries,
			query{"select oid, datdba, datname from pg_database where datname = any($1)", []arg{namesArg(n.databases)}, put(x.databases)},
			query{`select d.oid, a.grantee, g.rolname, a.grantor = d.datdba, ` + maskOf() + `
				from pg_database d, aclexplode(d.datacl) a, pg_roles g
				where d.datname = any($1) and g.oid = a.grantor and a.grantee <> d.datdba
				and a.grantee in (select oid from pg_roles where rolname = any($2)) group by 1, 2, 3, 4 order by 1, 2, 3`,
				[]arg{namesArg(n.databases), namesArg(n.holders)}, hold(kindDatabase)})
	}
	if len(n.schemas) > 0 {
		queries = append(queries,
			query{"select oid, nspowner, nspname from pg_namespace where nspname = any($1)", []arg{namesArg(n.schemas)}, put(x.schemas)},
			query{`select n.oid, a.grantee, g.rolname, a.grantor = n.nspowner, ` + maskOf() + `
				from pg_namespace n, aclexplode(n.nspacl) a, pg_roles g
				where n.nspname = any($1) and g.oid = a.grantor and a.grantee <> n.nspowner
				and a.grantee in (select oid from pg_roles where rolname = any($2)) group by 1, 2, 3, 4 order by 1, 2, 3`,
				[]arg{namesArg(n.schemas), namesArg(n.holders)}, hold(kindSchema)})
	}
	return queries
}

// exists reports whether the target is there.
func (x *world) exists(id access.ID) bool {
	switch id.Kind {
	case kindAttribute:
		return true
	case kindDatabase:
		return x.databases[id.Name] != nil
	case kindSchema, kindTables:
		return x.schemas[id.Name] != nil
	}
	return x.role(id) != nil
}

// role returns the role with that name if it is of that kind, or nil.
func (x *world) role(id access.ID) *roleRow {
	if r := x.roles[id.Name]; r != nil && r.kind() == id.Kind {
		return r
	}
	return nil
}

// level is what the subject holds on the target, by its own right; "" if nothing.
func (x *world) level(subject *roleRow, target access.ID) string {
	switch target.Kind {
	case kindAttribute:
		if subject.has(target.Name) {
			return permHas
		}
		return ""
	case kindDatabase, kindSchema:
		var all mask
		for _, r := range x.rights[x.rightKey(subject, target)] {
			all |= r.mask
		}
		return ladderOf(target.Kind, x.s.major).of(single(all))
	case kindTables:
		return x.ledger.level(heldKey{x.schemas[target.Name].oid, subject.oid})
	}
	level := ""
	for _, m := range x.members[memberKey{subject.name, target.Name}] {
		if m.admin {
			return permAdmin
		}
		level = permMember
	}
	return level
}

func (x *world) rightKey(subject *roleRow, target access.ID) rightKey {
	if target.Kind == kindDatabase {
		return rightKey{kindDatabase, x.databases[target.Name].oid, subject.oid}
	}
	return rightKey{kindSchema, x.schemas[target.Name].oid, subject.oid}
}
