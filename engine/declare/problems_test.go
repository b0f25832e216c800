package declare

import (
	"errors"
	"slices"
	"testing"
)

func TestProblems(t *testing.T) {
	var none Problems
	if none.Err() != nil || none.String() != "" || none.Summary() != "no errors" || none.Merge(nil) != nil {
		t.Errorf("no problems are an error: %v", none.Err())
	}
	a := Problem{Pos: Pos{"a.yaml", At{2, 1}}, Width: 3, Source: "abc: x", Message: "m"}
	b := Problem{Pos: Pos{"a.yaml", At{10, 1}}, Width: 1, Source: "x", Message: "m", Hint: "h"}
	c := Problem{Pos: Pos{File: "accord.yaml"}, Message: "m", Hint: "h"}
	d := Problem{Pos: Pos{"b.yaml", At{3, 7}}, Width: 1, Message: "without its line", Hint: "h"}
	ps := Problems{d, b}.Merge(Problems{c, a, b})
	want := "a.yaml:2:1: m\n   2 | abc: x\n     | ^^^\na.yaml:10:1: m\n  10 | x\n     | ^ h\naccord.yaml: m\n  h\nb.yaml:3:7: without its line\n  h"
	if got := ps.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := ps.Summary(); got != "4 errors in 3 files" {
		t.Errorf("summary %q", got)
	}
	if got := (Problems{a}).Summary(); got != "1 error in 1 file" {
		t.Errorf("summary %q", got)
	}
	var as Problems
	if err := ps.Err(); err.Error() != want || !errors.As(err, &as) || !slices.Equal(as, ps) {
		t.Errorf("as an error: %v", err)
	}
}

func TestProblemShown(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Problem
		want string
	}{
		{"wide number", Problem{Pos: Pos{"a", At{12345, 2}}, Width: 2, Source: "xyz", Message: "m"}, "a:12345:2: m\n12345 | xyz\n      |  ^^"},
		{"terminal codes", Problem{Pos: Pos{"a\x1b[2J\nb", At{1, 3}}, Width: 1, Source: "\ta\x1b[31m\u202eb", Message: "m\x07", Hint: "h\r"}, "a�[2J�b:1:3: m�\n   1 |  a�[31m�b\n     |   ^ h�"},
		{"not utf-8", Problem{Pos: Pos{"a", At{1, 1}}, Width: 1, Source: "\xff", Message: "m"}, "a:1:1: m\n   1 | �\n     | ^"},
		{"end of line", Problem{Pos: Pos{"a", At{1, 4}}, Width: 0, Source: "abc", Message: "m"}, "a:1:4: m\n   1 | abc\n     |    ^"},
	} {
		if got := c.p.String(); got != c.want {
			t.Errorf("%s: got\n%q\nwant\n%q", c.name, got, c.want)
		}
	}
}

// TestLaterProblem: who finds something wrong after Check gets the line too.
func TestLaterProblem(t *testing.T) {
	r := repo(t, "-- p.yaml --\nperson: alice\nname: \"Alice L\"\n-- db.yaml --\nsystem: db\nconnector: postgres\nconfig: {dsn: {env: X}, host: h}\n")
	name := r.Person("alice").Name
	got := r.Problem(Pos{"p.yaml", name.At}, name.Value, "m", "h")
	want := Problem{Pos{"p.yaml", At{2, 7}}, 9, `name: "Alice L"`, "m", "h"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := r.Problem(Pos{"db.yaml", At{3, 1}}, "config", "m", "").Source; got != "config: {dsn: {env: X}, host: *}" {
		t.Errorf("the settings are shown: %s", got)
	}
	if got := r.Problem(Pos{"gone.yaml", At{3, 1}}, "x", "m", ""); got.Source != "" {
		t.Errorf("the line of a file that isn't there: %q", got.Source)
	}
}

func TestPeriods(t *testing.T) {
	for s, want := range map[string]string{"30s": "30s", "5m": "5m0s", "2h": "2h0m0s", "30d": "720h0m0s", "0s": "0s"} {
		if d, err := ParsePeriod(s); err != nil || d.String() != want {
			t.Errorf("%s is %s (%v), want %s", s, d, err, want)
		}
	}
	for _, s := range []string{"", "s", "30", "-1s", "1.5h", "1w", "1h30m", "01s", "999999999d", " 1s", "1ms"} {
		if d, err := ParsePeriod(s); err == nil {
			t.Errorf("%q is taken for %s", s, d)
		}
	}
}

func TestPaths(t *testing.T) {
	for p, want := range map[string]bool{
		"a": true, "a/b.yaml": true, "./a": true, "a/../b": true, ".": true, "a..b": true, "..a": true,
		"": false, "/a": false, "..": false, "../a": false, "a/../../b": false, `a\..\..\b`: false, "~/a": false, "a\x00": false,
	} {
		if got := insideRepository(p); got != want {
			t.Errorf("insideRepository(%q) is %v", p, got)
		}
	}
}
