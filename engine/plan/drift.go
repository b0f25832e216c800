package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// DriftKind says in which way a system isn't as declared. Every difference has exactly one.
type DriftKind string

// The kinds of difference, in the order of reports.
const (
	DriftUnknown            DriftKind = "unknown"             // it can't be seen, or can't be told
	DriftUndeclaredAccount  DriftKind = "undeclared-account"  // an orphan
	DriftUndeclaredGrant    DriftKind = "undeclared-grant"    // more is granted than declared
	DriftUndeclaredResource DriftKind = "undeclared-resource" // it is declared absent
	DriftExpired            DriftKind = "expired"             // a window closed, or somebody left
	DriftMissingAccount     DriftKind = "missing-account"     // declared, and not there
	DriftMissingGrant       DriftKind = "missing-grant"       // less is granted than declared
	DriftMissingResource    DriftKind = "missing-resource"    // declared, and not there
	DriftChangedAttribute   DriftKind = "changed-attribute"   // so is the name, and whether an account is disabled
	DriftIdleAccount        DriftKind = "idle-account"        // no grant remains for it
	DriftPending            DriftKind = "pending-acceptance"  // an invitation that nobody accepted yet
)

// DriftKinds are all kinds, in the order of reports.
func DriftKinds() []DriftKind {
	return []DriftKind{DriftUnknown, DriftUndeclaredAccount, DriftUndeclaredGrant, DriftUndeclaredResource, DriftExpired, DriftMissingAccount,
		DriftMissingGrant, DriftMissingResource, DriftChangedAttribute, DriftIdleAccount, DriftPending}
}

// Fate is what becomes of a difference.
type Fate string

// The fates.
const (
	FateReverted   Fate = "reverted"   // accord apply reverts it
	FateRefused    Fate = "refused"    // a guard or a policy refuses that
	FateFlapping   Fate = "flapping"   // it was reverted again and again; somebody has to say who is right
	FateDepends    Fate = "depends"    // it waits for a step that is held
	FateReported   Fate = "reported"   // drift is only reported on this system
	FateObserved   Fate = "observed"   // the system is only observed
	FateAdditive   Fate = "additive"   // the system loses only what was declared
	FateProtected  Fate = "protected"  // it is about something protected
	FateStale      Fate = "stale"      // the system isn't as it was reviewed
	FateUnselected Fate = "unselected" // its class isn't part of this run
	FateLeft       Fate = "left"       // there is no step about it: it is only told
)

// FateOf says what becomes of a step.
func FateOf(s *Step) Fate {
	if s.Held == nil {
		return FateReverted
	}
	switch s.Held.Why {
	case HeldRefused:
		return FateRefused
	case HeldFlapping:
		return FateFlapping
	case HeldDepends:
		return FateDepends
	case HeldObserve:
		return FateObserved
	case HeldAdditive:
		return FateAdditive
	case HeldProtected:
		return FateProtected
	case HeldStale:
		return FateStale
	}
	return FateReported
}

// driftKind is the kind of the difference that a step would do away with.
func driftKind(s *Step, takes bool) DriftKind {
	account := s.Subject.IsAccount()
	switch {
	case takes && (s.Leaver || s.Class == ClassTime):
		return DriftExpired
	case s.Action.OnGrant() && takes:
		return DriftUndeclaredGrant
	case s.Action.OnGrant():
		return DriftMissingGrant
	case s.Action == access.Create && account:
		return DriftMissingAccount
	case s.Action == access.Create:
		return DriftMissingResource
	case s.Action == access.Delete && account:
		return DriftUndeclaredAccount
	case s.Action == access.Delete:
		return DriftUndeclaredResource
	case s.Action == access.Disable && s.Cause.Kind != access.CauseLeave:
		return DriftIdleAccount
	}
	return DriftChangedAttribute
}

// Difference is one way in which a system isn't as declared, whether or not a step is about it.
type Difference struct {
	Kind   DriftKind `json:"kind"`
	System string    `json:"system"`
	// Subject is the account or resource concerned; zero: the whole system.
	Subject access.ID `json:"subject,omitzero"`
	// Target is what a grant is on.
	Target access.ID `json:"target,omitzero"`
	// Detail tells apart what concerns the same things: the permission of a grant, the
	// attributes that differ, what is to be done to an account.
	Detail string `json:"detail,omitempty"`
	// Person is whose the account is, if it is somebody's.
	Person string `json:"person,omitempty"`
	// Why tells why something is unknown.
	Why  string `json:"why,omitempty"`
	Fate Fate   `json:"fate"`
	// Since is when it was seen first, by the journal; zero: nobody looked before.
	Since time.Time `json:"since,omitzero"`
	// Traces are what the system itself says of who wrote what it is about.
	Traces []access.Trace `json:"traces,omitempty"`
	// Step is the step that would do away with it; nil: there is none.
	Step *Step `json:"-"`
}

