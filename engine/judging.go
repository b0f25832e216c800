package engine

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/policy"
)

// judging is how a session's rulebook judges a plan in the making (see plan.Judge). Where head
// has other rules they are asked the same, to show what would be judged otherwise.
type judging struct {
	*session
	ctx      context.Context
	facts    *facts
	err      error // of the judge itself: there is no plan then
	judged   bool
	findings []plan.Finding
	found    map[plan.FindingKind]map[verdictKey]bool
	told     map[string]bool // people that questions were told about already
	shiftOf  map[string][]access.Shift
	stepOf   map[string]*plan.Step
	refused  []access.Shift
	asked    map[string][]string // who owns what a change is about
	met      []journal.Demand    // what rules demanded and approvals met

	// said is what the rulebook's rules refuse, rival asks head's own where they differ, and said
	// by those is what they refuse.
	said, rivals tally
	rival        *facts
}

// tally are verdicts by what they say, in the order in which they were found.
type tally struct {
	by    map[verdictKey]*verdict
	order []verdictKey
}

// verdict is what a rule says, and all the steps that it says the same of.
type verdict struct {
	policy.Result
	steps   []string
	changes []string
}

type verdictKey struct {
	kind                   policy.Kind
	pkg, rule, msg, person string
	exempt, approvers      string
}

func (s *session) judge(ctx context.Context) *judging {
	return &judging{session: s, ctx: ctx, told: map[string]bool{}, found: map[plan.FindingKind]map[verdictKey]bool{},
		said: tally{by: map[verdictKey]*verdict{}}, rivals: tally{by: map[verdictKey]*verdict{}}}
}

// judgement says by whose rules a plan is judged.
func (b *rulebook) judgement() *plan.Judgement {
	if b.judge == nil {
		return nil
	}
	return &plan.Judgement{By: b.name, Revision: b.rev.Hash, Rules: b.judge.Rules(), Digest: b.policies.Digest}
}

var _ plan.Judge = (*judging)(nil)

// Changes judges steps, shifts, settings and the plan as a whole.
func (j *judging) Changes(steps []*plan.Step) []plan.Refusal {
	out := j.held(steps)
	if j.opts.Leave != nil { // no policy holds a leaver, and there is nothing else
		return out
	}
	boot, judged := j.bootstrap(steps)
	out = append(out, boot...)
	if j.judged = judged && j.err == nil; !j.judged {
		return out
	}
	if j.book.judge == nil && j.own.judge == nil {
		return out
	}
	j.shiftOf = map[string][]access.Shift{}
	for _, sh := range j.shifts {
		j.shiftOf[shiftKey(sh)] = append(j.shiftOf[shiftKey(sh)], sh)
	}
	if j.book.judge != nil {
		j.facts = j.session.facts(j.book)
		t := j.tally(j.ask(j.facts, j.changeInput(j.facts, steps)), steps)
		j.said.add(t)
		out = append(out, j.refuse(t)...)
	}
	if j.rules() {
		j.rival = j.session.facts(j.own)
		j.rivals.add(j.tally(j.ask(j.rival, j.changeInput(j.rival, steps)), steps))
	}
	return append(out, j.failed(steps)...)
}

// held are the refusals of whole systems, each with the steps there.
func (j *judging) held(steps []*plan.Step) []plan.Refusal {
	out := slices.Clone(j.refusals)
	for i, r := range out {
		for _, st := range steps {
			if st.System == r.Ref {
				out[i].Steps = append(out[i].Steps, st.Key())
			}
		}
	}
	return out
}

// failed refuses everything when the judge couldn't judge: that is never a pass.
func (j *judging) failed(steps []*plan.Step) []plan.Refusal {
	if j.err == nil {
		return nil
	}
	return []plan.Refusal{{Name: access.RiskPolicy, Ref: "judge", Text: firstLine(j.err), Steps: keys(steps), Final: true}}
}

// rules reports whether head would judge by other rules.
func (j *judging) rules() bool {
	if j.book.own || j.book.decl == j.head.Repo {
		return false
	}
	if j.book.policies != nil && j.book.policies.Digest != j.own.policies.Digest {
		return j.own.judge != nil || j.book.judge != nil
	}
	return slices.ContainsFunc(j.settings, func(s plan.Setting) bool { return s.Kind == "exempt" || s.Kind == "owners" }) && j.own.judge != nil
}

