package declare

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// plainWord is what YAML of every version and in every place takes for that text; words that
// mean something else to some of them are in special.
var (
	plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*$`)
	special   = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|nan|inf)$`)
)

// Scalar writes a text so that it is read back as it is: plain words as they are, all else in
// double quotes, with what can't be seen escaped.
func Scalar(s string) string {
	if plainWord.MatchString(s) && !special.MatchString(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
