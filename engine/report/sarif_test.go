package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/accordhq/accord/engine/plan"
)

// fixtures are the plans that every format is written of.
var fixtures = []struct {
	name string
	plan func() *plan.Plan
}{
	{"believable", believable},
	{"nothing", func() *plan.Plan { return newPlan("github", "warehouse", "wiki").Plan }},
	{"incomplete", incomplete},
	{"refused", refused},
	{"judged", judged},
	{"leavers", leavers},
	{"mover", mover},
	{"not-read", notRead},
	{"not-touched", notTouched},
	{"depends", depends},
	{"hostile", hostile},
}

func sarifSchemaOf(t *testing.T) *jsonschema.Schema {
	t.Helper()
	b, err := os.ReadFile("testdata/sarif/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkSARIF holds a document to the standard's schema, and to what the schema can't say.
func checkSARIF(t *testing.T, schema *jsonschema.Schema, text string) sarifLog {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("not SARIF: %v", err)
	}
	var log sarifLog
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	run, prints := log.Runs[0], map[string]bool{}
	for _, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("the rule of %q isn't %q", r.Message.Text, r.RuleID)
		}
		if len(r.Locations) == 0 || r.Locations[0].Physical.Artifact.URI == "" {
			t.Errorf("%q is nowhere", r.Message.Text)
		}
		if p := r.Fingerprints["accord/v1"]; p == "" || prints[p] {
			t.Errorf("the fingerprint of %q is missing or another's too", r.Message.Text)
		} else {
			prints[p] = true
		}
	}
	return log
}

func TestPlanSARIF(t *testing.T) {
	schema := sarifSchemaOf(t)
	for _, f := range fixtures {
		t.Run(f.name, func(t *testing.T) {
			text := golden(t, "plan-"+f.name+".sarif", func(b *bytes.Buffer) error { return PlanSARIF(b, f.plan()) })
			checkClean(t, text)
			checkSARIF(t, schema, text)
		})
	}
	for seed := range uint64(20) {
		var b bytes.Buffer
		if err := PlanSARIF(&b, randomPlan(seed)); err != nil {
			t.Fatal(err)
		}
		checkSARIF(t, schema, b.String())
	}
	for _, s := range nasty {
		var b bytes.Buffer
		if err := PlanSARIF(&b, everywhere(s)); err != nil {
			t.Fatal(err)
		}
		if checkSARIF(t, schema, b.String()); t.Failed() {
			t.Fatalf("with %q", s)
		}
	}
}

// Lines that move don't make new results.
func TestSARIFFingerprintsOutliveLines(t *testing.T) {
	prints := func(move int) []string {
		p := judged()
		for i := range p.Steps {
			p.Steps[i].Cause.Line += move
		}
		for i := range p.Findings {
			p.Findings[i].Line += move
		}
		for i := range p.Refusals {
			if f := p.Refusals[i].Finding; f != nil {
				f.Line += move
			}
		}
		v := newView(nil, p, Options{})
		s := newSARIF("plan")
		s.refusals(v)
		s.risks(v)
		for _, f := range p.Findings {
			s.finding(f, sarifWarning)
		}
		var out []string
		for _, r := range s.run.Results {
			out = append(out, r.Fingerprints["accord/v1"])
		}
		return out
	}
	if before, after := prints(0), prints(7); len(before) < 4 || !slices.Equal(before, after) {
		t.Errorf("%v\n%v", before, after)
	}
}

