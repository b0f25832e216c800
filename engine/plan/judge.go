package plan

import (
	"maps"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// Judge is how policies have their say. It is asked about what nothing else holds, and answers
// with refusals and with what it only remarks. The steps of leavers are among those that it is
// told of, but no refusal holds them.
type Judge interface {
	// Changes judges each step, each shift and the plan as a whole, once.
	Changes(steps []*Step) []Refusal
	// People judges what each person would hold after the steps. It is asked again whenever
	// something was held since, until it holds nothing more.
	People(steps []*Step) []Refusal
	// Waits tells, by the key of a step, which steps must have succeeded before: those without
	// which somebody would hold too much in between.
	Waits(steps []*Step) map[string][]string
	// Findings are what was found besides, for the plan to show.
	Findings() []Finding
}

// FindingKind says what a rule asks for.
type FindingKind string

// The kinds of finding.
const (
	FindingDeny      FindingKind = "deny"
	FindingApproval  FindingKind = "require_approval"
	FindingWarn      FindingKind = "warn"
	FindingException FindingKind = "exception"
	FindingApproved  FindingKind = "approved"
)

// Finding is what one rule says about one thing.
type Finding struct {
	Kind    FindingKind `json:"kind"`
	Rule    string      `json:"rule"`
	Package string      `json:"package,omitempty"`
	Text    string      `json:"text"`
	// Title, Severity and Remediation are what the rule says of itself.
	Title       string `json:"title,omitempty"`
	Severity    string `json:"severity,omitempty"`
	Remediation string `json:"remediation,omitempty"`
	// Change names the step or shift that it is about, Person whom; both may be empty.
	Change string `json:"change,omitempty"`
	Person string `json:"person,omitempty"`
	// Approvers are those who could approve, ApprovedBy those who did; for demands.
	Approvers  []string `json:"approvers,omitempty"`
	ApprovedBy []string `json:"approvedBy,omitempty"`
	// Unfit tells of approvals that don't count, and why.
	Unfit []string `json:"unfit,omitempty"`
	// Exempt is the exemption that lifted it; "exception" for a rule of that name.
	Exempt string `json:"exempt,omitempty"`
	// File and Line are the declaration that it is about, RuleFile and RuleLine the rule.
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	RuleFile string `json:"ruleFile,omitempty"`
	RuleLine int    `json:"ruleLine,omitempty"`
}

// Judgement says by whose rules a plan was judged.
type Judgement struct {
	// By is what the reader calls the revision, Revision its commit; empty: the declaration's own
	// rules, as there was no other yet.
	By       string `json:"by,omitempty"`
	Revision string `json:"revision,omitempty"`
	// Rules are the names of the rules, sorted; Digest names them by content, with everything
	// else that a verdict can depend on.
	Rules  []string `json:"rules,omitempty"`
	Digest string   `json:"digest,omitempty"`
}

// Setting is one judging setting that the declaration changes against the one that judges it.
type Setting struct {
	// Change names it, Kind is its sort: policy, config, exempt, owners, connection, guards,
	// mode, manage or leaver.
	Change string `json:"change"`
	Kind   string `json:"kind"`
	// Setting is its path, as in systems/warehouse.guards.
	Setting string `json:"setting"`
	// Before and After are its values, or digests of them; empty: it isn't there.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	// Pending says that the value before holds in this plan.
	Pending bool `json:"pending,omitempty"`
}

// Flip is a verdict that becomes another one under the rules of the declaration.
type Flip struct {
	// On is "plan" or "existing": this plan, or all access that exists.
	On string `json:"on"`
	// From and To are the kinds of finding; empty: none.
	From FindingKind `json:"from,omitempty"`
	To   FindingKind `json:"to,omitempty"`
	Rule string      `json:"rule"`
	Text string      `json:"text"`
	File string      `json:"file,omitempty"`
	Line int         `json:"line,omitempty"`
}

// judge lets the policies judge what nothing holds yet.
func (b *builder) judge(ask func(Judge) func([]*Step) []Refusal) bool {
	if b.in.Judge == nil {
		return false
	}
	var free []*Step
	byKey := b.byKey()
	b.each(func(_ *part, s *Step) {
		if s.Held == nil {
			free = append(free, s)
		}
	})
	held := false
	for _, r := range ask(b.in.Judge)(free) {
		held = b.refuse(r, byKey) || held
	}
	return held
}

// waits lets what somebody gets come after what they lose, where a rule would refuse both at a
// time: if the loss fails, the other isn't given.
func (b *builder) waits() {
	if b.in.Judge == nil {
		return
	}
	var free []*Step
	b.each(func(_ *part, s *Step) {
		if s.Held == nil {
			free = append(free, s)
		}
	})
	byKey := b.byKey()
	waits := b.in.Judge.Waits(free)
	for _, key := range slices.Sorted(maps.Keys(waits)) {
		for _, before := range waits[key] {
			if s := byKey[key]; s != nil && !s.Leaver && !leads(byKey, before, key, map[string]bool{}) {
				s.need(before)
			}
		}
	}
}

// leads reports whether a step needs another one, directly or through others.
func leads(byKey map[string]*Step, from, to string, seen map[string]bool) bool {
	if from == to {
		return true
	}
	if s := byKey[from]; s != nil && !seen[from] {
		seen[from] = true
		for _, k := range s.Needs {
			if leads(byKey, k, to, seen) {
				return true
			}
		}
	}
	return false
}

// pointless holds the creation of accounts that are made for nothing but what a refusal holds:
// an account is access as well.
func (b *builder) pointless() {
	asks, held := map[string]int{}, map[string]int{}
	b.each(func(_ *part, s *Step) {
		for _, k := range s.Needs {
			asks[k]++
			if s.Held != nil && s.Held.Why == HeldRefused {
				held[k]++
			}
		}
	})
	b.each(func(_ *part, s *Step) {
		if k := s.Key(); s.Action == access.Create && s.Subject.IsAccount() && s.Held == nil && asks[k] > 0 && asks[k] == held[k] {
			s.Held = &Hold{Why: HeldDepends, Text: "all that it is for is held"}
		}
	})
}

// refuse takes a refusal of the policies in, and reports whether it holds anything more.
func (b *builder) refuse(r Refusal, byKey map[string]*Step) bool {
	r.Allowed = !r.Final && slices.Contains(b.in.Allow, Allow{r.Name, r.Ref})
	var keys []string
	held := false
	for _, k := range r.Steps {
		s := byKey[k]
		if s == nil || s.Leaver {
			continue
		}
		keys = append(keys, k)
		if !slices.ContainsFunc(s.Risks, func(x access.Risk) bool { return x.Name == r.Name && x.Text == r.Text }) {
			s.Risks = append(s.Risks, access.Risk{Name: r.Name, Text: r.Text})
		}
		if !r.Allowed && s.Held == nil {
			s.Held = &Hold{Why: HeldRefused, Text: r.Text}
			held = true
		}
	}
	r.Steps = keys
	b.plan.Refusals = append(b.plan.Refusals, r)
	return held
}
