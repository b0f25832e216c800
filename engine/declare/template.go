package declare

import (
	"fmt"
	"slices"
	"strings"
)

// Template makes a text out of what a person's document says, for names and attributes of
// accounts:
//
//	{person}           the id
//	{name}             the full name
//	{email}            the address
//	{email.local}      the address up to its last "@"
//	{attributes.NAME}  an attribute, which must have exactly one value
//
// Everything else stands for itself; "{{" and "}}" are braces.
type Template struct {
	parts []part
}

// part is a literal text, or a key if key is set.
type part struct {
	literal string
	key     string
}

const attributesKey = "attributes."

// ParseTemplate reads a template. A key that doesn't exist is an error, as is a brace that
// isn't closed.
func ParseTemplate(s string) (Template, error) {
	var t Template
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			t.parts = append(t.parts, part{literal: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case (c == '{' || c == '}') && i+1 < len(s) && s[i+1] == c:
			literal.WriteByte(c)
			i++
		case c == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return Template{}, fmt.Errorf(`%q has a "{" that isn't closed`, s)
			}
			key := s[i+1 : i+end]
			if !templateKey(key) {
				return Template{}, fmt.Errorf("{%s} is not a key of templates", key)
			}
			flush()
			t.parts = append(t.parts, part{key: key})
			i += end
		case c == '}':
			return Template{}, fmt.Errorf(`%q has a "}" without its "{"`, s)
		default:
			literal.WriteByte(c)
		}
	}
	flush()
	return t, nil
}

func templateKeys() []string { return []string{"person", "name", "email", "email.local"} }

func templateKey(key string) bool {
	name, ok := strings.CutPrefix(key, attributesKey)
	return ok && attributeName.MatchString(name) || slices.Contains(templateKeys(), key)
}

// Keys are the keys that the template uses, in the order written.
func (t Template) Keys() []string {
	var keys []string
	for _, p := range t.parts {
		if p.key != "" {
			keys = append(keys, p.key)
		}
	}
	return keys
}

// Expand fills in the template for a person or a service. It fails if the document doesn't
// say what a key asks for, and if an attribute has more than one value.
func (t Template) Expand(p *Person) (string, error) {
	if len(t.parts) == 1 && t.parts[0].key != "" { // the document's own text
		return t.expand(p, t.parts[0].key)
	}
	var b strings.Builder
	for _, part := range t.parts {
		if part.key == "" {
			b.WriteString(part.literal)
			continue
		}
		v, err := t.expand(p, part.key)
		if err != nil {
			return "", err
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

func (t Template) expand(p *Person, key string) (string, error) {
	v, err := expandKey(p, key)
	if err != nil {
		return "", fmt.Errorf("expanding {%s} for %s: %w", key, p.ID.Value, err)
	}
	return v, nil
}

func expandKey(p *Person, key string) (string, error) {
	v := ""
	switch key {
	case "person":
		v = p.ID.Value
	case "name":
		v = p.Name.Value
	case "email":
		v = p.Email.Value
	case "email.local":
		v = p.Email.Value[:max(strings.LastIndexByte(p.Email.Value, '@'), 0)]
		key = "email"
	default:
		key = strings.TrimPrefix(key, attributesKey)
		values := p.Get(key)
		if len(values) > 1 {
			return "", fmt.Errorf("%s has %d values", key, len(values))
		}
		if len(values) == 1 {
			v = values[0].Value
		}
	}
	if v == "" {
		return "", fmt.Errorf("there is no %s", key)
	}
	return v, nil
}
