package access_test

import (
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
)

// What Key names ParseKey finds again, whatever the names are.
func FuzzKey(f *testing.F) {
	f.Add("revoke", "office", "account", "zed", "group", "tools", "member")
	f.Fuzz(func(t *testing.T, word, system, kind, name, kind2, name2, detail string) {
		for _, s := range []string{word, system, kind, kind2} { // these are Accord's own words
			if s == "" || strings.ContainsAny(s, " /\"`") {
				return
			}
		}
		subject, target := access.ID{kind, name}, access.ID{kind2, name2}
		w, s, a, b, d := access.ParseKey(access.Key(word, system, subject, target, detail))
		if w != word || s != system || a != subject || b != target || d != detail {
			t.Errorf("%q %q %v %v %q came back as %q %q %v %v %q", word, system, subject, target, detail, w, s, a, b, d)
		}
	})
}

func TestParseKey(t *testing.T) {
	zed, tools := access.Account("zed"), access.ID{"group", "my tools"}
	for key, want := range map[string][5]any{
		"unknown wiki":                    {"unknown", "wiki", access.ID{}, access.ID{}, ""},
		"unknown wiki history":            {"unknown", "wiki", access.ID{}, access.ID{}, "history"},
		"unknown wiki/group/":             {"unknown", "wiki", access.ID{Kind: "group"}, access.ID{}, ""},
		"idle-account wiki/account/zed":   {"idle-account", "wiki", zed, access.ID{}, ""},
		"expired wiki/account/zed delete": {"expired", "wiki", zed, access.ID{}, "delete"},
		`undeclared-grant wiki/account/zed group/"my tools" read all`: {"undeclared-grant", "wiki", zed, tools, "read all"},
		"nonsense": {"nonsense", "", access.ID{}, access.ID{}, ""},
	} {
		w, s, a, b, d := access.ParseKey(key)
		if got := [5]any{w, s, a, b, d}; got != want {
			t.Errorf("%q reads as %q, want %q", key, got, want)
		}
	}
}
