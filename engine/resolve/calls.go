package resolve

import (
	"slices"
	"strings"
	"sync"

	"github.com/accordhq/accord/engine/access"
)

// What there is to know of somebody to name their account is the same on all systems with the same
// rule, where their document gives them no name of their own. It is put together once for all of
// them, in a list: to look into everybody's document on every system takes longer than the rest.

// call is what a rule calls somebody. Where the name is empty only the document can tell.
type call struct {
	name, person string
	status       access.HolderStatus
	// alone says of somebody who left that the rule calls nobody else so.
	alone bool
}

// calling are the names by one rule, by person, made when they are asked for.
type calling struct {
	once sync.Once
	list []call
}

// callings are those of all rules, by pattern.
func callings(systems []*Desired) map[string]*calling {
	out := map[string]*calling{}
	for _, d := range systems {
		if out[d.rule.pattern] == nil {
			out[d.rule.pattern] = &calling{}
		}
	}
	return out
}

// calls are what a rule calls people; nil where the world is about a few only.
func (r *resolver) calls(rule naming) []call {
	if r.about != nil {
		return nil
	}
	c := r.callings[rule.pattern]
	c.once.Do(func() {
		c.list = make([]call, len(r.people.list))
		var texts strings.Builder // side by side they are read sooner
		for i, p := range r.people.list {
			if len(p.Accounts)+len(p.Previously) > 0 || i >= r.people.gone {
				continue
			}
			if name, err := rule.rule.Expand(p); err == nil {
				texts.WriteString(name)
				c.list[i] = call{name: name, person: p.ID.Value, status: r.people.judged[i].status}
			}
		}
		for _, i := range r.people.left {
			if call := &c.list[i]; call.name != "" {
				call.alone = len(r.people.ruled(rule, false).of(nil, call.name)) == 1
			}
		}
		for i, all := 0, texts.String(); i < len(c.list); i++ {
			n := len(c.list[i].name)
			c.list[i].name, all = all[:n], all[n:]
		}
	})
	return c.list
}

// plainly links somebody to the account that the rule alone names, if nothing else has a say in it.
func (d *Desired) plainly(person int32, calls []call) (access.Holder, bool) {
	if calls == nil {
		return access.Holder{}, false
	}
	c := &calls[person]
	if _, found := d.found[c.person]; found || c.name == "" || c.status == access.HolderLeft && len(d.earlier) > 0 {
		return access.Holder{}, false
	}
	o, err := d.canonical(access.Object{ID: access.Account(c.name)})
	if err != nil {
		return access.Holder{}, false
	}
	return access.Holder{Account: o.ID, Person: c.person, Status: c.status}, true
}

// taken tells which names of accounts are somebody's. As long as they come sorted, as they mostly do,
// it needs no map: they stand in the list of holders.
type taken struct {
	d     *Desired
	calls []call
	plain bool // accounts are called as the rule says and in no other way
	last  string
	index map[string]int32 // people by name; nil: they came sorted
	odd   bool             // some are of another kind
}

// newTaken begins with nobody.
func (d *Desired) newTaken(calls []call) *taken {
	verbatim, _ := d.spelling()
	own := func() bool {
		d.loc.ownNames(d.rule.system, "", false) // sorts them by system
		return len(d.loc.names.own[d.rule.system]) > 0
	}
	return &taken{d: d, calls: calls, plain: calls != nil && verbatim && len(d.found) == 0 && !own()}
}

// sorted reports whether the accounts came sorted.
func (t *taken) sorted() bool { return t.index == nil && !t.odd }

// by finds somebody else whose account it is: of two who both count, or, for somebody who left,
// anybody who is still here.
func (t *taken) by(person int32, h *access.Holder) (int32, bool) {
	if other, ok := t.find(h.Account.Name); ok {
		return other, true
	}
	if h.Status != access.HolderLeft {
		return 0, false
	}
	if t.plain && t.calls[person].alone && t.calls[person].name == h.Account.Name {
		return 0, false
	}
	if other, ok := t.d.link(h.Account); ok && other.Person != h.Person && other.Status != access.HolderLeft {
		i, _ := t.d.loc.find(other.Person)
		return i, true
	}
	return 0, false
}

func (t *taken) find(name string) (int32, bool) {
	if t.index == nil {
		list := t.d.holders
		if len(list) == 0 || name > t.last {
			return 0, false
		}
		if at, ok := slices.BinarySearchFunc(list, name, func(h holding, name string) int { return strings.Compare(h.Account.Name, name) }); ok {
			return list[at].person, true
		}
		t.index = make(map[string]int32, cap(list))
		for _, h := range list {
			t.index[h.Account.Name] = h.person
		}
	}
	person, ok := t.index[name]
	return person, ok
}

// add notes a name that was nobody's.
func (t *taken) add(person int32, account access.ID) {
	t.last, t.odd = account.Name, t.odd || !account.IsAccount()
	if t.index != nil {
		t.index[account.Name] = person
	}
}
