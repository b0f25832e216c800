package ldap

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// template makes one attribute of a new entry.
type template struct {
	attr  string
	parts []part
}

// part is a text, a field, or a number to be allocated.
type part struct {
	text, field string
	low, high   int
}

// parseTemplates reads lines such as "homeDirectory=/home/{name}".
func parseTemplates(lines []string) ([]template, error) {
	var out []template
	for _, line := range lines {
		attr, text, ok := strings.Cut(line, "=")
		if !ok || attributeName("", attr) != nil {
			return nil, fmt.Errorf("%q isn't written attribute=text", line)
		}
		t := template{attr: attr}
		for text != "" {
			before, rest, more := strings.Cut(text, "{")
			if before != "" {
				t.parts = append(t.parts, part{text: before})
			}
			if !more {
				break
			}
			field, after, ok := strings.Cut(rest, "}")
			if !ok || field == "" {
				return nil, fmt.Errorf("%q: a brace isn't closed, or nothing is in it", line)
			}
			p := part{field: field}
			if span, ok := strings.CutPrefix(field, "next:"); ok {
				var err error
				if p.low, p.high, err = parseSpan(span); err != nil {
					return nil, fmt.Errorf("%q: %w", line, err)
				}
				p.field = ""
			}
			t.parts = append(t.parts, p)
			text = after
		}
		if len(t.parts) > 1 && slices.ContainsFunc(t.parts, func(p part) bool { return p.high > 0 }) {
			return nil, fmt.Errorf("%q: {next:…} stands alone", line)
		}
		out = append(out, t)
	}
	return out, nil
}

// parseSpan reads "10000-59999".
func parseSpan(span string) (low, high int, err error) {
	a, b, ok := strings.Cut(span, "-")
	low, err1 := strconv.Atoi(a)
	high, err2 := strconv.Atoi(b)
	if !ok || err1 != nil || err2 != nil || low < 0 || high < low || high < 1 {
		return 0, 0, fmt.Errorf("%q is no span of numbers such as 10000-59999", span)
	}
	return low, high, nil
}

// span is the range of numbers that a template allocates from, if it does.
func (t template) span() (low, high int, ok bool) {
	if len(t.parts) == 1 && t.parts[0].high > 0 {
		return t.parts[0].low, t.parts[0].high, true
	}
	return 0, 0, false
}

// fill writes the template's text; ok is false if a field has nothing to offer.
func (t template) fill(field func(string) string) (text string, ok bool) {
	var b strings.Builder
	for _, p := range t.parts {
		v := p.text
		if p.field != "" {
			if v = field(p.field); v == "" {
				return "", false
			}
		}
		b.WriteString(v)
	}
	return b.String(), b.Len() > 0
}
