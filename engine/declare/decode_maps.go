package declare

import (
	"fmt"
	"math"
	"regexp"
	"strconv"

	"github.com/accordhq/accord/engine/access"
)

var (
	plainNumber = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	wholeForm   = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	floatForm   = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
)

// freeKey decodes the key of a mapping whose keys are free.
func (d *decoder) freeKey(k *node) (Text, bool) {
	switch {
	case k.text == "":
		d.failNode(k, "", "a key is empty")
	case len(k.text) > maxName:
		d.failNode(k, "", "a key has %d characters; %d are allowed", len(k.text), maxName)
	case badRune(k.text, false) >= 0:
		d.failNode(k, "take it out", "a key holds the character %U, which isn't allowed here", badRune(k.text, false))
	default:
		return Text{k.text, k.at}, true
	}
	return Text{}, false
}

func (d *decoder) pairs(key, n *node) []Pair {
	if !d.mapping(key, n) {
		return nil
	}
	d.unique(n)
	out := make([]Pair, 0, len(n.kids)/2)
	for i := 0; i < len(n.kids); i += 2 {
		var p Pair
		var ok bool
		if p.Key, ok = d.freeKey(&n.kids[i]); ok && d.text(&n.kids[i], &n.kids[i+1], &p.Value) {
			out = append(out, p)
		}
	}
	return out
}

// attrs decodes attributes, and the keys of match: each has one value or a list of them.
func (d *decoder) attrs(key, n *node) []Attr {
	if !d.mapping(key, n) {
		return nil
	}
	d.unique(n)
	out := make([]Attr, 0, len(n.kids)/2)
	for i := 0; i < len(n.kids); i += 2 {
		k, v := &n.kids[i], &n.kids[i+1]
		a := Attr{}
		var ok bool
		if a.Key, ok = d.freeKey(k); !ok {
			continue
		}
		if v.kind == listNode {
			a.Values = d.texts(k, v)
			if len(v.kids) == 0 {
				d.failNode(v, "give it a value or leave the key out", "%s is empty", k.text)
			}
		} else {
			a.Values = make([]Text, 1)
			if !d.text(k, v, &a.Values[0]) {
				a.Values = nil
			}
		}
		out = append(out, a)
	}
	return out
}

func (d *decoder) attrDecls(key, n *node) []AttrDecl {
	if !d.mapping(key, n) {
		return nil
	}
	d.unique(n)
	out := make([]AttrDecl, 0, len(n.kids)/2)
	for i := 0; i < len(n.kids); i += 2 {
		k := &n.kids[i]
		a := AttrDecl{Name: Text{k.text, k.at}}
		if !attributeName.MatchString(k.text) || len(k.text) > maxName {
			d.failNode(k, "begin with a letter; go on with letters, digits, _ and -", "%q can't be the name of an attribute", k.text)
		}
		if d.details(k, &n.kids[i+1]) {
			d.fields(&n.kids[i+1], 0, &a)
		}
		if v := &n.kids[i+1]; v.kind == mapNode && hasKey(v, "values") && len(a.Values) == 0 {
			d.fail(keyAt(v, "values"), "values", "name some, or leave values out to allow any", "the attribute %s allows no value at all", k.text)
		}
		out = append(out, a)
	}
	return out
}

// details asks for a mapping that may be left out: nothing and {} mean the same. It reports
// whether there is something in it.
func (d *decoder) details(key, n *node) bool {
	if n.kind == scalarNode && n.null && n.text == "" {
		return false
	}
	return d.mapping(key, n) && len(n.kids) > 0
}

func (d *decoder) rules(key, n *node) []Rule {
	if !d.mapping(key, n) {
		return nil
	}
	d.unique(n)
	out := make([]Rule, 0, len(n.kids)/2)
	for i := 0; i < len(n.kids); i += 2 {
		name, ok := d.freeKey(&n.kids[i])
		if !ok {
			continue
		}
		r := Rule{Name: name}
		if v := &n.kids[i+1]; v.kind == scalarNode && v.null && v.text == "" {
			r.Params = map[string]any{}
		} else {
			r.Params = d.plain(&n.kids[i], v)
		}
		out = append(out, r)
	}
	return out
}

// plain gives a value as plain Go: map[string]any, []any, string, int64, float64 or bool.
func (d *decoder) plain(key, n *node) any {
	switch n.kind {
	case mapNode:
		d.unique(n)
		m := make(map[string]any, len(n.kids)/2)
		for i := 0; i < len(n.kids); i += 2 {
			m[n.kids[i].text] = d.plain(&n.kids[i], &n.kids[i+1])
		}
		return m
	case listNode:
		list := make([]any, 0, len(n.kids))
		for i := range n.kids {
			list = append(list, d.plain(key, &n.kids[i]))
		}
		return list
	}
	var t Text
	if !n.null && n.text == "" {
		return ""
	}
	if !d.text(key, n, &t) || !n.plain {
		return t.Value
	}
	switch {
	case n.text == "true", n.text == "false":
		return n.text == "true"
	case wholeForm.MatchString(n.text):
		if i, err := strconv.ParseInt(n.text, 10, 64); err == nil {
			return i
		}
		d.failNode(n, "", "%s is too large a number", n.text)
	case floatForm.MatchString(n.text):
		if f, err := strconv.ParseFloat(n.text, 64); err == nil && !math.IsInf(f, 0) {
			return f
		}
		d.failNode(n, "", "%s is too large a number", n.text)
	}
	return n.text
}

