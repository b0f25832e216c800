package access_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/accordhq/accord/engine/access"
)

// foldings are the ways in which systems take names for one.
var foldings = []func(string) string{
	strings.ToLower,
	strings.ToUpper,
	norm.NFC.String,
	norm.NFD.String,
	norm.NFKC.String,
	func(s string) string { return norm.NFKC.String(strings.ToLower(norm.NFKD.String(s))) },
	func(s string) string { return strings.Join(strings.Fields(s), " ") },
	access.Fold,
}

// Whatever character stands in a name: names that are taken for one have one fold.
func TestFold(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		back, lower := strings.ToLower(strings.ToUpper(string(r))), strings.ToLower(string(r))
		if !utf8.ValidRune(r) || back != lower {
			continue // upper case that doesn't come back, as of ß or ı, is another letter
		}
		want := access.Fold(string(r))
		for i, f := range foldings {
			if i == 6 {
				continue // about spaces between
			}
			if got := access.Fold(f(string(r))); got != want {
				t.Errorf("%U %q: the fold of %q is %q, want %q (%d)", r, string(r), f(string(r)), got, want, i)
			}
		}
	}
	for from, want := range map[string]string{"alice": "alice", "Alice": "alice", "Zoë": "zoe", "ZOE\u0308": "zoe", "ﬁona": "fiona", "a  b ": "ab", "Ünal": "unal"} {
		if got := access.Fold(from); got != want {
			t.Errorf("the fold of %q is %q, want %q", from, got, want)
		}
	}
}

// The same for names of several characters.
func TestFoldRandom(t *testing.T) {
	pieces := []string{"a", "B", "ß", "é", "e\u0301", "E\u0301", "İ", "i", "ﬁ", "Å", "Ω", " ", "  ", "Dž", "한", "\u1112\u1161", "\u0323\u0307", "ſ", "K", "Ⅷ", "z"}
	r := rand.New(rand.NewPCG(5, 5))
	for range 20_000 {
		name := ""
		for range r.IntN(6) {
			name += pieces[r.IntN(len(pieces))]
		}
		for i, f := range foldings {
			if i == 1 {
				continue
			}
			if a, b := access.Fold(name), access.Fold(f(name)); a != b {
				t.Fatalf("%q and %q fold to %q and %q", name, f(name), a, b)
			}
		}
	}
}
