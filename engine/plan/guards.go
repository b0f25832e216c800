package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// The guards hold with no policy loaded. Each is named, and lifted only by name, for the plan
// at hand:
//
//	protected          protected accounts and resources, and what the system reserves
//	locks-out-self     Accord's own account
//	re-enables         accounts that somebody else disabled
//	revokes-last-admin the last usable administrators of a target
//	mass-revoke        more removals, in this plan and the past day, than the limit
//	mass-leave         more leavers, in this plan and the past day, than the limit
//
//	flapping           drift that was corrected again and again (flapping.go)
//
// Leavers are held only by protected, locks-out-self, revokes-last-admin and mass-leave.
// Steps that are held for another reason aren't counted.
func (b *builder) guards() {
	byKey, refused := b.byKey(), map[Allow]int{}
	var all []*guard
	for _, p := range b.parts {
		if p.Live == nil || len(p.steps) == 0 {
			continue
		}
		g := &guard{builder: b, part: p, byKey: byKey, refused: refused, allowed: map[access.ID]bool{}, claimed: map[access.ID]bool{}}
		g.protected()
		g.self()
		g.reEnables()
		g.massLeave()
		g.massRevoke()
		all = append(all, g)
	}
	// Whoever is to replace an administrator counts only if nothing holds that; and what is
	// held for the sake of one target may have been to replace another's.
	for again := true; again; {
		again = false
		b.depends()
		for _, g := range all {
			again = g.lastAdmin() || again
		}
		if !again { // what is held may be what would have kept somebody from holding too much
			again = b.judge(func(j Judge) func([]*Step) []Refusal { return j.People })
		}
	}
	slices.SortFunc(b.plan.Refusals, func(x, y Refusal) int {
		return strings.Compare(string(x.Name)+" "+x.Ref, string(y.Name)+" "+y.Ref)
	})
}

type guard struct {
	*builder
	*part
	byKey   map[string]*Step
	refused map[Allow]int      // refusals of all systems by their place, until they are sorted
	allowed map[access.ID]bool // targets that may lose their last administrators
	claimed map[access.ID]bool
}

// refuse holds steps under a name, unless that was allowed.
func (g *guard) refuse(r Refusal, steps []*Step) {
	for _, s := range steps {
		r.Steps = append(r.Steps, s.Key())
		s.Risks = append(s.Risks, access.Risk{Name: r.Name, Text: r.Text})
	}
	r.Allowed = !r.Final && slices.Contains(g.in.Allow, Allow{r.Name, r.Ref})
	if !r.Allowed {
		for _, s := range steps {
			s.Held = &Hold{Why: HeldRefused, Text: r.Text}
		}
	}
	key := Allow{r.Name, r.Ref}
	if i, ok := g.refused[key]; ok {
		g.plan.Refusals[i].Steps = append(g.plan.Refusals[i].Steps, r.Steps...)
		return
	}
	g.refused[key] = len(g.plan.Refusals)
	g.plan.Refusals = append(g.plan.Refusals, r)
}

// free are the steps that nothing holds yet and that the filter picks.
func (g *guard) free(pick func(*Step) bool) []*Step {
	var out []*Step
	for i := range g.steps {
		if s := &g.steps[i]; s.Held == nil && pick(s) {
			out = append(out, s)
		}
	}
	return out
}