// People judges what everybody concerned would hold.
func (j *judging) People(steps []*plan.Step) []plan.Refusal {
	if !j.judged || j.err != nil || j.facts == nil && j.rival == nil {
		return nil
	}
	if j.rival != nil {
		j.rivals.add(j.tally(j.ask(j.rival, j.peopleInput(j.rival, steps)), steps))
	}
	if j.facts == nil {
		return nil
	}
	t := j.tally(j.ask(j.facts, j.peopleInput(j.facts, steps)), steps)
	j.said.add(t)
	return append(j.refuse(t), j.failed(steps)...)
}

// Waits tells which steps of somebody must wait for what they lose: those that a rule would
// refuse if nothing were lost.
func (j *judging) Waits(steps []*plan.Step) map[string][]string {
	if !j.judged || j.err != nil || j.facts == nil {
		return nil
	}
	takes, gives := map[string][]string{}, map[string]bool{}
	for _, st := range steps {
		switch {
		case st.Person == "" || st.Leaver:
		case st.Takes(j.systemOf(st.System).description(j.session)):
			takes[st.Person] = append(takes[st.Person], st.Key())
		default:
			gives[st.Person] = true
		}
	}
	maps.DeleteFunc(takes, func(person string, _ []string) bool { return !gives[person] })
	if len(takes) == 0 {
		return nil
	}
	kept := slices.DeleteFunc(slices.Clone(steps), func(st *plan.Step) bool { return slices.Contains(takes[st.Person], st.Key()) })
	h := newHolder(j.facts, kept)
	in := policy.Input{Now: j.at, Exemptions: j.facts.exemptions()}
	for _, person := range slices.Sorted(maps.Keys(takes)) {
		in.Principals = append(in.Principals, h.person(person))
	}
	results, err := j.book.judge.Judge(j.ctx, in)
	if err != nil {
		j.err = err // everything is held then: the caller gets the error
		return nil
	}
	out := map[string][]string{}
	index := j.index(kept)
	for _, r := range results {
		person := j.facts.headPerson(r.Person)
		if r.Kind != policy.Deny || len(takes[person]) == 0 {
			continue
		}
		r.Person = person
		for _, key := range index.of(r) {
			out[key] = append(out[key], takes[person]...)
		}
	}
	return out
}

// Findings are what was found and refuses nothing.
func (j *judging) Findings() []plan.Finding {
	slices.SortStableFunc(j.findings, comparePlanFindings)
	return j.findings
}

func comparePlanFindings(a, b plan.Finding) int {
	rank := []plan.FindingKind{plan.FindingApproved, plan.FindingWarn, plan.FindingException}
	if d := slices.Index(rank, a.Kind) - slices.Index(rank, b.Kind); d != 0 {
		return d
	}
	return strings.Compare(a.Rule+"\x00"+a.Person+"\x00"+a.Text+"\x00"+a.Change, b.Rule+"\x00"+b.Person+"\x00"+b.Text+"\x00"+b.Change)
}

// ask judges, and tells whoever wants to know what was asked.
func (j *judging) ask(f *facts, in policy.Input) []policy.Result {
	if f.book.judge == nil || j.err != nil {
		return nil
	}
	in.Now = j.at
	in.Exemptions = f.exemptions()
	if f == j.facts {
		if j.err = j.tell(in); j.err != nil {
			return nil
		}
	}
	out, err := f.book.judge.Judge(j.ctx, in)
	if err != nil && j.err == nil {
		j.err = err
	}
	return out
}

// tell hands the questions on.
func (j *judging) tell(in policy.Input) error {
	if j.opts.Inputs == nil {
		return nil
	}
	tell := func(input any) error {
		raw, err := policy.InputJSON(input, j.book.policies.Options.Attributes)
		if err != nil {
			return err
		}
		return j.opts.Inputs(raw)
	}
	for i := range in.Changes {
		if err := tell(&in.Changes[i]); err != nil {
			return err
		}
	}
	for i := range in.Principals {
		p := &in.Principals[i]
		if p.Principal != nil && j.told[p.Principal.ID] {
			continue // asked again because something was held since
		}
		if p.Principal != nil {
			j.told[p.Principal.ID] = true
		}
		if err := tell(p); err != nil {
			return err
		}
	}
	if in.Plan.Plan != nil {
		return tell(&in.Plan)
	}
	return nil
}

