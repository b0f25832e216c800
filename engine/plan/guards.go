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
// Leavers are held only by protected, locks-out-self, revokes-last-admin and mass-leave.
// Steps that are held for another reason aren't counted.
func (b *builder) guards() {
	for _, p := range b.parts {
		if p.Live == nil || len(p.steps) == 0 {
			continue
		}
		g := &guard{builder: b, part: p}
		g.protected()
		g.self()
		g.reEnables()
		g.massLeave()
		g.massRevoke()
		g.lastAdmin()
	}
	slices.SortFunc(b.plan.Refusals, func(x, y Refusal) int {
		return strings.Compare(string(x.Name)+" "+x.Ref, string(y.Name)+" "+y.Ref)
	})
}

type guard struct {
	*builder
	*part
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
		return s.Subject == self && (s.Takes(g.Describe) || s.Action == access.Rename)
	})
	if len(steps) > 0 {
		g.refuse(Refusal{Name: access.RiskLocksOutSelf, Ref: access.Ref{System: g.Name, ID: self}.String(),
			Text: fmt.Sprintf("%s is the account by which Accord works on %s", self.Name, g.Name)}, steps)
	}
}

func (g *guard) reEnables() {
	for _, s := range g.free(func(s *Step) bool { return s.Action == access.Enable }) {
		if _, ok := g.Memory.DisabledSince(s.Subject); ok {
			continue
		}
		g.refuse(Refusal{Name: access.RiskReEnables, Ref: access.Ref{System: g.Name, ID: s.Subject}.String(),
			Text: fmt.Sprintf("%s on %s was disabled by somebody else", s.Subject.Name, g.Name)}, []*Step{s})
	}
}

func (g *guard) massLeave() {
	steps := g.free(func(s *Step) bool { return s.Leaver && s.Action != access.Delete })
	people := map[string]bool{}
	for _, s := range steps {
		people[s.Person] = true
	}
	now := len(people)
	for _, r := range g.Memory.Removals {
		if r.Leaver {
			people[r.Person] = true
		}
	}
	accounts := 0
	for o := range g.Live.Objects() {
		if o.ID.IsAccount() && !o.Reserved && !o.Disabled {
			accounts++
		}
	}
	limit := g.Guards.MaxLeavers.Of(accounts)
	if now == 0 || len(people) <= limit {
		return
	}
	g.refuse(Refusal{Name: access.RiskMassLeave, Ref: g.Name,
		Text: fmt.Sprintf("would take %s for leavers on %s%s, the limit is %s", peopleCount(now), g.Name, pastDay(len(people)-now), g.Guards.MaxLeavers.text(limit))}, steps)
}

// massRevoke counts what the plan takes away against what was seen, by target and for the
// whole system. What the past day took away counts with it, and counts as seen.
func (g *guard) massRevoke() {
	seen, seenOn := 0, map[access.ID]int{}
	for _, e := range g.Live.Grants() {
		if e.Standing != access.Implied && g.Scope.Claims(e.Target) {
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
	byTarget := map[access.ID][]*Step{}
	for _, s := range takes {
		if s.Action.OnGrant() {
			byTarget[s.Target] = append(byTarget[s.Target], s)
		}
	}
	limit := g.Guards.MaxRemovals.Of(seen + past)
	if len(takes) > 0 && len(takes)+past > limit {
		g.refuse(Refusal{Name: access.RiskMassRevoke, Ref: g.Name,
			Text: fmt.Sprintf("would remove %d of %d grants on %s%s, the limit is %s", len(takes), seen, g.Name, pastDay(past), g.Guards.MaxRemovals.text(limit))}, takes)
	}
	if !g.Guards.MaxRemovals.IsPercent {
		return
	}
	for _, target := range slices.SortedFunc(maps.Keys(byTarget), access.ID.Compare) {
		steps, all := byTarget[target], seenOn[target]+pastOn[target]
		limit := g.Guards.MaxRemovals.Of(all)
		if len(steps)+pastOn[target] <= limit {
			continue
		}
		g.refuse(Refusal{Name: access.RiskMassRevoke, Ref: access.Ref{System: g.Name, ID: target}.String(),
			Text: fmt.Sprintf("would remove %d of %d holders of %s on %s (%d %%)%s, the limit is %s", len(steps), seenOn[target], target, g.Name,
				len(steps)*100/max(1, seenOn[target]), pastDay(pastOn[target]), g.Guards.MaxRemovals.text(limit))}, steps)
	}
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
