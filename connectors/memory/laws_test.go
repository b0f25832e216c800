package memory_test

import (
	"context"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/connectortest"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
)

// far is the system as the laws see it.
type far struct{ *memory.System }

func (f far) Seed(t testing.TB, s *access.State) {
	b := access.NewBuilder("memory")
	there := f.System.Dump()
	for _, state := range []*access.State{there, s} {
		for o := range state.Objects() {
			if _, again := s.Object(o.ID); again && state == there {
				continue
			}
			b.Object(o)
		}
		for _, g := range state.Grants() {
			b.Grant(g)
		}
	}
	sum, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	f.System.Seed(sum)
}

func (f far) Dump(testing.TB) *access.State { return f.System.Dump() }

func harness(options ...memory.Option) connectortest.Harness {
	return connectortest.Harness{
		Open: func(t testing.TB) (connectors.Connector, connectortest.System) {
			s := memory.New(append(options, memory.Token(connectortest.Canary))...)
			cfg := connectortest.Config(t)
			cfg.Settings = connectors.Settings{memory.SettingToken: {Secret: connectors.SecretRef{Env: "TOKEN"}}}
			c, err := s.Type().Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return c, far{s}
		},
		Server: func(testing.TB) string { return "a map" },
		Watch: func(_ testing.TB, s connectortest.System, seen func()) bool {
			s.(far).Watch(seen)
			return true
		},
		Fault: func(_ testing.TB, s connectortest.System, f connectortest.Fault) bool {
			sys := s.(far).System
			switch f {
			case connectortest.FaultRead:
				sys.FailRead(1, nil)
			case connectortest.FaultLostReply:
				sys.FailWrite(1, memory.After, nil)
			case connectortest.FaultDenied:
				sys.Deny()
			case connectortest.FaultHang:
				sys.Hang()
			default:
				return false
			}
			return true
		},
	}
}

// levels makes one level of folders something that only the system hands out.
func oneReadOnly(d *access.Description) {
	for i, k := range d.Kinds {
		if k.Name == "folder" {
			d.Kinds[i].Permissions[1].ReadOnly = true
		}
	}
}

func TestLaws(t *testing.T) {
	variants := []struct {
		name    string
		options []memory.Option
	}{
		{"plain", nil},
		{"one at a time", []memory.Option{memory.Parallel(1)}},
		{"batches of a target", []memory.Option{memory.Batch(access.BatchTarget)}},
		{"creations in one call", []memory.Option{memory.Creates(50)}},
		{"creations of a few, batches of a target", []memory.Option{memory.Creates(3), memory.Batch(access.BatchTarget), memory.Delay(20 * time.Millisecond)}},
		{"batches of anything", []memory.Option{memory.Batch(access.BatchAll)}},
		{"case-blind", []memory.Option{memory.CaseBlind()}},
		{"shown late", []memory.Option{memory.Delay(50 * time.Millisecond)}},
		{"settles at once", []memory.Option{memory.Settle(time.Second)}},
		{"no disabling", []memory.Option{memory.Without("account", access.Disable, access.Enable)}},
		{"no deleting", []memory.Option{memory.Without("account", access.Delete), memory.Without("group", access.Delete, access.Rename)}},
		{"invites into groups", []memory.Option{memory.Invites("group")}},
		{"a level of the system's own", []memory.Option{memory.Description(oneReadOnly)}},
	}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, harness(v.options...))
		})
	}
}

// Hiding a part instead of failing is an answer too.
func TestLawOfUnknownParts(t *testing.T) {
	h := harness()
	h.Fault = func(_ testing.TB, s connectortest.System, f connectortest.Fault) bool {
		if f != connectortest.FaultRead {
			return false
		}
		s.(far).Hide(access.ID{Kind: "group"}, "page 2 of groups answered 502")
		s.(far).Hide(access.Account("law-account-3"), "not visible to the token")
		return true
	}
	h.Waive = map[string]string{
		"apply/lost-reply": "this far side only hides things",
		"errors/denied":    "this far side only hides things",
	}
	connectortest.Run(t, h)
}

func TestHang(t *testing.T) {
	s := memory.New()
	s.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := s.Connector("far").Read(ctx, connectors.Scope{}); err != context.DeadlineExceeded && ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
	s.Heal()
	if _, err := s.Connector("far").Read(t.Context(), connectors.Scope{}); err != nil {
		t.Errorf("once healed: %v", err)
	}
}
