package report

import (
	"html"
	"net/url"
	"strings"
	"unicode/utf8"
)

// A comment on a merge request is read by three Markdown dialects (GitHub, GitLab, Gitea) and
// then once more by their filters, which make links and notifications of @name, #12, !12 and
// the like. Strings from outside therefore reach a page of Markdown through these functions
// alone, and never stand at the beginning of a line, where GitLab takes "/close" for an order:
//
//	mdText   within a sentence
//	mdCode   as code, which no filter looks into
//	mdHTML   within an HTML block, such as a <summary>

// apart is drawn as nothing (zero width space). It stands after a character that would begin a
// reference, which then is none for any filter; escaping the character wouldn't help, since the
// filters see the text after Markdown is done.
const apart = "&#8203;"

// mdText makes a string from outside a piece of a sentence. It may stand at the beginning of an
// item of a list: what would make a list of it there is escaped.
func mdText(s string) string {
	s = escapeText(s, mdEscape)
	if s == "" {
		return s
	}
	switch n := len(s) - len(strings.TrimLeft(s, "0123456789")); {
	case strings.ContainsRune("-+=", rune(s[0])):
		return `\` + s
	case 0 < n && n < len(s) && (s[n] == '.' || s[n] == ')'):
		return s[:n] + `\` + s[n:]
	}
	return s
}

// mdStrong is mdText in bold.
func mdStrong(s string) string {
	text := mdText(s)
	if text == "" || strings.TrimSpace(text) != text {
		return mdCode(s)
	}
	return "**" + text + "**"
}

// mdHTML is mdText for within an HTML block, where Markdown isn't read.
func mdHTML(s string) string {
	return escapeText(s, func(r rune) string {
		if r < utf8.RuneSelf {
			return html.EscapeString(string(r))
		}
		return string(r)
	})
}

func mdEscape(r rune) string {
	switch r {
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '&':
		return "&amp;"
	case '$':
		return "&#36;" // GitHub reads formulas before anything else
	case '\\', '`', '*', '_', '[', ']', '|', '~', '#':
		return `\` + string(r)
	}
	return string(r)
}

func escapeText(s string, escape func(rune) string) string {
	s = Clean(s)
	var b strings.Builder
	before := ' '
	for i, r := range s {
		b.WriteString(escape(r))
		after, n := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
		if n > 0 && refers(before, r, after) || r == '.' && i >= 3 && strings.EqualFold(s[i-3:i], "www") {
			b.WriteString(apart)
		}
		before = r
	}
	return b.String()
}

// refers reports whether a filter could take the character, with what stands round it, for the
// beginning of a reference: to a user, an issue, a merge request, a label, an address, an emoji.
func refers(before, r, after rune) bool {
	switch r {
	case '@', '#', '!', '$', '~', '%', '&', '^', '[', '*':
		return isWord(after) || after == '"' || after == '\''
	case ':':
		return after == '/' || after == '+' || after == '-' || isWord(after) && !(isDigit(before) && isDigit(after))
	case '-':
		return 'A' <= before && before <= 'Z' && isDigit(after) // GH-12, PROJ-12
	}
	return false
}

func isWord(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || isDigit(r) || r == '_' || r >= utf8.RuneSelf && r != utf8.RuneError
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// mdCode makes a string from outside a code span. It is shown as it is, but for what Clean
// escapes.
func mdCode(s string) string {
	s = Clean(s)
	if strings.TrimSpace(s) == "" {
		s = `"` + s + `"`
	}
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.HasPrefix(s, " ") && strings.HasSuffix(s, " ") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// mdLink is a link to an address that the caller gives; what is no address of a page is told as
// text.
func mdLink(text, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return text + ": " + mdText(address)
	}
	a := strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20", "\\", "%5C", "`", "%60").Replace(u.String())
	return "[" + text + "](<" + Clean(a) + ">)"
}
