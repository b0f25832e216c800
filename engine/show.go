package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/report"
	"github.com/accordhq/accord/engine/resolve"
)

// ShowKinds are what Show can tell about.
var ShowKinds = []string{"person", "group", "role", "system"}

// ShowOptions ask for everything about one document.
type ShowOptions struct {
	PlanOptions
	// Kind is one of ShowKinds, Name the id of the document; services are people.
	Kind, Name string
}

// Show tells everything about one person, group, role or system. Nothing is written.
func (e *Engine) Show(ctx context.Context, o ShowOptions) (*report.Show, error) {
	switch o.Kind {
	case "group", "role":
		o.NoLive = true // what is live has neither
	case "system":
		o.Systems = []string{o.Name}
	}
	s, err := e.prepare(ctx, o.PlanOptions, false)
	if err != nil {
		return nil, err
	}
	defer s.close()
	x := &shower{session: s, ctx: ctx, world: s.world(), out: &report.Show{Kind: o.Kind, Name: o.Name, At: s.at.In(s.head.Repo.Config.Location()), Revision: s.head.Revision}}
	for _, sys := range s.systems {
		x.unread(sys)
	}
	r := s.head.Repo
	switch o.Kind {
	case "person":
		p := r.Person(o.Name)
		if p == nil {
			return nil, s.noPerson(o.Name)
		}
		return x.out, x.person(p)
	case "group":
		g := r.Group(o.Name)
		if g == nil {
			return nil, none("group", o.Name, r.Groups(), func(g *declare.Group) string { return g.ID.Value })
		}
		x.group(g)
	case "role":
		role := r.Role(o.Name)
		if role == nil {
			return nil, none("role", o.Name, r.Roles(), func(r *declare.Role) string { return r.ID.Value })
		}
		x.role(role)
	case "system":
		return x.out, x.system(r.System(o.Name))
	default:
		return nil, fmt.Errorf("there is nothing to show about a %q; it is %s", o.Kind, strings.Join(ShowKinds, ", "))
	}
	return x.out, nil
}

// shower collects everything about one document.
type shower struct {
	*session
	ctx   context.Context
	world *resolve.World
	out   *report.Show
}

// unread notes what of a system couldn't be seen.
func (x *shower) unread(sys *system) {
	put := func(why string) {
		x.out.Unknown = append(x.out.Unknown, report.ShowUnknown{System: sys.decl.ID.Value, Why: why})
	}
	switch {
	case x.opts.NoLive:
	case sys.err != nil:
		put(strings.ReplaceAll(sys.err.Error(), "\n", "; "))
	case sys.live == nil:
		put("wasn't read: " + sys.notRead)
	default:
		for _, u := range sys.live.Unknowns() {
			put(strings.TrimSpace(u.ID.String() + " couldn't be seen: " + u.Why))
		}
	}
}

// doc begins with the document itself.
func (x *shower) doc(d declare.Doc) {
	x.out.Link = access.Link{File: d.File, Line: int(d.At.Line), Text: x.out.Kind + " " + x.out.Name}
	x.fact("previously", strings.Join(values(d.Previously), ", "))
}

// fact adds what is known; nothing where the value is empty.
func (x *shower) fact(key, value string) { x.factAt(key, value, access.Link{}) }

func (x *shower) factAt(key, value string, l access.Link) {
	if value != "" {
		x.out.Facts = append(x.out.Facts, report.Fact{Key: key, Value: value, Link: l})
	}
}

// textFact adds a scalar of a document, with its line.
func (x *shower) textFact(d declare.Doc, key string, t declare.Text) {
	x.factAt(key, t.Value, access.Link{File: d.File, Line: int(t.At.Line), Text: key})
}

func (x *shower) labels(in []declare.Pair) {
	var out []string
	for _, p := range in {
		out = append(out, p.Key.Value+": "+p.Value.Value)
	}
	x.fact("labels", strings.Join(out, ", "))
}

func (x *shower) list(key, title, none string, items []report.ShowItem) {
	x.out.Lists = append(x.out.Lists, report.ShowList{Key: key, Title: title, None: none, Items: items})
}

// members are memberships as items, by the person or by what they are in.
func members(in []resolve.Membership, name func(resolve.Membership) string, note func(resolve.Membership) string) []report.ShowItem {
	var out []report.ShowItem
	for _, m := range in {
		out = append(out, report.ShowItem{Name: name(m), Note: note(m), From: m.From, Until: m.Until, Chain: m.Chain})
	}
	return out
}

// status says how somebody stands, where that isn't what goes without saying.
func (x *shower) status(m resolve.Membership) string {
	p, status, why, ok := x.world.Person(m.Person)
	switch {
	case !ok || status == access.HolderActive && !p.Service:
		return ""
	case status == access.HolderActive:
		return "a service"
	}
	return why.Text
}

