package declare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

func (c *checker) roles() {
	excludes := len(c.r.Exclusive()) > 0
	for _, r := range c.r.Roles() {
		c.role(r, excludes)
	}
}

// role checks one role; excludes says that some exclude others.
func (c *checker) role(r *Role, excludes bool) {
	c.owners(r, r.Owners)
	for _, i := range r.Includes {
		c.ref(&r.Doc, i, toRole)
	}
	c.entitlements(&r.Doc, r.Access, holder{kind: access.KindAccount})
	if excludes {
		c.exclusive(r)
	}
}

// exclusive refuses a role that nobody could hold: one that excludes itself, or holds two
// roles that exclude each other.
func (c *checker) exclusive(r *Role) {
	for _, e := range r.Exclusive {
		if e.Value == r.ID.Value {
			c.failText(&r.Doc, e, "name another role", "role %q excludes itself", r.ID.Value)
			continue
		}
		c.ref(&r.Doc, e, toRole)
	}
	if len(r.Includes) == 0 {
		return
	}
	inside := map[string]bool{}
	c.collect(r, inside)
	const hint = "nobody could hold it"
	for _, id := range sortedKeys(inside) {
		for _, e := range c.r.Role(id).Exclusive {
			at := c.r.Role(id).Pos(e.At).fileLine()
			switch {
			case !inside[e.Value] || e.Value == id:
			case id == r.ID.Value:
				c.failText(&r.Doc, e, hint, "role %q excludes %q, which it includes", id, e.Value)
			case e.Value == r.ID.Value:
				c.failText(&r.Doc, r.ID, hint, "role %q includes %q, which excludes it (%s)", r.ID.Value, id, at)
			default:
				c.failText(&r.Doc, r.ID, hint, "role %q includes %q and %q, which exclude each other (%s)", r.ID.Value, id, e.Value, at)
			}
		}
	}
}

// collect gathers the role and all that it includes.
func (c *checker) collect(r *Role, into map[string]bool) {
	if r == nil || into[r.ID.Value] {
		return
	}
	into[r.ID.Value] = true
	for _, i := range r.Includes {
		c.collect(c.r.Role(i.Value), into)
	}
}

// holder is what an entitlement is for: the accounts of people, or a resource.
type holder struct {
	kind string
	// name is the resource, "" for accounts.
	name string
}

// entitlements checks a list, and fills in usual permissions.
func (c *checker) entitlements(d *Doc, list []Entitlement, h holder) {
	type key struct {
		system     string
		target     access.ID
		permission string
	}
	seen := make(map[key]At, len(list))
	for i := range list {
		e := &list[i]
		c.entitlement(d, e, h)
		k := key{e.System.Value, e.Target, e.Permission}
		if kind, ok := c.kindOf(e); ok && kind.Ordered {
			k.permission = "" // of a level there is only one
		}
		if first, ok := seen[k]; ok {
			c.fail(d, e.At, e.Target.String(), fmt.Sprintf("the first is in line %d, column %d", first.Line, first.Col), "%s is there twice", e.Target)
			continue
		}
		seen[k] = e.At
	}
}

// described finds the description of a system's connector.
func (c *checker) described(system string) (access.Description, bool) {
	return c.r.described(c.connectors, system)
}

func (r *Repository) described(connectors map[string]access.Description, system string) (access.Description, bool) {
	s := r.systems[system]
	if s == nil {
		return access.Description{}, false
	}
	d, ok := connectors[s.Connector.Value]
	return d, ok
}

func (c *checker) kindOf(e *Entitlement) (access.Kind, bool) {
	desc, ok := c.described(e.System.Value)
	if !ok {
		return access.Kind{}, false
	}
	return desc.Kind(e.Target.Kind)
}

