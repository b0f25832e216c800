package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// MarkdownOptions say how a plan is written for a merge request.
type MarkdownOptions struct {
	// Limit is how many bytes it may have; 0: as many as it takes. Forges refuse comments that
	// are longer than theirs (65,536 characters on GitHub and Gitea, 1,000,000 on GitLab).
	Limit int
	// Link is the address of the whole plan, for what is cut.
	Link string
	// Title is the heading; empty: "Access".
	Title string
}

// LeastLimit is the smallest limit that a page can keep: what stands above everything else has to
// fit.
const LeastLimit = 4096

// detail is how much a page tells. Removals are told with every name at any of them but the
// last, which is loud about what it leaves out.
type detail int

const (
	detailFull    detail = iota // names, and the ways in which access comes about
	detailNames                 // without the ways
	detailCounts                // who gains is only counted
	detailTargets               // removals by what is taken away, without their causes
	detailCut                   // as many removals as there is room for, the riskiest first
	detailEnd
)

// PlanMarkdown writes a plan as Markdown (GitHub's dialect, which GitLab and Gitea read as
// well), for people who don't know Accord: what merging it does, the risky first. Classes stand
// apart. A limit cuts only detail: who loses something is named as long as the names fit, and
// where they don't the page says so first, with counts.
func PlanMarkdown(w io.Writer, p *plan.Plan, o MarkdownOptions) error {
	m := newMarkdown(p, o)
	for d := detailFull; d < detailEnd; d++ {
		m.write(d)
		if o.Limit <= 0 || m.b.Len() <= o.Limit {
			break
		}
	}
	if _, err := io.WriteString(w, m.b.String()); err != nil {
		return fmt.Errorf("writing Markdown: %w", err)
	}
	return nil
}

// markdown is a plan on its way to a page of Markdown.
type markdown struct {
	v        *view
	opts     MarkdownOptions
	b        strings.Builder
	detail   detail
	sections []mdSection
	refusals []mdRefusal
}

// mdSection is one class.
type mdSection struct {
	class   plan.Class
	title   string
	about   string
	stories []story
	more    []mdPart // what is declared and no step tells
}

type mdPart struct {
	title   string
	stories []story
}

// mdRefusal is a refusal with what it holds.
type mdRefusal struct {
	plan.Refusal
	stories []story
}

func newMarkdown(p *plan.Plan, o MarkdownOptions) *markdown {
	m := &markdown{v: newView(io.Discard, p, Options{}), opts: o}
	for _, c := range []mdSection{
		{plan.ClassChange, "This change", "What comes of the files that are edited here.", nil, nil},
		{plan.ClassTime, "Time", "Windows that begin or end by themselves. It is not this change that does it, and it comes with or without it.", nil, nil},
		{plan.ClassDrift, "Drift", "What somebody changed on the systems, past the files. It is not this change that does it; applying puts it right.", nil, nil},
		{"", "Other", "", nil, nil},
	} {
		c.stories = stories(m.v.pick(func(s *plan.Step) bool { return shown(s) && classOf(s) == c.class }))
		if c.class == plan.ClassChange {
			for _, part := range m.v.declaredAlone() {
				if entries := m.v.shifts(part.of); len(entries) > 0 {
					c.more = append(c.more, mdPart{part.title, stories(entries)})
				}
			}
		}
		m.sections = append(m.sections, c)
	}
	told := map[string]bool{}
	for _, r := range p.Refusals {
		if r.Allowed {
			continue
		}
		for _, k := range r.Steps {
			told[k] = true
		}
		m.refusals = append(m.refusals, mdRefusal{r, stories(m.v.entries(m.v.named(r)))})
	}
	slices.SortStableFunc(m.refusals, func(a, b mdRefusal) int {
		return cmp.Or(a.rank()-b.rank(), strings.Compare(string(a.Name), string(b.Name)), strings.Compare(a.Ref, b.Ref), strings.Compare(a.Text, b.Text))
	})
	if rest := m.v.pick(func(s *plan.Step) bool {
		return s.Held != nil && s.Held.Why == plan.HeldRefused && !told[s.Key()]
	}); len(rest) > 0 {
		m.refusals = append(m.refusals, mdRefusal{plan.Refusal{Text: "refused otherwise", Final: true}, stories(rest)})
	}
	return m
}

// classOf is a step's class; "" for one that isn't known.
func classOf(s *plan.Step) plan.Class {
	switch s.Class {
	case plan.ClassChange, plan.ClassTime, plan.ClassDrift:
		return s.Class
	}
	return ""
}

func (r mdRefusal) rank() int {
	if len(r.stories) == 0 {
		return rankUnknown
	}
	return r.stories[0].rank
}

// write writes the page with so much detail.
func (m *markdown) write(d detail) {
	m.b.Reset()
	m.detail = d
	m.head()
	if d == detailCut {
		m.cut()
		return
	}
	m.body()
	m.foot()
}

func (m *markdown) body() {
	m.refused()
	m.heldBack()
	for _, s := range m.sections {
		m.section(s)
		if s.class == plan.ClassChange {
			m.settings()
		}
	}
	m.questions()
	m.findings()
	m.allowed()
	m.unread()
	m.untouched()
}