func (d *decoder) settings(key, n *node) []Setting {
	if !d.mapping(key, n) {
		d.hide(n)
		return nil
	}
	d.unique(n)
	out := make([]Setting, 0, len(n.kids)/2)
	for i := 0; i < len(n.kids); i += 2 {
		k, v := &n.kids[i], &n.kids[i+1]
		s := Setting{At: v.at}
		var ok bool
		if s.Key, ok = d.freeKey(k); !ok {
			d.hide(v)
			continue
		}
		switch v.kind {
		case mapNode:
			d.reference(k, v, &s)
		case listNode:
			s.List = true
			s.Values = make([]Text, 0, len(v.kids))
			for j := range v.kids {
				d.settingText(k, &v.kids[j], &s)
			}
		default:
			d.settingText(k, v, &s)
		}
		out = append(out, s)
	}
	return out
}

// settingText decodes one literal value of a setting. It may be empty, and have several lines;
// nobody is shown it unless Check knows that it is no secret.
func (d *decoder) settingText(key, n *node, s *Setting) {
	d.hide(n)
	switch {
	case n.kind != scalarNode || n.null:
		d.text(key, n, &Text{})
	case badRune(n.text, true) >= 0:
		d.failNode(n, "take it out", "%s holds the character %U, which isn't allowed here", key.text, badRune(n.text, true))
	default:
		s.Values = append(s.Values, Text{n.text, n.at})
	}
}

// reference decodes {env: NAME} or {file: PATH}.
func (d *decoder) reference(key, n *node, s *Setting) {
	if hasKey(n, "exec") {
		d.fail(keyAt(n, "exec"), "exec", "write {env: NAME} or {file: PATH} and let the runner fill it; only the operator's own flag allows exec", "%s: a repository can't have commands run for secrets", key.text)
		d.hide(n)
		return
	}
	if len(n.kids) != 2 || n.kids[0].text != "env" && n.kids[0].text != "file" {
		d.hide(n)
		d.failNode(n, "write a text, a list of texts, {env: NAME} or {file: PATH}", "%s can't be such a mapping", key.text)
		return
	}
	k, v := &n.kids[0], &n.kids[1]
	switch {
	case k.text == "file":
		d.text(k, v, &s.File)
	case !d.text(k, v, &s.Env):
	case !envForm.MatchString(v.text):
		s.Env = Text{}
		d.hide(v) // perhaps somebody wrote the secret itself
		d.failNode(v, "letters, digits and _ are allowed; name the variable, never its value", "%s: env wants the name of a variable", key.text)
	}
}

// hide keeps literal values out of whatever is shown of their lines.
func (d *decoder) hide(n *node) {
	if n.kind == scalarNode {
		d.source.literals = append(d.source.literals, literal{n.at, n.text})
		return
	}
	for i := range n.kids {
		if n.kind == mapNode && i%2 == 0 {
			continue
		}
		d.hide(&n.kids[i])
	}
}

func (d *decoder) resources(key, n *node) []Resource {
	if !d.mapping(key, n) {
		return nil
	}
	d.unique(n)
	out := make([]Resource, 0, len(n.kids)/2)
	for i := 0; i < len(n.kids); i += 2 {
		k := &n.kids[i]
		id, ok := d.objectID(k)
		r := Resource{ID: id, At: k.at}
		if d.details(k, &n.kids[i+1]) {
			d.fields(&n.kids[i+1], 0, &r)
		}
		if ok {
			out = append(out, r)
		}
	}
	return out
}

// objectID decodes "kind/name".
func (d *decoder) objectID(n *node) (access.ID, bool) {
	var t Text
	if !d.text(&node{text: "kind/name"}, n, &t) {
		return access.ID{}, false
	}
	id, err := access.ParseID(t.Value)
	if err != nil {
		d.failNode(n, "as in role/readonly", "%q is not written as kind/name", t.Value)
		return access.ID{}, false
	}
	if id.Name[0] == ' ' || id.Name[len(id.Name)-1] == ' ' || id.Kind[0] == ' ' {
		d.failNode(n, fmt.Sprintf("write %q", trimID(id)), "%q has a space at an end of its name", t.Value)
		return access.ID{}, false
	}
	return id, true
}
