package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/connectors"
)

// tableQueries ask for what concerns grants on tables: the relations of the schemas in groups
// of equal owner and privileges, what the holders were given on each group and by whom, and
// default privileges. A group is known by its lowest object identifier. (Privileges can be
// hashed but not sorted, so nothing in a query that groups by them may ask for an order.)
func (x *world) tableQueries(n named, creators []string) []query {
	const groups = `(select min(c.oid) as id, c.relnamespace as schema, c.relowner as owner, (c.relkind = 'S')::int as class, c.relacl as acl,
			array_agg(c.relname) as names
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where ` + tableKinds + ` and n.nspname = any($1) group by 2, 3, 4, 5) as c`
	schemas, holders := namesArg(n.tables), namesArg(n.holders)
	return []query{
		{"select r.oid, r.rolname from pg_database d join pg_roles r on r.oid = d.datdba where d.datname = current_database()", nil, func(r row) error {
			x.ledger.dbOwner, x.creators[r.oid(0)] = r.oid(0), r.text(1)
			return nil
		}},
		{"select oid, rolname from pg_roles where rolname = any($1)", []arg{namesArg(creators)}, func(r row) error {
			x.ledger.creators, x.creators[r.oid(0)] = append(x.ledger.creators, r.oid(0)), r.text(1)
			return nil
		}},
		{"select c.id, c.schema, c.owner, c.class, c.names, r.rolname from " + groups + " join pg_roles r on r.oid = c.owner order by 1", []arg{schemas}, x.addRelations},
		{`select c.id, a.grantee, g.rolname, a.grantor = c.owner, ` + maskOf() + ` from ` + groups + `, aclexplode(c.acl) a, pg_roles g
			where g.oid = a.grantor and a.grantee <> c.owner and a.grantee in (select oid from pg_roles where rolname = any($2))
			group by 1, 2, 3, 4 order by 1, 2, 3`, []arg{schemas, holders}, x.addGranted},
		{`select d.defaclnamespace, a.grantee, d.defaclrole, (d.defaclobjtype = 'S')::int, ` + maskOf() + `, r.rolname
			from pg_default_acl d join pg_namespace n on n.oid = d.defaclnamespace join pg_roles r on r.oid = d.defaclrole, aclexplode(d.defaclacl) a
			where d.defaclobjtype in ('r', 'S') and n.nspname = any($1) and a.grantee <> d.defaclrole
			and a.grantee in (select oid from pg_roles where rolname = any($2)) group by 1, 2, 3, 4, 6`,
			[]arg{schemas, holders}, func(r row) error {
				x.creators[r.oid(2)] = r.text(5)
				x.ledger.promise(heldKey{r.oid(0), r.oid(1)}, r.oid(2), r.int4(3), mask(r.int4(4)))
				return nil
			}},
	}
}

func (x *world) addRelations(r row) error {
	names, err := r.names(4)
	if err != nil {
		return fmt.Errorf("%w: relations of a schema: %w", connectors.ErrIncomplete, err)
	}
	slices.Sort(names)
	g := &relations{r.oid(1), r.oid(2), r.int4(3), names}
	x.creators[g.owner] = r.text(5)
	x.relations[r.oid(0)] = g
	x.ledger.own(g.schema, g.owner, g.class, len(names))
	return nil
}

// addGranted takes a row for each grantor; the ledger wants one for each group and grantee,
// with what all grantors gave together. Rows come sorted by group and grantee.
func (x *world) addGranted(r row) error {
	g := x.relations[r.oid(0)]
	if g == nil {
		return fmt.Errorf("%w: a relation's privileges changed between two looks", connectors.ErrConflict)
	}
	k := heldKey{g.schema, r.oid(1)}
	x.granted[k] = append(x.granted[k], grantedOn{g, right{r.text(2), r.yes(3), mask(r.int4(4))}})
	return nil
}

// settle adds up what the grantors gave, once all rows are there.
func (x *world) settle() {
	for k, rows := range x.granted {
		for on, m := range sums(rows) {
			x.ledger.hold(k, on.class, m, len(on.names))
		}
	}
}

// sums gives what is held on each group, whoever gave it.
func sums(rows []grantedOn) map[*relations]mask {
	all := map[*relations]mask{}
	for _, g := range rows {
		all[g.on] |= g.mask
	}
	return all
}

