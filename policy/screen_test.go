package policy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shy are rules of package accord.principal or accord whose beginning a screen reads, or must not
// read. Those that it understands are marked: it has to leave out somebody then.
var shy = []struct {
	rule  string
	reads bool
}{
	{`deny contains "x" if input.change.kind == "grant"`, true},
	{`deny contains "x" if { "grant" == input.change.kind; input.change.days_left >= 400 }`, true},
	{`deny contains "x" if 31 > input.change.days_left`, true},
	{`deny contains "x" if input.change.op != "add"`, true},
	{`deny contains "x" if input.change.op in {"add", "status"}`, true},
	{`deny contains "x" if input.change.op in ["add", 7]`, true},
	{`deny contains "x" if "bob" in input.change.owners`, true},
	{`deny contains "x" if input.change.admin`, true},
	{`deny contains "x" if not input.change.admin`, true},
	{`deny contains "x" if not input.subject.attributes.department`, true},
	{`deny contains "x" if input.subject.attributes.department`, true},
	{`deny contains "x" if { some v in input.subject.attributes.department; v in ["bob", "erp"] }`, true},
	{`deny contains "x" if contains(input.change.permission, "*")`, true},
	{`deny contains "x" if startswith(input.change.account, "ali")`, true},
	{`deny contains "x" if endswith(input.change.system, "k")`, true},
	{`deny contains "x" if glob.match("s*", ["/"], input.change.system)`, true},
	{`deny contains "x" if glob.match("erp/*", ["/"], concat("/", [input.change.system, input.change.role]))`, true},
	{`deny contains sprintf("%v", [c.op]) if { c := input.change; c.leaver }`, true},
	{`deny contains "x" if { some r in input.change.reasons; r.has_end; r.days_left < 30 }`, true},
	{`deny contains "x" if input.version == 2`, true},
	{`deny contains "x" if input.change.before.days_left == 36500`, true},
	{`deny contains "x" if input.plan.minute > 400`, true},
	{"deny contains \"x\" if mighty\n\nmighty if input.change.admin\n\nmighty if input.change.privileged", true},
	{"deny contains m if some m in said\n\nsaid contains \"a\" if input.change.admin\n\nsaid contains \"b\" if input.change.leaver", true},
	{"deny contains \"x\" if \"a\" in said\n\nsaid contains \"a\" if input.change.admin", true},
	{"deny contains \"x\" if { some m in said; contains(m, \"*\") }\n\nsaid contains input.change.role\n\nsaid contains r if some r in input.change.roles", true},
	// What comes first might fail, so that only what OPA's index looks at counts.
	{`deny contains "x" if { to_number("7") > 3; input.change.days_left > 30 }`, false},
	{`deny contains "x" if { count(input.change.roles) < 9; input.change.kind == "grant" }`, true},
	// What a screen could read wrongly.
	{"deny contains \"x\" if count(said) == 0\n\nsaid contains \"a\" if input.change.admin", false},
	{"deny contains \"x\" if { s := said; count(s) == 0 }\n\nsaid contains \"a\" if input.change.admin", false},
	{"deny contains \"x\" if fine == false\n\ndefault fine := false\n\nfine if input.change.admin", false},
	{"deny contains \"x\" if not mighty\n\nmighty if input.change.admin", false},
	{`deny contains "x" if { some r in input.change.reasons; not r.has_end }`, true},
	{`deny contains "x" if { some r in input.change.reasons; r.line != 0 }`, true},
	{`deny contains "x" if { some r, q in input.change.reasons; some t in input.change.reasons; contains(concat(" ", [q.grant, t.ticket]), "b e"); r >= 0 }`, true},
	{`deny contains "x" if { some r in input.change.reasons; contains(concat(" ", [r.grant, r.ticket]), "bob erp") }`, true},
	{`deny contains "x" if { x := input.change.before; x == input.change.after }`, false},
	{`deny contains "x" if { r := input.change.reasons[0]; r == input.change.reasons[_]; r.line == 1 }`, false},
	{`deny contains "x" if mighty with input.change.admin as true` + "\n\nmighty if input.change.admin", false},
	{`deny contains "x" if input.subject.attributes[input.change.system]`, false},
	{`deny contains "x" if { some k in ["department", "erp"]; input.subject.attributes[k] }`, true},
	{`deny contains "x" if { [a, "bob"] = [input.change.role, input.change.system]; a != "" }`, false},
	{`deny contains "x" if { every r in input.change.roles { r != "bob" } }`, false},
	{"deny contains \"x\" if far(input.change.days_left)\n\nfar(d) if d > 400", false},
	{"deny contains \"x\" if mark == 2\n\nmark := 1 if input.change.admin\n\nmark := 2 if not input.change.admin", false},
	{"deny contains \"x\" if mark > 1\n\nmark := 1 if input.change.admin\n\nelse := 2", false},
	{`deny contains "x" if data.limits[input.change.permission]`, false},
}

