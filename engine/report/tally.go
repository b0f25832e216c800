package report

import "github.com/accordhq/accord/engine/plan"

// Tally counts steps by what they do, as in "2 to take away, 1 to give"; "" for none.
func Tally(steps []plan.Step) string { return count(steps).String() }
