package gen

import (
	"fmt"
	"strings"
	"time"
)

// Size is how large an organisation is.
type Size struct {
	Name string
	// People counts services too.
	People int
	// Grants is how many accounts' grants there are on all systems together, at Now.
	Grants int
	// Systems is at least 3.
	Systems int
}

// Sizes are the ones that benchmarks speak of: from a company that fits one room to one that
// fills towns. L stands between M and XL on the scale of their logarithms.
func Sizes() []Size {
	return []Size{
		{"S", 100, 1_000, 3},
		{"M", 5_000, 50_000, 30},
		{"L", 22_000, 220_000, 80},
		{"XL", 100_000, 1_000_000, 200},
	}
}

// SizeOf finds a size by its name.
func SizeOf(name string) (Size, error) {
	var names []string
	for _, s := range Sizes() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Size{}, fmt.Errorf("no size %q; there are %s", name, strings.Join(names, ", "))
}

// Options say which organisation is meant.
type Options struct {
	Size Size
	Seed uint64
	// PerFile is how many people share a file; 0 means 1.
	PerFile int
	// Drift is the share of grants, from 0 to 1, by which what is live differs from what is
	// declared: half of it is missing, half of it is there besides. Leavers' accounts that
	// nobody closed and accounts that nobody knows come on top.
	Drift float64
	// Connector is what every system is connected by; "" means file, with a path under live/.
	// Another one has to speak of the same kinds and gets no settings.
	Connector string
}

// Now is the instant at which an organisation is as its Size says: windows that have ended
// did so before, and those to come open later.
func Now() time.Time { return time.Date(2026, time.November, 23, 10, 0, 0, 0, time.UTC) }

// The days on the near and the far side of Now.
const (
	pastDay   = "2026-10-31"
	futureDay = "2027-03-31"
)
