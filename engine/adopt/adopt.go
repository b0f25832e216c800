// Package adopt puts what is live on one system into the words of the repository: people for the
// accounts that nobody has, groups and grants for what they hold, and the lines that a system's
// document needs for what resources hold themselves. It is pure: one state and what is declared
// in, documents out; the same input gives the same bytes.
//
// Three rules. What is written changes nothing: planned against the same state, it leads to no
// step. Nothing that is declared already is written again or touched. And what can't be said so
// is a Gap with its reason, never left out in silence.
package adopt

import (
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// Input is what documents are made from.
type Input struct {
	// Repo is what the repository declares already; it has passed Check.
	Repo *declare.Repository
	// System is the system's document.
	System   *declare.System
	Describe access.Description
	// Normalize is the connector's.
	Normalize func(access.Object) (access.Object, error)
	// Live is the whole state of the system.
	Live *access.State
	// Declared is what the repository gives on the system now.
	Declared *access.State
	// Owner tells whose an account is by what is declared; false: nobody's.
	Owner func(access.ID) (Owner, bool)
	// Disputed tells of accounts of which it can't be told whose they are; nil: there are none.
	Disputed func(access.ID) bool
	// Resource is the declaration of a resource, by the connector's spelling, Absent tells of
	// those declared absent; nil: there are none.
	Resource func(access.ID) *declare.Resource
	Absent   func(access.ID) bool
	// Services are globs: accounts with such names become services, for which the Owners answer.
	Services []string
	Owners   []string
}

// Owner is the person or service that has an account.
type Owner struct {
	Person string
	// Account is the account as declared, which may be about to be renamed so.
	Account access.ID
	Status  access.HolderStatus
	// Why is the line that the status comes from.
	Why access.Link
}

// GapKind sorts what couldn't be expressed.
type GapKind string

// The kinds of gap.
const (
	// GapSelf: Accord's own account, whose access is nobody's to declare.
	GapSelf GapKind = "self"
	// GapDisputed: it can't be told whose it is.
	GapDisputed GapKind = "disputed"
	// GapPerson: the person's status stands against it.
	GapPerson GapKind = "person"
	// GapDisabled: a disabled account that no declaration leaves as it is.
	GapDisabled GapKind = "disabled"
	// GapIdle: an account that holds nothing, where the system's rules would disable it.
	GapIdle GapKind = "idle"
	// GapName: a name that the language can't hold.
	GapName GapKind = "name"
	// GapAttributes: the rules for accounts or for people ask for what isn't known.
	GapAttributes GapKind = "attributes"
	// GapReadOnly: a permission that can be seen and not granted.
	GapReadOnly GapKind = "read-only"
	// GapUnlisted: a grant of or on something that the system doesn't list.
	GapUnlisted GapKind = "unlisted"
	// GapResource: what a resource holds that can't be declared.
	GapResource GapKind = "resource"
	// GapDeclared: what is declared says something else.
	GapDeclared GapKind = "declared"
)

// Gap is something live that couldn't be expressed.
type Gap struct {
	Kind GapKind `json:"kind"`
	// Subject is the account or resource; Target and Permission are set for a single grant, and
	// zero where all that the subject has is meant.
	Subject    access.ID `json:"subject"`
	Target     access.ID `json:"target,omitzero"`
	Permission string    `json:"permission,omitempty"`
	Why        string    `json:"why"`
}

// Result is what was made.
type Result struct {
	// System is the system's id.
	System string
	// People are new, services among them; Groups and Grants are sorted by id.
	People []Person
	Groups []Group
	Grants []Grant
	// Resources belong into the system's document, sorted.
	Resources []Resource
	// Manage are patterns that the system's document lacks, so that what is declared isn't only
	// given: what is live besides is nobody's until then.
	Manage []string
	// Gaps are sorted.
	Gaps []Gap
	// Notes are things that a reader should know.
	Notes []string
}

// Empty reports whether there is nothing to write.
func (r *Result) Empty() bool { return len(r.People) == 0 && len(r.Grants) == 0 }

// Gap tells whether a grant or, with a zero target, an object is among the gaps, or all that its
// subject has is.
func (r *Result) Gap() func(subject, target access.ID) bool {
	type edge struct{ subject, target access.ID }
	all := make(map[edge]bool, len(r.Gaps))
	for _, g := range r.Gaps {
		all[edge{g.Subject, g.Target}] = true
	}
	return func(subject, target access.ID) bool {
		return all[edge{subject, access.ID{}}] || all[edge{subject, target}]
	}
}

// Person is a new person or service.
type Person struct {
	ID      string
	Service bool
	Owners  []string // of a service
	Name    string
	Email   string
	// Leave: the account is disabled.
	Leave      bool
	Attributes []Pair
	// Account is the account's name on the system; "" where the system's rule gives it.
	Account string
}

// Pair is a key and its value.
type Pair struct{ Key, Value string }

// Group is a new group: people who hold several things together.
type Group struct {
	ID      string
	Members []string
}

// Grant gives the same to everybody in it.
type Grant struct {
	ID string
	// Group is set, or People.
	Group  string
	People []string
	Access []Entitlement
}

// Entitlement is a permission on a target; Usual says that the bare name means it.
type Entitlement struct {
	Target     access.ID
	Permission string
	Usual      bool
}

func (e Entitlement) compare(o Entitlement) int {
	if c := e.Target.Compare(o.Target); c != 0 {
		return c
	}
	return strings.Compare(e.Permission, o.Permission)
}

// Resource is what a resource holds itself, beyond what is declared.
type Resource struct {
	ID     access.ID
	Access []Entitlement
	// Declared is the entry that is there already; nil: it is new.
	Declared *declare.Resource
}

// Adopt makes documents. The state must be complete: what wasn't seen can't be declared. The
// cost is linear in the objects and grants, apart from sorting.
func Adopt(in Input) *Result {
	a := &adopter{Input: in, res: &Result{System: in.System.ID.Value}, taken: newNames(in.Repo), held: map[string][]Entitlement{}}
	a.rules()
	a.accounts()
	a.resources()
	a.bundle()
	a.manage()
	a.notes()
	slices.SortFunc(a.res.People, func(x, y Person) int { return strings.Compare(x.ID, y.ID) })
	slices.SortFunc(a.res.Gaps, compareGap)
	return a.res
}

func compareGap(x, y Gap) int {
	if c := x.Subject.Compare(y.Subject); c != 0 {
		return c
	}
	if c := x.Target.Compare(y.Target); c != 0 {
		return c
	}
	return strings.Compare(x.Permission, y.Permission)
}

type adopter struct {
	Input
	res   *Result
	taken *names
	name  declare.Template // of accounts
	// reads tell which attribute of an account holds what of its person.
	reads  []reading
	attrs  []attribute
	shared []values // of the attributes by which accounts are matched
	// held is what each person gets, by person.
	held map[string][]Entitlement
}

func (a *adopter) gap(kind GapKind, subject, target access.ID, permission, why string) {
	a.res.Gaps = append(a.res.Gaps, Gap{kind, subject, target, permission, why})
}

func (a *adopter) system() string { return a.System.ID.Value }

// edges are what a subject holds that isn't implied, as far as it can be declared; the rest are
// gaps. Of levels only the highest counts.
func (a *adopter) edges(subject access.ID) (out []Entitlement, gaps []Gap) {
	best := map[access.ID]access.Grant{}
	var all []access.Grant
	for _, g := range a.Live.GrantsOf(subject) {
		kind, _ := a.Describe.Kind(g.Target.Kind)
		switch was, there := best[g.Target]; {
		case g.Standing == access.Implied:
		case !kind.Ordered:
			all = append(all, g)
		case !there || kind.Level(g.Permission) > kind.Level(was.Permission):
			best[g.Target] = g
		}
	}
	for _, g := range best {
		all = append(all, g)
	}
	slices.SortFunc(all, access.Grant.Compare)
	for _, g := range all {
		kind, _ := a.Describe.Kind(g.Target.Kind)
		if gk, why := a.cant(g, kind); why != "" {
			gaps = append(gaps, Gap{gk, subject, g.Target, g.Permission, why})
			continue
		}
		out = append(out, Entitlement{g.Target, g.Permission, g.Permission == kind.Usual})
	}
	return out, gaps
}

// cant tells why a grant can't be declared; "" if it can.
func (a *adopter) cant(g access.Grant, kind access.Kind) (GapKind, string) {
	p, known := kind.Permission(g.Permission)
	_, listed := a.Live.Object(g.Target)
	switch {
	case !known:
		return GapReadOnly, "the connector doesn't say what it means"
	case p.ReadOnly:
		return GapReadOnly, "it can be seen, not granted: " + orElse(p.Doc, "it isn't one of the levels that are given")
	case !kind.Holds(g.Subject.Kind):
		return GapReadOnly, "a " + g.Subject.Kind + " can't be given it"
	case !listed && !kind.Open:
		return GapUnlisted, "the system doesn't list " + g.Target.String()
	case a.Absent != nil && a.Absent(g.Target):
		return GapDeclared, g.Target.String() + " is declared absent"
	case !writableTarget(g.Target):
		return GapName, "the language can't hold the name of " + g.Target.Kind + "/…"
	}
	if n, err := a.normalize(access.Object{ID: g.Target}); err != nil || n.ID != g.Target {
		return GapName, "the connector takes the name for another one"
	}
	return "", ""
}

func (a *adopter) normalize(o access.Object) (access.Object, error) {
	if a.Normalize == nil {
		return o, nil
	}
	return a.Normalize(o)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// manage finds the kinds of target that the system's document doesn't claim.
func (a *adopter) manage() {
	lacking := map[string]bool{}
	look := func(all []Entitlement) {
		for _, e := range all {
			if !slices.ContainsFunc(a.System.Manage, func(p declare.Text) bool { return declare.GlobID(p.Value, e.Target) }) {
				lacking[e.Target.Kind+"/*"] = true
			}
		}
	}
	for _, g := range a.Declared.Grants() {
		look([]Entitlement{{Target: g.Target}})
	}
	for _, g := range a.res.Grants {
		look(g.Access)
	}
	for _, r := range a.res.Resources {
		look(r.Access)
	}
	for p := range lacking {
		a.res.Manage = append(a.res.Manage, p)
	}
	slices.Sort(a.res.Manage)
}
