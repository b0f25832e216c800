package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestStrict: what OPA would accept and never fire, or fire by chance, is an error that says
// what to do. Each case is a module of package accord beside sound ones.
func TestStrict(t *testing.T) {
	beside := []Source{
		file("lib.rego", "package lib.dates\n\nfar(x) if x > 3\n"),
		file("use.rego", "package accord\n\nwarn_use contains \"x\" if data.lib.dates.far(data.limits.days)\n"),
		file("d.yaml", "limits: {days: 3, by: {erp: 1}, list: [1]}\n"),
	}
	for _, tt := range []struct {
		name, text string
		want       []string // none: it's fine
	}{
		{"other policies", `deny contains "x" if rego.parse_module("a", "b")`, []string{"p.rego:3:", "rego.parse_module", "not other policies"}},
		{"name look-up", `deny contains "x" if net.lookup_ip_addr("a")`, []string{"net.lookup_ip_addr", "no network"}},
		{"an identity", `deny contains uuid.rfc4122("x")`, []string{"uuid.rfc4122", "no randomness"}},
		{"a schema from the net", `deny contains "x" if json.match_schema({}, {})[0]`, []string{"json.match_schema", "no network"}},
		{"the environment", `deny contains "x" if env.HOME`, []string{"env is unsafe"}},
		{"the machine's time zone", `deny contains "x" if time.clock([1, "Local"])[0] == 3`, []string{"p.rego:3:37", "whatever machine"}},
		{"another time zone", `deny contains "x" if time.clock([1, "Europe/Berlin"])[0] == 3`, nil},
		{"a place called Local", `deny contains "x" if input.system.id == "Local"`, nil},
		{"a default", "default deny := set()\n\ndeny contains \"x\"", []string{"p.rego:3:1", "must be a set of results"}},
		{"a function", "warn contains \"x\"\n\ndeny(x) if x", []string{"p.rego:5:1", "must be a set of results"}},
		{"a part of a set", `deny.foo contains "x"`, []string{"must be a set of results"}},
		{"a rule in another package that judges", "warn contains \"x\"\n\nprincipal.deny contains \"x\"", []string{"p.rego:5:1", "principal.deny would be in package accord.principal"}},
		{"a rule in a built-in one", "warn contains \"x\"\n\nbuiltin.change_window.open := true", []string{"p.rego:5:1", "accord.builtin.change_window, which is reserved"}},
		{"a rule in the fixtures", "warn contains \"x\"\n\nfixture.change := {}", []string{"accord.fixture, which is reserved"}},
		{"two underscores", "warn contains \"x\"\n\ndeny__a contains \"x\"", []string{"deny__a judges nothing", `did you mean "deny_a"?`}},
		{"an underscore at the end", "warn contains \"x\"\n\ndeny_ contains \"x\"", []string{`did you mean "deny"?`}},
		{"another letter", "warn contains \"x\"\n\ndeny_größe contains \"x\"", []string{"p.rego:5:8"}},
		{"another word", "warn contains \"x\"\n\nfail contains \"x\"", []string{"fail judges nothing and nothing refers to it", "deny, violation"}},
		{"a longer word", "deny contains \"x\"\n\nwarning contains \"x\"", []string{`did you mean "warn"?`}},
		{"another word that is used", "deny contains \"x\" if some f in fail\n\nfail contains \"x\"", nil},
		{"misspelt data", `deny contains "x" if data.limts.days > 3`, []string{"p.rego:3:", "undefined ref: data.limts", `did you mean "limits"?`}},
		{"misspelt data below", `deny contains "x" if data.limits.dayz > 3`, []string{"undefined ref: data.limits.dayz", `did you mean "days"?`}},
		{"a field of a number", `deny contains "x" if data.limits.days.max > 3`, []string{"undefined ref: data.limits.days.max"}},
		{"data by a variable", `deny contains "x" if data.limits.by[input.change.system] > 3`, nil},
		{"data in a list", `deny contains "x" if data.limits.list[_] > 3`, nil},
		{"misspelt import", "import data.nowhere\n\ndeny contains \"x\" if nowhere.x", []string{"p.rego:5:", "undefined ref: data.nowhere"}},
		{"misspelt package", "import data.lib\n\ndeny contains \"x\" if not lib.datez.far", []string{"undefined ref: data.lib.datez", `did you mean "dates"?`}},
		{"parameters of a rule that is off", `deny contains "x" if data.params.temporary_acces.max_days > 3`, []string{"undefined ref: data.params.temporary_acces"}},
		{"metadata that isn't YAML", "# METADATA\n# title: [\ndeny contains \"x\"", []string{"p.rego:"}},
		{"misspelt metadata", "# METADATA\n# titel: foo\ndeny contains \"x\"", []string{"p.rego:3:1", `has no "titel"`, `did you mean "title"?`}},
		{"metadata in the wrong place", "# METADATA\n# severity: high\ndeny contains \"x\"", []string{`has no "severity"`, "custom.severity"}},
		{"misspelt custom metadata", "# METADATA\n# custom:\n#   severty: high\ndeny contains \"x\"", []string{"custom.severty", `did you mean "severity"?`}},
		{"custom metadata of one's own", "# METADATA\n# custom:\n#   ticket: OPS-1\ndeny contains \"x\"", nil},
		{"severity that is no text", "# METADATA\n# custom:\n#   severity: 3\ndeny contains \"x\"", []string{"custom.severity", "must be a text"}},
		{"metadata twice", "# METADATA\n# title: a\n\n# METADATA\n# title: b\ndeny contains \"x\"", []string{"p.rego:6:1", "two blocks"}},
		{"a misspelt field in every", "deny contains \"x\" if every r in input.change.reasons { r.tickt == \"\" }", []string{"p.rego:3:58", "tickt", `did you mean "ticket"?`}},
		{"a misspelt field in a template", "deny contains $\"hello {input.change.opp}\"", []string{`did you mean "op"?`}},
		{"a number and a text", `deny contains "x" if input.change.days_left > "3"`, []string{"p.rego:3:22", "input.change.days_left is a number", "compare like with like"}},
		{"a member of a text", `deny contains "x" if "add" in input.change.op`, []string{"nothing is in input.change.op: it is a text"}},
		{"input by another name", `deny contains "x" if { input := {"change": 1}; input.change == 1 }`, []string{"shadow input"}},
		{"itself", `deny contains "x" if count(deny) > 0`, []string{"recursive"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile(t.Context(), append(slices.Clone(beside), file("p.rego", "package accord\n\n"+tt.text+"\n")), Options{Rules: allOn()})
			if len(tt.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrCompile) {
				t.Fatalf("got %v", err)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q stands not in: %v", w, err)
				}
			}
		})
	}
}

