package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var ignoreHidden = cmpopts.IgnoreUnexported(Result{})

// one is a change that house and most tests judge.
func one(edit func(*ChangeInput)) Input {
	in := company(1)
	in.Principals, in.Plan.BySystem = nil, nil
	if edit != nil {
		edit(&in.Changes[0])
	}
	return in
}

func TestJudge(t *testing.T) {
	j := judge(t, Options{Attributes: []string{"department", "employment"}}, house...)
	want := []string{"deny", "deny", "require_approval_privileged", "violation_contractor", "warn", "warn_big", "warn_removed"}
	if got := j.Rules(); !slices.Equal(got, slices.Compact(want)) {
		t.Errorf("rules: %v", got)
	}
	got, err := j.Judge(t.Context(), one(func(c *ChangeInput) {
		c.Change.System, c.Change.DaysLeft, c.Change.HasEnd = "system3", 391, true
		c.Subject.Attributes["employment"] = []string{"contractor"}
	}))
	if err != nil {
		t.Fatal(err)
	}
	about := Result{Package: "accord", Change: "grant 0", Person: "person00000", File: "grants/g.yaml", Line: 3, Title: "House rules", Severity: "low"}
	result := func(edit func(*Result)) Result {
		r := about
		edit(&r)
		return r
	}
	wants := []Result{
		result(func(r *Result) {
			r.Kind, r.Rule, r.Msg, r.Title, r.Severity, r.Remediation = Deny, "deny", "person00000 on system3", "Nothing on system3", "high", "Ask the owners of system3."
			r.At = Place{"policy/change.rego", 14}
		}),
		result(func(r *Result) {
			r.Kind, r.Rule, r.Msg, r.Metadata, r.At = Deny, "deny", "too long", map[string]any{"limit": json.Number("390")}, Place{"policy/change.rego", 20}
		}),
		result(func(r *Result) {
			r.Kind, r.Rule, r.Msg, r.Approvers = RequireApproval, "require_approval_privileged", "an owner must agree", []string{"bob"}
			r.At = Place{"policy/change.rego", 34}
		}),
		result(func(r *Result) {
			r.Kind, r.Rule, r.Msg, r.Exempt, r.At = Exception, "violation_contractor", "contractors get no role0", "exception", Place{"policy/change.rego", 25}
		}),
	}
	if d := cmp.Diff(wants, got, ignoreHidden); d != "" {
		t.Error(d)
	}
}

