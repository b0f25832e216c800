// Package plan makes the plan: which changes, in which class, why, how dangerous, in which
// order, and which of them are held back. It is pure: what it needs of the declaration, the
// systems and the journal comes as values.
//
//	declared + live ──diff──▶ changes ──classify──▶ steps ──guards──▶ refusals ──order──▶ Plan ──▶ digests, file
//
// A plan is a contract. What was reviewed is what runs: the plan digest covers every step
// (what it is about, its action, before and after), the guards and the engine's version, but
// neither the commit, nor line numbers, nor the clock.
package plan

import (
	"time"

	"github.com/accordhq/accord/engine/access"
)

// FormatVersion is the version of the plan file. It changes when a reader of the old form
// would misread the new one.
const FormatVersion = 1

// EngineVersion names the rules by which plans are made. It is part of every digest, so that
// a plan made by other rules isn't taken for the same.
const EngineVersion = "1"

// Class says where a difference comes from.
type Class string

// The classes, shown apart and selectable.
const (
	// ClassChange: the declaration changed since it was last applied (or since the base).
	ClassChange Class = "change"
	// ClassTime: a window opened or closed.
	ClassTime Class = "time"
	// ClassDrift: the system changed by itself.
	ClassDrift Class = "drift"
)

// Plan is what is to be done, in the order in which it is to be done.
type Plan struct {
	FormatVersion int       `json:"formatVersion"`
	Engine        string    `json:"engine"`
	Revision      Revision  `json:"revision"`
	Base          string    `json:"base,omitempty"`
	At            time.Time `json:"at"`
	// Rehearsal says that At is an instant that the caller chose, and not now: the plan shows
	// what would be done then, and is never carried out.
	Rehearsal    bool   `json:"rehearsal,omitempty"`
	ChangeDigest string `json:"changeDigest"`
	PlanDigest   string `json:"planDigest"`
	// Only are the classes, Selected the systems that were chosen; empty: all.
	Only     []Class  `json:"only,omitempty"`
	Selected []string `json:"selected,omitempty"`
	// Complete says that every system could be read, whole, and what was last applied to it, too.
	Complete bool      `json:"complete"`
	Systems  []System  `json:"systems"`
	Steps    []Step    `json:"steps"`
	Refusals []Refusal `json:"refusals,omitempty"`
	// Shifts are what the declaration itself changes against the base, as intervals.
	Shifts []access.Shift `json:"shifts,omitempty"`
	// Judged says which rules judged the plan; nil: none.
	Judged *Judgement `json:"judged,omitempty"`
	// Findings are what rules say without refusing anything.
	Findings []Finding `json:"findings,omitempty"`
	// Settings are the judging settings that the declaration changes, Flips what would be judged
	// otherwise under the new ones.
	Settings []Setting `json:"settings,omitempty"`
	Flips    []Flip    `json:"flips,omitempty"`
	// Withheld are the people who are given nothing although the declaration has them.
	Withheld []Withheld `json:"withheld,omitempty"`
	// Leave is the only person whom the plan is about; empty: everybody.
	Leave string `json:"leave,omitempty"`
	// Notes are facts about the run that a reader should know, such as an earlier run that
	// was cut off.
	Notes []string `json:"notes,omitempty"`
	// Unselected is drift that Only left out; it is no part of the plan file.
	Unselected []Step `json:"-"`
}

// Revision says what was planned from. It explains; nothing is decided by it.
type Revision struct {
	Hash     string `json:"hash,omitempty"`
	Branch   string `json:"branch,omitempty"`
	Subject  string `json:"subject,omitempty"`
	Worktree bool   `json:"worktree,omitempty"`
}

// System is what the plan says of one system beside its steps.
type System struct {
	Name      string           `json:"name"`
	Connector string           `json:"connector"`
	Mode      Mode             `json:"mode"`
	Identity  string           `json:"identity,omitempty"`
	Guards    Guards           `json:"guards"`
	Unknown   []access.Unknown `json:"unknown,omitempty"`
	// Error tells why the system couldn't be read at all.
	Error string `json:"error,omitempty"`
	// NotRead says that it wasn't asked for on purpose, and why.
	NotRead string `json:"notRead,omitempty"`
	// BaseError tells why what was last applied can't be had, although something was.
	BaseError string `json:"baseError,omitempty"`
	// LeaversUnseen says that somebody who left may hold something there that can't be seen, and
	// that no disabled account speaks for them later.
	LeaversUnseen bool `json:"leaversUnseen,omitempty"`
	// Waiting, Orphans, … are what was seen and is not touched.
	Waiting  []Waiting   `json:"waiting,omitempty"`
	Orphans  []access.ID `json:"orphans,omitempty"`
	Idle     []access.ID `json:"idle,omitempty"`
	Missing  []access.ID `json:"missing,omitempty"`
	Disputed []access.ID `json:"disputed,omitempty"`
	// Linked are accounts that are somebody's by another rule than their name, Disputes those
	// that the rules say different things of.
	Linked    []Linked  `json:"linked,omitempty"`
	Disputes  []Dispute `json:"disputes,omitempty"`
	Unclaimed []Edge    `json:"unclaimed,omitempty"`
	// Pending are declared grants that wait for somebody to accept an invitation.
	Pending  []Edge     `json:"pending,omitempty"`
	Dangling []Dangling `json:"dangling,omitempty"`
	// Unselected counts the steps of changes and time that --only left out.
	Unselected int `json:"unselected,omitempty"`
}

