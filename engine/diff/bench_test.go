package diff_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/diff"
)

// BenchmarkDiff: 50,000 grants of 5,000 accounts, of which a tenth differ; one account with as
// many; and 5,000 accounts that were renamed.
func BenchmarkDiff(b *testing.B) {
	worlds := map[string]func() (declared, *access.State){
		"many":    func() (declared, *access.State) { return company(5000, 10, "") },
		"one":     func() (declared, *access.State) { return company(1, 50000, "") },
		"renamed": func() (declared, *access.State) { return company(5000, 10, "was-") },
	}
	for name, world := range worlds {
		b.Run(name, func(b *testing.B) {
			want, live := world()
			for b.Loop() {
				if n := len(diff.Diff(want, live, scope()).Changes); n < 10000 {
					b.Fatalf("%d changes", n)
				}
			}
		})
	}
}

// company makes accounts that each hold something on so many roles; of every tenth the role
// that is wanted isn't the one that is held. Live names begin with the prefix.
func company(accounts, grants int, prefix string) (declared, *access.State) {
	var want, live, holders strings.Builder
	for g := range grants {
		fmt.Fprintf(&want, "object role/r%d\n", g)
		fmt.Fprintf(&live, "object role/r%d\nobject role/s%d\n", g, g)
	}
	for a := range accounts {
		fmt.Fprintf(&want, "object a%d\n", a)
		fmt.Fprintf(&live, "object %sa%d\n", prefix, a)
		fmt.Fprintf(&holders, "a%d p%d active was-a%d\n", a, a, a)
		for g := range grants {
			held := "r"
			if (a*grants+g)%10 == 0 {
				held = "s"
			}
			fmt.Fprintf(&want, "a%d member role/r%d\n", a, g)
			fmt.Fprintf(&live, "%sa%d member role/%s%d\n", prefix, a, held, g)
		}
	}
	return declare(want.String(), holders.String()), state(live.String())
}
