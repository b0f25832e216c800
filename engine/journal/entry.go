package journal

import (
	"time"

	"github.com/accordhq/accord/engine/access"
)

// Entry is one line of the journal.
type Entry struct {
	// Seq counts the entries from 1.
	Seq uint64
	// Time is when it was written, UTC.
	Time time.Time
	// Run is the id of the run that wrote it; empty for what belongs to no run.
	Run string
	// Prev is the hash of the entry before, "" for the first; Hash is its own. Both are hex.
	Prev, Hash string
	// Data is what happened.
	Data Data
}

// Kind returns the kind of the entry, as written in the journal.
func (e Entry) Kind() Kind {
	if e.Data == nil {
		return ""
	}
	return e.Data.kind()
}

// Kind names what an entry tells of.
type Kind string

// The kinds of entries.
const (
	KindOpened       Kind = "opened"
	KindBegun        Kind = "begun"
	KindEnded        Kind = "ended"
	KindReadBack     Kind = "readback"
	KindClosedSystem Kind = "closed-system"
	KindClosed       Kind = "closed"
	KindRecovered    Kind = "recovered"
	KindLinked       Kind = "linked"
	KindApproved     Kind = "approved"
	KindSettled      Kind = "settled"
	KindNote         Kind = "note"
	KindLate         Kind = "late"
	KindDrift        Kind = "drift"
	KindTold         Kind = "told"
)

// Data is the content of an entry: Opened, Begun, Ended, ReadBack, ClosedSystem, Closed,
// Recovered, Linked, Approved, Settled, Note, Late, Drift or Told.
type Data interface{ kind() Kind }

func (Opened) kind() Kind       { return KindOpened }
func (Begun) kind() Kind        { return KindBegun }
func (Ended) kind() Kind        { return KindEnded }
func (ReadBack) kind() Kind     { return KindReadBack }
func (ClosedSystem) kind() Kind { return KindClosedSystem }
func (Closed) kind() Kind       { return KindClosed }
func (Recovered) kind() Kind    { return KindRecovered }
func (Note) kind() Kind         { return KindNote }
func (Linked) kind() Kind       { return KindLinked }
func (Approved) kind() Kind     { return KindApproved }
func (Settled) kind() Kind      { return KindSettled }
func (Late) kind() Kind         { return KindLate }
func (Drift) kind() Kind        { return KindDrift }
func (Told) kind() Kind         { return KindTold }

// Worktree stands where a revision is expected when a folder was read instead of a commit.
const Worktree = "worktree"

