package access

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold leaves out of a name all in which systems differ when they compare names: case, marks above
// and below letters, forms of one character (Unicode's compatibility forms), spaces. Names that a
// system takes for one have one fold (see Kind.Folded); names that it keeps apart may have one,
// too. So it finds whom a name may be that of, and tells of nobody that it is.
func Fold(name string) string {
	if plainFold(name) {
		return name
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch r = unicode.ToLower(r); {
		case r == ' ' || unicode.Is(unicode.M, r):
		case r == 'ς': // one letter in two places, of which some forms become the one, some the other
			b.WriteRune('σ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// plainFold reports whether folding leaves a name alone, without looking far: most names are lower
// case ASCII.
func plainFold(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c == ' ' || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}
