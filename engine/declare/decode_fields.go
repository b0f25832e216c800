package declare

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// fields decodes the keys of a mapping into the struct that v points to. The pairs before
// skip (counted in pairs) were read already.
func (d *decoder) fields(n *node, skip int, v any) {
	rv := reflect.ValueOf(v).Elem()
	sh := d.shapes[rv.Type()]
	d.unique(n)
	seen := make([]bool, len(sh.fields))
	for i := 2 * skip; i < len(n.kids); i += 2 {
		key, val := &n.kids[i], &n.kids[i+1]
		at, ok := sh.byKey[key.text]
		if !ok && (skip == 0 || key.text != n.kids[0].text) {
			d.unknownKey(sh, key)
		}
		if !ok || seen[at] {
			switch v.(type) {
			case *System, *SlackNotify, *WebhookNotify, *MailNotify:
				d.hide(val) // it may be a misspelt or repeated config with a credential in it
			}
			continue
		}
		seen[at] = true
		f := &sh.fields[at]
		d.value(f, key, val, rv.FieldByIndex(f.index).Addr().Interface())
	}
	for i, f := range sh.fields {
		if f.required && !seen[i] {
			d.failNode(&n.kids[0], fmt.Sprintf("add %s: %s", f.key, lowerFirst(f.doc)), "%s needs the key %q", sh.name, f.key)
		}
	}
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func (d *decoder) unknownKey(sh *shape, key *node) {
	keys := sh.keys()
	hint := "its keys are " + strings.Join(keys, ", ")
	if near := nearest(key.text, slices.Values(keys)); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	} else if slices.Contains(kindKeys(), key.text) {
		hint = "a document of its own begins with it, after a line with ---"
	}
	d.failNode(key, hint, "%q is not a key of %s", key.text, sh.name)
}

// unique refuses keys that a mapping has twice.
func (d *decoder) unique(n *node) {
	if len(n.kids) <= 16 {
		for i := 2; i < len(n.kids); i += 2 {
			for j := 0; j < i; j += 2 {
				if n.kids[i].text == n.kids[j].text {
					d.twice(&n.kids[i], &n.kids[j])
					break
				}
			}
		}
		return
	}
	first := make(map[string]*node, len(n.kids)/2)
	for i := 0; i < len(n.kids); i += 2 {
		k := &n.kids[i]
		if f, ok := first[k.text]; ok {
			d.twice(k, f)
			continue
		}
		first[k.text] = k
	}
}

func (d *decoder) twice(again, first *node) {
	d.failNode(again, fmt.Sprintf("the first is in line %d, column %d", first.at.Line, first.at.Col), "the key %q is there twice", again.text)
}

// value decodes one value by the Go type of its field.
func (d *decoder) value(f *field, key, n *node, v any) {
	switch v := v.(type) {
	case *Text:
		d.fieldText(f, key, n, v)
	case **Text:
		var t Text
		if d.text(key, n, &t) {
			if _, ok := wholeNumber(t.Value); !ok {
				d.failNode(n, "write it in digits, like 10", "%q is not a whole number from 0 on", t.Value)
				return
			}
			*v = &t
		}
	case *[]Text:
		*v = d.texts(key, n)
		if f.required && n.kind == listNode && len(n.kids) == 0 {
			d.failNode(n, "", "%s is empty", key.text)
		}
	case *Bool:
		d.boolean(key, n, v)
	case *Date:
		d.date(key, n, v)
	case *Days:
		d.days(key, n, v)
	case *Limit:
		d.limit(key, n, v)
	case *[]Pair:
		*v = d.pairs(key, n)
	case *[]Attr:
		*v = d.attrs(key, n)
	case *Guards, *JournalDecl, *SecretRef, *AccountRules, *Flapping:
		if _, ok := v.(*SecretRef); ok && n.kind != mapNode { // it may be the secret itself
			d.hide(n)
		}
		if d.mapping(key, n) && len(n.kids) > 0 {
			d.fields(n, 0, v)
		}
		if f, ok := v.(*Flapping); ok && f.Within.Set && f.Within.Days == 0 {
			d.fail(f.Within.At, "0d", "write whole days, like 7d, or times: 0 to turn it off", "nothing happens within no time")
			f.Within = Days{}
		}
	case *[]AttrDecl:
		*v = d.attrDecls(key, n)
	case *[]Rule:
		*v = d.rules(key, n)
	case *[]Term:
		*v = d.terms(f, key, n)
	case *[]Entitlement:
		*v = d.entitlements(f, key, n)
	case *[]Setting:
		*v = d.settings(key, n)
	case *[]Resource:
		*v = d.resources(key, n)
	case *[]Notify:
		*v = d.notify(key, n)
	case *Reference:
		d.secret(key, n, v)
	case *[]MatchRule:
		*v = d.matches(key, n)
	default:
		panic(fmt.Sprintf("the field %s has type %T, which no decoder knows", f.key, v))
	}
}

