package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/resolve"
	"github.com/accordhq/accord/policy"
)

// Approvals are evidence of who approved which change. A trusted job writes them from what the
// forge says; nothing in the change itself can.
type Approvals struct {
	FormatVersion int `json:"formatVersion"`
	// Authors are who proposed the change by the forge, beside those that git names: ids of
	// people, or addresses.
	Authors   []string   `json:"authors,omitempty"`
	Approvals []Approval `json:"approvals"`
}

// Approval is that of one person for one change: either field names it, a change digest (see
// plan.ChangeDigest) or a commit by its full id.
type Approval struct {
	// By is a person's id, or their address as declared.
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Change string    `json:"change,omitempty"`
	Commit string    `json:"commit,omitempty"`
}

// maxApprovals bounds what ReadApprovals takes in, in bytes.
const maxApprovals = 4 << 20

// ReadApprovals reads the evidence strictly: unknown keys, another version, or an approval that
// names nobody, no time or no change are errors.
func ReadApprovals(r io.Reader) (*Approvals, error) {
	dec := json.NewDecoder(io.LimitReader(r, maxApprovals))
	dec.DisallowUnknownFields()
	var a Approvals
	if err := dec.Decode(&a); err != nil {
		return nil, fmt.Errorf("reading the approvals: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("reading the approvals: more follows after their end")
	}
	if a.FormatVersion != 1 {
		return nil, fmt.Errorf("reading the approvals: their format version is %d, this accord reads 1", a.FormatVersion)
	}
	for i, one := range a.Approvals {
		what := ""
		switch {
		case one.By == "":
			what = "names nobody (by)"
		case one.At.IsZero():
			what = "says not when (at)"
		case one.Change == "" && one.Commit == "":
			what = "names neither a change digest (change) nor a commit"
		case one.Change != "" && !isHex(one.Change, 64):
			what = "has no change digest of 64 digits under change; accord plan prints it in its JSON as changeDigest"
		case one.Commit != "" && !isHex(one.Commit, 40) && !isHex(one.Commit, 64):
			what = "has no full commit id under commit"
		}
		if what != "" {
			return nil, fmt.Errorf("reading the approvals: number %d (by %q) %s", i+1, one.By, what)
		}
	}
	return &a, nil
}

func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}

// evidence is what the approvals come to for the change at hand.
type evidence struct {
	valid   []Approval        // for this change, ids of people filled in
	stray   []string          // those that don't count, and why
	authors map[string]string // who may not approve it, as they wrote it or were offboarded, and what says so
	gains   map[string]bool   // who gets something by it
}

// evidence weighs the approvals: which are for what head changes, and who can't approve it.
func (s *session) evidence() *evidence {
	if s.proof != nil {
		return s.proof
	}
	e := &evidence{authors: map[string]string{}, gains: map[string]bool{}}
	s.proof = e
	digests := s.digests()
	var list []Approval
	if s.opts.Approvals != nil {
		list = s.opts.Approvals.Approvals
		for _, a := range s.opts.Approvals.Authors {
			e.authors[s.personOf(a)] = "proposed the change"
		}
	}
	for _, a := range s.authors {
		if id := s.byEmail(a.Email); id != "" {
			e.authors[id] = "wrote the change"
		}
	}
	for _, id := range s.withheldIDs() {
		e.authors[id] = "was offboarded"
	}
	law := s.resolved(s.book)
	for _, a := range list {
		id := s.approver(a.By)
		p, status, _, ok := law.Person(id)
		switch {
		case !s.isFor(a, digests):
			e.stray = append(e.stray, a.By+" approved another change")
			continue
		case !ok:
			e.stray = append(e.stray, a.By+" is nobody that "+s.bookName()+" declares")
			continue
		case p.Service:
			e.stray = append(e.stray, a.By+" is a service")
			continue
		case status != access.HolderActive:
			e.stray = append(e.stray, a.By+" isn't active")
			continue
		case a.At.After(s.at.Add(5 * time.Minute)):
			e.stray = append(e.stray, a.By+" approved in the future")
			continue
		}
		a.By = id
		e.valid = append(e.valid, a)
	}
	s.beneficiaries(e.gains)
	return e
}

func (s *session) bookName() string {
	if s.book.name != "" {
		return s.book.name
	}
	return "the declaration"
}

// isFor reports whether an approval is for what head changes: by the digest of the change, by
// head's commit, or by a commit that declares the same change, as before a squash.
func (s *session) isFor(a Approval, digests []string) bool {
	if a.Change != "" && !slices.Contains(digests, a.Change) {
		return false
	}
	return a.Commit == "" || a.Commit == s.head.Revision.Hash || slices.Contains(digests, s.approved[a.Commit])
}

// digests are the change digests by which head is known: against what it is compared with, and,
// after a run that was cut off, against what stands applied on each system.
func (s *session) digests() []string {
	if s.newest == nil {
		return []string{s.digest}
	}
	out := []string{plan.ChangeDigest(s.shifts)}
	var done []*base
	for _, sys := range s.systems {
		b := sys.rev
		if b == nil || b == s.newest || b.decl == s.head.Repo || b.head == nil || slices.Contains(done, b) {
			continue
		}
		done = append(done, b)
		out = append(out, plan.ChangeDigest(s.shiftsFrom(b)))
	}
	return out
}

