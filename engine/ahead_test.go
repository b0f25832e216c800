package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/observe"
)

// witness stands between an engine and the connectors of a site, and tells who was asked what.
type witness struct {
	*site
	mu        sync.Mutex
	reads     []string // "SYSTEM by CREDENTIAL", and "in part" behind it
	secrets   []string // which were resolved
	under     int      // reads under way
	normalize func()   // called for each object that is normalized
	read      func(ctx context.Context, system string)
}

func newWitness(t *testing.T, systems ...string) *witness {
	w := &witness{normalize: func() {}, read: func(context.Context, string) {}}
	options := map[string][]memory.Option{}
	for _, name := range systems {
		options[name] = []memory.Option{memory.Token("the token")}
	}
	w.site = newSite(t, options)
	for _, name := range systems {
		w.seed(name, "root", "folder/f")
	}
	return w
}

func (w *witness) engine() *engine.Engine {
	e := w.site.engine()
	for i := range e.Types {
		open := e.Types[i].Open
		e.Types[i].Open = func(cfg connectors.Config) (connectors.Connector, error) {
			c, err := open(cfg)
			return &seen{c, w, cfg}, err
		}
	}
	e.Secret = func(_ context.Context, ref connectors.SecretRef) (connectors.Secret, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.secrets = append(w.secrets, ref.Env)
		return connectors.NewSecret("the token"), nil
	}
	return e
}

// asked is who was read, each once, and forgets it. That no other credential was touched is checked.
func (w *witness) asked() []string {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var by []string
	for _, r := range w.reads {
		by = append(by, strings.Fields(r)[2])
	}
	for _, s := range w.secrets {
		if !slices.Contains(by, s) {
			w.Errorf("the credential %s was resolved; read was %v", s, w.reads)
		}
	}
	out := slices.Compact(slices.Sorted(slices.Values(w.reads)))
	w.reads, w.secrets = nil, nil
	return out
}

// seen is a connector that is watched.
type seen struct {
	connectors.Connector
	w   *witness
	cfg connectors.Config
}

func (c *seen) Normalize(o access.Object) (access.Object, error) {
	c.w.normalize()
	return c.Connector.Normalize(o)
}

func (c *seen) Read(ctx context.Context, scope connectors.Scope) (*access.State, error) {
	text := c.cfg.System + " by " + c.cfg.Settings[memory.SettingToken].Secret.Env
	if !scope.Whole() {
		text += " in part"
	}
	c.note(func() { c.w.reads = append(c.w.reads, text); c.w.under++ })
	defer c.note(func() { c.w.under-- })
	c.w.read(ctx, c.cfg.System)
	return c.Connector.Read(ctx, scope)
}

func (c *seen) Close() error {
	c.note(func() {
		if c.w.under > 0 {
			c.w.Errorf("%s is closed while something is read", c.cfg.System)
		}
	})
	return c.Connector.Close()
}

func (c *seen) note(f func()) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	f()
}

// patience is how long something is waited for that has to come.
const patience = 10 * time.Second

// docs declares systems, each with the connector and the credential named, and one person.
func docs(systems ...string) string {
	out := "person: al\n"
	for _, s := range systems {
		f := strings.Fields(s)
		out += fmt.Sprintf("---\ngrant: to-%[1]s\nto: [al]\naccess: {%[1]s: [folder/f]}\n---\nsystem: %[1]s\nconnector: %[2]s\nconfig: {token: {env: %[3]s}}\n"+
			"mode: authoritative\nmanage: ['*/*']\nguards: {max_removals: 100%%, max_leavers: 100%%, keep_admins: 0}\n", f[0], f[1], f[2])
	}
	return out
}

// TestReadAhead: systems are read while it is resolved what is declared: neither is done before both
// have begun.
func TestReadAhead(t *testing.T) {
	for name, run := range map[string]func(*engine.Engine, engine.PlanOptions) error{
		"plan": func(e *engine.Engine, o engine.PlanOptions) error {
			_, d, err := e.Plan(t.Context(), o)
			return errors.Join(err, d.Close())
		},
		"apply": func(e *engine.Engine, o engine.PlanOptions) error {
			_, err := e.Apply(t.Context(), engine.ApplyOptions{PlanOptions: o})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWitness(t, "a", "b")
			w.commit(docs("a a A", "b b B"))
			reading, resolving := make(chan struct{}), make(chan struct{})
			var both sync.WaitGroup
			both.Add(2)
			go func() { both.Wait(); close(reading) }()
			begun := map[string]*sync.Once{"a": {}, "b": {}}
			w.read = func(_ context.Context, system string) {
				begun[system].Do(both.Done)
				await(t, resolving, "nothing is resolved while "+system+" is read")
			}
			var first sync.Once
			w.normalize = func() {
				first.Do(func() {
					close(resolving)
					await(t, reading, "nothing is read while it is resolved what is declared")
				})
			}
			if err := run(w.engine(), w.options()); err != nil {
				t.Fatal(err)
			}
			if got := w.asked(); !slices.Contains(got, "a by A") || !slices.Contains(got, "b by B") {
				t.Errorf("read were %v", got)
			}
		})
	}
}

