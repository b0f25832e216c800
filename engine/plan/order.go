package plan

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// rank is the place of a step where no dependency says otherwise: leavers first, then what
// must exist, then what is given, then what is taken away, deletions last.
func (s *Step) rank() int {
	if s.Leaver && s.Action != access.Delete {
		if s.Action == access.Disable {
			return 0
		}
		return 1
	}
	switch s.Action {
	case access.Rename:
		return 2
	case access.Create:
		if s.Subject.IsAccount() {
			return 4
		}
		return 3
	case access.Update:
		return 5
	case access.Enable:
		return 6
	case access.Give:
		return 7
	case access.ChangeLevel:
		return 8
	case access.Revoke:
		return 9
	case access.Disable:
		return 10
	}
	return 11
}

// needs draws the edges: what a step acts upon must be there, and who is given something must
// be able to use it; an account is deleted after it was disabled; of two roles that exclude each
// other the one comes after the other is gone. What takes away waits for no more than its
// account's name: an account that may not be enabled loses what it has to lose.
func (b *builder) needs() {
	for _, p := range b.parts {
		there := map[access.ID][]string{} // object → keys of the steps that bring it there
		enabled, disabled := map[access.ID][]string{}, map[access.ID][]string{}
		for i := range p.steps {
			s := &p.steps[i]
			switch s.Action {
			case access.Create:
				there[s.Subject] = append(there[s.Subject], s.Key())
			case access.Rename:
				id := access.ID{Kind: s.Subject.Kind, Name: s.After.Name}
				there[id] = append(there[id], s.Key())
			case access.Enable:
				enabled[s.Subject] = append(enabled[s.Subject], s.Key())
			case access.Disable:
				disabled[s.Subject] = append(disabled[s.Subject], s.Key())
			}
		}
		for i := range p.steps {
			s := &p.steps[i]
			if s.Action == access.Rename {
				continue // its subject is the name before
			}
			s.need(there[s.Subject]...)
			switch {
			case s.Action == access.Delete:
				s.need(disabled[s.Subject]...)
			case s.Action.OnGrant() && !s.Takes(p.Describe):
				s.need(there[s.Target]...)
				s.need(enabled[s.Subject]...)
			}
		}
	}
	b.exclusive()
}

func (s *Step) need(keys ...string) {
	if len(keys) == 0 {
		return
	}
	s.Needs = append(s.Needs, keys...)
	slices.Sort(s.Needs)
	s.Needs = slices.Compact(s.Needs)
	if i, self := slices.BinarySearch(s.Needs, s.Key()); self {
		s.Needs = slices.Delete(s.Needs, i, i+1)
	}
}

// exclusive makes what somebody gets through one role wait for what they lose of another that
// excludes it, on whatever system; and holds it where that loss can't be planned because the
// system can't be read, or wasn't chosen.
func (b *builder) exclusive() {
	if len(b.in.Exclusive) == 0 {
		return
	}
	losses := map[string]map[string][]string{} // person → role → keys
	b.each(func(p *part, s *Step) {
		if s.Person == "" || !s.Action.OnGrant() || !s.Takes(p.Describe) {
			return
		}
		for _, r := range s.Was {
			for _, role := range r.Roles {
				if losses[s.Person] == nil {
					losses[s.Person] = map[string][]string{}
				}
				losses[s.Person][role] = append(losses[s.Person][role], s.Key())
			}
		}
	})
	b.each(func(p *part, s *Step) {
		if s.Person == "" || s.Action != access.Give && s.Action != access.ChangeLevel {
			return
		}
		for _, r := range s.Reasons {
			for _, role := range r.Roles {
				for _, other := range b.in.Exclusive[role] {
					s.need(losses[s.Person][other]...)
					if why := b.unsure(s.Person, other); why != "" && s.Held == nil {
						s.Held = &Hold{Why: HeldDepends, Text: "role " + other + " goes first, but " + why}
					}
				}
			}
		}
	})
}

