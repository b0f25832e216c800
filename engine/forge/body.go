package forge

import (
	"fmt"
	"strings"

	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

// Page says what surrounds a plan in its comment.
type Page struct {
	// Root is the access root in its git repository.
	Root string
	// Commit is the commit of the request that the comment speaks of, Head the one on top.
	Commit, Head string
	// Link leads to the run, where the whole plan is.
	Link string
	// Limit is how long the comment may be, in bytes.
	Limit int
}

// room is kept for the marker and what a forge adds to lines.
const room = 2000

// PlanText is the comment of a plan, as Markdown.
func (g Page) PlanText(p *plan.Plan) (string, error) {
	var b strings.Builder
	b.WriteString(g.outdated())
	tail := g.tail(false) // the plan has the link
	o := report.MarkdownOptions{Limit: g.Limit - room - b.Len() - len(tail), Link: g.Link}
	if !g.whole() {
		o.Title = "Access in " + g.Root
	}
	if err := report.PlanMarkdown(&b, p, o); err != nil {
		return "", err
	}
	return strings.TrimRight(b.String(), "\n") + "\n\n" + tail, nil
}

// FailedText is the comment where there is no plan: it must not be taken for one without
// changes. What the run said is shown from its end, where errors stand.
func (g Page) FailedText(said string) string {
	var b strings.Builder
	b.WriteString("### Access")
	if !g.whole() {
		b.WriteString(" in " + code(g.Root))
	}
	fmt.Fprintf(&b, ": there is no plan\n\n%s❌ **Planning failed", g.outdated())
	if g.Commit != "" {
		fmt.Fprintf(&b, " for %s", g.Commit)
	}
	b.WriteString(". What merging this would change isn't known.** A plan of an earlier push says nothing about it.\n\n")
	b.WriteString(fenced(said, min(g.Limit-room-b.Len(), mostSaid)))
	b.WriteString(g.tail(true))
	return b.String()
}

// mostSaid is how much of what a failed run said is shown, in bytes.
const mostSaid = 10_000

// whole reports whether the access root is the git repository itself.
func (g Page) whole() bool { return g.Root == "" || g.Root == "." }

func (g Page) outdated() string {
	if g.Head == "" || g.Commit == "" || g.Head == g.Commit {
		return ""
	}
	return fmt.Sprintf("⚠️ **This is about %s. The request has moved on to %s since, about which it says nothing.**\n\n", short(g.Commit), short(g.Head))
}

func (g Page) tail(link bool) string {
	var parts []string
	if g.Commit != "" {
		parts = append(parts, "For "+g.Commit)
	}
	if link && g.Link != "" {
		parts = append(parts, "[the run](<"+g.Link+">)")
	}
	parts = append(parts, "this comment is updated in place")
	return "<sub>" + strings.Join(parts, " · ") + "</sub>\n"
}

// code makes a code span of a text from outside.
func code(s string) string {
	s = report.Clean(s)
	ticks := "`"
	for strings.Contains(s, ticks) {
		ticks += "`"
	}
	if len(ticks) > 1 {
		return ticks + " " + s + " " + ticks
	}
	return ticks + s + ticks
}

// fenced makes a code block of a text from outside, of its end if it is longer than most bytes.
func fenced(s string, most int) string {
	var lines []string
	for line := range strings.Lines(strings.TrimRight(s, " \t\r\n")) {
		lines = append(lines, cut(report.Clean(strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    ")), 500))
	}
	size, from := 0, len(lines)
	for from > 0 && size+len(lines[from-1])+1 <= most {
		from--
		size += len(lines[from]) + 1
	}
	if lines = lines[from:]; len(lines) == 0 {
		return ""
	}
	if from > 0 {
		lines = append([]string{fmt.Sprintf("… %s before", report.Count(from, "line", "lines"))}, lines...)
	}
	text := strings.Join(lines, "\n")
	ticks := "```"
	for strings.Contains(text, ticks) {
		ticks += "`"
	}
	return ticks + "text\n" + text + "\n" + ticks + "\n\n"
}
