package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// head says what becomes of access if this is merged, in a sentence and a table, and what
// stands in the way.
func (m *markdown) head() {
	title := m.opts.Title
	if title == "" {
		title = "Access"
	}
	m.para("### %s", m.text(title))
	m.para("%s", m.sentence())
	m.alarms()
	m.table()
}

// tallies counts the lines of a section by what they do, and whom they reach.
type tallies struct {
	taken, given, changed, drastic int
	lose, gain                     map[who]bool // without the account
	systems                        map[string]bool
}

func tallyOf(in []story) tallies {
	t := tallies{lose: map[who]bool{}, gain: map[who]bool{}, systems: map[string]bool{}}
	for _, s := range in {
		for _, l := range s.lines {
			switch l.kind {
			case taken:
				t.taken += len(l.entries)
			case given:
				t.given += len(l.entries)
			case drastic:
				t.drastic += len(l.entries)
			default:
				t.changed += len(l.entries)
			}
			for _, e := range l.entries {
				w := who{person: e.who.person, system: e.who.system, subject: e.who.subject}
				t.systems[e.row.system] = true
				switch l.kind {
				case taken, drastic:
					t.lose[w] = true
				case given:
					t.gain[w] = true
				}
			}
		}
	}
	delete(t.systems, "")
	return t
}

// all are the stories of a section, those included that no step tells.
func (s mdSection) all() []story {
	out := slices.Clone(s.stories)
	for _, part := range s.more {
		out = append(out, part.stories...)
	}
	return out
}

// sentence says what this change does.
func (m *markdown) sentence() string {
	doing := "Applying this"
	if m.v.plan.Base != "" {
		doing = "Merging this"
	}
	t := tallyOf(m.sections[0].all())
	var what []string
	if len(t.lose) > 0 {
		what = append(what, fmt.Sprintf("takes access away from **%s**", countWho(t.lose)))
	}
	if len(t.gain) > 0 {
		what = append(what, fmt.Sprintf("gives access to **%s**", countWho(t.gain)))
	}
	if t.changed > 0 {
		what = append(what, "changes **"+Count(t.changed, "other thing", "other things")+"**")
	}
	if len(what) > 0 {
		end := "."
		if n := len(t.systems); n > 0 {
			end = " on " + Count(n, "system", "systems") + "."
		}
		return doing + " " + and(what) + end
	}
	switch all := m.v.totals(); {
	case len(m.v.plan.Settings) > 0:
		return doing + " changes nobody's access now, but **by which rules access is judged**."
	case all.refused+all.bare > 0:
		return "**Refused.** Nothing of this change would be carried out as it is."
	case all.incomplete > 0:
		return "**Not known.** Not everything could be read, so that it can't be said whether " + strings.ToLower(doing[:1]) + doing[1:] + " changes anybody's access."
	case m.v.plan.Base != "" && PartOf(m.v.plan) != "":
		return "**Not known.** Only a part was planned, which doesn't say whether merging this changes anybody's access."
	case m.v.plan.Running() > 0:
		return doing + " changes nobody's access by itself."
	case all == totals{} && len(m.v.plan.Withheld) == 0:
		return "**Nothing changes.** The systems grant what the files declare."
	}
	return doing + " changes nobody's access."
}

// countWho counts people and what is nobody's.
func countWho(in map[who]bool) string {
	people, accounts := 0, 0
	for w := range in {
		switch {
		case w.person != "":
			people++
		case w.subject.IsAccount():
			accounts++
		}
	}
	var out []string
	for _, c := range []struct {
		n         int
		one, many string
	}{{people, "person", "people"}, {accounts, "account", "accounts"}, {len(in) - people - accounts, "resource", "resources"}} {
		if c.n > 0 {
			out = append(out, Count(c.n, c.one, c.many))
		}
	}
	return and(out)
}

func and(in []string) string {
	if len(in) < 2 {
		return strings.Join(in, "")
	}
	return strings.Join(in[:len(in)-1], ", ") + " and " + in[len(in)-1]
}

// mostSystems is how many systems are named in a sentence.
const mostSystems = 20

// alarms say what a reader must know before anything else.
func (m *markdown) alarms() {
	out := m.alarmTexts()
	for _, s := range out {
		word, rest, ok := strings.Cut(s, ": ")
		if ok {
			word, rest = word+":", " "+rest
		}
		m.b.WriteString("> ❗ " + mdStrong(word) + mdText(rest) + "\n>\n")
	}
	if len(out) > 0 {
		m.b.WriteByte('\n')
	}
}

