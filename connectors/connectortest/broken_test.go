package connectortest

import (
	"context"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
)

// broken is the memory connector with one mistake: the functions that are set take the place
// of the sound ones.
type broken struct {
	connectors.Connector
	far       *memory.System
	describe  func(access.Description) access.Description
	normalize func(access.Object) (access.Object, error)
	read      func(context.Context, connectors.Scope) (*access.State, error)
	apply     func(context.Context, access.Change) error
	batch     func(context.Context, []access.Change) error
	series    func(context.Context, []access.Change) error
	creates   func(context.Context, []access.Change) []error
	close     func() error
}

func (b *broken) Describe() access.Description {
	if b.describe != nil {
		return b.describe(b.Connector.Describe())
	}
	return b.Connector.Describe()
}

func (b *broken) Normalize(o access.Object) (access.Object, error) {
	if b.normalize != nil {
		return b.normalize(o)
	}
	return b.Connector.Normalize(o)
}

func (b *broken) Read(ctx context.Context, s connectors.Scope) (*access.State, error) {
	if b.read != nil {
		return b.read(ctx, s)
	}
	return b.Connector.Read(ctx, s)
}

func (b *broken) Apply(ctx context.Context, c access.Change) error {
	if b.apply != nil {
		return b.apply(ctx, c)
	}
	return b.Connector.Apply(ctx, c)
}

func (b *broken) CreateEach(ctx context.Context, all []access.Change) []error {
	if b.creates != nil {
		return b.creates(ctx, all)
	}
	return b.Connector.(connectors.Creator).CreateEach(ctx, all)
}

func (b *broken) Close() error {
	if b.close != nil {
		return b.close()
	}
	return b.Connector.Close()
}

// brokenBatcher is a broken connector that takes batches.
type brokenBatcher struct{ *broken }

func (b brokenBatcher) ApplyBatch(ctx context.Context, all []access.Change) error {
	if b.batch != nil {
		return b.batch(ctx, all)
	}
	return b.Connector.(connectors.Batcher).ApplyBatch(ctx, all)
}

// Series has a mistake of its own.
func (b brokenBatcher) Series() connectors.Batcher {
	if b.series != nil {
		return brokenBatcher{&broken{Connector: b.Connector, batch: b.series}}
	}
	return b
}

// mapSystem is the far side of a memory connector.
type mapSystem struct{ *memory.System }

func (m mapSystem) Seed(t testing.TB, s *access.State) { m.System.Seed(merged(t, m.System.Dump(), s)) }
func (m mapSystem) Dump(testing.TB) *access.State      { return m.System.Dump() }

func brokenHarness(breaks func(*broken), options ...memory.Option) Harness {
	return Harness{
		Open: func(t testing.TB) (connectors.Connector, System) {
			s := memory.New(append(options, memory.Token(Canary))...)
			cfg := Config(t)
			cfg.Settings = connectors.Settings{memory.SettingToken: {Secret: connectors.SecretRef{Env: "TOKEN"}}}
			c, err := s.Type().Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			b := &broken{Connector: c, far: s}
			if breaks != nil {
				breaks(b)
			}
			if _, ok := c.(connectors.Batcher); ok {
				return brokenBatcher{b}, mapSystem{s}
			}
			return b, mapSystem{s}
		},
		Fault: func(_ testing.TB, s System, f Fault) bool {
			switch sys := s.(mapSystem).System; f {
			case FaultRead:
				sys.FailRead(1, nil)
			case FaultLostReply:
				sys.FailWrite(1, memory.After, nil)
			case FaultDenied:
				sys.Deny()
			case FaultHang:
				sys.Hang()
			default:
				return false
			}
			return true
		},
		Watch: func(_ testing.TB, s System, seen func()) bool {
			s.(mapSystem).Watch(seen)
			return true
		},
	}
}

// mistake is one classic bug and the laws that must catch it.
type mistake struct {
	name   string
	laws   []string
	says   string // what the law's failure must mention
	option memory.Option
	breaks func(*broken)
}

func TestEveryMistakeIsCaught(t *testing.T) {
	t.Parallel()
	laws := map[string]Law{}
	for _, l := range Laws() {
		laws[l.Name] = l
	}
	for _, m := range mistakes() {
		t.Run(m.name, func(t *testing.T) {
			h := brokenHarness(m.breaks)
			if m.option != nil {
				h = brokenHarness(m.breaks, m.option)
			}
			for _, name := range m.laws {
				law, ok := laws[name]
				if !ok {
					t.Fatalf("there is no law %s", name)
				}
				r := record(t, func(t testing.TB) { hold(t, h, law, 1) })
				said := strings.Join(r.failures, "\n")
				switch {
				case !r.Failed():
					t.Errorf("%s doesn't catch it (skipped: %v)", name, r.Skipped())
				case strings.Contains(said, "panic"):
					t.Errorf("%s: %s", name, said)
				case !strings.Contains(said, m.says):
					t.Errorf("%s says %q, want %q", name, said, m.says)
				}
			}
		})
	}
}

// The same wrapping without a mistake obeys all laws: it is the mistakes that are caught.
func TestNoMistake(t *testing.T) {
	t.Parallel()
	t.Run("alone", func(t *testing.T) { Run(t, brokenHarness(nil)) })
	t.Run("creations", func(t *testing.T) { Run(t, brokenHarness(nil, memory.Creates(10))) })
	t.Run("batch", func(t *testing.T) { Run(t, brokenHarness(nil, memory.Batch(access.BatchAll))) })
}
