package declare

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/accordhq/accord/engine/access"
)

// keptWorld is a small company with everything that is looked up by an index.
func keptWorld(r *rand.Rand) map[string]string {
	out := among(r)
	out["s.yaml"] = "system: s\nconnector: c\nowners: [p0]\nresources: {role/x: {}}\naccounts: {name: \"{attributes.dept}\"}\n"
	out["more.yaml"] = fmt.Sprintf(`people:
  - person: z%d
    previously: [y%d]
    ends: 2026-%02d-17
    attributes: {dept: a, site: x}
    accounts: {s: Zz}
    email: KK@acme.example
---
service: bot
owners: [p1]
attributes: {dept: b, site: x}
---
group: wide
members: [{not: p1}]
---
group: some
members: [{match: {dept: %s, site: "*"}}, {person: p3, from: 2026-05-05, until: 2027-01-01T12:00:00Z}, {all: [{match: {site: x}}, p2]}, {any: [{match: {site: [x, y]}}]}]
---
grant: dated
to: [{person: p4, until: 2026-08-01}, p5]
access: {s: [role/x]}
until: 2027-02-02
`, r.IntN(3), r.IntN(3), 1+r.IntN(12), oneOf(r, "a", "b"))
	if r.IntN(2) == 0 {
		out["exclusive.yaml"] = "role: one\nexclusive: [r0]\naccess: {s: [role/x]}\n"
	}
	return out
}

var keptConnectors = map[string]access.Description{"c": {Kinds: []access.Kind{{Name: "role", Usual: "member", Subjects: []string{access.KindAccount, "role"},
	Permissions: []access.Permission{{Name: "member"}, {Name: "admin"}}, Actions: []access.Action{access.Create}}}}}

// contentIsName is for files whose content is its own name.
func contentIsName(_, blob string) []byte { return []byte(blob) }

// changed are the paths of one tree that aren't in another, and the files that differ there.
func changed(from, to map[string]string) (gone []string, come []File) {
	for path := range from {
		if _, ok := to[path]; !ok {
			gone = append(gone, path)
		}
	}
	for path, text := range to {
		if from[path] != text {
			come = append(come, File{Path: path, Blob: text, Data: []byte(text)})
		}
	}
	return gone, come
}

// TestKept: a repository that is read out of a record document by document, and revisions made of
// it, are what parsing all files gives: documents, problems, and what is found by an index.
func TestKept(t *testing.T) {
	made, wrong := 0, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 9))
		tree := keptWorld(r)
		from, problems := ParseBeside(filesOf(tree), Known{})
		if problems = problems.Merge(from.Check(keptConnectors)); len(problems) > 0 {
			t.Fatalf("seed %d: %v", seed, problems)
		}
		c, err := OpenCompiled(string(from.Compile()))
		if err != nil {
			t.Fatal(err)
		}
		kept := c.Kept(keptConnectors, contentIsName)
		if kept == nil {
			t.Fatalf("seed %d: nothing was kept", seed)
		}
		if seed%10 == 0 {
			sameIndex(t, from, kept)
		}
		next := maps.Clone(tree)
		for range r.IntN(3) {
			switch i := r.IntN(4); r.IntN(5) {
			case 0, 1:
				n := r.IntN(6)
				next[fmt.Sprintf("p%d.yaml", n)] = amongPerson(r, n, false)
			case 2:
				next[fmt.Sprintf("g%d.yaml", i)] = amongGroup(r, i, false)
			case 3:
				next[fmt.Sprintf("r%d.yaml", i)] = amongRole(r, i, false)
			case 4:
				delete(next, oneOf(r, slices.Sorted(maps.Keys(next))[1:]...))
			}
			if r.IntN(5) == 0 {
				next["a-new.yaml"] = oneOf(r, "person: q1\nattributes: {dept: a, site: x}\nmanager: p1\n", "group: q\nmembers: [p1]\n")
			}
		}
		gone, come := changed(tree, next)
		got := kept.Derive(gone, come, Known{Connectors: keptConnectors, Compiled: c, Text: contentIsName})
		want, problems := ParseBeside(filesOf(next), Known{})
		problems = problems.Merge(want.Check(keptConnectors))
		if got == nil {
			continue
		}
		made++
		if r.IntN(2) == 0 {
			sameIndex(t, want, got) // before anything else was read
		}
		found := got.Check(keptConnectors)
		if diff := cmp.Diff(problems, found); diff != "" {
			t.Fatalf("seed %d: problems (- parsed, + kept)\n%s", seed, diff)
		}
		if len(problems) > 0 {
			wrong++
			continue
		}
		sameIndex(t, want, got)
		if diff := cmp.Diff(documentsOf(want), documentsOf(got), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d: (- parsed, + kept)\n%s", seed, diff)
		}
		sameFiles(t, want, got)
		sameDates(t, r, want, got)
		if diff := cmp.Diff(want.DifferenceTo(from), got.DifferenceTo(kept)); diff != "" {
			t.Fatalf("seed %d: difference (- parsed, + kept)\n%s", seed, diff)
		}
		if again := got.Compile(); string(again) != string(want.Compile()) {
			t.Fatalf("seed %d: the record of what was kept is another one", seed)
		}
	}
	t.Logf("%d made of what was kept, %d of them wrong", made, wrong)
	if made < 200 || wrong < 50 || made-wrong < 50 {
		t.Errorf("%d made of what was kept, %d of them wrong: the test looks at too little", made, wrong)
	}
}

