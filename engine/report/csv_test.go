package report

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
)

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"alice":                  "alice",
		"=1+1":                   "'=1+1",
		"+49 30 1234":            "'+49 30 1234",
		"-2":                     "'-2",
		"@SUM(A1)":               "'@SUM(A1)",
		"\uff1d1":                "'\uff1d1",
		"\uff20x":                "'\uff20x",
		"\t=1":                   `\t=1`,
		"\r\n=1":                 `\r\n=1`,
		"a=1":                    "a=1",
		" =1":                    " =1",
		"'=1":                    "'=1",
		"a\nb":                   `a\nb`,
		"\x1b[31mred":            `\x1b[31mred`,
		"\u202egpj.exe":          `\u202egpj.exe`,
		"=cmd|' /C calc'!A0":     "'=cmd|' /C calc'!A0",
		`say "no", or ; nothing`: `say "no", or ; nothing`,
	} {
		if got := cell(in); got != want {
			t.Errorf("%q is written %q, not %q", in, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	w := newTable(&b, "a", "b")
	w.row("x,y", `"q"`)
	w.row("", "=1")
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	if want := "a,b\r\n\"x,y\",\"\"\"q\"\"\"\r\n,'=1\r\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
	w.row("one cell")
	if err := w.flush(); err == nil {
		t.Error("a short line was written")
	}
}

// checkCSV wants lines of the columns given, each of them one line and harmless everywhere.
func checkCSV(t *testing.T, text string, columns []string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 || strings.Join(rows[0], ",") != strings.Join(columns, ",") {
		t.Fatalf("the columns aren't %v: %.200s", columns, text)
	}
	if n := strings.Count(text, "\r\n"); n != len(rows) || strings.Count(text, "\n") != n {
		t.Errorf("%d rows on %d lines", len(rows), n)
	}
	for _, row := range rows {
		for _, c := range row {
			if cell(c) != c || Clean(c) != c {
				t.Errorf("not safe in a spreadsheet: %q", c)
			}
		}
	}
}

// FuzzTable: whatever stands in the cells, a reader gets back as many, each as cell says, on one
// line, and none of them is a formula.
func FuzzTable(f *testing.F) {
	f.Add("alice", "=1+1", "a\nb")
	f.Add(`"`, ",", "\r\n")
	f.Add("\uff1dx", "'", "\xff\x00")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var out bytes.Buffer
		w := newTable(&out, "a", "b", "c")
		w.row(a, b, c)
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		checkCSV(t, out.String(), []string{"a", "b", "c"})
		rows, _ := csv.NewReader(strings.NewReader(out.String())).ReadAll()
		if len(rows) != 2 || rows[1][0] != cell(a) || rows[1][1] != cell(b) || rows[1][2] != cell(c) {
			t.Errorf("%q, %q and %q are read as %q", a, b, c, rows)
		}
	})
}
