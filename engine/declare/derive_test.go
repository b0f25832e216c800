package declare

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/accordhq/accord/engine/access"
)

// among is a random declaration in which documents name each other in all the ways in which one can
// make another wrong.
func among(r *rand.Rand) map[string]string {
	out := map[string]string{configFile: "version: 1\nattributes: {dept: {values: [a, b]}, site: {}}\n",
		"s.yaml": "system: s\nconnector: c\nowners: [p0]\nresources: {role/x: {}}\n"}
	for i := range 6 {
		out[fmt.Sprintf("p%d.yaml", i)] = amongPerson(r, i, true)
	}
	for i := range 4 {
		out[fmt.Sprintf("g%d.yaml", i)] = amongGroup(r, i, true)
		out[fmt.Sprintf("r%d.yaml", i)] = amongRole(r, i, true)
	}
	return out
}

func oneOf(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

func amongPerson(r *rand.Rand, i int, sound bool) string {
	text := fmt.Sprintf("person: p%d\nattributes: {dept: %s, site: x}\n", i, oneOf(r, "a", "b"))
	if !sound {
		text = oneOf(r, text, text, text, fmt.Sprintf("person: p%d\nattributes: {dept: a}\n", i), fmt.Sprintf("service: p%d\nowners: [p%d]\nattributes: {dept: a, site: y}\n", i, r.IntN(6)),
			fmt.Sprintf("person: p%d\nattributes: {dept: c, site: x}\n", i), fmt.Sprintf("person: p%d\npreviously: [q%d]\nattributes: {dept: a, site: x}\n", i, r.IntN(3)),
			fmt.Sprintf("person: q%d\nattributes: {dept: a, site: x}\n", r.IntN(3)), fmt.Sprintf("person: p%d\nnmae: x\n", i))
		text += fmt.Sprintf("manager: p%d\n", r.IntN(6))
		if strings.HasPrefix(text, "service") {
			text = strings.Split(text, "manager")[0]
		}
		return text
	}
	if i > 0 {
		text += fmt.Sprintf("manager: p%d\n", r.IntN(i))
	}
	return text
}

func amongGroup(r *rand.Rand, i int, sound bool) string {
	below := max(i, 1)
	if !sound {
		below = 4
	}
	text := fmt.Sprintf("group: g%d\nmembers: [p%d, {reports: p%d}", i, r.IntN(6), r.IntN(6))
	if i > 0 || !sound {
		text += fmt.Sprintf(", {group: g%d}", r.IntN(below))
	}
	if !sound {
		text += oneOf(r, "", "", ", {person: p1, until: 2027-01-01}", ", p9")
	}
	text += "]\n"
	if i == 3 {
		text += oneOf(r, "except: [{match: {site: x}}]\n", "except: [{group: g0}]\n", "owners: [p1, {group: g0}]\n"[:0])
	}
	return text
}

func amongRole(r *rand.Rand, i int, sound bool) string {
	text := fmt.Sprintf("role: r%d\naccess: {s: [%s]}\n", i, oneOf(r, "role/x", "{role/y: admin}"))
	if i > 0 && sound {
		text += fmt.Sprintf("includes: [r%d]\n", r.IntN(i))
	}
	if !sound {
		text += fmt.Sprintf("includes: [r%d]\n", r.IntN(5)) + oneOf(r, "", "exclusive: [r1]\n")
	}
	return text + fmt.Sprintf("---\ngrant: a%d\nto: [p%d, {group: g%d}]\nroles: [r%d]\n", i, r.IntN(6), r.IntN(4), i)
}

// TestDerived: a revision that differs in a few files from a sound one is the same, and as sound or
// as wrong, whether it is put together anew or derived from that.
func TestDerived(t *testing.T) {
	desc := map[string]access.Description{"c": {Kinds: []access.Kind{{Name: "role", Usual: "member", Subjects: []string{access.KindAccount, "role"},
		Permissions: []access.Permission{{Name: "member"}, {Name: "admin"}}, Actions: []access.Action{access.Create}}}}}
	derived, quick, wrong := 0, 0, 0
	for seed := range uint64(800) {
		r := rand.New(rand.NewPCG(seed, 8))
		tree := among(r)
		from, problems := ParseBeside(filesOf(tree), Known{})
		if problems = problems.Merge(from.Check(desc)); len(problems) > 0 {
			t.Fatalf("seed %d: %v", seed, problems)
		}
		next := maps.Clone(tree)
		for range 1 + r.IntN(2) {
			switch i := r.IntN(4); r.IntN(7) {
			case 0, 1, 2, 3:
				n := r.IntN(6)
				next[fmt.Sprintf("p%d.yaml", n)] = amongPerson(r, n, false)
			case 4:
				next[fmt.Sprintf("g%d.yaml", i)] = amongGroup(r, i, false)
			case 5:
				next[fmt.Sprintf("r%d.yaml", i)] = amongRole(r, i, false)
			case 6:
				delete(next, oneOf(r, slices.Sorted(maps.Keys(next))[1:]...))
			}
			if r.IntN(6) == 0 {
				next["new.yaml"] = oneOf(r, "person: q1\nattributes: {dept: a, site: x}\n", "person: q1\nattributes: {dept: a}\n", "group: q\nmembers: [p1]\n")
			}
		}
		files := filesOf(next)
		want, problems := ParseBeside(files, Known{})
		problems = problems.Merge(want.Check(desc))
		got, found := ParseBeside(files, Known{Repo: from, Connectors: desc})
		if got.derived != nil {
			derived++
			if newChecker(got, desc).quick() {
				quick++
			}
		}
		found = found.Merge(got.Check(desc))
		if diff := cmp.Diff(problems, found); diff != "" {
			t.Fatalf("seed %d: problems (- anew, + derived)\n%s", seed, diff)
		}
		if diff := cmp.Diff(documentsOf(want), documentsOf(got), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d: (- anew, + derived)\n%s", seed, diff)
		}
		if (got.sound != nil && got.clean) != (len(problems) == 0) {
			t.Fatalf("seed %d: sound is %v, with %d problems", seed, got.sound != nil, len(problems))
		}
		// The files are the same, too: what is derived of this one in turn relies on them.
		sameFiles(t, want, got)
		d := got.DifferenceTo(from)
		if len(d.People)+len(d.Groups)+len(d.Roles)+len(d.Grants) == 0 && !d.Rest && !maps.Equal(tree, next) {
			t.Fatalf("seed %d: no difference", seed)
		}
		wrong += min(1, len(problems))
	}
	t.Logf("%d derived, %d found sound by what differs, %d wrong", derived, quick, wrong)
	if derived < 400 || quick < 60 || wrong < 100 {
		t.Errorf("%d derived, %d found sound by what differs, %d wrong: the test looks at too little", derived, quick, wrong)
	}
}

func sameFiles(t *testing.T, want, got *Repository) {
	t.Helper()
	a, b := want.files.all(), got.files.all()
	if len(a) != len(b) || got.files.len() != len(b) {
		t.Fatalf("%d files, should be %d", len(b), len(a))
	}
	for i, p := range b {
		if p.file != a[i].file || p.blob != a[i].blob || got.files.get(p.file) != p || got.files.blob(p.file) != p.blob {
			t.Fatalf("the file %s is %s", a[i].file, p.file)
		}
	}
}
