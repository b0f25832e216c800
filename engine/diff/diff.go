// Package diff compares what is declared with what is live on one system and says which
// changes make the second into the first. It is pure: two states and a scope in, changes out,
// sorted. It knows no classes, guards or modes: whether a change may and should be made is
// engine/plan's.
//
// # What is left alone
//
// One rule rather than many exceptions: a live grant is taken away only if the repository
// claims it, and it claims
//
//   - what a subject holds on a target that `manage` names,
//   - what a resource holds that the repository itself declares,
//   - everything that the account of a leaver holds.
//
// All else that is live and not declared is Unclaimed: reported, never changed. And nothing at
// all is concluded about what the live state doesn't know: such changes are Waiting.
package diff

import (
	"maps"
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// Scope is what the comparison needs besides the two states.
type Scope struct {
	Describe access.Description
	// Claims tells whether the repository claims the grants on a target.
	Claims func(target access.ID) bool
	// Create, Idle, Leaver and DeleteAfter are the system's account rules.
	Create      bool
	IdleDisable bool
	Leaver      LeaverRule
	DeleteAfter time.Duration // zero: never
	// DisabledSince tells since when Accord itself has had an account disabled.
	DisabledSince func(access.ID) (time.Time, bool)
	At            time.Time
	// Disputed are accounts of which it can't be told whose they are, and those that the people
	// concerned would have. Nothing at all is done to them.
	Disputed map[access.ID]bool
}

// LeaverRule is what becomes of a leaver's account.
type LeaverRule string

// The leaver rules.
const (
	LeaverDisable LeaverRule = "disable"
	LeaverDelete  LeaverRule = "delete"
	LeaverKeep    LeaverRule = "keep"
)

// Result is the difference.
type Result struct {
	// Changes are sorted. Those of leavers' accounts are marked in Leavers.
	Changes []access.Change
	// Leavers are the accounts of people who left and that are live, each with its holder.
	Leavers map[access.ID]access.Holder
	// Waiting are changes that can't be decided because something isn't known.
	Waiting []Waiting
	// Unclaimed are live grants that nobody declared and that aren't the repository's.
	Unclaimed []access.Grant
	// Pending are declared grants that are there as invitations which nobody accepted yet. They
	// count as there, so that nobody is invited twice.
	Pending []access.Grant
	// Orphans are live accounts that nobody declares.
	Orphans []access.ID
	// Idle are live accounts of declared people who have nothing on the system.
	Idle []access.ID
	// Missing are accounts that are wanted but that may not be created here.
	Missing []access.ID
	// Dangling are declared grants on targets that are neither live nor declared.
	Dangling []access.Grant
	// Disputed are accounts that exist both under a name before and the name after a rename.
	// Neither is renamed or given anything; both keep no more than what is declared.
	Disputed []access.ID
}

// Waiting is something that can't be decided yet, and why.
type Waiting struct {
	Action  access.Action `json:"action"`
	Subject access.ID     `json:"subject"`
	Target  access.ID     `json:"target,omitzero"`
	Why     string        `json:"why"`
}

// Diff compares. The live state may lack things; whatever it doesn't know is waited for. The
// cost is linear in the names and grants of both sides.
func Diff(want access.Declared, live *access.State, s Scope) Result {
	d := &differ{
		want: want, live: live, Scope: s,
		res:   Result{Leavers: map[access.ID]access.Holder{}},
		skip:  map[access.ID]bool{},
		doubt: map[access.ID]access.ID{},
		strip: map[access.ID]bool{},
		made:  map[access.ID]bool{},
	}
	named, left := d.holders()
	d.renames(named)
	d.leavers(left)
	d.objects()
	d.absent()
	d.grants()
	d.accounts()
	slices.SortFunc(d.res.Changes, access.Change.Compare)
	return d.res
}

type differ struct {
	Scope
	want access.Declared
	live *access.State
	res  Result
	skip map[access.ID]bool // objects to which nothing is done and nothing is given
	// doubt are accounts whose name is in doubt, each with the one under which it is declared.
	doubt map[access.ID]access.ID
	strip map[access.ID]bool // subjects that must hold nothing at all
	made  map[access.ID]bool // objects that a change will create
}

// holders picks those whose accounts may have had other names, and those from whom everything is
// taken away, in one go: there are many.
func (d *differ) holders() (named, left []access.Holder) {
	disables := d.Describe.Can(access.KindAccount, access.Disable)
	for h := range d.want.Holders() {
		if h.Status == access.HolderLeft || h.Status == access.HolderLeave && !disables {
			left = append(left, h)
		}
		if h.Status != access.HolderLeft && len(h.Was) > 0 {
			named = append(named, h)
		}
	}
	return named, left
}

func (d *differ) add(c access.Change) {
	c.System = d.live.System()
	d.res.Changes = append(d.res.Changes, c)
}

func (d *differ) wait(a access.Action, subject, target access.ID, why string) {
	d.res.Waiting = append(d.res.Waiting, Waiting{a, subject, target, why})
}

// whyUnknown tells what hides an object.
func (d *differ) whyUnknown(id access.ID) string {
	for _, u := range d.live.Unknowns() {
		if u.ID.IsZero() || u.ID == id || u.ID.Name == "" && u.ID.Kind == id.Kind {
			return u.Why
		}
	}
	return "it wasn't asked about"
}

func (d *differ) disable(id access.ID) {
	d.add(access.Change{Action: access.Disable, Subject: id, Before: &access.Value{}, After: &access.Value{Disabled: true}})
}

// leavers disables and strips what belongs to people who left.
func (d *differ) leavers(left []access.Holder) {
	live := d.live.Finder()
	for _, h := range left {
		leave := h.Status == access.HolderLeave
		ids := []access.ID{h.Account}
		if len(h.Was) > 0 {
			seen, unseen := d.formerly(h)
			ids = slices.Concat(ids, seen, unseen)
		}
		for _, id := range ids {
			if h.Account = id; !d.strip[id] {
				d.leaver(h, leave, live)
			}
		}
	}
}

func (d *differ) leaver(h access.Holder, leave bool, live *access.Finder) {
	if d.Disputed[h.Account] {
		return
	}
	if !d.live.Knows(h.Account) {
		d.wait(access.Disable, h.Account, access.ID{}, d.whyUnknown(h.Account))
		return
	}
	o, ok := live.Object(h.Account)
	if !ok {
		return
	}
	d.strip[h.Account] = true
	if leave {
		return
	}
	d.res.Leavers[h.Account] = h
	if !o.Disabled && d.Leaver != LeaverKeep && d.Describe.Can(access.KindAccount, access.Disable) {
		d.disable(h.Account)
	}
	d.deleteLeaver(h, o)
}

// deleteLeaver plans the deletion of a leaver's account: at once if the rule says so, else
// when Accord itself has had it disabled for long enough.
func (d *differ) deleteLeaver(h access.Holder, o access.Object) {
	if d.Leaver == LeaverKeep || !d.Describe.Can(access.KindAccount, access.Delete) {
		return
	}
	since, ok := d.DisabledSince(h.Account)
	due := d.DeleteAfter > 0 && ok && o.Disabled && !since.Add(d.DeleteAfter).After(d.At)
	if d.Leaver != LeaverDelete && !due {
		return
	}
	if !d.live.Complete() {
		d.wait(access.Delete, h.Account, access.ID{}, "deletions wait until the whole system can be read")
		return
	}
	disabled := o.Disabled || d.Describe.Can(access.KindAccount, access.Disable)
	d.add(access.Change{Action: access.Delete, Subject: h.Account, Before: &access.Value{Disabled: disabled}})
}

// objects creates, updates, enables and disables what is declared.
func (d *differ) objects() {
	live := d.live.Finder()
	for o := range d.want.State().Objects() {
		if d.skip[o.ID] || d.Disputed[o.ID] {
			continue
		}
		l, there := live.Object(o.ID)
		switch {
		case !d.live.Knows(o.ID):
			d.wait(access.Update, o.ID, access.ID{}, d.whyUnknown(o.ID))
			d.skip[o.ID] = true
		case !there:
			d.create(o)
		default:
			d.update(o, l)
		}
	}
}

func (d *differ) create(o access.Object) {
	switch {
	case o.Disabled: // on leave before there ever was an account
		d.skip[o.ID] = true
	case !d.live.Complete():
		d.wait(access.Create, o.ID, access.ID{}, "new objects wait until the whole system can be read")
		d.skip[o.ID] = true
	case !o.ID.IsAccount() && !d.Describe.Can(o.ID.Kind, access.Create):
		d.wait(access.Create, o.ID, access.ID{}, "this system can't create it")
		d.skip[o.ID] = true
	case o.ID.IsAccount() && (!d.Create || !d.Describe.Can(access.KindAccount, access.Create)):
		d.res.Missing = append(d.res.Missing, o.ID)
		d.skip[o.ID] = true
	default:
		d.made[o.ID] = true
		d.add(access.Change{Action: access.Create, Subject: o.ID, After: &access.Value{Attributes: notEmpty(o.Attributes)}})
	}
}

func (d *differ) update(o, l access.Object) {
	var before, after map[string]string
	for k, v := range o.Attributes {
		if l.Attributes[k] == v {
			continue
		}
		if after == nil {
			before, after = map[string]string{}, map[string]string{}
		}
		before[k], after[k] = l.Attributes[k], v
	}
	switch {
	case len(after) == 0:
	case !d.Describe.Can(o.ID.Kind, access.Update):
		d.wait(access.Update, o.ID, access.ID{}, "this system can't change it")
	default:
		d.add(access.Change{Action: access.Update, Subject: o.ID,
			Before: &access.Value{Attributes: before}, After: &access.Value{Attributes: after}})
	}
	if !o.ID.IsAccount() || o.Disabled == l.Disabled {
		return
	}
	action := access.Enable
	if o.Disabled {
		action = access.Disable
	}
	if !d.Describe.Can(access.KindAccount, action) {
		d.wait(action, o.ID, access.ID{}, "this system can't do it")
		return
	}
	d.add(access.Change{Action: action, Subject: o.ID, Before: &access.Value{Disabled: l.Disabled}, After: &access.Value{Disabled: o.Disabled}})
}

// absent deletes the resources that are declared absent.
func (d *differ) absent() {
	for _, id := range slices.SortedFunc(maps.Keys(d.want.Absent()), access.ID.Compare) {
		_, there := d.live.Object(id)
		switch {
		case !d.live.Knows(id) || there && !d.live.Complete():
			d.wait(access.Delete, id, access.ID{}, "deletions wait until the whole system can be read")
		case there:
			d.add(access.Change{Action: access.Delete, Subject: id, Before: &access.Value{}})
		}
	}
}

// accounts sorts the live accounts that nothing is wanted of: orphans and idle ones.
func (d *differ) accounts() {
	want := d.want.State().Finder()
	for o := range d.live.Objects() {
		if !o.ID.IsAccount() || o.Reserved || o.ID == d.live.Self() || d.strip[o.ID] || d.skip[o.ID] || d.Disputed[o.ID] {
			continue
		}
		if _, ok := want.Object(o.ID); ok {
			continue
		}
		h, ok := d.want.Holder(o.ID)
		switch {
		case !ok:
			d.res.Orphans = append(d.res.Orphans, o.ID)
		case o.Disabled || h.Status == access.HolderLeft:
		case (d.IdleDisable || h.Status == access.HolderLeave) && d.Describe.Can(access.KindAccount, access.Disable) && d.live.Knows(o.ID):
			d.disable(o.ID)
		default:
			d.res.Idle = append(d.res.Idle, o.ID)
		}
	}
}

func notEmpty(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return m
}
