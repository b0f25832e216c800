package resolve

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// Denial is why one grant doesn't give something to a person: the chain of lines, and what
// would have to change.
type Denial struct {
	Links  []access.Link
	Fixes  []string
	Owners []string
}

// Held is one access that a person has by the declaration, now or at another time.
type Held struct {
	System     string
	Account    access.ID
	Target     access.ID
	Permission string
}

// Person reports the status of a person or service at the instant, and whether there is one.
func (w *World) Person(id string) (p *declare.Person, status access.HolderStatus, why access.Link, ok bool) {
	i, ok := w.people.find(id)
	if !ok {
		return nil, "", access.Link{}, false
	}
	is := w.people.is(i)
	return w.people.person(i), is.status, is.why, true
}

// Holdings lists what a person holds by the declaration at the instant, sorted.
func (w *World) Holdings(person string) []Held {
	var out []Held
	for _, d := range w.Systems {
		id, ok := d.AccountOf(person)
		if !ok || d.idle {
			continue
		}
		for _, g := range d.state.GrantsOf(id) {
			out = append(out, Held{d.Decl.ID.Value, id, g.Target, g.Permission})
		}
	}
	return out
}

// AccountOf is the account that a person has or would have on the system.
func (d *Desired) AccountOf(person string) (access.ID, bool) {
	i, ok := d.loc.find(person)
	if !ok {
		return access.ID{}, false
	}
	if id, ok := d.ids.of(i); ok {
		return id, true
	}
	id, _, err := d.account(d.loc.person(i))
	return id, err == nil
}

