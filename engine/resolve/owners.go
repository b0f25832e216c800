package resolve

import (
	"slices"
	"sync"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// Who has which account is asked about a few names, of accounts that were found live or that
// leavers had; making every name on every system to answer would cost people times systems.
// Where a connector takes names as they are written (access.Kind.Verbatim), the names that a rule
// makes are the same on all systems with that rule, and are made once for all of them. Where it
// changes them in nothing but what access.Fold leaves out, that holds for their folds; whoever is
// found by one is asked what the account is called. Elsewhere names are made for the system when
// the first is asked for.

// names are the account names that the rules of systems make, shared by all systems.
type names struct {
	once sync.Once
	// own are those who have a name of their own on a system, by that name and by its fold.
	own, ownFolds map[string]map[string][]int32

	mu     sync.Mutex
	byRule map[ruleKey]*ruledNames
}

type ruleKey struct {
	pattern string
	folded  bool
}

// ruledNames are the people to whom a rule gives a name, in their order: mostly one.
type ruledNames struct {
	ids  *people // set where the names are the ids; nothing else is then
	one  map[string]int32
	more map[string][]int32 // the others, where there are several
}

func (n *ruledNames) add(name string, i int32) {
	if _, ok := n.one[name]; !ok {
		n.one[name] = i
		return
	}
	if n.more == nil {
		n.more = map[string][]int32{}
	}
	n.more[name] = append(n.more[name], i)
}

// of adds the people with the name to a list.
func (n *ruledNames) of(list []int32, name string) []int32 {
	if n.ids != nil {
		if i, ok := n.ids.find(name); ok {
			list = append(list, i)
		}
		return list
	}
	if i, ok := n.one[name]; ok {
		list = append(list, i)
	}
	return append(list, n.more[name]...)
}

// ruled are the names that a rule makes, or their folds.
func (p *people) ruled(n naming, folded bool) *ruledNames {
	if n.pattern == "{person}" && !folded { // the usual one
		return &ruledNames{ids: p}
	}
	p.names.mu.Lock()
	defer p.names.mu.Unlock()
	key := ruleKey{n.pattern, folded}
	out := p.names.byRule[key]
	if out == nil {
		out = &ruledNames{one: make(map[string]int32, p.len())}
		for i, person := range p.everyone() {
			name, err := n.rule.Expand(person)
			if err != nil {
				continue
			}
			if folded {
				name = access.Fold(name)
			}
			out.add(name, int32(i))
		}
		if p.names.byRule == nil {
			p.names.byRule = map[ruleKey]*ruledNames{}
		}
		p.names.byRule[key] = out
	}
	return out
}

// ownNames are the people whose documents give them a name on the system, or one of that fold.
func (p *people) ownNames(system, name string, folded bool) []int32 {
	p.names.once.Do(func() {
		p.names.own, p.names.ownFolds = map[string]map[string][]int32{}, map[string]map[string][]int32{}
		for i, person := range p.everyone() {
			for _, a := range person.Accounts {
				addName(p.names.own, a.Key.Value, a.Value.Value, int32(i))
				addName(p.names.ownFolds, a.Key.Value, access.Fold(a.Value.Value), int32(i))
			}
		}
	})
	if folded {
		return p.names.ownFolds[system][name]
	}
	return p.names.own[system][name]
}

func addName(to map[string]map[string][]int32, system, name string, i int32) {
	if to[system] == nil {
		to[system] = map[string][]int32{}
	}
	to[system][name] = append(to[system][name], i)
}

// called are the people whose account has that name by the documents and by what was found, in
// their order; those who are gone from the declaration included.
func (d *Desired) called(account access.ID) []int32 {
	// Somebody may have a name of their own that isn't the rule's, or another with this fold.
	return slices.DeleteFunc(d.candidates(nil, account), func(i int32) bool {
		id, _, err := d.account(d.loc.person(i))
		return err != nil || id != account
	})
}

// candidates adds the people who may be called so, in their order.
func (d *Desired) candidates(list []int32, account access.ID) []int32 {
	if !account.IsAccount() {
		return list
	}
	verbatim, folded := d.spelling()
	if !verbatim && !folded {
		d.calledOnce.Do(func() {
			d.everyName = make(map[access.ID][]int32, d.loc.len())
			for i, p := range d.loc.everyone() {
				if id, _, err := d.account(p); err == nil {
					d.everyName[id] = append(d.everyName[id], int32(i))
				}
			}
		})
		return append(list, d.everyName[account]...)
	}
	if few, ok := d.loc.perhaps(account.Name, d.rule); ok {
		list = append(append(list, few...), d.foundAs(account)...)
		slices.Sort(list)
		return slices.Compact(list)
	}
	name := account.Name
	if folded {
		name = access.Fold(name)
	}
	d.ruledOnce.Do(func() { d.ruled = d.loc.ruled(d.rule, folded) })
	list = d.ruled.of(list, name)
	if own, found := d.loc.ownNames(d.rule.system, name, folded), d.foundAs(account); len(own)+len(found) > 0 {
		list = append(append(list, own...), found...)
		slices.Sort(list)
		list = slices.Compact(list)
	}
	return list
}

// perhaps are the people who may be called so by a rule or by their documents, where that can be told
// without going through everybody.
func (p *people) perhaps(name string, n naming) ([]int32, bool) {
	if p.list != nil {
		return nil, false
	}
	places, ok := p.repo.Called(name, n.pattern, n.system)
	if !ok {
		return nil, false
	}
	out := make([]int32, 0, len(places)+len(p.more))
	for _, i := range places {
		out = append(out, int32(i))
	}
	for i := range p.more {
		out = append(out, int32(p.gone+i))
	}
	return out, true
}

// spelling tells what the connector does to names of accounts: nothing, or no more than access.Fold
// leaves out.
func (d *Desired) spelling() (verbatim, folded bool) {
	if d.Connector.Normalize == nil {
		return true, false
	}
	kind := d.kind(access.KindAccount)
	return kind.Verbatim, kind.Folded && !kind.Verbatim
}

// foundAs are the people whose account was found to be this one, though it is called otherwise
// than declared.
func (d *Desired) foundAs(account access.ID) []int32 {
	d.foundOnce.Do(func() {
		d.foundIndex = map[access.ID][]int32{}
		for person, f := range d.found {
			if i, ok := d.loc.find(person); ok {
				d.foundIndex[f.Account] = append(d.foundIndex[f.Account], i)
			}
		}
		for _, people := range d.foundIndex {
			slices.Sort(people)
		}
	})
	return d.foundIndex[account]
}

// Owners are the people who have or would have the account: those of whom AccountOf says so, in
// the order of People.
func (d *Desired) Owners(account access.ID) []*declare.Person {
	holder, held := d.listed(account)
	var few [4]int32
	list := slices.DeleteFunc(d.candidates(few[:0], account), func(i int32) bool {
		if held && i == holder {
			return false
		}
		id, ok := d.ids.of(i)
		if !ok {
			var err error
			id, _, err = d.account(d.loc.person(i))
			ok = err == nil
		}
		return !ok || id != account
	})
	if held && !slices.Contains(list, holder) {
		list = append(list, holder)
		slices.Sort(list)
	}
	out := make([]*declare.Person, len(list))
	for at, i := range list {
		out[at] = d.loc.person(i)
	}
	return out
}

// listed is who has the account by the state; there are no two, as addPeople refuses twins.
func (d *Desired) listed(account access.ID) (int32, bool) {
	at, ok := d.find(account)
	if !ok || d.holders[at].person < 0 {
		return 0, false
	}
	return d.holders[at].person, true
}

// find is the place of an account's holder.
func (d *Desired) find(account access.ID) (int, bool) {
	return slices.BinarySearchFunc(d.holders, account, func(h holding, id access.ID) int { return h.Account.Compare(id) })
}

// Holder implements access.Declared. Accounts of people who have nothing on the system are
// found as well.
func (d *Desired) Holder(account access.ID) (access.Holder, bool) {
	if i, ok := d.find(account); ok {
		return d.holderAt(i), true
	}
	return d.link(account)
}

// link finds whose account it is by the names alone, among those who are in the declaration; of
// several, one who hasn't left.
func (d *Desired) link(account access.ID) (access.Holder, bool) {
	best := int32(-1)
	take := func(i int32, found bool) {
		if best < 0 || found || d.loc.is(i).status != access.HolderLeft {
			best = i
		}
	}
	named, found := d.called(account), d.foundAs(account)
	for len(named) > 0 || len(found) > 0 {
		if len(found) == 0 || len(named) > 0 && named[0] <= found[0] {
			if named[0] < int32(d.loc.gone) {
				take(named[0], false)
			}
			named = named[1:]
			continue
		}
		if d.renames(found[0]) {
			take(found[0], true) // it is theirs until then, whoever would be called so
		}
		found = found[1:]
	}
	if best < 0 {
		return access.Holder{}, false
	}
	h := d.loc.holder(best)
	h.Account = account
	return h, true
}

// renames reports whether an account that was found is to be renamed to the name that is
// declared. Of somebody who left it isn't where that name is another's.
func (d *Desired) renames(i int32) bool {
	p := d.loc.person(i)
	if int(i) >= d.loc.gone || !d.found[p.ID.Value].Rename {
		return false
	}
	id, _, err := d.account(p)
	return err == nil && (d.loc.is(i).status != access.HolderLeft || d.called(id)[0] == i)
}
