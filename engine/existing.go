package engine

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/policy"
)

// Checked is what the policies say of all access that is declared or that exists.
type Checked struct {
	Revision plan.Revision
	Judged   *plan.Judgement
	// Live says that what exists was judged, not only what is declared.
	Live bool
	// People and Holdings are how many were judged.
	People, Holdings int
	// Findings are sorted: what is refused first.
	Findings []plan.Finding
	// Exemptions are those that are recorded, with whether they still hold.
	Exemptions []Exemption
	// Unread are the systems that couldn't be read, and why.
	Unread map[string]string
}

// Exemption is one recorded exception from a rule.
type Exemption struct {
	ID     string   `json:"id"`
	Rule   string   `json:"rule"`
	Who    []string `json:"who"`
	Until  string   `json:"until"`
	Reason string   `json:"reason"`
	File   string   `json:"file"`
	Line   int      `json:"line"`
	// Expired says that it lifts nothing any more, Used that it lifts something now.
	Expired bool `json:"expired,omitempty"`
	Used    bool `json:"used,omitempty"`
}

// CheckPolicies judges everything that a declaration gives by its own policies, and with live
// everything that the systems grant, so that a new rule shows whom it concerns before it is
// merged. Nothing is written.
func (e *Engine) CheckPolicies(ctx context.Context, o PlanOptions, live bool) (_ *Checked, err error) {
	o.NoLive = !live
	s, err := e.prepare(ctx, o, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	out := &Checked{Revision: s.head.Revision, Live: live, Judged: s.own.judgement(), Unread: map[string]string{}}
	if out.Judged != nil {
		out.Judged.By = ""
	}
	for _, sys := range s.systems {
		switch {
		case live && sys.err != nil:
			out.Unread[sys.decl.ID.Value] = sys.err.Error()
		case live && sys.live == nil:
			out.Unread[sys.decl.ID.Value] = sys.notRead
		case live && !sys.live.Complete():
			out.Unread[sys.decl.ID.Value] = "a part of it can't be seen"
		}
	}
	f := s.facts(s.own)
	in := f.existing()
	out.People = len(in.Principals)
	out.Holdings = len(in.Changes)
	in.Now, in.Exemptions = s.at, f.exemptions()
	var results []policy.Result
	if s.own.judge != nil {
		if results, err = s.own.judge.Judge(ctx, in); err != nil {
			return nil, err
		}
	}
	j := s.judge(ctx)
	t := j.tally(results, nil)
	used := map[string]bool{}
	for _, k := range t.order {
		v := t.by[k]
		used[v.Exempt] = true
		out.Findings = append(out.Findings, v.finding())
	}
	for i, x := range in.Exemptions {
		out.Exemptions = append(out.Exemptions, Exemption{ID: x.ID, Rule: x.Rule, Who: x.Who, Until: s.head.Repo.Exempts[i].Until.Text, Reason: x.Reason, File: x.File, Line: x.Line,
			Expired: !s.at.Before(x.Until), Used: used[x.ID]})
	}
	return out, nil
}

// ExitOfCheck is the exit code of a check.
func ExitOfCheck(c *Checked) int {
	switch {
	case slices.ContainsFunc(c.Findings, func(f plan.Finding) bool { return f.Kind == plan.FindingDeny }):
		return ExitRefused
	case len(c.Unread) > 0:
		return ExitIncomplete
	}
	return ExitOK
}

// existing asks about all access there is: what is live where a system was read, else what is
// declared.
func (f *facts) existing() policy.Input {
	h := newHolder(f, nil)
	in := policy.Input{}
	var ids []string
	for _, p := range f.world.Repo.People() {
		ids = append(ids, p.ID.Value)
	}
	in.Principals = h.people(ids)
	for k, one := range in.Principals {
		for i := range one.Holdings {
			one.Holdings[i].Added, one.Holdings[i].Change = true, ""
		}
		for i := range one.Roles {
			one.Roles[i].Added, one.Roles[i].Change = true, ""
		}
		in.Changes = append(in.Changes, f.held(ids[k], one)...)
	}
	for _, sys := range f.systems {
		in.Changes = append(in.Changes, f.strangers(sys, h)...)
	}
	f.context.Changes = len(in.Changes)
	in.Plan = f.plan(nil)
	for i := range in.Plan.Owned {
		in.Plan.Owned[i].Changed = true
	}
	return in
}

// held are the holdings of one person, each as if it were given now.
func (f *facts) held(person string, p policy.PrincipalInput) []policy.ChangeInput {
	var out []policy.ChangeInput
	for _, sys := range f.systems {
		name := f.lawID(sys.decl.ID.Value)
		account, _ := sys.want.AccountOf(person)
		for _, g := range p.Holdings {
			if g.System == name {
				out = append(out, f.existence(sys, g, person, account))
			}
		}
	}
	return out
}

func (f *facts) existence(sys *system, g policy.Holding, person string, account access.ID) policy.ChangeInput {
	target := access.ID{Kind: g.ResourceKind, Name: g.ResourceName}
	c := policy.Change{ID: "existing " + g.System + "/" + account.String() + " " + g.Resource + " " + g.Permission, Class: "existing", Origin: "existing", Op: "add",
		Kind: "grant", System: g.System, Principal: f.lawPerson(person), Account: account.String(), Roles: g.Roles, Resource: g.Resource, ResourceKind: g.ResourceKind,
		ResourceName: g.ResourceName, Permission: g.Permission, Admin: g.Admin, Privileged: g.Privileged, Reasons: g.Reasons, Ends: g.Until, HasEnd: g.HasEnd,
		DaysLeft: g.DaysLeft, Before: policy.Side{DaysLeft: policy.NoEnd}, Author: f.context.Author}
	c.After = policy.Side{Present: true, Permission: g.Permission, Until: g.Until, HasEnd: g.HasEnd, DaysLeft: g.DaysLeft}
	var outer []string
	for _, r := range g.Reasons {
		outer = append(outer, r.Roles...)
	}
	if len(outer) > 0 {
		c.Role = outer[0]
	}
	c.Owners = f.owners(sys.decl.ID.Value, target, outer)
	if len(g.Reasons) > 0 {
		c.Source = policy.Place{File: g.Reasons[0].File, Line: g.Reasons[0].Line}
	} else if s := f.subject(person); s != nil {
		c.Source = s.Source
	}
	return f.question(c, person, sys.decl.ID.Value, c.Role)
}

// strangers are the grants of live accounts that belong to nobody.
func (f *facts) strangers(sys *system, h *holder) []policy.ChangeInput {
	if sys.live == nil {
		return nil
	}
	linked := map[access.ID]bool{}
	for _, p := range f.world.Repo.People() {
		if id, ok := sys.want.AccountOf(p.ID.Value); ok {
			linked[id] = true
		}
	}
	accounts := map[access.ID]bool{}
	for o := range sys.live.Objects() {
		if o.ID.IsAccount() && !o.Reserved && !linked[o.ID] {
			accounts[o.ID] = true
		}
	}
	var out []policy.ChangeInput
	for _, id := range slices.SortedFunc(maps.Keys(accounts), access.ID.Compare) {
		for _, g := range policy.Reach(h.view(sys).after.reach(id), sys.description(f.session), id) {
			g.Privileged = f.privileged(sys.decl.ID.Value, access.ID{Kind: g.ResourceKind, Name: g.ResourceName}, nil)
			g.Until, g.HasEnd, g.DaysLeft = "", false, policy.NoEnd
			out = append(out, f.existence(sys, g, "", id))
		}
	}
	return out
}
