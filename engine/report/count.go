package report

import (
	"fmt"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// doing are the actions in the order in which they are counted, what takes away first, and how
// a count of them is said.
var doing = []struct {
	action access.Action
	todo   string
}{
	{access.Delete, "to delete"},
	{access.Disable, "to disable"},
	{access.Revoke, "to take away"},
	{access.ChangeLevel, "to change"},
	{access.Rename, "to rename"},
	{access.Update, "to update"},
	{access.Create, "to create"},
	{access.Enable, "to enable"},
	{access.Give, "to give"},
}

// tally counts by action.
type tally map[access.Action]int

func (t tally) String() string {
	var out []string
	for _, d := range doing {
		if n := t[d.action]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, d.todo))
		}
	}
	return strings.Join(out, ", ")
}

func count(steps []plan.Step) tally {
	t := tally{}
	for _, s := range steps {
		t[s.Action]++
	}
	return t
}

// isAre is a count of systems with its verb.
func isAre(n int) string {
	if n == 1 {
		return "1 system is"
	}
	return fmt.Sprintf("%d systems are", n)
}