// changeInput asks about every step but leavers', every shift, every setting, and the plan.
func (j *judging) changeInput(f *facts, steps []*plan.Step) policy.Input {
	var in policy.Input
	if f == j.facts {
		j.stepOf, j.asked = map[string]*plan.Step{}, map[string][]string{}
	}
	var stay []*plan.Step
	for _, st := range steps {
		if !st.Leaver {
			if f == j.facts {
				j.stepOf[st.Key()] = st
			}
			stay = append(stay, st)
		}
	}
	var shifts []*access.Shift
	for i := range j.shifts {
		if sh := &j.shifts[i]; sh.Kind != access.ShiftSettings && sh.Kind != access.ShiftResource && !f.leaves(*sh) {
			shifts = append(shifts, sh)
		}
	}
	in.Changes = sideBySide(f, len(stay)+len(shifts), func(f *facts, i int) policy.ChangeInput {
		if i < len(stay) {
			return f.step(stay[i])
		}
		return f.shift(*shifts[i-len(stay)])
	})
	for _, s := range j.settings {
		in.Changes = append(in.Changes, f.setting(s))
	}
	for i := range in.Changes {
		if f != j.facts {
			break
		}
		j.asked[in.Changes[i].Change.ID] = in.Changes[i].Change.Owners
	}
	f.context.Changes = len(in.Changes)
	in.Plan = f.plan(steps)
	return in
}

// leaves reports whether a shift belongs to somebody who leaves: nothing holds that back.
func (f *facts) leaves(sh access.Shift) bool {
	if sh.Person == "" || sh.Kind != access.ShiftLose && sh.Kind != access.ShiftStatus {
		return false
	}
	_, status, _, ok := f.world.Person(sh.Person)
	return !ok || status == access.HolderLeft
}

// peopleInput asks about everybody whose access the steps or the shifts are about.
func (j *judging) peopleInput(f *facts, steps []*plan.Step) policy.Input {
	concerned := map[string]bool{}
	for _, st := range steps {
		if st.Person != "" {
			concerned[st.Person] = true
			continue
		}
		for _, p := range f.behind(st.System, st.Subject) { // a resource that people hold
			concerned[p] = true
		}
	}
	for _, sh := range j.shifts {
		switch {
		case sh.Person != "":
			concerned[sh.Person] = true
		case !sh.Subject.IsZero():
			for _, p := range f.behind(sh.System, sh.Subject) {
				concerned[p] = true
			}
		}
	}
	ids := slices.DeleteFunc(slices.Sorted(maps.Keys(concerned)), func(id string) bool { return f.subject(id) == nil })
	return policy.Input{Principals: newHolder(f, steps).people(ids)}
}

// behind are the people who hold a resource by the declaration, through others as well, sorted.
func (f *facts) behind(system string, id access.ID) []string {
	d := f.in(f.world, system)
	if d == nil || id.IsAccount() {
		return nil
	}
	var out []string
	seen := map[access.ID]bool{id: true}
	for queue := []access.ID{id}; len(queue) > 0; queue = queue[1:] {
		for _, g := range d.State().GrantsOn(queue[0]) {
			if h, ok := d.Holder(g.Subject); ok {
				out = append(out, h.Person)
			} else if !seen[g.Subject] {
				seen[g.Subject] = true
				queue = append(queue, g.Subject)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// exemptions are those of the rulebook, with groups resolved.
func (f *facts) exemptions() []policy.Exemption {
	var out []policy.Exemption
	for _, e := range f.law.Repo.Exempts {
		x := policy.Exemption{ID: e.ID.Value, Rule: e.Rule.Value, Until: e.Until.End(f.law.Repo.Config.Location()), Reason: e.Reason.Value, File: e.File, Line: int(e.At.Line)}
		for _, who := range e.Who {
			if f.law.Repo.Person(who.Value) != nil {
				x.Who = append(x.Who, who.Value)
				continue
			}
			x.Who = append(x.Who, f.law.Members(who.Value)...)
		}
		out = append(out, x)
	}
	return out
}
