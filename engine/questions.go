package engine

import (
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/policy"
)

// step puts a step of the plan into the form that rules see.
func (f *facts) step(st *plan.Step) policy.ChangeInput {
	sys := f.bySystem[st.System]
	desc := sys.description(f.session)
	kind, _ := desc.Kind(st.Target.Kind)
	because := st.Reasons
	if st.Takes(desc) {
		because = append(slices.Clone(st.Reasons), st.Was...)
	}
	role, roles := rolesOf(because)
	c := policy.Change{
		ID: st.Key(), Class: string(st.Class), Origin: "step", Op: op(st, desc), Action: string(st.Action),
		Kind: objectKind(st.Change), System: f.lawID(st.System), Principal: f.lawPerson(st.Person), Role: f.lawRole(role), Roles: f.named(roles),
		Permission: permission(st.Change), Leaver: st.Leaver, Reasons: f.reasons(st.Reasons),
		Before: f.side(st.Before), After: f.side(st.After), Author: f.context.Author,
		Cause:  policy.Cause{Kind: string(st.Cause.Kind), Text: st.Cause.Text, File: st.Cause.File, Line: st.Cause.Line},
		Source: policy.Place{File: st.Cause.File, Line: st.Cause.Line},
	}
	on := st.Subject
	if st.Action.OnGrant() {
		on = st.Target
		perm, _ := kind.Permission(c.Permission)
		c.Admin = perm.Admin
		c.Privileged = f.privileged(st.System, on, roles)
		c.Owners = f.owners(st.System, on, outermost(because))
		f.ends(&c, st)
	} else {
		c.Ends, c.HasEnd, c.DaysLeft = policy.Ends(time.Time{}, f.at)
		if !st.Subject.IsAccount() {
			c.Privileged = f.privileged(st.System, on, nil)
		}
		c.Owners = f.owners(st.System, on, nil)
	}
	c.Account = st.Subject.String()
	c.Resource, c.ResourceKind, c.ResourceName = on.String(), on.Kind, on.Name
	for _, r := range st.Risks {
		c.Risks = append(c.Risks, string(r.Name))
	}
	slices.Sort(c.Risks)
	return f.question(c, st.Person, st.System, role)
}

// ends fills in until when access is wanted. What is taken away has no end any more.
func (f *facts) ends(c *policy.Change, st *plan.Step) {
	until := access.LastEnd(st.Reasons)
	c.Ends, c.HasEnd, c.DaysLeft = policy.Ends(until, f.at)
	if st.After != nil {
		c.After.Until, c.After.HasEnd, c.After.DaysLeft = c.Ends, c.HasEnd, c.DaysLeft
	}
	if st.Before != nil {
		c.Before.Until, c.Before.HasEnd, c.Before.DaysLeft = policy.Ends(access.LastEnd(st.Was), f.at)
	}
}

// question puts beside a change who and what it is about, as head calls them.
func (f *facts) question(c policy.Change, person, system, role string) policy.ChangeInput {
	in := policy.ChangeInput{Change: c, Subject: f.subject(person), Role: f.role(role), Plan: f.context}
	if system != "" {
		in.System = f.system(system)
	}
	return in
}

func objectKind(c access.Change) string {
	switch {
	case c.Action.OnGrant():
		return "grant"
	case c.Subject.IsAccount():
		return "account"
	}
	return "resource"
}

func permission(c access.Change) string {
	if c.After != nil && c.After.Permission != "" {
		return c.After.Permission
	}
	if c.Before != nil {
		return c.Before.Permission
	}
	return ""
}

func op(st *plan.Step, d access.Description) string {
	switch {
	case st.Takes(d):
		return "remove"
	case st.Action == access.Give, st.Action == access.Create, st.Action == access.ChangeLevel:
		return "add"
	}
	return "update"
}

func (f *facts) side(v *access.Value) policy.Side {
	var s policy.Side
	s.Until, s.HasEnd, s.DaysLeft = policy.Ends(time.Time{}, f.at)
	if v == nil {
		return s
	}
	s.Present, s.Permission, s.Disabled, s.Name, s.Attributes = true, v.Permission, v.Disabled, v.Name, v.Attributes
	return s
}

