package resolve

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// TestOwnersAgree: whose an account is doesn't depend on whether the connector says that it takes
// names as they are written, or what of them it changes. Without that every name is made, which is plain enough to be
// believed. Names clash here in every way that declarations and findings can make them.
func TestOwnersAgree(t *testing.T) {
	asked, owned, several := 0, 0, 0
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 3))
		const people = 9
		// Where names are folded they are written in one way or another.
		folded := seed%2 == 1
		name := func() string {
			name := fmt.Sprintf("p%d", r.IntN(people+2))
			if folded && r.IntN(2) == 0 {
				name = strings.ToUpper(name)
			}
			return name
		}
		text := "version: 1\nattributes: {login: {}}\n"
		for i := range people {
			text += fmt.Sprintf("---\nperson: p%d\nattributes: {login: %s}\n", i, name())
			switch r.IntN(4) {
			case 0:
				text += fmt.Sprintf("accounts: {sys: %s}\n", name())
			case 1:
				text += fmt.Sprintf("accounts: {other: %s}\n", name())
			}
			if r.IntN(4) == 0 {
				text += "status: left\n"
			}
		}
		rule := []string{"{person}", "{attributes.login}"}[r.IntN(2)]
		text += fmt.Sprintf("---\nsystem: sys\nconnector: plain\naccounts: {name: %q}\n---\nsystem: other\nconnector: plain\n", rule)
		found := map[string]Found{}
		for range r.IntN(3) {
			found[strings.ToLower(name())] = Found{Account: access.Account(strings.ToLower(name())), Rename: r.IntN(2) == 0}
		}
		previous, _ := declare.Parse([]declare.File{{Path: "accord.yaml", Data: []byte("version: 1\n---\nperson: p10\n---\nsystem: sys\nconnector: plain\n")}})
		resolved := func(quick bool) *Desired {
			desc := describe()
			desc.Kinds[0].Verbatim, desc.Kinds[0].Folded = quick && !folded, quick && folded
			repo, problems := declare.Parse([]declare.File{{Path: "accord.yaml", Data: []byte(text)}})
			if problems = problems.Merge(repo.Check(map[string]access.Description{"plain": desc})); len(problems) > 0 {
				t.Fatal(problems)
			}
			same := func(o access.Object) (access.Object, error) {
				if folded {
					o.ID.Name = strings.ToLower(o.ID.Name)
				}
				return o, nil
			}
			w, _ := Resolve(Input{Repo: repo, At: instant(0, never, repo.Config.Location()), Previous: []*declare.Repository{previous},
				Connectors: map[string]Connector{"sys": {Describe: desc, Normalize: same}}, Found: map[string]map[string]Found{"sys": found}})
			return w.System("sys")
		}
		quick, plain := resolved(true), resolved(false)
		for i := range people + 3 {
			id := access.Account(fmt.Sprintf("p%d", i))
			h, ok := quick.Holder(id)
			want, there := plain.Holder(id)
			if diff := cmp.Diff(want, h); diff != "" || ok != there {
				t.Fatalf("seed %d, %s: (- the plain way, + the quick)\n%s\n%s\nfound %v", seed, id, diff, text, found)
			}
			if !listed(quick, id) {
				if diff := cmp.Diff(linked(quick)[id], h); diff != "" {
					t.Fatalf("seed %d, %s: (- by all names, + as asked)\n%s\n%s\nfound %v", seed, id, diff, text, found)
				}
			}
			var a, b, should []string
			for _, p := range quick.Owners(id) {
				a = append(a, p.ID.Value)
			}
			for _, p := range plain.Owners(id) {
				b = append(b, p.ID.Value)
			}
			for _, p := range plain.People() {
				if at, ok := plain.AccountOf(p.ID.Value); ok && at == id {
					should = append(should, p.ID.Value)
				}
			}
			if cmp.Diff(should, a) != "" || cmp.Diff(should, b) != "" {
				t.Fatalf("seed %d: the owners of %s are %v, and %v the plain way; by their accounts %v\n%s\nfound %v", seed, id, a, b, should, text, found)
			}
			if asked++; ok {
				owned++
			}
			if len(a) > 1 {
				several++
			}
		}
	}
	if owned < asked/4 || several < 50 {
		t.Errorf("of %d accounts %d were somebody's, and %d that of several: the test looks at too little", asked, owned, several)
	}
}

func listed(d *Desired, id access.ID) bool {
	return slices.ContainsFunc(d.holders, func(h holding) bool { return h.Account == id })
}

// linked makes every name and puts it into a map, one person after the other.
func linked(d *Desired) map[access.ID]access.Holder {
	out := map[access.ID]access.Holder{}
	for i, p := range d.loc.list[:d.loc.gone] {
		id, _, err := d.account(p)
		if err != nil {
			continue
		}
		if _, ok := out[id]; ok && d.loc.is(int32(i)).status == access.HolderLeft {
			continue
		}
		h := access.Holder{Account: id, Person: p.ID.Value, Service: p.Service, Status: d.loc.is(int32(i)).status, Why: d.loc.is(int32(i)).why, Since: d.loc.is(int32(i)).since}
		out[id] = h
		if f, ok := d.found[p.ID.Value]; ok && f.Rename {
			h.Account = f.Account
			out[f.Account] = h
		}
	}
	return out
}
