package resolve

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// Desired is the declared state of one system at the instant of its World. It is safe for
// concurrent use once resolved.
type Desired struct {
	Decl      *declare.System
	Connector Connector

	loc      *people
	name     declare.Template
	attrs    []attrTemplate
	ents     []entitlement
	entIndex map[entitlement]int32
	targets  map[access.ID]access.ID // as declared → as the connector spells it
	rows     []row                   // sorted by person, entitlement
	state    *access.State
	holders  []access.Holder
	byID     map[access.ID]int
	ids      map[int32]access.ID // accounts by person
	absent   map[access.ID]access.Link
	declared map[access.ID]*declare.Resource

	linkOnce sync.Once
	linked   map[access.ID]access.Holder
}

type attrTemplate struct {
	key  string
	text declare.Template
}

var _ access.Declared = (*Desired)(nil)

func newDesired(r *resolver, sys *declare.System) *Desired {
	d := &Desired{
		Decl: sys, Connector: r.in.Connectors[sys.ID.Value], loc: r.people,
		entIndex: map[entitlement]int32{}, targets: map[access.ID]access.ID{},
		byID: map[access.ID]int{}, ids: map[int32]access.ID{},
		absent: map[access.ID]access.Link{}, declared: map[access.ID]*declare.Resource{},
	}
	pattern := sys.Accounts.Name
	if pattern.Value == "" {
		pattern.Value = "{person}"
	}
	d.name = d.template(r, pattern)
	for _, a := range sys.Accounts.Attributes {
		d.attrs = append(d.attrs, attrTemplate{a.Key.Value, d.template(r, a.Value)})
	}
	for i := range sys.Resources {
		res := &sys.Resources[i]
		id := d.target(res.ID)
		if res.State.Value == "absent" {
			d.absent[id] = access.Link{File: sys.File, Line: int(res.At.Line), Text: id.String() + " is declared absent"}
		} else {
			d.declared[id] = res
		}
	}
	return d
}

func (d *Desired) template(r *resolver, t declare.Text) declare.Template {
	parsed, err := declare.ParseTemplate(t.Value)
	if err != nil {
		r.problem(d.Decl.Pos(t.At), err.Error(), "")
	}
	return parsed
}

// canonical brings an object into the connector's spelling.
func (d *Desired) canonical(o access.Object) (access.Object, error) {
	if d.Connector.Normalize == nil {
		return o, nil
	}
	return d.Connector.Normalize(o)
}

// target gives the connector's spelling of a target. One that the system can't hold stays as
// it was written; finish reports it.
func (d *Desired) target(id access.ID) access.ID {
	if t, ok := d.targets[id]; ok {
		return t
	}
	t := id
	if o, err := d.canonical(access.Object{ID: id}); err == nil {
		t = o.ID
	}
	d.targets[id] = t
	return t
}

// entitlement gives the index of an entitlement.
func (d *Desired) entitlement(e *declare.Entitlement) int32 {
	key := entitlement{d.target(e.Target), e.Permission}
	i, ok := d.entIndex[key]
	if !ok {
		i = int32(len(d.ents))
		d.ents = append(d.ents, key)
		d.entIndex[key] = i
	}
	return i
}

// finish turns the rows into the state and the holders.
func (d *Desired) finish(r *resolver) {
	slices.SortStableFunc(d.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.person, b.person), cmp.Compare(a.ent, b.ent))
	})
	d.checkTargets(r)
	b := access.NewBuilder(d.Decl.ID.Value)
	d.addResources(r, b)
	d.addPeople(r, b)
	d.addFormer(r)
	slices.SortFunc(d.holders, func(a, b access.Holder) int { return a.Account.Compare(b.Account) })
	for i, h := range d.holders {
		d.byID[h.Account] = i
	}
	state, err := b.Build()
	if err != nil {
		r.problem(d.Decl.Pos(d.Decl.At), err.Error(), "two declared names are one to this system; rename one of them")
		state, _ = access.NewBuilder(d.Decl.ID.Value).Build()
	}
	d.state = state
}