// TestFailures: whatever keeps the judge from judging is an error that says so, never a pass.
func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name, path, text string
		compile          bool     // Compile fails; else Judge does
		want             []string // what the error says
	}{
		{"misspelt field", "p.rego", "package accord\n\ndeny contains \"x\" if input.change.opp == \"add\"\n", true, []string{"p.rego:3:", "input.change.opp", `did you mean "op"?`, "one change of access"}},
		{"misspelt part", "p.rego", "package accord\n\ndeny contains \"x\" if input.changez.op == \"add\"\n", true, []string{"p.rego:3:", "input.changez", `did you mean "change"?`}},
		{"misspelt attribute", "p.rego", "package accord\n\ndeny contains \"x\" if \"a\" in input.subject.attributes.departmnt\n", true, []string{`did you mean "department"?`}},
		{"through a variable", "p.rego", "package accord\n\ndeny contains \"x\" if {\n\tc := input.change\n\tc.opp == \"add\"\n}\n", true, []string{"p.rego:5:", "opp", `did you mean "op"?`}},
		{"misspelt value", "p.rego", "package accord\n\ndeny contains \"x\" if input.change.op == \"ad\"\n", true, []string{"p.rego:3:", `input.change.op is never "ad"`, `did you mean "add"?`}},
		{"misspelt value in a set", "p.rego", "package accord\n\ndeny contains \"x\" if input.change.op in {\"add\", \"lenghten\"}\n", true, []string{`did you mean "lengthen"?`}},
		{"number and text", "p.rego", "package accord\n\ndeny contains \"x\" if input.change.days_left == \"90\"\n", true, []string{"p.rego:3:", "match error"}},
		{"the input of another package", "p.rego", "package accord.plan\n\ndeny contains \"x\" if input.change.op == \"add\"\n", true, []string{"p.rego:3:", "input.change.op", "accord.plan", "the plan in figures"}},
		{"wrong package", "p.rego", "package acord\n\ndeny contains \"x\"\n", true, []string{"p.rego:1:1", "package acord judges nothing", `did you mean "accord"?`}},
		{"wrong package below", "p.rego", "package accord.principals\n\ndeny contains \"x\"\n", true, []string{`did you mean "accord.principal"?`}},
		{"package of conftest", "p.rego", "package main\n\ndeny contains \"x\"\n", true, []string{"package main judges nothing", `"accord"`}},
		{"reserved package", "p.rego", "package accord.builtin.x\n\ndeny contains \"x\"\n", true, []string{"p.rego:1:", "reserved"}},
		{"misspelt rule", "p.rego", "package accord\n\nwarn contains \"x\"\n\ndenny contains \"x\"\n", true, []string{"p.rego:5:1", "denny judges nothing", `did you mean "deny"?`}},
		{"no rules", "p.rego", "package accord\n\nhelper := 1\n", true, []string{"p.rego", "no rule judges"}},
		{"only an exception", "p.rego", "package accord\n\nexception contains [\"x\"]\n", true, []string{"no rule judges"}},
		{"a rule that is no set", "p.rego", "package accord\n\ndeny := \"x\" if input.change.op == \"add\"\n", true, []string{"p.rego:3:1", "must be a set", "deny contains msg if"}},
		{"a rule that is true or not", "p.rego", "package accord\n\ndeny if input.change.op == \"add\"\n", true, []string{"p.rego:3:1", "must be a set"}},
		{"an old set", "p.rego", "package accord\n\ndeny[msg] if {\n\tmsg := \"x\"\n}\n", true, []string{"p.rego:3:1", "must be a set"}},
		{"Rego v0", "p.rego", "package accord\n\ndeny[msg] {\n\tmsg := \"x\"\n}\n", true, []string{"p.rego:3:", "Rego v1"}},
		{"no Rego", "p.rego", "package accord\n\ndeny contains {\n", true, []string{"p.rego:"}},
		{"an empty file", "p.rego", "", true, []string{"p.rego"}},
		{"an unused variable", "p.rego", "package accord\n\ndeny contains \"x\" if {\n\tunused := 1\n}\n", true, []string{"p.rego:4:", "unused"}},
		{"network", "p.rego", "package accord\n\ndeny contains \"x\" if http.send({\"method\": \"get\", \"url\": \"http://localhost\"}).status_code == 200\n", true, []string{"p.rego:3:", "http.send", "no network"}},
		{"clock", "p.rego", "package accord\n\ndeny contains \"x\" if time.now_ns() > 1\n", true, []string{"time.now_ns", "input.plan.at"}},
		{"randomness", "p.rego", "package accord\n\ndeny contains \"x\" if rand.intn(\"a\", 2) == 1\n", true, []string{"rand.intn", "no randomness"}},
		{"environment", "p.rego", "package accord\n\ndeny contains \"x\" if opa.runtime().env.HOME\n", true, []string{"opa.runtime", "environment"}},
		{"misspelt function", "p.rego", "package accord\n\ndeny contains \"x\" if startwith(input.change.id, \"a\")\n", true, []string{"startwith", `did you mean "startswith"?`}},
		{"Rego v2", "p.rego", "package accord\n\nimport rego.v2\n\ndeny contains \"x\"\n", true, []string{"p.rego:3:"}},
		{"neither Rego nor data", "p.txt", "x", true, []string{"p.txt", ".rego"}},
		{"data that is no mapping", "p.yaml", "- 1\n", true, []string{"p.yaml:1:1", "mapping"}},
		{"data that is reserved", "p.yaml", "params: {}\n", true, []string{"p.yaml", "data.params is reserved"}},
		{"a key twice", "p.json", `{"a": 1, "a": 2}`, true, []string{"p.json", `"a" stands twice`}},

		{"runtime error", "p.rego", "package accord\n\ndeny contains \"x\" if to_number(input.change.id) == 1\n", false, []string{"change grant 0", "p.rego:3:", "to_number"}},
		{"division by zero", "p.rego", "package accord\n\ndeny contains \"x\" if 1 / (input.change.days_left - input.change.days_left) == 1\n", false, []string{"p.rego:3:", "divide by zero"}},
		{"endless loop", "p.rego", "package accord\n\ndeny contains \"x\" if {\n\tsome a in numbers.range(1, 100000)\n\tsome b in numbers.range(1, 100000)\n\ta * b == -1\n}\n", false, []string{"longer than 200ms"}},
		{"a number", "p.rego", "package accord\n\ndeny contains input.change.days_left\n", false, []string{"p.rego:3", "gave a number, not a text or an object with msg"}},
		{"true", "p.rego", "package accord\n\ndeny contains true\n", false, []string{"gave a boolean"}},
		{"an object without msg", "p.rego", "package accord\n\ndeny contains {\"message\": \"x\"}\n", false, []string{"gave no msg"}},
		{"an empty text", "p.rego", "package accord\n\nwarn contains \" \"\n", false, []string{"gave no msg"}},
		{"msg that is no text", "p.rego", "package accord\n\ndeny contains {\"msg\": 1}\n", false, []string{"gave a number as msg"}},
		{"approvers that are a text", "p.rego", "package accord\n\nrequire_approval contains {\"msg\": \"x\", \"approvers\": \"bob\"}\n", false, []string{"approvers", "it is a string"}},
		{"misspelt approvers", "p.rego", "package accord\n\nrequire_approval contains {\"msg\": \"x\", \"approver\": [\"bob\"]}\n", false, []string{`gave the key "approver"; did you mean "approvers"?`}},
		{"a change that isn't there", "p.rego", "package accord\n\ndeny contains {\"msg\": \"x\", \"change\": \"grant 99\"}\n", false, []string{`names the change "grant 99"`}},
		{"an exception for nothing", "p.rego", "package accord\n\ndeny_a contains \"x\"\n\nexception contains [\"b\"]\n", false, []string{"p.rego:5", `names "b"`}},
		{"an exception that is a text", "p.rego", "package accord\n\ndeny_a contains \"x\"\n\nexception contains \"a\"\n", false, []string{"list of rules' suffixes"}},
		{"in the second package", "p.rego", "package accord.plan\n\ndeny contains 1\n", false, []string{"the plan gave a number"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j, err := Compile(t.Context(), []Source{file(tt.path, tt.text)}, Options{Attributes: []string{"department", "employment"}, Deadline: 200 * time.Millisecond})
			sentinel := ErrCompile
			if !tt.compile {
				if err != nil {
					t.Fatalf("it doesn't compile: %v", err)
				}
				sentinel = ErrJudge
				var results []Result
				if results, err = j.Judge(t.Context(), one(nil)); results != nil {
					t.Errorf("results beside an error: %v", results)
				}
			}
			if !errors.Is(err, sentinel) {
				t.Fatalf("got %v, want %v", err, sentinel)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q stands not in: %v", w, err)
				}
			}
		})
	}
}

