package postgres

import (
	"fmt"
	"maps"
	"slices"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// state makes the state of what was collected.
func (r *reading) state(system string) (*access.State, error) {
	b := access.NewBuilder(system).Identity(r.s.identity).Self(access.Account(r.s.login))
	if !r.whole {
		b.Only(slices.Collect(maps.Keys(r.scope))...)
	}
	self := slices.ContainsFunc(r.roles, func(x roleRow) bool { return x.name == r.s.login })
	if r.whole && !self {
		return nil, fmt.Errorf("%w: the server lists its roles, but not %s, who asks", connectors.ErrIncomplete, ident(r.s.login))
	}
	for _, role := range r.roles {
		id := role.id()
		if !r.covers(id) {
			continue
		}
		b.Object(r.s.object(role))
		if role.flags&^(flagLogin|flagValid) == 0 {
			continue
		}
		for _, a := range attributes() {
			if role.has(a) {
				b.Grant(access.Grant{Subject: id, Target: access.ID{Kind: kindAttribute, Name: a}, Permission: permHas})
			}
		}
	}
	r.objects(b)
	if err := r.memberships(b); err != nil {
		return nil, err
	}
	if err := r.objectLevels(b); err != nil {
		return nil, err
	}
	if err := r.tableLevels(b); err != nil {
		return nil, err
	}
	return b.Build()
}

func (r *reading) covers(id access.ID) bool { return r.whole || r.scope[id] }

// who gives the role with that object identifier; ok is false if it isn't in the scope. In a
// whole read everybody must be known: a holder without a name would be a grant unseen.
func (r *reading) who(oid uint32) (id access.ID, ok bool, err error) {
	i, ok := r.byOID[oid]
	if !ok {
		if r.whole {
			err = fmt.Errorf("%w: no role has the object identifier %d, which holds something", connectors.ErrIncomplete, oid)
		}
		return access.ID{}, false, err
	}
	id = r.roles[i].id()
	return id, r.covers(id), nil
}

// objects adds everything that isn't a role.
func (r *reading) objects(b *access.Builder) {
	add := func(kind, name, native string, reserved bool) {
		if id := (access.ID{Kind: kind, Name: name}); r.covers(id) {
			b.Object(access.Object{ID: id, Native: native, Reserved: reserved})
		}
	}
	for _, a := range attributes() {
		add(kindAttribute, a, "", true)
	}
	for _, d := range r.databases {
		add(kindDatabase, d.name, nativeID(d.oid), false)
	}
	for _, n := range r.schemas {
		add(kindSchema, n.name, nativeID(n.oid), false)
		add(kindTables, n.name, nativeID(n.oid), false)
	}
}

// objectLevels adds what is held on databases and schemas, and what owning them implies.
func (r *reading) objectLevels(b *access.Builder) error {
	for kind, objects := range map[string][]object{kindDatabase: r.databases, kindSchema: r.schemas} {
		steps := ladderOf(kind, r.s.major)
		targets := make(map[uint32]access.ID, len(objects))
		for _, o := range objects {
			targets[o.oid] = access.ID{Kind: kind, Name: o.name}
			subject, ok, err := r.who(o.owner)
			if err != nil {
				return err
			}
			if ok {
				b.Grant(access.Grant{Subject: subject, Target: targets[o.oid], Permission: steps[len(steps)-1].name, Standing: access.Implied})
			}
		}
		for _, h := range r.held {
			if h.kind != kind {
				continue
			}
			subject, ok, err := r.who(h.holder)
			if err != nil {
				return err
			}
			if ok {
				b.Grant(access.Grant{Subject: subject, Target: targets[h.object], Permission: steps.of(single(h.mask))})
			}
		}
	}
	return nil
}

// tableLevels adds what is held on the tables of schemas, and what owning them or default
// privileges of the whole database imply.
func (r *reading) tableLevels(b *access.Builder) error {
	put := func(k heldKey, target access.ID, level string, standing access.Standing) error {
		subject, ok, err := r.who(k.grantee)
		if ok && level != "" {
			b.Grant(access.Grant{Subject: subject, Target: target, Permission: level, Standing: standing})
		}
		return err
	}
	targets := make(map[uint32]access.ID, len(r.schemas))
	for _, n := range r.schemas {
		target := access.ID{Kind: kindTables, Name: n.name}
		targets[n.oid] = target
		for owner := range r.ledger.owned[n.oid] {
			k := heldKey{n.oid, owner}
			if err := put(k, target, r.ledger.ownership(k), access.Implied); err != nil {
				return err
			}
		}
		for grantee, spans := range r.global {
			level := partial(r.ledger.steps.lowest(*spans))
			if err := put(heldKey{n.oid, grantee}, target, level, access.Implied); err != nil {
				return err
			}
		}
	}
	for k := range r.ledger.holders() {
		target, ok := targets[k.schema]
		if !ok {
			continue // default privileges in a schema of PostgreSQL's own
		}
		if err := put(k, target, r.ledger.level(k), access.Held); err != nil {
			return err
		}
	}
	return nil
}