// TestScreen: whatever a rule looks like, screening inputs gives what asking about all of them
// gives, in the same order; and what a screen can read, it does read.
func TestScreen(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, tt := range shy {
		t.Run(tt.rule, func(t *testing.T) {
			sources := []Source{file("p.rego", "package accord\n\n"+tt.rule+"\n"), slyHelp[1]}
			o := Options{Batch: 7, readAll: true}
			if !strings.Contains(tt.rule, "attributes") {
				o.Attributes = []string{"department", "employment"}
			}
			js := ways(t, o, sources...)
			in := random(rand.New(rand.NewPCG(seed, 0)), 100)
			same(t, js, in)
			j := js[1]
			run := &judging{Judge: j}
			asked := len(run.screened(j.entries[0], j.entries[0].subjects(in)))
			if tt.reads == (asked == len(in.Changes)) {
				t.Errorf("asked about %d of %d", asked, len(in.Changes))
			}
		})
	}
}

// TestScreenBuiltins: the same of the built-in rules, with everything that their parameters can
// say, and beside the rules of a house.
func TestScreenBuiltins(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	pick := func(list ...any) any { return list[r.IntN(len(list))] }
	for range 4 {
		duties := []any{}
		sides := []any{"erp/role/pay", "bank/team/approve", "erp/role/pay:admin", "b*/**", "role*", "alice", "erp/*/*:member", "admin"}
		for range 1 + r.IntN(3) {
			duties = append(duties, []any{pick(sides...), pick(sides...)})
		}
		o := Options{Attributes: []string{"department", "employment"}, Batch: 7, Rules: map[string]any{
			"change_window": []any{map[string]any{"systems": []any{pick("erp", "b*", "*"), "system3"}, "days": []any{pick("monday", "sunday")}, "from": "08:00", "to": "17:00"}},
			"daily_limits":  []any{map[string]any{"privilege": "**", "per_day": 3}}, "leavers_hold_nothing": true, "manager_active": true, "owner_active": nil,
			"no_wildcard_admin":     map[string]any{"resources": []any{"erp/**", pick("bank/*/*", "s*/**")}[:r.IntN(3)], "except": []any{"bob"}[:r.IntN(2)]},
			"privileged_access":     map[string]any{"admin": r.IntN(2) == 0, "approval": r.IntN(2) == 0},
			"segregation_of_duties": duties,
			"temporary_access": map[string]any{"contractor_days": r.IntN(2) * 90, "max_days": r.IntN(2) * 100, "privileged_days": r.IntN(2) * 30,
				"contractors": map[string]any{"attribute": pick("department", "erp", "employment"), "values": []any{"bob", "erp"}},
				"limits":      []any{map[string]any{"access": pick("erp/**", "b*"), "days": 30}}[:r.IntN(2)]},
		}}
		in := random(r, 150)
		if n := same(t, ways(t, o), in); n == 0 {
			t.Error("nothing was found: the test has become empty")
		}
		same(t, ways(t, o, house...), in)
		o.readAll = true
		same(t, ways(t, o, house...), in)
	}
}

