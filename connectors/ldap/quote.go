package ldap

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"
	"golang.org/x/text/unicode/norm"
)

// maxName is the longest name in bytes that Accord takes: servers that keep names in indexes
// refuse RDNs beyond some 240 bytes, and a DN may write a character as three.
const maxName = 128

// fold gives the one form of all spellings that caseIgnoreMatch takes for the same: compatible
// characters, lower case, no spaces around and single ones within (RFC 4518, section 2).
func fold(s string) string {
	if plain(s) {
		return s
	}
	s = norm.NFKC.String(strings.ToLower(norm.NFKD.String(s)))
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}

// plain reports whether folding leaves a text alone, without looking far: most names are lower
// case ASCII.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' || c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

// checkName refuses names that a directory can't hold, or that look like another.
func checkName(name string) error {
	switch {
	case !utf8.ValidString(name):
		return errors.New("the name isn't valid UTF-8")
	case fold(name) == "":
		return errors.New("the name is empty")
	case len(fold(name)) > maxName:
		return fmt.Errorf("the name has %d bytes; %d are allowed", len(fold(name)), maxName)
	}
	if i := strings.IndexFunc(name, invisible); i >= 0 {
		return fmt.Errorf("the name holds an invisible character after %q", name[:i])
	}
	return nil
}

// invisible characters are prepared away by some servers and kept by others (RFC 4518, section
// 2.2), so that two names could be one.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp, unicode.Variation_Selector) || r == utf8.RuneError
}

// quoteRDN writes a value for use in a DN (RFC 4514, section 2.4).
func quoteRDN(value string) string {
	var b strings.Builder
	for i, r := range value {
		switch {
		case r == 0 || unicode.IsControl(r):
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, `\%02x`, c)
			}
		case strings.ContainsRune(`"+,;<>\=`, r),
			i == 0 && (r == ' ' || r == '#'),
			i == len(value)-1 && r == ' ':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// rdn writes one relative DN.
func rdn(attr, value string) string { return attr + "=" + quoteRDN(value) }

// child writes the DN of an entry right below another.
func child(relative, parent string) string {
	if parent == "" {
		return relative
	}
	return relative + "," + parent
}

// eq is the filter for entries that have the value (RFC 4515, section 3).
func eq(attr, value string) string { return "(" + attr + "=" + goldap.EscapeFilter(value) + ")" }

// anyOf is the filter for entries that fit one of the filters.
func anyOf(filters ...string) string {
	if len(filters) == 1 {
		return filters[0]
	}
	return "(|" + strings.Join(filters, "") + ")"
}

// allOf is the filter for entries that fit all of the filters.
func allOf(filters ...string) string {
	if len(filters) == 1 {
		return filters[0]
	}
	return "(&" + strings.Join(filters, "") + ")"
}

// canonicalDN gives the one form of all spellings of a DN: attribute types by their short names
// in lower case, values folded, no spaces around separators, the parts of a relative DN in
// order. It takes every value for one that ignores case, which is so for all attributes that
// commonly name entries.
func canonicalDN(dn string) (string, error) {
	if isCanonical(dn) {
		return dn, nil
	}
	return parseDN(dn)
}

// isCanonical reports whether a DN is in its one form already, without looking far: most are
// short types and plain values.
func isCanonical(dn string) bool {
	for rest, more := dn, true; more; {
		var relative string
		relative, rest, more = strings.Cut(rest, ",")
		attr, value, ok := strings.Cut(relative, "=")
		if !ok || attr == "" || value == "" || shortType(attr) != attr {
			return false
		}
		for i := range len(attr) {
			if c := attr[i]; c < 'a' || c > 'z' {
				return false
			}
		}
		for i := range len(value) {
			if c := value[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '@') {
				return false
			}
		}
	}
	return true
}

// parseDN is canonicalDN for any spelling.
func parseDN(dn string) (string, error) {
	parsed, err := goldap.ParseDN(dn)
	if err != nil {
		return "", fmt.Errorf("%q is no DN", dn)
	}
	var b strings.Builder
	for i, r := range parsed.RDNs {
		if i > 0 {
			b.WriteByte(',')
		}
		parts := slices.Clone(r.Attributes)
		canonical := make([]string, len(parts))
		for k, p := range parts {
			if !isType(shortType(p.Type)) || !utf8.ValidString(p.Value) {
				return "", fmt.Errorf("%q is no DN", dn)
			}
			value := p.Value
			if shortType(p.Type) != "memberuid" { // caseExactIA5Match (RFC 2307)
				value = fold(value)
			}
			canonical[k] = rdn(shortType(p.Type), value)
		}
		slices.Sort(canonical)
		b.WriteString(strings.Join(canonical, "+"))
	}
	return keepUID(b.String()), nil
}

// keepUID puts back in upper case the B that ends the optional unique identifier of a member
// (RFC 4517, section 3.3.21), as in "cn=a,dc=b#'0101'B". It tells one that has a DN from others
// that had it before, and so is a part of the name.
func keepUID(key string) string {
	rest, ok := strings.CutSuffix(key, "'b")
	i := strings.LastIndex(rest, "#'")
	if !ok || i < 0 || strings.Trim(rest[i+2:], "01") != "" {
		return key
	}
	return rest + "'B"
}

// isType reports whether a text can be the type of an attribute: a name or a number (RFC 4512,
// section 1.4).
func isType(t string) bool {
	return t != "" && strings.IndexFunc(t, func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '.')
	}) < 0
}

