package connectortest

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
)

func TestWaivable(t *testing.T) {
	tests := []struct{ law, reason, want string }{
		{"apply/lost-reply", "no network", ""},
		{"apply/lost-reply", " ", "no reason"},
		{"apply/no-such-law", "because", "isn't there"},
		{"read/all-or-error", "because", "can't be waived"},
		{"apply/nothing-else", "because", "can't be waived"},
		{"apply/refuses-stale", "because", "can't be waived"},
		{"errors/no-secrets", "because", "can't be waived"},
		{"apply/knows-its-outcome", "because", "can't be waived"},
		{"plan/unknown-waits", "because", "can't be waived"},
	}
	for _, tt := range tests {
		err := waivable(Laws(), tt.law, tt.reason)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("waiving %s for %q: %v, want %q", tt.law, tt.reason, err, tt.want)
		}
	}
}

// A waiver holds while the law is broken, and fails when it holds or doesn't concern the
// connector.
func TestWaivers(t *testing.T) {
	law := func(name string) Law {
		i := slices.IndexFunc(Laws(), func(l Law) bool { return l.Name == name })
		return Laws()[i]
	}
	tests := []struct {
		name   string
		law    string
		breaks func(*broken)
		want   verdict
	}{
		{"needed", "apply/declared", ignores(access.Update), upheld},
		{"no longer needed", "close/harmless", nil, outlived},
		{"never needed", "apply/batch-agrees", nil, beside},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := waive(t, brokenHarness(tt.breaks), law(tt.law), 1); got != tt.want {
				t.Errorf("the waiver of %s is %v, want %v", tt.law, got, tt.want)
			}
		})
	}
}

func TestLawsAreNamedAndExplained(t *testing.T) {
	seen := map[string]bool{}
	last := ""
	var groups []string
	for _, l := range Laws() {
		group, name, ok := strings.Cut(l.Name, "/")
		if !ok || name == "" || seen[l.Name] {
			t.Errorf("the name %q", l.Name)
		}
		seen[l.Name] = true
		if group != last && slices.Contains(groups, group) {
			t.Errorf("%s stands apart from its group", l.Name)
		}
		groups, last = append(groups, group), group
		if n := strings.Count(l.Doc, ". ") + strings.Count(l.Doc, ".\n") + 1; n != 2 || !strings.HasSuffix(l.Doc, ".") {
			t.Errorf("%s is explained in %d sentences, want 2: %s", l.Name, n, l.Doc)
		}
	}
}

// The same seed makes the same states, another one others.
func TestRandomStatesAreReplayed(t *testing.T) {
	states := func(seed uint64) []string {
		var out []string
		b := (&trial{TB: t, h: brokenHarness(nil), seed: seed}).open()
		r := b.rand("replay")
		for range 3 {
			var lines []string
			s := b.maker.random(r)
			for o := range s.Objects() {
				lines = append(lines, o.ID.String())
			}
			for _, g := range s.Grants() {
				lines = append(lines, g.String())
			}
			out = append(out, strings.Join(lines, "\n"))
		}
		return out
	}
	one, again, other := states(7), states(7), states(8)
	if !slices.Equal(one, again) {
		t.Error("the same seed made other states")
	}
	if slices.Equal(one, other) {
		t.Error("another seed made the same states")
	}
}

// The states and the script touch all that the description names.
func TestStatesCoverTheDescription(t *testing.T) {
	b := (&trial{TB: t, h: brokenHarness(nil)}).open()
	everything := b.maker.everything()
	held := map[string]bool{}
	for _, g := range everything.Grants() {
		held[g.Subject.Kind+" "+g.Permission+" "+g.Target.Kind] = true
	}
	done := map[string]bool{}
	for _, c := range b.maker.script(everything) {
		done[c.Ref().ID.Kind+" "+string(c.Action)] = true
	}
	for _, k := range memory.Describe().Kinds {
		for _, sk := range k.Subjects {
			for _, p := range k.Permissions {
				if what := sk + " " + p.Name + " " + k.Name; !held[what] {
					t.Errorf("nowhere in everything: %s", what)
				}
			}
		}
		actions := k.Actions
		if len(k.Permissions) > 0 {
			actions = append(slices.Clone(actions), access.Give, access.Revoke)
		}
		if k.Ordered {
			actions = append(actions, access.ChangeLevel)
		}
		for _, a := range actions {
			if what := k.Name + " " + string(a); !done[what] {
				t.Errorf("nowhere in the script: %s", what)
			}
		}
	}
}

// settled waits for as long as the description says and no longer.
func TestSettledWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := (&trial{TB: t, h: brokenHarness(nil, memory.Delay(time.Second))}).open()
		id := access.Account("late")
		b.apply(access.Change{System: SystemName, Action: access.Create, Subject: id, After: &access.Value{}})
		if _, ok := b.read(id).Object(id); ok {
			t.Error("the write shows at once")
		}
		if _, ok := b.settled(id).Object(id); !ok {
			t.Error("the write doesn't show after the settle time")
		}
	})
}
