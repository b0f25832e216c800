package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes a string from outside safe to print: names on systems, error texts and lines of
// a declaration may hold bytes that move the cursor, recolour the screen, start a new line or
// turn the reading direction round, and so make a terminal show something else than what is
// there. Control and format characters (Unicode categories Cc and Cf: escape sequences, line
// breaks, bidirectional controls, zero-width characters), separators other than the plain
// space, private and unassigned characters, characters that are drawn as nothing, and invalid
// UTF-8 are written as Go would escape them. Everything else stays as it is, a backslash too,
// so that cleaning twice changes nothing.
func Clean(s string) string {
	i := 0
	for i < len(s) && ' ' <= s[i] && s[i] <= '~' {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:i])
	for rest := s[i:]; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, rest[0])
		case harmless(r):
			b.WriteString(rest[:n])
		default:
			b.WriteString(escape(r))
		}
		rest = rest[n:]
	}
	return b.String()
}

// harmless reports whether a terminal shows the character, as itself, and nothing else.
func harmless(r rune) bool {
	if r < utf8.RuneSelf {
		return ' ' <= r && r <= '~'
	}
	return unicode.IsPrint(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) && r != blankBraille
}

// blankBraille is a symbol that is drawn as nothing.
const blankBraille = '\u2800'

func escape(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// columns is how wide the cleaned string is. Every character counts as one.
func columns(s string) int { return utf8.RuneCountInString(Clean(s)) }

// quoteName makes a name one piece to the eye: names with spaces, commas or nothing in them are
// put in quotes where they stand in a list.
func quoteName(s string) string {
	if s == "" || strings.ContainsAny(s, " ,\"") {
		return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
	}
	return s
}

// shellWord writes an argument so that it can be copied into a POSIX shell and means itself:
// refs hold names from systems, and a name may hold a space, or a command. What Clean would
// escape is written as $'…', which bash, zsh and ksh read (and POSIX since 2024).
func shellWord(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plainInShell(r) }) < 0 {
		return s
	}
	if Clean(s) == s {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for rest := s; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		if harmless(r) && (r != utf8.RuneError || n > 1) {
			if r == '\'' || r == '\\' {
				b.WriteByte('\\')
			}
			b.WriteString(rest[:n])
		} else {
			for _, c := range []byte(rest[:n]) {
				fmt.Fprintf(&b, `\%03o`, c) // always three digits, so that what follows isn't taken in
			}
		}
		rest = rest[n:]
	}
	b.WriteByte('\'')
	return b.String()
}

func plainInShell(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/:._-@+,%=", r)
}

// jsonGuard passes JSON on and writes the characters that Clean would escape as \u…: JSON
// reads the same, and a terminal it is printed on is safe. Outside ASCII every character of a
// JSON text stands in a string, so the text needn't be parsed; what JSON leaves unescaped in
// ASCII is harmless but for DEL.
type jsonGuard struct {
	w    io.Writer
	part []byte // the beginning of a character whose end hasn't come yet
	buf  []byte
}

// Write implements io.Writer.
func (g *jsonGuard) Write(p []byte) (int, error) {
	in := p
	if len(g.part) > 0 {
		in = append(g.part, p...)
		g.part = nil
	}
	g.buf = g.buf[:0]
	for len(in) > 0 {
		if n := plainJSON(in); n > 0 { // nearly all of it
			g.buf, in = append(g.buf, in[:n]...), in[n:]
			continue
		}
		if !utf8.FullRune(in) {
			g.part = append([]byte(nil), in...)
			break
		}
		r, n := utf8.DecodeRune(in)
		switch {
		case r == utf8.RuneError && n == 1:
			g.buf = append(g.buf, `\ufffd`...)
		case r == '\n', harmless(r):
			g.buf = append(g.buf, in[:n]...)
		case r > 0xffff:
			r -= 0x10000
			g.buf = fmt.Appendf(g.buf, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			g.buf = fmt.Appendf(g.buf, `\u%04x`, r)
		}
		in = in[n:]
	}
	if _, err := g.w.Write(g.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

// plainJSON is how much of the text, from its beginning, is ASCII that nothing is done to.
func plainJSON(in []byte) int {
	for i, c := range in {
		if c != '\n' && (c < ' ' || c > '~') {
			return i
		}
	}
	return len(in)
}
