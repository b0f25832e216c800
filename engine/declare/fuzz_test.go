package declare

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// FuzzParse: whatever stands in a file, Parse and Check end without a panic, say the same each
// time, and point into the file; what they accept the schema accepts.
func FuzzParse(f *testing.F) {
	schema := compileSchema(f, nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		for _, name := range []string{"x.yaml", configFile} {
			in := []File{{Path: name, Data: data}}
			if name != configFile {
				in = append(in, File{Path: configFile, Data: []byte(baseConfig)})
			}
			r, ps := load(in)
			checkProblems(t, in, ps)
			_, again := load(in)
			if diff := cmp.Diff(ps, again); diff != "" {
				t.Errorf("the second time:\n%s", diff)
			}
			if strings.ContainsAny(ps.String(), "\x1b\u202e\x00") {
				t.Errorf("a control character is shown: %q", ps.String())
			}
			if len(ps) > 0 {
				continue
			}
			checkTerms(t, r)
			for _, v := range values(t, data) {
				if err := schema.Validate(v); err != nil {
					t.Errorf("accepted, but not by the schema: %v", err)
				}
			}
		}
	})
}

// FuzzTerm: a set expression that is accepted has only forms that resolve can rely on.
func FuzzTerm(f *testing.F) {
	const rest = `
people: [{person: alice, attributes: {title: a}}, {person: bob, attributes: {title: b}}]
---
group: h
members: [alice]
---
group: w
members: [{person: alice, until: 2026-12-31}]
---
group: g
members: [`
	f.Fuzz(func(t *testing.T, terms string) {
		in := []File{{Path: configFile, Data: []byte(baseConfig)}, {Path: "x.yaml", Data: []byte(rest + terms + "\n]\n")}}
		r, ps := load(in)
		checkProblems(t, in, ps)
		if len(ps) == 0 {
			checkTerms(t, r)
		}
	})
}

func checkTerms(t *testing.T, r *Repository) {
	t.Helper()
	for _, g := range r.Groups() {
		termsHold(t, r, g.Members, false)
		termsHold(t, r, g.Only, true)
		termsHold(t, r, g.Except, true)
	}
	for _, g := range r.Grants() {
		termsHold(t, r, g.To, false)
	}
}

func termsHold(t *testing.T, r *Repository, terms []Term, negative bool) {
	t.Helper()
	for i := range terms {
		x := &terms[i]
		if x.At.Line < 1 || x.At.Col < 1 {
			t.Errorf("%+v has no place", x)
		}
		if negative && x.Windowed() {
			t.Errorf("%+v is windowed in a negative position", x)
		}
		ok := false
		switch x.Kind {
		case TermPerson:
			ok = r.Person(x.Name.Value) != nil
		case TermReports:
			ok = r.Person(x.Name.Value) != nil && !r.Person(x.Name.Value).Service
		case TermGroup:
			g := r.Group(x.Name.Value)
			ok = g != nil
			if ok && negative {
				termsHold(t, r, g.Members, true)
			}
		case TermMatch:
			ok = len(x.Match) > 0
			for _, m := range x.Match {
				ok = ok && len(m.Values) > 0
			}
		case TermAll, TermAny:
			ok = len(x.Terms) > 0
			termsHold(t, r, x.Terms, negative)
		case TermNot:
			ok = len(x.Terms) == 1 && !x.Windowed()
			termsHold(t, r, x.Terms, true)
		}
		if !ok {
			t.Errorf("%+v can't be relied on", x)
		}
	}
}

// finite reports whether JSON has a number for it.
func finite(n *yaml.Node) bool {
	var f float64
	return n.Decode(&f) == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}
