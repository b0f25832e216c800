package postgres

import "iter"

// ledger is what is granted on the relations of schemas, now and by default privileges on
// those to come. Names are object identifiers; a heldKey is a schema and a grantee.
type ledger struct {
	steps ladder
	// owned counts the relations of a schema, by class and by owner.
	owned map[uint32]map[uint32][classes]int
	// held sums up what a grantee holds on relations that aren't its own.
	held map[heldKey]*[classes]span
	// defaults are a grantee's default privileges by the role that creates.
	defaults map[heldKey]map[uint32][classes]mask
	// creators are the configured ones that exist; configured tells whether any were named.
	creators   []uint32
	configured bool
	dbOwner    uint32
	ownersOf   map[uint32][]uint32 // of tables, by schema: a cache for creatorsOf
	tableOwns  map[heldKey]bool    // who owns tables (not only sequences)
}

type heldKey struct{ schema, grantee uint32 }

func newLedger(major int, configured bool) *ledger {
	return &ledger{
		configured: configured,
		steps:      ladderOf(kindTables, major), owned: map[uint32]map[uint32][classes]int{},
		held: map[heldKey]*[classes]span{}, defaults: map[heldKey]map[uint32][classes]mask{},
		ownersOf: map[uint32][]uint32{}, tableOwns: map[heldKey]bool{},
	}
}

// own counts n relations.
func (l *ledger) own(schema, owner uint32, class, n int) {
	if l.owned[schema] == nil {
		l.owned[schema] = map[uint32][classes]int{}
	}
	counts := l.owned[schema][owner]
	counts[class] += n
	l.owned[schema][owner] = counts
	if k := (heldKey{schema, owner}); class == classMain && !l.tableOwns[k] {
		l.tableOwns[k] = true
		l.ownersOf[schema] = append(l.ownersOf[schema], owner)
	}
}

// hold notes that the grantee holds m on n relations of others.
func (l *ledger) hold(k heldKey, class int, m mask, n int) {
	if l.held[k] == nil {
		l.held[k] = &[classes]span{}
	}
	l.held[k][class].add(m, n)
}

// promise notes default privileges for what the creator will create.
func (l *ledger) promise(k heldKey, creator uint32, class int, m mask) {
	if l.defaults[k] == nil {
		l.defaults[k] = map[uint32][classes]mask{}
	}
	masks := l.defaults[k][creator]
	masks[class] |= m
	l.defaults[k][creator] = masks
}

// creatorsOf are the roles whose future relations a level covers: the configured ones, else
// the owners of the schema's tables, else the owner of the database.
func (l *ledger) creatorsOf(schema uint32) []uint32 {
	switch {
	case l.configured:
		return l.creators
	case len(l.ownersOf[schema]) > 0:
		return l.ownersOf[schema]
	}
	return []uint32{l.dbOwner}
}

// holders yields everybody who holds something on tables, once for each schema.
func (l *ledger) holders() iter.Seq[heldKey] {
	return func(yield func(heldKey) bool) {
		for k := range l.held {
			if !yield(k) {
				return
			}
		}
		for k := range l.defaults {
			if l.held[k] == nil && !yield(k) {
				return
			}
		}
	}
}

// covered gives, for each role whose future relations count for the grantee's level, what the
// grantee will hold on them: the creators, and whoever else has default privileges for it.
func (l *ledger) covered(k heldKey) map[uint32][classes]mask {
	masks := map[uint32][classes]mask{}
	for creator, m := range l.defaults[k] {
		masks[creator] = m
	}
	for _, creator := range l.creatorsOf(k.schema) {
		if creator != k.grantee {
			masks[creator] = l.defaults[k][creator]
		}
	}
	return masks
}

// total is the number of a schema's relations, by class, that aren't the grantee's own, and
// of those that are.
func (l *ledger) total(k heldKey) (others, own [classes]int) {
	for owner, n := range l.owned[k.schema] {
		for class := range n {
			if owner == k.grantee {
				own[class] += n[class]
			} else {
				others[class] += n[class]
			}
		}
	}
	return others, own
}

// level is what the grantee holds on the tables of the schema; "" for nothing.
func (l *ledger) level(k heldKey) string {
	if l.held[k] == nil && l.defaults[k] == nil {
		return ""
	}
	var spans [classes]span
	if l.held[k] != nil {
		spans = *l.held[k]
	}
	others, _ := l.total(k)
	for class := range spans {
		spans[class].add(0, others[class]-spans[class].n)
	}
	for _, m := range l.covered(k) {
		for class := range spans {
			spans[class].add(m[class], 1)
		}
	}
	return l.steps.of(spans)
}

// ownership is the level that owning relations implies.
func (l *ledger) ownership(k heldKey) string {
	others, own := l.total(k)
	top := l.steps[len(l.steps)-1].name
	switch {
	case own[classMain]+own[classSequence] == 0:
		return ""
	case others[classMain]+others[classSequence] == 0:
		return top
	}
	return partial(top)
}