// shift puts a shift of the declaration into the form that rules see.
func (f *facts) shift(sh access.Shift) policy.ChangeInput {
	c := policy.Change{ID: shiftKey(sh), Class: "change", Origin: "shift", Op: shiftOps[sh.Kind], Kind: "grant", System: f.lawID(sh.System), Principal: f.lawPerson(sh.Person),
		Permission: sh.Permission, Author: f.context.Author, Before: f.spans(sh.Before), After: f.spans(sh.After)}
	c.Ends, c.HasEnd, c.DaysLeft = c.After.Until, c.After.HasEnd, c.After.DaysLeft
	c.Before.Permission, c.After.Permission = sh.Permission, sh.Permission
	if sh.Kind == access.ShiftStatus {
		c.Kind = "person"
		c.Before.Present, c.Before.Value, c.After.Present, c.After.Value = sh.From != "", sh.From, sh.To != "", sh.To
		if s := f.subject(sh.Person); s != nil {
			c.Source = s.Source
		}
		return f.question(c, sh.Person, sh.System, "")
	}
	c.Resource, c.ResourceKind, c.ResourceName = sh.Target.String(), sh.Target.Kind, sh.Target.Name
	account, because := f.shiftReasons(sh)
	c.Account = account.String()
	c.Reasons = f.reasons(because)
	role, roles := rolesOf(because)
	c.Role, c.Roles = f.lawRole(role), f.named(roles)
	c.Privileged = f.privileged(sh.System, sh.Target, roles)
	c.Owners = f.owners(sh.System, sh.Target, outermost(because))
	if len(because) > 0 && len(because[0].Chain) > 0 {
		c.Source = policy.Place{File: because[0].Chain[0].File, Line: because[0].Chain[0].Line}
	}
	if sys := f.bySystem[sh.System]; sys != nil {
		kind, _ := sys.description(f.session).Kind(sh.Target.Kind)
		perm, _ := kind.Permission(sh.Permission)
		c.Admin = perm.Admin
	}
	return f.question(c, sh.Person, sh.System, role)
}

var shiftOps = map[access.ShiftKind]string{
	access.ShiftGain: "add", access.ShiftLose: "remove", access.ShiftLengthen: "lengthen", access.ShiftShorten: "shorten",
	access.ShiftReason: "reason", access.ShiftStatus: "status",
}

// shiftReasons are why head declares it; of what is lost, why the base did.
func (f *facts) shiftReasons(sh access.Shift) (access.ID, []access.Reason) {
	w := f.world
	if sh.Kind == access.ShiftLose && f.newest != nil && f.newest.world != nil {
		w = f.newest.world
	}
	d := f.in(w, sh.System)
	if d == nil {
		return sh.Subject, nil
	}
	account := sh.Subject
	if sh.Person != "" {
		var ok bool
		if account, ok = d.AccountOf(sh.Person); !ok {
			return sh.Subject, nil
		}
	}
	out := d.Reasons(account, sh.Target, sh.Permission)
	return account, slices.DeleteFunc(out, func(r access.Reason) bool { // what has ended gives nothing
		return !r.Until.IsZero() && !f.at.Before(r.Until)
	})
}

// spans are one side of a shift: present if there is any access, until its last end.
func (f *facts) spans(in []access.Span) policy.Side {
	s := policy.Side{Present: len(in) > 0}
	var last time.Time
	for _, sp := range in {
		if sp.Until.IsZero() {
			last = time.Time{}
			break
		}
		if sp.Until.After(last) {
			last = sp.Until
		}
	}
	s.Until, s.HasEnd, s.DaysLeft = policy.Ends(last, f.at)
	return s
}

// shiftKey names a shift among all those of a change.
func shiftKey(sh access.Shift) string {
	parts := []string{string(sh.Kind)}
	if sh.Person != "" {
		parts = append(parts, sh.Person)
	}
	if !sh.Subject.IsZero() {
		parts = append(parts, sh.Subject.String())
	}
	if sh.System != "" && !sh.Target.IsZero() {
		parts = append(parts, sh.System+"/"+sh.Target.String())
	} else if sh.System != "" {
		parts = append(parts, sh.System)
	}
	if sh.Permission != "" {
		parts = append(parts, sh.Permission)
	}
	if sh.Kind == access.ShiftStatus {
		parts = append(parts, "to", sh.To)
	}
	return strings.Join(parts, " ")
}

// setting puts a judging setting that changes into the form that rules see.
func (f *facts) setting(s plan.Setting) policy.ChangeInput {
	none := policy.Side{DaysLeft: policy.NoEnd}
	before, after := none, none
	before.Present, before.Value = s.Before != "", s.Before
	after.Present, after.Value = s.After != "", s.After
	c := policy.Change{ID: s.Change, Class: "settings", Origin: "shift", Op: "settings", Kind: "setting", Setting: s.Setting,
		DaysLeft: policy.NoEnd, Before: before, After: after, Author: f.context.Author, Source: policy.Place{File: s.File, Line: s.Line}}
	if rest, ok := strings.CutPrefix(s.Setting, "systems/"); ok {
		c.System, _, _ = strings.Cut(rest, ".")
		if sys := f.system(c.System); sys != nil {
			c.Owners = sys.Owners
		}
	}
	name := c.System
	c.System = f.lawID(name)
	return f.question(c, "", name, "")
}
