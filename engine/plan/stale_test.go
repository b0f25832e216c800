package plan_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// reread writes a plan and reads it, as between review and apply.
func reread(t testing.TB, p *plan.Plan) *plan.Plan {
	t.Helper()
	var b bytes.Buffer
	if err := plan.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	q, err := plan.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// deltas are the differences, as "SYSTEM new|different|already KEY" and "SYSTEM unread WHY".
func deltas(ds []plan.Delta) []string {
	var out []string
	for _, d := range ds {
		for what, steps := range map[string][]plan.Step{"already": d.Already, "different": d.Different, "new": d.New} {
			for _, s := range steps {
				out = append(out, what+": "+strings.ReplaceAll(s.Key(), "account/", ""))
			}
		}
		if d.Unread != "" {
			why, _, _ := strings.Cut(d.Unread, ";")
			out = append(out, "unread: "+d.System+", "+why)
		}
	}
	return out
}

// TestAgainst: what of a reviewed plan still runs.
func TestAgainst(t *testing.T) {
	const want = "al read folder/f\nbo read folder/f\nobject cy\nholder le l left"
	const live = "object al\nobject bo\nobject folder/f\ncy read folder/f\nobject le"
	const all = "!disable s/le; grant s/al folder/f read; grant s/bo folder/f read; revoke s/cy folder/f read"
	const stale = "!disable s/le; grant s/al folder/f read (stale); grant s/bo folder/f read (stale); revoke s/cy folder/f read (stale)"
	none := guards(func(g *plan.Guards) { g.MaxRemovals = plan.Limit{} })
	allow := []plan.Allow{{Name: access.RiskMassRevoke, Ref: "s"}}
	tests := []struct {
		name            string
		reviewed, fresh plan.Input
		deltas, keys    string
	}{
		{"the same", in(system("s", want, live)), in(system("s", want, live)), "", all},
		{"one is true already", in(system("s", want, live)), in(system("s", want, live+"\nal read folder/f")), "already: grant s/al folder/f read", "!disable s/le; grant s/bo folder/f read; revoke s/cy folder/f read"},
		{"a new one", in(system("s", want, live)), in(system("s", want, live+"\ndi read folder/f")), "new: revoke s/di folder/f read", stale + "; revoke s/di folder/f read (stale)"},
		{"another value", in(system("s", want, live)), in(system("s", want, strings.Replace(live, "cy read", "cy read", 1)+"\nal write folder/f")), "already: grant s/al folder/f read; new: change-level s/al folder/f",
			"!disable s/le; grant s/bo folder/f read (stale); change-level s/al folder/f (stale); revoke s/cy folder/f read (stale)"},
		{"another level before", in(system("s", "al admin folder/f", "al read folder/f")), in(system("s", "al admin folder/f", "al write folder/f")), "different: change-level s/al folder/f", "change-level s/al folder/f (stale)"},
		{"another leaver", in(system("s", want, live)), in(system("s", want+"\nholder lf m left", live+"\nobject lf")), "new: disable s/lf",
			"!disable s/le; !disable s/lf; grant s/al folder/f read (stale); grant s/bo folder/f read (stale); revoke s/cy folder/f read (stale)"},
		{"somebody left since", in(system("s", want, live)), in(system("s", strings.Replace(want, "object cy", "holder cy c left", 1), live)), "different: revoke s/cy folder/f read; new: disable s/cy",
			"!disable s/cy; !disable s/le; !revoke s/cy folder/f read; grant s/al folder/f read (stale); grant s/bo folder/f read (stale)"},
		{"it can't be read any more", in(system("s", want, live)), in(unreadable(system("s", want, live))), "unread: s, no answer", ""},
		{"it can be read again", in(unreadable(system("s", want, live))), in(system("s", "al read folder/f", "object al\nobject folder/f")), "new: grant s/al folder/f read", "grant s/al folder/f read (stale)"},
		{"it is another system", in(system("s", want, live)), in(another(system("s", want, live))), "unread: s, it is another now", stale},
		{"part of it isn't known any more", in(system("s", want, live)), in(system("s", want, live+"\n? al")), "", "!disable s/le; grant s/bo folder/f read; revoke s/cy folder/f read"},
		{"one system is stale, the other isn't", in(system("s", want, live), system("t", "al read folder/f", "object al\nobject folder/f")), in(system("s", want, live), system("t", "al read folder/f", "object al\nzed read folder/f")),
			"new: revoke t/zed folder/f read", strings.Replace(all, "; grant s/bo folder/f read; ", "; grant s/bo folder/f read; grant t/al folder/f read (stale); ", 1) + "; revoke t/zed folder/f read (stale)"},
		{"refused then, allowed now", in(system("s", want, live, none)), plan.Input{At: now, Allow: allow, Systems: []plan.SystemInput{system("s", want, live, none)}}, "", all},
		{"depended on what was refused", in(system("s", "al read folder/f", "object al disabled\nobject folder/f")),
			plan.Input{At: now, Allow: []plan.Allow{{Name: access.RiskReEnables, Ref: "s/account/al"}}, Systems: []plan.SystemInput{system("s", "al read folder/f", "object al disabled\nobject folder/f")}}, "", "enable s/al; grant s/al folder/f read"},
		{"run then, refused now", in(system("s", want, live)), in(system("s", want, live, none)), "", strings.Replace(all, "cy folder/f read", "cy folder/f read (refused)", 1)},
		{"only observed now", in(system("s", "al read folder/f", "object al\nobject folder/f")), in(system("s", "al read folder/f", "object al\nobject folder/f", func(s *plan.SystemInput) { s.Mode = plan.Observe })), "", "grant s/al folder/f read (observe)"},
		{"held as drift then, wanted now", in(system("s", "object al", "al read folder/f", base("object al", applied), func(s *plan.SystemInput) { s.Mode = plan.Additive })),
			in(system("s", "object al", "al read folder/f", base("al read folder/f", applied), func(s *plan.SystemInput) { s.Mode = plan.Additive })), "new: revoke s/al folder/f read", "revoke s/al folder/f read (stale)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reviewed, fresh := reread(t, plan.Build(tt.reviewed)), plan.Build(tt.fresh)
			ds := fresh.Against(reviewed)
			same(t, "deltas", sorted(deltas(ds)), split(tt.deltas)...)
			same(t, "steps", keys(fresh), split(tt.keys)...)
		})
	}
}

