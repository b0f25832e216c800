package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/policy"
)

// tally puts results together that say the same, each with the steps that it is about.
func (j *judging) tally(results []policy.Result, steps []*plan.Step) tally {
	t := tally{by: map[verdictKey]*verdict{}}
	if len(results) == 0 {
		return t
	}
	index := j.index(steps)
	for _, r := range results {
		if j.facts != nil {
			r.Person = j.facts.headPerson(r.Person)
		}
		k := verdictKey{kind: r.Kind, pkg: r.Package, rule: r.Rule, msg: r.Msg, person: personOf(r), exempt: r.Exempt, approvers: strings.Join(r.Approvers, " ")}
		v := t.by[k]
		if v == nil {
			v = &verdict{Result: r}
			t.by[k] = v
			t.order = append(t.order, k)
		}
		if r.Change != "" {
			v.changes = append(v.changes, r.Change)
		}
		if v.Person != r.Person { // the same of several
			v.Person = ""
		}
		v.steps = append(v.steps, index.of(r)...)
	}
	for _, v := range t.by {
		slices.Sort(v.steps)
		v.steps = slices.Compact(v.steps)
		slices.Sort(v.changes)
		v.changes = slices.Compact(v.changes)
	}
	return t
}

// personOf tells results apart that say the same of different people; where they name changes
// these tell whom.
func personOf(r policy.Result) string {
	if r.Change != "" {
		return ""
	}
	return r.Person
}

func (t *tally) add(o tally) {
	for _, k := range o.order {
		if t.by[k] == nil {
			t.by[k] = o.by[k]
			t.order = append(t.order, k)
		}
	}
}

// stepIndex finds the steps that a result is about.
type stepIndex struct {
	known   map[string]bool
	all     []string // that aren't leavers'
	gives   map[string][]string
	takes   map[string][]string
	byShift map[shiftEnd][]string
	shifts  map[string][]access.Shift
}

// shiftEnd are the steps that give, or take, what a shift is about.
type shiftEnd struct {
	shiftName
	takes bool
}

// shiftName is what a shift and a step have in common.
type shiftName struct {
	person, system string
	subject        access.ID // zero where a person holds it
	target         access.ID
}

func (j *judging) index(steps []*plan.Step) *stepIndex {
	x := &stepIndex{known: map[string]bool{}, gives: map[string][]string{}, takes: map[string][]string{}, byShift: map[shiftEnd][]string{}, shifts: j.shiftOf}
	for _, st := range steps {
		key := st.Key()
		x.known[key] = true
		if st.Leaver {
			continue
		}
		x.all = append(x.all, key)
		takes := st.Takes(j.systemOf(st.System).description(j.session))
		if st.Person != "" && takes {
			x.takes[st.Person] = append(x.takes[st.Person], key)
		} else if st.Person != "" {
			x.gives[st.Person] = append(x.gives[st.Person], key)
		}
		if st.Action.OnGrant() {
			n := shiftEnd{nameOf(st), takes}
			x.byShift[n] = append(x.byShift[n], key)
		}
	}
	return x
}

func nameOf(st *plan.Step) shiftName {
	n := shiftName{person: st.Person, system: st.System, target: st.Target}
	if n.person == "" {
		n.subject = st.Subject
	}
	return n
}

// description is what the system's connector says of itself.
func (sys *system) description(s *session) access.Description {
	if sys.desc == nil {
		t, _ := s.connector(sys.decl.Connector.Value)
		d := t.Describe()
		sys.desc = &d
	}
	return *sys.desc
}

func (s *session) systemOf(name string) *system {
	i := slices.IndexFunc(s.systems, func(sys *system) bool { return sys.decl.ID.Value == name })
	return s.systems[i]
}

// of are the steps that a refusal holds: the one that the result names; what a shift that it
// names comes to; what the person that it names would get; of a result on the whole plan, all.
func (x *stepIndex) of(r policy.Result) []string {
	switch {
	case x.known[r.Change]:
		return []string{r.Change}
	case r.Change != "":
		var out []string
		for _, sh := range x.shifts[r.Change] {
			if sh.Kind == access.ShiftStatus {
				out = append(out, x.gives[sh.Person]...)
				continue
			}
			takes := sh.Kind == access.ShiftLose || sh.Kind == access.ShiftShorten
			out = append(out, x.byShift[shiftEnd{shiftName{sh.Person, sh.System, sh.Subject, sh.Target}, takes}]...)
		}
		return out
	case r.Person != "":
		return x.gives[r.Person]
	}
	return x.all
}