// para writes a paragraph.
func (m *markdown) para(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n\n", args...) }

// item writes an item of a list, so deep.
func (m *markdown) item(depth int, text string) {
	m.b.WriteString(strings.Repeat("  ", depth) + "- " + text + "\n")
}

// gap ends a list.
func (m *markdown) gap() {
	if s := m.b.String(); !strings.HasSuffix(s, "\n\n") {
		m.b.WriteByte('\n')
	}
}

// section writes one class.
func (m *markdown) section(s mdSection) {
	if len(s.stories)+len(s.more) == 0 {
		return
	}
	m.para("#### %s", s.title)
	if s.about != "" {
		m.para("%s", s.about)
	}
	m.tell(s.stories)
	for _, part := range s.more {
		if part.title != "Changes" {
			m.para("**%s**", part.title)
		}
		m.tell(part.stories)
	}
}

// tell writes stories as a list.
func (m *markdown) tell(in []story) {
	if len(in) == 0 {
		return
	}
	if m.detail >= detailTargets {
		for _, l := range byTarget(in) {
			m.item(0, m.line(l, "")+m.list(l))
		}
		m.gaining(in)
		m.gap()
		return
	}
	for _, s := range in {
		m.story(s)
	}
	m.gap()
}

// gaining counts what is only given.
func (m *markdown) gaining(in []story) {
	n := 0
	for _, s := range in {
		for _, l := range s.lines {
			if !l.pressing() {
				n += len(l.entries)
			}
		}
	}
	if n > 0 {
		m.item(0, emoji(given)+" "+Count(n, "addition", "additions")+", told in the whole plan"+m.whole())
	}
}

// whole links the whole plan within a sentence.
func (m *markdown) whole() string {
	if m.opts.Link == "" {
		return ""
	}
	return " (" + mdLink("the whole plan", m.opts.Link) + ")"
}

// byTarget are the lines that take, those that read the same taken together.
func byTarget(in []story) []storyLine {
	at := map[lineKey]int{}
	var out []storyLine
	for _, s := range in {
		for _, l := range s.lines {
			if !l.pressing() {
				continue
			}
			k := lineKey{l.row, l.action, l.leaver}
			if i, ok := at[k]; ok {
				out[i].entries = append(out[i].entries[:len(out[i].entries):len(out[i].entries)], l.entries...)
				continue
			}
			at[k] = len(out)
			out = append(out, l)
		}
	}
	slices.SortFunc(out, storyLine.compare)
	for _, l := range out {
		slices.SortFunc(l.entries, func(a, b entry) int { return strings.Compare(nameOf(a), nameOf(b)) })
	}
	return out
}

// story writes one cause and what comes of it: on one line where it is one change.
func (m *markdown) story(s story) {
	why := m.why(s)
	if l := s.lines[0]; len(s.lines) == 1 && (s.person != "" || l.pressing() || len(l.entries) <= fewNames) {
		m.item(0, m.line(l, "")+why+m.list(l))
		m.fold(s, nil)
		return
	}
	if len(s.lines) == 1 {
		if m.detail >= detailCounts {
			m.item(0, m.line(s.lines[0], "")+why)
			m.fold(s, nil)
			return
		}
		m.item(0, m.line(s.lines[0], "")+why+", named below")
		m.fold(s, s.lines)
		return
	}
	if s.person != "" {
		m.item(0, mdSubject(s.lines[0].entries[0])+why)
	} else {
		m.item(0, mdStrong(Count(s.people, s.noun, s.noun))+why)
	}
	var folded []storyLine
	for _, l := range s.lines {
		switch {
		case s.person != "":
			m.item(1, m.line(l, implied)+m.list(l))
		case l.pressing() || len(l.entries) <= fewNames:
			m.item(1, m.line(l, "")+m.list(l))
		case m.detail < detailCounts:
			m.item(1, m.line(l, "")+", named below")
			folded = append(folded, l)
		default:
			m.item(1, m.line(l, ""))
		}
	}
	m.fold(s, folded)
}

// why is the cause with its place.
func (m *markdown) why(s story) string {
	text := s.cause.Text
	if text == s.person {
		text = ""
	}
	out := ""
	if text != "" {
		out = " — " + mdText(text)
	}
	if p := s.place(); p != "" {
		out += " (" + mdCode(p) + ")"
	}
	return out
}

// mostPaths is how many ways are shown in which one cause gives access.
const mostPaths = 5

// fold writes what is shown on demand: who gains something, and by which way.
func (m *markdown) fold(s story, folded []storyLine) {
	var paths [][]access.Link
	if m.detail < detailNames {
		paths = slices.DeleteFunc(s.paths(), func(c []access.Link) bool { return len(c) < 2 }) // the cause itself
	}
	if len(folded)+len(paths) == 0 {
		return
	}
	title := "How it comes about"
	if len(folded) > 0 {
		title = "Who gains what"
		if len(paths) > 0 {
			title += ", and how it comes about"
		}
	}
	fmt.Fprintf(&m.b, "\n  <details><summary>%s</summary>\n\n", title)
	for _, l := range folded {
		m.item(1, m.line(l, "")+m.list(l))
	}
	for i, chain := range paths {
		if i == mostPaths {
			m.item(1, fmt.Sprintf("and in %s", Count(len(paths)-i, "other way", "other ways")))
			break
		}
		var links []string
		for _, l := range chain {
			links = append(links, mdText(l.Text)+" ("+mdCode(at(l.File, l.Line))+")")
		}
		m.item(1, strings.Join(links, " → "))
	}
	m.b.WriteString("\n  </details>\n\n")
}

// list names everybody of a line, where the line doesn't.
func (m *markdown) list(l storyLine) string {
	if len(l.entries) == 1 {
		return ""
	}
	return ": " + mdNames(l.names())
}

func mdNames(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = mdText(n)
	}
	return strings.Join(out, ", ")
}