func in(systems ...plan.SystemInput) plan.Input { return plan.Input{At: now, Systems: systems} }

func unreadable(s plan.SystemInput) plan.SystemInput {
	s.Live, s.Error = nil, "no answer"
	return s
}

func another(s plan.SystemInput) plan.SystemInput {
	b := access.NewBuilder(s.Name).Identity("another")
	for o := range s.Live.Objects() {
		b.Object(o)
	}
	for _, g := range s.Live.Grants() {
		b.Grant(g)
	}
	s.Live, _ = b.Build()
	return s
}

// TestAgainstKeepsNeeds: what waits for a step on a stale system waits as well, also a leaver
// whose successor nobody reviewed.
func TestAgainstKeepsNeeds(t *testing.T) {
	one := guards(func(g *plan.Guards) { g.KeepAdmins = 1 })
	reviewed := plan.Build(in(system("s", "holder al a left\nobject bo\nobject folder/f", "object al\nobject bo\nobject folder/f", one)))
	fresh := plan.Build(in(system("s", "holder al a left\nbo admin folder/f", "al admin folder/f\nobject bo", one)))
	fresh.Against(reread(t, reviewed))
	same(t, "steps", keys(fresh), "grant s/bo folder/f admin (stale)", "!disable s/al (depends)", "!revoke s/al folder/f admin (depends)")
}
