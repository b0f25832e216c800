package resolve

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// TestHoldersAgree: who has which account, what they hold and what is wrong doesn't depend on whether
// names are made once for all systems or for each person by the document, which a world about a few
// does, even if these few are everybody; nor on what the connector says of names. Names clash in every
// way, and the systems share a rule.
func TestHoldersAgree(t *testing.T) {
	holders, clashes, found, left := 0, 0, 0, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		const people = 8
		name := func() string { return fmt.Sprintf("p%d", r.IntN(people+4)) }
		text := "version: 1\nattributes: {login: {}}\n"
		about := map[string]bool{"gone": true}
		var to []string
		for i := range people {
			id := fmt.Sprintf("p%d", i)
			about[id] = true
			login := id
			if r.IntN(4) == 0 {
				login = name()
			}
			text += fmt.Sprintf("---\nperson: %s\nattributes: {login: %s}\n", id, login)
			switch r.IntN(8) {
			case 0:
				text += fmt.Sprintf("accounts: {one: %s}\n", name())
			case 1:
				text += fmt.Sprintf("previously: [was%d]\n", i)
			}
			switch r.IntN(5) {
			case 0:
				text += "status: left\n"
			case 1:
				text += "status: leave\n"
			}
			if r.IntN(3) > 0 {
				to = append(to, id)
			}
		}
		rule := []string{"{person}", "{attributes.login}", "{attributes.login}-x"}[r.IntN(3)]
		for _, system := range []string{"one", "two"} {
			text += fmt.Sprintf("---\nsystem: %s\nconnector: plain\naccounts: {name: %q}\n", system, rule)
		}
		text += fmt.Sprintf("---\ngrant: g\nto: [%s]\naccess: {one: [team/t], two: [team/t]}\n", strings.Join(to, ", "))
		in := Input{Found: map[string]map[string]Found{"one": {}}}
		if r.IntN(3) == 0 {
			in.Found["one"][name()] = Found{Account: access.Account(name()), Rename: r.IntN(2) == 0}
		}
		if r.IntN(3) == 0 {
			before, _ := declare.Parse([]declare.File{{Path: "accord.yaml", Data: []byte("version: 1\nattributes: {login: {}}\n---\nperson: gone\nattributes: {login: " + name() +
				"}\n---\nsystem: one\nconnector: plain\naccounts: {name: '{attributes.login}'}\n")}})
			in.Previous = []*declare.Repository{before}
		}
		resolved := func(verbatim bool, about map[string]bool) (out []string, problems declare.Problems) {
			desc := access.Description{Connector: "plain", Parallel: 1, Kinds: []access.Kind{
				{Name: access.KindAccount, Actions: []access.Action{access.Create, access.Delete}, Verbatim: verbatim},
				{Name: "team", Permissions: []access.Permission{{Name: "member"}}, Usual: "member", Subjects: []string{access.KindAccount}},
			}}
			repo, problems := declare.Parse([]declare.File{{Path: "accord.yaml", Data: []byte(text)}})
			if problems = problems.Merge(repo.Check(map[string]access.Description{"plain": desc})); len(problems) > 0 {
				t.Fatalf("%v\n%s", problems, text)
			}
			same := func(o access.Object) (access.Object, error) {
				if o.ID.Name == "p7" {
					return o, fmt.Errorf("p7 can't be a name here")
				}
				return o, nil
			}
			in := in
			in.Repo, in.About, in.At = repo, about, instant(0, never, repo.Config.Location())
			in.Connectors = map[string]Connector{"one": {Describe: desc, Normalize: same}, "two": {Describe: desc, Normalize: same}}
			w, problems := Resolve(in)
			for _, d := range w.Systems {
				for h := range d.Holders() {
					out = append(out, fmt.Sprintf("%s: %s of %s (%s, was %v, wanted %v)", d.Decl.ID.Value, h.Account, h.Person, h.Status, h.Was, h.Wanted))
					if holders++; h.Status == access.HolderLeft {
						left++
					}
				}
				for o := range d.State().Objects() {
					out = append(out, fmt.Sprint(o))
				}
				for _, g := range d.State().Grants() {
					out = append(out, g.String())
				}
			}
			return out, problems
		}
		want, wrong := resolved(false, about)
		for _, way := range []struct {
			verbatim bool
			about    map[string]bool
		}{{true, nil}, {false, nil}, {true, about}} {
			got, problems := resolved(way.verbatim, way.about)
			if diff := cmp.Diff(want, got) + cmp.Diff(wrong, problems); diff != "" {
				t.Fatalf("seed %d, names made once: %v, verbatim: %v: (- each by the document, + so)\n%s\n%s\nfound %v", seed, way.about == nil, way.verbatim, diff, text, in.Found)
			}
		}
		clashes += len(wrong)
		found += len(in.Found["one"])
	}
	if holders < 3000 || clashes < 50 || found < 50 || left < 500 {
		t.Errorf("%d holders, %d of them left, %d clashes, %d found: the test looks at too little", holders, left, clashes, found)
	}
}
