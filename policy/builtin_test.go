package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
)

// allOn are parameters with which every built-in rule is on.
func allOn() map[string]any {
	return map[string]any{
		"change_window":         []any{map[string]any{"systems": []any{"erp"}, "days": []any{"monday"}, "from": "08:00", "to": "17:00"}},
		"daily_limits":          []any{map[string]any{"privilege": "erp/role/*", "per_day": 3}},
		"leavers_hold_nothing":  nil,
		"manager_active":        true,
		"no_wildcard_admin":     map[string]any{},
		"owner_active":          map[string]any{},
		"privileged_access":     nil,
		"segregation_of_duties": []any{[]any{"erp/role/pay", "bank/team/approve"}},
		"temporary_access":      nil,
	}
}

// TestBuiltins runs the tests that stand beside the built-in rules; they reach every line.
func TestBuiltins(t *testing.T) {
	tests := slices.DeleteFunc(builtinSources(), func(s Source) bool { return !s.test() })
	report, err := Test(t.Context(), tests, Options{Rules: allOn(), builtins: true})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.Write(&b, false); err != nil {
		t.Fatal(err)
	}
	if !report.OK() || report.Coverage < 100 {
		t.Errorf("%s", b.String())
	}
	for _, rule := range builtins() {
		if !slices.ContainsFunc(report.Tests, func(r TestResult) bool { return r.File == "builtin/"+rule.name+"_test.rego" }) {
			t.Errorf("%s has no tests", rule.name)
		}
	}
}

// TestBuiltinFiles finds rules that are embedded but can't be switched on, and schemas without
// a title.
func TestBuiltinFiles(t *testing.T) {
	names := map[string]bool{}
	for _, b := range Builtins() {
		names[b.Name] = true
		if b.Title == "" || !json.Valid(b.Schema) {
			t.Errorf("%s: the schema has no title or isn't JSON", b.Name)
		}
	}
	if len(names) != len(builtins()) || !slices.IsSortedFunc(Builtins(), func(a, b Builtin) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("Builtins() lists %d of %d rules, or not in order", len(names), len(builtins()))
	}
	for _, s := range builtinSources() {
		if name := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.Path), ".rego"), "_test"); !names[name] {
			t.Errorf("%s is no rule of builtins()", s.Path)
		}
	}
}

func TestParameters(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rule   string
		params any
		want   []string // each stands in the error; none: no error
	}{
		{"unknown rule", "segregation_of_duty", nil, []string{`there is no built-in rule "segregation_of_duty"`, `did you mean "segregation_of_duties"?`}},
		{"misspelt parameter", "temporary_access", map[string]any{"max_day": 3}, []string{"rules.temporary_access", "max_day", "max_days"}},
		{"wrong type", "temporary_access", map[string]any{"max_days": "30"}, []string{"rules.temporary_access.max_days", "got string, want integer", "how many days ahead"}},
		{"wrong value", "owner_active", map[string]any{"kinds": []any{"roles"}}, []string{"rules.owner_active.kinds.0", "role"}},
		{"a list is needed", "segregation_of_duties", true, []string{"rules.segregation_of_duties", "want array", "list of pairs"}},
		{"three in a pair", "segregation_of_duties", []any{[]any{"a", "b", "c"}}, []string{"rules.segregation_of_duties.0", "maxItems"}},
		{"neither pair nor mapping", "segregation_of_duties", []any{"a"}, []string{"rules.segregation_of_duties.0", "want object"}},
		{"no time of day", "change_window", []any{map[string]any{"systems": []any{"x"}, "days": []any{"monday"}, "from": "25:00", "to": "26:00"}}, []string{"rules.change_window.0.from", "pattern"}},
		{"a pattern that is none", "segregation_of_duties", []any{[]any{"erp/[a", "b/*/[c"}}, []string{"rules.segregation_of_duties.0.1: \"b/*/[c\" is no pattern: glob: syntax error"}},
		{"a name with brackets", "segregation_of_duties", []any{[]any{"erp/role/[a", "bank/team/b"}}, nil},
		{"another pattern that is none", "change_window", []any{map[string]any{"systems": []any{"{a"}, "days": []any{"monday"}, "from": "05:00", "to": "06:00"}}, []string{"rules.change_window.0.systems.0: \"{a\" is no pattern"}},
		{"defaults", "temporary_access", map[string]any{"max_days": 30}, nil},
		{"a pair with a reason", "segregation_of_duties", []any{map[string]any{"between": []any{"a", "b"}, "because": "c"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile(t.Context(), nil, Options{Rules: map[string]any{tt.rule: tt.params}})
			if len(tt.want) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, ErrCompile) {
				t.Fatalf("got %v, want an ErrCompile", err)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q stands not in: %v", w, err)
				}
			}
		})
	}
}

