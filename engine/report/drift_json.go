package report

import (
	"io"
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// driftDoc is the JSON of a drift report. Lists are never null. Systems and IDs are sorted, steps
// are as access.Change.Compare orders them; what else there is stands in the order of the plan.
type driftDoc struct {
	FormatVersion int           `json:"formatVersion"`
	Revision      plan.Revision `json:"revision"`
	At            time.Time     `json:"at"`
	// Complete says that every system could be read, whole.
	Complete bool          `json:"complete"`
	Systems  []driftSystem `json:"systems"`
}

// driftSystem is what there is to say of one system.
type driftSystem struct {
	Name      string    `json:"name"`
	Connector string    `json:"connector"`
	Mode      plan.Mode `json:"mode"`
	// Error is why it couldn't be read, NotRead why it wasn't asked.
	Error   string `json:"error,omitempty"`
	NotRead string `json:"notRead,omitempty"`
	// Differences are all ways in which it isn't as declared, each of exactly one kind.
	Differences []plan.Difference `json:"differences"`
	// Steps are what would bring it into accord again.
	Steps []driftStep `json:"steps"`
	// Orphans are accounts that nobody declares, Idle those left with no grant, Missing those
	// that are declared and aren't created here, Disputed those that are there under two names.
	Orphans  []access.ID `json:"orphans"`
	Idle     []access.ID `json:"idle"`
	Missing  []access.ID `json:"missing"`
	Disputed []access.ID `json:"disputed"`
	// Linked are accounts that are somebody's by another rule than their name, Disputes those
	// that the rules say different things of.
	Linked   []plan.Linked  `json:"linked"`
	Disputes []plan.Dispute `json:"disputes"`
	// Unclaimed are grants that nobody declares, outside what is managed; Dangling ones that
	// are declared on something that is nowhere.
	Unclaimed []plan.Edge `json:"unclaimed"`
	// Pending are declared grants that wait for somebody to accept an invitation.
	Pending  []plan.Edge     `json:"pending"`
	Dangling []plan.Dangling `json:"dangling"`
	// Unknown is what couldn't be seen, Waiting what can't be decided because of that.
	Unknown []access.Unknown `json:"unknown"`
	Waiting []plan.Waiting   `json:"waiting"`
}

// driftStep is one difference and what becomes of it.
type driftStep struct {
	plan.Step
	// Fate is reverted, refused, flapping, depends, reported, observed, additive, protected or stale.
	Fate plan.Fate `json:"fate"`
}

// DriftJSON writes what Drift tells as JSON.
func DriftJSON(w io.Writer, in Drifted) error {
	p := in.Plan
	doc := driftDoc{FormatVersion: FormatVersion, Revision: p.Revision, At: p.At, Complete: p.Complete, Systems: []driftSystem{}}
	bySystem := map[string][]*plan.Step{}
	for i := range p.Steps {
		bySystem[p.Steps[i].System] = append(bySystem[p.Steps[i].System], &p.Steps[i])
	}
	differences := map[string][]plan.Difference{}
	for _, d := range in.Differences {
		differences[d.System] = append(differences[d.System], d)
	}
	for _, s := range sortedSystems(p) {
		d := driftSystem{
			Name: s.Name, Connector: s.Connector, Mode: s.Mode, Error: s.Error, NotRead: s.NotRead, Differences: list(differences[s.Name]), Steps: []driftStep{},
			Orphans: list(sortedIDs(s.Orphans)), Idle: list(sortedIDs(s.Idle)), Missing: list(sortedIDs(s.Missing)), Disputed: list(sortedIDs(s.Disputed)),
			Linked: list(s.Linked), Disputes: list(s.Disputes),
			Unclaimed: list(s.Unclaimed), Pending: list(s.Pending), Dangling: list(s.Dangling), Unknown: list(s.Unknown), Waiting: list(s.Waiting),
		}
		for _, step := range bySystem[s.Name] {
			if step.Drift != "" {
				d.Steps = append(d.Steps, driftStep{*step, plan.FateOf(step)})
			}
		}
		slices.SortFunc(d.Steps, func(a, b driftStep) int { return a.Compare(b.Change) })
		doc.Systems = append(doc.Systems, d)
	}
	return writeJSON(w, doc)
}
