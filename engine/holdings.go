package engine

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/policy"
)

// holder asks what people would hold after a plan, on all systems: what is live with the steps
// carried out, and, where a system wasn't read, what is declared. Only what the people concerned
// can reach is looked at.
type holder struct {
	*facts
	steps map[string][]*plan.Step // by system, those to be carried out
	gives map[string]map[way][]give
	was   map[access.Ref]access.ID // accounts by the name they will have
	views map[string]*view
}

// way is from a subject to a target on a system, give a step that opens it.
type way struct{ from, to access.ID }

type give struct{ permission, step string }

// edge is one grant on one system.
type edge struct {
	subject, target access.ID
	permission      string
}

func newHolder(f *facts, steps []*plan.Step) *holder {
	h := &holder{facts: f, steps: map[string][]*plan.Step{}, gives: map[string]map[way][]give{}, was: map[access.Ref]access.ID{}, views: map[string]*view{}}
	for _, st := range steps {
		h.steps[st.System] = append(h.steps[st.System], st)
		if st.Action == access.Rename {
			h.was[access.Ref{System: st.System, ID: access.ID{Kind: st.Subject.Kind, Name: st.After.Name}}] = st.Subject
		}
		if (st.Action == access.Give || st.Action == access.ChangeLevel) && st.After != nil {
			if h.gives[st.System] == nil {
				h.gives[st.System] = map[way][]give{}
			}
			w := way{st.Subject, st.Target}
			h.gives[st.System][w] = append(h.gives[st.System][w], give{st.After.Permission, st.Key()})
		}
	}
	return h
}

// people are what people would hold.
func (h *holder) people(ids []string) []policy.PrincipalInput {
	for _, sys := range h.systems {
		h.view(sys)
	}
	return sideBySide(h.facts, len(ids), func(f *facts, i int) policy.PrincipalInput {
		twin := *h
		twin.facts = f
		return twin.person(ids[i])
	})
}

// person is what one person would hold, with what the plan adds to it.
func (h *holder) person(id string) policy.PrincipalInput {
	in := policy.PrincipalInput{Principal: h.subject(id), Plan: h.context}
	for _, sys := range h.systems {
		in.Holdings = append(in.Holdings, h.on(sys, id)...)
	}
	in.Holdings = append(in.Holdings, h.elsewhere(id)...)
	slices.SortStableFunc(in.Holdings, func(a, b policy.Holding) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Permission, b.Permission))
	})
	in.Roles = h.heldRoles(in.Holdings)
	return in
}

// on is what a person would hold on one system.
func (h *holder) on(sys *system, person string) []policy.Holding {
	account, ok := sys.want.AccountOf(person)
	if !ok {
		return nil
	}
	desc := sys.description(h.session)
	v := h.view(sys)
	before := map[edge]bool{}
	was := h.accountBefore(sys, person, account)
	for _, was := range policy.Reach(v.before.reach(was), desc, was) {
		before[edge{target: access.ID{Kind: was.ResourceKind, Name: was.ResourceName}, permission: was.Permission}] = true
	}
	out := policy.Reach(v.after.reach(account), desc, account)
	for i := range out {
		g := &out[i]
		target := access.ID{Kind: g.ResourceKind, Name: g.ResourceName}
		g.Added = !before[edge{target: target, permission: g.Permission}]
		h.explain(sys, account, g)
		if g.Added {
			g.Change = h.changeOf(sys, person, account, *g)
		}
	}
	return out
}

// elsewhere is what a person holds by the declaration on systems that aren't part of the run: a
// plan for one system doesn't make the others go away.
func (h *holder) elsewhere(person string) []policy.Holding {
	var out []policy.Holding
	for _, decl := range h.head.Repo.Systems {
		name := decl.ID.Value
		if h.bySystem[name] != nil {
			continue
		}
		d := h.world.Repo.System(name)
		want := h.in(h.whole, name)
		if d == nil || want == nil {
			continue
		}
		account, ok := want.AccountOf(person)
		if !ok {
			continue
		}
		t, _ := h.connector(decl.Connector.Value)
		for _, g := range policy.Reach(sight{state: want.State(), name: name}.reach(account), t.Describe(), account) {
			h.explain(&system{decl: decl, want: want}, account, &g)
			out = append(out, g)
		}
	}
	return out
}

// accountBefore is the name under which a person's account is there before the plan.
func (h *holder) accountBefore(sys *system, person string, account access.ID) access.ID {
	if sys.live != nil {
		if was, ok := h.was[access.Ref{System: sys.decl.ID.Value, ID: account}]; ok {
			return was
		}
		if sys.base == nil {
			return account
		}
		was, known := sys.base.AccountOf(h.formerID(person))
		if !known { // whoever is new had nothing, whatever the account holds that is to be theirs
			return access.ID{}
		}
		return was
	}
	if sys.rev != nil && sys.rev.world != nil {
		if d := h.in(sys.rev.world, previousName(sys.rev.decl, sys.decl)); d != nil {
			if id, ok := d.AccountOf(person); ok {
				return id
			}
		}
	}
	return account
}

