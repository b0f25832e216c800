package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// Expiring is what time alone brings.
type Expiring struct {
	// At and Until are the time that was looked at, in the zone of the repository.
	At, Until time.Time
	Revision  plan.Revision
	// Turns are sorted by time.
	Turns []ExpiringTurn
}

// ExpiringTurn is what happens at one instant to one access.
type ExpiringTurn struct {
	At time.Time
	// Person is the id, Name the name as declared, Manager whom they report to.
	Person, Name, Manager string
	Service               bool
	System, Account       string
	Target                access.ID
	// Before is the permission held up to then, After the one from then on; empty: none.
	Before, After string
	// Gives says that there is more from then on; else less.
	Gives bool
	// Reasons are those that end then, or begin; Because the lines whose dates do it.
	Reasons []access.Reason
	Because []access.Link
	// Owners are who can change that: ids of people and groups.
	Owners []string
}

// kind is what happens, in a word.
func (t *ExpiringTurn) kind() string {
	switch {
	case t.Gives && t.Before != "":
		return "rises"
	case t.Gives:
		return "begins"
	case t.After != "":
		return "falls"
	}
	return "ends"
}

// day is the last day of what ends, or the first of what begins, as the declaration writes it.
func (t *ExpiringTurn) day() string {
	if t.Gives {
		return beginText(t.At)
	}
	return endText(t.At)
}

// what is the entitlement with what becomes of it.
func (t *ExpiringTurn) what() string {
	switch {
	case t.Before == "":
		return entitlement(t.Target, t.After)
	case t.After == "":
		return entitlement(t.Target, t.Before)
	}
	return entitlement(t.Target, t.Before+" → "+t.After)
}

func (t *ExpiringTurn) style() style {
	switch t.kind() {
	case "ends":
		return taken
	case "begins":
		return given
	}
	return changed
}

// tickets are where it was asked for.
func (t *ExpiringTurn) tickets() []string {
	var out []string
	for _, r := range t.Reasons {
		if r.Ticket != "" && !slices.Contains(out, r.Ticket) {
			out = append(out, r.Ticket)
		}
	}
	return out
}

// ExpiringText writes day by day what ends and what begins: the line that does it, whom to ask,
// and who loses or gets what by it.
func ExpiringText(w io.Writer, y Expiring, o Options) error {
	v := &expiringView{page: newPage(w, o), y: y}
	v.text(0, 2, fmt.Sprintf("From %s to %s, declared %s", beginText(y.At), beginText(y.Until), atPlace(y.Revision)))
	for i := 0; i < len(y.Turns); {
		n := i
		for n < len(y.Turns) && y.Turns[n].At.Equal(y.Turns[i].At) {
			n++
		}
		v.instant(y.Turns[i:n], false)
		v.instant(y.Turns[i:n], true)
		i = n
	}
	v.summary()
	return v.flush()
}

type expiringView struct {
	*page
	y Expiring
}

// instant writes what ends at one instant, or what begins.
func (v *expiringView) instant(turns []ExpiringTurn, gives bool) {
	var causes []string
	by := map[string][]*ExpiringTurn{}
	for i := range turns {
		t := &turns[i]
		if t.Gives != gives {
			continue
		}
		key := ""
		for _, l := range t.Because {
			key += fmt.Sprintf("%s:%06d %s\n", l.File, l.Line, l.Text)
		}
		if by[key] == nil {
			causes = append(causes, key)
		}
		by[key] = append(by[key], t)
	}
	if len(causes) == 0 {
		return
	}
	first := by[causes[0]][0]
	title := "Ends with "
	if gives {
		title = "Begins on "
	}
	if !midnight(first.At) {
		title = strings.Fields(title)[0] + " "
	}
	v.heading(title + first.day())
	slices.Sort(causes)
	for _, c := range causes {
		v.cause(by[c])
	}
}

// cause writes the lines that date some access, and under them who loses or gets what.
func (v *expiringView) cause(turns []*ExpiringTurn) {
	for i, l := range turns[0].Because {
		line := v.line(2, 4)
		line.ends(at(l.File, l.Line), v.width-20)
		line.prose(l.Text, plain)
		if owners := turns[0].Owners; i == 0 && len(owners) > 0 {
			line.prose("(ask "+strings.Join(owners, ", ")+")", plain)
		}
		line.end()
	}
	type change struct{ kind, system, what, tickets string }
	var order []change
	people := map[change][]string{}
	styles := map[change]style{}
	wide, what := 0, 0
	for _, t := range turns {
		c := change{t.kind(), t.System, t.what(), several(t.tickets())}
		if people[c] == nil {
			order = append(order, c)
			styles[c] = t.style()
			wide, what = max(wide, min(columns(t.System), widestName)), max(what, min(columns(c.what), widestHolder))
		}
		people[c] = append(people[c], t.Person)
	}
	for _, c := range order {
		line := v.line(4, 6+wide+2)
		line.put(symbols[styles[c]], styles[c]).space(1).put(c.system, plain).column(6+wide+2).put(c.what, plain)
		line.column(6 + wide + 2 + what + 2).names(people[c])
		if c.tickets != "" {
			line.space(3).put(c.tickets, faint)
		}
		line.end()
	}
}

func (v *expiringView) summary() {
	v.gap()
	if len(v.y.Turns) == 0 {
		v.text(0, 2, "Nothing ends or begins by itself in that time.")
		return
	}
	type side struct {
		n       int
		people  map[string]bool
		systems map[string]bool
	}
	count := map[bool]*side{false: {people: map[string]bool{}, systems: map[string]bool{}}, true: {people: map[string]bool{}, systems: map[string]bool{}}}
	for i := range v.y.Turns {
		t := &v.y.Turns[i]
		s := count[t.Gives]
		s.n++
		s.people[t.Person], s.systems[t.System] = true, true
	}
	var parts []string
	for _, gives := range []bool{false, true} {
		if s := count[gives]; s.n > 0 {
			verb := map[bool]string{false: "ends or falls", true: "begins or rises"}[gives]
			parts = append(parts, fmt.Sprintf("What %s: %s of %s on %s.", verb, Count(s.n, "entitlement", "entitlements"), Count(len(s.people), "person", "people"), Count(len(s.systems), "system", "systems")))
		}
	}
	last := v.y.Turns[len(v.y.Turns)-1].At
	when := last.Format(time.RFC3339)
	if midnight(last) {
		when = last.Format(time.DateOnly)
	}
	v.text(0, 2, strings.Join(parts, " "))
	v.line(0, 2).prose("Next:", plain).space(1).whole("accord plan --at "+when, plain).prose("shows it as steps.", plain).end()
}