func await(t *testing.T, c <-chan struct{}, complaint string) {
	select {
	case <-c:
	case <-time.After(patience):
		t.Error(complaint)
	}
}

// TestAskedAtAll: who isn't to be asked isn't, at no moment of a run: neither is anything read there
// nor its credential resolved. Of one person no more is asked than theirs.
func TestAskedAtAll(t *testing.T) {
	plan := func(o ...func(*engine.PlanOptions)) func(*witness) error {
		return func(w *witness) error {
			_, d, err := w.engine().Plan(w.Context(), w.options(o...))
			return errors.Join(err, d.Close())
		}
	}
	apply := func(o ...func(*engine.PlanOptions)) func(*witness) error {
		return func(w *witness) error {
			_, err := w.engine().Apply(w.Context(), engine.ApplyOptions{PlanOptions: w.options(o...)})
			return err
		}
	}
	tests := []struct {
		name          string
		before, after string
		unapplied     bool // what was before
		run           func(*witness) error
		want          []string
	}{
		{"as before", docs("a a A", "b b B"), docs("a a A", "b b B"), false, plan(), []string{"a by A", "b by B"}},
		{"new, to the tip", docs("a a A"), docs("a a A", "b b B"), true, plan(base("HEAD~1")), []string{"a by A"}},
		{"new, to the journal", docs("a a A"), docs("a a A", "b b B"), false, plan(), []string{"a by A"}},
		{"new, when applied", docs("a a A"), docs("a a A", "b b B"), false, apply(), []string{"a by A"}},
		{"another credential, to the tip", docs("a a A", "b b B"), docs("a a C", "b b B"), true, plan(base("HEAD~1")), []string{"b by B"}},
		{"another credential, to the journal", docs("a a A", "b b B"), docs("a a C", "b b B"), false, plan(), []string{"b by B"}},
		{"another credential, when applied", docs("a a A", "b b B"), docs("a a C", "b b B"), false, apply(), []string{"a by A", "b by B"}},
		{"another credential, allowed", docs("a a A", "b b B"), docs("a a C", "b b B"), false, plan(allow("new-connection:a")), []string{"a by C", "b by B"}},
		{"another one allowed", docs("a a A", "b b B"), docs("a a C", "b b B"), false, plan(allow("new-connection:b")), []string{"b by B"}},
		{"another connector", docs("a a A", "b b B"), docs("a b A", "b b B"), false, plan(), []string{"b by B"}},
		{"another connector, when applied", docs("a a A", "b b B"), docs("a b A", "b b B"), false, apply(), []string{"b by B"}},
		{"nobody was ever asked", docs("a a A"), docs("a a C"), true, plan(), []string{"a by C"}},
		{"without the systems", docs("a a A"), docs("a a A"), false, plan(func(o *engine.PlanOptions) { o.NoLive = true }), nil},
		{"one system", docs("a a A", "b b B"), docs("a a A", "b b B"), false, plan(only("b")), []string{"b by B"}},
		{"why", docs("a a A", "b b B"), docs("a a A", "b b B"), false, func(w *witness) error {
			_, err := w.engine().Why(w.Context(), engine.WhyOptions{PlanOptions: w.options(), Person: "al"})
			return err
		}, []string{"a by A in part", "b by B in part"}},
		{"offboard", docs("a a A", "b b B"), docs("a a A", "b b B"), false, func(w *witness) error {
			_, err := w.engine().Offboard(w.Context(), engine.OffboardOptions{Dir: w.dir, Leave: engine.Leave{Person: "al"}})
			return err
		}, []string{"a by A in part", "b by B in part"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWitness(t, "a", "b")
			w.commit(complete(tt.before))
			if !tt.unapplied {
				if err := apply()(w); err != nil {
					t.Fatal(err)
				}
			}
			w.asked()
			w.commit(complete(tt.after))
			if err := tt.run(w); err != nil {
				t.Fatal(err)
			}
			w.want("read", w.asked(), tt.want...)
		})
	}
}

