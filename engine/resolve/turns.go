package resolve

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// Turn is what the passing of time alone does, at one instant, to one access of a person.
type Turn struct {
	At      time.Time
	Person  string
	System  string
	Account access.ID
	Target  access.ID
	// Before is the permission that they hold up to the instant, After the one from then on;
	// empty: none. Of kinds with levels both may be there.
	Before, After string
	// Reasons are those that end then, or begin.
	Reasons []access.Reason
	// Because are the lines whose dates do it, Owners those who can change that: ids of people
	// and groups.
	Because []access.Link
	Owners  []string
}

// Gives reports whether there is more from then on.
func (t Turn) Gives(d access.Description) bool {
	kind, _ := d.Kind(t.Target.Kind)
	return t.Before == "" || t.After != "" && kind.Level(t.After) > kind.Level(t.Before)
}

// Turns are what time alone brings after the world's instant, up to and with another one: each
// access that ends and that no other reason carries on, or falls to a lower level, and each that
// begins. Sorted by time; of one instant by system, target and person.
//
// The cost is that of going through the rows once, and of those people again for whom there is a
// date in between.
func (w *World) Turns(until time.Time) []Turn {
	var out []Turn
	for _, d := range w.Systems {
		out = append(out, w.turnsOf(d, span{w.At.UnixMilli(), until.UnixMilli()})...)
	}
	slices.SortStableFunc(out, func(a, b Turn) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.System, b.System), a.Target.Compare(b.Target), strings.Compare(a.Person, b.Person),
			strings.Compare(a.Before+" "+a.After, b.Before+" "+b.After))
	})
	return out
}

func (w *World) turnsOf(d *Desired, in span) []Turn {
	canDisable := d.Connector.Describe.Can(access.KindAccount, access.Disable)
	var out []Turn
	for lo := 0; lo < len(d.rows); {
		hi := lo
		for hi < len(d.rows) && d.rows[hi].person == d.rows[lo].person {
			hi++
		}
		rows := d.rows[lo:hi]
		lo = hi
		away := w.people.person(rows[0].person).Status.Value == "leave" && !canDisable // then nothing is held, whatever the dates
		if away || !slices.ContainsFunc(rows, func(r row) bool { return turns(r.span.from, in) || turns(r.span.until, in) }) {
			continue
		}
		out = append(out, w.turnsOfPerson(d, rows, in)...)
	}
	return out
}

// turns reports whether an end of a span lies after the beginning of an interval, up to its end.
func turns(at int64, in span) bool { return in.from < at && at <= in.until }

// turnsOfPerson looks at one person's rows on one system.
func (w *World) turnsOfPerson(d *Desired, rows []row, in span) []Turn {
	person := w.people.person(rows[0].person)
	account, _ := d.AccountOf(person.ID.Value)
	byTarget := map[access.ID][]row{}
	for _, r := range rows {
		e := d.ents[r.ent]
		if !d.without[Access{person.ID.Value, e.target, e.permission}] {
			byTarget[e.target] = append(byTarget[e.target], r)
		}
	}
	var out []Turn
	for target, rows := range byTarget {
		for _, at := range dates(rows, in) {
			before, after := d.heldAt(target, rows, at-1), d.heldAt(target, rows, at)
			for _, change := range d.changes(target, before, after) {
				t := Turn{At: instant(at, never, d.loc.zone), Person: person.ID.Value, System: d.Decl.ID.Value, Account: account, Target: target, Before: change[0], After: change[1]}
				w.explain(d, &t, rows, at)
				out = append(out, t)
			}
		}
	}
	return out
}