// alarmTexts are what a reader must know, without any markup.
func (m *markdown) alarmTexts() []string {
	var out []string
	t := m.v.totals()
	if m.v.plan.Rehearsal {
		out = append(out, "A rehearsal for "+instantText(m.v.plan.At)+": what would be done then if nothing else changed, not now. It can't be applied.")
	}
	if part := PartOf(m.v.plan); part != "" {
		out = append(out, "A part: "+clip(part, 300)+". What else there is to do isn't told here.")
	}
	switch {
	case t.incomplete > 0 && m.v.noneRead():
		out = append(out, "No system was read: this is what the files alone change. What the systems really grant isn't known.")
	case t.incomplete > 0:
		out = append(out, "Incomplete: "+Count(t.incomplete, "system wasn't read whole", "systems weren't read whole")+lead(": ", m.incomplete())+". There may be more to do than is told here.")
	}
	if t.refused+t.bare > 0 {
		out = append(out, "Refused: "+refusedText(t)+". See below how to get on.")
	}
	if n := len(m.v.plan.Withheld); n > 0 {
		out = append(out, "Held back: "+Count(n, "person is", "people are")+" given nothing, though declared.")
	}
	if t.asked > 0 {
		out = append(out, "A question: "+Count(t.asked, "difference was", "differences were")+" corrected again and again, and there again. Who else writes there?")
	}
	if n := len(m.v.plan.Settings); n > 0 {
		out = append(out, "By which rules access is judged changes: "+Count(n, "setting", "settings")+".")
	}
	if n := m.risks(access.RiskIrreversible); n > 0 {
		out = append(out, Count(n, "step", "steps")+" can't be undone.")
	}
	if n := m.risks(access.RiskGrantsAdmin); n > 0 {
		out = append(out, Count(n, "addition", "additions")+" of administrative access.")
	}
	notes := m.v.plan.Notes
	for _, n := range notes[:m.some(len(notes))] {
		out = append(out, "Note: "+m.clip(n))
	}
	return out
}

// incomplete names the systems that weren't read whole.
func (m *markdown) incomplete() string {
	var names []string
	for _, s := range sortedSystems(m.v.plan) {
		if !s.Readable() || len(s.Waiting) > 0 {
			names = append(names, clip(s.Name, 60))
		}
	}
	if n := len(names); n > mostSystems {
		names = append(names[:mostSystems], fmt.Sprintf("%d more", n-mostSystems))
	}
	return and(names)
}

func refusedText(t totals) string {
	var out []string
	if t.refused > 0 {
		out = append(out, Count(t.refused, "step is", "steps are")+" not carried out as it stands")
	}
	if t.bare > 0 {
		out = append(out, Count(t.bare, "refusal", "refusals")+" of the change as a whole")
	}
	return strings.Join(out, ", and ")
}

// risks counts the steps with a risk that are carried out.
func (m *markdown) risks(name access.RiskName) int {
	n := 0
	for i := range m.v.plan.Steps {
		s := &m.v.plan.Steps[i]
		if shown(s) && (name != access.RiskGrantsAdmin || s.Action == access.Give || s.Action == access.ChangeLevel) && slices.ContainsFunc(s.Risks, func(r access.Risk) bool { return r.Name == name }) {
			n++
		}
	}
	return n
}

// countRow is one line of the table of counts.
type countRow struct {
	kind style
	name string
	n    []int
}

// counts are how much each class does of what.
func (m *markdown) counts() (heads []string, rows []countRow) {
	var t []tallies
	for _, s := range m.sections {
		if s.class == "" && len(s.stories) == 0 {
			continue
		}
		heads = append(heads, s.title)
		t = append(t, tallyOf(s.all()))
	}
	for _, r := range []struct {
		kind style
		name string
		of   func(tallies) int
	}{
		{drastic, "disabled or deleted", func(t tallies) int { return t.drastic }},
		{taken, "access taken away", func(t tallies) int { return t.taken }},
		{changed, "changed", func(t tallies) int { return t.changed }},
		{given, "access given", func(t tallies) int { return t.given }},
	} {
		row, sum := countRow{kind: r.kind, name: r.name}, 0
		for _, t := range t {
			sum += r.of(t)
			row.n = append(row.n, r.of(t))
		}
		if sum > 0 {
			rows = append(rows, row)
		}
	}
	return heads, rows
}

// table counts by class.
func (m *markdown) table() {
	heads, rows := m.counts()
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(&m.b, "| | %s |\n|---|%s\n", strings.Join(heads, " | "), strings.Repeat("--:|", len(heads)))
	for _, r := range rows {
		fmt.Fprintf(&m.b, "| %s %s |", emoji(r.kind), r.name)
		for _, n := range r.n {
			fmt.Fprintf(&m.b, " %d |", n)
		}
		m.b.WriteByte('\n')
	}
	m.b.WriteByte('\n')
}
