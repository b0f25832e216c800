package report

import (
	"fmt"
	"io"
	"strings"
)

// Problem is one thing that keeps a plan from being made.
type Problem struct {
	// File, Line and Column are where it is, where it is in the declaration; Line 0 is the whole
	// file, and no file none of it.
	File         string
	Line, Column int
	// Text says what is wrong, Hint what to do.
	Text, Hint string
}

func (p Problem) place() string {
	out := at(p.File, p.Line)
	if p.Line > 0 && p.Column > 0 {
		out += fmt.Sprintf(":%d", p.Column)
	}
	return out
}

// noPlan is said wherever a plan was asked for and there is none.
const noPlan = "There is no plan. It couldn't be made, so that it isn't known what this change does."

// FailedMarkdown is what stands in the place of PlanMarkdown where no plan could be made: a page
// that can't be taken for one without changes.
func FailedMarkdown(w io.Writer, problems []Problem, o MarkdownOptions) error {
	title := o.Title
	if title == "" {
		title = "Access"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n> ⛔ **%s**\n\n", mdText(clip(title, 200)), noPlan)
	end := ""
	if o.Link != "" {
		end = "\n" + mdLink("The whole output", o.Link) + "\n"
	}
	rest := "- and 1234567 more\n"
	for i, p := range problems {
		var item strings.Builder
		item.WriteString("- ")
		if p.File != "" {
			item.WriteString(mdCode(p.place()) + ": ")
		}
		item.WriteString(mdStrong(clip(p.Text, 2000)))
		if p.Hint != "" {
			item.WriteString(" — " + mdText(clip(p.Hint, 2000)))
		}
		item.WriteByte('\n')
		if o.Limit > 0 && b.Len()+item.Len()+len(rest)+len(end) > o.Limit {
			fmt.Fprintf(&b, "- and %d more\n", len(problems)-i)
			break
		}
		b.WriteString(item.String())
	}
	b.WriteString(end)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing Markdown: %w", err)
	}
	return nil
}
