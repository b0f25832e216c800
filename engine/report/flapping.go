package report

import (
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// question is what was corrected again and again, and is there again.
type question struct {
	ref   access.Ref
	steps []*plan.Step
}

// allow is what corrects it once more.
func (q question) allow() string {
	return "--allow " + shellWord(string(access.RiskFlapping)+":"+q.ref.String())
}

// asked are the questions of a plan, sorted.
func (v *view) asked() []question {
	var all []question
	for i := range v.plan.Steps {
		s := &v.plan.Steps[i]
		if s.Held == nil || s.Held.Why != plan.HeldFlapping {
			continue
		}
		at := slices.IndexFunc(all, func(q question) bool { return q.ref == s.Ref() })
		if at < 0 {
			at, all = len(all), append(all, question{ref: s.Ref()})
		}
		all[at].steps = append(all[at].steps, s)
	}
	slices.SortFunc(all, func(a, b question) int { return strings.Compare(a.ref.String(), b.ref.String()) })
	return all
}

// questions writes what is flapping. Somebody has to say who is right.
func (v *view) questions() {
	all := v.asked()
	if len(all) == 0 {
		return
	}
	v.heading("Who else writes this? (flapping)")
	at := 2 + max(leastTitle, v.name) + 2
	for _, q := range all {
		v.line(2, at).put(q.ref.System, plain).column(at).prose(q.ref.ID.String()+": "+q.steps[0].Held.Text, plain).end()
		v.line(at, at).prose("declare what the other one does, take it out of manage:, or correct it once more with", plain).
			space(1).whole(q.allow(), plain).end()
		v.told(v.entries(q.steps), v.o.grouper(true), 4)
	}
}

// questions writes the same as Markdown.
func (m *markdown) questions() {
	all := m.v.asked()
	if len(all) == 0 {
		return
	}
	m.para("#### Who else writes this?")
	m.para("It isn't corrected any more until somebody says who is right: declare what the other one does, take it out of `manage`, or stop the other one.")
	for _, q := range all[:m.some(len(all))] {
		m.item(0, emoji(unknown)+" "+mdStrong(q.ref.System)+" "+mdCode(q.ref.ID.String())+": "+m.text(q.steps[0].Held.Text)+". Once more with "+mdCode(q.allow()))
		m.held(mdRefusal{stories: stories(m.v.entries(q.steps))})
	}
	m.andMore(len(all) - m.some(len(all)))
	m.gap()
}

// questionCards are the same on a page.
func (m *markdown) questionCards() htmlCards {
	out := htmlCards{Title: "Who else writes this?", About: "It was corrected again and again, and is there again. It isn't corrected any more until somebody says who is right.", Soft: true}
	for _, q := range m.v.asked() {
		c := card("", q.ref.String()+": "+q.steps[0].Held.Text, "Declare what the other one does, take it out of manage, or correct it once more with")
		c.Command = q.allow()
		out.Items = append(out.Items, c)
	}
	return out
}