// TestWindows: what a change does to a window, longer, shorter or for a further reason, is
// judged as what is given and taken is.
func TestWindows(t *testing.T) {
	j := judge(t, Options{Rules: map[string]any{"temporary_access": map[string]any{"privileged_days": 30}, "privileged_access": nil}, Attributes: []string{"employment"}})
	shift := func(op string, until time.Time, edit func(*Change)) ChangeInput {
		c := ChangeInput{Subject: &Subject{ID: "carol", Type: "person", Attributes: map[string][]string{"employment": {"contractor"}}}}
		c.Change = Change{ID: "shift 1", Class: "change", Origin: "shift", Op: op, Kind: "grant", System: "erp", Principal: "carol", Resource: "role/pay", Permission: "member",
			Owners: []string{"bob", "carol"}, Source: Place{"grants/g.yaml", 4}}
		c.Change.Before = Side{Present: true, Permission: "member"}
		c.Change.Before.Until, c.Change.Before.HasEnd, c.Change.Before.DaysLeft = Ends(now.AddDate(0, 0, 20), now)
		c.Change.Ends, c.Change.HasEnd, c.Change.DaysLeft = Ends(until, now)
		c.Change.After = Side{Present: true, Permission: "member", Until: c.Change.Ends, HasEnd: c.Change.HasEnd, DaysLeft: c.Change.DaysLeft}
		c.Change.Reasons = []Reason{{Grant: "g", Ticket: "OPS-1", Note: "on call", Until: c.Change.Ends, HasEnd: c.Change.HasEnd, DaysLeft: c.Change.DaysLeft, File: "grants/g.yaml", Line: 3}}
		if edit != nil {
			edit(&c.Change)
		}
		return c
	}
	further := func(c *Change) {
		c.Reasons = append(c.Reasons, Reason{Grant: "h", Note: "audit", File: "grants/h.yaml", Line: 1})
	}
	privileged := func(c *Change) { c.Privileged = true }
	days := func(n int) time.Time { return now.AddDate(0, 0, n) }
	for _, tt := range []struct {
		name   string
		change ChangeInput
		want   []string
	}{
		{"longer", shift("lengthen", days(90), nil), nil},
		{"too long", shift("lengthen", days(91), nil), []string{"deny carol is employment contractor: access to erp/role/pay ends in 91 days"}},
		{"without an end", shift("lengthen", time.Time{}, nil), []string{"deny carol is employment contractor: access to erp/role/pay has no end", "warn temporary access of carol to erp/role/pay loses its end"}},
		{"shorter", shift("shorten", days(10), privileged), nil},
		{"a further reason", shift("reason", days(20), further), nil},
		{"a further reason for what is privileged", shift("reason", days(20), func(c *Change) { privileged(c); further(c) }),
			[]string{"deny privileged erp/role/pay for carol needs a ticket in grant h", "require_approval privileged erp/role/pay for carol needs the approval of an owner"}},
		{"longer, privileged", shift("lengthen", days(31), privileged),
			[]string{"deny privileged access of carol to erp/role/pay ends in 31 days", "require_approval privileged erp/role/pay for carol needs the approval of an owner"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := j.Judge(t.Context(), Input{Now: now, Changes: []ChangeInput{tt.change}})
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range got {
				if i >= len(tt.want) || !strings.HasPrefix(string(r.Kind)+" "+r.Msg, tt.want[i]) {
					t.Errorf("got %s %s, want %q", r.Kind, r.Msg, tt.want)
				}
				if r.Kind == RequireApproval && !slices.Equal(r.Approvers, []string{"bob"}) {
					t.Errorf("approvers: %q", r.Approvers)
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("got %d results, want %q", len(got), tt.want)
			}
		})
	}
}

// TestPairsBySide: however a pair is written, and whether by name or by pattern, it is found.
func TestPairsBySide(t *testing.T) {
	pairs := []any{}
	for i := range 500 {
		pairs = append(pairs, []any{fmt.Sprintf("x/team/a%d", i), fmt.Sprintf("x/team/b%d", i)})
	}
	pairs = append(pairs, []any{"erp/role/pay", "bank/team/approve"}, []any{"erp/role/pay", "bank/team/*:admin"},
		map[string]any{"between": []any{"payer", "appro?er"}, "because": "four eyes"}, []any{"erp/**", "role-*"})
	j := judge(t, Options{Rules: map[string]any{"segregation_of_duties": pairs}})
	holds := func(list ...string) (out []Holding) {
		for _, h := range list {
			key, permission, _ := strings.Cut(h, ":")
			out = append(out, Holding{Key: key, Permission: permission, Added: true, Change: "c"})
		}
		return out
	}
	for _, tt := range []struct {
		holdings []Holding
		roles    []HeldRole
		want     []string
	}{
		{holds("erp/role/pay:member", "bank/team/approve:member"), nil, []string{"alice would hold erp/role/pay:member beside bank/team/approve:member"}},
		{holds("erp/role/pay:member", "bank/team/approve:admin"), nil, []string{"alice would hold erp/role/pay:member beside bank/team/approve:admin"}},
		{holds("x/team/a7:member", "x/team/b8:member", "x/team/b7:member"), nil, []string{"alice would hold x/team/a7:member beside x/team/b7:member"}},
		{nil, []HeldRole{{ID: "payer", Added: true, Change: "c"}, {ID: "approver"}}, []string{"alice would hold role payer beside role approver (four eyes)"}},
		{holds("erp/role/x:y"), []HeldRole{{ID: "role-z"}}, []string{"alice would hold erp/role/x:y beside role role-z"}},
		{holds("x/team/a7:member", "erp/role/pay:member"), []HeldRole{{ID: "payer"}}, nil},
	} {
		got, err := j.Judge(t.Context(), Input{Principals: []PrincipalInput{{Principal: &Subject{ID: "alice", Status: "active", Type: "person"}, Holdings: tt.holdings, Roles: tt.roles}}})
		var msgs []string
		for _, r := range got {
			msgs = append(msgs, r.Msg)
		}
		if err != nil || !slices.Equal(msgs, tt.want) {
			t.Errorf("got %q, %v, want %q", msgs, err, tt.want)
		}
	}
}

// TestDefaults: what isn't said is filled in, what is said stays.
func TestDefaults(t *testing.T) {
	on, errs := switchOn(map[string]any{"temporary_access": map[string]any{"max_days": 30}, "manager_active": false})
	if len(errs) > 0 || len(on) != 1 {
		t.Fatal(on, errs)
	}
	p := on[0].params.(map[string]any)
	if p["max_days"] != json.Number("30") || p["contractor_days"] != json.Number("90") {
		t.Errorf("got %v", p)
	}
}
