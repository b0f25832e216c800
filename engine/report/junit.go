package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/plan"
)

// The elements of JUnit's reports, as Jenkins, GitLab and others read them; there is no
// standard. An error is something that couldn't be found out, a failure something that is
// refused, a skipped test something that is left alone.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Error   *junitOutcome `xml:"error"`
		Failure *junitOutcome `xml:"failure"`
		Skipped *junitOutcome `xml:"skipped"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitOutcome struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

func outcome(kind, message string, more ...string) *junitOutcome {
	for i := range more {
		more[i] = Clean(more[i])
	}
	return &junitOutcome{Message: Clean(message), Type: Clean(kind), Text: strings.Join(more, "\n")}
}

func (s *junitSuite) add(c junitCase) {
	c.Name, c.Class, c.File, c.Time = Clean(c.Name), Clean(s.Name), Clean(c.File), "0"
	s.Cases = append(s.Cases, c)
}

// PlanJUnit writes a plan as JUnit XML: one suite for each system, whose tests are that it can
// be read and each step, and one for the policies, whose tests are the rules.
func PlanJUnit(w io.Writer, p *plan.Plan) error {
	v := newView(io.Discard, p, Options{})
	refusals := map[string][]plan.Refusal{} // by step
	bare := map[string][]plan.Refusal{}     // by system, those about no step
	for _, r := range p.Refusals {
		if r.Allowed {
			continue
		}
		for _, k := range r.Steps {
			refusals[k] = append(refusals[k], r)
		}
		if system, _, _ := strings.Cut(r.Ref, "/"); len(r.Steps) == 0 && r.Finding == nil {
			if _, ok := p.System(system); !ok {
				system = ""
			}
			bare[system] = append(bare[system], r)
		}
	}
	var suites []junitSuite
	for _, sys := range sortedSystems(p) {
		s := junitSuite{Name: sys.Name, Time: "0"}
		s.add(readCase(sys))
		for _, r := range bare[sys.Name] {
			s.add(guardCase(r))
		}
		for _, st := range v.bySystem[sys.Name] {
			s.add(v.stepCase(st, refusals[st.Key()]))
		}
		suites = append(suites, s)
	}
	if len(bare[""]) > 0 {
		s := junitSuite{Name: "the plan", Time: "0"}
		for _, r := range bare[""] {
			s.add(guardCase(r))
		}
		suites = append(suites, s)
	}
	suites = append(suites, policySuite(p))
	return writeJUnit(w, "accord plan", suites)
}

// FailedJUnit is what stands in the place of PlanJUnit where no plan could be made.
func FailedJUnit(w io.Writer, problems []Problem) error {
	s := junitSuite{Name: "the plan", Time: "0"}
	for _, p := range problems {
		name := "a plan can be made"
		if p.File != "" {
			name += ": " + p.place()
		}
		s.add(junitCase{Name: name, File: p.File, Line: p.Line, Error: outcome("no plan", p.Text, noPlan, p.Hint)})
	}
	return writeJUnit(w, "accord plan", []junitSuite{s})
}

func readCase(s plan.System) junitCase {
	c := junitCase{Name: "can be read whole"}
	var why []string
	for _, f := range unknowns(s) {
		why = append(why, strings.TrimSpace(f.text+" "+strings.Join(f.names, ", ")))
	}
	switch {
	case s.NotRead != "" && s.Error == "" && len(s.Unknown) == 0:
		c.Skipped = outcome("", "not read: "+s.NotRead, why...)
	case len(why) > 0:
		c.Error = outcome("not read", why[0], why...)
	}
	return c
}

func guardCase(r plan.Refusal) junitCase {
	return junitCase{Name: "guard " + string(r.Name) + " " + r.Ref, Failure: outcome(string(r.Name), r.Text)}
}

// stepCase is one step: it fails where it is refused, and is skipped where it is left alone.
func (v *view) stepCase(s *plan.Step, refusals []plan.Refusal) junitCase {
	e := v.entry(s)
	c := junitCase{Name: e.who.label() + " " + symbols[e.row.kind] + " " + e.row.what, File: s.Cause.File, Line: max(s.Cause.Line, 0), Out: Clean(s.Cause.Text)}
	if e.row.notes != "" {
		c.Name += " (" + e.row.notes + ")"
	}
	switch {
	case s.Held == nil:
	case s.Held.Why == plan.HeldRefused:
		var kinds, texts []string
		for _, r := range refusals {
			kinds, texts = append(kinds, refusalName(r)), append(texts, refusalName(r)+": "+r.Text)
		}
		if len(texts) == 0 {
			texts = []string{"refused: " + s.Held.Text}
		}
		c.Failure = outcome(strings.Join(kinds, ", "), texts[0], texts...)
	case s.Held.Why == plan.HeldDepends:
		c.Skipped = outcome("", waitsFor(s, v.step))
	default:
		c.Skipped = outcome("", heldText(s))
	}
	return c
}

// policySuite has a test for each rule.
func policySuite(p *plan.Plan) junitSuite {
	s := junitSuite{Name: "policies", Time: "0"}
	said := map[string][]plan.Finding{}
	for _, r := range p.Refusals {
		if r.Finding != nil && !r.Allowed {
			said[r.Finding.Rule] = append(said[r.Finding.Rule], *r.Finding)
		}
	}
	for _, f := range p.Findings {
		said[f.Rule] = append(said[f.Rule], f)
	}
	var rules []string
	if p.Judged == nil {
		s.add(junitCase{Name: "the plan is judged", Skipped: outcome("", "there is no policy")})
	} else {
		rules = slices.Clone(p.Judged.Rules)
	}
	for _, rule := range slices.Compact(slices.Sorted(slices.Values(append(rules, sortedKeys(said)...)))) {
		c := junitCase{Name: rule}
		var no, remarks []string
		for _, f := range said[rule] {
			text := f.Text
			if f.File != "" {
				text = at(f.File, f.Line) + ": " + text
			}
			switch f.Kind {
			case plan.FindingDeny, plan.FindingApproval:
				no = append(no, text)
				c.File, c.Line = f.File, max(f.Line, 0)
			default:
				remarks = append(remarks, string(f.Kind)+": "+text)
			}
		}
		if len(no) > 0 {
			c.Failure = outcome("policy", no[0], no...)
		}
		c.Out = Clean(strings.Join(remarks, "; "))
		s.add(c)
	}
	return s
}

func writeJUnit(w io.Writer, name string, suites []junitSuite) error {
	out := junitSuites{Name: name, Time: "0", Suites: suites}
	for i := range suites {
		s := &suites[i]
		s.Name = Clean(s.Name)
		for _, c := range s.Cases {
			s.Tests++
			switch {
			case c.Error != nil:
				s.Errors++
			case c.Failure != nil:
				s.Failures++
			case c.Skipped != nil:
				s.Skipped++
			}
		}
		out.Tests, out.Errors, out.Failures, out.Skipped = out.Tests+s.Tests, out.Errors+s.Errors, out.Failures+s.Failures, out.Skipped+s.Skipped
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", " ")
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	return nil
}