// beneficiaries are all who get something by the change, directly, by a group, or by what a
// resource gets that they hold.
func (s *session) beneficiaries(into map[string]bool) {
	w := s.world()
	f := &facts{session: s, world: w}
	for _, sh := range s.shifts {
		switch {
		case sh.Kind != access.ShiftGain && sh.Kind != access.ShiftLengthen && sh.Kind != access.ShiftReason:
		case sh.Person != "":
			into[sh.Person] = true
		default:
			for _, p := range f.behind(sh.System, sh.Subject) {
				into[p] = true
			}
		}
	}
	s.settled(w, into)
	if s.newest != nil {
		return
	}
	for _, d := range w.Systems { // everything is new
		for h := range d.Holders() {
			if h.Wanted {
				into[h.Person] = true
			}
		}
	}
}

// settled adds whom changed settings are for: who is exempted, and who becomes an owner.
func (s *session) settled(w *resolve.World, into map[string]bool) {
	add := func(ids, before []declare.Text) {
		for _, id := range ids {
			if slices.ContainsFunc(before, func(t declare.Text) bool { return t.Value == id.Value }) {
				continue
			}
			into[id.Value] = true
			for _, m := range w.Members(id.Value) {
				into[m] = true
			}
		}
	}
	if s.book.decl == s.head.Repo {
		return
	}
	for _, e := range s.head.Repo.Exempts {
		i := slices.IndexFunc(s.book.decl.Exempts, func(o *declare.Exempt) bool { return o.ID.Value == e.ID.Value })
		if i < 0 {
			add(e.Who, nil)
		} else if was := s.book.decl.Exempts[i]; declare.Digest(was) != declare.Digest(e) {
			add(e.Who, nil)
		}
	}
	before := map[string][]declare.Text{}
	for _, o := range ownedOf(s.book.decl, true) {
		before[o.kind+" "+o.id] = o.owners
	}
	for _, o := range ownedOf(s.head.Repo, true) {
		if was, there := before[o.kind+" "+o.id]; there {
			add(o.owners, was)
		}
	}
}

// approve finds who approved what a rule demands, and who could.
func (j *judging) approve(v *verdict, f *plan.Finding) {
	owners := j.ownersOf(v)
	e := j.evidence()
	law := j.resolved(j.book)
	demand := v.Result
	if demand.Approvers != nil { // a rule may name groups
		var named []declare.Text
		for _, id := range demand.Approvers {
			named = append(named, declare.Text{Value: id})
		}
		demand.Approvers = append([]string{}, law.Active(named)...)
	}
	f.ApprovedBy, f.Approvers, f.Unfit = e.fit(demand, owners, law)
	if !j.inChange(v) {
		f.ApprovedBy = nil
		f.Unfit = append(f.Unfit, "an approval counts for what stands in this change; this comes from elsewhere")
	}
}

// fit tells which approvals meet a demand, who else could approve it, and why others don't count.
func (e *evidence) fit(demand policy.Result, owners []string, law *resolve.World) (by, could, unfit []string) {
	gains := make([]string, 0, len(e.gains))
	for p := range e.gains {
		gains = append(gains, p)
	}
	eligible := func(id string) (bool, string) {
		if ok, why := policy.Eligible(id, demand, "", gains, owners); !ok {
			return false, why
		}
		if why, wrote := e.authors[id]; wrote {
			return false, id + " " + why
		}
		return true, ""
	}
	for _, a := range e.valid {
		if ok, why := eligible(a.By); ok {
			by = append(by, a.By)
		} else {
			unfit = append(unfit, why)
		}
	}
	entitled := owners
	if demand.Approvers != nil {
		entitled = demand.Approvers
	}
	for _, id := range entitled {
		_, status, _, known := law.Person(id)
		if ok, _ := eligible(id); ok && known && status == access.HolderActive && !slices.Contains(by, id) {
			could = append(could, id)
		}
	}
	clean := func(in []string) []string { slices.Sort(in); return slices.Compact(in) }
	return clean(by), clean(could), clean(append(unfit, e.stray...))
}

// ownersOf answer for what a demand is about, where the rule names nobody.
func (j *judging) ownersOf(v *verdict) []string {
	for _, key := range v.changes {
		if in, ok := j.asked[key]; ok {
			return in
		}
	}
	return nil
}

// inChange reports whether what a demand is about stands in the change that head makes: its
// shift, or the settings that it changes. What drifted, or what time brings, was approved with
// another change, or never.
func (j *judging) inChange(v *verdict) bool {
	names := map[shiftName]bool{}
	people := map[string]bool{}
	note := func(list []access.Shift) {
		for _, sh := range list {
			names[shiftName{sh.Person, sh.System, sh.Subject, sh.Target}] = true
			people[sh.Person] = sh.Person != ""
		}
	}
	note(j.shifts)
	for _, sys := range j.systems {
		if sys.rev != nil && sys.rev != j.newest && sys.rev.head != nil {
			note(j.shiftsFrom(sys.rev))
		}
	}
	for _, key := range v.changes {
		st := j.stepOf[key]
		switch {
		case st == nil: // a shift or a setting, which is part of the change itself
		case j.newest == nil && st.Class == plan.ClassChange: // everything is new
		case st.Action.OnGrant() && !names[nameOf(st)], !st.Action.OnGrant() && st.Class != plan.ClassChange:
			return false
		}
	}
	return len(v.changes) > 0 || v.Person == "" || people[v.Person] || j.newest == nil
}

// ownersApprove are those of the owners, by the rulebook, who approved the change.
func (s *session) ownersApprove(owners []declare.Text) []string {
	law := s.resolved(s.book)
	active := law.Active(owners)
	by, _, _ := s.evidence().fit(policy.Result{}, active, law)
	return by
}
