package resolve

import (
	"fmt"
	"iter"
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
	rule     naming
	found    map[string]Found // by person
	without  map[Access]bool
	earlier  []naming // as previous declarations named accounts, newest first
	attrs    []attrTemplate
	ents     []entitlement
	entIndex map[entitlement]int32
	targets  map[access.ID]access.ID // as declared → as the connector spells it
	gifts    []gift                  // until they are made rows
	rows     []row                   // sorted by person, entitlement
	ways     []way
	state    *access.State
	holders  []holding             // sorted by account
	was      map[int32][]access.ID // the other names that a holder's account may still have, by person
	former   []access.Holder
	ids      accounts
	absent   map[access.ID]access.Link
	declared map[access.ID]*declare.Resource
	// idle says that the world has to do with nobody here, so that resources and state are made when
	// they are asked for; mentioned that targets has all that roles and grants name.
	idle, mentioned bool
	idleOnce        sync.Once

	headMu sync.Mutex
	heads  map[headOf][]access.Link

	// What owners.go finds out when it is asked.
	calledOnce, foundOnce, ruledOnce sync.Once
	everyName, foundIndex            map[access.ID][]int32
	ruled                            *ruledNames
}

type attrTemplate struct {
	key  string
	text declare.Template
}

var _ access.Declared = (*Desired)(nil)

func newDesired(r *resolver, sys *declare.System) *Desired {
	d := &Desired{
		Decl: sys, Connector: r.in.Connectors[sys.ID.Value], loc: r.people,
		found: r.in.Found[sys.ID.Value], without: r.in.Without[sys.ID.Value], entIndex: map[entitlement]int32{}, targets: map[access.ID]access.ID{},
		absent: map[access.ID]access.Link{}, declared: map[access.ID]*declare.Resource{},
	}
	var err error
	if d.rule, err = newNaming(sys); err != nil {
		r.problem(d.Decl.Pos(sys.Accounts.Name.At), err.Error(), "")
	}
	d.earlier = earlierNamings(r.in.Previous, sys)
	for _, a := range sys.Accounts.Attributes {
		d.attrs = append(d.attrs, attrTemplate{a.Key.Value, d.template(r, a.Value)})
	}
	return d
}

// declare takes in the resources that the system's document declares. A nil resolver doesn't want to
// know what is wrong with them.
func (d *Desired) declare(r *resolver) {
	for i := range d.Decl.Resources {
		res := &d.Decl.Resources[i]
		id := d.target(res.ID)
		if first := d.declaredAt(id); first.Line > 0 {
			if r != nil {
				r.problem(d.Decl.Pos(res.At), fmt.Sprintf("%s is declared twice (line %d): to %s both names are one", res.ID, first.Line, d.Decl.ID.Value), "keep one of them")
			}
			continue
		}
		if res.State.Value == "absent" {
			d.absent[id] = access.Link{File: d.Decl.File, Line: int(res.At.Line), Text: id.String() + " is declared absent"}
		} else {
			d.declared[id] = res
		}
	}
}

// ensure makes of a system that has nothing to do with those whom the world is about what it is by
// itself: the resources that it declares. Nothing is wrong with these, as they are the same in a
// revision that is known to be sound.
func (d *Desired) ensure() {
	if d.idle {
		d.idleOnce.Do(func() {
			d.declare(nil)
			b := access.NewBuilder(d.Decl.ID.Value)
			d.addResources(nil, b)
			d.state, _ = b.Build()
		})
	}
}