// TestNothingToJudgeWith: a judge without rules would let everything pass.
func TestNothingToJudgeWith(t *testing.T) {
	for _, sources := range [][]Source{nil, {file("d.yaml", "a: 1\n")}, {file("p_test.rego", "package accord_test\n\ntest_x if true\n")}} {
		if _, err := Compile(t.Context(), sources, Options{}); !errors.Is(err, ErrCompile) {
			t.Errorf("%v: got %v", sources, err)
		}
	}
}

// TestAllProblems: problems of several files are said at once, sorted.
func TestAllProblems(t *testing.T) {
	_, err := Compile(t.Context(), []Source{
		file("b.rego", "package acord\n\ndeny contains 1\n"),
		file("a.rego", "package accord\n\ndeny contains \"x\" if input.change.opp == input.change.systm\n"),
	}, Options{})
	var errs Errors
	if !errors.As(err, &errs) || len(errs) != 3 || errs[0].File != "a.rego" || errs[1].File != "a.rego" || errs[2].File != "b.rego" {
		t.Errorf("got %v", err)
	}
}

// TestHelpers: a package that a rule refers to is no stranger, and is checked with the inputs
// of those that refer to it.
func TestHelpers(t *testing.T) {
	lib := file("lib.rego", "package lib\n\nfresh if input.change.op == \"add\"\n")
	judge(t, Options{}, lib, file("p.rego", "package accord\n\nimport data.lib\n\ndeny contains \"x\" if lib.fresh\n"))
	_, err := Compile(t.Context(), []Source{lib, file("p.rego", "package accord.principal\n\ndeny contains \"x\" if data.lib.fresh\n")}, Options{})
	if !errors.Is(err, ErrCompile) || !strings.Contains(err.Error(), "lib.rego:3:") {
		t.Errorf("got %v", err)
	}
}

