package adopt

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// attribute is one that the system's document keeps as declared.
type attribute struct {
	key  string
	text declare.Template
}

// reading says which key of a person an attribute of the account holds: what a template made of
// a single key makes, read backwards. The attribute "" is the account's name.
type reading struct{ attribute, key string }

// values counts the accounts that have each value of an attribute, whatever the case.
type values struct {
	attribute string
	count     map[string]int
}

// usual are attributes that hold names and addresses wherever they exist.
func usual() []reading {
	return []reading{{"name", "name"}, {"displayName", "name"}, {"email", "email"}, {"mail", "email"}}
}

// rules reads the system's rules for accounts. They have passed Check.
func (a *adopter) rules() {
	pattern := orElse(a.System.Accounts.Name.Value, "{person}")
	a.name, _ = declare.ParseTemplate(pattern)
	read := func(attr, pattern string) {
		if t, err := declare.ParseTemplate(pattern); err == nil {
			if keys := t.Keys(); len(keys) == 1 && pattern == "{"+keys[0]+"}" {
				a.reads = append(a.reads, reading{attr, keys[0]})
			}
		}
	}
	read("", pattern)
	for _, p := range a.System.Accounts.Attributes {
		t, _ := declare.ParseTemplate(p.Value.Value)
		a.attrs = append(a.attrs, attribute{p.Key.Value, t})
		read(p.Key.Value, p.Value.Value)
	}
	for _, m := range a.System.Accounts.Match {
		if m.By == declare.MatchAttribute {
			read(m.Attribute.Value, m.Value.Value)
			a.shared = append(a.shared, values{m.Attribute.Value, map[string]int{}})
		}
	}
	kind, _ := a.Describe.Kind(access.KindAccount)
	for _, r := range usual() {
		if slices.ContainsFunc(kind.Attributes, func(at access.Attribute) bool { return at.Name == r.attribute }) {
			a.reads = append(a.reads, r)
		}
	}
	for o := range a.Live.Objects() {
		for _, s := range a.shared {
			if v := o.Attributes[s.attribute]; v != "" && o.ID.IsAccount() {
				s.count[strings.ToLower(v)]++
			}
		}
	}
}

// accounts goes through what is there. Accounts whose names are ids come first to theirs.
func (a *adopter) accounts() {
	var later []access.Object
	for o := range a.Live.Objects() {
		switch {
		case o.Reserved || !o.ID.IsAccount():
		case o.ID == a.Live.Self():
			a.gap(GapSelf, o.ID, access.ID{}, "", "it is the account that Accord itself uses")
		case a.Disputed != nil && a.Disputed(o.ID):
			a.gap(GapDisputed, o.ID, access.ID{}, "", "it can't be told whose it is")
		case slug(o.ID.Name) != o.ID.Name:
			later = append(later, o)
		default:
			a.account(o)
		}
	}
	for _, o := range later {
		a.account(o)
	}
	a.unlisted()
}

// notes counts what is no gap and yet worth a word.
func (a *adopter) notes() {
	reserved, pending, implied, leave := 0, 0, 0, 0
	for o := range a.Live.Objects() {
		if o.Reserved {
			reserved++
		}
	}
	for _, g := range a.Live.Grants() {
		switch g.Standing {
		case access.Pending:
			pending++
		case access.Implied:
			implied++
		}
	}
	for _, p := range a.res.People {
		if p.Leave {
			leave++
		}
	}
	note := func(n int, one, many string) {
		switch {
		case n == 1:
			a.res.Notes = append(a.res.Notes, "1 "+one)
		case n > 1:
			a.res.Notes = append(a.res.Notes, fmt.Sprintf("%d %s", n, many))
		}
	}
	note(leave, "disabled account holds something: its person is declared on leave, which counts on every system",
		"disabled accounts hold something: their people are declared on leave, which counts on every system")
	note(pending, "invitation wasn't accepted yet; it is declared like what is held", "invitations weren't accepted yet; they are declared like what is held")
	note(implied, "grant follows from others and needs no line", "grants follow from others and need no lines")
	note(reserved, "object belongs to the system itself and isn't declared", "objects belong to the system itself and aren't declared")
}