// Opened begins a run: it stands in the journal before the first write to any system.
type Opened struct {
	// Revision is the commit that is applied, or Worktree.
	Revision string `json:"revision"`
	// PlanDigest and ChangeDigest name the plan (see engine/plan).
	PlanDigest   string `json:"plan"`
	ChangeDigest string `json:"change,omitempty"`
	// Actor is who started the run.
	Actor string `json:"actor"`
	// Version is that of the tool.
	Version string `json:"version"`
	// Systems are those that the run may write to.
	Systems []string `json:"systems"`
	// Allow are the refusals that were lifted by name, as NAME:REF.
	Allow []string `json:"allow,omitempty"`
	// Worktree says that a folder was read instead of a commit.
	Worktree bool `json:"worktree,omitempty"`
	// Settings is the commit whose judging settings hold from this run on: Revision where
	// nothing of it was refused, else the one that judged; NoSettings where there is none yet.
	Settings string `json:"settings,omitempty"`
	// Policies names the policies of that commit by their content; empty: it has none.
	Policies string `json:"policies,omitempty"`
	// Offboard is the person whom the run is about, and about nobody else; Reason is why, Branch
	// where the commit is to be that says so in the declaration. Such a run brings no system to a
	// revision. From then on the person counts as somebody who left, whatever a declaration says,
	// until a Settled.
	Offboard string `json:"offboard,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Branch   string `json:"branch,omitempty"`
}

// NoSettings stands where a commit is expected whose settings hold, and there is none.
const NoSettings = "none"

// Class says to which part of a plan a change belongs.
type Class string

// The classes of changes. Leavers have a lane of their own, whatever brought their changes about.
const (
	ClassChange Class = "change"
	ClassTime   Class = "time"
	ClassDrift  Class = "drift"
	ClassLeaver Class = "leaver"
)

// Change is one change of a unit, with what the record must know beside it. Its Before and
// After must not be modified once it was handed to the journal.
type Change struct {
	access.Change
	// Person is the person or service concerned; empty if there is none.
	Person string
	// Class is the part of the plan that it belongs to.
	Class Class
	// Raises says of a change-level that it gives more than before. Any other change-level
	// counts as a removal.
	Raises bool
}

// Removes reports whether the change takes something away.
func (c Change) Removes() bool {
	switch c.Action {
	case access.Revoke, access.Disable, access.Delete:
		return true
	case access.ChangeLevel:
		return !c.Raises
	}
	return false
}

// Begun is written, and on disk, before a unit of work starts: one change, or those that the
// connector takes as one.
type Begun struct {
	System string
	// Unit numbers the units of a system within the run.
	Unit int
	// Changes are all of this System; no two have the same Key. The list must not be modified once
	// it was handed to the journal.
	Changes []Change
}

// Outcome is what became of a change.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"    // it was made true
	Already Outcome = "already" // it was true before
	Failed  Outcome = "failed"  // it was tried, and is not true
	Unknown Outcome = "unknown" // it may or may not have taken place
	Refused Outcome = "refused" // a policy or guard held it back
	Skipped Outcome = "skipped" // it wasn't tried: something it depends on failed, or the run was stopped
)

// Ended tells what became of a unit. All is the outcome of every change that Except doesn't
// name, so that a large unit that went well takes one short line.
type Ended struct {
	System string   `json:"system"`
	Unit   int      `json:"unit"`
	All    Outcome  `json:"all"`
	Except []Result `json:"except,omitempty"`
}

// Result is the outcome of one change, by its Key.
type Result struct {
	Key     string  `json:"key"`
	Outcome Outcome `json:"outcome"`
	Error   string  `json:"error,omitempty"`
}

// Held is what reading back showed.
type Held string

// What reading back can show.
const (
	Holds       Held = "held"        // the change is there
	NotHeld     Held = "not-held"    // the change is not there
	Unconfirmed Held = "unconfirmed" // it can't be told (yet)
)

// ReadBack tells, for what was touched on a system, whether it holds. All is what was seen of
// every change that Except doesn't name.
type ReadBack struct {
	System string `json:"system"`
	// Unit names the unit; 0 means all units of the system in this run that have ended.
	Unit   int    `json:"unit,omitempty"`
	All    Held   `json:"all"`
	Except []Seen `json:"except,omitempty"`
}

// Seen is what was seen of one change, by its Key.
type Seen struct {
	Key  string `json:"key"`
	Held Held   `json:"held"`
	Note string `json:"note,omitempty"`
}

// ClosedSystem ends the work on one system.
type ClosedSystem struct {
	System string `json:"system"`
	// Identity tells which target it was (see access.State.Identity).
	Identity string `json:"identity"`
	// Revision is the commit that was applied, or Worktree.
	Revision string `json:"revision"`
	// Converged says that all of this system's steps are done: its last applied revision is
	// now Revision.
	Converged bool `json:"converged"`
	// Leavers says that everybody who had left by Revision was dealt with, whatever else is
	// still to be done.
	Leavers bool `json:"leavers,omitempty"`
	// Incomplete says that the system couldn't be read completely.
	Incomplete bool   `json:"incomplete,omitempty"`
	Counts     Counts `json:"counts"`
	// Duration is how long the system took, in nanoseconds on the line.
	Duration time.Duration `json:"duration"`
}

// Counts are numbers of changes by outcome, and of those that didn't hold.
type Counts struct {
	Done        int `json:"done,omitempty"`
	Already     int `json:"already,omitempty"`
	Failed      int `json:"failed,omitempty"`
	Unknown     int `json:"unknown,omitempty"`
	Refused     int `json:"refused,omitempty"`
	Skipped     int `json:"skipped,omitempty"`
	NotHeld     int `json:"not_held,omitempty"`
	Unconfirmed int `json:"unconfirmed,omitempty"`
}

// Closed ends a run.
type Closed struct {
	// Outcome is a word or a sentence for people.
	Outcome string `json:"outcome"`
	// Exit is the exit code.
	Exit int `json:"exit"`
	// By is who closed the run where it didn't do so itself, Reason why.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Recovered tells that a line which a crash had cut short was dropped. Append writes it by
// itself; nobody else does.
type Recovered struct {
	// Bytes is the length of what was dropped, Hash the SHA-256 of it in hex.
	Bytes int64  `json:"bytes"`
	Hash  string `json:"sha256"`
}

// Late stands before entries that were written earlier than those in front of it, while the record
// couldn't be reached (see Spooled). Their times, runs and data are as they were written; numbers
// and hashes are those of the place where they stand now. Spooled writes it by itself; nobody
// else does.
type Late struct {
	// Entries is how many they are.
	Entries int `json:"entries"`
	// After is the hash of the entry that they followed where they were written, Head that of the
	// last of them there.
	After string `json:"after"`
	Head  string `json:"head"`
}

// Linked tells whose the accounts of a system are, by the ids that the system assigned: those
// outlive renames. Only what wasn't known before is told. It can be rebuilt from what is live.
type Linked struct {
	System   string          `json:"system"`
	Accounts []LinkedAccount `json:"accounts"`
}

// LinkedAccount is one account.
type LinkedAccount struct {
	// ID is what the system calls it for itself.
	ID     string `json:"id"`
	Person string `json:"person"`
}

// Approved tells which approvals a run was carried out on: it follows the run's Opened, before
// the first write to any system. Together they prove later who approved what.
type Approved struct {
	// ChangeDigest names the change that was approved (see engine/plan).
	ChangeDigest string `json:"change"`
	// Approvals are those that were for this change, by people who neither wrote it nor gain by
	// it, in the order of their time; whether a rule demanded them or not.
	Approvals []Approval `json:"approvals"`
	// Demands are what rules demanded an approval for, and who met it.
	Demands []Demand `json:"demands,omitempty"`
}

// Approval is that of one person.
type Approval struct {
	// By is the person's id.
	By string `json:"by"`
	// At is when it was given, by the evidence.
	At time.Time `json:"at"`
	// Change and Commit are what the evidence names: the digest of a change, or a commit.
	Change string `json:"change,omitempty"`
	Commit string `json:"commit,omitempty"`
}

// Demand is an approval that a rule demanded.
type Demand struct {
	// Rule is its name, Package where it stands, Text what it said.
	Rule    string `json:"rule"`
	Package string `json:"package,omitempty"`
	Text    string `json:"text"`
	// By are those among the approvals who met it: ids of people, sorted.
	By []string `json:"by"`
	// Person is whom it was about, Changes the keys of the changes of the run that it let pass;
	// All stands for every change of the run but leavers'. All of these may be empty: a setting,
	// or something that was true already.
	Person  string   `json:"person,omitempty"`
	Changes []string `json:"changes,omitempty"`
	All     bool     `json:"all,omitempty"`
}

// Settled ends what an Opened with Offboard began: the declaration says itself now that the
// person left, or somebody let the person return by name.
type Settled struct {
	Person string `json:"person"`
	// Why is what settles it, for people.
	Why string `json:"why"`
}

// Note is anything else that is worth keeping.
type Note struct {
	// Topic is a word to search for, as in "seen-disabled".
	Topic  string     `json:"topic"`
	System string     `json:"system,omitempty"`
	Ref    access.Ref `json:"ref,omitzero"`
	Text   string     `json:"text,omitempty"`
}