// dates are the instants within the interval at which one of the rows begins or ends.
func dates(rows []row, in span) []int64 {
	var out []int64
	for _, r := range rows {
		for _, at := range []int64{r.span.from, r.span.until} {
			if turns(at, in) {
				out = append(out, at)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// heldAt are the permissions on a target that the rows give at an instant: of levels the highest.
func (d *Desired) heldAt(target access.ID, rows []row, at int64) []string {
	kind, _ := d.Connector.Describe.Kind(target.Kind)
	var out []string
	for _, r := range rows {
		if r.span.holds(at) {
			out = append(out, d.ents[r.ent].permission)
		}
	}
	if kind.Ordered && len(out) > 1 {
		out = []string{slices.MaxFunc(out, func(a, b string) int { return cmp.Compare(kind.Level(a), kind.Level(b)) })}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// changes are the differences between what is held before and after, each as a pair; of levels a
// move is one.
func (d *Desired) changes(target access.ID, before, after []string) [][2]string {
	kind, _ := d.Connector.Describe.Kind(target.Kind)
	if kind.Ordered {
		b, a := strings.Join(before, ""), strings.Join(after, "") // at most one each
		if a == b {
			return nil
		}
		return [][2]string{{b, a}}
	}
	var out [][2]string
	for _, p := range before {
		if !slices.Contains(after, p) {
			out = append(out, [2]string{p, ""})
		}
	}
	for _, p := range after {
		if !slices.Contains(before, p) {
			out = append(out, [2]string{"", p})
		}
	}
	return out
}

// explain fills in the rows that bring a turn about, the lines that hold their dates, and who
// answers for these.
func (w *World) explain(d *Desired, t *Turn, rows []row, at int64) {
	kind, _ := d.Connector.Describe.Kind(t.Target.Kind)
	ends := t.After == "" || t.Before != "" && kind.Ordered && kind.Level(t.After) < kind.Level(t.Before)
	permission := t.After
	if ends {
		permission = t.Before
	}
	for _, r := range rows {
		if ends && r.span.until != at || !ends && r.span.from != at || d.ents[r.ent].permission != permission {
			continue
		}
		t.Reasons = append(t.Reasons, d.reason(r))
		for _, c := range w.causes(r.person, d.way(r), at, ends) {
			if !slices.Contains(t.Because, c.link) {
				t.Because = append(t.Because, c.link)
			}
			for _, o := range c.owners {
				if !slices.Contains(t.Owners, o) {
					t.Owners = append(t.Owners, o)
				}
			}
		}
	}
	if len(t.Owners) == 0 {
		t.Owners = ownersOf(d, t)
	}
}

// cause is a line that dates an access, and who can change it.
type cause struct {
	link   access.Link
	owners []string
}

// causes are the lines by which a row begins or ends at an instant.
func (w *World) causes(person int32, r *way, at int64, ends bool) []cause {
	zone := w.people.zone
	dated := func(from, until declare.Date) (declare.Date, bool) {
		s := window(from, until, zone)
		if ends {
			return until, s.until == at
		}
		return from, s.from == at
	}
	said := func(what string, d declare.Date) string {
		if ends {
			return what + " ends " + d.Text
		}
		return what + " begins " + d.Text
	}
	var out []cause
	p := w.people.person(person)
	if d, ok := dated(p.Starts, p.Ends); ok {
		text := p.ID.Value + "'s first day is " + d.Text
		if ends {
			text = p.ID.Value + "'s last day is " + d.Text
		}
		owners := texts(p.Owners)
		if p.Manager.Value != "" {
			owners = append(owners, p.Manager.Value)
		}
		out = append(out, cause{access.Link{File: p.File, Line: int(d.At.Line), Text: text}, owners})
	}
	if d, ok := dated(r.grant.From, r.grant.Until); ok {
		var owners []string
		for _, h := range r.what.roles {
			owners = append(owners, texts(h.role.Owners)...)
		}
		out = append(out, cause{access.Link{File: r.grant.File, Line: int(d.At.Line), Text: said("grant "+r.grant.ID.Value, d)}, owners})
	}
	file, in := r.grant.File, "grant "+r.grant.ID.Value
	var owners []string
	for step := r.who; step != nil; step = step.inner {
		if d, ok := dated(step.term.From, step.term.Until); ok {
			out = append(out, cause{access.Link{File: file, Line: int(d.At.Line), Text: said(fmt.Sprintf("%s in %s", termText(step.term), in), d)}, owners})
		}
		if step.group != nil {
			file, in, owners = step.group.File, "group "+step.group.ID.Value, texts(step.group.Owners)
		}
	}
	if len(out) == 0 { // a date inside all: the way to the person doesn't lead over it
		out = append(out, cause{link: grantLink(r)})
	}
	return out
}

func texts(in []declare.Text) []string {
	var out []string
	for _, t := range in {
		out = append(out, t.Value)
	}
	return out
}

// ownersOf are who answers for what is held, where nobody answers for the line that dates it: of
// the resource, else of the system.
func ownersOf(d *Desired, t *Turn) []string {
	if res := d.Resource(t.Target); res != nil && len(res.Owners) > 0 {
		return texts(res.Owners)
	}
	return texts(d.Decl.Owners)
}