// unlisted finds holders that the system doesn't list: declared, they would be created.
func (a *adopter) unlisted() {
	done := map[access.ID]bool{}
	for _, g := range a.Live.Grants() {
		if _, listed := a.Live.Object(g.Subject); !listed && !done[g.Subject] && g.Standing != access.Implied {
			done[g.Subject] = true
			a.gap(GapUnlisted, g.Subject, access.ID{}, "", "it holds something, and the system doesn't list it")
		}
	}
}

func (a *adopter) account(o access.Object) {
	wishes, gaps := a.edges(o.ID)
	owner, known := a.Owner(o.ID)
	if !known {
		a.stranger(o, wishes, gaps)
		return
	}
	a.res.Gaps = append(a.res.Gaps, gaps...)
	wishes = a.missing(owner, o.ID, wishes)
	if len(wishes) == 0 {
		return
	}
	if kind, why := a.against(owner, o); why != "" {
		for _, e := range wishes {
			a.gap(kind, o.ID, e.Target, e.Permission, why)
		}
		return
	}
	a.held[owner.Person] = append(a.held[owner.Person], wishes...)
}

// missing leaves out what is declared already.
func (a *adopter) missing(owner Owner, live access.ID, wishes []Entitlement) []Entitlement {
	var out []Entitlement
	for _, e := range wishes {
		kind, _ := a.Describe.Kind(e.Target.Kind)
		declared, higher := false, ""
		for _, g := range a.Declared.GrantsOf(owner.Account) {
			if g.Target != e.Target {
				continue
			}
			declared = declared || g.Permission == e.Permission
			if kind.Ordered && kind.Level(g.Permission) > kind.Level(e.Permission) {
				higher = g.Permission
			}
		}
		switch {
		case higher != "":
			a.gap(GapDeclared, live, e.Target, e.Permission, "it is declared as "+higher)
		case !declared:
			out = append(out, e)
		}
	}
	return out
}

// against tells what stands against declaring more for somebody who is declared.
func (a *adopter) against(owner Owner, o access.Object) (GapKind, string) {
	where := ""
	if owner.Why.File != "" {
		where = fmt.Sprintf(" (%s:%d)", owner.Why.File, owner.Why.Line)
	}
	canDisable := a.Describe.Can(access.KindAccount, access.Disable)
	_, wanted := a.Declared.Object(owner.Account)
	switch {
	case owner.Status == access.HolderLeft:
		return GapPerson, owner.Person + " has left" + where
	case owner.Status == access.HolderUpcoming:
		return GapPerson, owner.Person + " hasn't started yet" + where
	case owner.Status == access.HolderLeave && (!canDisable || !o.Disabled):
		return GapPerson, owner.Person + " is on leave" + where
	case owner.Status == access.HolderActive && o.Disabled && !wanted:
		return GapDisabled, "the account is disabled, and " + owner.Person + " is declared active" + where
	}
	if p := a.Repo.Person(owner.Person); p != nil && !wanted {
		if why := a.misfit(p, o); why != "" {
			return GapAttributes, why
		}
	}
	return "", ""
}

// misfit tells in what the account isn't as the system's rules would make it for the person.
func (a *adopter) misfit(p *declare.Person, o access.Object) string {
	want := access.Object{ID: o.ID, Attributes: map[string]string{}, Disabled: o.Disabled}
	for _, at := range a.attrs {
		v, err := at.text.Expand(p)
		if err != nil {
			return fmt.Sprintf("the system's document asks for its %s, and the account doesn't tell what that is made from", at.key)
		}
		want.Attributes[at.key] = v
	}
	n, err := a.normalize(want)
	if err != nil || n.ID != o.ID {
		return "the connector takes the name for another one"
	}
	for _, k := range slices.Sorted(maps.Keys(n.Attributes)) {
		if v := n.Attributes[k]; v != o.Attributes[k] {
			return fmt.Sprintf("its %s is %q, and the system's document would make it %q", k, o.Attributes[k], v)
		}
	}
	return ""
}