// explain fills in why something is held: by the declaration of what it follows from.
func (h *holder) explain(sys *system, account access.ID, g *policy.Holding) {
	first, permission := access.ID{Kind: g.ResourceKind, Name: g.ResourceName}, g.Permission
	if len(g.Via) > 0 {
		first, permission = parseID(g.Via[0]), ""
	}
	because := activeOnly(sys.want.Reasons(account, first, permission), h.facts)
	if len(because) == 0 && permission == "" {
		because = activeOnly(anyReasons(sys, account, first), h.facts)
	}
	g.Reasons = h.reasons(because)
	_, roles := rolesOf(because)
	if len(because) == 0 { // it stays although nothing declares it any more; so does the role
		_, roles = rolesOf(former(sys, account, first))
	}
	g.Roles = h.named(roles)
	g.Until, g.HasEnd, g.DaysLeft = policy.Ends(access.LastEnd(because), h.at)
	g.Privileged = h.privileged(sys.decl.ID.Value, access.ID{Kind: g.ResourceKind, Name: g.ResourceName}, roles)
	if name := h.lawID(sys.decl.ID.Value); name != g.System {
		g.System, g.Key = name, access.Ref{System: name, ID: access.ID{Kind: g.ResourceKind, Name: g.ResourceName}}.String()
	}
}

// formerID is the id that somebody had at the base of a system.
func (h *holder) formerID(id string) string {
	if p := h.head.Repo.Person(id); p != nil && len(p.Previously) > 0 && h.newest != nil {
		return formerID(id, p.Previously, func(id string) bool { return h.newest.decl.Person(id) != nil })
	}
	return id
}

// former are the reasons that an account had for what it holds on the target: by head, whatever
// their windows, else by the base.
func former(sys *system, account, target access.ID) []access.Reason {
	out := sys.want.Reasons(account, target, "")
	for _, g := range sys.heldBy(account, target) {
		out = append(out, sys.want.Reasons(account, target, g)...)
		if h, ok := sys.want.Holder(account); ok && sys.base != nil {
			was, ok := sys.base.AccountOf(h.Person)
			if !ok {
				was = account
			}
			out = append(out, sys.base.Reasons(was, target, g)...)
		}
	}
	return out
}

// heldBy are the permissions that an account really has on the target.
func (sys *system) heldBy(account, target access.ID) []string {
	if sys.live == nil {
		return nil
	}
	var out []string
	for _, g := range sys.live.GrantsOf(account) {
		if g.Target == target {
			out = append(out, g.Permission)
		}
	}
	return out
}

// anyReasons are the reasons for whatever the account holds on the target by the declaration.
func anyReasons(sys *system, account, target access.ID) []access.Reason {
	var out []access.Reason
	for _, g := range sys.want.State().GrantsOf(account) {
		if g.Target == target {
			out = append(out, sys.want.Reasons(account, target, g.Permission)...)
		}
	}
	return out
}

func activeOnly(in []access.Reason, f *facts) []access.Reason {
	var out []access.Reason
	for _, r := range in {
		if r.Active(f.at) {
			out = append(out, r)
		}
	}
	return out
}

func parseID(s string) access.ID {
	kind, name, _ := strings.Cut(s, "/")
	return access.ID{Kind: kind, Name: name}
}

// changeOf names the change that adds a holding: the step that gives it, or the way to it, or,
// on a system that wasn't read, the shift.
func (h *holder) changeOf(sys *system, person string, account access.ID, g policy.Holding) string {
	from := []access.ID{account}
	for _, v := range g.Via {
		from = append(from, parseID(v))
	}
	last := access.ID{Kind: g.ResourceKind, Name: g.ResourceName}
	for i := range from {
		to := last
		if i+1 < len(from) {
			to = from[i+1]
		}
		for _, step := range h.gives[sys.decl.ID.Value][way{from[i], to}] {
			if i+1 < len(from) || step.permission == g.Permission {
				return step.step
			}
		}
	}
	if sys.live != nil {
		return ""
	}
	for _, sh := range h.shifts {
		if sh.System == sys.decl.ID.Value && (sh.Kind == access.ShiftGain || sh.Kind == access.ShiftLengthen) &&
			(sh.Person == person && sh.Target == cmp.Or(firstVia(g), last) || sh.Person == "" && slices.Contains(from, sh.Subject)) {
			return shiftKey(sh)
		}
	}
	return ""
}

func firstVia(g policy.Holding) access.ID {
	if len(g.Via) == 0 {
		return access.ID{}
	}
	return parseID(g.Via[0])
}

// heldRoles are the roles that holdings come through. One is added if all that comes through it
// is.
func (h *holder) heldRoles(in []policy.Holding) []policy.HeldRole {
	roles := map[string]*policy.HeldRole{}
	for _, g := range in {
		for _, id := range g.Roles {
			r := roles[id]
			if r == nil {
				r = &policy.HeldRole{ID: id, Added: true}
				if f := h.role(id); f != nil {
					r.Privileged = f.Privileged
				}
				roles[id] = r
			}
			r.Added = r.Added && g.Added
			if g.Change != "" && (r.Change == "" || g.Change < r.Change) {
				r.Change = g.Change
			}
		}
	}
	var out []policy.HeldRole
	for _, id := range slices.Sorted(maps.Keys(roles)) {
		r := *roles[id]
		if !r.Added {
			r.Change = ""
		}
		out = append(out, r)
	}
	return out
}
