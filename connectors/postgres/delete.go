package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// Deleting a role.
//
// PostgreSQL refuses to drop a role that owns something or holds a privilege anywhere on the
// server, and can hand over or revoke only in the database that one is connected to. So:
//
//	everything in this database, or nothing anywhere:
//	    one transaction: end the role's sessions, REASSIGN OWNED, DROP OWNED, DROP ROLE
//	something in other databases too:
//	    connect to each of them, and try it there, rolling back
//	    transaction here: take the login away, REASSIGN OWNED, DROP OWNED
//	    transaction there, one for each: REASSIGN OWNED, DROP OWNED
//	    transaction here: DROP ROLE
//
// Any refusal is found before the first of them commits. What fails after that (a connection
// that is lost, somebody who gives the role something new) leaves a role that owns less and
// can't log in; the error says so, and deleting it again goes on from there.
//
// DROP OWNED also takes what the role had passed on to others. Memberships that it gave are
// given anew, in Accord's name. Privileges that it passed on are not Accord's to judge: there
// the deletion is refused, naming them.

// doomed is a role about to be deleted.
type doomed struct {
	roleRow
	handover string // as configured; "" for the owner of each database
	change   string // for errors
}

// delete removes a role.
func (w *work) delete(ctx context.Context, ch access.Change) error {
	world, err := w.look(ctx, []access.Change{ch})
	if err != nil {
		return err
	}
	r := world.role(ch.Subject)
	switch {
	case r == nil:
		return nil
	case w.s.reserved(*r):
		return fmt.Errorf("%s: %w: %s belongs to the system, or is Accord's own account", ch, connectors.ErrUnsupported, ch.Subject)
	case ch.Before != nil && ch.Before.Disabled != r.disabled():
		return fmt.Errorf("%s: %w", ch, conflict("disabled is %v", r.disabled()))
	}
	d := doomed{roleRow: *r, handover: w.c.handover, change: ch.String()}
	others, err := w.s.databasesOf(ctx, d.oid)
	if err != nil {
		return explain(ctx, d.change, "", err)
	}
	w.ended = append(w.ended, d.oid)
	if len(others) > 0 {
		if !w.alone {
			return fmt.Errorf("%s: it owns or holds something in other databases, so its deletion can't be one transaction with other changes", d.change)
		}
		if err := w.stripEverywhere(ctx, d, others); err != nil {
			return err
		}
	} else if err := w.stripHere(ctx, d); err != nil {
		return err
	}
	_, err = w.s.exec(ctx, "drop role "+ident(d.name))
	return explain(ctx, d.change, lackRole, err)
}

// stripHere takes from the role all that it owns and holds in this database, ending its
// sessions first since they may hold locks.
func (w *work) stripHere(ctx context.Context, d doomed) error {
	memberships, err := w.passedOn(ctx, d)
	if err != nil {
		return err
	}
	w.c.endSessions(ctx, []uint32{d.oid}, false)
	if err := w.s.strip(ctx, d, ""); err != nil {
		return err
	}
	for _, sql := range memberships {
		if _, err := w.s.exec(ctx, sql); err != nil {
			return explain(ctx, d.change+": giving anew the memberships that it gave", lackAdmin, err)
		}
	}
	return nil
}

// databasesOf lists the other databases in which the role owns or holds something.
func (s *session) databasesOf(ctx context.Context, oid uint32) ([]string, error) {
	var names []string
	err := s.ask(ctx, query{`select distinct d.datname from pg_shdepend p join pg_database d on d.oid = p.dbid
		where p.refclassid = 'pg_authid'::regclass and p.refobjid = any($1) and d.datname <> current_database() order by 1`,
		[]arg{oidsArg([]uint32{oid})}, func(r row) error {
			names = append(names, r.text(0))
			return nil
		}})
	return names, err
}

