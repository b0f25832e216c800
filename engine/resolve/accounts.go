package resolve

import (
	"fmt"
	"slices"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// naming is how one revision names the accounts of one system.
type naming struct {
	system  string // the id of the system there
	pattern string // the rule as written
	rule    declare.Template
	repo    *declare.Repository // of an earlier revision
}

func newNaming(sys *declare.System) (naming, error) {
	pattern := sys.Accounts.Name.Value
	if pattern == "" {
		pattern = "{person}"
	}
	rule, err := declare.ParseTemplate(pattern)
	return naming{system: sys.ID.Value, pattern: pattern, rule: rule}, err
}

// earlierNamings are the rules by which previous declarations named the system's accounts.
func earlierNamings(previous []*declare.Repository, sys *declare.System) []naming {
	names := []string{sys.ID.Value}
	for _, was := range sys.Previously {
		names = append(names, was.Value)
	}
	var out []naming
	for _, repo := range previous {
		for _, name := range names {
			if before := repo.System(name); before != nil {
				if n, err := newNaming(before); err == nil {
					n.repo = repo
					out = append(out, n)
				}
				break
			}
		}
	}
	return out
}

// account is a person's account: the name that the person's document gives, or the rule's; one
// that was found under another name and keeps it.
func (d *Desired) account(p *declare.Person) (access.ID, declare.Pos, error) {
	if f, ok := d.found[p.ID.Value]; ok && !f.Rename {
		return f.Account, p.Pos(p.At), nil
	}
	return d.named(d.rule, p)
}

func (d *Desired) named(n naming, p *declare.Person) (access.ID, declare.Pos, error) {
	pos := p.Pos(p.At)
	name := ""
	for _, a := range p.Accounts {
		if a.Key.Value == n.system {
			name, pos = a.Value.Value, p.Pos(a.Value.At)
		}
	}
	if name == "" {
		var err error
		if name, err = n.rule.Expand(p); err != nil {
			return access.ID{}, pos, err
		}
	}
	o, err := d.canonical(access.Object{ID: access.Account(name)})
	return o.ID, pos, err
}

// holder links a person to an account. A name that can't be made matters only for who has
// something to get. Calls are what the system's rule calls people.
func (d *Desired) holder(r *resolver, person int32, needed bool, calls []call) (access.Holder, bool) {
	if h, ok := d.plainly(person, calls); ok {
		return h, true
	}
	p := r.people.person(person)
	h := access.Holder{Person: p.ID.Value, Status: r.people.is(person).status} // the rest is told when it is asked for
	id, pos, err := d.account(p)
	names := d.formerNames(p, h.Status)
	if _, found := d.found[h.Person]; err == nil && len(names) == 0 && !found {
		h.Account = id
		return h, true
	}
	if gone := int(person) >= r.people.gone; err == nil && (!gone || len(names) == 0) {
		names = append([]access.ID{id}, slices.DeleteFunc(names, func(n access.ID) bool { return n == id })...)
	}
	if f, ok := d.found[h.Person]; ok && !slices.Contains(names, f.Account) {
		names = append(names, f.Account)
	}
	if len(names) > 0 && (err == nil || h.Status == access.HolderLeft) {
		h.Account, h.Was = names[0], names[1:]
		return h, true
	}
	if needed && h.Status != access.HolderLeft {
		r.problem(pos, fmt.Sprintf("no account name for %s on %s: %v", h.Person, d.Decl.ID.Value, err),
			"or name the account under accounts: {"+d.Decl.ID.Value+": …}")
	}
	return h, false
}

// formerNames are the names that a person's account may still have. Those of ids that the
// document had before are to be renamed. Of somebody who left also the account that was last
// applied counts: with the person the line may have gone that names it, or the rule may have
// changed, and it must not be left behind.
func (d *Desired) formerNames(p *declare.Person, status access.HolderStatus) []access.ID {
	var out []access.ID
	add := func(n naming, p *declare.Person) {
		if id, _, err := d.named(n, p); err == nil && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	before := func(id string) (known bool) {
		for _, n := range d.earlier {
			if p := n.repo.Person(id); p != nil {
				known = true
				add(n, p)
			}
		}
		return known
	}
	if status == access.HolderLeft {
		before(p.ID.Value)
	}
	for _, was := range p.Previously {
		if !before(was.Value) {
			old := *p
			old.ID = was
			add(d.rule, &old)
		}
	}
	return out
}

func (d *Desired) twins(r *resolver, a, b int32, id access.ID) {
	pa, pb := r.people.person(a), r.people.person(b)
	_, pos, _ := d.account(pb)
	r.problem(pos, fmt.Sprintf("%s and %s (%s:%d) both have the account %s on %s", pb.ID.Value, pa.ID.Value, pa.File, pa.At.Line, id.Name, d.Decl.ID.Value),
		"give one of them a name of its own under accounts: {"+d.Decl.ID.Value+": …}")
}

// addFormer adds the accounts that the journal remembers as those of leavers, unless the
// declaration gives them to somebody.
func (d *Desired) addFormer(r *resolver) {
	if len(r.in.Former[d.Decl.ID.Value]) == 0 {
		return
	}
	taken := make(map[access.ID]bool, len(d.holders))
	for _, h := range d.holders {
		taken[h.Account] = true
	}
	for _, f := range r.in.Former[d.Decl.ID.Value] {
		if taken[f.Account] || r.in.About != nil && !r.in.About[f.Person] {
			continue
		}
		if i, ok := r.people.find(f.Person); ok && int(i) < r.people.gone && r.people.is(i).status != access.HolderLeft {
			continue // came back; the account has another name now
		}
		if h, ok := d.link(f.Account); ok && h.Status != access.HolderLeft {
			continue
		}
		taken[f.Account] = true
		d.holders = append(d.holders, holding{Account: f.Account, person: ^int32(len(d.former))})
		d.former = append(d.former, access.Holder{
			Account: f.Account, Person: f.Person, Status: access.HolderLeft, Since: f.Since,
			Why: access.Link{Text: "left; the document is gone, the journal remembers the account"},
		})
	}
}
