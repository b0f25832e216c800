package gen_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/connectors/file"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/gen"
	"github.com/accordhq/accord/engine/resolve"
)

func organisation(t *testing.T, o gen.Options) *gen.Organisation {
	t.Helper()
	org, err := gen.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return org
}

func size(t *testing.T, name string) gen.Size {
	t.Helper()
	s, err := gen.SizeOf(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// everything is all that an organisation says, as text.
func everything(t *testing.T, o *gen.Organisation) string {
	var b bytes.Buffer
	for _, f := range o.Files() {
		fmt.Fprintf(&b, "%s\n%s", f.Path, f.Data)
	}
	for _, name := range o.Systems() {
		if err := gen.WriteState(&b, o.Live(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.WriteHistory(&b, "main", 40); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestSame holds the bytes to what they were: a benchmark of today can be compared with one of
// last year only if both were about the same company.
func TestSame(t *testing.T) {
	for name, want := range map[string]string{"S": "9b60f3a5b7f35cd6", "M": "7268408d3bc1b7cb"} {
		text := everything(t, organisation(t, gen.Options{Size: size(t, name), Seed: 1, Drift: 0.02}))
		sum := sha256.Sum256([]byte(text))
		if got := hex.EncodeToString(sum[:8]); got != want {
			t.Errorf("size %s, seed 1: the bytes have the digest %s, not %s", name, got, want)
		}
	}
	s := size(t, "S")
	one, again := organisation(t, gen.Options{Size: s, Seed: 3}), organisation(t, gen.Options{Size: s, Seed: 3})
	if everything(t, one) != everything(t, again) {
		t.Error("the same seed makes two companies")
	}
	if everything(t, one) == everything(t, organisation(t, gen.Options{Size: s, Seed: 4})) {
		t.Error("another seed makes the same company")
	}
}

// resolved resolves documents at Now.
func resolved(t *testing.T, files []declare.File) *resolve.World {
	t.Helper()
	describe := file.Type().Describe()
	r, problems := declare.Parse(files)
	problems = problems.Merge(r.Check(map[string]access.Description{"file": describe}))
	if len(problems) > 0 {
		t.Fatalf("it isn't sound: %s\n%s", problems.Summary(), problems[:min(5, len(problems))])
	}
	conns := map[string]resolve.Connector{}
	for _, s := range r.Systems {
		conns[s.ID.Value] = resolve.Connector{Describe: describe}
	}
	w, problems := resolve.Resolve(resolve.Input{Repo: r, At: gen.Now(), Connectors: conns})
	if len(problems) > 0 {
		t.Fatalf("it doesn't resolve: %s\n%s", problems.Summary(), problems[:min(5, len(problems))])
	}
	return w
}

// lines are a state as text.
func lines(s *access.State) []string {
	var out []string
	for o := range s.Objects() {
		out = append(out, fmt.Sprintf("%s %v %v", o.ID, o.Disabled, len(o.Attributes)))
	}
	for _, g := range s.Grants() {
		out = append(out, g.String())
	}
	return out
}

// TestHolds holds what the documents say, as the engine understands them, to what the
// organisation knows by its own bookkeeping: two ways to the same answer.
func TestHolds(t *testing.T) {
	for _, o := range []gen.Options{
		{Size: size(t, "S"), Seed: 1}, {Size: size(t, "S"), Seed: 2, PerFile: 7}, {Size: size(t, "S"), Seed: 3},
		{Size: size(t, "M"), Seed: 2, PerFile: 50},
		{Size: gen.Size{Name: "odd", People: 63, Grants: 777, Systems: 5}, Seed: 9},
	} {
		t.Run(fmt.Sprintf("%s-%d", o.Size.Name, o.Seed), func(t *testing.T) {
			org := organisation(t, o)
			w := resolved(t, org.Files())
			if n := len(w.Repo.People()); n != o.Size.People {
				t.Errorf("%d people, not %d", n, o.Size.People)
			}
			grants := 0
			for _, name := range org.Systems() {
				want := org.State(name)
				_, n := want.Size()
				grants += n
				if diff := cmp.Diff(lines(want), lines(w.System(name).State())); diff != "" {
					t.Errorf("%s (- as the organisation knows it, + as resolved):\n%s", name, diff)
				}
			}
			if grants != o.Size.Grants {
				t.Errorf("%d grants, not %d", grants, o.Size.Grants)
			}
		})
	}
}

// TestBelievable: what makes organisations hard is there.
func TestBelievable(t *testing.T) {
	w := resolved(t, organisation(t, gen.Options{Size: size(t, "M"), Seed: 1}).Files())
	status := map[access.HolderStatus]int{}
	var services, contractors, windows, byHand, nested int
	for _, p := range w.Repo.People() {
		_, st, _, _ := w.Person(p.ID.Value)
		status[st]++
		if p.Service {
			services++
		}
		for _, v := range p.Get("employment") {
			if v.Value == "contractor" {
				contractors++
			}
		}
	}
	for _, g := range w.Repo.Groups() {
		for i := range g.Members {
			switch m := &g.Members[i]; {
			case m.Windowed():
				windows++
			case m.Kind == declare.TermPerson:
				byHand++
			case m.Kind == declare.TermGroup:
				nested++
			}
		}
	}
	if status[access.HolderLeft] < 30 || status[access.HolderUpcoming] < 10 || status[access.HolderLeave] < 10 ||
		services < 10 || contractors < 100 || windows < 100 || byHand < 1000 || nested < 100 {
		t.Errorf("statuses %v, %d services, %d contractors, %d windowed members, %d by hand, %d nested", status, services, contractors, windows, byHand, nested)
	}
}

// TestDrift: the share that differs is about the one asked for, and State stays as it is.
func TestDrift(t *testing.T) {
	const share = 0.05
	org := organisation(t, gen.Options{Size: size(t, "M"), Seed: 1, Drift: share})
	still := organisation(t, gen.Options{Size: size(t, "M"), Seed: 1})
	differ := 0
	for _, name := range org.Systems() {
		if !slices.Equal(lines(org.State(name)), lines(still.State(name))) || !slices.Equal(lines(still.Live(name)), lines(still.State(name))) {
			t.Errorf("%s: drift changes what is declared", name)
		}
		want, live := map[string]bool{}, 0
		for _, g := range org.State(name).Grants() {
			want[g.String()] = true
		}
		for _, g := range org.Live(name).Grants() {
			if want[g.String()] {
				live++
			} else {
				differ++
			}
		}
		differ += len(want) - live
	}
	if got := float64(differ) / float64(org.Size.Grants); got < share*0.8 || got > share*1.3 {
		t.Errorf("%.3f of the grants differ, not about %v", got, share)
	}
}

// TestHistory: every commit holds a sound declaration, and the last one is Files.
func TestHistory(t *testing.T) {
	org := organisation(t, gen.Options{Size: size(t, "S"), Seed: 1, PerFile: 3})
	tree := map[string][]byte{}
	n := 0
	for c := range org.History(12) {
		if n++; n > 1 && len(c.Files) != 1 {
			t.Errorf("%q changes %d files", c.Message, len(c.Files))
		}
		for _, f := range c.Files {
			if bytes.Equal(tree[f.Path], f.Data) {
				t.Errorf("%q doesn't change %s", c.Message, f.Path)
			}
			if tree[f.Path] = f.Data; f.Data == nil {
				delete(tree, f.Path)
			}
		}
		resolved(t, filesOf(tree))
	}
	if n != 12 {
		t.Errorf("%d commits, not 12", n)
	}
	if diff := cmp.Diff(org.Files(), filesOf(tree)); diff != "" {
		t.Errorf("the last commit isn't Files:\n%s", diff)
	}
}

func filesOf(tree map[string][]byte) []declare.File {
	var out []declare.File
	for p, data := range tree {
		out = append(out, declare.File{Path: p, Data: data})
	}
	slices.SortFunc(out, func(a, b declare.File) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// TestImpossible: what can't be made is refused.
func TestImpossible(t *testing.T) {
	for text, o := range map[string]gen.Options{
		"people are too few":  {Size: gen.Size{People: 10, Grants: 100, Systems: 3}},
		"systems are too few": {Size: gen.Size{People: 100, Grants: 1000, Systems: 2}},
		"the rules alone":     {Size: gen.Size{People: 100, Grants: 100, Systems: 3}},
		"isn't a share":       {Size: size(t, "S"), Drift: 2},
	} {
		if _, err := gen.New(o); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, not %q", err, text)
		}
	}
	if _, err := gen.SizeOf("XXL"); err == nil {
		t.Error("there is a size XXL")
	}
}