// TestScreenRows: elements of a list are only left out of an input where every rule looks at one
// after the other, and it makes no difference.
func TestScreenRows(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for rule, picks := range map[string]bool{
		`deny contains sprintf("get %s", [d.privilege]) if { some d in input.daily; d.planned > 100 }`:                                       true,
		`deny contains sprintf("get %s", [d.privilege]) if { some d in input.daily; d.today + d.planned > 500 }`:                             true,
		`deny contains sprintf("%v", [d]) if { some d in input.daily; d.source.file == "bob"; input.plan.minute != 7 }`:                      true,
		`warn contains sprintf("of %s", [o.id]) if { some o in input.owned; count(o.active) == 0; o.changed }`:                               true,
		`deny contains sprintf("get %s", [d.privilege]) if { some d in input.daily; some q in input.daily; d.planned > 100; q.today > 100 }`: false,
		`deny contains sprintf("%d", [i]) if { some i, d in input.daily; d.planned > 100 }`:                                                  false,
		`deny contains sprintf("%d", [count(input.daily)]) if { some d in input.daily; d.planned > 100 }`:                                    false,
		`deny contains "x" if { some d in input.daily; not d.principal == "bob"; d.planned > 100 }`:                                          false,
		`deny contains "x" if { count([d | some d in input.daily; d.planned > 100]) < 2 }`:                                                   false,
		"deny contains \"x\" if { some d in input.daily; d.planned > 100; n < 5 }\n\nn := count(input.daily)":                                false,
		`deny contains "x" if { some d in input.daily; d.planned > 100; json.marshal(input) != "" }`:                                         false,
		`deny contains "x" if { some k in ["daily", "owned"]; count(input[k]) > 1; some d in input.daily; d.planned > 100 }`:                 false,
		`deny contains "x" if { some d in input.daily; d.planned > 100; e with input.daily as [] }` + "\n\ne if input.plan.minute < 500":     false,
	} {
		t.Run(rule, func(t *testing.T) {
			source := file("p.rego", "package accord.plan\n\n"+rule+"\n")
			js := ways(t, Options{readAll: true}, source)
			j := js[1]
			picked := false
			for i, n := uint64(0), 0; n < 6 || picks && !picked && n < 60; i++ {
				in := random(rand.New(rand.NewPCG(seed, i)), 30)
				in.Changes, in.Principals = nil, nil
				if in.Plan.Plan == nil || len(in.Plan.Daily) == 0 || len(in.Plan.Owned) == 0 {
					continue // there is nothing to be left out
				}
				n++
				for len(in.Plan.Daily) > 0 && len(in.Plan.Daily) < 12 {
					in.Plan.Daily = append(in.Plan.Daily, in.Plan.Daily...)
				}
				in.Plan.Settings = nil
				for k := range in.Plan.Daily {
					in.Plan.Daily[k].Change = ""
				}
				same(t, js, in)
				one := j.queries[j.entries[2]].screen.pick(&in.Plan, &memo{}).(*PlanInput)
				picked = picked || len(one.Daily) < len(in.Plan.Daily) || len(one.Owned) < len(in.Plan.Owned)
			}
			if picked != picks {
				t.Errorf("elements were left out: %v, want %v", picked, picks)
			}
		})
	}
}

// TestScreenLeavesOut: people and changes that break no rule are not asked about at all, even if
// one half of a pair of duties is held.
func TestScreenLeavesOut(t *testing.T) {
	o := Options{Rules: allOn(), Attributes: []string{"department", "employment"}}
	o.Rules["segregation_of_duties"] = []any{[]any{"system1/team/t1", "bank/team/approve"}, []any{"role*", "erp/**:admin"}}
	j := judge(t, o)
	in := company(1000)
	hush(in)
	for i := range in.Changes { // employees may have access without an end
		if c := &in.Changes[i].Change; in.Changes[i].Subject.Attributes["employment"][0] == "employee" {
			c.HasEnd, c.DaysLeft = false, NoEnd
		}
	}
	run := &judging{Judge: j}
	for i, most := range []int{25, 0} {
		if asked := len(run.screened(j.entries[i], j.entries[i].subjects(in))); asked > most {
			t.Errorf("%s: asked about %d", j.entries[i].pkg, asked)
		}
	}
}

