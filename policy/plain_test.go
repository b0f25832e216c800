package policy

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// sly are rules that look at their input in every way that Rego has; each is judged alone, so
// that no other rule makes up for what it lacks. What they saw stands in their messages, so that
// anything that is missing makes another message.
var sly = map[string][]string{
	"accord": {
		`deny_alias contains sprintf("%v %v", [c.op, c.before.permission]) if {
	c := input.change
	c.kind == "grant"
}
`,
		`deny_alias_of_alias contains sprintf("%v", [b.attributes]) if {
	c := input.change
	b := c.after
	b.present
}
`,
		`deny_twice contains sprintf("%v", [a]) if {
	a = input.change.before
	a = input.change.after
}
`,
		`deny_loop contains sprintf("%v %v", [i, r.note]) if some i, r in input.change.reasons
`,
		`deny_every contains "every" if {
	every r in input.change.reasons { r.has_end }
	count(input.change.reasons) > 0
}
`,
		`deny_index contains sprintf("%v", [input.change.reasons[0].roles]) if input.change.reasons[_].line > 1
`,
		`deny_part contains sprintf("%v %v", [part, input[part].id]) if some part in ["subject", "system"]
`,
		`import input.subject as who

deny_imported contains sprintf("%v", [who.groups]) if who.status != "left"
`,
		`deny_get contains sprintf("%v", [[object.get(input.change.cause, "text", "none")]])
`,
		`import data.lib.look

deny_helper contains look.at(input.system)
`,
		`import data.lib.look

deny_through_helper contains look.op
`,
		`deny_walk contains sprintf("%v", [p]) if {
	walk(input.role, [p, "bob"])
}
`,
		`import data.lib.look

deny_with contains sprintf("%v", [x]) if {
	input.change.op != "remove"
	x := look.op with input.change.op as "remove"
}
`,
		`deny_all contains sprintf("%v", [count(json.marshal(input.plan)) > 0]) if input.change.op == "status"
`,
		`deny_pattern contains sprintf("%v %v", [x, y]) if [x, {"id": y}] = [input.change.risks, {"id": input.role.id}]
`,
		`deny_comprehension contains sprintf("%v", [[r.ticket | some r in input.change.reasons; r.grant != ""]])
`,
		`deny_key contains sprintf("%v", [input.subject.attributes[k]]) if some k in ["department", input.change.system]
`,
		`deny_nested contains data.limits[input.change.permission]
`,
		`deny_not contains "not" if not input.change.before.present
`,
		`deny_numbers contains sprintf("%d", [input.change.before.days_left + input.change.days_left])
`,
		`# METADATA
# title: Said by the rule itself
deny_metadata contains rego.metadata.rule().title if input.change.op == "reason"
`,
		`default_op := input.change.op

deny_other_rule contains sprintf("%v", [[default_op]]) if input.change.action != "grant"
`,
	},
	"accord.principal": {
		`deny_count contains "many" if count(input.holdings) > 1
`,
		`deny_tickets contains {"msg": sprintf("%v", [t]), "seen": h.via} if {
	some h in input.holdings
	h.added
	t := [r.ticket | some r in h.reasons]
}
`,
		`warn_roles contains sprintf("%v", [[r.id]]) if {
	some r in input.roles
	not r.added
}
`,
		`deny_whole contains sprintf("%v", [h]) if {
	some h in input.holdings
	h.pending
}
`,
		`deny_same contains sprintf("%v", [[x.key]]) if {
	x = input.holdings[0]
	x = input.holdings[_]
	x.admin
}
`,
	},
	"accord.plan": {
		`deny contains sprintf("%v", [s]) if some s in input.settings
`,
		`warn contains sprintf("%d of %d", [input.counts.adds, count(input.daily)])
`,
	},
}

var slyHelp = []Source{
	file("sly/lib.rego", `package lib.look

at(s) := sprintf("%v", [s.labels])

op := sprintf("op %s", [input.change.op])
`),
	file("sly/limits.json", `{"limits": {"member": "for members", "admin": "for admins", "days": 3}}`),
}