// unsure tells which system keeps a loss from being planned: the base gave the person
// something there through the role, and what is there now isn't known.
func (b *builder) unsure(person, role string) string {
	for _, p := range b.parts {
		if p.Base == nil || p.Live != nil && p.Live.Complete() {
			continue
		}
		for _, account := range p.baseAccounts(person) {
			for _, g := range p.Base.State().GrantsOf(account) {
				for _, r := range p.Base.Reasons(account, g.Target, g.Permission) {
					if slices.Contains(r.Roles, role) && (p.Live == nil || !p.Live.KnowsGrant(account, g.Target)) {
						return p.Name + " can't be read"
					}
				}
			}
		}
	}
	if b.in.Elsewhere != nil {
		if system := b.in.Elsewhere(person, role); system != "" {
			return system + " isn't part of this run"
		}
	}
	return ""
}

// baseAccounts are the accounts that a person had at the base.
func (p *part) baseAccounts(person string) []access.ID {
	if p.byPerson == nil {
		p.byPerson = map[string][]access.ID{}
		for h := range p.Base.Holders() {
			p.byPerson[h.Person] = append(p.byPerson[h.Person], h.Account)
		}
	}
	return p.byPerson[person]
}

// depends holds what needs a step that is held. A need that isn't in the plan is met already.
// A resource isn't deleted while it is refused to take it away from somebody.
func (b *builder) depends() {
	byKey := b.byKey()
	for again := true; again; {
		again = false
		kept := map[access.Ref]*Step{}
		b.each(func(_ *part, s *Step) {
			if s.Action == access.Revoke && s.Held != nil && slices.Contains(keepsResource, s.Held.Why) {
				kept[s.Ref()] = s
			}
		})
		b.each(func(_ *part, s *Step) {
			if s.Held != nil {
				return
			}
			held := kept[access.Ref{System: s.System, ID: s.Subject}]
			if s.Action != access.Delete {
				held = nil
			}
			for _, k := range s.Needs {
				if n := byKey[k]; n != nil && n.Held != nil {
					held = n
				}
			}
			if held != nil {
				s.Held = &Hold{Why: HeldDepends, Text: "needs: " + held.String()}
				again = true
			}
		})
	}
}

// keepsResource are the holds of revocations that keep the resource as well.
var keepsResource = []HoldReason{HeldRefused, HeldDepends, HeldProtected}

// byKey are all steps by their keys. It is made once for all who ask between two changes of which
// steps there are.
func (b *builder) byKey() map[string]*Step {
	if b.keyed == nil {
		b.keyed = make(map[string]*Step, b.count())
		b.each(func(_ *part, s *Step) { b.keyed[s.Key()] = s })
	}
	return b.keyed
}

func (b *builder) count() int {
	n := 0
	for _, p := range b.parts {
		n += len(p.steps)
	}
	return n
}

// order lists all steps so that needs come first; among those that could be next the lowest
// rank is, then the priority of the system (for leavers), then the change itself. A cycle
// can't arise from the edges that are drawn; if one did, its steps would come last, in order.
func (b *builder) order() {
	all := b.items()
	waiting := make([]int, len(all))
	after := map[string][]int{}
	byKey := b.byKey()
	q := &queue{}
	for i, it := range all {
		for _, n := range it.step.Needs {
			if byKey[n] != nil {
				waiting[i]++
				after[n] = append(after[n], i)
			}
		}
		if waiting[i] == 0 {
			*q = append(*q, i) // rising, so that it is a heap already
		}
	}
	done := make([]bool, len(all))
	b.plan.Steps = make([]Step, 0, len(all))
	for q.Len() > 0 {
		i := heap.Pop(q).(int)
		done[i] = true
		b.plan.Steps = append(b.plan.Steps, *all[i].step)
		for _, next := range after[all[i].step.key] {
			if waiting[next]--; waiting[next] == 0 {
				heap.Push(q, next)
			}
		}
	}
	for i, it := range all {
		if !done[i] {
			b.plan.Steps = append(b.plan.Steps, *it.step)
		}
	}
}

// item is a step with what decides its place. Systems come sorted, and so do the changes of
// each: sorting by rank and priority alone, stably, leaves the change itself as the tie-break.
type item struct {
	step           *Step
	rank, priority int
}

func (b *builder) items() []item {
	all := make([]item, 0, b.count())
	b.each(func(p *part, s *Step) {
		it := item{step: s, rank: s.rank()}
		if s.Leaver {
			it.priority = p.Priority
		}
		all = append(all, it)
	})
	slices.SortStableFunc(all, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.priority, b.priority))
	})
	return all
}

// queue holds places in the order of items, the lowest first.
type queue []int

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i] < q[j] }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(int)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