func TestExemptions(t *testing.T) {
	j := judge(t, Options{}, file("p.rego", `package accord
deny_friday contains "x"
require_approval contains "y"
warn_friday contains "z"
`))
	for _, tt := range []struct {
		name string
		x    Exemption
		want []Kind
	}{
		{"by the rule's name", Exemption{ID: "e", Rule: "deny_friday", Who: []string{"person00000"}, Until: now.Add(time.Hour)}, []Kind{RequireApproval, Warn, Exception}},
		{"by its suffix", Exemption{ID: "e", Rule: "friday", Who: []string{"bob", "person00000"}, Until: now.Add(time.Hour)}, []Kind{RequireApproval, Warn, Exception}},
		{"a demand", Exemption{ID: "e", Rule: "require_approval", Who: []string{"person00000"}, Until: now.Add(time.Hour)}, []Kind{Deny, Warn, Exception}},
		{"expired", Exemption{ID: "e", Rule: "friday", Who: []string{"person00000"}, Until: now}, []Kind{Deny, RequireApproval, Warn}},
		{"somebody else", Exemption{ID: "e", Rule: "friday", Who: []string{"bob"}, Until: now.Add(time.Hour)}, []Kind{Deny, RequireApproval, Warn}},
		{"another rule", Exemption{ID: "e", Rule: "monday", Who: []string{"person00000"}, Until: now.Add(time.Hour)}, []Kind{Deny, RequireApproval, Warn}},
		{"no rule at all", Exemption{ID: "e", Who: []string{"person00000"}, Until: now.Add(time.Hour)}, []Kind{Deny, RequireApproval, Warn}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := one(nil)
			in.Exemptions = []Exemption{tt.x}
			got, err := j.Judge(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			var kinds []Kind
			for _, r := range got {
				kinds = append(kinds, r.Kind)
				if (r.Kind == Exception) != (r.Exempt == "e") {
					t.Errorf("%s: exempt %q", r.Kind, r.Exempt)
				}
			}
			if !slices.Equal(kinds, tt.want) {
				t.Errorf("got %v, want %v", kinds, tt.want)
			}
		})
	}
}

