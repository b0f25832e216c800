package declare

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// issue is a problem before its line is looked up.
type issue struct {
	pos Pos
	// wrong is the text that the carets stand under, as it was understood.
	wrong string
	msg   string
	hint  string
	// masked asks that whatever looks like a credential on the line isn't shown.
	masked bool
}

// source is the text of a file, for showing its lines.
type source struct {
	data []byte
	// text gets the text where it isn't at hand, by the file's path and the name of its content; nil
	// if it is.
	text       func(path, blob string) []byte
	path, blob string
	// literals are the values under config. Whatever is wrong on such a line, those that may be
	// credentials aren't shown.
	literals []literal
	// broken says that not all of the file could be read.
	broken bool

	once  sync.Once
	split [][]byte
}

func newSource(data []byte) *source { return &source{data: data} }

func (s *source) lines() [][]byte {
	s.once.Do(func() {
		if s.text != nil {
			s.data = s.text(s.path, s.blob)
		}
		if len(s.data) > maxFileSize {
			return
		}
		s.split = bytes.Split(bytes.TrimPrefix(s.data, []byte("\ufeff")), []byte("\n"))
		for i, l := range s.split {
			s.split[i] = bytes.TrimSuffix(l, []byte("\r"))
		}
	})
	return s.split
}

// maxLine is how long a line may be, in bytes, to be shown: finding places in longer ones would
// take its time for every problem.
const maxLine = 4096

// line is the text of a line, counted from 1, without its end; "" if there is none, or if it
// is too long to be shown.
func (s *source) line(n int) string {
	if s == nil || n < 1 || n > len(s.lines()) || len(s.lines()[n-1]) > maxLine {
		return ""
	}
	return string(s.lines()[n-1])
}

// from is what stands on the line from the place on.
func (s *source) from(at At) string {
	rest := s.line(int(at.Line))
	for i := int32(1); i < at.Col && rest != ""; i++ {
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
	}
	return rest
}

// find gives the place of a text at or after a place on the same line, or the place itself.
func (s *source) find(at At, text string) At {
	rest := s.from(at)
	i := strings.Index(rest, text)
	if i < 0 {
		return at
	}
	return At{at.Line, at.Col + int32(utf8.RuneCountInString(rest[:i]))}
}

// width is how many characters the wrong text has on its line.
func (s *source) width(at At, wrong string) int {
	rest := s.from(at)
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') && !strings.HasPrefix(wrong, rest[:1]) {
		if end := closingQuote(rest); end > 0 {
			return utf8.RuneCountInString(rest[:end])
		}
	}
	if first, _, _ := strings.Cut(wrong, "\n"); first != "" && strings.HasPrefix(rest, first) {
		return utf8.RuneCountInString(first)
	}
	return 1
}

// closingQuote is the length of the quoted text that s begins with, or 0 if it doesn't end.
func closingQuote(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"':
			i++
		case s[i] == s[0] && s[0] == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return 0
}

// literal is a value under config: it may be a credential that somebody wrote down.
type literal struct {
	at   At
	text string
}

// credential finds keys that speak of credentials, with what follows them on the line.
var credential = regexp.MustCompile(`(?i)(?:pass|secret|token|key|dsn|credential|auth)[a-z_-]*["']?\s*:\s*`)

// hideAfterKeys hides what follows a key that speaks of credentials: for lines that couldn't
// be understood.
func hideAfterKeys(line string) string {
	m := credential.FindStringIndex(line)
	if m == nil {
		return line
	}
	return line[:m[1]] + strings.Repeat("*", utf8.RuneCountInString(line[m[1]:]))
}

// hide puts stars over literals that start on the line, one for each character, so that
// columns stay what they are. What isn't surely the literal's text is covered up to the end.
func (s *source) hide(line int32, shown map[At]bool) string {
	text := []rune(s.line(int(line)))
	for _, l := range s.literals {
		if l.at.Line != line || shown[l.at] {
			continue
		}
		from := int(l.at.Col) - 1
		to := len(text)
		rest := s.from(l.at)
		if quoted := strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "'"); quoted || strings.HasPrefix(rest, l.text) && l.text != "" {
			if w := s.width(l.at, l.text); w > 1 || !quoted {
				to = from + w
			}
		}
		for i := from; i < min(to, len(text)); i++ {
			text[i] = '*'
		}
	}
	return string(text)
}

// problem looks up the line of the issue. Literals under config are shown only where they are
// known to be no secrets.
func (s *source) problem(is issue, shown map[At]bool) Problem {
	p := Problem{Pos: is.pos, Message: is.msg, Hint: is.hint}
	if is.pos.Line == 0 {
		return p
	}
	p.Source = s.hide(is.pos.Line, shown)
	if is.masked {
		p.Source = hideAfterKeys(p.Source)
	}
	p.Width = s.width(is.pos.At, is.wrong)
	return p
}

// maxProblems is how many problems of one file are reported.
const maxProblems = 100

// problems sorts the issues, cuts off the excess of any file and looks up the lines. The
// literals at the places in shown are no secrets.
func problems(issues []issue, sources func(file string) *source, shown map[string]map[At]bool) Problems {
	slices.SortStableFunc(issues, issue.compare)
	issues = slices.CompactFunc(issues, func(a, b issue) bool { return a.compare(b) == 0 })
	var out Problems
	for i := 0; i < len(issues); {
		file := issues[i].pos.File
		n := 1
		for i+n < len(issues) && issues[i+n].pos.File == file {
			n++
		}
		src := sources(file)
		if src == nil {
			src = newSource(nil)
		}
		for _, is := range issues[i : i+min(n, maxProblems)] {
			out = append(out, src.problem(is, shown[file]))
		}
		if n > maxProblems {
			rest := issue{pos: issues[i+maxProblems].pos, msg: fmt.Sprintf("and %d more errors in this file, from here on", n-maxProblems)}
			out = append(out, src.problem(rest, shown[file]))
		}
		i += n
	}
	return out
}

func (is issue) compare(o issue) int {
	return cmp.Or(
		strings.Compare(is.pos.File, o.pos.File),
		cmp.Compare(is.pos.Line, o.pos.Line),
		cmp.Compare(is.pos.Col, o.pos.Col),
		strings.Compare(is.msg, o.msg),
		strings.Compare(is.hint, o.hint),
	)
}
