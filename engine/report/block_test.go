package report

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// manners are in which entries are told as blocks.
var manners = []Options{{}, {GroupBy: "system"}, {Verbose: true}, {Color: true}, {Width: 40}, {Width: 61, Color: true}, {Width: 300}, {GroupBy: "system", Verbose: true, Width: 70}}

// TestBlocksAgree holds blocks in numbers to those made the plain way: of steps, and of shifts, few
// and so many that they are told in parts.
func TestBlocksAgree(t *testing.T) {
	for seed := range uint64(60) {
		p := randomPlan(seed)
		for i := range p.Steps { // new accounts, alike but for their names
			if s := &p.Steps[i]; seed%3 == 0 && i%4 == 0 && s.Person != "" {
				s.Action, s.Subject, s.Target, s.Before = access.Create, access.Account(s.Person), access.ID{}, nil
				s.After = &access.Value{Attributes: map[string]string{"name": s.Person}}
				s.Cause.Text = s.Person + "'s title is \"Clerk\""
			}
		}
		p.Shifts = randomShifts(seed, 100)
		agree(t, fmt.Sprintf("seed %d", seed), p)
	}
	agree(t, "named", named().Plan)
	many := randomPlan(0)
	many.Shifts = randomShifts(1, 2*partSize)
	for i, s := range many.Shifts {
		step := plan.Step{Person: s.Person, Cause: s.Cause, Change: access.Change{Action: access.Give, System: s.System, Subject: access.Account(fmt.Sprint("a", i%7)), Target: s.Target, After: &access.Value{Permission: s.Permission}}}
		many.Steps = append(many.Steps, step)
	}
	agree(t, "many", many)
}

// named has people who are alike though one's cause is worded without the name, and others who
// aren't, as each takes over an account of another name.
func named() maker {
	m := newPlan("github")
	for i, p := range []string{"ann", "bea", "cleo", "dora"} {
		text := p + "'s title is \"Clerk\""
		if i == 2 {
			text = "their title is \"Clerk\""
		}
		m.Shifts = append(m.Shifts, access.Shift{Kind: access.ShiftGain, Person: p, System: "github", Target: access.ID{Kind: "team", Name: "desk"}, Permission: "member",
			Cause: access.Cause{Kind: access.CauseDeclared, File: "people/people.yaml", Line: 4 + i, Text: text}})
		m.give("github", p, "team/desk", "member", account(p+"-gh"), risk(access.RiskAdopts), by(access.CauseDeclared, "people/people.yaml", 4+i, text))
	}
	return m
}

func agree(t *testing.T, name string, p *plan.Plan) {
	t.Helper()
	var steps []*plan.Step
	for i := range p.Steps {
		steps = append(steps, &p.Steps[i])
	}
	for _, o := range manners {
		for _, fold := range []bool{true, false} {
			for _, of := range []string{"steps", "shifts"} {
				var got, want bytes.Buffer
				g := o.grouper(fold)
				for _, to := range []struct {
					b     *bytes.Buffer
					plain bool
				}{{&got, false}, {&want, true}} {
					v := newView(to.b, p, o)
					switch {
					case to.plain && of == "steps":
						g.plain(v.page, v.entries(steps), 2)
					case to.plain:
						g.plain(v.page, v.shifts(everyShift), 2)
					case of == "steps":
						v.told(v.entries(steps), g, 2)
					default:
						v.blocks(g.blocks(v.shiftLedger(everyShift)), 2)
					}
					v.gap()
					if err := v.flush(); err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.Equal(got.Bytes(), want.Bytes()) {
					t.Fatalf("%s, %s, %+v, fold %v: %s", name, of, o, fold, difference(got.String(), want.String()))
				}
			}
		}
	}
}

// difference shows where two texts part.
func difference(got, want string) string {
	g, w := strings.SplitAfter(got, "\n"), strings.SplitAfter(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d is\n%q\nnot\n%q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, not %d", len(g), len(w))
}

// randomShifts are shifts of few people or many, by few causes or many, with texts that are long,
// that name whom they are about, or that aren't safe to print.
func randomShifts(seed uint64, n int) []access.Shift {
	r := rand.New(rand.NewPCG(seed, 7))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	day := func() time.Time {
		days := []time.Time{{}, now, now.AddDate(0, r.IntN(4), 0), time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}
		return days[r.IntN(len(days))]
	}
	spans := func() (out []access.Span) {
		for range r.IntN(3) {
			out = append(out, access.Span{From: day(), Until: day()})
		}
		return out
	}
	people := 1 + r.IntN(1+n/6)
	var out []access.Shift
	for i := range n {
		person := fmt.Sprintf("p%d", r.IntN(people))
		if seed%2 == 0 {
			person = fmt.Sprintf("p%05d", i*people/n) // as they come sorted
		}
		switch r.IntN(30) {
		case 0:
			person = "a person"
		case 1:
			person = "esc\x1b[31m"
		case 2:
			person = "somebody-with-rather-a-long-name"
		}
		s := access.Shift{Person: person, System: pick("github", "warehouse", "a-directory-with-a-rather-long-name"), Permission: pick("member", "member", "", "read only"), Before: spans(), After: spans(),
			Target: access.ID{Kind: pick("team", "role"), Name: pick("a", "b", "c", "a name", "umläut", strings.Repeat("long-", 9), fmt.Sprint(r.IntN(n)))}}
		s.Kind = access.ShiftKind(pick("gain", "gain", "gain", "lose", "lengthen", "shorten", "reason", "status", "resource"))
		if s.Kind == access.ShiftStatus {
			s.Target, s.From, s.To = access.ID{}, pick("active", "manager bob", "title Clerk", ""), pick("left", "manager eve", "title Boss  of\tall", "leave from 2027-01-01")
		}
		if r.IntN(25) == 0 {
			s.Person, s.Subject = "", access.ID{Kind: pick("role", access.KindAccount), Name: pick("x", "y", person)}
		}
		s.Cause = access.Cause{Kind: access.CauseKind(pick("declared", "removed", "leaver")), File: pick("", "groups/a.yaml", "people/"+person+".yaml", "a/rather/long/path/that/is/in/the/way/of/texts.yaml"), Line: r.IntN(4),
			Text: pick("", person, person+" reports to bob", person+"'s title is \"Clerk\"", "their title is \"Clerk\"", "x", "group a includes everyone", "words  with\nbreaks", strings.Repeat("word ", 40), strings.Repeat("long", 30))}
		out = append(out, s)
	}
	return out
}