// TestFiles: files that hide each other or aren't what they should be.
func TestFiles(t *testing.T) {
	sound := file("p.rego", "package accord\n\ndeny contains \"x\" if data.lib.a.x == 1\n")
	lib := file("l.rego", "package lib.a\n\nx := 1\n")
	for name, tt := range map[string]struct {
		source Source
		want   string
	}{
		"data over a package":     {file("d.yaml", "lib: {a: {x: 2}}\n"), "d.yaml: data.lib is package lib.a of l.rego already; choose another key"},
		"data before a package":   {file("d.yaml", "lib: [1]\n"), "data.lib is package lib.a"},
		"data over the packages":  {file("d.yaml", "accord: {}\n"), "data.accord is reserved"},
		"a package over fixtures": {file("f.rego", "package accord.fixture\n\nx := 1\n"), "accord.fixture is reserved"},
		"a disguised package":     {file("f.rego", "package accord[\"b\\u0075iltin\"].temporary_access\n\ndeny contains \"x\"\n"), "reserved"},
		"deep data":               {file("d.json", `{"a":`+strings.Repeat("[", 1<<20)+strings.Repeat("]", 1<<20)+"}"), "more than 100 deep"},
		"deep YAML":               {file("d.yaml", "a: "+strings.Repeat("[", 200)+strings.Repeat("]", 200)), "more than 100 deep"},
		"huge data":               {file("d.yaml", "a: "+strings.Repeat("x", maxData)), "has 16 MiB; 16 are allowed"},
		"another encoding":        {Source{"d.json", []byte("{\"a\": \"\xff\"}")}, "isn't UTF-8"},
		"Rego in UTF-16":          {Source{"q.rego", []byte("\xff\xfep\x00a\x00")}, "q.rego:1:1"},
		"another ending":          {file("q.REGO", "package accord\n"), "neither Rego nor data"},
		"two titles":              {file("q.rego", "# METADATA\n# title: A\npackage accord\n"), "q.rego"},
	} {
		t.Run(name, func(t *testing.T) {
			sources := []Source{sound, lib, tt.source}
			if name == "two titles" {
				sources[0] = file("p.rego", "# METADATA\n# title: B\npackage accord\n\ndeny contains \"x\" if data.lib.a.x == 1\n")
			}
			_, err := Compile(t.Context(), sources, Options{})
			if !errors.Is(err, ErrCompile) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	judge(t, Options{}, sound, lib, Source{"q.rego", []byte("\xef\xbb\xbfpackage accord\n\ndeny contains \"größer\" if input.change.principal == \"größe\"\n")})
}

// TestBuiltinsStandAlone: nothing in a policy folder changes what a built-in rule says, except
// an exception, which says so.
func TestBuiltinsStandAlone(t *testing.T) {
	o := Options{Rules: map[string]any{"no_wildcard_admin": nil}, Attributes: []string{"department", "employment"}}
	in := one(func(c *ChangeInput) { c.Change.Op, c.Change.Permission = "add", "*" })
	for name, tt := range map[string]struct {
		text string
		want Kind
	}{
		"its input replaced":  {`deny_other contains "y" if count(data.accord.builtin.no_wildcard_admin.deny) == 9 with input.change.permission as "read"`, Deny},
		"its data replaced":   {`deny_other contains "y" if count(data.accord.builtin.no_wildcard_admin.deny) == 9 with data.params.no_wildcard_admin.except as ["person00000"]`, Deny},
		"itself replaced":     {`deny_other contains "y" if count(data.accord.builtin.no_wildcard_admin.deny) == 9 with data.accord.builtin.no_wildcard_admin.deny as set()`, Deny},
		"a function replaced": {`deny_other contains "y" if count(data.accord.builtin.no_wildcard_admin.deny) == 9 with sprintf as "other"`, Deny},
		"an exception":        {`exception contains ["no_wildcard_admin"]`, Exception},
		"a rule like it":      {`warn_no_wildcard_admin contains "y" if input.change.op == "remove"`, Deny},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := judge(t, o, file("p.rego", "package accord\n\nwarn_always contains \"z\"\n\n"+tt.text+"\n")).Judge(t.Context(), in)
			if err != nil || len(got) != 2 || !slices.ContainsFunc(got, func(r Result) bool { return r.Kind == tt.want && r.Rule == "no_wildcard_admin" }) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestCheckExemptions(t *testing.T) {
	j := judge(t, Options{Rules: map[string]any{"segregation_of_duties": allOn()["segregation_of_duties"]}}, file("p.rego", "package accord\n\ndeny_friday contains \"x\"\n"))
	errs := j.CheckExemptions([]Exemption{
		{ID: "ok", Rule: "segregation_of_duties", Who: []string{"alice"}, Until: now.Add(-time.Hour)},
		{ID: "suffix", Rule: "friday", Who: []string{"alice"}},
		{ID: "misspelt", Rule: "segregation_of_duty", Who: []string{"alice"}, File: "exempt/a.yaml", Line: 2},
		{ID: "nobody", Rule: "deny_friday", File: "exempt/b.yaml", Line: 1},
		{ID: "all", Who: []string{"alice"}, File: "exempt/c.yaml"},
	})
	want := []string{
		`exempt/a.yaml:2: exemption misspelt is from the rule "segregation_of_duty", which isn't there; did you mean "segregation_of_duties"?`,
		"exempt/b.yaml:1: exemption nobody is for nobody; name people under who",
		`exempt/c.yaml: exemption all is from the rule "", which isn't there; there are deny_friday, segregation_of_duties`,
	}
	if got := strings.Split(errs.Error(), "\n"); !slices.Equal(got, want) {
		t.Errorf("got %s", errs)
	}
}