// complete keeps a site from declaring what the documents leave out.
func complete(docs string) string { return docs + "# system: a\n# system: b\n" }

// TestResolvingFails: where what is declared makes no sense the run ends with that, as it does without
// any system; what is being read is ended before anything is closed, who waits isn't asked any more,
// and nobody is told of an answer.
func TestResolvingFails(t *testing.T) {
	w := newWitness(t, "a", "b")
	w.commit(docs("a a A", "b b B") + "---\nperson: bo\naccounts: {a: al}\n---\ngrant: twin\nto: [bo]\naccess: {a: [folder/f]}\n")
	_, _, want := w.engine().Plan(t.Context(), w.options(func(o *engine.PlanOptions) { o.NoLive = true }))
	if want == nil || !strings.Contains(want.Error(), "both have the account") {
		t.Fatalf("without the systems: %v", want)
	}
	reading, ended := make(chan struct{}), false
	w.read = func(ctx context.Context, _ string) {
		close(reading)
		await(t, ctx.Done(), "reading isn't ended")
		time.Sleep(20 * time.Millisecond) // it takes a while to end
		ended = true
	}
	var first sync.Once
	w.normalize = func() {
		first.Do(func() { await(t, reading, "nothing is read while it is resolved what is declared") })
	}
	_, _, err := w.engine().Plan(t.Context(), w.options(func(o *engine.PlanOptions) {
		o.Parallel = 1
		o.Progress = func(r observe.Result) { t.Errorf("told of %s", r.System) }
	}))
	if err == nil || err.Error() != want.Error() {
		t.Errorf("%v\nwant %v", err, want)
	}
	if !ended {
		t.Error("the run is over, and reading isn't")
	}
	if got := w.asked(); len(got) != 1 {
		t.Errorf("asked were %v", got)
	}
}

// TestJournalElsewhere: what counts is the journal of which accord.yaml says where it is, whatever was
// read meanwhile.
func TestJournalElsewhere(t *testing.T) {
	for _, config := range []string{"", "journal: {dir: elsewhere}\n", "journal: {git: refs/accord/journal}\n"} {
		s := oneSystem(t)
		s.config = config
		s.seed("sys", "folder/f")
		const system = "\n---\nsystem: sys\nconnector: sys\nmode: additive\nmanage: ['*/*']\nguards: {max_removals: 100%}\n"
		s.commit("person: al\n" + to("al") + system)
		s.apply(engine.ExitOK)
		s.commit("person: al\n" + system)
		s.want(config, keys(s.plan()), "revoke sys/al folder/f read") // only who remembers it takes it away
	}
}

// TestBaseIsHead: where head itself was applied last, what was before is still told from what is known
// besides: of somebody who was offboarded since, what the base gave them.
func TestBaseIsHead(t *testing.T) {
	give := access.Change{System: "sys", Action: access.Give, Subject: access.Account("al"), Target: access.ID{Kind: "folder", Name: "f"}, After: &access.Value{Permission: "read"}}
	enable := access.Change{System: "sys", Action: access.Enable, Subject: access.Account("al"), Before: &access.Value{Disabled: true}, After: &access.Value{}}
	tests := []struct {
		name   string
		option memory.Option
		again  []access.Change // somebody lets them in again
		want   []string
	}{
		{"disabled", memory.Settle(0), []access.Change{enable, give}, []string{"disable sys/al", "revoke sys/al folder/f read"}},
		{"only revoked", memory.Without(access.KindAccount, access.Disable, access.Enable), []access.Change{give}, []string{"revoke sys/al folder/f read"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := oneSystem(t, tt.option)
			s.seed("sys", "folder/f")
			s.commit("people: [{person: al}, {person: bo}]" + to("al, bo"))
			s.apply(engine.ExitOK)
			s.want("as applied", keys(s.plan()))
			if _, err := s.engine().Offboard(t.Context(), engine.OffboardOptions{Dir: s.dir, Leave: engine.Leave{Person: "al", Uncommitted: true}}); err != nil {
				t.Fatal(err)
			}
			if err := s.far["sys"].Do(tt.again...); err != nil {
				t.Fatal(err)
			}
			p := s.plan()
			for _, st := range p.Steps {
				if st.Action == access.Revoke && len(st.Was) == 0 {
					t.Errorf("%s: it isn't told what gave it", st.Key())
				}
			}
			s.want("after the offboarding", keys(p), tt.want...)
		})
	}
}