// dnKey is canonicalDN of what a server said: what isn't a DN stands for itself.
func dnKey(dn string) string {
	if key, err := canonicalDN(dn); err == nil {
		return key
	}
	return strings.ToLower(dn)
}

// shortType maps the long names and the numbers of the attributes that commonly name entries to
// their short names (RFC 4519, section 2).
func shortType(t string) string {
	t = strings.ToLower(strings.TrimSpace(t))
	switch strings.TrimPrefix(t, "oid.") {
	case "commonname", "2.5.4.3":
		return "cn"
	case "userid", "0.9.2342.19200300.100.1.1":
		return "uid"
	case "domaincomponent", "0.9.2342.19200300.100.1.25":
		return "dc"
	case "organizationalunitname", "2.5.4.11":
		return "ou"
	case "organizationname", "2.5.4.10":
		return "o"
	case "countryname", "2.5.4.6":
		return "c"
	case "localityname", "2.5.4.7":
		return "l"
	case "stateorprovincename", "2.5.4.8":
		return "st"
	case "surname", "2.5.4.4":
		return "sn"
	}
	return t
}

// below reports whether one canonical DN is at or under another.
func below(key, base string) bool {
	return base == "" || key == base || strings.HasSuffix(key, ","+base) && !escapedAt(key, len(key)-len(base)-1)
}

// escapedAt reports whether the character there has an odd number of backslashes before it.
func escapedAt(s string, i int) bool {
	n := 0
	for i--; i >= 0 && s[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// splitDN cuts a DN into its first relative DN and the rest, as they are spelled.
func splitDN(dn string) (relative, parent string) {
	for i := range len(dn) {
		if dn[i] == ',' && !escapedAt(dn, i) {
			return dn[:i], strings.TrimLeft(dn[i+1:], " ")
		}
	}
	return dn, ""
}

// firstRDN gives the attribute and the value that name an entry. Of several parts it is the
// first in order that has the wanted attribute, else the first in order.
func firstRDN(dn, wanted string) (attr, value string) {
	parsed, err := goldap.ParseDN(dn)
	if err != nil || len(parsed.RDNs) == 0 || len(parsed.RDNs[0].Attributes) == 0 {
		return "", ""
	}
	parts := slices.Clone(parsed.RDNs[0].Attributes)
	slices.SortFunc(parts, func(a, b *goldap.AttributeTypeAndValue) int {
		wa, wb := shortType(a.Type) != shortType(wanted), shortType(b.Type) != shortType(wanted)
		if wa != wb {
			return map[bool]int{true: 1, false: -1}[wa]
		}
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Value, b.Value))
	})
	return shortType(parts[0].Type), parts[0].Value
}

// singleRDN reports whether an entry is named by one attribute alone.
func singleRDN(dn string) bool {
	parsed, err := goldap.ParseDN(dn)
	return err == nil && len(parsed.RDNs) > 0 && len(parsed.RDNs[0].Attributes) == 1
}