// TestSameAsPlain holds the judge (batches, shared and left out parts of inputs, gathered and
// folded rules, the index) to OPA evaluating one whole input at a time without an index.
func TestSameAsPlain(t *testing.T) {
	policies := map[string][]Source{"house": house, "built-in rules alone": nil}
	for pkg, rules := range sly {
		for _, rule := range rules {
			with := []Source{file("sly/rule.rego", "package "+pkg+"\n\n"+rule)}
			if strings.Contains(rule, "data.limits") {
				with = append(with, slyHelp[1])
			}
			if strings.Contains(rule, "data.lib") {
				with = append(with, slyHelp[0])
			}
			name, _, _ := strings.Cut(rule[max(strings.Index(rule, "deny_"), strings.Index(rule, "warn_"), 0):], " ")
			policies[pkg+"."+name] = with
		}
	}
	for _, name := range sortedKeys(policies) {
		t.Run(name, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			r := rand.New(rand.NewPCG(seed, 0))
			o := Options{Rules: allOn(), Attributes: []string{"department", "employment"}, Batch: 7}
			o.Rules["temporary_access"] = map[string]any{"max_days": r.IntN(2) * 100, "privileged_days": r.IntN(2) * 30, "limits": []any{
				map[string]any{"access": "erp/*/*", "days": 30}}[:r.IntN(2)]}
			o.Rules["no_wildcard_admin"] = map[string]any{"resources": []any{"erp/role/*"}, "except": []any{"bob"}}
			o.Rules["segregation_of_duties"] = []any{[]any{"erp/role/pay", "bank/team/approve"}, []any{"erp/role/pay:admin", "b*/**"}, []any{"role*", "erp/**"}}
			least, n := 10, 120
			if strings.Contains(name, ".") {
				o.Rules, least, n = nil, 1, 80
				if strings.HasSuffix(name, "_twice") || strings.HasPrefix(name, "accord.plan.") {
					least = 0 // it would hold if parts were missing on both sides; there is only one plan
				}
			}
			in := random(r, n)
			got, err := judge(t, o, policies[name]...).Judge(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			var have []string
			for _, res := range got {
				kind, _, ok := parseName(res.Rule)
				if kind == Deny && res.Kind == Exception || !ok {
					kind = res.Kind
				}
				have = append(have, line(res.Package, string(kind), res))
			}
			want := plainly(t, o, in, policies[name]...)
			slices.Sort(have)
			slices.Sort(want)
			if have = slices.Compact(have); len(have) < least {
				t.Fatalf("only %d results", len(have))
			}
			if d := cmp.Diff(slices.Compact(want), have); d != "" {
				t.Error(d)
			}
		})
	}
}

func line(pkg, kind string, r Result) string {
	return fmt.Sprintf("%s %s %s: %s (%s, %q, %s:%d) %s", r.Change, r.Person, pkg, r.Msg, kind, r.Approvers, r.File, r.Line, fingerprint(r.Metadata))
}

