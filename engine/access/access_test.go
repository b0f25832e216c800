package access_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/accordhq/accord/engine/access"
)

func id(s string) access.ID {
	v, err := access.ParseID(s)
	if err != nil {
		panic(err)
	}
	return v
}

func build(t testing.TB, b *access.Builder) *access.State {
	t.Helper()
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func grants(s *access.State) []string {
	var out []string
	for _, g := range s.Grants() {
		out = append(out, g.String())
	}
	return out
}

func TestRefs(t *testing.T) {
	for _, bad := range []string{"", "alice", "/x", "kind/", "/"} {
		if _, err := access.ParseID(bad); err == nil {
			t.Errorf("%q is taken for an ID", bad)
		}
	}
	r, err := access.ParseRef("github/repo/acme/api")
	if err != nil || r.System != "github" || r.ID != (access.ID{Kind: "repo", Name: "acme/api"}) {
		t.Errorf("%v, %v: names may hold slashes, kinds and systems not", r, err)
	}
	b, _ := json.Marshal(map[string]any{"id": id("role/x"), "ref": r, "standing": access.Implied})
	if want := `{"id":"role/x","ref":"github/repo/acme/api","standing":"implied"}`; string(b) != want {
		t.Errorf("JSON is %s, want %s", b, want)
	}
	if id("account/z").Compare(id("app/a")) >= 0 {
		t.Error("accounts don't come first")
	}
}

// TestState: what was put in, in whatever order, comes out sorted, each name once.
func TestState(t *testing.T) {
	b := access.NewBuilder("s").Identity("i").Self(access.Account("me"))
	b.Grant(access.Grant{Subject: id("account/b"), Target: id("role/y"), Permission: "member"})
	b.Grant(access.Grant{Subject: id("account/a"), Target: id("role/y"), Permission: "member", Standing: access.Implied})
	b.Grant(access.Grant{Subject: id("account/a"), Target: id("role/y"), Permission: "member"})
	b.Grant(access.Grant{Subject: id("account/a"), Target: id("role/x"), Permission: "admin", Standing: access.Pending})
	b.Object(access.Object{ID: id("role/x")}).Object(access.Object{ID: id("account/a"), Disabled: true})
	s := build(t, b)
	want := []string{"account/a admin role/x", "account/a member role/y", "account/b member role/y"}
	if d := cmp.Diff(want, grants(s)); d != "" {
		t.Error(d)
	}
	if _, g, ok := s.Find(id("account/a"), id("role/y"), "member"); !ok || g.Standing != access.Held {
		t.Errorf("of held and implied the better counts, not %v", g.Standing)
	}
	var on []string
	for _, g := range s.GrantsOn(id("role/y")) {
		on = append(on, g.Subject.Name)
	}
	if !slices.Equal(on, []string{"a", "b"}) {
		t.Errorf("on role/y are %v", on)
	}
	if o, ok := s.Object(id("account/a")); !ok || !o.Disabled {
		t.Errorf("account/a is %v, %v", o, ok)
	}
	if _, err := access.NewBuilder("s").Object(access.Object{ID: id("role/x")}).Object(access.Object{ID: id("role/x")}).Build(); err == nil {
		t.Error("twins are no error")
	}
}

// TestUnknown: the third value.
func TestUnknown(t *testing.T) {
	tests := []struct {
		what           string
		unknown        access.ID
		scope          []access.ID
		account, grant bool
	}{
		{"everything is known", access.ID{Kind: "other"}, nil, true, true},
		{"nothing is known", access.ID{}, nil, false, false},
		{"the account isn't", id("account/a"), nil, false, false},
		{"no account is", access.ID{Kind: access.KindAccount}, nil, false, false},
		{"the target isn't", id("role/x"), nil, true, false},
		{"somebody else was asked about", access.ID{Kind: "other"}, []access.ID{id("account/b")}, false, false},
		{"the account was asked about", access.ID{Kind: "other"}, []access.ID{id("account/a")}, true, true},
		{"nobody was asked about", access.ID{Kind: "other"}, []access.ID{}, false, false},
	}
	for _, tt := range tests {
		b := access.NewBuilder("s").Unknown(tt.unknown, "why")
		if tt.scope != nil {
			b.Only(tt.scope...)
		}
		s := build(t, b)
		if s.Knows(id("account/a")) != tt.account || s.KnowsGrant(id("account/a"), id("role/x")) != tt.grant {
			t.Errorf("%s: knows the account %v, the grant %v", tt.what, s.Knows(id("account/a")), s.KnowsGrant(id("account/a"), id("role/x")))
		}
		if s.Complete() {
			t.Errorf("%s: complete", tt.what)
		}
	}
	if s := build(t, access.NewBuilder("s")); !s.Complete() || !s.Whole() || !s.Knows(id("account/a")) {
		t.Error("an empty answer about everything isn't complete")
	}
}

// TestDifferences holds the merge to a comparison by maps, on random states whose name tables
// differ.
func TestDifferences(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		draw := func() *access.State {
			b := access.NewBuilder("s")
			for range r.IntN(20) {
				b.Grant(access.Grant{Subject: access.Account(fmt.Sprint(r.IntN(5))), Target: access.ID{Kind: "role", Name: fmt.Sprint(r.IntN(4))},
					Permission: []string{"member", "admin"}[r.IntN(2)], Standing: access.Standing(r.IntN(3))})
			}
			return build(t, b)
		}
		want, live := draw(), draw()
		type pair struct{ subject, target access.ID }
		sides := map[pair][2]string{}
		for side, s := range []*access.State{want, live} {
			for _, g := range s.Grants() {
				p := sides[pair{g.Subject, g.Target}]
				mark := ""
				if side == 1 {
					mark = map[access.Standing]string{access.Pending: "?", access.Implied: "~"}[g.Standing]
				}
				p[side] += " " + g.Permission + mark
				sides[pair{g.Subject, g.Target}] = p
			}
		}
		expect := 0
		for _, p := range sides {
			if p[0] != p[1] {
				expect++
			}
		}
		var last access.Pair
		n := 0
		for p := range access.Differences(want, live) {
			both := sides[pair{p.Subject, p.Target}]
			if both[0] == both[1] {
				t.Fatalf("%s on %s doesn't differ", p.Subject, p.Target)
			}
			if n > 0 && (last.Subject.Compare(p.Subject) > 0 || last.Subject == p.Subject && last.Target.Compare(p.Target) >= 0) {
				t.Fatalf("%s on %s comes out of order", p.Subject, p.Target)
			}
			last.Subject, last.Target = p.Subject, p.Target
			n++
		}
		if n != expect {
			t.Fatalf("%d pairs differ, want %d\n%v\n%v", n, expect, grants(want), grants(live))
		}
	}
}