func (c *checker) entitlement(d *Doc, e *Entitlement, h holder) {
	if h.name == "" && !c.ref(d, e.System, toSystem) {
		return
	}
	desc, ok := c.described(e.System.Value)
	if !ok {
		return
	}
	target := e.Target.String()
	kind, ok := desc.Kind(e.Target.Kind)
	switch {
	case !ok:
		c.fail(d, e.At, target, anyOf(e.Target.Kind, grantable(desc), "on "+e.System.Value+" there are"), "%s has no kind %q", e.System.Value, e.Target.Kind)
		return
	case len(kind.Permissions) == 0:
		c.fail(d, e.At, target, "what can be granted on "+e.System.Value+" is "+orList(grantable(desc)), "nothing can be granted on %s %s", article(kind.Name), kind.Name)
		return
	case !kind.Holds(h.kind):
		c.fail(d, e.At, target, "it can be held by "+orList(holders(kind)), "%s %s can't hold anything on %s", article(h.kind), h.kind, target)
		return
	}
	c.permission(d, e, kind)
	if at, ok := c.absentAt(access.Ref{System: e.System.Value, ID: e.Target}); ok {
		c.fail(d, e.At, target, "take one of the two away", "%s is declared absent (%s)", target, c.r.systems[e.System.Value].Pos(at).fileLine())
	}
}

// absentAt says where a resource is declared absent.
func (c *checker) absentAt(ref access.Ref) (At, bool) {
	if c.absent == nil {
		c.absent = map[access.Ref]At{}
		for _, s := range c.r.Systems {
			for i := range s.Resources {
				if r := &s.Resources[i]; r.State.Value == "absent" {
					c.absent[access.Ref{System: s.ID.Value, ID: r.ID}] = r.At
				}
			}
		}
	}
	at, ok := c.absent[ref]
	return at, ok
}

// permission checks the permission that was named, or fills in the usual one.
func (c *checker) permission(d *Doc, e *Entitlement, kind access.Kind) {
	target := e.Target.String()
	var names []string
	for _, p := range kind.Permissions {
		if !p.ReadOnly {
			names = append(names, p.Name)
		}
	}
	if e.Permission == "" {
		if kind.Usual == "" {
			c.fail(d, e.At, target, fmt.Sprintf("write {%s: %s}; its permissions are %s", target, firstOf(names), strings.Join(names, ", ")), "%s needs a permission: a %s has no usual one", target, kind.Name)
			return
		}
		e.Permission = kind.Usual
		return
	}
	p, ok := kind.Permission(e.Permission)
	if ok && !p.ReadOnly {
		return
	}
	src := c.r.source(d.File)
	at := e.At
	if rest := src.from(at); strings.Contains(rest, target) {
		at = src.find(At{at.Line, src.find(at, target).Col + int32(len([]rune(target)))}, e.Permission)
	}
	if ok {
		c.fail(d, at, e.Permission, "what can be granted is "+orList(names), "%q on %s %s can only be seen, not granted", e.Permission, article(kind.Name), kind.Name)
		return
	}
	c.fail(d, at, e.Permission, anyOf(e.Permission, names, "its permissions are"), "%s %s has no permission %q", article(kind.Name), kind.Name, e.Permission)
}

func firstOf(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// grantable are the kinds that something can be granted on.
func grantable(d access.Description) []string {
	var names []string
	for _, k := range d.Kinds {
		if len(k.Permissions) > 0 {
			names = append(names, k.Name)
		}
	}
	return names
}

func holders(k access.Kind) []string {
	if len(k.Subjects) == 0 {
		return []string{access.KindAccount}
	}
	return k.Subjects
}

func article(word string) string {
	if word != "" && strings.ContainsRune("aeiou", rune(word[0])) {
		return "an"
	}
	return "a"
}

func sortedKeys(m map[string]bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// kindsInUse are the kinds of all systems whose connector is known.
func (c *checker) kindsInUse() []access.Kind {
	var kinds []access.Kind
	for _, s := range c.r.Systems {
		if desc, ok := c.described(s.ID.Value); ok {
			kinds = append(kinds, desc.Kinds...)
		}
	}
	return kinds
}

// protect refuses a kind/glob whose kind doesn't exist: it would protect nothing.
func (c *checker) protect(d *Doc, g Guards, kinds []access.Kind) {
	for _, p := range g.Protect {
		if kind, _, ok := strings.Cut(p.Value, "/"); ok && len(kinds) > 0 {
			c.patternKind(d, p, kind, kinds)
		}
	}
}

// patternKind checks the kind of a pattern "kind/glob".
func (c *checker) patternKind(d *Doc, p Text, pattern string, kinds []access.Kind) {
	var names []string
	for _, k := range kinds {
		if Glob(pattern, k.Name) {
			return
		}
		if !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	slices.Sort(names)
	c.failText(d, p, anyOf(pattern, names, "there are"), "%q names no kind of object", p.Value)
}
