package postgres

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

func conflict(format string, args ...any) error {
	return fmt.Errorf("%w: %s", connectors.ErrConflict, fmt.Sprintf(format, args...))
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// plan queues what makes one change true, or nothing if it is true already. What is neither
// as before nor as after is a conflict; the rules are those of access.Editor.
func (x *world) plan(q *queue, i int, ch access.Change) error {
	if r := x.roles[ch.Subject.Name]; r != nil && r.kind() == ch.Subject.Kind && x.s.reserved(*r) {
		return fmt.Errorf("%w: %s belongs to the system, or is Accord's own account", connectors.ErrUnsupported, ch.Subject)
	}
	switch ch.Action {
	case access.Create:
		return x.create(q, i, ch)
	case access.Update:
		return x.update(q, i, ch)
	case access.Rename:
		return x.rename(q, i, ch)
	case access.Disable, access.Enable:
		return x.login(q, i, ch)
	}
	return x.grant(q, i, ch)
}

const (
	lackRole  = "CREATEROLE, and from PostgreSQL 16 on ADMIN OPTION on the role; superuser for superusers"
	lackAdmin = "ADMIN OPTION on the role, or CREATEROLE before PostgreSQL 16; superuser where that is one"
)

// sqlAccount marks an account as one: see roleRow.kind. "infinity" means what no VALID UNTIL
// means, so the mark changes nothing; a date that is there is left alone.
const sqlAccount = " valid until 'infinity'"

func (x *world) create(q *queue, i int, ch access.Change) error {
	want, err := normalize(access.Object{ID: ch.Subject, Attributes: ch.After.Attributes})
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrUnsupported, err)
	}
	made := roleRow{name: ch.Subject.Name, limit: -1, comment: cmp.Or(want.Attributes[attrComment], want.Attributes[attrDescription])}
	if r := x.roles[ch.Subject.Name]; r != nil {
		switch {
		case r.kind() != ch.Subject.Kind:
			return conflict("the name is taken: %s is there", r.id())
		case r.disabled() != ch.After.Disabled || !maps.Equal(r.attributes(), want.Attributes):
			return conflict("it is there already, and differs")
		}
		return nil
	}
	if len(made.name) > 2 && made.name[:3] == "pg_" {
		return fmt.Errorf(`%w: names of roles can't begin with "pg_"`, connectors.ErrUnsupported)
	}
	sql := "create role " + ident(made.name)
	switch {
	case ch.Subject.Kind == kindRole:
		sql += " nologin"
	case ch.After.Disabled:
		sql += " nologin" + sqlAccount
		made.flags = flagValid
	default:
		sql += " login" + sqlAccount
		made.flags = flagLogin | flagValid
	}
	if limit := want.Attributes[attrLimit]; limit != "" {
		sql += " connection limit " + limit
	}
	q.add(phaseCreate, i, lackRole, sql)
	if made.comment != "" {
		q.add(phaseCreate, i, lackRole, sqlComment(made.name, made.comment))
	}
	x.roles[made.name] = &made
	return nil
}

func sqlComment(role, text string) string {
	if text == "" {
		return "comment on role " + ident(role) + " is null"
	}
	return "comment on role " + ident(role) + " is " + literal(text)
}

func (x *world) update(q *queue, i int, ch access.Change) error {
	r := x.role(ch.Subject)
	if r == nil {
		return conflict("it isn't there")
	}
	has := r.attributes()
	for _, key := range sortedKeys(ch.After.Attributes) {
		want, err := normalizeValue(key, ch.After.Attributes[key])
		if err != nil {
			return fmt.Errorf("%w: %w", connectors.ErrUnsupported, err)
		}
		if has[key] == want {
			continue
		}
		before := ""
		if ch.Before != nil {
			before = ch.Before.Attributes[key]
		}
		if has[key] != before {
			return conflict("%s is %q", key, has[key])
		}
		if key == attrLimit {
			q.add(phaseAlter, i, lackRole, "alter role "+ident(r.name)+" connection limit "+cmp.Or(want, "-1"))
		} else {
			q.add(phaseAlter, i, lackRole, sqlComment(r.name, want))
		}
	}
	return nil
}

// rename leaves the role's identity as it is; a password hashed with MD5, whose salt is the
// name, is cleared by PostgreSQL.
func (x *world) rename(q *queue, i int, ch access.Change) error {
	to := access.ID{Kind: ch.Subject.Kind, Name: ch.After.Name}
	r, taken := x.role(ch.Subject), x.roles[to.Name]
	switch {
	case r == nil && taken != nil && taken.kind() == to.Kind:
		return nil
	case r == nil:
		return conflict("it isn't there")
	case taken != nil:
		return conflict("%s is there already", taken.id())
	case len(to.Name) > 2 && to.Name[:3] == "pg_":
		return fmt.Errorf(`%w: names of roles can't begin with "pg_"`, connectors.ErrUnsupported)
	}
	q.add(phaseAlter, i, lackRole, "alter role "+ident(r.name)+" rename to "+ident(to.Name))
	return nil
}

// login disables or enables. Disabling an account that is disabled already still ends its
// sessions: an earlier attempt may have got no further.
func (x *world) login(q *queue, i int, ch access.Change) error {
	r := x.role(ch.Subject)
	if r == nil {
		return conflict("it isn't there")
	}
	if ch.Action == access.Disable {
		x.ended = append(x.ended, r.oid)
	}
	if r.disabled() == (ch.Action == access.Disable) {
		return nil
	}
	sql := "alter role " + ident(r.name) + " login"
	if ch.Action == access.Disable {
		sql = r.sqlDisable()
	}
	q.add(phaseAlter, i, lackRole, sql)
	return nil
}

