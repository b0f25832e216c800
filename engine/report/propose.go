package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/accordhq/accord/engine/plan"
)

// Proposal is the change of the declaration that adopts drift.
type Proposal struct {
	Plan    *plan.Plan
	Systems []Proposed
	// Patch is the change of all systems together, where no branches were made.
	Patch []byte
	Exit  int
}

// Proposed is what is proposed for one system.
type Proposed struct {
	System string `json:"system"`
	// Adopted, Removed and Changed count differences: declared from then on, no longer declared,
	// declared as it is there.
	Adopted int `json:"adopted"`
	Removed int `json:"removed"`
	Changed int `json:"changed"`
	// Cannot are the differences that no simple change adopts.
	Cannot []Cannot `json:"cannot"`
	Branch string   `json:"branch,omitempty"`
	Commit string   `json:"commit,omitempty"`
	Push   string   `json:"push,omitempty"`
	// Error tells why nothing is proposed.
	Error string `json:"error,omitempty"`
}

// Cannot is a difference that isn't part of the proposal, and why.
type Cannot struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// ProposalText says in words what is proposed; the patch isn't part of it.
func ProposalText(w io.Writer, p Proposal, o Options) error {
	v := newPage(w, o)
	v.text(0, 2, place(p.Plan.Revision))
	for _, s := range p.Systems {
		v.heading(s.System)
		var parts []string
		add := func(n int, text string) {
			if n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, text))
			}
		}
		add(s.Adopted, "adopted")
		add(s.Removed, "no longer declared")
		add(s.Changed, "declared as it is there")
		switch {
		case s.Error != "":
			v.line(2, 4).put(symbols[unknown], unknown).space(1).prose(s.Error, plain).end()
		case len(parts) == 0:
			v.text(2, 4, "nothing to propose")
		default:
			v.text(2, 4, strings.Join(parts, ", "))
		}
		for _, c := range s.Cannot {
			v.text(2, 4, "not proposed: "+c.What+": "+c.Why)
		}
		if s.Branch != "" {
			next := s.Push
			if next == "" {
				next = "git merge " + shellWord(s.Branch)
			}
			v.line(2, 4).prose(fmt.Sprintf("branch %s (%s). Next:", s.Branch, short(s.Commit, 7)), plain).space(1).whole(next, plain).end()
		}
	}
	return v.flush()
}

// ProposalPatch writes the patch. A character in it that acts on a terminal can't come from a
// declaration, which refuses such; it is the file's own bytes that a patch must have.
func ProposalPatch(w io.Writer, p Proposal) error {
	_, err := io.Copy(w, bytes.NewReader(p.Patch))
	return err
}

// ProposalJSON writes a proposal as JSON, the patch included.
func ProposalJSON(w io.Writer, p Proposal) error {
	doc := struct {
		FormatVersion int           `json:"formatVersion"`
		Revision      plan.Revision `json:"revision"`
		Systems       []Proposed    `json:"systems"`
		Patch         string        `json:"patch,omitempty"`
	}{FormatVersion, p.Plan.Revision, []Proposed{}, string(p.Patch)}
	for _, s := range p.Systems {
		s.Cannot = list(s.Cannot)
		doc.Systems = append(doc.Systems, s)
	}
	return writeJSON(w, doc)
}
