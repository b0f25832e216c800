package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// A plan as HTML is one file that needs nothing else: no network, no server, and to be read no
// script either, which only filters. Its policy (CSP) lets nothing run or load but the style and
// the script that are in it, by their hashes. All data goes through html/template, after Clean.

//go:embed html/page.html
var pageHTML string

//go:embed html/page.css
var pageCSS string

//go:embed html/page.js
var pageJS string

type (
	htmlPage struct {
		Policy, Title, Sentence, Meta, Digests string
		Style, Script                          template.HTML // ours, and no data in it
		Alarms                                 []string
		Counts                                 *htmlCounts
		Cards, After                           []htmlCards
		People, Systems                        []string
		Classes, Risks                         []htmlOption
		Sections                               []htmlSection
	}
	htmlCounts struct {
		Heads []string
		Rows  []htmlCount
	}
	htmlCount struct {
		Name string
		N    []int
	}
	htmlOption struct{ ID, Title string }
	htmlCards  struct {
		Title, About string
		Soft         bool
		Items        []htmlCard
	}
	htmlCard struct {
		Lines          []string
		Place, Command string
	}
	htmlSection struct {
		ID, Title, About string
		Steps            []htmlStep
	}
	htmlStep struct {
		Kind, Symbol, Says                 string
		Person, Who, System, Class         string
		What, Notes, State, Place, RiskIDs string
		Risks                              []string
		Cause, Held, Key                   string
		Whys                               []htmlWhy
		Warnings                           []string

		rank int
		row  row
	}
	htmlWhy struct {
		Title  string
		Chains [][]htmlLink
	}
	htmlLink struct{ Text, Place string }
)

// PlanHTML writes a plan as a page for a browser: every step with its reasons, in classes, to be
// searched and filtered; the address keeps the filter. An empty title is "Access".
func PlanHTML(w io.Writer, p *plan.Plan, title string) error {
	return writePage(w, newMarkdown(p, MarkdownOptions{}).page(cmp.Or(title, "Access")))
}

// FailedHTML is what stands in the place of PlanHTML where no plan could be made.
func FailedHTML(w io.Writer, problems []Problem, title string) error {
	page := htmlPage{Title: Clean(cmp.Or(title, "Access")), Sentence: noPlan}
	c := htmlCards{Title: "What keeps it from being made"}
	for _, p := range problems {
		c.Items = append(c.Items, card(p.place(), p.Text, p.Hint))
	}
	page.Cards = []htmlCards{c}
	return writePage(w, page)
}

func writePage(w io.Writer, page htmlPage) error {
	page.Policy = "default-src 'none'; style-src " + sealed(pageCSS) + "; script-src " + sealed(pageJS) + "; base-uri 'none'; form-action 'none'"
	page.Style, page.Script = template.HTML("<style>"+pageCSS+"</style>"), template.HTML("<script>"+pageJS+"</script>")
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return fmt.Errorf("writing HTML: %w", err)
	}
	if err := t.Execute(w, page); err != nil {
		return fmt.Errorf("writing HTML: %w", err)
	}
	return nil
}