// strip hands over what the role owns in the connected database, and revokes what it holds
// there; objects that all databases share count with each. The new owner is the configured
// one, else the owner of the database, else (where that is the role itself) the fallback.
func (s *session) strip(ctx context.Context, d doomed, fallback string) error {
	const here = "(select from pg_shdepend p where p.refclassid = 'pg_authid'::regclass and p.refobjid = %d and p.dbid in (0, d.oid) %s)"
	rows, err := s.exec(ctx, fmt.Sprintf(`select r.rolname, exists `+here+`, exists `+here+`, %s = '' or exists (select from pg_roles h where h.rolname = %s)
		from pg_database d join pg_roles r on r.oid = d.datdba where d.datname = current_database()`,
		d.oid, "", d.oid, "and p.deptype = 'o'", literal(d.handover), literal(d.handover)))
	if err != nil {
		return explain(ctx, d.change, "", err)
	}
	if len(rows) != 1 {
		return fmt.Errorf("%s: %w: the database has no owner", d.change, connectors.ErrIncomplete)
	}
	to := d.handover
	if to == "" {
		to = rows[0].text(0)
	}
	if to == d.name && d.handover == "" && fallback != "" {
		to = fallback
	}
	switch {
	case rows[0].text(1) != "t":
		return nil // DROP OWNED would take rights over the role, for nothing
	case rows[0].text(2) != "t": // owns nothing here
	case rows[0].text(3) != "t":
		return fmt.Errorf("%s: setting handover names %s, which isn't there", d.change, ident(to))
	case to == d.name:
		return fmt.Errorf("%s: it owns things in database %s, which would be handed over to itself; name another role in setting handover", d.change, ident(s.database))
	default:
		if _, err := s.exec(ctx, "reassign owned by "+ident(d.name)+" to "+ident(to)); err != nil {
			return explain(ctx, d.change+": handing over to "+ident(to), "membership in both roles", err)
		}
	}
	_, err = s.exec(ctx, "drop owned by "+ident(d.name))
	return explain(ctx, d.change+": revoking what it holds", "membership in it", err)
}

// passedOn refuses if others hold privileges that the role gave them, and gives the statements
// that give anew the memberships which it gave.
func (w *work) passedOn(ctx context.Context, d doomed) ([]string, error) {
	if err := w.s.passedOn(ctx, d); err != nil {
		return nil, err
	}
	if w.s.major < 16 {
		return nil, nil // before, dropping a grantor left memberships alone
	}
	var again []string
	err := w.s.ask(ctx, query{passedOnMemberships + " and a.grantor = any($1) order by 2, 3", []arg{oidsArg([]uint32{d.oid})}, func(r row) error {
		again = append(again, readPassed(r).sqlAgain(r.text(1)))
		return nil
	}})
	return again, explain(ctx, d.change, "", err)
}

// passedOn looks at the privileges in one database.
func (s *session) passedOn(ctx context.Context, d doomed) error {
	const each = `select %s, a.grantee from %s, aclexplode(%s) a where a.grantor = %d and a.grantee not in (a.grantor, %s)`
	var parts []string
	for _, p := range [][4]string{
		{"'database ' || quote_ident(o.datname)", "pg_database o", "o.datacl", "o.datdba"},
		{"'schema ' || quote_ident(o.nspname)", "pg_namespace o", "o.nspacl", "o.nspowner"},
		{"o.oid::regclass::text", "pg_class o", "o.relacl", "o.relowner"},
		{"a1.attrelid::regclass::text || '.' || quote_ident(a1.attname)", "pg_attribute a1 join pg_class o on o.oid = a1.attrelid", "a1.attacl", "o.relowner"},
		{"o.oid::regprocedure::text", "pg_proc o", "o.proacl", "o.proowner"},
		{"'type ' || o.oid::regtype::text", "pg_type o", "o.typacl", "o.typowner"},
	} {
		parts = append(parts, fmt.Sprintf(each+" and %s <> %d", p[0], p[1], p[2], d.oid, p[3], p[3], d.oid))
	}
	rows, err := s.exec(ctx, "select x.what, coalesce(r.rolname, 'PUBLIC') from ("+strings.Join(parts, " union ")+") as x(what, oid) left join pg_roles r on r.oid = x.oid order by 1, 2 limit 5")
	if err != nil {
		return explain(ctx, d.change, "", err)
	}
	if len(rows) == 0 {
		return nil
	}
	var list []string
	for _, r := range rows {
		list = append(list, r.text(0)+" to "+r.text(1))
	}
	return fmt.Errorf("%s: in database %s it has passed on privileges that would go with it (%s); let the owner give or revoke them first", d.change, ident(s.database), strings.Join(list, ", "))
}