// TestSameVerdicts: batches, workers and OPA's rule index change nothing, nor does the order of
// the sources.
func TestSameVerdicts(t *testing.T) {
	o := Options{Rules: allOn(), Attributes: []string{"department", "employment"}}
	in := company(1000)
	want, err := judge(t, o, house...).Judge(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if len(want) < 500 {
		t.Fatalf("only %d results", len(want))
	}
	back := slices.Clone(house)
	slices.Reverse(back)
	for name, edit := range map[string]func(*Options){
		"no index":       func(o *Options) { o.NoIndexing = true },
		"batches of one": func(o *Options) { o.Batch = 1; o.Workers = 4 },
		"batches of 7":   func(o *Options) { o.Batch = 7; o.Workers = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			o := o
			edit(&o)
			got, err := judge(t, o, back...).Judge(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got, ignoreHidden); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestConcurrent judges with one Judge from several goroutines.
func TestConcurrent(t *testing.T) {
	j := judge(t, Options{Rules: allOn(), Batch: 20, Workers: 3}, house...)
	in := company(200)
	done := make(chan string)
	for range 4 {
		go func() {
			rs, err := j.Judge(t.Context(), in)
			done <- fmt.Sprint(rs, err)
		}()
	}
	first := <-done
	for range 3 {
		if got := <-done; got != first {
			t.Error("another verdict")
		}
	}
}

func TestCancelled(t *testing.T) {
	j := judge(t, Options{}, house...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if rs, err := j.Judge(ctx, company(10)); !errors.Is(err, context.Canceled) || rs != nil {
		t.Errorf("got %v, %v", rs, err)
	}
}

// TestDeadlineIsPerBatch: a rule that is slow on one input stops the run, whatever the others.
func TestDeadlineIsPerBatch(t *testing.T) {
	j := judge(t, Options{Deadline: 100 * time.Millisecond, Batch: 5, Workers: 2}, file("p.rego", `package accord
deny contains "x" if {
	input.change.id == "grant 17"
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a * b == -1
}
`))
	start := time.Now()
	_, err := j.Judge(t.Context(), company(40))
	if !errors.Is(err, ErrJudge) || errors.Is(err, context.Canceled) || time.Since(start) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}

// TestBadInput: an input that the schema excludes is the engine's mistake, and no verdict.
func TestBadInput(t *testing.T) {
	j := judge(t, Options{}, house...)
	_, err := j.Judge(t.Context(), one(func(c *ChangeInput) { c.Change.Op = "addd" }))
	if !errors.Is(err, ErrJudge) || !strings.Contains(err.Error(), `change: op: "addd" is none of`) {
		t.Errorf("got %v", err)
	}
}

// TestNoEnd: what has no end is never "ends today", even if the caller left the days at zero.
func TestNoEnd(t *testing.T) {
	j := judge(t, Options{}, file("p.rego", "package accord\n\ndeny contains \"endless\" if input.change.days_left > 90\n"))
	got, err := j.Judge(t.Context(), one(func(c *ChangeInput) { c.Change.HasEnd, c.Change.DaysLeft = false, 0 }))
	if err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestNothingIsOmitted: parts that the caller left out are there for the rules, with all fields.
func TestNothingIsOmitted(t *testing.T) {
	j := judge(t, Options{Attributes: []string{"department"}}, file("p.rego", `package accord
deny contains "x" if {
	input.version == 1
	input.subject.manager == ""
	count(input.subject.attributes.department) == 0
	input.system.labels == {}
	input.role.privileged == false
	input.plan.weekday == ""
	input.change.before.attributes == {}
	input.change.risks == []
}
`))
	got, err := j.Judge(t.Context(), one(func(c *ChangeInput) { c.Subject, c.System, c.Role, c.Plan = nil, nil, nil, nil }))
	if err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEnds(t *testing.T) {
	for _, tt := range []struct {
		in   time.Duration
		days int
	}{{time.Minute, 1}, {24 * time.Hour, 1}, {24*time.Hour + 1, 2}, {0, 0}, {-48 * time.Hour, -2}, {NoEnd * 48 * time.Hour, NoEnd - 1}} {
		if text, has, days := Ends(now.Add(tt.in), now); !has || days != tt.days || text == "" {
			t.Errorf("%s: %q %v %d", tt.in, text, has, days)
		}
	}
	if text, has, days := Ends(time.Time{}, now); has || days != NoEnd || text != "" {
		t.Errorf("no end: %q %v %d", text, has, days)
	}
}
