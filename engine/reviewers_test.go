package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/forge"
)

// Whose account it is has to be certain for an approval; for an author it is enough that it may be.
func TestRoster(t *testing.T) {
	text := `people:
  - {person: ada, email: ada@acme.example}
  - {person: ben, email: ben@acme.example, accounts: {hub: Ben-GH}}
  - {person: cleo, email: team@acme.example}
  - {person: dora, email: Team@acme.example, accounts: {hub: shared}}
  - {person: eve, email: eve@acme.example, accounts: {hub: SHARED}}
---
system: hub
connector: memory
accounts: {name: "{email.local}-x"}
`
	r, problems := declare.Parse([]declare.File{{Path: "accord.yaml", Data: []byte("version: 1\n")}, {Path: "all.yaml", Data: []byte(text)}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	tests := []struct {
		login, email string
		person, why  string
		author       string
	}{
		{"ada-x", "", "ada", "", "ada"},
		{"ADA-X", "nobody@acme.example", "ada", "", "ada nobody@acme.example"},
		{"ben-gh", "", "ben", "", "ben"},
		{"ben-x", "", "", "it shows no address", ""},
		{"ada", "", "", "it shows no address", ""},
		{"stranger", "ADA@acme.example", "ada", "", "ADA@acme.example ada"},
		{"stranger", "ben@acme.example", "", "another account on hub: ben-gh", "ben@acme.example ben"},
		{"stranger", "team@acme.example", "", "cleo's and dora's", "team@acme.example cleo dora"},
		{"shared", "ada@acme.example", "", "dora's and eve's", "dora eve ada@acme.example ada"},
		{"", "eve@acme.example", "", "another account", "eve@acme.example eve"},
	}
	who, err := newRoster(r, "hub")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		u := forge.User{Login: tt.login, Email: tt.email}
		if got, why := who.person(u); got != tt.person || !strings.Contains(why, tt.why) || (got == "") != (why != "") {
			t.Errorf("%+v is %q, since %q", u, got, why)
		}
		if got := who.anyOf(u); !slices.Equal(got, strings.Fields(tt.author)) {
			t.Errorf("%+v may be %q, want %q", u, got, tt.author)
		}
	}
	// Without the system only addresses tell.
	if who, err = newRoster(r, "elsewhere"); err != nil {
		t.Fatal(err)
	}
	for login, want := range map[string]string{"ada-x": "", "ada": ""} {
		if got, _ := who.person(forge.User{Login: login}); got != want {
			t.Errorf("%s is %q", login, got)
		}
	}
	if got, _ := who.person(forge.User{Login: "x", Email: "ben@acme.example"}); got != "ben" {
		t.Errorf("by the address it is %q", got)
	}
}
