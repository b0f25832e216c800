package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// story is one cause and what comes of it, as pages for readers tell it: for one person, for
// all whom one line of the declaration reaches, or for all who fare the same for causes of the
// same form, such as joiners who each have a line of their own.
type story struct {
	cause access.Cause
	last  int // the last line, where causes on several lines of the file are told as one
	// person is who it is about; empty where it is about several.
	person string
	people int
	noun   string
	lines  []storyLine
	unit   string // stories of one unit stay together
	rank   int    // of the unit
}

// storyLine is one change and everybody whom it happens to.
type storyLine struct {
	row
	action  access.Action // "" for what is only declared
	leaver  bool
	entries []entry
}

// The ranks, the riskiest first.
const (
	rankLeaver = iota
	rankDrastic
	rankTakenAdmin
	rankTaken
	rankGivenAdmin
	rankChanged
	rankGiven
	rankUnknown
)

func (l storyLine) rank() int {
	switch {
	case l.leaver:
		return rankLeaver
	case l.kind == drastic:
		return rankDrastic
	case l.kind == taken && l.risky:
		return rankTakenAdmin
	case l.kind == taken:
		return rankTaken
	case l.kind == given && l.risky:
		return rankGivenAdmin
	case l.kind == changed:
		return rankChanged
	case l.kind == given:
		return rankGiven
	}
	return rankUnknown
}

// names are whom the line is about.
func (l storyLine) names() []string {
	out := make([]string, len(l.entries))
	for i, e := range l.entries {
		out[i] = nameOf(e)
	}
	return slices.Compact(out)
}

// nameOf is whom an entry is about; accounts that something happens to are named beside their
// person where they are called otherwise.
func nameOf(e entry) string {
	s := e.step
	if s != nil && !s.Action.OnGrant() && s.Person != "" && s.Subject.IsAccount() && s.Subject.Name != s.Person {
		return s.Person + " (" + s.Subject.Name + ")"
	}
	if e.who.person == "" && e.who.subject.IsAccount() {
		return quoteName(e.who.subject.Name)
	}
	return e.who.listed()
}

// lineOf is an entry as a line that it may share with others: where something happens to an
// account its name is told among the names, and the line tells neither it nor the attributes
// of a new one, which are everybody's own.
func lineOf(e entry) storyLine {
	l := storyLine{row: e.row, entries: []entry{e}}
	s := e.step
	if s == nil {
		return l
	}
	l.action, l.leaver = s.Action, s.Leaver
	notes := e.notes
	switch s.Action {
	case access.Create, access.Disable, access.Enable, access.Delete, access.Rename:
		notes = notes[1:] // the action, which is told in words
	}
	if s.Subject.IsAccount() {
		switch s.Action {
		case access.Create:
			l.what, notes = "", nil
		case access.Disable, access.Enable, access.Delete:
			l.what = ""
		}
	}
	for _, m := range e.marks {
		notes = append(notes[:len(notes):len(notes)], markText(m))
	}
	l.notes = strings.Join(notes, ", ")
	return l
}

// markText is a mark in words for readers who don't know it.
func markText(m string) string {
	switch m {
	case "admin":
		return "administrative"
	case "adopts":
		return "takes over an account that is there already"
	case "deletes":
		return "deletes the account"
	case "irreversible":
		return "can't be undone"
	}
	return m
}

func (l storyLine) compare(o storyLine) int {
	return cmp.Or(l.rank()-o.rank(), l.row.compare(o.row), strings.Compare(string(l.action), string(o.action)))
}

// lineKey is the same for lines that read equal.
type lineKey struct {
	row
	action access.Action
	leaver bool
}

// change is what is told as one: the same cause and, where none is known, the same row.
type change struct {
	cause access.Cause // without its text, where a line tells
	row   row
}

// oneText is what all these entries say of their cause; where that differs, the grant that it
// comes through, if it is one.
func oneText(entries []entry) string {
	text, grant := entries[0].cause.Text, grantOf(&entries[0])
	same := true
	for i := range entries {
		same = same && entries[i].cause.Text == text
		if grant != "" && grantOf(&entries[i]) != grant {
			grant = ""
		}
	}
	if same {
		return text
	}
	return lead("through grant ", grant)
}

// stories tells entries by their causes, the riskiest first. A line of the declaration that
// reaches three or more is told once with all whom it reaches; everybody else has stories of
// their own, and those who fare the same are told together.
func stories(entries []entry) []story {
	byCause := map[change][]entry{}
	for _, e := range entries {
		k := change{cause: placeOf(e.cause)}
		if k.cause.File == "" && k.cause.Text == "" { // no cause is known: only what is the same is told as one
			k.row = e.row
		}
		byCause[k] = append(byCause[k], e)
	}
	byPerson := map[who]map[access.Cause][]entry{}
	var out []story
	for k, same := range byCause {
		if countPeople(same) >= foldFrom {
			s := storyOf(same)
			s.cause.Text = oneText(same)
			s.unit = fmt.Sprintf("%q %d %q %q %q %q", k.cause.File, k.cause.Line, k.cause.Text, k.row.system, k.row.what, k.row.notes)
			out = append(out, s)
			continue
		}
		for _, e := range same {
			id := who{person: e.who.person, system: e.who.system, subject: e.who.subject}
			if byPerson[id] == nil {
				byPerson[id] = map[access.Cause][]entry{}
			}
			byPerson[id][e.cause] = append(byPerson[id][e.cause], e)
		}
	}
	var alone []story
	for id, causes := range byPerson {
		for _, same := range causes {
			s := storyOf(same)
			s.person, s.unit = id.label(), id.label()+" "+id.system
			alone = append(alone, s)
		}
	}
	out = append(out, alike(alone)...)
	sortStories(out)
	return out
}

