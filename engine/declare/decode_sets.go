package declare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

func trimID(id access.ID) string {
	return strings.TrimSpace(id.Kind) + "/" + strings.TrimSpace(id.Name)
}

// termForms are the keys that say what a term is, termExtras those that may stand beside.
func termForms() []string {
	return []string{"person", "group", "match", "reports", "all", "any", "not"}
}

func termExtras() []string { return []string{"from", "until", "reason"} }

// terms decodes a set expression. An empty `only` would keep nobody, an empty `to` give
// nothing: neither is meant.
func (d *decoder) terms(f *field, key, n *node) []Term {
	if n.kind == mapNode {
		d.failNode(n, "write - before the entry, or [] around it", "%s wants a list, not a mapping", key.text)
		return nil
	}
	if !d.list(key, n) {
		return nil
	}
	if len(n.kids) == 0 && (f.required || f.key == "only") {
		d.failNode(n, "name somebody, or leave the key out", "%s is empty", key.text)
	}
	return d.termList(key, n)
}

func (d *decoder) termList(key, n *node) []Term {
	out := make([]Term, 0, len(n.kids))
	for i := range n.kids {
		var t Term
		if d.term(key, &n.kids[i], &t) {
			out = append(out, t)
		}
	}
	return out
}

func (d *decoder) term(key, n *node, t *Term) bool {
	t.At = n.at
	switch n.kind {
	case scalarNode:
		t.Kind = TermPerson
		return d.text(key, n, &t.Name)
	case listNode:
		d.failNode(n, "take the inner brackets away, or write any: before them", "an entry of %s can't be a list", key.text)
		return false
	}
	d.unique(n)
	form := -1
	ok := true
	for i := 0; i < len(n.kids); i += 2 {
		k := &n.kids[i]
		switch {
		case slices.Contains(termForms(), k.text):
			if form >= 0 {
				if n.kids[form].text != k.text {
					d.failNode(k, "write two entries, or all: […] for both at the same time", "an entry can't have %s and %s together", n.kids[form].text, k.text)
				}
				ok = false
				continue
			}
			form = i
		case !slices.Contains(termExtras(), k.text):
			d.unknownTermKey(k)
			ok = false
		}
	}
	if form < 0 {
		if ok {
			d.failNode(n, "write one of "+strings.Join(termForms(), ", "), "this entry of %s names nobody", key.text)
		}
		return false
	}
	t.Kind = TermKind(n.kids[form].text)
	ok = d.termValue(&n.kids[form], &n.kids[form+1], t) && ok
	d.termExtras(n, t)
	return ok
}

func (d *decoder) unknownTermKey(k *node) {
	all := slices.Concat(termForms(), termExtras())
	hint := "its keys are " + strings.Join(all, ", ")
	if near := nearest(k.text, slices.Values(all)); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	} else if k.text == "role" || k.text == "system" || k.text == "service" {
		hint = "an entry names people and services: write the id alone, or one of " + strings.Join(termForms(), ", ")
	}
	d.failNode(k, hint, "%q is not a key of an entry", k.text)
}

func (d *decoder) termValue(key, n *node, t *Term) bool {
	switch t.Kind {
	case TermPerson, TermGroup, TermReports:
		return d.text(key, n, &t.Name)
	case TermMatch:
		t.Match = d.attrs(key, n)
		if n.kind == mapNode && len(n.kids) == 0 {
			d.failNode(n, "name at least one attribute", "an empty match would match everybody")
		}
		return len(t.Match) > 0
	case TermNot:
		if n.kind == listNode {
			d.failNode(n, "write not: {any: […]}", "not takes one entry, not a list")
			return false
		}
		t.Terms = make([]Term, 1)
		return d.term(key, n, &t.Terms[0])
	}
	if !d.list(key, n) {
		return false
	}
	if len(n.kids) == 0 {
		d.failNode(n, "name somebody", "%s is empty", key.text)
		return false
	}
	t.Terms = d.termList(key, n)
	return len(t.Terms) == len(n.kids)
}

func (d *decoder) termExtras(n *node, t *Term) {
	seen := map[string]bool{}
	for i := 0; i < len(n.kids); i += 2 {
		k, v := &n.kids[i], &n.kids[i+1]
		if seen[k.text] || !slices.Contains(termExtras(), k.text) {
			continue
		}
		seen[k.text] = true
		switch {
		case t.Kind == TermNot:
			d.failNode(k, "", "%s can't stand beside not", k.text)
		case k.text == "from":
			d.date(k, v, &t.From)
		case k.text == "until":
			d.date(k, v, &t.Until)
		default:
			d.prose(k, v, &t.Reason)
		}
	}
}

// entitlements decodes {system: [kind/name, {kind/name: permission}]} or, under a resource,
// the list alone; under member_of a list of names.
func (d *decoder) entitlements(f *field, key, n *node) []Entitlement {
	if f.flat {
		return d.entitlementList(Text{}, key, n, f.key == "member_of")
	}
	if n.kind == listNode {
		d.failNode(n, "write {SYSTEM: [kind/name]}", "%s wants a mapping of systems, not a list", key.text)
		return nil
	}
	if !d.mapping(key, n) {
		return nil
	}
	d.unique(n)
	var out []Entitlement
	for i := 0; i < len(n.kids); i += 2 {
		if system, ok := d.freeKey(&n.kids[i]); ok {
			out = append(out, d.entitlementList(system, &n.kids[i], &n.kids[i+1], false)...)
		}
	}
	return out
}

func (d *decoder) entitlementList(system Text, key, n *node, bare bool) []Entitlement {
	if !d.list(key, n) {
		return nil
	}
	out := make([]Entitlement, 0, len(n.kids))
	for i := range n.kids {
		e := Entitlement{System: system}
		if d.entitlement(key, &n.kids[i], bare, &e) {
			out = append(out, e)
		}
	}
	return out
}

func (d *decoder) entitlement(key, n *node, bare bool, e *Entitlement) bool {
	e.At = n.at
	name := n
	switch {
	case n.kind == mapNode && bare:
		d.failNode(n, "write kind/name alone, or put it under access with its permission", "%s takes no permission", key.text)
		return false
	case n.kind == mapNode && len(n.kids) == 2:
		var permission Text
		name = &n.kids[0]
		e.At = name.at
		if !d.text(name, &n.kids[1], &permission) {
			return false
		}
		e.Permission = permission.Value
	case n.kind == mapNode:
		d.failNode(n, "write {kind/name: permission} for each", "an entitlement has one key, not %d", len(n.kids)/2)
		return false
	case n.kind != scalarNode:
		d.failNode(n, "write kind/name or {kind/name: permission}", "an entitlement can't be %s", n.what())
		return false
	}
	var ok bool
	e.Target, ok = d.objectID(name)
	return ok
}
