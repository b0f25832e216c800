package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
)

func id(t *testing.T, s string) access.ID {
	t.Helper()
	v, err := access.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// live builds the state of a system from lines "subject permission target [standing]".
func live(t *testing.T, system string, lines ...string) *access.State {
	t.Helper()
	b := access.NewBuilder(system)
	for _, l := range lines {
		f := strings.Fields(l)
		g := access.Grant{Subject: id(t, f[0]), Permission: f[1], Target: id(t, f[2])}
		if len(f) > 3 {
			if err := g.Standing.UnmarshalText([]byte(f[3])); err != nil {
				t.Fatal(err)
			}
		}
		b.Grant(g)
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var described = access.Description{Kinds: []access.Kind{
	{Name: access.KindAccount},
	{Name: "group", Permissions: []access.Permission{{Name: "member"}, {Name: "admin", Admin: true}}},
}}

func TestReach(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"nothing", []string{"account/bob member group/a"}, nil},
		{"directly", []string{"account/alice admin group/a"}, []string{"s/group/a admin admin"}},
		{"nested", []string{"account/alice member group/a", "group/a member group/b", "group/b admin group/c"},
			[]string{"s/group/a member", "s/group/b member via group/a", "s/group/c admin admin via group/a,group/b"}},
		{"a circle", []string{"account/alice member group/a", "group/a member group/b", "group/b member group/a"},
			[]string{"s/group/a member", "s/group/b member via group/a"}},
		{"what follows from an invitation", []string{"account/alice member group/a pending", "group/a member group/b"},
			[]string{"s/group/a member pending", "s/group/b member pending via group/a"}},
		{"by an invitation and otherwise", []string{"account/alice member group/a pending", "group/a member group/c", "group/c member group/d",
			"account/alice member group/b", "group/b member group/x", "group/x member group/c"},
			[]string{"s/group/a member pending", "s/group/b member", "s/group/c member via group/b,group/x", "s/group/d member via group/b,group/x,group/c", "s/group/x member via group/b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, h := range Reach(live(t, "s", tt.lines...), described, id(t, "account/alice")) {
				s := h.Key + " " + h.Permission
				if h.Admin {
					s += " admin"
				}
				if h.Pending {
					s += " pending"
				}
				if len(h.Via) > 0 {
					s += " via " + strings.Join(h.Via, ",")
				}
				got = append(got, s)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestSegregationAcrossSystems: one half comes from a nested group on one system, the other
// from a direct grant on another.
func TestSegregationAcrossSystems(t *testing.T) {
	j := judge(t, Options{Rules: map[string]any{"segregation_of_duties": []any{[]any{"erp/group/payers", "bank/group/approvers"}}}})
	erp := live(t, "erp", "account/alice.l member group/finance", "group/finance member group/payers")
	for name, tt := range map[string]struct {
		bank *access.State
		want string
	}{
		"both":     {live(t, "bank", "account/alice member group/approvers"), "alice would hold erp/group/payers:member through group/finance beside bank/group/approvers:member"},
		"one half": {live(t, "bank", "account/alice member group/readers", "account/bob member group/approvers"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := PrincipalInput{Principal: &Subject{ID: "alice", Type: "person", Status: "active", Source: Place{"people/alice.yaml", 1}}}
			in.Holdings = append(Reach(erp, described, id(t, "account/alice.l")), Reach(tt.bank, described, id(t, "account/alice"))...)
			for i := range in.Holdings {
				if h := &in.Holdings[i]; h.System == "bank" {
					h.Added, h.Change = true, "grant bank"
				}
			}
			got, err := j.Judge(t.Context(), Input{Principals: []PrincipalInput{in}})
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if len(got) > 0 {
					t.Errorf("got %v", got)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("got %v", got)
			}
			r := got[0]
			if r.Kind != Deny || r.Msg != tt.want || r.Rule != "segregation_of_duties" || r.Change != "grant bank" || r.Person != "alice" ||
				r.File != "people/alice.yaml" || r.Title != "Segregation of duties" || r.Severity != "high" || r.Remediation == "" {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestEligible(t *testing.T) {
	owners := []string{"alice", "bob", "carol"}
	for _, tt := range []struct {
		name, approver string
		demand         Result
		author         string
		beneficiaries  []string
		why            string
	}{
		{"an owner", "bob", Result{}, "dave", []string{"alice"}, ""},
		{"somebody else", "eve", Result{}, "dave", nil, "eve isn't entitled to approve it"},
		{"the author", "bob", Result{}, "bob", nil, "bob wrote the change"},
		{"who benefits", "alice", Result{}, "dave", []string{"alice"}, "alice benefits from the change"},
		{"who it is about", "alice", Result{Person: "alice"}, "dave", nil, "alice benefits from the change"},
		{"named by the rule", "eve", Result{Approvers: []string{"eve"}}, "dave", nil, ""},
		{"an owner whom the rule doesn't name", "bob", Result{Approvers: []string{"eve"}}, "dave", nil, "bob isn't entitled to approve it"},
		{"the rule names nobody", "bob", Result{Approvers: []string{}}, "dave", nil, "bob isn't entitled to approve it"},
		{"nobody", "", Result{}, "", nil, "nobody is named"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if ok, why := Eligible(tt.approver, tt.demand, tt.author, tt.beneficiaries, owners); ok != (tt.why == "") || why != tt.why {
				t.Errorf("got %v, %q", ok, why)
			}
		})
	}
}