// A plan that couldn't be made is never a document without results.
func TestFailed(t *testing.T) {
	problems := []Problem{{File: "groups/sre.yaml", Line: 7, Column: 13, Text: `no person "alcie"`, Hint: `did you mean "alice"?`}, {Text: "reading the repository: no such revision"}}
	schema := sarifSchemaOf(t)
	text := golden(t, "failed.sarif", func(b *bytes.Buffer) error { return FailedSARIF(b, problems) })
	if log := checkSARIF(t, schema, text); len(log.Runs[0].Results) != 2 || log.Runs[0].Invocations[0].Successful {
		t.Error("a failure isn't told")
	}
	text = golden(t, "failed.md", func(b *bytes.Buffer) error { return FailedMarkdown(b, problems, MarkdownOptions{Link: wholePlan}) })
	checkSafe(t, text, wholePlan)
	text = golden(t, "failed.junit.xml", func(b *bytes.Buffer) error { return FailedJUnit(b, problems) })
	if s := checkJUnit(t, text); s.Errors != 2 {
		t.Errorf("%d errors", s.Errors)
	}
	var many []Problem
	for range 1000 {
		many = append(many, problems[0])
	}
	var b bytes.Buffer
	if err := FailedMarkdown(&b, many, MarkdownOptions{Limit: 5000}); err != nil || b.Len() > 5000 || !strings.Contains(b.String(), " more\n") {
		t.Errorf("%d bytes, %v", b.Len(), err)
	}
}

// checkJUnit reads a report as its readers do, strictly, and counts again.
func checkJUnit(t *testing.T, text string) junitSuites {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(text))
	dec.Strict = true
	var out junitSuites
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("not XML: %v", err)
	}
	tests, failures, errors, skipped := 0, 0, 0, 0
	for _, s := range out.Suites {
		if s.Name == "" && !strings.Contains(text, `name=""`) {
			t.Error("a suite without a name")
		}
		for _, c := range s.Cases {
			tests++
			n := 0
			if c.Error != nil {
				errors++
				n++
			}
			if c.Failure != nil {
				failures++
				n++
			}
			if c.Skipped != nil {
				skipped++
				n++
			}
			if n > 1 {
				t.Errorf("%s has %d outcomes", c.Name, n)
			}
		}
	}
	if tests != out.Tests || failures != out.Failures || errors != out.Errors || skipped != out.Skipped {
		t.Errorf("it counts %d, %d, %d, %d; there are %d, %d, %d, %d", out.Tests, out.Failures, out.Errors, out.Skipped, tests, failures, errors, skipped)
	}
	return out
}

func TestPlanJUnit(t *testing.T) {
	for _, f := range fixtures {
		t.Run(f.name, func(t *testing.T) {
			p := f.plan()
			text := golden(t, "plan-"+f.name+".junit.xml", func(b *bytes.Buffer) error { return PlanJUnit(b, p) })
			checkClean(t, text)
			out := checkJUnit(t, text)
			refused := p.Refused() || slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Held != nil && s.Held.Why == plan.HeldRefused })
			if refused != (out.Failures > 0) {
				t.Errorf("refused: %v, failures: %d", refused, out.Failures)
			}
			unread := slices.ContainsFunc(p.Systems, func(s plan.System) bool { return s.Error != "" || len(s.Unknown) > 0 })
			if unread != (out.Errors > 0) {
				t.Errorf("unread: %v, errors: %d", unread, out.Errors)
			}
		})
	}
	for _, s := range nasty {
		var b bytes.Buffer
		if err := PlanJUnit(&b, everywhere(s)); err != nil {
			t.Fatal(err)
		}
		checkJUnit(t, b.String())
	}
}

// Every step of a plan is a test of its own.
func TestJUnitTellsEveryStep(t *testing.T) {
	for seed := range uint64(20) {
		p := randomPlan(seed)
		var b bytes.Buffer
		if err := PlanJUnit(&b, p); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, s := range checkJUnit(t, b.String()).Suites {
			for _, c := range s.Cases {
				if _, ok := p.System(s.Name); ok && c.Name != "can be read whole" && !strings.HasPrefix(c.Name, "guard ") {
					n++
				}
			}
		}
		if n != len(p.Steps) {
			t.Errorf("seed %d: %d tests for %d steps", seed, n, len(p.Steps))
		}
	}
}