func (r roleRow) sqlDisable() string {
	sql := "alter role " + ident(r.name) + " nologin"
	if r.flags&flagValid == 0 {
		sql += sqlAccount
	}
	return sql
}

func (x *world) grant(q *queue, i int, ch access.Change) error {
	subject := x.role(ch.Subject)
	if subject == nil {
		if ch.Action == access.Revoke {
			return nil
		}
		return conflict("%s isn't there", ch.Subject)
	}
	if ch.Target == (access.ID{Kind: kindRole, Name: databaseOwners}) {
		return fmt.Errorf("%w: the only member of %s is the database's owner", connectors.ErrUnsupported, ch.Target)
	}
	if !x.exists(ch.Target) {
		if ch.Action == access.Revoke {
			return nil
		}
		return conflict("%s isn't there", ch.Target)
	}
	has := x.level(subject, ch.Target)
	switch ch.Action {
	case access.Give:
		if has == ch.After.Permission {
			return nil
		}
		if has != "" {
			return conflict("%s is held already", has)
		}
	case access.Revoke:
		if has == "" {
			return nil
		}
		if has != ch.Before.Permission {
			return conflict("%s is held, not %s", has, ch.Before.Permission)
		}
	case access.ChangeLevel:
		if has == ch.After.Permission {
			return nil
		}
		if has == "" || has != ch.Before.Permission {
			return conflict("%q is held, not %s", has, ch.Before.Permission)
		}
	}
	to := ""
	if ch.Action != access.Revoke {
		to = ch.After.Permission
	}
	return x.move(q, i, subject, ch.Target, to)
}

// move queues what takes the subject from where it is on the target to a level, or to nothing.
func (x *world) move(q *queue, i int, subject *roleRow, target access.ID, to string) error {
	switch target.Kind {
	case kindAttribute:
		word := target.Name
		if to == "" {
			word = "no" + word
		}
		q.add(phaseAlter, i, "superuser, or from PostgreSQL 16 on CREATEROLE together with the attribute itself", "alter role "+ident(subject.name)+" "+word)
		return nil
	case kindDatabase, kindSchema:
		x.sqlObject(q, i, subject, target, to)
		return nil
	case kindTables:
		st, _ := x.ledger.steps.step(to)
		return x.sqlTables(q, i, subject, x.schemas[target.Name], st)
	}
	x.sqlMember(q, i, subject.name, target.Name, to)
	return nil
}

// sqlMember writes a membership. From version 16 on a REVOKE takes back only what one grantor
// gave, so each is named.
// https://www.postgresql.org/docs/current/sql-revoke.html
func (x *world) sqlMember(q *queue, i int, member, role, to string) {
	switch to {
	case permMember, permAdmin:
		rows := x.members[memberKey{member, role}]
		if to == permMember && len(rows) > 0 {
			x.takeOver(q, i, member, role)
			for _, m := range rows {
				if m.admin {
					q.addFor(phaseRevoke, i, lackAdmin, "revoke admin option for "+ident(role)+" from ", member, x.by(m))
				}
			}
			return
		}
		tail := ""
		if to == permAdmin {
			tail = " with admin option"
		}
		q.addFor(phaseGrant, i, lackAdmin, "grant "+ident(role)+" to ", member, tail)
	default:
		x.takeOver(q, i, member, role)
		for _, m := range x.members[memberKey{member, role}] {
			q.addFor(phaseRevoke, i, lackAdmin, "revoke "+ident(role)+" from ", member, x.by(m))
		}
	}
}

// takeOver makes the memberships that a member gave Accord's own gifts: what others hold must
// not go with the one who gave it, nor hold up its revocation.
func (x *world) takeOver(q *queue, i int, giver, role string) {
	for _, p := range x.passed[memberKey{giver, role}] {
		q.add(phaseRevoke, i, lackAdmin, p.sqlAgain(role))
		q.add(phaseRevoke, i, lackAdmin, "revoke "+ident(role)+" from "+ident(p.to)+" granted by "+ident(giver))
	}
}

// entangled reports whether taking over what a member gave could cross other changes of the
// part: then each must see what the one before did.
func (x *world) entangled(part []access.Change) bool {
	return len(part) > 1 && slices.ContainsFunc(part, func(ch access.Change) bool {
		return ch.Action != access.Give && len(x.passed[memberKey{ch.Subject.Name, ch.Target.Name}]) > 0
	})
}

func (x *world) by(m membership) string {
	if x.s.major < 16 {
		return ""
	}
	return " granted by " + ident(m.grantor)
}

// sqlObject writes privileges on a database or schema.
func (x *world) sqlObject(q *queue, i int, holder *roleRow, target access.ID, to string) {
	st, _ := ladderOf(target.Kind, x.s.major).step(to)
	want, on := st.has[classMain], target.Kind+" "+ident(target.Name)
	lack := "ownership of the " + target.Kind + ", membership in its owner, or superuser"
	var has mask
	for _, r := range x.rights[x.rightKey(holder, target)] {
		has |= r.mask
		over := r.mask &^ want
		switch {
		case over == 0:
		case r.byOwner:
			q.addFor(phaseRevoke, i, lack, "revoke "+over.list()+" on "+on+" from ", holder.name, "")
		default:
			x.asGrantor(q, i, r.grantor, "revoke "+over.list()+" on "+on+" from "+ident(holder.name))
		}
	}
	if missing := want &^ has; missing != 0 {
		q.addFor(phaseGrant, i, lack, "grant "+missing.list()+" on "+on+" to ", holder.name, "")
	}
}
