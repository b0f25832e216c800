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

// needs draws the edges: what a step acts upon must exist first; an account is deleted after
// it was disabled; of two roles that exclude each other the one comes after the other is gone.
func (b *builder) needs() {
	for _, p := range b.parts {
		first := map[access.ID][]string{} // object → keys of the steps that make it usable
		disabled := map[access.ID]string{}
		for i := range p.steps {
			s := &p.steps[i]
			switch s.Action {
			case access.Create, access.Enable:
				first[s.Subject] = append(first[s.Subject], s.Key())
			case access.Rename:
				id := access.ID{Kind: s.Subject.Kind, Name: s.After.Name}
				first[id] = append(first[id], s.Key())
			case access.Disable:
				disabled[s.Subject] = s.Key()
			}
		}
		for i := range p.steps {
			s := &p.steps[i]
			switch {
			case s.Action == access.Give || s.Action == access.ChangeLevel:
				s.need(first[s.Subject]...)
				s.need(first[s.Target]...)
			case s.Action == access.Delete:
				if k, ok := disabled[s.Subject]; ok {
					s.need(k)
				}
			case s.Action != access.Rename && s.Action != access.Create && s.Action != access.Enable:
				s.need(first[s.Subject]...)
			case s.Action == access.Enable:
				s.need(slices.DeleteFunc(slices.Clone(first[s.Subject]), func(k string) bool { return k == s.Key() })...)
			}
		}
	}
	b.exclusive()
}

func (s *Step) need(keys ...string) {
	for _, k := range keys {
		if k != s.Key() && !slices.Contains(s.Needs, k) {
			s.Needs = append(s.Needs, k)
		}
	}
	slices.Sort(s.Needs)
}

// exclusive makes what somebody gets through one role wait for what they lose of another that
// excludes it, on whatever system; and holds it where that loss can't be planned because the
// system can't be read.
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
					if system := b.unsure(s.Person, other); system != "" && r.Active(b.in.At) {
						s.Held = &Hold{Why: HeldDepends, Text: "role " + other + " goes first, but " + system + " can't be read"}
					}
				}
			}
		}
	})
}

// unsure names a system that the base gave the person through the role and that can't be read
// now.
func (b *builder) unsure(person, role string) string {
	for _, p := range b.parts {
		if p.Base == nil || p.Live != nil && p.Live.Complete() {
			continue
		}
		for _, h := range p.Base.Holders() {
			if h.Person != person {
				continue
			}
			for _, g := range p.Base.State().GrantsOf(h.Account) {
				for _, r := range p.Base.Reasons(h.Account, g.Target, g.Permission) {
					if slices.Contains(r.Roles, role) && (p.Live == nil || !p.Live.KnowsGrant(h.Account, g.Target)) {
						return p.Name
					}
				}
			}
		}
	}
	return ""
}

// depends holds what needs a step that is held. A need that isn't in the plan is met already.
func (b *builder) depends() {
	byKey := map[string]*Step{}
	b.each(func(_ *part, s *Step) { byKey[s.Key()] = s })
	for again := true; again; {
		again = false
		b.each(func(_ *part, s *Step) {
			if s.Held != nil {
				return
			}
			for _, k := range s.Needs {
				if n := byKey[k]; n != nil && n.Held != nil {
					s.Held = &Hold{Why: HeldDepends, Text: "needs: " + n.String()}
					again = true
					return
				}
			}
		})
	}
}

// order lists all steps so that needs come first; among those that could be next the lowest
// rank is, then the priority of the system (for leavers), then the change itself. A cycle
// can't arise from the edges that are drawn; if one did, its steps would come last, in order.
func (b *builder) order() {
	q := &queue{}
	waiting := map[string]int{}
	after := map[string][]*item{}
	present := map[string]bool{}
	b.each(func(_ *part, s *Step) { present[s.Key()] = true })
	var all []*item
	b.each(func(p *part, s *Step) {
		it := &item{step: s, key: s.Key(), rank: s.rank(), priority: p.Priority}
		all = append(all, it)
		for _, n := range s.Needs {
			if present[n] {
				waiting[it.key]++
				after[n] = append(after[n], it)
			}
		}
		if waiting[it.key] == 0 {
			q.items = append(q.items, it)
		}
	})
	heap.Init(q)
	done := map[string]bool{}
	for q.Len() > 0 {
		it := heap.Pop(q).(*item)
		done[it.key] = true
		b.plan.Steps = append(b.plan.Steps, *it.step)
		for _, next := range after[it.key] {
			if waiting[next.key]--; waiting[next.key] == 0 {
				heap.Push(q, next)
			}
		}
	}
	for _, it := range all {
		if !done[it.key] {
			b.plan.Steps = append(b.plan.Steps, *it.step)
		}
	}
}

type item struct {
	step     *Step
	key      string
	rank     int
	priority int
}

func (a *item) compare(o *item) int {
	if c := cmp.Compare(a.rank, o.rank); c != 0 {
		return c
	}
	if a.step.Leaver && o.step.Leaver {
		if c := cmp.Compare(a.priority, o.priority); c != 0 {
			return c
		}
	}
	return a.step.Compare(o.step.Change)
}

type queue struct{ items []*item }

func (q *queue) Len() int           { return len(q.items) }
func (q *queue) Less(i, j int) bool { return q.items[i].compare(q.items[j]) < 0 }
func (q *queue) Swap(i, j int)      { q.items[i], q.items[j] = q.items[j], q.items[i] }
func (q *queue) Push(x any)         { q.items = append(q.items, x.(*item)) }
func (q *queue) Pop() any {
	last := q.items[len(q.items)-1]
	q.items = q.items[:len(q.items)-1]
	return last
}