// plainly evaluates every package that judges, for every input, by OPA alone.
func plainly(t *testing.T, o Options, in Input, sources ...Source) []string {
	t.Helper()
	c, err := newCompilation(sources, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	modules := map[string]*ast.Module{}
	for path, m := range c.modules {
		modules[path] = m
	}
	for _, b := range c.on {
		modules[b.path()] = c.builtins[b.path()]
	}
	compiler := ast.NewCompiler()
	if compiler.Compile(modules); compiler.Failed() {
		t.Fatal(compiler.Errors)
	}
	store, err := c.store()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range c.entries {
		for _, pkg := range packagesOf(c.rules, e) {
			q, err := rego.New(rego.Query("x = data."+pkg), rego.Compiler(compiler), rego.Store(store), rego.StrictBuiltinErrors(true)).PrepareForEval(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s := e.subjects(in)
			for i := range s.n {
				about := s.about(i)
				enc := &encoder{attributes: c.opts.Attributes}
				term := enc.input(e.shape, s.at(i))
				rs, err := q.Eval(t.Context(), rego.EvalParsedInput(term.Value), rego.EvalRuleIndexing(false))
				if err != nil || len(rs) != 1 {
					t.Fatal(err, rs)
				}
				out = append(out, linesOf(t, pkg, about, rs[0].Bindings["x"].(map[string]any))...)
			}
		}
	}
	return out
}

func packagesOf(rules []*rule, e *entry) []string {
	var out []string
	for _, r := range rules {
		if r.entry == e && !slices.Contains(out, r.pkg) {
			out = append(out, r.pkg)
		}
	}
	return out
}

// linesOf reads the rules of one package for one input.
func linesOf(t *testing.T, pkg string, a about, doc map[string]any) []string {
	t.Helper()
	lifted := map[string]bool{}
	for _, name := range sortedKeys(doc) {
		if kind, _, ok := parseName(name); ok && kind == Exception {
			for _, list := range doc[name].([]any) {
				for _, suffix := range list.([]any) {
					lifted[suffix.(string)] = true
				}
			}
		}
	}
	var out []string
	for _, name := range sortedKeys(doc) {
		kind, suffix, ok := parseName(name)
		if !ok || kind == Exception {
			continue
		}
		if kind != Warn && lifted[suffix] {
			kind = Exception
		}
		for _, v := range doc[name].([]any) {
			r := Result{Change: a.change, Person: a.person, File: a.place.File, Line: a.place.Line}
			if s, ok := v.(string); ok {
				r.Msg = s
			} else if err := r.fill(ast.MustInterfaceToValue(v).(ast.Object)); err != nil {
				t.Fatal(err)
			}
			if strings.TrimSpace(r.Msg) == "" {
				t.Fatalf("%s.%s: %v", pkg, name, v)
			}
			out = append(out, line(pkg, string(kind), r))
		}
	}
	return out
}

// random gives an input of n changes and people with values from a small stock, so that rules
// hold often and parts are shared.
func random(r *rand.Rand, n int) Input {
	in := Input{Now: now}
	shapes := entries()
	var subjects []*Subject
	for range 10 {
		s := &Subject{}
		scatter(r, shapes[0].shape.mustField("subject").bare, reflect.ValueOf(s).Elem())
		subjects = append(subjects, s)
	}
	for i := range n {
		c := ChangeInput{}
		scatter(r, shapes[0].shape, reflect.ValueOf(&c).Elem())
		c.Change.ID, c.Subject = fmt.Sprintf("grant %d", i), subjects[r.IntN(len(subjects))]
		in.Changes = append(in.Changes, c)
		p := PrincipalInput{}
		scatter(r, shapes[1].shape, reflect.ValueOf(&p).Elem())
		p.Principal = subjects[r.IntN(len(subjects))]
		for k := range p.Holdings {
			p.Holdings[k].Change = fmt.Sprintf("grant %d", r.IntN(n))
		}
		for k := range p.Roles {
			p.Roles[k].Change = fmt.Sprintf("grant %d", r.IntN(n))
		}
		in.Principals = append(in.Principals, p)
	}
	scatter(r, shapes[2].shape, reflect.ValueOf(&in.Plan).Elem())
	return in
}

func (s *shape) mustField(name string) *shape {
	f, _ := s.field(name)
	return f.shape
}

var stock = []string{"alice", "bob", "erp", "bank", "system3", "contractor", "employee", "erp/role/pay", "bank/team/approve", "member", "admin", "role0", "team/t0",
	"s3:*", "role/*", "T-1", " ", "", "carol é 漢"}

// scatter fills a value at random.
func scatter(r *rand.Rand, s *shape, v reflect.Value) {
	if s.bare != nil {
		if r.IntN(10) > 0 {
			v.Set(reflect.New(s.typ))
			scatter(r, s.bare, v.Elem())
		}
		return
	}
	switch s.kind {
	case reflect.String:
		if s.enum != nil {
			v.SetString(s.enum[r.IntN(len(s.enum))])
		} else {
			v.SetString(stock[r.IntN(len(stock))])
		}
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int:
		v.SetInt([]int64{-1, 0, 1, 29, 31, 91, 101, 400, 511, 512, 36500}[r.IntN(11)])
	case reflect.Slice:
		n := r.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			scatter(r, s.elem, v.Index(i))
		}
	case reflect.Map:
		if r.IntN(3) == 0 {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for _, k := range []string{"department", "employment", "erp"}[:r.IntN(4)] {
			e := reflect.New(v.Type().Elem()).Elem()
			scatter(r, s.elem, e)
			v.SetMapIndex(reflect.ValueOf(k), e)
		}
	case reflect.Struct:
		for _, f := range s.fields {
			scatter(r, f.shape, v.Field(f.index))
		}
	}
}