// sqlTables writes what makes the holder's level on the tables of the schema be the step (the
// zero step: nothing): on the relations that there are, less the holder's own, and on those
// that the covered roles will create.
func (x *world) sqlTables(q *queue, change int, holder *roleRow, schema *object, to step) error {
	k := heldKey{schema.oid, holder.oid}
	others, own := x.ledger.total(k)
	covered := x.ledger.covered(k)
	if to.name != "" && len(covered) == 0 && others == [classes]int{} {
		return fmt.Errorf("%w: %s owns every table of schema %s, and nobody else creates any", connectors.ErrUnsupported, ident(holder.name), ident(schema.name))
	}
	for class := range classes {
		x.sqlPresent(q, change, holder, schema, class, to.has[class], own[class] > 0)
	}
	for _, creator := range sortedKeys(covered) {
		for class := range classes {
			x.sqlFuture(q, change, holder, schema, creator, class, covered[creator][class], to.has[class])
		}
	}
	return nil
}

// classWords are how GRANT calls the classes: many in a schema, and by name.
func classWords(class int) (all, each string) {
	if class == classSequence {
		return "sequences", "sequence"
	}
	return "tables", "table"
}

// sqlPresent brings the relations of one class to what is wanted. What the owners gave is
// taken back for the whole schema at once; what somebody else passed on, in that role's name,
// since a REVOKE takes back only what its own grantor gave. If the holder owns some of the
// relations, all are named, so that nobody's rights on his own are touched.
// https://www.postgresql.org/docs/current/sql-revoke.html#SQL-REVOKE-NOTES
func (x *world) sqlPresent(q *queue, change int, holder *roleRow, schema *object, class int, want mask, named bool) {
	all, each := classWords(class)
	k := heldKey{schema.oid, holder.oid}
	var extra mask
	var from []*relations
	for _, g := range x.granted[k] {
		over := g.mask &^ want
		if g.on.class != class || over == 0 {
			continue
		}
		if g.byOwner {
			extra |= over
			from = append(from, g.on)
			continue
		}
		x.asGrantor(q, change, g.grantor, fmt.Sprintf("revoke %s on %s %s from %s", over.list(), each, qualified(schema, g.on), ident(holder.name)))
	}
	const lack = "ownership of the tables, membership in their owners, or superuser"
	if extra != 0 && !named {
		q.addFor(phaseRevoke, change, lack, fmt.Sprintf("revoke %s on all %s in schema %s from ", extra.list(), all, ident(schema.name)), holder.name, "")
	} else if extra != 0 {
		for _, on := range from {
			q.addFor(phaseRevoke, change, lack, fmt.Sprintf("revoke %s on %s %s from ", extra.list(), each, qualified(schema, on)), holder.name, "")
		}
	}
	if want == 0 {
		return
	}
	has := sums(x.granted[k])
	var missing mask
	var on []*relations
	for _, id := range sortedKeys(x.relations) {
		g := x.relations[id]
		if g.schema != schema.oid || g.class != class || g.owner == holder.oid || want&^has[g] == 0 {
			continue
		}
		missing |= want &^ has[g]
		on = append(on, g)
	}
	if missing != 0 && !named {
		q.addFor(phaseGrant, change, lack, fmt.Sprintf("grant %s on all %s in schema %s to ", missing.list(), all, ident(schema.name)), holder.name, "")
	} else if missing != 0 {
		for _, g := range on {
			q.addFor(phaseGrant, change, lack, fmt.Sprintf("grant %s on %s %s to ", (want&^has[g]).list(), each, qualified(schema, g)), holder.name, "")
		}
	}
}

// sqlFuture brings one creator's default privileges to what is wanted.
func (x *world) sqlFuture(q *queue, change int, holder *roleRow, schema *object, creator uint32, class int, has, want mask) {
	all, _ := classWords(class)
	head := fmt.Sprintf("alter default privileges for role %s in schema %s ", ident(x.creators[creator]), ident(schema.name))
	lack := "membership in " + ident(x.creators[creator]) + ", whose future " + all + " are covered (see setting creators)"
	if over := has &^ want; over != 0 {
		q.addFor(phaseRevoke, change, lack, head+fmt.Sprintf("revoke %s on %s from ", over.list(), all), holder.name, "")
	}
	if missing := want &^ has; missing != 0 {
		q.addFor(phaseGrant, change, lack, head+fmt.Sprintf("grant %s on %s to ", missing.list(), all), holder.name, "")
	}
}

// asGrantor queues a statement to be run in another role's name.
func (x *world) asGrantor(q *queue, change int, grantor, sql string) {
	lack := "membership in " + ident(grantor) + ", who gave it"
	q.add(phaseRevoke, change, lack, "set local role "+ident(grantor))
	q.add(phaseRevoke, change, lack, sql)
	q.add(phaseRevoke, change, lack, "reset role")
}

// qualified lists the relations of a group with their schema.
func qualified(schema *object, g *relations) string {
	list := make([]string, len(g.names))
	for i, name := range g.names {
		list[i] = ident(schema.name, name)
	}
	return strings.Join(list, ", ")
}