// addPeople names the accounts of everyone who has a row and of every leaver, and adds what
// they hold at the instant.
func (d *Desired) addPeople(r *resolver, b *access.Builder) {
	first := map[int32]int{} // person → first row
	for i, row := range d.rows {
		if _, ok := first[row.person]; !ok {
			first[row.person] = i
		}
	}
	who := maps.Clone(first)
	for i, status := range r.people.status {
		if status == access.HolderLeft {
			if _, ok := who[int32(i)]; !ok {
				who[int32(i)] = -1
			}
		}
	}
	taken := map[access.ID]int32{}
	for _, person := range slices.Sorted(maps.Keys(who)) {
		h, ok := d.holder(r, person, who[person] >= 0)
		if !ok {
			continue
		}
		if other, ok := taken[h.Account]; ok {
			if int(person) < r.people.gone {
				d.twins(r, other, person, h.Account)
			}
			continue // a current person keeps the account of one who is gone
		}
		taken[h.Account] = person
		d.ids[person] = h.Account
		if at, ok := first[person]; ok {
			h.Wanted = d.addRows(r, b, at, &h)
		}
		d.holders = append(d.holders, h)
	}
}

// holder links a person to an account. A name that can't be made matters only for who has
// something to get.
func (d *Desired) holder(r *resolver, person int32, needed bool) (access.Holder, bool) {
	p := r.people.list[person]
	h := access.Holder{Person: p.ID.Value, Service: p.Service, Status: r.people.status[person], Why: r.people.why[person], Since: r.people.since[person]}
	id, pos, err := d.account(p)
	if err != nil {
		if needed && h.Status != access.HolderLeft {
			r.problem(pos, fmt.Sprintf("no account name for %s on %s: %v", h.Person, d.Decl.ID.Value, err),
				"or name the account under accounts: {"+d.Decl.ID.Value+": …}")
		}
		return h, false
	}
	h.Account = id
	for _, was := range p.Previously {
		old := *p
		if before := previousPerson(r.in.Previous, was.Value); before != nil {
			old = *before
		}
		old.ID = was
		if id, _, err := d.account(&old); err == nil && id != h.Account {
			h.Was = id
		}
	}
	return h, true
}

func previousPerson(repo *declare.Repository, id string) *declare.Person {
	if repo == nil {
		return nil
	}
	return repo.Person(id)
}

// account is a person's account: the name the person's document gives, or the rule's.
func (d *Desired) account(p *declare.Person) (access.ID, declare.Pos, error) {
	pos := p.Pos(p.At)
	name := ""
	for _, a := range p.Accounts {
		if a.Key.Value == d.Decl.ID.Value {
			name, pos = a.Value.Value, p.Pos(a.Value.At)
		}
	}
	if name == "" {
		var err error
		if name, err = d.name.Expand(p); err != nil {
			return access.ID{}, pos, err
		}
	}
	o, err := d.canonical(access.Object{ID: access.Account(name)})
	return o.ID, pos, err
}

// addRows adds what one person's rows, beginning at the index, give at the instant, and the
// account to hold it. Of levels the highest counts.
func (d *Desired) addRows(r *resolver, b *access.Builder, at int, h *access.Holder) bool {
	person := d.rows[at].person
	canDisable := d.Connector.Describe.Can(access.KindAccount, access.Disable)
	if h.Status == access.HolderLeave && !canDisable {
		return false
	}
	best := map[access.ID]string{}
	wanted := false
	for _, row := range d.rows[at:] {
		if row.person != person {
			break
		}
		if !row.span.holds(r.at) {
			continue
		}
		wanted = true
		e := d.ents[row.ent]
		kind, _ := d.Connector.Describe.Kind(e.target.Kind)
		if !kind.Ordered {
			b.Grant(access.Grant{Subject: h.Account, Target: e.target, Permission: e.permission})
		} else if was, ok := best[e.target]; !ok || kind.Lowers(e.permission, was) {
			best[e.target] = e.permission
		}
	}
	for target, permission := range best {
		b.Grant(access.Grant{Subject: h.Account, Target: target, Permission: permission})
	}
	if wanted {
		d.addAccount(r, b, person, h)
	}
	return wanted
}