// declaredAt is where a resource was declared; zero if it wasn't (yet).
func (d *Desired) declaredAt(id access.ID) access.Link {
	if res := d.declared[id]; res != nil {
		return access.Link{File: d.Decl.File, Line: int(res.At.Line), Text: id.String() + " is declared"}
	}
	return d.absent[id]
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

// finish turns what is given into rows, and these into the state and the holders.
func (d *Desired) finish(r *resolver, rows *rowMaker) {
	d.mentioned = r.about == nil
	if r.about != nil && len(d.gifts) == 0 && len(d.claimants(r)) == 0 && len(r.mentions[d.Decl.ID.Value]) == 0 && len(r.in.Former[d.Decl.ID.Value]) == 0 {
		d.idle = true
		return
	}
	d.declare(r)
	d.makeRows(rows)
	d.checkTargets(r)
	b := access.NewBuilder(d.Decl.ID.Value)
	d.addResources(r, b)
	inOrder := d.addPeople(r, b)
	d.addFormer(r)
	if !inOrder || len(d.former) > 0 {
		slices.SortFunc(d.holders, func(a, b holding) int { return a.Account.Compare(b.Account) })
	}
	d.ids = accountsOf(d.holders)
	state, err := b.Build()
	if err != nil {
		r.problem(d.Decl.Pos(d.Decl.At), err.Error(), "two declared names are one to this system; rename one of them")
		state, _ = access.NewBuilder(d.Decl.ID.Value).Build()
	}
	d.state = state
}

// claimant is somebody of whom a system has to know: who has rows, and who left.
type claimant struct {
	person int32
	row    int // the first; -1: none
}

// claimants are sorted by person.
func (d *Desired) claimants(r *resolver) []claimant {
	stripped := r.people.stripped(d)
	n := len(stripped)
	for i := range d.rows {
		if i == 0 || d.rows[i].person != d.rows[i-1].person {
			n++
		}
	}
	out := make([]claimant, 0, n)
	without := func(person int32) {
		if r.isAbout(person) {
			out = append(out, claimant{person, -1})
		}
	}
	for i := range d.rows {
		person := d.rows[i].person
		if i > 0 && person == d.rows[i-1].person {
			continue
		}
		for ; len(stripped) > 0 && stripped[0] < person; stripped = stripped[1:] {
			without(stripped[0])
		}
		if len(stripped) > 0 && stripped[0] == person {
			stripped = stripped[1:]
		}
		out = append(out, claimant{person, i})
	}
	for _, person := range stripped {
		without(person)
	}
	return out
}

// stripped are those from whom something may have to be taken away although nothing is
// declared.
func (p *people) stripped(d *Desired) []int32 {
	if d.Connector.Describe.Can(access.KindAccount, access.Disable) {
		return p.left
	}
	return p.away
}

// addPeople names the accounts of everyone who has a row and of every leaver, and adds what
// they hold at the instant. It tells whether the holders are sorted.
func (d *Desired) addPeople(r *resolver, b *access.Builder) (inOrder bool) {
	who := d.claimants(r)
	calls := r.calls(d.rule)
	taken := d.newTaken(calls)
	d.holders = make([]holding, 0, len(who))
	giver := newGiver(d, b.Room(len(who)+len(d.ents), len(d.rows)))
	for _, c := range who {
		person := c.person
		h, ok := d.holder(r, person, c.row >= 0, calls)
		if !ok {
			continue
		}
		gone := int(person) >= r.people.gone
		other, twin := taken.by(person, &h)
		for twin && gone && len(h.Was) > 0 {
			h.Account, h.Was = h.Was[0], h.Was[1:]
			other, twin = taken.by(person, &h)
		}
		if twin {
			if !gone { // else a current person keeps the account
				d.twins(r, other, person, h.Account)
			}
			continue
		}
		taken.add(person, h.Account)
		if len(h.Was) > 0 {
			if d.was == nil {
				d.was = map[int32][]access.ID{}
			}
			d.was[person] = h.Was
		}
		if c.row >= 0 {
			h.Wanted = d.addRows(r, giver, c.row, &h)
		}
		d.holders = append(d.holders, holding{h.Account, person, h.Wanted})
	}
	return taken.sorted()
}

// addRows adds what one person's rows, beginning at the index, give at the instant, and the
// account to hold it.
func (d *Desired) addRows(r *resolver, g *giver, at int, h *access.Holder) bool {
	person := d.rows[at].person
	if h.Status == access.HolderLeave && !d.Connector.Describe.Can(access.KindAccount, access.Disable) {
		return false
	}
	wanted, last := false, int32(-1)
	for _, row := range d.rows[at:] {
		if row.person != person {
			break
		}
		if row.ent == last || !row.span.holds(r.at) {
			continue
		}
		last = row.ent
		if e := &d.ents[row.ent]; len(d.without) > 0 && d.without[Access{h.Person, e.target, e.permission}] {
			continue
		}
		wanted = true
		g.give(h.Account, row.ent)
	}
	if wanted {
		g.giveBest(h.Account)
		d.addAccount(r, g.to, person, h)
	}
	return wanted
}

// kind is the description of a kind, nothing if there is none.
func (d *Desired) kind(name string) *access.Kind {
	for i := range d.Connector.Describe.Kinds {
		if k := &d.Connector.Describe.Kinds[i]; k.Name == name {
			return k
		}
	}
	return &access.Kind{}
}

func (d *Desired) addAccount(r *resolver, b *access.Builder, person int32, h *access.Holder) {
	p := r.people.person(person)
	o := access.Object{ID: h.Account, Disabled: h.Status == access.HolderLeave}
	if len(d.attrs) > 0 {
		o.Attributes = make(map[string]string, len(d.attrs))
	}
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

// State implements access.Declared, as do the methods below.
func (d *Desired) State() *access.State {
	d.ensure()
	return d.state
}

// Resource returns the resource that is declared under the connector's spelling of its name, or
// nil.
func (d *Desired) Resource(id access.ID) *declare.Resource {
	d.ensure()
	return d.declared[id]
}

// resources are all that are declared, by the connector's spelling of their names.
func (d *Desired) resources() map[access.ID]*declare.Resource {
	d.ensure()
	return d.declared
}

// Holders implements access.Declared.
func (d *Desired) Holders() iter.Seq[access.Holder] {
	return func(yield func(access.Holder) bool) {
		for i := range d.holders {
			if !yield(d.holderAt(i)) {
				return
			}
		}
	}
}

// Absent implements access.Declared.
func (d *Desired) Absent() map[access.ID]access.Link {
	d.ensure()
	return d.absent
}