func (g *guard) protected() {
	byObject := map[access.ID][]*Step{}
	final := map[access.ID]bool{}
	for _, s := range g.free(func(*Step) bool { return true }) {
		o, _ := g.Live.Object(s.Subject)
		switch {
		case o.Reserved:
			final[s.Subject] = true
			byObject[s.Subject] = append(byObject[s.Subject], s)
		case g.Protected(s.Subject):
			byObject[s.Subject] = append(byObject[s.Subject], s)
		case s.Action.OnGrant() && g.Protected(s.Target):
			byObject[s.Target] = append(byObject[s.Target], s)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(byObject), access.ID.Compare) {
		steps := byObject[id]
		if !final[id] {
			for _, s := range steps {
				if s.Class == ClassDrift && !s.Leaver {
					s.Held = &Hold{Why: HeldProtected, Text: id.String() + " is protected"}
				}
			}
			steps = slices.DeleteFunc(steps, func(s *Step) bool { return s.Held != nil })
		}
		if len(steps) == 0 {
			continue
		}
		text := fmt.Sprintf("%s on %s is protected and is never touched", id, g.Name)
		if final[id] {
			text = fmt.Sprintf("%s on %s belongs to the system itself and is never touched", id, g.Name)
		}
		g.refuse(Refusal{Name: access.RiskProtected, Ref: access.Ref{System: g.Name, ID: id}.String(), Text: text, Final: final[id]}, steps)
	}
}

func (g *guard) self() {
	self := g.Live.Self()
	if self.IsZero() {
		return
	}
	steps := g.free(func(s *Step) bool {
		if s.Action == access.Delete && !s.Subject.IsAccount() {
			return g.holds(self, s.Subject)
		}
		return s.Subject == self && (s.Takes(g.Describe) || s.Action == access.Rename)
	})
	if len(steps) > 0 {
		g.refuse(Refusal{Name: access.RiskLocksOutSelf, Ref: access.Ref{System: g.Name, ID: self}.String(),
			Text: fmt.Sprintf("%s is the account by which Accord works on %s", self.Name, g.Name)}, steps)
	}
}

// holds reports whether a subject itself holds something on a resource.
func (g *guard) holds(subject, target access.ID) bool {
	for _, e := range g.Live.GrantsOf(subject) {
		if e.Target == target && e.Standing == access.Held {
			return true
		}
	}
	return false
}

func (g *guard) reEnables() {
	before := map[access.ID]access.ID{}
	for _, s := range g.free(func(s *Step) bool { return s.Action == access.Rename }) {
		before[access.ID{Kind: s.Subject.Kind, Name: s.After.Name}] = s.Subject
	}
	for _, s := range g.free(func(s *Step) bool { return s.Action == access.Enable }) {
		_, now := g.Memory.DisabledSince(s.Subject)
		_, then := g.Memory.DisabledSince(before[s.Subject])
		if now || then {
			continue
		}
		g.refuse(Refusal{Name: access.RiskReEnables, Ref: access.Ref{System: g.Name, ID: s.Subject}.String(),
			Text: fmt.Sprintf("%s on %s was disabled by somebody else", s.Subject.Name, g.Name)}, []*Step{s})
	}
}

// massLeave counts people, those of the past day as well. Accounts that are only to be deleted
// now, of people who left some time ago, come on top: too many of them don't hold back those
// who leave today.
func (g *guard) massLeave() {
	accounts := 0
	for o := range g.Live.Objects() {
		if o.ID.IsAccount() && !o.Reserved && !o.Disabled {
			accounts++
		}
	}
	past, people := map[string]bool{}, map[string]bool{}
	for _, r := range g.Memory.Removals {
		if r.Leaver && r.Action != access.Delete {
			past[r.Person] = true
		}
	}
	check := func(steps []*Step) {
		for _, s := range steps {
			people[s.Person] = true
			delete(past, s.Person)
		}
		limit := g.Guards.MaxLeavers.Of(accounts + len(past))
		if len(steps) > 0 && len(people)+len(past) > limit {
			g.refuse(Refusal{Name: access.RiskMassLeave, Ref: g.Name,
				Text: fmt.Sprintf("would take %s for leavers on %s%s, the limit is %s", peopleCount(len(people)), g.Name, pastDay(len(past)), g.Guards.MaxLeavers.text(limit))}, steps)
		}
	}
	check(g.free(func(s *Step) bool { return s.Leaver && s.Action != access.Delete }))
	check(g.free(func(s *Step) bool { return s.Leaver && s.Action == access.Delete }))
}

// massRevoke counts what the plan takes away against what was seen, by target and for the
// whole system. What the past day took away counts with it, and counts as seen.
func (g *guard) massRevoke() {
	seen, seenOn := 0, map[access.ID]int{}
	for _, e := range g.Live.Grants() {
		if e.Standing != access.Implied && g.claims(e.Target) {
			seen++
			seenOn[e.Target]++
		}
	}
	past, pastOn := 0, map[access.ID]int{}
	for _, r := range g.Memory.Removals {
		if !r.Leaver {
			past++
			pastOn[r.Target]++
		}
	}
	takes := g.free(func(s *Step) bool { return !s.Leaver && s.Takes(g.Describe) })
	total := 0
	weight, bare := g.weights(takes)
	seen += bare
	byTarget := map[access.ID][]*Step{}
	for _, s := range takes {
		total += weight[s]
		if s.Action.OnGrant() && !g.claims(s.Target) { // claimed because a declared resource holds it
			seen++
			seenOn[s.Target]++
		}
		if id := s.Ref().ID; !id.IsAccount() {
			byTarget[id] = append(byTarget[id], s)
		}
	}
	limit := g.Guards.MaxRemovals.Of(seen + past)
	if len(takes) > 0 && total+past > limit {
		g.refuse(Refusal{Name: access.RiskMassRevoke, Ref: g.Name,
			Text: fmt.Sprintf("would remove %d of %d grants on %s%s, the limit is %s", total, seen, g.Name, pastDay(past), g.Guards.MaxRemovals.text(limit))}, takes)
	}
	if !g.Guards.MaxRemovals.IsPercent {
		return
	}
	for _, target := range slices.SortedFunc(maps.Keys(byTarget), access.ID.Compare) {
		steps, n := byTarget[target], 0
		for _, s := range steps {
			n += weight[s]
		}
		limit := g.Guards.MaxRemovals.Of(seenOn[target] + pastOn[target])
		if n+pastOn[target] <= limit {
			continue
		}
		g.refuse(Refusal{Name: access.RiskMassRevoke, Ref: access.Ref{System: g.Name, ID: target}.String(),
			Text: fmt.Sprintf("would remove %d of %d holders of %s on %s (%d %%)%s, the limit is %s", n, seenOn[target], target, g.Name,
				n*100/max(1, seenOn[target]), pastDay(pastOn[target]), g.Guards.MaxRemovals.text(limit))}, steps)
	}
}

// weights tell how much each step takes away: one grant, or, where a resource is deleted or an
// account disabled, all that goes with it and that no other step takes. A step that takes
// nothing of that kind still counts as one, and bare tells how many such there are: they count
// as seen as well, so that a limit of 100 % never refuses.
func (g *guard) weights(takes []*Step) (out map[*Step]int, bare int) {
	on, of := map[access.ID]int{}, map[access.ID]int{}
	for _, s := range takes {
		if s.Action == access.Revoke {
			on[s.Target]++
			of[s.Subject]++
		}
	}
	out = map[*Step]int{}
	for _, s := range takes {
		n := 1
		switch s.Action {
		case access.Delete:
			n = -on[s.Subject]
			for _, e := range g.Live.GrantsOn(s.Subject) {
				if e.Standing != access.Implied {
					n++
				}
			}
		case access.Disable:
			n = -of[s.Subject]
			for _, e := range g.Live.GrantsOf(s.Subject) {
				if e.Standing != access.Implied && g.claims(e.Target) {
					n++
				}
			}
		}
		if n < 1 {
			n = 1
			bare++
		}
		out[s] = n
	}
	return out, bare
}

// claims remembers which targets are claimed: there are many grants on each.
func (g *guard) claims(target access.ID) bool {
	c, ok := g.claimed[target]
	if !ok {
		c = g.Scope.Claims(target)
		g.claimed[target] = c
	}
	return c
}

func (l Limit) text(limit int) string {
	if l.IsPercent {
		return fmt.Sprintf("%g %% (%d here)", l.Percent, limit)
	}
	return fmt.Sprint(limit)
}

func pastDay(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", with %d in the past day", n)
}

func peopleCount(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
