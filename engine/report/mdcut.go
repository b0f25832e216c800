package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// taking is one line that takes something away, and where it belongs.
type taking struct {
	storyLine
	section int
	text    string   // all but the names
	names   []string // those that are shown
	left    int      // how many entries aren't
}

// cut writes a page on which not even everything that is taken away has room: the riskiest
// first, and before it how much is missing, system by system. The head is written already.
func (m *markdown) cut() {
	head := m.b.String()
	m.b.Reset()
	m.foot()
	foot := m.b.String()
	all := m.takings()
	total := map[string]int{}
	for _, t := range all {
		total[t.system] += len(t.entries)
	}
	// With everything missing the alarm is at its longest.
	room := m.opts.Limit - len(head) - len(foot) - len(m.missing(total))
	used := map[int]bool{}
	for i := range all {
		t := &all[i]
		title := 0
		if !used[t.section] {
			title = len(m.cutTitle(t.section))
		}
		if n := t.fit(room - title); n > 0 {
			room -= n + title
			used[t.section] = true
		}
	}
	left := map[string]int{}
	for _, t := range all {
		if t.left > 0 {
			left[t.system] += t.left
		}
	}
	m.b.Reset()
	m.b.WriteString(head)
	m.b.WriteString(m.missing(left))
	for i := range len(m.sections) + 1 {
		if used[i] {
			m.b.WriteString(m.cutTitle(i))
		}
		for _, t := range all {
			if t.section == i && len(t.names) > 0 {
				m.b.WriteString(t.whole())
			}
		}
	}
	m.b.WriteByte('\n')
	m.b.WriteString(foot)
	if m.b.Len() > m.opts.Limit {
		m.least(total)
	}
}

// least writes a page for which even what stands above the rest is too long.
func (m *markdown) least(left map[string]int) {
	sum := 0
	for _, n := range left {
		sum += n
	}
	m.b.Reset()
	m.para("### Access")
	m.para("> ⛔ **The plan has no room here: %s not shown.** Read the whole plan before you agree.", Count(sum, "removal or risky change is", "removals and risky changes are"))
	if link := mdLink("The whole plan", m.opts.Link); m.opts.Link != "" && m.b.Len()+len(link) < m.opts.Limit {
		m.para("%s", link)
	}
}

func (m *markdown) cutTitle(i int) string {
	if i == len(m.sections) {
		return "\n#### Refused, and not carried out as it is\n\n"
	}
	return "\n#### " + m.sections[i].title + "\n\n"
}

// takings are all lines that take something away, the riskiest first.
func (m *markdown) takings() []taking {
	var out []taking
	add := func(section int, in []story) {
		for _, l := range byTarget(in) {
			if len(l.entries) > 0 {
				out = append(out, taking{storyLine: l, section: section, text: m.line(l, "")})
			}
		}
	}
	for i, s := range m.sections {
		add(i, s.all())
	}
	var held []story
	for _, r := range m.refusals {
		held = append(held, r.stories...)
	}
	add(len(m.sections), held)
	slices.SortStableFunc(out, func(a, b taking) int {
		return cmp.Or(a.rank()-b.rank(), a.section-b.section, a.storyLine.compare(b.storyLine))
	})
	return out
}

// fit chooses as many names as have room, and returns the bytes that the line takes; 0 if it
// isn't shown.
func (t *taking) fit(room int) int {
	names := make([]string, len(t.entries))
	for i, e := range t.entries {
		names[i] = mdText(clip(nameOf(e), 100))
	}
	t.names = names
	if n := len(t.whole()); n <= room {
		return n
	}
	t.names, t.left = nil, len(t.entries)
	if len(names) == 1 {
		return 0
	}
	size := len("- : and 1234567 more\n") + len(t.text)
	for i, n := range names {
		if size += len(n) + len(", "); size > room {
			break
		}
		t.names, t.left = names[:i+1], len(names)-i-1
	}
	if len(t.names) == 0 {
		return 0
	}
	return len(t.whole())
}

func (t *taking) whole() string {
	out := "- " + t.text
	if len(t.entries) > 1 {
		out += ": " + strings.Join(t.names, ", ")
	}
	if t.left > 0 {
		out += fmt.Sprintf(" and %d more", t.left)
	}
	return out + "\n"
}

// missing says loudly what has no room, system by system.
func (m *markdown) missing(left map[string]int) string {
	sum := 0
	for _, n := range left {
		sum += n
	}
	if sum == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "> ⛔ **This comment is not the whole plan: %s not shown here.** There is no room for more. What is left out:\n>\n", Count(sum, "removal or risky change is", "removals and risky changes are"))
	systems := slices.SortedFunc(maps.Keys(left), func(a, b string) int { return cmp.Or(left[b]-left[a], strings.Compare(a, b)) })
	more := 0
	for i, s := range systems {
		if i < mostSystems {
			fmt.Fprintf(&b, "> - %s: %d\n", mdStrong(cmp.Or(clip(s, 100), "what is declared of people")), left[s])
		} else {
			more += left[s]
		}
	}
	if more > 0 {
		fmt.Fprintf(&b, "> - %s: %d\n", Count(len(systems)-mostSystems, "other system", "other systems"), more)
	}
	where := "Read the whole plan before you agree: accord plan --format text."
	if m.opts.Link != "" {
		where = "Read " + mdLink("the whole plan", m.opts.Link) + " before you agree."
	}
	b.WriteString(">\n> " + where + "\n\n")
	return b.String()
}