// stranger makes a person of an account that nobody has.
func (a *adopter) stranger(o access.Object, wishes []Entitlement, gaps []Gap) {
	whole := func(kind GapKind, why string) { a.gap(kind, o.ID, access.ID{}, "", why) }
	switch {
	case !writable(o.ID.Name):
		whole(GapName, "the language can't hold its name")
		return
	case o.Disabled && len(wishes) == 0:
		whole(GapDisabled, "it is disabled and holds nothing that can be declared")
		return
	case o.Disabled && !a.Describe.Can(access.KindAccount, access.Disable):
		whole(GapDisabled, "it is disabled, which can't be declared on this system")
		return
	case len(wishes) == 0 && a.System.Accounts.Idle.Value == "disable":
		whole(GapIdle, "it holds nothing that can be declared, and idle: disable would disable it")
		return
	}
	for _, s := range a.shared {
		if v := o.Attributes[s.attribute]; v != "" && s.count[strings.ToLower(v)] > 1 {
			whole(GapDisputed, fmt.Sprintf("another account has the same %s, by which accounts are matched", s.attribute))
			return
		}
	}
	p, doc, note := a.person(o)
	if why := a.unknown(p, doc); why != "" {
		whole(GapAttributes, why)
		return
	}
	if why := a.misfit(doc, o); why != "" && len(wishes) > 0 {
		whole(GapAttributes, why)
		return
	}
	if note != "" {
		a.res.Notes = append(a.res.Notes, note)
	}
	a.taken.people.take(p.ID)
	a.res.Gaps = append(a.res.Gaps, gaps...)
	a.res.People = append(a.res.People, p)
	a.held[p.ID] = wishes
}

// person makes a person's document of an account: what is written, and the same as it will be
// read.
func (a *adopter) person(o access.Object) (p Person, doc *declare.Person, note string) {
	p = Person{Service: slices.ContainsFunc(a.Services, func(g string) bool { return declare.Glob(g, o.ID.Name) }), Leave: o.Disabled}
	if p.Service {
		p.Owners = a.Owners
	}
	attrs := map[string]string{}
	for _, r := range a.reads {
		v := o.Attributes[r.attribute]
		if r.attribute == "" {
			v = o.ID.Name
		}
		name, isAttr := strings.CutPrefix(r.key, "attributes.")
		switch {
		case v == "" || !writable(v):
		case r.key == "name" && p.Name == "":
			p.Name = v
		case r.key == "email" && p.Email == "" && address.MatchString(v):
			p.Email = v
		case isAttr && attrs[name] == "":
			attrs[name] = v
		}
	}
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		p.Attributes = append(p.Attributes, Pair{k, attrs[k]})
	}
	p.ID, note = a.taken.person(o.ID.Name, a.system())
	doc = &declare.Person{ID: declare.Text{Value: p.ID}, Service: p.Service, Name: declare.Text{Value: p.Name}, Email: declare.Text{Value: p.Email}}
	for _, at := range p.Attributes {
		doc.Attributes = append(doc.Attributes, declare.Attr{Key: declare.Text{Value: at.Key}, Values: []declare.Text{{Value: at.Value}}})
	}
	byRule, err := a.name.Expand(doc)
	if err == nil {
		if n, err := a.normalize(access.Object{ID: access.Account(byRule)}); err == nil && n.ID == o.ID {
			return p, doc, note
		}
	}
	p.Account = o.ID.Name
	return p, doc, note
}

// address is what Check takes for one.
var address = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)

// unknown tells what accord.yaml asks of people and the account doesn't tell.
func (a *adopter) unknown(p Person, doc *declare.Person) string {
	for _, d := range a.Repo.Config.Attributes {
		values := doc.Get(d.Name.Value)
		switch {
		case len(values) == 0 && d.Required.Value && !p.Service:
			return fmt.Sprintf("accord.yaml requires the attribute %s, which the account doesn't tell", d.Name.Value)
		case len(values) > 0 && len(d.Values) > 0 && !slices.ContainsFunc(d.Values, func(t declare.Text) bool { return t.Value == values[0].Value }):
			return fmt.Sprintf("accord.yaml doesn't allow %s to be %q", d.Name.Value, values[0].Value)
		}
	}
	return ""
}