// passed are the documents that Passed has to name.
func passed(r *Repository, after, upTo time.Time) (out []string) {
	for _, doc := range slices.Concat(asDocuments(r.People()), asDocuments(r.Groups()), asDocuments(r.Grants())) {
		if slices.ContainsFunc(datesIn(doc, time.UTC), func(at int64) bool { return after.UnixMilli() < at && at <= upTo.UnixMilli() }) {
			out = append(out, doc.kind()+" "+doc.id().Value)
		}
	}
	return out
}

func asDocuments[D document](docs []D) (out []document) {
	for _, d := range docs {
		out = append(out, d)
	}
	return out
}

// sameDates holds what the index says of dates to what all documents do.
func sameDates(t *testing.T, r *rand.Rand, want, got *Repository) {
	t.Helper()
	after := time.Date(2026, 1, 1+r.IntN(500), r.IntN(24), 0, 0, 0, time.UTC)
	upTo := after.AddDate(0, 0, r.IntN(200))
	people, groups, grants, ok := got.Passed(after, upTo)
	found := slices.Concat(asDocuments(people), asDocuments(groups), asDocuments(grants))
	for _, name := range passed(want, after, upTo) {
		if !ok || !slices.ContainsFunc(found, func(d document) bool { return d.kind()+" "+d.id().Value == name }) {
			t.Fatalf("a date of %s lies between %s and %s", name, after, upTo)
		}
	}
	next, ok := got.NextDate(after)
	if !ok || next.IsZero() && len(passed(want, after, after.AddDate(100, 0, 0))) > 0 || !next.IsZero() && len(passed(want, after, next.Add(-time.Millisecond))) > 0 {
		t.Fatalf("the next date after %s isn't %s", after, next)
	}
}

// sameIndex holds what is looked up to what looking at everything gives.
func sameIndex(t *testing.T, want, got *Repository) {
	t.Helper()
	if want.NumPeople() != got.NumPeople() || want.ReportsMatter() && !got.ReportsMatter() {
		t.Fatalf("%d people, should be %d; reports matter: %v, %v", got.NumPeople(), want.NumPeople(), got.ReportsMatter(), want.ReportsMatter())
	}
	for key := range want.neededKeys() {
		if !got.neededKeys()[key] {
			t.Fatalf("everybody needs %s", key)
		}
	}
	for name, of := range map[string]func(*Repository) any{
		"renamed":   func(r *Repository) any { return r.RenamedPeople() },
		"exclusive": func(r *Repository) any { return idsOfDocs(r.Exclusive()) },
		"services":  func(r *Repository) any { return r.Services() },
	} {
		if diff := cmp.Diff(of(want), of(got), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s: (- all, + index)\n%s", name, diff)
		}
	}
	for i, p := range want.People() {
		at, ok := got.FindPerson(p.ID.Value)
		if !ok || at != i || got.PersonAt(i).ID != p.ID || got.Person(p.ID.Value) != got.PersonAt(i) {
			t.Fatalf("%s is at %d (%v), should be at %d", p.ID.Value, at, ok, i)
		}
		if diff := cmp.Diff(want.Team(p.ID.Value), got.Team(p.ID.Value), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("who reports to %s: (- all, + index)\n%s", p.ID.Value, diff)
		}
		if rule := got.Systems[0].Accounts.Name.Value; len(p.Get("dept")) > 0 {
			found, ok := got.Called(p.Get("dept")[0].Value, rule, "s")
			if !ok || !slices.Contains(found, i) {
				t.Fatalf("%s isn't called %s: %v, %v", p.ID.Value, p.Get("dept")[0].Value, found, ok)
			}
		}
		if p.Email.Value != "" && want.ByEmail(strings.ToUpper(p.Email.Value)).ID != got.ByEmail(strings.ToUpper(p.Email.Value)).ID {
			t.Fatalf("%s isn't whose address that is", p.ID.Value)
		}
		for _, a := range p.Accounts {
			if found, ok := got.Called("zZ", usualName, a.Key.Value); !ok || !slices.Contains(found, i) {
				t.Fatalf("%s isn't called zz: %v, %v", p.ID.Value, found, ok)
			}
		}
	}
	if _, ok := got.FindPerson("nobody"); ok || got.Person("nobody") != nil || got.Group("nothing") != nil || got.Grant("") != nil || got.ByEmail("x@y.example") != nil || got.ByEmail("") != nil {
		t.Fatal("what isn't there was found")
	}
}

