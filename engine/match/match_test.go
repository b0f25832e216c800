package match_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/match"
)

func live(t *testing.T, objects ...access.Object) *access.State {
	t.Helper()
	b := access.NewBuilder("sys").Self(access.Account("accord"))
	for _, o := range objects {
		b.Object(o)
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMatch(t *testing.T) {
	rules := []match.Rule{{By: match.ByID}, {By: match.ByAttribute, Attribute: "mail"}, {By: match.ByName}}
	person := func(id, mail string) match.Person {
		return match.Person{ID: id, Account: access.Account(id), Values: []string{"", mail, ""}}
	}
	account := func(name, native, mail string) access.Object {
		return access.Object{ID: access.Account(name), Native: native, Attributes: map[string]string{"mail": mail}}
	}
	tests := []struct {
		name     string
		people   []match.Person
		known    map[string]string
		live     []access.Object
		links    map[string]string // account → person by rule, where not called as declared
		disputes map[string]string
	}{
		{"by name, nothing to tell", []match.Person{person("ada", "")}, nil, []access.Object{account("ada", "1", "")}, nil, nil},
		{"by an attribute, whatever the case", []match.Person{person("ada", "Ada@x")}, nil, []access.Object{account("alo", "1", "aDA@X")}, map[string]string{"alo": "ada by mail"}, nil},
		{"by the id that was remembered", []match.Person{person("ada", "")}, map[string]string{"1": "ada"}, []access.Object{account("renamed", "1", "")}, map[string]string{"renamed": "ada by id"}, nil},
		{"an id without a person any more", []match.Person{person("ada", "")}, map[string]string{"1": "gone"}, []access.Object{account("renamed", "1", "")}, nil, nil},
		{"an id is never empty", []match.Person{person("ada", "")}, map[string]string{"": "ada"}, []access.Object{account("x", "", "")}, nil, nil},
		{"two people with one address", []match.Person{person("ada", "a@x"), person("ben", "a@x")}, nil, []access.Object{account("alo", "1", "a@x")}, nil,
			map[string]string{"alo": "it is ada's by mail and ben's by mail"}},
		{"the address says one, the name another", []match.Person{person("ada", "a@x"), person("ben", "")}, nil, []access.Object{account("ben", "1", "a@x")}, nil,
			map[string]string{"ben": "it is ada's by mail and ben's by name"}},
		{"two accounts of one person", []match.Person{person("ada", "a@x")}, nil, []access.Object{account("ada", "1", ""), account("alo", "2", "a@x")}, nil,
			map[string]string{"ada": "ada and alo are all accounts of ada", "alo": "ada and alo are all accounts of ada"}},
		{"a protected one only by its name", []match.Person{person("ada", "a@x")}, map[string]string{"1": "ada"}, []access.Object{account("root", "1", "a@x")}, nil, nil},
		{"reserved ones and Accord's own never", []match.Person{person("ada", "a@x")}, nil,
			[]access.Object{{ID: access.Account("boot"), Reserved: true, Attributes: map[string]string{"mail": "a@x"}}, account("accord", "9", "a@x")}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := match.Input{Live: live(t, tt.live...), Rules: rules, People: tt.people, Known: tt.known,
				Protected: func(id access.ID) bool { return id.Name == "root" }}
			r := match.Match(in)
			asked := match.Match(askingByName(in))
			for _, o := range tt.live {
				if a, b := r.Owner(o.ID), asked.Owner(o.ID); a != b {
					t.Errorf("%s is %q's, and %q's where names are asked for", o.ID, a, b)
				}
			}
			if d := cmp.Diff([]any{r.Links, r.Disputes}, []any{asked.Links, asked.Disputes}); d != "" {
				t.Errorf("where names are asked for: %s", d)
			}
			var links, disputes map[string]string
			for _, l := range r.Links {
				if links == nil {
					links = map[string]string{}
				}
				links[l.Account.Name] = l.Person + " by " + l.By.String()
			}
			for _, d := range r.Disputes {
				if disputes == nil {
					disputes = map[string]string{}
				}
				disputes[d.Account.Name] = d.Why
			}
			if d := cmp.Diff(tt.links, links); d != "" {
				t.Errorf("links (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.disputes, disputes); d != "" {
				t.Errorf("disputes (-want +got):\n%s", d)
			}
		})
	}
}

// askingByName gives of the people only those whom an id or an attribute may name.
func askingByName(in match.Input) match.Input {
	out := in
	out.People = nil
	for _, p := range in.People {
		if p.Values[1] != "" || slices.Contains(slices.Collect(maps.Values(in.Known)), p.ID) {
			out.People = append(out.People, p)
		}
	}
	out.Named = func(id access.ID) (names []string) {
		for _, p := range in.People {
			if p.Account == id {
				names = append(names, p.ID)
			}
		}
		return names
	}
	return out
}

// Whose an account is by its name alone, and that it is nobody's where it is that of several.
func TestOwner(t *testing.T) {
	in := match.Input{
		Live:  live(t, access.Object{ID: access.Account("ada")}, access.Object{ID: access.Account("ben")}, access.Object{ID: access.Account("boot"), Reserved: true}, access.Object{ID: access.Account("nobody")}),
		Rules: []match.Rule{{By: match.ByName}},
		Named: func(id access.ID) []string {
			return map[string][]string{"ada": {"ada"}, "ben": {"ben", "ben2"}, "boot": {"boot"}, "gone": {"gone"}}[id.Name]
		},
	}
	r := match.Match(in)
	for name, want := range map[string]string{"ada": "ada", "ben": "", "boot": "", "nobody": "", "gone": "", "accord": ""} {
		if got := r.Owner(access.Account(name)); got != want {
			t.Errorf("%s is %q's, want %q", name, got, want)
		}
	}
	if len(r.Disputes) != 1 || r.Disputes[0].Why != "it is ben's by name and ben2's by name" {
		t.Errorf("the disputes are %+v", r.Disputes)
	}
	if in.Rules = []match.Rule{{By: match.ByID}}; match.Match(in).Owner(access.Account("ada")) != "" {
		t.Error("a name counts though no rule says so")
	}
}
