package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/plan"
)

// endText writes the end of an interval, in the zone that it is given in: the repository's. An
// end at midnight is the end of the day before, and is written as that day, as the declaration
// writes it: "until 2026-12-01" means that day as well. Other ends are instants, to the minute.
func endText(t time.Time) string {
	if midnight(t) {
		return t.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04")
}

// beginText writes the beginning of an interval.
func beginText(t time.Time) string {
	if midnight(t) {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04")
}

// instantText writes the instant of a plan, which is in UTC: a day where it begins one.
func instantText(t time.Time) string {
	if midnight(t) {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04 MST")
}

// midnight reports whether a day begins at the instant, in the instant's own zone.
func midnight(t time.Time) bool {
	h, m, s := t.Clock()
	return h == 0 && m == 0 && s == 0 && t.Nanosecond() == 0
}

// at is "file:line", as editors and terminals make links of it.
func at(file string, line int) string {
	if file == "" || line <= 0 {
		return file
	}
	return file + ":" + strconv.Itoa(line)
}

// short abbreviates a commit's hash or a digest; a name stays as it is.
func short(s string, n int) string {
	if len(s) < 40 || strings.Trim(s, "0123456789abcdef") != "" {
		return s
	}
	return s[:n]
}

// Count is a number with its noun: "1 person", "2 people".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// place names what was planned from: "4f2a91c main", or the folder.
func place(r plan.Revision) string {
	name := strings.TrimSpace(short(r.Hash, 7) + " " + r.Branch)
	switch {
	case r.Worktree && name != "":
		return "worktree on " + name + ", not committed"
	case r.Worktree:
		return "worktree, not committed"
	case name == "":
		return "no commit"
	}
	return name
}

// atPlace is the same within a sentence: "at 4f2a91c".
func atPlace(r plan.Revision) string {
	switch {
	case r.Worktree:
		return "in the worktree"
	case r.Hash != "":
		return "at " + short(r.Hash, 7)
	}
	return "now"
}
