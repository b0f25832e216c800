package plan

import (
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/diff"
)

// Input is everything a plan is made from.
type Input struct {
	At       time.Time
	Revision Revision
	Base     string
	Systems  []SystemInput
	// Shifts are the declaration's own changes.
	Shifts []access.Shift
	// ChangeDigest names the change where there are no shifts to name it by, as for a first
	// import that nothing can be compared with.
	ChangeDigest string
	// Exclusive are the roles that exclude each other, by role.
	Exclusive map[string][]string
	// Elsewhere names a system, not among Systems, on which the base gives the person something
	// through the role; "" if there is none. It may be nil.
	Elsewhere func(person, role string) string
	// Allow lifts refusals by name.
	Allow []Allow
	// Only selects classes; empty: all. Leavers are always in.
	Only []Class
	// Selected are the systems that were chosen; empty: all.
	Selected []string
	// Brief leaves the reasons out of the steps once class, cause and risks are known: for
	// plans that nobody reads, they are what takes most of the memory.
	Brief bool
	// Changed tells whether the document that a link points into differs between base and
	// head; was says that the link is one of the base. Nil: unknown, or nothing differs.
	Changed func(l access.Link, was bool) bool
	Notes   []string
	// Judge asks the policies; nil: there are none. Judged says which they are.
	Judge    Judge
	Judged   *Judgement
	Settings []Setting
	Flips    []Flip
}

// SystemInput is what the plan needs of one system.
type SystemInput struct {
	Name     string
	Describe access.Description
	Mode     Mode
	// ReportDrift: drift is shown, not corrected.
	ReportDrift bool
	Priority    int
	Guards      Guards
	// Protected tells whether a pattern of Guards.Protect names the object.
	Protected func(access.ID) bool
	Scope     diff.Scope
	// Want is what is declared at the instant, Base what the last applied declaration (or the
	// base of a pull request) says for the same instant; nil if there is none.
	Want access.Declared
	Base access.Declared
	// BaseAt is when the base was applied; zero if unknown.
	BaseAt time.Time
	// BaseError tells why there is no Base although something was applied. What people hold who
	// left since can't be told from what nobody ever declared.
	BaseError string
	// Doubtful says that the answer has no account at all. Nothing follows for what is done; but
	// that nobody who left is seen says nothing either.
	Doubtful bool
	// Live is what was read; nil with Error or NotRead set.
	Live    *access.State
	Error   string
	NotRead string
	Memory  Memory
	// Linked are accounts that are somebody's although they are called otherwise, Disputes those
	// of which it can't be told whose they are.
	Linked   []Linked
	Disputes []Dispute
}

// Linked is an account that was found to be somebody's.
type Linked struct {
	Account access.ID `json:"account"`
	Person  string    `json:"person"`
	// By is the rule: id, name, or an attribute.
	By string `json:"by"`
}

// Dispute is an account of which it can't be told whose it is: nothing is done to it.
type Dispute struct {
	Account access.ID `json:"account"`
	People  []string  `json:"people"`
	Why     string    `json:"why"`
}

// Memory is what the journal knows of one system.
type Memory struct {
	// DisabledSince tells since when Accord itself has had an account disabled.
	DisabledSince func(access.ID) (time.Time, bool)
	// Created tells whether Accord created the object.
	Created func(access.ID) bool
	// Removals are those of the past day.
	Removals []Removal
	// Corrected tells how often Accord carried out such a change as drift, or may have, within
	// the time of Guards.Flapping; nil: never.
	Corrected func(access.Change) int
}

// Removal is one thing that was taken away within the past day.
type Removal struct {
	Action  access.Action
	Subject access.ID
	Target  access.ID
	Person  string
	Leaver  bool
}

// Guards are a system's limits, as they hold after the defaults were filled in.
type Guards struct {
	MaxRemovals Limit    `json:"maxRemovals"`
	MaxLeavers  Limit    `json:"maxLeavers"`
	Protect     []string `json:"protect,omitempty"`
	KeepAdmins  int      `json:"keepAdmins"`
	// Flapping is nil where nothing is declared: DefaultFlapping holds.
	Flapping *Flapping `json:"flapping,omitempty"`
}

// Flapping says when a difference counts as flapping: Accord corrected it so many times within
// that time, and there it is again.
type Flapping struct {
	// Times is how often; zero: never.
	Times int `json:"times"`
	// Within is in whole days, nanoseconds in JSON.
	Within time.Duration `json:"within"`
}

// DefaultFlapping holds where nothing is declared.
func DefaultFlapping() Flapping { return Flapping{Times: 3, Within: 7 * 24 * time.Hour} }

// Flaps is the flapping guard that holds.
func (g Guards) Flaps() Flapping {
	if g.Flapping == nil {
		return DefaultFlapping()
	}
	return *g.Flapping
}

// Limit is a share in percent or a count.
type Limit struct {
	Percent   float64 `json:"percent,omitempty"`
	Count     int     `json:"count,omitempty"`
	IsPercent bool    `json:"isPercent,omitempty"`
}

// floor is what a limit in percent never goes below, so that small systems aren't frozen.
const floor = 5

// Of gives the limit for a number of things that were seen.
func (l Limit) Of(seen int) int {
	if !l.IsPercent {
		return l.Count
	}
	return max(floor, int(l.Percent*float64(seen)/100))
}

// DefaultGuards hold where neither accord.yaml nor the system says anything.
func DefaultGuards() Guards {
	return Guards{
		MaxRemovals: Limit{Percent: 10, IsPercent: true},
		MaxLeavers:  Limit{Percent: 10, IsPercent: true},
		KeepAdmins:  1,
	}
}

// Allow names a refusal to lift: `--allow NAME:REF`.
type Allow struct {
	Name access.RiskName
	Ref  string
}