// Key names the difference from run to run, whatever becomes of it.
func (d Difference) Key() string {
	return access.Key(string(d.Kind), d.System, d.Subject, d.Target, d.Detail)
}

// Compare orders differences by system, kind and what they are about.
func (d Difference) Compare(o Difference) int {
	return cmp.Or(strings.Compare(d.System, o.System), cmp.Compare(slices.Index(DriftKinds(), d.Kind), slices.Index(DriftKinds(), o.Kind)),
		d.Subject.Compare(o.Subject), d.Target.Compare(o.Target), strings.Compare(d.Detail, o.Detail))
}

// Differences are all ways in which the systems of a plan aren't as declared, sorted: the steps
// that are drift, also those that --only left out, and what no step is about. What only the
// declaration changes is none; nor is what waits because something couldn't be seen, which is
// told of by what couldn't.
func (p *Plan) Differences() []Difference {
	var out []Difference
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Drift != "" {
			out = append(out, s.Difference())
		}
	}
	for i := range p.Unselected {
		d := p.Unselected[i].Difference()
		d.Fate = FateUnselected
		out = append(out, d)
	}
	for i := range p.Systems {
		out = append(out, p.Systems[i].differences()...)
	}
	slices.SortFunc(out, Difference.Compare)
	return out
}

// Difference is what a step of drift would do away with.
func (s *Step) Difference() Difference {
	d := Difference{Kind: s.Drift, System: s.System, Subject: s.Subject, Target: s.Target, Person: s.Person, Fate: FateOf(s), Step: s}
	switch {
	case s.Action == access.ChangeLevel && s.Drift == DriftMissingGrant:
		d.Detail = s.After.Permission
	case s.Action == access.ChangeLevel:
		d.Detail = s.Before.Permission
	case s.Action.OnGrant():
		d.Detail = s.permission()
	case s.Action == access.Update:
		d.Detail = strings.Join(slices.Sorted(maps.Keys(s.After.Attributes)), ",")
	case s.Drift == DriftExpired || s.Drift == DriftChangedAttribute:
		d.Detail = string(s.Action)
	}
	return d
}

// differences are those that no step is about.
func (s *System) differences() []Difference {
	var out []Difference
	add := func(kind DriftKind, subject, target access.ID, detail, why string) {
		out = append(out, Difference{Kind: kind, System: s.Name, Subject: subject, Target: target, Detail: detail, Why: why, Fate: FateLeft})
	}
	accounts := func(kind DriftKind, ids []access.ID) {
		for _, id := range ids {
			add(kind, id, access.ID{}, "", "")
		}
	}
	edges := func(kind DriftKind, list []Edge) {
		for _, e := range list {
			add(kind, e.Subject, e.Target, e.Permission, "")
		}
	}
	accounts(DriftUndeclaredAccount, s.Orphans)
	accounts(DriftIdleAccount, s.Idle)
	accounts(DriftMissingAccount, s.Missing)
	edges(DriftUndeclaredGrant, s.Unclaimed)
	edges(DriftPending, s.Pending)
	for _, d := range s.Dangling {
		add(DriftMissingGrant, d.Subject, d.Target, d.Permission, "what it is on is nowhere")
	}
	for _, id := range s.Disputed {
		add(DriftUnknown, id, access.ID{}, "name", "it is there under its old and its new name")
	}
	for _, d := range s.Disputes {
		add(DriftUnknown, d.Account, access.ID{}, "owner", d.Why)
	}
	return append(out, s.unseen()...)
}

// unseen is what couldn't be seen of a system. Where everything could be, what is waited for is
// waited for because of something else, such as that the system can't do it.
func (s *System) unseen() []Difference {
	var out []Difference
	add := func(id, target access.ID, detail, why string) {
		out = append(out, Difference{Kind: DriftUnknown, System: s.Name, Subject: id, Target: target, Detail: detail, Why: why, Fate: FateLeft})
	}
	switch {
	case s.Error != "":
		add(access.ID{}, access.ID{}, "", s.Error)
	case s.NotRead != "":
		add(access.ID{}, access.ID{}, "", "not read: "+s.NotRead)
	}
	if s.BaseError != "" {
		add(access.ID{}, access.ID{}, "history", s.BaseError)
	}
	seen := map[access.ID]bool{}
	for _, u := range s.Unknown {
		if !seen[u.ID] { // one thing may be hidden for two reasons
			seen[u.ID] = true
			add(u.ID, access.ID{}, "", u.Why)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, w := range s.Waiting {
		add(w.Subject, w.Target, string(w.Action), w.Why)
	}
	return out
}

// Readable reports whether the system was read whole, so that what wasn't seen isn't there.
func (s *System) Readable() bool {
	return s.Error == "" && s.NotRead == "" && s.BaseError == "" && len(s.Unknown) == 0
}
