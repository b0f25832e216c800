package report

import (
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// DriftMarkdown writes a look at drift as Markdown, for an issue or the summary of a CI job:
// what couldn't be read and what is a question first, then each system with its differences by
// kind. A limit cuts items from the end, and says how many.
func DriftMarkdown(w io.Writer, d Drifted, o MarkdownOptions) error {
	m := &driftMarkdown{v: newDriftView(io.Discard, d, Options{}), opts: o}
	m.head()
	for _, s := range sortedSystems(d.Plan) {
		m.system(s)
	}
	m.foot()
	if _, err := io.WriteString(w, m.b.String()); err != nil {
		return fmt.Errorf("writing Markdown: %w", err)
	}
	return nil
}

// mostHeld is how many people who are held back are named one by one.
const mostHeld = 20

type driftMarkdown struct {
	v    *driftView
	opts MarkdownOptions
	b    strings.Builder
	cut  int // items that there was no room for
}

func (m *driftMarkdown) line(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

func (m *driftMarkdown) head() {
	title := m.opts.Title
	if title == "" {
		title = "Drift"
	}
	p := m.v.plan
	m.line("### %s\n", mdText(clip(title, 200)))
	open, unread, flapping := 0, 0, 0
	for i := range p.Systems {
		if !p.Systems[i].Readable() {
			unread++
		}
		for _, d := range m.v.bySystem[p.Systems[i].Name] {
			if d.Kind != plan.DriftUnknown {
				open++
			}
			if d.Fate == plan.FateFlapping {
				flapping++
			}
		}
	}
	switch {
	case len(p.Systems) == 0:
		m.line("No system is declared.\n")
	case open > 0:
		m.line("**%s** from what is declared at %s, on %s: %s.\n", Count(open, "difference", "differences"), mdCode(place(p.Revision)), Count(len(p.Systems), "system", "systems"), m.v.kinds())
	case unread == 0:
		m.line("No drift: %s as was last applied.\n", isAre(len(p.Systems)))
	default:
		m.line("No drift in what could be seen.\n")
	}
	if unread > 0 {
		m.line("> ⛔ **%s be read whole**: what it holds beside this isn't known.\n", Count(unread, "system couldn't", "systems couldn't"))
	}
	if flapping > 0 {
		m.line("> ❓ **%s corrected again and again, and there again.** Who else writes it? It isn't corrected any more until that is answered: declare it, take it out of `manage`, or stop the other writer.\n",
			Count(flapping, "difference was", "differences were"))
	}
	for i, w := range p.Withheld {
		if i == mostHeld {
			m.line("- and %d more who are held back", len(p.Withheld)-i)
			break
		}
		m.line("- %s", heldBackText(w))
	}
	if len(p.Withheld) > 0 {
		m.line("")
	}
}

func (m *driftMarkdown) system(s plan.System) {
	byKind := map[plan.DriftKind][]plan.Difference{}
	for _, d := range m.v.bySystem[s.Name] {
		byKind[d.Kind] = append(byKind[d.Kind], d)
	}
	if len(byKind) == 0 {
		return
	}
	m.line("#### %s\n", mdText(strings.TrimSpace(s.Name+"  "+string(s.Mode))))
	for _, k := range plan.DriftKinds() {
		list := byKind[k]
		if len(list) == 0 {
			continue
		}
		m.line("<details%s><summary>%s</summary>\n", map[bool]string{true: " open"}[len(list) <= openUpTo], html.EscapeString(KindText(len(list), k)))
		left := 0
		for _, d := range list {
			item := "- " + m.item(d)
			if m.opts.Limit > 0 && m.b.Len()+len(item) > m.opts.Limit-reserve {
				left++
				continue
			}
			m.line("%s", item)
		}
		if left > 0 {
			m.cut += left
			m.line("- and %d more", left)
		}
		m.line("\n</details>\n")
	}
}

// Up to so many items are shown unfolded; reserve is kept for what stands around them.
const (
	openUpTo = 10
	reserve  = 2000
)

func (m *driftMarkdown) item(d plan.Difference) string {
	var b strings.Builder
	switch {
	case d.Subject.IsZero():
		b.WriteString("the whole system")
	case d.Subject.Name == "":
		b.WriteString("everything of the kind " + mdCode(d.Subject.Kind))
	default:
		b.WriteString(mdCode(idName(d.Subject)))
	}
	if d.Person != "" && d.Person != d.Subject.Name {
		b.WriteString(" (" + mdText(d.Person) + ")")
	}
	if what := driftDetail(d); what != "" {
		b.WriteString(": " + mdCode(what))
	}
	if d.Why != "" {
		b.WriteString(": " + mdText(clip(d.Why, 500)))
	}
	for _, f := range fates {
		if f.fate == d.Fate && d.Step != nil {
			b.WriteString(" — " + strings.TrimSuffix(f.text, ": a question, see below"))
		}
	}
	for _, note := range m.v.traced(d) {
		b.WriteString(", " + mdText(note))
	}
	if d.Step != nil && d.Fate == plan.FateFlapping {
		b.WriteString("; once more with " + mdCode("--allow "+shellWord(string(access.RiskFlapping)+":"+d.Step.Ref().String())))
	}
	return b.String()
}

// driftDetail is what a difference is about beside its subject.
func driftDetail(d plan.Difference) string {
	switch {
	case d.Target.IsZero():
		return d.Detail
	case d.Step != nil && d.Step.Action == access.ChangeLevel:
		return entitlement(d.Target, d.Step.Before.Permission+" → "+d.Step.After.Permission)
	}
	return entitlement(d.Target, d.Detail)
}

func (m *driftMarkdown) foot() {
	switch {
	case m.cut > 0 && m.opts.Link != "":
		m.line("%s didn't fit here: %s.", Count(m.cut, "item", "items"), mdLink("the whole report", m.opts.Link))
	case m.cut > 0:
		m.line("%s didn't fit here; `accord drift` shows them.", Count(m.cut, "item", "items"))
	}
}
