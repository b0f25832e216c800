package policy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestTrace: the trace names every rule, in the words of the policy, and shows where each
// failed and on what.
func TestTrace(t *testing.T) {
	j := judge(t, Options{Attributes: []string{"department"}, Rules: map[string]any{"no_wildcard_admin": nil}}, file("p.rego", `package accord

deny_a contains msg if {
	input.change.op in {"add", "update"}
	some d in input.subject.attributes.department
	d in data.far
	msg := sprintf("%s, %s", [input.change.id, d])
}

warn_b contains "x" if {
	not finance
	input.change.days_left < data.days
}

finance if "finance" in input.subject.attributes.department
`), file("d.json", `{"far": ["sales", "ops"], "days": 3}`))
	change := ChangeInput{Change: Change{ID: "c", Class: "change", Origin: "step", Op: "add", Kind: "grant"},
		Subject: &Subject{Attributes: map[string][]string{"department": {"law", "ops"}}}}
	trace, results, err := j.Try(t.Context(), change)
	if err != nil || len(results) != 1 {
		t.Fatal(results, err)
	}
	var own strings.Builder
	for line := range strings.Lines(trace) {
		if strings.HasPrefix(line, "p.rego") {
			own.WriteString(line)
		}
	}
	pad := strings.Repeat(" ", strings.Index(trace, "Enter")-len("p.rego:3"))
	want := strings.ReplaceAll(`p.rego:3@Enter accord.deny_a
p.rego:4@  Eval  input.change.op in {"add", "update"}
p.rego:5@  Eval  some d in input.subject.attributes.department
p.rego:6@  Fail  d in data.far   (d is "law", data.far is ["sales", "ops"])
p.rego:6@  Eval  d in data.far
p.rego:7@  Eval  msg := sprintf("%s, %s", [input.change.id, d])
p.rego:3@Exit  accord.deny_a
p.rego:10@Enter accord.warn_b
p.rego:11@  Eval  not finance
p.rego:15@  Enter accord.finance
p.rego:15@    Fail  "finance" in input.subject.attributes.department   (input.subject.attributes.department is ["law", "ops"])
p.rego:12@  Fail  input.change.days_left < data.days   (input.change.days_left is 36500, data.days is 3)
`, "@", pad)
	want = strings.NewReplacer("p.rego:10 ", "p.rego:10", "p.rego:11 ", "p.rego:11", "p.rego:12 ", "p.rego:12", "p.rego:15 ", "p.rego:15").Replace(want)
	if d := cmp.Diff(want, own.String()); d != "" {
		t.Errorf("%s\n%s", d, trace)
	}
	for _, w := range []string{"Enter accord.builtin.no_wildcard_admin\n", "builtin/no_wildcard_admin.rego:"} {
		if !strings.Contains(trace, w) {
			t.Errorf("%q stands not in\n%s", w, trace)
		}
	}
	for _, w := range []string{"accord_driver", "accord_judged", "__local"} {
		if strings.Contains(trace, w) {
			t.Errorf("%q stands in\n%s", w, trace)
		}
	}
}

// TestTraceOfALoop: what runs until its deadline leaves a trace of bounded size.
func TestTraceOfALoop(t *testing.T) {
	j := judge(t, Options{Deadline: time.Second}, file("p.rego", `package accord

deny contains "x" if {
	some a in numbers.range(1, 3000)
	some b in numbers.range(1, 3000)
	a * b == -1
}
`))
	trace, _, err := j.Try(t.Context(), ChangeInput{Change: Change{Class: "change", Origin: "step", Op: "add", Kind: "grant"}})
	if !errors.Is(err, ErrJudge) || !strings.Contains(err.Error(), "longer than 1s") {
		t.Errorf("got %v", err)
	}
	if n := strings.Count(trace, "\n"); n != maxTrace+1 || !strings.HasSuffix(trace, " more lines\n") {
		t.Errorf("%d lines", n)
	}
}
