package file

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/accordhq/accord/engine/access"
)

// defaultHeader stands above a file that Accord created.
const defaultHeader = `# Who has what on this system. Accord writes this file and reads it back; it may be edited
# by hand. The last line says that the file is whole.
`

// render writes a file: always the same bytes for the same content. Kinds stand in the order
// of the description, everything else is sorted.
func render(d access.Description, c *content) []byte {
	var b bytes.Buffer
	b.WriteString(c.header)
	b.WriteString("version: " + version + "\n")
	for _, kind := range d.Kinds {
		first := true
		for o := range c.state.Objects() {
			if o.ID.Kind != kind.Name {
				continue
			}
			if first {
				b.WriteString(plural(kind.Name) + ":\n")
				first = false
			}
			renderObject(&b, d, kind, c.state, o)
		}
	}
	b.WriteString(end + "\n")
	return b.Bytes()
}

func renderObject(b *bytes.Buffer, d access.Description, kind access.Kind, s *access.State, o access.Object) {
	b.WriteString("  " + quote(o.ID.Name) + ":")
	at := b.Len()
	b.WriteByte('\n')
	for _, a := range kind.Attributes {
		if v := o.Attributes[a.Name]; v != "" {
			b.WriteString("    " + a.Name + ": " + quote(v) + "\n")
		}
	}
	if o.Disabled {
		b.WriteString("    disabled: true\n")
	}
	if o.Reserved {
		b.WriteString("    reserved: true\n")
	}
	renderAccess(b, d, s, o.ID)
	if b.Len() == at+1 {
		b.Truncate(at)
		b.WriteString(" {}\n")
	}
}

// renderAccess writes one line for each target on which the subject holds something.
func renderAccess(b *bytes.Buffer, d access.Description, s *access.State, subject access.ID) {
	var on access.ID
	var held []string
	flush := func() {
		if len(held) == 0 {
			return
		}
		kind, _ := d.Kind(on.Kind)
		slices.SortFunc(held, func(x, y string) int { return kind.Level(x) - kind.Level(y) })
		value := held[0]
		if len(held) > 1 {
			value = "[" + strings.Join(held, ", ") + "]"
		}
		b.WriteString("      " + quote(on.String()) + ": " + value + "\n")
		held = held[:0]
	}
	for _, g := range s.GrantsOf(subject) {
		if on.IsZero() {
			b.WriteString("    access:\n")
		}
		if g.Target != on {
			flush()
			on = g.Target
		}
		held = append(held, g.Permission)
	}
	flush()
}

// quote writes a text plain if every reader of YAML takes it for the same text, and in double
// quotes (YAML 1.2.2, §7.3.1) otherwise.
func quote(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r): // letters, marks, numbers, signs, and the space
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// plain errs on the side of quotes: letters first, then letters, digits, single spaces and
// signs that mean nothing in YAML; and none of the words that YAML 1.1 or 1.2 takes for
// something else than a text.
func plain(s string) bool {
	space := true // a space now would be the first, or the second in a row
	for i, r := range s {
		switch {
		case 'a' <= r && r <= 'z':
			space = false
		case unicode.IsLetter(r) || i > 0 && (unicode.IsDigit(r) || strings.ContainsRune("_.@/+-()'", r)):
			space = false
		case r == ' ' && !space:
			space = true
		default:
			return false
		}
	}
	if space {
		return false
	}
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		return false
	}
	return true
}