func (d *Desired) addAccount(r *resolver, b *access.Builder, person int32, h *access.Holder) {
	p := r.people.list[person]
	o := access.Object{ID: h.Account, Disabled: h.Status == access.HolderLeave, Attributes: map[string]string{}}
	for _, a := range d.attrs {
		v, err := a.text.Expand(p)
		if err != nil {
			r.problem(p.Pos(p.At), fmt.Sprintf("%s of %s's account on %s: %v", a.key, h.Person, d.Decl.ID.Value, err), "")
			continue
		}
		if v != "" {
			o.Attributes[a.key] = v
		}
	}
	n, err := d.canonical(o)
	if err != nil {
		r.problem(p.Pos(p.At), fmt.Sprintf("account of %s on %s: %v", h.Person, d.Decl.ID.Value, err), "")
		return
	}
	b.Object(n)
}

func (d *Desired) twins(r *resolver, a, b int32, id access.ID) {
	pa, pb := r.people.list[a], r.people.list[b]
	_, pos, _ := d.account(pb)
	r.problem(pos, fmt.Sprintf("%s and %s (%s:%d) both have the account %s on %s", pb.ID.Value, pa.ID.Value, pa.File, pa.At.Line, id.Name, d.Decl.ID.Value),
		"give one of them a name of its own under accounts: {"+d.Decl.ID.Value+": …}")
}

// addFormer adds the accounts that the journal remembers as those of leavers, unless the
// declaration gives them to somebody.
func (d *Desired) addFormer(r *resolver) {
	taken := map[access.ID]bool{}
	for _, h := range d.holders {
		taken[h.Account] = true
	}
	for _, f := range r.in.Former[d.Decl.ID.Value] {
		if taken[f.Account] {
			continue
		}
		if i, ok := r.people.index[f.Person]; ok && int(i) < r.people.gone && r.people.status[i] != access.HolderLeft {
			continue // came back; the account has another name now
		}
		if h, ok := d.link(f.Account); ok && h.Status != access.HolderLeft {
			continue
		}
		taken[f.Account] = true
		d.holders = append(d.holders, access.Holder{
			Account: f.Account, Person: f.Person, Status: access.HolderLeft, Since: f.Since,
			Why: access.Link{Text: "left; the document is gone, the journal remembers the account"},
		})
	}
}

// State implements access.Declared, as do the methods below.
func (d *Desired) State() *access.State { return d.state }

// Holders implements access.Declared.
func (d *Desired) Holders() []access.Holder { return d.holders }

// Absent implements access.Declared.
func (d *Desired) Absent() map[access.ID]access.Link { return d.absent }

// Holder implements access.Declared. Accounts of people who have nothing on the system are
// found as well; all names are made once, when the first of these is asked for.
func (d *Desired) Holder(account access.ID) (access.Holder, bool) {
	if i, ok := d.byID[account]; ok {
		return d.holders[i], true
	}
	return d.link(account)
}

func (d *Desired) link(account access.ID) (access.Holder, bool) {
	d.linkOnce.Do(func() {
		d.linked = map[access.ID]access.Holder{}
		for i, p := range d.loc.list[:d.loc.gone] {
			if id, _, err := d.account(p); err == nil {
				d.linked[id] = access.Holder{Account: id, Person: p.ID.Value, Service: p.Service,
					Status: d.loc.status[i], Why: d.loc.why[i], Since: d.loc.since[i]}
			}
		}
	})
	h, ok := d.linked[account]
	return h, ok
}