func (x *shower) group(g *declare.Group) {
	x.doc(g.Doc)
	x.textFact(g.Doc, "description", g.Description)
	x.fact("owners", strings.Join(values(g.Owners), ", "))
	for _, side := range []struct {
		key   string
		terms []declare.Term
	}{{"only", g.Only}, {"except", g.Except}} {
		for i := range side.terms {
			t := &side.terms[i]
			x.factAt(side.key, resolve.TermText(t), access.Link{File: g.File, Line: int(t.At.Line), Text: side.key})
		}
	}
	x.labels(g.Labels)
	x.list("members", "Members, and the line that brings each", "Nobody.",
		members(x.world.Memberships(g.ID.Value, ""), func(m resolve.Membership) string { return m.Person }, x.status))
	x.list("gives", "What its members get", "Nothing.", x.givenTo(g))
	x.list("in", "Groups that include it", "", x.including(g.ID.Value))
	x.list("owns", "What it answers for", "", x.owned(g.ID.Value))
}

// names reports whether one of the terms names the group, inside others as well.
func namesGroup(terms []declare.Term, id string) (declare.Term, bool) {
	for _, t := range terms {
		if t.Kind == declare.TermGroup && t.Name.Value == id {
			return t, true
		}
		if t.Kind != declare.TermNot {
			if inner, ok := namesGroup(t.Terms, id); ok {
				return inner, true
			}
		}
	}
	return declare.Term{}, false
}

// including are the groups that name this one among their members.
func (x *shower) including(id string) []report.ShowItem {
	var out []report.ShowItem
	for _, g := range x.head.Repo.Groups() {
		if t, ok := namesGroup(g.Members, id); ok {
			out = append(out, report.ShowItem{Name: g.ID.Value, Chain: []access.Link{{File: g.File, Line: int(t.At.Line), Text: g.ID.Value + " includes group " + id}}})
		}
	}
	return out
}

// givenTo is what grants give to the group, or to groups that include it.
func (x *shower) givenTo(g *declare.Group) []report.ShowItem {
	var out []report.ShowItem
	var walk func(id string, chain []access.Link, seen []string)
	walk = func(id string, chain []access.Link, seen []string) {
		for _, gr := range x.head.Repo.Grants() {
			t, ok := namesGroup(gr.To, id)
			if !ok {
				continue
			}
			link := access.Link{File: gr.File, Line: int(t.At.Line), Text: fmt.Sprintf("grant %s is to group %s", gr.ID.Value, id)}
			all := append([]access.Link{link}, chain...)
			for _, r := range gr.Roles {
				out = append(out, x.grantItem(gr, "", "role "+r.Value, all))
			}
			for _, e := range gr.Access {
				out = append(out, x.grantItem(gr, e.System.Value, e.Target.String()+": "+e.Permission, all))
			}
		}
		for _, outer := range x.including(id) {
			if !slices.Contains(seen, outer.Name) {
				walk(outer.Name, append(slices.Clone(outer.Chain), chain...), append(seen, outer.Name))
			}
		}
	}
	walk(g.ID.Value, nil, []string{g.ID.Value})
	return out
}

func (x *shower) grantItem(g *declare.Grant, system, name string, chain []access.Link) report.ShowItem {
	loc := x.head.Repo.Config.Location()
	note := "grant " + g.ID.Value
	for _, s := range []string{g.Ticket.Value, g.Reason.Value} {
		note += lead(" · ", s)
	}
	return report.ShowItem{System: system, Name: name, Note: note, From: g.From.Start(loc), Until: g.Until.End(loc), Chain: chain}
}

func (x *shower) role(r *declare.Role) {
	x.doc(r.Doc)
	x.textFact(r.Doc, "description", r.Description)
	x.fact("owners", strings.Join(values(r.Owners), ", "))
	if r.Privileged.Value {
		x.factAt("privileged", "true", access.Link{File: r.File, Line: int(r.Privileged.At.Line)})
	}
	x.fact("exclusive", strings.Join(exclusive(x.head.Repo)[r.ID.Value], ", "))
	x.fact("includes", strings.Join(values(r.Includes), ", "))
	var in []string
	for _, other := range x.head.Repo.Roles() {
		if slices.Contains(values(other.Includes), r.ID.Value) {
			in = append(in, other.ID.Value)
		}
	}
	x.fact("included by", strings.Join(in, ", "))
	x.labels(r.Labels)
	var gives []report.ShowItem
	for _, a := range x.world.RoleGives(r.ID.Value) {
		gives = append(gives, report.ShowItem{System: a.System, Name: a.Target.String() + ": " + a.Permission, Note: lead("through role ", strings.Join(a.Through, ", ")), Chain: []access.Link{a.Link}})
	}
	x.list("gives", "What it gives", "Nothing.", gives)
	x.list("holders", "Who has it, and how", "Nobody.",
		members(x.world.RoleWays(r.ID.Value, ""), func(m resolve.Membership) string { return m.Person }, x.status))
}

// owned are the documents and resources that somebody answers for, directly or by a group.
func (x *shower) owned(ids ...string) []report.ShowItem {
	var out []report.ShowItem
	for _, o := range ownedOf(x.head.Repo, true) {
		for _, t := range o.owners {
			if !slices.Contains(ids, t.Value) {
				continue
			}
			note := ""
			if t.Value != ids[0] {
				note = "as a member of " + t.Value
			}
			out = append(out, report.ShowItem{Name: o.kind + " " + o.id, Note: note, Chain: []access.Link{{File: o.pos.File, Line: int(o.pos.Line), Text: o.kind + " " + o.id}}})
			break
		}
	}
	return out
}