// sealed is a hash by which a policy lets the content of an element through.
func sealed(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (m *markdown) page(title string) htmlPage {
	out := htmlPage{
		Title: Clean(title), Sentence: unmarked(m.sentence()), Meta: Clean(m.from()), Digests: m.digests(),
	}
	for _, a := range m.alarmTexts() {
		out.Alarms = append(out.Alarms, Clean(a))
	}
	heads, rows := m.counts()
	if len(rows) > 0 {
		out.Counts = &htmlCounts{Heads: heads}
		for _, r := range rows {
			out.Counts.Rows = append(out.Counts.Rows, htmlCount{symbols[r.kind] + " " + r.name, r.n})
		}
	}
	out.Cards, out.After = m.cards(), m.cardsAfter()
	out.Sections = m.htmlSections()
	out.options()
	return out
}

// unmarked is a sentence of ours without its Markdown.
func unmarked(s string) string { return strings.ReplaceAll(s, "**", "") }

// options are what can be filtered by.
func (p *htmlPage) options() {
	people, systems, risks := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, s := range p.Sections {
		p.Classes = append(p.Classes, htmlOption{s.ID, s.Title})
		for _, st := range s.Steps {
			people[st.Person], systems[st.System] = true, true
			for _, r := range strings.Fields(st.RiskIDs) {
				risks[r] = true
			}
		}
	}
	delete(people, "")
	delete(systems, "")
	p.People, p.Systems = slices.Sorted(maps.Keys(people)), slices.Sorted(maps.Keys(systems))
	for _, r := range slices.Sorted(maps.Keys(risks)) {
		p.Risks = append(p.Risks, htmlOption{r, strings.ReplaceAll(r, "-", " ")})
	}
}

// htmlSections are the classes with their steps, and last what isn't touched.
func (m *markdown) htmlSections() []htmlSection {
	var out []htmlSection
	for _, s := range m.sections {
		h := htmlSection{ID: cmp.Or(string(s.class), "other"), Title: s.title, About: s.about}
		for _, e := range m.v.pick(func(st *plan.Step) bool { return !aside(st) && classOf(st) == s.class }) {
			h.Steps = append(h.Steps, m.htmlStep(e, h.ID))
		}
		for _, part := range s.more {
			for _, st := range part.stories {
				for _, l := range st.lines {
					for _, e := range l.entries {
						h.Steps = append(h.Steps, m.htmlStep(e, h.ID))
					}
				}
			}
		}
		out = append(out, h)
	}
	rest := htmlSection{ID: "untouched", Title: "Not touched", About: "Differences that are left alone, because of how each system is run."}
	for _, e := range m.v.pick(aside) {
		rest.Steps = append(rest.Steps, m.htmlStep(e, rest.ID))
	}
	out = append(out, rest)
	for _, s := range out {
		slices.SortStableFunc(s.Steps, func(a, b htmlStep) int {
			return cmp.Or(a.rank-b.rank, strings.Compare(a.Person, b.Person), strings.Compare(a.Who, b.Who), a.row.compare(b.row))
		})
	}
	return slices.DeleteFunc(out, func(s htmlSection) bool { return len(s.Steps) == 0 })
}

var kindNames = [...]string{plain: "unknown", strong: "unknown", faint: "unknown", taken: "taken", given: "given", changed: "changed", drastic: "drastic", unknown: "unknown"}

var kindSays = [...]string{taken: "takes away", given: "gives", changed: "changes", drastic: "disables or deletes", unknown: "does"}

func (m *markdown) htmlStep(e entry, class string) htmlStep {
	l := lineOf(e)
	h := htmlStep{
		Kind: kindNames[e.row.kind], Symbol: symbols[e.row.kind], Says: kindSays[e.row.kind], Class: class,
		Person: Clean(e.who.label()), Who: Clean(e.who.listed()), System: Clean(e.row.system), What: Clean(e.row.what), Notes: Clean(e.row.notes),
		Place: Clean(at(e.cause.File, e.cause.Line)), Cause: Clean(e.cause.Text), rank: l.rank(), row: e.row,
	}
	s := e.step
	if s == nil {
		return h
	}
	h.Notes, h.Key = Clean(strings.Join(e.notes, ", ")), Clean(s.Key())
	for _, mark := range e.marks {
		h.Risks = append(h.Risks, Clean(markText(mark)))
	}
	var ids []string
	for _, r := range s.Risks {
		ids = append(ids, strings.ReplaceAll(Clean(string(r.Name)), " ", "-"))
		h.Warnings = append(h.Warnings, Clean(r.Text))
	}
	if s.Leaver {
		ids = append(ids, "leaver")
	}
	if s.Held != nil {
		h.State = stateOf(s)
		h.Held = Clean(cmp.Or(s.Held.Text, h.State))
		if s.Held.Why == plan.HeldRefused {
			ids = append(ids, "refused")
		}
	}
	h.RiskIDs = strings.Join(ids, " ")
	for _, w := range []struct {
		title   string
		reasons []access.Reason
	}{{"Why it is declared", s.Reasons}, {"Why it had been declared", s.Was}} {
		if len(w.reasons) > 0 {
			h.Whys = append(h.Whys, htmlWhy{w.title, htmlChains(w.reasons)})
		}
	}
	return h
}

func stateOf(s *plan.Step) string {
	switch s.Held.Why {
	case plan.HeldRefused:
		return "refused"
	case plan.HeldDepends:
		return "waits"
	}
	return "not touched"
}

func htmlChains(reasons []access.Reason) [][]htmlLink {
	var out [][]htmlLink
	for _, r := range reasons {
		var links []htmlLink
		for _, l := range r.Chain {
			links = append(links, htmlLink{Clean(l.Text), Clean(at(l.File, l.Line))})
		}
		if t := spansText([]access.Span{{From: r.From, Until: r.Until}}); t != "" {
			links = append(links, htmlLink{Text: t})
		}
		if r.Ticket != "" || r.Note != "" {
			links = append(links, htmlLink{Text: Clean(strings.TrimSpace(r.Ticket + " " + r.Note))})
		}
		out = append(out, links)
	}
	return out
}
