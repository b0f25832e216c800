package declare

import (
	"strings"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/access"
)

// Glob reports whether the whole of s matches the pattern. It is used by match, manage and
// protect:
//
//   - any run of characters, none as well, "/" included
//     ?      any one character
//     [a-z]  one character of the set; [!a-z] or [^a-z] one that isn't in it
//
// Everything else stands for itself, the backslash too (names like ACME\bob are common);
// [*] matches a star, and a "[" that is never closed matches itself. Upper and lower case
// differ. The cost is at most the product of the two lengths.
func Glob(pattern, s string) bool {
	// star is the pattern after the last star, rest the text that it was last tried on: only
	// the last star ever needs to take more.
	var star, rest string
	starred := false
	for {
		switch {
		case pattern != "" && pattern[0] == '*':
			pattern = pattern[1:]
			star, rest, starred = pattern, s, true
			continue
		case pattern == "" && s == "":
			return true
		case pattern != "" && s != "":
			_, size := utf8.DecodeRuneInString(s)
			if used, ok := globOne(pattern, s[:size]); ok {
				pattern, s = pattern[used:], s[size:]
				continue
			}
		}
		if !starred || rest == "" {
			return false
		}
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		pattern, s = star, rest
	}
}

// globOne matches one character, and says how much of the pattern that took.
func globOne(pattern, char string) (int, bool) {
	_, size := utf8.DecodeRuneInString(pattern)
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		if set, ok := globSet(pattern); ok {
			return len(set) + 2, inSet(set, char)
		}
	}
	return size, pattern[:size] == char
}

// globSet is what stands between the brackets that the pattern begins with. A "]" directly
// after the opening (and its negation) belongs to the set.
func globSet(pattern string) (string, bool) {
	from := 1
	if len(pattern) > 1 && (pattern[1] == '!' || pattern[1] == '^') {
		from = 2
	}
	if len(pattern) <= from {
		return "", false
	}
	i := strings.IndexByte(pattern[from+1:], ']')
	if i < 0 {
		return "", false
	}
	return pattern[1 : from+1+i], true
}

func inSet(set, char string) bool {
	c, _ := utf8.DecodeRuneInString(char)
	negated := set[0] == '!' || set[0] == '^'
	if negated {
		set = set[1:]
	}
	for set != "" {
		lo, size := utf8.DecodeRuneInString(set)
		set = set[size:]
		hi := lo
		if len(set) > 1 && set[0] == '-' {
			hi, size = utf8.DecodeRuneInString(set[1:])
			set = set[1+size:]
		}
		if lo <= c && c <= hi {
			return !negated
		}
	}
	return negated
}

// IsGlob reports whether the text holds a character that Glob doesn't take for itself.
func IsGlob(s string) bool { return strings.ContainsAny(s, "*?[") }

// GlobID matches an object as manage and protect name it: "kind/glob", where the kind may be a
// glob too, or just the name of an account.
func GlobID(pattern string, id access.ID) bool {
	kind, name, ok := strings.Cut(pattern, "/")
	if !ok {
		return id.IsAccount() && Glob(pattern, id.Name)
	}
	return Glob(kind, id.Kind) && Glob(name, id.Name)
}