// refuse turns verdicts into refusals, and into findings what refuses nothing.
func (j *judging) refuse(t tally) []plan.Refusal {
	var out []plan.Refusal
	for _, k := range t.order {
		v := t.by[k]
		f := v.finding()
		switch v.Kind {
		case policy.Deny:
		case policy.RequireApproval:
			if j.approve(v, &f); len(f.ApprovedBy) > 0 {
				f.Kind = plan.FindingApproved
				if j.find(k, f) {
					j.meet(v, f)
				}
				continue
			}
		default:
			j.find(k, f)
			continue
		}
		for _, key := range v.changes {
			j.refused = append(j.refused, j.shiftOf[key]...)
		}
		out = append(out, plan.Refusal{Name: access.RiskPolicy, Ref: v.Rule, Text: v.Msg, Steps: v.steps, Final: true, Finding: &f})
	}
	return out
}

// find keeps a finding; it reports whether it is a new one.
func (j *judging) find(k verdictKey, f plan.Finding) bool {
	if j.found[f.Kind] == nil {
		j.found[f.Kind] = map[verdictKey]bool{}
	}
	if j.found[f.Kind][k] {
		return false
	}
	j.found[f.Kind][k] = true
	j.findings = append(j.findings, f)
	return true
}

func (v *verdict) finding() plan.Finding {
	f := plan.Finding{Kind: plan.FindingKind(v.Kind), Rule: v.Rule, Package: v.Package, Text: v.Msg, Title: v.Title, Severity: v.Severity,
		Remediation: v.Remediation, Person: v.Person, Exempt: v.Exempt, File: v.File, Line: v.Line, RuleFile: v.At.File, RuleLine: v.At.Line}
	if len(v.changes) == 1 {
		f.Change = v.changes[0]
	}
	return f
}

// flips are the verdicts that head's own rules would change: those on this plan, and those on
// all access that exists.
func (j *judging) flips() []plan.Flip {
	if j.rival == nil || j.err != nil {
		return nil
	}
	var before tally
	if j.facts != nil {
		before = j.existing(j.facts)
	}
	return append(flipsBetween("plan", j.said, j.rivals), flipsBetween("existing", before, j.existing(j.rival))...)
}

// existing judges all access by one set of rules.
func (j *judging) existing(f *facts) tally {
	if f.book.judge == nil || j.err != nil {
		return tally{}
	}
	in := f.existing()
	in.Now, in.Exemptions = j.at, f.exemptions()
	results, err := f.book.judge.Judge(j.ctx, in)
	if err != nil {
		j.err = err
		return tally{}
	}
	return j.tally(results, nil)
}

// flipsBetween compares what two sets of rules say of the same: what each refuses or demands.
func flipsBetween(on string, before, after tally) []plan.Flip {
	type name struct{ rule, person, msg string }
	kinds := func(t tally) map[name]*verdict {
		out := map[name]*verdict{}
		for _, k := range t.order {
			v := t.by[k]
			if v.Kind == policy.Warn {
				continue
			}
			n := name{v.Rule, v.Person, v.Msg}
			if was := out[n]; was == nil || weight(v.Kind) > weight(was.Kind) {
				out[n] = v
			}
		}
		return out
	}
	was, is := kinds(before), kinds(after)
	var out []plan.Flip
	flip := func(n name, v *verdict, from, to policy.Kind) {
		if from != to && (weight(from) > 0 || weight(to) > 0) {
			out = append(out, plan.Flip{On: on, From: plan.FindingKind(from), To: plan.FindingKind(to), Rule: n.rule, Text: n.msg, File: v.File, Line: v.Line})
		}
	}
	for n, v := range was {
		to := policy.Kind("")
		if w := is[n]; w != nil {
			to = w.Kind
		}
		flip(n, v, v.Kind, to)
	}
	for n, v := range is {
		if was[n] == nil {
			flip(n, v, "", v.Kind)
		}
	}
	slices.SortFunc(out, func(a, b plan.Flip) int {
		return cmp.Or(strings.Compare(string(a.From), string(b.From)), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Text, b.Text), strings.Compare(string(a.To), string(b.To)))
	})
	return out
}

// weight says how much a kind of result holds back.
func weight(k policy.Kind) int {
	switch k {
	case policy.Deny:
		return 2
	case policy.RequireApproval:
		return 1
	}
	return 0
}