// TestScreenIsForOurs: where a rule of the house judges too, everything is asked about.
func TestScreenIsForOurs(t *testing.T) {
	o := Options{Rules: allOn(), Attributes: []string{"department", "employment"}}
	in := company(200)
	for _, tt := range []struct {
		sources []Source
		all     bool
	}{{nil, false}, {[]Source{file("p.rego", "package accord\n\ndeny contains \"x\" if input.change.role == \"nobody\"\n")}, true}} {
		j := judge(t, o, tt.sources...)
		e := j.entries[0]
		asked, of := len((&judging{Judge: j}).screened(e, e.subjects(in))), len(in.Changes)
		if (asked == of) != tt.all {
			t.Errorf("with %d sources %d of %d changes were asked about", len(tt.sources), asked, of)
		}
	}
}

// TestScreenHidesNoError: an input that can't be encoded, or for which a rule fails, is an error
// also where no other rule holds.
func TestScreenHidesNoError(t *testing.T) {
	for name, tt := range map[string]struct {
		rule  string
		spoil func(*Input)
	}{
		"a value that can't be": {`deny contains "x" if input.change.kind == "setting"`, func(in *Input) { in.Changes[50].Change.Class = "chnge" }},
		"in a part":             {`deny contains input.subject.id if input.subject.status == "left"`, func(in *Input) { in.Changes[50].Subject = &Subject{Status: "gone"} }},
		"a failing function":    {`deny contains "x" if { to_number(input.change.account) > 1; input.change.days_left > 77777 }`, func(*Input) {}},
		"a failing helper":      {"deny contains \"x\" if { h; input.change.days_left > 77777 }\n\nh if to_number(input.change.account) > 1", func(*Input) {}},
		"a conflict":            {"deny contains \"x\" if { h > 0; input.change.days_left > 77777 }\n\nh := 1 if input.change.days_left >= 0\n\nh := 2 if input.change.days_left >= 0", func(*Input) {}},
	} {
		t.Run(name, func(t *testing.T) {
			in := company(100)
			tt.spoil(&in)
			var said [2]string
			for i, plain := range []bool{false, true} {
				_, err := judge(t, Options{NoIndexing: plain, readAll: true}, file("p.rego", "package accord\n\n"+tt.rule+"\n")).Judge(t.Context(), in)
				if err == nil {
					t.Fatal("no error")
				}
				said[i] = err.Error()
			}
			if said[0] != said[1] {
				t.Errorf("with a screen %s, without %s", said[0], said[1])
			}
		})
	}
}

// ways are the ways to judge that must say the same: asking about everything, and by screens, with
// one worker and with several.
func ways(t *testing.T, o Options, sources ...Source) []*Judge {
	t.Helper()
	plain, one, three := o, o, o
	plain.NoIndexing, one.Workers, three.Workers = true, 1, 3
	return []*Judge{judge(t, plain, sources...), judge(t, one, sources...), judge(t, three, sources...)}
}

// same compares them, and gives how much was found.
func same(t *testing.T, ways []*Judge, in Input) int {
	t.Helper()
	want, err := ways[0].Judge(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range ways[1:] {
		got, err := j.Judge(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(said(want), said(got)); d != "" {
			t.Errorf("%d workers: (- asked about all, + screened)\n%s", j.opts.Workers, d)
		}
	}
	return len(want)
}

func said(rs []Result) string {
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, "%+v\n", r)
	}
	return b.String()
}
