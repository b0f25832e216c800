package resolve

import (
	"cmp"
	"iter"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// holding is the holder of an account, without what the person's document says, and without the
// other names that few accounts have (Desired.was): there are as many as people times systems where
// many left.
type holding struct {
	Account access.ID
	// person is the index of the person; below 0 the journal remembers the account, and ^person is
	// the index into Desired.former.
	person int32
	Wanted bool
}

// holderAt is the holder at an index of the holders.
func (d *Desired) holderAt(i int) access.Holder {
	h := &d.holders[i]
	if h.person < 0 {
		return d.former[^h.person]
	}
	out := d.loc.holder(h.person)
	out.Account, out.Was, out.Wanted = h.Account, d.was[h.person], h.Wanted
	return out
}

// holder is what a person's document says of whoever holds an account of theirs.
func (p *people) holder(i int32) access.Holder {
	person, is := p.person(i), p.is(i)
	return access.Holder{Person: person.ID.Value, Service: person.Service, Status: is.status, Why: is.why, Since: is.since}
}

// accounts are those of holders whom the declaration knows, by person.
type accounts struct {
	holders []holding
	list    []accountOf // sorted by person
}

// accountOf is a person and the index of what they hold.
type accountOf struct{ person, holder int32 }

func accountsOf(holders []holding) accounts {
	out := accounts{holders: holders, list: make([]accountOf, 0, len(holders))}
	for i := range holders {
		if holders[i].person >= 0 {
			out.list = append(out.list, accountOf{holders[i].person, int32(i)})
		}
	}
	slices.SortFunc(out.list, func(a, b accountOf) int { return cmp.Compare(a.person, b.person) })
	return out
}

// of is the account of a person of whom the system has to know.
func (a *accounts) of(person int32) (access.ID, bool) {
	i, ok := slices.BinarySearchFunc(a.list, person, func(a accountOf, p int32) int { return cmp.Compare(a.person, p) })
	if !ok {
		return access.ID{}, false
	}
	return a.holders[a.list[i].holder].Account, true
}

// accounts yields the people of whom the system has to know, sorted, and their accounts.
func (d *Desired) accounts() iter.Seq2[string, access.ID] {
	return func(yield func(string, access.ID) bool) {
		for _, a := range d.ids.list {
			if !yield(d.loc.person(a.person).ID.Value, d.holders[a.holder].Account) {
				return
			}
		}
	}
}
