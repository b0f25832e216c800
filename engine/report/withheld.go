package report

import "github.com/accordhq/accord/engine/plan"

// withheld writes who is given nothing although they are declared, and what ends that.
func (v *view) withheld() {
	if len(v.plan.Withheld) == 0 {
		return
	}
	v.heading("Held back")
	for _, w := range v.plan.Withheld {
		line := v.line(2, 4)
		line.ends(at(w.File, w.Line), v.width)
		line.prose(w.Text, plain).end()
	}
}

// heldBack writes the same as Markdown.
func (m *markdown) heldBack() {
	all := m.v.plan.Withheld
	if len(all) == 0 {
		return
	}
	m.para("#### Held back")
	for _, w := range all[:m.some(len(all))] {
		m.item(0, heldBackText(w))
	}
	m.andMore(len(all) - m.some(len(all)))
	m.gap()
}

func heldBackText(w plan.Withheld) string {
	out := emoji(unknown) + " " + mdText(w.Text)
	if w.File != "" {
		out += " (" + mdCode(at(w.File, w.Line)) + ")"
	}
	return out
}

// heldCards are the same on a page.
func (m *markdown) heldCards() htmlCards {
	out := htmlCards{Title: "Held back", About: "These people are declared, and are given nothing.", Soft: true}
	for _, w := range m.v.plan.Withheld {
		out.Items = append(out.Items, card(at(w.File, w.Line), w.Text))
	}
	return out
}

// butFor excepts them from what is as declared.
func (v *view) butFor() string {
	if n := len(v.plan.Withheld); n > 0 {
		return ", but for " + Count(n, "person who is held back", "people who are held back")
	}
	return ""
}