// text decodes a scalar that has to hold something, on one line.
func (d *decoder) text(key, n *node, t *Text) bool {
	switch {
	case n.kind != scalarNode:
		d.failNode(n, "", "%s wants a text, not %s", key.text, n.what())
	case n.null && n.text == "":
		d.failNode(key, "give it a value or leave the key out", "%s has no value", key.text)
	case n.null:
		d.failNode(n, fmt.Sprintf("leave the key out, or write it in quotes if it is a text: %q", n.text), "%s has no value: %s means nothing in YAML", key.text, n.text)
	case n.text == "":
		d.failNode(n, "give it a value or leave the key out", "%s is empty", key.text)
	case badRune(n.text, false) >= 0:
		d.failNode(n, "take it out", "%s holds the character %U, which isn't allowed here", key.text, badRune(n.text, false))
	default:
		*t = Text{n.text, n.at}
		return true
	}
	return false
}

// badRune is the first character that can't stand in a text, or -1.
func badRune(s string, lines bool) rune {
	for _, r := range s {
		if (unicode.IsControl(r) || hidden(r)) && !(lines && (r == '\n' || r == '\t')) {
			return r
		}
	}
	return -1
}

// fieldText decodes the text of a field: descriptions and reasons may have several lines, and
// some texts are one of a few.
func (d *decoder) fieldText(f *field, key, n *node, t *Text) {
	if f.key == "description" || f.key == "reason" {
		d.prose(key, n, t)
		return
	}
	if !d.text(key, n, t) || f.enum == nil || slices.Contains(f.enum, t.Value) {
		return
	}
	hint := "write " + orList(f.enum)
	if near := nearest(t.Value, slices.Values(f.enum)); near != "" && len(f.enum) > 1 {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	d.failNode(n, hint, "%s can't be %q", key.text, t.Value)
	*t = Text{}
}

func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// prose decodes a text for people. The line break that a block leaves at its end is dropped.
func (d *decoder) prose(key, n *node, t *Text) {
	flat := *n
	if n.kind == scalarNode && !n.null {
		flat.text = strings.TrimRight(n.text, "\n")
		if r := badRune(flat.text, true); r < 0 {
			*t = Text{flat.text, n.at}
			flat.text = strings.NewReplacer("\n", " ", "\t", " ").Replace(flat.text)
		}
	}
	var line Text
	if !d.text(key, &flat, &line) {
		*t = Text{}
	}
}

func (d *decoder) boolean(key, n *node, b *Bool) {
	var t Text
	switch {
	case n.is("true"):
		*b = Bool{true, true, n.at}
	case n.is("false"):
		*b = Bool{false, true, n.at}
	case d.text(key, n, &t):
		d.failNode(n, "write true or false", "%s can't be %q", key.text, t.Value)
	}
}

func (d *decoder) date(key, n *node, v *Date) {
	var t Text
	if !d.text(key, n, &t) {
		return
	}
	date, msg, hint := parseDate(t.Value)
	if msg != "" {
		d.failNode(n, hint, "%s", msg)
		return
	}
	date.At = n.at
	*v = date
}

func (d *decoder) days(key, n *node, v *Days) {
	var t Text
	if !d.text(key, n, &t) {
		return
	}
	count, ok := parseDays(t.Value)
	if !ok {
		d.failNode(n, "write whole days, like 30d", "%q is not a number of days", t.Value)
		return
	}
	*v = Days{count, true, n.at}
}

func (d *decoder) limit(key, n *node, v *Limit) {
	var t Text
	if !d.text(key, n, &t) {
		return
	}
	if share, ok := strings.CutSuffix(t.Value, "%"); ok {
		p, err := strconv.ParseFloat(share, 64)
		if err != nil || !plainNumber.MatchString(share) || p > 100 {
			d.failNode(n, "write a share from 0% to 100%, like 10%, or a count, like 20", "%q is not a share", t.Value)
			return
		}
		*v = Limit{Percent: p, IsPercent: true, Set: true, At: n.at}
		return
	}
	count, ok := wholeNumber(t.Value)
	if !ok {
		d.failNode(n, "write a share, like 10%, or a count, like 20", "%q is not a limit", t.Value)
		return
	}
	*v = Limit{Count: count, Set: true, At: n.at}
}

// mapping asks for a mapping; list for a list.
func (d *decoder) mapping(key, n *node) bool {
	return d.form(key, n, mapNode, "a mapping", "{KEY: VALUE}")
}

func (d *decoder) list(key, n *node) bool { return d.form(key, n, listNode, "a list", "[…]") }

func (d *decoder) form(key, n *node, kind nodeKind, want, example string) bool {
	switch {
	case n.kind == kind:
		return true
	case n.null && n.text == "":
		d.failNode(key, "give it a value or leave the key out", "%s has no value", key.text)
	case kind == listNode && n.kind == scalarNode && !n.null:
		d.failNode(n, fmt.Sprintf("write [%s]", n.text), "%s wants a list, not a text", key.text)
	default:
		d.failNode(n, "write "+example, "%s wants %s, not %s", key.text, want, n.what())
	}
	return false
}

// texts decodes a list of texts, none of which is there twice.
func (d *decoder) texts(key, n *node) []Text {
	if !d.list(key, n) {
		return nil
	}
	out := make([]Text, 0, len(n.kids))
	seen := make(map[string]At, len(n.kids))
	for i := range n.kids {
		var t Text
		if !d.text(key, &n.kids[i], &t) {
			continue
		}
		if first, ok := seen[t.Value]; ok {
			d.failNode(&n.kids[i], fmt.Sprintf("the first is in line %d, column %d", first.Line, first.Col), "%q is there twice", t.Value)
			continue
		}
		seen[t.Value] = t.At
		out = append(out, t)
	}
	return out
}
