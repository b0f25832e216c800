package memory_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
)

var (
	alice = access.Account("alice")
	bob   = access.Account("bob")
	sre   = access.ID{Kind: "group", Name: "sre"}
	root  = access.ID{Kind: "group", Name: "root"}
	docs  = access.ID{Kind: "folder", Name: "docs"}
)

func sample(t *testing.T) *access.State {
	t.Helper()
	b := access.NewBuilder("memory")
	for _, id := range []access.ID{alice, bob, sre, docs} {
		b.Object(access.Object{ID: id})
	}
	b.Object(access.Object{ID: root, Reserved: true})
	b.Grant(access.Grant{Subject: alice, Target: sre, Permission: "owner"})
	b.Grant(access.Grant{Subject: bob, Target: sre, Permission: "member", Standing: access.Pending})
	b.Grant(access.Grant{Subject: sre, Target: docs, Permission: "write"})
	b.Grant(access.Grant{Subject: alice, Target: docs, Permission: "write", Standing: access.Implied})
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func give(subject, target access.ID, permission string) access.Change {
	return access.Change{System: "far", Action: access.Give, Subject: subject, Target: target, After: &access.Value{Permission: permission}}
}

func revoke(subject, target access.ID, permission string) access.Change {
	return access.Change{System: "far", Action: access.Revoke, Subject: subject, Target: target, Before: &access.Value{Permission: permission}}
}

func read(t *testing.T, c connectors.Reader, ids ...access.ID) *access.State {
	t.Helper()
	s, err := c.Read(t.Context(), connectors.Scope{IDs: ids})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func standing(t *testing.T, s *access.State, subject, target access.ID, permission string) string {
	t.Helper()
	_, g, ok := s.Find(subject, target, permission)
	if !ok {
		return "none"
	}
	return g.Standing.String()
}

// What follows from something else is neither satisfied nor taken away by a change of its own,
// and goes with the objects at its ends.
func TestImpliedStandsBesideHeld(t *testing.T) {
	far := memory.New()
	far.Seed(sample(t))
	c := far.Connector("far")
	steps := []struct {
		change access.Change
		want   string
	}{
		{revoke(alice, docs, "write"), "implied"},
		{give(alice, docs, "write"), "held"},
		{revoke(alice, docs, "write"), "implied"},
		{access.Change{System: "far", Action: access.Delete, Subject: docs}, "none"},
	}
	for _, step := range steps {
		if err := c.Apply(t.Context(), step.change); err != nil {
			t.Fatal(err)
		}
		if got := standing(t, read(t, c), alice, docs, "write"); got != step.want {
			t.Errorf("after %s: %s, want %s", step.change, got, step.want)
		}
	}
}

func TestRenameKeepsAllEdges(t *testing.T) {
	far := memory.New()
	far.Seed(sample(t))
	c := far.Connector("far")
	if err := c.Apply(t.Context(), access.Change{System: "far", Action: access.Rename, Subject: docs, After: &access.Value{Name: "papers"}}); err != nil {
		t.Fatal(err)
	}
	papers := access.ID{Kind: "folder", Name: "papers"}
	s := read(t, c)
	if a, b := standing(t, s, sre, papers, "write"), standing(t, s, alice, papers, "write"); a != "held" || b != "implied" {
		t.Errorf("after the rename: %s and %s", a, b)
	}
	if _, n := s.Size(); n != 4 {
		t.Errorf("%d grants, want 4", n)
	}
}

func TestReservedIsNotChanged(t *testing.T) {
	far := memory.New()
	far.Seed(sample(t))
	c := far.Connector("far")
	for _, change := range []access.Change{
		{System: "far", Action: access.Delete, Subject: root},
		give(root, docs, "read"),
	} {
		if err := c.Apply(t.Context(), change); !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("%s: %v", change, err)
		}
	}
	if err := c.Apply(t.Context(), give(bob, root, "member")); err != nil {
		t.Errorf("a reserved target may be granted: %v", err)
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name  string
		arm   func(*memory.System)
		want  error
		takes bool
	}{
		{"denied", func(s *memory.System) { s.Deny() }, connectors.ErrDenied, false},
		{"denied target", func(s *memory.System) { s.Deny(docs) }, connectors.ErrDenied, false},
		{"lost before", func(s *memory.System) { s.FailWrite(1, memory.Before, nil) }, connectors.ErrOutcomeUnknown, false},
		{"lost after", func(s *memory.System) { s.FailWrite(1, memory.After, nil) }, connectors.ErrOutcomeUnknown, true},
		{"the next but one", func(s *memory.System) { s.FailWrite(2, memory.Before, nil) }, nil, true},
		{"intercepted", func(s *memory.System) {
			s.Intercept(func(context.Context, access.Change) error { return context.DeadlineExceeded })
		}, context.DeadlineExceeded, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			far := memory.New()
			far.Seed(sample(t))
			tt.arm(far)
			c := far.Connector("far")
			if err := c.Apply(t.Context(), give(bob, docs, "read")); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if got := standing(t, far.Dump(), bob, docs, "read") == "held"; got != tt.takes {
				t.Errorf("took effect: %v, want %v", got, tt.takes)
			}
			far.Heal()
			if err := c.Apply(t.Context(), give(bob, docs, "read")); err != nil {
				t.Errorf("once healed: %v", err)
			}
		})
	}
}

