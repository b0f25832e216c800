package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// table writes CSV for auditors (RFC 4180: comma, CRLF, quotes doubled), with the names of the
// columns on the first line. The columns of a report and their order are part of its format:
// new ones come last.
//
// A cell is safe to open in a spreadsheet, which takes for a formula what begins with =, +, - or @:
// such a cell gets an apostrophe in front (OWASP, "CSV Injection"). Control characters, tabs and
// line ends among them, are written as Clean does, so that a row is one line.
type table struct {
	w    *csv.Writer
	cols int
	err  error
}

func newTable(w io.Writer, columns ...string) *table {
	t := &table{w: csv.NewWriter(w), cols: len(columns)}
	t.w.UseCRLF = true
	t.err = t.w.Write(columns)
	return t
}

// row writes one line.
func (t *table) row(cells ...string) {
	if t.err != nil {
		return
	}
	if len(cells) != t.cols {
		t.err = fmt.Errorf("a line of %d cells in a table of %d columns", len(cells), t.cols)
		return
	}
	for i, c := range cells {
		cells[i] = cell(c)
	}
	t.err = t.w.Write(cells)
}

func (t *table) flush() error {
	t.w.Flush()
	if t.err == nil {
		t.err = t.w.Error()
	}
	if t.err != nil {
		return fmt.Errorf("writing CSV: %w", t.err)
	}
	return nil
}

// cell makes a value safe in a spreadsheet. Some take the wide forms of these characters for the
// same.
func cell(s string) string {
	s = Clean(s)
	switch r, _ := utf8.DecodeRuneInString(s); r {
	case '=', '+', '-', '@', '\uff1d', '\uff0b', '\uff0d', '\uff20':
		return "'" + s
	}
	return s
}

// instant is a time in a cell or a line for machines: RFC 3339, UTC; empty for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// several are values that share a cell.
func several(in []string) string { return strings.Join(in, "; ") }
