package declare

import (
	"slices"
	"testing"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"alice", "alcie", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"abc", "abc", 0}, {"abcd", "acbd", 1}, {"ca", "abc", 3},
	} {
		if got := distance(c.a, c.b, 9); got != c.want {
			t.Errorf("distance(%q, %q) is %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance(c.b, c.a, 9); got != c.want {
			t.Errorf("distance(%q, %q) is %d, want %d", c.b, c.a, got, c.want)
		}
	}
	if got := distance("aaaaaaaa", "bbbbbbbb", 2); got <= 2 {
		t.Errorf("beyond the limit: %d", got)
	}
}

func TestNearest(t *testing.T) {
	names := slices.Values([]string{"bob", "alicf", "alice", "engineering"})
	for s, want := range map[string]string{"alcie": "alice", "alicx": "alice", "Bob": "bob", "rob": "bob", "x": "", "enginering": "engineering", "finance": "", "engneerig": "engineering"} {
		if got := nearest(s, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", s, got, want)
		}
	}
}
