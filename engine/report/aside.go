package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// fact is something about a system that no step is carried out for.
type fact struct {
	kind  style // unknown, or plain
	text  string
	names []string // listed with it, whole
	// held are the steps that it counts, rows the grants; more says that accord drift shows in
	// full what is counted.
	held []*plan.Step
	rows []blockRow
	more bool
}

// aside writes what isn't touched, as counts with the command that shows it; with Verbose in
// full.
func (v *view) aside() {
	begun := false
	name := max(leastTitle, v.name)
	for _, s := range sortedSystems(v.plan) {
		facts := v.facts(s)
		if len(facts) == 0 {
			continue
		}
		if !begun {
			v.heading("Not touched")
			begun = true
		}
		title, command := s.Name, "accord drift --system "+shellWord(s.Name)
		for _, f := range facts {
			right := ""
			if f.more && !v.o.Verbose {
				right, command = command, ""
			}
			v.fact(f, title, name, right)
			title = ""
		}
	}
}

func (v *view) fact(f fact, title string, name int, right string) {
	line := v.line(2, 2+name+4)
	line.ends(right, v.width-columns(right))
	line.put(title, plain).column(2 + name + 2)
	if title == "" {
		line.skip = 2 + name + 2
	}
	if f.kind == unknown {
		line.put(symbols[unknown], unknown).space(1)
	} else {
		line.skip += 2
	}
	line.prose(f.text, plain)
	line.names(f.names)
	line.end()
	if v.o.Verbose && len(f.held) > 0 {
		v.told(v.entries(f.held), v.o.grouper(true), 4)
	}
	v.rows(f.rows, 4)
}

func (v *view) entries(steps []*plan.Step) []entry {
	out := make([]entry, len(steps))
	shared(len(steps), fewItems, func() func(from, to int) {
		return func(from, to int) {
			for i := from; i < to; i++ {
				out[i] = v.entry(steps[i])
			}
		}
	})
	return out
}

// facts are what there is to say of a system, what isn't known first.
func (v *view) facts(s plan.System) []fact {
	out := unknowns(s)
	for _, d := range s.Disputes {
		out = append(out, fact{kind: unknown, text: quoteName(d.Account.Name) + ": " + d.Why + "; nothing is done to it, nor for " + strings.Join(d.People, " or ")})
	}
	if v.o.Verbose {
		for _, l := range s.Linked {
			out = append(out, fact{text: fmt.Sprintf("%s is %s's by its %s", quoteName(l.Account.Name), l.Person, l.By)})
		}
	}
	out = append(out, v.held(s.Name)...)
	count := func(ids []access.ID, one, many string, always bool) {
		if len(ids) == 0 {
			return
		}
		f := fact{text: Count(len(ids), one, many), more: !always}
		if always || v.o.Verbose {
			f.text, f.names = f.text+":", idNames(ids)
		}
		out = append(out, f)
	}
	count(s.Missing, "account is declared, isn't there, and isn't created here", "accounts are declared, aren't there, and aren't created here", true)
	count(s.Disputed, "account is there under its old and its new name; neither is touched", "accounts are there under their old and their new names; neither is touched", true)
	count(s.Orphans, "account that nobody declares", "accounts that nobody declares", false)
	count(s.Idle, "account that is left with no grant", "accounts that are left with no grant", false)
	if n := len(s.Unclaimed); n > 0 {
		f := fact{text: Count(n, "grant that nobody declares, outside what is managed", "grants that nobody declares, outside what is managed"), more: true}
		if v.o.Verbose {
			f.rows = edgeRows(s.Unclaimed)
		}
		out = append(out, f)
	}
	if s.Unselected > 0 {
		out = append(out, fact{text: Count(s.Unselected, "step", "steps") + " left out by --only"})
	}
	return out
}

// unknowns are what couldn't be seen, and what waits for it.
func unknowns(s plan.System) []fact {
	var out []fact
	add := func(text string, names ...string) { out = append(out, fact{kind: unknown, text: text, names: names}) }
	if s.Error != "" {
		add("can't be read, and what it needs isn't known: " + s.Error)
	}
	if s.NotRead != "" {
		add("not read: " + s.NotRead)
	}
	if s.BaseError != "" {
		add("who left since isn't known: " + s.BaseError)
	}
	for _, u := range s.Unknown {
		switch {
		case u.ID.IsZero():
			add(u.Why)
		case u.ID.Name == "":
			add(u.ID.Kind + "/* can't be seen whole: " + u.Why)
		default:
			add(quoteName(u.ID.String()) + " can't be seen: " + u.Why)
		}
	}
	return append(out, waiting(s)...)
}

