package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	// ErrCompile: the policies aren't ones. The error is an Errors with the places.
	ErrCompile = errors.New("the policies can't be compiled")
	// ErrJudge: the judge couldn't judge. Nothing may pass.
	ErrJudge = errors.New("the policies couldn't judge")
)

// Problem is one thing that is wrong with a policy. Lines and columns count from 1; 0: unknown.
type Problem struct {
	File      string
	Line, Col int
	Text      string
	Hint      string
}

// String gives file:line:col: text; hint.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
			if p.Col > 0 {
				fmt.Fprintf(&b, ":%d", p.Col)
			}
		}
		b.WriteString(": ")
	}
	b.WriteString(p.Text)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Errors are all problems of a set of policies, sorted by place. errors.Is(err, ErrCompile).
type Errors []Problem

// Error lists them, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Is makes every Errors an ErrCompile.
func (e Errors) Is(target error) bool { return target == ErrCompile }

func (e Errors) sorted() Errors {
	slices.SortFunc(e, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), strings.Compare(a.Text, b.Text))
	})
	return slices.Compact(e)
}

// or gives nil for none.
func (e Errors) or() error {
	if len(e) == 0 {
		return nil
	}
	return e.sorted()
}
