// Package report turns what the engine found (a plan, what an apply did, drift, the answer to
// why) into text and JSON, and a plan into Markdown, HTML, SARIF and JUnit as well. It is pure:
// values in, bytes to a writer. Wording and colour are made here and nowhere else; further forms
// join as further files.
//
//	plan.go, aside.go, shift.go   a plan as text; what isn't touched; what the declaration changes
//	apply.go, drift.go, why.go    the other reports; their JSON in apply_json.go, …
//	who.go, holder.go, show.go, expiring.go, audit.go   answers; CSV is written by csv.go
//	step.go, block.go             a step as a row; rows into blocks, one a cause, folded
//	alike.go                      people who fare the same for causes of the same form
//	ledger.go, numbers.go, shiftledger.go   many rows as numbers, each text once
//	personal.go                   the blocks of one person
//	section.go, teller.go, page.go   blocks into lines of limited width, in parts side by side
//	story.go                      steps told by their causes, the riskiest first
//	markdown.go, md….go           a plan for a merge request, with as much detail as has room
//	html.go, html/                a plan as one page for a browser
//	sarif.go, junit.go            findings on lines; a plan as tests
//	failed.go                     that there is no plan, in each of these
//	clean.go                      what makes strings from outside safe to print
//
// # How it speaks
//
// People come first: who gains or loses what, and why. What takes away stands before what
// gives, the risky before the harmless, counts last. A change is one line, the cause stands
// beside each block with file:line. Nothing that matters is hidden: what folds is said once
// and names everybody. A symbol says what a line does, and colour only repeats it:
//
//   - takes away, + gives, ~ changes, ! disables or deletes, ? isn't known
//
// Strings from outside reach the writer through Clean alone (see page.put).
package report

// FormatVersion is the version of the JSON that this package writes; a plan's has its own. It
// changes when a reader of the old form would misread the new one.
const FormatVersion = 1

// Options say how text is written.
type Options struct {
	Color bool
	// GroupBy is "person" (the default) or "system".
	GroupBy string
	// Width is the number of columns; 0 means 100. Less than 40 is taken for 40.
	Width int
	// Verbose shows in full what is otherwise counted.
	Verbose bool
}

func (o Options) grouper(fold bool) grouper {
	return grouper{bySystem: o.GroupBy == "system", fold: fold, verbose: o.Verbose}
}
