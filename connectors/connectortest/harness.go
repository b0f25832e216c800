package connectortest

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// Harness is what the suite needs to know of one connector.
type Harness struct {
	// Open gives a connector on a fresh system, and that system. What is on a fresh system
	// (built-in roles, Accord's own account, objects that no connector can create) stays
	// there through all laws. Open makes the connector from Config and cleans up by t.Cleanup.
	Open func(t testing.TB) (connectors.Connector, System)
	// Type is the connector's type, as connectors/all lists it; nil: its description isn't
	// compared with that of an opened connector.
	Type func() connectors.Type
	// Server tells which server the connector meets: its name with as much of its version as
	// matters ("OpenLDAP 2.6"), and after a comma whatever else is worth logging.
	Server func(t testing.TB) string
	// Fault makes the far side fail; false if it can't. It is called on a system that holds
	// something, right before the call that is to fail.
	Fault func(t testing.TB, s System, f Fault) bool
	// Watch calls seen whenever a write of the connector reaches the far side, before it takes
	// effect, or at least before it is answered; nil ends it. False if it can't. A transaction
	// counts once, when it is committed.
	Watch func(t testing.TB, s System, seen func()) bool
	// Sample returns a random state that the system could hold, over and above what is on a
	// fresh one; nil: the suite makes it up from the description.
	Sample func(r *rand.Rand) *access.State
	// Name gives the i-th name that an object of a kind could have; nil: "law-KIND-I".
	Name func(kind string, i int) string
	// Values lists what an attribute may be, at least two texts that Read would return as
	// they are, with "" among them if it can be cleared; nil, or a nil result: any text will
	// do.
	Values func(kind, attribute string) []string
	// OddNames are names to be tried besides those that the suite knows.
	OddNames []string
	// Many is how many accounts fill more than two pages of a listing; 0: 250.
	Many int
	// Record is the file, testdata/laws.txt by custom, that says what became of the laws against
	// each server. A run that comes out otherwise fails; with -update-laws it is written.
	// connectors/README.md is made from it. It needs Server.
	Record string
	// Waive maps the name of a law to the reason why it can't hold here.
	Waive map[string]string
}

// System is the far side, reached by other means than the connector: SQL, the fake's map,
// the file itself.
type System interface {
	// Seed adds objects and grants to what is there. The state may name targets that are
	// there already.
	Seed(t testing.TB, s *access.State)
	// Dump gives everything that is there, as it is at this moment. What is only implied may
	// be left out, and so may Native.
	Dump(t testing.TB) *access.State
}

// Canary is the credential that Config resolves every reference to. A connector with a
// credential logs in with it, and no law sees it in an error or in the log.
const Canary = "canary-3f9a1c77d2e84b06"

// SystemName is the name under which Config opens systems.
const SystemName = "lawful"

// Config gives what a harness's Open makes its connector from. It adds Settings, and Dir or
// HTTP where the connector needs them.
func Config(t testing.TB) connectors.Config {
	return connectors.Config{
		System: SystemName,
		Secret: func(_ context.Context, ref connectors.SecretRef) (connectors.Secret, error) {
			if r, ok := t.(*recorder); ok {
				r.used()
			}
			return connectors.NewSecret(Canary), nil
		},
		Log: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: time.Now,
	}
}

// testLog writes log lines to a test.
type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Logf("log: %s", strings.TrimRight(string(b), "\n"))
	return len(b), nil
}

// seedFlag replays random states. A flag has to be there before the tests are run, hence a
// package variable.
var seedFlag = flag.Uint64("seed", 0, "the seed of connectortest's random states; 0: a new one")

// rounds is how many random states a law walks through.
const rounds = 5

// mostWaivers is how many laws a connector may break for a reason.
const mostWaivers = 3

// Run holds a connector to all laws, each a subtest of its own.
func Run(t *testing.T, h Harness) {
	t.Helper()
	laws := Laws()
	for _, name := range slices.Sorted(maps.Keys(h.Waive)) {
		if err := waivable(laws, name, h.Waive[name]); err != nil {
			t.Error(err)
		}
	}
	if len(h.Waive) > mostWaivers {
		t.Errorf("%d laws are waived, and %d may be", len(h.Waive), mostWaivers)
	}
	k := &keeper{faults: map[Fault]bool{}}
	if h.Server != nil {
		server := h.Server(t)
		t.Logf("server: %s", server)
		k.record.Server, _, _ = strings.Cut(server, ",")
	}
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	noted := k.watching(h)
	for _, group := range groups(laws) {
		t.Run(group, func(t *testing.T) {
			for _, law := range laws {
				if g, name, _ := strings.Cut(law.Name, "/"); g == group {
					t.Run(name, func(t *testing.T) { runLaw(t, noted, law, seed, k) })
				}
			}
		})
	}
	k.settle(t, h, laws)
}

func runLaw(t *testing.T, h Harness, law Law, seed uint64, k *keeper) {
	reason, waived := h.Waive[law.Name]
	tr := &trial{TB: t, h: h, seed: seed}
	t.Cleanup(func() {
		k.note(t, law.Name, reason, tr.why)
		if t.Failed() && !waived {
			t.Logf("the law: %s", law.Doc)
		}
	})
	if !waived {
		law.check(tr)
		return
	}
	switch v, failures := waive(t, h, law, seed); v {
	case upheld:
		t.Skipf("WAIVED: %s\n%s", reason, strings.Join(failures, "\n"))
	case beside:
		t.Errorf("the law doesn't concern this connector; the waiver (%s) is not needed", reason)
	case outlived:
		t.Errorf("the law holds; the waiver (%s) is no longer needed", reason)
	}
}

// verdict is what becomes of a waiver.
type verdict int

const (
	upheld   verdict = iota // the law is broken, as the waiver says
	beside                  // the law doesn't concern the connector
	outlived                // the law holds
)

// waive tries a law that is waived.
func waive(t testing.TB, h Harness, law Law, seed uint64) (verdict, []string) {
	r := record(t, func(t testing.TB) { hold(t, h, law, seed) })
	switch {
	case r.Failed():
		return upheld, r.failures
	case r.Skipped():
		return beside, nil
	}
	return outlived, nil
}

// hold holds one connector to one law.
func hold(t testing.TB, h Harness, law Law, seed uint64) {
	law.check(&trial{TB: t, h: h, seed: seed})
}

// waivable says whether a law may be waived for that reason.
func waivable(laws []Law, name, reason string) error {
	i := slices.IndexFunc(laws, func(l Law) bool { return l.Name == name })
	switch {
	case i < 0:
		return fmt.Errorf("a waiver names the law %q, which isn't there", name)
	case laws[i].always:
		return fmt.Errorf("the law %s can't be waived", name)
	case strings.TrimSpace(reason) == "":
		return fmt.Errorf("the waiver of %s gives no reason", name)
	}
	return nil
}

// groups are the parts of the laws' names before the slash, in the order of the laws.
func groups(laws []Law) []string {
	var out []string
	for _, l := range laws {
		if g, _, _ := strings.Cut(l.Name, "/"); !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}
