package engine_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// site is an access repository in git with systems in memory, each with a connector of its own
// name.
type site struct {
	*testing.T
	dir string
	now time.Time
	far map[string]*memory.System
	// config is what accord.yaml says beside the version.
	config string
}

// newSite makes a repository with these systems; each may be given options.
func newSite(t *testing.T, systems map[string][]memory.Option) *site {
	t.Helper()
	s := &site{T: t, dir: t.TempDir(), now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), far: map[string]*memory.System{}}
	for name, options := range systems {
		s.far[name] = memory.New(append([]memory.Option{memory.Named(name)}, options...)...)
	}
	gitIn(t, s.dir, "init", "-q", "-b", "main")
	return s
}

// commit replaces the documents and commits them. Systems that the text doesn't declare are
// declared authoritative, claiming everything.
func (s *site) commit(docs string) {
	s.Helper()
	s.write(docs)
	gitIn(s.T, s.dir, "add", "-A")
	gitIn(s.T, s.dir, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "next")
}

func (s *site) write(docs string) {
	s.Helper()
	for name := range s.far {
		if !strings.Contains(docs, "system: "+name+"\n") {
			docs += fmt.Sprintf("\n---\nsystem: %s\nconnector: %s\nmode: authoritative\nmanage: ['*/*']\nguards: {max_removals: 100%%, max_leavers: 100%%, keep_admins: 0}\n", name, name)
		}
	}
	text := "version: 1\n" + s.config + "---\n" + strings.TrimPrefix(docs, "\n---\n")
	for name, data := range map[string]string{"accord.yaml": text, ".gitignore": ".accord/\n*.json\n"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(data), 0o644); err != nil {
			s.Fatal(err)
		}
	}
}

// seed fills a system with what lines say: "al" is an account, "al disabled" a disabled one,
// "folder/f" another object, "al read folder/f" a grant between things that are there.
func (s *site) seed(system string, lines ...string) {
	s.Helper()
	b := access.NewBuilder(system)
	there := map[access.ID]bool{}
	id := func(text string) access.ID {
		v := access.Account(text)
		if strings.Contains(text, "/") {
			v, _ = access.ParseID(text)
		}
		return v
	}
	object := func(o access.Object) {
		if !there[o.ID] {
			there[o.ID] = true
			b.Object(o)
		}
	}
	for _, line := range lines {
		if f := strings.Fields(line); len(f) < 3 {
			object(access.Object{ID: id(f[0]), Disabled: len(f) == 2})
		}
	}
	for _, line := range lines {
		if f := strings.Fields(line); len(f) == 3 {
			object(access.Object{ID: id(f[0])})
			object(access.Object{ID: id(f[2])})
			b.Grant(access.Grant{Subject: id(f[0]), Permission: f[1], Target: id(f[2])})
		}
	}
	state, err := b.Build()
	if err != nil {
		s.Fatal(err)
	}
	s.far[system].Seed(state)
}

func (s *site) engine() *engine.Engine {
	var types []connectors.Type
	for _, far := range s.far {
		types = append(types, far.Type())
	}
	return &engine.Engine{Types: types, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return s.now }, Version: "test", Actor: "test"}
}

func (s *site) options(o ...func(*engine.PlanOptions)) engine.PlanOptions {
	out := engine.PlanOptions{Source: engine.Source{Dir: s.dir}}
	for _, f := range o {
		f(&out)
	}
	return out
}

func (s *site) plan(o ...func(*engine.PlanOptions)) *plan.Plan {
	s.Helper()
	p, d, err := s.engine().Plan(s.Context(), s.options(o...))
	if err != nil {
		s.Fatal(err)
	}
	if err := d.Close(); err != nil {
		s.Error(err)
	}
	return p
}

// apply applies and wants an exit code.
func (s *site) apply(exit int, o ...func(*engine.PlanOptions)) *engine.Applied {
	s.Helper()
	return s.applyPlan(exit, engine.ApplyOptions{PlanOptions: s.options(o...)})
}

func (s *site) applyPlan(exit int, o engine.ApplyOptions) *engine.Applied {
	s.Helper()
	s.now = s.now.Add(time.Minute)
	res, err := s.engine().Apply(s.Context(), o)
	if err != nil {
		s.Fatal(err)
	}
	if res.Exit != exit {
		s.Errorf("apply exits with %d, not %d: %v, refusals %v", res.Exit, exit, keys(res.Plan), res.Plan.Refusals)
	}
	return res
}

func base(rev string) func(*engine.PlanOptions) {
	return func(o *engine.PlanOptions) { o.Base = rev }
}

func allow(names ...string) func(*engine.PlanOptions) {
	return func(o *engine.PlanOptions) {
		for _, n := range names {
			a, _ := engine.ParseAllow(n)
			o.Allow = append(o.Allow, a)
		}
	}
}

func only(systems ...string) func(*engine.PlanOptions) {
	return func(o *engine.PlanOptions) { o.Systems = systems }
}

// keys are the steps of a plan, with why they are held.
func keys(p *plan.Plan) []string {
	var out []string
	for _, s := range p.Steps {
		text := strings.ReplaceAll(s.Key(), "account/", "")
		if s.Held != nil {
			text += " (" + string(s.Held.Why) + ")"
		}
		out = append(out, text)
	}
	return out
}

// live lists what is on a system, accounts without their kind: "al", "al disabled", "al read folder/f".
func (s *site) live(system string) []string {
	var out []string
	d := s.far[system].Dump()
	for o := range d.Objects() {
		if o.ID.IsAccount() {
			text := o.ID.Name
			if o.Disabled {
				text += " disabled"
			}
			out = append(out, text)
		}
	}
	for _, g := range d.Grants() {
		out = append(out, strings.TrimPrefix(g.String(), "account/"))
	}
	return out
}

func (s *site) want(what string, got []string, want ...string) {
	s.Helper()
	if !slices.Equal(got, want) {
		s.Errorf("%s:\n got  %s\n want %s", what, strings.Join(got, "\n      "), strings.Join(want, "\n      "))
	}
}