// waiting says what can't be decided because something wasn't seen. Whose account that keeps is
// said by name.
func waiting(s plan.System) []fact {
	type key struct {
		why, names string
	}
	todo, names := map[key]tally{}, map[key][]string{}
	for _, w := range s.Waiting {
		k := key{why: w.Why}
		switch w.Action {
		case access.Disable, access.Delete, access.Rename, access.Revoke:
			k.names = string(w.Action)
			names[k] = append(names[k], idName(w.Subject))
		}
		if todo[k] == nil {
			todo[k] = tally{}
		}
		todo[k][w.Action]++
	}
	var out []fact
	for k, t := range todo {
		f := fact{kind: unknown, text: "undecided for that reason: " + t.String(), names: slices.Compact(slices.Sorted(slices.Values(names[k])))}
		if !slices.ContainsFunc(s.Unknown, func(u access.Unknown) bool { return u.Why == k.why }) {
			f.text = "undecided: " + t.String() + ", since " + k.why
		}
		if len(f.names) > 0 {
			f.text += ":"
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b fact) int {
		return cmp.Or(first(len(b.names) > 0)-first(len(a.names) > 0), strings.Compare(a.text, b.text))
	})
	return out
}

// held counts the steps that aren't carried out because of how the system is run.
func (v *view) held(system string) []fact {
	byWhy := map[string][]*plan.Step{}
	for _, s := range v.bySystem[system] {
		if aside(s) {
			why := heldText(s)
			byWhy[why] = append(byWhy[why], s)
		}
	}
	var out []fact
	for _, why := range sortedKeys(byWhy) {
		steps := byWhy[why]
		f := fact{held: steps, more: true}
		todo, leavers := tally{}, []string{}
		for _, s := range steps {
			todo[s.Action]++
			if s.Leaver {
				leavers = append(leavers, whoOf(s).label())
			}
		}
		f.text = why + ": " + todo.String()
		if slices.Sort(leavers); len(leavers) > 0 {
			f.text += "; what leavers have stays:"
			f.names = slices.Compact(leavers)
		}
		out = append(out, f)
	}
	return out
}

// aside reports whether a step is held by how its system is run, rather than by a refusal.
func aside(s *plan.Step) bool {
	return s.Held != nil && s.Held.Why != plan.HeldRefused && s.Held.Why != plan.HeldDepends && s.Held.Why != plan.HeldFlapping
}

func heldText(s *plan.Step) string {
	switch s.Held.Why {
	case plan.HeldObserve:
		return "only observed"
	case plan.HeldAdditive:
		return "additive, so that it loses only what was declared"
	case plan.HeldDrift:
		return "drift is only reported"
	case plan.HeldStale:
		return "no longer as it was reviewed"
	}
	return cmp.Or(s.Held.Text, string(s.Held.Why))
}

// allowed writes what guards and policies refused and somebody allowed by name.
func (v *view) allowed() { v.refusals("Allowed", true) }

// refused writes the refusals, each with all that it holds.
func (v *view) refused() {
	v.refusals("Refused", false)
	v.refusedByRules()
	told := map[string]bool{}
	for _, r := range v.plan.Refusals {
		for _, k := range r.Steps {
			told[k] = told[k] || !r.Allowed
		}
	}
	v.section("Refused otherwise", v.pick(func(s *plan.Step) bool {
		return s.Held != nil && s.Held.Why == plan.HeldRefused && !told[s.Key()]
	}), true)
}

func (v *view) refusals(title string, allowed bool) {
	refusals := slices.DeleteFunc(slices.Clone(v.plan.Refusals), func(r plan.Refusal) bool { return r.Allowed != allowed || r.Finding != nil })
	if len(refusals) == 0 {
		return
	}
	slices.SortStableFunc(refusals, func(a, b plan.Refusal) int {
		return cmp.Or(first(v.leavers(b))-first(v.leavers(a)), strings.Compare(string(a.Name), string(b.Name)), strings.Compare(a.Ref, b.Ref))
	})
	v.heading(title)
	at := 2 + max(leastTitle, v.name) + 2
	for _, r := range refusals {
		system, _, _ := strings.Cut(r.Ref, "/")
		v.line(2, at).put(system, plain).column(at).prose(r.Text, plain).end()
		line := v.line(at, at)
		allow := "--allow " + shellWord(string(r.Name)+":"+r.Ref)
		switch {
		case allowed:
			line.prose("allowed by", plain).space(1).whole(allow, plain).end()
		case r.Final:
			line.prose(fmt.Sprintf("can't be allowed (%s)", r.Name), plain).end()
		default:
			line.prose("allow it once with", plain).space(1).whole(allow, plain).end()
		}
		if !allowed {
			v.told(v.entries(v.named(r)), v.o.grouper(true), 4)
		}
	}
}

// named are the steps that a refusal is about.
func (v *view) named(r plan.Refusal) []*plan.Step {
	var out []*plan.Step
	for _, k := range r.Steps {
		if s := v.step(k); s != nil {
			out = append(out, s)
		}
	}
	return out
}

func (v *view) leavers(r plan.Refusal) bool {
	return slices.ContainsFunc(v.named(r), func(s *plan.Step) bool { return s.Leaver })
}
