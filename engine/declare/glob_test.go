package declare

import (
	"regexp"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
)

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "", false}, {"*", "", true}, {"*", "a/b\n", true}, {"**", "x", true},
		{"a*", "abc", true}, {"*c", "abc", true}, {"a*c", "ac", true}, {"a*c", "acb", false}, {"*b*", "abc", true},
		{"a*b*c", "axbxbxc", true}, {"a*b*c", "axbxbx", false}, {"*a", "aaa", true},
		{"?", "é", true}, {"?", "", false}, {"??", "é", false}, {"a?c", "a/c", true},
		{"[abc]", "b", true}, {"[abc]", "d", false}, {"[a-c]x", "bx", true}, {"[a-c]", "-", false}, {"[ac-]", "-", true},
		{"[!a]", "b", true}, {"[!a]", "a", false}, {"[^a]", "b", true}, {"[^a]", "", false}, {"[]]", "]", true}, {"[!]]", "]", false},
		{"[*]", "*", true}, {"[*]", "a", false}, {"[?]*", "?x", true}, {"[à-ü]", "é", true},
		{"[", "[", true}, {"[a", "[a", true}, {"[]", "[]", true}, {"[!]", "[!]", true}, {"a[", "a", false},
		{`ACME\*`, `ACME\bob`, true}, {`\*`, "*", false}, {"Staff *", "staff SRE", false}, {"Staff *", "Staff SRE", true},
		{"svc_*", "svc_x", true}, {"svc_*", "xsvc_x", false},
	} {
		if got := Glob(c.pattern, c.s); got != c.want {
			t.Errorf("Glob(%q, %q) is %v", c.pattern, c.s, got)
		}
	}
}

// TestGlobEnds: no pattern makes the work explode.
func TestGlobEnds(t *testing.T) {
	if Glob(strings.Repeat("*a", 2000)+"b", strings.Repeat("a", 20_000)) {
		t.Error("a text without b matches")
	}
}

func TestGlobID(t *testing.T) {
	role := access.ID{Kind: "role", Name: "team/a"}
	for _, c := range []struct {
		pattern string
		id      access.ID
		want    bool
	}{
		{"role/*", role, true}, {"*/*", role, true}, {"r?le/team/*", role, true}, {"role/team", role, false}, {"*", role, false}, {"team/*", role, false},
		{"svc_*", access.Account("svc_a"), true}, {"account/svc_*", access.Account("svc_a"), true}, {"*", access.Account("a/b"), true}, {"*/a", access.Account("a"), true},
	} {
		if got := GlobID(c.pattern, c.id); got != c.want {
			t.Errorf("GlobID(%q, %s) is %v", c.pattern, c.id, got)
		}
	}
}

// FuzzGlob compares with a regular expression for patterns that both understand.
func FuzzGlob(f *testing.F) {
	f.Fuzz(func(t *testing.T, pattern, s string) {
		got := Glob(pattern, s)
		if strings.ContainsAny(pattern, "[") || strings.ToValidUTF8(pattern, "") != pattern || strings.ToValidUTF8(s, "") != s || len(pattern) > 200 {
			return
		}
		re := regexp.MustCompile(`(?s)^` + strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern)) + `$`)
		if strings.Contains(pattern, `\`) {
			return // quoted, a backslash before a star can't be told from the star's own
		}
		if want := re.MatchString(s); got != want {
			t.Errorf("Glob(%q, %q) is %v, want %v", pattern, s, got, want)
		}
	})
}