var description = access.Description{Kinds: []access.Kind{
	{Name: access.KindAccount, Actions: []access.Action{access.Create, access.Update, access.Rename, access.Disable, access.Enable, access.Delete}},
	{Name: "team", Ordered: true, Permissions: []access.Permission{{Name: "member"}, {Name: "admin", Admin: true}}, Subjects: []string{access.KindAccount, "team"},
		Actions: []access.Action{access.Create, access.Delete, access.Rename}},
}}

// TestEdit: each action, done, done again, and done to what is no longer as planned.
func TestEdit(t *testing.T) {
	start := func() *access.State {
		return build(t, access.NewBuilder("s").
			Object(access.Object{ID: id("account/a"), Attributes: map[string]string{"mail": "a@x"}}).
			Object(access.Object{ID: id("team/t")}).
			Grant(access.Grant{Subject: id("account/a"), Target: id("team/t"), Permission: "member"}))
	}
	value := func(p string) *access.Value { return &access.Value{Permission: p} }
	attrs := func(v string) *access.Value { return &access.Value{Attributes: map[string]string{"mail": v}} }
	on := func(a access.Action, subject string, before, after *access.Value) access.Change {
		return access.Change{System: "s", Action: a, Subject: id(subject), Target: id("team/t"), Before: before, After: after}
	}
	of := func(a access.Action, subject string, before, after *access.Value) access.Change {
		return access.Change{System: "s", Action: a, Subject: id(subject), Before: before, After: after}
	}
	tests := []struct {
		name   string
		change access.Change
		stale  bool
		want   []string
	}{
		{"raise", on(access.ChangeLevel, "account/a", value("member"), value("admin")), false, []string{"account/a admin team/t"}},
		{"raise what isn't so", on(access.ChangeLevel, "account/a", value("other"), value("admin")), true, nil},
		{"revoke", on(access.Revoke, "account/a", value("member"), nil), false, nil},
		{"revoke another level", on(access.Revoke, "account/a", value("admin"), nil), true, nil},
		{"revoke from nobody", on(access.Revoke, "account/z", value("member"), nil), false, []string{"account/a member team/t"}},
		{"give to nobody", on(access.Give, "account/z", nil, value("member")), true, nil},
		{"give beside another level", on(access.Give, "account/a", nil, value("admin")), true, nil},
		{"delete", of(access.Delete, "team/t", nil, nil), false, nil},
		{"rename", of(access.Rename, "account/a", nil, &access.Value{Name: "b"}), false, []string{"account/b member team/t"}},
		{"rename the target", of(access.Rename, "team/t", nil, &access.Value{Name: "u"}), false, []string{"account/a member team/u"}},
		{"create otherwise", of(access.Create, "account/a", nil, attrs("b@x")), true, nil},
		{"update", of(access.Update, "account/a", attrs("a@x"), attrs("b@x")), false, []string{"account/a member team/t"}},
		{"update what changed", of(access.Update, "account/a", attrs("z@x"), attrs("b@x")), true, nil},
		{"disable", of(access.Disable, "account/a", nil, nil), false, []string{"account/a member team/t"}},
		{"disable nobody", of(access.Disable, "account/z", nil, nil), true, nil},
	}
	for _, tt := range tests {
		e := access.Edit(start(), description)
		err := e.Do(tt.change)
		if errors.Is(err, access.ErrStale) != tt.stale || err != nil && !tt.stale {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if tt.stale {
			if d := cmp.Diff(grants(start()), grants(edited(t, e))); d != "" {
				t.Errorf("%s: refused, and yet: %s", tt.name, d)
			}
			continue
		}
		first := edited(t, e)
		if err := e.Do(tt.change); err != nil {
			t.Errorf("%s, again: %v", tt.name, err)
		}
		if d := cmp.Diff(tt.want, grants(first)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
		if d := cmp.Diff(grants(first), grants(edited(t, e))); d != "" {
			t.Errorf("%s: doing it twice differs: %s", tt.name, d)
		}
	}
	if err := access.Edit(start(), description).Do(of(access.Update, "team/t", attrs("a"), attrs("b"))); err == nil || errors.Is(err, access.ErrStale) {
		t.Errorf("an action that the description excludes: %v", err)
	}
}

func edited(t *testing.T, e *access.Editor) *access.State {
	t.Helper()
	s, err := e.State()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func BenchmarkDifferences(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			make := func(skip int) *access.State {
				s := access.NewBuilder("s")
				for i := range n {
					if i%1000 != skip {
						s.Grant(access.Grant{Subject: access.Account(fmt.Sprintf("u%06d", i/5)), Target: access.ID{Kind: "role", Name: fmt.Sprintf("r%03d", i*7%500)}, Permission: "member"})
					}
				}
				return build(b, s)
			}
			want, live := make(1), make(2)
			b.ReportAllocs()
			for b.Loop() {
				for range access.Differences(want, live) {
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(2*n), "ns/grant")
		})
	}
}

// A finder finds what Object finds, in whatever order it is asked.
func TestFinder(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 300 {
		b := access.NewBuilder("sys")
		name := func() access.ID {
			return access.ID{Kind: []string{"account", "app", "group", "role"}[r.IntN(4)], Name: fmt.Sprint(r.IntN(40))}
		}
		seen := map[access.ID]bool{}
		for range r.IntN(60) {
			if id := name(); !seen[id] {
				seen[id] = true
				b.Object(access.Object{ID: id, Disabled: r.IntN(2) == 0, Native: id.String()})
			}
			b.Grant(access.Grant{Subject: name(), Target: name(), Permission: "p"})
		}
		s, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		f, asked := s.Finder(), []access.ID{}
		for range 60 {
			asked = append(asked, name())
		}
		if r.IntN(3) > 0 {
			slices.SortFunc(asked, access.ID.Compare)
		}
		for _, id := range asked {
			got, ok := f.Object(id)
			want, there := s.Object(id)
			if d := cmp.Diff(want, got); d != "" || ok != there || ok != seen[id] {
				t.Fatalf("%s: %v, want %v %s", id, ok, seen[id], d)
			}
		}
	}
}

// Whatever order names and grants come in, the state is the same, and nothing of it is lost.
func TestBuilderOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for range 200 {
		var objects []access.Object
		var held []access.Grant
		for i := range r.IntN(30) {
			o := access.Object{ID: access.ID{Kind: []string{"account", "group"}[i%2], Name: fmt.Sprint(i)}, Disabled: r.IntN(3) == 0, Reserved: r.IntN(3) == 0}
			if r.IntN(3) == 0 {
				o.Attributes = map[string]string{"a": o.ID.Name}
			}
			if r.IntN(3) == 0 {
				o.Native = "n" + o.ID.Name
			}
			objects = append(objects, o)
			for range r.IntN(4) {
				held = append(held, access.Grant{Subject: o.ID, Target: access.ID{Kind: []string{"group", "app"}[r.IntN(2)], Name: fmt.Sprint(r.IntN(9))}, Permission: []string{"x", "y"}[r.IntN(2)]})
			}
		}
		var first *access.State
		for range 3 {
			b := access.NewBuilder("sys")
			r.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
			r.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
			grantsFirst := r.IntN(2) == 0
			for _, g := range held {
				if grantsFirst {
					b.Grant(g)
				}
			}
			for _, o := range objects {
				b.Object(o)
			}
			for _, g := range held {
				b.Grant(g) // twice is once
			}
			s, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			want := slices.SortedFunc(slices.Values(objects), func(a, b access.Object) int { return a.ID.Compare(b.ID) })
			if d := cmp.Diff(want, slices.Collect(s.Objects()), cmpopts.EquateEmpty()); d != "" {
				t.Fatal(d)
			}
			if first == nil {
				first = s
			}
			if d := cmp.Diff(grants(first), grants(s)); d != "" {
				t.Fatal(d)
			}
		}
	}
}
