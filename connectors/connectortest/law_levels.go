package connectortest

import (
	"fmt"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// rung is a subject on one level of a ladder.
type rung struct {
	subject, target access.ID
	levels          []string
	on              []int // the levels that are declared; the highest counts
}

func applyLevels(t *trial) {
	b := t.open()
	rungs, base := b.maker.ladders()
	if len(rungs) == 0 {
		t.Skipf("nothing on this system has levels that can be granted")
	}
	before := make([]int, len(rungs)) // the level that each holds, -1 for none
	for i := range before {
		before[i] = -1
	}
	if _, err := reconcile(b, base); err != nil {
		t.Fatalf("without any level: %v", err)
	}
	steps := []struct {
		name string
		on   func(r rung) []int
	}{
		{"to the lowest level", func(rung) []int { return []int{0} }},
		{"to the highest level", func(r rung) []int { return []int{len(r.levels) - 1} }},
		{"one level down", func(r rung) []int { return []int{len(r.levels) - 2} }},
		{"to the lowest again", func(rung) []int { return []int{0} }},
		{"to the lowest and the highest at once", func(r rung) []int { return []int{0, len(r.levels) - 1} }},
		{"to nothing", func(rung) []int { return nil }},
		{"to one but the highest", func(r rung) []int { return []int{len(r.levels) - 2} }},
	}
	for _, s := range steps {
		for i := range rungs {
			rungs[i].on = s.on(rungs[i])
		}
		b.settled()
		done, err := reconcileOnce(t, b.Connector, b.climbed(base, rungs, false))
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if !b.moved(s.name, rungs, before, done) ||
			!t.same(s.name, differences(b.climbed(base, rungs, true), b.dump(), asDeclared())) {
			return
		}
	}
}

// ladders finds pairs that can hold levels, one for each kind of subject and of target, and a
// state with all that they need.
func (m *maker) ladders() ([]rung, *access.State) {
	m.Helper()
	var out []rung
	d := newDraft()
	for _, kind := range m.desc.Kinds {
		levels := wishes(kind)
		target, ok := m.thing(kind.Name, 0)
		if !ok || !kind.Ordered || len(levels) < 2 {
			continue
		}
		for _, sk := range m.subjects(kind) {
			for _, subject := range m.seedable(sk, 3)[min(1, len(m.seedable(sk, 3))):] {
				if _, held := firstOn(m.fresh, subject, target); !held && d.grant(subject, target, levels[0]) {
					out = append(out, rung{subject: subject, target: target, levels: levels})
					break
				}
			}
		}
	}
	b := access.NewBuilder(SystemName)
	made := map[access.ID]bool{}
	for _, r := range out {
		for _, id := range []access.ID{r.subject, r.target} {
			if !made[id] && m.makes(id.Kind) {
				made[id] = true
				b.Object(m.object(id, 0))
			}
		}
	}
	return out, merged(m, m.fresh, build(m, b))
}

// climbed is the base with everybody on their level: on all that are declared, or only on the
// highest, which counts.
func (b *bed) climbed(base *access.State, rungs []rung, highest bool) *access.State {
	b.Helper()
	more := access.NewBuilder(SystemName)
	for _, r := range rungs {
		for _, i := range r.on {
			if !highest || i == slices.Max(r.on) {
				more.Grant(access.Grant{Subject: r.subject, Target: r.target, Permission: r.levels[i]})
			}
		}
	}
	return merged(b, base, build(b, more))
}

// moved checks that each move was one change of the right action, and notes the new levels.
func (b *bed) moved(what string, rungs []rung, before []int, done []access.Change) bool {
	b.Helper()
	var want, got []string
	for i, r := range rungs {
		now := -1
		if len(r.on) > 0 {
			now = slices.Max(r.on)
		}
		switch was := before[i]; {
		case was == now:
		case was < 0:
			want = append(want, give(r.subject, r.target, r.levels[now]).String())
		case now < 0:
			want = append(want, revoke(r.subject, r.target, r.levels[was]).String())
		default:
			want = append(want, level(r.subject, r.target, r.levels[was], r.levels[now]).String())
		}
		before[i] = now
	}
	for _, c := range done {
		got = append(got, c.String())
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		b.Errorf("%s: the plan was %s; want %s", what, fmt.Sprintf("%q", got), fmt.Sprintf("%q", want))
		return false
	}
	return true
}