func idsOfDocs[D document](docs []D) (out []string) {
	for _, d := range docs {
		out = append(out, d.id().Value)
	}
	return out
}

// TestAbout: no group nor grant is left out that may be about somebody.
func TestAbout(t *testing.T) {
	left := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 10))
		tree := keptWorld(r)
		from, problems := ParseBeside(filesOf(tree), Known{})
		if problems = problems.Merge(from.Check(keptConnectors)); len(problems) > 0 {
			t.Fatalf("seed %d: %v", seed, problems)
		}
		c, err := OpenCompiled(string(from.Compile()))
		if err != nil {
			t.Fatal(err)
		}
		next := maps.Clone(tree)
		n := r.IntN(4)
		next[fmt.Sprintf("g%d.yaml", n)] = amongGroup(r, n, false)
		next[fmt.Sprintf("p%d.yaml", n)] = amongPerson(r, n, false)
		gone, come := changed(tree, next)
		got := c.Kept(keptConnectors, contentIsName).Derive(gone, come, Known{Connectors: keptConnectors, Compiled: c, Text: contentIsName})
		if got == nil || len(got.Check(keptConnectors)) > 0 {
			continue
		}
		for _, p := range got.People() {
			groups, grants := got.About([]*Person{p})
			in := &membership{r: got, p: p}
			for _, g := range got.Groups() {
				if in.group(g, 0) && !slices.Contains(groups, g) {
					t.Fatalf("seed %d: %s may be in the group %s", seed, p.ID.Value, g.ID.Value)
				}
			}
			for _, g := range got.Grants() {
				if in.union(g.To, 0) && !slices.Contains(grants, g) {
					t.Fatalf("seed %d: the grant %s may be to %s", seed, g.ID.Value, p.ID.Value)
				}
			}
			left += len(got.Groups()) + len(got.Grants()) - len(groups) - len(grants)
		}
	}
	if left < 600 {
		t.Errorf("%d groups and grants were left out: the test looks at too little", left)
	}
}

// membership tells by the words of the language whether somebody is in a set, whatever the time.
type membership struct {
	r *Repository
	p *Person
}

func (m *membership) group(g *Group, depth int) bool {
	return g != nil && depth < 10 && m.union(g.Members, depth+1)
}

func (m *membership) union(terms []Term, depth int) bool {
	return slices.ContainsFunc(terms, func(t Term) bool { return m.term(&t, depth) })
}

func (m *membership) term(t *Term, depth int) bool {
	switch t.Kind {
	case TermPerson:
		return t.Name.Value == m.p.ID.Value
	case TermGroup:
		return m.group(m.r.Group(t.Name.Value), depth)
	case TermReports:
		for at, n := m.p, 0; at != nil && n < 10; at, n = m.r.Person(at.Manager.Value), n+1 {
			if at.Manager.Value == t.Name.Value {
				return true
			}
		}
		return false
	case TermMatch:
		for _, a := range t.Match {
			if !slices.ContainsFunc(a.Values, func(want Text) bool {
				return slices.ContainsFunc(m.p.Get(a.Key.Value), func(has Text) bool { return has.Value == want.Value || Glob(want.Value, has.Value) })
			}) {
				return false
			}
		}
		return len(t.Match) > 0
	case TermAny:
		return m.union(t.Terms, depth)
	case TermAll:
		return len(t.Terms) > 0 && !slices.ContainsFunc(t.Terms, func(in Term) bool { return !m.term(&in, depth) })
	case TermNot:
		return !m.union(t.Terms, depth)
	}
	return true
}
