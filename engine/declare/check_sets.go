package declare

import (
	"fmt"
	"slices"
)

func (c *checker) groups() {
	for _, g := range c.r.Groups() {
		c.group(g)
	}
}

func (c *checker) group(g *Group) {
	c.owners(g, g.Owners)
	c.set(&g.Doc, g.Members, "")
	c.set(&g.Doc, g.Only, "only")
	c.set(&g.Doc, g.Except, "except")
}

func (c *checker) grants() {
	for _, g := range c.r.Grants() {
		c.grant(g)
	}
}

func (c *checker) grant(g *Grant) {
	c.set(&g.Doc, g.To, "")
	for _, r := range g.Roles {
		c.ref(&g.Doc, r, toRole)
	}
	c.entitlements(&g.Doc, g.Access, holder{kind: "account"})
	c.interval(&g.Doc, g.From, g.Until, "from", "until")
	if len(g.Roles) == 0 && len(g.Access) == 0 {
		c.failText(&g.Doc, g.ID, "name roles or access", "grant %q gives nothing", g.ID.Value)
	}
}

// set checks the entries of a set expression. under is the negative position that they are in
// (only, except or not), or "": there, a window would give access by the mere passing of time.
func (c *checker) set(d *Doc, terms []Term, under string) {
	for i := range terms {
		c.term(d, &terms[i], under)
	}
}

func (c *checker) term(d *Doc, t *Term, under string) {
	if under != "" && t.Windowed() {
		date := t.Until
		if date.Text == "" {
			date = t.From
		}
		c.fail(d, date.At, date.Text, "time alone may only take access away: write a window where somebody is added", "a window can't stand under %s", under)
	}
	c.interval(d, t.From, t.Until, "from", "until")
	switch t.Kind {
	case TermPerson:
		c.ref(d, t.Name, toPerson)
	case TermReports:
		if c.ref(d, t.Name, toPerson) && c.r.Person(t.Name.Value).Service {
			c.failText(d, t.Name, "name a person", "nobody reports to %s: it is a service", t.Name.Value)
		}
	case TermGroup:
		if !c.ref(d, t.Name, toGroup) || under == "" {
			return
		}
		if w := c.windowOf(t.Name.Value); w.found {
			c.failText(d, t.Name, fmt.Sprintf("the window is in %s; time alone may only take access away", w.pos.fileLine()), "group %q changes with time (through %s) and can't stand under %s", t.Name.Value, w.pos.fileLine(), under)
		}
	case TermMatch:
		c.match(d, t, under)
	case TermNot:
		c.set(d, t.Terms, "not")
	default:
		c.set(d, t.Terms, under)
	}
}

func (c *checker) match(d *Doc, t *Term, under string) {
	for i := range t.Match {
		m := &t.Match[i]
		decl := c.attribute(d, m.Key)
		if decl == nil {
			continue
		}
		for _, v := range m.Values {
			c.matchValue(d, decl, v)
		}
		if under != "not" && under != "except" {
			continue
		}
		if l := c.lack(m.Key.Value); l.count > 0 {
			verb := "have"
			if l.count == 1 {
				verb = "has"
			}
			c.failText(d, m.Key, "who has none would slip through: everybody needs it where a match stands under "+under+", services too", "%s %s no %q, which is matched under %s", l, verb, m.Key.Value, under)
		}
	}
}

// matchValue refuses values that can't be anybody's.
func (c *checker) matchValue(d *Doc, decl *attribute, v Text) {
	if v.Value == "" || len(decl.Values) == 0 || decl.allowed[v.Value] {
		return
	}
	if IsGlob(v.Value) {
		if slices.ContainsFunc(decl.Values, func(t Text) bool { return Glob(v.Value, t.Value) }) {
			return
		}
		c.failText(d, v, c.valuesHint(decl, v.Value), "%q matches no value of %s", v.Value, decl.Name.Value)
		return
	}
	c.failText(d, v, c.valuesHint(decl, v.Value), "%s can't be %q", decl.Name.Value, v.Value)
}

// window is the first place where time changes a group.
type window struct {
	pos   Pos
	found bool
}

// windowOf looks for a window in all that makes up the group. In a cycle, which is reported by
// itself, a group has none of its own.
func (c *checker) windowOf(group string) window {
	if w, ok := c.windows[group]; ok {
		if w == nil {
			return window{}
		}
		return *w
	}
	c.windows[group] = nil
	w := window{}
	if g := c.r.Group(group); g != nil {
		w = c.windowIn(g, g.Members)
		if !w.found {
			w = c.windowIn(g, g.Only)
		}
		if !w.found {
			w = c.windowIn(g, g.Except)
		}
	}
	c.windows[group] = &w
	return w
}

func (c *checker) windowIn(g *Group, terms []Term) window {
	for i := range terms {
		t := &terms[i]
		switch {
		case t.Until.Text != "":
			return window{g.Pos(t.Until.At), true}
		case t.From.Text != "":
			return window{g.Pos(t.From.At), true}
		case t.Kind == TermGroup:
			if w := c.windowOf(t.Name.Value); w.found {
				return w
			}
		}
		if w := c.windowIn(g, t.Terms); w.found {
			return w
		}
	}
	return window{}
}