func storyOf(entries []entry) story {
	s := story{cause: entries[0].cause, people: countPeople(entries), noun: noun(entries)}
	at := map[lineKey]int{}
	for _, e := range entries {
		l := lineOf(e)
		k := lineKey{l.row, l.action, l.leaver}
		if i, ok := at[k]; ok {
			s.lines[i].entries = append(s.lines[i].entries, e)
			continue
		}
		at[k] = len(s.lines)
		s.lines = append(s.lines, l)
	}
	slices.SortFunc(s.lines, storyLine.compare)
	for _, l := range s.lines {
		slices.SortFunc(l.entries, func(a, b entry) int { return cmp.Or(compareWho(&a.who, &b.who), strings.Compare(nameOf(a), nameOf(b))) })
	}
	return s
}

func countPeople(entries []entry) int {
	seen := map[who]bool{}
	for _, e := range entries {
		seen[who{person: e.who.person, system: e.who.system, subject: e.who.subject}] = true
	}
	return len(seen)
}

// alike tells as one the stories of three or more people that read the same but for the name
// and the line.
func alike(in []story) []story {
	sortStories(in)
	at := map[string]int{}
	var groups [][]story
	for _, s := range in {
		k := s.form()
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], s)
	}
	var out []story
	for _, g := range groups {
		if len(g) < foldFrom {
			out = append(out, g...)
			continue
		}
		var all []entry
		for _, s := range g {
			for _, l := range s.lines {
				all = append(all, l.entries...)
			}
		}
		one := storyOf(all)
		one.cause = g[0].cause
		one.cause.Text = g[0].theirs()
		one.last = g[0].cause.Line
		for _, s := range g {
			one.cause.Line, one.last = min(one.cause.Line, s.cause.Line), max(one.last, s.cause.Line)
		}
		one.unit = g[0].unit
		out = append(out, one)
	}
	return out
}

// form is how a story reads without its name and line.
func (s story) form() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q", s.cause.Kind, s.cause.File, s.theirs())
	for _, l := range s.lines {
		fmt.Fprintf(&b, " %d %v %q %q %q %q %v", l.kind, l.risky, l.system, l.what, l.notes, l.action, l.leaver)
	}
	return b.String()
}

// theirs is the text of the cause without whom it is about.
func (s story) theirs() string { return theirs(s.cause.Text, s.person) }

// sortStories puts the riskiest first, and keeps together what is about one person.
func sortStories(in []story) {
	rank := map[string]int{}
	for _, s := range in {
		if r, ok := rank[s.unit]; !ok || s.lines[0].rank() < r {
			rank[s.unit] = s.lines[0].rank()
		}
	}
	for i := range in {
		in[i].rank = rank[in[i].unit]
	}
	slices.SortFunc(in, func(a, b story) int {
		return cmp.Or(a.rank-b.rank, cmp.Compare(first(b.person == ""), first(a.person == "")), strings.Compare(a.unit, b.unit),
			a.lines[0].compare(b.lines[0]), compareCause(&a.cause, &b.cause))
	})
}

// place is where the cause is written: "file:line", or a range of lines.
func (s story) place() string {
	if s.last > s.cause.Line {
		return fmt.Sprintf("%s:%d-%d", s.cause.File, s.cause.Line, s.last)
	}
	return at(s.cause.File, s.cause.Line)
}

// paths are the ways in which the access comes or came about, from the grant down, each told
// once. Of a story about several what is each one's own is left out: their names in a list,
// their attributes.
func (s story) paths() [][]access.Link {
	var out [][]access.Link
	seen := map[string]bool{}
	for _, l := range s.lines {
		for _, e := range l.entries {
			if e.step == nil {
				continue
			}
			for _, r := range slices.Concat(e.step.Reasons, e.step.Was) {
				chain := r.Chain
				if s.person == "" {
					chain = slices.DeleteFunc(slices.Clone(chain), func(l access.Link) bool { return ownLink(l, e.who.person) })
				}
				k := ""
				for _, link := range chain {
					k += fmt.Sprintf("%q:%d ", link.File, link.Line)
				}
				if k != "" && !seen[k] {
					seen[k] = true
					out = append(out, chain)
				}
			}
		}
	}
	return out
}

// ownLink reports whether a link of a chain is about nobody but one person.
func ownLink(l access.Link, person string) bool {
	return person != "" && (strings.HasPrefix(l.Text, person+"'s ") || strings.HasPrefix(l.Text, person+" reports to ") || strings.HasSuffix(l.Text, " names "+person))
}

// shown reports whether a step belongs to what is carried out, now or once something that it
// waits for is done.
func shown(s *plan.Step) bool { return s.Held == nil || s.Held.Why == plan.HeldDepends }
