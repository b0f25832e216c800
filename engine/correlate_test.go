package engine_test

import (
	"slices"
	"testing"

	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// renameLive gives an account another name, as somebody on the system would.
func (s *site) renameLive(system, from, to string) {
	s.Helper()
	err := s.far[system].Do(access.Change{System: system, Action: access.Rename, Subject: access.Account(from),
		Before: &access.Value{Name: from}, After: &access.Value{Name: to}})
	if err != nil {
		s.Fatal(err)
	}
}

func steps(p *plan.Plan) []string {
	var out []string
	for _, s := range p.Steps {
		text := string(s.Class) + ": " + s.Change.String()
		if s.Held != nil {
			text += " (" + string(s.Held.Why) + ")"
		}
		out = append(out, text)
	}
	return out
}

const ada = "people: [{person: ada, email: ada@example.com}, {person: ben}]"

// TestRenamedOnTheSystem: an account that somebody renames is known by the id that the system
// gave it: the plan renames it back, and neither makes a second one nor leaves the first alone.
func TestRenamedOnTheSystem(t *testing.T) {
	s := oneSystem(t)
	s.seed("sys", "folder/f")
	s.commit(ada + to("ada"))
	s.apply(engine.ExitOK)
	s.renameLive("sys", "ada", "lovelace")
	p := s.plan()
	if got, want := steps(p), []string{"drift: rename sys/account/lovelace to ada"}; !slices.Equal(got, want) {
		t.Fatalf("steps %q, want %q", got, want)
	}
	s.apply(engine.ExitOK)
	s.want("live", s.live("sys"), "ada", "ada read folder/f")

	// Whoever left under another name is found as well.
	s.renameLive("sys", "ada", "hidden")
	s.commit("people: [{person: ben}]" + to("ben"))
	s.apply(engine.ExitOK)
	s.want("live", s.live("sys"), "ben", "hidden disabled", "ben read folder/f")
}

// TestMatchedByAttribute: an account that is there before anybody declared it is found by its
// address and renamed; where the system can't do that it keeps its name.
func TestMatchedByAttribute(t *testing.T) {
	system := func(rules string) string {
		return "\n---\nsystem: sys\nconnector: sys\nmode: authoritative\nmanage: ['*/*']\naccounts: {match: " + rules + "}\nguards: {max_removals: 100%, max_leavers: 100%, keep_admins: 0}\n"
	}
	seed := func(s *site) {
		b := access.NewBuilder("sys")
		b.Object(access.Object{ID: access.Account("alo"), Attributes: map[string]string{"email": "Ada@Example.com"}})
		b.Object(access.Object{ID: access.ID{Kind: "folder", Name: "f"}})
		st, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		s.far["sys"].Seed(st)
	}
	const byMail = `[id, {email: "{email}"}, name]`
	t.Run("renamed", func(t *testing.T) {
		s := oneSystem(t)
		seed(s)
		s.commit(ada + to("ada") + system(byMail))
		s.apply(engine.ExitOK)
		s.want("live", s.live("sys"), "ada", "ada read folder/f")
		if p := s.plan(); len(p.Steps) > 0 {
			t.Errorf("applied, and still there is %q", steps(p))
		}
	})
	t.Run("keeps its name", func(t *testing.T) {
		s := newSite(t, map[string][]memory.Option{"sys": {memory.Without("account", access.Rename)}})
		seed(s)
		s.commit(ada + to("ada") + system(byMail))
		p := s.plan()
		if len(p.Systems[0].Linked) != 1 || p.Systems[0].Linked[0] != (plan.Linked{Account: access.Account("alo"), Person: "ada", By: "email"}) {
			t.Errorf("linked %v", p.Systems[0].Linked)
		}
		s.apply(engine.ExitOK)
		s.want("live", s.live("sys"), "alo", "alo read folder/f")
		if p := s.plan(); len(p.Steps) > 0 {
			t.Errorf("applied, and still there is %q", steps(p))
		}
		s.commit("people: [{person: ben}]" + to("ben") + system(byMail))
		s.apply(engine.ExitOK)
		s.want("live", s.live("sys"), "alo disabled", "ben", "ben read folder/f")
	})
}

// TestDisputed: where the rules say different things nothing at all is done, to neither account
// nor person, and it is said.
func TestDisputed(t *testing.T) {
	s := oneSystem(t)
	b := access.NewBuilder("sys")
	for _, name := range []string{"ben", "alo"} {
		b.Object(access.Object{ID: access.Account(name), Attributes: map[string]string{"email": "ada@example.com"}})
	}
	folder := access.ID{Kind: "folder", Name: "f"}
	b.Object(access.Object{ID: folder})
	b.Grant(access.Grant{Subject: access.Account("alo"), Target: folder, Permission: "write"})
	st, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	s.far["sys"].Seed(st)
	s.commit(ada + to("ada, ben") + "\n---\nsystem: sys\nconnector: sys\nmode: authoritative\nmanage: ['*/*']\naccounts: {match: [{email: '{email}'}, name]}\n")
	p := s.plan()
	if len(p.Steps) > 0 {
		t.Errorf("steps %q", steps(p))
	}
	var why []string
	for _, d := range p.Systems[0].Disputes {
		why = append(why, d.Account.Name+": "+d.Why)
	}
	if want := []string{"alo: alo and ben are all accounts of ada", "ben: it is ada's by email and ben's by name"}; !slices.Equal(why, want) {
		t.Errorf("disputes %q, want %q", why, want)
	}
	if len(p.Systems[0].Orphans) > 0 {
		t.Errorf("orphans %v", p.Systems[0].Orphans)
	}
	s.apply(engine.ExitOK)
	s.want("live", s.live("sys"), "alo", "ben", "alo write folder/f")
}