// Waiting is something that can't be decided yet because part of the system isn't known.
type Waiting struct {
	Action  access.Action `json:"action"`
	Subject access.ID     `json:"subject"`
	Target  access.ID     `json:"target,omitzero"`
	Why     string        `json:"why"`
}

// Edge is a live grant that is reported and not touched.
type Edge struct {
	Subject    access.ID `json:"subject"`
	Target     access.ID `json:"target"`
	Permission string    `json:"permission"`
}

// Dangling is a declared grant on something that is neither live nor declared.
type Dangling struct {
	Edge
	Link access.Link `json:"link"`
}

// Mode says what Accord may do on a system.
type Mode string

// The modes.
const (
	Observe       Mode = "observe"
	Additive      Mode = "additive"
	Authoritative Mode = "authoritative"
)

// Step is one change of the plan and everything that explains it.
type Step struct {
	access.Change
	Class Class `json:"class"`
	// Drift says in which way the system differs, where the step is one of drift; see DriftKind.
	Drift DriftKind `json:"drift,omitempty"`
	// Leaver marks the steps of the leavers' lane.
	Leaver bool `json:"leaver,omitempty"`
	// Person is who the step is about, if it is about somebody.
	Person string       `json:"person,omitempty"`
	Cause  access.Cause `json:"cause"`
	// Reasons are why the access is wanted, Was why it had been.
	Reasons []access.Reason `json:"reasons,omitempty"`
	Was     []access.Reason `json:"was,omitempty"`
	Risks   []access.Risk   `json:"risks,omitempty"`
	// Needs are the keys of the steps that must be done before.
	Needs []string `json:"needs,omitempty"`
	// Held says why the step isn't carried out; nil: it is.
	Held *Hold `json:"held,omitempty"`

	key string // Change.Key, kept because it is asked for all the time; "" if it wasn't yet
}

// Key is Change.Key.
func (s *Step) Key() string {
	if s.key == "" {
		return s.Change.Key()
	}
	return s.key
}

// Takes reports whether the step takes something away from somebody.
func (s Step) Takes(d access.Description) bool {
	switch s.Action {
	case access.Revoke, access.Disable, access.Delete:
		return true
	case access.ChangeLevel:
		kind, _ := d.Kind(s.Target.Kind)
		return kind.Lowers(s.Before.Permission, s.After.Permission)
	}
	return false
}

// Withheld is somebody who is given nothing, and who loses what they have, although the
// declaration doesn't say that they left.
type Withheld struct {
	Person string     `json:"person"`
	Why    HoldReason `json:"why"`
	// Text says since when and by whom, and what ends it.
	Text string `json:"text"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// Hold is why a step stands in the plan but isn't carried out.
type Hold struct {
	Why  HoldReason `json:"why"`
	Text string     `json:"text,omitempty"`
}

// HoldReason is the type of a hold.
type HoldReason string

// The reasons for holding a step.
const (
	HeldObserve   HoldReason = "observe"   // the system is only observed
	HeldAdditive  HoldReason = "additive"  // additive systems lose only what they were given
	HeldDrift     HoldReason = "drift"     // drift is only reported on this system
	HeldProtected HoldReason = "protected" // drift on something protected
	HeldFlapping  HoldReason = "flapping"  // it was corrected again and again; a question
	HeldRefused   HoldReason = "refused"   // a guard or a policy refuses it
	HeldDepends   HoldReason = "depends"   // it depends on a step that is held
	// HeldOffboarded: the person was offboarded, and the declaration doesn't say so yet. It is
	// the person that is held, not single steps.
	HeldOffboarded HoldReason = "offboarded"
)

// Refusal is a guard's or a policy's no to some steps.
type Refusal struct {
	Name access.RiskName `json:"name"`
	// Ref is what `--allow NAME:REF` names.
	Ref  string `json:"ref"`
	Text string `json:"text"`
	// Steps are the keys of what is refused.
	Steps []string `json:"steps"`
	// Final refusals can't be lifted by --allow.
	Final bool `json:"final,omitempty"`
	// Allowed says that --allow lifted it.
	Allowed bool `json:"allowed,omitempty"`
	// Finding is what a rule said, where a rule refuses.
	Finding *Finding `json:"finding,omitempty"`
}

// Run are the steps that are to be carried out, in order.
func (p *Plan) Run() []Step {
	n := p.Running()
	if n == 0 {
		return nil
	}
	out := make([]Step, 0, n)
	for i := range p.Steps {
		if p.Steps[i].Held == nil {
			out = append(out, p.Steps[i])
		}
	}
	return out
}

// Running is how many steps are to be carried out.
func (p *Plan) Running() int {
	n := 0
	for i := range p.Steps {
		if p.Steps[i].Held == nil {
			n++
		}
	}
	return n
}

// Refused reports whether a guard or policy refuses something.
func (p *Plan) Refused() bool {
	for _, r := range p.Refusals {
		if !r.Allowed {
			return true
		}
	}
	return false
}

// System returns what the plan says of one system.
func (p *Plan) System(name string) (System, bool) {
	for _, s := range p.Systems {
		if s.Name == name {
			return s, true
		}
	}
	return System{}, false
}
