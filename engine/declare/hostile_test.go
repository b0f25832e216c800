package declare

import (
	"fmt"
	"strings"
	"testing"
)

// TestHostile: files that are meant to hurt are refused, with a place inside the file and few
// words. (That it is quick shows in that the test ends at all: each would take minutes or all
// memory if it were followed.)
func TestHostile(t *testing.T) {
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'z'; c++ {
		laughs += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), ","))
	}
	repeat := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, c := range map[string]struct{ data, want string }{
		"alias bomb":       {laughs, "anchors are refused"},
		"self alias":       {"person: &a\n  x: *a\n", "anchors are refused"},
		"merge bomb":       {"a: &a {x: 1}\n<<: [*a, *a]\n", "are refused"},
		"flow depth":       {"person: " + strings.Repeat("[", 300_000), "YAML"},
		"flow map depth":   {"person: " + strings.Repeat("{a: ", 50_000), "YAML"},
		"block depth":      {strings.Repeat("- ", 100_000) + "x", "YAML"},
		"closed depth":     {"person: " + strings.Repeat("[", 70) + strings.Repeat("]", 70), "nested more than 64 deep"},
		"depth of terms":   {"group: g\nmembers: [" + strings.Repeat("{not: ", 70) + "a" + strings.Repeat("}", 70) + "]", "nested more than 64 deep"},
		"size":             {"# " + strings.Repeat("x", 1<<20), "the limit is 1048576 (1 MiB)"},
		"documents":        {strings.Repeat("---\n", 20_000), "more than 10000 documents"},
		"same key":         {"person: a\n" + strings.Repeat("name: x\n", 30_000), "and 29899 more errors in this file"},
		"unknown keys":     {"person: a\n" + repeat(30_000, "key%d: x\n"), "and 29900 more errors in this file"},
		"dangling":         {"group: g\nmembers:\n" + repeat(30_000, "- x%d\n"), "and 29900 more errors in this file"},
		"long key":         {strings.Repeat("k", 100_000) + ": x\n", "YAML"},
		"long line":        {"person: a\nname: [" + strings.Repeat("x, ", 100_000) + "]\n", "name wants a text"},
		"many on a line":   {"role: r\naccess: {db: [" + repeat(30_000, "{role/r%d: x}, ") + "]}\n---\nsystem: db\nconnector: postgres\nconfig: {dsn: {env: X}}\n", "and 29900 more errors in this file"},
		"nul":              {"person: a\x00b\n", "U+0000 isn't allowed"},
		"escape":           {"person: \x1b[31m\n", "U+001B isn't allowed"},
		"not utf-8":        {"person: a\nname: \xff\n", "byte 0xff is not UTF-8"},
		"overlong":         {"person: \xc0\xaf\n", "is not UTF-8"},
		"utf-16":           {"\xfe\xff\x00p\x00e", "byte 0xfe is not UTF-8"},
		"utf-16 ascii":     {"p\x00e\x00", "U+0000 isn't allowed"},
		"bare cr":          {"person: a\rperson: b\n", "a carriage return by itself"},
		"next line":        {"person: a\u0085name: b\n", "U+0085 isn't allowed"},
		"line separator":   {"person: a # \u2028status: left\n", "U+2028 isn't allowed"},
		"turned text":      {"person: a # \u202e\n", "U+202E isn't allowed"},
		"isolated text":    {"person: a # \u2067\n", "U+2067 isn't allowed"},
		"c1 control":       {"person: a # \u009b\n", "U+009B isn't allowed"},
		"escaped control":  {"person: a\nname: \"\\x1b[2J\"\n", "U+001B, which isn't allowed"},
		"escaped newline":  {"person: a\nname: \"x\\ny\"\n", "U+000A, which isn't allowed"},
		"binary":           {"person: !!binary aGk=\n", "tags are refused"},
		"go tag":           {"person: !!python/object x\n", "tags are refused"},
		"directive":        {"%TAG ! tag:x,2000:\n---\nperson: !y z\n", "tags are refused"},
		"unused anchor":    {"person: alice\nname: &x y\n", "anchors are refused"},
		"anchor on a list": {"group: g\nmembers: &x [a]\n", "anchors are refused"},
		"anchor on a key":  {"person: a\n&x name: y\n", "anchors are refused"},
	} {
		t.Run(name, func(t *testing.T) {
			in := []File{{Path: configFile, Data: []byte(baseConfig)}, {Path: "x.yaml", Data: []byte(c.data)}}
			_, ps := load(in)
			checkProblems(t, in, ps)
			if text := ps.String(); !strings.Contains(text, c.want) {
				t.Errorf("%q isn't in\n%.2000s", c.want, text)
			} else if len(text) > 100_000 {
				t.Errorf("%d bytes of problems", len(text))
			}
		})
	}
}

// TestManyCycles: a graph in which everything contains everything is told in few words.
func TestManyCycles(t *testing.T) {
	var b strings.Builder
	for i := range 150 {
		fmt.Fprintf(&b, "group: g%d\nmembers:\n", i)
		for j := range 150 {
			fmt.Fprintf(&b, "- group: g%d\n", j)
		}
		b.WriteString("---\n")
	}
	_, ps := load([]File{{Path: configFile, Data: []byte(baseConfig)}, {Path: "x.yaml", Data: []byte(b.String())}})
	if len(ps) != maxCycles {
		t.Errorf("%d problems, want %d", len(ps), maxCycles)
	}
}

// TestLongChains: a chain as long as the organisation is no cycle and no trouble.
func TestLongChains(t *testing.T) {
	var people, groups strings.Builder
	people.WriteString("people:\n- {person: p0}\n")
	groups.WriteString("group: g0\n")
	for i := 1; i < 20_000; i++ {
		fmt.Fprintf(&people, "- {person: p%d, manager: p%d}\n", i, i-1)
	}
	for i := 1; i < 5_000; i++ {
		fmt.Fprintf(&groups, "---\ngroup: g%d\nmembers: [{group: g%d}]\n", i, i-1)
	}
	groups.WriteString("---\ngroup: last\nonly: [{group: g4999}]\n")
	_, ps := load([]File{{Path: configFile, Data: []byte(baseConfig)}, {Path: "p.yaml", Data: []byte(people.String())}, {Path: "g.yaml", Data: []byte(groups.String())}})
	if err := ps.Err(); err != nil {
		t.Error(err)
	}
}

// TestWindowsLineEnds: files from Windows editors are read like others.
func TestWindowsLineEnds(t *testing.T) {
	_, ps := load([]File{{Path: configFile, Data: []byte("\xef\xbb\xbf" + strings.ReplaceAll(baseConfig, "\n", "\r\n"))}, {Path: "p.yaml", Data: []byte("\xef\xbb\xbfperson: alice\r\nnmae: x\r\n")}})
	want := "p.yaml:2:1: \"nmae\" is not a key of a person\n   2 | nmae: x\n     | ^^^^ did you mean \"name\"?"
	if got := ps.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	_, ps = load([]File{{Path: configFile, Data: []byte(baseConfig)}, {Path: "p.yaml", Data: []byte("\xef\xbb\xbfprson: alice\r\n")}})
	if len(ps) != 1 || ps[0].Pos != (Pos{"p.yaml", At{1, 1}}) || ps[0].Width != 5 || ps[0].Source != "prson: alice" {
		t.Errorf("problems %+v", ps)
	}
}