func TestFailRead(t *testing.T) {
	far := memory.New()
	far.FailRead(2, nil)
	c := far.Connector("far")
	for i, want := range []error{nil, connectors.ErrIncomplete, nil} {
		s, err := c.Read(t.Context(), connectors.Scope{})
		if !errors.Is(err, want) || (s == nil) != (want != nil) {
			t.Errorf("read %d: %v, %v", i+1, s, err)
		}
	}
	if n := far.Calls().Read; n != 3 {
		t.Errorf("counted %d reads", n)
	}
}

func TestHiddenIsUnknown(t *testing.T) {
	far := memory.New()
	far.Seed(sample(t))
	far.Hide(access.ID{Kind: "group"}, "the token lacks groups:read")
	s := read(t, far.Connector("far"))
	if _, there := s.Object(sre); there || s.Knows(sre) || s.KnowsGrant(alice, sre) || s.Complete() {
		t.Error("a hidden group shows")
	}
	if !s.Knows(alice) || !s.KnowsGrant(alice, docs) {
		t.Error("what isn't hidden became unknown")
	}
	far.Show()
	if !read(t, far.Connector("far")).Complete() {
		t.Error("not complete once shown")
	}
}

func TestDelayShowsWritesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := memory.New(memory.Delay(time.Minute))
		far.Seed(sample(t))
		c := far.Connector("far")
		if err := c.Apply(t.Context(), give(bob, docs, "read")); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"none", "held"} {
			if got := standing(t, read(t, c, bob), bob, docs, "read"); got != want {
				t.Errorf("at %v: %s, want %s", time.Now(), got, want)
			}
			time.Sleep(time.Minute)
		}
		if far.Describe().Settle != time.Minute {
			t.Error("the delay isn't announced")
		}
	})
}

func TestInvitesArePending(t *testing.T) {
	far := memory.New(memory.Invites("folder"))
	far.Seed(sample(t))
	c := far.Connector("far")
	g := access.Grant{Subject: bob, Target: docs, Permission: "read"}
	if err := c.Apply(t.Context(), give(bob, docs, "read")); err != nil {
		t.Fatal(err)
	}
	if got := standing(t, far.Dump(), bob, docs, "read"); got != "pending" {
		t.Errorf("invited: %s", got)
	}
	far.Mark(g)
	if got := standing(t, far.Dump(), bob, docs, "read"); got != "held" {
		t.Errorf("accepted: %s", got)
	}
}

func TestTokenIsAskedFor(t *testing.T) {
	far := memory.New(memory.Token("sesame"))
	open := func(value string) connectors.Connector {
		c, err := far.Type().Open(connectors.Config{
			System:   "far",
			Settings: connectors.Settings{memory.SettingToken: {Secret: connectors.SecretRef{Env: "TOKEN"}}},
			Secret: func(context.Context, connectors.SecretRef) (connectors.Secret, error) {
				return connectors.NewSecret(value), nil
			},
			Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if _, err := open("sesame").Read(t.Context(), connectors.Scope{}); err != nil {
		t.Error(err)
	}
	if _, err := open("barley").Read(t.Context(), connectors.Scope{}); !errors.Is(err, connectors.ErrDenied) {
		t.Errorf("a wrong token: %v", err)
	}
}

func TestSomebodyElseCanDoMore(t *testing.T) {
	far := memory.New(memory.Without("group", access.Delete))
	far.Seed(sample(t))
	gone := access.Change{System: "far", Action: access.Delete, Subject: sre}
	if err := far.Connector("far").Apply(t.Context(), gone); !errors.Is(err, connectors.ErrUnsupported) {
		t.Errorf("Accord deleting a group: %v", err)
	}
	far.Deny()
	if err := far.Do(gone); err != nil {
		t.Errorf("somebody else deleting a group: %v", err)
	}
	if _, there := far.Dump().Object(sre); there {
		t.Error("the group is still there")
	}
}

func TestBusiest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := memory.New()
		far.Seed(sample(t))
		far.Intercept(func(context.Context, access.Change) error {
			time.Sleep(time.Second)
			return nil
		})
		c := far.Connector("far")
		var wg sync.WaitGroup
		for _, subject := range []access.ID{alice, bob, sre} {
			wg.Go(func() {
				if err := c.Apply(t.Context(), give(subject, access.ID{Kind: "group", Name: "root"}, "member")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := far.Calls(); got.Busiest != 3 || got.Writes != 3 || got.Apply != 3 {
			t.Errorf("counted %+v", got)
		}
	})
}

func TestMalformedChangesAreRefused(t *testing.T) {
	far := memory.New()
	far.Seed(sample(t))
	c := far.Connector("far")
	for _, change := range []access.Change{
		{},
		{Action: access.Give, Subject: alice},
		{Action: access.Give, Subject: alice, Target: docs},
		{Action: access.Revoke, Subject: alice, Target: docs, After: &access.Value{Permission: "read"}},
		{Action: access.ChangeLevel, Subject: alice, Target: docs},
		{Action: access.Update, Subject: alice, After: &access.Value{}},
		{Action: access.Rename, Subject: alice, After: &access.Value{}},
		{Action: access.Create, Subject: access.Account("a\x00b"), After: &access.Value{}},
		{Action: "frobnicate", Subject: alice},
	} {
		if err := c.Apply(t.Context(), change); err == nil {
			t.Errorf("%+v was taken", change)
		}
	}
	if n := far.Calls().Writes; n != 0 {
		t.Errorf("%d writes reached the system", n)
	}
}
