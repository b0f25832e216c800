package declare

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing that is wrong with the declaration.
type Problem struct {
	// Pos is where it is. Line 0 means the file as a whole.
	Pos Pos
	// Width is how many characters of the line are wrong, from Pos.Col on; at least 1 where
	// there is a line.
	Width int
	// Source is the text of the line, without it if that has more than 4096 bytes. Where the line
	// may hold a secret, its value is masked.
	Source string
	// Message says what is wrong, Hint what to do; the hint may be missing.
	Message string
	Hint    string
}

// Problems are all that is wrong, sorted by file, line and column.
type Problems []Problem

// Err returns the problems as an error, and nil if there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Error shows every problem with its line, carets under what is wrong, and the hint.
func (ps Problems) Error() string { return ps.String() }

// String is Error: without a line break at the end, and empty if there are no problems.
func (ps Problems) String() string {
	var b strings.Builder
	for i, p := range ps {
		if i > 0 {
			b.WriteByte('\n')
		}
		p.write(&b)
	}
	return b.String()
}

// Count is the number of problems and of the files that they are in.
func (ps Problems) Count() (problems, files int) {
	seen := map[string]bool{}
	for _, p := range ps {
		seen[p.Pos.File] = true
	}
	return len(ps), len(seen)
}

// Summary is "2 errors in 2 files", and "no errors" if there are none.
func (ps Problems) Summary() string {
	n, files := ps.Count()
	if n == 0 {
		return "no errors"
	}
	return plural(n, "error") + " in " + plural(files, "file")
}

// Merge gives the problems of both, sorted, each once.
func (ps Problems) Merge(others Problems) Problems {
	all := slices.Concat(ps, others)
	slices.SortStableFunc(all, Problem.compare)
	return slices.Compact(all)
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// String shows the problem as Problems.String does.
func (p Problem) String() string {
	var b strings.Builder
	p.write(&b)
	return b.String()
}

func (p Problem) compare(o Problem) int {
	return cmp.Or(
		strings.Compare(p.Pos.File, o.Pos.File),
		cmp.Compare(p.Pos.Line, o.Pos.Line),
		cmp.Compare(p.Pos.Col, o.Pos.Col),
		strings.Compare(p.Message, o.Message),
		strings.Compare(p.Hint, o.Hint),
	)
}

// String gives "file:line:col", and the file alone for line 0.
func (p Pos) String() string {
	if p.Line == 0 {
		return printable(p.File)
	}
	return fmt.Sprintf("%s:%d:%d", printable(p.File), p.Line, p.Col)
}

// fileLine gives "file:line", as hints name other places.
func (p Pos) fileLine() string { return fmt.Sprintf("%s:%d", printable(p.File), p.Line) }

// shownWidth is how much of a long line is shown, in characters.
const shownWidth = 160

func (p Problem) write(b *strings.Builder) {
	fmt.Fprintf(b, "%s: %s", p.Pos, printable(p.Message))
	if p.Pos.Line == 0 || p.Source == "" {
		if p.Hint != "" {
			b.WriteString("\n  " + printable(p.Hint))
		}
		return
	}
	line, col := []rune(printable(p.Source)), int(p.Pos.Col)
	width := max(p.Width, 1)
	if len(line) > shownWidth {
		// Long lines are shown around the place; "…" stands for what is left out.
		from := min(max(col-1-shownWidth/4, 0), len(line))
		to := min(from+shownWidth, len(line))
		cut := slices.Clone(line[from:to])
		if to < len(line) {
			cut = append(cut, '…')
		}
		if from > 0 {
			cut, from = append([]rune{'…'}, cut...), from-1
		}
		line, col = cut, col-from
		width = max(min(width, len(line)-col+1), 1)
	}
	number := fmt.Sprintf("%4d", p.Pos.Line)
	fmt.Fprintf(b, "\n%s | %s", number, string(line))
	fmt.Fprintf(b, "\n%s | %s%s", strings.Repeat(" ", len(number)), strings.Repeat(" ", max(col-1, 0)), strings.Repeat("^", width))
	if p.Hint != "" {
		b.WriteString(" " + printable(p.Hint))
	}
}

// printable replaces what could steer a terminal: a problem is shown to people.
func printable(s string) string {
	ok := true
	for _, r := range s {
		if unicode.IsControl(r) || hidden(r) {
			ok = false
			break
		}
	}
	if ok && utf8.ValidString(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r) || hidden(r):
			return utf8.RuneError
		}
		return r
	}, s)
}
