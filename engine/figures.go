package engine

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/policy"
)

// plan puts the plan into figures.
func (f *facts) plan(steps []*plan.Step) policy.PlanInput {
	in := policy.PlanInput{Plan: f.context, LosingEverything: f.losing(steps), Owned: f.owned(), Daily: f.daily(steps)}
	people, leavers := map[string]bool{}, map[string]bool{}
	systems, roles, departments := map[string]*policy.SystemCounts{}, map[string]*policy.NamedCounts{}, map[string]*policy.NamedCounts{}
	named := func(m map[string]*policy.NamedCounts, name string) *policy.NamedCounts {
		if m[name] == nil {
			m[name] = &policy.NamedCounts{Name: name}
		}
		return m[name]
	}
	for _, sys := range f.systems {
		systems[sys.decl.ID.Value] = f.systemCounts(sys, &in)
	}
	for _, st := range steps {
		o := op(st, f.bySystem[st.System].description(f.session))
		sys := systems[st.System]
		count(o, &in.Counts.Adds, &in.Counts.Removes, &in.Counts.Updates)
		count(o, &sys.Adds, &sys.Removes, &sys.Updates)
		if st.Person != "" {
			people[st.Person] = true
			leavers[st.Person] = leavers[st.Person] || st.Leaver
			if s := f.subject(st.Person); s != nil {
				for _, d := range s.Attributes["department"] {
					n := named(departments, d)
					count(o, &n.Adds, &n.Removes, &n.Updates)
				}
			}
		}
		_, all := rolesOf(append(slices.Clone(st.Reasons), st.Was...))
		for _, id := range all {
			n := named(roles, id)
			count(o, &n.Adds, &n.Removes, &n.Updates)
		}
	}
	in.Counts.People = len(people)
	for _, left := range leavers {
		if left {
			in.Counts.Leavers++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(systems)) {
		s := systems[name]
		if s.Grants > 0 {
			s.RemovesPercent = (s.Removes*100 + s.Grants - 1) / s.Grants
		}
		in.BySystem = append(in.BySystem, *s)
	}
	in.ByRole, in.ByDepartment = sortedCounts(roles), sortedCounts(departments)
	for _, s := range f.settings {
		in.Settings = append(in.Settings, policy.SettingChange{Change: s.Change, Kind: s.Kind, Setting: s.Setting, Before: s.Before, After: s.After,
			Source: policy.Place{File: s.File, Line: s.Line}})
	}
	return in
}

func count(op string, adds, removes, updates *int) {
	switch op {
	case "add":
		*adds++
	case "remove":
		*removes++
	default:
		*updates++
	}
}

func sortedCounts(m map[string]*policy.NamedCounts) []policy.NamedCounts {
	var out []policy.NamedCounts
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, *m[name])
	}
	return out
}

// systemCounts counts what is live on a system and what the past day did there.
func (f *facts) systemCounts(sys *system, in *policy.PlanInput) *policy.SystemCounts {
	name := sys.decl.ID.Value
	out := &policy.SystemCounts{System: name, Complete: sys.live != nil && sys.live.Complete()}
	if !out.Complete {
		in.Unreadable = append(in.Unreadable, name)
		slices.Sort(in.Unreadable)
	}
	if sys.live != nil {
		for _, g := range sys.live.Grants() {
			if g.Standing != access.Implied && sys.ruled.claims(g.Target) {
				out.Grants++
			}
		}
		for o := range sys.live.Objects() {
			if o.ID.IsAccount() && !o.Reserved {
				out.Accounts++
			}
		}
	}
	people := map[string]bool{}
	since := f.at.Add(-rollingDay)
	for _, name := range namesOf(sys.decl) {
		for _, r := range f.memory.Removals(name, since) {
			out.PastRemoves++
			people[r.Person] = true
			if r.Leaver {
				in.PastDay.Leavers++
			}
		}
		for _, g := range f.memory.Given(name, since) {
			out.PastAdds++
			people[g.Person] = true
		}
	}
	delete(people, "")
	in.PastDay.Adds, in.PastDay.Removes, in.PastDay.People = in.PastDay.Adds+out.PastAdds, in.PastDay.Removes+out.PastRemoves, in.PastDay.People+len(people)
	return out
}

// losing are the people who hold something on the systems that were read and would hold nothing
// any more, leavers left out.
func (f *facts) losing(steps []*plan.Step) []string {
	loses := map[string]bool{}
	for _, st := range steps {
		if st.Person != "" && !st.Leaver && st.Takes(f.bySystem[st.System].description(f.session)) {
			loses[st.Person] = true
		}
	}
	if len(loses) == 0 {
		return nil
	}
	h := newHolder(f, steps)
	var out []string
	for _, person := range slices.Sorted(maps.Keys(loses)) {
		had, has := 0, 0
		for _, sys := range f.systems {
			account, ok := sys.want.AccountOf(person)
			if !ok {
				continue
			}
			v := h.view(sys)
			had += len(v.before.of(h.accountBefore(sys, person, account)))
			has += len(v.after.of(account))
		}
		if had > 0 && has == 0 {
			out = append(out, person)
		}
	}
	return out
}

// owned lists everything that has owners. What is new, or says something else than by the
// rulebook, counts as changed.
func (f *facts) owned() []policy.Owned {
	own := f.book.decl == f.head.Repo
	changed := func(o owned) bool {
		if own {
			return f.newest == nil
		}
		was := f.book.decl.Document(o.kind, o.id)
		return was == nil || was != o.doc && declare.Digest(was) != declare.Digest(o.doc)
	}
	var out []policy.Owned
	for _, o := range ownedOf(f.head.Repo, false) {
		out = append(out, policy.Owned{Kind: o.kind, ID: o.id, Owners: values(o.owners), Active: f.world.Active(o.owners),
			Changed: changed(o),
			Source:  policy.Place{File: o.pos.File, Line: int(o.pos.Line)}})
	}
	slices.SortFunc(out, func(a, b policy.Owned) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
	})
	return out
}

// daily counts how often each privilege is given to each person on the calendar day of the plan.
func (f *facts) daily(steps []*plan.Step) []policy.Daily {
	at := f.at.In(f.book.decl.Config.Location())
	midnight := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location())
	type key struct{ person, privilege string }
	all := map[key]*policy.Daily{}
	get := func(person, system string, target access.ID, permission string) *policy.Daily {
		person, system = f.lawPerson(person), f.lawID(system)
		k := key{person, access.Ref{System: system, ID: target}.String() + ":" + permission}
		if all[k] == nil {
			all[k] = &policy.Daily{Principal: person, System: system, Privilege: k.privilege}
		}
		return all[k]
	}
	for _, sys := range f.systems {
		for _, name := range namesOf(sys.decl) {
			for _, g := range f.memory.Given(name, midnight) {
				get(g.Person, sys.decl.ID.Value, g.Target, g.Permission).Today++
			}
		}
	}
	for _, st := range steps {
		if st.Person == "" || st.Leaver || st.After == nil || st.Action != access.Give && st.Action != access.ChangeLevel {
			continue
		}
		d := get(st.Person, st.System, st.Target, st.After.Permission)
		d.Planned++
		d.Change = st.Key()
		d.Source = policy.Place{File: st.Cause.File, Line: st.Cause.Line}
	}
	var out []policy.Daily
	for _, d := range all {
		out = append(out, *d)
	}
	slices.SortFunc(out, func(a, b policy.Daily) int {
		return cmp.Or(strings.Compare(a.Principal, b.Principal), strings.Compare(a.Privilege, b.Privilege))
	})
	return out
}
