package declare

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// attribute is a declared attribute, with its values for quick look-up.
type attribute struct {
	*AttrDecl
	allowed map[string]bool
}

// config checks accord.yaml, and learns the attributes that it declares.
func (c *checker) config() {
	cfg := c.r.Config
	if cfg == nil {
		return
	}
	c.attributes = make(map[string]*attribute, len(cfg.Attributes))
	for i := range cfg.Attributes {
		decl := &cfg.Attributes[i]
		if c.attributes[decl.Name.Value] != nil {
			continue
		}
		a := &attribute{decl, make(map[string]bool, len(decl.Values))}
		for _, v := range decl.Values {
			a.allowed[v.Value] = true
		}
		c.attributes[decl.Name.Value] = a
	}
	if tz := cfg.Timezone; tz.Value != "" {
		if _, err := time.LoadLocation(tz.Value); err != nil || strings.EqualFold(tz.Value, "local") {
			c.failText(&cfg.Doc, tz, "write an IANA name like Europe/Berlin, or UTC", "there is no time zone %q", tz.Value)
		}
	}
	c.protect(&cfg.Doc, cfg.Guards, c.kindsInUse())
}

func (c *checker) people() {
	for _, p := range c.r.People() {
		c.person(p)
	}
}

func (c *checker) person(p *Person) {
	c.interval(&p.Doc, p.Starts, p.Ends, "starts", "ends")
	if p.Manager.Value != "" && c.ref(&p.Doc, p.Manager, toPerson) {
		if m := c.r.Person(p.Manager.Value); m.Service {
			c.failText(&p.Doc, p.Manager, "name a person", "%s is a service (%s); a manager is a person", m.ID.Value, m.Pos(m.At).fileLine())
		}
	}
	c.owners(p, p.Owners)
	for _, a := range p.Accounts {
		c.ref(&p.Doc, a.Key, toSystem)
	}
	c.personAttributes(p)
}

func (c *checker) personAttributes(p *Person) {
	if c.attributes == nil {
		return
	}
	for i := range p.Attributes {
		a := &p.Attributes[i]
		decl := c.attribute(&p.Doc, a.Key)
		if decl == nil || len(decl.Values) == 0 {
			continue
		}
		for _, v := range a.Values {
			if v.Value != "" && !decl.allowed[v.Value] {
				c.failText(&p.Doc, v, c.valuesHint(decl, v.Value), "%s can't be %q", a.Key.Value, v.Value)
			}
		}
	}
	if p.Service {
		return
	}
	for i := range c.r.Config.Attributes {
		decl := &c.r.Config.Attributes[i]
		if !decl.Required.Value || slices.ContainsFunc(p.Attributes, func(a Attr) bool { return a.Key.Value == decl.Name.Value }) {
			continue
		}
		hint := fmt.Sprintf("%s requires it", c.r.Config.Pos(decl.Name.At).fileLine())
		if len(decl.Values) > 0 {
			hint += "; it can be " + orList(valuesOf(decl.Values))
		}
		c.failText(&p.Doc, p.ID, hint, "%s has no attribute %q", p.ID.Value, decl.Name.Value)
	}
}

// attribute finds the declaration of an attribute, and says so if there is none.
func (c *checker) attribute(d *Doc, key Text) *attribute {
	if c.attributes == nil {
		return nil
	}
	decl := c.attributes[key.Value]
	if decl == nil {
		c.failText(d, key, c.attributeHint(key.Value), "the attribute %q isn't declared", key.Value)
	}
	return decl
}

func (c *checker) attributeHint(key string) string {
	var names []string
	for _, a := range c.r.Config.Attributes {
		names = append(names, a.Name.Value)
	}
	if near := nearest(key, slices.Values(names)); near != "" {
		return fmt.Sprintf("did you mean %q (%s)?", near, c.r.Config.Pos(c.attributes[near].Name.At).fileLine())
	}
	if len(names) == 0 {
		return "declare it in accord.yaml under attributes"
	}
	return "declare it in accord.yaml under attributes, where there are " + strings.Join(names, ", ")
}

func (c *checker) valuesHint(decl *attribute, v string) string {
	values := valuesOf(decl.Values)
	place := c.r.Config.Pos(decl.Name.At).fileLine()
	if near := nearest(v, slices.Values(values)); near != "" {
		return fmt.Sprintf("did you mean %q (%s)?", near, place)
	}
	return fmt.Sprintf("it can be %s (%s)", orList(values), place)
}

func valuesOf(texts []Text) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = t.Value
	}
	return out
}

func (c *checker) exempts() {
	for _, e := range c.r.Exempts {
		for _, w := range e.Who {
			c.ref(&e.Doc, w, toPerson, toGroup)
		}
	}
}

// lackers are those who don't have an attribute: the first few, and how many.
type lackers struct {
	first []string
	count int
}

// shownNames is how many people a message lists.
const shownNames = 5

func (c *checker) lack(key string) *lackers {
	if l := c.lacking[key]; l != nil {
		return l
	}
	l := &lackers{}
	for _, p := range c.r.People() {
		if slices.ContainsFunc(p.Attributes, func(a Attr) bool { return a.Key.Value == key }) {
			continue
		}
		if l.count++; l.count <= shownNames {
			l.first = append(l.first, fmt.Sprintf("%s (%s)", p.ID.Value, p.Pos(p.At).fileLine()))
		}
	}
	c.lacking[key] = l
	return l
}

func (l *lackers) String() string {
	s := strings.Join(l.first, ", ")
	if more := l.count - len(l.first); more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}
