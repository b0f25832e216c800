package report

import (
	"io"

	"github.com/accordhq/accord/engine/plan"
)

// applyDoc is the JSON of an apply's result. Lists are never null. Steps stand in the order of
// the plan, systems by name.
type applyDoc struct {
	FormatVersion int `json:"formatVersion"`
	// Run is the run's id in the journal; empty if there was nothing to carry out.
	Run          string        `json:"run,omitempty"`
	Revision     plan.Revision `json:"revision"`
	PlanDigest   string        `json:"planDigest"`
	ChangeDigest string        `json:"changeDigest"`
	Exit         int           `json:"exit"`
	// Stopped says that the run was told to stop before its end.
	Stopped bool `json:"stopped"`
	// Settings are the judging settings that the declaration changes, SettingsHold that they do
	// from now on.
	Settings     []plan.Setting `json:"settings,omitempty"`
	SettingsHold bool           `json:"settingsHold,omitempty"`
	// Milliseconds is how long the run took.
	Milliseconds int64 `json:"milliseconds"`
	// Counts are of the steps below.
	Counts applyCounts `json:"counts"`
	Steps  []applyStep `json:"steps"`
	// ReadBack are the systems that couldn't be read back.
	ReadBack []applyReadBack `json:"readBack"`
	// Deltas are how the systems differ from what was reviewed.
	Deltas []applyDelta `json:"deltas"`
	// Held are the steps of the plan that weren't to run, Refusals what refused some of them.
	Held     []plan.Step    `json:"held"`
	Refusals []plan.Refusal `json:"refusals"`
}

// applyCounts counts steps by how they ended; each is in one of the counts.
type applyCounts struct {
	// Held: done, and seen to hold.
	Held        int `json:"held"`
	Failed      int `json:"failed"`
	NotHeld     int `json:"notHeld"`
	Unknown     int `json:"unknown"`
	Unconfirmed int `json:"unconfirmed"`
	Skipped     int `json:"skipped"`
}

// applyStep is a step and how it ended.
type applyStep struct {
	plan.Step
	// Outcome is done, already, failed, unknown or skipped.
	Outcome string `json:"outcome"`
	// Seen is what reading back showed: held, not-held or unconfirmed.
	Seen  string `json:"seen,omitempty"`
	Error string `json:"error,omitempty"`
	Note  string `json:"note,omitempty"`
}

// applyReadBack is why a system couldn't be read back.
type applyReadBack struct {
	System string `json:"system"`
	Error  string `json:"error"`
}

// applyDelta is how a system differs from what was reviewed.
type applyDelta struct {
	System string `json:"system"`
	// Stale says that the system was left alone, but for leavers.
	Stale     bool        `json:"stale"`
	Unread    string      `json:"unread,omitempty"`
	Already   []plan.Step `json:"already"`
	New       []plan.Step `json:"new"`
	Different []plan.Step `json:"different"`
}

// ApplyJSON writes what became of an apply as JSON.
func ApplyJSON(w io.Writer, a Applied) error {
	doc := applyDoc{
		FormatVersion: FormatVersion, Run: a.Run, Revision: a.Plan.Revision, PlanDigest: a.Plan.PlanDigest, ChangeDigest: a.Plan.ChangeDigest,
		Exit: a.Exit, Stopped: a.Stopped, Settings: a.Plan.Settings, SettingsHold: a.Settings, Milliseconds: a.Duration.Milliseconds(),
		Steps: []applyStep{}, ReadBack: []applyReadBack{}, Deltas: []applyDelta{}, Held: []plan.Step{}, Refusals: []plan.Refusal{},
	}
	counts := map[fared]*int{faredHeld: &doc.Counts.Held, faredFailed: &doc.Counts.Failed, faredNotHeld: &doc.Counts.NotHeld,
		faredUnknown: &doc.Counts.Unknown, faredUnconfirmed: &doc.Counts.Unconfirmed, faredSkipped: &doc.Counts.Skipped}
	for _, s := range a.Steps {
		*counts[s.end()]++
		doc.Steps = append(doc.Steps, applyStep{*s.Step, s.Outcome, s.Seen, s.Error, s.Note})
	}
	for _, name := range sortedKeys(a.ReadBack) {
		doc.ReadBack = append(doc.ReadBack, applyReadBack{name, a.ReadBack[name]})
	}
	for _, d := range a.Deltas {
		doc.Deltas = append(doc.Deltas, applyDelta{d.System, d.Stale(), d.Unread, list(d.Already), list(d.New), list(d.Different)})
	}
	for _, s := range a.Plan.Steps {
		if s.Held != nil {
			doc.Held = append(doc.Held, s)
		}
	}
	for _, r := range a.Plan.Refusals {
		r.Steps = list(r.Steps)
		doc.Refusals = append(doc.Refusals, r)
	}
	return writeJSON(w, doc)
}