// Denials explains, for every grant that gives the entitlement to somebody, why it doesn't give
// it to the person; those with the fewest obstacles first.
func (w *World) Denials(person, system string, target access.ID, permission string) []Denial {
	i, ok := w.people.find(person)
	d := w.System(system)
	if !ok || d == nil {
		return nil
	}
	x := &explainer{w: w, d: d, person: i, p: w.people.person(i)}
	x.sets = newSets(&resolver{in: Input{Repo: w.Repo, At: w.At}, loc: w.Repo.Config.Location(), people: w.people}, []int32{i})
	var out []Denial
	for _, g := range w.Repo.Grants() {
		if gives, how := x.gives(g, target, permission); gives {
			if denial, denied := x.grant(g, how); denied {
				out = append(out, denial)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Denial) int { return cmp.Compare(len(a.Fixes), len(b.Fixes)) })
	return out
}

type explainer struct {
	w      *World
	d      *Desired
	sets   *sets
	person int32
	p      *declare.Person
}

// gives reports whether the grant has the entitlement, and by which role.
func (x *explainer) gives(g *declare.Grant, target access.ID, permission string) (bool, string) {
	is := func(e *declare.Entitlement) bool {
		return e.System.Value == x.d.Decl.ID.Value && x.d.target(e.Target) == target && (permission == "" || e.Permission == permission)
	}
	for i := range g.Access {
		if is(&g.Access[i]) {
			return true, ""
		}
	}
	for _, name := range g.Roles {
		role := x.w.Repo.Role(name.Value)
		if role == nil {
			continue
		}
		for _, b := range expand(x.w.Repo, role, g.File, name.At) {
			if is(b.ent) {
				return true, name.Value
			}
		}
	}
	return false, ""
}

// obstacle is one thing that stands between a person and a set.
type obstacle struct {
	link access.Link
	fix  string
}

func (x *explainer) grant(g *declare.Grant, role string) (Denial, bool) {
	it := "it"
	if role != "" {
		it = "role " + role
	}
	var best []obstacle
	var via *declare.Term
	for i := range g.To {
		o := x.term(&g.To[i], g.File, nil)
		if via == nil || len(o) < len(best) {
			best, via = o, &g.To[i]
		}
	}
	if via == nil {
		return Denial{}, false
	}
	text := fmt.Sprintf("grant %s would give %s to %s", g.ID.Value, it, membersText(via))
	d := Denial{Links: []access.Link{{File: g.File, Line: int(via.At.Line), Text: text}}}
	best = append(best, x.window(window(g.From, g.Until, x.sets.r.loc), g.File, g.From, g.Until, "the grant")...)
	if is := x.w.people.is(x.person); is.status != access.HolderActive {
		why := is.why
		best = append(best, obstacle{access.Link{File: why.File, Line: why.Line, Text: fmt.Sprintf("%s: %s", x.p.ID.Value, why.Text)},
			fmt.Sprintf("change %s:%d", why.File, why.Line)})
	}
	for _, o := range best {
		d.Links = append(d.Links, o.link)
		if o.fix != "" {
			d.Fixes = append(d.Fixes, o.fix)
		}
	}
	d.Owners = x.owners(via, role)
	return d, len(best) > 0
}

// owners are who may change what stands in the way: the group's, else the role's.
func (x *explainer) owners(via *declare.Term, role string) []string {
	var from []declare.Text
	if via.Kind == declare.TermGroup {
		if g := x.w.Repo.Group(via.Name.Value); g != nil {
			from = g.Owners
		}
	}
	if r := x.w.Repo.Role(role); r != nil && len(from) == 0 {
		from = r.Owners
	}
	var out []string
	for _, o := range from {
		out = append(out, o.Value)
	}
	return out
}

func membersText(t *declare.Term) string {
	if t.Kind == declare.TermGroup {
		return "members of " + t.Name.Value
	}
	return termText(t)
}

// in reports whether the person is in the term now.
func (x *explainer) in(t *declare.Term) bool {
	at := x.w.At.UnixMilli()
	return slices.ContainsFunc(x.sets.term(t), func(m member) bool { return m.person == x.person && m.span.holds(at) })
}

// term lists what keeps the person out of a term; nothing if they are in it. The group is the
// document that the term stands in, nil for a grant.
func (x *explainer) term(t *declare.Term, file string, group *declare.Group) []obstacle {
	if x.in(t) {
		return nil
	}
	here := func(format string, a ...any) access.Link {
		return access.Link{File: file, Line: int(t.At.Line), Text: fmt.Sprintf(format, a...)}
	}
	var out []obstacle
	switch t.Kind {
	case declare.TermGroup:
		if g := x.w.Repo.Group(t.Name.Value); g != nil {
			out = x.members(g)
		}
	case declare.TermMatch:
		for _, key := range t.Match {
			if link, ok := x.mismatch(key, file); ok {
				out = append(out, obstacle{link, fmt.Sprintf("give %s the %s %s", x.p.ID.Value, key.Key.Value, valuesText(key))})
			}
		}
	case declare.TermReports:
		out = append(out, obstacle{here("%s isn't below %s", x.p.ID.Value, t.Name.Value), ""})
	case declare.TermNot:
		out = append(out, obstacle{here("%s is among %s, who are left out", x.p.ID.Value, termsText(t.Terms, "")), ""})
	case declare.TermAll:
		for i := range t.Terms {
			out = append(out, x.term(&t.Terms[i], file, group)...)
		}
	case declare.TermAny:
		out = x.nearest(t.Terms, file, group)
	default:
		if t.Name.Value != x.p.ID.Value {
			out = append(out, obstacle{here("it names %s", t.Name.Value), x.add(file, group)})
		}
	}
	return append(out, x.window(window(t.From, t.Until, x.sets.r.loc), file, t.From, t.Until, "this entry")...)
}

func (x *explainer) add(file string, group *declare.Group) string {
	if group != nil {
		return fmt.Sprintf("add %s to the members of %s (%s)", x.p.ID.Value, group.ID.Value, file)
	}
	return fmt.Sprintf("add %s to the grant (%s)", x.p.ID.Value, file)
}

// nearest are the obstacles of the term that is nearest to the person.
func (x *explainer) nearest(terms []declare.Term, file string, group *declare.Group) []obstacle {
	var best []obstacle
	found := false
	rank := func(t *declare.Term) int {
		switch {
		case t.Kind != declare.TermPerson:
			return 1
		case t.Name.Value == x.p.ID.Value:
			return 0 // named, though not for now
		}
		return 2 // naming somebody else says less than a rule that nearly fits
	}
	bestRank := 0
	for i := range terms {
		o := x.term(&terms[i], file, group)
		if r := rank(&terms[i]); !found || r < bestRank || r == bestRank && len(o) < len(best) {
			best, bestRank, found = o, r, true
		}
	}
	return best
}

// members lists what keeps the person out of a group.
func (x *explainer) members(g *declare.Group) []obstacle {
	var out []obstacle
	if !x.inAny(g.Members) {
		near := x.nearest(g.Members, g.File, g)
		if len(near) == 0 {
			near = []obstacle{{link: access.Link{File: g.File, Line: int(g.At.Line), Text: g.ID.Value + " has no entry that fits " + x.p.ID.Value}}}
		}
		if last := &near[len(near)-1]; last.fix == "" || !x.names(g.Members) {
			for i := range near {
				near[i].fix = ""
			}
			last.fix = x.add(g.File, g)
		}
		out = append(out, near...)
	}
	for i := range g.Except {
		t := &g.Except[i]
		if !x.in(t) {
			continue
		}
		o := obstacle{link: access.Link{File: g.File, Line: int(t.At.Line), Text: fmt.Sprintf("and %s is excepted: %s", x.p.ID.Value, termText(t))}}
		if t.Kind == declare.TermPerson {
			o.link.Text = fmt.Sprintf("and %s is named under except", x.p.ID.Value)
			o.fix = fmt.Sprintf("take %s off %s:%d", x.p.ID.Value, g.File, t.At.Line)
		}
		out = append(out, o)
	}
	if len(g.Only) > 0 && !x.inAny(g.Only) {
		t := &g.Only[0]
		out = append(out, obstacle{link: access.Link{File: g.File, Line: int(t.At.Line), Text: fmt.Sprintf("%s keeps only %s", g.ID.Value, termsText(g.Only, "; "))}})
	}
	return out
}

// names reports whether one of the terms names the person, though not for now.
func (x *explainer) names(terms []declare.Term) bool {
	return slices.ContainsFunc(terms, func(t declare.Term) bool { return t.Kind == declare.TermPerson && t.Name.Value == x.p.ID.Value })
}

func (x *explainer) inAny(terms []declare.Term) bool {
	for i := range terms {
		if x.in(&terms[i]) {
			return true
		}
	}
	return false
}

// mismatch says how the person's attribute differs from what a key asks for.
func (x *explainer) mismatch(key declare.Attr, file string) (access.Link, bool) {
	has := x.p.Get(key.Key.Value)
	for _, v := range has {
		if matches(key, v.Value) {
			return access.Link{}, false
		}
	}
	l := access.Link{File: file, Line: int(key.Key.At.Line)}
	if len(has) == 0 {
		l.Text = fmt.Sprintf("%s has no %s; it takes %s", x.p.ID.Value, key.Key.Value, valuesText(key))
		return l, true
	}
	var values []string
	for _, v := range has {
		values = append(values, fmt.Sprintf("%q", v.Value))
	}
	l.Text = fmt.Sprintf("%s's %s is %s, not %s", x.p.ID.Value, key.Key.Value, strings.Join(values, " and "), valuesText(key))
	return l, true
}

func valuesText(key declare.Attr) string {
	var out []string
	for _, v := range key.Values {
		out = append(out, fmt.Sprintf("%q", v.Value))
	}
	return strings.Join(out, " or ")
}

// window says when something isn't open now.
func (x *explainer) window(s span, file string, from, until declare.Date, what string) []obstacle {
	at := x.w.At.UnixMilli()
	switch {
	case s.holds(at) || s.empty():
		return nil
	case at < s.from:
		return []obstacle{{access.Link{File: file, Line: int(from.At.Line), Text: what + " begins " + from.Text}, ""}}
	}
	return []obstacle{{access.Link{File: file, Line: int(until.At.Line), Text: what + " ended " + until.Text},
		fmt.Sprintf("set a later until in %s:%d", file, until.At.Line)}}
}
